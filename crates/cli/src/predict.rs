//! `wgrad predict`: classifies pictures or rows with the network of a run. Pictures that cannot be read are reported,
//! the others are still classified, and the exit code is 2.

use super::{AdapterArgs, output, runs::run_name};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use wgrad::{
    Error,
    gpu::Context,
    predict::Predictor,
    selection::Choices,
    words::{bar, measure, percent},
};
#[cfg(feature = "serve")]
use wgrad_data::picture::read_picture;
use wgrad_data::{
    Reading,
    picture::{Picture, load_picture},
    pictures::Preparation,
    reading::{Decimal, Fit, Header, Missing},
    table::{PictureRows, Table, is_rows},
};
use wgrad_run::{Config, Run};

/// Pictures in a batch.
const BATCH: usize = 64;
/// Rows of a table that are converted to numbers at once.
const ROWS: usize = 64 * BATCH;
/// Limit on the numbers that are converted at once.
const VALUES: usize = 16 << 20;
/// Characters of a full bar.
const BAR: usize = 24;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad predict runs/mlp-1 shirt.png boot.jpg
  wgrad predict runs/mlp-1 photos/*.jpg --top 1 --json

  wgrad predict runs/mlp-2 new.csv           one line per row
  wgrad predict runs/cnn-1 mnist_test.csv    the same, each row a picture

PNG, JPEG and WebP files of any size. A run on a folder of pictures prepares them like its training pictures. A run \
on MNIST or a similar data set makes them grey, pads and resizes them, and inverts them where the background is light, \
as its training images are light on dark. The steps are printed for each picture. A run on a table takes files of other \
rows.
A regression, such as `--loss mse`, predicts a number.

Exit codes: 0 done, 2 an error, also where only some pictures cannot be read.")]
pub struct Predict {
    /// The folder of a run
    #[arg(value_name = "RUN", value_parser = run_name())]
    run: PathBuf,
    /// Picture files; for a run on a table, files with rows
    #[arg(value_name = "FILE", required = true)]
    images: Vec<PathBuf>,
    /// Number of classes to print, the most probable first
    #[arg(long, value_name = "K", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    /// Use the weights of the last epoch instead of the best
    #[arg(long)]
    last: bool,
    /// Rows with missing values: an `error`, left out (`drop`), or filled with the `mean` of the column in the
    /// training part [default: as in training]
    #[arg(long, value_name = "error|drop|mean")]
    missing: Option<Missing>,
    /// Decimal separator of rows, where numbers can be read in two ways: `point` (1,234.5) or `comma` (1.234,5)
    #[arg(long, value_name = "point|comma")]
    decimal: Option<Decimal>,
    /// Print JSON lines, one object per picture or row
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
}

impl Predict {
    pub async fn run(self) -> Result<ExitCode> {
        let run = Run::open(&self.run)?;
        crate::reading::one_output(&run.config.model, "wgrad predict")?;
        let model = &run.config.model;
        let record = &run.config.data;
        if let Some(table) = &record.table {
            return self.rows(&run, table).await;
        }
        // The content of a row with few numbers does not show that it is one.
        let row = record.input.floats && model.input_shape[..2] == [1, 1];
        let named = |path: &PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
        if self.images.iter().all(|path| is_rows(path) || row && named(path)) {
            return self.picture_rows(&run).await;
        }
        let taking = Taking::of(&run.config)?;
        let mut pictures: Vec<(&PathBuf, Picture)> = Vec::new();
        for path in &self.images {
            match taking.load(path) {
                Ok(picture) => {
                    tell!("{}: {}", path.display(), picture.notes.join(", "));
                    pictures.push((path, picture));
                }
                Err(error) => tell!("error: {error}"),
            }
        }
        let failed = self.images.len() - pictures.len();
        if !pictures.is_empty() {
            let checkpoint = if self.last { run.last()?.for_use() } else { run.best()? };
            let context = self.adapter.open().await?;
            let pixels: Vec<u8> = pictures.iter().flat_map(|(_, picture)| &picture.pixels).copied().collect();
            let batch = pictures.len().min(BATCH);
            let predictor = predictor(&context, &run, &checkpoint, batch).await?;
            let all = predictor.probabilities(&pixels).await?;
            let regression = model.loss()?.is_regression();
            for (n, ((path, picture), probabilities)) in pictures.iter().zip(all).enumerate() {
                finite(&path.to_string_lossy(), &probabilities)?;
                if let (true, Some(value)) = (regression, probabilities.first()) {
                    number(path, *value, &picture.notes, self.json)?;
                    continue;
                }
                let ranked = ranked(&run.config.data.classes, &probabilities, self.top as usize);
                if self.json {
                    output::json(&ranking(&path.to_string_lossy(), &ranked, &picture.notes))?;
                } else {
                    let gap = if n > 0 { "\n" } else { "" };
                    output::line(format!("{gap}{}", path.display()))?;
                    let longest = ranked.iter().map(|(class, _)| class.chars().count()).max().unwrap_or(0);
                    for (class, probability) in ranked {
                        let share = f64::from(*probability);
                        let line = format!("  {class:longest$}  {:>8}  {}", percent(share), bar(share, BAR));
                        output::line(line.trim_end())?;
                    }
                }
            }
        }
        if failed > 0 {
            let all = self.images.len();
            let rest = if failed < all { "; the others were classified" } else { "" };
            bail!("{failed} of {all} pictures could not be read, as reported above{rest}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The `top` most probable classes, the most probable first.
fn ranked<'a>(classes: &'a [String], probabilities: &'a [f32], top: usize) -> Vec<(&'a String, &'a f32)> {
    let mut ranked: Vec<_> = classes.iter().zip(probabilities).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(a.1));
    ranked.truncate(top);
    ranked
}

/// Prediction of a classifier for a picture, as JSON.
fn ranking(image: &str, ranked: &[(&String, &f32)], notes: &[String]) -> Value {
    json!({
        "image": image, "class": ranked.first().map(|(class, _)| class),
        "probability": ranked.first().map(|(_, probability)| probability),
        "top": listed(ranked), "notes": notes,
    })
}

/// Classes with their probabilities, as JSON.
fn listed(ranked: &[(&String, &f32)]) -> Vec<Value> {
    ranked.iter().map(|(class, p)| json!({"class": class, "probability": p})).collect()
}

/// Returns an error if an output for the picture or row at `place` is not finite.
fn finite(place: &str, outputs: &[f32]) -> Result<()> {
    if let Some(output) = outputs.iter().find(|output| !output.is_finite()) {
        bail!(
            "{place}: the network's output is {output}, expected a finite number: its values are too far from those of \
             the training; correct them, or leave it out"
        );
    }
    Ok(())
}

/// Prediction for a picture, as JSON: the `top` classes, or the number of a regression.
#[cfg(feature = "serve")]
pub fn reported(image: &str, config: &Config, output: &[f32], top: usize, notes: &[String]) -> Result<Value> {
    finite(image, output)?;
    Ok(match config.model.loss()?.is_regression() {
        true => json!({"image": image, "value": output.first(), "notes": notes}),
        false => ranking(image, &ranked(&config.data.classes, output, top), notes),
    })
}

/// Preparation of pictures for the network of a run: as its training pictures, if it was trained on pictures; in
/// colour, if its images are; else grey and light on dark, as in MNIST and its successors.
#[derive(Clone, Copy)]
pub enum Taking {
    /// Height and width.
    Grey([usize; 2]),
    /// Given size, in colour or grey.
    Prepared(Preparation),
}

impl Taking {
    /// Preparation for the run with this record; an error if it was trained on numbers.
    pub fn of(config: &Config) -> Result<Self> {
        let [height, width, channels] = config.model.input_shape;
        if config.data.table.is_some() || config.data.input.floats {
            bail!(
                "this run was trained on numbers, and a picture does not show their range; use `wgrad eval RUN --data \
                 FILE` on data of the same kind"
            );
        }
        Ok(match config.data.preparation {
            None if channels == 1 => Self::Grey([height, width]),
            None if channels == 3 => {
                Self::Prepared(Preparation { height, width, channels, fit: Fit::default() })
            }
            None => {
                bail!("{} takes images of {channels} channels, and pictures have 1 or 3", config.model.name)
            }
            Some(preparation) => Self::Prepared(preparation),
        })
    }

    fn load(&self, path: &Path) -> wgrad_data::Result<Picture> {
        match self {
            Self::Grey([height, width]) => load_picture(path, *height, *width),
            Self::Prepared(preparation) => Ok(prepared(preparation, preparation.load(path)?)),
        }
    }

    /// Reads the bytes of an uploaded file with this name.
    #[cfg(feature = "serve")]
    pub fn read(&self, name: &Path, bytes: &[u8]) -> wgrad_data::Result<Picture> {
        match self {
            Self::Grey([height, width]) => read_picture(name, bytes, *height, *width),
            Self::Prepared(preparation) => Ok(prepared(preparation, preparation.read(name, bytes)?)),
        }
    }
}

fn prepared(preparation: &Preparation, pixels: Vec<u8>) -> Picture {
    let Preparation { height, width, channels, fit } = preparation;
    Picture { pixels, notes: vec![format!("made {height}×{width} ({fit}), {channels} channels")] }
}

/// Prints the prediction of a regression for a picture.
fn number(path: &Path, value: f32, notes: &[String], json: bool) -> Result<()> {
    match json {
        true => output::json(&json!({"image": path, "value": value, "notes": notes})),
        false => output::line(format!("{}  {}", path.display(), measure(f64::from(value)))),
    }
}

impl Predict {
    /// Predicts the rows of tables, one line each.
    async fn rows(&self, run: &Run, table: &Table) -> Result<ExitCode> {
        let recorded = &run.config.data.reading;
        // As the names of the columns are known, it can be detected whether a file has them.
        let header = recorded.header.filter(|header| *header == Header::No);
        let missing = self.missing.unwrap_or(recorded.missing);
        if missing == Missing::Mean && table.is_as_it_is() {
            bail!(
                "the means of the columns are not known, as this network was imported and takes numbers as they are: \
                 fill in the missing values, or leave their rows out with `--missing drop`"
            );
        }
        let decimal = self.decimal.or(recorded.decimal);
        let reading = Reading { missing, header, decimal, ..recorded.clone() };
        // A file that cannot be read is reported before a device is opened.
        let mut files = Vec::with_capacity(self.images.len());
        for path in &self.images {
            let rows = wgrad_data::table::rows(table, path, &reading)?;
            rows.warnings.iter().for_each(|warning| tell!("warning: {warning}"));
            files.push((path, rows));
        }
        let checkpoint = if self.last { run.last()?.for_use() } else { run.best()? };
        let context = self.adapter.open().await?;
        let predictor = predictor(&context, run, &checkpoint, BATCH).await?;
        let each = (VALUES / table.width().max(1)).clamp(1, ROWS);
        for (path, mut rows) in files {
            for first in (0..rows.len()).step_by(each) {
                let values = rows.values(first..first + each)?;
                for (row, outputs) in (first..).zip(predictor.probabilities(&values).await?) {
                    self.tell_row(run, path, rows.line(row), &outputs)?;
                }
            }
            if let Some(warning) = rows.unknown() {
                tell!("warning: {warning}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Predicts rows that are pictures, one line each.
    async fn picture_rows(&self, run: &Run) -> Result<ExitCode> {
        let record = &run.config.data;
        let open = |path: &PathBuf| {
            PictureRows::open(path, run.config.model.input_shape, record.input.floats, &record.reading)
        };
        let files = self.images.iter().map(open).collect::<wgrad_data::Result<Vec<_>>>()?;
        let checkpoint = if self.last { run.last()?.for_use() } else { run.best()? };
        let context = self.adapter.open().await?;
        let predictor = predictor(&context, run, &checkpoint, BATCH).await?;
        for (path, rows) in self.images.iter().zip(files) {
            for first in (0..rows.len()).step_by(ROWS) {
                let values = rows.values(first..first + ROWS)?;
                for (row, outputs) in (first..).zip(predictor.probabilities(&values).await?) {
                    self.tell_row(run, path, rows.line(row), &outputs)?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Prints the prediction for a row.
    fn tell_row(&self, run: &Run, path: &Path, line: u64, outputs: &[f32]) -> Result<()> {
        let classes = &run.config.data.classes;
        let place = format!("{}:{line}", path.display());
        finite(&place, outputs)?;
        if let (true, Some(value)) = (run.config.model.loss()?.is_regression(), outputs.first()) {
            let table = run.config.data.table.as_ref();
            let value = table.map_or(f64::from(*value), |table| table.number(f64::from(*value)));
            return match self.json {
                true => output::json(&json!({"file": path, "line": line, "value": value})),
                false => output::line(format!("{place}  {}", measure(value))),
            };
        }
        let ranked = ranked(classes, outputs, self.top as usize);
        let Some((class, probability)) = ranked.first() else { return Ok(()) };
        match self.json {
            true => output::json(&json!({
                "file": path, "line": line, "class": class, "probability": probability,
                "top": listed(&ranked),
            })),
            false => output::line(format!("{place}  {class}  {}", percent(f64::from(**probability)))),
        }
    }
}

/// Predictor with the run's variants, or with the defaults on an adapter that cannot run one of these.
pub async fn predictor(
    context: &Context,
    run: &Run,
    checkpoint: &wgrad::checkpoint::Checkpoint,
    batch: usize,
) -> Result<Predictor> {
    let Config { model, data, options, .. } = &run.config;
    let (input, variants) = (&data.input, &options.variants);
    match Predictor::new(context, model, input, checkpoint, batch, variants).await {
        Err(error @ Error::Variant { .. }) => {
            tell!("warning: {error}; using this adapter's default variants");
            Ok(Predictor::new(context, model, input, checkpoint, batch, &Choices::default()).await?)
        }
        other => Ok(other?),
    }
}
