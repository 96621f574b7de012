//! The environment for which results about kernels are valid.

use crate::op::user_file::digest;
use serde::{Deserialize, Serialize};

/// Everything that a choice or a proof of a kernel depends on, besides the kernel itself.
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
    /// SHA-256 of all shader texts of the registry.
    pub shaders: String,
    /// True if the kernels contain wgpu's checks.
    pub checked: bool,
}

impl Place {
    /// The name of the file with the results for this environment, or for a single `call` in it.
    pub fn file(&self, call: Option<&str>) -> String {
        let Self { adapter, backend, driver, wgpu, shaders, checked } = self;
        let checked = checked.to_string();
        let all = [adapter, backend, driver, wgpu, shaders, &checked].map(String::as_str);
        format!("{}.json", digest(&all.into_iter().chain(call).collect::<Vec<_>>().join("\0")))
    }

    /// Returns true if both are on the same adapter, even if everything else differs.
    pub fn same_adapter(&self, other: &Self) -> bool {
        (&self.adapter, &self.backend) == (&other.adapter, &other.backend)
    }
}
