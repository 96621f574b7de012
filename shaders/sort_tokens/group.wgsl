// One workgroup, each of whose threads counts and moves the keys of a segment. The places where the digits of a segment begin
// are the sums of all counts before them, digit by digit and then segment by segment.
const THREADS = 256u;
const DIGITS = 8u;
var<workgroup> counts: array<u32, 2048>; // (DIGITS, THREADS)
var<workgroup> sums: array<u32, THREADS>;

@compute @workgroup_size(THREADS)
fn sort_tokens(@builtin(local_invocation_id) lid: vec3<u32>) {
    let own = lid.x;
    let each = (COUNT + THREADS - 1u) / THREADS;
    let first = min(own * each, COUNT);
    let end = min(first + each, COUNT);
    for (var d = 0u; d < DIGITS; d++) { counts[d * THREADS + own] = 0u; }
    for (var i = first; i < end; i++) {
        let at = digit_of(i) * THREADS + own;
        counts[at] = counts[at] + 1u;
    }
    workgroupBarrier();
    // Each thread sums DIGITS counts that lie side by side; then the sums before each thread are added in turns.
    var sum = 0u;
    for (var n = 0u; n < DIGITS; n++) { sum += counts[own * DIGITS + n]; }
    sums[own] = sum;
    for (var reach = 1u; reach < THREADS; reach *= 2u) {
        workgroupBarrier();
        var before = 0u;
        if (own >= reach) { before = sums[own - reach]; }
        workgroupBarrier();
        sums[own] = sums[own] + before;
    }
    workgroupBarrier();
    var start = sums[own] - sum;
    for (var n = 0u; n < DIGITS; n++) {
        let count = counts[own * DIGITS + n];
        counts[own * DIGITS + n] = start;
        start += count;
    }
    workgroupBarrier();
    for (var i = first; i < end; i++) {
        let at = digit_of(i) * THREADS + own;
        let place = counts[at];
        counts[at] = place + 1u;
        sorted[place] = keys[i];
        places[place] = order[i];
    }
}
