//! Results that were kept, and the comparison with them. A file holds the lab's rows as JSON lines: those of `--json`.

use crate::{ratio::Speed, row::Row};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};
use wgrad::{Error, Result, text::read_text, words::counted};
use wgrad_files::write_whole;

/// What an error about a file of results says to do.
const NEXT: &str = "keep results with `wgrad_lab::history::save`";
/// Rows of a file that are looked at.
const MOST: usize = 100_000;

/// A row of an earlier run, as far as a comparison needs it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Kept {
    /// The operation.
    pub op: String,
    /// The variant, or the path of the user's file.
    pub variant: String,
    /// Sizes in words.
    pub sizes: String,
    /// The activation composed in.
    pub activation: String,
    /// The adapter.
    pub adapter: String,
    /// Vulkan, Metal, ...
    pub backend: String,
    /// The driver, with its version.
    pub driver: String,
    /// wgrad's version.
    pub version: String,
    /// Day of the measurement.
    #[serde(default)]
    pub date: Option<String>,
    /// SHA-256 of the composed text.
    #[serde(default)]
    pub digest: Option<String>,
    /// Seconds of a dispatch, round by round.
    #[serde(default)]
    pub rounds: Vec<f64>,
}

impl Kept {
    fn is_of(&self, row: &Row) -> bool {
        let place = [&self.op, &self.sizes, &self.activation, &self.adapter, &self.backend];
        self.variant == row.variant && place.map(String::as_str) == row.place()
    }

    /// True if the same text ran then.
    fn is_same_text(&self, row: &Row) -> bool {
        self.digest.is_some() && self.digest == row.digest
    }
}

/// Writes `rows` as JSON lines, or leaves the file as it was.
///
/// # Errors
/// [`Error::Io`] where it cannot be written.
pub fn save(path: &Path, rows: &[Row]) -> Result<()> {
    write_whole(path, |file| {
        for row in rows {
            serde_json::to_writer(&mut *file, row)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })
}

/// The results of an earlier run.
#[derive(Clone, Debug)]
pub struct Baseline {
    path: PathBuf,
    rows: Vec<Kept>,
}

impl Baseline {
    /// Reads JSON lines: what [`save`] wrote, or the lab printed with `--json`.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::NoText`] where it cannot be read; [`Error::Data`] where a line is no row of the lab, and
    /// where none has times.
    pub fn read(path: &Path) -> Result<Self> {
        let fail = |message: String| Error::Data { path: path.to_owned(), message };
        let text = read_text(path, "cannot read the baseline", NEXT)?;
        let mut rows = Vec::new();
        for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let kept: Kept = serde_json::from_str(line)
                .map_err(|e| fail(format!("line {} is not a row of the lab: {e}; {NEXT}", n + 1)))?;
            rows.push(kept);
            if rows.len() > MOST {
                return Err(fail(format!("holds more than {MOST} rows; {NEXT}")));
            }
        }
        if rows.iter().all(|kept| kept.rounds.is_empty()) {
            return Err(fail(format!("holds no row with times; {NEXT}")));
        }
        Ok(Self { path: path.to_owned(), rows })
    }

    /// The row of the same variant, sizes and adapter; of several, the last.
    fn of(&self, row: &Row) -> Option<&Kept> {
        self.rows.iter().rev().find(|kept| kept.is_of(row) && !kept.rounds.is_empty())
    }

    /// Puts [`Row::of_last`] into every one of `rows` that was timed then too, and what else it shows into `comparison`.
    pub fn compare(&self, rows: &mut [Row], comparison: &mut Comparison) {
        for row in rows.iter_mut().filter(|row| !row.rounds.is_empty()) {
            comparison.timed += 1;
            let Some(kept) = self.of(row) else {
                comparison.new.push(format!("{}/{}", row.op, row.variant));
                continue;
            };
            row.of_last = Speed::unpaired(&row.rounds, &kept.rounds);
            row.same_text = row.of_last.map(|_| kept.is_same_text(row));
            comparison.compared += usize::from(row.of_last.is_some());
            comparison.dates.extend(kept.date.clone());
            if kept.driver != row.driver {
                let note = format!("the driver was {} then, and is {} now", kept.driver, row.driver);
                comparison.notes.insert(note);
            }
        }
    }

    /// Refuses a comparison in which none of `rows` had its like.
    ///
    /// # Errors
    /// [`Error::Data`] where rows were timed and none was compared.
    pub fn check(&self, comparison: &Comparison, rows: &[Row]) -> Result<()> {
        if comparison.timed > 0 && comparison.compared == 0 {
            return Err(Error::Data { path: self.path.clone(), message: self.nothing_like(rows) });
        }
        Ok(())
    }

    /// Why no row can be compared.
    fn nothing_like(&self, rows: &[Row]) -> String {
        let here: BTreeSet<_> = rows.iter().map(|row| (row.op, &*row.sizes, &*row.adapter)).collect();
        let there: BTreeSet<_> =
            self.rows.iter().map(|kept| (&*kept.op, &*kept.sizes, &*kept.adapter)).collect();
        let words = |all: BTreeSet<(&str, &str, &str)>| {
            let of = all.len();
            let mut words: Vec<_> = all
                .iter()
                .take(3)
                .map(|(op, sizes, adapter)| format!("{op} at {sizes} on {adapter}"))
                .collect();
            if of > words.len() {
                words.push(format!("{} more", of - words.len()));
            }
            words.join(", ")
        };
        format!(
            "holds no variant that was timed in this run: it has {}, this run has {}; {NEXT}, or leave `.baseline` out",
            words(there),
            words(here)
        )
    }
}

/// What a comparison with a baseline showed beside the rows' own speeds.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Days of the earlier measurements.
    pub dates: BTreeSet<String>,
    /// Conditions that differ.
    pub notes: BTreeSet<String>,
    /// Variants that were timed now alone, as `OP/VARIANT`.
    pub new: Vec<String>,
    /// Rows that were timed now.
    pub timed: usize,
    /// Rows of which both times are known.
    pub compared: usize,
}

/// A variant that has become slower than allowed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slower {
    /// The operation.
    pub op: &'static str,
    /// The variant.
    pub variant: String,
    /// Sizes in words.
    pub sizes: String,
    /// The activation composed in.
    pub activation: &'static str,
    /// The adapter.
    pub adapter: String,
    /// Vulkan, Metal, ...
    pub backend: String,
    /// Speed relative to the earlier run.
    pub of_last: Speed,
    /// Speed of the machine relative to then: the middle of the other variants whose text is unchanged, 1 if there are
    /// none.
    pub drift: Speed,
    /// How many those are.
    pub unchanged: usize,
    /// The allowed speed, 0.9 for 10 % slower.
    pub allowed: f64,
}

impl Slower {
    /// True if it is about `row`.
    pub fn is_of(&self, row: &Row) -> bool {
        let Self { op, variant, sizes, activation, adapter, backend, .. } = self;
        *variant == row.variant && [*op, sizes, *activation, adapter, backend] == row.place()
    }
}

impl fmt::Display for Slower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, variant, sizes, of_last, drift, unchanged, allowed, .. } = self;
        write!(f, "{op}/{variant} at {sizes} is {of_last} times as fast as in the baseline")?;
        match unchanged {
            0 => write!(
                f,
                ", but the machine's own part of that is not known: no other variant has the same text as then"
            )?,
            n => write!(f, ", the machine alone {drift} times ({})", counted(*n, "unchanged variant"))?,
        }
        write!(f, "; allowed is {allowed:.2} times")
    }
}

/// Returns the rows that have become slower by more than `share` (0.1 is 10 %). The speed of a row is divided by the
/// machine's own: that of the other variants of the same operation, sizes and adapter whose text is unchanged. A row
/// counts only if it exceeds what both intervals explain: its upper end over the machine's lower end.
pub fn slower(rows: &[Row], share: f64) -> Vec<Slower> {
    let allowed = 1.0 - share;
    let judge = |(n, row): (usize, &Row)| {
        let of_last = row.of_last?;
        let others = rows.iter().enumerate().filter(|(other, _)| *other != n).map(|(_, other)| other);
        let same = others.filter(|other| other.same_text == Some(true) && other.place() == row.place());
        let speeds: Vec<Speed> = same.filter_map(|other| other.of_last).collect();
        let drift = middle(&speeds);
        (of_last.high / drift.low < allowed).then(|| Slower {
            op: row.op,
            variant: row.variant.clone(),
            sizes: row.sizes.clone(),
            activation: row.activation,
            adapter: row.adapter.clone(),
            backend: row.backend.clone(),
            of_last,
            drift,
            unchanged: speeds.len(),
            allowed,
        })
    };
    rows.iter().enumerate().filter_map(judge).collect()
}

/// Middle of `speeds`, and of the ends of their intervals; 1 if there are none.
fn middle(speeds: &[Speed]) -> Speed {
    let of = |end: fn(&Speed) -> f64| {
        let mut ends: Vec<f64> = speeds.iter().map(end).collect();
        ends.sort_by(f64::total_cmp);
        match ends.len() {
            0 => 1.0,
            len => (ends[(len - 1) / 2] * ends[len / 2]).sqrt(),
        }
    };
    Speed { times: of(|speed| speed.times), low: of(|speed| speed.low), high: of(|speed| speed.high) }
}

#[cfg(test)]
mod tests {
    use super::{Baseline, Comparison, Kept, Slower, save, slower};
    use crate::row::{Row, tests::row};
    use std::fs;

    fn timed(variant: &str, text: &str, seconds: f64) -> Row {
        let rounds = [1.0, 1.01, 0.99, 1.02, 1.0, 0.98, 1.005, 1.0].map(|noise| noise * seconds).to_vec();
        Row {
            op: "matmul",
            variant: variant.into(),
            sizes: "M=1,N=1,K=1".into(),
            adapter: "an adapter".into(),
            digest: Some(text.into()),
            rounds,
            ..row(Some([seconds; 3]))
        }
    }

    fn baseline(rows: &[Row]) -> (tempfile::TempDir, Baseline) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept.jsonl");
        save(&path, rows).expect("writes");
        let baseline = Baseline::read(&path).expect("reads");
        (folder, baseline)
    }

    fn compared(baseline: &Baseline, rows: &mut [Row]) -> wgrad::Result<Comparison> {
        let mut comparison = Comparison::default();
        baseline.compare(rows, &mut comparison);
        baseline.check(&comparison, rows).map(|()| comparison)
    }

    #[test]
    fn a_variant_that_became_slower_is_found_on_a_slower_machine() {
        let then = [timed("naive", "n", 9.0), timed("tiled", "t", 2.8), timed("mine", "1", 2.0)];
        let (_folder, baseline) = baseline(&then);
        // The machine is half as fast; `mine` alone changed, and takes three times as long.
        let mut now = [timed("naive", "n", 18.0), timed("tiled", "t", 5.6), timed("mine", "2", 6.2)];
        let comparison = compared(&baseline, &mut now).expect("the same rows");
        assert!(comparison.new.is_empty() && comparison.notes.is_empty());
        let found = slower(&now, 0.1);
        let [Slower { variant, drift, unchanged: 2, of_last, .. }] = &found[..] else { panic!("{found:?}") };
        assert!(
            variant == "mine" && (drift.times - 0.5).abs() < 0.01 && (of_last.times - 2.0 / 6.2).abs() < 0.01
        );
        // What is allowed decides.
        assert!(slower(&now, 0.4).is_empty());
        // Without the others the machine's part is not known.
        let mut alone = [timed("mine", "2", 4.0)];
        compared(&baseline, &mut alone).expect("a row");
        assert_eq!(slower(&alone, 0.1)[0].unchanged, 0);
    }

    #[test]
    fn two_backends_of_one_adapter_are_two_rows() {
        let on = |backend: &str, seconds| Row { backend: backend.into(), ..timed("naive", "n", seconds) };
        let (_folder, baseline) = baseline(&[on("vulkan", 1.0), on("gl", 1.0)]);
        let mut now = [on("vulkan", 1.0), on("gl", 9.0)];
        compared(&baseline, &mut now).expect("both");
        let found = slower(&now, 0.1);
        let [gl] = &found[..] else { panic!("{found:?}") };
        assert!(gl.is_of(&now[1]) && !gl.is_of(&now[0]));
    }

    #[test]
    fn nothing_is_compared_in_silence() {
        let (_folder, baseline) = baseline(&[timed("naive", "n", 1.0)]);
        let mut other = [Row { sizes: "M=2,N=1,K=1".into(), ..timed("naive", "n", 1.0) }];
        let error = compared(&baseline, &mut other).expect_err("other sizes").to_string();
        assert!(error.contains("M=1,N=1,K=1") && error.contains("M=2,N=1,K=1"), "{error}");
        let mut some = [timed("naive", "n", 1.0), timed("mine", "m", 1.0)];
        some[0].driver = "another".into();
        let comparison = compared(&baseline, &mut some).expect("one row");
        assert_eq!((comparison.new, comparison.notes.len()), (vec!["matmul/mine".to_string()], 1));
        assert!(some[0].of_last.is_some_and(|speed| speed.is_tie()) && some[1].of_last.is_none());
    }

    #[test]
    fn files_of_another_kind_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let refuse = |text: &str, word: &str| {
            let path = folder.path().join("file");
            fs::write(&path, text).expect("writes");
            let error = Baseline::read(&path).expect_err(text).to_string();
            assert!(error.contains(word), "{error}");
        };
        refuse("", "no row with times");
        refuse("{}\n", "line 1 is not a row");
        refuse("\n[1]\n", "line 2 is not a row");
        // Proven, never timed.
        let untimed =
            serde_json::to_string(&Row { rounds: Vec::new(), ..timed("naive", "n", 1.0) }).expect("JSON");
        refuse(&untimed, "no row with times");
        assert!(serde_json::from_str::<Kept>(&untimed).is_ok());
    }
}
