//! `wgrad train`: from the command line to a run folder. The loop over epochs lives here; the loop over
//! steps is `wgrad::train`.

use super::{
    AdapterArgs, DataArgs, interrupt::Interrupt, objective::ObjectiveArgs, output, progress::EpochBar, tune,
};
use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
};
use wgrad::{
    Error, clock,
    data::{DataSpec, Dataset},
    gpu::Context,
    model::Model,
    op::Choices,
    optim::Sgd,
    run::{AdapterRecord, Config, DataRecord, EpochLine, Run, read_weights},
    schedule::{Decay, Schedule},
    train::{Metrics, Options, Trainer},
    tune::SECONDS,
    user_file,
};

/// Seconds of training after which the state is saved even within an epoch.
const SAVE_EVERY: f64 = 60.0;
/// The exit code of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

#[derive(Args)]
#[command(after_help = "Examples:
  wgrad train                                       the network `mlp` on Fashion-MNIST
  wgrad train --model cnn --epochs 3 --seed 1       Keras's simple convnet
  wgrad train --model my-network.toml --data DIR    your own network, your own four IDX files
  wgrad train --model cnn --augment flip,shift=2,erase=0.25 --label-smoothing 0.1
  wgrad train --lr 0.1 --schedule cosine --warmup-steps 200
  wgrad train --resume runs/mlp-1 --epochs 10       go on where that run stopped, to the same bits
  wgrad train --variant conv2d_forward=naive        with another kernel
  wgrad train --model cnn --tune                    measure first which kernels are fastest here, at most 10 s

Ctrl-C finishes the step, saves, and says how to go on; a second Ctrl-C stops at once (exit code 130).")]
pub struct Train {
    /// Network: a name of `wgrad models`, or a TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "mlp", conflicts_with = "resume")]
    model: String,
    #[command(flatten)]
    data: DataArgs,
    /// Epochs of the whole training [default: 5]
    #[arg(long, value_name = "N")]
    epochs: Option<u64>,
    /// Images a step
    #[arg(long, value_name = "N", default_value_t = 128, conflicts_with = "resume")]
    batch: usize,
    /// Learning rate
    #[arg(long, value_name = "X", default_value_t = 0.05, conflicts_with = "resume")]
    lr: f64,
    /// Momentum of SGD
    #[arg(long, value_name = "X", default_value_t = 0.9, conflicts_with = "resume")]
    momentum: f64,
    /// Nesterov's momentum
    #[arg(long, conflicts_with = "resume")]
    nesterov: bool,
    /// Weight decay (L2), added to the gradient as in PyTorch's SGD
    #[arg(long, value_name = "X", default_value_t = 0.0, conflicts_with = "resume")]
    weight_decay: f64,
    /// How the learning rate moves after the warm-up
    #[arg(long, value_enum, default_value_t = Shape::Constant, conflicts_with = "resume")]
    schedule: Shape,
    /// Steps over which the learning rate rises to `--lr`
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "resume")]
    warmup_steps: u64,
    /// With `--schedule step`: epochs between two drops
    #[arg(long, value_name = "N", default_value_t = 2, conflicts_with = "resume")]
    step_every: u32,
    /// With `--schedule step`: what the rate is multiplied by; with `cosine`: its last share [default: 0.1, 0]
    #[arg(long, value_name = "X", conflicts_with = "resume")]
    decay: Option<f64>,
    /// Decides initial weights, order of images and dropout
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "resume")]
    seed: u64,
    /// Visit the images in the order of the file
    #[arg(long, conflicts_with = "resume")]
    no_shuffle: bool,
    #[command(flatten)]
    objective: ObjectiveArgs,
    /// Start from the weights of a safetensors file (names and shapes are checked)
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
    #[arg(long, value_name = "RUN", conflicts_with_all = ["data", "limit", "validation"])]
    resume: Option<PathBuf>,
    /// Print the metrics of each epoch as a JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shape {
    /// It stays
    Constant,
    /// It drops every few epochs
    Step,
    /// It falls along half a cosine
    Cosine,
}

impl Train {
    pub async fn run(self) -> Result<ExitCode> {
        let interrupt = Interrupt::install()?;
        match &self.resume {
            Some(folder) => self.resume(folder, &interrupt).await,
            None => self.start(&interrupt).await,
        }
    }

    fn options(&self) -> Result<Options> {
        let decay = match self.schedule {
            Shape::Constant => Decay::Constant,
            Shape::Step => Decay::Step { every: self.step_every.max(1), factor: self.decay.unwrap_or(0.1) },
            Shape::Cosine => Decay::Cosine { last: self.decay.unwrap_or(0.0) },
        };
        Ok(Options {
            batch: self.batch,
            epochs: self.epochs.unwrap_or(5),
            seed: self.seed,
            optimizer: Sgd {
                learning_rate: self.lr,
                momentum: self.momentum,
                nesterov: self.nesterov,
                weight_decay: self.weight_decay,
            },
            schedule: Schedule { decay, warmup_steps: self.warmup_steps },
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
        options.optimizer.validate()?;
        let dataset = self.data.load(self.seed)?;
        options.objective = self.objective.objective(&dataset)?;
        let shape = [dataset.height, dataset.width, dataset.channels];
        let model = self.objective.model(&self.model, shape, dataset.classes.len())?;
        let mut context = self.adapter.open().await?;
        if !self.no_tuned {
            let seconds = self.tune.then_some(self.tune_seconds);
            context = tune::for_training(context, &self.adapter, &model, &mut options, seconds).await?;
        }
        if interrupt.requested() {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        announce(&options)?;
        let mut trainer = Trainer::new(&context, &model, &dataset, options.clone()).await?;
        if let Some(path) = &self.init {
            let mut checkpoint = read_weights(path, trainer.parameters())?;
            checkpoint.position = Default::default();
            checkpoint.velocities.fill(0.0);
            trainer.restore(&checkpoint);
        }
        let config = Config {
            version: env!("CARGO_PKG_VERSION").to_string(),
            data: DataRecord {
                spec: absolute(&self.data.data)?,
                name: dataset.name.clone(),
                digest: dataset.digest.clone(),
                classes: dataset.classes.clone(),
                limit: self.data.limit,
                validation: self.data.validation,
            },
            options,
            init: self.init.clone(),
            adapter: AdapterRecord::of(&context),
            kernels: trainer.train_plan.variants(),
            files: Default::default(),
            model,
        };
        let run = Run::create(self.out.as_deref(), config)?;
        self.train(&context, run, &mut trainer, &dataset, interrupt).await
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
            eprintln!("tuned: {} operations, as the run recorded", variants.tuned.len());
        }
        let options = Options { budget: self.budget(), variants, ..run.config.options.clone() };
        announce(&options)?;
        let model: &Model = &run.config.model;
        let mut trainer = Trainer::new(&context, model, &dataset, options).await?;
        let checkpoint = run.last()?;
        trainer.restore(&checkpoint);
        run.rewind(&checkpoint.position)?;
        run.save_config()?;
        let (epoch, step) = (checkpoint.position.epoch, checkpoint.position.step);
        eprintln!("resuming {} after {epoch} epochs and {step} steps", folder.display());
        self.train(&context, run, &mut trainer, &dataset, interrupt).await
    }

    /// The epochs, from wherever the trainer stands.
    async fn train(
        &self,
        context: &Context,
        run: Run,
        trainer: &mut Trainer<'_>,
        dataset: &Dataset,
        interrupt: &Interrupt,
    ) -> Result<ExitCode> {
        let epochs = run.config.options.epochs;
        let (summary, loss) = (run.config.model.summary()?, run.config.model.loss()?);
        let parameters: usize = summary.iter().map(|layer| layer.parameters).sum();
        eprintln!(
            "model: {} ({parameters} parameters), batch {}, {} dispatches a step",
            run.config.model.name,
            run.config.options.batch,
            trainer.train_plan.steps.len()
        );
        for note in &trainer.train_plan.notes {
            eprintln!("note: {note}");
        }
        eprintln!("run: {}", run.folder.display());
        // From here on there is always something to go on from.
        if trainer.position().epoch == 0 && trainer.position().step == 0 {
            run.save(&trainer.checkpoint().await?, false)?;
        }
        if trainer.position().epoch >= epochs {
            eprintln!("nothing to do: {epochs} epochs are done; ask for more with `--epochs`");
        }
        while trainer.position().epoch < epochs {
            if interrupt.requested() {
                return Ok(interrupted(&run));
            }
            let ended = self
                .epoch(&run, trainer, interrupt)
                .await
                .with_context(|| format!("the last good state is in {}", run.folder.display()))?;
            let Some((train, speed)) = ended else { return Ok(interrupted(&run)) };
            let test = trainer.evaluate(&dataset.test).await?;
            let validation = match &dataset.validation {
                Some(split) => Some(trainer.evaluate(split).await?),
                None => None,
            };
            let epoch = trainer.position().epoch;
            if !test.loss.is_finite() {
                let diverged = Error::Diverged { epoch, step: trainer.steps_per_epoch(), loss: test.loss };
                return Err(diverged)
                    .with_context(|| format!("the last good state is in {}", run.folder.display()));
            }
            let judged = validation.unwrap_or(test).judged(loss);
            let best = judged > trainer.position().best;
            if best {
                trainer.set_best(judged);
            }
            let line =
                EpochLine::new(epoch, epoch * trainer.steps_per_epoch(), [train, test], validation, speed);
            run.log(&line)
                .and(run.save(&trainer.checkpoint().await?, best))
                .with_context(|| format!("the last good state is in {}", run.folder.display()))?;
            super::progress::epoch_line(&line, epochs);
            if self.json {
                output::json(&line)?;
            }
        }
        context.check()?;
        self.finish(&run)
    }

    /// Trains to the end of the epoch, saving now and then; `None` if Ctrl-C came.
    async fn epoch(
        &self,
        run: &Run,
        trainer: &mut Trainer<'_>,
        interrupt: &Interrupt,
    ) -> Result<Option<(Metrics, f64)>> {
        let bar =
            EpochBar::new(trainer.position().epoch + 1, run.config.options.epochs, trainer.steps_per_epoch());
        let (begun, seen) = (clock::seconds(), trainer.position().seen);
        let mut saving = 0.0;
        loop {
            let saved = clock::seconds();
            let flow = trainer
                .epoch(|position, _| {
                    bar.update(position);
                    let due = clock::seconds() - saved > SAVE_EVERY;
                    if interrupt.requested() || due {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })
                .await?;
            if let ControlFlow::Continue(metrics) = flow {
                let seconds = clock::seconds() - begun - saving;
                bar.finish();
                return Ok(Some((metrics, (metrics.images - seen) as f64 / seconds.max(1e-9))));
            }
            let before = clock::seconds();
            run.save(&trainer.checkpoint().await?, false)?;
            saving += clock::seconds() - before;
            if interrupt.requested() {
                bar.finish();
                return Ok(None);
            }
        }
    }

    fn finish(&self, run: &Run) -> Result<ExitCode> {
        let lines = run.metrics()?;
        let folder = run.folder.display().to_string();
        if let (Some(last), false) = (lines.last(), self.json) {
            let (accuracy, loss, epoch) = (last.test_accuracy, last.test_loss, last.epoch);
            output::line(match run.config.model.loss()? {
                kind if kind.is_regression() => {
                    format!("test {kind} {loss:.4} after {epoch} epochs; run: {folder}")
                }
                _ => format!(
                    "test accuracy {accuracy:.4} after {epoch} epochs (loss {loss:.4}); run: {folder}"
                ),
            })?;
        }
        let next = run.config.options.epochs * 2;
        let other = if run.config.model.name == "cnn" { "mlp" } else { "cnn" };
        let suggestions = [
            (format!("wgrad eval {folder}"), "confusion matrix"),
            (format!("wgrad train --resume {folder} --epochs {next}"), "train on"),
            (format!("wgrad train --model {other} --epochs 3"), "another network"),
        ];
        let width = suggestions.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
        eprintln!("try next:");
        for (command, what) in &suggestions {
            eprintln!("  {command:width$}  {what}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// How a run records its data: a folder by its absolute path, so that the run can be used from anywhere.
fn absolute(spec: &DataSpec) -> Result<String> {
    Ok(match spec {
        DataSpec::Folder(path) => {
            let path = std::path::absolute(path);
            path.context("the path of the data cannot be made absolute")?.display().to_string()
        }
        other => other.to_string(),
    })
}

/// Says how to go on with a run that was saved.
fn interrupted(run: &Run) -> ExitCode {
    eprintln!("interrupted; go on with: wgrad train --resume {}", run.folder.display());
    ExitCode::from(INTERRUPTED)
}

/// Says which shaders of the user's own are proven before the training.
fn announce(options: &Options) -> Result<()> {
    for (op, variant) in user_file::chosen(&options.variants)? {
        eprintln!("{}: proving {} at the sizes of this network, beside the twin", op.name, variant.name);
    }
    Ok(())
}

/// The data set of a run, as it was recorded.
pub fn load_recorded(record: &DataRecord, seed: u64) -> Result<Dataset> {
    let args = DataArgs { data: record.spec.parse()?, limit: record.limit, validation: record.validation };
    args.load(seed).with_context(|| format!("the run was trained on {}", record.name))
}
