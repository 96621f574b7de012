//! The files of a run that grow by one line per epoch: `metrics.jsonl`, and `layers.jsonl` with the norms of every
//! tensor. A line is appended and flushed before the state that marks its epoch as done. A partial line left by a crash
//! is ignored: its epoch is repeated.

use super::{CONFIG, EpochLine, Run, SPACE};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};
use wgrad::{Error, Result, checkpoint::Position, error::io_error, train::TensorNorms};
use wgrad_files::{flush, not_linked, read_regular, regular, write_owned};

pub(super) const METRICS: &str = "metrics.jsonl";
pub(super) const LAYERS: &str = "layers.jsonl";

/// One line of `layers.jsonl`: the tensors after an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayersLine {
    /// Number of the epoch, from 1.
    pub epoch: u64,
    /// Every tensor, in the order of the network.
    pub tensors: Vec<TensorNorms>,
}

/// Fields that every line has.
#[derive(Deserialize)]
struct OfEpoch {
    epoch: u64,
}

/// End of a file of lines.
enum End {
    /// The file ends with the line of this epoch (first field); its length in bytes is the second field.
    Line(u64, u64),
    /// The file is empty.
    Empty,
    /// The file ends with an incomplete or invalid line.
    Torn,
}

/// A line that belongs to an epoch.
trait Line: Serialize + DeserializeOwned {
    fn epoch(&self) -> u64;
}

impl Line for EpochLine {
    fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl Line for LayersLine {
    fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl Run {
    /// Appends a line to `metrics.jsonl` and flushes it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn log(&self, line: &EpochLine) -> Result<()> {
        self.append(METRICS, *line)
    }

    /// Appends a line to `layers.jsonl` and flushes it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn log_layers(&self, line: LayersLine) -> Result<()> {
        self.append(LAYERS, line)
    }

    /// Drops the lines of epochs after `position`: a resumed run writes them again. Returns descriptions of the damaged
    /// ends that were dropped too.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Run`] for a damaged line before `position`.
    pub fn rewind(&self, position: &Position) -> Result<Vec<String>> {
        let both = [self.cut::<EpochLine>(METRICS, position)?, self.cut::<LayersLine>(LAYERS, position)?];
        Ok(both.into_iter().flatten().collect())
    }

    /// Returns the metrics of the epochs up to `position`, regardless of what follows them.
    pub(super) fn lines_to(&self, position: &Position) -> Result<Vec<EpochLine>> {
        let (mut lines, _) = self.read_lines::<EpochLine>(METRICS, Some(position.epoch))?;
        lines.retain(|line| line.epoch <= position.epoch);
        Ok(lines)
    }

    /// Returns the metrics of the finished epochs.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Run`] for an invalid line.
    pub fn metrics(&self) -> Result<Vec<EpochLine>> {
        self.lines(METRICS)
    }

    /// Returns the norms of the finished epochs; empty for a run of an older version.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Run`] for an invalid line.
    pub fn layers(&self) -> Result<Vec<LayersLine>> {
        self.lines(LAYERS)
    }

    /// Returns how many of the epochs before `position` have no line in `metrics.jsonl`: a failed write of an older
    /// version left such holes.
    ///
    /// # Errors
    /// The errors of [`Run::metrics`].
    pub fn missing_lines(&self, position: &Position) -> Result<u64> {
        Ok(position.epoch.saturating_sub(self.metrics()?.len() as u64))
    }

    fn append<T: Line>(&self, name: &'static str, line: T) -> Result<()> {
        let path = self.folder.join(name);
        if let Some(owner) = &self.owner {
            owner.check(&self.folder, CONFIG)?;
            let length = path.metadata().map_or(0, |about| about.len());
            owner.left(&self.folder, name, length)?;
        }
        let cannot = |e| io_error("cannot write", &path, SPACE)(e);
        let ends = match end(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => End::Empty,
            other => other.map_err(cannot)?,
        };
        match ends {
            End::Empty => add(&path, 0, &line).map_err(cannot).and_then(|()| flush(&self.folder))?,
            End::Line(epoch, length) if epoch < line.epoch() => add(&path, length, &line).map_err(cannot)?,
            // The epoch is repeated, or the previous line is incomplete.
            End::Line(..) | End::Torn => {
                let mut lines: Vec<T> = self.lines(name)?;
                lines.retain(|earlier| earlier.epoch() < line.epoch());
                lines.push(line);
                self.write_lines(name, &lines)?;
            }
        }
        if let Some(owner) = &self.owner {
            owner.leave(name, path.metadata().map_err(cannot)?.len());
        }
        Ok(())
    }

    fn cut<T: Line>(&self, name: &str, position: &Position) -> Result<Option<String>> {
        let (mut lines, damaged) = self.read_lines::<T>(name, Some(position.epoch))?;
        let before = lines.len();
        lines.retain(|line| line.epoch() <= position.epoch);
        let path = self.folder.join(name);
        let whole = match end(&path) {
            Ok(ends) => !matches!(ends, End::Torn),
            Err(e) if e.kind() == io::ErrorKind::NotFound => true,
            Err(e) => return Err(io_error("cannot read", &path, "")(e)),
        };
        if !(whole && damaged.is_none() && lines.len() == before) {
            self.write_lines(name, &lines)?;
        }
        Ok(damaged.map(|n| {
            format!("the end of {name}, from line {n}, is damaged and belongs to no epoch: dropped")
        }))
    }

    fn write_lines<T: Line>(&self, name: &str, lines: &[T]) -> Result<()> {
        write_owned(&self.folder.join(name), |file| {
            for line in lines {
                serde_json::to_writer(&mut *file, line)?;
                file.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    fn lines<T: Line>(&self, name: &str) -> Result<Vec<T>> {
        Ok(self.read_lines(name, None)?.0)
    }

    /// Returns the lines before the first invalid one, and the number of that one. An invalid line must stand at the
    /// end, after the line of epoch `done` if that is given; the exception is a last line that was not written
    /// completely.
    fn read_lines<T: Line>(&self, name: &str, done: Option<u64>) -> Result<(Vec<T>, Option<usize>)> {
        let path = self.folder.join(name);
        let bytes = match read_regular(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), None)),
            Err(e) => return Err(io_error("cannot read", &path, "")(e)),
        };
        let fail = |n: usize, e: serde_json::Error| Error::Run {
            folder: self.folder.clone(),
            message: format!(
                "has a damaged line {n} in {name}: {e}; put it back as it was, or delete it: the rest of the run stays as it is"
            ),
        };
        let (mut lines, mut damaged) = (Vec::<T>::new(), None);
        for (n, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let last = lines.last().map_or(0, Line::epoch);
            match (serde_json::from_slice(line), damaged.take()) {
                (Ok(line), None) => lines.push(line),
                // A line of an epoch that is repeated.
                (Ok(_), Some(first)) if done.is_some_and(|done| last >= done) => damaged = Some(first),
                (Ok(_), Some((n, e))) => return Err(fail(n, e)),
                (Err(e), _) if line.ends_with(b"\n") && done.is_some_and(|done| last < done) => {
                    return Err(fail(n + 1, e));
                }
                // It follows all lines that count, or it is being written just now, or its writer was killed.
                (Err(e), first) => damaged = first.or(Some((n + 1, e))),
            }
        }
        Ok((lines, damaged.map(|(n, _)| n)))
    }
}

/// Appends `line` to a file of `length` bytes and flushes it; a partial line is removed again.
fn add(path: &Path, length: u64, line: &impl Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    match not_linked(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = File::options().append(true).create(true).open(path)?;
    let written = file.write_all(&text).and_then(|()| file.sync_data());
    written.or_else(|e| file.set_len(length).and(Err(e)))
}

/// Determines the end of a file of lines, reading little more than its last line.
fn end(path: &Path) -> io::Result<End> {
    regular(path)?;
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut window = 1 << 14;
    loop {
        let from = length.saturating_sub(window);
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        (&file).take(length - from).read_to_end(&mut tail)?;
        let Some((b'\n', lines)) = tail.split_last() else {
            return Ok(if length == 0 { End::Empty } else { End::Torn });
        };
        let begin = lines.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        if begin.is_some() || from == 0 {
            let line = &lines[begin.unwrap_or(0)..];
            return Ok(match serde_json::from_slice::<OfEpoch>(line) {
                Ok(line) => End::Line(line.epoch, length),
                Err(_) => End::Torn,
            });
        }
        window *= 4;
    }
}

#[cfg(test)]
mod tests {
    use crate::{EpochLine, Run, state::tests::old_run};
    use std::fs;
    use wgrad::{checkpoint::Position, metrics::Metrics};

    fn line(epoch: u64) -> EpochLine {
        EpochLine::new(epoch, 4 * epoch, [Metrics::default(); 2], None, 1.0)
    }

    fn epochs(run: &Run) -> Vec<u64> {
        run.metrics().expect("reads").iter().map(|line| line.epoch).collect()
    }

    #[test]
    fn lines_are_appended_and_half_of_one_is_none() {
        let folder = old_run();
        let path = folder.path().join("metrics.jsonl");
        let run = Run::take(folder.path()).expect("nobody has it");
        let before = fs::read(&path).expect("reads");
        run.log(&line(3)).expect("writes");
        assert!(fs::read(&path).expect("reads").starts_with(&before), "what was there was written again");
        assert_eq!(epochs(&run), [1, 2, 3]);
        // A repeated epoch.
        run.log(&line(3)).expect("writes");
        run.log(&line(2)).expect("writes");
        assert_eq!(epochs(&run), [1, 2]);
        // Changed by another program.
        let whole = fs::read(&path).expect("reads");
        fs::remove_file(&path).expect("removed");
        let error = run.log(&line(3)).expect_err("its lines are gone").to_string();
        assert!(error.contains("metrics.jsonl that was changed"), "{error}");
        // A process killed while writing, and a file read while it is written.
        drop(run);
        for torn in [&b"{\"epoch\":3,\"st"[..], b"\0\0\0\0", b"{\"epoch\":3}"] {
            fs::write(&path, [&whole[..], torn].concat()).expect("written");
            let run = Run::take(folder.path()).expect("free again");
            assert_eq!(epochs(&run), [1, 2]);
            run.log(&line(3)).expect("writes");
            assert_eq!(epochs(&run), [1, 2, 3]);
            fs::write(&path, [&whole[..], torn].concat()).expect("written");
            run.rewind(&Position { epoch: 2, ..Position::default() }).expect("mends");
            assert_eq!(fs::read(&path).expect("reads"), whole);
        }
        fs::write(&path, [&b"{}\n"[..], &whole[..]].concat()).expect("written");
        let error = Run::open(folder.path()).and_then(|run| run.metrics()).expect_err("damaged").to_string();
        assert!(error.contains("damaged line 1 in metrics.jsonl"), "{error}");
    }

    #[test]
    fn the_end_of_a_file_is_found_whatever_the_length_of_a_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lines");
        let ends = |text: &str| {
            fs::write(&path, text).expect("written");
            match super::end(&path).expect("reads") {
                super::End::Line(epoch, length) => Some((epoch, length)),
                super::End::Empty => Some((0, 0)),
                super::End::Torn => None,
            }
        };
        let long = format!("{{\"epoch\":7,\"of\":\"{}\"}}\n", "x".repeat(200_000));
        assert_eq!(ends(""), Some((0, 0)));
        assert_eq!(ends("{\"epoch\":1}\n"), Some((1, 12)));
        assert_eq!(ends(&format!("{{\"epoch\":1}}\n{long}")), Some((7, long.len() as u64 + 12)));
        assert_eq!(ends(&format!("{long}{{\"epoch\":8}}\n")), Some((8, long.len() as u64 + 12)));
        assert_eq!(ends(&long), Some((7, long.len() as u64)));
        assert_eq!((ends(long.trim_end()), ends("\n"), ends("x\n")), (None, None, None));
    }
}
