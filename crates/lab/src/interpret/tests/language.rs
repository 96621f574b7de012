//! Statements and expressions.

use super::{Element, floats, integers, output, words};

#[test]
fn integers_wrap_and_divide_as_wgsl_says() {
    let body = "
        y[0] = x[0] + x[1];
        y[1] = x[1] - x[0];
        y[2] = x[0] * x[0];
        y[3] = x[0] / x[2];
        y[4] = x[0] % x[2];
        y[5] = x[0] << x[3];
        y[6] = x[0] >> x[3];
        y[7] = bitcast<u32>(bitcast<i32>(x[0]) >> x[3]);
        y[8] = bitcast<u32>(bitcast<i32>(x[4]) / bitcast<i32>(x[0]));
        y[9] = bitcast<u32>(bitcast<i32>(x[4]) % bitcast<i32>(x[0]));
        y[10] = ~x[1] ^ ((x[1] | 8u) & 12u);
        y[11] = bitcast<u32>(-bitcast<i32>(x[1]));
        y[12] = bitcast<u32>(-7 % bitcast<i32>(x[5]));
        y[13] = bitcast<u32>(-7 / bitcast<i32>(x[5]));
        y[14] = bitcast<u32>(-7 / bitcast<i32>(x[2]));
        y[15] = bitcast<u32>(-7 % bitcast<i32>(x[2]));";
    let x = [u32::MAX, 5, 0, 33, i32::MIN as u32, 3];
    let wanted = [
        4,
        6,
        1,
        u32::MAX,
        0,
        u32::MAX << 1,
        u32::MAX >> 1,
        u32::MAX,
        i32::MIN as u32,
        0,
        !5 ^ ((5 | 8) & 12),
        -5i32 as u32,
        -1i32 as u32,
        -2i32 as u32,
        -7i32 as u32,
        0,
    ];
    assert_eq!(integers(body, &x, 16), wanted);
}

#[test]
fn comparisons_and_truth_values() {
    let body = "
        let a = bitcast<i32>(x[0]);
        y[0] = u32(a < 1) + 2u * u32(x[0] < 1u) + 4u * u32(a <= -1) + 8u * u32(a != -1);
        y[1] = u32(!(x[1] >= 5u)) + 2u * u32(x[1] == 5u) + 4u * u32(x[1] > 5u);
        y[2] = u32(x[1] == 5u && x[0] == 0u) + 2u * u32(x[1] == 5u || x[0] == 0u);
        y[3] = u32((x[1] == 5u) & true) + 2u * u32((x[1] == 4u) | false);
        let v = vec3<u32>(x[0], x[1], 7u) > vec3<u32>(6u);
        y[4] = u32(all(v)) + 2u * u32(any(v));
        y[5] = select(3u, 4u, v.y) + select(30u, 40u, v.z);
        let w = select(vec3<u32>(1u), vec3<u32>(2u), v);
        y[6] = w.x * 100u + w.y * 10u + w.z;
        y[7] = u32(bool(x[1])) + u32(bool(0.0)) + u32(bool(-0.5));";
    assert_eq!(integers(body, &[u32::MAX, 5], 8), [5, 2, 2, 1, 2, 3 + 40, 212, 2]);
}

#[test]
fn branches_loops_and_switches() {
    let body = "
        var sum = 0u;
        for (var i = 0u; i < 10u; i++) {
            if (i == 3u) { continue; }
            if (i == 7u) { break; }
            sum += i;
        }
        y[0] = sum;
        var n = 0u;
        while (n < 5u) { n += 2u; }
        y[1] = n;
        var rounds = 0u;
        loop {
            if (rounds == 4u) { continue; }
            continuing {
                rounds++;
                break if rounds >= 6u;
            }
        }
        y[2] = rounds;
        var code = 0u;
        for (var i = 0u; i < 6u; i++) {
            switch i {
                case 0u: { code += 1u; }
                case 1u, 2u: { code += 10u; if (i == 2u) { break; } code += 100u; }
                case 4u: { continue; }
                default: { code += 1000u; }
            }
            code += 10000u;
        }
        y[3] = code;
        switch bitcast<i32>(x[0]) {
            case -1: { y[4] = 7u; }
            default: { y[4] = 8u; }
        }
        if (x[1] > 4u) { y[5] = 1u; } else if (x[1] > 2u) { y[5] = 2u; } else { y[5] = 3u; }
        for (var i = 0u; i < 3u; i++) {
            var anew: u32;
            anew += 1u;
            y[6] = anew;
        }
        { let x = 5u; y[7] = x; }";
    assert_eq!(
        integers(body, &[u32::MAX, 3], 8),
        [1 + 2 + 4 + 5 + 6, 6, 6, 2000 + 120 + 1 + 50000, 7, 2, 1, 5]
    );
}

#[test]
fn functions_pointers_and_returns() {
    let text = "
        struct Pair { a: u32, b: array<u32, 3> }
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        var<private> count: u32 = 3u;
        var<private> pairs: array<Pair, 2>;
        const TABLE = array<u32, 4>(5u, 6u, 7u, 8u);
        fn early(n: u32) -> u32 {
            for (var i = 0u; i < 100u; i++) { if (i * i > n) { return i; } }
            return 0u;
        }
        fn add(to: ptr<function, u32>, n: u32) { *to += n; count++; }
        fn swap(p: ptr<function, Pair>) { let a = (*p).a; (*p).a = (*p).b[1]; (*p).b[1] = a; }
        fn made(n: u32) -> Pair { var p: Pair; p.a = n; p.b[n % 3u] = n * n; return p; }
        fn sum(p: Pair) -> u32 { return p.a + p.b[0] + p.b[1] + p.b[2]; }
        @compute @workgroup_size(1)
        fn main() {
            y[0] = early(50u);
            var total = 1u;
            add(&total, 41u);
            add(&total, early(0u));
            y[1] = total;
            y[2] = count;
            var p = made(4u);
            swap(&p);
            y[3] = p.a * 1000u + p.b[1];
            y[4] = sum(p);
            pairs[1].b[2] = 9u;
            y[5] = pairs[1].b[2] + pairs[0].b[2];
            let q = &p.b;
            (*q)[2] = 5u;
            y[6] = p.b[2];
            var i = 2u;
            y[7] = TABLE[i] + TABLE[0];
            let copy = p.b;
            p.b[0] = 77u;
            y[8] = copy[0] + copy[i];
            var grid: array<array<u32, 2>, 3>;
            grid[i][1] = 6u;
            let row = grid[i];
            y[9] = row[1] + grid[0][1];
            y[10] = arrayLength(&y);
        }";
    let elements = output(text, [1, 1, 1], &[vec![0; 11]]);
    let wanted = [8, 43, 5, 16004, 20, 9, 5, 12, 5, 6, 11];
    assert_eq!(elements, wanted.map(Element::Integer));
}

#[test]
fn a_function_that_is_called_again_begins_anew() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        fn once(n: u32) -> u32 { var seen: array<u32, 4>; seen[n] += 1u; return seen[0] + seen[1] + seen[2] + seen[3]; }
        fn twice(n: u32) -> u32 { return once(n) + 10u * once(n + 1u); }
        @compute @workgroup_size(1) fn main() { for (var i = 0u; i < 3u; i++) { y[i] = twice(i); } }";
    assert_eq!(output(text, [1, 1, 1], &[vec![0; 3]]), [11, 11, 11].map(Element::Integer));
}

#[test]
fn conversions_saturate_and_bits_are_kept() {
    let body = "
        y[0] = bitcast<u32>(i32(bitcast<f32>(x[0])));
        y[1] = u32(bitcast<f32>(x[0]));
        y[2] = u32(bitcast<f32>(x[1]));
        y[3] = bitcast<u32>(i32(bitcast<f32>(x[1])));
        y[4] = bitcast<u32>(f32(x[2]) + 0.5);
        y[5] = bitcast<u32>(f32(bitcast<i32>(x[3])));
        y[6] = u32(i32(-1));
        y[7] = bitcast<vec2<u32>>(vec2<f32>(1.0, bitcast<f32>(x[0]))).y;";
    let x = [(-2.75f32).to_bits(), 3e10f32.to_bits(), 7, -9i32 as u32];
    let wanted = [
        -2i32 as u32,
        0,
        4_294_967_040,
        2_147_483_520,
        7.5f32.to_bits(),
        (-9f32).to_bits(),
        u32::MAX,
        (-2.75f32).to_bits(),
    ];
    assert_eq!(integers(body, &x, 8), wanted);
}

#[test]
fn floats_are_exact_where_every_device_has_them() {
    let body = "
        y[0] = x[0] + x[1] * 2.0;
        y[1] = -x[0];
        y[2] = abs(x[1]) - 0.25;
        y[3] = max(x[0], x[1]) + min(x[0], x[1]) + clamp(x[0], 0.0, 1.0);
        y[4] = floor(x[1]) + ceil(x[1]) * 10.0 + round(2.5) * 100.0 + trunc(x[1]) * 1000.0;
        y[5] = sign(x[1]) + 10.0 * step(1.0, x[0]) + 100.0 * saturate(x[0]);
        y[6] = fma(x[0], 4.0, x[1]);
        y[7] = select(x[0], x[1], x[0] > x[1]);";
    let values = floats(body, &[1.5, -0.75], 8);
    let wanted = [0.0, -1.5, 0.5, 1.5 - 0.75 + 1.0, -1.0 + 200.0, -1.0 + 10.0 + 100.0, 5.25, -0.75];
    for (n, ((value, allowed), wanted)) in values.into_iter().zip(wanted).enumerate() {
        assert_eq!(value, wanted, "y[{n}]");
        assert_eq!(allowed, 0.0, "y[{n}]");
    }
}

#[test]
fn overrides_and_constants_have_their_values() {
    let text = "
        override N: u32 = 3u;
        override SCALE: f32 = 0.5;
        const OFFSET = vec3<f32>(1.0, 2.0, 3.0);
        @group(0) @binding(0) var<storage, read_write> y: array<f32>;
        var<workgroup> shared_memory: array<f32, N + 1u>;
        @compute @workgroup_size(N) fn main(@builtin(local_invocation_index) i: u32) {
            shared_memory[i] = f32(i) * SCALE;
            workgroupBarrier();
            y[i] = shared_memory[N - 1u - i] + OFFSET[i];
        }";
    let values: Vec<f64> =
        output(text, [1, 1, 1], &[vec![0; 3]]).into_iter().map(|e| super::float(e).0).collect();
    assert_eq!(values, [2.0, 2.5, 3.0]);
}

#[test]
fn what_is_not_written_stays() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<f32>;
        @group(0) @binding(1) var<storage, read_write> z: array<u32>;
        @compute @workgroup_size(1) fn main() { y[1] = y[0]; if (z[0] == 5u) { return; } z[0] = 1u; }";
    let outputs = super::interpret(text, [1, 1, 1], &[words(&[2.5, 0.0, 7.0]), vec![5]]).expect("runs");
    let written = [
        Element::Untouched(2.5f32.to_bits()),
        Element::Real { value: 2.5, allowed: 0.0 },
        Element::Untouched(7f32.to_bits()),
    ];
    assert_eq!(outputs.get(&(0, 0)).map(Vec::as_slice), Some(written.as_slice()));
    assert_eq!(outputs.len(), 1, "z is only read");
}
