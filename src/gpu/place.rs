//! Where something was found out about kernels.

use crate::op::user_file::digest;
use serde::{Deserialize, Serialize};

/// Everything on which a choice or a proof depends, besides what it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The adapter's name.
    pub adapter: String,
    /// Vulkan, Metal, ...
    pub backend: String,
    /// The driver, with its version.
    pub driver: String,
    /// The version of wgpu.
    pub wgpu: String,
    /// SHA-256 of all shader texts of the page.
    pub shaders: String,
    /// Whether wgpu's checks are in the kernels.
    pub checked: bool,
}

impl Place {
    /// The name of the file that keeps what was found out here, of a `call` alone if that is named.
    pub fn file(&self, call: Option<&str>) -> String {
        let Self { adapter, backend, driver, wgpu, shaders, checked } = self;
        let checked = checked.to_string();
        let all = [adapter, backend, driver, wgpu, shaders, &checked].map(String::as_str);
        format!("{}.json", digest(&all.into_iter().chain(call).collect::<Vec<_>>().join("\0")))
    }

    /// Whether both are on one adapter, whatever else changed.
    pub fn same_adapter(&self, other: &Self) -> bool {
        (&self.adapter, &self.backend) == (&other.adapter, &other.backend)
    }
}
