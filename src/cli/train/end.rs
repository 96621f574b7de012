//! How a training ends: by itself, by Ctrl-C, by its time, by its callbacks; and with which exit code.

use crate::cli::{output, page::quoted};
use anyhow::Result;
use std::{process::ExitCode, time::Duration};
use wgrad::{
    callbacks::Verdict,
    clock,
    networks::NETWORKS,
    run::{EpochLine, Outcome, Run, Trend},
    train::{Metrics, Trainer},
};

/// The exit code of a program that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// How an epoch ended.
pub enum Ended {
    /// All of it, with its metrics and images per second.
    Whole(Metrics, f64),
    /// Ctrl-C came; the state is saved.
    Interrupted,
    /// The time was over; the state is saved.
    OutOfTime,
    /// The live page asked to stop; the state is saved.
    Stopped,
}

/// `--max-time`, counted from when the training begins.
pub struct Limit {
    begun: f64,
    time: Option<Duration>,
}

impl Limit {
    pub fn new(time: Option<Duration>) -> Self {
        Self { begun: clock::seconds(), time }
    }

    pub fn is_over(&self) -> bool {
        self.time.is_some_and(|time| clock::seconds() - self.begun >= time.as_secs_f64())
    }

    /// Says that the time is over and how to go on.
    pub fn end(&self, run: &Run, trainer: &Trainer<'_>) -> Result<ExitCode> {
        let seconds = self.time.unwrap_or_default().as_secs_f64();
        early(&format!("the time of {seconds} s is over"), run, trainer)
    }
}

/// Says that the live page stopped it and how to go on.
pub fn stopped(run: &Run, trainer: &Trainer<'_>) -> Result<ExitCode> {
    early("stopped from the page, and saved", run, trainer)
}

fn early(why: &str, run: &Run, trainer: &Trainer<'_>) -> Result<ExitCode> {
    let position = trainer.position();
    tell!(
        "{why}, after {} epochs and {} steps; go on with: wgrad train --resume {}",
        position.epoch,
        position.step,
        run.folder.display()
    );
    Ok(verdict(trainer, run))
}

/// Says how to go on with a run that was saved.
pub fn interrupted(run: &Run) -> ExitCode {
    tell!("interrupted; go on with: wgrad train --resume {}", run.folder.display());
    ExitCode::from(INTERRUPTED)
}

/// Why the training is over before its epochs are.
pub fn over(trainer: &Trainer<'_>, run: &Run) -> String {
    let callbacks = &run.config.options.callbacks;
    let epoch = trainer.position().epoch;
    match trainer.verdict() {
        Verdict::GoOn => format!("after epoch {epoch} it goes on"),
        Verdict::Reached => {
            let target = callbacks.target_accuracy.unwrap_or_default();
            format!("the accuracy of {target} was reached in epoch {epoch}")
        }
        Verdict::Stopped => {
            let wait = trainer.position().watch.stopping.wait;
            format!(
                "stopped after epoch {epoch}: nothing improved for {wait} epochs; `best` has the best weights"
            )
        }
    }
}

/// How long it took to the target: training and evaluation from the first step on, however often the run was resumed,
/// and what compiling took before. Saving is not counted, nor is what an interrupted epoch had to wait. `None` of a run
/// whose first epochs kept no times.
pub fn time_to_target(run: &Run, compiled: f64) -> Result<Option<String>> {
    let lines = run.metrics()?;
    let sum = |seconds: fn(&EpochLine) -> Option<f64>| lines.iter().map(seconds).sum::<Option<f64>>();
    let (train, evaluation) = (sum(|line| line.train_seconds), sum(|line| line.evaluation_seconds));
    Ok(train.zip(evaluation).map(|(train, evaluation)| {
        format!(
            "time to the target: {:.2} s from the first step: {train:.2} s of training, {evaluation:.2} s of evaluation; \
             before it {compiled:.2} s of compiling",
            train + evaluation
        )
    }))
}

/// 1 if there was a target and it was missed.
pub fn verdict(trainer: &Trainer<'_>, run: &Run) -> ExitCode {
    let Some(target) = run.config.options.callbacks.target_accuracy else { return ExitCode::SUCCESS };
    if trainer.verdict() == Verdict::Reached {
        return ExitCode::SUCCESS;
    }
    tell!(
        "the target was missed: the best accuracy is {:.4}, asked for was {target}",
        trainer.position().best
    );
    ExitCode::from(1)
}

/// What came out, where it is, whether more epochs would help, and what to do next.
pub fn finish(run: &Run, json: bool) -> Result<()> {
    let lines = run.metrics()?;
    let (config, loss) = (&run.config, run.config.model.loss()?);
    let folder = quoted(&run.folder.display().to_string());
    let outcome = Outcome::of(&lines, loss);
    if let Some(Outcome { best, last, .. }) = &outcome {
        if !json {
            let (accuracy, value, epoch) = (last.test_accuracy, last.test_loss, last.epoch);
            output::line(match loss.is_regression() {
                true => format!("test {loss} {value:.4} after {epoch} epochs; run: {folder}"),
                false => format!(
                    "test accuracy {accuracy:.4} after {epoch} epochs (loss {value:.4}); run: {folder}"
                ),
            })?;
        }
        output::say(format!(
            "best epoch: {} of {}, test accuracy {:.4}, loss {:.4}: its weights are {folder}/best.safetensors",
            best.epoch, last.epoch, best.test_accuracy, best.test_loss
        ));
    }
    if let Some(outcome) = &outcome {
        output::say(outcome.words());
    }
    let on = (
        format!("wgrad train --resume {folder} --epochs {}", config.options.epochs * 2),
        "train on, from where it stands",
    );
    let report = (format!("wgrad report {folder}"), "curves, mistakes and what the network sees, as a page");
    let eval = (format!("wgrad eval {folder}"), "confusion matrix");
    let other = if config.model.name == "cnn" { "mlp" } else { "cnn" };
    let next = match outcome.map(|outcome| outcome.trend) {
        Some(Trend::Overfits { .. }) if config.options.objective.augment.is_off() => {
            let known = NETWORKS.iter().any(|(name, _)| *name == config.model.name);
            let model = if known { config.model.name.as_str() } else { "FILE.toml" };
            (format!("wgrad train --model {model} --augment flip,shift=2"), "images that change hold it back")
        }
        Some(Trend::Settled) => (format!("wgrad train --model {other} --epochs 3"), "another network"),
        _ => on,
    };
    let all = [report, eval, next];
    let width = all.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    output::say("try next:");
    for (command, what) in &all {
        output::say(format!("  {command:width$}  {what}"));
    }
    Ok(())
}
