//! Classifies pictures with the network of a run. Pictures that cannot be read are named, the others are
//! classified all the same; then the exit code is 2.

use super::{AdapterArgs, output};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use wgrad::{
    Error,
    data::picture::{Picture, load_picture},
    gpu::Context,
    model::Model,
    op::Choices,
    predict::Predictor,
    report::words::{bar, percent},
    run::{Config, Run},
};

/// Pictures on the device at once.
const BATCH: usize = 64;
/// Characters of a whole bar.
const BAR: usize = 24;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad predict runs/mlp-1 shirt.png boot.jpg
  wgrad predict runs/mlp-1 photos/*.jpg --top 1 --json

PNG and JPEG files of any size: made grey, padded to the network's proportions, resized, and inverted where \
the background is light, as the training images are light on dark. What was done is said for each picture.
A run of a regression, such as `--loss mse`, gives its number.

Exit codes: 0 done, 2 an error, also where only some pictures cannot be read.")]
pub struct Predict {
    /// The folder of a run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// PNG or JPEG files
    #[arg(value_name = "IMAGE", required = true)]
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
        let [height, width] = grey_size(model)?;
        let mut pictures: Vec<(&PathBuf, Picture)> = Vec::new();
        for path in &self.images {
            match load_picture(path, height, width) {
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
            bail!("{failed} of {all} pictures could not be read, as said above{rest}");
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

/// What a network of classes makes of a picture, as JSON.
fn ranking(image: &str, ranked: &[(&String, &f32)], notes: &[String]) -> Value {
    let one = |(class, probability): &(&String, &f32)| json!({"class": class, "probability": probability});
    json!({
        "image": image, "class": ranked.first().map(|(class, _)| class),
        "probability": ranked.first().map(|(_, probability)| probability),
        "top": ranked.iter().map(one).collect::<Vec<_>>(), "notes": notes,
    })
}

/// What a network makes of a picture, as JSON: its `top` classes, or the number of a regression.
pub fn told(image: &str, config: &Config, output: &[f32], top: usize, notes: &[String]) -> Result<Value> {
    Ok(match config.model.loss()?.is_regression() {
        true => json!({"image": image, "value": output.first(), "notes": notes}),
        false => ranking(image, &ranked(&config.data.classes, output, top), notes),
    })
}

/// What a regression makes of a picture.
fn number(path: &Path, value: f32, notes: &[String], json: bool) -> Result<()> {
    match json {
        true => output::json(&json!({"image": path, "value": value, "notes": notes})),
        false => output::line(format!("{}  {value:.4}", path.display())),
    }
}

/// The height and width of the pictures that the network of a run takes.
pub fn grey_size(model: &Model) -> Result<[usize; 2]> {
    let [height, width, channels] = model.input_shape;
    if channels != 1 {
        bail!(
            "{} takes images of {channels} channels; pictures are made grey here, so that needs a network of one",
            model.name
        );
    }
    Ok([height, width])
}

/// The network with the run's variants; on an adapter that cannot run one of these, with the defaults.
pub async fn predictor<'a>(
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
