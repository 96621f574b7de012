//! Augmentation within a network, as Keras runs it: in training, these layers change each image at random; in inference,
//! they do nothing, and a random crop takes the middle. The random numbers depend only on seed, step, layer and image.

use super::{AveragePooling2D, Cropping2D, Interpolation, Pair, Place, Rules, Sides};
use crate::{
    kernels::{RANDOM_AFFINE_FORWARD, RANDOM_AFFINE_GRAD, RANDOM_TONE_FORWARD, RANDOM_TONE_GRAD},
    op::{Call, Op},
    program::{Builder, ValueId},
};
use serde::{Deserialize, Serialize};

/// The range from which an image's number is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, or a list of the least and the largest")]
pub enum Factor {
    /// As far in both directions.
    One(f64),
    /// The least and the largest, in either order.
    Range([f64; 2]),
}

impl From<f64> for Factor {
    fn from(factor: f64) -> Self {
        Self::One(factor)
    }
}

impl From<[f64; 2]> for Factor {
    fn from(range: [f64; 2]) -> Self {
        Self::Range(range)
    }
}

impl Factor {
    /// The least and the largest.
    pub fn range(self) -> [f64; 2] {
        match self {
            Self::One(factor) => [-factor.abs(), factor.abs()],
            Self::Range([a, b]) => [a.min(b), a.max(b)],
        }
    }

    /// Checks that both ends fit.
    fn check(self, name: &str, fits: impl Fn(f64) -> bool, expected: &str) -> Result<(), String> {
        let numbers = match self {
            Self::One(factor) => [factor; 2],
            Self::Range(range) => range,
        };
        match numbers.into_iter().find(|number| !fits(*number)) {
            Some(number) => Err(format!("{name} has {number}, expected {expected}")),
            None => Ok(()),
        }
    }

    /// True if every image keeps its place or its tone.
    fn is_nothing(self) -> bool {
        self.range() == [0.0, 0.0]
    }
}

/// Which sides of an image change places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlipMode {
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
    /// Both at once.
    #[default]
    HorizontalAndVertical,
}

/// What stands beyond the edges of an image `a b c d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FillMode {
    /// `fill_value`.
    Constant,
    /// The nearest pixel: a a a a | a b c d | d d d d.
    Nearest,
    /// The image mirrored at its edge: d c b a | a b c d | d c b a.
    #[default]
    Reflect,
    /// The image again: a b c d | a b c d | a b c d.
    Wrap,
}

fn bilinear() -> Interpolation {
    Interpolation::Bilinear
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// `RandomFlip(mode="horizontal_and_vertical")`: half of the images are mirrored. As in Keras 3, one number decides for
/// both directions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomFlip {
    /// The direction.
    #[serde(default)]
    pub mode: FlipMode,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `RandomTranslation(height_factor, width_factor, fill_mode="reflect", interpolation="bilinear", fill_value=0)`: each
/// image is shifted by random shares of its height (down) and width (right).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomTranslation {
    /// Shares of the height, from -1 to 1; above 0 is down.
    pub height_factor: Factor,
    /// Shares of the width, from -1 to 1; above 0 is right.
    pub width_factor: Factor,
    /// What comes in from beyond the edges.
    #[serde(default)]
    pub fill_mode: FillMode,
    /// The value between pixels.
    #[serde(default = "bilinear")]
    pub interpolation: Interpolation,
    /// The value beyond the edges where `fill_mode` is constant.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fill_value: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `RandomRotation(factor, fill_mode="reflect", interpolation="bilinear", fill_value=0)`: each image is rotated about its
/// centre.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomRotation {
    /// Turns, from -1 to 1: 0.25 is a quarter, counterclockwise.
    pub factor: Factor,
    /// What comes in from beyond the edges.
    #[serde(default)]
    pub fill_mode: FillMode,
    /// The value between pixels.
    #[serde(default = "bilinear")]
    pub interpolation: Interpolation,
    /// The value beyond the edges where `fill_mode` is constant.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fill_value: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `RandomZoom(height_factor, width_factor=None, fill_mode="reflect", interpolation="bilinear", fill_value=0)`: each image
/// is zoomed about its centre.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomZoom {
    /// How much more of the height is seen, above -1 and up to 1: 0.2 zooms out by 20 %, -0.2 zooms in.
    pub height_factor: Factor,
    /// The same of the width; as the height, if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width_factor: Option<Factor>,
    /// What comes in from beyond the edges.
    #[serde(default)]
    pub fill_mode: FillMode,
    /// The value between pixels.
    #[serde(default = "bilinear")]
    pub interpolation: Interpolation,
    /// The value beyond the edges where `fill_mode` is constant.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fill_value: f64,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `RandomCrop(height, width)`: in training, a part of this size at a random place, the same for the images of a batch; in
/// inference, the largest part of these proportions in the middle, resized. Where one side of the image is as long
/// already, the middle in training too, as in Keras.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomCrop {
    /// Height of the output.
    pub height: usize,
    /// Width of the output.
    pub width: usize,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `RandomContrast(factor, value_range)`: each value's distance from the mean of its image's channel is multiplied by the
/// image's random number, and the result is clipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomContrast {
    /// The numbers are from 1 - lower to 1 + upper: one number for both, from 0 to 1, or a list of the two.
    pub factor: Factor,
    /// The least and the largest value.
    #[serde(default = "shares")]
    pub value_range: [f64; 2],
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `RandomBrightness(factor, value_range)`: a random share of the range of values is added to each image, and the result is
/// clipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomBrightness {
    /// Shares of the range, from -1 to 1.
    pub factor: Factor,
    /// The least and the largest value.
    #[serde(default = "shares")]
    pub value_range: [f64; 2],
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Images come as shares of 255.
fn shares() -> [f64; 2] {
    [0.0, 1.0]
}

impl RandomFlip {
    /// Creates a layer that mirrors in this direction.
    pub fn new(mode: FlipMode) -> Self {
        Self { mode, name: None }
    }
}

impl RandomTranslation {
    /// Creates a layer that shifts by shares of the height and the width.
    pub fn new(height_factor: impl Into<Factor>, width_factor: impl Into<Factor>) -> Self {
        Self {
            height_factor: height_factor.into(),
            width_factor: width_factor.into(),
            fill_mode: FillMode::Reflect,
            interpolation: Interpolation::Bilinear,
            fill_value: 0.0,
            name: None,
        }
    }
}

impl RandomRotation {
    /// Creates a layer that rotates by these turns.
    pub fn new(factor: impl Into<Factor>) -> Self {
        Self {
            factor: factor.into(),
            fill_mode: FillMode::Reflect,
            interpolation: Interpolation::Bilinear,
            fill_value: 0.0,
            name: None,
        }
    }
}

impl RandomZoom {
    /// Creates a layer that zooms height and width alike.
    pub fn new(height_factor: impl Into<Factor>) -> Self {
        Self {
            height_factor: height_factor.into(),
            width_factor: None,
            fill_mode: FillMode::Reflect,
            interpolation: Interpolation::Bilinear,
            fill_value: 0.0,
            name: None,
        }
    }
}

impl RandomCrop {
    /// Creates a layer whose output has this height and width.
    pub fn new(height: usize, width: usize) -> Self {
        Self { height, width, name: None }
    }

    /// The edges that an image of this shape loses in inference, before it is resized.
    pub fn edges(&self, input: &[usize]) -> Cropping2D {
        let len = |axis: usize| input.get(axis).copied().unwrap_or(1);
        let (h, w) = (len(0), len(1));
        // The side in the output's proportion to the other one.
        let side = |other: usize, own: usize, by: usize| (other * own / by.max(1)).max(1);
        let kept = [h.min(side(w, self.height, self.width)), w.min(side(h, self.width, self.height))];
        let sides = |len: usize, kept: usize| {
            let lost = len - kept;
            [lost / 2, lost - lost / 2]
        };
        Cropping2D::new(Sides { height: sides(h, kept[0]), width: sides(w, kept[1]) })
    }

    /// True if the crop of an image of this shape has a random place.
    fn moves(&self, input: &[usize]) -> bool {
        input.first().is_some_and(|h| *h > self.height) && input.get(1).is_some_and(|w| *w > self.width)
    }

    /// The two layers of inference, as they are placed: the crop, and what resizes it.
    fn parts(&self, place: &Place) -> (Cropping2D, Place, Place) {
        let edges = self.edges(&place.input);
        let kept = edges.output_shape(&place.input).unwrap_or_else(|_| place.output.clone());
        let cropped = Place { output: kept.clone(), ..place.clone() };
        let resized = Place { input: kept, ..place.clone() };
        (edges, cropped, resized)
    }
}

impl RandomContrast {
    /// Creates a layer for values from 0 to 1.
    pub fn new(factor: impl Into<Factor>) -> Self {
        Self { factor: factor.into(), value_range: shares(), name: None }
    }
}

impl RandomBrightness {
    /// Creates a layer for values from 0 to 1.
    pub fn new(factor: impl Into<Factor>) -> Self {
        Self { factor: factor.into(), value_range: shares(), name: None }
    }
}

/// Height and width, of which the kernels count places in whole numbers.
const MOST_SIDES: usize = (1 << 14) - 1;

/// Height, width and channels of an input.
fn image(input: &[usize]) -> Result<[usize; 3], String> {
    let [h, w, c] = *input else {
        return Err(format!("its input has shape {input:?}, it takes (height, width, channels)"));
    };
    match h.saturating_add(w) <= MOST_SIDES {
        true => Ok([h, w, c]),
        false => Err(format!("its input is {h}×{w}, expected at most {MOST_SIDES} as height plus width")),
    }
}

fn fill_fits(value: f64) -> Result<(), String> {
    match (value as f32).is_finite() {
        true => Ok(()),
        false => Err(format!("fill_value is {value}, expected a finite number within float32")),
    }
}

/// A random affine map: the sizes that say how it is drawn.
struct Affine {
    numbers: Vec<(&'static str, f64)>,
}

impl Affine {
    fn of(numbers: &[(&'static str, f64)]) -> Self {
        Self { numbers: numbers.to_vec() }
    }

    /// With the values beyond the edges and between pixels.
    fn sampled(mut self, mode: FillMode, interpolation: Interpolation, value: f64) -> Self {
        let fill = [FillMode::Constant, FillMode::Nearest, FillMode::Reflect, FillMode::Wrap];
        let fill = fill.iter().position(|known| *known == mode).unwrap_or(0);
        let nearest = f64::from(u8::from(interpolation == Interpolation::Nearest));
        let value = if mode == FillMode::Constant { f64::from(value as f32) } else { 0.0 };
        self.numbers.extend([("FILL", fill as f64), ("NEAREST", nearest), ("VALUE", value)]);
        self
    }

    fn call(&self, op: &'static Op, b: &Builder, place: &Place) -> Call {
        let ([h, w, c], [oh, ow]) = ([0, 1, 2].map(|n| place.input[n]), [0, 1].map(|n| place.output[n]));
        let sizes = [("N", b.batch()), ("H", h), ("W", w), ("C", c), ("OH", oh), ("OW", ow)];
        let call = Call::new(op, &sizes).with("STREAM", place.index as f64);
        let given = self.numbers.iter().filter(|(_, number)| *number != 0.0);
        given.fold(call, |call, (name, number)| call.with(name, *number))
    }

    fn forward(&self, b: &mut Builder, place: &Place) -> ValueId {
        let y = b.batched(&place.name, &place.output);
        b.call(&place.name, self.call(&RANDOM_AFFINE_FORWARD, b, place), &[("y", y), ("x", place.x)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId) -> ValueId {
        let dx = b.batched(&format!("d {} input", place.name), &place.input);
        let call = self.call(&RANDOM_AFFINE_GRAD, b, place).activated(b.fused(place.x));
        b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("x", place.x)]);
        dx
    }
}

/// A least number and the distance to the largest, in units of which one has `unit`.
fn units([least, most]: [f64; 2], unit: f64) -> [f64; 2] {
    let (least, most) = ((least * unit).round(), (most * unit).round());
    [least, most - least]
}

/// Layers that are one affine map: its numbers for an input, and whether there is anything to do.
trait Maps {
    const SLUG: &'static str;
    fn named(&self) -> Option<&str>;
    fn check(&self) -> Result<(), String>;
    fn acts(&self) -> bool;
    fn affine(&self, input: &[usize]) -> Affine;
}

impl Maps for RandomFlip {
    const SLUG: &'static str = "random_flip";

    fn named(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    fn acts(&self) -> bool {
        true
    }

    fn affine(&self, _input: &[usize]) -> Affine {
        let flip = match self.mode {
            FlipMode::Horizontal => 1.0,
            FlipMode::Vertical => 2.0,
            FlipMode::HorizontalAndVertical => 3.0,
        };
        Affine::of(&[("FLIP", flip)])
    }
}

impl Maps for RandomTranslation {
    const SLUG: &'static str = "random_translation";

    fn named(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn check(&self) -> Result<(), String> {
        let fits = |factor: f64| (-1.0..=1.0).contains(&factor);
        self.height_factor.check("height_factor", fits, "numbers from -1 to 1")?;
        self.width_factor.check("width_factor", fits, "numbers from -1 to 1")?;
        fill_fits(self.fill_value)
    }

    fn acts(&self) -> bool {
        !(self.height_factor.is_nothing() && self.width_factor.is_nothing())
    }

    fn affine(&self, input: &[usize]) -> Affine {
        // As in the shader part `affine.wgsl`: parts of a pixel.
        let part = 1u64 << ((input[0] + input[1]) as u32).leading_zeros().saturating_sub(5).min(22);
        let of = |factor: Factor, len: usize| units(factor.range(), 2.0 * part as f64 * len as f64);
        let ([down, downs], [right, rights]) =
            (of(self.height_factor, input[0]), of(self.width_factor, input[1]));
        let [down, right] = [down, right].map(|least| least.rem_euclid(2f64.powi(32)));
        Affine::of(&[("DOWN", down), ("DOWNS", downs), ("RIGHT", right), ("RIGHTS", rights)]).sampled(
            self.fill_mode,
            self.interpolation,
            self.fill_value,
        )
    }
}

impl Maps for RandomRotation {
    const SLUG: &'static str = "random_rotation";

    fn named(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn check(&self) -> Result<(), String> {
        self.factor.check(
            "factor",
            |turns| (-1.0..=1.0).contains(&turns),
            "numbers from -1 to 1, in turns",
        )?;
        fill_fits(self.fill_value)
    }

    fn acts(&self) -> bool {
        !self.factor.is_nothing()
    }

    fn affine(&self, _input: &[usize]) -> Affine {
        /// A turn.
        const TURN: f64 = (1 << 30) as f64;
        let [least, span] = units(self.factor.range(), TURN);
        let turn = least.rem_euclid(TURN);
        Affine::of(&[("TURN", turn), ("TURNS", span)]).sampled(
            self.fill_mode,
            self.interpolation,
            self.fill_value,
        )
    }
}

impl Maps for RandomZoom {
    const SLUG: &'static str = "random_zoom";

    fn named(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn check(&self) -> Result<(), String> {
        let fits = |factor: f64| factor > -1.0 && factor <= 1.0;
        self.height_factor.check("height_factor", fits, "numbers above -1 and up to 1")?;
        if let Some(factor) = self.width_factor {
            factor.check("width_factor", fits, "numbers above -1 and up to 1")?;
        }
        fill_fits(self.fill_value)
    }

    fn acts(&self) -> bool {
        !(self.height_factor.is_nothing() && self.width_factor.is_none_or(Factor::is_nothing))
    }

    fn affine(&self, _input: &[usize]) -> Affine {
        /// One.
        const UNIT: f64 = (1 << 29) as f64;
        let of = |factor: Factor| {
            let [least, most] = factor.range().map(|factor| 1.0 + factor);
            let [least, span] = units([least, most], UNIT);
            [least.max(1.0), span]
        };
        let [tall, talls] = of(self.height_factor);
        let [wide, wides] = self.width_factor.map_or([0.0; 2], of);
        let tied = f64::from(u8::from(self.width_factor.is_none()));
        Affine::of(&[("TALL", tall), ("TALLS", talls), ("WIDE", wide), ("WIDES", wides), ("TIED", tied)])
            .sampled(self.fill_mode, self.interpolation, self.fill_value)
    }
}

/// Implements `Rules` for a layer that is one affine map.
macro_rules! maps {
    ($($layer:ident),+) => {
        $(impl Rules for $layer {
            fn slug(&self) -> &'static str {
                Self::SLUG
            }

            fn given_name(&self) -> Option<&str> {
                self.named()
            }

            fn draws(&self) -> bool {
                self.acts()
            }

            fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
                image(input)?;
                self.check()?;
                Ok(input.to_vec())
            }

            fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
                match b.training() && self.acts() {
                    true => self.affine(&place.input).forward(b, place),
                    false => place.x,
                }
            }

            fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
                match b.training() && self.acts() {
                    true => wanted.then(|| self.affine(&place.input).backward(b, place, dy)),
                    false => wanted.then_some(dy),
                }
            }
        })+
    };
}

maps!(RandomFlip, RandomTranslation, RandomRotation, RandomZoom);

impl Rules for RandomCrop {
    fn slug(&self) -> &'static str {
        "random_crop"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn draws(&self) -> bool {
        true
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [h, w, c] = image(input)?;
        let (height, width) = (self.height, self.width);
        if height == 0 || width == 0 {
            return Err(format!("it crops to {height}×{width}, which leaves nothing; each is at least 1"));
        }
        if height > h || width > w {
            return Err(format!(
                "it crops to {height}×{width}, and its input is {h}×{w}; Keras enlarges such images: put Resizing before it"
            ));
        }
        Interpolation::Bilinear.resized(input, [height, width])?;
        Ok(vec![height, width, c])
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        if b.training() && self.moves(&place.input) {
            return self.affine(&place.input).forward(b, place);
        }
        let (edges, mut cropped, mut resized) = self.parts(place);
        let mut y = place.x;
        if cropped.output != cropped.input {
            y = edges.forward(b, &mut cropped);
        }
        if resized.output != resized.input {
            place.saved = vec![y];
            resized.x = y;
            y = Interpolation::Bilinear.forward(b, &resized);
        }
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        if !wanted {
            return None;
        }
        if b.training() && self.moves(&place.input) {
            return Some(self.affine(&place.input).backward(b, place, dy));
        }
        let (edges, cropped, mut resized) = self.parts(place);
        let mut d = dy;
        if let Some(x) = place.saved.first().filter(|_| resized.output != resized.input) {
            resized.x = *x;
            d = Interpolation::Bilinear.backward(b, &resized, d);
        }
        match cropped.output != cropped.input {
            true => edges.backward(b, &cropped, d, true),
            false => Some(d),
        }
    }
}

impl RandomCrop {
    fn affine(&self, input: &[usize]) -> Affine {
        let places = |len: usize, kept: usize| (len - kept + 1) as f64;
        let (down, right) = (places(input[0], self.height), places(input[1], self.width));
        Affine::of(&[("CROP", 1.0), ("DOWNS", down), ("RIGHTS", right)])
    }
}

/// A random number for each image that changes its values.
struct Tone {
    range: [f64; 2],
    clipped: [f64; 2],
    contrast: bool,
}

impl Tone {
    fn call(&self, op: &'static Op, b: &Builder, place: &Place) -> Call {
        let [h, w, c] = [0, 1, 2].map(|n| place.input[n]);
        let held = |number: f64| f64::from(number as f32);
        let [least, most] = self.range;
        Call::new(op, &[("N", b.batch()), ("PIXELS", h * w), ("C", c), ("STREAM", place.index)])
            .with("LEAST", held(least))
            .with("SPAN", held(most - least))
            .with("LOW", held(self.clipped[0]))
            .with("HIGH", held(self.clipped[1]))
            .with("CONTRAST", f64::from(u8::from(self.contrast)))
    }

    /// The mean of each channel of each image of `x`, which has the shape of the layer's input.
    fn means(b: &mut Builder, place: &Place, x: ValueId, name: String) -> ValueId {
        let [h, w, c] = [0, 1, 2].map(|n| place.input[n]);
        let mut of = Place { name, input: vec![h, w, c], output: vec![1, 1, c], x, ..Place::default() };
        AveragePooling2D::new(Pair(h, w)).forward(b, &mut of)
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let mean = match self.contrast {
            true => Self::means(b, place, place.x, format!("{} means", place.name)),
            false => b.zeros(&place.input[2..]),
        };
        place.saved = vec![mean];
        let y = b.batched(&place.name, &place.output);
        let call = self.call(&RANDOM_TONE_FORWARD, b, place);
        b.call(&place.name, call, &[("y", y), ("x", place.x), ("mean", mean)]);
        y
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId) -> Option<ValueId> {
        let mean = *place.saved.first()?;
        let name = format!("d {} input", place.name);
        let through = b.batched(&name, &place.input);
        let mut call = self.call(&RANDOM_TONE_GRAD, b, place);
        if !self.contrast {
            call = call.activated(b.fused(place.x));
        }
        b.call(&place.name, call, &[("dx", through), ("dy", dy), ("x", place.x), ("mean", mean)]);
        if !self.contrast {
            return Some(through);
        }
        // The change of the mean reaches every pixel: the same formula, without clipping.
        let mean = Self::means(b, place, through, format!("d {} means", place.name));
        let whole = Self { clipped: [-f64::from(f32::MAX), f64::from(f32::MAX)], ..*self };
        let dx = b.batched(&name, &place.input);
        let call = whole.call(&RANDOM_TONE_FORWARD, b, place);
        b.call(&place.name, call, &[("y", dx), ("x", through), ("mean", mean)]);
        Some(b.through_fused(&place.name, place.x, dx))
    }
}

/// Checks the least and the largest value.
fn range_fits([low, high]: [f64; 2]) -> Result<(), String> {
    let fits = (low as f32).is_finite() && (high as f32).is_finite() && low < high;
    match fits {
        true => Ok(()),
        false => Err(format!(
            "value_range is [{low}, {high}], expected the least and the largest value, such as [0, 1]"
        )),
    }
}

impl RandomContrast {
    fn check(&self) -> Result<(), String> {
        match self.factor {
            Factor::One(_) => {
                self.factor.check("factor", |share| (0.0..=1.0).contains(&share), "a number from 0 to 1")?;
            }
            Factor::Range([a, b]) => {
                let fits = a.min(b) >= 0.0 && a.min(b) <= 1.0 && (a.max(b) as f32).is_finite();
                if !fits {
                    return Err(format!(
                        "factor is [{a}, {b}], expected lower and upper, both from 0, and the lower up to 1"
                    ));
                }
            }
        }
        range_fits(self.value_range)
    }

    fn acts(&self) -> bool {
        !self.factor.is_nothing()
    }

    fn tone(&self) -> Tone {
        let [lower, upper] = match self.factor {
            Factor::One(factor) => [factor; 2],
            range @ Factor::Range(_) => range.range(),
        };
        Tone { range: [1.0 - lower, 1.0 + upper], clipped: self.value_range, contrast: true }
    }
}

impl RandomBrightness {
    fn check(&self) -> Result<(), String> {
        self.factor.check("factor", |share| (-1.0..=1.0).contains(&share), "numbers from -1 to 1")?;
        let [a, b] = self.value_range;
        range_fits([a.min(b), a.max(b)])
    }

    fn acts(&self) -> bool {
        !self.factor.is_nothing()
    }

    fn tone(&self) -> Tone {
        let [a, b] = self.value_range;
        let clipped = [a.min(b), a.max(b)];
        let range = self.factor.range().map(|share| share * (clipped[1] - clipped[0]));
        Tone { range, clipped, contrast: false }
    }
}

/// Implements `Rules` for a layer that changes values.
macro_rules! tones {
    ($($layer:ident, $slug:literal);+) => {
        $(impl Rules for $layer {
            fn slug(&self) -> &'static str {
                $slug
            }

            fn given_name(&self) -> Option<&str> {
                self.name.as_deref()
            }

            fn draws(&self) -> bool {
                self.acts()
            }

            fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
                image(input)?;
                self.check()?;
                Ok(input.to_vec())
            }

            fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
                match b.training() && self.acts() {
                    true => self.tone().forward(b, place),
                    false => place.x,
                }
            }

            fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
                match (b.training() && self.acts(), wanted) {
                    (_, false) => None,
                    (true, true) => self.tone().backward(b, place, dy),
                    (false, true) => Some(dy),
                }
            }
        })+
    };
}

tones!(RandomContrast, "random_contrast"; RandomBrightness, "random_brightness");

#[cfg(test)]
mod tests {
    use super::{
        Factor, FlipMode, Place, RandomBrightness, RandomContrast, RandomCrop, RandomFlip, RandomRotation,
        RandomTranslation, RandomZoom, Rules,
    };
    use crate::{
        feed::{Batch, Step},
        op::twin::Data,
        program::{Builder, Mode, interpreter::Interpreter},
    };

    const IMAGES: usize = 2000;
    const SIDE: usize = 9;
    const CENTRE: usize = SIDE / 2;

    /// The outputs of a layer of `index` for images whose first channel is the row and whose second is the column, both
    /// from the centre, times `scale`.
    fn outputs(layer: &dyn Rules, (seed, number, index): (u64, u64, usize), scale: f64) -> Vec<f64> {
        let input = vec![SIDE, SIDE, 2];
        let output = layer.output_shape(&input).expect("fits");
        let mut b = Builder::new(Mode::Train, IMAGES, 1, 1, Vec::new());
        let x = b.batched("x", &input);
        let mut place = Place { index, input, output, x, ..Place::default() };
        let y = layer.forward(&mut b, &mut place);
        let all = 0..b.program.nodes.len();
        let mut machine = Interpreter::new(b.program, &[]);
        let from_centre = |at: usize| scale * (at as f64 - CENTRE as f64);
        let pixels = (0..SIDE * SIDE).flat_map(|at| [from_centre(at / SIDE), from_centre(at % SIDE)]);
        let image: Vec<f64> = pixels.collect();
        machine.set(x, Data::Real(image.repeat(IMAGES)));
        machine.run(
            all,
            &Batch::default(),
            Step { rows: IMAGES as u32, ..Step::default() }.keyed(seed, number),
        );
        machine.real(y)
    }

    /// The two channels of a pixel of each image.
    fn pixel(outputs: &[f64], row: usize, column: usize) -> Vec<[f64; 2]> {
        let images = outputs.chunks(SIDE * SIDE * 2);
        images.map(|image| [0, 1].map(|channel| image[(row * SIDE + column) * 2 + channel])).collect()
    }

    /// The largest distance from what share of the numbers a uniform distribution has below each (Kolmogorov and Smirnov).
    fn distance(mut numbers: Vec<f64>, [least, most]: [f64; 2]) -> f64 {
        numbers.sort_by(f64::total_cmp);
        let count = numbers.len() as f64;
        let of =
            |(n, number): (usize, &f64)| ((number - least) / (most - least) - (n as f64 + 0.5) / count).abs();
        numbers.iter().enumerate().map(of).fold(0.0, f64::max)
    }

    /// True if numbers are of this range and no two in three are below its first third, say: 1 in 10,000 is refused.
    fn uniform(name: &str, numbers: &[f64], range: [f64; 2]) {
        const SURE: f64 = 2.23;
        let off = distance(numbers.to_vec(), range);
        let most = SURE / (numbers.len() as f64).sqrt();
        assert!(off < most, "{name} within {range:?} is off by {off}, at most {most}");
        let outside = 1e-5 * (range[1] - range[0]);
        for number in numbers {
            assert!(
                (range[0] - outside..=range[1] + outside).contains(number),
                "{name}: {number} of {range:?}"
            );
        }
        let lower = numbers.iter().map(|number| range[0] + (number - range[0]) / 1.2).collect();
        assert!(distance(lower, range) > most, "{name}: a range that is a sixth less passes");
    }

    fn independent(name: &str, pairs: &[[f64; 2]]) {
        let count = pairs.len() as f64;
        let mean = [0, 1].map(|n| pairs.iter().map(|pair| pair[n]).sum::<f64>() / count);
        let product = |a: usize, b: usize| {
            pairs.iter().map(|pair| (pair[a] - mean[a]) * (pair[b] - mean[b])).sum::<f64>() / count
        };
        let correlation = product(0, 1) / (product(0, 0) * product(1, 1)).sqrt();
        assert!(correlation.abs() < 4.0 / count.sqrt(), "{name}: {correlation}");
    }

    #[test]
    fn shifts_angles_and_zooms_cover_keras_s_ranges() {
        const STEP: (u64, u64, usize) = (3, 5, 7);
        let layer = RandomTranslation::new([-0.2, 0.3], 0.25);
        let shifts = pixel(&outputs(&layer, STEP, 1.0), CENTRE, CENTRE);
        let [down, right]: [Vec<f64>; 2] = [0, 1].map(|n| shifts.iter().map(|pair| -pair[n]).collect());
        uniform("shifts down", &down, [-0.2 * SIDE as f64, 0.3 * SIDE as f64]);
        uniform("shifts right", &right, [-0.25 * SIDE as f64, 0.25 * SIDE as f64]);
        independent("shifts", &shifts);

        // The pixel two columns right of the centre shows one that is two pixels away; of an image that is rotated
        // counterclockwise, one below the row.
        let layer = RandomRotation::new([-0.1, 0.2]);
        let seen = pixel(&outputs(&layer, STEP, 1.0), CENTRE, CENTRE + 2);
        let turns: Vec<f64> =
            seen.iter().map(|[row, column]| row.atan2(*column) / std::f64::consts::TAU).collect();
        uniform("turns", &turns, [-0.1, 0.2]);
        // Twice the range of all angles, each of which then is as likely.
        let seen = pixel(&outputs(&RandomRotation::new(1.0), STEP, 1.0), CENTRE, CENTRE + 2);
        let turns: Vec<f64> =
            seen.iter().map(|[row, column]| row.atan2(*column) / std::f64::consts::TAU).collect();
        uniform("all turns", &turns, [-0.5, 0.5]);

        let layer = RandomZoom { width_factor: Some(Factor::One(0.2)), ..RandomZoom::new([-0.5, -0.1]) };
        let seen = pixel(&outputs(&layer, STEP, 1.0), CENTRE + 2, CENTRE - 2);
        let zooms: Vec<[f64; 2]> = seen.iter().map(|[row, column]| [row / 2.0, -column / 2.0]).collect();
        let [tall, wide]: [Vec<f64>; 2] = [0, 1].map(|n| zooms.iter().map(|pair| pair[n]).collect());
        uniform("zooms of the height", &tall, [0.5, 0.9]);
        uniform("zooms of the width", &wide, [0.8, 1.2]);
        independent("zooms", &zooms);
        let seen = pixel(&outputs(&RandomZoom::new(0.3), STEP, 1.0), CENTRE + 2, CENTRE - 2);
        assert!(seen.iter().all(|[row, column]| row == &-column), "proportions change");
    }

    #[test]
    fn flips_and_crops_are_as_likely_as_each_other() {
        for (mode, sides) in [
            (FlipMode::Horizontal, [false, true]),
            (FlipMode::Vertical, [true, false]),
            (FlipMode::HorizontalAndVertical, [true, true]),
        ] {
            let seen = pixel(&outputs(&RandomFlip::new(mode), (1, 2, 3), 1.0), 0, 1);
            let (kept, flipped) =
                ([-4.0, -3.0], [if sides[0] { 4.0 } else { -4.0 }, if sides[1] { 3.0 } else { -3.0 }]);
            let count = seen.iter().filter(|pair| **pair == flipped).count();
            assert_eq!(count + seen.iter().filter(|pair| **pair == kept).count(), IMAGES, "{mode:?}");
            assert!(count.abs_diff(IMAGES / 2) < 100, "{mode:?}: {count} of {IMAGES}");
        }
        // One place for a batch, each of 4 × 3 in some of 600 steps.
        let layer = RandomCrop::new(6, 7);
        let mut places = std::collections::BTreeMap::new();
        for number in 0..600 {
            let input = vec![SIDE, SIDE, 2];
            let mut b = Builder::new(Mode::Train, 2, 1, 1, Vec::new());
            let x = b.batched("x", &input);
            let mut place = Place { input, output: vec![6, 7, 2], x, ..Place::default() };
            let y = layer.forward(&mut b, &mut place);
            let mut machine = Interpreter::new(b.program, &[]);
            let image: Vec<f64> = (0..SIDE * SIDE * 2).map(|at| at as f64).collect();
            machine.set(x, Data::Real(image.repeat(2)));
            machine.run(0..1, &Batch::default(), Step { rows: 2, ..Step::default() }.keyed(9, number));
            let y = machine.real(y);
            assert_eq!(y[..84], y[84..], "two images of a batch");
            let first = y[0] as usize / 2;
            let expected: Vec<f64> = (0..6)
                .flat_map(|row| (0..14).map(move |at| ((first + row * SIDE) * 2 + at) as f64))
                .collect();
            assert_eq!(y[..84], expected, "{first}");
            *places.entry([first / SIDE, first % SIDE]).or_insert(0) += 1;
        }
        let expected: Vec<[usize; 2]> =
            (0..4).flat_map(|row| (0..3).map(move |column| [row, column])).collect();
        assert_eq!(places.keys().copied().collect::<Vec<_>>(), expected);
        assert!(places.values().all(|count| (20..=80).contains(count)), "{places:?}");
    }

    #[test]
    fn contrast_and_brightness_cover_their_ranges_and_are_clipped() {
        let layer = RandomBrightness { value_range: [2.0, -2.0], ..RandomBrightness::new([-0.1, 0.3]) };
        let y = outputs(&layer, (4, 4, 4), 0.25);
        let added: Vec<f64> = pixel(&y, CENTRE, CENTRE).iter().map(|pair| pair[0]).collect();
        uniform("brightness", &added, [-0.4, 1.2]);
        assert!(y.iter().all(|value| value.abs() <= 2.0) && y.contains(&2.0));
        for (factor, range) in [(Factor::One(0.4), [0.6, 1.4]), (Factor::Range([0.0, 0.5]), [1.0, 1.5])] {
            let layer = RandomContrast { value_range: [-1.3, 1.2], ..RandomContrast::new(factor) };
            let y = outputs(&layer, (4, 4, 4), 0.25);
            let factors: Vec<f64> = pixel(&y, CENTRE + 1, CENTRE).iter().map(|pair| pair[0] / 0.25).collect();
            uniform("contrast", &factors, range);
            for (image, factor) in y.chunks(SIDE * SIDE * 2).zip(factors) {
                // The mean of each channel is 0.
                for (at, value) in image.iter().enumerate() {
                    let own = [at / 2 / SIDE, at / 2 % SIDE][at % 2] as f64 - CENTRE as f64;
                    let expected = (0.25 * own * factor).clamp(-1.3, 1.2);
                    assert!((value - expected).abs() < 1e-6, "{value}, expected {expected}");
                }
            }
        }
    }

    #[test]
    fn numbers_follow_from_seed_step_and_layer() {
        let layer = RandomRotation::new(0.4);
        let first = outputs(&layer, (3, 5, 7), 1.0);
        assert_eq!(outputs(&layer, (3, 5, 7), 1.0), first);
        for other in [(4, 5, 7), (3, 6, 7), (3, 5, 8)] {
            let pairs = pixel(&first, CENTRE, CENTRE + 2).into_iter();
            let others = pixel(&outputs(&layer, other, 1.0), CENTRE, CENTRE + 2);
            let pairs: Vec<[f64; 2]> = pairs.zip(others).map(|(a, b)| [a[0], b[0]]).collect();
            independent(&format!("{other:?}"), &pairs);
        }
    }

    #[test]
    fn outside_of_training_nothing_changes_and_a_crop_is_the_resized_middle() {
        let layers: [&dyn Rules; 6] = [
            &RandomFlip::default(),
            &RandomTranslation::new(0.1, 0.1),
            &RandomRotation::new(0.1),
            &RandomZoom::new(0.1),
            &RandomContrast::new(0.1),
            &RandomBrightness::new(0.1),
        ];
        let nodes = |mode: Mode, layer: &dyn Rules| {
            let input = vec![SIDE, SIDE, 2];
            let output = layer.output_shape(&input).expect("fits");
            let mut b = Builder::new(mode, 2, 1, 1, Vec::new());
            let x = b.batched("x", &input);
            let mut place = Place { input, output, x, ..Place::default() };
            layer.forward(&mut b, &mut place);
            b.program.nodes.iter().map(|node| node.call.op.name).collect::<Vec<_>>()
        };
        for layer in layers {
            assert!(!nodes(Mode::Train, layer).is_empty(), "{}", layer.slug());
            for mode in [Mode::Evaluate, Mode::Predict, Mode::Explain] {
                assert!(nodes(mode, layer).is_empty(), "{} {mode:?}", layer.slug());
            }
        }
        assert!(nodes(Mode::Train, &RandomZoom::new(0.0)).is_empty());
        let crop = |height, width| nodes(Mode::Predict, &RandomCrop::new(height, width));
        assert_eq!(crop(4, 4), ["resize2d_forward"]);
        assert_eq!(crop(4, 9), ["pad2d_grad"]);
        assert_eq!(crop(4, 2), ["pad2d_grad", "resize2d_forward"]);
        assert_eq!(nodes(Mode::Train, &RandomCrop::new(4, 9)), ["pad2d_grad"], "as Keras's does");
        assert!(crop(9, 9).is_empty());
        assert_eq!(RandomCrop::new(4, 2).edges(&[9, 8, 1]).cropping.width, [2, 2]);
    }

    #[test]
    fn arguments_out_of_range_are_refused_in_words() {
        let refused = |layer: &dyn Rules, words: &[&str]| {
            let said = layer.output_shape(&[8, 8, 3]).expect_err("is refused");
            assert!(words.iter().all(|word| said.contains(word)), "{said}");
        };
        refused(&RandomTranslation::new(1.5, 0.0), &["height_factor has 1.5", "-1 to 1"]);
        refused(&RandomTranslation::new(0.0, [f64::NAN, 0.0]), &["width_factor has NaN"]);
        refused(&RandomRotation::new([-2.0, 0.0]), &["factor has -2", "turns"]);
        refused(&RandomZoom::new(-1.0), &["height_factor has -1", "above -1"]);
        refused(
            &RandomZoom { width_factor: Some(1.01.into()), ..RandomZoom::new(0.1) },
            &["width_factor has 1.01"],
        );
        refused(&RandomZoom { fill_value: 1e39, ..RandomZoom::new(0.1) }, &["fill_value is", "float32"]);
        refused(&RandomContrast::new(-0.1), &["factor has -0.1", "0 to 1"]);
        refused(&RandomContrast::new([1.5, 1.2]), &["factor is [1.5, 1.2]", "lower up to 1"]);
        refused(&RandomBrightness::new(2.0), &["factor has 2"]);
        let range = RandomContrast { value_range: [1.0, 1.0], ..RandomContrast::new(0.1) };
        refused(&range, &["value_range is [1, 1]", "[0, 1]"]);
        refused(&RandomCrop::new(9, 2), &["9×2", "8×8", "Resizing"]);
        refused(&RandomCrop::new(0, 2), &["at least 1"]);
        let said = RandomFlip::default().output_shape(&[16_000, 400, 1]).expect_err("too large");
        assert!(said.contains("16000×400") && said.contains("16383"), "{said}");
        assert!(RandomContrast::new([0.2, 3.0]).output_shape(&[8, 8, 3]).is_ok());
    }
}
