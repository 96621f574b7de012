//! Profile of a training step, from two measurements on real training (real stream, real updates): the time of each
//! dispatch of a step (`dispatches`), and the activity of host and device during ordinary training (`host`). A trace
//! for a viewer holds both (`trace`). This module does not compare whole networks.

/// Time of each dispatch of a training step.
pub mod dispatches;
/// Activity of the host while the device works, and waiting times of the device.
pub mod host;
/// Alignment of the device's clock with the host's.
mod align;
/// Trace of a profile in Chrome's format.
pub mod trace;

use crate::measurement::{
    Conditions,
    peaks::{self, Peaks},
};
use dispatches::{DispatchRow, StepReport, TracedStep};
use host::HostReport;
use serde::Serialize;
use wgrad::{
    Result,
    gpu::{Clock, Context},
    train::Trainer,
};

/// A profile.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// Adapter, network and data.
    pub conditions: Conditions,
    /// The dispatches of a step, in order.
    pub dispatches: Vec<DispatchRow>,
    /// The step as a whole.
    pub step: StepReport,
    /// Host and device during ordinary training.
    pub host: HostReport,
    /// The adapter's peaks, measured in the same run.
    pub peaks: Peaks,
    /// Some of the steps that were taken apart, for a trace.
    #[serde(skip)]
    pub traced: Vec<TracedStep>,
    /// Activity of host and device, for a trace.
    #[serde(skip)]
    pub timeline: host::Timeline,
}

/// Request for a profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// Approximate time, seconds: half of it for the dispatches, half for the host.
    pub seconds: f64,
    /// Uses the host's clock instead of the device's timestamps.
    pub wall: bool,
}

/// Profiles a training, which continues from its current state. `progress` receives messages about the current work.
///
/// # Errors
/// [`wgrad::Error::Device`] if the device fails, [`wgrad::Error::Diverged`] if the loss is no longer finite.
pub async fn measure(
    context: &Context,
    trainer: &mut Trainer,
    conditions: Conditions,
    request: Request,
    progress: &mut dyn FnMut(&str),
) -> Result<Profile> {
    let half = request.seconds / 2.0;
    progress("measuring this adapter's peaks");
    let peaks = peaks::measure(context, (half / 2.0).clamp(0.05, 2.0)).await?;
    progress(&format!("taking steps apart for {half:.1} s"));
    let found = dispatches::measure(context, trainer, half, request.wall, &peaks).await?;
    if let Some(doubt) = &found.step.doubt {
        progress(&format!("wall clock, since {doubt}"));
    }
    progress(&format!("ordinary training for {half:.1} s"));
    let trusted = found.step.clock == Clock::Gpu;
    let (host, timeline) = host::measure(trainer, half, trusted).await?;
    Ok(Profile {
        conditions,
        dispatches: found.rows,
        step: found.step,
        host,
        peaks,
        traced: found.traced,
        timeline,
    })
}
