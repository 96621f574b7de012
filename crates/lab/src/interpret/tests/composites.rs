//! Vectors, matrices, arrays and structures, in registers and in buffers.

use super::{Element, float, floats, output, words};

#[track_caller]
fn are(values: Vec<(f64, f64)>, wanted: &[f64]) {
    assert_eq!(values.len(), wanted.len());
    for (n, ((value, allowed), wanted)) in values.into_iter().zip(wanted).enumerate() {
        assert!((value - wanted).abs() <= 1e-12 * wanted.abs(), "y[{n}] is {value}, not {wanted}");
        assert!(allowed <= 1e-4 * wanted.abs().max(1.0), "y[{n}]: {allowed}");
    }
}

#[test]
fn vectors() {
    let body = "
        var v = vec4<f32>(x[0], x[1], x[2], 4.0);
        v.y = 7.0;
        v[3] += 1.0;
        let w = v.wzyx * 2.0 + vec4<f32>(1.0);
        y[0] = w.x; y[1] = w.y; y[2] = w.z; y[3] = w.w;
        let i = u32(x[0]);
        y[4] = v[i];
        y[5] = dot(v.xyz, vec3<f32>(1.0, 2.0, 3.0));
        let c = cross(vec3<f32>(1.0, 2.0, 3.0), vec3<f32>(x[0], x[1], x[2]));
        y[6] = c.x; y[7] = c.y; y[8] = c.z;
        y[9] = length(vec2<f32>(x[2], 4.0));
        y[10] = distance(vec2<f32>(x[2], 4.0), vec2<f32>(0.0, 0.0));
        let n = normalize(vec2<f32>(x[2], 4.0));
        y[11] = n.x;
        let r = reflect(vec2<f32>(1.0, -1.0), vec2<f32>(0.0, x[0]));
        y[12] = r.y;
        let f = faceForward(vec2<f32>(1.0, 2.0), vec2<f32>(0.0, -1.0), vec2<f32>(0.0, x[0]));
        y[13] = f.y;
        let s = refract(vec2<f32>(0.6, -0.8), vec2<f32>(0.0, x[0]), 0.5);
        y[14] = s.x; y[15] = s.y;
        v.z = 8.0;
        y[16] = v.z - 2.0 / x[1] + vec2<f32>(3.0, 1.0).x;
        let mixed = mix(vec2<f32>(0.0, 1.0), vec2<f32>(2.0, 3.0), 0.5);
        y[17] = mixed.y;";
    let k = 1.0 - 0.25 * (1.0 - 0.64);
    let (six, eight) = (f64::from(0.6f32), f64::from(0.8f32));
    let k = k + 0.25 * (eight * eight - 0.64);
    let wanted = [
        11.0,
        7.0,
        15.0,
        3.0,
        7.0,
        1.0 + 14.0 + 9.0,
        2.0 * 3.0 - 3.0 * 2.0,
        3.0 - 3.0,
        2.0 - 2.0,
        5.0,
        5.0,
        0.6,
        1.0,
        2.0,
        0.5 * six,
        -0.5 * eight - (-0.5 * eight + k.sqrt()),
        8.0 - 1.0 + 3.0,
        2.0,
    ];
    are(floats(body, &[1.0, 2.0, 3.0], 18), &wanted);
}

#[test]
fn matrices() {
    let body = "
        let a = mat2x3<f32>(x[0], x[1], x[2], x[3], x[4], x[5]);
        let v = a * vec2<f32>(1.0, 2.0);
        y[0] = v.x; y[1] = v.y; y[2] = v.z;
        let w = vec3<f32>(1.0, 0.0, 2.0) * a;
        y[3] = w.x; y[4] = w.y;
        let t = transpose(a);
        y[5] = t[2][1]; y[6] = t[0].y;
        let p = t * a;
        y[7] = p[0][0]; y[8] = p[0][1]; y[9] = p[1][1];
        y[10] = determinant(mat3x3<f32>(x[0], x[1], x[2], x[3], x[4], x[5], 1.0, 0.0, 2.0));
        var m = a + a * 2.0 - a;
        let i = u32(x[0]);
        y[11] = m[i].z;
        m[i][0] = 9.0;
        m[0] = vec3<f32>(1.0);
        y[12] = m[1].x + m[0].y;
        y[13] = (2.0 * m)[1].x;
        y[14] = determinant(p);";
    let det = 1.0 * (5.0 * 2.0 - 0.0) - 4.0 * (2.0 * 2.0 - 3.0 * 0.0) + 1.0 * (2.0 * 6.0 - 3.0 * 5.0);
    let wanted = [
        9.0,
        12.0,
        15.0,
        7.0,
        16.0,
        6.0,
        4.0,
        14.0,
        32.0,
        77.0,
        det,
        12.0,
        10.0,
        18.0,
        14.0 * 77.0 - 32.0 * 32.0,
    ];
    are(floats(body, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 15), &wanted);
}

#[test]
fn buffers_have_the_gaps_that_wgsl_asks_for() {
    let text = "
        struct Inner { a: vec3<f32>, b: u32, c: array<vec3<u32>, 2> }
        struct Outer { count: u32, inner: Inner, m: mat3x2<f32>, n: mat2x3<f32>, rest: array<vec2<f32>> }
        struct Settings { scale: f32, shift: vec2<i32>, table: array<vec4<f32>, 2> }
        @group(0) @binding(0) var<storage, read_write> y: array<f32>;
        @group(0) @binding(1) var<storage, read_write> o: Outer;
        @group(0) @binding(2) var<uniform> s: Settings;
        @compute @workgroup_size(1) fn main() {
            y[0] = f32(o.count);
            y[1] = o.inner.a.z;
            y[2] = f32(o.inner.b);
            y[3] = f32(o.inner.c[1].y);
            y[4] = o.m[2].y;
            y[5] = o.n[1].z;
            y[6] = o.rest[1].x;
            y[7] = f32(arrayLength(&o.rest));
            let inner = o.inner;
            y[8] = inner.a.x + f32(inner.c[0].z);
            let m = o.n;
            y[9] = m[0].y + m[1].x;
            y[10] = s.scale + f32(s.shift.y) + s.table[1].w;
            o.inner = inner;
            o.inner.c[1] = vec3<u32>(70u, 71u, 72u);
            o.rest[2] = vec2<f32>(0.5, 0.25);
        }";
    // count 0; inner at 4: a 4..7, b 7, c 8..11 and 12..15; m at 16: columns of 2; n at 24: columns 24..27, 28..31;
    // rest from 32.
    let mut o: Vec<u32> = vec![0; 39];
    o[0] = 3;
    (4..7).for_each(|n| o[n] = (n as f32).to_bits());
    o[7] = 70;
    (8..16).for_each(|n| o[n] = n as u32);
    (16..39).for_each(|n| o[n] = (n as f32).to_bits());
    let mut s = vec![0.5f32.to_bits(), 0, 5, -9i32 as u32];
    s.extend(words(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]));
    let outputs = super::interpret(text, [1, 1, 1], &[vec![0; 11], o.clone(), s]).expect("runs");
    let wanted = [3.0, 6.0, 70.0, 13.0, 21.0, 30.0, 34.0, 3.0, 4.0 + 10.0, 25.0 + 28.0, 0.5 - 9.0 + 8.0];
    let y: Vec<(f64, f64)> = outputs[&(0, 0)].iter().copied().map(float).collect();
    assert_eq!(y, wanted.map(|v| (v, 0.0)));
    let o_behind = &outputs[&(0, 1)];
    assert_eq!(o_behind[12..15], [70, 71, 72].map(Element::Integer));
    assert_eq!(o_behind[15], Element::Untouched(15), "a gap is left alone");
    assert_eq!(o_behind[36], Element::Real { value: 0.5, allowed: 0.0 });
    assert_eq!(o_behind[38], Element::Untouched(o[38]));
    assert_eq!(o_behind[4], Element::Real { value: 4.0, allowed: 0.0 });
}

#[test]
fn of_two_views_of_a_buffer_a_kernel_takes_one() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<f32>;
        @group(0) @binding(0) var<storage, read_write> y4: array<vec4<f32>>;
        @group(0) @binding(1) var<storage, read> x4: array<vec4<f32>>;
        @group(0) @binding(1) var<storage, read> x: array<f32>;
        @compute @workgroup_size(1) fn main() { y4[0] = x4[1]; y4[1].y = f32(arrayLength(&y4)); }";
    let x: Vec<f32> = (0..8).map(|n| n as f32).collect();
    let elements = output(text, [1, 1, 1], &[vec![0; 11], words(&x)]);
    let values = [4.0, 5.0, 6.0, 7.0].map(|value| Element::Real { value, allowed: 0.0 });
    assert_eq!(elements[..4], values);
    assert_eq!(elements[4..6], [Element::Untouched(0), Element::Real { value: 2.0, allowed: 0.0 }]);
}
