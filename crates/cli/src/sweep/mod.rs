//! `wgrad sweep`: trains with many settings, each as an ordinary run, and ranks them. `vary` makes the settings,
//! `trainings` runs `wgrad train` for each in a process of its own, `ranking` prints and draws the results.

mod ranking;
mod trainings;
mod vary;

use super::{
    Cli, Command as Chosen,
    config::{NOT_SET_HERE, SWEEP, TRAIN, grammar, option, train},
    interrupt::{INTERRUPTED, Interrupt},
    output,
    page::{PageArgs, program, quoted, quoted_path},
    train::Train,
};
use anyhow::{Context as _, Result, anyhow, bail};
use clap::{ArgAction, ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};
use trainings::{Ended, Trainings};
use vary::{Varied, trials};
use wgrad::words::counted;
use wgrad_files::{create_owned, kept};
use wgrad_run::{Run, listing::RUNS};

/// File of a sweep that holds its plan.
const PLAN: &str = "sweep.json";
/// File that is locked while a process trains the sweep.
const LOCK: &str = "sweep.lock";
/// Most trainings of a sweep.
const MOST: usize = 1000;
/// Most trainings at once.
const MOST_JOBS: usize = 64;
/// A rung of `--halving` keeps the best of so many trainings.
const KEPT_OF: usize = 3;

#[derive(Args)]
#[command(after_help = "Examples:
  wgrad sweep --grid lr=0.1,0.01 --grid batch=64,128          all four combinations, with `mlp`
  wgrad sweep cnn --random lr=1e-4..1e-1:log --trials 20      twenty draws
  wgrad sweep --grid optimizer=sgd,adam --grid seed=0,1,2     with the spread of three seeds
  wgrad sweep --random lr=1e-4..1:log --trials 27 --halving --epochs 9 --validation 0.1
  wgrad sweep --resume runs/sweep-1                           goes on after Ctrl-C or a kill
  wgrad sweep --config run.toml --grid ema=0.9,0.99 --html sweep.html
  wgrad sweep --grid 'augment=none;flip;flip,shift=2'         values with commas, between semicolons

All options of `wgrad train` may be given, and those with a value may be varied, by their names. A range draws whole \
numbers where both ends are whole, and on a logarithmic scale with `:log`; `--random NAME=A,B` draws one of the values. \
`--grid` with `--random` trains each draw with each combination.

--halving trains all for the first epochs of --epochs, keeps the best third by validation accuracy (else test accuracy; \
loss or RMSE of a regression), trains those three times as long, and so on. A kept training continues to the same bits \
as one that was never stopped.

The trainings are runs in the folder of the sweep, `trial-1` and so on: `wgrad runs runs/sweep-1`, `wgrad compare \
runs/sweep-1`. Each writes its messages to trial-N.log. One that diverges or fails ranks last.

Exit codes: 0 done, 1 a training failed, 2 refused, 130 interrupted.")]
pub struct Sweep {
    /// Train with each of these values; several options make all combinations (repeatable)
    #[arg(long, value_name = "NAME=A,B,...", value_parser = Varied::grid, conflicts_with = "resume")]
    grid: Vec<Varied>,
    /// Draw values from a range, or from a list (repeatable)
    #[arg(long, value_name = "NAME=LOW..HIGH[:log]", value_parser = Varied::random, conflicts_with = "resume", requires = "trials")]
    random: Vec<Varied>,
    /// Number of draws for --random
    #[arg(long, value_name = "N", requires = "random", value_parser = clap::value_parser!(u32).range(1..))]
    trials: Option<u32>,
    /// Seed of the draws of --random
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "resume")]
    sweep_seed: u64,
    /// Successive halving: start all, and keep the best third after each rung
    #[arg(long, conflicts_with = "resume")]
    halving: bool,
    /// Trainings at once on this adapter
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=MOST_JOBS as i64))]
    jobs: u16,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    base: Base,
}

/// The options of `wgrad train`, and the words that repeat those that are given.
struct Base {
    train: Train,
    words: Vec<(String, Vec<String>)>,
}

impl Args for Base {
    fn augment_args(command: Command) -> Command {
        Train::augment_args(command)
            .mut_arg("out", |arg| arg.help("Folder of the sweep [default: runs/sweep-N]"))
            .mut_arg("resume", |arg| {
                let arg = arg.value_name("FOLDER").help("Continue a sweep");
                arg.value_parser(clap::value_parser!(PathBuf))
            })
            .mut_arg("json", |arg| arg.help("Print JSON lines, one object per training, the best first"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Base {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { train: Train::from_arg_matches(matches)?, words: given(matches) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The options of `wgrad train` that are given, by name, each with its words.
fn given(matches: &ArgMatches) -> Vec<(String, Vec<String>)> {
    let grammar = grammar();
    let mut all = Vec::new();
    for arg in train(&grammar).get_arguments() {
        let id = arg.get_id().as_str();
        let name = if id == "network" { "model" } else { arg.get_long().unwrap_or_default() };
        let is_given = !NOT_SET_HERE.contains(&name)
            && matches.try_contains_id(id).is_ok()
            && matches.value_source(id) == Some(ValueSource::CommandLine);
        if !is_given {
            continue;
        }
        let raw = matches.get_raw(id).into_iter().flatten();
        let words: Vec<String> = match arg.get_action() {
            ArgAction::SetTrue => vec![format!("--{name}")],
            _ => raw.map(|value| format!("--{name}={}", value.to_string_lossy())).collect(),
        };
        // An option whose value may be left out.
        all.push((name.to_string(), if words.is_empty() { vec![format!("--{name}")] } else { words }));
    }
    all
}

/// What a sweep trains; with the runs in its folder, all that is needed to continue it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Plan {
    /// wgrad's version.
    version: String,
    /// The folder that it was started in, for relative paths.
    started_in: PathBuf,
    /// The options of all trainings, by name, as words of the command line.
    words: Vec<(String, Vec<String>)>,
    /// The options that are varied.
    varied: Vec<String>,
    /// The values of the varied options in each training, in the order of `varied`.
    trials: Vec<Vec<String>>,
    /// Epochs at which a rung of `--halving` ends, the last one included; empty without.
    rungs: Vec<u64>,
}

impl Plan {
    /// The options of a training, as `name=value`.
    fn shown(&self, trial: usize) -> String {
        let values = self.varied.iter().zip(&self.trials[trial]);
        values.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    /// The words of the command line of a training.
    fn line(&self, trial: usize) -> Result<Vec<String>> {
        let grammar = grammar();
        let mut line: Vec<String> = self.words.iter().flat_map(|(_, words)| words).cloned().collect();
        for (name, value) in self.varied.iter().zip(&self.trials[trial]) {
            line.extend(vary::words(train(&grammar), name, value)?);
        }
        Ok(line)
    }

    /// Refuses a training that the command line would refuse, before any begins; returns its epochs.
    fn check(&self, trial: usize) -> Result<u64> {
        let line = ["wgrad".to_string(), TRAIN.to_string()].into_iter().chain(self.line(trial)?);
        let named = || format!("the training with {}", self.shown(trial));
        let cli = Cli::read(line.map(Into::into)).map_err(|error| {
            let said = error.render().to_string();
            let said = said
                .strip_prefix("error: ")
                .unwrap_or(&said)
                .split("\n\n")
                .next()
                .unwrap_or_default()
                .to_string();
            anyhow!("{}: {said}", named())
        })?;
        let Chosen::Train(train) = cli.command else { bail!("{} does not train", named()) };
        train.check().with_context(named)?;
        Ok(train.epochs_asked())
    }
}

impl Sweep {
    pub async fn run(self) -> Result<ExitCode> {
        if self.base.train.is_quiet() {
            output::be_quiet();
        }
        self.page.can_be_written()?;
        let (folder, plan) = match self.base.train.resumed() {
            Some(folder) => (folder.to_owned(), read(folder)?),
            None => self.begin()?,
        };
        let folder = std::path::absolute(&folder).context("the path of the sweep cannot be made absolute")?;
        let _lock = lock(&folder)?;
        let interrupt = Interrupt::saying("waiting for the trainings to save")?;
        interrupt.set_working(true);
        let mut trainings = Trainings::new(&folder, &plan, usize::from(self.jobs), &interrupt);
        let ended = trainings.run()?;
        let failed = trainings.failed();
        ranking::tell(&folder, &plan, &trainings, &self.page, self.base.train.is_json())?;
        let here = within(&folder);
        Ok(match ended {
            Ended::Interrupted => {
                tell!("interrupted; continue with: {} {SWEEP} --resume {}", program(), quoted_path(&here));
                ExitCode::from(INTERRUPTED)
            }
            Ended::Whole if failed > 0 => {
                tell!(
                    "{} failed; {SWEEP} --resume {} tries them again",
                    counted(failed, "training"),
                    quoted_path(&here)
                );
                ExitCode::from(1)
            }
            Ended::Whole => ExitCode::SUCCESS,
        })
    }

    /// Makes the folder of a new sweep, with its plan.
    fn begin(&self) -> Result<(PathBuf, Plan)> {
        let plan = self.plan()?;
        let folder = match self.base.train.folder() {
            Some(folder) => {
                if folder.join(PLAN).exists() {
                    bail!(
                        "{0} holds a sweep already; continue it with `wgrad {SWEEP} --resume {0}`, or choose another --out",
                        quoted_path(folder)
                    );
                }
                Run::vacant(folder)?;
                fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
                folder.to_owned()
            }
            None => next_folder()?,
        };
        create_owned(&folder.join(PLAN), |file| {
            serde_json::to_writer_pretty(&mut *file, &plan)?;
            file.write_all(b"\n")
        })?;
        let count = counted(plan.trials.len(), "training");
        output::say(format!("{count} in {}; Ctrl-C saves, `--resume` continues", quoted_path(&folder)));
        Ok((folder, plan))
    }

    fn plan(&self) -> Result<Plan> {
        let all: Vec<&Varied> = self.grid.iter().chain(&self.random).collect();
        if all.is_empty() {
            bail!("nothing is varied; use `--grid lr=0.1,0.01`, or `--random lr=1e-4..1e-1:log --trials 20`");
        }
        let grammar = grammar();
        for (n, one) in all.iter().enumerate() {
            one.check(train(&grammar))?;
            if all[..n].iter().any(|other| other.name == one.name) {
                bail!("{} is varied twice; give all its values in one option", one.name);
            }
            if self.base.words.iter().any(|(name, _)| *name == one.name) {
                bail!("{0} is given and varied; leave out --{0}", one.name);
            }
        }
        let draws = self.trials.unwrap_or(1) as usize;
        let trials = trials(&self.grid, &self.random, draws, self.sweep_seed, MOST)?;
        let mut plan = Plan {
            version: env!("CARGO_PKG_VERSION").to_string(),
            started_in: std::env::current_dir().context("cannot find the current folder")?,
            words: self.base.words.clone(),
            varied: all.iter().map(|one| one.name.clone()).collect(),
            trials,
            rungs: Vec::new(),
        };
        let mut epochs = Vec::new();
        for trial in 0..plan.trials.len() {
            epochs.push(plan.check(trial)?);
        }
        if self.halving {
            let most = epochs.iter().copied().max().unwrap_or_default();
            if epochs.iter().any(|epochs| *epochs != most) {
                bail!(
                    "--halving needs the same `--epochs` in all trainings; leave epochs out of what is varied"
                );
            }
            plan.rungs = rungs(plan.trials.len(), most)?;
            if !plan.words.iter().any(|(name, _)| name == "epochs") {
                plan.words.push(("epochs".into(), vec![format!("--epochs={most}")]));
            }
        }
        Ok(plan)
    }
}

/// The epochs at which rungs end: the last one ends after all epochs, each one before it after a third of the next.
fn rungs(trials: usize, epochs: u64) -> Result<Vec<u64>> {
    let (mut rungs, mut left) = (vec![epochs], trials);
    while left > 1 && rungs[0] >= KEPT_OF as u64 {
        rungs.insert(0, rungs[0] / KEPT_OF as u64);
        left = left.div_ceil(KEPT_OF);
    }
    if rungs.len() == 1 {
        bail!(
            "--halving with {} of {epochs} epochs has no rung to drop any at; expected two trainings or more, and \
             --epochs of {KEPT_OF} or more",
            counted(trials, "training")
        );
    }
    Ok(rungs)
}

/// Reads the plan of a sweep.
fn read(folder: &Path) -> Result<Plan> {
    let path = folder.join(PLAN);
    let next = "a sweep's folder has that file; `wgrad sweep --help` says how to start one";
    let plan: Option<Plan> = kept::read(&path, "plan of a sweep").map_err(|error| anyhow!("{error}"))?;
    let Some(plan) = plan else { bail!("{} is not a sweep: it has no {PLAN}; {next}", folder.display()) };
    let fits =
        plan.trials.iter().all(|values| values.len() == plan.varied.len()) && plan.trials.len() <= MOST;
    if !fits {
        bail!("{} is damaged: its trials do not fit its varied options; start a new sweep", path.display());
    }
    for trial in 0..plan.trials.len() {
        plan.check(trial).with_context(|| format!("{} does not fit this version", path.display()))?;
    }
    Ok(plan)
}

/// Takes the lock of a sweep, which is free as soon as its process ends.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let file = file.with_context(|| format!("cannot lock {}", path.display()))?;
    match wgrad_files::lock(&file) {
        Err(TryLockError::WouldBlock) => {
            bail!(
                "{} is in use: another process trains it; wait for that to end, or end it",
                folder.display()
            )
        }
        Err(TryLockError::Error(e)) if e.kind() != io::ErrorKind::Unsupported => {
            Err(e).with_context(|| format!("cannot lock {}", path.display()))
        }
        _ => Ok(file),
    }
}

fn next_folder() -> Result<PathBuf> {
    let runs = Path::new(RUNS);
    fs::create_dir_all(runs).with_context(|| format!("cannot create {RUNS}"))?;
    let mut n = 1u32;
    loop {
        let folder = runs.join(format!("{SWEEP}-{n}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => n += 1,
            Err(e) => return Err(e).with_context(|| format!("cannot create {}", folder.display())),
        }
    }
}

/// A path relative to the current folder, if it is below that.
fn within(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    inside.filter(|path| !path.as_os_str().is_empty()).unwrap_or_else(|| path.to_owned())
}

/// The words of the command that trains one of the trainings alone.
fn command(line: &[String]) -> String {
    let words: Vec<String> = line.iter().map(|word| quoted(word)).collect();
    format!("{} {TRAIN} {}", program(), words.join(" "))
}

/// The options of `line` that a resumed training takes.
fn resumable(words: &[(String, Vec<String>)]) -> Vec<String> {
    let grammar = grammar();
    let train = train(&grammar);
    let resume = option(train, "resume");
    let stays = |name: &str| {
        let arg = option(train, name).zip(resume);
        // The epochs of the run are recorded; more of them would begin another training.
        name != "epochs" && arg.is_some_and(|(arg, resume)| !super::config::excludes(train, arg, resume))
    };
    let objective = ["augment", "label-smoothing", "class-weight", "loss"];
    let kept = words.iter().filter(|(name, _)| stays(name) && !objective.contains(&name.as_str()));
    kept.flat_map(|(_, words)| words).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::{resumable, rungs};

    #[test]
    fn rungs_end_after_all_epochs_and_each_before_after_a_third() {
        assert_eq!(rungs(27, 9).expect("fits"), [1, 3, 9]);
        assert_eq!(rungs(9, 27).expect("fits"), [3, 9, 27]);
        assert_eq!(rungs(2, 10).expect("fits"), [3, 10]);
        assert_eq!(rungs(1000, 5).expect("fits"), [1, 5]);
        assert!(rungs(1, 27).is_err() && rungs(9, 2).is_err());
    }

    #[test]
    fn a_resumed_training_gets_only_what_it_takes() {
        let words = |name: &str| (name.to_string(), vec![format!("--{name}=1")]);
        let all =
            ["adapter", "lr", "data", "chunk", "epochs", "augment", "seed", "max-time", "model"].map(words);
        assert_eq!(resumable(&all), ["--adapter=1", "--chunk=1", "--max-time=1"]);
    }
}
