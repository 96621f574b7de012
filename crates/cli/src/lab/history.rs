//! Results of the lab over time: kept, compared with earlier ones, and told to continuous integration.

use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use wgrad_lab::{
    history::{self, Baseline, Comparison, Slower},
    row::{Row, Status},
};
use wgrad_report::{junit, page::can_write};

/// Set by GitHub Actions, which then reads annotations from what a step prints.
const GITHUB: &str = "GITHUB_ACTIONS";

#[derive(clap::Args)]
pub struct HistoryArgs {
    /// Keep the rows in a file, as JSON lines
    #[arg(long, value_name = "FILE", requires = "op", conflicts_with_all = ["template", "backends", "emit"])]
    save: Option<PathBuf>,
    /// Compare with the rows that `--save` kept: the column `× last`
    #[arg(long, value_name = "FILE", requires = "op", conflicts_with_all = ["template", "backends", "emit"])]
    baseline: Option<PathBuf>,
    /// Exit with 1 where a variant is slower than in the baseline by more than this, beyond chance: `10%`
    #[arg(long, value_name = "SHARE", requires = "baseline", value_parser = share)]
    fail_if_slower: Option<f64>,
    /// Write the rows as JUnit XML, for continuous integration
    #[arg(long, value_name = "FILE", requires = "op", conflicts_with_all = ["template", "backends", "emit"])]
    junit: Option<PathBuf>,
}

/// A share as `10%`, `10 %` or `0.1`.
fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.trim_end().strip_suffix('%') {
        Some(number) => (number.trim_end(), 100.0),
        None => (text, 1.0),
    };
    match number.parse::<f64>().map(|number| number / unit) {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("expected a share from 0 to below 1, such as `10%` or `0.1`".to_string()),
    }
}

/// The earlier results of a run, and what the comparison with them shows.
pub struct History<'a> {
    args: &'a HistoryArgs,
    baseline: Option<Baseline>,
    comparison: Comparison,
}

impl HistoryArgs {
    /// True if one of the options was given.
    pub fn is_given(&self) -> bool {
        self.save.is_some() || self.baseline.is_some() || self.junit.is_some()
    }

    /// Reads the baseline and refuses files that cannot be written, before anything is measured. `seconds` of timing.
    pub fn open(&self, seconds: f64) -> Result<History<'_>> {
        if self.baseline.is_some() && seconds == 0.0 {
            bail!("--baseline compares times, and --seconds is 0: nothing is timed; leave one of them out");
        }
        for path in [&self.save, &self.junit].into_iter().flatten() {
            can_write(path)?;
        }
        let baseline = self.baseline.as_deref().map(Baseline::read).transpose()?;
        Ok(History { args: self, baseline, comparison: Comparison::default() })
    }
}

impl History<'_> {
    /// Compares `rows` with the baseline, if there is one.
    pub fn compare(&mut self, rows: &mut [Row]) {
        if let Some(baseline) = &self.baseline {
            baseline.compare(rows, &mut self.comparison);
        }
    }

    /// Writes the files that were asked for, says what the comparison showed, and returns true if a variant has become
    /// slower than allowed.
    pub fn end(&self, rows: &[Row]) -> Result<bool> {
        let slower = self.args.fail_if_slower.map(|share| history::slower(rows, share)).unwrap_or_default();
        if let Some(path) = &self.args.save {
            history::save(path, rows)?;
            tell!("wrote {}", path.display());
        }
        if let Some(path) = &self.args.junit {
            junit::write(path, rows, &slower)?;
            tell!("wrote {}", path.display());
        }
        if let Some(baseline) = &self.baseline {
            baseline.check(&self.comparison, rows)?;
            self.say();
        }
        for slower in &slower {
            tell!("SLOWER: {slower}");
        }
        if std::env::var_os(GITHUB).is_some_and(|set| set == "true") {
            annotations(rows, &slower).iter().for_each(|line| tell!("{line}"));
        }
        Ok(!slower.is_empty())
    }

    /// Says which days were compared, and what was not.
    fn say(&self) {
        let Comparison { dates, notes, new, .. } = &self.comparison;
        let days: Vec<&str> = dates.iter().map(String::as_str).collect();
        match &days[..] {
            [] => {}
            [day] => tell!("last: {day}"),
            [first, .., last] => tell!("last: {first} to {last}"),
        }
        for note in notes {
            tell!("note: {note}");
        }
        if !new.is_empty() {
            tell!("not in the baseline: {}", new.join(", "));
        }
    }
}

/// Workflow commands of GitHub Actions: an error for each variant that is wrong or has become slower, at its file.
fn annotations(rows: &[Row], slower: &[Slower]) -> Vec<String> {
    let text = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |of: &str| text(of).replace(':', "%3A").replace(',', "%2C");
    let error = |row: &Row, what: &str, message: String| {
        let file = row.file.as_ref().filter(|file| Path::new(file).is_file());
        let file = file.map(|file| format!("file={},", property(file))).unwrap_or_default();
        let title = property(&format!("{}/{} is {what}", row.op, row.variant));
        format!("::error {file}title={title}::{}", text(&message))
    };
    let mut lines = Vec::new();
    for row in rows {
        if row.status == Status::Wrong {
            lines.push(error(row, "wrong", row.reason.clone().unwrap_or_default()));
        }
        if let Some(slower) = slower.iter().find(|slower| slower.is_of(row)) {
            lines.push(error(row, "slower", slower.to_string()));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_are_read_in_either_way() {
        assert_eq!(share("10%"), Ok(0.1));
        assert_eq!(share("12.5 %"), Ok(0.125));
        assert_eq!(share("0.1"), Ok(0.1));
        assert_eq!(share("0"), Ok(0.0));
        for wrong in ["10", "-1%", "100%", "%", "nan", ""] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
