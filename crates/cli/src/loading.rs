//! Loads a data set, fetching it first if it is not here, and prints its warnings and notes.

use super::{fields::spelled, output};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wgrad::{data::Dataset, words::bytes};
use wgrad_data::{
    self, DataSpec, Places, Reading,
    download::{self, Event},
    table::Table,
};

/// Loads a data set. Fashion-MNIST is downloaded, with a progress bar, only if it is nowhere on this machine.
pub fn load_or_fetch_with(
    spec: &DataSpec,
    places: &Places,
    reading: &Reading,
    table: Option<&Table>,
) -> wgrad_data::Result<Dataset> {
    let mut progress = Progress::new();
    let options = download::Options::default();
    wgrad_data::load_or_fetch_with(spec, places, reading, table, &options, &mut |event| progress.show(event))
}

/// Prints the warnings and notes of a data set.
pub fn say(data: &Dataset) {
    for warning in &data.warnings {
        tell!("warning: {warning}");
    }
    for note in &data.notes {
        output::say(format!("note: {}", spelled(note)));
    }
}

/// Progress of a download on stderr: a bar in a terminal, one line per file elsewhere.
pub struct Progress(ProgressBar);

impl Progress {
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self(bar)
    }

    fn say(&self, text: &str) {
        self.0.suspend(|| tell!("{text}"));
    }

    pub fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Present { name } => self.say(&format!("{name}: here already, verified")),
            Event::Waiting { folder } => {
                self.say(&format!("another program is fetching into {}: waiting for it", folder.display()));
            }
            Event::Started { url, resumed_at, total, .. } => {
                let size = total.map_or(String::new(), |total| format!(" ({})", bytes(total)));
                let resumed = match resumed_at {
                    0 => String::new(),
                    at => format!(", resumed at {}", bytes(at)),
                };
                self.say(&format!("fetching {url}{size}{resumed}"));
                self.0 = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
                let style = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
                if let Ok(style) = ProgressStyle::with_template(style) {
                    self.0.set_style(style);
                }
                self.0.set_position(resumed_at);
                self.0.reset_eta();
            }
            Event::Received { bytes, total } => {
                if let Some(total) = total {
                    self.0.set_length(total);
                }
                self.0.set_position(bytes);
            }
            Event::Failed { url, reason } => {
                self.0.finish_and_clear();
                self.say(&format!("{url}: {reason}"));
            }
            Event::Finished { name } => {
                self.0.finish_and_clear();
                self.say(&format!("{name}: verified"));
            }
            Event::Unpacking { name } => self.say(&format!("unpacking {name}")),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
