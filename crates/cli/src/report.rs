//! `wgrad report`: writes trainings as one page, and each picture as a file. `wgrad_report::runs` makes the page; this
//! file gathers its numbers.

use super::{
    AdapterArgs, bench,
    eval::evaluate_run,
    fit,
    page::{about, write as write_page},
    runs::run_name,
    train::recorded::load_recorded,
};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use wgrad::{
    checkpoint::Checkpoint,
    data::Dataset,
    evaluate::Evaluation,
    explain::{Explainer, dead_units},
    gpu::Context,
    train::{Options, Trainer},
};
use wgrad_files::write_file;
use wgrad_lab::{
    measurement::Conditions,
    profile::{self, Profile, Request},
};
use wgrad_report::{
    contact_sheet::save,
    page::{Page, Picture, can_write},
    runs::{Details, Recorded, Seen, page},
};
use wgrad_run::Run;

/// Test images that are searched for dead units.
const LOOKED_AT: usize = 512;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad report runs/mlp-1                        report.html: curves, classes, mistakes, what the network sees
  wgrad report runs/mlp-1 runs/cnn-1 --out both.html
  wgrad report runs/a-0 runs/a-1 runs/a-2        runs that differ only by their seed become a mean and a band
  wgrad report runs/cnn-1 --image 42 --pictures pictures
  wgrad report runs/cnn-1 --profile              with the time of each operation, measured now
  wgrad report runs/* --curves                   only what the runs recorded: needs no adapter and no data

The page is one self-contained file, for light and dark screens and for print. Details are of the first run.")]
pub struct Report {
    /// Folders of runs
    #[arg(value_name = "RUN", required = true, value_parser = run_name())]
    runs: Vec<PathBuf>,
    /// File of the page
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    out: PathBuf,
    /// Write each picture into this folder too
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Number of the test image whose maps and gradients are shown, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    image: usize,
    /// Use the weights of the last epoch instead of the best
    #[arg(long)]
    last: bool,
    /// Measure for S seconds where a training step spends its time
    #[arg(long, value_name = "S", num_args = 0..=1, default_missing_value = "4", value_parser = bench::seconds)]
    profile: Option<f64>,
    /// Show only what the runs recorded
    #[arg(long, conflicts_with_all = ["image", "last", "profile", "adapter", "checked"])]
    curves: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
}

impl Report {
    /// The report on `runs` for a program that shows the page itself.
    pub fn of(wanted: super::Reported) -> Result<Self> {
        let super::Reported { runs, image, last, curves, seconds, device } = wanted;
        let adapter = AdapterArgs { adapter: device.parse()?, checked: false };
        Ok(Self { runs, out: PathBuf::new(), pictures: None, image, last, profile: seconds, curves, adapter })
    }

    pub async fn run(self) -> Result<ExitCode> {
        can_write(&self.out)?;
        let page = self.page().await?;
        write_page(&page, &self.out)?;
        tell!("wrote {}", self.out.display());
        if let Some(folder) = &self.pictures {
            let count = write_pictures(&page, folder)?;
            tell!("wrote {count} files into {}", folder.display());
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The page about the runs.
    pub async fn page(&self) -> Result<Page> {
        let runs = self.runs.iter().map(|folder| Ok(Run::open(folder)?)).collect::<Result<Vec<_>>>()?;
        let recorded = runs.iter().map(recorded).collect::<Result<Vec<_>>>()?;
        let Some(first) = runs.first() else { bail!("name at least one run") };
        if self.curves {
            Ok(page(&about(), &recorded, None)?)
        } else {
            let data = load_recorded(&first.config.data, first.config.options.seed)
                .context("cannot load the run's data; `--curves` leaves out what needs it")?;
            let details = self.details(first, &data).await?;
            Ok(page(&about(), &recorded, Some(&details))?)
        }
    }

    async fn details<'a>(&self, run: &Run, data: &'a Dataset) -> Result<Details<'a>> {
        crate::reading::one_output(&run.config.model, "a report without `--curves`")?;
        if data.digest != run.config.data.digest {
            bail!(
                "{} was trained on {} with the digest {}, here it has {}; put the same data there, or leave out what \
                 needs them with `--curves`",
                run.folder.display(),
                run.config.data.name,
                run.config.data.digest,
                data.digest
            );
        }
        let images = data.test.len();
        if self.image >= images {
            bail!(
                "--image is {}, expected 0 to {}: there are {images} test images",
                self.image,
                images.max(1) - 1
            );
        }
        let weights = if self.last { run.last()?.for_use() } else { run.best()? };
        let which = if self.last { "Last weights" } else { "Best weights" };
        let context = self.adapter.open().await?;
        let evaluation = evaluate_run(&context, run, &weights, data, &data.test, false).await?;
        let model = &run.config.model;
        let looked_at = LOOKED_AT.min(images);
        let dead = dead_units(&context, model, &weights, data, &data.test, looked_at).await?;
        let seen = self.seen(&context, run, data, &weights, &evaluation).await?;
        let profile = match self.profile {
            Some(seconds) => Some(measure(&context, run, data, seconds).await?),
            None => None,
        };
        let which = format!("{which} (epoch {})", weights.position.epoch);
        Ok(Details { data, weights, which, evaluation, dead: (dead, looked_at), seen, profile })
    }

    /// Explanations of one image: for the predicted class, and for the label if it differs.
    async fn seen(
        &self,
        context: &Context,
        run: &Run,
        data: &Dataset,
        weights: &Checkpoint,
        evaluation: &Evaluation,
    ) -> Result<Seen> {
        let model = &run.config.model;
        let explainer = Explainer::new(context, model, &run.config.data.input, weights, 1, true).await?;
        let Some(image) = data.test.image(self.image, data.pixels()) else {
            bail!("test image {} cannot be read; name another one with `--image`", self.image);
        };
        let found =
            evaluation.predictions.iter().find(|one| one.image == self.image).map_or(0, |one| one.class);
        let label = data.test.labels.get(self.image).map_or(0, |label| *label as usize);
        let outputs = match model.outputs()? {
            1 => vec![0],
            _ if found == label => vec![found],
            _ => vec![found, label],
        };
        let mut scores = Vec::new();
        for output in outputs {
            scores.push((output, explainer.explain(&image, &[output]).await?));
        }
        Ok(Seen { image: self.image, scores })
    }
}

fn recorded(run: &Run) -> Result<Recorded> {
    Ok(Recorded {
        name: run.folder.display().to_string(),
        config: run.config.clone(),
        lines: run.metrics()?,
        layers: run.layers()?,
    })
}

/// Measures where a step of the run's training spends its time.
async fn measure(context: &Context, run: &Run, data: &Dataset, seconds: f64) -> Result<Profile> {
    let mut options = Options { variants: run.variants()?, ..run.config.options.clone() };
    // If a batch is computed in parts, one part is measured.
    (options.batch, options.at_once) = (options.images_at_once(), None);
    fit::lower(context, &run.config.model, data, &mut options)?;
    let conditions = Conditions::of(context, &run.config.model.name, &data.name, options.batch);
    let mut trainer = Trainer::new(context, &run.config.model, data.clone(), options).await?;
    let request = Request { seconds, wall: false };
    let mut say = |said: &str| tell!("{}: {said}", run.config.model.name);
    Ok(profile::measure(context, &mut trainer, conditions, request, None, &mut say).await?)
}

/// Writes each picture of the page as SVG and PNG, named after its number and caption. Returns the number of files.
fn write_pictures(page: &Page, folder: &Path) -> Result<usize> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut count = 0;
    for (n, picture) in page.pictures().iter().enumerate() {
        let (caption, svg, sheet) = match picture {
            Picture::Chart(caption, chart) => (*caption, (*chart).clone(), None),
            Picture::Gallery(gallery) => (gallery.title.as_str(), gallery.svg(), Some(gallery.sheet())),
        };
        let path = folder.join(format!("{:02}-{}", n + 1, slug(caption)));
        let (svg_path, png_path) = (path.with_extension("svg"), path.with_extension("png"));
        write_file(&svg_path, svg.as_str().as_bytes())?;
        match sheet {
            Some(sheet) => drop(save(&sheet, &png_path)?),
            None => svg.write(&png_path)?,
        }
        count += 2;
    }
    Ok(count)
}

/// File name for a caption, valid on any system.
fn slug(caption: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: String = caption.chars().map(plain).collect();
    let parts: Vec<&str> = words.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-").chars().take(60).collect()
}
