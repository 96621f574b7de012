//! Single dispatches with tensors in host memory.

use super::{Outputs, Refusal, Use};
use crate::onnx::{attributes::broadcast, tensor::Tensor};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};
use wgrad::{
    Result,
    feed::{Batch, Step},
    gpu::{Context, FeedBuffers},
    kernels::{ACTIVATION_FORWARD, ADD, BINARY, MATMUL, MAX_POOL2D_FORWARD, UNARY},
    op::{Access, Activation, Call, sizes::lengths},
    selection::Choices,
};

/// Numbers of the functions of the operation `unary`, as in its interface.
pub(super) mod function {
    pub const AFFINE: u32 = 0;
    pub const ABS: u32 = 1;
    pub const SQRT: u32 = 2;
    pub const LOG: u32 = 3;
    pub const RECIPROCAL: u32 = 4;
    pub const CLAMP: u32 = 5;
    pub const FLOOR: u32 = 6;
    pub const CEIL: u32 = 7;
    pub const SIGN: u32 = 8;
    pub const ELU: u32 = 9;
    pub const SLOPE: u32 = 10;
    pub const THRESHOLD: u32 = 11;
    pub const SHRINK: u32 = 12;
}

/// Numbers of the functions of the operation `binary`.
pub(super) mod of_two {
    pub const SUB: u32 = 0;
    pub const MUL: u32 = 1;
    pub const MIN: u32 = 2;
    pub const MAX: u32 = 3;
}

/// The device that runs kernels, with a count of its dispatches.
pub struct Device<'a> {
    context: &'a Context,
    dispatches: Cell<usize>,
    kernels: RefCell<BTreeSet<String>>,
}

/// The buffers that a dispatch wrote, by name.
pub(super) struct Written(BTreeMap<String, Vec<u32>>);

impl Written {
    /// Removes a buffer and returns it as f32.
    pub fn real(&mut self, name: &str) -> Vec<f32> {
        self.words(name).into_iter().map(f32::from_bits).collect()
    }

    /// Removes a buffer and returns it as u32.
    pub fn words(&mut self, name: &str) -> Vec<u32> {
        self.0.remove(name).unwrap_or_default()
    }
}

impl<'a> Device<'a> {
    /// Creates a runner of kernels on this device.
    pub fn new(context: &'a Context) -> Self {
        Self { context, dispatches: Cell::new(0), kernels: RefCell::default() }
    }

    /// Number of dispatches since the last call of this function.
    pub fn dispatches(&self) -> usize {
        self.dispatches.replace(0)
    }

    /// Names of the operations that ran so far.
    pub fn operations(&self) -> Vec<String> {
        self.kernels.borrow().iter().cloned().collect()
    }

    /// Runs `call` on these buffers; those that are not given are zeros. Returns every buffer that the call writes.
    pub(super) async fn run(&self, call: Call, given: &[(&str, &[f32])]) -> Result<Written> {
        self.run_with(call, given, &[], Step::default()).await
    }

    /// Runs `call` as [`Device::run`] does, with labels and the values of a training step.
    pub(super) async fn run_with(
        &self,
        call: Call,
        given: &[(&str, &[f32])],
        labels: &[u32],
        step: Step,
    ) -> Result<Written> {
        let context = self.context;
        let (variant, _) = call.variant(context, &Choices::default())?;
        let kernel = context.kernel(&call, &variant).await?;
        let mut buffers = Vec::new();
        for (binding, len) in kernel.shader.bindings.iter().zip(lengths(&kernel.shader, &call.sizes)) {
            let slice = context.zeros(&binding.name, len)?;
            if let Some((_, numbers)) = given.iter().find(|(name, _)| *name == binding.name) {
                debug_assert_eq!(numbers.len(), len, "{} of {}", binding.name, kernel.name);
                context.write(&slice, numbers);
            }
            buffers.push((binding.name.as_str(), slice));
        }
        let feed = FeedBuffers::new(context, labels.len().max(1), (4, 1), 1)?;
        feed.upload(context, &Batch { images: Vec::new(), labels: labels.to_vec() }, &[step]);
        let bound: Vec<_> = buffers.iter().map(|(name, slice)| (*name, slice)).collect();
        let launch = context.bind(&kernel, &bound)?;
        context.submit_with(|pass| {
            feed.select(pass, 0);
            launch.record(pass);
        });
        let written: Vec<_> = kernel.shader.bindings.iter().filter(|b| b.access != Access::Read).collect();
        let slices: Vec<_> = buffers
            .iter()
            .filter(|(name, _)| written.iter().any(|b| b.name == *name))
            .map(|(_, slice)| slice)
            .collect();
        let words = context.read_words(&slices).await?;
        self.dispatches.set(self.dispatches.get() + 1);
        self.kernels.borrow_mut().insert(call.op.name.to_string());
        Ok(Written(written.iter().map(|b| b.name.clone()).zip(words).collect()))
    }

    /// Applies a function to every element.
    pub(super) async fn unary(&self, function: u32, [a, b]: [f32; 2], x: &Tensor) -> Result<Tensor, Refusal> {
        let call = Call::new(&UNARY, &[("COUNT", x.len()), ("FUNCTION", function as usize)]);
        let call = call.with("A", f64::from(a)).with("B", f64::from(b));
        let y = self.run(call, &[("x", x.reals()?)]).await?.real("y");
        Ok(Tensor::real(&x.shape, y))
    }

    /// Applies an activation to every element.
    pub(super) async fn activate(
        &self,
        activation: &'static Activation,
        x: &Tensor,
    ) -> Result<Tensor, Refusal> {
        let call = Call::new(&ACTIVATION_FORWARD, &[("COUNT", x.len())]).activated(activation);
        Ok(Tensor::real(&x.shape, self.run(call, &[("x", x.reals()?)]).await?.real("y")))
    }

    /// Applies a function to two tensors that broadcast to one shape; `None` adds them.
    pub(super) async fn binary(
        &self,
        function: Option<u32>,
        a: &Tensor,
        b: &Tensor,
    ) -> Result<Tensor, Refusal> {
        let shape = broadcast(&[&a.shape, &b.shape])?;
        let (a, b) = (a.expanded(&shape)?, b.expanded(&shape)?);
        if a.is_empty() {
            return Ok(a);
        }
        let call = match function {
            None => Call::new(&ADD, &[("COUNT", a.len())]),
            Some(function) => Call::new(&BINARY, &[("COUNT", a.len()), ("FUNCTION", function as usize)]),
        };
        let y = self.run(call, &[("a", a.reals()?), ("b", b.reals()?)]).await?.real("y");
        Ok(Tensor::real(&shape, y))
    }

    /// a / b.
    pub(super) async fn divide(&self, a: &Tensor, b: &Tensor) -> Result<Tensor, Refusal> {
        let inverse = self.unary(function::RECIPROCAL, [0.0, 0.0], b).await?;
        self.binary(Some(of_two::MUL), a, &inverse).await
    }

    /// The product of two matrices, plus a bias for each column.
    pub(super) async fn product(
        &self,
        [m, n, k]: [usize; 3],
        x: &[f32],
        w: &[f32],
        bias: Option<&[f32]>,
    ) -> Result<Vec<f32>> {
        let mut given = vec![("x", x), ("w", w)];
        given.extend(bias.map(|bias| ("b", bias)));
        Ok(self.run(Call::new(&MATMUL, &[("M", m), ("N", n), ("K", k)]), &given).await?.real("y"))
    }

    /// `factor` times the sum of each row.
    pub(super) async fn row_sums(&self, x: &[f32], row: usize, factor: f32) -> Result<Vec<f32>> {
        self.product([x.len() / row, 1, row], x, &vec![factor; row], None).await
    }

    /// The maximum of each row, with the index of its first occurrence.
    pub(super) async fn row_maxima(&self, x: &[f32], row: usize) -> Result<(Vec<f32>, Vec<u32>)> {
        let sizes = [
            ("N", x.len() / row),
            ("H", 1),
            ("W", row),
            ("C", 1),
            ("OH", 1),
            ("OW", 1),
            ("PH", 1),
            ("PW", row),
        ];
        let rest = [("SH", 1), ("SW", 1), ("PT", 0), ("PL", 0)];
        let call = Call::new(&MAX_POOL2D_FORWARD, &[&sizes[..], &rest].concat());
        let mut written = self.run(call, &[("x", x)]).await?;
        Ok((written.real("y"), written.words("argmax")))
    }
}

/// The result of an operator with one output.
pub(super) fn single(tensor: Tensor) -> Outputs {
    Ok(vec![tensor])
}

/// Refuses empty tensors: no kernel runs on them.
pub(super) fn not_empty(u: &Use<'_>) -> Result<(), Refusal> {
    match u.inputs.iter().flatten().find(|t| t.is_empty()) {
        Some(t) => Err(format!("an empty tensor {:?}", t.shape).into()),
        None => Ok(()),
    }
}
