//! Operations on one component, as WGSL defines them: integers wrap, x / 0 is x, shifts take the lowest five bits.

use super::{
    code::{Cell, Kind, Scalar},
    doubts::Doubts,
    functions as float, integers,
    memory::{Step, bits},
    real::{Real, Width},
};
use naga::MathFunction as Math;
use std::cmp::Ordering;

/// The number in a cell. What is none cannot come here: the module is validated.
pub(super) fn real(cell: &Cell) -> Real {
    match cell {
        Cell::Real(real) => *real,
        Cell::Word(word, _) => Real::of_bits(*word),
        Cell::Pointer(_) => Real::ZERO,
    }
}

/// The bits in a cell and the number of a doubt.
pub(super) fn word(cell: &Cell) -> (u32, u32) {
    match cell {
        Cell::Word(word, doubt) => (*word, *doubt),
        _ => (0, 0),
    }
}

/// The first doubt of several.
fn doubt(cells: &[&Cell]) -> u32 {
    cells.iter().map(|cell| word(cell).1).find(|doubt| *doubt != 0).unwrap_or(0)
}

/// Does an operation.
pub(super) fn scalar(op: Scalar, of: &[&Cell], doubts: &mut Doubts) -> Step<Cell> {
    let (a, b) = match of {
        [a] => (*a, *a),
        [a, b, ..] => (*a, *b),
        [] => return Ok(Cell::Word(0, 0)),
    };
    let arithmetic = |kind: Kind, words: fn(u32, u32) -> u32, reals: fn(Real, Real, Width) -> Real| match kind
    {
        Kind::Float(width) => Cell::Real(reals(real(a), real(b), width)),
        _ => Cell::Word(words(word(a).0, word(b).0), doubt(&[a, b])),
    };
    Ok(match op {
        Scalar::Add(kind) => arithmetic(kind, u32::wrapping_add, Real::add),
        Scalar::Subtract(kind) => arithmetic(kind, u32::wrapping_sub, Real::subtract),
        Scalar::Multiply(kind) => arithmetic(kind, u32::wrapping_mul, Real::multiply),
        Scalar::Divide(kind) => {
            arithmetic(kind, if kind == Kind::Signed { divide_signed } else { divide }, Real::divide)
        }
        Scalar::Remainder(kind) => {
            arithmetic(kind, if kind == Kind::Signed { remainder_signed } else { remainder }, Real::remainder)
        }
        Scalar::Negate(Kind::Float(_)) => Cell::Real(real(a).negate()),
        Scalar::Negate(_) => Cell::Word(word(a).0.wrapping_neg(), word(a).1),
        Scalar::Not => Cell::Word(word(a).0 ^ 1, word(a).1),
        Scalar::Complement => Cell::Word(!word(a).0, word(a).1),
        Scalar::Equal(kind) => compare(kind, "==", Ordering::is_eq, a, b, doubts),
        Scalar::NotEqual(kind) => compare(kind, "!=", Ordering::is_ne, a, b, doubts),
        Scalar::Less(kind) => compare(kind, "<", Ordering::is_lt, a, b, doubts),
        Scalar::LessEqual(kind) => compare(kind, "<=", Ordering::is_le, a, b, doubts),
        Scalar::Greater(kind) => compare(kind, ">", Ordering::is_gt, a, b, doubts),
        Scalar::GreaterEqual(kind) => compare(kind, ">=", Ordering::is_ge, a, b, doubts),
        // Nothing turns what a zero leaves.
        Scalar::And if word(a) == (0, 0) || word(b) == (0, 0) => Cell::Word(0, 0),
        Scalar::And => Cell::Word(word(a).0 & word(b).0, doubt(&[a, b])),
        Scalar::Or => Cell::Word(word(a).0 | word(b).0, doubt(&[a, b])),
        Scalar::Xor => Cell::Word(word(a).0 ^ word(b).0, doubt(&[a, b])),
        Scalar::ShiftLeft => Cell::Word(word(a).0 << (word(b).0 & 31), doubt(&[a, b])),
        Scalar::ShiftRight(Kind::Signed) => {
            Cell::Word(((word(a).0 as i32) >> (word(b).0 & 31)) as u32, doubt(&[a, b]))
        }
        Scalar::ShiftRight(_) => Cell::Word(word(a).0 >> (word(b).0 & 31), doubt(&[a, b])),
        Scalar::Select => match of {
            [condition, accept, reject] => select(condition, accept, reject),
            _ => Cell::Word(0, 0),
        },
        Scalar::Convert(from, to) => return convert(from, to, a, doubts),
        Scalar::Bitcast(from, to) => return bitcast(from, to, a, doubts),
        Scalar::Math(function, Kind::Float(width)) => return math(function, width, of, doubts),
        Scalar::Math(function, kind) => {
            let mut words = [0; 4];
            words.iter_mut().zip(of).for_each(|(into, cell)| *into = word(cell).0);
            match integers::of_words(function, kind, &words) {
                Some(bits) => Cell::Word(bits, doubt(of)),
                None => return Err(format!("{function:?} of integers is not interpreted")),
            }
        }
    })
}

fn divide(a: u32, b: u32) -> u32 {
    a.checked_div(b).unwrap_or(a)
}

fn divide_signed(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { (a as i32).wrapping_div(b as i32) as u32 }
}

fn remainder(a: u32, b: u32) -> u32 {
    a.checked_rem(b).unwrap_or(0)
}

fn remainder_signed(a: u32, b: u32) -> u32 {
    if b == 0 { 0 } else { (a as i32).wrapping_rem(b as i32) as u32 }
}

fn compare(
    kind: Kind,
    sign: &'static str,
    holds: fn(Ordering) -> bool,
    a: &Cell,
    b: &Cell,
    doubts: &mut Doubts,
) -> Cell {
    if let Kind::Float(width) = kind {
        let (a, b) = (real(a), real(b));
        let (order, sure) = a.compare(b, width);
        // Of what is no number only != holds.
        let bits = u32::from(order.map_or(sign == "!=", holds));
        return match sure {
            true => Cell::Word(bits, 0),
            false => Cell::Word(bits, doubts.raise(|| format!("{} {sign} {}", a.value, b.value))),
        };
    }
    let ((x, _), (y, _)) = (word(a), word(b));
    let order = if kind == Kind::Signed { (x as i32).cmp(&(y as i32)) } else { x.cmp(&y) };
    Cell::Word(u32::from(holds(order)), doubt(&[a, b]))
}

fn select(condition: &Cell, accept: &Cell, reject: &Cell) -> Cell {
    let (holds, doubt) = word(condition);
    let (taken, other) = if holds != 0 { (accept, reject) } else { (reject, accept) };
    match (taken, other) {
        (taken, _) if doubt == 0 => *taken,
        // Both are right.
        (Cell::Real(taken), Cell::Real(other)) => Cell::Real(taken.joined(*other)),
        (Cell::Word(taken, 0), Cell::Word(other, 0)) if taken == other => Cell::Word(*taken, 0),
        (taken, _) => Cell::Word(word(taken).0, doubt),
    }
}

fn convert(from: Kind, to: Kind, a: &Cell, doubts: &mut Doubts) -> Step<Cell> {
    let (bits, doubt) = word(a);
    Ok(match (from, to) {
        (Kind::Float(Width::Single), Kind::Float(Width::Half)) => Cell::Real(real(a).halved()),
        (Kind::Float(_), Kind::Float(_)) => *a,
        (Kind::Float(width), Kind::Bool) => {
            compare(Kind::Float(width), "!=", Ordering::is_ne, a, &Cell::Real(Real::ZERO), doubts)
        }
        (Kind::Float(_), to) => {
            // The largest integers that f32 holds: WGSL keeps to them.
            let range = match to {
                Kind::Signed => [f64::from(i32::MIN), 2_147_483_520.0],
                _ => [0.0, 4_294_967_040.0],
            };
            let (whole, sure) = real(a).to_integer(range[0], range[1]);
            let doubt = match sure {
                true => 0,
                false => doubts.raise(|| format!("the integer of {}", real(a).value)),
            };
            Cell::Word(whole as i64 as u32, doubt)
        }
        // Either of two numbers, which a bound holds.
        (Kind::Bool, Kind::Float(_)) if doubt != 0 => Cell::Real(Real::within(f64::from(bits), 1.0)),
        (_, Kind::Float(_)) if doubt != 0 => return Err(doubts.words(doubt)),
        (Kind::Signed, Kind::Float(width)) => Cell::Real(Real::of_integer(f64::from(bits as i32), width)),
        (_, Kind::Float(width)) => Cell::Real(Real::of_integer(f64::from(bits), width)),
        (_, Kind::Bool) => Cell::Word(u32::from(bits != 0), doubt),
        _ => *a,
    })
}

fn bitcast(from: Kind, to: Kind, a: &Cell, doubts: &mut Doubts) -> Step<Cell> {
    Ok(match (from, to) {
        (Kind::Float(from), Kind::Float(to)) if from == to => *a,
        (Kind::Float(Width::Half), _) | (_, Kind::Float(Width::Half)) => {
            return Err("the bits of f16 are not interpreted".into());
        }
        (Kind::Float(_), _) => match bits(real(a)) {
            Some(bits) => Cell::Word(bits, 0),
            None => {
                let value = real(a).value;
                Cell::Word((value as f32).to_bits(), doubts.raise(|| format!("the bits of {value}")))
            }
        },
        (_, Kind::Float(_)) => match word(a) {
            (bits, 0) => Cell::Real(Real::of_bits(bits)),
            (_, doubt) => return Err(doubts.words(doubt)),
        },
        _ => *a,
    })
}

/// A function of floats.
fn math(function: Math, width: Width, of: &[&Cell], doubts: &mut Doubts) -> Step<Cell> {
    let mut numbers = [Real::ZERO; 3];
    numbers.iter_mut().zip(of).for_each(|(into, cell)| *into = real(cell));
    let [x, y, z] = numbers;
    let one = Real::exact(1.0);
    Ok(Cell::Real(match function {
        Math::Abs => x.abs(),
        Math::Min => x.chosen(y, Ordering::Less, width),
        Math::Max => x.chosen(y, Ordering::Greater, width),
        Math::Clamp => float::clamp(x, y, z, width),
        Math::Saturate => float::clamp(x, Real::ZERO, one, width),
        Math::Cos => float::cos(x, width),
        Math::Cosh => float::cosh(x, width),
        Math::Sin => float::sin(x, width),
        Math::Sinh => float::sinh(x, width),
        Math::Tan => float::tan(x, width),
        Math::Tanh => float::tanh(x, width),
        Math::Acos => float::acos(x, width),
        Math::Asin => float::asin(x, width),
        Math::Atan => float::atan(x, width),
        Math::Atan2 => float::atan2(x, y, width),
        Math::Asinh => float::asinh(x, width),
        Math::Acosh => float::acosh(x, width),
        Math::Atanh => float::atanh(x, width),
        // Inherited from a product with a constant that the type does not hold.
        Math::Radians => x.multiply(Real::of_integer(1f64.to_radians(), width), width),
        Math::Degrees => x.multiply(Real::of_integer(1f64.to_degrees(), width), width),
        Math::Ceil => x.stepped(f64::ceil),
        Math::Floor => x.stepped(f64::floor),
        Math::Round => x.stepped(f64::round_ties_even),
        Math::Trunc => x.stepped(f64::trunc),
        Math::Fract => float::fract(x, width),
        Math::Exp => float::exp(x, width),
        Math::Exp2 => float::exp2(x, width),
        Math::Log => float::log(x, width),
        Math::Log2 => float::log2(x, width),
        Math::Pow => float::pow(x, y, width),
        Math::Sign => float::sign(x, width),
        Math::Fma => x.multiply(y, width).add(z, width),
        Math::Mix => float::mix(x, y, z, width),
        Math::Step => float::step(x, y, width),
        Math::SmoothStep => float::smoothstep(x, y, z, width),
        Math::Sqrt => float::sqrt(x, width),
        Math::InverseSqrt => float::inverse_sqrt(x, width),
        Math::QuantizeToF16 => x.halved(),
        Math::Ldexp => {
            let exponent = match of.get(1).map(|cell| word(cell)) {
                Some((bits, 0)) => bits as i32,
                Some((_, doubt)) => return Err(doubts.words(doubt)),
                None => 0,
            };
            x.multiply(Real::exact(f64::from(exponent.clamp(-300, 300)).exp2()), width)
        }
        other => return Err(format!("{other:?} is not interpreted")),
    }))
}
