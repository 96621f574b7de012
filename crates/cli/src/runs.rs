//! Lists the runs of a folder: results, settings that differ, and which are being trained.

use super::{in_words, output, progress::time};
use anyhow::{Result, bail};
use clap::{
    ValueEnum,
    builder::{PathBufValueParser, TypedValueParser},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::ExitCode,
    time::SystemTime,
};
use wgrad::words::{counted, measure, quoted_path};
use wgrad_files::calendar::{minute, today};
use wgrad_report::table::{
    Align::{self, Left, Right, Wrap},
    Table,
};
use wgrad_run::{
    EpochLine, Outcome, Run,
    listing::{LATEST, RUNS, all, changed, is_run, named},
    recipe::flags,
};

/// Value of an option that a run has not.
const NONE: &str = "none";

/// Parser of a run: its folder, its name in `runs/`, or `latest`.
pub fn run_name() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|name| named(&name))
}

/// Order of the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sort {
    Name,
    /// The last written first.
    Written,
    /// The highest test accuracy first.
    Accuracy,
    /// The lowest test loss first.
    Loss,
    /// The shortest training first.
    Time,
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad runs                                  the runs of runs/
  wgrad runs --sort accuracy                  the best first
  wgrad runs --filter model=cnn --filter lr=0.01
  wgrad runs others --json                    of another folder, one JSON object per line
  wgrad eval latest                           the run that was written last; `mlp-1` is runs/mlp-1

Results are those of the best epoch. `settings` are the options of `wgrad train` in which the listed runs differ. \
`--filter` takes run, model, data, state, epochs, batch, seed, optimizer, lr, and every option under `settings`.

Exit codes: 0 done, 2 the folder cannot be read, or no run has the setting of a filter.")]
pub struct Runs {
    /// Folder that holds the runs, or one run
    #[arg(value_name = "FOLDER", default_value = RUNS)]
    folder: PathBuf,
    /// Show only runs with this setting; several filters must all match
    #[arg(long, value_name = "SETTING=VALUE", value_parser = setting)]
    filter: Vec<(String, String)>,
    /// Order of the runs
    #[arg(long, value_name = "ORDER", value_enum, default_value_t = Sort::Name)]
    sort: Sort,
    /// Print JSON lines, one object per run
    #[arg(long)]
    json: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok((name.trim_start_matches('-').to_lowercase(), value.to_string()))
        }
        _ => Err("expected SETTING=VALUE, such as optimizer=adam".to_string()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Training,
    Finished,
    /// It ended before its last epoch.
    Stopped,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
        }
    }
}

/// A run of the list. Accuracies are shares in [0, 1], losses nats, times seconds.
#[derive(Serialize)]
struct Row {
    run: String,
    network: String,
    data: String,
    state: State,
    epochs: u64,
    epochs_asked: u64,
    #[serde(flatten)]
    best: Option<Best>,
    seconds: Option<f64>,
    /// When it was last written to, UTC.
    written: Option<String>,
    #[serde(skip)]
    changed: Option<SystemTime>,
    settings: BTreeMap<String, String>,
}

/// Results of an epoch on validation and test images. Accuracies are shares in [0, 1], losses nats.
#[derive(Serialize)]
pub struct Scores {
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_accuracy: Option<f64>,
    test_loss: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_rmse: Option<f64>,
}

impl From<&EpochLine> for Scores {
    fn from(line: &EpochLine) -> Self {
        Self {
            validation_accuracy: line.validation_accuracy.filter(|share| share.is_finite()),
            validation_loss: line.validation_loss,
            test_accuracy: Some(line.test_accuracy).filter(|share| share.is_finite()),
            test_loss: line.test_loss,
            test_rmse: line.errors.test_rmse,
        }
    }
}

/// Results of the best epoch.
#[derive(Serialize)]
struct Best {
    best_epoch: u64,
    #[serde(flatten)]
    scores: Scores,
}

impl Row {
    fn new(folder: &Path) -> Result<Self> {
        let run = Run::open(folder)?;
        let lines = run.metrics()?;
        let (config, asked) = (&run.config, run.config.options.epochs);
        let epochs = lines.last().map_or(0, |line| line.epoch);
        let changed = changed(folder);
        Ok(Self {
            run: folder
                .file_name()
                .map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into()),
            network: config.model.name.clone(),
            data: config.data.name.clone(),
            state: match run.is_training() {
                true => State::Training,
                false if epochs >= asked => State::Finished,
                false => State::Stopped,
            },
            epochs,
            epochs_asked: asked,
            best: Outcome::of(&lines, config, None)
                .map(|outcome| Best { best_epoch: outcome.best.epoch, scores: (&outcome.best).into() }),
            seconds: lines.iter().map(EpochLine::seconds).sum(),
            written: changed.map(minute),
            changed,
            settings: settings(&run),
        })
    }

    /// The value of a setting, as a filter names it.
    fn value(&self, name: &str) -> Option<&str> {
        match name {
            "run" => Some(&self.run),
            "state" => Some(self.state.word()),
            other => self.settings.get(other).map(String::as_str),
        }
    }

    fn has(&self, (name, wanted): &(String, String)) -> bool {
        let Some(value) = self.value(name) else { return false };
        match (value.parse::<f64>(), wanted.parse::<f64>()) {
            (Ok(value), Ok(wanted)) => value == wanted,
            _ => value.eq_ignore_ascii_case(wanted),
        }
    }

    /// What the order `sort` compares; smaller is first, and what is not known last.
    fn rank(&self, sort: Sort) -> f64 {
        let best = self.best.as_ref();
        let rank = match sort {
            Sort::Name => Some(0.0),
            Sort::Written => self.changed.map(|time| match time.elapsed() {
                Ok(age) => age.as_secs_f64(),
                Err(ahead) => -ahead.duration().as_secs_f64(),
            }),
            Sort::Accuracy => best.and_then(|best| best.scores.test_accuracy).map(|share| -share),
            Sort::Loss => best.map(|best| best.scores.test_loss).filter(|loss| loss.is_finite()),
            Sort::Time => self.seconds,
        };
        rank.unwrap_or(f64::INFINITY)
    }
}

/// Settings of a run by the names of the options of `wgrad train`.
fn settings(run: &Run) -> BTreeMap<String, String> {
    let options = &run.config.options;
    let always = [
        ("model", run.config.model.name.clone()),
        ("data", run.config.data.name.clone()),
        ("batch", options.batch.to_string()),
        ("seed", options.seed.to_string()),
        ("recipe", run.config.recipe.clone().unwrap_or_else(|| NONE.into())),
        ("limit", run.config.data.limit.map_or_else(|| NONE.into(), |limit| limit.to_string())),
        ("validation", run.config.data.validation.map_or_else(|| NONE.into(), |share| share.to_string())),
    ];
    let flags = flags(&run.config.model.name, options);
    flags
        .into_iter()
        .map(|(name, value)| {
            (name.trim_start_matches('-').to_string(), value.unwrap_or_else(|| "yes".into()))
        })
        .chain(always.map(|(name, value)| (name.to_string(), value)))
        .collect()
}

impl Runs {
    pub fn run(self) -> Result<ExitCode> {
        let folders = self.folders()?;
        if folders.is_empty() {
            tell!("no runs in {} yet; `wgrad train` makes one", quoted_path(&self.folder));
        }
        let mut rows = rows(&folders);
        for filter in &self.filter {
            if !rows.is_empty() && !rows.iter().any(|row| row.value(&filter.0).is_some()) {
                bail!(
                    "no run in {} has the setting `{}`; known are {}",
                    quoted_path(&self.folder),
                    filter.0,
                    known(&rows)
                );
            }
        }
        rows.retain(|row| self.filter.iter().all(|filter| row.has(filter)));
        rows.sort_by(|a, b| a.rank(self.sort).total_cmp(&b.rank(self.sort)));
        if self.json {
            rows.iter().try_for_each(output::json)?;
        } else if !rows.is_empty() {
            output::line(table(&rows))?;
        } else if !self.filter.is_empty() {
            tell!("no run matches; `wgrad runs` without `--filter` lists all");
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Folders of the runs, or that of the one run that is named.
    fn folders(&self) -> Result<Vec<PathBuf>> {
        let folder = &self.folder;
        if !folder.exists() && folder != Path::new(RUNS) {
            bail!("{} is not there; name a folder of runs, such as {RUNS}", quoted_path(folder));
        }
        Ok(if is_run(folder) { vec![folder.clone()] } else { all(folder)? })
    }
}

/// The runs of these folders. A damaged one is reported and left out.
fn rows(folders: &[PathBuf]) -> Vec<Row> {
    let row = |folder: &PathBuf| {
        let row = Row::new(folder);
        row.map_err(|error| tell!("warning: left out: {}", in_words(&error))).ok()
    };
    folders.iter().filter_map(row).collect()
}

/// Names of the settings that a filter may have.
fn known(rows: &[Row]) -> String {
    let fixed = ["run", "state"].map(String::from);
    let names: BTreeSet<String> =
        fixed.into_iter().chain(rows.iter().flat_map(|row| row.settings.keys().cloned())).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// The settings of `row` in which `rows` differ, as options.
fn differing(row: &Row, rows: &[Row]) -> String {
    let differs = |name: &str| rows.iter().any(|other| other.settings.get(name) != row.settings.get(name));
    // The column beside it has the epochs.
    let own =
        row.settings.iter().filter(|(name, value)| *name != "epochs" && *value != NONE && differs(name));
    own.map(|(name, value)| format!("--{name} {value}")).collect::<Vec<_>>().join(" ")
}

fn table(rows: &[Row]) -> String {
    let has =
        |value: fn(&Best) -> Option<f64>| rows.iter().any(|row| row.best.as_ref().and_then(value).is_some());
    let (accuracy, rmse) = (has(|best| best.scores.test_accuracy), has(|best| best.scores.test_rmse));
    let mut columns: Vec<(&str, Align)> = vec![("run", Left), ("epochs", Left), ("best", Right)];
    columns.extend(accuracy.then_some(("accuracy", Right)));
    columns.extend(rmse.then_some(("RMSE", Right)));
    columns.extend([("loss", Right), ("time", Right), ("written", Right), ("settings", Wrap)]);
    let mut table = Table::new(&columns);
    let shown = |value: Option<f64>, show: fn(f64) -> String| value.map(show).unwrap_or_default();
    for row in rows {
        let best = row.best.as_ref();
        let mut cells = vec![
            row.run.clone(),
            match row.state {
                State::Finished => format!("{}/{}", row.epochs, row.epochs_asked),
                other => format!("{}/{} {}", row.epochs, row.epochs_asked, other.word()),
            },
            best.map(|best| best.best_epoch.to_string()).unwrap_or_default(),
        ];
        if accuracy {
            cells.push(shown(best.and_then(|best| best.scores.test_accuracy), |share| format!("{share:.4}")));
        }
        if rmse {
            cells.push(shown(best.and_then(|best| best.scores.test_rmse), measure));
        }
        cells.extend([
            shown(best.map(|best| best.scores.test_loss), |loss| format!("{loss:.4}")),
            shown(row.seconds, time),
            row.changed.map(day_or_minute).unwrap_or_default(),
            differing(row, rows),
        ]);
        table.row(cells);
    }
    let all = counted(rows.len(), "run");
    format!(
        "{table}\n\n{all}; accuracy, RMSE and loss are those of the best epoch on the test part, dates are UTC\n\
         `{LATEST}` and the names in {RUNS}/ stand for folders: `wgrad eval {LATEST}`"
    )
}

/// The minute of a time of today, else the day.
fn day_or_minute(time: SystemTime) -> String {
    let written = minute(time);
    match written.split_once(' ') {
        Some((day, minute)) if day == today() => minute.to_string(),
        Some((day, _)) => day.to_string(),
        None => written,
    }
}
