//! Values between nodes: how the axes of the file's tensor stand to those of wgrad's.

use crate::onnx::tensor::Tensor;
use std::rc::Rc;

type Said<T> = std::result::Result<T, String>;

/// What an axis of the file's tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    /// This axis of wgrad's tensor, the batch being number 0.
    Of(usize),
    /// An axis of length 1 that wgrad does not have.
    One,
    /// The first half of wgrad's last axis: which direction of a recurrent layer.
    Directions,
    /// The second half.
    Units,
}

/// What a layer gives, as the file sees it.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// The layer; none for the image.
    pub layer: Option<String>,
    /// Its shape in wgrad, without the batch.
    pub shape: Vec<usize>,
    /// The axes of the file's tensor.
    pub axes: Vec<Axis>,
    /// Number n of the file's last axis is number `gather[n]` here: channels came first when it was flattened.
    pub gather: Option<Rc<[usize]>>,
    /// Whether time runs the other way here.
    pub flipped: bool,
    /// Whether it holds bytes, 255 times what it holds here.
    pub raw: bool,
    /// Whether nothing in it is below zero.
    pub positive: bool,
    /// Whether only one node takes what the layer gives.
    pub sole: bool,
}

/// A value of the file.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Something that follows from the image.
    Flow(Flow),
    /// Numbers of the file; in shapes a batch of any length is -1.
    Constant(Rc<Tensor>),
    /// Zeros of a shape that depends on the batch.
    Zeros,
}

impl Flow {
    /// What a layer gives whose axes are wgrad's own.
    pub fn new(layer: &str, shape: &[usize], axes: Vec<Axis>) -> Self {
        Self {
            layer: Some(layer.to_string()),
            shape: shape.to_vec(),
            axes,
            gather: None,
            flipped: false,
            raw: false,
            positive: false,
            sole: true,
        }
    }

    /// What the layer `name` gives that keeps axes and order.
    pub fn through(&self, name: &str, shape: &[usize]) -> Self {
        Self {
            layer: Some(name.to_string()),
            shape: shape.to_vec(),
            sole: true,
            positive: false,
            ..self.clone()
        }
    }

    /// The length of an axis; the batch has none.
    pub fn len(&self, axis: Axis, directions: usize) -> i64 {
        match axis {
            Axis::Of(0) => -1,
            Axis::Of(n) => self.shape[n - 1] as i64,
            Axis::One => 1,
            Axis::Directions => directions as i64,
            Axis::Units => (self.shape.last().copied().unwrap_or(0) / directions) as i64,
        }
    }

    /// The shape of the file's tensor, -1 for the batch.
    pub fn lens(&self) -> Vec<i64> {
        self.axes.iter().map(|axis| self.len(*axis, 2)).collect()
    }

    /// Whether the elements of an image lie in memory as they do here: axes of length 1 do not count.
    pub fn in_order(&self) -> bool {
        let counted = self.axes.iter().filter_map(|axis| match axis {
            Axis::Of(0) => Some(0),
            Axis::Of(n) if self.shape[n - 1] > 1 => Some(*n),
            Axis::Of(_) | Axis::One => None,
            Axis::Directions => Some(self.shape.len() * 2),
            Axis::Units => Some(self.shape.len() * 2 + 1),
        });
        self.axes.iter().find(|axis| **axis != Axis::One) == Some(&Axis::Of(0)) && counted.is_sorted()
    }

    /// Refuses what only a few nodes can take.
    pub fn settled(&self) -> Said<&Self> {
        if self.raw {
            return Err(
                "it takes bytes; wgrad divides images by 255, so the file must begin with that division"
                    .into(),
            );
        }
        if self.flipped {
            return Err("it takes a sequence whose time runs backwards".into());
        }
        if self.axes.contains(&Axis::Directions) {
            return Err(
                "it takes the directions of a recurrent layer apart; join them by Transpose and Reshape"
                    .into(),
            );
        }
        Ok(self)
    }

    /// Whether the file's axis `n` is the last one here.
    pub fn is_last(&self, n: usize) -> bool {
        self.axes.get(n) == Some(&Axis::Of(self.shape.len()))
    }

    /// The axis of the file, counted from the front.
    pub fn axis(&self, axis: i64) -> Said<usize> {
        crate::onnx::attributes::axis(axis, self.axes.len())
    }

    /// Channels first, as ONNX's operators for images take it.
    pub fn is_image(&self) -> bool {
        self.axes == [0, 3, 1, 2].map(Axis::Of)
    }
}
