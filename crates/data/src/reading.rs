//! Options for loading a data set.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result, error::field_error};

/// Default share of the training images that becomes the test part where there is none.
pub const TEST_SHARE: f64 = 0.2;

/// Options for loading a data set. By default, the content decides.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// Label column, by name or by number from 0 (tables only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Columns to leave out, by name or number (tables only).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// Treatment of missing values (tables only).
    #[serde(skip_serializing_if = "Missing::is_default")]
    pub missing: Missing,
    /// Additional texts that mark a missing value (tables only).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub na: Vec<String>,
    /// Usual markers of a missing value, such as `NA`, that are words in columns of words (tables only).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_na: Vec<String>,
    /// Columns whose numbers are names of categories, by name or number (tables only).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<String>,
    /// Presence of a line of column names at the top (tables only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// First character of lines to skip (tables only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    /// Decimal separator of numbers (tables only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
    /// Shape of a row, if it is a picture (tables, and rows in an archive).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<RowShape>,
    /// Kind of the labels: classes or numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Height and width of the network's images (folders of pictures only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Treatment of pictures with other proportions (folders of pictures only).
    #[serde(skip_serializing_if = "Fit::is_default")]
    pub fit: Fit,
    /// Number of channels: 1 for grey, 3 for colour (folders of pictures only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Numbers of a row of words: longer rows lose their beginning, and zeros precede shorter ones (lists in an archive
    /// only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxlen: Option<usize>,
    /// Number of words: those from this number on become 2 (lists in an archive only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_words: Option<usize>,
    /// Share of the training images that becomes the test part where there is none; [`TEST_SHARE`] by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// Seed of the choice of the images that become the test part.
    #[serde(skip_serializing_if = "is_zero")]
    pub split_seed: u64,
    /// Facts that a run recorded about data that it reads again; not recorded with the options.
    #[serde(skip)]
    pub again: Option<Again>,
}

/// Facts about data that are read again for an existing network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// True if the network's images are floats.
    pub floats: bool,
    /// True for the very data that the network was trained on, so that the same part of them is held out.
    pub own: bool,
}

/// The kind of a data set, as far as its options differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Comma-separated values.
    Table,
    /// An archive of numpy arrays.
    Arrays,
    /// A folder of pictures.
    Pictures,
    /// A data set whose files need no options.
    Fixed,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Reading {
    /// True if all options have their defaults.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses options that mean nothing for this kind of data. Options that a run recorded are accepted as they
    /// are.
    ///
    /// # Errors
    /// [`wgrad::Error::Option`] with the option's name.
    pub(super) fn suits(&self, kind: Kind) -> Result<()> {
        let table = (&[Kind::Table][..], "comma-separated values; leave it out");
        let rows = (
            &[Kind::Table, Kind::Arrays][..],
            "comma-separated values, or rows in an .npz archive; leave it out",
        );
        let pictures = (&[Kind::Pictures][..], "a folder of pictures; leave it out");
        let arrays = (&[Kind::Arrays][..], "lists of words in an .npz archive; leave it out");
        let said = [
            ("label", self.label.is_some(), table),
            ("drop", !self.drop.is_empty(), table),
            ("na", !self.na.is_empty(), table),
            ("not_na", !self.not_na.is_empty(), table),
            ("category", !self.category.is_empty(), table),
            ("header", self.header.is_some(), table),
            ("comment", self.comment.is_some(), table),
            ("decimal", self.decimal.is_some(), table),
            ("shape", self.shape.is_some(), rows),
            ("maxlen", self.maxlen.is_some(), arrays),
            ("num_words", self.num_words.is_some(), arrays),
            ("size", self.size.is_some(), pictures),
            ("fit", self.fit != Fit::default(), pictures),
            ("channels", self.channels.is_some(), pictures),
        ];
        let wrong = said.into_iter().find(|(_, said, (kinds, _))| *said && !kinds.contains(&kind));
        match wrong.filter(|_| self.again.is_none()) {
            None => Ok(()),
            Some((name, _, (_, expected))) => {
                let got = match kind {
                    Kind::Table => "given for comma-separated values",
                    Kind::Arrays => "given for an .npz archive",
                    Kind::Pictures => "given for a folder of pictures",
                    Kind::Fixed => "given for a data set that needs none",
                };
                Err(field_error(name, got.to_owned(), expected))
            }
        }
    }
}

/// Treatment of missing values of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// Missing values are an error that names their lines.
    #[default]
    Error,
    /// Lines with missing values are left out.
    Drop,
    /// A missing number becomes the mean of its column; a missing word is none of the words of its column.
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
            _ => Err(field_error("missing", text.into(), "error, drop or mean")),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Drop => "drop",
            Self::Mean => "mean",
        })
    }
}

/// Kind of the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The label is one of several classes.
    Classes,
    /// The label is a number.
    Number,
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "classes" => Ok(Self::Classes),
            "number" => Ok(Self::Number),
            _ => Err(field_error(
                "target",
                text.into(),
                "classes or number (`label` names the column to predict)",
            )),
        }
    }
}

/// Presence of a header: a first line that names the columns of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Header {
    /// It names the columns.
    Yes,
    /// It is a row like the others.
    No,
}

impl FromStr for Header {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "yes" => Ok(Self::Yes),
            "no" => Ok(Self::No),
            _ => Err(field_error("header", text.into(), "yes or no")),
        }
    }
}

/// Decimal separator of a number; the other character of the two groups its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decimal {
    /// `1,234.5`.
    Point,
    /// `1.234,5`.
    Comma,
}

impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "." | "point" => Ok(Self::Point),
            "," | "comma" => Ok(Self::Comma),
            _ => Err(field_error("decimal", text.into(), "point or comma")),
        }
    }
}

/// Meaning of a row of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowShape {
    /// Unrelated columns.
    Table,
    /// (height, width, channels) of a picture, row by row from the top, channels last.
    Picture([usize; 3]),
}

impl FromStr for RowShape {
    type Err = Error;

    /// `28,28` and `28x28` are grey, `32,32,3` is in colour; `table` is no picture.
    fn from_str(text: &str) -> Result<Self> {
        const SHAPES: &str = "HEIGHT,WIDTH or HEIGHT,WIDTH,CHANNELS, sides from 1 to 4096 and 1 to 4 channels, such as 28,28,1, or `table`";
        let fail = || field_error("shape", text.into(), SHAPES);
        if text == "table" {
            return Ok(Self::Table);
        }
        let sizes = text.split([',', 'x', '×']).map(|size| size.trim().parse::<usize>().map_err(|_| fail()));
        let sizes = sizes.collect::<Result<Vec<usize>>>()?;
        let (height, width, channels) = match sizes[..] {
            [height, width] => (height, width, 1),
            [height, width, channels] => (height, width, channels),
            _ => return Err(fail()),
        };
        let fine = 1..=Size::LONGEST;
        let fits = fine.contains(&height) && fine.contains(&width) && (1..=4).contains(&channels);
        if fits { Ok(Self::Picture([height, width, channels])) } else { Err(fail()) }
    }
}

/// The accepted sizes, for errors.
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
    /// Longest accepted side.
    pub const LONGEST: usize = 4096;

    fn new(height: usize, width: usize) -> Result<Self> {
        let fine = 1..=Self::LONGEST;
        match fine.contains(&height) && fine.contains(&width) {
            true => Ok(Self { height, width }),
            false => Err(field_error("size", format!("{height}x{width}"), SIZES)),
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
            _ => Err(field_error("size", text.into(), SIZES)),
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

/// Treatment of pictures with other proportions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// The middle part: torchvision's `Resize` and `CenterCrop`, Keras's `crop_to_aspect_ratio`.
    #[default]
    Crop,
    /// The whole picture, with black on two sides: Keras's `pad_to_aspect_ratio`.
    Pad,
    /// The whole picture, distorted: Keras's plain `image_size`, torchvision's `Resize((h, w))`.
    Stretch,
}

impl Fit {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl FromStr for Fit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "crop" => Ok(Self::Crop),
            "pad" => Ok(Self::Pad),
            "stretch" => Ok(Self::Stretch),
            _ => Err(field_error("fit", text.into(), "crop, pad or stretch")),
        }
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crop => "crop",
            Self::Pad => "pad",
            Self::Stretch => "stretch",
        })
    }
}
