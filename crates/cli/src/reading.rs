//! Options for reading your own data, and the loading of data sets.

use super::{
    loading::{load_or_fetch_with, say},
    output,
    page::quoted_path,
};
use anyhow::{Result, bail};
use clap::Args;
use std::path::Path;
use wgrad::{
    data::{Dataset, normalization},
    loss::{Loss, NAMES},
    model::Model,
    networks::{NETWORKS, network_for},
};
use wgrad_data::{
    DataSpec, Places, Reading,
    reading::{Decimal, Fit, Header, Missing, RowShape, Size, Target},
    table::Table,
};
use wgrad_formats::keras;

/// Options for reading your own data.
#[derive(Args, Clone, Default)]
pub struct ReadingArgs {
    /// Tables: the column to predict, by name, or number from 0 (-1: last)
    #[arg(long, value_name = "COLUMN", allow_negative_numbers = true)]
    label: Option<String>,
    /// Tables: a column to leave out, by name or number (repeatable)
    #[arg(long, value_name = "COLUMN")]
    drop: Vec<String>,
    /// Tables: lines with missing values are an `error`, left out (`drop`), or filled with the `mean` of the column
    #[arg(long, value_name = "error|drop|mean")]
    missing: Option<Missing>,
    /// Tables: texts that mark a missing value, in addition to the usual ones (empty, NA, NaN, null, ...): `-,n/a`
    #[arg(long, value_name = "TEXTS", value_delimiter = ',', allow_hyphen_values = true)]
    na: Vec<String>,
    /// Tables: texts that are words in columns of words, though they usually mark a missing value: `NA,None`
    #[arg(long, value_name = "TEXTS", value_delimiter = ',', allow_hyphen_values = true)]
    not_na: Vec<String>,
    /// Tables: a column whose numbers are names of categories (repeatable)
    #[arg(long, value_name = "COLUMN")]
    category: Vec<String>,
    /// Tables: whether the first line names the columns [default: detected]
    #[arg(long, value_name = "yes|no")]
    header: Option<Header>,
    /// Tables: leave out lines that begin with this character, such as `#`
    #[arg(long, value_name = "CHARACTER")]
    comment: Option<char>,
    /// Tables: the decimal separator, `point` (1,234.5) or `comma` (1.234,5) [default: detected]
    #[arg(long, value_name = "point|comma")]
    decimal: Option<Decimal>,
    /// Rows are pictures of this HEIGHT,WIDTH,CHANNELS, or a `table` of values [default: pictures if the columns are
    /// called pixel0, pixel1, ... or are 784 or 3072 bytes]
    #[arg(long, value_name = "H,W,C|table")]
    shape: Option<RowShape>,
    /// Labels are `classes` or a `number`, which may be the number of the class [default: what `--loss` takes, else
    /// detected]
    #[arg(long, value_name = "classes|number")]
    target: Option<Target>,
    /// Folders of pictures: the size for the network, `96` or `96x128` (height × width) [default: that of the
    /// pictures, if all have the same]
    #[arg(long, value_name = "SIZE")]
    size: Option<Size>,
    /// Folders of pictures: how to fit other proportions: the middle part (`crop`), the whole with black borders
    /// (`pad`), or the whole distorted (`stretch`) [default: crop]
    #[arg(long, value_name = "crop|pad|stretch")]
    fit: Option<Fit>,
    /// Folders of pictures: 1 for grey, 3 for colour [default: 3]
    #[arg(long, value_name = "1|3")]
    channels: Option<usize>,
    /// Texts as lists of words' numbers: numbers in a row; a longer text loses its beginning, and zeros precede a shorter one
    #[arg(long, value_name = "N")]
    maxlen: Option<usize>,
    /// Texts as lists of words' numbers: words from this number on become 2, the unknown word
    #[arg(long, value_name = "N")]
    num_words: Option<usize>,
    /// Data without a test part: the share to hold out as one [default: 0.2]
    #[arg(long, value_name = "SHARE")]
    test_share: Option<f64>,
    /// Seed that decides what `--test-share` holds out, independent of `--seed`
    #[arg(long, value_name = "N")]
    split_seed: Option<u64>,
}

impl ReadingArgs {
    /// The options as the library's [`Reading`].
    pub fn reading(&self) -> Reading {
        Reading {
            label: self.label.clone(),
            drop: self.drop.clone(),
            missing: self.missing.unwrap_or_default(),
            na: self.na.clone(),
            not_na: self.not_na.clone(),
            category: self.category.clone(),
            header: self.header,
            comment: self.comment,
            decimal: self.decimal,
            shape: self.shape,
            target: self.target,
            size: self.size,
            fit: self.fit.unwrap_or_default(),
            channels: self.channels,
            maxlen: self.maxlen,
            num_words: self.num_words,
            test_share: self.test_share,
            split_seed: self.split_seed.unwrap_or_default(),
            again: None,
        }
    }

    /// Like [`Self::reading`]; without `--target` the loss decides whether labels are classes or numbers.
    pub fn reading_for(&self, loss: Option<Loss>) -> Reading {
        let reading = self.reading();
        let target = loss.map(|loss| if loss.is_regression() { Target::Number } else { Target::Classes });
        Reading { target: reading.target.or(target), ..reading }
    }

    /// Returns true for `--target number`. A loss alone does not make numbers of class names.
    pub fn numbers(&self) -> bool {
        self.target == Some(Target::Number)
    }

    /// Loads the whole data set of `spec` with these options, and prints its warnings and notes.
    pub fn load(&self, spec: &DataSpec) -> Result<Dataset> {
        let data = load_or_fetch_with(spec, &Places::from_env(), &self.reading(), None)?;
        say(&data);
        Ok(data)
    }
}

/// Changes to a data set for a training.
pub struct Wanted<'a> {
    /// Number of training images to keep, from the first.
    pub limit: Option<usize>,
    /// Share of the training images for validation.
    pub validation: Option<f64>,
    /// Seed of the choice of validation images.
    pub seed: u64,
    /// True to predict the numbers of the classes as numbers.
    pub numbers: bool,
    /// True to normalize by the mean and deviation of each channel.
    pub normalize: bool,
    /// Columns of a table, as they were read from other rows.
    pub table: Option<&'a Table>,
}

/// Loads a data set, fetching it first if it is not here, and prints where it came from.
pub fn load(spec: &DataSpec, reading: &Reading, wanted: &Wanted<'_>) -> Result<Dataset> {
    let mut dataset = load_or_fetch_with(spec, &Places::from_env(), reading, wanted.table)?;
    if wanted.numbers {
        dataset = dataset.with_numbers();
    }
    if let Some(n) = wanted.limit {
        dataset = dataset.limit(n, usize::MAX);
    }
    if let Some(share) = wanted.validation {
        dataset = dataset.with_validation(share, wanted.seed)?;
    }
    say(&dataset);
    output::say(format!(
        "data: {} ({} training, {} test {}){}",
        dataset.name,
        dataset.train.len(),
        dataset.test.len(),
        dataset.things(),
        origin(&dataset.source)
    ));
    if wanted.normalize {
        let found = normalization::of(&dataset)?;
        let words = |values: &[f64]| values.iter().map(|v| format!("{v:.4}")).collect::<Vec<_>>().join(", ");
        output::say(format!(
            "normalized: mean {}, deviation {}",
            words(&found.mean),
            words(&found.deviation)
        ));
        dataset.input.normalization = Some(found);
    }
    Ok(dataset)
}

/// Source of the data, as the end of a message; that of drawn data begins with `drawn`.
fn origin(source: &str) -> String {
    let from = if source.starts_with("drawn ") { "," } else { " from" };
    format!("{from} {source}")
}

/// Purpose of a network's initialisers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Initial {
    /// A training begins from them.
    Trained,
    /// None: weights are given.
    Unused,
    /// Any other: initialisers that wgrad does not have are reported.
    Reported,
}

/// The model that `--model` names, for this data: a built-in network gets the last layer that the labels call for, or
/// the one that `loss` takes.
pub fn model_for(name: &str, data: &Dataset, loss: Option<Loss>, initial: Initial) -> Result<Model> {
    let said = loss;
    let loss = loss.or(data.input.numbers.then_some(Loss::MeanSquaredError));
    let built_in = NETWORKS.iter().any(|(known, _)| *known == name);
    let mut model = match (built_in, loss) {
        (true, Some(loss)) => network_for(name, data.shape(), data.classes.len(), loss)?,
        (false, _) if keras::is_keras(Path::new(name)) => {
            let path = Path::new(name);
            let loaded = super::keras_model(path, data.shape(), initial == Initial::Reported)?;
            if let (Some(missing), None) = (loaded.missing_loss, said) {
                bail!("{name} {missing}; choose the one to train with, such as `--loss mse`: {NAMES}");
            }
            if let (Some(first), Initial::Trained) = (loaded.initializers.first(), initial) {
                let next = match keras::is_archive(path) {
                    true => format!("start from the weights in the file: `--init {}`", quoted_path(path)),
                    false => "pass the weights: `model.save_weights(\"model.weights.h5\")` in Keras, then \
                              `--init model.weights.h5`; or name one of these in the file"
                        .to_string(),
                };
                bail!("{name}: {first}; {next}");
            }
            loaded.model
        }
        _ => super::model(name, data.shape(), data.classes.len())?,
    };
    if let (Some(loss), false) = (said, model.heads.is_empty()) {
        bail!(
            "--loss {loss} is for a network with one output, and {} has {}, each with its own; give them theirs as `loss` \
             in `[[outputs]]`, or in Keras's compile()",
            model.name,
            model.heads.len()
        );
    }
    if let Some(loss) = loss.filter(|_| built_in || model.loss.is_none() && model.heads.is_empty()) {
        model.loss = Some(loss);
        model.summary()?;
    }
    Ok(model)
}

/// Refuses a network with several outputs where `what` shows one.
pub fn one_output(model: &Model, what: &str) -> Result<()> {
    let names: Vec<&str> = model.heads.iter().map(|head| head.name()).collect();
    if names.is_empty() {
        return Ok(());
    }
    bail!(
        "{what} shows one output, and {} has {}: {}; `wgrad export RUN --onnx FILE` writes it with all of them, and `predict` \
         of the Python package gives them all",
        model.name,
        names.len(),
        names.join(", ")
    )
}

/// Refuses a loss of numbers on labels that are classes; `--target number` makes them numbers.
pub fn refuse_classes_as_numbers(model: &Model, data: &Dataset) -> Result<()> {
    let loss = model.loss()?;
    if !loss.is_regression() || data.input.numbers {
        return Ok(());
    }
    if !model.heads.is_empty() {
        bail!(
            "the network has {} outputs, whose labels are rows of numbers, and the labels of {} are classes; use \
             `--target number`, and an .npz file with a row of labels for each example",
            model.heads.len(),
            data.name
        )
    }
    bail!(
        "the loss {loss} compares numbers, and the labels of {} are {} classes; use `--loss softmax_cross_entropy`, or \
         `--target number` to predict the number of the class",
        data.name,
        data.classes.len()
    )
}

#[cfg(test)]
mod tests {
    use super::origin;
    use wgrad_data::synthetic::synthetic;

    #[test]
    fn what_was_drawn_came_from_nowhere() {
        assert_eq!(origin("/data/mnist"), " from /data/mnist");
        let drawn = origin(&synthetic(7, 3, 2).source);
        assert_eq!(drawn, ", drawn from seed 7: 3 training and 2 test images");
    }
}
