//! Serializable description of an adapter.

use super::Context;
use crate::op::AdapterClass;
use serde::{Deserialize, Serialize};

/// Identity of an adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterRecord {
    /// Its name.
    pub name: String,
    /// Vulkan, Metal, ...
    pub backend: String,
    /// The driver, with its version.
    pub driver: String,
    /// Software or hardware.
    pub class: AdapterClass,
}

impl AdapterRecord {
    /// The adapter of `context`.
    pub fn of(context: &Context) -> Self {
        Self::new(&context.info, context.class)
    }

    /// An adapter that need not be open.
    pub fn new(info: &wgpu::AdapterInfo, class: AdapterClass) -> Self {
        Self {
            name: info.name.clone(),
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
            class,
        }
    }
}
