//! Where a training step spends its time. Two measurements, both on real training (real stream, real updates):
//! each dispatch of a step by itself (`dispatches`), and what host and device do while an ordinary training runs
//! (`host`); and both as a trace for a viewer (`trace`). It leaves out whole networks side by side.

/// Each dispatch of a training step, timed by itself.
pub mod dispatches;
/// What the host does while the device works, and whether the device ever waits.
pub mod host;
/// The device's clock beside the host's.
mod align;
/// Both as a trace in Chrome's format.
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

/// Everything that was found out.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// Where and what.
    pub conditions: Conditions,
    /// The dispatches of a step, in order.
    pub dispatches: Vec<DispatchRow>,
    /// The step as a whole.
    pub step: StepReport,
    /// Host and device during ordinary training.
    pub host: HostReport,
    /// The adapter's peaks, measured beside.
    pub peaks: Peaks,
    /// Some of the steps that were taken apart, for a trace.
    #[serde(skip)]
    pub traced: Vec<TracedStep>,
    /// What host and device did, for a trace.
    #[serde(skip)]
    pub timeline: host::Timeline,
}

/// How to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// For about how long, seconds: half of it on the dispatches, half on the host.
    pub seconds: f64,
    /// Leave the device's timestamps alone, and use the host's clock.
    pub wall: bool,
}

/// Profiles a training, which goes on from wherever it stands. `progress` hears what is going on.
///
/// # Errors
/// [`wgrad::Error::Device`] if the device fails, [`wgrad::Error::Diverged`] if the loss is no number any more.
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
