// One thread: it counts the digits, then moves each key to the next place of its digit.
@compute @workgroup_size(1)
fn sort_tokens() {
    var next = array<u32, 9>();
    for (var i = 0u; i < COUNT; i++) { next[digit_of(i) + 1u] += 1u; }
    for (var d = 1u; d < 9u; d++) { next[d] += next[d - 1u]; }
    for (var i = 0u; i < COUNT; i++) {
        let d = digit_of(i);
        let place = next[d];
        next[d] = place + 1u;
        sorted[place] = keys[i];
        places[place] = order[i];
    }
}
