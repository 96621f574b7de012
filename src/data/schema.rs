//! Conversion of a table's columns into numbers, as a run records it.

/// The conversion of a file's columns into numbers.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Table {
    /// The input columns of a network, in the order of the file.
    pub columns: Vec<Column>,
    /// The column to predict.
    pub label: Label,
    /// The fields that count as missing.
    #[serde(default, skip_serializing_if = "Absent::is_default")]
    pub absent: Absent,
    /// Number of fields per row of the file; not recorded by tables of the first version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<usize>,
}

/// An input column of a network.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// Its name, or its index from 0 if the file has no header.
    pub name: String,
    /// Its index from 0.
    pub place: usize,
    /// Its conversion into numbers.
    #[serde(flatten)]
    pub kind: Kind,
    /// The notation of its numbers.
    #[serde(default, skip_serializing_if = "Format::is_default")]
    pub format: Format,
    /// Number of rows of the file without a value in it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing: usize,
}

/// Conversion of a column into numbers.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// (value - mean) / deviation.
    Number {
        /// The mean of the training part.
        mean: f64,
        /// Its standard deviation. A column with 0 is constant and is ignored; a label is only shifted.
        deviation: f64,
    },
    /// One number for each of these words: 1 for the word in the field, 0 for the others.
    Words(Vec<String>),
}

/// The column to predict.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Label {
    /// Its name, or its index.
    pub name: String,
    /// Its index from 0.
    pub place: usize,
    /// The target that a network learns.
    #[serde(flatten)]
    pub kind: Kind,
    /// The notation of its numbers.
    #[serde(default, skip_serializing_if = "Format::is_default")]
    pub format: Format,
    /// Number of rows of the file without a value in it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing: usize,
}

/// The fields that count as missing.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Absent {
    /// True if the texts that pandas treats as missing count as missing, and among numbers `-` and the like; tables of
    /// the first version know only ten texts.
    #[serde(default)]
    pub usual: bool,
    /// Further texts that the user declared as missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
    /// Texts that usually count as missing and that the user declared as words in columns of words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

impl Absent {
    /// Returns true if it is the default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Notation of the numbers in a column.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Format {
    /// True if decimals follow a comma.
    #[serde(skip_serializing_if = "is_false")]
    pub comma: bool,
    /// True if digits may be grouped in threes, separated by a space, an apostrophe, or the other one of point and
    /// comma.
    #[serde(skip_serializing_if = "is_false")]
    pub grouped: bool,
    /// A sign before or after every number, such as `%`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Format {
    /// Returns true if it is the plain notation.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Describes the notation; empty if it is the plain one.
    pub fn in_words(&self) -> String {
        let sign = self.sign.as_ref().map(|sign| format!("with {sign}"));
        let comma = self.comma.then(|| "with a decimal comma".to_owned());
        let groups = (self.grouped && !self.comma).then(|| "with digits in groups".to_owned());
        [sign, comma, groups].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Kind {
    /// Number of values that it produces.
    pub fn width(&self) -> usize {
        match self {
            Self::Number { .. } => 1,
            Self::Words(words) => words.len(),
        }
    }
}

/// (value - mean) / deviation; 0 if the deviation is 0, because nothing was learnt from such a column.
pub fn of_column(value: f64, mean: f64, deviation: f64) -> f32 {
    if deviation > 0.0 { standardised(value, mean, deviation) } else { 0.0 }
}

/// (value - mean) / deviation.
pub fn standardised(value: f64, mean: f64, deviation: f64) -> f32 {
    ((value - mean) / if deviation > 0.0 { deviation } else { 1.0 }) as f32
}

impl Table {
    /// Number of values per row.
    pub fn width(&self) -> usize {
        self.columns.iter().map(|column| column.kind.width()).sum()
    }

    /// Converts a network's output into the unit of the label's column.
    pub fn number(&self, output: f64) -> f64 {
        output * self.unit() + if let Kind::Number { mean, .. } = self.label.kind { mean } else { 0.0 }
    }

    /// The amount in the column's unit for 1 in a network's output.
    pub fn unit(&self) -> f64 {
        match self.label.kind {
            Kind::Number { deviation, .. } if deviation > 0.0 => deviation,
            _ => 1.0,
        }
    }

    /// A copy for a network from elsewhere, which takes numbers as they are in the file and returns one in the unit of
    /// the label.
    #[must_use]
    pub fn as_it_is(&self) -> Self {
        let mut table = self.clone();
        for kind in table.columns.iter_mut().map(|column| &mut column.kind).chain([&mut table.label.kind]) {
            if let Kind::Number { mean, deviation } = kind {
                (*mean, *deviation) = (0.0, 1.0);
            }
        }
        table
    }

    /// Returns true if numbers enter the network as they are in the file.
    pub fn is_as_it_is(&self) -> bool {
        *self == self.as_it_is()
    }

    /// Returns true if the file names its columns.
    pub fn is_named(&self) -> bool {
        let number = |name: &str, place: usize| name == place.to_string();
        !number(&self.label.name, self.label.place)
            || self.columns.iter().any(|column| !number(&column.name, column.place))
    }

    /// The names of the columns, if they have any.
    pub fn names(&self) -> Vec<&str> {
        let columns = self.columns.iter().map(|column| column.name.as_str());
        let all = columns.chain([self.label.name.as_str()]);
        if self.is_named() { all.collect() } else { Vec::new() }
    }
}
