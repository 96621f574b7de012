//! Values that are the output of a layer with its numbers in another arrangement: axes that are divided into heads, joined
//! with the batch, turned, or cut. Attention is written with many of them, and no layer has to be made for any. The parts of
//! an attention are such values, too.

use super::factors::{Along, Axes, Factor, is_all};
use std::rc::Rc;

/// A layer's output.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    /// Name of the layer; `None` for the image.
    pub layer: Option<String>,
    /// Shape in wgrad, without the batch.
    pub shape: Vec<usize>,
}

impl Source {
    pub fn new(layer: &str, shape: &[usize]) -> Self {
        Self { layer: Some(layer.to_string()), shape: shape.to_vec() }
    }

    /// Number of steps, the first axis.
    pub fn steps(&self) -> usize {
        self.shape[0]
    }

    /// Number of features of a step, in all further axes.
    pub fn features(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// The factor that wgrad's axis `n` is.
    pub fn factor(&self, n: usize, batch: Option<usize>) -> Factor {
        match n {
            0 => Factor::new(Along::Batch, batch.unwrap_or(0), 1),
            1 => Factor::new(Along::Steps, self.steps(), 1),
            _ => Factor::new(Along::Features, self.shape[n - 1], self.shape[n..].iter().product()),
        }
    }
}

/// What a view arranges.
#[derive(Clone, Debug)]
pub(super) enum Base {
    /// The output of a layer.
    Layer(Source),
    /// Products of queries and keys, or their shares.
    Scores(Rc<Scores>),
    /// Means of values, weighted by shares.
    Heads(Rc<Heads>),
}

/// The queries, keys or values of all heads: number n of head h is number offset + h · head + n · stride of a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Side {
    pub source: Source,
    pub offset: usize,
    pub head: usize,
    pub len: usize,
    pub stride: usize,
    pub scale: f32,
}

/// Scores of each step of one side for each step of the other, for each head.
#[derive(Clone, Debug)]
pub(super) struct Scores {
    pub sides: [Side; 2],
    pub heads: usize,
    /// Factor of the scores whose softmax was taken.
    pub scale: f64,
    /// The side whose later steps the other does not see.
    pub causal: Option<usize>,
    /// The same where scores of such steps are 0 so far, before a mask is added.
    pub zeros: Option<usize>,
    /// The side that a softmax went over: that of the keys.
    pub keys: Option<usize>,
    /// The part of the shares that is dropped in training.
    pub dropout: f64,
}

/// What the shares of keys make of their values.
#[derive(Clone, Debug)]
pub(super) struct Heads {
    pub query: Side,
    pub key: Side,
    pub value: Side,
    pub heads: usize,
    pub scale: f64,
    pub causal: bool,
    pub dropout: f64,
}

impl Side {
    /// The numbers of a view, whose factor `scale` takes; `head` are those of the heads, `inner` those of each.
    pub fn of(view: &View, source: &Source, [head, inner]: [Option<Factor>; 2], scale: f32) -> Self {
        Self {
            source: source.clone(),
            offset: view.offset,
            head: head.map_or(0, |factor| factor.stride),
            len: inner.map_or(1, |factor| factor.len),
            stride: inner.map_or(0, |factor| factor.stride),
            scale,
        }
    }

    /// True if one head has all features of the source, in order.
    pub fn is_whole(&self) -> bool {
        self.len == self.source.features() && (self.len == 1 || self.stride == 1) && self.scale == 1.0
    }
}

impl Scores {
    /// Along what the steps of a side are in the axes of scores.
    pub fn along(side: usize) -> Along {
        [Along::Steps, Along::Keys][side]
    }

    /// True before the softmax.
    pub fn is_open(&self) -> bool {
        self.keys.is_none()
    }

    pub fn steps(&self, side: usize) -> usize {
        self.sides[side].source.steps()
    }

    /// The side whose steps an axis has.
    pub fn side(&self, axis: &[Factor]) -> Option<usize> {
        (0..2).find(|side| {
            let along = Self::along(*side);
            is_all(axis, along, self.steps(*side)) && axis.iter().any(|factor| factor.along == along)
        })
    }
}

/// A value in another arrangement.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// What it arranges.
    pub base: Base,
    /// The file's axes.
    pub axes: Axes,
    /// The first place along the features.
    pub offset: usize,
    /// Factor of the numbers.
    pub scale: f32,
    /// True if only one node takes the layer's output.
    pub sole: bool,
}

impl View {
    /// The same numbers with other axes.
    pub fn with(&self, axes: Axes) -> Self {
        Self { axes, ..self.clone() }
    }
}
