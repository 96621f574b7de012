//! `wgrad train`: from the command line to a run folder. The loop over epochs lives here; the loop over
//! steps is `wgrad::train`.

mod board;
mod end;
pub use end::INTERRUPTED;
pub mod method;
pub mod recipe;
pub mod recorded;

use super::{
    AdapterArgs, DataArgs,
    interrupt::Interrupt,
    live::{Live, LiveArgs},
    objective::ObjectiveArgs,
    output,
    page::quoted,
    progress::Progress,
    reading::model_for,
    tune,
};
use anyhow::{Context as _, Result, bail};
use board::Board;
use clap::Args;
use end::{Ended, Limit, finish, interrupted, over, stopped, verdict};
use method::{MethodArgs, ScheduleArgs, StopArgs};
use recorded::{absolute, load_recorded, told_at_the_end};
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use wgrad::{
    Error,
    callbacks::Verdict,
    clock,
    data::Dataset,
    gpu::Context,
    model::Model,
    op::Choices,
    run::{AdapterRecord, Config, DataRecord, EpochLine, LayersLine, Run, read_weights},
    train::{Options, Trainer, norms},
    tune::SECONDS,
    user_file,
};

/// Seconds of training after which the state is saved even within an epoch.
const SAVE_EVERY: f64 = 60.0;

#[derive(Args)]
#[command(after_help = "Examples:
  wgrad train                                       the network `mlp` on Fashion-MNIST
  wgrad train --model cnn --epochs 3 --seed 1       Keras's simple convnet
  wgrad train --recipe cnn                          settings that are known to be good: see `wgrad models`
  wgrad train --recipe speedrun-90 --seed 1         the least time to a test accuracy of 0.90
  wgrad train --model my-network.toml --data DIR    your own network, your own data (docs/data.md)
  wgrad train --model my.keras --init my.keras      a network of Keras's, from its weights
  wgrad train --model cnn --data pictures/ --size 96 --normalize --augment flip
  wgrad train --model mlp --data houses.csv --label price
  wgrad train --model cnn --augment flip,shift=2,erase=0.25 --label-smoothing 0.1
  wgrad train --lr 0.1 --schedule cosine --warmup-steps 200
  wgrad train --optimizer adamw --ema 0.99 --global-clipnorm 1 --schedule one-cycle
  wgrad train --epochs 50 --validation 0.1 --patience 5 --target-accuracy 0.92 --max-time 10m
  wgrad train --resume runs/mlp-1 --epochs 10       go on where that run stopped, to the same bits
  wgrad train --live                                with a page in the browser that follows and steers it
  wgrad train --variant conv2d_forward=naive        with another kernel
  wgrad train --model cnn --tune                    measure first which kernels are fastest here, at most 10 s

Ctrl-C finishes the step, saves, and says how to go on; a second Ctrl-C stops at once (exit code 130).")]
pub struct Train {
    /// Network: a name of `wgrad models`, a TOML file, or one of Keras's (.keras, .json)
    #[arg(long, value_name = "NAME|FILE", default_value = "mlp", conflicts_with = "resume")]
    model: String,
    /// Settings by name: network, epochs, optimizer, schedule, augmentation; what else stands here beats them
    #[arg(long, value_name = "NAME", value_parser = recipe::names(), hide_possible_values = true, conflicts_with = "resume")]
    recipe: Option<String>,
    #[command(flatten)]
    data: DataArgs,
    /// Epochs of the whole training [default: 5]
    #[arg(long, value_name = "N")]
    epochs: Option<u64>,
    /// Images a step
    #[arg(long, value_name = "N", default_value_t = 128, conflicts_with = "resume")]
    batch: usize,
    /// Decides initial weights, order of images and dropout
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "resume")]
    seed: u64,
    /// Visit the images in the order of the file
    #[arg(long, conflicts_with = "resume")]
    no_shuffle: bool,
    #[command(flatten)]
    objective: ObjectiveArgs,
    /// Start from the weights of a safetensors file, or of Keras's .keras or .weights.h5 (names and shapes are checked)
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    init: Option<PathBuf>,
    /// Use this variant of an operation, or the one in your own file: `matmul=my.wgsl` (repeatable)
    #[arg(long = "variant", value_name = "OP=VARIANT|FILE", conflicts_with = "resume")]
    variants: Vec<String>,
    /// First choose the fastest right variant of each operation, as `wgrad tune` does, and keep the choice
    #[arg(long, conflicts_with = "resume")]
    tune: bool,
    /// Seconds for `--tune`
    #[arg(long, value_name = "S", default_value_t = SECONDS, value_parser = tune::seconds, requires = "tune")]
    tune_seconds: f64,
    /// Leave out what `wgrad tune` chose
    #[arg(long, conflicts_with_all = ["resume", "tune"])]
    no_tuned: bool,
    /// MiB of images that are handed to the device at once
    #[arg(long, value_name = "MIB", default_value_t = 16)]
    chunk: usize,
    /// Folder of the run [default: runs/MODEL-N]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Go on with a run
    #[arg(long, value_name = "RUN", conflicts_with_all = ["data", "limit", "validation", "normalize", "ReadingArgs", "MethodArgs", "ScheduleArgs", "StopArgs"])]
    resume: Option<PathBuf>,
    /// End after this time (60s, 10m, 2h): finishes the step and saves, so that the run can go on
    #[arg(long, value_name = "TIME", value_parser = method::time)]
    max_time: Option<Duration>,
    /// Write event files for TensorBoard [default folder: tensorboard in the run's]
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    tensorboard: Option<Option<PathBuf>>,
    /// Print the metrics of each epoch as a JSON object a line
    #[arg(long)]
    json: bool,
    /// No talk and no progress: only results, warnings and errors
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
    #[command(flatten)]
    method: MethodArgs,
    #[command(flatten)]
    schedule: ScheduleArgs,
    #[command(flatten)]
    stop: StopArgs,
    #[command(flatten)]
    live: LiveArgs,
}

impl Train {
    pub async fn run(self) -> Result<ExitCode> {
        let interrupt = Interrupt::install()?;
        if self.quiet {
            output::be_quiet();
        }
        match &self.resume {
            Some(folder) => self.resume(folder, &interrupt).await,
            None => self.start(&interrupt).await,
        }
    }

    fn options(&self) -> Result<Options> {
        let optimizer = self.method.optimizer()?;
        Ok(Options {
            batch: self.batch,
            epochs: self.epochs.unwrap_or(5),
            seed: self.seed,
            schedule: self.schedule.schedule(&optimizer, &self.stop),
            callbacks: self.stop.callbacks(),
            optimizer,
            shuffle: !self.no_shuffle,
            variants: Choices::parse(&self.variants)?,
            budget: self.budget(),
            ..Options::default()
        })
    }

    fn budget(&self) -> usize {
        self.chunk.max(1) << 20
    }

    async fn start(&self, interrupt: &Interrupt) -> Result<ExitCode> {
        let mut options = self.options()?;
        options.validate()?;
        let reading = self.data.reading.reading_for(self.objective.loss);
        let dataset = self.data.load_as(&reading, self.seed)?;
        options.objective = self.objective.objective(&dataset)?;
        let model = model_for(&self.model, &dataset, self.objective.loss)?;
        options.objective.validate(dataset.classes.len(), model.loss()?)?;
        let mut context = self.adapter.open().await?;
        if !self.no_tuned {
            let seconds = self.tune.then_some(self.tune_seconds);
            context = tune::for_training(context, &self.adapter, &model, &mut options, seconds).await?;
        }
        if interrupt.requested() {
            return Ok(ExitCode::from(end::INTERRUPTED));
        }
        announce(&options)?;
        let begun = clock::seconds();
        let mut trainer = Trainer::new(&context, &model, &dataset, options.clone()).await?;
        let compiled = clock::seconds() - begun;
        if let Some(path) = &self.init {
            let mut checkpoint = read_weights(path, trainer.parameters())?;
            checkpoint.position = Default::default();
            checkpoint.slots.clear();
            checkpoint.averages.clear();
            trainer.restore(&checkpoint);
        }
        let config = Config {
            version: env!("CARGO_PKG_VERSION").to_string(),
            data: DataRecord::of(
                &dataset,
                absolute(&self.data.data)?,
                self.data.limit,
                self.data.validation,
                reading,
            ),
            options,
            recipe: self.recipe.clone(),
            init: self.init.clone(),
            adapter: AdapterRecord::of(&context),
            kernels: trainer.train_plan.variants(),
            files: Default::default(),
            pauses: Vec::new(),
            model,
        };
        let run = Run::create(self.out.as_deref(), config)?;
        self.train(&context, run, &mut trainer, (&dataset, compiled), interrupt).await
    }

    async fn resume(&self, folder: &Path, interrupt: &Interrupt) -> Result<ExitCode> {
        self.objective.refuse()?;
        let mut run = Run::open(folder)?;
        if let Some(epochs) = self.epochs {
            run.config.options.epochs = epochs;
        }
        let dataset = load_recorded(&run.config.data, run.config.options.seed)?;
        if dataset.digest != run.config.data.digest {
            bail!(
                "{} was trained on {} with the digest {}, here it has {}; put the same data there, or start a new run",
                folder.display(),
                run.config.data.name,
                run.config.data.digest,
                dataset.digest
            );
        }
        let context = self.adapter.open().await?;
        let record = AdapterRecord::of(&context);
        if record != run.config.adapter {
            eprintln!(
                "warning: this run began on {} ({}, {}); on another adapter it goes on, but to other bits",
                run.config.adapter.name, run.config.adapter.backend, run.config.adapter.driver
            );
        }
        let variants = run.variants()?;
        if !variants.tuned.is_empty() {
            output::say(format!("tuned: {} operations, as the run recorded", variants.tuned.len()));
        }
        let options = Options { budget: self.budget(), variants, ..run.config.options.clone() };
        announce(&options)?;
        let model: &Model = &run.config.model;
        let begun = clock::seconds();
        let mut trainer = Trainer::new(&context, model, &dataset, options).await?;
        let compiled = clock::seconds() - begun;
        let mut checkpoint = run.last()?;
        // Who asks for more epochs of a run that stopped by itself gets them: it waits anew.
        let watch = &mut checkpoint.position.watch;
        if self.epochs.is_some() && watch.verdict(&run.config.options.callbacks) != Verdict::GoOn {
            (watch.stopping.wait, watch.reached) = (0, false);
        }
        trainer.restore(&checkpoint);
        run.rewind(&checkpoint.position)?;
        run.save_config()?;
        let (epoch, step) = (checkpoint.position.epoch, checkpoint.position.step);
        output::say(format!("resuming {} after {epoch} epochs and {step} steps", folder.display()));
        self.train(&context, run, &mut trainer, (&dataset, compiled), interrupt).await
    }

    /// The training, from wherever the trainer stands, with a page if one was asked for; `compiled` is how many seconds
    /// that took to come about.
    async fn train<'a>(
        &self,
        context: &'a Context,
        run: Run,
        trainer: &mut Trainer<'a>,
        (dataset, compiled): (&'a Dataset, f64),
        interrupt: &Interrupt,
    ) -> Result<ExitCode> {
        let live = Live::start(&self.live, context, &run, dataset, trainer).await?;
        let epochs = run.config.options.epochs;
        let ended = self.epochs(context, run, trainer, (dataset, compiled), interrupt, &live).await;
        let whole = trainer.position().epoch >= epochs || trainer.verdict() != Verdict::GoOn;
        live.end(&ended, whole);
        ended
    }

    /// The epochs.
    async fn epochs(
        &self,
        context: &Context,
        mut run: Run,
        trainer: &mut Trainer<'_>,
        (dataset, compiled): (&Dataset, f64),
        interrupt: &Interrupt,
        live: &Live,
    ) -> Result<ExitCode> {
        let epochs = run.config.options.epochs;
        let limit = Limit::new(self.max_time);
        let (summary, loss) = (run.config.model.summary()?, run.config.model.loss()?);
        let parameters: usize = summary.iter().map(|layer| layer.parameters).sum();
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
        let start = trainer.checkpoint().await?;
        // From here on there is always something to go on from.
        if trainer.position().epoch == 0 && trainer.position().step == 0 {
            run.save(&start, false)?;
        }
        // The weights with which the epoch begins; of one that was interrupted they are not known.
        let mut before = (start.position.step == 0).then_some(start.weights);
        if trainer.position().epoch >= epochs {
            output::say(format!("nothing to do: {epochs} epochs are done; ask for more with `--epochs`"));
        } else if trainer.verdict() != Verdict::GoOn {
            output::say(format!(
                "nothing to do: {}; go on all the same with `--epochs`",
                over(trainer, &run)
            ));
        }
        let position = trainer.position();
        let mut board = match &self.tensorboard {
            Some(folder) => Some(Board::new(&run, folder.as_deref(), &position, trainer.steps_per_epoch())?),
            None => None,
        };
        if let Some(board) = &board {
            output::say(format!("tensorboard --logdir {}", quoted(&board.folder().display().to_string())));
        }
        let mut progress = Progress::new(epochs, trainer.steps_per_epoch(), loss);
        while trainer.position().epoch < epochs && trainer.verdict() == Verdict::GoOn {
            if interrupt.requested() {
                return Ok(interrupted(&run));
            }
            if limit.is_over() {
                return limit.end(&run, trainer);
            }
            // What was asked for while the last steps of an epoch ran; its state has been saved.
            live.settle(&mut run, trainer, || interrupt.requested() || limit.is_over())?;
            if live.stops() {
                return stopped(&run, trainer);
            }
            let ended = self
                .epoch(&mut run, trainer, interrupt, &limit, (&mut progress, board.as_mut(), live))
                .await
                .with_context(|| format!("the last good state is in {}", run.folder.display()))?;
            let (train, speed) = match ended {
                Ended::Whole(train, speed) => (train, speed),
                early => {
                    if let Some(board) = &mut board {
                        board.interrupted()?;
                    }
                    return match early {
                        Ended::OutOfTime => limit.end(&run, trainer),
                        Ended::Stopped => stopped(&run, trainer),
                        _ => Ok(interrupted(&run)),
                    };
                }
            };
            live.evaluates(true);
            let trained = clock::seconds();
            let test = trainer.evaluate(&dataset.test).await?;
            let validation = match &dataset.validation {
                Some(split) => Some(trainer.evaluate(split).await?),
                None => None,
            };
            let evaluated = clock::seconds() - trained;
            let epoch = trainer.position().epoch;
            let line_step = epoch * trainer.steps_per_epoch();
            if !test.loss.is_finite() {
                let diverged = Error::Diverged { epoch, step: trainer.steps_per_epoch(), loss: test.loss };
                return Err(diverged)
                    .with_context(|| format!("the last good state is in {}", run.folder.display()));
            }
            let metrics = validation.unwrap_or(test);
            let judged = metrics.judged(loss);
            let best = judged > trainer.position().best;
            if best {
                trainer.set_best(judged);
            }
            let drops = trainer.position().watch.drops;
            let rate = trainer.learning_rate_at(line_step.saturating_sub(1));
            trainer.observe(&metrics);
            let line = EpochLine {
                evaluation_seconds: Some(evaluated),
                ..EpochLine::new(epoch, line_step, [train, test], validation, speed)
            };
            let (state, gradients) = (trainer.checkpoint().await?, trainer.gradients().await?);
            let tensors = norms(trainer.parameters(), &state.weights, before.as_deref(), &gradients);
            run.log(&line)
                .and(run.log_layers(LayersLine { epoch, tensors }))
                .and(run.save(&state, best))
                .with_context(|| format!("the last good state is in {}", run.folder.display()))?;
            if let Some(board) = &mut board {
                board.epoch(&run, &line, rate, &state)?;
            }
            before = Some(state.weights);
            live.evaluates(false);
            live.epoch(&line);
            super::progress::epoch_line(&line, epochs, loss);
            if self.json {
                output::json(&line)?;
            }
            if trainer.position().watch.drops > drops {
                output::say(format!(
                    "nothing improved: the learning rate is now {:e}",
                    trainer.learning_rate() as f32
                ));
            }
            if trainer.verdict() != Verdict::GoOn {
                output::say(over(trainer, &run));
            }
        }
        context.check()?;
        told_at_the_end(&run, dataset)?;
        if let Some(board) = board {
            board
                .finish(context, &run, dataset, trainer.position().epoch * trainer.steps_per_epoch())
                .await?;
        }
        finish(&run, self.json)?;
        if trainer.verdict() == Verdict::Reached && !self.json {
            end::time_to_target(&run, compiled)?.map_or(Ok(()), output::line)?;
        }
        Ok(verdict(trainer, &run))
    }

    /// Trains to the end of the epoch, saving now and then.
    #[allow(clippy::too_many_arguments)]
    async fn epoch(
        &self,
        run: &mut Run,
        trainer: &mut Trainer<'_>,
        interrupt: &Interrupt,
        limit: &Limit,
        (progress, mut board, live): (&mut Progress, Option<&mut Board>, &Live),
    ) -> Result<Ended> {
        progress.begin(&trainer.position());
        let mut failed = Ok(());
        let (begun, seen) = (clock::seconds(), trainer.position().seen);
        let mut saving = 0.0;
        loop {
            let saved = clock::seconds();
            let flow = trainer
                .epoch(|position, result| {
                    progress.update(position, result);
                    live.step(position, result);
                    if let Some(board) = &mut board {
                        failed = std::mem::replace(&mut failed, Ok(()))
                            .and_then(|()| board.step(position, result));
                    }
                    let due = clock::seconds() - saved > SAVE_EVERY || failed.is_err();
                    if interrupt.requested() || due || limit.is_over() || live.wants() {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })
                .await?;
            std::mem::replace(&mut failed, Ok(()))?;
            if let ControlFlow::Continue(metrics) = flow {
                let seconds = clock::seconds() - begun - saving;
                progress.finish();
                return Ok(Ended::Whole(metrics, (metrics.images - seen) as f64 / seconds.max(1e-9)));
            }
            let before = clock::seconds();
            run.save(&trainer.checkpoint().await?, false)?;
            live.settle(run, trainer, || interrupt.requested() || limit.is_over())?;
            saving += clock::seconds() - before;
            if live.stops() {
                progress.finish();
                return Ok(Ended::Stopped);
            }
            if interrupt.requested() || limit.is_over() {
                progress.finish();
                return Ok(if interrupt.requested() { Ended::Interrupted } else { Ended::OutOfTime });
            }
        }
    }
}

/// Says which shaders of the user's own, and which settings, are proven before the training.
fn announce(options: &Options) -> Result<()> {
    for (op, variant) in user_file::unproven(&options.variants)? {
        output::say(format!(
            "{}: proving {} at the sizes of this network, beside the twin",
            op.name, variant.name
        ));
    }
    Ok(())
}
