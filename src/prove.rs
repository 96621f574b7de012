//! Proof that a variant computes the results of its twin on this device: random inputs, outputs poisoned
//! with NaN, guard bands around every buffer. It times nothing.

use crate::{
    Error, Result,
    compare::{Mismatch, compare},
    feed::{Batch, Step, split_mix},
    gpu::{Context, FeedBuffers, Kernel, Slice},
    op::{
        Access, Activation, Binding, Call, Element, Marks, Role, Shader, Variant,
        activations::LINEAR,
        sizes::{lengths, shape},
        twin::{Data, Expected, Inputs, Outputs, Sum, Undefined},
    },
};
use std::{collections::BTreeMap, fmt};

pub(crate) mod chosen;
mod inputs;
mod regime;
pub mod smaller;
mod turns;

pub use regime::Regime;
pub use turns::{proofs, regimes, rotation, work};

/// Elements of the guard band before and after each buffer: 256 bytes, the alignment of a binding.
const GUARD: usize = 64;
/// A NaN that fills an output before its kernel runs, so that an unwritten element shows.
pub const POISON: u32 = 0x7fc0_dead;

/// The word `at` of the test buffer `of` outside the memory that may be read or written: a NaN, so that a read of it
/// shows. Its payload is unique, because arithmetic propagates payloads: a NaN that was read in one place and stored in
/// another must not look untouched.
fn sentinel(of: usize, at: usize) -> u32 {
    0x7fc0_0000 | (split_mix((of as u64) << 32 | at as u64) as u32 & 0x003f_ffff) | 1
}

/// The word `at` of the buffer `of` of a trial, unless something else is put there. Beyond indices lies another index: a NaN
/// would be one that no buffer has, so that an atomic addition there would not show.
fn around(binding: &Binding, of: usize, at: usize) -> u32 {
    match binding.access == Access::Read && binding.element != Element::F32 && binding.below.is_some() {
        true => 0,
        false => sentinel(of, at),
    }
}

/// A value that an earlier step may have left in the element `at` of the output `of`: huge numbers of either sign, and
/// ordinary results.
fn left_over(element: Element, of: usize, at: usize) -> u32 {
    let random = split_mix((of as u64) << 32 | at as u64);
    match (element, random % 4) {
        (Element::U32 | Element::I32, _) => (random >> 8) as u32 % 4,
        (Element::F32, 0) => 3e38f32.to_bits(),
        (Element::F32, 1) => (-3e38f32).to_bits(),
        (Element::F32, 2) => ((random >> 40) as f32 / 8192.0 - 1024.0).to_bits(),
        (Element::F32, _) => 0.75f32.to_bits(),
    }
}

/// Fault of a variant.
#[derive(Clone, Debug, PartialEq)]
pub enum Wrong {
    /// An element differs from the twin.
    Value(Box<Mismatch>),
    /// It wrote outside one of its buffers, or into one that it only reads.
    Overrun(String),
    /// It left elements of a buffer unwritten, or wrote NaN.
    Unwritten(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(mismatch) => mismatch.fmt(f),
            Self::Overrun(buffer) => write!(f, "it wrote where it must not, in or around `{buffer}`"),
            Self::Unwritten(buffer) => write!(f, "it left elements of `{buffer}` unwritten, or NaN"),
        }
    }
}

/// The weights whose taps a variant multiplies in sums, from its line `// crosses the taps of w`.
fn crossed(text: &str) -> Option<&str> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("// crosses the taps of "))?;
    line.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// The largest error as a share of the allowed one, or the fault.
pub type Verdict = std::result::Result<f64, Wrong>;

/// A call with random inputs and the outputs of its twin, against which any number of variants can be proven.
pub struct Trial {
    /// Operation, sizes, activation.
    pub call: Call,
    /// The regime of its inputs.
    pub regime: Regime,
    host: BTreeMap<String, Data>,
    batch: Batch,
    step: Step,
    /// `None` if the twin was skipped, or there is none.
    expected: Option<Outputs>,
    /// Why the operation's reference gives no expected outputs.
    undefined: Option<Undefined>,
}

/// The inputs of a trial on a device.
pub struct Uploaded {
    /// Each buffer of the interface, by name.
    pub buffers: Vec<(String, Slice)>,
    /// The feed; step 0 is the trial's.
    pub feed: FeedBuffers,
    /// The buffers with their guard bands.
    whole: Vec<Slice>,
}

impl Uploaded {
    /// The buffers in the form that [`Context::bind`] accepts.
    pub fn named(&self) -> Vec<(&str, &Slice)> {
        self.buffers.iter().map(|(name, slice)| (name.as_str(), slice)).collect()
    }
}

impl Trial {
    /// Draws small inputs for `call` from `seed` and runs the twin. `shader` is any variant of the operation: it
    /// declares the buffers.
    pub fn new(call: &Call, shader: &Shader, seed: u64) -> Self {
        Self::of(Regime::Small, call, shader, seed)
    }

    /// As [`Trial::new`], with inputs of a regime: one of [`regimes`], the regimes that the operation accepts.
    pub fn of(regime: Regime, call: &Call, shader: &Shader, seed: u64) -> Self {
        Self::drawn(regime, call, shader, seed).with_twin()
    }

    /// Runs the twin, so that outputs are compared with it.
    pub fn with_twin(mut self) -> Self {
        match self.outputs(&self.host, self.call.activation) {
            Ok(outputs) => self.expected = Some(outputs),
            Err(undefined) => self.undefined = Some(undefined),
        }
        self
    }

    /// Why the reference of the operation gives no expected outputs; `None` if it does. Such a trial proves nothing.
    pub fn undefined(&self) -> Option<&Undefined> {
        self.undefined.as_ref()
    }

    /// The same trial with these expected outputs.
    pub fn expecting(self, outputs: Outputs) -> Self {
        Self { expected: Some(outputs), undefined: None, ..self }
    }

    /// Returns true if outputs are compared with a twin.
    pub fn has_twin(&self) -> bool {
        self.expected.is_some()
    }

    /// As [`Trial::new`], without running the twin, for sizes at which that would take too long. The proof then checks
    /// only that a variant writes every element of its outputs, and nothing else.
    pub fn without_twin(call: &Call, shader: &Shader, seed: u64) -> Self {
        Self::drawn(Regime::Small, call, shader, seed)
    }

    fn drawn(regime: Regime, call: &Call, shader: &Shader, seed: u64) -> Self {
        let host = inputs::buffers(call, &shader.bindings, &lengths(shader, &call.sizes), seed, regime);
        let (batch, step) = inputs::feed(call, seed, regime);
        Self { call: call.clone(), regime, host, batch, step, expected: None, undefined: None }
    }

    /// Uploads the inputs, poisons the outputs, and sets guard bands around every buffer.
    pub fn upload(&self, context: &Context, kernel: &Kernel) -> Result<Uploaded> {
        let (mut whole, mut buffers) = (Vec::new(), Vec::new());
        let bindings = &kernel.shader.bindings;
        for (of, (b, len)) in bindings.iter().zip(lengths(&kernel.shader, &self.call.sizes)).enumerate() {
            let tail = len.next_multiple_of(GUARD) - len + GUARD;
            let buffer = context.zeros(&b.name, GUARD + len + tail)?;
            let mut words: Vec<u32> = (0..GUARD + len + tail).map(|at| around(b, of, at)).collect();
            let content = words[GUARD..GUARD + len].iter_mut();
            match (b.access, self.host.get(&b.name)) {
                // Poison: an unwritten output stays NaN. With other than small inputs an output holds leftovers of an
                // earlier step instead: a kernel that continues from old contents would ignore NaN, which compares
                // false with everything.
                (Access::Write, _) | (_, None) if self.regime == Regime::Small || self.expected.is_none() => {
                }
                (Access::Write, _) | (_, None) => {
                    content.enumerate().for_each(|(at, word)| *word = left_over(b.element, of, at));
                }
                (_, Some(data)) => content.zip(b.element.words(data)).for_each(|(word, v)| *word = v),
            }
            context.write(&buffer, &words);
            buffers.push((b.name.clone(), buffer.slice(GUARD, len)));
            whole.push(buffer);
        }
        let pixels = Marks::of(self.call.op.interface).image_bytes(&self.call.sizes).max(4);
        let feed = FeedBuffers::new(context, self.batch.labels.len(), (pixels, 1), 1)?;
        feed.upload(context, &self.batch, &[self.step]);
        Ok(Uploaded { buffers, feed, whole })
    }

    /// The same trial with the inputs `names` rounded to half precision, and the outputs of the twin for them. Numbers
    /// beyond half precision are clamped, because such a variant does not support them.
    fn halved(&self, names: &[&str]) -> Self {
        let largest = half::f16::MAX.to_f64();
        let mut host = self.host.clone();
        for (_, data) in host.iter_mut().filter(|(name, _)| names.contains(&name.as_str())) {
            if let Data::Real(values) = data {
                values.iter_mut().for_each(|v| *v = v.clamp(-largest, largest));
            }
            *data = data.halved();
        }
        let trial = Self {
            call: self.call.clone(),
            regime: self.regime,
            host,
            batch: self.batch.clone(),
            step: self.step,
            expected: None,
            undefined: None,
        };
        if self.expected.is_some() { trial.with_twin() } else { trial }
    }

    /// The outputs of the twin for `host` with `activation`.
    fn twin(&self, host: &BTreeMap<String, Data>, activation: &'static Activation) -> Outputs {
        self.outputs(host, activation).unwrap_or_default()
    }

    fn outputs(
        &self,
        host: &BTreeMap<String, Data>,
        activation: &'static Activation,
    ) -> std::result::Result<Outputs, Undefined> {
        self.call.op.outputs(&Inputs {
            sizes: &self.call.sizes,
            buffers: host.iter().map(|(name, data)| (name.as_str(), data)).collect(),
            activation,
            step: self.step,
            batch: &self.batch,
        })
    }

    /// The same trial with wider bounds, for a variant that multiplies sums of inputs by sums of weights (Winograd's).
    /// The bound is that of a sum of each number of a window times each tap of `weights`: an output with few terms of
    /// its own has the errors of the others.
    fn crossed(&self, shader: &Shader, weights: &str) -> Self {
        let mut sizes = self.host.clone();
        for (name, data) in &mut sizes {
            let Data::Real(values) = data else { continue };
            values.iter_mut().for_each(|v| *v = v.abs());
            let binding = shader.bindings.iter().find(|b| b.name == weights && *name == b.name);
            // The last two axes are channels and filters, the axes before them taps.
            let shape = binding.map(|b| shape(b, &self.call.sizes)).unwrap_or_default();
            let inner: usize = shape.iter().rev().take(2).product();
            for at in 0..if shape.is_empty() { 0 } else { inner } {
                let all: f64 = values.iter().skip(at).step_by(inner).sum();
                values.iter_mut().skip(at).step_by(inner).for_each(|v| *v = all);
            }
        }
        let sizes = self.twin(&sizes, &LINEAR);
        let at = shader.bindings.iter().find(|b| b.role == Role::Activated);
        let at = at.and_then(|b| self.host.get(&b.name));
        let through = |n: usize, sum: Sum| match at {
            Some(Data::Real(at)) => sum.sloped(self.call.activation, at[n]),
            _ => sum.through(self.call.activation),
        };
        let expected = self.twin(&self.host, &LINEAR).into_iter().zip(sizes);
        let expected = expected.map(|((name, plain), (_, sizes))| match (plain, sizes) {
            (Expected::Real(sums), Expected::Real(sizes)) => {
                let wide = sums.into_iter().zip(sizes).map(|(sum, size)| sum.widen(size.allowed()));
                (name, Expected::Real(wide.enumerate().map(|(n, sum)| through(n, sum)).collect()))
            }
            (plain, _) => (name, plain),
        });
        Self {
            call: self.call.clone(),
            regime: self.regime,
            host: self.host.clone(),
            batch: self.batch.clone(),
            step: self.step,
            expected: self.expected.is_some().then(|| expected.collect()),
            undefined: None,
        }
    }

    /// Runs `variant` on these inputs and compares every output with the twin. A variant that rounds inputs to half
    /// precision gets rounded inputs: the rest of its error is that of f32, and must stay within the usual bound.
    ///
    /// # Errors
    /// Anything that prevents it from running: a shader that does not compile, a lost device.
    pub async fn prove(&self, context: &Context, variant: &Variant) -> Result<Verdict> {
        self.prove_in(context, variant, u32::MAX).await
    }

    /// As [`Trial::prove`], with at most `most` workgroups on the last axis of the grid: the others fold into the next
    /// dimension, as they do at sizes of millions. `None` if the grid does not fold, or has no more than `most`.
    ///
    /// # Errors
    /// As [`Trial::prove`].
    pub async fn prove_folded(
        &self,
        context: &Context,
        variant: &Variant,
        most: u32,
    ) -> Result<Option<Verdict>> {
        let kernel = context.kernel(&self.call, variant).await?;
        match kernel.shader.folded(kernel.groups, most) {
            Some(_) => self.prove_in(context, variant, most).await.map(Some),
            None => Ok(None),
        }
    }

    async fn prove_in(&self, context: &Context, variant: &Variant, most: u32) -> Result<Verdict> {
        match (variant.rounds().as_slice(), crossed(variant.source())) {
            // With small inputs the wider bounds are not needed: their sums must match to the bound of their own terms.
            ([], Some(weights)) if self.regime != Regime::Small => {
                let shader = self.call.op.shader(variant, self.call.activation)?;
                self.crossed(&shader, weights).prove_as_is(context, variant, most).await
            }
            ([], _) => self.prove_as_is(context, variant, most).await,
            (names, _) => self.halved(names).prove_as_is(context, variant, most).await,
        }
    }

    async fn prove_as_is(&self, context: &Context, variant: &Variant, most: u32) -> Result<Verdict> {
        if let Some(Undefined::Fault(why) | Undefined::NotInterpreted(why) | Undefined::NoNumber(why)) =
            &self.undefined
        {
            let kernel = format!("{}/{}", self.call.op.name, variant.name());
            let message = format!("nothing is expected of it, since the reference is not computed: {why}");
            return Err(Error::Shader { kernel, message });
        }
        let mut largest = 0.0f64;
        for (b, got) in self.contents(context, variant, most).await? {
            let got = match got {
                Ok(got) if b.access == Access::Read => {
                    drop(got);
                    continue;
                }
                Ok(got) => got,
                Err(wrong) => return Ok(Err(wrong)),
            };
            let Some(expected) = &self.expected else { continue };
            let Some((_, expected)) = expected.iter().find(|(name, _)| *name == b.name) else {
                return Ok(Err(Wrong::Overrun(format!("{} (its twin computes no such buffer)", b.name))));
            };
            match compare(&b.name, &got, expected) {
                Ok(error) => largest = largest.max(error),
                Err(mismatch) => {
                    let shape = shape(&b, &self.call.sizes);
                    return Ok(Err(Wrong::Value(Box::new(mismatch.within(&shape)))));
                }
            }
        }
        Ok(Ok(largest))
    }

    /// Runs `variant` on these inputs, and returns each buffer with its contents afterwards, or its fault: a store outside
    /// of it or, with small inputs, an element that was not written.
    ///
    /// # Errors
    /// As [`Trial::prove`].
    pub async fn run(
        &self,
        context: &Context,
        variant: &Variant,
    ) -> Result<Vec<(Binding, std::result::Result<Data, Wrong>)>> {
        self.without_expectations().contents(context, variant, u32::MAX).await
    }

    /// A copy that expects no outputs, so that every element has to be written.
    fn without_expectations(&self) -> Self {
        Self {
            call: self.call.clone(),
            regime: self.regime,
            host: self.host.clone(),
            batch: self.batch.clone(),
            step: self.step,
            expected: None,
            undefined: None,
        }
    }

    /// As [`Trial::run`], with at most `most` workgroups on the last axis of the grid. Elements must be written if no
    /// outputs are expected.
    async fn contents(
        &self,
        context: &Context,
        variant: &Variant,
        most: u32,
    ) -> Result<Vec<(Binding, std::result::Result<Data, Wrong>)>> {
        context.tell_of_trial(&self.call, variant, false);
        let kernel = context.kernel(&self.call, variant).await?;
        let uploaded = self.upload(context, &kernel)?;
        // The guard band after each buffer is bound too: otherwise the driver may drop writes to it. A kernel that
        // uses `arrayLength` must get the tensor's length, as it does in training.
        let beyond = if kernel.shader.array_length { 0 } else { GUARD };
        let launch = context.bind_beyond(&kernel, &uploaded.named(), beyond)?;
        let groups = kernel.shader.folded(kernel.groups, most).unwrap_or(kernel.groups);
        // The compiler's time does not count as the kernel's.
        context.warm(&launch, &uploaded.feed).await?;
        context.tell_of_trial(&self.call, variant, true);
        // Some drivers accept no more work after a kernel that hangs: this wait times out then, and no later one would.
        let submission = context.submit_with(|pass| {
            uploaded.feed.select(pass, 0);
            launch.dispatch(pass, groups);
        });
        context.wait(submission).await?;
        let after = context.read_words(&uploaded.whole.iter().collect::<Vec<_>>()).await?;

        let mut all = Vec::new();
        for (of, (b, words)) in kernel.shader.bindings.iter().zip(&after).enumerate() {
            let len = uploaded.buffers[of].1.len;
            let guard =
                |(at, word): (usize, &u32)| (at < GUARD || at >= GUARD + len) && *word != around(b, of, at);
            let words_within = &words[GUARD..GUARD + len];
            let got = b.element.data(words_within);
            let untouched = |(at, word): (usize, &u32)| *word == sentinel(of, GUARD + at);
            let unwritten = || match (b.element, &got) {
                (Element::F32, Data::Real(values)) => values.iter().any(|v| v.is_nan()),
                _ => words_within.iter().enumerate().any(untouched),
            };
            let fault = if words.iter().enumerate().any(guard)
                || b.access == Access::Read && self.host.get(&b.name) != Some(&got)
            {
                Some(Wrong::Overrun(b.name.clone()))
            } else if b.access != Access::Read && self.expected.is_none() && unwritten() {
                Some(Wrong::Unwritten(b.name.clone()))
            } else {
                None
            };
            all.push((b.clone(), fault.map_or(Ok(got), Err)));
        }
        Ok(all)
    }
}

/// Runs `variant` for `call` on random inputs and compares every output with the twin.
///
/// # Errors
/// Anything that prevents it from running: a shader that does not compile, a lost device.
pub async fn prove(context: &Context, call: &Call, variant: &Variant, seed: u64) -> Result<Verdict> {
    let kernel = context.kernel(call, variant).await?;
    Trial::new(call, &kernel.shader, seed).prove(context, variant).await
}
