//! What every measurement shares: the spread of its samples, the conditions, the peaks of the adapter beside it.

/// What this adapter reaches at best.
pub mod peaks;
pub(crate) mod repeated;

use serde::Serialize;
use wgrad::{
    gpu::{AdapterRecord, Context},
    op::AdapterClass,
};

/// Median and spread of some samples: seconds, or what else is said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// A quarter are below.
    pub q1: f64,
    /// A quarter are above.
    pub q3: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of `samples`, in any order; zeros where there are none.
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let last = samples.len().saturating_sub(1) as f64;
        let at = |share: f64| samples.get((share * last).round() as usize).copied().unwrap_or(0.0);
        Self { median: at(0.5), min: at(0.0), q1: at(0.25), q3: at(0.75), max: at(1.0) }
    }
}

/// Which adapter, and under which conditions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conditions {
    /// The network.
    pub network: String,
    /// Images a step.
    pub batch: usize,
    /// The data set.
    pub data: String,
    /// The adapter.
    pub adapter: String,
    /// Vulkan, Metal, ...
    pub backend: String,
    /// The driver, with its version.
    pub driver: String,
    /// Software or hardware.
    pub class: AdapterClass,
    /// Whether wgpu's checks are in wgrad's own kernels.
    pub checked: bool,
    /// wgrad's version.
    pub version: &'static str,
}

impl Conditions {
    /// Those of a training of `network` on `data`.
    pub fn of(context: &Context, network: &str, data: &str, batch: usize) -> Self {
        let AdapterRecord { name, backend, driver, class } = AdapterRecord::of(context);
        Self {
            network: network.to_string(),
            batch,
            data: data.to_string(),
            adapter: name,
            backend,
            driver,
            class,
            checked: context.checked,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}
