//! Rows of a file as pictures for an existing network.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::fail;
use super::guess::label_place;
use super::picture::{self, Picture};
use super::sheet::Sheet;
use crate::Result;
use crate::reading::{Reading, RowShape};

/// True if a file begins like rows of many values; files of pictures do not.
pub fn is_rows(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(512).read_to_end(&mut head));
    let text = match std::str::from_utf8(&head) {
        Ok(text) => text,
        // The end of the buffer cuts a letter in two.
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(&head[..e.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let first = text.lines().next().unwrap_or_default();
    read.is_ok()
        && !text.contains('\0')
        && [',', ';', '\t', '|'].iter().any(|sign| first.matches(*sign).count() > 2)
}

/// The rows of a file, of which each is a picture.
pub struct PictureRows {
    sheet: Sheet,
    picture: Picture,
}

impl PictureRows {
    /// Opens a file whose rows hold pictures of `shape`, (height, width, channels), with or without a label. Values
    /// are bytes, or, with `floats`, numbers as they are.
    ///
    /// # Errors
    /// [`Error::Data`] where the rows have another number of values; [`wgrad::Error::Io`].
    ///
    /// [`Error::Data`]: crate::Error::Data
    pub fn open(path: &Path, shape: [usize; 3], floats: bool, reading: &Reading) -> Result<Self> {
        let sheet = Sheet::read(path, reading, &[])?;
        let size: usize = shape.iter().product();
        let mut places: Vec<usize> = (0..sheet.names.len()).collect();
        if places.len() != size {
            let there = |text: &&String| sheet.named_column(text).is_some() || text.parse::<i64>().is_ok();
            let dropped = reading.drop.iter().filter(there).map(|text| sheet.column("drop", text));
            let mut left_out = dropped.collect::<Result<HashSet<usize>>>()?;
            left_out.extend(sheet.row_names.then_some(0));
            if places.len() - left_out.len() != size {
                left_out.insert(label_place(&sheet, reading, &left_out, &mut Vec::new())?);
            }
            places.retain(|place| !left_out.contains(place));
        }
        if places.len() != size {
            let [height, width, channels] = shape;
            return Err(fail(
                path,
                format!(
                    "has {} columns, expected {size} for pictures of {height}×{width}×{channels}, and perhaps a label",
                    sheet.names.len()
                ),
            ));
        }
        // The names of the columns give the order of the values.
        let said = Reading { shape: Some(RowShape::Picture(shape)), ..Reading::default() };
        let ordered = picture::of(&sheet, &places, &said, &mut Vec::new())?;
        let places = ordered.map_or(places, |picture| picture.places);
        Ok(Self { sheet, picture: Picture { shape, places, floats } })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.sheet.len()
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line of a row in its file, from 1.
    pub fn line(&self, row: usize) -> u64 {
        self.sheet.line(row)
    }

    /// The values of some rows as a network takes them; rows past the end are left out.
    ///
    /// # Errors
    /// [`Error::Data`] where a field is not a number, or not a byte where bytes are expected.
    ///
    /// [`Error::Data`]: crate::Error::Data
    pub fn values(&self, which: std::ops::Range<usize>) -> Result<Vec<u8>> {
        let mut values = Vec::new();
        for row in which.start..which.end.min(self.len()) {
            self.picture.encode(&self.sheet, row, &self.picture.places, &mut values)?;
        }
        Ok(values)
    }
}
