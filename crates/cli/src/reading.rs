//! The options that say how data of a user's own are read, and loading them.

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

/// How data of a user's own are read.
#[derive(Args, Clone, Default)]
pub struct ReadingArgs {
    /// Tables: the column to predict, by name, or by number from 0 (-1 is the last)
    #[arg(long, value_name = "COLUMN", allow_negative_numbers = true)]
    label: Option<String>,
    /// Of a table: leave a column out, by name or number (repeatable)
    #[arg(long, value_name = "COLUMN")]
    drop: Vec<String>,
    /// Of a table: lines with missing values are an `error`, or left out (`drop`), or get the `mean` of the column
    #[arg(long, value_name = "error|drop|mean")]
    missing: Option<Missing>,
    /// Of a table: texts that mean that there is no value, beside the usual ones (empty, NA, NaN, null, ...): `-,n/a`
    #[arg(long, value_name = "TEXTS", value_delimiter = ',', allow_hyphen_values = true)]
    na: Vec<String>,
    /// Of a table: texts that are words in columns of words, though they usually mean that there is no value: `NA,None`
    #[arg(long, value_name = "TEXTS", value_delimiter = ',', allow_hyphen_values = true)]
    not_na: Vec<String>,
    /// Of a table: the numbers of this column are names of categories (repeatable)
    #[arg(long, value_name = "COLUMN")]
    category: Vec<String>,
    /// Of a table: whether the first line names the columns [default: what it looks like]
    #[arg(long, value_name = "yes|no")]
    header: Option<Header>,
    /// Of a table: leave out lines that begin with this character, such as `#`
    #[arg(long, value_name = "CHARACTER")]
    comment: Option<char>,
    /// Of a table: what stands before decimals, `point` (1,234.5) or `comma` (1.234,5) [default: what it looks like]
    #[arg(long, value_name = "point|comma")]
    decimal: Option<Decimal>,
    /// Each row is a picture of this HEIGHT,WIDTH,CHANNELS, or no picture but a `table` [default: a picture where columns are
    /// called pixel0, pixel1, ... or are 784 or 3072 bytes]
    #[arg(long, value_name = "H,W,C|table")]
    shape: Option<RowShape>,
    /// Whether labels are `classes` or a `number`: also the number of the class [default: what they look like, or what
    /// `--loss` takes]
    #[arg(long, value_name = "classes|number")]
    target: Option<Target>,
    /// Of a folder of pictures: the size for the network, `96` or `96x128` (height × width) [default: that of the pictures,
    /// where all have one]
    #[arg(long, value_name = "SIZE")]
    size: Option<Size>,
    /// Of a folder of pictures: of other proportions take the middle (`crop`), all with black beside it (`pad`), or all
    /// out of proportion (`stretch`) [default: crop]
    #[arg(long, value_name = "crop|pad|stretch")]
    fit: Option<Fit>,
    /// Of a folder of pictures: 1 for grey, 3 for colour [default: 3]
    #[arg(long, value_name = "1|3")]
    channels: Option<usize>,
    /// Without a test part: hold out this share as one [default: 0.2]
    #[arg(long, value_name = "SHARE")]
    test_share: Option<f64>,
    /// Decides what `--test-share` holds out; `--seed` does not
    #[arg(long, value_name = "N")]
    split_seed: Option<u64>,
}

impl ReadingArgs {
    /// As the library takes them.
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
            test_share: self.test_share,
            split_seed: self.split_seed.unwrap_or_default(),
            again: None,
        }
    }

    /// The same beside a loss: one of numbers makes numbers of labels that could be either.
    pub fn reading_for(&self, loss: Option<Loss>) -> Reading {
        let reading = self.reading();
        let target = loss.map(|loss| if loss.is_regression() { Target::Number } else { Target::Classes });
        Reading { target: reading.target.or(target), ..reading }
    }

    /// Whether somebody said that labels are numbers, which a loss alone does not say of the names of classes.
    pub fn numbers(&self) -> bool {
        self.target == Some(Target::Number)
    }

    /// The data set whole, as `spec` and these options name it; says what is to be known about it.
    pub fn load(&self, spec: &DataSpec) -> Result<Dataset> {
        let data = load_or_fetch_with(spec, &Places::from_env(), &self.reading(), None)?;
        say(&data);
        Ok(data)
    }
}

/// What is made of a data set for a training.
pub struct Wanted<'a> {
    /// Only the first training images.
    pub limit: Option<usize>,
    /// A share of the training images for validation.
    pub validation: Option<f64>,
    /// Decides which.
    pub seed: u64,
    /// Whether the numbers of the classes are numbers to be told.
    pub numbers: bool,
    /// Whether the mean and deviation of each channel are computed and taken out.
    pub normalize: bool,
    /// How other rows of a table were read.
    pub table: Option<&'a Table>,
}

/// Loads a data set, fetching it first where it is not here, and says where it came from.
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

/// Where data came from, behind what they are; what was drawn says so.
fn origin(source: &str) -> String {
    let from = if source.starts_with("drawn ") { "," } else { " from" };
    format!("{from} {source}")
}

/// What the initialisers of a network are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Initial {
    /// A training begins from them.
    Trained,
    /// Nothing: weights are handed over.
    Unused,
    /// Anything else: one that wgrad has not is told.
    Told,
}

/// The model that `--model` names, for this data: a built-in network gets the last layer that its labels call for, or
/// the one that `loss` takes.
pub fn model_for(name: &str, data: &Dataset, loss: Option<Loss>, initial: Initial) -> Result<Model> {
    let said = loss;
    let loss = loss.or(data.input.numbers.then_some(Loss::MeanSquaredError));
    let built_in = NETWORKS.iter().any(|(known, _)| *known == name);
    let mut model = match (built_in, loss) {
        (true, Some(loss)) => network_for(name, data.shape(), data.classes.len(), loss)?,
        (false, _) if keras::is_keras(Path::new(name)) => {
            let path = Path::new(name);
            let loaded = super::keras_model(path, data.shape(), initial == Initial::Told)?;
            if let (Some(missing), None) = (loaded.missing_loss, said) {
                bail!("{name} {missing}; say which to train on, such as `--loss mse`: {NAMES}");
            }
            if let (Some(first), Initial::Trained) = (loaded.initializers.first(), initial) {
                let next = match keras::is_archive(path) {
                    true => format!("start from the weights in the file: `--init {}`", quoted_path(path)),
                    false => "hand over weights: `model.save_weights(\"model.weights.h5\")` in Keras, then \
                              `--init model.weights.h5`; or name one of these in the file"
                        .to_string(),
                };
                bail!("{name}: {first}; {next}");
            }
            loaded.model
        }
        _ => super::model(name, data.shape(), data.classes.len())?,
    };
    if let Some(loss) = loss.filter(|_| built_in || model.loss.is_none()) {
        model.loss = Some(loss);
        model.summary()?;
    }
    Ok(model)
}

/// Refuses to train on the numbers of classes as if they were numbers, where nobody said so.
pub fn refuse_classes_as_numbers(model: &Model, data: &Dataset) -> Result<()> {
    let loss = model.loss()?;
    if !loss.is_regression() || data.input.numbers {
        return Ok(());
    }
    bail!(
        "the loss {loss} compares numbers, and the labels of {} are {} classes; take `--loss softmax_cross_entropy`, or say \
         `--target number` to have the number of the class told",
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
