//! `wgrad check`: replays a network's plans against the CPU twins and reports the differences. Progress goes to stderr,
//! the table or the JSON lines to stdout.

use super::{
    AdapterArgs,
    drawn::fitting,
    fields::spelled,
    network::NetworkArgs,
    objective::ObjectiveArgs,
    reading::{Initial, ReadingArgs, model_for},
};
use anyhow::{Context as _, Result};
use serde::Serialize;
use std::{
    io::{ErrorKind, Write},
    process::ExitCode,
};
use wgrad::selection::Choices;
use wgrad_data::DataSpec;
use wgrad_lab::check::{Check as Kind, Finding, Options, Report, check};
use wgrad_report::table::{
    Align::{Left, Right, Wrap},
    Table,
};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad check                                     all built-in networks
  wgrad check cnn --batch 128                     with the kernels that training chooses at this batch
  wgrad check my.toml --data DIR                  a model file on your own data set
  wgrad check mlp --augment flip,mixup --loss mae  with other training options
  wgrad check cnn --variant conv2d_forward=naive  another variant

For each network: finite differences of the loss prove the gradients of the CPU twins; the twins prove every
dispatch of the training, evaluation and prediction plans on the same inputs; then the whole step is compared
with the twins. The last training step has a partial batch.

Exit codes: 0 nothing differs, 1 something does (the first is named), 2 an error.")]
pub struct Check {
    #[command(flatten)]
    networks: NetworkArgs,
    /// Images per step; small by default, as the twins are plain loops
    #[arg(long, value_name = "N", default_value_t = Options::default().batch as u32,
          value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Training steps with a full batch; one with a partial batch follows
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    steps: u32,
    /// Seed of the weights, the images and dropout
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Data set: `fashion-mnist`, `synthetic`, or a path to your own data [default: images drawn to fit]
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<DataSpec>,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    objective: ObjectiveArgs,
    /// Run an operation as this variant (repeatable): `conv2d_forward=naive`
    #[arg(long, value_name = "OP=VARIANT")]
    variant: Vec<String>,
    /// Ignore the variants that `wgrad tune` chose
    #[arg(long)]
    no_tuned: bool,
    /// Print JSON lines, one object per comparison
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
}

/// A comparison as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    network: &'a str,
    ok: bool,
    #[serde(flatten)]
    finding: &'a Finding,
}

impl Check {
    pub async fn run(mut self) -> Result<ExitCode> {
        let variants = Choices::parse(&self.variant)?;
        let (batch, steps) = (self.batch as usize, self.steps as usize);
        let count = batch * (steps + 1);
        let drawn = DataSpec::Synthetic { seed: 0, train: count, test: 1 };
        let mut spec = self.data.take().unwrap_or_else(|| drawn.clone());
        if let DataSpec::Synthetic { train, test, .. } = &mut spec {
            (*train, *test) = (count, 1);
        }
        let data = self.reading.load(&spec)?;
        let names = self.networks.names();
        let models = names.iter().map(|name| model_for(name, &data, self.objective.loss, Initial::Reported));
        let models = models.collect::<Result<Vec<_>>>()?;
        let context = self.adapter.open().await?;
        // The check compares the kernels itself and reports more.
        context.prove_first(None);
        let objective = self.objective.objective(&data)?;
        let options = Options { batch, steps, seed: self.seed, variants, objective, ..Options::default() };
        let mut fine = true;
        for model in &models {
            // Garments are for networks that take them.
            let fitted = if spec == drawn { fitting(model, count, 1)? } else { data.clone() };
            let data = &fitted;
            let mut options = options.clone();
            if !self.no_tuned {
                let found = super::tune::known(
                    &context,
                    model,
                    &data.input,
                    options.batch,
                    &options.optimizer,
                    &options.objective,
                )?;
                options.variants.tuned = found.tuned;
            }
            let mut stage = String::new();
            let report = check(&context, model, data, &options, &mut |finding| {
                let now = stage_of(finding);
                if now != stage {
                    tell!("{}: {now}", model.name);
                    stage = now;
                }
            })
            .await?;
            if self.json {
                for finding in &report.findings {
                    let line = Line { network: &model.name, ok: finding.difference.is_none(), finding };
                    print(&serde_json::to_string(&line).context("cannot write as JSON")?)?;
                }
            } else {
                print(&table(&model.name, &report))?;
            }
            match report.first() {
                None if report.is_fine() => {
                    tell!("{}: {} comparisons, nothing differs", model.name, report.findings.len());
                }
                None => tell!("{}: nothing was compared", model.name),
                Some(first) => {
                    let (different, of) = (report.different(), report.findings.len());
                    tell!("{}: {different} of {of} comparisons differ; the first: {first}", model.name);
                }
            }
            fine &= report.is_fine();
        }
        Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

fn stage_of(finding: &Finding) -> String {
    match finding.step {
        0 => "gradients of the twins by finite differences".into(),
        step => format!("{:?} step {step} of {} images, compared with the twins", finding.mode, finding.rows),
    }
}

/// Table with one row per comparison, which shows the worst result of all steps.
fn table(network: &str, report: &Report) -> String {
    let mut rows: Vec<(&Finding, [String; 5])> = Vec::new();
    for finding in &report.findings {
        let same = |other: &Finding| {
            (other.check, other.mode, other.dispatch, &other.label)
                == (finding.check, finding.mode, finding.dispatch, &finding.label)
        };
        let row = rows.iter_mut().find(|(kept, _)| same(kept));
        match row {
            Some((kept, _)) if kept.difference.is_some() => {}
            Some((kept, _)) if finding.difference.is_some() || finding.share > kept.share => *kept = finding,
            Some(_) => {}
            None => rows.push((finding, Default::default())),
        }
    }
    for (finding, cells) in &mut rows {
        let mode =
            if finding.step == 0 { "twins".into() } else { format!("{:?}", finding.mode).to_lowercase() };
        let (number, kernel) = match finding.dispatch {
            0 => (String::new(), finding.check.to_string()),
            n => (n.to_string(), finding.kernel.clone()),
        };
        let exact = matches!(finding.check, Kind::OneSubmission | Kind::Finite);
        let verdict = match &finding.difference {
            Some(difference) => format!("DIFFERS: {}", spelled(&difference.what)),
            None if exact => "ok".into(),
            None if finding.kinks > 0 => {
                format!("{:.1} % ({} at a kink)", 100.0 * finding.share, finding.kinks)
            }
            None => format!("{:.1} %", 100.0 * finding.share),
        };
        *cells = [mode, number, finding.label.clone(), kernel, verdict];
    }
    let mut table = Table::new(&[
        ("program", Left),
        ("", Right),
        ("step", Left),
        ("kernel or check", Left),
        ("largest error, as a share of the allowed error", Wrap),
    ]);
    rows.into_iter().for_each(|(_, cells)| table.row(cells));
    format!("{network}\n{table}\n")
}

/// Writes to stdout. A reader that closes the pipe is no error and does not end the command: the exit code is that of
/// the whole check.
fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{}", spelled(text)) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to stdout"),
    }
}
