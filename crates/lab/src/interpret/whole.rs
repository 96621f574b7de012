//! Operations on whole vectors and matrices.

use super::{
    code::{Cell, Kind, Whole},
    doubts::Doubts,
    functions as float, integers,
    memory::Step,
    real::{Real, Width},
    scalar::{real, word},
};
use naga::MathFunction as Math;

/// Does an operation on values whose cells begin at `from`; the cells of the result.
pub(super) fn whole(op: Whole, stack: &[Cell], from: [usize; 3], doubts: &mut Doubts) -> Step<Vec<Cell>> {
    match op {
        Whole::All | Whole::Any => {
            // A doubt is no matter where another component decides.
            let of = &stack[from[0]..][..from[1]];
            let decides = u32::from(op == Whole::Any);
            let doubt = of.iter().map(|cell| word(cell).1).find(|doubt| *doubt != 0).unwrap_or(0);
            let decided = of.iter().any(|cell| word(cell) == (decides, 0));
            let holds = match op {
                Whole::Any => of.iter().any(|cell| word(cell).0 != 0),
                _ => of.iter().all(|cell| word(cell).0 != 0),
            };
            Ok(vec![Cell::Word(u32::from(holds), if decided { 0 } else { doubt })])
        }
        Whole::Product(width, [inner, rows, columns]) => {
            let (left, right) = (&stack[from[0]..], &stack[from[1]..]);
            let [inner, rows, columns] = [inner, rows, columns].map(|n| n as usize);
            let mut product = Vec::with_capacity(rows * columns);
            for column in 0..columns {
                for row in 0..rows {
                    let pairs =
                        (0..inner).map(|n| (real(&left[n * rows + row]), real(&right[column * inner + n])));
                    product.push(Cell::Real(float::dot(pairs, width)));
                }
            }
            Ok(product)
        }
        Whole::Math(function, Kind::Float(width), size) => {
            let [n, m] = size.map(|n| n as usize);
            let numbers = |at: usize| stack.get(from[at]..).unwrap_or_default().iter().map(real);
            let x: Vec<Real> = numbers(0).take(n * m).collect();
            if let Some(packed) = pack(function, &x, doubts) {
                return Ok(vec![packed]);
            }
            vectors(
                function,
                width,
                &x,
                [numbers(1).take(n).collect(), numbers(2).take(n).collect()],
                [n, m],
                doubts,
            )
        }
        Whole::Math(function, _, [n, _]) => {
            let operand = |at: usize| &stack[from[at]..][..n as usize];
            let doubt = operand(0).iter().map(|cell| word(cell).1).find(|doubt| *doubt != 0).unwrap_or(0);
            let words: Vec<u32> = operand(0).iter().map(|cell| word(cell).0).collect();
            if function == Math::Dot {
                let other = operand(1);
                let doubt = other
                    .iter()
                    .map(|cell| word(cell).1)
                    .fold(doubt, |first, d| if first == 0 { d } else { first });
                let products = words.iter().zip(other).map(|(a, b)| a.wrapping_mul(word(b).0));
                return Ok(vec![Cell::Word(products.fold(0, u32::wrapping_add), doubt)]);
            }
            if let Some(word) = integers::pack(function, &words) {
                return Ok(vec![Cell::Word(word, doubt)]);
            }
            let packed = words.first().copied().unwrap_or(0);
            if let Some(unpacked) = integers::unpack(function, packed) {
                return Ok(unpacked.map(|word| Cell::Word(word, doubt)).to_vec());
            }
            if doubt != 0 {
                return Err(doubts.words(doubt));
            }
            unpack(function, packed).ok_or_else(|| format!("{function:?} of integers is not interpreted"))
        }
    }
}

/// Floats packed into a word, where `function` does that.
fn pack(function: Math, x: &[Real], doubts: &mut Doubts) -> Option<Cell> {
    let width = Width::Single;
    if function == Math::Pack2x16float {
        let mut packed = 0;
        for (n, x) in x.iter().enumerate() {
            packed |= u32::from(half::f16::from_f64(x.value).to_bits()) << (16 * n);
        }
        let sure = x.iter().all(|x| x.is_exact() && Width::Half.holds(x.value));
        let doubt = if sure { 0 } else { doubts.raise(|| "f16 of numbers that it does not hold".into()) };
        return Some(Cell::Word(packed, doubt));
    }
    let unpacks = matches!(
        function,
        Math::Unpack4x8snorm | Math::Unpack4x8unorm | Math::Unpack2x16snorm | Math::Unpack2x16unorm
    );
    let (bits, signed) = integers::normalized(function).filter(|_| !unpacks)?;
    let most = f64::from((1u32 << (bits - u32::from(signed))) - 1);
    let (mut packed, mut doubt) = (0, 0);
    for (n, x) in x.iter().enumerate() {
        let least = if signed { -1.0 } else { 0.0 };
        let share = float::clamp(*x, Real::exact(least), Real::exact(1.0), width);
        let scaled = share.multiply(Real::exact(most), width).add(Real::exact(0.5), width);
        let (whole, sure) = scaled.stepped(f64::floor).to_integer(-most - 1.0, most);
        if !sure {
            doubt = doubts.raise(|| format!("the integer of {}", scaled.value));
        }
        packed |= (whole as i64 as u32 & ((1u32 << bits) - 1)) << (bits * n as u32);
    }
    Some(Cell::Word(packed, doubt))
}

/// Floats out of a word: 3 units in the last place, and exactly where they were halves.
fn unpack(function: Math, word: u32) -> Option<Vec<Cell>> {
    if function == Math::Unpack2x16float {
        let half = |n: u32| half::f16::from_bits((word >> (16 * n)) as u16).to_f64();
        return Some(vec![Cell::Real(Real::exact(half(0))), Cell::Real(Real::exact(half(1)))]);
    }
    let (bits, signed) = integers::normalized(function)?;
    let most = f64::from((1u32 << (bits - u32::from(signed))) - 1);
    let number = |n: u32| {
        let up = word << (32 - bits * (n + 1));
        let whole = if signed { f64::from(up as i32 >> (32 - bits)) } else { f64::from(up >> (32 - bits)) };
        let value = (whole / most).max(-1.0);
        Cell::Real(Real::within(value, 3.0 * Width::Single.ulp(value)))
    };
    Some((0..32 / bits).map(number).collect())
}

/// Functions of vectors of `n` components; of matrices of `n` columns and `m` rows.
fn vectors(
    function: Math,
    width: Width,
    x: &[Real],
    [y, z]: [Vec<Real>; 2],
    [n, m]: [usize; 2],
    doubts: &mut Doubts,
) -> Step<Vec<Cell>> {
    let dot = |a: &[Real], b: &[Real]| float::dot(a.iter().copied().zip(b.iter().copied()), width);
    let length = |a: &[Real]| float::sqrt(dot(a, a), width);
    let cells = |all: Vec<Real>| all.into_iter().map(Cell::Real).collect::<Vec<_>>();
    let (zero, one, two) = (Real::ZERO, Real::exact(1.0), Real::exact(2.0));
    Ok(cells(match function {
        Math::Dot => vec![dot(x, &y)],
        Math::Length => vec![length(x)],
        Math::Distance => {
            let apart: Vec<Real> = x.iter().zip(&y).map(|(a, b)| a.subtract(*b, width)).collect();
            vec![length(&apart)]
        }
        Math::Normalize => {
            let length = length(x);
            x.iter().map(|a| a.divide(length, width)).collect()
        }
        Math::Cross => {
            let part =
                |i: usize, j: usize| x[i].multiply(y[j], width).subtract(x[j].multiply(y[i], width), width);
            vec![part(1, 2), part(2, 0), part(0, 1)]
        }
        Math::FaceForward => {
            let (order, sure) = dot(&z, &y).compare(zero, width);
            let front = order.is_some_and(std::cmp::Ordering::is_lt);
            let faced = x.iter().map(|a| {
                let (kept, other) = if front { (*a, a.negate()) } else { (a.negate(), *a) };
                if sure { kept } else { kept.joined(other) }
            });
            faced.collect()
        }
        Math::Reflect => {
            let twice = two.multiply(dot(x, &y), width);
            x.iter().zip(&y).map(|(a, b)| a.subtract(twice.multiply(*b, width), width)).collect()
        }
        Math::Refract => {
            let ratio = z.first().copied().unwrap_or(zero);
            let facing = dot(&y, x);
            let rest = one.subtract(facing.multiply(facing, width), width);
            let k = one.subtract(ratio.multiply(ratio, width).multiply(rest, width), width);
            let (order, sure) = k.compare(zero, width);
            let none = order.is_some_and(std::cmp::Ordering::is_lt);
            if none && sure {
                vec![zero; n]
            } else {
                let along = ratio.multiply(facing, width).add(float::sqrt(k, width), width);
                let through = x.iter().zip(&y).map(|(a, b)| {
                    let bent = ratio.multiply(*a, width).subtract(along.multiply(*b, width), width);
                    match (sure, none) {
                        (true, _) => bent,
                        (false, true) => zero.joined(bent),
                        (false, false) => bent.joined(zero),
                    }
                });
                through.collect()
            }
        }
        Math::Transpose => (0..m).flat_map(|row| (0..n).map(move |column| x[column * m + row])).collect(),
        // WGSL promises nothing of it: this is the bound of its expansion.
        Math::Determinant => vec![determinant(x, n, width)],
        Math::Modf => {
            let whole: Vec<Real> = x.iter().map(|a| a.stepped(f64::trunc)).collect();
            let mut parts: Vec<Real> = x.iter().zip(&whole).map(|(a, b)| a.subtract(*b, width)).collect();
            parts.extend(whole);
            parts
        }
        Math::Frexp => {
            let mut parts = Vec::with_capacity(2 * n);
            for a in x {
                let (share, exponent) = float::frexp(a.value);
                let part = a.multiply(Real::exact(f64::from(-exponent).exp2()), width);
                parts.push(Cell::Real(part.at(share)));
            }
            for a in x {
                let exponent = |v: f64| float::frexp(v).1;
                let (low, high) = (a.value - a.allowed(), a.value + a.allowed());
                let sure = exponent(low) == exponent(high) && (low > 0.0) == (high > 0.0);
                let doubt = if sure { 0 } else { doubts.raise(|| format!("the exponent of {}", a.value)) };
                parts.push(Cell::Word(exponent(a.value) as u32, doubt));
            }
            return Ok(parts);
        }
        other => return Err(format!("{other:?} is not interpreted")),
    }))
}

/// The determinant of a matrix of n columns, by its first column.
fn determinant(matrix: &[Real], n: usize, width: Width) -> Real {
    if n == 1 {
        return matrix.first().copied().unwrap_or(Real::ZERO);
    }
    let mut sum = Real::ZERO;
    for row in 0..n {
        let minor: Vec<Real> = (1..n)
            .flat_map(|column| (0..n).filter(move |r| *r != row).map(move |r| column * n + r))
            .filter_map(|at| matrix.get(at).copied())
            .collect();
        let term = matrix[row].multiply(determinant(&minor, n - 1, width), width);
        sum = sum.add(if row % 2 == 0 { term } else { term.negate() }, width);
    }
    sum
}
