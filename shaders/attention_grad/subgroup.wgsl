// forward: y[n, t, h] = Σ_s m_s · p_s · v[n, s, h], p = softmax(SCALE · q[n, t, h] · k[n, :, h]), m of dropout
// Blocks of 32 keys by 32 queries (Dao et al., 2022), no barriers. For CPU adapters, where loads are dear: eight lanes share the
// loads of 32 queries for the products of each number with 32 keys, and slopes are computed once for dq and dk.
// A workgroup has a head of an image, since dq is summed over its blocks of keys, in order; a lane has four keys of a block, and for
// dq four queries. Where subgroups are narrower than eight, each thread has a query or a key at a time.
// needs SOFTWARE, KEY <= 68, VALUE <= 68
// uses index
// grid PAIRS = ROWS * HEADS
const TILE_PAIRS = 1u;
const SIDE = 32u;
const LONGEST = 68u;

// Of the lane's four keys: their numbers and gradients, and the shares and slopes of the block's queries.
var<private> key: array<vec4<f32>, LONGEST> = array<vec4<f32>, LONGEST>();
var<private> value: array<vec4<f32>, LONGEST> = array<vec4<f32>, LONGEST>();
var<private> key_sums: array<vec4<f32>, LONGEST> = array<vec4<f32>, LONGEST>();
var<private> value_sums: array<vec4<f32>, LONGEST> = array<vec4<f32>, LONGEST>();
var<private> shares: array<vec4<f32>, SIDE> = array<vec4<f32>, SIDE>();
var<private> slopes: array<vec4<f32>, SIDE> = array<vec4<f32>, SIDE>();
var<private> a0: vec4<f32> = vec4<f32>();
var<private> a1: vec4<f32> = vec4<f32>();
var<private> a2: vec4<f32> = vec4<f32>();
var<private> a3: vec4<f32> = vec4<f32>();

@compute @workgroup_size(8)
fn attention_grad(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
                  @builtin(num_workgroups) groups: vec3<u32>, @builtin(subgroup_size) lanes: u32) {
    let pair = group_x(wid, groups);
    if (pair >= ROWS * HEADS) { return; }
    let n = pair / HEADS;
    let h = pair % HEADS;
    if (lanes < 8u) {
        for (var t = lid.x; t < T; t += 8u) { grad_of_query(at_query(n, t, h)); }
        for (var s = lid.x; s < S; s += 8u) { grad_of_key(at_key(n, s, h)); }
        return;
    }
    for (var first = 0u; first < S; first += SIDE) {
        let own = vec4<u32>(first + 4u * lid.x) + vec4<u32>(0u, 1u, 2u, 3u);
        let at = (n * S + min(own, vec4<u32>(S - 1u))) * HEADS + h;
        var place = at * KEY;
        for (var c = at.x * KEY; c < at.x * KEY + KEY; c++) {
            key[c - at.x * KEY] = vec4<f32>(k[place.x], k[place.y], k[place.z], k[place.w]);
            key_sums[c - at.x * KEY] = vec4<f32>(0.0);
            place += 1u;
        }
        place = at * VALUE;
        for (var c = at.x * VALUE; c < at.x * VALUE + VALUE; c++) {
            value[c - at.x * VALUE] = vec4<f32>(v[place.x], v[place.y], v[place.z], v[place.w]);
            value_sums[c - at.x * VALUE] = vec4<f32>(0.0);
            place += 1u;
        }
        for (var start = select(0u, first, CAUSAL == 1u); start < T; start += SIDE) {
            for (var j = 0u; j < SIDE; j++) { shares[j] = vec4<f32>(0.0); }
            for (var j = 0u; j < SIDE; j++) { slopes[j] = vec4<f32>(0.0); }
            for (var c = 0u; c < KEY; c += 4u) {
                let x0 = q_at(n, start + lid.x, h, c);
                let x1 = q_at(n, start + 8u + lid.x, h, c);
                let x2 = q_at(n, start + 16u + lid.x, h, c);
                let x3 = q_at(n, start + 24u + lid.x, h, c);
                a0 = key[c];
                a1 = key[c + 1u];
                a2 = key[c + 2u];
                a3 = key[c + 3u];
                eight_scores(0u, x0);
                eight_scores(8u, x1);
                eight_scores(16u, x2);
                eight_scores(24u, x3);
            }
            for (var c = 0u; c < VALUE; c += 4u) {
                let x0 = dy_at(n, start + lid.x, h, c);
                let x1 = dy_at(n, start + 8u + lid.x, h, c);
                let x2 = dy_at(n, start + 16u + lid.x, h, c);
                let x3 = dy_at(n, start + 24u + lid.x, h, c);
                a0 = value[c];
                a1 = value[c + 1u];
                a2 = value[c + 2u];
                a3 = value[c + 3u];
                eight_parts(0u, x0);
                eight_parts(8u, x1);
                eight_parts(16u, x2);
                eight_parts(24u, x3);
            }
            let p0 = 2u * at_query(n, min(start + lid.x, T - 1u), h);
            let p1 = 2u * at_query(n, min(start + 8u + lid.x, T - 1u), h);
            let p2 = 2u * at_query(n, min(start + 16u + lid.x, T - 1u), h);
            let p3 = 2u * at_query(n, min(start + 24u + lid.x, T - 1u), h);
            eight_slopes(n, h, start, 0u, sums[p0], sums[p0 + 1u], own);
            eight_slopes(n, h, start, 8u, sums[p1], sums[p1 + 1u], own);
            eight_slopes(n, h, start, 16u, sums[p2], sums[p2 + 1u], own);
            eight_slopes(n, h, start, 24u, sums[p3], sums[p3 + 1u], own);
            for (var c = 0u; c < VALUE; c += 4u) {
                a0 = value_sums[c];
                a1 = value_sums[c + 1u];
                a2 = value_sums[c + 2u];
                a3 = value_sums[c + 3u];
                eight_shared(0u, dy_at(n, start + lid.x, h, c));
                eight_shared(8u, dy_at(n, start + 8u + lid.x, h, c));
                eight_shared(16u, dy_at(n, start + 16u + lid.x, h, c));
                eight_shared(24u, dy_at(n, start + 24u + lid.x, h, c));
                value_sums[c] = a0;
                value_sums[c + 1u] = a1;
                value_sums[c + 2u] = a2;
                value_sums[c + 3u] = a3;
            }
            for (var c = 0u; c < KEY; c += 4u) {
                a0 = key_sums[c];
                a1 = key_sums[c + 1u];
                a2 = key_sums[c + 2u];
                a3 = key_sums[c + 3u];
                eight_sloped(0u, q_at(n, start + lid.x, h, c));
                eight_sloped(8u, q_at(n, start + 8u + lid.x, h, c));
                eight_sloped(16u, q_at(n, start + 16u + lid.x, h, c));
                eight_sloped(24u, q_at(n, start + 24u + lid.x, h, c));
                key_sums[c] = a0;
                key_sums[c + 1u] = a1;
                key_sums[c + 2u] = a2;
                key_sums[c + 3u] = a3;
            }
            turn(lid.x);
            let t = start + 4u * lid.x;
            var query = at_query(n, t, h) * KEY;
            for (var c = start; c < start + KEY; c++) {
                a0 = vec4<f32>(0.0);
                let x = key[c - start];
                for (var r = 0u; r < 8u; r++) {
                    let b = subgroupShuffle(x, r);
                    a0 += slopes[4u * r] * b.x + slopes[4u * r + 1u] * b.y + slopes[4u * r + 2u] * b.z + slopes[4u * r + 3u] * b.w;
                }
                add_to(t, query, a0.x, first);
                add_to(t + 1u, query + HEADS * KEY, a0.y, first);
                add_to(t + 2u, query + 2u * HEADS * KEY, a0.z, first);
                add_to(t + 3u, query + 3u * HEADS * KEY, a0.w, first);
                query += 1u;
            }
        }
        place = at * KEY;
        for (var c = at.x * KEY; c < at.x * KEY + KEY; c++) {
            let of_key = key_sums[c - at.x * KEY];
            if (own.x < S) { dk[place.x] = of_key.x; }
            if (own.y < S) { dk[place.y] = of_key.y; }
            if (own.z < S) { dk[place.z] = of_key.z; }
            if (own.w < S) { dk[place.w] = of_key.w; }
            place += 1u;
        }
        place = at * VALUE;
        for (var c = at.x * VALUE; c < at.x * VALUE + VALUE; c++) {
            let of_value = value_sums[c - at.x * VALUE];
            if (own.x < S) { dv[place.x] = of_value.x; }
            if (own.y < S) { dv[place.y] = of_value.y; }
            if (own.z < S) { dv[place.z] = of_value.z; }
            if (own.w < S) { dv[place.w] = of_value.w; }
            place += 1u;
        }
    }
}

// Adds to dq what a block of keys gives; the first block sets it.
fn add_to(t: u32, place: u32, part: f32, first: u32) {
    if (t >= T) { return; }
    if (first == 0u) {
        dq[place] = part;
    } else {
        dq[place] = dq[place] + part;
    }
}

fn q_at(n: u32, t: u32, h: u32, c: u32) -> vec4<f32> {
    let at = at_query(n, min(t, T - 1u), h) * KEY;
    let last = KEY - 1u;
    return vec4<f32>(q[at + c], q[at + min(c + 1u, last)], q[at + min(c + 2u, last)], q[at + min(c + 3u, last)]);
}

fn dy_at(n: u32, t: u32, h: u32, c: u32) -> vec4<f32> {
    let at = at_query(n, min(t, T - 1u), h) * VALUE;
    let last = VALUE - 1u;
    return vec4<f32>(dy[at + c], dy[at + min(c + 1u, last)], dy[at + min(c + 2u, last)], dy[at + min(c + 3u, last)]);
}

fn eight_scores(first: u32, own: vec4<f32>) {
    for (var r = 0u; r < 8u; r++) {
        let x = subgroupShuffle(own, r);
        shares[first + r] += x.x * a0 + x.y * a1 + x.z * a2 + x.w * a3;
    }
}

fn eight_parts(first: u32, own: vec4<f32>) {
    for (var r = 0u; r < 8u; r++) {
        let x = subgroupShuffle(own, r);
        slopes[first + r] += x.x * a0 + x.y * a1 + x.z * a2 + x.w * a3;
    }
}

fn eight_slopes(n: u32, h: u32, start: u32, first: u32, stats: f32, delta: f32, own: vec4<u32>) {
    for (var r = 0u; r < 8u; r++) {
        let t = start + first + r;
        let query = at_query(n, min(t, T - 1u), h);
        let less = SCALE * shares[first + r] - subgroupShuffle(stats, r);
        let is_seen = (own < vec4<u32>(seen_by(t))) & vec4<bool>(t < T);
        let share = select(vec4<f32>(0.0), exp(min(less, vec4<f32>(0.0))), is_seen);
        let part = vec4<f32>(kept(query, own.x), kept(query, own.y), kept(query, own.z), kept(query, own.w));
        shares[first + r] = share * part;
        slopes[first + r] = SCALE * share * (part * slopes[first + r] - subgroupShuffle(delta, r));
    }
}

fn eight_shared(first: u32, own: vec4<f32>) {
    for (var r = 0u; r < 8u; r++) {
        let x = subgroupShuffle(own, r);
        let by = shares[first + r];
        a0 += by * x.x;
        a1 += by * x.y;
        a2 += by * x.z;
        a3 += by * x.w;
    }
}

fn eight_sloped(first: u32, own: vec4<f32>) {
    for (var r = 0u; r < 8u; r++) {
        let x = subgroupShuffle(own, r);
        let by = slopes[first + r];
        a0 += by * x.x;
        a1 += by * x.y;
        a2 += by * x.z;
        a3 += by * x.w;
    }
}

// Slopes of 32 queries by four keys a lane become those of 32 keys by four queries a lane.
fn turn(lane: u32) {
    let of0 = turned(0u, lane);
    let of1 = turned(1u, lane);
    let of2 = turned(2u, lane);
    let of3 = turned(3u, lane);
    for (var r = 0u; r < 8u; r++) {
        slopes[4u * r] = vec4<f32>(of0[r].x, of1[r].x, of2[r].x, of3[r].x);
        slopes[4u * r + 1u] = vec4<f32>(of0[r].y, of1[r].y, of2[r].y, of3[r].y);
        slopes[4u * r + 2u] = vec4<f32>(of0[r].z, of1[r].z, of2[r].z, of3[r].z);
        slopes[4u * r + 3u] = vec4<f32>(of0[r].w, of1[r].w, of2[r].w, of3[r].w);
    }
}

fn turned(m: u32, lane: u32) -> array<vec4<f32>, 8> {
    var x = array<vec4<f32>, 8>(slopes[m], slopes[4u + m], slopes[8u + m], slopes[12u + m], slopes[16u + m], slopes[20u + m],
                                slopes[24u + m], slopes[28u + m]);
    for (var bit = 1u; bit < 8u; bit *= 2u) {
        let is_high = (lane & bit) != 0u;
        for (var i = 0u; i < 8u; i++) {
            if ((i & bit) == 0u) {
                let got = subgroupShuffleXor(select(x[i + bit], x[i], is_high), bit);
                x[i] = select(x[i], got, is_high);
                x[i + bit] = select(got, x[i + bit], is_high);
            }
        }
    }
    return x;
}
