//! The first layer's weights as small pictures of the pattern that each filter or unit responds to.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use wgrad::{gpu::Slice, program::Parameter};

/// Most pictures that are shown.
const SHOWN: usize = 32;
/// Most weights of a layer that is fetched.
const MOST: usize = 1 << 20;

/// Layout of the first kernel as pictures.
pub struct Filters {
    /// The kernel's weights on the device.
    pub weights: Slice,
    name: String,
    height: usize,
    width: usize,
    /// Channels of a picture, and of the input.
    channels: usize,
    inputs: usize,
    /// Number of filters or units.
    all: usize,
}

impl Filters {
    /// Layout of the first kernel, if it takes pictures: that of a convolution, (height, width, inputs, filters), or
    /// that of a dense layer over the whole image, (pixels, units).
    pub fn of(parameters: &[Parameter], [h, w, c]: [usize; 3], arena: &Slice) -> Option<Self> {
        let kernel = parameters.iter().find(|p| p.name.ends_with(".kernel"))?;
        let (height, width, inputs, all) = match kernel.shape[..] {
            [height, width, inputs, filters] => (height, width, inputs, filters),
            [pixels, units] if pixels == h * w * c => (h, w, c, units),
            _ => return None,
        };
        if kernel.len() > MOST || height * width < 2 {
            return None;
        }
        let weights = arena.slice(kernel.offset, kernel.len());
        let channels = if inputs == 3 { 3 } else { 1 };
        Some(Self { weights, name: kernel.name.clone(), height, width, channels, inputs, all })
    }

    /// Pictures of the weights in `values` after `number` steps, as JSON: bytes around 128, scaled to the largest
    /// weight shown.
    pub fn reported(&self, values: &[f32], number: u64) -> Value {
        let shown = self.all.min(SHOWN);
        let area = self.height * self.width;
        let mut picked = Vec::with_capacity(shown * area * self.channels);
        for filter in 0..shown {
            for pixel in 0..area {
                for channel in 0..self.channels {
                    let at = (pixel * self.inputs + channel) * self.all + filter;
                    picked.push(values.get(at).copied().unwrap_or(0.0));
                }
            }
        }
        let most = picked.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        let byte = |v: &f32| (128.0 + 127.0 * v / most.max(f32::MIN_POSITIVE)) as u8;
        let bytes: Vec<u8> = picked.iter().map(byte).collect();
        json!({
            "number": number, "name": self.name, "height": self.height, "width": self.width,
            "channels": self.channels, "shown": shown, "all": self.all, "most": most,
            "pixels": STANDARD.encode(bytes),
        })
    }
}
