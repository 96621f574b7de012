//! Progress on stderr: a bar for each epoch where it is a terminal, a line when it ends.

use indicatif::{ProgressBar, ProgressStyle};
use std::{borrow::Cow, time::Duration};
use wgrad::{checkpoint::Position, loss::Loss, run::EpochLine};

/// The bar of one epoch.
pub struct EpochBar {
    bar: ProgressBar,
    accuracy: &'static str,
}

/// What the share of right images is called: of a regression it is the share of numbers that round to the label.
fn accuracy_of(loss: Loss) -> &'static str {
    if loss.is_regression() { "rounded_accuracy" } else { "accuracy" }
}

impl EpochBar {
    /// An empty bar.
    pub fn new(epoch: u64, epochs: u64, steps: u64, loss: Loss) -> Self {
        let bar = ProgressBar::new(steps);
        let template = "epoch {prefix} {bar:28} {pos}/{len} {elapsed}<{eta} {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(format!("{epoch}/{epochs}"));
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, accuracy: accuracy_of(loss) }
    }

    /// Moves it to `position`.
    pub fn update(&self, position: &Position) {
        let metrics = position.metrics();
        self.bar.set_position(position.step);
        let words = format!("loss {:.4} {} {:.4}", metrics.loss, self.accuracy, metrics.accuracy);
        self.bar.set_message(Cow::from(words));
    }

    /// Takes it away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What Keras prints at the end of an epoch.
pub fn epoch_line(line: &EpochLine, epochs: u64, loss: Loss) {
    let name = accuracy_of(loss);
    let validation = match (line.validation_loss, line.validation_accuracy) {
        (Some(loss), Some(accuracy)) => format!(" - val_loss {loss:.4} - val_{name} {accuracy:.4}"),
        _ => String::new(),
    };
    eprintln!(
        "epoch {}/{epochs} - loss {:.4} - {name} {:.4}{validation} - test_loss {:.4} - test_{name} {:.4} - {:.0} images/s",
        line.epoch,
        line.train_loss,
        line.train_accuracy,
        line.test_loss,
        line.test_accuracy,
        line.images_per_second
    );
}
