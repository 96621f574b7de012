//! Proof that a variant computes what its twin says, on this device: random inputs, outputs poisoned
//! with NaN, guard bands around every buffer. It times nothing.

use crate::{
    Result,
    compare::{Mismatch, compare},
    feed::{Batch, Step, split_mix},
    gpu::{Access, Binding, Context, Element, FeedBuffers, Kernel, Shader, Slice},
    op::{At, Call, Sizes, Variant},
    reference::{Data, Expected, Inputs},
};
use std::{collections::BTreeMap, fmt};

/// Elements of guard band before and behind each buffer: 256 bytes, the alignment of a binding.
const GUARD: usize = 64;
/// A NaN: what an output holds before its kernel runs, so that an element which is not written shows.
pub(crate) const POISON: u32 = 0x7fc0_dead;

/// What the word `at` of the test buffer `of` holds where nothing may be read or written: a NaN, so that
/// reading it shows. Its payload is its own, because arithmetic hands payloads on: a NaN that was read in
/// one place and stored in another must not look untouched.
fn sentinel(of: usize, at: usize) -> u32 {
    0x7fc0_0000 | (split_mix((of as u64) << 32 | at as u64) as u32 & 0x003f_ffff) | 1
}

/// What went wrong with a variant.
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

/// The outcome: the largest error as a share of what is allowed, or what is wrong.
pub type Verdict = std::result::Result<f64, Wrong>;

/// Parses `NAME=value,NAME=value`, as the page and the command line write sizes.
pub fn parse_sizes(text: &str) -> Option<Vec<(String, f64)>> {
    text.split(',')
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.trim().to_string(), value.trim().parse().ok()?))
        })
        .collect()
}

/// Random host buffers for `call`, by name, deterministic from `seed`.
fn inputs_for(call: &Call, bindings: &[Binding], lengths: &[usize], seed: u64) -> BTreeMap<String, Data> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(1);
        split_mix(state)
    };
    let mut data = BTreeMap::new();
    for (binding, &len) in bindings.iter().zip(lengths) {
        // One number in four is a multiple of a half, so that ties and exact zeros occur.
        let real = |v: u64| match v % 4 {
            0 => ((v >> 40) % 5) as f64 / 2.0 - 1.0,
            _ => f64::from((v >> 40) as f32 / (1u32 << 23) as f32 - 1.0),
        };
        let name = binding.name.as_str();
        let values = match (binding.element, binding.access) {
            (Element::U32, _) => {
                let places =
                    binding.below.as_ref().and_then(|size| size.value(&call.sizes)).unwrap_or(1).max(1);
                Data::Index((0..len).map(|_| (next() % places as u64) as u32).collect())
            }
            // Where an activation's gradient is taken, its argument is a value of the activation, or anything.
            (Element::F32, Access::Read)
                if call.op.interface.contains("activate_grad") && (name == "x" || name == "at") =>
            {
                let at =
                    |x: f64| if call.activation.at == At::Output { (call.activation.value)(x) } else { x };
                Data::Real((0..len).map(|_| f64::from(at(2.0 * real(next())) as f32)).collect())
            }
            (Element::F32, _) => Data::Real((0..len).map(|_| real(next())).collect()),
        };
        let values = match values {
            Data::Real(values) if binding.positive => Data::Real(values.into_iter().map(f64::abs).collect()),
            values => values,
        };
        data.insert(binding.name.clone(), values);
    }
    data
}

/// Bytes of an image of the feed, where an operation reads them.
fn bytes_of_an_image(call: &Call) -> usize {
    let size = |name: &str| call.sizes.get(name).map(|v| *v as usize);
    // Operations on images in buffers call their batch N.
    let shape = || Some(size("ROWS").and(size("H"))? * size("W")? * size("C")?);
    let bytes = if size("FLOATS") == Some(1) { size_of::<f32>() } else { 1 };
    size("PIXELS").or_else(shape).unwrap_or(0) * bytes
}

fn feed_for(call: &Call, seed: u64) -> (Batch, Step) {
    let size = |name: &str| call.sizes.get(name).map_or(0, |v| *v as usize);
    let (rows, pixels, classes) = (size("ROWS"), bytes_of_an_image(call), size("CLASSES").max(1));
    // A batch that begins at image 3 of the chunk and, where it can, is not full.
    let first = 3;
    // Floats are in [-1, 1): any bits would be NaN now and then.
    let float = |v: u64| (v >> 40) as f32 / (1u32 << 23) as f32 - 1.0;
    let bytes = (0..(first + rows) * pixels).map(|at| match size("FLOATS") {
        1 => float(split_mix(seed ^ (at / 4) as u64)).to_le_bytes()[at % 4],
        _ => split_mix(seed ^ at as u64) as u8,
    });
    let labels = (0..first + rows).map(|at| match (split_mix(seed.wrapping_add(at as u64)), size("REAL")) {
        (v, 1) => (4.0 * float(v)).to_bits(),
        (v, _) => (v % classes as u64) as u32,
    });
    let batch = Batch { images: bytes.collect(), labels: labels.collect() };
    let step = Step {
        first: first as u32,
        rows: rows.saturating_sub(rows / 5).max(1) as u32,
        slot: size("SLOTS").saturating_sub(1) as u32,
        learning_rate: 0.05,
        correction: 0.75,
        momentum_shift: -0.0625,
        average: 0.0625,
        mixed: 0.3,
        share: 0.375,
        part: (seed & 1) as u32,
        ..Step::default()
    };
    (batch, step.keyed(seed, 7))
}

/// A call with random inputs and what its twin makes of them: the measure of any number of variants.
pub struct Trial {
    /// Operation, sizes, activation.
    pub call: Call,
    host: BTreeMap<String, Data>,
    batch: Batch,
    step: Step,
    /// `None` where the twin was left out.
    expected: Option<Vec<(&'static str, Expected)>>,
}

/// The inputs of a trial on a device.
pub(crate) struct Uploaded {
    /// Each buffer of the interface, by name.
    pub buffers: Vec<(String, Slice)>,
    /// The feed; step 0 is the trial's.
    pub feed: FeedBuffers,
    /// The buffers with their guard bands.
    whole: Vec<Slice>,
}

impl Uploaded {
    /// The buffers as [`Context::bind`] takes them.
    pub fn named(&self) -> Vec<(&str, &Slice)> {
        self.buffers.iter().map(|(name, slice)| (name.as_str(), slice)).collect()
    }
}

/// How many elements each buffer of `shader` has at `sizes`.
pub(crate) fn lengths(shader: &Shader, sizes: &Sizes) -> Vec<usize> {
    let values = shader.values(sizes);
    let len = |b: &Binding| b.shape.iter().map(|s| s.value(&values)).product::<Option<usize>>();
    shader.bindings.iter().map(|b| len(b).unwrap_or(0)).collect()
}

impl Trial {
    /// Draws inputs for `call` from `seed` and runs the twin. `shader` is any variant of the operation: it
    /// says what buffers there are.
    pub fn new(call: &Call, shader: &Shader, seed: u64) -> Self {
        Self::without_twin(call, shader, seed).with_twin()
    }

    /// The same with what the twin makes of the inputs.
    pub fn with_twin(mut self) -> Self {
        let inputs = Inputs {
            sizes: &self.call.sizes,
            buffers: self.host.iter().map(|(name, data)| (name.as_str(), data)).collect(),
            activation: self.call.activation,
            step: self.step,
            batch: &self.batch,
        };
        self.expected = Some((self.call.op.twin)(&inputs));
        self
    }

    /// The same inputs without what the twin makes of them, where that would take too long. A proof with it sees
    /// only where a variant writes: every element of its outputs, and nothing else.
    pub fn without_twin(call: &Call, shader: &Shader, seed: u64) -> Self {
        let host = inputs_for(call, &shader.bindings, &lengths(shader, &call.sizes), seed);
        let (batch, step) = feed_for(call, seed);
        Self { call: call.clone(), host, batch, step, expected: None }
    }

    /// Puts the inputs on the device, poisons the outputs, and sets guard bands around every buffer.
    pub(crate) fn upload(&self, context: &Context, kernel: &Kernel) -> Result<Uploaded> {
        let (mut whole, mut buffers) = (Vec::new(), Vec::new());
        let bindings = &kernel.shader.bindings;
        for (of, (b, len)) in bindings.iter().zip(lengths(&kernel.shader, &self.call.sizes)).enumerate() {
            let tail = len.next_multiple_of(GUARD) - len + GUARD;
            let buffer = context.zeros(&b.name, GUARD + len + tail)?;
            let mut words: Vec<u32> = (0..GUARD + len + tail).map(|at| sentinel(of, at)).collect();
            let content = words[GUARD..GUARD + len].iter_mut();
            match (b.access, self.host.get(&b.name)) {
                // Poison: an output that is not written stays NaN.
                (Access::Write, _) | (_, None) => {}
                (_, Some(Data::Real(values))) => {
                    content.zip(values).for_each(|(word, v)| *word = (*v as f32).to_bits());
                }
                (_, Some(Data::Index(values))) => content.zip(values).for_each(|(word, v)| *word = *v),
            }
            context.write(&buffer, &words);
            buffers.push((b.name.clone(), buffer.slice(GUARD, len)));
            whole.push(buffer);
        }
        let pixels = bytes_of_an_image(&self.call).max(4);
        let feed = FeedBuffers::new(context, self.batch.labels.len(), pixels, 1)?;
        feed.upload(context, &self.batch, &[self.step]);
        Ok(Uploaded { buffers, feed, whole })
    }

    /// The same trial with the inputs `names` rounded to half precision, and what the twin makes of those.
    fn halved(&self, names: &[&str]) -> Self {
        let mut host = self.host.clone();
        for (_, data) in host.iter_mut().filter(|(name, _)| names.contains(&name.as_str())) {
            *data = data.halved();
        }
        let trial = Self {
            call: self.call.clone(),
            host,
            batch: self.batch.clone(),
            step: self.step,
            expected: None,
        };
        if self.expected.is_some() { trial.with_twin() } else { trial }
    }

    /// Runs `variant` on these inputs and compares every output with the twin. A variant that rounds inputs to half
    /// precision gets them rounded: what is left of its error is that of f32, and held to the same bound.
    ///
    /// # Errors
    /// Anything that keeps it from running at all: a shader that does not compile, a lost device.
    pub async fn prove(&self, context: &Context, variant: &Variant) -> Result<Verdict> {
        match variant.rounds().as_slice() {
            [] => self.prove_as_is(context, variant).await,
            names => self.halved(names).prove_as_is(context, variant).await,
        }
    }

    async fn prove_as_is(&self, context: &Context, variant: &Variant) -> Result<Verdict> {
        let kernel = context.kernel(&self.call, variant).await?;
        let uploaded = self.upload(context, &kernel)?;
        // The guard band behind each buffer is bound too: otherwise the driver may drop what goes there.
        let launch = context.bind_beyond(&kernel, &uploaded.named(), GUARD)?;
        // What the compiler takes is no matter of the kernel.
        context.warm(&launch, &uploaded.feed)?;
        // Some drivers take no more work behind a kernel that hangs: then this wait ends, and no other would.
        context.wait(context.submit_with(|pass| {
            uploaded.feed.select(pass, 0);
            launch.record(pass);
        }))?;
        let after = context.read_words(&uploaded.whole.iter().collect::<Vec<_>>()).await?;

        let mut largest = 0.0f64;
        for (of, (b, words)) in kernel.shader.bindings.iter().zip(&after).enumerate() {
            let len = uploaded.buffers[of].1.len;
            let guard =
                |(at, word): (usize, &u32)| (at < GUARD || at >= GUARD + len) && *word != sentinel(of, at);
            if words.iter().enumerate().any(guard) {
                return Ok(Err(Wrong::Overrun(b.name.clone())));
            }
            let got = &words[GUARD..GUARD + len];
            let got = match b.element {
                Element::F32 => Data::Real(got.iter().map(|w| f64::from(f32::from_bits(*w))).collect()),
                Element::U32 => Data::Index(got.to_vec()),
            };
            if b.access == Access::Read {
                if self.host.get(&b.name) != Some(&got) {
                    return Ok(Err(Wrong::Overrun(b.name.clone())));
                }
                continue;
            }
            let Some(expected) = &self.expected else {
                let untouched = |(at, word): (usize, &u32)| *word == sentinel(of, GUARD + at);
                let unwritten = match &got {
                    Data::Real(values) => values.iter().any(|v| v.is_nan()),
                    Data::Index(words) => words.iter().enumerate().any(untouched),
                };
                if unwritten {
                    return Ok(Err(Wrong::Unwritten(b.name.clone())));
                }
                continue;
            };
            let Some((_, expected)) = expected.iter().find(|(name, _)| *name == b.name) else {
                return Ok(Err(Wrong::Overrun(format!("{} (its twin computes no such buffer)", b.name))));
            };
            match compare(&b.name, &got, expected) {
                Ok(error) => largest = largest.max(error),
                Err(mismatch) => return Ok(Err(Wrong::Value(mismatch))),
            }
        }
        Ok(Ok(largest))
    }
}

/// Runs `variant` for `call` on random inputs and compares every output with the twin.
///
/// # Errors
/// Anything that keeps it from running at all: a shader that does not compile, a lost device.
pub async fn prove(context: &Context, call: &Call, variant: &Variant, seed: u64) -> Result<Verdict> {
    let kernel = context.kernel(call, variant).await?;
    Trial::new(call, &kernel.shader, seed).prove(context, variant).await
}
