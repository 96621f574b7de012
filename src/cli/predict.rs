//! Classifies pictures with the network of a run. Pictures that cannot be read are named, the others are
//! classified all the same; then the exit code is 2.

use super::{AdapterArgs, output};
use anyhow::{Result, bail};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use wgrad::{
    Error,
    data::{
        picture::{Picture, load_picture},
        pictures::{Fit, Preparation},
        table::Table,
    },
    gpu::Context,
    op::Choices,
    predict::Predictor,
    report::words::{bar, percent},
    run::Run,
};

/// Pictures on the device at once.
const BATCH: usize = 64;
/// Characters of a whole bar.
const BAR: usize = 24;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad predict runs/mlp-1 shirt.png boot.jpg
  wgrad predict runs/mlp-1 photos/*.jpg --top 1 --json

  wgrad predict runs/mlp-2 new.csv           a line a row

PNG, JPEG and WebP files of any size. A run on a folder of pictures prepares them as it did those. One on MNIST or \
its like makes them grey, pads and resizes them, and inverts them where the background is light, as the training \
images are light on dark. What was done is said for each picture. A run on a table takes files of other rows.
A run of a regression, such as `--loss mse`, gives its number.

Exit codes: 0 done, 2 an error, also where only some pictures cannot be read.")]
pub struct Predict {
    /// The folder of a run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Picture files; for a run on a table, files with rows
    #[arg(value_name = "FILE", required = true)]
    images: Vec<PathBuf>,
    /// How many classes to tell, the most probable first
    #[arg(long, value_name = "K", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    /// The weights of the last epoch instead of the best
    #[arg(long)]
    last: bool,
    /// One JSON object a line, one a picture
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
}

impl Predict {
    pub async fn run(self) -> Result<ExitCode> {
        let run = Run::open(&self.run)?;
        let model = &run.config.model;
        let record = &run.config.data;
        if let Some(table) = &record.table {
            return self.rows(&run, table).await;
        }
        if record.input.floats {
            bail!(
                "this run was trained on arrays of floats, and a picture does not tell their range; use `wgrad eval RUN \
                 --data FILE.npz` on arrays of the same kind"
            );
        }
        let mut pictures: Vec<(&PathBuf, Picture)> = Vec::new();
        for path in &self.images {
            match load(path, &run) {
                Ok(picture) => {
                    eprintln!("{}: {}", path.display(), picture.notes.join(", "));
                    pictures.push((path, picture));
                }
                Err(error) => eprintln!("error: {error}"),
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
                if let (true, Some(value)) = (regression, probabilities.first()) {
                    number(path, *value, &picture.notes, self.json)?;
                    continue;
                }
                let mut ranked: Vec<_> = run.config.data.classes.iter().zip(probabilities).collect();
                ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
                ranked.truncate(self.top as usize);
                if self.json {
                    let top: Vec<_> = ranked
                        .iter()
                        .map(|(class, probability)| json!({"class": class, "probability": probability}))
                        .collect();
                    output::json(&json!({
                        "image": path, "class": ranked.first().map(|(class, _)| class),
                        "probability": ranked.first().map(|(_, probability)| probability),
                        "top": top, "notes": picture.notes,
                    }))?;
                } else {
                    let gap = if n > 0 { "\n" } else { "" };
                    output::line(format!("{gap}{}", path.display()))?;
                    let longest = ranked.iter().map(|(class, _)| class.chars().count()).max().unwrap_or(0);
                    for (class, probability) in ranked {
                        let share = f64::from(probability);
                        let line = format!("  {class:longest$}  {:>8}  {}", percent(share), bar(share, BAR));
                        output::line(line.trim_end())?;
                    }
                }
            }
        }
        if failed > 0 {
            let all = self.images.len();
            let rest = if failed < all { "; the others were classified" } else { "" };
            bail!("{failed} of {all} pictures could not be read, as said above{rest}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A picture as the run's network takes it: prepared as its pictures were, where it was trained on such; in colour where
/// its images are; else grey and light on dark, as MNIST and its successors.
fn load(path: &Path, run: &Run) -> Result<Picture> {
    let [height, width, channels] = run.config.model.input_shape;
    let preparation = match run.config.data.preparation {
        None if channels == 1 => return Ok(load_picture(path, height, width)?),
        None if channels == 3 => Preparation { height, width, channels, fit: Fit::default() },
        None => {
            bail!("{} takes images of {channels} channels, and pictures have 1 or 3", run.config.model.name)
        }
        Some(preparation) => preparation,
    };
    let notes = vec![format!("made {height}×{width} ({}), {channels} channels", preparation.fit)];
    Ok(Picture { pixels: preparation.load(path)?, notes })
}

/// What a regression makes of a picture.
fn number(path: &Path, value: f32, notes: &[String], json: bool) -> Result<()> {
    match json {
        true => output::json(&json!({"image": path, "value": value, "notes": notes})),
        false => output::line(format!("{}  {value:.4}", path.display())),
    }
}

impl Predict {
    /// The rows of tables, a line each.
    async fn rows(&self, run: &Run, table: &Table) -> Result<ExitCode> {
        let checkpoint = if self.last { run.last()?.for_use() } else { run.best()? };
        let context = self.adapter.open().await?;
        let predictor = predictor(&context, run, &checkpoint, BATCH).await?;
        let classes = &run.config.data.classes;
        for path in &self.images {
            let (values, lines) = table.rows(path)?;
            for (line, outputs) in lines.iter().zip(predictor.probabilities(&values).await?) {
                let place = format!("{}:{line}", path.display());
                if let (true, Some(value)) = (classes.is_empty(), outputs.first()) {
                    let value = table.number(f64::from(*value));
                    match self.json {
                        true => output::json(&json!({"file": path, "line": line, "value": value}))?,
                        false => output::line(format!("{place}  {value:.4}"))?,
                    }
                    continue;
                }
                let mut ranked: Vec<_> = classes.iter().zip(outputs).collect();
                ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
                ranked.truncate(self.top as usize);
                let Some((class, probability)) = ranked.first().copied() else { continue };
                if self.json {
                    let top: Vec<_> =
                        ranked.iter().map(|(class, p)| json!({"class": class, "probability": p})).collect();
                    let found = json!({"file": path, "line": line, "class": class, "probability": probability, "top": top});
                    output::json(&found)?;
                } else {
                    output::line(format!("{place}  {class}  {}", percent(f64::from(probability))))?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The network with the run's variants; on an adapter that cannot run one of these, with the defaults.
async fn predictor<'a>(
    context: &'a Context,
    run: &Run,
    checkpoint: &wgrad::checkpoint::Checkpoint,
    batch: usize,
) -> Result<Predictor<'a>> {
    let (model, variants) = (&run.config.model, &run.config.options.variants);
    match Predictor::new(context, model, checkpoint, batch, variants).await {
        Err(error @ Error::Variant { .. }) => {
            eprintln!("warning: {error}; using this adapter's default variants");
            Ok(Predictor::new(context, model, checkpoint, batch, &Choices::default()).await?)
        }
        other => Ok(other?),
    }
}
