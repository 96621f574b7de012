//! Preprocessing of images: bytes or floats, and the first transformation on the device. It belongs to the data; a
//! model does not know it, and the code that compiles a model into a program supplies it.

use crate::{Error, Result};

/// Maximum number of channels that the decoding kernels normalize.
pub const MOST_CHANNELS: usize = 4;

/// Format of the values of an image and of its label on the host.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Preprocessing {
    /// True if values are f32, used unchanged; otherwise they are bytes, which are divided by 255.
    #[serde(skip_serializing_if = "is_false")]
    pub floats: bool,
    /// True if labels are numbers in f32; otherwise they are class indices.
    #[serde(skip_serializing_if = "is_false")]
    pub numbers: bool,
    /// Normalization of every value, by channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalization: Option<Normalization>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// (value - mean) / deviation of each channel. Bytes are divided by 255 first, as they are without a normalization.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Normalization {
    /// The mean of each channel.
    pub mean: Vec<f64>,
    /// The standard deviation of each channel; a channel with 0 is only shifted.
    pub deviation: Vec<f64>,
}

impl Normalization {
    /// Checks that it can be computed for images of `channels` channels.
    ///
    /// # Errors
    /// [`Error::Option`].
    pub fn validate(&self, channels: usize) -> Result<()> {
        let fail = |got: String, expected| Err(Error::Option { name: "the normalization", got, expected });
        if channels > MOST_CHANNELS {
            return fail(format!("of {channels} channels"), "one of images with 1 to 4 channels");
        }
        if self.mean.len() != channels || self.deviation.len() != channels {
            let got = format!("{} means and {} deviations", self.mean.len(), self.deviation.len());
            return fail(format!("{got} for {channels} channels"), "one of each for each channel");
        }
        let fine = self.mean.iter().chain(&self.deviation).all(|v| v.is_finite());
        if !fine || self.deviation.iter().any(|d| *d < 0.0) {
            return fail(format!("{:?} and {:?}", self.mean, self.deviation), "numbers, deviations from 0");
        }
        Ok(())
    }

    /// Factor and addend of a channel: gain · value + shift.
    pub fn scale(&self, channel: usize) -> (f64, f64) {
        let mean = self.mean.get(channel).copied().unwrap_or(0.0);
        let deviation = self.deviation.get(channel).copied().filter(|d| *d > 0.0).unwrap_or(1.0);
        (1.0 / deviation, -mean / deviation)
    }
}

impl Preprocessing {
    /// A label as a number: an integer, or the f32 with these bits.
    pub fn number(&self, label: u32) -> f64 {
        if self.numbers { f64::from(f32::from_bits(label)) } else { f64::from(label) }
    }

    /// Bytes of an image of `values` values.
    pub fn bytes(&self, values: usize) -> usize {
        values * if self.floats { size_of::<f32>() } else { 1 }
    }
}
