//! Activity of host and device during ordinary training, through the loop that every training uses. It answers one
//! question: does the device ever wait for the host or the data?

use super::align::align;
use serde::Serialize;
use std::{ops::ControlFlow, sync::Arc};
use wgrad::{
    Result, clock,
    gpu::Clock,
    observe::{Activity, Recorder, Recording, Span, Submission},
    train::Trainer,
};

/// Uncounted share of the time at the start: the loop learns how much to submit at once.
const WARM_UP: f64 = 0.25;

/// Time during which the device was idle while the host did one activity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Idle {
    /// The host's activity; `None` if none was recorded.
    pub activity: Option<Activity>,
    /// Duration, seconds.
    pub seconds: f64,
    /// Share of the total time.
    pub share: f64,
}

/// Total cost of one activity of the host.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// The activity.
    pub activity: Activity,
    /// Number of occurrences.
    pub times: usize,
    /// Total seconds.
    pub seconds: f64,
    /// Seconds per step.
    pub seconds_per_step: f64,
    /// Share of the total time; the gathering thread runs in parallel.
    pub share: f64,
}

/// Host and device during ordinary training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostReport {
    /// Seconds from the beginning of the first submission to the end of the last.
    pub seconds: f64,
    /// Number of training steps.
    pub steps: usize,
    /// Number of training images.
    pub images: u64,
    /// Images per second.
    pub images_per_second: f64,
    /// Number of submissions.
    pub submissions: usize,
    /// Mean number of steps per submission.
    pub steps_per_submission: f64,
    /// Share of the time during which the device worked.
    pub device_busy: f64,
    /// Clock of the device's times. By the wall clock, a submission counts from its hand-over (or from when the
    /// previous one was seen done) until it is seen done; waiting times of the device in between are invisible.
    pub clock: Clock,
    /// Uncertainty of the offset between the device's clock and the host's, seconds in either direction; `None` by the
    /// wall clock.
    pub alignment_seconds: Option<f64>,
    /// Costs of the host's activities.
    pub costs: Vec<Cost>,
    /// The host's activities while the device was idle, the longest first.
    pub idle: Vec<Idle>,
    /// Bytes that this rank sends to the others of its team per step; `None` without a team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_bytes_per_step: Option<f64>,
}

impl HostReport {
    /// Returns the cost of an activity.
    pub fn cost(&self, activity: Activity) -> Option<&Cost> {
        self.costs.iter().find(|cost| cost.activity == activity)
    }
}

/// Activities and submissions on the host's clock, in order: the data of a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Activities of the host.
    pub spans: Vec<Span>,
    /// The submissions, with the device's times (`device`) on the host's clock. They never overlap.
    pub submissions: Vec<Submission>,
}

/// Trains for about `seconds` and records the activity. `stamped`: whether the device's timestamps are trusted.
///
/// # Errors
/// The errors of [`super::measure`].
pub async fn measure(trainer: &mut Trainer, seconds: f64, stamped: bool) -> Result<(HostReport, Timeline)> {
    train_for(trainer, WARM_UP * seconds).await?;
    let recorder = Arc::new(Recorder::default());
    trainer.listen(Some(recorder.clone()), stamped);
    let before = trainer.traffic();
    let trained = train_for(trainer, (1.0 - WARM_UP) * seconds).await;
    trainer.listen(None, false);
    trained?;
    let (mut report, timeline) = report(recorder.take());
    report.sent_bytes_per_step = trainer.team().map(|team| {
        let sent = team.traffic().bytes - before.bytes;
        sent as f64 / report.steps.max(1) as f64
    });
    Ok((report, timeline))
}

/// Trains for `seconds`, over as many epochs as necessary. The ranks of a team end together.
async fn train_for(trainer: &mut Trainer, seconds: f64) -> Result<()> {
    let begun = clock::seconds();
    let goes_on = || clock::seconds() - begun < seconds;
    while trainer.team().map_or(Ok(goes_on()), |team| team.any(goes_on()))? {
        let each = |_: &_, _: &_| if goes_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        let _either_way = trainer.epoch(each).await?;
    }
    Ok(())
}

/// Computes the report and the timeline of a recording.
pub fn report(recording: Recording) -> (HostReport, Timeline) {
    let Recording { spans, mut submissions } = recording;
    let pairs = submissions.iter().map(|s| s.device.map(|device| ([s.submitted, s.done], device)));
    let pairs: Option<Vec<_>> = pairs.collect();
    let alignment = pairs.and_then(align);
    let mut last = f64::NEG_INFINITY;
    for s in &mut submissions {
        let [begin, end] = match (s.device, alignment) {
            (Some(device), Some(alignment)) => device.map(|time| time + alignment.offset),
            _ => [s.submitted, s.done],
        };
        // The queue runs submissions one after the other. An early timestamp means that the device was still busy.
        let begin = begin.max(last);
        last = end.max(begin);
        s.device = Some([begin, last]);
    }
    let busy: Vec<[f64; 2]> = submissions.iter().filter_map(|s| s.device).collect();
    let (from, to) = match (busy.first(), busy.last()) {
        (Some(first), Some(last)) => (first[0], last[1]),
        _ => (0.0, 0.0),
    };
    let whole = (to - from).max(f64::MIN_POSITIVE);
    let steps: usize = submissions.iter().map(|s| s.steps).sum();
    let images = submissions.iter().map(|s| s.images).sum();
    let costs = Activity::ALL.map(|activity| {
        let of = || spans.iter().filter(|s| s.activity == activity);
        let seconds: f64 = of().map(|s| s.end - s.begin).sum();
        let seconds_per_step = seconds / steps.max(1) as f64;
        Cost { activity, times: of().count(), seconds, seconds_per_step, share: seconds / whole }
    });
    let report = HostReport {
        seconds: to - from,
        steps,
        images,
        images_per_second: images as f64 / whole,
        submissions: submissions.len(),
        steps_per_submission: steps as f64 / submissions.len().max(1) as f64,
        device_busy: busy.iter().map(|[begin, end]| end - begin).sum::<f64>() / whole,
        clock: if alignment.is_some() { Clock::Gpu } else { Clock::Wall },
        alignment_seconds: alignment.map(|a| a.doubt),
        costs: costs.to_vec(),
        idle: idle(&busy, &spans, whole),
        sent_bytes_per_step: None,
    };
    (report, Timeline { spans, submissions })
}

/// Returns the host's activities in the gaps between `busy`. The gathering thread is left out: the loop records when it
/// waits for it.
fn idle(busy: &[[f64; 2]], spans: &[Span], whole: f64) -> Vec<Idle> {
    let gaps: Vec<[f64; 2]> = busy.windows(2).map(|pair| [pair[0][1], pair[1][0]]).collect();
    let total: f64 = gaps.iter().map(|[begin, end]| end - begin).sum();
    let mut idle = Vec::new();
    let mut reported = 0.0;
    for activity in Activity::ALL.into_iter().filter(|a| *a != Activity::Gather) {
        let mut seconds = 0.0;
        for span in spans.iter().filter(|span| span.activity == activity) {
            // Both are in order, and a loop that trains has few gaps at a time.
            let first = gaps.partition_point(|[_, end]| *end <= span.begin);
            let within = gaps[first..].iter().take_while(|[begin, _]| *begin < span.end);
            seconds += within.map(|[b, e]| (e.min(span.end) - b.max(span.begin)).max(0.0)).sum::<f64>();
        }
        reported += seconds;
        idle.push(Idle { activity: Some(activity), seconds, share: seconds / whole });
    }
    let rest = (total - reported).max(0.0);
    idle.push(Idle { activity: None, seconds: rest, share: rest / whole });
    idle.retain(|idle| idle.seconds > 0.0);
    idle.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    idle
}

#[cfg(test)]
mod tests {
    use super::report;
    use wgrad::{
        gpu::Clock,
        observe::{Activity, Recording, Span, Submission},
    };

    fn span(activity: Activity, begin: f64, end: f64) -> Span {
        Span { activity, begin, end }
    }

    /// Three submissions of two steps, of 1 s each; the device idles for 2 s and for 1 s between them.
    fn recording(stamped: bool) -> Recording {
        let submission = |submitted: f64, done: f64, begin: f64| Submission {
            steps: 2,
            images: 20,
            submitted,
            done,
            device: stamped.then_some([begin, begin + 1.0]),
        };
        Recording {
            spans: vec![
                span(Activity::Gather, 0.0, 9.0),
                span(Activity::Wait, 10.0, 11.0),
                span(Activity::Starve, 11.0, 12.5),
                span(Activity::Encode, 12.5, 13.0),
                span(Activity::Wait, 13.0, 14.0),
                span(Activity::Upload, 14.25, 15.0),
            ],
            submissions: vec![
                submission(10.0, 11.0, 110.0),
                submission(13.0, 14.0, 113.0),
                submission(15.0, 16.0, 115.0),
            ],
        }
    }

    #[test]
    fn what_the_device_waits_for_is_named() {
        let (report, timeline) = report(recording(true));
        assert_eq!((report.clock, report.alignment_seconds), (Clock::Gpu, Some(0.0)));
        assert_eq!((report.seconds, report.steps, report.images), (6.0, 6, 60));
        assert_eq!((report.submissions, report.steps_per_submission), (3, 2.0));
        assert_eq!((report.device_busy, report.images_per_second), (0.5, 10.0));
        let idle: Vec<_> = report.idle.iter().map(|idle| (idle.activity, idle.seconds)).collect();
        let expected = [
            (Some(Activity::Starve), 1.5),
            (Some(Activity::Upload), 0.75),
            (Some(Activity::Encode), 0.5),
            (None, 0.25),
        ];
        assert_eq!(idle, expected);
        let wait = report.cost(Activity::Wait).expect("told");
        assert_eq!((wait.times, wait.seconds, wait.seconds_per_step), (2, 2.0, 2.0 / 6.0));
        assert_eq!(timeline.submissions[1].device, Some([13.0, 14.0]), "on the host's clock");
    }

    #[test]
    fn without_timestamps_the_host_says_when() {
        let (report, timeline) = report(recording(false));
        assert_eq!((report.clock, report.alignment_seconds), (Clock::Wall, None));
        assert_eq!(report.device_busy, 0.5);
        assert_eq!(timeline.submissions[2].device, Some([15.0, 16.0]));
        let (nothing, _) = super::report(Recording::default());
        assert_eq!((nothing.steps, nothing.device_busy, nothing.images_per_second), (0, 0.0, 0.0));
    }

    #[test]
    fn submissions_that_are_stamped_early_do_not_count_twice() {
        let mut recording = recording(true);
        recording.submissions[1].device = Some([110.5, 114.0]);
        recording.submissions[1].submitted = 10.0;
        let (report, timeline) = report(recording);
        assert_eq!(timeline.submissions[1].device, Some([11.0, 14.0]));
        assert!(report.device_busy <= 1.0 && (report.device_busy - 5.0 / 6.0).abs() < 1e-12);
    }
}
