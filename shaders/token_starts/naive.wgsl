// One thread a word.
// uses index
@compute @workgroup_size(64)
fn token_starts(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                @builtin(num_workgroups) groups: vec3<u32>) {
    let k = thread_x(wid, groups, lid);
    if (k > WORDS) { return; }
    var low = 0u;
    var high = COUNT;
    while (low < high) {
        let middle = low + (high - low) / 2u;
        if (token(keys[middle], WORDS - 1u) < k) { low = middle + 1u; } else { high = middle; }
    }
    starts[k] = low;
}
