//! Random augmentation of training images, on the device, in the kernel that decodes them. Evaluation uses the original
//! images.

use crate::{
    Error, Result,
    feed::split_mix,
    kernels::{AUGMENT, DECODE},
    op::Call,
    preprocessing::{MOST_CHANNELS, Preprocessing},
};
use std::{fmt, str::FromStr};

/// The augmentations and their strengths. Each image of each step draws its own changes from the seed, the step and its
/// index in the batch. The order is: flip, rotation and zoom about the centre, shift, brightness, contrast, erasing,
/// mixup.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Probability of a left-right mirror image: torchvision's `RandomHorizontalFlip`.
    pub flip: f64,
    /// Largest shift in pixels, vertically and horizontally, in both directions; zeros fill the gap: torchvision's
    /// `RandomCrop` with padding.
    pub shift: u32,
    /// Largest rotation in degrees, in both directions, up to 180: torchvision's `RandomRotation`.
    pub rotate: f64,
    /// Range of the scale, 1 ± this, below 1: Keras's `RandomZoom`.
    pub zoom: f64,
    /// Range of the brightness factor, 1 ± this, up to 1: torchvision's `ColorJitter`.
    pub brightness: f64,
    /// Range of the contrast factor, 1 ± this, up to 1; it multiplies the distance from mid-grey.
    pub contrast: f64,
    /// Probability that noise replaces a rectangle of 2 to 33 % of the area: `RandomErasing` (Zhong et al. 2020).
    pub erase: f64,
    /// The α of mixup (Zhang et al. 2018), up to 16; 0 turns it off. Each image of the batch is blended with another by
    /// a share drawn per step from Beta(α, α), and the loss gives the other's label the same share.
    pub mixup: f64,
}

/// The spelling of a specification, for errors and help.
pub const EXPECTED: &str = "a list such as flip,shift=2,rotate=10,zoom=0.1,brightness=0.1,contrast=0.1,erase=0.25,mixup=0.2, \
     with shares from 0 to 1, whole pixels up to 1024, degrees up to 180, zoom below 1, mixup up to 16, each 0 or at least 1e-9; \
     or `none`";

impl Augment {
    /// Returns true if images stay unchanged.
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }

    /// Returns true if a change needs pixel values in [0, 1].
    pub fn needs_shares(&self) -> bool {
        self.brightness > 0.0 || self.contrast > 0.0 || self.erase > 0.0
    }

    /// Name, value, and the value that the name stands for without one.
    fn fields(&self) -> [(&'static str, f64, f64); 8] {
        [
            ("flip", self.flip, 0.5),
            ("shift", f64::from(self.shift), 2.0),
            ("rotate", self.rotate, 10.0),
            ("zoom", self.zoom, 0.1),
            ("brightness", self.brightness, 0.1),
            ("contrast", self.contrast, 0.1),
            ("erase", self.erase, 0.25),
            ("mixup", self.mixup, 0.2),
        ]
    }

    fn set(&mut self, name: &str, value: f64) -> Option<()> {
        match name {
            "flip" => self.flip = value,
            "shift" if value.fract() == 0.0 && (0.0..=1024.0).contains(&value) => self.shift = value as u32,
            "rotate" => self.rotate = value,
            "zoom" => self.zoom = value,
            "brightness" => self.brightness = value,
            "contrast" => self.contrast = value,
            "erase" => self.erase = value,
            "mixup" => self.mixup = value,
            _ => return None,
        }
        Some(())
    }

    /// Checks the ranges of all values.
    ///
    /// # Errors
    /// [`Error::Option`].
    pub fn validate(&self) -> Result<()> {
        /// Probabilities are stored in units of 2⁻³²; one below a unit would become 0.
        const LEAST: f64 = 1e-9;
        let shares = [self.flip, self.brightness, self.contrast, self.erase];
        let reported = self.fields().iter().all(|(_, value, _)| *value == 0.0 || *value >= LEAST);
        let fine = reported
            && shares.iter().all(|share| (0.0..=1.0).contains(share))
            && self.shift <= 1024
            && (0.0..=180.0).contains(&self.rotate)
            && (0.0..1.0).contains(&(self.zoom as f32))
            && (0.0..=16.0).contains(&self.mixup);
        match fine {
            true => Ok(()),
            false => Err(Error::Option { name: "augment", got: self.to_string(), expected: EXPECTED }),
        }
    }

    /// The call that decodes a batch of (height, width, channels) images; without augmentation, it is the plain
    /// decoding.
    pub fn call(&self, batch: usize, [h, w, c]: [usize; 3]) -> Call {
        if self.is_off() {
            return Call::new(&DECODE, &[("ROWS", batch), ("PIXELS", h * w * c)]);
        }
        let threshold = |share: f64| (share * 2f64.powi(32)).floor().min(f64::from(u32::MAX));
        let rounded = |number: f64| f64::from(number as f32);
        let overrides = [
            ("FLIP", threshold(self.flip)),
            ("SHIFT", f64::from(self.shift)),
            ("ROTATE", rounded(self.rotate.to_radians())),
            ("ZOOM", rounded(self.zoom)),
            ("BRIGHTNESS", rounded(self.brightness)),
            ("CONTRAST", rounded(self.contrast)),
            ("ERASE", threshold(self.erase)),
            ("MIXUP", f64::from(u8::from(self.mixup > 0.0))),
        ];
        let call = Call::new(&AUGMENT, &[("ROWS", batch), ("H", h), ("W", w), ("C", c)]);
        overrides
            .into_iter()
            .filter(|(_, value)| *value > 0.0)
            .fold(call, |call, (name, v)| call.with(name, v))
    }

    /// The share of the other image at step `number`: the smaller of the two shares drawn from Beta(α, α), so that each
    /// image keeps the larger share. 0 without mixup.
    pub fn mixed(&self, seed: u64, number: u64) -> f32 {
        if self.mixup <= 0.0 {
            return 0.0;
        }
        let mut draws = Draws(split_mix(split_mix(seed ^ 0x6d69_7875) ^ number));
        let (a, b) = (draws.gamma(self.mixup), draws.gamma(self.mixup));
        // If both draws are too small for f64, the share is a half.
        let share = if a + b > 0.0 { a / (a + b) } else { 0.5 };
        share.min(1.0 - share) as f32
    }
}

/// The random numbers of one step.
struct Draws(u64);

impl Draws {
    /// A number in (0, 1).
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(crate::feed::GOLDEN);
        ((split_mix(self.0) >> 11) as f64 + 0.5) / 2f64.powi(53)
    }

    /// A standard normal number, by Box and Muller's method.
    fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// A number from Gamma(α, 1), by Marsaglia and Tsang's method ("A Simple Method for Generating Gamma Variables",
    /// 2000).
    fn gamma(&mut self, alpha: f64) -> f64 {
        if alpha < 1.0 {
            let boost = self.uniform().powf(1.0 / alpha);
            return self.gamma(alpha + 1.0) * boost;
        }
        let d = alpha - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

impl FromStr for Augment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = || Error::Option { name: "augment", got: text.to_string(), expected: EXPECTED };
        let mut augment = Self::default();
        if text.trim() == "none" {
            return Ok(augment);
        }
        let alone = augment.fields();
        for word in text.split(',').map(str::trim) {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name.trim(), value.trim().parse().map_err(|_| fail())?),
                None => (word, alone.iter().find(|(name, ..)| *name == word).ok_or_else(fail)?.2),
            };
            augment.set(name, value).ok_or_else(fail)?;
        }
        augment.validate().map_err(|_| fail())?;
        Ok(augment)
    }
}

/// The format that [`FromStr`] parses.
impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self
            .fields()
            .into_iter()
            .filter(|(_, value, _)| *value != 0.0)
            .map(|(name, value, _)| format!("{name}={value}"))
            .collect();
        f.write_str(if words.is_empty() { "none" } else { "" })?;
        f.write_str(&words.join(","))
    }
}

impl Preprocessing {
    /// Adds the data format to the decoding `call` for images of `channels` channels: floats or bytes, and the
    /// normalization.
    pub fn decoding(&self, mut call: Call, channels: usize) -> Call {
        if self.floats {
            call = call.with("FLOATS", 1.0);
        }
        let Some(normalization) = &self.normalization else { return call };
        call = call.with("SCALED", 1.0).with("CHANNELS", channels as f64);
        for channel in 0..channels.min(MOST_CHANNELS) {
            let (gain, shift) = normalization.scale(channel);
            let rounded = |number: f64| f64::from(number as f32);
            call = call.with(&format!("GAIN{channel}"), rounded(gain));
            call = call.with(&format!("SHIFT{channel}"), rounded(shift));
        }
        call
    }
}

#[cfg(test)]
mod tests {
    use super::Augment;

    #[test]
    fn a_specification_says_what_it_says() {
        let all = "flip,shift=3,rotate=10,zoom=0.1,brightness=0.2,contrast=0.3,erase,mixup=0.4";
        let augment: Augment = all.parse().expect("it is one");
        assert_eq!((augment.flip, augment.shift, augment.erase, augment.mixup), (0.5, 3, 0.25, 0.4));
        assert_eq!(augment.to_string().parse::<Augment>().expect("as it is parsed"), augment);
        assert!("none".parse::<Augment>().expect("nothing").is_off());
        for wrong in [
            "",
            "flap",
            "flip=2",
            "flip=1e-12",
            "shift=1.5",
            "shift=-1",
            "rotate=x",
            "rotate=1e-50",
            "zoom=1",
            "zoom=0.999999999",
            "mixup=-1",
            "erase=nan",
        ] {
            let error = wrong.parse::<Augment>().expect_err(wrong).to_string();
            assert!(error.contains(wrong) && error.contains("shift=2"), "{error}");
        }
    }

    #[test]
    fn the_share_of_mixup_has_the_moments_of_a_beta_distribution() {
        // The smaller share of Beta(α, α) has the same variance about one half as the larger.
        for alpha in [0.2, 1.0, 4.0] {
            let augment = Augment { mixup: alpha, ..Augment::default() };
            let n = 20_000;
            let shares = (0..n).map(|number| f64::from(augment.mixed(3, number)) - 0.5);
            let spread = shares.map(|d| d * d).sum::<f64>() / n as f64;
            let expected = 0.25 / (2.0 * alpha + 1.0);
            assert!((spread / expected - 1.0).abs() < 0.05, "α {alpha}: {spread}, expected {expected}");
            assert_eq!(augment.mixed(3, 7), augment.mixed(3, 7));
            assert_ne!(augment.mixed(3, 7), augment.mixed(4, 7));
        }
        assert_eq!(Augment::default().mixed(3, 7), 0.0);
    }
}
