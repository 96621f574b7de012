//! How the columns of a table become numbers, as a run keeps it.

/// How the columns of a file become numbers.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Table {
    /// The columns that go into a network, in the order of the file.
    pub columns: Vec<Column>,
    /// What is to be told.
    pub label: Label,
    /// Which fields have no value.
    #[serde(default, skip_serializing_if = "Absent::is_default")]
    pub absent: Absent,
    /// How many fields a row of the file has; tables of the first version do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<usize>,
}

/// A column that goes into a network.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// Its name, or its number from 0 where the file names none.
    pub name: String,
    /// Its number from 0.
    pub place: usize,
    /// How it becomes numbers.
    #[serde(flatten)]
    pub kind: Kind,
    /// How its numbers are written.
    #[serde(default, skip_serializing_if = "Format::is_default")]
    pub format: Format,
    /// How many rows of the file have no value in it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing: usize,
}

/// How a column becomes numbers.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// (value - mean) / deviation.
    Number {
        /// The mean of the training part.
        mean: f64,
        /// Its standard deviation. A column with 0 is the same on all rows and counts for nothing; a label is only shifted.
        deviation: f64,
    },
    /// One number for each of these words: 1 for the one that it is, 0 for the others.
    Words(Vec<String>),
}

/// The column that is to be told.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Label {
    /// Its name, or its number.
    pub name: String,
    /// Its number from 0.
    pub place: usize,
    /// What a network learns to tell.
    #[serde(flatten)]
    pub kind: Kind,
    /// How its numbers are written.
    #[serde(default, skip_serializing_if = "Format::is_default")]
    pub format: Format,
    /// How many rows of the file have no value in it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing: usize,
}

/// Which fields have no value.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Absent {
    /// Whether what pandas takes for missing counts as such, and `-` and the like among numbers; tables of the first version
    /// know ten texts only.
    #[serde(default)]
    pub usual: bool,
    /// What was said beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
    /// What was said to be a word in columns of words, though it usually has no value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

impl Absent {
    /// As nobody said otherwise.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How the numbers of a column are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Format {
    /// Decimals stand behind a comma.
    #[serde(skip_serializing_if = "is_false")]
    pub comma: bool,
    /// Digits may stand in groups of three, with a space, an apostrophe, or the other one of point and comma between them.
    #[serde(skip_serializing_if = "is_false")]
    pub grouped: bool,
    /// Stands before or behind every number, such as `%`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Format {
    /// Whether it is the plain one.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// In words, where it is not the plain one.
    pub fn in_words(&self) -> String {
        let sign = self.sign.as_ref().map(|sign| format!("with {sign}"));
        let comma = self.comma.then(|| "a comma before decimals".to_owned());
        let groups = (self.grouped && !self.comma).then(|| "digits in groups".to_owned());
        [sign, comma, groups].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Kind {
    /// How many numbers it gives.
    pub fn width(&self) -> usize {
        match self {
            Self::Number { .. } => 1,
            Self::Words(words) => words.len(),
        }
    }
}

/// (value - mean) / deviation; 0 where that is 0: nothing was learnt of such a column.
pub fn of_column(value: f64, mean: f64, deviation: f64) -> f32 {
    if deviation > 0.0 { standardised(value, mean, deviation) } else { 0.0 }
}

/// (value - mean) / deviation.
pub fn standardised(value: f64, mean: f64, deviation: f64) -> f32 {
    ((value - mean) / if deviation > 0.0 { deviation } else { 1.0 }) as f32
}

impl Table {
    /// Values of a row.
    pub fn width(&self) -> usize {
        self.columns.iter().map(|column| column.kind.width()).sum()
    }

    /// The number that a network's output stands for, in the unit of the column.
    pub fn number(&self, output: f64) -> f64 {
        output * self.unit() + if let Kind::Number { mean, .. } = self.label.kind { mean } else { 0.0 }
    }

    /// How much of the column's unit one of a network's output is.
    pub fn unit(&self) -> f64 {
        match self.label.kind {
            Kind::Number { deviation, .. } if deviation > 0.0 => deviation,
            _ => 1.0,
        }
    }

    /// The same for a network from elsewhere, which takes numbers as they are in the file and gives one in the unit of the
    /// label.
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

    /// Whether numbers go into the network as they are in the file.
    pub fn is_as_it_is(&self) -> bool {
        *self == self.as_it_is()
    }

    /// Whether the file names its columns.
    pub fn is_named(&self) -> bool {
        let number = |name: &str, place: usize| name == place.to_string();
        !number(&self.label.name, self.label.place)
            || self.columns.iter().any(|column| !number(&column.name, column.place))
    }

    /// The names of the columns, where they have some.
    pub fn names(&self) -> Vec<&str> {
        let columns = self.columns.iter().map(|column| column.name.as_str());
        let all = columns.chain([self.label.name.as_str()]);
        if self.is_named() { all.collect() } else { Vec::new() }
    }
}
