// A workgroup a row: 64 threads sum every 64th place, then halve their number until one has the sum.
// uses index
const TILE_ROWS = 1u;
const THREADS = 64u;
var<workgroup> parts: array<vec2<f32>, THREADS>;

@compute @workgroup_size(THREADS)
fn position_means(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>) {
    let row = group_x(wid, groups);
    var sums = vec2<f32>();
    if (row < ROWS) {
        for (var p = lid.x; p < POSITIONS; p += THREADS) {
            let at = row * POSITIONS + p;
            sums += vec2<f32>(losses[at], hits[at]);
        }
    }
    parts[lid.x] = sums;
    for (var left = THREADS / 2u; left > 0u; left /= 2u) {
        workgroupBarrier();
        if (lid.x < left) { parts[lid.x] = parts[lid.x] + parts[lid.x + left]; }
    }
    if (lid.x == 0u && row < ROWS) {
        let means = parts[0] / f32(POSITIONS);
        loss[row] = means.x;
        hit[row] = means.y;
    }
}
