//! The loop over epochs: train, judge, keep, tell; and whatever ends it before its time.

use super::{
    Train,
    board::Board,
    end::{self, Ended, Limit, finish, interrupted, over, stopped, verdict},
    recorded::told_at_the_end,
    session::{Kept, Session},
};
use crate::cli::{
    interrupt::Interrupt,
    live::Live,
    output,
    page::quoted,
    progress::{self, Progress},
};
use anyhow::{Context as _, Result, bail};
use std::{ops::ControlFlow, process::ExitCode};
use wgrad::{
    Error,
    callbacks::Verdict,
    checkpoint::Position,
    clock,
    data::Dataset,
    gpu::Context,
    loss::Loss,
    run::{EpochLine, LayersLine, Run},
    train::{Metrics, StepResult, Trainer, norms},
};

/// Seconds of training after which the state is saved even within an epoch.
const SAVE_EVERY: f64 = 60.0;

/// Who is told of a training as it goes, and who may end it.
struct Course<'c> {
    interrupt: &'c Interrupt,
    limit: &'c Limit,
    live: &'c Live,
    progress: Progress,
    board: Option<Board>,
}

impl Course<'_> {
    /// A step is done.
    fn step(&mut self, position: &Position, result: &StepResult) -> Result<()> {
        self.progress.update(position, result);
        self.live.step(position, result);
        self.board.as_mut().map_or(Ok(()), |board| board.step(position, result))
    }

    /// Whether somebody waits for the step to be over.
    fn is_wanted(&self) -> bool {
        self.interrupt.requested() || self.limit.is_over() || self.live.wants()
    }

    /// Does what the page asked for, between two steps, after the state has been saved; what ends the training here.
    fn settle(&self, run: &mut Run, trainer: &mut Trainer<'_>) -> Result<Option<Ended>> {
        let Self { interrupt, limit, live, .. } = self;
        live.settle(run, trainer, || interrupt.requested() || limit.is_over())?;
        Ok(if live.stops() {
            Some(Ended::Stopped)
        } else if interrupt.requested() {
            Some(Ended::Interrupted)
        } else {
            limit.is_over().then_some(Ended::OutOfTime)
        })
    }

    /// Tells that it ended before its time, how, and how to go on.
    fn end(&mut self, how: &Ended, run: &Run, trainer: &Trainer<'_>) -> Result<ExitCode> {
        if let Some(board) = &mut self.board {
            board.interrupted()?;
        }
        match how {
            Ended::OutOfTime => self.limit.end(run, trainer),
            Ended::Stopped => stopped(run, trainer),
            Ended::Interrupted | Ended::Whole(..) => Ok(interrupted(run)),
        }
    }
}

impl Train {
    /// The epochs that are left.
    pub(super) async fn epochs(
        &self,
        context: &Context,
        session: &mut Session<'_>,
        trainer: &mut Trainer<'_>,
        compiled: f64,
    ) -> Result<ExitCode> {
        let Session { dataset, interrupt, run, kept, limit, live, again, .. } = session;
        let (Some(run), Some(live)) = (run, live) else { bail!("there is no run to train") };
        let limit = limit.get_or_insert_with(|| Limit::new(self.max_time));
        let epochs = run.config.options.epochs;
        let loss = run.config.model.loss()?;
        if !*again {
            describe(run, trainer)?;
        }
        // From here on there is always something to go on from.
        if kept.is_none() {
            let start = trainer.checkpoint().await?;
            run.save(&start, false)?;
            *kept = Some(Kept::read(start));
        }
        if *again {
            // It is known already what there is to do.
        } else if trainer.position().epoch >= epochs {
            output::say(format!("nothing to do: {epochs} epochs are done; ask for more with `--epochs`"));
        } else if trainer.verdict() != Verdict::GoOn {
            let why = over(trainer, run);
            output::say(format!("nothing to do: {why}; go on all the same with `--epochs`"));
        }
        let board = self.board(run, trainer)?;
        let progress = Progress::new(epochs, trainer.steps_per_epoch(), loss);
        let mut course = Course { interrupt, limit, live, progress, board };
        while trainer.position().epoch < epochs && trainer.verdict() == Verdict::GoOn {
            // What was asked for while the last steps of an epoch ran.
            if let Some(how) = course.settle(run, trainer)? {
                return course.end(&how, run, trainer);
            }
            let ended = epoch(run, trainer, &mut course, kept).await.with_context(|| last_good(run))?;
            let Ended::Whole(train, speed) = ended else { return course.end(&ended, run, trainer) };
            live.evaluates(true);
            let line = judge(run, trainer, dataset, (train, speed)).await?;
            let drops = trainer.position().watch.drops;
            keep(run, trainer, &mut course, (&line, loss), kept).await?;
            live.evaluates(false);
            live.epoch(&line);
            progress::epoch_line(&line, epochs, loss);
            if self.json {
                output::json(&line).with_context(|| last_good(run))?;
            }
            if trainer.position().watch.drops > drops {
                let rate = trainer.learning_rate() as f32;
                output::say(format!("nothing improved: the learning rate is now {rate:e}"));
            }
            if trainer.verdict() != Verdict::GoOn {
                output::say(over(trainer, run));
            }
        }
        context.check()?;
        told_at_the_end(run, dataset)?;
        if let Some(board) = course.board {
            let step = trainer.position().epoch * trainer.steps_per_epoch();
            board.finish(context, run, dataset, step).await?;
        }
        finish(run, self.json)?;
        if trainer.verdict() == Verdict::Reached && !self.json {
            end::time_to_target(run, compiled)?.map_or(Ok(()), output::line)?;
        }
        Ok(verdict(trainer, run))
    }

    /// The event files, if they are wanted.
    fn board(&self, run: &Run, trainer: &Trainer<'_>) -> Result<Option<Board>> {
        let Some(folder) = &self.tensorboard else { return Ok(None) };
        let board = Board::new(run, folder.as_deref(), &trainer.position(), trainer.steps_per_epoch())?;
        output::say(format!("tensorboard --logdir {}", quoted(&board.folder().display().to_string())));
        Ok(Some(board))
    }
}

fn last_good(run: &Run) -> String {
    format!("the last good state is in {}", run.folder.display())
}

/// Says what is trained, and where it is kept.
fn describe(run: &Run, trainer: &Trainer<'_>) -> Result<()> {
    let parameters: usize = run.config.model.summary()?.iter().map(|layer| layer.parameters).sum();
    output::say(format!(
        "model: {} ({parameters} parameters), batch {}, {} dispatches a step",
        run.config.model.name,
        run.config.options.batch,
        trainer.train_plan.steps.len()
    ));
    for note in &trainer.train_plan.notes {
        output::say(format!("note: {note}"));
    }
    output::say(format!("run: {}", run.folder.display()));
    Ok(())
}

/// Trains to the end of the epoch, saving now and then.
async fn epoch(
    run: &mut Run,
    trainer: &mut Trainer<'_>,
    course: &mut Course<'_>,
    kept: &mut Option<Kept>,
) -> Result<Ended> {
    course.progress.begin(&trainer.position());
    let mut told = Ok(());
    let (begun, seen) = (clock::seconds(), trainer.position().seen);
    let mut saving = 0.0;
    loop {
        let saved = clock::seconds();
        let flow = trainer
            .epoch(|position, result| {
                // After the first thing that could not be told nothing more is.
                if told.is_ok() {
                    told = course.step(position, result);
                }
                let due = clock::seconds() - saved > SAVE_EVERY || told.is_err();
                if due || course.is_wanted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .await?;
        std::mem::replace(&mut told, Ok(()))?;
        if let ControlFlow::Continue(metrics) = flow {
            let seconds = clock::seconds() - begun - saving;
            course.progress.finish();
            return Ok(Ended::Whole(metrics, (metrics.images - seen) as f64 / seconds.max(1e-9)));
        }
        let before = clock::seconds();
        let state = trainer.checkpoint().await?;
        run.save(&state, false)?;
        *kept = Some(Kept { state, began: kept.take().and_then(|kept| kept.began) });
        let ended = course.settle(run, trainer)?;
        saving += clock::seconds() - before;
        if let Some(ended) = ended {
            course.progress.finish();
            return Ok(ended);
        }
    }
}

/// Evaluates after an epoch whose metrics and images per second these are: its line.
async fn judge(
    run: &Run,
    trainer: &mut Trainer<'_>,
    dataset: &Dataset,
    (train, speed): (Metrics, f64),
) -> Result<EpochLine> {
    let begun = clock::seconds();
    let test = trainer.evaluate(&dataset.test).await?;
    let validation = match &dataset.validation {
        Some(split) => Some(trainer.evaluate(split).await?),
        None => None,
    };
    let evaluated = clock::seconds() - begun;
    let (epoch, steps) = (trainer.position().epoch, trainer.steps_per_epoch());
    if !test.loss.is_finite() {
        let diverged = Error::Diverged { epoch, step: steps, loss: test.loss };
        return Err(diverged).with_context(|| last_good(run));
    }
    Ok(EpochLine {
        evaluation_seconds: Some(evaluated),
        ..EpochLine::new(epoch, epoch * steps, [train, test], validation, speed)
    })
}

/// Lets the callbacks see the epoch, and writes all that is kept of it; the weights now.
async fn keep(
    run: &mut Run,
    trainer: &mut Trainer<'_>,
    course: &mut Course<'_>,
    (line, loss): (&EpochLine, Loss),
    kept: &mut Option<Kept>,
) -> Result<()> {
    let metrics = line.judged();
    let judged = metrics.judged(loss);
    let best = judged > trainer.position().best;
    if best {
        trainer.set_best(judged);
    }
    let rate = trainer.learning_rate_at(line.step.saturating_sub(1));
    trainer.observe(&metrics);
    let (state, gradients) = (trainer.checkpoint().await?, trainer.gradients().await?);
    let before = kept.as_ref().and_then(|kept| kept.began.as_deref());
    let tensors = norms(trainer.parameters(), &state.weights, before, &gradients);
    run.log(line)
        .and(run.log_layers(LayersLine { epoch: line.epoch, tensors }))
        .and(run.save(&state, best))
        .with_context(|| last_good(run))?;
    let Kept { state, .. } = kept.insert(Kept::read(state));
    if let Some(board) = &mut course.board {
        board.epoch(run, line, rate, state)?;
    }
    Ok(())
}
