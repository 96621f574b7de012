//! The files of a run that grow by a line an epoch: `metrics.jsonl`, and `layers.jsonl` with the norms of every tensor.

use super::{EpochLine, Run};
use crate::{
    Error, Result,
    checkpoint::Position,
    data::{io_error, write_whole},
    train::TensorNorms,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fs, io};

const METRICS: &str = "metrics.jsonl";
const LAYERS: &str = "layers.jsonl";

/// One line of `layers.jsonl`: the tensors after an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayersLine {
    /// From 1.
    pub epoch: u64,
    /// Every tensor, in the order of the network.
    pub tensors: Vec<TensorNorms>,
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

    /// Drops the lines of epochs after `position`: a resumed run writes them again.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn rewind(&self, position: &Position) -> Result<()> {
        self.cut::<EpochLine>(METRICS, position)?;
        self.cut::<LayersLine>(LAYERS, position)
    }

    /// The metrics of the epochs that ended.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Run`] for a line that is no metrics.
    pub fn metrics(&self) -> Result<Vec<EpochLine>> {
        self.lines(METRICS)
    }

    /// The norms of the epochs that ended; none of a run of an older version.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Run`] for a line that is none.
    pub fn layers(&self) -> Result<Vec<LayersLine>> {
        self.lines(LAYERS)
    }

    fn append<T: Line>(&self, name: &str, line: T) -> Result<()> {
        let mut lines: Vec<T> = self.lines(name)?;
        lines.retain(|earlier| earlier.epoch() < line.epoch());
        lines.push(line);
        self.write_lines(name, &lines)
    }

    fn cut<T: Line>(&self, name: &str, position: &Position) -> Result<()> {
        let mut lines: Vec<T> = self.lines(name)?;
        let before = lines.len();
        lines.retain(|line| line.epoch() <= position.epoch);
        if lines.len() == before { Ok(()) } else { self.write_lines(name, &lines) }
    }

    fn write_lines<T: Line>(&self, name: &str, lines: &[T]) -> Result<()> {
        write_whole(&self.folder.join(name), |file| {
            for line in lines {
                serde_json::to_writer(&mut *file, line)?;
                file.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    fn lines<T: Line>(&self, name: &str) -> Result<Vec<T>> {
        let path = self.folder.join(name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(io_error("cannot read", &path, "")(e)),
        };
        text.lines()
            .enumerate()
            .map(|(n, line)| {
                serde_json::from_str(line).map_err(|e| Error::Run {
                    folder: self.folder.clone(),
                    message: format!("has a damaged line {} in {name}: {e}", n + 1),
                })
            })
            .collect()
    }
}
