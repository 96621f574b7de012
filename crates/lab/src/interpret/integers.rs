//! The functions of WGSL on integers, and those that pack numbers into words.

use super::code::Kind;
use naga::MathFunction as Math;

/// A function of integers, by the bits of its operands; `None` where WGSL has none of that name for integers.
pub(super) fn of_words(function: Math, kind: Kind, a: &[u32; 4]) -> Option<u32> {
    let signed = kind == Kind::Signed;
    let [x, y, z, w] = *a;
    let less = |a: u32, b: u32| if signed { (a as i32) < (b as i32) } else { a < b };
    let least = |a, b| if less(b, a) { b } else { a };
    let largest = |a, b| if less(a, b) { b } else { a };
    Some(match function {
        Math::Abs if signed => (x as i32).wrapping_abs() as u32,
        Math::Abs => x,
        Math::Sign if signed => (x as i32).signum() as u32,
        Math::Sign => u32::from(x > 0),
        Math::Min => least(x, y),
        Math::Max => largest(x, y),
        Math::Clamp => least(largest(x, y), z),
        Math::CountOneBits => x.count_ones(),
        Math::CountLeadingZeros => x.leading_zeros(),
        Math::CountTrailingZeros => x.trailing_zeros(),
        Math::ReverseBits => x.reverse_bits(),
        Math::FirstTrailingBit if x == 0 => u32::MAX,
        Math::FirstTrailingBit => x.trailing_zeros(),
        Math::FirstLeadingBit => {
            // Of a negative number the first bit that is not its sign.
            let x = if signed && (x as i32) < 0 { !x } else { x };
            31u32.wrapping_sub(x.leading_zeros())
        }
        Math::ExtractBits => extract(x, y, z, signed),
        Math::InsertBits => {
            let (at, count) = span(z, w);
            let mask = mask(count).checked_shl(at).unwrap_or(0);
            (x & !mask) | (y.checked_shl(at).unwrap_or(0) & mask)
        }
        Math::Dot4I8Packed => (0..4).map(|n| byte(x, n) * byte(y, n)).sum::<i32>() as u32,
        Math::Dot4U8Packed => (0..4).map(|n| ((x >> (8 * n)) & 255) * ((y >> (8 * n)) & 255)).sum(),
        _ => return None,
    })
}

/// Byte `n` of a word as a signed number.
fn byte(word: u32, n: u32) -> i32 {
    i32::from((word >> (8 * n)) as u8 as i8)
}

/// Offset and count as WGSL takes them: within 32 bits.
fn span(offset: u32, count: u32) -> (u32, u32) {
    let at = offset.min(32);
    (at, count.min(32 - at))
}

fn mask(count: u32) -> u32 {
    1u32.checked_shl(count).map_or(u32::MAX, |bit| bit - 1)
}

fn extract(x: u32, offset: u32, count: u32, signed: bool) -> u32 {
    let (at, count) = span(offset, count);
    if count == 0 {
        return 0;
    }
    let up = x << (32 - at - count);
    match signed {
        true => ((up as i32) >> (32 - count)) as u32,
        false => up >> (32 - count),
    }
}

/// Integers packed into a word, lowest byte first; `None` where `function` packs floats, or nothing.
pub(super) fn pack(function: Math, from: &[u32]) -> Option<u32> {
    let byte: fn(u32) -> u32 = match function {
        Math::Pack4xI8 | Math::Pack4xU8 => |v| v & 255,
        Math::Pack4xI8Clamp => |v| (v as i32).clamp(-128, 127) as u32 & 255,
        Math::Pack4xU8Clamp => |v| v.min(255),
        _ => return None,
    };
    Some(from.iter().enumerate().fold(0, |word, (n, v)| word | byte(*v) << (8 * n)))
}

/// Integers out of a word; `None` where `function` unpacks floats, or nothing.
pub(super) fn unpack(function: Math, word: u32) -> Option<[u32; 4]> {
    match function {
        Math::Unpack4xI8 => Some([0, 1, 2, 3].map(|n| byte(word, n) as u32)),
        Math::Unpack4xU8 => Some([0, 1, 2, 3].map(|n| (word >> (8 * n)) & 255)),
        _ => None,
    }
}

/// How floats are packed: bits of one, whether it has a sign.
pub(super) fn normalized(function: Math) -> Option<(u32, bool)> {
    match function {
        Math::Pack4x8snorm | Math::Unpack4x8snorm => Some((8, true)),
        Math::Pack4x8unorm | Math::Unpack4x8unorm => Some((8, false)),
        Math::Pack2x16snorm | Math::Unpack2x16snorm => Some((16, true)),
        Math::Pack2x16unorm | Math::Unpack2x16unorm => Some((16, false)),
        _ => None,
    }
}
