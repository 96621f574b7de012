//! Expected outputs of an operation that its reference kernel defines: by the interpreter in f64 with error bounds
//! ([`crate::interpret`]), or else by the kernel itself on the device, with a stated tolerance.

use crate::{
    backends::resolve,
    interpret::{self, Buffers, Element as Word, Kernel, Limits, Outputs as Written, run},
};
use std::{collections::BTreeMap, fmt};
use wgrad::{
    Error, Result,
    compare::{place_in, words_of},
    gpu::Context,
    op::{
        Access, Binding, Element, Op, Shader,
        sizes::{self, shape},
        twin::{Data, Expected, Inputs, Outputs, Sum, Undefined},
    },
    prove::{POISON, Regime, Trial, Wrong},
};

/// Operations that one interpretation may take: some seconds. Beyond, the device computes the reference.
const OPERATIONS: u64 = 1 << 26;

/// Tolerance of a comparison with the reference on the device, where the interface has no line `// tolerance T`: 256
/// roundings of f32. It is a share of the size of the element and of the mean size of its buffer.
pub const TOLERANCE: f64 = 256.0 * wgrad::op::twin::EPSILON;

/// Most origins that are listed in words.
const LISTED: usize = 3;

/// The outputs of the reference of `op` for `inputs`, by the interpreter.
///
/// # Errors
/// [`Undefined`], with the line of the reference that is to blame.
pub fn interpreted(op: &Op, inputs: &Inputs<'_>) -> Result<Outputs, Undefined> {
    let fault = |error: Error| Undefined::Fault(error.to_string());
    let naive = op.variant("naive").map_err(fault)?;
    let shader = op.shader(naive, inputs.activation).map_err(fault)?;
    let resolved = resolve("naive", naive, &shader, inputs.sizes).map_err(fault)?;
    let values = shader.values(inputs.sizes);
    let groups = shader.groups(&values, 65_535);
    let groups =
        groups.ok_or_else(|| Undefined::Fault("the reference needs more than 65535 workgroups".into()))?;
    let entry = resolved.module.entry_points.first().map(|entry| entry.name.as_str()).unwrap_or_default();
    let kernel = Kernel { module: &resolved.module, info: &resolved.info, entry, text: &shader.text };
    let limits = Limits { operations: OPERATIONS, ..Limits::default() };
    let before = buffers(&shader, inputs);
    let mut written = run(&kernel, groups, &before, &limits).map_err(|refusal| {
        let words = format!("{}{}", place_of(op, naive.source(), refusal.line), refusal.message);
        if refusal.is_fault() { Undefined::Fault(words) } else { Undefined::NotInterpreted(words) }
    })?;
    let tolerance = op.tolerance();
    let mut outputs = Outputs::new();
    for binding in shader.bindings.iter().filter(|binding| binding.access != Access::Read) {
        let mut expected =
            expected(binding, &mut written, &before, &|at| place(binding, &shader, inputs, at))?;
        if let (Some(share), Element::F32) = (tolerance, binding.element) {
            widen(&mut expected, share);
        }
        outputs.push((op.buffer(&binding.name), expected));
    }
    Ok(outputs)
}

/// The contents of all buffers before the dispatch, in words.
fn buffers(shader: &Shader, inputs: &Inputs<'_>) -> Buffers {
    let mut all: Buffers = BTreeMap::new();
    for binding in &shader.bindings {
        let data = inputs.buffers.get(binding.name.as_str());
        let len = data.map_or(0, |data| data.len());
        let content = match (binding.access, data) {
            (Access::Write, _) | (_, None) => vec![POISON; len],
            (_, Some(data)) => binding.element.words(data),
        };
        all.insert((0, binding.index), content);
    }
    if shader.feed {
        let bytes = inputs.batch.images.chunks(4);
        let images = bytes.map(|bytes| bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)));
        all.insert((1, 0), inputs.step.words());
        all.insert((2, 0), images.collect());
        all.insert((2, 1), inputs.batch.labels.clone());
    }
    all
}

/// The file and line of `line` of the composed text, with a colon; empty if none is known.
fn place_of(op: &Op, reference: &str, line: Option<u32>) -> String {
    let Some(line) = line else { return String::new() };
    let own = reference.matches('\n').count() as u32 + 1;
    let interface = op.interface.lines().count() as u32;
    let folder = op.folder().unwrap_or(op.name);
    match line.checked_sub(own) {
        None | Some(0) => format!("{folder}/naive.wgsl:{line}: "),
        Some(line) if line <= interface => format!("{folder}/interface.wgsl:{line}: "),
        Some(_) => "in a shared text: ".to_string(),
    }
}

/// The element `at` of a buffer, in words.
fn place(binding: &Binding, shader: &Shader, inputs: &Inputs<'_>, at: usize) -> String {
    let shape = shape(binding, &shader.values(inputs.sizes));
    format!("{}[{}]", binding.name, words_of(at, &place_in(at, &shape)))
}

fn expected(
    binding: &Binding,
    written: &mut Written,
    before: &Buffers,
    place: &dyn Fn(usize) -> String,
) -> Result<Expected, Undefined> {
    let key = (0, binding.index);
    let untouched = || before.get(&key).into_iter().flatten().map(|word| Word::Untouched(*word)).collect();
    let words: Vec<Word> = written.remove(&key).unwrap_or_else(untouched);
    let unwritten = words.iter().position(|word| matches!(word, Word::Untouched(_)));
    if let Some(at) = unwritten.filter(|_| binding.access == Access::Write) {
        return Err(Undefined::Fault(format!(
            "the reference leaves {} unwritten; write every element, or mark `{}` as `in place` after its shape",
            place(at),
            binding.name
        )));
    }
    let none = |at: usize| {
        Undefined::NoNumber(format!(
            "the reference gives no number for {}; a mark after the shape of an input, such as `positive` or `from 0 to 1`, \
             says which values it takes",
            place(at)
        ))
    };
    match binding.element {
        Element::F32 => {
            let is_none = |word: &Word| match *word {
                Word::Real { value, allowed } => value.is_nan() || !allowed.is_finite(),
                Word::Untouched(bits) | Word::Integer(bits) => f32::from_bits(bits).is_nan(),
            };
            match words.iter().position(is_none) {
                Some(at) => Err(none(at)),
                None => Ok(interpret::real(&words)),
            }
        }
        Element::U32 | Element::I32 => {
            let whole = interpret::index(&words);
            let Some(Expected::Index(words)) = whole else {
                return Err(Undefined::NotInterpreted(format!(
                    "`{}` holds the bits of rounded numbers",
                    binding.name
                )));
            };
            Ok(binding.element.exactly(words))
        }
    }
}

/// Adds the share `share` of its size, and of the mean size of the buffer, to the bound of every f32.
fn widen(expected: &mut Expected, share: f64) {
    let Expected::Real(sums) = expected else { return };
    let sizes = || sums.iter().map(|sum| sum.value.abs()).filter(|size| size.is_finite());
    let mean = sizes().sum::<f64>() / sizes().count().max(1) as f64;
    for sum in sums {
        *sum = sum.widen(share * (sum.value.abs().min(f64::from(f32::MAX)) + mean));
    }
}

/// Where the expected outputs of trials come from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    interpreted: usize,
    tolerance: Option<f64>,
    /// Sizes at which the device computed the reference, by the reason.
    on_device: BTreeMap<String, Vec<String>>,
    /// Inputs for which the reference gives no number.
    left_out: Vec<String>,
}

impl Origin {
    /// Adds another's.
    pub fn join(&mut self, other: Self) {
        self.interpreted += other.interpreted;
        self.tolerance = self.tolerance.or(other.tolerance);
        for (reason, sizes) in other.on_device {
            self.on_device.entry(reason).or_default().extend(sizes);
        }
        self.left_out.extend(other.left_out);
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("naive")?;
        if self.interpreted > 0 {
            f.write_str(", computed in f64 on the host with its error bound")?;
            if let Some(share) = self.tolerance {
                write!(f, " and a tolerance of {share:.1e}")?;
            }
        }
        for (n, (reason, sizes)) in self.on_device.iter().enumerate().take(1) {
            let join = if n > 0 || self.interpreted > 0 { "; " } else { ", " };
            let share = self.tolerance.unwrap_or(TOLERANCE);
            let mut at: Vec<&str> = sizes.iter().map(String::as_str).collect();
            at.dedup();
            let more =
                if at.len() > LISTED { format!(" and {} more", at.len() - LISTED) } else { String::new() };
            at.truncate(LISTED);
            write!(
                f,
                "{join}computed on this device with a tolerance of {share:.1e} at {}{more}, since {reason}",
                at.join(" and ")
            )?;
        }
        if self.on_device.len() > 1 {
            write!(f, "; the same for {} more reasons", self.on_device.len() - 1)?;
        }
        for left in self.left_out.iter().take(LISTED) {
            write!(f, "; left out: {left}")?;
        }
        match self.left_out.len() {
            0..=LISTED => Ok(()),
            more => write!(f, "; and {} more", more - LISTED),
        }
    }
}

/// Completes `trials` of an operation that a reference defines: where the interpreter refused it, the device computes
/// it. Trials with inputs for which the reference gives no number are left out.
///
/// # Errors
/// [`Error::Shader`] for a reference that is wrong, or gives no number for small inputs; [`Error::Device`].
pub async fn complete(context: &Context, trials: Vec<Trial>) -> Result<(Vec<Trial>, Origin)> {
    let (mut complete, mut origin) = (Vec::new(), Origin::default());
    for trial in trials {
        let op = trial.call.op;
        let at = sizes::words(&trial.call);
        let fail = |regime: Regime, message: String| Error::Shader {
            kernel: format!("{}/naive.wgsl", op.folder().unwrap_or(op.name)),
            message: format!("at {at} with {regime}: {message}"),
        };
        origin.tolerance = op.tolerance();
        let trial = match trial.undefined().cloned() {
            None => {
                origin.interpreted += 1;
                Ok(trial)
            }
            Some(Undefined::Fault(message)) => return Err(fail(trial.regime, message)),
            Some(Undefined::NoNumber(message)) => Err((trial, message)),
            Some(Undefined::NotInterpreted(reason)) => match on_device(context, &trial).await? {
                Ok(outputs) => {
                    let sizes = origin.on_device.entry(reason).or_default();
                    if sizes.last() != Some(&at) {
                        sizes.push(at.clone());
                    }
                    Ok(trial.expecting(outputs))
                }
                Err(Undefined::NoNumber(message)) => Err((trial, message)),
                Err(Undefined::Fault(message) | Undefined::NotInterpreted(message)) => {
                    return Err(fail(trial.regime, message));
                }
            },
        };
        match trial {
            Ok(trial) => complete.push(trial),
            Err((trial, message)) if trial.regime == Regime::Small => {
                return Err(fail(trial.regime, message));
            }
            Err((trial, message)) => {
                origin.left_out.push(format!(
                    "{} at {}, since {message}",
                    trial.regime,
                    sizes::words(&trial.call)
                ));
            }
        }
    }
    Ok((complete, origin))
}

/// The outputs of the reference on the device.
async fn on_device(context: &Context, trial: &Trial) -> Result<Result<Outputs, Undefined>> {
    let op = trial.call.op;
    let share = op.tolerance().unwrap_or(TOLERANCE);
    let mut outputs = Outputs::new();
    for (binding, data) in trial.run(context, op.variant("naive")?).await? {
        let data = match data {
            Ok(_) if binding.access == Access::Read => continue,
            Ok(data) => data,
            // Numbers that were not written are NaN.
            Err(Wrong::Unwritten(buffer)) if binding.element == Element::F32 => {
                let why = format!(
                    "the reference leaves elements of `{buffer}` unwritten, or gives no number for them"
                );
                return Ok(Err(Undefined::NoNumber(why)));
            }
            Err(wrong) => return Ok(Err(Undefined::Fault(format!("on this device: {wrong}")))),
        };
        let expected = match data {
            Data::Index(words) => Expected::Index(words),
            Data::Real(values) if binding.element == Element::F32 => {
                if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                    let place = words_of(at, &place_in(at, &shape(&binding, &trial.call.sizes)));
                    let why = format!("the reference gives no number for {}[{place}]", binding.name);
                    return Ok(Err(Undefined::NoNumber(why)));
                }
                let mut expected =
                    Expected::Real(values.into_iter().map(|value| Sum::within(value, 0.0)).collect());
                widen(&mut expected, share);
                expected
            }
            Data::Real(values) => Expected::Real(values.into_iter().map(Sum::exact).collect()),
        };
        outputs.push((op.buffer(&binding.name), expected));
    }
    Ok(Ok(outputs))
}
