//! `wgrad train`: trains a network into a run folder. `epochs` handles the events of the epochs; `wgrad::train` has the
//! loops over epochs and steps.

mod board;
mod end;
mod epochs;
mod hints;
mod init;
mod judged;
pub mod method;
pub mod ranks;
pub mod recipe;
pub mod recorded;
mod session;
pub mod settings;

use super::{
    AdapterArgs, DataArgs, fit,
    interrupt::Interrupt,
    live::LiveArgs,
    network::NetworkArg,
    objective::ObjectiveArgs,
    output,
    page::quoted_path,
    reading::{Initial, model_for, refuse_classes_as_numbers},
    recover::persist,
    runs::run_name,
    tune::{self, Before},
};
use anyhow::{Result, bail};
use clap::Args;
use method::{MethodArgs, ScheduleArgs, StopArgs};
use ranks::{Ranks, RanksArgs};
use recorded::{MODEL, absolute, load_recorded};
use session::{Kept, Session};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use wgrad::{
    callbacks::Verdict,
    checkpoint::{Checkpoint, Position},
    data::Dataset,
    gpu::{AdapterRecord, Context},
    model::Model,
    op::AdapterClass,
    optim::{Adam, Method, Optimizer},
    selection::{self, Choices},
    train::{Options, Trainer},
    words::counted,
};
use wgrad_data::pictures::pictures_of;
use wgrad_lab::tune::{FIRST_SECONDS, SECONDS};
use wgrad_run::{BEST, Config, DataRecord, RanksRecord, Run};

/// Default images per step, and default epochs.
const BATCH: usize = 128;
const EPOCHS: u64 = 5;
/// Defaults for a small table or folder of pictures: about this many steps in an epoch, this many in the training, and
/// at most this many epochs.
const STEPS_PER_EPOCH: usize = 20;
const STEPS: u64 = 1000;
const MOST_EPOCHS: u64 = 100;
/// Smallest default batch: with fewer rows, or fewer than twice the columns, the default optimizer's steps go astray.
const SMALLEST: usize = 8;

#[derive(Args)]
#[command(after_help = "Examples:
  wgrad train                                       the network `mlp` on Fashion-MNIST
  wgrad train --model cnn --epochs 3 --seed 1       Keras's simple convnet
  wgrad train --recipe cnn                          tuned settings: see `wgrad models`
  wgrad train --recipe speedrun-90 --seed 1         the least time to a test accuracy of 0.90
  wgrad train --config run.toml --lr 0.01           settings of a file: see `wgrad config`
  wgrad train --model my-network.toml --data DIR    your own network, your own data (docs/data.md)
  wgrad train --model my.keras --init my.keras      a Keras network, from its weights
  wgrad train --model cnn --data pictures/ --size 96 --normalize --augment flip
  wgrad train --model mlp --data houses.csv --label price
  wgrad train --model cnn --augment flip,shift=2,erase=0.25 --label-smoothing 0.1
  wgrad train --lr 0.1 --schedule cosine --warmup-steps 200
  wgrad train --optimizer adamw --ema 0.99 --global-clipnorm 1 --schedule one-cycle
  wgrad train --epochs 50 --validation 0.1 --patience 5 --target-accuracy 0.92 --max-time 10m
  wgrad train --resume runs/mlp-1 --epochs 10       continue that run, to the same bits
  wgrad train --live                                with a page in the browser to watch and steer it
  wgrad train --variant conv2d_forward=naive        with another kernel
  wgrad train --model cnn --tune                    first find the fastest kernels here, in at most 10 s
  wgrad train --model cnn --no-tune                 without the 2 s in which a GPU chooses among its kernels

Ctrl-C finishes the step, saves, and prints how to continue; a second Ctrl-C, or one before the first step, stops at once \
(exit code 130).")]
pub struct Train {
    #[command(flatten)]
    network: NetworkArg,
    /// Settings by name: network, epochs, optimizer, schedule, augmentation; options given explicitly override them
    #[arg(long, value_name = "NAME", value_parser = recipe::names(), hide_possible_values = true, conflicts_with = "resume")]
    recipe: Option<String>,
    /// Settings from a TOML file (see `wgrad config`); options override them
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Epochs of the whole training [default: 5; more for few rows or pictures]
    #[arg(long, value_name = "N")]
    epochs: Option<u64>,
    /// Images per step; more than the adapter takes at once are computed in parts, whose gradients add up
    /// [default: 128, or what the adapter takes at once; fewer for few rows or pictures]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    batch: Option<usize>,
    /// Seed of the initial weights, the order of images and dropout
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
    /// Take from --init the layers that fit, by name and shapes, and leave the others as they are initialised: for
    /// transfer learning
    #[arg(long, requires = "init", conflicts_with = "resume")]
    skip_mismatch: bool,
    /// Use this variant of an operation, or the one in your own file: `matmul=my.wgsl` (repeatable)
    #[arg(long = "variant", value_name = "OP=VARIANT|FILE", conflicts_with = "resume")]
    variants: Vec<String>,
    /// First choose the fastest correct variant of each operation, as `wgrad tune` does, and keep the choice
    #[arg(long, conflicts_with = "resume", group = "tunes")]
    tune: bool,
    /// Before the first step, choose among the variants of the most expensive operations without a choice, in at most 2 s,
    /// and keep the choice [default on a GPU]
    #[arg(long, conflicts_with = "resume", group = "tunes")]
    tune_first: bool,
    /// Do not tune before the first step; choices that were kept are used
    #[arg(long, conflicts_with_all = ["resume", "tunes"])]
    no_tune: bool,
    /// Seconds for `--tune` [default: 10] or `--tune-first` [default: 2]
    #[arg(long, value_name = "S", value_parser = tune::seconds, requires = "tunes")]
    tune_seconds: Option<f64>,
    /// Ignore the variants that tuning chose, and do not tune
    #[arg(long, conflicts_with_all = ["resume", "tunes"])]
    no_tuned: bool,
    /// Use the kernels that this run recorded, and do not tune; `--variant` overrides them
    #[arg(long, value_name = "RUN", value_parser = run_name(), conflicts_with_all = ["resume", "tunes", "no_tune", "no_tuned"])]
    kernels: Option<PathBuf>,
    /// MiB of images to send to the device at once
    #[arg(long, value_name = "MIB", default_value_t = 16)]
    chunk: usize,
    /// Folder of the run [default: runs/MODEL-N]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Continue a run
    #[arg(long, value_name = "RUN", value_parser = run_name(), conflicts_with_all = ["data", "limit", "validation", "normalize", "NetworkArg", "ReadingArgs", "MethodArgs", "ScheduleArgs", "StopArgs", "sync_batch_norm", "wire"])]
    resume: Option<PathBuf>,
    /// End after this time (60s, 10m, 2h): finishes the step and saves, so that the run can be continued
    #[arg(long, value_name = "TIME", value_parser = method::time)]
    max_time: Option<Duration>,
    /// End after epoch N: saves, so that the run can be continued; the schedule extends over all epochs
    #[arg(long, value_name = "N")]
    stop_after: Option<u64>,
    /// Write event files for TensorBoard [default folder: tensorboard in the run folder]
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    tensorboard: Option<Option<PathBuf>>,
    /// Print JSON lines, one object per epoch with its metrics
    #[arg(long)]
    json: bool,
    /// Print no messages and no progress, only results, warnings and errors
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
    #[command(flatten)]
    ranks: RanksArgs,
}

impl Train {
    pub async fn run(mut self) -> Result<ExitCode> {
        if self.quiet {
            output::be_quiet();
        }
        let ranks = self.ranks.joined(&mut self.adapter).await?;
        let ended = match (ranks.rank(), &self.resume) {
            (1.., _) => ranks.follow(&self.adapter).await,
            (0, Some(folder)) => self.resume(folder, &ranks).await,
            (0, None) => self.start(&ranks).await,
        };
        ranks.end(ended)
    }

    /// Refuses what can be refused without data and without an adapter.
    pub fn check(&self) -> Result<()> {
        Ok(self.options()?.validate()?)
    }

    /// The value of `--resume`.
    pub fn resumed(&self) -> Option<&Path> {
        self.resume.as_deref()
    }

    /// The value of `--out`.
    pub fn folder(&self) -> Option<&Path> {
        self.out.as_deref()
    }

    /// True for `--quiet`.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// True for `--json`.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Epochs of the whole training, unless the data decide.
    pub fn epochs_asked(&self) -> u64 {
        self.epochs.unwrap_or(EPOCHS)
    }

    /// The tuning before the training. By default a GPU gets a short one; on a software adapter it takes longer than it
    /// saves.
    fn before(&self, context: &Context) -> Before {
        let first = !self.no_tune && (self.tune_first || context.class == AdapterClass::Gpu);
        match (self.tune, first) {
            (true, _) => Before::Whole(self.tune_seconds.unwrap_or(SECONDS)),
            (false, true) => Before::First(self.tune_seconds.unwrap_or(FIRST_SECONDS)),
            (false, false) => Before::Nothing,
        }
    }

    fn options(&self) -> Result<Options> {
        let optimizer = self.method.optimizer()?;
        Ok(Options {
            batch: self.batch.unwrap_or(BATCH),
            epochs: self.epochs.unwrap_or(EPOCHS),
            seed: self.seed,
            schedule: self.schedule.schedule(&optimizer, &self.stop),
            callbacks: self.stop.callbacks(),
            optimizer,
            shuffle: !self.no_shuffle,
            variants: self.choices()?,
            budget: self.budget(),
            ..Options::default()
        })
    }

    /// The kernels of the run that `--kernels` names, if any, with those that `--variant` names in their place.
    fn choices(&self) -> Result<Choices> {
        let by_hand = Choices::parse(&self.variants)?;
        let Some(folder) = &self.kernels else { return Ok(by_hand) };
        let mut choices = Run::open(folder)?.variants()?;
        choices.by_hand.extend(by_hand.by_hand);
        Ok(choices)
    }

    /// Sets batch and epochs for a table with few rows, or few pictures of your own, of which the defaults would make
    /// only a handful of steps. Few pictures are learned with Adam, whose steps need no tuning of the learning rate.
    fn suit(&self, data: &Dataset, options: &mut Options) {
        let rows = data.train.len();
        let own =
            data.table.is_some() || pictures_of(&data.train.images).is_some() && self.data.limit.is_none();
        let small = own && rows < BATCH * STEPS_PER_EPOCH;
        if !small || self.batch.is_some() || self.epochs.is_some() || self.recipe.is_some() {
            return;
        }
        // A row of a table has a column in each channel.
        let smallest = if data.table.is_some() { SMALLEST.max(2 * (data.channels + 1)) } else { SMALLEST };
        options.batch = (rows / STEPS_PER_EPOCH).max(smallest).min(BATCH).min(rows.max(1));
        let steps = rows.div_ceil(options.batch).max(1) as u64;
        options.epochs = STEPS.div_ceil(steps).clamp(EPOCHS, MOST_EPOCHS);
        let adam = data.table.is_none() && self.method.is_open();
        if adam {
            options.optimizer = Optimizer::new(Method::Adam(Adam::default()));
            options.schedule = self.schedule.schedule(&options.optimizer, &self.stop);
        }
        output::say(format!(
            "note: {} are few: training {}in batches of {} for {} epochs, which are {} steps; set others with {}`--batch` \
             and `--epochs`",
            match data.table {
                Some(_) => counted(rows, "row"),
                None => counted(rows, "image"),
            },
            if adam { "with adam " } else { "" },
            options.batch,
            options.epochs,
            options.epochs * steps,
            if adam { "`--optimizer`, " } else { "" }
        ));
    }

    /// The network of a run as `--model` takes it, unless the run is resumed.
    fn named<'a>(&'a self, run: &'a Run) -> Option<&'a str> {
        self.resume.is_none().then(|| self.network.given().unwrap_or(&run.config.model.name))
    }

    fn budget(&self) -> usize {
        self.chunk.max(1) << 20
    }

    async fn start(&self, ranks: &Ranks) -> Result<ExitCode> {
        let interrupt = &Interrupt::install()?;
        let mut options = self.options()?;
        options.validate()?;
        if let Some(folder) = &self.out {
            // Refuses before the data are loaded and the network is compiled.
            Run::vacant(folder)?;
        }
        let reading = self.data.reading.reading_for(self.objective.loss);
        let dataset = init::load(&self.data, self.init.as_deref(), &reading, self.seed)?;
        options.objective = self.objective.objective(&dataset)?;
        self.suit(&dataset, &mut options);
        let initial = if self.init.is_some() { Initial::Unused } else { Initial::Trained };
        let model = model_for(self.network.name_for(&dataset), &dataset, self.objective.loss, initial)?;
        refuse_classes_as_numbers(&model, &dataset)?;
        self.stop.refuse(&dataset, model.loss()?)?;
        options.objective.validate(dataset.classes.len(), model.loss()?)?;
        let (context, options) = persist(async || {
            let mut options = options.clone();
            let mut context = self.adapter.open().await?;
            ranks.each(&mut options, |options| {
                fit::training(&context, &model, &dataset, options, self.batch.is_some())
            })?;
            if !self.no_tuned && self.kernels.is_none() {
                let (before, input) = (self.before(&context), &dataset.input);
                context =
                    tune::for_training(context, &self.adapter, &model, input, &mut options, before).await?;
            }
            Ok((context, options))
        })
        .await?;
        announce(&options)?;
        warn_of_warmup(&options, dataset.train.len());
        let record = ranks.record(self.ranks.team());
        self.session(context, Session::new(dataset.into(), &model, options, interrupt, (ranks, record))).await
    }

    /// The record of the data of a new run.
    fn data_record(&self, dataset: &Dataset) -> Result<DataRecord> {
        let reading = self.data.reading.reading_for(self.objective.loss);
        let spec = absolute(&self.data.data)?;
        Ok(DataRecord::of(dataset, spec, self.data.limit, self.data.validation, reading))
    }

    /// Creates the folder of a new run, which `trainer` is about to begin.
    fn create(
        &self,
        context: &Context,
        trainer: &Trainer,
        (dataset, model): (&Dataset, &Model),
        ranks: Option<RanksRecord>,
    ) -> Result<Run> {
        let config = Config {
            recipe: self.recipe.clone(),
            // Absolute, so that the run can start again from anywhere.
            init: self.init.as_deref().map(std::path::absolute).transpose()?,
            skip_mismatch: self.skip_mismatch,
            kernels: trainer.train_plan().variants(),
            calls: trainer.variants_by_call(),
            ranks,
            ..Config::new(
                model.clone(),
                self.data_record(dataset)?,
                trainer.options().clone(),
                AdapterRecord::of(context),
            )
        };
        Ok(Run::create(self.out.as_deref(), config)?)
    }

    async fn resume(&self, folder: &Path, ranks: &Ranks) -> Result<ExitCode> {
        let interrupt = &Interrupt::install()?;
        self.objective.refuse()?;
        let mut run = Run::take(folder)?;
        if run.config.data.spec == DataRecord::UNKNOWN {
            let file = |name| quoted_path(&folder.join(name));
            bail!(
                "{} was imported, and its data set is not known; to train its weights further, use \
                 `wgrad train --model {} --init {} --data NAME|PATH`",
                folder.display(),
                file(MODEL),
                file(BEST)
            );
        }
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
        let context = persist(async || self.adapter.open().await).await?;
        let record = AdapterRecord::of(&context);
        if record != run.config.adapter {
            tell!(
                "warning: this run began on {} ({}, {}); on another adapter it continues, but not to the same bits",
                run.config.adapter.name,
                run.config.adapter.backend,
                run.config.adapter.driver
            );
        }
        let variants = run.variants()?;
        if !variants.tuned.is_empty() {
            output::say(format!("tuned: {} operations, as the run recorded", variants.tuned.len()));
        }
        let mut options = Options { budget: self.budget(), variants, ..run.config.options.clone() };
        announce(&options)?;
        let (before, settings) =
            (run.config.ranks, run.config.ranks.map(|ranks| ranks.team).unwrap_or_default());
        let size = before.map_or(1, |ranks| ranks.size);
        if size != ranks.size() {
            tell!(
                "warning: this run was trained by {}, now by {}: it continues, but not to the same bits",
                counted(size, "rank"),
                counted(ranks.size(), "rank")
            );
        }
        run.config.ranks = ranks.record(settings);
        ranks.each(&mut options, |options| fit::resumed(&context, &run.config.model, &dataset, options))?;
        run.config.options.at_once = options.at_once;
        let model = run.config.model.clone();
        let steps = dataset.train.len().div_ceil(options.batch.max(1)) as u64;
        let state = run.resume(steps, dataset.train.len() as u64)?;
        if let (Some(asked), Some(state)) = (self.epochs, &state) {
            end::refuse_fewer(&run, asked, &state.position)?;
        }
        let kept = state.map(|state| self.kept(&mut run, state)).transpose()?;
        if kept.is_none() {
            for dropped in run.rewind(&Position::default())? {
                tell!("warning: {dropped}");
            }
            run.save_config()?;
            output::say(format!(
                "{} ended before anything was saved: it starts from the beginning",
                folder.display()
            ));
        }
        let together = (ranks, run.config.ranks);
        let mut session = Session::new(dataset.into(), &model, options, interrupt, together);
        (session.run, session.kept, session.resumed) = (Some(run), kept, true);
        self.session(context, session).await
    }

    /// State from which a run continues.
    fn kept(&self, run: &mut Run, mut checkpoint: Checkpoint) -> Result<Kept> {
        if let Some(mended) = run.mend_best(&mut checkpoint)? {
            tell!("warning: {mended}");
        }
        // A run that stopped by itself continues if more epochs are asked for: its patience starts again.
        let watch = &mut checkpoint.position.watch;
        if self.epochs.is_some() && watch.verdict(&run.config.options.callbacks) != Verdict::GoOn {
            (watch.stopping.wait, watch.reached) = (0, false);
        }
        Ok(Kept::read(checkpoint.into()))
    }
}

/// Warns if the warm-up does not end within the training on this many images.
fn warn_of_warmup(options: &Options, images: usize) {
    let steps = (images.div_ceil(options.batch.max(1)) as u64).saturating_mul(options.epochs);
    let warmup = options.schedule.warmup_steps;
    if warmup > steps {
        tell!(
            "warning: --warmup-steps is {warmup}, and the whole training has {}: the learning rate never reaches {}; \
             try `--warmup-steps {}`, or more `--epochs`",
            counted(usize::try_from(steps).unwrap_or(usize::MAX), "step"),
            options.optimizer.learning_rate,
            steps / 10
        );
    }
}

/// Prints which of the user's shaders and which settings are proven before the training.
fn announce(options: &Options) -> Result<()> {
    for (op, variant) in selection::unproven(&options.variants)? {
        output::say(format!(
            "{}: proving {} at the sizes of this network, against the twin",
            op.name,
            variant.name()
        ));
    }
    Ok(())
}
