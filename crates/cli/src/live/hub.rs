//! State that the training loop and the server share: the progress to show, and the requests of the pages. The loop
//! never waits for a page: events go into a ring of bounded length. A page that is too slow misses the oldest of them
//! and gets the whole state again.

use super::history::{History, Point};
use crate::fields::spelled;
use axum::response::sse::Event;
use serde_json::{Value, json};
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, TrySendError},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::{broadcast, oneshot};
use wgrad::{
    checkpoint::Position,
    clock,
    metrics::{Metrics, RunningMetrics, StepResult},
    train::Options,
};
use wgrad_run::EpochLine;

/// Events that a page may be behind before it misses some.
const RING: usize = 64;
/// Least seconds between two events about steps.
const PACE: f64 = 0.05;

/// Phase of the training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It takes steps.
    #[default]
    Training,
    /// It evaluates the weights.
    Evaluating,
    /// It waits to be resumed.
    Paused,
    /// It has come to its end.
    Finished,
    /// It was stopped; the state is saved.
    Stopped,
    /// It failed.
    Failed,
}

/// Requests of the pages that the training has not fulfilled yet.
#[derive(Debug, Default)]
pub struct Wishes {
    /// End, with everything saved.
    pub stop: bool,
    /// Wait.
    pub pause: bool,
    /// Another base learning rate.
    pub rate: Option<f64>,
}

/// Question of a page for the prediction of an image.
pub struct Question {
    /// One image as the network takes it.
    pub pixels: Vec<u8>,
    /// Channel for the answer: the network's outputs, and the number of steps before them.
    pub answer: oneshot::Sender<(Vec<f32>, u64)>,
}

/// The steps since the last event.
#[derive(Default)]
struct Group {
    steps: u64,
    running: RunningMetrics,
    position: Position,
    at: f64,
}

struct State {
    options: Options,
    phase: Phase,
    words: String,
    history: History,
    epochs: Vec<EpochLine>,
    now: Value,
    mistakes: Value,
    filters: Value,
    group: Group,
    number: u64,
    published: f64,
    speed: f64,
    evaluation: f64,
}

/// State that the training loop and the server share.
pub struct Hub {
    about: Value,
    per_epoch: u64,
    state: Mutex<State>,
    wishes: Mutex<Wishes>,
    wanted: AtomicBool,
    events: broadcast::Sender<Event>,
    questions: SyncSender<Question>,
}

/// Milliseconds since 1970, as browsers count them.
fn milliseconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3
}

fn event(name: &str, value: &Value) -> Event {
    Event::default().event(name).data(spelled(&value.to_string()))
}

impl Hub {
    /// State of a training with `options` and `per_epoch` steps per epoch, which has finished `epochs` and is at
    /// `position`.
    pub fn new(
        about: Value,
        options: Options,
        per_epoch: u64,
        epochs: Vec<EpochLine>,
        position: &Position,
        questions: SyncSender<Question>,
    ) -> Self {
        let state = State {
            options,
            phase: Phase::default(),
            words: String::new(),
            history: History::default(),
            epochs,
            now: Value::Null,
            mistakes: Value::Null,
            filters: Value::Null,
            group: Group::default(),
            number: position.epoch * per_epoch + position.step,
            published: clock::seconds(),
            speed: 0.0,
            evaluation: 0.0,
        };
        Self {
            about,
            per_epoch,
            state: state.into(),
            wishes: Mutex::default(),
            wanted: AtomicBool::new(false),
            events: broadcast::Sender::new(RING),
            questions,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an event to all pages. The lock on the state keeps the events and the states of new pages in one order.
    fn publish(&self, _state: &MutexGuard<'_, State>, name: &str, value: &Value) {
        if self.watched() {
            // No page may be left by now.
            let (Ok(_) | Err(_)) = self.events.send(event(name, value));
        }
    }

    /// Returns true if a page is open.
    pub fn watched(&self) -> bool {
        self.events.receiver_count() > 0
    }

    /// Number of open pages.
    pub fn pages(&self) -> usize {
        self.events.receiver_count()
    }

    /// The whole state, and all events after it.
    pub fn subscribe(&self) -> (Event, broadcast::Receiver<Event>) {
        let state = self.state();
        let receiver = self.events.subscribe();
        (self.whole(&state), receiver)
    }

    /// The whole state for a page that has missed events, which are skipped.
    pub fn catch_up(&self, receiver: &mut broadcast::Receiver<Event>) -> Event {
        let state = self.state();
        *receiver = self.events.subscribe();
        self.whole(&state)
    }

    fn whole(&self, state: &State) -> Event {
        event(
            "hello",
            &json!({
                "about": self.about, "phase": state.phase, "words": state.words,
                "base_rate": state.options.optimizer_at(state.number).learning_rate,
                "history": state.history.rows(), "epochs": state.epochs, "now": state.now,
                "mistakes": state.mistakes, "filters": state.filters,
            }),
        )
    }

    /// Records a step.
    pub fn step(&self, position: &Position, result: &StepResult) {
        let mut state = self.state();
        let group = &mut state.group;
        group.steps += 1;
        group.running.count(result);
        group.position = *position;
        group.at = milliseconds();
    }

    /// Publishes the recorded steps, unless that was done a moment ago.
    pub fn flush(&self) {
        self.tell(PACE);
    }

    /// Publishes the recorded steps, unless that was done less than `pace` seconds ago.
    fn tell(&self, pace: f64) {
        let mut state = self.state();
        let now = clock::seconds();
        if state.group.steps == 0 || now - state.published < pace {
            return;
        }
        let Group { steps, running, position, at } = std::mem::take(&mut state.group);
        let (seconds, Metrics { loss, accuracy, images, .. }) = (now - state.published, running.metrics());
        if seconds >= PACE {
            let speed = images as f64 / seconds;
            state.speed = if state.speed == 0.0 { speed } else { state.speed + 0.2 * (speed - state.speed) };
        }
        state.published = now;
        let number = position.epoch * self.per_epoch + position.step;
        state.number = number;
        // The rate of the last step, not of the next.
        let last = number.saturating_sub(1);
        let rate = state.options.learning_rate(last, position.watch.drops, self.per_epoch);
        let point = Point { number, steps, loss, accuracy, rate };
        state.history.push(point);
        let epoch = position.metrics();
        state.now = json!({
            "at": at, "epoch": position.epoch + 1, "step": position.step, "number": number,
            "loss": point.loss, "accuracy": point.accuracy, "rate": rate,
            "epoch_loss": epoch.loss, "epoch_accuracy": epoch.accuracy,
            "speed": state.speed, "left": self.left(&state, number),
        });
        self.publish(&state, "step", &state.now);
    }

    /// Seconds to the end, including evaluations.
    fn left(&self, state: &State, number: u64) -> f64 {
        let Options { epochs, batch, .. } = state.options;
        let steps = (epochs * self.per_epoch).saturating_sub(number);
        let evaluations = steps.div_ceil(self.per_epoch.max(1));
        (steps * batch as u64) as f64 / state.speed.max(1e-9) + evaluations as f64 * state.evaluation
    }

    /// Records an evaluated epoch.
    pub fn epoch(&self, line: &EpochLine) {
        let mut state = self.state();
        state.epochs.push(*line);
        let mut value = json!(line);
        value["at"] = milliseconds().into();
        self.publish(&state, "epoch", &value);
    }

    /// Publishes the phase of the training, and the reason for it.
    pub fn phase(&self, phase: Phase, words: &str) {
        self.tell(0.0);
        let mut state = self.state();
        let now = clock::seconds();
        match (state.phase, phase) {
            (Phase::Evaluating, _) => state.evaluation = now - state.published,
            (_, Phase::Finished | Phase::Stopped | Phase::Failed) => state.speed = 0.0,
            _ => {}
        }
        // Time without steps does not count as slow steps.
        state.published = now;
        (state.phase, state.words) = (phase, words.to_string());
        let reported = json!({"phase": phase, "words": words, "at": milliseconds()});
        self.publish(&state, "phase", &reported);
    }

    /// Records changed options and publishes the base learning rate.
    pub fn set_options(&self, options: &Options, rate: f64) {
        let mut state = self.state();
        state.options = options.clone();
        self.publish(&state, "rate", &json!({"base_rate": rate}));
    }

    /// Publishes the current mistakes of the network.
    pub fn show_mistakes(&self, value: Value) {
        let mut state = self.state();
        state.mistakes = value;
        self.publish(&state, "mistakes", &state.mistakes);
    }

    /// Publishes the first layer's filters.
    pub fn show_filters(&self, value: Value) {
        let mut state = self.state();
        state.filters = value;
        self.publish(&state, "filters", &state.filters);
    }

    /// Number of steps that have been published.
    pub fn number(&self) -> u64 {
        self.state().number
    }

    /// Phase of the training.
    pub fn now(&self) -> Phase {
        self.state().phase
    }

    /// Changes the pending requests.
    pub fn wish(&self, change: impl FnOnce(&mut Wishes)) {
        let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut wishes);
        let any = wishes.stop || wishes.pause || wishes.rate.is_some();
        self.wanted.store(any, Ordering::SeqCst);
    }

    /// Returns true if a request is pending.
    pub fn wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    /// Asks the network; returns the question if too many wait.
    pub fn ask(&self, question: Question) -> Result<(), TrySendError<Question>> {
        self.questions.try_send(question)
    }
}
