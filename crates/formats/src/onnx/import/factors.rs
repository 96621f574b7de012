//! The factors of axes: heads are a factor of an axis of features, and a file may join them with the batch.

use std::collections::VecDeque;

/// What an axis runs along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Along {
    /// The images, or sequences, of a batch.
    Batch,
    /// Steps of a sequence; of scores, those of their first side.
    Steps,
    /// Numbers of a step, which are those of all its further axes; of scores, their heads.
    Features,
    /// Of scores, the steps of their second side.
    Keys,
}

/// A factor of an axis: number n of it is number n · `stride` along something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Factor {
    pub along: Along,
    /// Its length; 0 for a batch of any length.
    pub len: usize,
    pub stride: usize,
}

impl Factor {
    pub fn new(along: Along, len: usize, stride: usize) -> Self {
        Self { along, len, stride }
    }

    /// Divides into `outer` groups: the factor of the groups, and that within each. `None` where they are not even.
    fn divided(self, outer: usize) -> Option<[Self; 2]> {
        if outer == 0 || self.len < 2 || !self.len.is_multiple_of(outer) {
            return None;
        }
        let inner = self.len / outer;
        Some([Self { len: outer, stride: self.stride * inner, ..self }, Self { len: inner, ..self }])
    }
}

/// The factors of an axis that are longer than 1.
pub(super) fn longer(axis: &[Factor]) -> Vec<Factor> {
    axis.iter().copied().filter(|factor| factor.len != 1).collect()
}

/// True if an axis has this whole length along something, and nothing else.
pub(super) fn is_all(axis: &[Factor], along: Along, len: usize) -> bool {
    let own = |factor: &Factor| *factor == Factor::new(along, len, 1);
    match longer(axis)[..] {
        [] => len == 1,
        [one] => own(&one),
        _ => false,
    }
}

/// The places along the features that an axis goes through, in order; `None` where it goes along something else.
pub(super) fn places(axis: &[Factor]) -> Option<Vec<usize>> {
    let mut all = vec![0];
    for factor in longer(axis) {
        if factor.along != Along::Features {
            return None;
        }
        all = all.iter().flat_map(|at| (0..factor.len).map(move |n| at + n * factor.stride)).collect();
    }
    Some(all)
}

/// Axes of a file's tensor, each a product of factors, the last one fastest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axes(pub Vec<Vec<Factor>>);

/// A wanted length: a number, times the batch if that has any length.
#[derive(Clone, Copy)]
struct Wanted {
    len: usize,
    batch: bool,
}

impl Axes {
    /// The lengths; one that has a batch of any length is negative: -1 times the others.
    pub fn lens(&self) -> Vec<i64> {
        let len = |axis: &Vec<Factor>| {
            let free = axis.iter().any(|factor| factor.len == 0);
            let len = axis.iter().fold(1i64, |all, factor| all.saturating_mul(factor.len.max(1) as i64));
            if free { -len } else { len }
        };
        self.0.iter().map(len).collect()
    }

    /// The axes in another order.
    pub fn transposed(&self, order: &[usize]) -> Option<Self> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        let all = sorted.iter().copied().eq(0..self.0.len());
        all.then(|| Self(order.iter().map(|n| self.0[*n].clone()).collect()))
    }

    /// Without some axes of length 1.
    pub fn squeezed(&self, at: &[usize]) -> Option<Self> {
        if at.iter().any(|n| self.0.get(*n).is_none_or(|axis| !longer(axis).is_empty())) {
            return None;
        }
        let mut left: Vec<Vec<Factor>> = Vec::new();
        let mut dropped = Vec::new();
        for (n, axis) in self.0.iter().enumerate() {
            match at.contains(&n) {
                true => dropped.extend(axis),
                false => left.push(dropped.drain(..).chain(axis.iter().copied()).collect()),
            }
        }
        if let Some(last) = left.last_mut() {
            last.extend(dropped);
        }
        Some(Self(left))
    }

    /// With more axes of length 1, at these places of the result, in order.
    pub fn unsqueezed(&self, at: &[usize]) -> Option<Self> {
        let mut axes = self.0.clone();
        for place in at {
            if *place > axes.len() {
                return None;
            }
            axes.insert(*place, Vec::new());
        }
        Some(Self(axes))
    }

    /// With other lengths, as of a `Reshape`: 0 is that of the same axis, -1 the batch or what is left, and another negative
    /// number that many times the batch. `None` where no factors have them.
    pub fn reshaped(&self, wanted: &[i64], zero: bool) -> Option<Self> {
        let own = self.lens();
        let as_wanted = |(n, len): (usize, &i64)| {
            let len = if *len == 0 && !zero { *own.get(n)? } else { *len };
            let batch = len < 0;
            Some(Wanted { len: usize::try_from(len.unsigned_abs()).ok()?, batch })
        };
        let all: Vec<Wanted> = wanted.iter().enumerate().map(as_wanted).collect::<Option<_>>()?;
        let open = wanted.iter().enumerate().rev().filter(|(_, len)| **len == -1).map(|(n, _)| Some(n));
        open.chain([None]).find_map(|rest| self.regrouped(&all, rest))
    }

    /// The factors in groups of the wanted lengths; group number `rest` gets what is left.
    fn regrouped(&self, wanted: &[Wanted], rest: Option<usize>) -> Option<Self> {
        let mut left: VecDeque<Factor> = self.0.iter().flatten().copied().collect();
        let (before, behind) = match rest {
            Some(n) => (&wanted[..n], &wanted[n + 1..]),
            None => (wanted, &[][..]),
        };
        let mut axes = Vec::new();
        for wanted in before {
            axes.push(taken(&mut left, *wanted, false)?);
        }
        let mut last = Vec::new();
        for wanted in behind.iter().rev() {
            last.push(taken(&mut left, *wanted, true)?);
        }
        match (rest, axes.last_mut()) {
            (Some(_), _) => axes.push(left.into()),
            (None, Some(axis)) if left.iter().all(|factor| factor.len == 1) => axis.extend(left),
            _ => return None,
        }
        axes.extend(last.into_iter().rev());
        Some(Self(axes.into_iter().map(joined).collect()))
    }
}

/// Takes factors of the wanted length from the front, or from the back.
fn taken(left: &mut VecDeque<Factor>, wanted: Wanted, back: bool) -> Option<Vec<Factor>> {
    let Wanted { mut len, mut batch } = wanted;
    let mut own = VecDeque::new();
    let mut put = |factor: Factor| if back { own.push_front(factor) } else { own.push_back(factor) };
    let next = |left: &VecDeque<Factor>| if back { left.back().copied() } else { left.front().copied() };
    let drop = |left: &mut VecDeque<Factor>| if back { left.pop_back() } else { left.pop_front() };
    // A length of 1 is that of a factor, if one comes next.
    if let (1, false, Some(factor)) = (len, batch, next(left).filter(|factor| factor.len == 1)) {
        put(factor);
        drop(left);
    }
    while batch || len != 1 {
        let factor = next(left)?;
        drop(left);
        if factor.len == 0 {
            if !std::mem::take(&mut batch) {
                return None;
            }
            put(factor);
        } else if len.is_multiple_of(factor.len) {
            len /= factor.len;
            put(factor);
        } else {
            let [outer, inner] = factor.divided(if back { factor.len / len.max(1) } else { len })?;
            let (part, other) = if back { (inner, outer) } else { (outer, inner) };
            if part.len != len || len == 1 {
                return None;
            }
            put(part);
            if back {
                left.push_back(other)
            } else {
                left.push_front(other)
            }
            len = 1;
        }
    }
    Some(own.into())
}

/// Neighbouring factors that are one as one.
fn joined(axis: Vec<Factor>) -> Vec<Factor> {
    let mut all: Vec<Factor> = Vec::new();
    for next in axis {
        match all.last_mut() {
            Some(last)
                if last.along == next.along
                    && last.along != Along::Batch
                    && last.stride == next.stride * next.len =>
            {
                *last = Factor { len: last.len * next.len, ..next };
            }
            _ => all.push(next),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Axes (batch, steps, features) of a sequence.
    fn sequence(batch: usize, steps: usize, features: usize) -> Axes {
        let all = [(Along::Batch, batch), (Along::Steps, steps), (Along::Features, features)];
        Axes(all.map(|(along, len)| vec![Factor::new(along, len, 1)]).to_vec())
    }

    #[test]
    fn heads_are_factors_of_the_features() {
        let split = sequence(0, 5, 12).reshaped(&[-1, 5, 3, 4], false).expect("fits");
        assert_eq!(split.0[2], [Factor::new(Along::Features, 3, 4)]);
        assert_eq!(split.0[3], [Factor::new(Along::Features, 4, 1)]);
        let turned = split.transposed(&[0, 2, 1, 3]).expect("fits");
        // The heads in one axis with a batch of any length, by a number of batches or by what is left.
        for wanted in [[-3, 5, 4], [-1, 5, 4]] {
            let rows = turned.reshaped(&wanted, false).expect("fits");
            assert_eq!(rows.lens(), [-3, 5, 4]);
            assert_eq!(rows.reshaped(&[-1, 3, 5, 4], false), Some(turned.clone()));
        }
        let back = turned.transposed(&[0, 2, 1, 3]).expect("fits");
        assert_eq!(back.reshaped(&[0, 0, -1], false), Some(sequence(0, 5, 12)));
        assert_eq!(places(&back.0[2..].concat()), Some((0..12).collect()));
    }

    #[test]
    fn what_does_not_divide_is_none() {
        let x = sequence(0, 5, 12);
        for wanted in
            [&[-1, 5, 5, 3][..], &[-1, 4, 15], &[60], &[-1, 5, 12, 2], &[0, 0, 0, 12], &[-1, 0, -1, 7]]
        {
            assert_eq!(x.reshaped(wanted, false), None, "{wanted:?}");
        }
        assert_eq!(x.reshaped(&[-1, 0, 12], true), None);
        assert_eq!(x.transposed(&[0, 1, 1]), None);
        assert_eq!(x.squeezed(&[1]), None);
        assert_eq!(x.unsqueezed(&[5]), None);
    }

    #[test]
    fn axes_of_length_1_may_be_anywhere() {
        let one = sequence(1, 5, 12);
        let rows = one.reshaped(&[5, 3, 4], false).expect("a batch of 1 is no axis");
        assert_eq!(rows.lens(), [5, 3, 4]);
        assert_eq!(rows.reshaped(&[1, 5, 12], false).map(|axes| axes.lens()), Some(vec![1, 5, 12]));
        let more = sequence(0, 5, 12).unsqueezed(&[0, 3]).expect("fits");
        assert_eq!(more.lens(), [1, -1, 5, 1, 12]);
        assert_eq!(more.squeezed(&[3, 0]), Some(sequence(0, 5, 12)));
    }
}
