//! Products of two views, whose axes have letters as in an equation of `Einsum`: scores of queries and keys, and heads of shares
//! and values.

use super::{
    factors::{Along, Axes, Factor, is_all, longer},
    views::{Base, Heads, Scores, Side, Source, View},
};
use std::rc::Rc;

/// The axes of an operand of a product, by their letters.
pub(super) struct Operand<'a> {
    pub view: &'a View,
    pub letters: &'a [char],
}

impl<'a> Operand<'a> {
    pub fn axis(&self, letter: char) -> Option<&'a [Factor]> {
        let at = self.letters.iter().position(|own| *own == letter)?;
        self.view.axes.0.get(at).map(Vec::as_slice)
    }
}

/// The axes that both operands of a product have, and it too: the batch and the heads.
struct Common {
    /// Length of the batch; `None` where neither has one longer than 1.
    batch: Option<Factor>,
    /// The factor of the heads of each operand.
    heads: [Option<Factor>; 2],
}

impl Common {
    /// Compares these axes of two operands.
    fn of(a: &Operand<'_>, b: &Operand<'_>, letters: &[char]) -> Option<Self> {
        let mut common = Self { batch: None, heads: [None, None] };
        for letter in letters {
            let (first, second) = (longer(a.axis(*letter)?), longer(b.axis(*letter)?));
            if first.len() != second.len() {
                return None;
            }
            for (x, y) in first.into_iter().zip(second) {
                match (x.along, y.along) {
                    _ if x.len != y.len => return None,
                    (Along::Batch, Along::Batch) if common.batch.is_none() => common.batch = Some(x),
                    (Along::Features, Along::Features) if common.heads[0].is_none() => {
                        common.heads = [Some(x), Some(y)];
                    }
                    _ => return None,
                }
            }
        }
        Some(common)
    }

    fn heads(&self) -> usize {
        self.heads[0].map_or(1, |factor| factor.len)
    }

    /// An axis of the product: batch and heads, which are `stride` apart.
    fn axis(axis: &[Factor], stride: usize) -> Vec<Factor> {
        let heads = |factor: &Factor| match factor.along {
            Along::Features => Factor { stride, ..*factor },
            _ => *factor,
        };
        axis.iter().filter(|factor| factor.len != 1 || factor.along == Along::Batch).map(heads).collect()
    }
}

/// The one letter of `own` for which `has` is true.
fn only(own: &[char], has: impl Fn(char) -> bool) -> Option<char> {
    let mut all = own.iter().copied().filter(|letter| has(*letter));
    all.next().filter(|_| all.next().is_none())
}

/// The one factor of an axis of features; `Some(None)` where it is 1 long.
fn feature(axis: &[Factor]) -> Option<Option<Factor>> {
    match longer(axis)[..] {
        [] => Some(None),
        [one] => (one.along == Along::Features).then_some(Some(one)),
        _ => None,
    }
}

/// The product of two views, whose axes have letters as in an equation of `Einsum`: scores, or heads. `None` for any other.
pub(super) fn product(views: [&View; 2], letters: [&[char]; 3]) -> Option<View> {
    let [a, b] = [0, 1].map(|n| Operand { view: views[n], letters: letters[n] });
    let output = letters[2];
    let ranks = [0, 1].map(|n| views[n].axes.0.len() == letters[n].len());
    if ranks != [true, true] {
        return None;
    }
    let common: Vec<char> =
        output.iter().copied().filter(|l| a.letters.contains(l) && b.letters.contains(l)).collect();
    let summed = only(a.letters, |l| b.letters.contains(&l) && !output.contains(&l))?;
    let first = only(a.letters, |l| !b.letters.contains(&l) && output.contains(&l))?;
    let second = only(b.letters, |l| !a.letters.contains(&l) && output.contains(&l))?;
    // No axis is summed by itself, and none comes out of nothing.
    if a.letters.len() != common.len() + 2
        || b.letters.len() != a.letters.len()
        || output.len() != a.letters.len()
    {
        return None;
    }
    let made = Made { common: Common::of(&a, &b, &common)?, output, summed, ends: [first, second] };
    match (&views[0].base, &views[1].base) {
        (Base::Layer(x), Base::Layer(y)) => made.scores(&a, &b, [x, y]),
        (Base::Scores(scores), Base::Layer(values)) => made.heads(&a, &b, scores, values, false),
        (Base::Layer(values), Base::Scores(scores)) => made.heads(&b, &a, scores, values, true),
        _ => None,
    }
}

/// A product whose letters are sorted.
struct Made<'a> {
    common: Common,
    output: &'a [char],
    /// The letter that both have, and the product does not.
    summed: char,
    /// The letter that only the first operand has, and that of the second.
    ends: [char; 2],
}

impl Made<'_> {
    /// The axes of the product; `ends` are those of the operands' own letters.
    fn axes(&self, a: &Operand<'_>, ends: [Vec<Factor>; 2], stride: usize) -> Option<Axes> {
        let axis = |letter: &char| match self.ends.iter().position(|end| end == letter) {
            Some(n) => Some(ends[n].clone()),
            None => a.axis(*letter).map(|axis| Common::axis(axis, stride)),
        };
        Some(Axes(self.output.iter().map(axis).collect::<Option<_>>()?))
    }

    /// Products of steps of two layers.
    fn scores(&self, a: &Operand<'_>, b: &Operand<'_>, sources: [&Source; 2]) -> Option<View> {
        let both = [a, b];
        let mut sides = Vec::new();
        let mut ends = Vec::new();
        for n in 0..2 {
            let steps = sources[n].steps();
            if !is_all(both[n].axis(self.ends[n])?, Along::Steps, steps) {
                return None;
            }
            let inner = feature(both[n].axis(self.summed)?)?;
            // The scores have the factors of both.
            sides.push(Side::of(both[n].view, sources[n], [self.common.heads[n], inner], 1.0));
            ends.push(vec![Factor::new(Scores::along(n), steps, 1)]);
        }
        let (Ok(sides), Ok(ends)) = (<[Side; 2]>::try_from(sides), <[Vec<Factor>; 2]>::try_from(ends)) else {
            return None;
        };
        if sides[0].len != sides[1].len {
            return None;
        }
        let axes = self.axes(a, ends, 1)?;
        let scale = a.view.scale * b.view.scale;
        let scores = Scores {
            sides,
            heads: self.common.heads(),
            scale: 1.0,
            causal: None,
            zeros: None,
            keys: None,
            dropout: 0.0,
        };
        Some(View { base: Base::Scores(Rc::new(scores)), axes, offset: 0, scale, sole: true })
    }

    /// Products of shares and values; `turned` if the values come first.
    fn heads(
        &self,
        shares: &Operand<'_>,
        values: &Operand<'_>,
        scores: &Scores,
        source: &Source,
        turned: bool,
    ) -> Option<View> {
        let keys = scores.keys?;
        let ends = if turned { [self.ends[1], self.ends[0]] } else { self.ends };
        let heads = self.common.heads();
        let steps = scores.steps(1 - keys);
        let fits = is_all(shares.axis(self.summed)?, Scores::along(keys), scores.steps(keys))
            && is_all(values.axis(self.summed)?, Along::Steps, scores.steps(keys))
            && source.steps() == scores.steps(keys)
            && is_all(shares.axis(ends[0])?, Scores::along(1 - keys), steps)
            && shares.view.scale == 1.0
            && heads == scores.heads;
        if !fits {
            return None;
        }
        let own = usize::from(!turned);
        let factors = [self.common.heads[own], feature(values.axis(ends[1])?)?];
        let value = Side::of(values.view, source, factors, values.view.scale);
        let mixed =
            [vec![Factor::new(Along::Steps, steps, 1)], vec![Factor::new(Along::Features, value.len, 1)]];
        let [first, second] = mixed;
        let axes = if turned { [second, first] } else { [first, second] };
        let axes = self.axes(shares, axes, value.len)?;
        let all = Heads {
            query: scores.sides[1 - keys].clone(),
            key: scores.sides[keys].clone(),
            value,
            heads,
            scale: scores.scale,
            causal: scores.causal.is_some(),
            dropout: scores.dropout,
        };
        Some(View { base: Base::Heads(Rc::new(all)), axes, offset: 0, scale: 1.0, sole: true })
    }
}
