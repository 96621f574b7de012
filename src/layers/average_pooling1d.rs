//! Average pooling over windows of time.

use super::{
    AveragePooling2D, Padding, Pair,
    one_dimension::{by_plane, not_causal, optional, single, two},
};

/// `AveragePooling1D(pool_size=2, strides=pool_size, padding="valid")` over (time, features). The mean ignores padding, as in Keras.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragePooling1D {
    /// Length of the window.
    #[serde(default = "two", deserialize_with = "single")]
    pub pool_size: usize,
    /// Step of the window; `pool_size` by default.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub strides: Option<usize>,
    /// `valid` or `same`.
    #[serde(default)]
    pub padding: Padding,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl AveragePooling1D {
    /// Creates a layer whose windows do not overlap.
    pub fn new(pool_size: usize) -> Self {
        Self { pool_size, strides: None, padding: Padding::Valid, name: None }
    }

    fn fits(&self) -> Result<(), String> {
        not_causal(self.padding)
    }

    /// Returns the pool over images one pixel wide.
    pub fn plane(&self) -> AveragePooling2D {
        let strides = self.strides.unwrap_or(self.pool_size);
        AveragePooling2D {
            pool_size: Pair(self.pool_size, 1),
            strides: Some(Pair(strides, 1)),
            padding: self.padding,
            name: self.name.clone(),
        }
    }
}

by_plane!(AveragePooling1D, "average_pooling1d");
