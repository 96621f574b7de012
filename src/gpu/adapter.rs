//! Adapters: enumeration, kind of device, and choice of the one that a request names.
//! This module opens no device; see `context` for that.

use crate::{
    Error, Result,
    op::{AdapterClass, Traits},
};
use std::{fmt, str::FromStr};

/// One adapter of this machine.
pub struct Listed {
    /// Index in the list, for [`AdapterChoice::Index`].
    pub index: usize,
    /// Name, driver, back end, device type.
    pub info: wgpu::AdapterInfo,
    /// Software or hardware.
    pub class: AdapterClass,
    /// Its kind and what else decides the default kernels.
    pub traits: Traits,
    /// The wgpu adapter that opens the device.
    pub adapter: wgpu::Adapter,
}

impl Listed {
    /// Name, back end and driver on one line.
    pub fn describe(&self) -> String {
        describe(&self.info)
    }

    /// What it can do beyond WebGPU's core that kernels or timing use.
    pub fn features(&self) -> wgpu::Features {
        let useful = wgpu::Features::TIMESTAMP_QUERY
            | wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES
            | wgpu::Features::SHADER_F16
            | wgpu::Features::SUBGROUP
            | wgpu::Features::PIPELINE_CACHE;
        self.adapter.features() & useful
    }
}

/// Name, back end and driver of an adapter on one line.
pub fn describe(info: &wgpu::AdapterInfo) -> String {
    let driver = [info.driver.as_str(), info.driver_info.as_str()]
        .into_iter()
        .filter(|s| !s.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if driver.is_empty() {
        format!("{} ({})", info.name, info.backend)
    } else {
        format!("{} ({}, {driver})", info.name, info.backend)
    }
}

/// Request for an adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The fastest kind available: discrete, integrated, other, software.
    #[default]
    Best,
    /// By index in the list.
    Index(usize),
    /// The best adapter of a class.
    Class(AdapterClass),
    /// The best adapter of a back end.
    Backend(wgpu::Backend),
    /// The first adapter whose name or driver contains this text, or that is called `NAME (BACK END)`, ignoring case.
    Name(String),
}

impl FromStr for AdapterChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let lower = text.trim().to_lowercase();
        Ok(match lower.as_str() {
            "" | "best" | "auto" => Self::Best,
            "gpu" => Self::Class(AdapterClass::Gpu),
            "cpu" | "software" => Self::Class(AdapterClass::Cpu),
            "vulkan" | "vk" => Self::Backend(wgpu::Backend::Vulkan),
            "gl" | "gles" | "opengl" => Self::Backend(wgpu::Backend::Gl),
            "metal" => Self::Backend(wgpu::Backend::Metal),
            "dx12" | "d3d12" => Self::Backend(wgpu::Backend::Dx12),
            _ => match lower.parse() {
                Ok(index) => Self::Index(index),
                Err(_) => Self::Name(lower),
            },
        })
    }
}

impl fmt::Display for AdapterChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("best"),
            Self::Index(index) => write!(f, "{index}"),
            Self::Class(class) => write!(f, "{class}"),
            Self::Backend(backend) => write!(f, "{backend}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl AdapterChoice {
    /// The adapter of a process by its rank among those of this machine: the GPUs in turn, or the best adapter where there
    /// is none.
    pub async fn of_local_rank(rank: usize) -> Self {
        let gpus = gpus().await;
        gpus.get(rank % gpus.len().max(1)).map_or(Self::Best, |index| Self::Index(*index))
    }

    fn matches(&self, listed: &Listed) -> bool {
        match self {
            Self::Best => true,
            Self::Index(index) => listed.index == *index,
            Self::Class(class) => listed.class == *class,
            Self::Backend(backend) => listed.info.backend == *backend,
            Self::Name(name) => {
                let wgpu::AdapterInfo { name: own, backend, .. } = &listed.info;
                listed.describe().to_lowercase().contains(name.as_str())
                    || format!("{own} ({backend})").to_lowercase() == *name
            }
        }
    }

    /// Picks from `adapters`, best kind first; at equal kind, native back ends come before GL.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] if nothing matches; it lists the available adapters.
    pub fn pick(&self, adapters: Vec<Listed>) -> Result<Listed> {
        let found: Vec<String> = adapters.iter().map(|a| format!("{}: {}", a.index, a.describe())).collect();
        adapters
            .into_iter()
            .filter(|listed| self.matches(listed))
            .min_by_key(|listed| (rank(listed), listed.index))
            .ok_or(Error::NoAdapter { wanted: self.to_string(), found })
    }
}

/// Rank of software renderers, which are chosen last.
const SOFTWARE: u8 = 4;

fn rank(listed: &Listed) -> (u8, u8) {
    let kind = match (listed.class, listed.info.device_type) {
        (AdapterClass::Cpu, _) => SOFTWARE,
        (_, wgpu::DeviceType::DiscreteGpu) => 0,
        (_, wgpu::DeviceType::IntegratedGpu) => 1,
        (_, wgpu::DeviceType::VirtualGpu) => 2,
        _ => 3,
    };
    (kind, u8::from(listed.info.backend == wgpu::Backend::Gl))
}

/// The back ends that are searched first: the native ones, in the order of wgpu. GL comes after them.
const NATIVE: wgpu::Backends = wgpu::Backends::PRIMARY;

impl AdapterChoice {
    /// Finds the requested adapter without loading any driver that cannot match: a driver that crashes or hangs when
    /// loaded harms only those who ask for it. Unless the request names a back end, GL is searched only if the others
    /// have nothing better.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] if nothing matches; it lists the available adapters.
    pub async fn find(&self) -> Result<Listed> {
        let mut found = match self {
            Self::Backend(backend) => among((*backend).into(), 0).await,
            _ => among(NATIVE, 0).await,
        };
        let best = found.iter().filter(|listed| self.matches(listed)).map(rank).min();
        match (self, best) {
            // The error lists every adapter.
            (Self::Backend(_), None) => found = list().await,
            (_, None) => found.extend(among(wgpu::Backends::GL, found.len()).await),
            (Self::Best, Some((SOFTWARE, _))) if may_have_hardware() => {
                found.extend(among(wgpu::Backends::GL, found.len()).await);
            }
            _ => {}
        }
        self.pick(found)
    }
}

/// Returns true if this machine may have a graphics processor. On Linux each one with a driver is a render node;
/// without one, GL has only the processor's cores as well.
fn may_have_hardware() -> bool {
    let nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    !cfg!(target_os = "linux")
        || nodes.into_iter().any(|node| node.file_name().to_string_lossy().starts_with("renderD"))
}

/// Every adapter of this machine that can run compute shaders, in the order of [`AdapterChoice::Index`].
pub async fn list() -> Vec<Listed> {
    let mut all = among(NATIVE, 0).await;
    all.extend(among(wgpu::Backends::GL, all.len()).await);
    all
}

/// Indices of the GPUs of this machine, each once: with the back end of the first of them.
pub async fn gpus() -> Vec<usize> {
    let all = list().await;
    let gpus = || all.iter().filter(|listed| listed.class == AdapterClass::Gpu);
    let backend = gpus().next().map(|listed| listed.info.backend);
    gpus().filter(|listed| Some(listed.info.backend) == backend).map(|listed| listed.index).collect()
}

/// The adapters of some back ends that can run compute shaders, numbered from `first`.
async fn among(backends: wgpu::Backends, first: usize) -> Vec<Listed> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    instance
        .enumerate_adapters(backends)
        .await
        .into_iter()
        .filter(|adapter| {
            let flags = adapter.get_downlevel_capabilities().flags;
            flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
        })
        .enumerate()
        .map(|(index, adapter)| {
            let info = adapter.get_info();
            let (class, traits) = (AdapterClass::of(&info), Traits::of(&info));
            Listed { index: first + index, class, traits, info, adapter }
        })
        .collect()
}
