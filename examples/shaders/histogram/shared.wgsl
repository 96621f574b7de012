// One workgroup THREADS * ITEMS elements: they are counted in workgroup memory first, so that memory sees one atomic
// addition for each bin and workgroup.
// uses index
const ITEMS = 16u; // one of 4, 16, 64: elements of a thread
const THREADS = 64u;
const TILE_N = THREADS * ITEMS;
var<workgroup> counts: array<atomic<u32>, BINS>;
@compute @workgroup_size(THREADS)
fn histogram(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
             @builtin(num_workgroups) groups: vec3<u32>) {
    for (var bin = lid.x; bin < BINS; bin += THREADS) {
        atomicStore(&counts[bin], 0u);
    }
    workgroupBarrier();
    let first = group_x(wid, groups) * TILE_N + lid.x;
    for (var item = 0u; item < ITEMS; item++) {
        let i = first + item * THREADS;
        if (i < N) {
            atomicAdd(&counts[x[i]], 1u);
        }
    }
    workgroupBarrier();
    for (var bin = lid.x; bin < BINS; bin += THREADS) {
        let count = atomicLoad(&counts[bin]);
        if (count > 0u) {
            atomicAdd(&bins[bin], count);
        }
    }
}
