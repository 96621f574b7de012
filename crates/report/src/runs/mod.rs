//! Trainings as a page: the curves of one run or of several, and of the first one what it confuses, how sure it is, what
//! it sees, how its tensors moved, where its time goes. It computes nothing on a device and reads no files: whoever
//! calls it brings what was found.

mod classes;
mod curves;
mod facts;
mod images;
mod regression;
mod sight;
mod tensors;

pub use images::galleries;
pub use sight::kernels;

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

/// What a run recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// How it is called: its folder.
    pub name: String,
    /// What decided it.
    pub config: Config,
    /// Its epochs.
    pub lines: Vec<EpochLine>,
    /// The norms of its tensors.
    pub layers: Vec<LayersLine>,
}

/// What was found out about the weights of a run.
#[derive(Clone, Debug)]
pub struct Details<'a> {
    /// The data set; its test images were looked at.
    pub data: &'a Dataset,
    /// The weights.
    pub weights: Checkpoint,
    /// Which weights, in words.
    pub which: String,
    /// How good they are on the test images.
    pub evaluation: Evaluation,
    /// Units that never changed, and on how many images.
    pub dead: (Vec<DeadUnits>, usize),
    /// What was made of one image.
    pub seen: Seen,
    /// Where a step's time goes.
    pub profile: Option<Profile>,
}

/// What was made of one test image.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its number, from 0.
    pub image: usize,
    /// Whose score was differentiated, an explanation each: the class found, and the label where that is another.
    pub scores: Vec<(usize, Explanation)>,
}

/// The page of some runs; details are those of the first.
///
/// # Errors
/// As [`super::page::Table::of`].
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

/// A heading that names the run where there are several.
fn heading(words: &str, which: &str) -> Section {
    Section::new(words).words(which)
}

/// What the examples of some runs are called.
fn things(runs: &[Recorded]) -> &'static str {
    let mut all = runs.iter().map(|run| run.config.data.things());
    let first = all.next().unwrap_or("images");
    if all.all(|other| other == first) { first } else { "examples" }
}
