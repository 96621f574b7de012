//! Global pooling over time: one number per feature.

use super::{GlobalAveragePooling2D, GlobalMaxPooling2D, one_dimension::by_plane};

/// `GlobalAveragePooling1D(keepdims=False)`: the mean of each feature over time.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePooling1D {
    /// True if time remains as an axis of length 1.
    #[serde(default)]
    pub keepdims: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl GlobalAveragePooling1D {
    /// Creates the layer.
    pub fn new() -> Self {
        Self::default()
    }

    fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the pool over images one pixel wide.
    pub fn plane(&self) -> GlobalAveragePooling2D {
        GlobalAveragePooling2D { keepdims: self.keepdims, name: self.name.clone() }
    }
}

by_plane!(GlobalAveragePooling1D, "global_average_pooling1d");

/// `GlobalMaxPooling1D(keepdims=False)`: the maximum of each feature over time.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalMaxPooling1D {
    /// True if time remains as an axis of length 1.
    #[serde(default)]
    pub keepdims: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl GlobalMaxPooling1D {
    /// Creates the layer.
    pub fn new() -> Self {
        Self::default()
    }

    fn fits(&self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the pool over images one pixel wide.
    pub fn plane(&self) -> GlobalMaxPooling2D {
        GlobalMaxPooling2D { keepdims: self.keepdims, name: self.name.clone() }
    }
}

by_plane!(GlobalMaxPooling1D, "global_max_pooling1d");
