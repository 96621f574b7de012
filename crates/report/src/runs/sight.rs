//! Explanations of a network: the kernels of its first layer, the feature maps of its layers for one image, and the
//! gradient of a score with respect to that image.

use super::{Details, Recorded, images::tile};
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
        "Pictures in two colours: blue is below zero, white zero, orange above. Maps from dark blue to yellow: each from its least \
         to its greatest number.",
    );
    section = section.gallery(Gallery {
        title: "Kernels of the first layer".into(),
        items: kernels(run.config.model.input_shape, &parameters, &details.weights.weights)
            .into_iter()
            .collect(),
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

/// Draws the first kernel that covers the image, each unit as a picture: HWIO of a convolution, or (pixels, units) of a
/// dense layer.
pub fn kernels(
    [height, width, channels]: [usize; 3],
    parameters: &[Parameter],
    weights: &[f32],
) -> Option<Item> {
    let parameter = parameters.iter().find(|p| p.trained && p.shape.len() >= 2)?;
    let weights = weights.get(parameter.offset..parameter.offset + parameter.len())?;
    let (size, inputs, units) = match parameter.shape[..] {
        [h, w, inputs, units] if h * w > 1 => ([h, w], inputs, units),
        [pixels, units] if pixels == height * width * channels && height * width > 1 => {
            ([height, width], channels, units)
        }
        _ => return None,
    };
    let shown = units.min(KERNELS);
    // Sum over the channels.
    let of = |unit: usize| -> Vec<f32> {
        let pixel = |at: usize| (0..inputs).map(|c| weights[(at * inputs + c) * units + unit]).sum();
        (0..size[0] * size[1]).map(pixel).collect()
    };
    let tiles: Vec<RgbImage> = (0..shown).map(of).map(|one| signed(size, &one, most(&one))).collect();
    let image = sheet(tiles, size);
    let sum = if inputs > 1 { format!(", summed over {inputs} channels") } else { String::new() };
    let words = format!("{}: {shown} of {units}{sum}", parameter.name);
    Some(Item {
        image,
        alt: format!("The kernels of {words}."),
        lines: vec![words, "each on its own scale".into()],
    })
}

/// Arranges tiles of one size in rows, enlarged to be visible.
fn sheet(tiles: Vec<RgbImage>, [height, width]: [usize; 2]) -> RgbImage {
    let zoom = (56 / height.max(width).max(1)).clamp(1, 16) as u32;
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
    Some(Item {
        image,
        alt: format!("Feature maps of {words}."),
        lines: vec![words, format!("{height}×{width}")],
    })
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
        enlarged(&signed([height, width], &values, most(&values)), (96 / height.max(width)).max(1) as u32);
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
    let mut items: Vec<Item> = tile(data, seen.image, vec![is.clone()], is).into_iter().collect();
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
