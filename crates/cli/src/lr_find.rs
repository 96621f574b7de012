//! `wgrad lr-find`: suggests a learning rate from a short training in which the rate rises.

use super::{
    AdapterArgs, DataArgs, fit,
    network::NetworkArg,
    output, page,
    reading::{Initial, model_for, refuse_classes_as_numbers},
    recover::persist,
    train::method::MethodArgs,
};
use anyhow::{Result, bail};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};
use wgrad::{
    lr_find::{Found, Range, find},
    train::Options,
};
use wgrad_files::{calendar, write_file};
use wgrad_report::{learning_rate, page::can_write};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad lr-find                                    the network `mlp` on Fashion-MNIST, with SGD
  wgrad lr-find --model cnn --optimizer adam       another network, another optimizer
  wgrad lr-find --html rate.html --csv rate.csv    the curve as a page, and its numbers
  wgrad lr-find --json | jq .suggestion

The rate rises at every step, from --from to --to. The rate at which the smoothed loss falls most steeply is a good \
constant rate, and a good peak for `--schedule one-cycle`. The rise ends where the loss diverges.")]
pub struct LrFind {
    #[command(flatten)]
    network: NetworkArg,
    #[command(flatten)]
    data: DataArgs,
    /// Images per step
    #[arg(long, value_name = "N", default_value_t = 128)]
    batch: usize,
    /// Seed of the initial weights, the order of images and dropout
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// First learning rate
    #[arg(long, value_name = "X", default_value_t = Range::default().from)]
    from: f64,
    /// Last learning rate
    #[arg(long, value_name = "X", default_value_t = Range::default().to)]
    to: f64,
    /// Number of steps from the first rate to the last
    #[arg(long, value_name = "N", default_value_t = Range::default().steps)]
    steps: u64,
    /// Print the suggestion and every step as a JSON object
    #[arg(long)]
    json: bool,
    /// Write every step as comma-separated values
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the curve as a page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the curve as a picture
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    adapter: AdapterArgs,
    #[command(flatten)]
    method: MethodArgs,
}

impl LrFind {
    pub async fn run(self) -> Result<ExitCode> {
        let range = Range { from: self.from, to: self.to, steps: self.steps };
        range.validate()?;
        if self.method.lr.is_some() {
            bail!("`lr-find` takes no --lr: the rate rises from `--from` to `--to`");
        }
        let optimizer = self.method.optimizer()?;
        let options = Options { batch: self.batch, seed: self.seed, optimizer, ..Options::default() };
        options.validate()?;
        for path in [&self.csv, &self.html, &self.svg].into_iter().flatten() {
            can_write(path)?;
        }
        let dataset = self.data.load(self.seed)?;
        let model = model_for(self.network.name_for(&dataset), &dataset, None, Initial::Reported)?;
        refuse_classes_as_numbers(&model, &dataset)?;
        tell!("the learning rate rises from {:e} to {:e} in up to {} steps", self.from, self.to, self.steps);
        let (found, adapter) = persist(async || {
            let mut options = options.clone();
            let context = self.adapter.open().await?;
            fit::training(&context, &model, &dataset, &mut options, true)?;
            let found = find(&context, &model, dataset.clone(), options, range, |_| ()).await?;
            Ok((found, context.describe()))
        })
        .await?;

        if let Some(path) = &self.csv {
            write(path, &csv(&found)?)?;
        }
        if let Some(path) = &self.svg {
            write(path, learning_rate::chart(&found).as_str())?;
        }
        if let Some(path) = &self.html {
            let facts = [
                ("network", model.name.clone()),
                ("data", dataset.name.clone()),
                ("batch", self.batch.to_string()),
                ("adapter", adapter),
                ("date", calendar::today()),
            ];
            page::write(&learning_rate::page(&found, &facts)?, path)?;
            tell!("wrote {}", path.display());
        }
        if self.json {
            output::json(&found)?;
        } else {
            output::line(learning_rate::words(&found))?;
        }
        Ok(if found.suggestion.is_some() { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

fn csv(found: &Found) -> Result<String> {
    let mut text = "step,learning_rate,loss,smoothed\n".to_string();
    for sample in &found.samples {
        writeln!(text, "{},{:e},{},{}", sample.step, sample.learning_rate, sample.loss, sample.smoothed)?;
    }
    Ok(text)
}

fn write(path: &Path, text: &str) -> Result<()> {
    write_file(path, text.as_bytes())?;
    tell!("wrote {}", path.display());
    Ok(())
}
