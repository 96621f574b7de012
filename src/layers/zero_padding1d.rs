//! Zeros before and after a sequence.

use super::{Sides, ZeroPadding2D, one_dimension::by_plane};
use serde::{Deserialize, Deserializer};

/// `ZeroPadding1D(padding=1)`: adds zeros before and after (time, features).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroPadding1D {
    /// Steps of zeros before and after the sequence: `1` or `[1, 2]`.
    #[serde(default = "once", deserialize_with = "ends")]
    pub padding: [usize; 2],
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number or two numbers, such as 1 or [1, 2]")]
enum Written {
    Both(usize),
    Each([usize; 2]),
}

/// Reads the steps at both ends of a sequence: one number for both, or one for each.
pub(super) fn ends<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[usize; 2], D::Error> {
    Ok(match Written::deserialize(deserializer)? {
        Written::Both(n) => [n, n],
        Written::Each(ends) => ends,
    })
}

pub(super) fn once() -> [usize; 2] {
    [1, 1]
}

impl ZeroPadding1D {
    /// Creates a layer that adds these steps before and after the sequence.
    pub fn new(padding: [usize; 2]) -> Self {
        Self { padding, name: None }
    }

    fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the padding of images one pixel wide.
    pub fn plane(&self) -> ZeroPadding2D {
        ZeroPadding2D { padding: Sides { height: self.padding, width: [0, 0] }, name: self.name.clone() }
    }
}

by_plane!(ZeroPadding1D, "zero_padding1d");
