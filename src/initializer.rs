//! Keras's initializers. Their values depend on a key only, not on the adapter. They hold no tensors.

use crate::feed::split_mix;

/// The initial values of one tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initializer {
    /// Zeros, Keras's default for biases.
    Zeros,
    /// Ones, Keras's default for the scale of a normalization.
    Ones,
    /// Zeros, except ones from `from` to `to` (exclusive): the bias of an LSTM whose forget gate starts open.
    OnesWithin {
        /// Index of the first one.
        from: usize,
        /// Index after the last one.
        to: usize,
    },
    /// Uniform in ±limit.
    Uniform {
        /// Bound of the interval.
        limit: f64,
    },
    /// Normal with this standard deviation, truncated at two deviations: values beyond are drawn again, and the scale
    /// is corrected so that the deviation stays right.
    Normal {
        /// The standard deviation.
        deviation: f64,
    },
    /// A matrix with orthonormal rows or columns, whichever are fewer (Saxe, McClelland and Ganguli 2014).
    Orthogonal {
        /// Length of a row, the last axis; the product of the other axes is the number of rows.
        columns: usize,
    },
}

/// Standard deviation of a standard normal distribution truncated at ±2.
const CUT: f64 = 0.879_625_661_034_239_8;

/// Initializer of a layer's kernel, by Keras's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KernelInitializer {
    /// Uniform in ±√(6 / (fan_in + fan_out)) (Glorot and Bengio 2010), Keras's default.
    #[default]
    GlorotUniform,
    /// Normal with deviation √(2 / (fan_in + fan_out)).
    GlorotNormal,
    /// Uniform in ±√(6 / fan_in) (He et al. 2015), for rectifiers.
    HeUniform,
    /// Normal with deviation √(2 / fan_in).
    HeNormal,
    /// Uniform in ±√(3 / fan_in).
    LecunUniform,
    /// Normal with deviation √(1 / fan_in), for `selu`.
    LecunNormal,
    /// Orthonormal rows or columns.
    Orthogonal,
    /// Uniform in ±0.05, Keras's default for a table of embeddings.
    Uniform,
    /// Zeros.
    Zeros,
    /// Ones.
    Ones,
}

impl KernelInitializer {
    /// The initializer of a kernel whose units have `fan_in` inputs and whose inputs reach `fan_out` units. `columns` is
    /// the length of the kernel's last axis, by which Keras cuts an orthogonal kernel into rows.
    pub fn of(self, [fan_in, fan_out]: [usize; 2], columns: usize) -> Initializer {
        let (fan_in, fan_out) = (fan_in.max(1) as f64, fan_out as f64);
        let uniform = |square: f64| Initializer::Uniform { limit: square.sqrt() };
        let normal = |square: f64| Initializer::Normal { deviation: square.sqrt() };
        match self {
            Self::GlorotUniform => uniform(6.0 / (fan_in + fan_out)),
            Self::GlorotNormal => normal(2.0 / (fan_in + fan_out)),
            Self::HeUniform => uniform(6.0 / fan_in),
            Self::HeNormal => normal(2.0 / fan_in),
            Self::LecunUniform => uniform(3.0 / fan_in),
            Self::LecunNormal => normal(1.0 / fan_in),
            Self::Orthogonal => Initializer::Orthogonal { columns },
            Self::Uniform => Initializer::Uniform { limit: 0.05 },
            Self::Zeros => Initializer::Zeros,
            Self::Ones => Initializer::Ones,
        }
    }
}

/// Number `index` of the stream `key`, in [-1, 1), from 53 random bits.
fn uniform(key: u64, index: u64) -> f64 {
    (split_mix(key.wrapping_add(index)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// A standard normal number (Box and Muller 1958) from two numbers of the stream.
fn normal(key: u64, index: u64) -> f64 {
    let [radius, angle] = [0, 1].map(|n| (uniform(key, 2 * index + n) + 1.0) / 2.0);
    (-2.0 * (1.0 - radius).ln()).sqrt() * (2.0 * std::f64::consts::PI * angle).cos()
}

impl Initializer {
    /// Fills a tensor with its initial values, drawn from the stream `key`.
    pub fn fill(self, key: u64, to: &mut [f32]) {
        match self {
            Self::Zeros => to.fill(0.0),
            Self::Ones => to.fill(1.0),
            Self::OnesWithin { from, to: end } => {
                for (at, weight) in to.iter_mut().enumerate() {
                    *weight = if (from..end).contains(&at) { 1.0 } else { 0.0 };
                }
            }
            Self::Uniform { limit } => {
                for (i, weight) in to.iter_mut().enumerate() {
                    *weight = (limit * uniform(key, i as u64)) as f32;
                }
            }
            Self::Normal { deviation } => {
                let mut index = 0;
                for weight in to {
                    *weight = loop {
                        index += 1;
                        let drawn = normal(key, index);
                        if drawn.abs() <= 2.0 {
                            break (deviation / CUT * drawn) as f32;
                        }
                    };
                }
            }
            Self::Orthogonal { columns } => orthogonal(key, columns.clamp(1, to.len().max(1)), to),
        }
    }
}

/// Fills `to` with orthonormal rows, or columns if they are fewer. Random normal vectors are orthogonalized one after
/// the other, twice, which is enough (Giraud, Langou and Rozložník 2005).
fn orthogonal(key: u64, columns: usize, to: &mut [f32]) {
    let rows = to.len() / columns;
    let (count, len) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    for n in 0..count {
        let mut vector: Vec<f64> = (0..len).map(|i| normal(key, (n * len + i) as u64)).collect();
        for _ in 0..2 {
            for earlier in &vectors {
                let along: f64 = vector.iter().zip(earlier).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(earlier).for_each(|(a, b)| *a -= along * b);
            }
            let length = vector.iter().map(|a| a * a).sum::<f64>().sqrt();
            vector.iter_mut().for_each(|a| *a /= length);
        }
        vectors.push(vector);
    }
    for (at, weight) in to.iter_mut().enumerate() {
        let (row, column) = (at / columns, at % columns);
        *weight = if rows <= columns { vectors[row][column] } else { vectors[column][row] } as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::{Initializer, KernelInitializer};

    fn filled(initializer: Initializer, len: usize) -> Vec<f64> {
        let mut weights = vec![f32::NAN; len];
        initializer.fill(7, &mut weights);
        weights.into_iter().map(f64::from).collect()
    }

    fn moments(weights: &[f64]) -> (f64, f64) {
        let n = weights.len() as f64;
        let mean = weights.iter().sum::<f64>() / n;
        (mean, (weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / n).sqrt())
    }

    #[test]
    fn deviations_and_bounds_are_those_of_the_formulas() {
        use KernelInitializer::*;
        // With 40,000 numbers the deviation is off by about 0.4 %.
        for (kind, variance) in [
            (GlorotUniform, 2.0 / 400.0),
            (GlorotNormal, 2.0 / 400.0),
            (HeUniform, 2.0 / 100.0),
            (HeNormal, 2.0 / 100.0),
            (LecunUniform, 1.0 / 100.0),
            (LecunNormal, 1.0 / 100.0),
        ] {
            let weights = filled(kind.of([100, 300], 300), 40_000);
            let (mean, deviation) = moments(&weights);
            let expected = f64::sqrt(variance);
            assert!((deviation / expected - 1.0).abs() < 0.015, "{kind:?}: {deviation}, expected {expected}");
            assert!(mean.abs() < 0.02 * expected, "{kind:?}: mean {mean}");
            let bound = expected
                * if matches!(kind, GlorotUniform | HeUniform | LecunUniform) { 1.7321 } else { 2.2737 };
            assert!(weights.iter().all(|w| w.abs() <= bound), "{kind:?} reaches beyond {bound}");
        }
    }

    #[test]
    fn orthogonal_rows_or_columns_are_orthonormal() {
        for (rows, columns) in [(5, 9), (9, 5), (6, 6), (1, 4), (4, 1)] {
            let w = filled(KernelInitializer::Orthogonal.of([rows, columns], columns), rows * columns);
            let vector = |n: usize| -> Vec<f64> {
                if rows <= columns {
                    w[n * columns..][..columns].to_vec()
                } else {
                    (0..rows).map(|row| w[row * columns + n]).collect()
                }
            };
            for a in 0..rows.min(columns) {
                for b in 0..=a {
                    let along: f64 = vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum();
                    let expected = if a == b { 1.0 } else { 0.0 };
                    assert!((along - expected).abs() < 1e-6, "{rows}×{columns}: {a}·{b} is {along}");
                }
            }
        }
    }

    #[test]
    fn the_same_key_gives_the_same_numbers_and_another_others() {
        let of = |key| {
            let mut weights = [0f32; 8];
            Initializer::Normal { deviation: 1.0 }.fill(key, &mut weights);
            weights
        };
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
    }
}
