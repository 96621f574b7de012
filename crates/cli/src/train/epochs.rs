//! Epochs of a training: the messages before them, the events while [`Trainer::fit`] trains, and the messages at the
//! end.

use super::{
    Train,
    board::Board,
    end::{self, Ending, Limit, finish, interrupted, over, planned, stopped, verdict},
    hints,
    judged::line,
    recorded::reported_at_the_end,
    session::{Kept, Session},
};
use crate::{
    interrupt::Interrupt,
    live::Live,
    output,
    page::quoted_path,
    progress::{self, Progress},
};
use anyhow::{Error, Result, bail};
use std::{ops::ControlFlow, process::ExitCode, sync::Arc};
use wgrad::{
    callbacks::Verdict,
    checkpoint::{Checkpoint, Position},
    clock,
    data::{Dataset, Split},
    gpu::Context,
    metrics::{Metrics, StepResult},
    train::{Ended, Epoch, Events, Trainer, norms},
    words::{commas, counted},
};
use wgrad_run::{EpochLine, FEWEST_STEPS, LayersLine, Outcome, Run};

/// Seconds of training after which the state is saved even within an epoch.
const SAVE_EVERY: f64 = 60.0;
/// Seconds of an epoch after which the state is also saved before its evaluation.
const LONG: f64 = 10.0;

/// Events of a training for the command line: saves the run, shows its progress, and ends it on request.
struct Course<'c> {
    train: &'c Train,
    run: &'c mut Run,
    kept: &'c mut Option<Kept>,
    interrupt: &'c Interrupt,
    limit: &'c Limit,
    live: &'c Live,
    progress: Progress,
    board: Option<Board>,
    /// Error while a step was shown.
    failed: Result<()>,
    /// Reason for the early end, if there is one.
    ending: Option<Ending>,
    watch: StopWatch,
}

/// Times of the current epoch, in seconds of [`clock`].
#[derive(Default)]
struct StopWatch {
    begun: f64,
    /// Images of the epoch that were seen before this process began with it.
    seen: u64,
    /// Seconds that saving took within the epoch.
    saving: f64,
    saved: f64,
    /// Images per second of its training.
    speed: f64,
    judging: f64,
}

impl Course<'_> {
    /// Returns true if a request waits for the end of the step.
    fn is_wanted(&self) -> bool {
        self.interrupt.requested() || self.limit.is_over() || self.live.wants()
    }

    /// Fulfils the page's requests between two steps, after the state has been saved; breaks if the training ends here.
    fn settle(&mut self, trainer: &mut Trainer) -> Result<ControlFlow<()>> {
        let Self { interrupt, limit, live, run, .. } = self;
        live.settle(run, trainer, || interrupt.requested() || limit.is_over())?;
        Ok(match self.is_over() {
            false => ControlFlow::Continue(()),
            true => {
                self.ending = Some(self.ending());
                ControlFlow::Break(())
            }
        })
    }

    /// Returns true if the training should end, even within an evaluation.
    fn is_over(&self) -> bool {
        self.interrupt.requested() || self.limit.is_over() || self.live.stops()
    }

    /// Reason for the end, if [`Self::is_over`].
    fn ending(&self) -> Ending {
        match (self.live.stops(), self.interrupt.requested()) {
            (true, _) => Ending::Stopped,
            (_, true) => Ending::Interrupted,
            _ => Ending::OutOfTime,
        }
    }

    /// Saves a state within an epoch, on disk and in memory.
    fn within(&mut self, state: Checkpoint) -> Result<()> {
        self.run.save(&state, false)?;
        let began = self.kept.take().and_then(|kept| kept.began);
        *self.kept = Some(Kept { state: Arc::new(state), began });
        Ok(())
    }

    /// Writes the metrics, the layers and the state of an epoch.
    async fn keep(&mut self, trainer: &Trainer, epoch: &Epoch, line: &EpochLine) -> Result<()> {
        // The gradients of an epoch that was trained before this process began are gone.
        let gradients = if line.images_per_second > 0.0 { trainer.gradients().await? } else { Vec::new() };
        let before = self.kept.as_ref().and_then(|kept| kept.began.as_deref());
        let tensors = norms(trainer.parameters(), &epoch.state.weights, before, &gradients);
        let run = &self.run;
        // The state comes last: it says that the epoch is done, so everything else must be there by then.
        run.log(line)
            .and_then(|()| run.log_layers(LayersLine { epoch: line.epoch, tensors }))
            .and_then(|()| run.save(&epoch.state, epoch.is_best))?;
        *self.kept = Some(Kept::read(epoch.state.clone()));
        if let Some(board) = &mut self.board {
            board.epoch(run, line, epoch.learning_rate, &epoch.state)?;
        }
        Ok(())
    }

    /// Prints why the training ended early, and how to continue.
    fn end(&mut self, trainer: &Trainer) -> Result<ExitCode> {
        if let Some(board) = &mut self.board {
            board.interrupted()?;
        }
        match self.ending {
            Some(Ending::OutOfTime) => self.limit.end(self.run, trainer),
            Some(Ending::Stopped) => stopped(self.run, trainer),
            Some(Ending::Planned) => planned(self.run, trainer),
            Some(Ending::Interrupted) | None => Ok(interrupted(self.run)),
        }
    }
}

impl Events for Course<'_> {
    type Error = Error;

    // The best weights are in the run's folder.
    const KEEPS_BEST: bool = true;

    async fn on_epoch_begin(&mut self, trainer: &mut Trainer) -> Result<ControlFlow<()>> {
        // Fulfils requests that came during the last steps of an epoch.
        if self.settle(trainer)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if self.train.stop_after.is_some_and(|last| trainer.position().epoch >= last) {
            self.ending = Some(Ending::Planned);
            return Ok(ControlFlow::Break(()));
        }
        self.progress.begin(&trainer.position());
        let (begun, seen) = (clock::seconds(), trainer.position().running.seen);
        self.watch = StopWatch { begun, seen, saved: begun, ..StopWatch::default() };
        Ok(ControlFlow::Continue(()))
    }

    fn on_train_batch_end(&mut self, position: &Position, result: &StepResult) -> ControlFlow<()> {
        // After the first failure no further steps are shown.
        if self.failed.is_ok() {
            self.progress.update(position, result);
            self.live.step(position, result);
            self.failed = self.board.as_mut().map_or(Ok(()), |board| board.step(position, result));
        }
        let due = clock::seconds() - self.watch.saved > SAVE_EVERY || self.failed.is_err();
        if due || self.is_wanted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    async fn on_pause(&mut self, trainer: &mut Trainer) -> Result<ControlFlow<()>> {
        std::mem::replace(&mut self.failed, Ok(()))?;
        let before = clock::seconds();
        self.within(trainer.checkpoint().await?)?;
        let flow = self.settle(trainer)?;
        self.watch.saved = clock::seconds();
        self.watch.saving += self.watch.saved - before;
        if flow.is_break() {
            self.progress.finish();
        }
        Ok(flow)
    }

    async fn on_test_begin(&mut self, trainer: &mut Trainer, train: &Metrics) -> Result<()> {
        std::mem::replace(&mut self.failed, Ok(()))?;
        let StopWatch { begun, seen, saving, .. } = self.watch;
        let seconds = clock::seconds() - begun - saving;
        self.watch.speed = (train.images - seen) as f64 / seconds.max(1e-9);
        self.progress.finish();
        if train.images as f64 > LONG * self.watch.speed {
            // An evaluation may take long, too.
            self.within(trainer.unjudged().await?)?;
        }
        self.live.evaluates(true);
        self.progress.judge();
        self.watch.judging = clock::seconds();
        Ok(())
    }

    fn on_test_batch_end(&mut self, images: u64) -> ControlFlow<()> {
        self.progress.judged(images);
        if self.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    async fn on_epoch_end(&mut self, trainer: &mut Trainer, epoch: &Epoch) -> Result<ControlFlow<()>> {
        let evaluated = clock::seconds() - self.watch.judging;
        self.progress.finish();
        let line = line(self.run, epoch, self.watch.speed, evaluated);
        self.keep(trainer, epoch, &line).await?;
        self.live.evaluates(false);
        self.live.epoch(&line);
        let config = &self.run.config;
        progress::epoch_line(&line, config.options.epochs, config.data.things());
        if self.train.json {
            output::json(&line)?;
        }
        if epoch.rate_fell {
            let rate = trainer.learning_rate() as f32;
            output::say(format!("{}: the learning rate is now {rate:e}", end::plateau(self.run, &line)));
        }
        if trainer.verdict() != Verdict::GoOn {
            output::say(over(trainer, self.run)?);
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Train {
    /// Trains the remaining epochs.
    pub(super) async fn epochs(
        &self,
        context: &Context,
        session: &mut Session<'_>,
        trainer: &mut Trainer,
        compiled: f64,
    ) -> Result<ExitCode> {
        let Session { dataset, interrupt, run, kept, limit, live, again, .. } = session;
        let (Some(run), Some(live)) = (run, live) else { bail!("there is no run to train") };
        let dataset: &Dataset = dataset;
        // From here on there is something to finish and to save.
        interrupt.set_working(true);
        let limit = limit.get_or_insert_with(|| Limit::new(self.max_time));
        let loss = run.config.model.loss()?;
        if !*again {
            let things = format!("{} {}", commas(dataset.train.len() as u64), dataset.things());
            describe(run, trainer, &things)?;
        }
        trainer.set_best(best(run)?.map(|line| line.judged()));
        // From here on there is always a state to continue from.
        if kept.is_none() {
            let start = trainer.checkpoint().await?;
            run.save(&start, false)?;
            *kept = Some(Kept::read(Arc::new(start)));
        }
        if !*again {
            say_if_nothing_is_left(run, trainer)?;
        }
        let board = self.board(run, trainer)?;
        let judged = dataset.test.len() + dataset.validation.as_ref().map_or(0, Split::len);
        let (epochs, steps) = (run.config.options.epochs, trainer.steps_per_epoch());
        let progress = Progress::new(epochs, steps, judged as u64, loss, run.config.data.things());
        let (failed, watch) = (Ok(()), StopWatch::default());
        let mut course = Course {
            train: self,
            run,
            kept,
            interrupt,
            limit,
            live,
            progress,
            board,
            failed,
            ending: None,
            watch,
        };
        let ended = trainer.fit(&mut course).await;
        course.progress.finish();
        let ended = ended.map_err(|error| hints::way_on(error, course.run, self.named()))?;
        match ended {
            Ended::Whole(_) => {}
            Ended::Broken => return course.end(trainer),
            Ended::Unjudged => {
                // It ended at the last step of the epoch: a resumed training evaluates the epoch first.
                course.within(trainer.unjudged().await?)?;
                let epoch = trainer.position().epoch;
                tell!("epoch {epoch} is trained but not evaluated: a resumed training evaluates it first");
                course.ending = Some(course.ending());
                return course.end(trainer);
            }
        }
        context.check()?;
        let Course { run, board, .. } = course;
        reported_at_the_end(run, dataset)?;
        if let Some(board) = board {
            board.finish(context, run, dataset, trainer.position().epoch * steps).await?;
        }
        finish(run, dataset, self.json, self.named())?;
        if trainer.verdict() == Verdict::Reached && !self.json {
            end::time_to_target(run, compiled)?.map_or(Ok(()), output::line)?;
        }
        Ok(verdict(trainer, run))
    }

    /// The event files, if `--tensorboard` is given.
    fn board(&self, run: &Run, trainer: &Trainer) -> Result<Option<Board>> {
        let Some(folder) = &self.tensorboard else { return Ok(None) };
        let board = Board::new(run, folder.as_deref(), &trainer.position(), trainer.steps_per_epoch())?;
        output::say(format!("tensorboard --logdir {}", quoted_path(board.folder())));
        Ok(Some(board))
    }
}

/// Prints the model, the notes of the plan and the run's folder.
fn describe(run: &Run, trainer: &Trainer, things: &str) -> Result<()> {
    let parameters: usize = run.config.model.summary()?.iter().map(|layer| layer.parameters).sum();
    output::say(format!(
        "model: {} ({parameters} parameters), batch {}, {} dispatches per step",
        run.config.model.name,
        run.config.options.batch,
        trainer.train_plan().steps.len()
    ));
    for note in &trainer.train_plan().notes {
        output::say(format!("note: {note}"));
    }
    output::say(format!("run: {}", run.folder.display()));
    let (epochs, each) = (run.config.options.epochs, trainer.steps_per_epoch());
    if (1..FEWEST_STEPS).contains(&(epochs * each)) {
        output::say(format!(
            "note: only {}: {} in batches of {} make {each} per epoch; more --epochs or a smaller --batch make more",
            counted((epochs * each) as usize, "step"),
            things,
            run.config.options.batch
        ));
    }
    Ok(())
}

/// Best epoch so far, to compare the next ones with. If its weights were lost, it is the epoch of those that are kept.
fn best(run: &Run) -> Result<Option<EpochLine>> {
    let lines = run.metrics()?;
    let of_all = Outcome::of(&lines, &run.config, None).map(|outcome| outcome.best);
    Ok(match run.best_epoch()? {
        Some(kept) => lines.iter().find(|line| line.epoch == kept).copied().or(of_all),
        None => None,
    })
}

/// If the run is over already, prints that and how to continue.
fn say_if_nothing_is_left(run: &Run, trainer: &Trainer) -> Result<()> {
    let (done, epochs) = (trainer.position().epoch, run.config.options.epochs);
    if done >= epochs {
        output::say(format!(
            "nothing to do: the run already has {} of {}; ask for more with `--epochs {}`",
            commas(done),
            counted(epochs as usize, "epoch"),
            (2 * done).max(5)
        ));
    } else if trainer.verdict() != Verdict::GoOn {
        let why = over(trainer, run)?;
        output::say(format!("nothing to do: {why}; continue anyway with `--epochs {}`", 2 * epochs.max(1)));
    }
    Ok(())
}
