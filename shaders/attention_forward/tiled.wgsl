// For GPUs: blocks of 32 queries by 32 keys (Dao et al., 2022). A workgroup goes through the keys of a head for its queries; a
// thread has four queries, four keys of each block, and the values of its queries at four or eight places, in registers. Queries
// and keys are staged by DEPTH numbers, then shares, and values by TILE_V places; for longer values all of it is done again.
// Eight places save that at a length of 64, and make SwiftShader's compiler take gigabytes.
// uses index, guard, tile
// grid T, PAIRS = ROWS * HEADS
const TILE_T = 32u;
const TILE_PAIRS = 1u;
const TILE_S = 32u; // keys of a block
const TILE_V = 32u; // one of 32, 64: places of values
const DEPTH = 16u; // one of 8, 16: numbers of queries and keys that are staged at a time
const BLOCK = 4u;
const THREADS_X = TILE_S / BLOCK;
const THREADS_Y = TILE_T / BLOCK;
const STRIDE = TILE_T / 4u + 1u; // one more keeps writers of different numbers in different banks
const V_QUADS = TILE_V / 4u;
const V_STRIDE = V_QUADS + 1u;
const ROUNDS = DEPTH * TILE_T / 4u / THREADS;
const HAS_FAR = TILE_V > TILE_S;
const LOWEST = -3.4028234e38;
var<workgroup> shares: array<vec4<f32>, TILE_S * STRIDE>; // [key][query]: four queries THREADS_Y apart
var<workgroup> staged: array<vec4<f32>, TILE_S * V_STRIDE>; // queries and keys [number][..], or values [key][place]
var<workgroup> found: array<vec4<f32>, THREADS>; // of each thread: largest scores, or sums

fn q_at(n: u32, h: u32, t: u32, c: u32) -> f32 {
    let value = q[at_query(n, clamped(t, T, TILE_T), h) * KEY + clamped(c, KEY, DEPTH)];
    return select(0.0, value, within(c, KEY, DEPTH));
}

fn k_at(n: u32, h: u32, s: u32, c: u32) -> f32 {
    return k[at_key(n, clamped(s, S, TILE_S), h) * KEY + clamped(c, KEY, DEPTH)];
}

fn v_at(n: u32, h: u32, s: u32, c: u32) -> f32 {
    return v[at_key(n, clamped(s, S, TILE_S), h) * VALUE + clamped(c, VALUE, TILE_V)];
}

fn shown(x: vec4<f32>, s: u32, seen: vec4<u32>) -> vec4<f32> {
    return select(vec4<f32>(LOWEST), x, vec4<u32>(s) < seen);
}

// What a key adds to the sum in the softmax.
fn power(x: vec4<f32>, top: vec4<f32>, s: u32, seen: vec4<u32>) -> vec4<f32> {
    return select(vec4<f32>(0.0), exp(min(x - top, vec4<f32>(0.0))), vec4<u32>(s) < seen);
}

fn kept_by(query: vec4<u32>, s: u32) -> vec4<f32> {
    return vec4<f32>(kept(query.x, s), kept(query.y, s), kept(query.z, s), kept(query.w, s));
}

fn store(n: u32, h: u32, t: u32, c: u32, value: f32) {
    if (within(t, T, TILE_T) & within(c, VALUE, TILE_V)) { y[at_query(n, t, h) * VALUE + c] = value; }
}

fn store_row(n: u32, h: u32, t: u32, c: u32, row: vec4<f32>) {
    store(n, h, t, c, row.x);
    store(n, h, t, c + THREADS_X, row.y);
    store(n, h, t, c + 2u * THREADS_X, row.z);
    store(n, h, t, c + 3u * THREADS_X, row.w);
}

fn store_block(n: u32, h: u32, t: vec4<u32>, c: u32, rows: mat4x4<f32>, sum: vec4<f32>) {
    store_row(n, h, t.x, c, rows[0] / sum.x);
    store_row(n, h, t.y, c, rows[1] / sum.y);
    store_row(n, h, t.z, c, rows[2] / sum.z);
    store_row(n, h, t.w, c, rows[3] / sum.w);
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn attention_forward(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                     @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let pair = group_y(wid, groups);
    if (pair >= ROWS * HEADS) { return; }
    let n = pair / HEADS;
    let h = pair % HEADS;
    let first = wid.x * TILE_T;
    let own = vec4<u32>(first + lid.y) + THREADS_Y * vec4<u32>(0u, 1u, 2u, 3u);
    let query = (n * T + own) * HEADS + h;
    let seen = select(vec4<u32>(S), min(own + 1u, vec4<u32>(S)), CAUSAL == 1u);
    let most = seen_by(min(first + TILE_T, T) - 1u);
    for (var left = 0u; left < VALUE; left += TILE_V) {
        var top = vec4<f32>(LOWEST);
        var sum = vec4<f32>(0.0);
        var near = mat4x4<f32>(); // [query][place]
        var far = mat4x4<f32>(); // 32 places further on
        for (var start = 0u; start < most; start += TILE_S) {
            var scores = mat4x4<f32>(); // [key][query]
            for (var depth = 0u; depth < KEY; depth += DEPTH) {
                for (var r = 0u; r < ROUNDS; r++) {
                    let at = index + r * THREADS;
                    let c = at % DEPTH;
                    let t = staged_row(first, at / DEPTH);
                    let s = staged_column(start, at / DEPTH);
                    staged[c * STRIDE + at / DEPTH] = vec4<f32>(
                        q_at(n, h, t, depth + c), q_at(n, h, t + THREADS_Y, depth + c),
                        q_at(n, h, t + 2u * THREADS_Y, depth + c), q_at(n, h, t + 3u * THREADS_Y, depth + c));
                    staged[(DEPTH + c) * STRIDE + at / DEPTH] = vec4<f32>(
                        k_at(n, h, s, depth + c), k_at(n, h, s + THREADS_X, depth + c),
                        k_at(n, h, s + 2u * THREADS_X, depth + c), k_at(n, h, s + 3u * THREADS_X, depth + c));
                }
                workgroupBarrier();
                for (var c = 0u; c < DEPTH; c++) {
                    scores += outer(staged[(DEPTH + c) * STRIDE + lid.x], staged[c * STRIDE + lid.y]);
                }
                workgroupBarrier();
            }
            scores = SCALE * scores;
            let s = start + lid.x;
            found[index] = max(max(shown(scores[0], s, seen), shown(scores[1], s + THREADS_X, seen)),
                               max(shown(scores[2], s + 2u * THREADS_X, seen), shown(scores[3], s + 3u * THREADS_X, seen)));
            for (var r = 0u; r < TILE_S * V_QUADS / THREADS; r++) {
                let at = index + r * THREADS;
                let c = staged_column(left, at % V_QUADS);
                let key = start + at / V_QUADS;
                staged[at / V_QUADS * V_STRIDE + at % V_QUADS] = vec4<f32>(
                    v_at(n, h, key, c), v_at(n, h, key, c + THREADS_X),
                    v_at(n, h, key, c + 2u * THREADS_X), v_at(n, h, key, c + 3u * THREADS_X));
            }
            workgroupBarrier();
            var higher = top;
            for (var x = 0u; x < THREADS_X; x++) { higher = max(higher, found[lid.y * THREADS_X + x]); }
            let less = select(exp(top - higher), vec4<f32>(0.0), start == 0u);
            top = higher;
            let a = power(scores[0], top, s, seen);
            let b = power(scores[1], top, s + THREADS_X, seen);
            let c = power(scores[2], top, s + 2u * THREADS_X, seen);
            let d = power(scores[3], top, s + 3u * THREADS_X, seen);
            sum = sum * less + a + b + c + d;
            shares[lid.x * STRIDE + lid.y] = a * kept_by(query, s);
            shares[(lid.x + THREADS_X) * STRIDE + lid.y] = b * kept_by(query, s + THREADS_X);
            shares[(lid.x + 2u * THREADS_X) * STRIDE + lid.y] = c * kept_by(query, s + 2u * THREADS_X);
            shares[(lid.x + 3u * THREADS_X) * STRIDE + lid.y] = d * kept_by(query, s + 3u * THREADS_X);
            near = mat4x4<f32>(less.x * near[0], less.y * near[1], less.z * near[2], less.w * near[3]);
            if (HAS_FAR) { far = mat4x4<f32>(less.x * far[0], less.y * far[1], less.z * far[2], less.w * far[3]); }
            workgroupBarrier();
            for (var key = 0u; key < TILE_S; key++) {
                let share = shares[key * STRIDE + lid.y];
                near += outer(share, staged[key * V_STRIDE + lid.x]);
                if (HAS_FAR) { far += outer(share, staged[key * V_STRIDE + THREADS_X + lid.x]); }
            }
            workgroupBarrier();
        }
        found[index] = sum;
        workgroupBarrier();
        sum = vec4<f32>(0.0);
        for (var x = 0u; x < THREADS_X; x++) { sum += found[lid.y * THREADS_X + x]; }
        workgroupBarrier();
        let c = left + lid.x;
        store_block(n, h, own, c, near, sum);
        if (HAS_FAR) { store_block(n, h, own, c + 4u * THREADS_X, far, sum); }
        if (c == 0u) {
            let log_sum = top + log(sum);
            if (own.x < T) { stats[query.x] = log_sum.x; }
            if (own.y < T) { stats[query.y] = log_sum.y; }
            if (own.z < T) { stats[query.z] = log_sum.z; }
            if (own.w < T) { stats[query.w] = log_sum.w; }
        }
    }
}
