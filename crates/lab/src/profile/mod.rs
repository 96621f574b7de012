//! Profile of a training step, from two measurements on real training (real stream, real updates): the time of each
//! dispatch of a step (`dispatches`), and the activity of host and device during ordinary training (`host`). A trace
//! for a viewer holds both (`trace`). This module does not compare whole networks.

/// Time of each dispatch of a training step.
pub mod dispatches;
/// Activity of the host while the device works, and waiting times of the device.
pub mod host;
/// Alignment of the device's clock with the host's.
mod align;
/// Time of a sum over all ranks of a team, by size.
pub mod sums;
/// Trace of a profile in Chrome's format.
pub mod trace;

use crate::measurement::{
    Conditions,
    peaks::{self, Peaks},
};
use dispatches::{DispatchRow, StepReport, TracedStep};
use host::HostReport;
use serde::Serialize;
use sums::SumRow;
use wgrad::{
    Error, Result,
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
    /// Time of a sum over all ranks, by size; empty without a team.
    pub sums: Vec<SumRow>,
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

/// What ranks measured together.
pub struct Together {
    host: HostReport,
    timeline: host::Timeline,
    sums: Vec<SumRow>,
}

/// Observes the training of a team for about `seconds`, and its sums for about half a second. All ranks call it.
///
/// # Errors
/// [`Error::Team`] if a rank has left or the trainer has no team; those of [`measure`].
pub async fn together(trainer: &mut Trainer, seconds: f64) -> Result<Together> {
    let Some(team) = trainer.team().cloned() else {
        return Err(Error::Team { message: "the trainer is in no team".into() });
    };
    trainer.share_state().await?;
    let (host, timeline) = host::measure(trainer, seconds, false).await?;
    Ok(Together { host, timeline, sums: sums::measure(&team, 0.5)? })
}

/// Profiles a training, which continues from its current state. `progress` receives messages about the current work. With
/// `together`, host and sums are those that the ranks of a team measured; `trainer` has one rank's share of the batch.
///
/// # Errors
/// [`Error::Device`] if the device fails, [`Error::Diverged`] if the loss is no longer finite.
pub async fn measure(
    context: &Context,
    trainer: &mut Trainer,
    conditions: Conditions,
    request: Request,
    together: Option<Together>,
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
    let Together { host, timeline, sums } = match together {
        Some(together) => together,
        None => {
            progress(&format!("ordinary training for {half:.1} s"));
            let trusted = found.step.clock == Clock::Gpu;
            let (host, timeline) = host::measure(trainer, half, trusted).await?;
            Together { host, timeline, sums: Vec::new() }
        }
    };
    Ok(Profile {
        conditions,
        dispatches: found.rows,
        step: found.step,
        host,
        peaks,
        sums,
        traced: found.traced,
        timeline,
    })
}
