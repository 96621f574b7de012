//! Trainings as a page: the curves of one or several runs. For the first run it also shows the confusion matrix, the
//! calibration, explanations of an image, the norms of the tensors and a profile. It computes nothing on a device and
//! reads no files: the caller provides the results.

mod classes;
mod curves;
mod compared;
mod facts;
mod images;
mod regression;
mod sight;
mod swept;
mod tensors;

pub use compared::{compared, score_chart};
pub use images::galleries;
pub use sight::{explained, kernels};
pub use swept::{Trial, swept};

use super::{
    lab::About,
    page::{Page, Section},
    profile,
};
use wgrad::{
    Result,
    checkpoint::Checkpoint,
    data::Dataset,
    evaluate::Evaluation,
    explain::{DeadUnits, Explanation},
};
use wgrad_lab::profile::Profile;
use wgrad_run::{Config, EpochLine, LayersLine};

/// Records of a run.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its name: that of its folder.
    pub name: String,
    /// Its configuration.
    pub config: Config,
    /// Its epochs.
    pub lines: Vec<EpochLine>,
    /// The norms of its tensors.
    pub layers: Vec<LayersLine>,
}

/// Analysis of the weights of a run.
#[derive(Clone, Debug)]
pub struct Details<'a> {
    /// The data set, whose test images were evaluated.
    pub data: &'a Dataset,
    /// The weights.
    pub weights: Checkpoint,
    /// Description of the weights.
    pub which: String,
    /// Evaluation on the test images.
    pub evaluation: Evaluation,
    /// Units that never changed, and the number of images examined.
    pub dead: (Vec<DeadUnits>, usize),
    /// Explanation of one image.
    pub seen: Seen,
    /// Profile of a step.
    pub profile: Option<Profile>,
}

/// Explanation of one test image.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Index of the image, from 0.
    pub image: usize,
    /// Differentiated scores with their explanations: that of the predicted class, and that of the label if it differs.
    pub scores: Vec<(usize, Explanation)>,
}

/// Creates the page of some runs; `details` belong to the first.
///
/// # Errors
/// The errors of [`super::page::Table::of`].
pub fn page(about: &About, runs: &[Recorded], details: Option<&Details<'_>>) -> Result<Page> {
    let title = match runs {
        [run] => format!("Training {}", run.name),
        _ => format!("{} trainings", runs.len()),
    };
    let mut page = about.page(&title).section(facts::summary(runs, details)).section(curves::section(runs));
    let Some(first) = runs.first() else { return Ok(page) };
    if let Some(details) = details {
        for section in
            [classes::confusion(first, details), images::section(details), classes::certainty(details)]
        {
            page = page.section_if(section);
        }
        page = page.section_if(sight::section(first, details)?);
    }
    page = page.section_if(tensors::section(first, details));
    if let Some(profile) = details.and_then(|details| details.profile.as_ref()) {
        page = profile::sections(profile)?.into_iter().fold(page, Page::section);
    }
    Ok(page.section(facts::epochs(first)?).section(facts::network(first)?).section(facts::settings(first)))
}

/// Creates a section with a heading and a first paragraph.
fn heading(words: &str, which: &str) -> Section {
    Section::new(words).words(which)
}

/// Returns the name of the runs' examples: images, rows, or examples if they differ.
fn things(runs: &[Recorded]) -> &'static str {
    let mut all = runs.iter().map(|run| run.config.data.things());
    let first = all.next().unwrap_or("images");
    if all.all(|other| other == first) { first } else { "examples" }
}
