//! The trainings of a sweep, each in a process of its own. What is done follows from the runs in its folder, so that a
//! sweep continues after any end of its process, to the same results.

use super::{Plan, resumable};
use crate::{
    interrupt::{INTERRUPTED, Interrupt},
    invoked, output,
    progress::time,
};
use anyhow::{Context as _, Result, bail};
use std::{
    collections::{BTreeMap, VecDeque},
    fs::{File, read_to_string},
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use wgrad::words::quoted_path;
use wgrad_run::{EpochLine, Outcome, Run, comparison::Score, listing::is_run};

/// Time between two looks at the processes.
const LOOK: Duration = Duration::from_millis(50);
/// Time for the trainings to save after Ctrl-C; what they saved before is kept in any case.
const GRACE: Duration = Duration::from_secs(10);

/// End of a sweep.
pub enum Ended {
    /// All trainings are done, or failed.
    Whole,
    /// Ctrl-C came.
    Interrupted,
}

/// The trainings of a sweep.
pub struct Trainings<'s> {
    folder: &'s Path,
    plan: &'s Plan,
    jobs: usize,
    interrupt: &'s Interrupt,
    /// Why a training failed.
    failed: BTreeMap<usize, String>,
    /// True once one of the processes ended by Ctrl-C.
    interrupted: bool,
}

/// A training in progress.
struct Running {
    trial: usize,
    child: Child,
    begun: Instant,
}

impl<'s> Trainings<'s> {
    pub fn new(folder: &'s Path, plan: &'s Plan, jobs: usize, interrupt: &'s Interrupt) -> Self {
        Self { folder, plan, jobs, interrupt, failed: BTreeMap::new(), interrupted: false }
    }

    /// The folder of a training's run.
    pub fn run_folder(&self, trial: usize) -> PathBuf {
        self.folder.join(format!("trial-{}", trial + 1))
    }

    /// Number of trainings that failed.
    pub fn failed(&self) -> usize {
        self.failed.len()
    }

    /// Why a training failed, if it did.
    pub fn failure(&self, trial: usize) -> Option<&str> {
        self.failed.get(&trial).map(String::as_str)
    }

    fn log(&self, trial: usize) -> PathBuf {
        self.folder.join(format!("trial-{}.log", trial + 1))
    }

    /// Trains all that is not done yet.
    pub fn run(&mut self) -> Result<Ended> {
        let mut left: Vec<usize> = (0..self.plan.trials.len()).collect();
        if self.plan.rungs.is_empty() {
            self.train(&left, None)?;
        }
        for (n, until) in self.plan.rungs.iter().enumerate() {
            self.train(&left, Some(*until))?;
            if self.is_interrupted() {
                break;
            }
            if n + 1 < self.plan.rungs.len() {
                let ranked = self.ranked(&left, *until)?;
                let kept = left.len().div_ceil(super::KEPT_OF);
                left = ranked.into_iter().take(kept).collect();
                left.sort_unstable();
                let names: Vec<String> = left.iter().map(|trial| format!("trial-{}", trial + 1)).collect();
                output::say(format!("after {until} epochs the best go on: {}", names.join(", ")));
            }
        }
        Ok(if self.is_interrupted() { Ended::Interrupted } else { Ended::Whole })
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted || self.interrupt.requested()
    }

    /// The trainings from the best to the worst, by what judged them up to the epoch `until`; equals in their order.
    fn ranked(&self, trials: &[usize], until: u64) -> Result<Vec<usize>> {
        let mut all: Vec<(usize, Vec<EpochLine>)> = Vec::new();
        for trial in trials {
            let mut lines = self.lines(*trial)?;
            lines.retain(|line| line.epoch <= until);
            all.push((*trial, lines));
        }
        let score = Score::of(all.iter().map(|(_, lines)| lines.as_slice()));
        let mut ranked: Vec<(usize, f64)> = Vec::new();
        for (trial, lines) in &all {
            let config = Run::open(&self.run_folder(*trial)).map(|run| run.config);
            let best = config.ok().and_then(|config| Outcome::of(lines, &config, None));
            let value =
                best.and_then(|best| score.judged(&best.best)).filter(|_| !self.failed.contains_key(trial));
            ranked.push((*trial, value.unwrap_or(f64::NAN)));
        }
        ranked.sort_by(|(_, a), (_, b)| match (score.is_better(*a, *b), score.is_better(*b, *a)) {
            // Two trainings without a result are equal.
            (true, true) | (false, false) => std::cmp::Ordering::Equal,
            (true, false) => std::cmp::Ordering::Less,
            (false, true) => std::cmp::Ordering::Greater,
        });
        Ok(ranked.into_iter().map(|(trial, _)| trial).collect())
    }

    /// The epochs that a training has done; none if it has not begun.
    fn lines(&self, trial: usize) -> Result<Vec<EpochLine>> {
        let folder = self.run_folder(trial);
        if !is_run(&folder) {
            return Ok(Vec::new());
        }
        Ok(Run::open(&folder)?.metrics()?)
    }

    /// True if a training has the epochs `until`, or all that it will have.
    fn is_done(&self, trial: usize, until: Option<u64>) -> Result<bool> {
        let folder = self.run_folder(trial);
        if !is_run(&folder) {
            return Ok(false);
        }
        let run = Run::open(&folder)?;
        let lines = run.metrics()?;
        let reached = until.is_some_and(|until| lines.last().is_some_and(|line| line.epoch >= until));
        Ok(!run.is_training() && (reached || run.is_finished(&lines)))
    }

    /// Trains these up to the epoch `until`, or to their end, so many at once.
    fn train(&mut self, trials: &[usize], until: Option<u64>) -> Result<()> {
        let mut queue: VecDeque<usize> = trials.iter().copied().collect();
        let mut running: Vec<Running> = Vec::new();
        let mut asked: Option<Instant> = None;
        let mut waits = false;
        let failed = loop {
            while running.len() < self.jobs && !self.is_interrupted() {
                let Some(trial) = queue.pop_front() else { break };
                if self.failed.contains_key(&trial) || self.is_done(trial, until)? {
                    continue;
                }
                if Run::open(&self.run_folder(trial)).is_ok_and(|run| run.is_training()) {
                    if !std::mem::replace(&mut waits, true) {
                        tell!(
                            "trial-{} is still being trained by an earlier process: waiting for it",
                            trial + 1
                        );
                    }
                    queue.push_back(trial);
                    break;
                }
                let child = match self.spawn(trial, until) {
                    Ok(child) => child,
                    Err(error) => {
                        end(&mut running);
                        return Err(error);
                    }
                };
                running.push(Running { trial, child, begun: Instant::now() });
            }
            if running.is_empty() && (queue.is_empty() || self.is_interrupted()) {
                break Ok(());
            }
            sleep(LOOK);
            if self.is_interrupted() && asked.get_or_insert_with(Instant::now).elapsed() > GRACE {
                end(&mut running);
            }
            let ended = self.ended(&mut running, until);
            if ended.is_err() {
                break ended;
            }
        };
        end(&mut running);
        failed
    }

    /// Takes the processes that have ended out of `running`.
    fn ended(&mut self, running: &mut Vec<Running>, until: Option<u64>) -> Result<()> {
        let mut n = 0;
        while n < running.len() {
            let status = running[n].child.try_wait().context("cannot look at the process of a training")?;
            match status {
                None => n += 1,
                Some(status) => {
                    let Running { trial, begun, .. } = running.remove(n);
                    self.end(trial, status, begun.elapsed(), until)?;
                }
            }
        }
        Ok(())
    }

    /// Starts the process of a training, or of its next epochs.
    fn spawn(&self, trial: usize, until: Option<u64>) -> Result<Child> {
        let folder = self.run_folder(trial);
        let mut command = invoked::again()?;
        command.arg(super::TRAIN);
        match is_run(&folder) {
            true => command.arg("--resume").arg(&folder).args(resumable(&self.plan.words)),
            false => command.args(self.plan.line(trial)?).arg("--out").arg(&folder),
        };
        command.arg("--quiet");
        if let Some(until) = until {
            command.arg(format!("--stop-after={until}"));
        }
        let path = self.log(trial);
        let log = File::options().append(true).create(true).open(&path);
        let log = log.with_context(|| format!("cannot write {}", path.display()))?;
        let both = log.try_clone().with_context(|| format!("cannot write {}", path.display()))?;
        command.stdin(Stdio::null()).stdout(log).stderr(both).current_dir(&self.plan.started_in);
        command.spawn().context("cannot start a process for a training")
    }

    /// Notes how the process of a training ended, and says it.
    fn end(&mut self, trial: usize, status: ExitStatus, took: Duration, until: Option<u64>) -> Result<()> {
        let (name, settings) = (format!("trial-{}", trial + 1), self.plan.shown(trial));
        match status.code() {
            Some(0 | 1) => {
                let count = self.plan.trials.len();
                let words = self.words(trial)?;
                let done = if self.is_done(trial, until)? { "" } else { "stopped early, " };
                let took = time(took.as_secs_f64());
                output::say(format!("{name}/{count}  {settings}: {done}{words}, {took}"));
            }
            Some(code) if code == i32::from(INTERRUPTED) => self.interrupted = true,
            _ if self.is_interrupted() => {}
            _ => {
                let why = self.reason(trial, status);
                if !is_run(&self.run_folder(trial)) {
                    bail!(
                        "{name} ({settings}) did not begin: {why}; its messages are in {}",
                        quoted_path(&self.log(trial))
                    );
                }
                tell!("{name}  {settings}: failed: {why}");
                self.failed.insert(trial, why);
            }
        }
        Ok(())
    }

    /// The best result of a training so far, in words.
    fn words(&self, trial: usize) -> Result<String> {
        let lines = self.lines(trial)?;
        let score = Score::of([lines.as_slice()]);
        let run = Run::open(&self.run_folder(trial))?;
        let Some(found) = Outcome::of(&lines, &run.config, None) else { return Ok("no epoch".into()) };
        let value = score.judged(&found.best).map_or_else(|| "–".to_string(), |value| score.shown(value));
        let name = score.judged_name(found.best.validation_loss.is_some());
        Ok(format!("{name} {value} in epoch {} of {}", found.best.epoch, found.last.epoch))
    }

    /// The last error in the messages of a training.
    fn reason(&self, trial: usize, status: ExitStatus) -> String {
        let log = read_to_string(self.log(trial)).unwrap_or_default();
        let error = log.lines().rev().find_map(|line| line.strip_prefix("error: "));
        error.map_or_else(|| format!("its process ended with {status}"), String::from)
    }
}

/// Ends processes; the trainings continue from what they saved.
fn end(running: &mut Vec<Running>) {
    for mut one in running.drain(..) {
        // It may have ended by itself meanwhile.
        let (Ok(()) | Err(_)) = one.child.kill();
        let (Ok(_) | Err(_)) = one.child.wait();
    }
}
