//! Progress of a training on stderr. A terminal gets a moving line with the time left, the speed, the loss and accuracy
//! so far and the loss curve. Elsewhere a plain line appears now and then. Both get a line at the end of each epoch.

use super::output::{is_quiet, say};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{IsTerminal, stderr},
    time::Duration,
};
use wgrad::{
    checkpoint::Position,
    clock,
    loss::Loss,
    metrics::StepResult,
    words::{commas, measure, plain_sparkline, sparkline},
};
use wgrad_run::EpochLine;

/// Characters of the loss curve.
const CURVE: usize = 16;
/// Seconds from one plain line to the next.
const EVERY: f64 = 30.0;

/// Capabilities of the terminal.
#[derive(Clone, Copy)]
pub struct Look {
    /// True if a line can be overwritten.
    pub moving: bool,
    /// True if block and line characters beyond ASCII can be shown.
    unicode: bool,
}

impl Look {
    /// Capabilities of stderr.
    pub fn here() -> Self {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        Self {
            moving: stderr().is_terminal() && !dumb,
            unicode: !dumb && supports_unicode::on(supports_unicode::Stream::Stderr),
        }
    }

    fn curve(self, losses: &[f64]) -> String {
        if self.unicode { sparkline(losses, CURVE) } else { plain_sparkline(losses, CURVE) }
    }
}

/// Loss since the beginning, in few numbers: neighbours are averaged when there are too many.
#[derive(Default)]
struct History {
    means: Vec<f64>,
    /// Steps per mean, and the sum and count of those that are in none yet.
    each: usize,
    open: (f64, usize),
}

impl History {
    fn push(&mut self, loss: f64) {
        let each = self.each.max(1);
        self.open = (self.open.0 + loss, self.open.1 + 1);
        if self.open.1 < each {
            return;
        }
        self.means.push(self.open.0 / each as f64);
        self.open = (0.0, 0);
        if self.means.len() >= 4 * CURVE {
            self.means =
                self.means.chunks(2).map(|pair| pair.iter().sum::<f64>() / pair.len() as f64).collect();
            self.each = 2 * each;
        }
    }
}

/// The progress of a whole training.
pub struct Progress {
    /// True for a classifier: a regression has no accuracy.
    classes: bool,
    /// Name of the examples, such as `images`.
    things: &'static str,
    look: Look,
    bar: ProgressBar,
    epochs: u64,
    steps: u64,
    history: History,
    epoch: u64,
    /// Time when the epoch began, and the images and steps done by then. For the first epoch it is the end of its
    /// first step, which also waits for data and for deferred work of the driver.
    begun: (f64, u64, u64),
    warm: bool,
    said: f64,
    /// Images of an evaluation, and the seconds that the last one took.
    judged: u64,
    judging: Option<f64>,
}

/// Assumed ratio of the evaluation speed to the training speed, before the first evaluation has been timed.
const FASTER: f64 = 3.0;

impl Progress {
    /// Progress of `epochs` epochs of `steps` steps each with this loss, on `things` (rows or images). After each
    /// epoch, `judged` of them are evaluated.
    pub fn new(epochs: u64, steps: u64, judged: u64, loss: Loss, things: &'static str) -> Self {
        let bar = ProgressBar::hidden();
        Self {
            classes: !loss.is_regression(),
            things,
            look: Look::here(),
            bar,
            epochs,
            steps,
            history: History::default(),
            epoch: 0,
            begun: (0.0, 0, 0),
            warm: false,
            said: 0.0,
            judged,
            judging: None,
        }
    }

    /// Begins an epoch, or continues it, at `position`.
    pub fn begin(&mut self, position: &Position) {
        self.epoch = position.epoch + 1;
        self.begun = (clock::seconds(), position.running.seen, position.step);
        self.said = self.begun.0;
        self.bar = self.line(self.steps);
    }

    /// A moving line of this length, or a hidden one where lines cannot move.
    fn line(&self, length: u64) -> ProgressBar {
        if !self.look.moving || is_quiet() {
            return ProgressBar::hidden();
        }
        // A line that is too long for the terminal is cut, not wrapped, even after a resize: the least important part
        // is last.
        let template = "epoch {prefix} {bar:6} {percent:>3} % {wide_msg}";
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars(if self.look.unicode { "━╸ " } else { "=> " }));
        }
        bar.set_prefix(format!("{}/{}", self.epoch, self.epochs));
        bar.enable_steady_tick(Duration::from_millis(250));
        bar
    }

    /// Records a step and updates the line.
    pub fn update(&mut self, position: &Position, result: &StepResult) {
        self.history.push(result.loss());
        if !std::mem::replace(&mut self.warm, true) {
            self.begun = (clock::seconds(), position.running.seen, position.step);
        }
        if self.look.moving {
            self.bar.set_position(position.step);
            self.bar.set_message(self.words(position, true));
        } else if clock::seconds() - self.said > EVERY {
            self.said = clock::seconds();
            let percent = 100 * position.step / self.steps.max(1);
            say(format!(
                "epoch {}/{}: {percent} %, {}",
                self.epoch,
                self.epochs,
                self.words(position, false)
            ));
        }
    }

    /// Ends the training of an epoch and begins its evaluation.
    pub fn judge(&mut self) {
        self.bar.finish_and_clear();
        self.begun = (clock::seconds(), 0, 0);
        self.said = self.begun.0;
        self.bar = self.line(self.judged);
    }

    /// Updates the line after the evaluation of this many images.
    pub fn judged(&mut self, images: u64) {
        let seconds = (clock::seconds() - self.begun.0).max(1e-3);
        let speed = images as f64 / seconds;
        let unit = self.unit();
        let words = || {
            let left = time(self.judged.saturating_sub(images) as f64 / speed.max(1e-9));
            format!("evaluating: {left} left, {} {unit}/s", commas(speed.round() as u64))
        };
        if self.look.moving {
            self.bar.set_position(images);
            self.bar.set_message(words());
        } else if clock::seconds() - self.said > EVERY {
            self.said = clock::seconds();
            let percent = 100 * images / self.judged.max(1);
            say(format!("epoch {}/{}: {percent} %, {}", self.epoch, self.epochs, words()));
        }
        if images >= self.judged {
            self.judging = Some(seconds);
        }
    }

    /// Time left, speed, loss and accuracy.
    fn words(&self, position: &Position, curve: bool) -> String {
        let metrics = position.metrics();
        let curve = if curve { format!(" {}", self.look.curve(&self.history.means)) } else { String::new() };
        let accuracy = match self.classes {
            true => format!(", accuracy {:.3}", metrics.accuracy),
            false => String::new(),
        };
        let pace = self.pace(position, clock::seconds());
        format!("{pace}loss {:.3}{accuracy}{curve}", metrics.loss)
    }

    /// Unit that the speed counts per second.
    fn unit(&self) -> &'static str {
        if self.things == "images" { "img" } else { self.things }
    }

    /// Time left and speed at `now`; empty before the first timed step.
    fn pace(&self, position: &Position, now: f64) -> String {
        let (begun, seen, step) = self.begun;
        let seconds = (now - begun).max(1e-3);
        let done = position.step.saturating_sub(step);
        if done == 0 {
            return String::new();
        }
        let later = self.epochs.saturating_sub(self.epoch);
        let steps = later * self.steps + self.steps.saturating_sub(position.step);
        let speed = position.running.seen.saturating_sub(seen) as f64 / seconds;
        let judging = self.judging.unwrap_or(self.judged as f64 / (FASTER * speed).max(1e-9));
        let left = seconds / done as f64 * steps as f64 + (later + 1) as f64 * judging;
        format!("{} left, {} {}/s, ", time(left), commas(speed.round() as u64), self.unit())
    }

    /// Removes the line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Formats seconds: 45s, 3m20s, 2h05m.
pub fn time(seconds: f64) -> String {
    let seconds = seconds.clamp(0.0, 1e9).round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

/// Prints a line like Keras's at the end of an epoch; for a regression also its errors, in the unit of the label.
pub fn epoch_line(line: &EpochLine, epochs: u64, things: &str) {
    let part = |name: &str, loss: Option<f64>, accuracy: Option<f64>, errors: [Option<f64>; 3]| {
        let numbers = [("loss", loss), ("accuracy", accuracy)].into_iter();
        let numbers = numbers.chain(["rmse", "mae", "r2"].into_iter().zip(errors));
        let known = numbers.filter_map(|(what, number)| Some((what, number.filter(|n| !n.is_nan())?)));
        let shown = |what: &str, number: f64| match what {
            "rmse" | "mae" => measure(number),
            _ => format!("{number:.4}"),
        };
        known.map(|(what, number)| format!(" - {name}{what} {}", shown(what, number))).collect::<String>()
    };
    let errors = line.errors;
    let train = part("", Some(line.train_loss), Some(line.train_accuracy), [None; 3]);
    let found = [errors.validation_rmse, errors.validation_mae, errors.validation_r2];
    let validation = part("val_", line.validation_loss, line.validation_accuracy, found);
    let found = [errors.test_rmse, errors.test_mae, errors.test_r2];
    let test = part("test_", Some(line.test_loss), Some(line.test_accuracy), found);
    say(format!(
        "epoch {}/{epochs}{train}{validation}{test} - {:.0} {things}/s",
        line.epoch, line.images_per_second
    ));
}

#[cfg(test)]
mod tests {
    use super::{CURVE, History, Progress, time};
    use wgrad::{
        checkpoint::Position,
        loss::Loss,
        metrics::{RunningMetrics, StepResult},
    };

    #[test]
    fn a_long_training_keeps_few_numbers_that_tell_its_course() {
        let mut history = History::default();
        (0..100_000).for_each(|n| history.push(f64::from(n)));
        assert!(history.means.len() < 4 * CURVE && history.means.len() >= CURVE, "{}", history.means.len());
        assert!(history.means.is_sorted());
        let kept = history.means.len() * history.each + history.open.1;
        assert_eq!(kept, 100_000);
    }

    #[test]
    fn the_time_left_leaves_the_first_step_out_and_counts_the_evaluations() {
        let at = |step: u64| {
            let running = RunningMetrics { seen: 128 * step, ..RunningMetrics::default() };
            Position { step, running, ..Position::default() }
        };
        let result = StepResult { rows: 128, loss_sum: 1.0, ..StepResult::default() };
        let mut progress = Progress::new(2, 10, 0, Loss::SoftmaxCrossEntropy, "images");
        progress.begin(&at(0));
        let begun = progress.begun.0;
        progress.update(&at(1), &result);
        // The waits of the first step are not counted.
        assert!(progress.begun.0 >= begun && progress.begun.2 == 1);
        progress.begun.0 = 1000.0;
        assert_eq!(progress.pace(&at(1), 1000.5), "", "there is nothing to tell it from");
        // Seven steps of this epoch and ten of the next, a second each.
        assert_eq!(progress.pace(&at(3), 1002.0), "17s left, 128 img/s, ");
        progress.judged = 768;
        assert_eq!(progress.pace(&at(3), 1002.0), "21s left, 128 img/s, ", "two evaluations of about 2 s");
        progress.judging = Some(5.0);
        assert_eq!(progress.pace(&at(3), 1002.0), "27s left, 128 img/s, ", "two evaluations of 5 s");
    }

    #[test]
    fn times_read_well() {
        assert_eq!([4.6, 200.0, 7500.0].map(time), ["5s", "3m20s", "2h05m"]);
    }
}
