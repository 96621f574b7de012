//! Removes runs, after a question that says what would be lost.

use super::{output, page::quoted_path, runs::run_name};
use anyhow::{Context as _, Result, bail};
use std::{
    io::{IsTerminal, stderr, stdin},
    path::{Path, PathBuf},
    process::ExitCode,
};
use wgrad::words::{bytes, counted};
use wgrad_report::table::{
    Align::{Left, Right},
    Table,
};
use wgrad_run::{
    Run,
    listing::all,
    removal::{Removable, removable},
};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad rm mlp-1                 asks, with name, size and epochs of the run
  wgrad rm mlp-1 mlp-2 --yes     without a question, for scripts

Only files that belong to a run are removed: others in its folder stay. A folder that is no run, a link to a run, and a \
run that is being trained are refused, and then nothing is removed.

Exit codes: 0 removed, 1 the answer was no, 2 refused.")]
pub struct Rm {
    /// Runs: folders, names in runs/, or `latest`
    #[arg(value_name = "RUN", required = true, value_parser = run_name())]
    runs: Vec<PathBuf>,
    /// Remove them without a question
    #[arg(long, short)]
    yes: bool,
}

impl Rm {
    pub fn run(self) -> Result<ExitCode> {
        let mut runs: Vec<(PathBuf, Removable)> = Vec::new();
        for folder in &self.runs {
            if runs.iter().any(|(known, _)| known == folder) {
                continue;
            }
            let found = removable(folder).map_err(|error| match all(folder).unwrap_or_default().len() {
                0 => error.into(),
                n => anyhow::anyhow!(
                    "{} is not a run, but holds {}; name those to remove",
                    quoted_path(folder),
                    counted(n, "run")
                ),
            })?;
            runs.push((folder.clone(), found));
        }
        if !self.yes {
            if !(stdin().is_terminal() && stderr().is_terminal()) {
                bail!("there is no terminal to ask in; `--yes` removes without a question");
            }
            tell!("{}", table(&runs));
            if !asked(&runs)? {
                tell!("nothing was removed");
                return Ok(ExitCode::from(1));
            }
        }
        for (folder, run) in runs {
            let others = run.others.clone();
            run.remove()?;
            output::say(format!("removed {}", quoted_path(&folder)));
            if !others.is_empty() {
                tell!(
                    "note: {} stays, with what is not of the run: {}",
                    quoted_path(&folder),
                    shown(&others)
                );
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A few of these names.
fn shown(names: &[String]) -> String {
    const MOST: usize = 5;
    let first = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > MOST { format!("{first}, ...") } else { first }
}

fn table(runs: &[(PathBuf, Removable)]) -> Table {
    let mut table = Table::new(&[("run", Left), ("network", Left), ("size", Right), ("epochs", Right)]);
    for (folder, run) in runs {
        let (network, epochs) = about(folder).unwrap_or_else(|| ("damaged".into(), "?".into()));
        table.row([folder.display().to_string(), network, bytes(run.bytes), epochs]);
    }
    table
}

/// Network and finished epochs of a run; `None` if it cannot be read.
fn about(folder: &Path) -> Option<(String, String)> {
    let run = Run::open(folder).ok()?;
    let epochs = run.metrics().ok()?.last().map_or(0, |line| line.epoch);
    Some((run.config.model.name.clone(), format!("{epochs}/{}", run.config.options.epochs)))
}

/// Asks in the terminal.
fn asked(runs: &[(PathBuf, Removable)]) -> Result<bool> {
    let size = runs.iter().map(|(_, run)| run.bytes).sum();
    tell!("remove {}, {}? [y/N]", counted(runs.len(), "run"), bytes(size));
    let mut answer = String::new();
    stdin().read_line(&mut answer).context("cannot read the answer")?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_yes_is_yes() {
        assert!(["y\n", "Yes\n", " YES "].into_iter().all(is_yes));
        assert!(!["", "\n", "n", "yep", "no\n", "y n"].into_iter().any(is_yes));
    }
}
