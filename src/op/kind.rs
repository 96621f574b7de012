//! Kinds of adapters, and the traits that decide which variants are defaults there. All of them are read from the
//! adapter's own description; nothing is measured.

use super::AdapterClass;
use std::fmt;

/// Kind of an adapter, by the size and the memory of its processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterKind {
    /// A rasteriser on the processor's cores: lavapipe, SwiftShader, WARP.
    Software,
    /// A GPU of a phone or tablet: Adreno, Mali, PowerVR, Xclipse, VideoCore. Few cores, few registers.
    Mobile,
    /// A GPU that shares the processor's memory: Intel's and AMD's on the processor's die, Apple's.
    Integrated,
    /// A card with its own memory. Tens of cores, which idle if there are few workgroups.
    Discrete,
}

/// Vendors that build GPUs for phones: their identifiers in PCI, Khronos's registry and ACPI, and their names.
const MOBILE: [(&str, &[u32], &[&str]); 6] = [
    ("Qualcomm", &[0x5143, 0x4d4f_4351], &["adreno", "qualcomm"]),
    ("Arm", &[0x13b5], &["mali", "immortalis"]),
    ("Imagination", &[0x1010], &["powervr"]),
    ("Samsung", &[0x144d], &["xclipse"]),
    ("Broadcom", &[0x14e4], &["videocore", "v3d"]),
    ("VeriSilicon", &[0x10001], &["vivante"]),
];
/// Intel's identifier, and its name.
const INTEL: (u32, &str) = (0x8086, "intel");

impl AdapterKind {
    /// The kind of an adapter, and the reason in words. A virtual or unknown GPU counts as integrated, whose defaults
    /// are right for a small GPU and not far off for a large one.
    pub fn of(info: &wgpu::AdapterInfo) -> (Self, String) {
        let name = info.name.to_lowercase();
        if AdapterClass::of(info) == AdapterClass::Cpu {
            return (Self::Software, "it computes on the processor's cores".into());
        }
        let mobile = |(_, identifiers, names): &&(&str, &[u32], &[&str])| {
            identifiers.contains(&info.vendor) || names.iter().any(|n| name.contains(n))
        };
        if let Some((vendor, ..)) = MOBILE.iter().find(mobile) {
            return (Self::Mobile, format!("{vendor} builds GPUs for phones and tablets"));
        }
        match info.device_type {
            wgpu::DeviceType::DiscreteGpu => (Self::Discrete, "the driver says that it is discrete".into()),
            wgpu::DeviceType::IntegratedGpu => {
                (Self::Integrated, "the driver says that it is integrated".into())
            }
            wgpu::DeviceType::VirtualGpu => {
                (Self::Integrated, "it is virtual, and may be a part of a GPU".into())
            }
            _ => (Self::Integrated, "the driver does not say what it is".into()),
        }
    }

    /// Software or hardware.
    pub fn class(self) -> AdapterClass {
        if self == Self::Software { AdapterClass::Cpu } else { AdapterClass::Gpu }
    }
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Software => "software",
            Self::Mobile => "mobile",
            Self::Integrated => "integrated",
            Self::Discrete => "discrete",
        })
    }
}

/// The traits of an adapter that rules about defaults may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// Its kind.
    pub kind: AdapterKind,
    /// Lanes of its widest subgroup.
    pub lanes: u32,
    /// Major version of the Mesa that drives it; 0 if another driver does.
    pub mesa: u32,
    /// True if Intel built it: its compilers spill what others keep in registers.
    pub intel: bool,
}

impl Traits {
    /// The traits of an adapter.
    pub fn of(info: &wgpu::AdapterInfo) -> Self {
        let version = info.driver_info.split("Mesa ").nth(1).unwrap_or_default();
        let major = version.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        Self {
            kind: AdapterKind::of(info).0,
            lanes: info.subgroup_max_size,
            mesa: major.parse().unwrap_or(0),
            intel: info.vendor == INTEL.0 || info.name.to_lowercase().contains(INTEL.1),
        }
    }

    /// The value of a trait by its name in a rule.
    pub(super) fn value(&self, name: &str) -> Option<usize> {
        match name {
            "lanes" => Some(self.lanes as usize),
            "mesa" => Some(self.mesa as usize),
            "intel" => Some(usize::from(self.intel)),
            _ => None,
        }
    }
}
