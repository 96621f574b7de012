//! `--tensorboard`: the event files of a training. Loss and accuracy are in the folders `train`, `test` and
//! `validation`, so that TensorBoard draws them into one chart; everything else is in the folder above these.

use anyhow::{Context as _, Result};
use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};
use wgrad::{
    checkpoint::{Checkpoint, Position},
    data::Dataset,
    evaluate::evaluate,
    gpu::Context,
    metrics::{Metrics, RunningMetrics, StepResult},
};
use wgrad_files::calendar;
use wgrad_report::{
    runs::{galleries, kernels},
    tensorboard::{End, Writer},
};
use wgrad_run::{EpochLine, Run};

/// Points per epoch of the curves of steps.
const POINTS: u64 = 50;

/// Event files of a training.
pub struct Board {
    folder: PathBuf,
    main: Writer<File>,
    train: Writer<File>,
    test: Writer<File>,
    validation: Option<Writer<File>>,
    per_epoch: u64,
    /// True for a classifier: a regression has no accuracy.
    classes: bool,
    /// Steps since the last point, and their metrics.
    steps: u64,
    since: RunningMetrics,
}

impl Board {
    /// Begins the files in `folder`, or else in the run's own; those of a resumed run come after the existing ones.
    pub fn new(run: &Run, folder: Option<&Path>, position: &Position, per_epoch: u64) -> Result<Self> {
        let folder = folder.map_or_else(|| run.folder.join("tensorboard"), Path::to_path_buf);
        let first = position.epoch * per_epoch + position.step;
        let open = |name: &str| begin(&folder.join(name), first);
        let mut main = open("")?;
        let settings = serde_json::json!({
            "model": run.config.model.name,
            "data": run.config.data.name,
            "options": run.config.options,
        });
        main.hparams(&run.folder.display().to_string(), &settings)?;
        let validation = run.config.data.validation.map(|_| open("validation")).transpose()?;
        let (train, test) = (open("train")?, open("test")?);
        let classes = !run.config.model.loss()?.is_regression();
        Ok(Self {
            folder,
            main,
            train,
            test,
            validation,
            per_epoch,
            classes,
            steps: 0,
            since: RunningMetrics::default(),
        })
    }

    /// Folder of the files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Records a step.
    pub fn step(&mut self, position: &Position, result: &StepResult) -> Result<()> {
        self.steps += 1;
        self.since.count(result);
        if self.steps < self.per_epoch.div_ceil(POINTS) {
            return Ok(());
        }
        let step = position.epoch * self.per_epoch + position.step;
        self.steps = 0;
        let Metrics { loss, accuracy, .. } = std::mem::take(&mut self.since).metrics();
        self.train.scalar("step loss", step, loss)?;
        if self.classes {
            self.train.scalar("step accuracy", step, accuracy)?;
        }
        Ok(())
    }

    /// Records an epoch; `rate` is the learning rate of its last step.
    pub fn epoch(&mut self, run: &Run, line: &EpochLine, rate: f64, state: &Checkpoint) -> Result<()> {
        let errors = line.errors;
        let classes = self.classes;
        let rest = |accuracy: f64, rmse: Option<f64>, mae: Option<f64>, r2: Option<f64>| {
            let accuracy = Some(accuracy).filter(|accuracy| classes && !accuracy.is_nan());
            [("accuracy", accuracy), ("RMSE", rmse), ("MAE", mae), ("R2", r2)]
        };
        let test = rest(line.test_accuracy, errors.test_rmse, errors.test_mae, errors.test_r2);
        let train = rest(line.train_accuracy, None, None, None);
        let mut reported =
            vec![(&mut self.train, line.train_loss, train), (&mut self.test, line.test_loss, test)];
        if let (Some(file), Some(loss)) = (&mut self.validation, line.validation_loss) {
            let accuracy = line.validation_accuracy.unwrap_or(f64::NAN);
            let found = (errors.validation_rmse, errors.validation_mae, errors.validation_r2);
            reported.push((file, loss, rest(accuracy, found.0, found.1, found.2)));
        }
        for (file, loss, rest) in reported {
            file.scalar("loss", line.step, loss)?;
            for (name, number) in rest.into_iter().filter_map(|(name, number)| Some((name, number?))) {
                file.scalar(name, line.step, number)?;
            }
        }
        self.main.scalar("learning rate", line.step, rate)?;
        self.main.scalar("images per second", line.step, line.images_per_second)?;
        let parameters = run.config.model.parameters()?;
        for p in &parameters {
            let values = state.weights.get(p.offset..p.offset + p.len()).unwrap_or_default();
            self.main.histogram(&p.name.replace('.', "/"), line.step, values)?;
        }
        if let Some(item) = kernels(run.config.model.input_shape, &parameters, &state.weights) {
            self.main.image("kernels of the first layer", line.step, &item.image)?;
        }
        Ok(())
    }

    /// Ends the files, with pictures of the most confident mistakes of the best weights.
    pub async fn finish(mut self, context: &Context, run: &Run, data: &Dataset, step: u64) -> Result<()> {
        let (config, best) = (&run.config, run.best()?);
        let found = evaluate(
            context,
            &config.model,
            &best,
            data,
            &data.test,
            config.options.images_at_once(),
            &run.variants()?,
            |_| (),
        )
        .await?;
        for gallery in galleries(data, &found).into_iter().filter(|gallery| !gallery.items.is_empty()) {
            self.main.image(&gallery.title.clone(), step, &gallery.svg().bitmap()?)?;
        }
        Ok(self.main.end(End::Success)?)
    }

    /// Ends the files of an interrupted training.
    pub fn interrupted(&mut self) -> Result<()> {
        Ok(self.main.end(End::Failure)?)
    }
}

/// Creates an event file in `folder`, after the existing ones.
fn begin(folder: &Path, step: u64) -> Result<Writer<File>> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let cannot = || format!("cannot write an event file into {}", folder.display());
    // TensorBoard reads event files in the order of their names.
    let mut seconds = calendar::now() as u64;
    let file = loop {
        let path = folder.join(format!("events.out.tfevents.{seconds:010}.wgrad"));
        match OpenOptions::new().append(true).create_new(true).open(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => seconds += 1,
            file => break file.with_context(cannot)?,
        }
    };
    let mut writer = Writer::new(file, calendar::now).with_context(cannot)?;
    if step > 0 {
        // The next step is the first that is recorded again.
        writer.resume(step + 1).with_context(cannot)?;
    }
    Ok(writer)
}
