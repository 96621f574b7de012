//! A profile in the trace event format that ui.perfetto.dev and chrome://tracing open: complete events (`X`), counters
//! (`C`) and names (`M`). Times are microseconds of [`wgrad::clock`]. Google's "Trace Event Format" describes the
//! format.

use super::{Profile, align::align};
use serde::Serialize;
use serde_json::{Map, Value, json};
use wgrad::{gpu::Clock, observe::Activity};

/// The process of the device's tracks.
const DEVICE: u32 = 1;
/// The process of the host's tracks.
const HOST: u32 = 2;
/// The device's track of steps that were taken apart.
const DISPATCHES: u32 = 1;
/// The device's track of submissions of ordinary training.
const SUBMISSIONS: u32 = 2;

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Label in a viewer.
    pub name: String,
    /// `X`, `C` or `M`.
    pub ph: &'static str,
    /// Process.
    pub pid: u32,
    /// Track of the process.
    pub tid: u32,
    /// Beginning, microseconds.
    pub ts: f64,
    /// Duration, microseconds; only `X` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dur: Option<f64>,
    /// Details that a viewer shows when it is selected.
    pub args: Map<String, Value>,
}

/// A whole trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// All events, track by track, in order of time.
    #[serde(rename = "traceEvents")]
    pub events: Vec<Event>,
    /// The unit in which a viewer shows times.
    #[serde(rename = "displayTimeUnit")]
    pub unit: &'static str,
    /// Conditions of the measurement.
    #[serde(rename = "otherData")]
    pub about: Value,
}

/// A track under construction, in order of time. Events on it never overlap.
struct Track<'a> {
    events: &'a mut Vec<Event>,
    pid: u32,
    tid: u32,
    /// End of the last event, nanoseconds.
    last: f64,
}

impl Track<'_> {
    /// Creates a track and names it.
    fn new<'a>(events: &'a mut Vec<Event>, pid: u32, tid: u32, name: &str) -> Track<'a> {
        events.push(named("thread_name", pid, tid, name));
        let order = [("sort_index".to_string(), json!(tid))].into_iter().collect();
        events.push(Event { args: order, ..named("thread_sort_index", pid, tid, name) });
        Track { events, pid, tid, last: 0.0 }
    }

    /// Adds an event, in seconds. Rounding to whole nanoseconds keeps neighbours apart. A device may stamp a pass
    /// early, while the previous one still runs; such an event begins where the previous one ends.
    fn add(&mut self, name: &str, [begin, end]: [f64; 2], args: Value) {
        let begin = (begin * 1e9).round().max(self.last);
        self.last = (end * 1e9).round().max(begin);
        let (ts, dur) = (begin / 1e3, (self.last - begin) / 1e3);
        let args = match args {
            Value::Object(args) => args,
            _ => Map::new(),
        };
        let (name, pid, tid) = (name.to_string(), self.pid, self.tid);
        self.events.push(Event { name, ph: "X", pid, tid, ts, dur: Some(dur), args });
    }
}

fn named(what: &str, pid: u32, tid: u32, name: &str) -> Event {
    let args = [("name".to_string(), json!(name))].into_iter().collect();
    Event { name: what.to_string(), ph: "M", pid, tid, ts: 0.0, dur: None, args }
}

impl Trace {
    /// Creates the trace of a profile.
    pub fn of(profile: &Profile) -> Self {
        let mut events = Vec::new();
        let device = format!("device: {}", profile.conditions.adapter);
        events.push(named("process_name", DEVICE, 0, &device));
        events.push(named("process_name", HOST, 0, "host"));
        dispatches(&mut events, profile);
        submissions(&mut events, profile);
        for (n, activity) in Activity::ALL.into_iter().enumerate() {
            let mut track = Track::new(&mut events, HOST, n as u32 + 1, activity.about());
            let mut spans: Vec<_> =
                profile.timeline.spans.iter().filter(|s| s.activity == activity).collect();
            spans.sort_by(|a, b| a.begin.total_cmp(&b.begin));
            for span in spans {
                track.add(activity.about(), [span.begin, span.end], Value::Null);
            }
        }
        rate(&mut events, profile);
        let about = serde_json::to_value(&profile.conditions).unwrap_or_default();
        Self { events, unit: "ms", about }
    }
}

/// Adds the steps that were taken apart, on the host's clock.
fn dispatches(events: &mut Vec<Event>, profile: &Profile) {
    let steps = profile.traced.iter().filter(|step| step.clock == Clock::Gpu);
    let ends = steps.filter_map(|s| Some((s.host, [s.dispatches.first()?[0], s.dispatches.last()?[1]])));
    let offset = align(ends).map_or(0.0, |alignment| alignment.offset);
    let mut track = Track::new(events, DEVICE, DISPATCHES, "dispatches of steps taken apart");
    for step in &profile.traced {
        let shift = if step.clock == Clock::Gpu { offset } else { 0.0 };
        for (row, times) in profile.dispatches.iter().zip(&step.dispatches) {
            let args =
                json!({ "kernel": row.kernel, "sizes": row.sizes, "grid": row.grid, "clock": step.clock });
            track.add(&format!("{} {}", row.label, row.op), times.map(|time| time + shift), args);
        }
    }
}

fn submissions(events: &mut Vec<Event>, profile: &Profile) {
    let mut track = Track::new(events, DEVICE, SUBMISSIONS, "submissions");
    for (n, s) in profile.timeline.submissions.iter().enumerate() {
        let times = s.device.unwrap_or([s.submitted, s.done]);
        let clock = profile.host.clock;
        let args = json!({ "number": n, "steps": s.steps, "images": s.images, "clock": clock });
        track.add(&format!("{} steps", s.steps), times, args);
    }
}

/// Adds the rate in images per second, from the end of one submission to the end of the next.
fn rate(events: &mut Vec<Event>, profile: &Profile) {
    let mut last: Option<f64> = None;
    for s in &profile.timeline.submissions {
        let Some([begin, end]) = s.device else { continue };
        let took = end - last.unwrap_or(begin);
        last = Some(end);
        if took > 0.0 {
            let args = [("images/s".to_string(), json!(s.images as f64 / took))].into_iter().collect();
            let ts = (end * 1e9).round() / 1e3;
            let name = "images/s".to_string();
            events.push(Event { name, ph: "C", pid: HOST, tid: 0, ts, dur: None, args });
        }
    }
}
