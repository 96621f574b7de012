//! What a user may say about data of their own, beyond where they are.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result, error::field_error};

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
    /// Of a table: what a field says that has no value, beside what is known as such.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub na: Vec<String>,
    /// Of a table: words in columns of words that usually mean that there is no value, such as `NA`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_na: Vec<String>,
    /// Of a table: columns whose numbers are names of categories, by name or number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<String>,
    /// Of a table: whether the first line names the columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// Of a table: lines that begin with this are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    /// Of a table: what stands before the decimals of a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
    /// Of a table, or of rows in an archive: the picture that a row is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<RowShape>,
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
    /// What a run says of data that it reads again; it is told beside what it records.
    #[serde(skip)]
    pub again: Option<Again>,
}

/// What is known of data that are read again for a network that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// Whether its images are floats.
    pub floats: bool,
    /// Whether these are the very data that it was trained on, so that the same part of them is held out.
    pub own: bool,
}

/// What a user's data are, as far as the options differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Comma-separated values.
    Table,
    /// An archive of numpy's arrays.
    Arrays,
    /// A folder of pictures.
    Pictures,
    /// A data set whose files say all about themselves.
    Fixed,
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

    /// Refuses what was said and means nothing for data of this kind. What a run recorded is as it is.
    ///
    /// # Errors
    /// [`wgrad::Error::Option`] that names the option.
    pub(super) fn suits(&self, kind: Kind) -> Result<()> {
        let table = (&[Kind::Table][..], "comma-separated values; leave it out");
        let rows = (
            &[Kind::Table, Kind::Arrays][..],
            "comma-separated values, or rows in an .npz archive; leave it out",
        );
        let pictures = (&[Kind::Pictures][..], "a folder of pictures; leave it out");
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
            _ => Err(field_error("target", text.into(), "classes or number")),
        }
    }
}

/// Whether the first line of a table names its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Header {
    /// It does.
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

/// What stands before the decimals of a number; the other one of the two groups its digits.
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

/// What a row of numbers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowShape {
    /// Columns that have nothing to do with each other.
    Table,
    /// (height, width, channels) of a picture, row after row from the top, channels last.
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

/// How a picture of other proportions is made to fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Its middle: torchvision's `Resize` and `CenterCrop`, Keras's `crop_to_aspect_ratio`.
    #[default]
    Crop,
    /// All of it, with black at two sides: Keras's `pad_to_aspect_ratio`.
    Pad,
    /// All of it, out of proportion: Keras's plain `image_size`, torchvision's `Resize((h, w))`.
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
