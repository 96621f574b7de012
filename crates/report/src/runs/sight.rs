//! Explanations of a network: the kernels of its first layer, the feature maps of its layers for one image, and the
//! gradient of a score with respect to that image.

use super::{Details, Recorded, images::large};
use crate::{
    gallery::{Gallery, Item},
    page::Section,
    pixels::{enlarged, mosaic, most, rising, signed},
};
use image::RgbImage;
use wgrad::{
    Result,
    evaluate::argmax,
    explain::{Activations, Explanation},
    program::Parameter,
};

/// Maximum number of kernels drawn, and of maps per layer.
const KERNELS: usize = 32;
const MAPS: usize = 16;
const COLUMNS: usize = 8;
/// Approximate side of an explained image, and of a map or a kernel, pixels.
const SIDE: usize = 280;
const TILE: usize = 84;
/// Approximate side of the weights of a class, pixels.
const NAMED: usize = 112;
/// Maximum number of layers whose maps are drawn.
const LAYERS: usize = 12;

pub(super) fn section(run: &Recorded, details: &Details<'_>) -> Result<Option<Section>> {
    // A row of a table is not a picture, although a network takes it as a single pixel.
    if details.data.table.is_some() || details.data.width * details.data.height < 2 {
        return Ok(None);
    }
    let parameters = run.config.model.parameters()?;
    let index = details.seen.image;
    let mut section = Section::new("Filters, saliency and feature maps").words(
        "Pictures in two colours: blue is below zero, white zero, orange above. Feature maps from dark blue to yellow: each from its least \
         to its greatest number.",
    );
    section = section.gallery(Gallery {
        title: "Kernels of the first layer".into(),
        items: first_kernels(details, run.config.model.input_shape, &parameters),
    });
    section = section.gallery(Gallery {
        title: format!("Saliency of test image {index}: which pixels change the score"),
        items: saliency(details),
    });
    let maps = details.seen.scores.first().map(|(_, found)| found.layers.iter().filter_map(maps));
    section = section.gallery(Gallery {
        title: format!("Feature maps of test image {index}"),
        items: maps.into_iter().flatten().take(LAYERS).collect(),
    });
    Ok(Some(section))
}

/// The kernels of the first layer that covers the image: a picture of each unit, all on one scale.
struct Kernels {
    name: String,
    size: [usize; 2],
    inputs: usize,
    units: usize,
    tiles: Vec<RgbImage>,
}

impl Kernels {
    /// Draws HWIO of a convolution, or (pixels, units) of a dense layer; at most [`KERNELS`] units.
    fn of([height, width, channels]: [usize; 3], parameters: &[Parameter], weights: &[f32]) -> Option<Self> {
        let parameter = parameters.iter().find(|p| p.trained && p.shape.len() >= 2)?;
        let weights = weights.get(parameter.offset..parameter.offset + parameter.len())?;
        let (size, inputs, units) = match parameter.shape[..] {
            [h, w, inputs, units] if h * w > 1 => ([h, w], inputs, units),
            [pixels, units] if pixels == height * width * channels && height * width > 1 => {
                ([height, width], channels, units)
            }
            _ => return None,
        };
        // Sum over the channels.
        let of = |unit: usize| -> Vec<f32> {
            let pixel = |at: usize| (0..inputs).map(|c| weights[(at * inputs + c) * units + unit]).sum();
            (0..size[0] * size[1]).map(pixel).collect()
        };
        let shown: Vec<Vec<f32>> = (0..units.min(KERNELS)).map(of).collect();
        // Each on its own scale, the noise of an unused kernel would look like structure.
        let largest = shown.iter().map(|one| most(one)).fold(0.0, f32::max);
        let tiles = shown.iter().map(|one| signed(size, one, largest)).collect();
        Some(Self { name: parameter.name.clone(), size, inputs, units, tiles })
    }

    /// Returns one picture of all.
    fn together(self) -> Item {
        let sum =
            if self.inputs > 1 { format!(", summed over {} channels", self.inputs) } else { String::new() };
        let words = format!("{}: {} of {}{sum}", self.name, self.tiles.len(), self.units);
        Item {
            image: sheet(self.tiles, self.size),
            alt: format!("The kernels of {words}."),
            lines: vec![words, "all on one scale".into()],
        }
    }

    /// Returns a picture for each class, with its name.
    fn named(self, classes: &[String]) -> Vec<Item> {
        let zoom = (NAMED / self.size[0].max(self.size[1]).max(1)).max(1) as u32;
        let item = |(tile, class): (&RgbImage, &String)| Item {
            image: enlarged(tile, zoom),
            alt: format!("The weights of {} for {class}.", self.name),
            lines: vec![class.clone()],
        };
        self.tiles.iter().zip(classes).map(item).collect()
    }
}

/// Draws the kernels of the first layer that covers the image, as one picture on one scale.
pub fn kernels(shape: [usize; 3], parameters: &[Parameter], weights: &[f32]) -> Option<Item> {
    Some(Kernels::of(shape, parameters, weights)?.together())
}

/// Draws the kernels of the first layer. If their units are the classes, each has the name of its class.
fn first_kernels(details: &Details<'_>, shape: [usize; 3], parameters: &[Parameter]) -> Vec<Item> {
    let Some(kernels) = Kernels::of(shape, parameters, &details.weights.weights) else { return Vec::new() };
    let alone = parameters.iter().filter(|p| p.trained && p.shape.len() >= 2).count() == 1;
    let classes = &details.data.classes;
    match alone && kernels.units == classes.len() && kernels.tiles.len() == classes.len() {
        true => kernels.named(classes),
        false => vec![kernels.together()],
    }
}

/// Arranges tiles of one size in rows, enlarged to be visible.
fn sheet(tiles: Vec<RgbImage>, [height, width]: [usize; 2]) -> RgbImage {
    let zoom = (TILE / height.max(width).max(1)).clamp(1, 16) as u32;
    let tiles: Vec<RgbImage> = tiles.iter().map(|tile| enlarged(tile, zoom)).collect();
    mosaic(&tiles, COLUMNS)
}

/// Draws the channels of a layer whose output is spatial.
fn maps(layer: &Activations) -> Option<Item> {
    let [height, width, channels] = layer.shape[..] else { return None };
    if height * width < 4 {
        return None;
    }
    let shown = channels.min(MAPS);
    let of = |channel: usize| -> Vec<f32> {
        layer.values.iter().skip(channel).step_by(channels).take(height * width).copied().collect()
    };
    let tiles = (0..shown).map(|channel| rising([height, width], &of(channel)));
    let image = sheet(tiles.collect(), [height, width]);
    let words = format!("{}: {shown} of {channels} maps", layer.layer);
    let flat: Vec<String> = (0..shown)
        .filter(|channel| of(*channel).windows(2).all(|pair| pair[0] == pair[1]))
        .map(|channel| (channel + 1).to_string())
        .collect();
    let mut lines = vec![words.clone(), format!("{height}×{width}")];
    if !flat.is_empty() {
        lines.push(format!("the same everywhere: {}", flat.join(", ")));
    }
    Some(Item { image, alt: format!("Feature maps of {words}."), lines })
}

/// Draws the explanation of the first image: the gradient of the score with respect to each pixel, and the maps of the
/// layers. Nothing for a network whose inputs are no pictures.
pub fn explained([height, width, channels]: [usize; 3], found: &Explanation) -> Vec<Gallery> {
    if height * width < 2 {
        return Vec::new();
    }
    let values =
        strongest(&found.gradient[..(height * width * channels).min(found.gradient.len())], channels);
    let image =
        enlarged(&signed([height, width], &values, most(&values)), (SIDE / height.max(width)).max(1) as u32);
    let words = "gradient of the score".to_string();
    let alt = format!("The {words}, largest {:.2e} per pixel.", most(&values));
    let item = Item { image, lines: vec![words, "orange: brightening raises it".into()], alt };
    let saliency = Gallery { title: "Saliency: which pixels change the score".into(), items: vec![item] };
    let maps: Vec<Item> = found.layers.iter().filter_map(maps).take(LAYERS).collect();
    let maps = (!maps.is_empty()).then(|| Gallery { title: "Feature maps".into(), items: maps });
    [Some(saliency), maps].into_iter().flatten().collect()
}

/// The channel with the largest magnitude at each pixel.
fn strongest(gradient: &[f32], channels: usize) -> Vec<f32> {
    let pixels = gradient.chunks_exact(channels.max(1));
    let one = |pixel: &[f32]| pixel[argmax(&pixel.iter().map(|v| v.abs()).collect::<Vec<_>>())];
    pixels.map(one).collect()
}

fn saliency(details: &Details<'_>) -> Vec<Item> {
    let (data, seen) = (details.data, &details.seen);
    let label = data.test.labels.get(seen.image).map_or(0, |label| *label as usize);
    let regression = details.evaluation.regression.is_some();
    let name = |class: usize| match data.classes.get(class) {
        Some(name) if !regression => name.clone(),
        _ => "the number".to_string(),
    };
    let is = format!("is {}", if regression { label.to_string() } else { name(label) });
    let mut items: Vec<Item> = large(data, seen.image, SIDE, (vec![is.clone()], is)).into_iter().collect();
    let zoom = items.first().map_or(1, |item| item.image.width() / data.width.max(1) as u32);
    for (output, found) in &seen.scores {
        let values = strongest(&found.gradient, data.channels);
        let image = enlarged(&signed([data.height, data.width], &values, most(&values)), zoom);
        let class = if found.logits.len() == 1 && !regression { 1 } else { *output };
        let words = format!("gradient of the score of {}", name(class));
        let alt = format!("Test image {}: {words}, largest {:.2e} per pixel.", seen.image, most(&values));
        items.push(Item { image, lines: vec![words, "orange: brightening raises it".into()], alt });
    }
    items
}
