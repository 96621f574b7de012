//! The functions of WGSL.

use super::{floats, integers};

/// A function of WGSL, what it is in f64, where, and how many units in the last place or how far it may be off at most.
type Float = (&'static str, fn(f64) -> f64, &'static [f32], f64, f64);

#[test]
fn float_functions_are_those_of_f64_within_what_wgsl_allows() {
    const AROUND: &[f32] = &[-3.0, -1.25, -0.5, 0.0, 0.3, 1.0, 2.7];
    const POSITIVE: &[f32] = &[1e-3, 0.3, 0.5, 1.0, 1.7, 2.5, 1e4];
    const SHARES: &[f32] = &[-0.9, -0.5, 0.0, 0.25, 0.9];
    let functions: &[Float] = &[
        ("exp", f64::exp, AROUND, 9.0, 0.0),
        ("exp2", f64::exp2, AROUND, 9.0, 0.0),
        ("log", f64::ln, POSITIVE, 3.0, 4.8e-7),
        ("log2", f64::log2, POSITIVE, 3.0, 4.8e-7),
        ("sqrt", f64::sqrt, POSITIVE, 4.5, 0.0),
        ("inverseSqrt", |x| 1.0 / x.sqrt(), POSITIVE, 2.0, 0.0),
        ("sin", f64::sin, AROUND, 0.0, 4.9e-4),
        ("cos", f64::cos, AROUND, 0.0, 4.9e-4),
        ("tan", f64::tan, &[-1.0, 0.0, 0.5], 3.0, 3e-3),
        ("atan", f64::atan, AROUND, 4096.0, 0.0),
        ("asin", f64::asin, SHARES, 4200.0, 7e-5),
        ("acos", f64::acos, SHARES, 4200.0, 7e-5),
        ("sinh", f64::sinh, AROUND, 12.0, 1e-6),
        ("cosh", f64::cosh, AROUND, 12.0, 0.0),
        ("tanh", f64::tanh, AROUND, 30.0, 1.1e-5),
        ("asinh", f64::asinh, AROUND, 8.0, 2e-5),
        ("acosh", f64::acosh, &[1.5, 2.0, 10.0], 8.0, 2e-6),
        ("atanh", f64::atanh, SHARES, 8.0, 3e-6),
        ("radians", f64::to_radians, AROUND, 3.0, 0.0),
        ("degrees", f64::to_degrees, AROUND, 3.0, 0.0),
        ("fract", |x| x - x.floor(), AROUND, 1.0, 2e-7),
    ];
    for (name, function, at, ulps, absolute) in functions {
        let body: String = (0..at.len()).map(|n| format!("y[{n}] = {name}(x[{n}]);")).collect();
        for (x, (value, allowed)) in at.iter().zip(floats(&body, at, at.len())) {
            let right = function(f64::from(*x));
            assert!((value - right).abs() <= 1e-15 * right.abs(), "{name}({x}) = {right}, not {value}");
            let own = f64::from(function(f64::from(*x)) as f32);
            assert!(
                (own - value).abs() <= allowed.max(1e-300),
                "{name}({x}): f32 is off by more than {allowed:e}"
            );
            // The accuracy of WGSL, doubled.
            let most = 2.0 * (ulps * 2f64.powi(-23) * right.abs()).max(*absolute) + 1e-37;
            assert!(allowed <= most, "{name}({x}): {allowed:e} is more than {most:e}");
        }
    }
}

#[test]
fn functions_of_several_numbers() {
    let body = "
        y[0] = pow(x[0], x[1]);
        y[1] = pow(0.0 * x[0], 2.0);
        y[2] = atan2(x[0], -x[1]);
        y[3] = mix(x[0], x[1], 0.25);
        y[4] = smoothstep(0.0, x[1], x[0]);
        y[5] = x[1] % x[0];
        y[6] = -x[1] % x[0];
        y[7] = ldexp(x[0], 3);
        y[8] = ldexp(x[0], -140);
        y[9] = x[1] / x[0];
        let m = modf(-x[1]);
        y[10] = m.whole;
        y[11] = m.fract;
        let f = frexp(x[1]);
        y[12] = f.fract * 1000.0 + f32(f.exp);
        y[13] = quantizeToF16(x[0]);";
    let (a, b) = (f64::from(1.7f32), f64::from(4.3f32));
    let t: f64 = a / b;
    let wanted = [
        a.powf(b),
        0.0,
        a.atan2(-b),
        a * 0.75 + b * 0.25,
        t * t * (3.0 - 2.0 * t),
        b % a,
        -b % a,
        a * 8.0,
        a * 2f64.powi(-140),
        b / a,
        -4.0,
        -(b - 4.0),
        b / 8.0 * 1000.0 + 3.0,
        a,
    ];
    let values = floats(body, &[1.7, 4.3], 14);
    for (n, ((value, allowed), wanted)) in values.into_iter().zip(wanted).enumerate() {
        assert!((value - wanted).abs() <= 1e-14 * wanted.abs(), "y[{n}] is {value}, not {wanted}");
        let most = if n == 13 { 2e-3 } else { 4e-3 * wanted.abs() + 1e-37 };
        assert!(allowed <= most || [5, 6].contains(&n), "y[{n}]: {allowed:e}");
    }
}

#[test]
fn functions_of_integers() {
    let body = "
        let a = bitcast<i32>(x[1]);
        y[0] = countOneBits(x[0]);
        y[1] = countLeadingZeros(x[0]);
        y[2] = countTrailingZeros(x[0]);
        y[3] = reverseBits(x[0]);
        y[4] = firstLeadingBit(x[0]);
        y[5] = firstTrailingBit(x[0]);
        y[6] = firstLeadingBit(x[2]);
        y[7] = bitcast<u32>(firstLeadingBit(a));
        y[8] = extractBits(x[0], 4u, 4u);
        y[9] = bitcast<u32>(extractBits(a, 0u, 3u));
        y[10] = insertBits(x[0], 15u, 8u, 4u);
        y[11] = bitcast<u32>(abs(a)) + bitcast<u32>(sign(a)) * 100u;
        y[12] = min(x[0], x[1]) + max(x[2], 3u) * 1000u;
        y[13] = bitcast<u32>(clamp(a, -3, 5)) + bitcast<u32>(min(a, 2));
        y[14] = dot(vec3<u32>(1u, 2u, x[0]), vec3<u32>(4u, 5u, 6u));
        y[15] = bitcast<u32>(dot4I8Packed(x[1], 0x01020304u)) + dot4U8Packed(x[0], 0x02020202u);
        y[16] = extractBits(x[0], 30u, 9u);
        y[17] = insertBits(0u, x[1], 0u, 32u);";
    let a = -5i32;
    let wanted = [
        3,
        24,
        4,
        0b1011_0000u32.reverse_bits(),
        7,
        4,
        u32::MAX,
        2,
        11,
        3,
        0xb0 | 15 << 8,
        5u32.wrapping_add((-100i32) as u32),
        0xb0 + 3000,
        (-3 + a) as u32,
        14 + 0xb0 * 6,
        (-5 * 4 - 3 - 2 - 1 + 2 * 0xb0) as u32,
        0,
        a as u32,
    ];
    assert_eq!(integers(body, &[0xb0, a as u32, 0], 18), wanted);
}

#[test]
fn packing_and_unpacking() {
    let body = "
        y[0] = pack4x8snorm(vec4<f32>(-1.0, 0.0, 1.0, -2.0));
        y[1] = pack4x8unorm(vec4<f32>(0.2, 0.0, 1.0, -2.0) + vec4<f32>(f32(x[0])));
        y[2] = pack2x16snorm(vec2<f32>(1.0, -1.0));
        y[3] = pack2x16float(vec2<f32>(1.5, -2.0));
        y[4] = pack4xU8(vec4<u32>(1u, 2u, 300u, x[1]));
        y[5] = pack4xI8(vec4<i32>(-1, 2, 3, -128));
        y[6] = pack4xU8Clamp(vec4<u32>(1u, 2u, 300u, 255u));
        y[7] = pack4xI8Clamp(vec4<i32>(-1, 200, -300, 5));
        let u = unpack4xI8(x[2]);
        y[8] = bitcast<u32>(u.x + 10 * u.y + 100 * u.z + 1000 * u.w);
        let v = unpack4xU8(x[2]);
        y[9] = v.x + v.y + v.z + v.w;
        let h = unpack2x16float(0xc0003e00u);
        y[10] = u32(h.x * 2.0) + u32(-h.y) * 100u;";
    let wanted = [
        0x817f_0081,
        0x00ff_0033,
        0x8001_7fff,
        0xc000_3e00,
        0x042c_0201,
        0x8003_02ff,
        0xffff_0201,
        0x0580_7fff,
        (4 + 30 - 200 + 1000) as u32,
        4 + 3 + 254 + 1,
        203,
    ];
    assert_eq!(integers(body, &[0, 4, 0x01fe_0304], 11), wanted);

    let body = "
        let a = unpack4x8unorm(bitcast<u32>(x[0]));
        y[0] = a.x; y[1] = a.w;
        let b = unpack4x8snorm(bitcast<u32>(x[0]));
        y[2] = b.x; y[3] = b.w;
        let c = unpack2x16snorm(bitcast<u32>(x[0]));
        y[4] = c.x;
        let d = unpack2x16unorm(bitcast<u32>(x[0]));
        y[5] = d.y;";
    let word = 0x8180_7f33u32;
    let wanted = [
        0x33 as f64 / 255.0,
        0x81 as f64 / 255.0,
        0x33 as f64 / 127.0,
        -1.0,
        0x7f33 as f64 / 32767.0,
        0x8180 as f64 / 65535.0,
    ];
    for ((value, allowed), wanted) in floats(body, &[f32::from_bits(word)], 6).into_iter().zip(wanted) {
        assert!(
            (value - wanted).abs() < 1e-15 && allowed > 0.0 && allowed < 1e-6,
            "{value} {wanted} {allowed}"
        );
    }
}

#[test]
fn half_precision_is_computed_in_f64_with_wider_bounds() {
    let text = "
        enable f16;
        @group(0) @binding(0) var<storage, read_write> y: array<f32>;
        @group(0) @binding(1) var<storage, read> x: array<f32>;
        var<workgroup> tile: array<f16, 2>;
        @compute @workgroup_size(1) fn main() {
            tile[0] = f16(x[0]);
            tile[1] = 0.5h;
            y[0] = f32(tile[0]);
            y[1] = f32(tile[0] * tile[1] + 1.0h);
            y[2] = f32(f16(x[1]));
        }";
    let elements = super::output(text, [1, 1, 1], &[vec![0; 3], super::words(&[0.3, 0.25])]);
    let values: Vec<(f64, f64)> = elements.into_iter().map(super::float).collect();
    assert!((values[0].0 - f64::from(0.3f32)).abs() < 1e-15 && values[0].1 > 2e-4 && values[0].1 < 4e-4);
    assert!((values[1].0 - 1.15).abs() < 1e-6 && values[1].1 > 1e-3 && values[1].1 < 3e-3, "{values:?}");
    assert_eq!(values[2], (0.25, 0.0), "f16 holds a quarter");
}
