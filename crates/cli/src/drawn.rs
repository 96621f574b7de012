//! Data drawn to fit a network, where you name none: garments for networks that take them, else noise, with labels of every
//! kind that a network compares with.

use anyhow::Result;
use wgrad::{
    data::{Dataset, Split},
    feed::split_mix,
    loss::Loss,
    model::{Model, Output},
    preprocessing::Preprocessing,
};
use wgrad_data::synthetic::synthetic;

/// `train` and `test` images that fit `model`. Words of embeddings are drawn below their number, classes are taken in turn,
/// and the labels of several outputs are those of each.
pub fn fitting(model: &Model, train: usize, test: usize) -> Result<Dataset> {
    let loss = model.loss()?;
    let (each, words, several) = (model.labels()?, model.words()?, model.several_outputs()?);
    let classes = if loss.is_regression() || !several.is_empty() { 10 } else { model.classes()? };
    let garments = synthetic(0, train, test);
    if model.input_shape == [28, 28, 1]
        && (classes, each) == (garments.classes.len(), 1)
        && several.is_empty()
        && words.is_empty()
    {
        return Ok(garments);
    }
    let vectors = each > 1 && model.takes_numbers()? || loss.compares_vectors();
    let input = Preprocessing {
        floats: !words.is_empty(),
        numbers: vectors || !several.is_empty(),
        normalization: None,
    };
    let unit = |at: usize| (split_mix(at as u64) >> 40) as f32 / (1u64 << 24) as f32;
    let value = |at: usize| -> f32 {
        let range = words.iter().find(|range| range.values.contains(&(at % model.pixels())));
        range.map_or_else(|| unit(at), |range| (split_mix(at as u64) % range.count.max(1) as u64) as f32)
    };
    let label = |at: usize| -> u32 {
        let (row, n) = (at / each.max(1), at % each.max(1));
        let output = several.iter().find(|output| output.labels.contains(&n));
        let classes = if output.is_none() { classes } else { output.map_or(0, Output::classes) };
        match output.map_or(loss, |output| output.loss) {
            _ if !input.numbers => ((row + n) % classes.max(1)) as u32,
            _ if output.is_some() && classes > 0 => (((row + n) % classes) as f32).to_bits(),
            Loss::BinaryCrossEntropy => (((row + n) % 2) as f32).to_bits(),
            _ => unit(at).to_bits(),
        }
    };
    let split = |rows: usize| {
        let values = 0..rows * model.pixels();
        let images: Vec<u8> = match input.floats {
            true => values.flat_map(|at| value(at).to_le_bytes()).collect(),
            false => values.map(|at| split_mix(at as u64) as u8).collect(),
        };
        Split { images: images.into(), labels: (0..rows * each).map(label).collect(), each }
    };
    let (train, test) = (split(train), split(test));
    let classes = if input.numbers { 0 } else { classes };
    let [height, width, channels] = model.input_shape;
    let classes = (0..classes).map(|class| format!("class {class}")).collect();
    let (name, source) = ("noise".to_string(), format!("drawn to fit {}", model.name));
    Ok(Dataset { name, source, height, width, channels, input, classes, train, test, ..garments })
}

#[cfg(test)]
mod tests {
    use super::fitting;
    use wgrad::{
        evaluate::fits,
        layers::{Conv2D, Dense, Embedding, Flatten, GlobalAveragePooling1D},
        loss::Loss,
        model::{Head, Model},
        networks::{NETWORKS, network},
    };

    #[test]
    fn what_is_drawn_fits_every_kind_of_network() {
        let dense = |units, activation| Dense::new(units).activation(activation).expect("known");
        let named = |name: &str, units| Dense { name: Some(name.into()), ..Dense::new(units) };
        let image = || Model::new("image", [4, 5, 3]).add(Conv2D::new(2, (1, 1)));
        let with = |model: Model, loss| Model { loss: Some(loss), ..model };
        let mut all = vec![
            image(),
            with(image(), Loss::MeanSquaredError),
            with(image(), Loss::BinaryCrossEntropy),
            with(image().add(Flatten::new()).add(Dense::new(3)), Loss::CosineSimilarity),
            image().add(Flatten::new()).add(dense(1, "sigmoid")),
            image().add(Flatten::new()).add(dense(4, "sigmoid")),
            Model::new("words", [1, 6, 1])
                .add(Embedding::new(7, 3))
                .add(GlobalAveragePooling1D::new())
                .add(Dense::new(2)),
            Model::new("two", [4, 4, 1])
                .add(Flatten::new())
                .add(named("kind", 3))
                .add_from(named("size", 2), &["flatten_1"])
                .with_heads([Head::new("kind"), Head::new("size").with_loss(Loss::MeanSquaredError)]),
        ];
        for (name, _) in NETWORKS {
            all.push(network(name, [28, 28, 1], 10).expect("built in"));
        }
        for model in all {
            let data = fitting(&model, 24, 8).unwrap_or_else(|e| panic!("{}: {e}", model.name));
            assert_eq!((data.train.len(), data.test.len()), (24, 8), "{}", model.name);
            fits(&model, &data).unwrap_or_else(|e| panic!("{}: {e}", model.name));
            let labels: std::collections::HashSet<_> = data.train.labels.iter().collect();
            assert!(labels.len() > 1, "{}: one label", model.name);
        }
    }
}
