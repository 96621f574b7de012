//! Observers of the training loop: what the host does and when, and what the device reports about each submission.
//! Without an observer nothing is recorded and no clock is read. This module draws no conclusions.

use crate::clock;
use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

/// Activity of the host in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// A separate thread gathers the images of the next chunk.
    Gather,
    /// The loop waits for that thread: the data is too slow.
    Starve,
    /// A chunk is copied to staging memory for the device.
    Upload,
    /// The commands of a submission are recorded.
    Encode,
    /// The commands are handed to the driver.
    Submit,
    /// The loop waits for the device: the device is the bottleneck.
    Wait,
    /// Gradients and results are exchanged with the other ranks of a team; this includes the waiting for the slowest.
    Exchange,
}

impl Activity {
    /// All activities, in the order in which a batch meets them.
    pub const ALL: [Self; 7] =
        [Self::Gather, Self::Starve, Self::Upload, Self::Encode, Self::Submit, Self::Wait, Self::Exchange];

    /// A short description.
    pub fn about(self) -> &'static str {
        match self {
            Self::Gather => "gather images (thread)",
            Self::Starve => "wait for data",
            Self::Upload => "upload",
            Self::Encode => "encode",
            Self::Submit => "submit",
            Self::Wait => "wait for the device",
            Self::Exchange => "exchange with other ranks",
        }
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.about())
    }
}

/// A span of an activity of the host, in seconds of [`crate::clock`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Span {
    /// The activity.
    pub activity: Activity,
    /// Its begin.
    pub begin: f64,
    /// Its end.
    pub end: f64,
}

/// A finished submission.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Submission {
    /// Number of steps.
    pub steps: usize,
    /// Number of images.
    pub images: u64,
    /// Start of the submission on the host, in seconds of [`crate::clock`].
    pub submitted: f64,
    /// Time at which the host saw its end.
    pub done: f64,
    /// Begin and end on the device, in seconds of the device's own clock; `None` without timestamps.
    pub device: Option<[f64; 2]>,
}

/// All records, in the order in which they ended.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Recording {
    /// Activities of the host.
    pub spans: Vec<Span>,
    /// Submissions to the device.
    pub submissions: Vec<Submission>,
}

impl Recording {
    /// Seconds from the first submission until the host saw the end of the last: the training without the start of a
    /// data stream.
    pub fn seconds(&self) -> f64 {
        let ends = self.submissions.first().zip(self.submissions.last());
        ends.map_or(0.0, |(first, last)| last.done - first.submitted)
    }
}

/// Recorder of activities and submissions, from any thread.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Recording>);

impl Recorder {
    /// Records an activity.
    pub fn span(&self, span: Span) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spans.push(span);
    }

    /// Records a submission.
    pub fn submission(&self, submission: Submission) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).submissions.push(submission);
    }

    /// Returns the records so far, and starts a new recording.
    pub fn take(&self) -> Recording {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Does `work`, and records its duration if there is a `listener`.
pub(crate) fn note<T>(listener: Option<&Recorder>, activity: Activity, work: impl FnOnce() -> T) -> T {
    let Some(recorder) = listener else { return work() };
    let begin = clock::seconds();
    let result = work();
    recorder.span(Span { activity, begin, end: clock::seconds() });
    result
}

/// Awaits `work`, and records its duration if there is a `listener`.
pub(crate) async fn noted<T>(
    listener: Option<&Recorder>,
    activity: Activity,
    work: impl Future<Output = T>,
) -> T {
    let Some(recorder) = listener else { return work.await };
    let begin = clock::seconds();
    let result = work.await;
    recorder.span(Span { activity, begin, end: clock::seconds() });
    result
}

/// An observer that works next to a training. It is called between two submissions, and by
/// [`crate::train::Trainer::idle`] while the training does not run. Its submissions run after all earlier ones and may
/// read the weights. They must write only to their own buffers, so that the training's bits stay the same. It should
/// return immediately.
pub trait Beside {
    /// Submits work if there is some to do.
    ///
    /// # Errors
    /// [`crate::Error::Device`] ends the training.
    fn between(&mut self) -> crate::Result<()>;
}
