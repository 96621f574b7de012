//! The part that layers over (time, features) share: each computes as its layer of two dimensions does on an image that
//! is one pixel wide. The order in memory is the same, and so are the kernels.

use super::{Padding, Place};
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, such as 3 or [3]")]
enum Written {
    Number(usize),
    List([usize; 1]),
}

/// Reads a number, alone or in a list of one, as Keras writes it.
pub(super) fn single<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    Ok(match Written::deserialize(deserializer)? {
        Written::Number(n) | Written::List([n]) => n,
    })
}

/// Reads a number that may be left out.
pub(super) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    single(deserializer).map(Some)
}

pub(super) fn one() -> usize {
    1
}

pub(super) fn two() -> usize {
    2
}

/// Returns the shape of the image one pixel wide for (time, features), or an error that says what does not fit.
pub(super) fn image(input: &[usize]) -> Result<[usize; 3], String> {
    match input {
        [time, features] => Ok([*time, 1, *features]),
        _ => {
            let rows = input.first().copied().unwrap_or(1).max(1);
            Err(format!(
                "its input has shape {input:?}, it takes (time, features); put Reshape before it, such as target_shape = \
                 [{rows}, {}]",
                input.iter().product::<usize>() / rows
            ))
        }
    }
}

/// Returns the shape of an image one pixel wide without its width.
pub(super) fn sequence(image: &[usize]) -> Vec<usize> {
    match image {
        [time, _, features] => vec![*time, *features],
        other => other.to_vec(),
    }
}

/// Returns the place with the shapes of images.
pub(super) fn widened(place: &Place) -> Place {
    let wide = |shape: &[usize]| image(shape).map_or_else(|_| shape.to_vec(), Vec::from);
    Place { input: wide(&place.input), output: wide(&place.output), ..place.clone() }
}

/// Refuses causal padding, which Keras's pools do not have.
pub(super) fn not_causal(padding: Padding) -> Result<(), String> {
    match padding {
        Padding::Causal => {
            Err("padding is \"causal\", expected \"valid\" or \"same\"; only Conv1D takes \"causal\"".into())
        }
        Padding::Valid | Padding::Same => Ok(()),
    }
}

/// Implements `Rules` for a struct by a method `plane`, which returns its layer of two dimensions or says what does not
/// fit.
macro_rules! by_plane {
    ($layer:ident, $slug:literal) => {
        impl super::Rules for $layer {
            fn slug(&self) -> &'static str {
                $slug
            }

            fn given_name(&self) -> Option<&str> {
                self.name.as_deref()
            }

            fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
                let image = super::one_dimension::image(input)?;
                self.fits()?;
                // The width, always 1, is not the reader's.
                let shape = self.plane().output_shape(&image).map_err(|e| e.replace("×1", ""))?;
                Ok(super::one_dimension::sequence(&shape))
            }

            fn parameters(
                &self,
                input: &[usize],
            ) -> Vec<(&'static str, Vec<usize>, crate::initializer::Initializer)> {
                let image = super::one_dimension::image(input).unwrap_or([1; 3]);
                let mut all = self.plane().parameters(&image);
                for (_, shape, _) in all.iter_mut().filter(|(_, shape, _)| shape.len() == 4) {
                    // (time, width, channels, filters)
                    shape.remove(1);
                }
                all
            }

            fn forward(
                &self,
                b: &mut crate::program::Builder,
                place: &mut super::Place,
            ) -> crate::program::ValueId {
                let mut wide = super::one_dimension::widened(place);
                let y = self.plane().forward(b, &mut wide);
                place.saved = wide.saved;
                y
            }

            fn backward(
                &self,
                b: &mut crate::program::Builder,
                place: &super::Place,
                dy: crate::program::ValueId,
                wanted: bool,
            ) -> Option<crate::program::ValueId> {
                self.plane().backward(b, &super::one_dimension::widened(place), dy, wanted)
            }
        }
    };
}
pub(super) use by_plane;
