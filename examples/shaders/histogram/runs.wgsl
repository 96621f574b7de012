// One thread ITEMS elements in a row: equal ones that follow each other are one atomic addition.
// uses index
const ITEMS = 16u; // one of 4, 16, 64
const THREADS = 64u;
const TILE_N = THREADS * ITEMS;
@compute @workgroup_size(THREADS)
fn histogram(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
             @builtin(num_workgroups) groups: vec3<u32>) {
    let first = group_x(wid, groups) * TILE_N + lid.x * ITEMS;
    if (first >= N) { return; }
    let end = min(first + ITEMS, N);
    var value = x[first];
    var count = 1u;
    for (var i = first + 1u; i < end; i++) {
        let next = x[i];
        if (next == value) {
            count++;
        } else {
            atomicAdd(&bins[value], count);
            value = next;
            count = 1u;
        }
    }
    atomicAdd(&bins[value], count);
}
