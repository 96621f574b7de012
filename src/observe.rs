//! Who listens to the training loop: what the host does and when, and what the device says of each submission.
//! Without a listener nothing is noted and no clock is read. It draws no conclusions.

use crate::clock;
use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

/// What the host spends its time on while it trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// A thread of its own puts the images of the next chunk together.
    Gather,
    /// The loop waits for that thread: the data is too slow.
    Starve,
    /// A chunk is copied to where the device fetches it.
    Upload,
    /// The commands of a submission are recorded.
    Encode,
    /// They are handed to the driver.
    Submit,
    /// The loop waits until the device is done: the device is the slower one.
    Wait,
}

impl Activity {
    /// All of them, in the order in which a batch meets them.
    pub const ALL: [Self; 6] =
        [Self::Gather, Self::Starve, Self::Upload, Self::Encode, Self::Submit, Self::Wait];

    /// What it is, in words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Gather => "gather images (thread)",
            Self::Starve => "wait for data",
            Self::Upload => "upload",
            Self::Encode => "encode",
            Self::Submit => "submit",
            Self::Wait => "wait for the device",
        }
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.about())
    }
}

/// Some activity of the host, in seconds of [`crate::clock`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Span {
    /// What.
    pub activity: Activity,
    /// From.
    pub begin: f64,
    /// To.
    pub end: f64,
}

/// A submission that is done.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Submission {
    /// Steps in it.
    pub steps: usize,
    /// Images in it.
    pub images: u64,
    /// When the host began to hand it over, seconds of [`crate::clock`].
    pub submitted: f64,
    /// When the host saw that it is done.
    pub done: f64,
    /// When the device began and ended it, seconds of the device's own clock; `None` without timestamps.
    pub device: Option<[f64; 2]>,
}

/// Everything that was noted, in the order in which it ended.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Recording {
    /// What the host did.
    pub spans: Vec<Span>,
    /// What the device did.
    pub submissions: Vec<Submission>,
}

impl Recording {
    /// Seconds from when the first submission was handed over until the last was seen done: the training without
    /// what begins a stream of data.
    pub fn seconds(&self) -> f64 {
        let ends = self.submissions.first().zip(self.submissions.last());
        ends.map_or(0.0, |(first, last)| last.done - first.submitted)
    }
}

/// Notes what it hears, from any thread.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Recording>);

impl Recorder {
    /// Notes an activity.
    pub fn span(&self, span: Span) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spans.push(span);
    }

    /// Notes a submission.
    pub fn submission(&self, submission: Submission) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).submissions.push(submission);
    }

    /// Hands out what was noted so far, and starts anew.
    pub fn take(&self) -> Recording {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Does `work`, and notes how long it took if anybody listens.
pub(crate) fn note<T>(listener: Option<&Recorder>, activity: Activity, work: impl FnOnce() -> T) -> T {
    let Some(recorder) = listener else { return work() };
    let begin = clock::seconds();
    let result = work();
    recorder.span(Span { activity, begin, end: clock::seconds() });
    result
}

/// Awaits `work`, and notes how long it took if anybody listens.
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

/// Work beside a training: called between two submissions, and by [`crate::train::Trainer::idle`] while it does not
/// run. What it submits runs after all that was submitted before, and may read the weights; it must write to nothing
/// but buffers of its own, so that the training's bits stay what they are. It should return at once.
pub trait Beside {
    /// Looks whether there is something to do.
    ///
    /// # Errors
    /// [`crate::Error::Device`] ends the training.
    fn between(&mut self) -> crate::Result<()>;
}
