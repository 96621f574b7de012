//! The class of an adapter, which decides the default variants.

use std::fmt;

/// Selects one of the two families of kernels; the wrong family is slower by a factor of 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterClass {
    /// A software rasteriser on the processor's cores: lavapipe, llvmpipe, SwiftShader, WARP.
    Cpu,
    /// A graphics processor, integrated or discrete.
    Gpu,
}

impl AdapterClass {
    /// The class of an adapter. Software renderers behind GL report themselves as `Other`, so their
    /// names decide.
    pub fn of(info: &wgpu::AdapterInfo) -> Self {
        let name = info.name.to_lowercase();
        let software = ["llvmpipe", "lavapipe", "swiftshader", "softpipe", "basic render"];
        if info.device_type == wgpu::DeviceType::Cpu || software.iter().any(|s| name.contains(s)) {
            Self::Cpu
        } else {
            Self::Gpu
        }
    }
}

impl fmt::Display for AdapterClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
        })
    }
}
