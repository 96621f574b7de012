//! A plan: a program compiled for a device. Every pipeline, buffer and bind group is created in advance; a step
//! only replays them. Temporaries share buffers by lifetime.

use crate::{
    Error, Result,
    gpu::{Context, FeedBuffers, Kernel, Launch, Preparing, Slice},
    op::{Access, twin::Data},
    optim::{Optimizer, Slot},
    program::{Home, Parameter, Pass, Program, Value, ValueId, arena_len},
    selection::Choices,
    selftest,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque, hash_map::Entry},
    fmt,
    sync::Arc,
};

mod fit;
mod submit;

use fit::excess;
pub(crate) use fit::fitting;
pub use submit::{Encoded, Finished, Submitted};

/// Memory that outlives a step: parameters, gradients and the optimizer's state, each in one buffer, and results.
#[derive(Clone)]
pub struct Arenas {
    /// Parameters, each at its offset.
    pub parameters: Slice,
    /// Gradients, at the same offsets.
    pub gradients: Slice,
    /// State of the optimizer, each slot in its own buffer, at the same offsets.
    pub slots: Vec<(Slot, Slice)>,
    /// Moving averages of the weights, at the same offsets, if they are kept.
    pub averages: Option<Slice>,
    /// Sums of the gradients of a batch's parts, at the same offsets, if the batch is computed in parts.
    pub totals: Option<Slice>,
    /// Loss and number of correct predictions of each step of a chunk.
    pub results: Slice,
    /// The same of each output, if there are several.
    pub heads: Vec<Slice>,
}

impl Arenas {
    /// Zeroed arenas for `parameters`, the default optimizer, and the results of `results` steps.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the adapter cannot bind them.
    pub fn new(context: &Context, parameters: &[Parameter], results: usize) -> Result<Self> {
        Self::with_optimizer(context, parameters, results, &Optimizer::default())
    }

    /// As [`Arenas::new`], with the initial state of `optimizer`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the adapter cannot bind them.
    pub fn with_optimizer(
        context: &Context,
        parameters: &[Parameter],
        results: usize,
        optimizer: &Optimizer,
    ) -> Result<Self> {
        let averages = optimizer.ema_momentum.is_some();
        let len = arena_len(parameters);
        let mut slots = Vec::new();
        for slot in optimizer.slots() {
            let slice = context.zeros(slot.name, len)?;
            if slot.initial != 0.0 {
                context.write(&slice, &vec![slot.initial; len]);
            }
            slots.push((slot, slice));
        }
        Ok(Self {
            parameters: context.zeros("parameters", len)?,
            gradients: context.zeros("gradients", len)?,
            slots,
            averages: averages.then(|| context.zeros("averages", len)).transpose()?,
            totals: None,
            results: context.zeros("results", 2 * results)?,
            heads: Vec::new(),
        })
    }
}

impl Arenas {
    /// Adds memory for the sums of the gradients of a batch's parts.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the adapter cannot bind them.
    pub fn in_parts(self, context: &Context) -> Result<Self> {
        let totals = Some(context.zeros("totals", self.gradients.len)?);
        Ok(Self { totals, ..self })
    }

    /// Adds memory for the results of so many outputs.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the adapter cannot bind them.
    pub fn for_heads(self, context: &Context, heads: usize) -> Result<Self> {
        let results = |_| context.zeros("results of an output", self.results.len);
        let heads = (0..heads).map(results).collect::<Result<_>>()?;
        Ok(Self { heads, ..self })
    }

    /// Replaces the parameters by their moving averages, if they are kept; evaluation and prediction use those.
    pub fn averaged(&self) -> Self {
        let parameters = self.averages.as_ref().unwrap_or(&self.parameters).clone();
        Self { parameters, ..self.clone() }
    }
}

/// One dispatch of a plan.
pub struct Planned {
    /// The layer, or the purpose of the dispatch.
    pub label: String,
    /// Kernel and buffers.
    pub launch: Launch,
    /// Names in the interface with the values bound to them.
    pub buffers: Vec<(&'static str, ValueId)>,
}

/// A program, compiled.
pub struct Plan {
    /// The program that it was compiled from.
    pub program: Program,
    /// Its dispatches, in order.
    pub steps: Vec<Planned>,
    /// The slice of each value.
    pub slices: Vec<Slice>,
    /// Bytes of the buffers that temporaries share.
    pub temporary_bytes: u64,
    /// For each variant chosen by hand or tuned that cannot run: the one that runs instead, and the reason.
    pub notes: Vec<String>,
}

impl Plan {
    /// Compiles `program`: proves its kernels if [`Context::prove_first`] requested it, chooses variants, shares
    /// buffers, binds, and makes the driver compile.
    ///
    /// # Errors
    /// [`Error::TooLarge`] with the batch that would fit; [`Error::Variant`]; [`Error::Untrusted`] on a device that
    /// computes wrongly; the errors of a kernel.
    pub async fn compile(
        context: &Context,
        program: Program,
        arenas: &Arenas,
        choices: &Choices,
    ) -> Result<Self> {
        if let Some(excess) = excess(&program, context.most_bytes()) {
            return Err(excess.into());
        }
        let mut notes = selftest::check(context, &program, choices).await?;
        let temporaries = program.temporaries();
        let buffers = temporaries
            .lens
            .iter()
            .enumerate()
            .map(|(n, len)| context.zeros(&format!("temporary {n}"), *len))
            .collect::<Result<Vec<_>>>()?;
        let mut constants = Vec::with_capacity(program.constants.len());
        for data in &program.constants {
            let slice = context.zeros("constant", data.len())?;
            match data {
                Data::Real(numbers) => {
                    context.write(&slice, &numbers.iter().map(|v| *v as f32).collect::<Vec<_>>());
                }
                Data::Index(numbers) => context.write(&slice, numbers),
            }
            constants.push(slice);
        }
        let zeros = program.values.iter().filter(|value| value.home == Home::Zeros).map(Value::len).max();
        let zeros = context.zeros("zeros", zeros.unwrap_or(1))?;
        let slices: Vec<Slice> = program
            .values
            .iter()
            .enumerate()
            .map(|(n, value)| {
                let len = value.len();
                match value.home {
                    Home::Temporary => buffers[temporaries.buffer_of[n]].slice(0, len),
                    Home::Parameter(id) => arenas.parameters.slice(program.parameters[id.0].offset, len),
                    Home::Gradient(id) => arenas.gradients.slice(program.parameters[id.0].offset, len),
                    Home::Parameters => arenas.parameters.slice(0, len),
                    Home::Gradients => arenas.gradients.slice(0, len),
                    Home::Slot(n) => arenas.slots[n].1.slice(0, len),
                    Home::Averages => arenas.averages.as_ref().unwrap_or(&arenas.parameters).slice(0, len),
                    Home::Totals => arenas.totals.as_ref().unwrap_or(&arenas.gradients).slice(0, len),
                    Home::Results => arenas.results.clone(),
                    Home::HeadResults(n) => arenas.heads.get(n).unwrap_or(&arenas.results).clone(),
                    Home::Zeros => zeros.slice(0, len),
                    Home::Constant(n) => constants[n].clone(),
                }
            })
            .collect();
        let mut steps = Vec::with_capacity(program.nodes.len());
        let mut refused = Vec::new();
        // Equal calls, such as the steps of a recurrent layer, share one kernel, which is looked up once.
        let mut kernels: HashMap<String, (Arc<Kernel>, Option<String>)> = HashMap::new();
        let mut known = HashSet::new();
        let calls = program.nodes.iter().map(|node| &node.call).filter(|call| known.insert(call.key()));
        let chosen = calls.map(|call| Ok((call.clone(), call.variant(context, choices)?)));
        let mut chosen = chosen.collect::<Result<VecDeque<_>>>()?;
        let of = chosen.len();
        #[cfg(not(target_family = "wasm"))]
        let _ahead = {
            let kernels = chosen.iter().map(|(call, (variant, _))| (call.clone(), variant.clone()));
            context.compile_ahead(kernels.collect())
        };
        let feed = FeedBuffers::new(context, 1, (4, 1), 1)?;
        for node in &program.nodes {
            let nth = kernels.len() + 1;
            let (kernel, skipped) = match kernels.entry(node.call.key()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    // Kernels are met in the order in which they were chosen.
                    let (variant, skipped) = match chosen.pop_front() {
                        Some((_, chosen)) => chosen,
                        None => node.call.variant(context, choices)?,
                    };
                    let name = format!("{}/{}", node.call.op.name, variant.name());
                    context.tell(Preparing::Compiling { kernel: &name, nth, of });
                    new.insert((context.kernel(&node.call, &variant).await?, skipped))
                }
            };
            if let Some(reason) = skipped {
                let op = node.call.op;
                let runs = kernel.name.split_once('/').map_or("", |(_, variant)| variant);
                let note = format!("{}: {} runs as `{runs}`, since {reason}", node.label, op.name);
                if !notes.contains(&note) {
                    notes.push(note);
                }
                if choices.by_hand.contains_key(op.name) {
                    refused.push((op, reason.clone()));
                }
            }
            let bound: Vec<_> = node.buffers.iter().map(|(name, value)| (*name, &slices[value.0])).collect();
            let launch = context.bind(kernel, &bound)?;
            context.warm(&launch, &feed).await?;
            steps.push(Planned { label: node.label.clone(), launch, buffers: node.buffers.clone() });
        }
        // A variant that was chosen by hand and can run nowhere is an error.
        if let Some((op, reason)) = refused.iter().find(|(op, _)| {
            let uses = program.nodes.iter().filter(|node| node.call.op.name == op.name).count();
            uses == refused.iter().filter(|(other, _)| other.name == op.name).count()
        }) {
            return Err(Error::Variant {
                op: op.name,
                wanted: choices.by_hand.get(op.name).cloned().unwrap_or_default(),
                message: format!("cannot run anywhere in this network: {reason}"),
                known: op.variant_names(),
            });
        }
        context.check()?;
        context.store_pipelines();
        context.tell(Preparing::Ready);
        Ok(Self { program, steps, slices, temporary_bytes: temporaries.bytes(), notes })
    }

    /// Records step `index` of the chunk in `feed`.
    pub fn record(&self, pass: &mut wgpu::ComputePass<'_>, feed: &FeedBuffers, index: usize) {
        self.record_part(pass, feed, index, true);
    }

    /// Records entry `index` of `feed`: a step, or a part of one. Only the `last` part of a step updates the
    /// parameters.
    pub fn record_part(
        &self,
        pass: &mut wgpu::ComputePass<'_>,
        feed: &FeedBuffers,
        index: usize,
        last: bool,
    ) {
        feed.select(pass, index);
        for (step, node) in self.steps.iter().zip(&self.program.nodes) {
            if last || node.pass != Pass::Update {
                step.launch.record(pass);
            }
        }
    }

    /// Records these dispatches of entry `index` of `feed`, by their index in the plan.
    pub(crate) fn record_nodes(
        &self,
        pass: &mut wgpu::ComputePass<'_>,
        feed: &FeedBuffers,
        index: usize,
        nodes: impl Iterator<Item = usize>,
    ) {
        feed.select(pass, index);
        nodes.for_each(|n| self.steps[n].launch.record(pass));
    }

    /// The slice of the program's output.
    pub fn output(&self) -> &Slice {
        &self.slices[self.program.output.0]
    }

    /// The value `id` of the program.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.program.values[id.0]
    }

    /// The variant that runs each call, by [`crate::op::Call::key`].
    pub fn by_call(&self) -> BTreeMap<String, String> {
        let names = self.steps.iter().zip(&self.program.nodes).filter_map(|(step, node)| {
            let (_, variant) = step.launch.kernel.name.split_once('/')?;
            Some((node.call.key(), variant.to_string()))
        });
        names.collect()
    }

    /// The variants that run, as `operation/variant`, in the order of the plan.
    pub fn variants(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for step in &self.steps {
            if !names.contains(&step.launch.kernel.name) {
                names.push(step.launch.kernel.name.clone());
            }
        }
        names
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Program { mode, batch, .. } = &self.program;
        writeln!(f, "{mode:?} plan, batch {batch}: {} dispatches a step", self.steps.len())?;
        for (n, step) in self.steps.iter().enumerate() {
            let kernel = &step.launch.kernel;
            let mut outputs = Vec::new();
            for (name, value) in &step.buffers {
                let written =
                    kernel.shader.bindings.iter().any(|b| b.name == *name && b.access != Access::Read);
                if written {
                    outputs.push(format!("{} {:?}", self.value(*value).name, self.value(*value).shape));
                }
            }
            let [x, y, z] = kernel.groups;
            let grid = format!("{x}×{y}×{z}");
            writeln!(
                f,
                "{:>3}  {:<18} {:<32} {grid:>12}  {}",
                n + 1,
                step.label,
                kernel.name,
                outputs.join(", ")
            )?;
        }
        write!(f, "temporaries: {:.1} MiB", self.temporary_bytes as f64 / f64::from(1 << 20))
    }
}
