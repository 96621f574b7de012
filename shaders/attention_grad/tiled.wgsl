// forward: y[n, t, h] = Σ_s m_s · p_s · v[n, s, h], p = softmax(SCALE · q[n, t, h] · k[n, :, h]), m of dropout
// For GPUs: blocks of 32 queries by 32 keys (Dao et al., 2022). A workgroup has the gradients of 32 queries of a head, for which it
// goes through the keys, or those of 32 keys, for which it goes through the queries: its own ones and the others. A thread has
// four of its own, four others of each block, and its own gradients at four or eight places, in registers. Both sides are staged
// by DEPTH numbers, then slopes or shares, and the others by PLACES; for longer ones all of it is done again. Eight places save
// that at a length of 64, and make SwiftShader's compiler take gigabytes, as branches around single loads do.
// uses index, guard, tile
// grid BLOCKS = T / 32 + S / 32, PAIRS = ROWS * HEADS
const TILE_BLOCKS = 1u;
const TILE_PAIRS = 1u;
const TILE = 32u; // queries and keys of a block
const PLACES = 32u; // one of 32, 64: places of a gradient of a workgroup
const DEPTH = 16u; // one of 8, 16: numbers of each side that are staged at a time
const HAS_FAR = PLACES > TILE;
const BLOCK = 4u;
const THREADS_X = TILE / BLOCK;
const THREADS_Y = TILE / BLOCK;
const STRIDE = TILE / 4u + 1u; // one more keeps writers of different numbers in different banks
const QUADS = PLACES / 4u;
const PLACE_STRIDE = QUADS + 1u;
const ROUNDS = DEPTH * TILE / 4u / THREADS;
const PLACE_ROUNDS = TILE * QUADS / THREADS;
var<workgroup> factors: array<vec4<f32>, TILE * STRIDE>; // slopes or shares [other][own]: four of its own THREADS_Y apart
var<workgroup> staged: array<vec4<f32>, TILE * PLACE_STRIDE>; // both sides [number][..], or others [other][place]

fn q_at(n: u32, h: u32, t: u32, c: u32, tile: u32) -> f32 {
    let value = q[at_query(n, clamped(t, T, TILE), h) * KEY + clamped(c, KEY, tile)];
    return select(0.0, value, within(c, KEY, tile));
}

fn k_at(n: u32, h: u32, s: u32, c: u32, tile: u32) -> f32 {
    let value = k[at_key(n, clamped(s, S, TILE), h) * KEY + clamped(c, KEY, tile)];
    return select(0.0, value, within(c, KEY, tile));
}

fn dy_at(n: u32, h: u32, t: u32, c: u32, tile: u32) -> f32 {
    let value = dy[at_query(n, clamped(t, T, TILE), h) * VALUE + clamped(c, VALUE, tile)];
    return select(0.0, value, within(c, VALUE, tile));
}

fn v_at(n: u32, h: u32, s: u32, c: u32, tile: u32) -> f32 {
    let value = v[at_key(n, clamped(s, S, TILE), h) * VALUE + clamped(c, VALUE, tile)];
    return select(0.0, value, within(c, VALUE, tile));
}

// Products of queries and keys: [other][own].
fn scores_of(n: u32, h: u32, first: u32, start: u32, is_key: bool, index: u32, lid: vec3<u32>) -> mat4x4<f32> {
    var sums = mat4x4<f32>();
    let keys_at = select(DEPTH, 0u, is_key);
    for (var depth = 0u; depth < KEY; depth += DEPTH) {
        for (var r = 0u; r < ROUNDS; r++) {
            let at = index + r * THREADS;
            let c = at % DEPTH;
            let t = staged_row(select(first, start, is_key), at / DEPTH);
            let s = staged_row(select(start, first, is_key), at / DEPTH);
            staged[(DEPTH - keys_at + c) * STRIDE + at / DEPTH] = vec4<f32>(
                q_at(n, h, t, depth + c, DEPTH), q_at(n, h, t + THREADS_Y, depth + c, DEPTH),
                q_at(n, h, t + 2u * THREADS_Y, depth + c, DEPTH), q_at(n, h, t + 3u * THREADS_Y, depth + c, DEPTH));
            staged[(keys_at + c) * STRIDE + at / DEPTH] = vec4<f32>(
                k_at(n, h, s, depth + c, DEPTH), k_at(n, h, s + THREADS_Y, depth + c, DEPTH),
                k_at(n, h, s + 2u * THREADS_Y, depth + c, DEPTH), k_at(n, h, s + 3u * THREADS_Y, depth + c, DEPTH));
        }
        workgroupBarrier();
        for (var c = 0u; c < DEPTH; c++) { sums += outer(staged[(DEPTH + c) * STRIDE + lid.x], staged[c * STRIDE + lid.y]); }
        workgroupBarrier();
    }
    return sums;
}

// Products of dy and values: [other][own].
fn parts_of(n: u32, h: u32, first: u32, start: u32, is_key: bool, index: u32, lid: vec3<u32>) -> mat4x4<f32> {
    var sums = mat4x4<f32>();
    let keys_at = select(DEPTH, 0u, is_key);
    for (var depth = 0u; depth < VALUE; depth += DEPTH) {
        for (var r = 0u; r < ROUNDS; r++) {
            let at = index + r * THREADS;
            let c = at % DEPTH;
            let t = staged_row(select(first, start, is_key), at / DEPTH);
            let s = staged_row(select(start, first, is_key), at / DEPTH);
            staged[(DEPTH - keys_at + c) * STRIDE + at / DEPTH] = vec4<f32>(
                dy_at(n, h, t, depth + c, DEPTH), dy_at(n, h, t + THREADS_Y, depth + c, DEPTH),
                dy_at(n, h, t + 2u * THREADS_Y, depth + c, DEPTH), dy_at(n, h, t + 3u * THREADS_Y, depth + c, DEPTH));
            staged[(keys_at + c) * STRIDE + at / DEPTH] = vec4<f32>(
                v_at(n, h, s, depth + c, DEPTH), v_at(n, h, s + THREADS_Y, depth + c, DEPTH),
                v_at(n, h, s + 2u * THREADS_Y, depth + c, DEPTH), v_at(n, h, s + 3u * THREADS_Y, depth + c, DEPTH));
        }
        workgroupBarrier();
        for (var c = 0u; c < DEPTH; c++) { sums += outer(staged[(DEPTH + c) * STRIDE + lid.x], staged[c * STRIDE + lid.y]); }
        workgroupBarrier();
    }
    return sums;
}

// The others, by which factors are multiplied.
fn stage_queries(n: u32, h: u32, start: u32, left: u32, index: u32) {
    for (var r = 0u; r < PLACE_ROUNDS; r++) {
        let at = index + r * THREADS;
        let c = staged_column(left, at % QUADS);
        let other = start + at / QUADS;
        staged[at / QUADS * PLACE_STRIDE + at % QUADS] = vec4<f32>(
            q_at(n, h, other, c, PLACES), q_at(n, h, other, c + THREADS_X, PLACES),
            q_at(n, h, other, c + 2u * THREADS_X, PLACES), q_at(n, h, other, c + 3u * THREADS_X, PLACES));
    }
}

fn stage_keys(n: u32, h: u32, start: u32, left: u32, index: u32) {
    for (var r = 0u; r < PLACE_ROUNDS; r++) {
        let at = index + r * THREADS;
        let c = staged_column(left, at % QUADS);
        let other = start + at / QUADS;
        staged[at / QUADS * PLACE_STRIDE + at % QUADS] = vec4<f32>(
            k_at(n, h, other, c, PLACES), k_at(n, h, other, c + THREADS_X, PLACES),
            k_at(n, h, other, c + 2u * THREADS_X, PLACES), k_at(n, h, other, c + 3u * THREADS_X, PLACES));
    }
}

fn stage_outputs(n: u32, h: u32, start: u32, left: u32, index: u32) {
    for (var r = 0u; r < PLACE_ROUNDS; r++) {
        let at = index + r * THREADS;
        let c = staged_column(left, at % QUADS);
        let other = start + at / QUADS;
        staged[at / QUADS * PLACE_STRIDE + at % QUADS] = vec4<f32>(
            dy_at(n, h, other, c, PLACES), dy_at(n, h, other, c + THREADS_X, PLACES),
            dy_at(n, h, other, c + 2u * THREADS_X, PLACES), dy_at(n, h, other, c + 3u * THREADS_X, PLACES));
    }
}

fn stage_factors(lid: vec3<u32>, rows: mat4x4<f32>) {
    factors[lid.x * STRIDE + lid.y] = rows[0];
    factors[(lid.x + THREADS_X) * STRIDE + lid.y] = rows[1];
    factors[(lid.x + 2u * THREADS_X) * STRIDE + lid.y] = rows[2];
    factors[(lid.x + 3u * THREADS_X) * STRIDE + lid.y] = rows[3];
}

// Shares of its own four with another one, before dropout, from their scores.
fn shares_of(scores: vec4<f32>, stats: vec4<f32>, own: vec4<u32>, other: u32, is_key: bool) -> vec4<f32> {
    let query = select(own, vec4<u32>(other), is_key);
    let key = select(vec4<u32>(other), own, is_key);
    let seen = select(vec4<u32>(S), min(query + 1u, vec4<u32>(S)), CAUSAL == 1u);
    let share = exp(min(SCALE * scores - stats, vec4<f32>(0.0)));
    return select(vec4<f32>(0.0), share, (key < seen) & (query < vec4<u32>(T)));
}

// What dropout makes of them.
fn kept_of(n: u32, h: u32, own: vec4<u32>, other: u32, is_key: bool) -> vec4<f32> {
    if (THRESHOLD == 0u) { return vec4<f32>(1.0); }
    let query = (n * T + select(own, vec4<u32>(other), is_key)) * HEADS + h;
    let key = select(vec4<u32>(other), own, is_key);
    return vec4<f32>(kept(query.x, key.x), kept(query.y, key.y), kept(query.z, key.z), kept(query.w, key.w));
}

// stats and delta of the queries of four pairs: place 0 and 1.
fn sums_at(n: u32, h: u32, own: vec4<u32>, other: u32, place: u32, is_key: bool) -> vec4<f32> {
    let t = clamped4(select(own, vec4<u32>(other), is_key), T, TILE);
    let at = 2u * ((n * T + t) * HEADS + h) + place;
    return vec4<f32>(sums[at.x], sums[at.y], sums[at.z], sums[at.w]);
}

// SCALE · share · (kept · part - delta) of its own four with another one.
fn slopes_of(n: u32, h: u32, shares: vec4<f32>, parts: vec4<f32>, own: vec4<u32>, other: u32, is_key: bool) -> vec4<f32> {
    return SCALE * shares * (kept_of(n, h, own, other, is_key) * parts - sums_at(n, h, own, other, 1u, is_key));
}

fn store_query(n: u32, h: u32, t: u32, c: u32, value: f32) {
    if (within(t, T, TILE) & within(c, KEY, PLACES)) { dq[at_query(n, t, h) * KEY + c] = value; }
}

fn store_query_row(n: u32, h: u32, t: u32, c: u32, row: vec4<f32>) {
    store_query(n, h, t, c, row.x);
    store_query(n, h, t, c + THREADS_X, row.y);
    store_query(n, h, t, c + 2u * THREADS_X, row.z);
    store_query(n, h, t, c + 3u * THREADS_X, row.w);
}

fn store_queries(n: u32, h: u32, own: vec4<u32>, c: u32, rows: mat4x4<f32>) {
    store_query_row(n, h, own.x, c, rows[0]);
    store_query_row(n, h, own.y, c, rows[1]);
    store_query_row(n, h, own.z, c, rows[2]);
    store_query_row(n, h, own.w, c, rows[3]);
}

fn store_key(n: u32, h: u32, s: u32, c: u32, value: f32) {
    if (within(s, S, TILE) & within(c, KEY, PLACES)) { dk[at_key(n, s, h) * KEY + c] = value; }
}

fn store_key_row(n: u32, h: u32, s: u32, c: u32, row: vec4<f32>) {
    store_key(n, h, s, c, row.x);
    store_key(n, h, s, c + THREADS_X, row.y);
    store_key(n, h, s, c + 2u * THREADS_X, row.z);
    store_key(n, h, s, c + 3u * THREADS_X, row.w);
}

fn store_keys(n: u32, h: u32, own: vec4<u32>, c: u32, rows: mat4x4<f32>) {
    store_key_row(n, h, own.x, c, rows[0]);
    store_key_row(n, h, own.y, c, rows[1]);
    store_key_row(n, h, own.z, c, rows[2]);
    store_key_row(n, h, own.w, c, rows[3]);
}

fn store_value(n: u32, h: u32, s: u32, c: u32, value: f32) {
    if (within(s, S, TILE) & within(c, VALUE, PLACES)) { dv[at_key(n, s, h) * VALUE + c] = value; }
}

fn store_value_row(n: u32, h: u32, s: u32, c: u32, row: vec4<f32>) {
    store_value(n, h, s, c, row.x);
    store_value(n, h, s, c + THREADS_X, row.y);
    store_value(n, h, s, c + 2u * THREADS_X, row.z);
    store_value(n, h, s, c + 3u * THREADS_X, row.w);
}

fn store_values(n: u32, h: u32, own: vec4<u32>, c: u32, rows: mat4x4<f32>) {
    store_value_row(n, h, own.x, c, rows[0]);
    store_value_row(n, h, own.y, c, rows[1]);
    store_value_row(n, h, own.z, c, rows[2]);
    store_value_row(n, h, own.w, c, rows[3]);
}

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn attention_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(local_invocation_index) index: u32,
                  @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let pair = group_y(wid, groups);
    if (pair >= ROWS * HEADS) { return; }
    let n = pair / HEADS;
    let h = pair % HEADS;
    let blocks = (T + TILE - 1u) / TILE;
    let is_key = wid.x >= blocks;
    let first = TILE * select(wid.x, wid.x - blocks, is_key);
    let own = vec4<u32>(first + lid.y) + THREADS_Y * vec4<u32>(0u, 1u, 2u, 3u);
    // Which others see it, or are seen by it: those from `begin` to before `end`.
    let begin = select(0u, first, is_key & (CAUSAL == 1u));
    let end = select(seen_by(min(first + TILE, T) - 1u), T, is_key);
    for (var left = 0u; left < select(KEY, max(KEY, VALUE), is_key); left += PLACES) {
        var near = mat4x4<f32>(); // dq or dk [own][place]
        var far = mat4x4<f32>(); // 32 places further on
        var near_value = mat4x4<f32>(); // dv
        var far_value = mat4x4<f32>();
        for (var start = begin; start < end; start += TILE) {
            let other = vec4<u32>(start + lid.x) + THREADS_X * vec4<u32>(0u, 1u, 2u, 3u);
            let scores = scores_of(n, h, first, start, is_key, index, lid);
            let shares = mat4x4<f32>(
                shares_of(scores[0], sums_at(n, h, own, other.x, 0u, is_key), own, other.x, is_key),
                shares_of(scores[1], sums_at(n, h, own, other.y, 0u, is_key), own, other.y, is_key),
                shares_of(scores[2], sums_at(n, h, own, other.z, 0u, is_key), own, other.z, is_key),
                shares_of(scores[3], sums_at(n, h, own, other.w, 0u, is_key), own, other.w, is_key));
            // Before parts are computed, so that a thread holds less at a time.
            if (is_key && left < VALUE) {
                stage_factors(lid, mat4x4<f32>(
                    shares[0] * kept_of(n, h, own, other.x, is_key), shares[1] * kept_of(n, h, own, other.y, is_key),
                    shares[2] * kept_of(n, h, own, other.z, is_key), shares[3] * kept_of(n, h, own, other.w, is_key)));
                stage_outputs(n, h, start, left, index);
                workgroupBarrier();
                for (var o = 0u; o < TILE; o++) {
                    let factor = factors[o * STRIDE + lid.y];
                    near_value += outer(factor, staged[o * PLACE_STRIDE + lid.x]);
                    if (HAS_FAR) { far_value += outer(factor, staged[o * PLACE_STRIDE + THREADS_X + lid.x]); }
                }
                workgroupBarrier();
            }
            if (left >= KEY) { continue; }
            let parts = parts_of(n, h, first, start, is_key, index, lid);
            stage_factors(lid, mat4x4<f32>(
                slopes_of(n, h, shares[0], parts[0], own, other.x, is_key), slopes_of(n, h, shares[1], parts[1], own, other.y, is_key),
                slopes_of(n, h, shares[2], parts[2], own, other.z, is_key), slopes_of(n, h, shares[3], parts[3], own, other.w, is_key)));
            if (is_key) {
                stage_queries(n, h, start, left, index);
            } else {
                stage_keys(n, h, start, left, index);
            }
            workgroupBarrier();
            for (var o = 0u; o < TILE; o++) {
                let factor = factors[o * STRIDE + lid.y];
                near += outer(factor, staged[o * PLACE_STRIDE + lid.x]);
                if (HAS_FAR) { far += outer(factor, staged[o * PLACE_STRIDE + THREADS_X + lid.x]); }
            }
            workgroupBarrier();
        }
        let c = left + lid.x;
        if (!is_key) {
            store_queries(n, h, own, c, near);
            if (HAS_FAR) { store_queries(n, h, own, c + 4u * THREADS_X, far); }
            continue;
        }
        if (left < KEY) {
            store_keys(n, h, own, c, near);
            if (HAS_FAR) { store_keys(n, h, own, c + 4u * THREADS_X, far); }
        }
        if (left < VALUE) {
            store_values(n, h, own, c, near_value);
            if (HAS_FAR) { store_values(n, h, own, c + 4u * THREADS_X, far_value); }
        }
    }
}
