//! Training options that do not depend on the model: augmentation, label smoothing, class weights and the loss.

use anyhow::{Context as _, Result, bail};
use clap::Args;
use std::path::Path;
use wgrad::{
    augment::Augment,
    data::Dataset,
    loss::Loss,
    objective::{Objective, balanced},
    text::read_text,
};

/// Augmentation, label smoothing, class weights and the loss of a training.
#[derive(Args, Clone, Default)]
pub struct ObjectiveArgs {
    /// Change the images at random while training: any of `flip`, `shift=2` (pixels), `rotate=10` (degrees),
    /// `zoom=0.1`, `brightness=0.1`, `contrast=0.1`, `erase=0.25` (probability of a rectangle of noise), `mixup=0.2`
    #[arg(long, value_name = "LIST")]
    pub augment: Option<Augment>,
    /// Share of each target to spread evenly over all classes, while training
    #[arg(long, value_name = "X")]
    pub label_smoothing: Option<f64>,
    /// Weight of an image of each class while training: `balanced` (all classes count equally), a list such as
    /// `1,2,0.5` in the order of the classes, or a file with one number per line
    #[arg(long, value_name = "balanced|LIST|FILE")]
    pub class_weight: Option<String>,
    /// Loss to minimise: `softmax_cross_entropy`; `binary_cross_entropy`, for two classes with one output; or, for
    /// numeric labels, `mean_squared_error`, `mean_absolute_error`, `huber`, `huber=DELTA` [default: the model's loss,
    /// else the one that its last layer calls for]
    #[arg(long, value_name = "NAME")]
    pub loss: Option<Loss>,
}

impl ObjectiveArgs {
    /// The objective for `data`; [`Objective::validate`] checks its values.
    pub fn objective(&self, data: &Dataset) -> Result<Objective> {
        if self.class_weight.is_some() && data.input.numbers {
            bail!("--class-weight is for classes; the labels of {} are numbers: leave it out", data.name);
        }
        let class_weight = match self.class_weight.as_deref() {
            None => Vec::new(),
            Some("balanced") => balanced(&data.class_counts(&data.train)),
            Some(text) => weights(text)?,
        };
        let objective = Objective {
            augment: self.augment.unwrap_or_default(),
            label_smoothing: self.label_smoothing.unwrap_or(0.0),
            class_weight,
            ..Objective::default()
        };
        if data.input.floats && objective.augment.needs_shares() {
            bail!(
                "--augment: brightness, contrast and erase are for images of bytes; {} holds floats of any range: leave \
                 them out, or save the images as unsigned bytes",
                data.name
            );
        }
        if (data.table.is_some() || data.height * data.width == 1) && !objective.augment.is_off() {
            bail!("--augment changes images; {} holds rows of a table: leave it out", data.name);
        }
        Ok(objective)
    }

    /// Refuses options that a resumed run has already fixed.
    pub fn refuse(&self) -> Result<()> {
        let given = [
            ("--augment", self.augment.is_some()),
            ("--label-smoothing", self.label_smoothing.is_some()),
            ("--class-weight", self.class_weight.is_some()),
            ("--loss", self.loss.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((name, _)) => {
                bail!(
                    "{name} cannot be used with --resume: the run continues with the setting that it began with"
                )
            }
            None => Ok(()),
        }
    }
}

/// Parses class weights: a list of numbers, or a file of them.
fn weights(text: &str) -> Result<Vec<f64>> {
    let parse = |text: &str| {
        let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        words.map(|word| word.parse().map_err(|_| word.to_string())).collect::<Result<Vec<f64>, String>>()
    };
    if let Ok(numbers) = parse(text)
        && !numbers.is_empty()
    {
        return Ok(numbers);
    }
    let file = read_text(Path::new(text), "cannot read the class weights", "").with_context(|| {
        format!("--class-weight is {text}, expected `balanced`, a list such as 1,2,0.5, or a file that can be read")
    })?;
    match parse(&file) {
        Ok(numbers) if !numbers.is_empty() => Ok(numbers),
        Ok(_) => bail!("--class-weight: {text} holds no numbers, expected one for each class"),
        Err(word) => bail!("--class-weight: {text} holds {word:?}, expected one number for each class"),
    }
}
