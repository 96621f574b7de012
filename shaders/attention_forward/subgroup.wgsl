// Blocks of 32 queries by 32 keys (Dao et al., 2022), no barriers. For CPU adapters, where loads are dear: eight lanes share the
// loads of 32 keys for the 32 × 32 products of each number of a key, and those of 32 values. What `lanes < 8` is for:
// shaders/README.md.
// A workgroup has 32 queries of a head and goes through its keys; a lane has four of them, so that a softmax is its own affair.
// needs SOFTWARE, KEY <= 68, VALUE <= 68
// uses index
// grid T, PAIRS = ROWS * HEADS
const TILE_T = 32u;
const TILE_PAIRS = 1u;
const KEYS = 32u;
const LONGEST = 68u;

// Of the lane's four queries: their numbers, the values so far, and the scores or shares of the block's keys.
var<private> query: array<vec4<f32>, LONGEST> = array<vec4<f32>, LONGEST>();
var<private> sums: array<vec4<f32>, LONGEST> = array<vec4<f32>, LONGEST>();
var<private> shares: array<vec4<f32>, KEYS> = array<vec4<f32>, KEYS>();
// Four numbers of them, or sums at four places.
var<private> a: vec4<f32> = vec4<f32>();
var<private> b: vec4<f32> = vec4<f32>();
var<private> c: vec4<f32> = vec4<f32>();
var<private> d: vec4<f32> = vec4<f32>();

@compute @workgroup_size(8)
fn attention_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                     @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_size) lanes: u32) {
    let pair = group_y(wid, groups);
    if (pair >= ROWS * HEADS) { return; }
    let n = pair / HEADS;
    let h = pair % HEADS;
    let first = wid.x * TILE_T;
    let own = vec4<u32>(first + 4u * lid.x) + vec4<u32>(0u, 1u, 2u, 3u);
    let t = min(own, vec4<u32>(T - 1u));
    let at = (n * T + t) * HEADS + h;
    var place = at * KEY;
    for (var x = at.x * KEY; x < at.x * KEY + KEY; x++) {
        query[x - at.x * KEY] = vec4<f32>(q[place.x], q[place.y], q[place.z], q[place.w]);
        place += 1u;
    }
    let seen = select(vec4<u32>(S), min(t + 1u, vec4<u32>(S)), CAUSAL == 1u);
    let most = seen_by(min(first + TILE_T, T) - 1u);
    var top = vec4<f32>(0.0);
    var sum = vec4<f32>(0.0);
    for (var start = 0u; start < most; start += KEYS) {
        for (var s = 0u; s < KEYS; s++) { shares[s] = vec4<f32>(0.0); }
        for (var x = 0u; x < KEY; x += 4u) {
            a = query[x];
            b = query[x + 1u];
            c = query[x + 2u];
            d = query[x + 3u];
            if (lanes < 8u) {
                for (var s = 0u; s < KEYS; s++) { add_key(s, k_at(n, h, start + s, x)); }
                continue;
            }
            eight_keys(0u, k_at(n, h, start + lid.x, x));
            eight_keys(8u, k_at(n, h, start + 8u + lid.x, x));
            eight_keys(16u, k_at(n, h, start + 16u + lid.x, x));
            eight_keys(24u, k_at(n, h, start + 24u + lid.x, x));
        }
        var higher = select(top, SCALE * shares[0], start == 0u);
        higher = eight_tops(0u, start, seen, higher);
        higher = eight_tops(8u, start, seen, higher);
        higher = eight_tops(16u, start, seen, higher);
        higher = eight_tops(24u, start, seen, higher);
        let less = select(exp(top - higher), vec4<f32>(0.0), start == 0u);
        top = higher;
        sum *= less;
        sum = eight_powers(0u, start, seen, top, sum, at);
        sum = eight_powers(8u, start, seen, top, sum, at);
        sum = eight_powers(16u, start, seen, top, sum, at);
        sum = eight_powers(24u, start, seen, top, sum, at);
        for (var x = 0u; x < VALUE; x += 4u) {
            a = sums[x] * less;
            b = sums[x + 1u] * less;
            c = sums[x + 2u] * less;
            d = sums[x + 3u] * less;
            if (lanes < 8u) {
                for (var s = 0u; s < KEYS; s++) { add_value(s, v_at(n, h, start + s, x)); }
            } else {
                eight_values(0u, v_at(n, h, start + lid.x, x));
                eight_values(8u, v_at(n, h, start + 8u + lid.x, x));
                eight_values(16u, v_at(n, h, start + 16u + lid.x, x));
                eight_values(24u, v_at(n, h, start + 24u + lid.x, x));
            }
            sums[x] = a;
            sums[x + 1u] = b;
            sums[x + 2u] = c;
            sums[x + 3u] = d;
        }
    }
    let share = 1.0 / sum;
    let log_sum = top + log(sum);
    place = at * VALUE;
    for (var x = at.x * VALUE; x < at.x * VALUE + VALUE; x++) {
        let mean = sums[x - at.x * VALUE] * share;
        if (own.x < T) { y[place.x] = mean.x; }
        if (own.y < T) { y[place.y] = mean.y; }
        if (own.z < T) { y[place.z] = mean.z; }
        if (own.w < T) { y[place.w] = mean.w; }
        place += 1u;
    }
    if (own.x < T) { stats[at.x] = log_sum.x; }
    if (own.y < T) { stats[at.y] = log_sum.y; }
    if (own.z < T) { stats[at.z] = log_sum.z; }
    if (own.w < T) { stats[at.w] = log_sum.w; }
}

// Four numbers of a key from x on; those beyond the end meet zeros of the query.
fn k_at(n: u32, h: u32, s: u32, x: u32) -> vec4<f32> {
    let first = at_key(n, min(s, S - 1u), h) * KEY;
    let at = first + min(vec4<u32>(x, x + 1u, x + 2u, x + 3u), vec4<u32>(KEY - 1u));
    return vec4<f32>(k[at.x], k[at.y], k[at.z], k[at.w]);
}

// Four numbers of a value; sums of those beyond the end are stored nowhere.
fn v_at(n: u32, h: u32, s: u32, x: u32) -> vec4<f32> {
    let first = at_key(n, min(s, S - 1u), h) * VALUE;
    let at = first + min(vec4<u32>(x, x + 1u, x + 2u, x + 3u), vec4<u32>(VALUE - 1u));
    return vec4<f32>(v[at.x], v[at.y], v[at.z], v[at.w]);
}

fn eight_keys(first: u32, own: vec4<f32>) {
    for (var r = 0u; r < 8u; r++) { add_key(first + r, subgroupShuffle(own, r)); }
}

fn add_key(s: u32, key: vec4<f32>) { shares[s] += key.x * a + key.y * b + key.z * c + key.w * d; }

fn eight_values(first: u32, own: vec4<f32>) {
    for (var r = 0u; r < 8u; r++) { add_value(first + r, subgroupShuffle(own, r)); }
}

fn add_value(s: u32, value: vec4<f32>) {
    let share = shares[s];
    a += share * value.x;
    b += share * value.y;
    c += share * value.z;
    d += share * value.w;
}

// The largest scores, of those before and of eight keys.
fn eight_tops(first: u32, start: u32, seen: vec4<u32>, top: vec4<f32>) -> vec4<f32> {
    var higher = top;
    for (var r = 0u; r < 8u; r++) {
        let score = SCALE * shares[first + r];
        shares[first + r] = score;
        higher = max(higher, select(higher, score, vec4<u32>(start + first + r) < seen));
    }
    return higher;
}

// The sum in the softmax with eight keys more, whose scores become shares.
fn eight_powers(first: u32, start: u32, seen: vec4<u32>, top: vec4<f32>, sum: vec4<f32>, at: vec4<u32>) -> vec4<f32> {
    var all = sum;
    for (var r = 0u; r < 8u; r++) {
        let s = start + first + r;
        let power = exp(min(shares[first + r] - top, vec4<f32>(0.0)));
        let share = select(vec4<f32>(0.0), power, vec4<u32>(s) < seen);
        all += share;
        shares[first + r] = share * vec4<f32>(kept(at.x, s), kept(at.y, s), kept(at.z, s), kept(at.w, s));
    }
    return all;
}
