//! Progress on stderr: a bar for each epoch where it is a terminal, a line when it ends.

use indicatif::{ProgressBar, ProgressStyle};
use std::{borrow::Cow, time::Duration};
use wgrad::{checkpoint::Position, run::EpochLine};

/// The bar of one epoch.
pub struct EpochBar(ProgressBar);

impl EpochBar {
    /// An empty bar.
    pub fn new(epoch: u64, epochs: u64, steps: u64) -> Self {
        let bar = ProgressBar::new(steps);
        let template = "epoch {prefix} {bar:28} {pos}/{len} {elapsed}<{eta} {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(format!("{epoch}/{epochs}"));
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    /// Moves it to `position`.
    pub fn update(&self, position: &Position) {
        let metrics = position.metrics();
        self.0.set_position(position.step);
        self.0.set_message(Cow::from(format!("loss {:.4} accuracy {:.4}", metrics.loss, metrics.accuracy)));
    }

    /// Takes it away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// What Keras prints at the end of an epoch.
pub fn epoch_line(line: &EpochLine, epochs: u64) {
    let validation = match (line.validation_loss, line.validation_accuracy) {
        (Some(loss), Some(accuracy)) => format!(" - val_loss {loss:.4} - val_accuracy {accuracy:.4}"),
        _ => String::new(),
    };
    eprintln!(
        "epoch {}/{epochs} - loss {:.4} - accuracy {:.4}{validation} - test_loss {:.4} - test_accuracy {:.4} - {:.0} images/s",
        line.epoch,
        line.train_loss,
        line.train_accuracy,
        line.test_loss,
        line.test_accuracy,
        line.images_per_second
    );
}
