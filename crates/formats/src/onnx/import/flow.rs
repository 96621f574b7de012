//! Values between nodes: the relation of the file's axes to wgrad's.

use super::{
    factors::{Axes, Factor, longer},
    views::{Base, Source, View},
};
use crate::onnx::tensor::Tensor;
use std::rc::Rc;

type Said<T> = std::result::Result<T, String>;

/// Meaning of an axis of the file's tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    /// This axis of wgrad's tensor; the batch is number 0.
    Of(usize),
    /// An axis of length 1 that wgrad does not have.
    One,
    /// The first half of wgrad's last axis: the direction of a recurrent layer.
    Directions,
    /// The second half of wgrad's last axis: the units of one direction.
    Units,
}

/// A layer's output, as the file sees it.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Name of the layer; `None` for the image.
    pub layer: Option<String>,
    /// Shape in wgrad, without the batch.
    pub shape: Vec<usize>,
    /// Axes of the file's tensor.
    pub axes: Vec<Axis>,
    /// Element n of the file's last axis is element `gather[n]` in wgrad, if channels came first when it was
    /// flattened.
    pub gather: Option<Rc<[usize]>>,
    /// True if time runs in the opposite direction in wgrad.
    pub flipped: bool,
    /// True if the file's values are bytes, 255 times those in wgrad.
    pub raw: bool,
    /// True if the file's values are whole numbers, by which a table is looked up.
    pub whole: bool,
    /// True if they were cast to that, which drops the rest of others.
    pub cut: bool,
    /// True if no element is below zero.
    pub positive: bool,
    /// True if only one node takes the layer's output.
    pub sole: bool,
}

/// A value of the file.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A value that depends on the image.
    Flow(Flow),
    /// A constant of the file; in shapes, -1 stands for a batch of any length.
    Constant(Rc<Tensor>),
    /// The output of a layer in another arrangement, or a part of an attention.
    View(Rc<View>),
    /// Several values.
    Sequence(Rc<[Value]>),
    /// Zeros of a shape that depends on the batch.
    Zeros,
}

impl Flow {
    /// The output of a layer; `axes` are those of the file.
    pub fn new(layer: &str, shape: &[usize], axes: Vec<Axis>) -> Self {
        Self {
            layer: Some(layer.to_string()),
            shape: shape.to_vec(),
            axes,
            gather: None,
            flipped: false,
            raw: false,
            whole: false,
            cut: false,
            positive: false,
            sole: true,
        }
    }

    /// The output of the layer `name`, which keeps axes and order.
    pub fn through(&self, name: &str, shape: &[usize]) -> Self {
        Self {
            layer: Some(name.to_string()),
            shape: shape.to_vec(),
            sole: true,
            positive: false,
            ..self.clone()
        }
    }

    /// The length of an axis; -1 for the batch.
    pub fn len(&self, axis: Axis, directions: usize) -> i64 {
        match axis {
            Axis::Of(0) => -1,
            Axis::Of(n) => self.shape[n - 1] as i64,
            Axis::One => 1,
            Axis::Directions => directions as i64,
            Axis::Units => (self.shape.last().copied().unwrap_or(0) / directions) as i64,
        }
    }

    /// The shape of the file's tensor, with -1 for the batch.
    pub fn lens(&self) -> Vec<i64> {
        self.axes.iter().map(|axis| self.len(*axis, 2)).collect()
    }

    /// True if the file's elements have wgrad's order in memory; axes of length 1 do not matter.
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

    /// Refuses values that only a few nodes can take: raw bytes, reversed time, separate directions.
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
                "it takes the directions of a recurrent layer separately; join them by Transpose and Reshape"
                    .into(),
            );
        }
        Ok(self)
    }

    /// True if the file's axis `n` is wgrad's last one.
    pub fn is_last(&self, n: usize) -> bool {
        self.axes.get(n) == Some(&Axis::Of(self.shape.len()))
    }

    /// The index of a file's axis, counted from the front.
    pub fn axis(&self, axis: i64) -> Said<usize> {
        crate::onnx::attributes::axis(axis, self.axes.len())
    }

    /// True if it is an image or a sequence with channels first, as ONNX's operators with windows take it.
    pub fn is_channels_first(&self) -> bool {
        self.axes == [0, 3, 1, 2].map(Axis::Of) || self.axes == [0, 2, 1].map(Axis::Of)
    }

    /// The layer's output as the file has it; `None` where it is no sequence or image, or its order is not that of wgrad.
    pub fn view(&self, batch: Option<usize>) -> Option<View> {
        if self.raw || self.whole || self.flipped || self.gather.is_some() || self.shape.len() < 2 {
            return None;
        }
        let source = Source { layer: self.layer.clone(), shape: self.shape.clone() };
        let axis = |axis: &Axis| match axis {
            Axis::Of(n) => Some(vec![source.factor(*n, batch)]),
            Axis::One => Some(Vec::new()),
            Axis::Directions | Axis::Units => None,
        };
        let axes = Axes(self.axes.iter().map(axis).collect::<Option<_>>()?);
        Some(View { base: Base::Layer(source), axes, offset: 0, scale: 1.0, sole: self.sole })
    }

    /// The value of a view, if each of its axes is one of the layer's own.
    pub fn of(view: &View, batch: Option<usize>) -> Option<Self> {
        let Base::Layer(source) = &view.base else { return None };
        if view.offset != 0 || view.scale != 1.0 {
            return None;
        }
        let own: Vec<Factor> = (0..=source.shape.len()).map(|n| source.factor(n, batch)).collect();
        let mut open: Vec<usize> = (0..own.len()).collect();
        let mut axes = Vec::new();
        for axis in &view.axes.0 {
            let found = match longer(axis)[..] {
                [] => open.iter().position(|n| own[*n].len == 1 && axis.contains(&own[*n])),
                [one] => Some(open.iter().position(|n| own[*n] == one)?),
                _ => return None,
            };
            axes.push(found.map_or(Axis::One, |at| Axis::Of(open.remove(at))));
        }
        // An axis of length 1 may be anywhere.
        for n in open {
            let at = axes.iter().position(|axis| *axis == Axis::One).filter(|_| own[n].len == 1)?;
            axes[at] = Axis::Of(n);
        }
        let layer = source.layer.clone();
        Some(Self { layer, sole: view.sole, ..Self::new("", &source.shape, axes) })
    }
}
