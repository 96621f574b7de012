//! End of a training, by itself, by Ctrl-C, by its time limit or by its callbacks, and its exit code.

use super::hints;
use crate::{
    fields,
    interrupt::INTERRUPTED,
    output,
    page::{program, quoted_path},
};
use anyhow::{Result, bail};
use std::{process::ExitCode, time::Duration};
use wgrad::{
    callbacks::{EarlyStopping, Verdict},
    checkpoint::Position,
    clock,
    data::Dataset,
    evaluate::Formula,
    loss::Loss,
    schedule::Decay,
    train::{Options, Trainer},
    words::{counted, measure},
};
use wgrad_run::{BEST, Chance, EpochLine, Outcome, Run};

/// Reason for the early end of a training.
#[derive(Clone, Copy)]
pub enum Ending {
    /// Ctrl-C came; the state is saved.
    Interrupted,
    /// The time limit was reached; the state is saved.
    OutOfTime,
    /// The live page asked to stop; the state is saved.
    Stopped,
    /// The epoch of `--stop-after` is done; the state is saved.
    Planned,
}

/// `--max-time`, counted from the beginning of the training.
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

    /// Prints that the time is over and how to continue; returns the exit code.
    pub fn end(&self, run: &Run, trainer: &Trainer) -> Result<ExitCode> {
        let seconds = self.time.unwrap_or_default().as_secs_f64();
        early(&format!("the time limit of {seconds} s is reached"), run, trainer)
    }
}

/// Prints that the live page stopped the training and how to continue; returns the exit code.
pub fn stopped(run: &Run, trainer: &Trainer) -> Result<ExitCode> {
    early("stopped from the page, and saved", run, trainer)
}

/// Prints that the epoch of `--stop-after` is done and how to continue; returns the exit code.
pub fn planned(run: &Run, trainer: &Trainer) -> Result<ExitCode> {
    early("stopped as `--stop-after` says, and saved", run, trainer)
}

fn early(why: &str, run: &Run, trainer: &Trainer) -> Result<ExitCode> {
    let position = trainer.position();
    tell!(
        "{why}, after {} and {}; continue with: {} train --resume {}",
        counted(position.epoch as usize, "epoch"),
        counted(position.step as usize, "step"),
        program(),
        quoted_path(&run.folder)
    );
    Ok(verdict(trainer, run))
}

/// Refuses fewer epochs than have begun at `position`: the run's record would name a length that it exceeds.
pub fn refuse_fewer(run: &Run, asked: u64, position: &Position) -> Result<()> {
    let Position { epoch, step, .. } = *position;
    if asked >= epoch + u64::from(step > 0) {
        return Ok(());
    }
    let within = match step {
        0 => String::new(),
        step => format!(" and {} more", counted(step as usize, "step")),
    };
    bail!(
        "{} has already trained {}{within}, --epochs asks for {asked}; use `--epochs {}` or more to train further",
        run.folder.display(),
        counted(epoch as usize, "epoch"),
        epoch + 1
    )
}

/// Prints how to continue a saved run; returns the exit code.
pub fn interrupted(run: &Run) -> ExitCode {
    let folder = quoted_path(&run.folder);
    tell!("interrupted; continue with: {} train --resume {folder}", program());
    ExitCode::from(INTERRUPTED)
}

/// Reason why the training is over before all epochs are done.
pub fn over(trainer: &Trainer, run: &Run) -> Result<String> {
    let callbacks = &run.config.options.callbacks;
    let epoch = trainer.position().epoch;
    Ok(match trainer.verdict() {
        Verdict::GoOn => format!("the training continues after epoch {epoch}"),
        Verdict::Reached => {
            let target = callbacks.target_accuracy.unwrap_or_default();
            format!("the accuracy of {target} was reached in epoch {epoch}")
        }
        Verdict::Stopped => {
            let lines = run.metrics()?;
            let validation = lines.last().is_some_and(|line| line.validation_loss.is_some());
            let (watched, wait) =
                (callbacks.monitor.name(validation), trainer.position().watch.stopping.wait);
            let stopping =
                callbacks.early_stopping.unwrap_or(EarlyStopping { patience: wait, min_delta: 0.0 });
            let delta = match stopping.min_delta {
                0.0 => String::new(),
                delta => format!(", --min-delta {delta}"),
            };
            let best = Outcome::of(&lines, &run.config, None).map_or(String::new(), |outcome| {
                let decides = match callbacks
                    .decides(validation, run.config.model.loss().unwrap_or(Loss::SoftmaxCrossEntropy))
                {
                    other if other != watched => format!(" by {other}"),
                    _ => String::new(),
                };
                format!("; best weights{decides}: epoch {}", outcome.best.epoch)
            });
            let kept = Outcome::of(&lines, &run.config, None)
                .map_or(Ok(String::new()), |outcome| saved_to(run, outcome.best.epoch, ""))?;
            let best = format!("{best}{kept}");
            format!(
                "stopped after epoch {epoch}: {watched} has not improved since epoch {} (--patience {}{delta}){best}",
                epoch.saturating_sub(wait),
                stopping.patience
            )
        }
    })
}

/// Reason why a plateau lowers the rate after the epoch of `line`.
pub fn plateau(run: &Run, line: &EpochLine) -> String {
    let Options { callbacks, schedule, .. } = &run.config.options;
    let watched = callbacks.monitor.name(line.validation_loss.is_some());
    match schedule.decay {
        Decay::Plateau { patience, .. } => {
            format!("{watched} has not improved for {}", counted(patience.max(1) as usize, "epoch"))
        }
        _ => format!("{watched} has not improved"),
    }
}

/// File of the weights of the best `epoch`, after a comma, or that they are lost.
fn saved_to(run: &Run, epoch: u64, saved: &str) -> Result<String> {
    let file = best_file(run);
    Ok(match run.best_epoch()? {
        Some(kept) if kept == epoch => format!(", {saved}{file}"),
        Some(kept) => format!(", whose weights are lost: {file} has those of epoch {kept}"),
        None => format!(", whose weights are lost: there is no {file}"),
    })
}

/// The file of the best weights.
fn best_file(run: &Run) -> String {
    quoted_path(&run.folder.join(BEST))
}

/// Time to the target, in words: training and evaluation from the first step, over all resumptions of the run, and the
/// time of compiling before. Saving, and the waits of an interrupted epoch, do not count. `None` for a run whose first
/// epochs recorded no times.
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

/// Exit code: 1 if there was a target and it was missed.
pub fn verdict(trainer: &Trainer, run: &Run) -> ExitCode {
    let Some(target) = run.config.options.callbacks.target_accuracy else { return ExitCode::SUCCESS };
    if trainer.verdict() == Verdict::Reached {
        return ExitCode::SUCCESS;
    }
    tell!(
        "the target was missed: the best accuracy is {:.4}, the target is {target}",
        trainer.position().best
    );
    ExitCode::from(1)
}

/// Prints the result, its folder, whether more epochs would help, and what to do next. `named` is the value of
/// `--model`.
pub fn finish(run: &Run, data: &Dataset, json: bool, named: Option<&str>) -> Result<()> {
    let lines = run.metrics()?;
    let (config, loss) = (&run.config, run.config.model.loss()?);
    let folder = quoted_path(&run.folder);
    let Some(outcome) = Outcome::of(&lines, config, Chance::of(data)) else {
        hints::tell(run, None, named);
        return Ok(());
    };
    let Outcome { best, last, .. } = &outcome;
    let epochs = counted(last.epoch as usize, "epoch");
    if !json {
        output::line(match loss.is_regression() {
            true => format!("test {} after {epochs}; run: {folder}", reached(last, loss)),
            false => format!(
                "test accuracy {:.4} after {epochs} (loss {:.4}); run: {folder}",
                last.test_accuracy, last.test_loss
            ),
        })?;
    }
    if !json {
        for (output, [loss, share]) in
            run.config.model.several_outputs()?.iter().zip(last.test_outputs.iter())
        {
            let accuracy =
                if output.classes() > 0 { format!(", accuracy {share:.4}") } else { String::new() };
            output::line(format!("  {}: loss {loss:.4}{accuracy}", output.name))?;
        }
    }
    let validation = last.validation_loss.is_some();
    let decides = config.options.callbacks.decides(validation, loss);
    output::say(format!(
        "best epoch {}/{} by {decides} (test {}){}",
        best.epoch,
        last.epoch,
        reached(best, loss),
        saved_to(run, best.epoch, "saved to ")?
    ));
    if !validation {
        let things = data.things();
        output::say(format!(
            "note: the best epoch was chosen on the test {things}, which makes its numbers look a little better than they \
             are; `--validation 0.1` chooses on {things} of the training part"
        ));
    }
    if let Some(formula) = formula(run)? {
        match json {
            false => output::line(formula)?,
            true => output::say(formula),
        }
    }
    output::say(fields::bare(&outcome.words(config)));
    hints::tell(run, Some(outcome.trend), named);
    Ok(())
}

/// Test metrics of an epoch, in words.
fn reached(line: &EpochLine, loss: Loss) -> String {
    let errors = line.errors;
    match (loss.is_regression(), errors.test_rmse, errors.test_mae) {
        (true, Some(rmse), Some(mae)) => {
            let r2 = errors.test_r2.map_or(String::new(), |r2| format!(", R² {r2:.4}"));
            format!("RMSE {}, MAE {}{r2}, loss {:.4}", measure(rmse), measure(mae), line.test_loss)
        }
        (true, ..) => format!("loss {:.4}", line.test_loss),
        (false, ..) => format!("accuracy {:.4}, loss {:.4}", line.test_accuracy, line.test_loss),
    }
}

/// Formula of a linear network for a table with its best weights, in the units of the columns.
fn formula(run: &Run) -> Result<Option<Formula>> {
    let Some(table) = run.config.data.table.as_ref().filter(|_| run.folder.join(BEST).exists()) else {
        return Ok(None);
    };
    Ok(Formula::of(&run.config.model, &run.config.data.input, table, &run.best()?.weights))
}
