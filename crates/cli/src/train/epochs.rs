//! The loop over epochs: train, judge, keep, tell; and whatever ends it before its time.

use super::{
    Train,
    board::Board,
    end::{self, Ended, Limit, finish, interrupted, over, stopped, verdict},
    hints,
    judged::judge,
    recorded::told_at_the_end,
    session::{Kept, Session},
};
use crate::{
    interrupt::Interrupt,
    live::Live,
    output,
    page::quoted_path,
    progress::{self, Progress},
};
use anyhow::{Context as _, Result, bail};
use std::{ops::ControlFlow, process::ExitCode};
use wgrad::{
    callbacks::{Best, Verdict},
    checkpoint::{Checkpoint, Position},
    clock,
    data::{Dataset, Split},
    gpu::Context,
    loss::Loss,
    metrics::StepResult,
    train::{Trainer, norms},
    words::{commas, counted},
};
use wgrad_run::{EpochLine, FEWEST_STEPS, LayersLine, Outcome, Run};

/// Seconds of training after which the state is saved even within an epoch.
const SAVE_EVERY: f64 = 60.0;
/// Seconds of an epoch after which the state is saved also before its evaluation.
const LONG: f64 = 10.0;

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

    /// Whether somebody wants the training to end, even within an evaluation.
    fn is_over(&self) -> bool {
        self.interrupt.requested() || self.limit.is_over() || self.live.stops()
    }

    /// Why, if so.
    fn ending(&self) -> Ended {
        match (self.live.stops(), self.interrupt.requested()) {
            (true, _) => Ended::Stopped,
            (_, true) => Ended::Interrupted,
            _ => Ended::OutOfTime,
        }
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
        let dataset: &Dataset = dataset;
        // From here on there is something to finish and to save.
        interrupt.set_working(true);
        let limit = limit.get_or_insert_with(|| Limit::new(self.max_time));
        let epochs = run.config.options.epochs;
        let loss = run.config.model.loss()?;
        let counted_things = format!("{} {}", commas(dataset.train.len() as u64), dataset.things());
        if !*again {
            describe(run, trainer, &counted_things)?;
        }
        let lines = run.metrics()?;
        let of_all = Outcome::of(&lines, &run.config, None).map(|outcome| outcome.best);
        // Where the best weights were lost, the next ones are judged by those that are kept.
        let mut best = match run.best_epoch()? {
            Some(kept) => lines.iter().find(|line| line.epoch == kept).copied().or(of_all),
            None => None,
        };
        // From here on there is always something to go on from.
        if kept.is_none() {
            let start = trainer.checkpoint().await?;
            run.save(&start, false)?;
            *kept = Some(Kept::read(start));
        }
        if *again {
            // It is known already what there is to do.
        } else if trainer.position().epoch >= epochs {
            let done = trainer.position().epoch;
            output::say(format!(
                "nothing to do: the run already has {} of {}; ask for more with `--epochs {}`",
                commas(done),
                counted(epochs as usize, "epoch"),
                (2 * done).max(5)
            ));
        } else if trainer.verdict() != Verdict::GoOn {
            let why = over(trainer, run)?;
            output::say(format!(
                "nothing to do: {why}; go on all the same with `--epochs {}`",
                2 * epochs.max(1)
            ));
        }
        let board = self.board(run, trainer)?;
        let things = run.config.data.things();
        let judged = dataset.test.len() + dataset.validation.as_ref().map_or(0, Split::len);
        let progress = Progress::new(epochs, trainer.steps_per_epoch(), judged as u64, loss, things);
        let mut course = Course { interrupt, limit, live, progress, board };
        while trainer.position().epoch < epochs && trainer.verdict() == Verdict::GoOn {
            // What was asked for while the last steps of an epoch ran.
            if let Some(how) = course.settle(run, trainer)? {
                return course.end(&how, run, trainer);
            }
            let ended = epoch(run, trainer, &mut course, kept).await;
            let ended = ended.map_err(|error| hints::way_on(error, run, self.named()))?;
            let Ended::Whole(train, speed) = ended else { return course.end(&ended, run, trainer) };
            if train.images as f64 > LONG * speed {
                // An evaluation may take long, too.
                let saved = within(run, trainer.unjudged().await?, kept);
                saved.map_err(|error| hints::way_on(error, run, self.named()))?;
            }
            live.evaluates(true);
            course.progress.judge();
            let each = |images| {
                course.progress.judged(images);
                if course.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let line = judge(run, trainer, dataset, (train, speed), each).await;
            course.progress.finish();
            let Some(line) = line.map_err(|error| hints::way_on(error, run, self.named()))? else {
                // The step at which it ended is the last one of the epoch: from there it is judged first.
                within(run, trainer.unjudged().await?, kept)?;
                let epoch = trainer.position().epoch;
                tell!("epoch {epoch} is trained, but not judged: going on judges it first");
                return course.end(&course.ending(), run, trainer);
            };
            let drops = trainer.position().watch.drops;
            let is_best = better(run, trainer, &line, best.as_ref(), loss);
            if is_best {
                best = Some(line);
            }
            let written = keep(run, trainer, &mut course, (&line, is_best), kept).await;
            written.map_err(|error| hints::way_on(error, run, self.named()))?;
            live.evaluates(false);
            live.epoch(&line);
            progress::epoch_line(&line, epochs, things);
            if self.json {
                output::json(&line).with_context(|| run.last_good())?;
            }
            if trainer.position().watch.drops > drops {
                let rate = trainer.learning_rate() as f32;
                output::say(format!("{}: the learning rate is now {rate:e}", end::plateau(run, &line)));
            }
            if trainer.verdict() != Verdict::GoOn {
                output::say(over(trainer, run)?);
            }
        }
        context.check()?;
        told_at_the_end(run, dataset)?;
        if let Some(board) = course.board {
            let step = trainer.position().epoch * trainer.steps_per_epoch();
            board.finish(context, run, dataset, step).await?;
        }
        finish(run, dataset, self.json, self.named())?;
        if trainer.verdict() == Verdict::Reached && !self.json {
            end::time_to_target(run, compiled)?.map_or(Ok(()), output::line)?;
        }
        Ok(verdict(trainer, run))
    }

    /// The event files, if they are wanted.
    fn board(&self, run: &Run, trainer: &Trainer<'_>) -> Result<Option<Board>> {
        let Some(folder) = &self.tensorboard else { return Ok(None) };
        let board = Board::new(run, folder.as_deref(), &trainer.position(), trainer.steps_per_epoch())?;
        output::say(format!("tensorboard --logdir {}", quoted_path(board.folder())));
        Ok(Some(board))
    }
}

/// Says what is trained, and where it is kept.
fn describe(run: &Run, trainer: &Trainer<'_>, things: &str) -> Result<()> {
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
    let (epochs, each) = (run.config.options.epochs, trainer.steps_per_epoch());
    if (1..FEWEST_STEPS).contains(&(epochs * each)) {
        output::say(format!(
            "note: only {}: {} in batches of {} make {each} an epoch; more --epochs or a smaller --batch make more",
            counted((epochs * each) as usize, "step"),
            things,
            run.config.options.batch
        ));
    }
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
        within(run, trainer.checkpoint().await?, kept)?;
        let ended = course.settle(run, trainer)?;
        saving += clock::seconds() - before;
        if let Some(ended) = ended {
            course.progress.finish();
            return Ok(ended);
        }
    }
}

/// Whether the weights of this epoch are the best ones, after those of `best`; the trainer notes the highest accuracy.
fn better(
    run: &Run,
    trainer: &mut Trainer<'_>,
    line: &EpochLine,
    best: Option<&EpochLine>,
    loss: Loss,
) -> bool {
    let (callbacks, metrics) = (&run.config.options.callbacks, line.judged());
    let judged = metrics.judged(loss);
    let highest = judged > trainer.position().best;
    if highest {
        trainer.set_best(judged);
    }
    match callbacks.best {
        Best::Accuracy => highest,
        Best::Monitored => best.is_none_or(|best| callbacks.is_better(&metrics, &best.judged(), loss)),
    }
}

/// Saves a state within an epoch, on disk and in memory.
fn within(run: &Run, state: Checkpoint, kept: &mut Option<Kept>) -> Result<()> {
    run.save(&state, false)?;
    *kept = Some(Kept { state, began: kept.take().and_then(|kept| kept.began) });
    Ok(())
}

/// Lets the callbacks see the epoch, and writes all that is kept of it.
async fn keep(
    run: &mut Run,
    trainer: &mut Trainer<'_>,
    course: &mut Course<'_>,
    (line, best): (&EpochLine, bool),
    kept: &mut Option<Kept>,
) -> Result<()> {
    let rate = trainer.learning_rate_at(line.step.saturating_sub(1));
    trainer.observe(&line.judged());
    let state = trainer.checkpoint().await?;
    // Of an epoch that was trained before this process began the gradients are gone.
    let gradients = if line.images_per_second > 0.0 { trainer.gradients().await? } else { Vec::new() };
    let before = kept.as_ref().and_then(|kept| kept.began.as_deref());
    let tensors = norms(trainer.parameters(), &state.weights, before, &gradients);
    // The state last: it says that the epoch is done, and all the rest of it must be there by then.
    run.log(line)
        .and_then(|()| run.log_layers(LayersLine { epoch: line.epoch, tensors }))
        .and_then(|()| run.save(&state, best))?;
    let Kept { state, .. } = kept.insert(Kept::read(state));
    if let Some(board) = &mut course.board {
        board.epoch(run, line, rate, state)?;
    }
    Ok(())
}
