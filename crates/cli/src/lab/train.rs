//! `wgrad lab train`: compares two whole trainings. `wgrad_lab::trainings` does the work; this file has the options and
//! the printed report.

use super::print;
use crate::{
    AdapterArgs, DataArgs,
    network::NetworkArg,
    output,
    page::PageArgs,
    reading::{Initial, model_for, refuse_classes_as_numbers},
};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::process::ExitCode;
use wgrad::{
    optim::Optimizer,
    selection::Choices,
    train::Options,
    words::{commas, sparkline},
};
use wgrad_lab::trainings::{Comparison, Request, compare};
use wgrad_report::{
    table::{
        Align::{Left, Right, Wrap},
        Table,
    },
    trainings::compared,
};

/// Characters of a curve.
const WIDTH: usize = 64;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad lab train --b matmul=naive                     the defaults against another variant
  wgrad lab train --a matmul=tiled --b matmul=my.wgsl  your own file against a built-in variant
  wgrad lab train --model cnn --steps 200 --b conv2d_forward=naive,conv2d_grad_input=naive
  wgrad lab train --b matmul=naive --json              a JSON object per step and per round, then the result

Both train from the same seed on the same data and take turns, so that other load on the machine affects both.
Correct kernels may add in different orders, so the losses drift apart. The allowed drift is measured: a third training
with A's variants begins from weights whose last bit is flipped. The losses of a step may differ by √K × (its largest
drift so far + 4 ε max(1, loss)), where K is the longest sum of the network. `--tolerance` sets the limit instead.

Exit codes: 0 done, 1 the losses differ beyond the tolerance, 2 an error.")]
pub struct Trainings {
    /// Variants of side A: `OP=VARIANT` or `OP=FILE.wgsl`, comma-separated [default: the adapter's defaults]
    #[arg(long, value_name = "OP=VARIANT,..", value_delimiter = ',')]
    a: Vec<String>,
    /// Variants of side B; `default` for the adapter's defaults
    #[arg(long, value_name = "OP=VARIANT,..", value_delimiter = ',', required = true)]
    b: Vec<String>,
    #[command(flatten)]
    network: NetworkArg,
    #[command(flatten)]
    data: DataArgs,
    /// Epochs of each training
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// Steps of each training, instead of whole epochs
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    steps: Option<u64>,
    /// Images per step
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Learning rate
    #[arg(long, value_name = "X", default_value_t = 0.05)]
    lr: f64,
    /// Seed of the initial weights, the order of images and dropout
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Timed turns of each side, after one warm-up turn
    #[arg(long, value_name = "N", default_value_t = 8)]
    rounds: usize,
    /// Largest allowed difference of the losses of a step, in nats [default: derived, see below]
    #[arg(long, value_name = "X")]
    tolerance: Option<f64>,
    /// Print JSON lines: each step, each round, then the result (distinguished by `kind`)
    #[arg(long)]
    json: bool,
    /// Print comma-separated values with a header, one row per step
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    adapter: AdapterArgs,
}

impl Trainings {
    pub async fn run(self) -> Result<ExitCode> {
        self.page.can_be_written()?;
        let side = |items: &[String]| {
            Choices::parse(&items.iter().filter(|item| *item != "default").collect::<Vec<_>>())
        };
        let sides = [side(&self.a)?, side(&self.b)?];
        let data = self.data.load(self.seed)?;
        let model = model_for(self.network.name_for(&data), &data, None, Initial::Reported)?;
        refuse_classes_as_numbers(&model, &data)?;
        let batch = self.batch as usize;
        let steps = self.steps.unwrap_or(self.epochs * data.train.len().div_ceil(batch) as u64);
        let request = Request {
            model,
            options: Options {
                batch,
                epochs: self.epochs,
                seed: self.seed,
                optimizer: Optimizer { learning_rate: self.lr, ..Optimizer::default() },
                ..Options::default()
            },
            sides,
            steps,
            rounds: self.rounds,
            tolerance: self.tolerance,
        };
        let context = self.adapter.open().await?;
        let found = compare(&context, &data, &request, &mut |said| tell!("{said}")).await?;
        for side in &found.sides {
            for note in &side.notes {
                tell!("note: {}: {note}", side.side);
            }
        }
        if found.sides[0].kernels == found.sides[1].kernels {
            tell!("note: both sides run the same kernels");
        }
        match (self.json, self.csv) {
            (true, _) => json_lines(&found)?,
            (_, true) => print::csv(&found.curve, true)?,
            _ => output::line(text(&found))?,
        }
        self.page.write(|about| compared(about, &found))?;
        Ok(if found.passed { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

fn json_lines(found: &Comparison) -> Result<()> {
    let mut whole = serde_json::to_value(found).context("cannot write as JSON")?;
    let fields = whole.as_object_mut().context("cannot write as JSON")?;
    for (kind, key) in [("step", "curve"), ("round", "rounds")] {
        for mut row in
            fields.remove(key).as_mut().and_then(Value::as_array_mut).into_iter().flatten().map(Value::take)
        {
            row["kind"] = json!(kind);
            output::json(&row)?;
        }
    }
    fields.insert("kind".to_string(), json!("result"));
    output::json(&whole)
}

fn text(found: &Comparison) -> String {
    let mut table = Table::new(&[
        ("", Left),
        ("variants", Wrap),
        ("images/s", Right),
        ("min", Right),
        ("max", Right),
        ("test loss", Right),
        ("test accuracy", Right),
    ]);
    let whole = |rate: f64| commas(rate.round() as u64);
    let number = |value: Option<f64>| value.map_or("–".to_string(), |value| format!("{value:.4}"));
    for side in &found.sides {
        table.row([
            side.side.to_uppercase(),
            side.variants.clone(),
            whole(side.images_per_second.median),
            whole(side.images_per_second.min),
            whole(side.images_per_second.max),
            number(side.test_loss),
            number(side.test_accuracy),
        ]);
    }
    let (ratio, rounds) = (found.ratio, found.rounds.len());
    let mut text = format!(
        "{} on {}, batch {}, {} steps of each, seed {}\n{table}\n\nB is {:.3} times as fast as A ({:.3} to {:.3} in {rounds} \
         rounds)",
        found.conditions.network,
        found.conditions.data,
        found.conditions.batch,
        found.steps,
        found.seed,
        ratio.median,
        ratio.min,
        ratio.max
    );
    let curve =
        |of: &dyn Fn(usize) -> f64| sparkline(&(0..found.curve.len()).map(of).collect::<Vec<_>>(), WIDTH);
    let losses = curve(&|n| found.curve[n].loss_a);
    let apart = curve(&|n| found.curve[n].difference.abs());
    text.push_str(&format!("\n  loss of A    {losses}\n  |difference| {apart}"));
    if let Some(worst) = &found.worst {
        text.push_str(&format!(
            "\nlosses furthest apart at step {}: {:.7} and {:.7}, {:.1e} apart, allowed {:.1e}",
            worst.step,
            worst.loss_a,
            worst.loss_b,
            worst.difference.abs(),
            worst.allowed
        ));
    }
    if let Some(w) = &found.weights {
        text.push_str(&format!(
            "\nweights furthest apart: {}[{}]: {:.7} and {:.7}, {:.1e} apart; by norm {:.1e} of that tensor, {:.1e} of all",
            w.tensor, w.index, w.a, w.b, w.absolute, w.relative_tensor, w.relative_all
        ));
    }
    let tolerance = &found.tolerance;
    text.push_str(&match tolerance.given {
        true => format!("\ntolerance: {:.1e}, as given", tolerance.last),
        false => format!(
            "\ntolerance: up to {:.1e} = √{} × (drift {:.1e} of a training whose first weights differ in the last bit + \
             4 ε max(1, loss))",
            tolerance.last, tolerance.longest_sum, tolerance.drift
        ),
    });
    for side in &found.sides {
        if let Some(step) = side.diverged_at {
            text.push_str(&format!(
                "\n{} DIVERGED: its loss is not a number at step {step}",
                side.side.to_uppercase()
            ));
        }
    }
    text.push_str(match found.passed {
        true => "\nboth train alike",
        false => "\nDIFFERENT: the losses lie further apart than rounding explains",
    });
    text
}
