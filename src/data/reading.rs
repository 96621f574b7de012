//! What a user may say about data of their own, beyond where they are.

use std::fmt;
use std::str::FromStr;

use super::pictures::Fit;
use crate::{Error, Result};

/// The share of the training images that becomes the test part where there is none.
pub const TEST_SHARE: f64 = 0.2;

/// How data of a user's own are read. The defaults let the content decide.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// Of a table: the column that is to be told, by name or by number from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Of a table: columns that are left out, by name or number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// Of a table: what becomes of missing values.
    #[serde(skip_serializing_if = "Missing::is_default")]
    pub missing: Missing,
    /// Whether labels are classes or numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Of a folder of pictures: (height, width) of an image for the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Of a folder of pictures: how a picture of other proportions is made to fit.
    #[serde(skip_serializing_if = "Fit::is_default")]
    pub fit: Fit,
    /// Of a folder of pictures: 1 for grey, 3 for colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// The share of the training images that becomes the test part where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// Which images that are.
    #[serde(skip_serializing_if = "is_zero")]
    pub split_seed: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Reading {
    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What becomes of missing values of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// They are an error that names their lines.
    #[default]
    Error,
    /// Their lines are left out.
    Drop,
    /// A number becomes the mean of its column; a word is none of the words of its column.
    Mean,
}

impl Missing {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl FromStr for Missing {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "error" => Ok(Self::Error),
            "drop" => Ok(Self::Drop),
            "mean" => Ok(Self::Mean),
            _ => Err(Error::Option { name: "--missing", got: text.into(), expected: "error, drop or mean" }),
        }
    }
}

/// What labels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// One of some classes.
    Classes,
    /// A number.
    Number,
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "classes" => Ok(Self::Classes),
            "number" => Ok(Self::Number),
            _ => Err(Error::Option { name: "--target", got: text.into(), expected: "classes or number" }),
        }
    }
}

/// What a size looks like.
const SIZES: &str = "one number or HEIGHTxWIDTH, each from 1 to 4096, such as 96 or 96x128";

/// Height and width of an image, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "[usize; 2]", try_from = "[usize; 2]")]
pub struct Size {
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
}

impl Size {
    /// The longest side that is taken for one.
    pub const LONGEST: usize = 4096;

    fn new(height: usize, width: usize) -> Result<Self> {
        let fine = 1..=Self::LONGEST;
        match fine.contains(&height) && fine.contains(&width) {
            true => Ok(Self { height, width }),
            false => Err(Error::Option { name: "--size", got: format!("{height}x{width}"), expected: SIZES }),
        }
    }
}

impl FromStr for Size {
    type Err = Error;

    /// `96` is square; `96x128` is 96 pixels high and 128 wide.
    fn from_str(text: &str) -> Result<Self> {
        let (height, width) = text.split_once(['x', '×']).unwrap_or((text, text));
        match (height.trim().parse(), width.trim().parse()) {
            (Ok(height), Ok(width)) => Self::new(height, width),
            _ => Err(Error::Option { name: "--size", got: text.into(), expected: SIZES }),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

impl From<Size> for [usize; 2] {
    fn from(size: Size) -> Self {
        [size.height, size.width]
    }
}

impl TryFrom<[usize; 2]> for Size {
    type Error = Error;

    fn try_from([height, width]: [usize; 2]) -> Result<Self> {
        Self::new(height, width)
    }
}
