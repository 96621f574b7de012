//! Types shared by all measurements: the spread of samples, the conditions, the peaks of the adapter.

/// Peak rates of this adapter.
pub mod peaks;
pub(crate) mod repeated;

use serde::Serialize;
use wgrad::{
    gpu::{AdapterRecord, Context},
    op::AdapterClass,
};

/// Median and spread of samples: seconds, unless stated otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// Minimum.
    pub min: f64,
    /// First quartile.
    pub q1: f64,
    /// Third quartile.
    pub q3: f64,
    /// Maximum.
    pub max: f64,
}

impl Spread {
    /// Computes the spread of `samples`, in any order; zeros if there are none.
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let last = samples.len().saturating_sub(1) as f64;
        let at = |share: f64| samples.get((share * last).round() as usize).copied().unwrap_or(0.0);
        Self { median: at(0.5), min: at(0.0), q1: at(0.25), q3: at(0.75), max: at(1.0) }
    }
}

/// Adapter and other conditions of a measurement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conditions {
    /// The network.
    pub network: String,
    /// Images per step.
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
    /// True if wgrad's own kernels have wgpu's checks.
    pub checked: bool,
    /// wgrad's version.
    pub version: &'static str,
}

impl Conditions {
    /// Returns the conditions of a training of `network` on `data`.
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
