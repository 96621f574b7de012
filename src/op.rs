//! What an operation is: an interface, variants that implement it, a CPU twin that defines it. The
//! operations themselves are listed in [`crate::kernels`].

use crate::{
    Error, Result,
    gpu::Context,
    kernels::OPERATIONS,
    lab::peaks::PEAKS,
    op::{
        activations::ACTIVATIONS,
        twin::{Expected, Inputs},
    },
    setting, user_file,
};
use std::{borrow::Cow, collections::BTreeMap, fmt};

pub mod activations;
mod bounds;
mod class;
pub mod directives;
mod role;
mod shader;
pub mod twin;
mod variant;

pub use activations::{Activation, At};
pub use class::AdapterClass;
pub use role::{Marks, Role, Values, Window};
pub(crate) use shader::joined;
pub use shader::{Access, Binding, Element, Shader, Size};
pub use variant::{Need, Variant, rounded};

/// Sizes and other overrides of one call, by name.
pub type Sizes = BTreeMap<String, f64>;

/// An operation: what its variants have in common.
pub struct Op {
    /// Its name everywhere: folder of shaders, labels, command line, reports.
    pub name: &'static str,
    /// One line for a list.
    pub about: &'static str,
    /// `interface.wgsl`: buffers with shapes, sizes, grid.
    pub interface: &'static str,
    /// Whether its interface calls `activate` or `activate_grad`, so that an activation is composed in.
    pub activated: bool,
    /// The shared texts that its interface builds on.
    pub parts: &'static [&'static str],
    /// Implementations. The order is the order of preference within an adapter class.
    pub variants: &'static [Variant],
    /// The plain-loop definition in f64: outputs from inputs.
    pub twin: fn(&Inputs<'_>) -> Vec<(&'static str, Expected)>,
    /// Sizes that the kernel tests run, as `NAME=value` lists: odd, prime, tiny, tile-crossing.
    pub cases: &'static [&'static str],
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// One use of an operation: which, at what sizes, with which activation.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation.
    pub op: &'static Op,
    /// Its overrides by name.
    pub sizes: Sizes,
    /// The activation composed into it; `linear` where there is none.
    pub activation: &'static Activation,
}

impl Call {
    /// A call without an activation.
    pub fn new(op: &'static Op, sizes: &[(&str, usize)]) -> Self {
        Self {
            op,
            sizes: sizes.iter().map(|(name, value)| (name.to_string(), *value as f64)).collect(),
            activation: &crate::op::activations::LINEAR,
        }
    }

    /// The same call with an activation.
    pub fn activated(mut self, activation: &'static Activation) -> Self {
        self.activation = activation;
        self
    }

    /// The same call with one more override.
    pub fn with(mut self, name: &str, value: f64) -> Self {
        self.sizes.insert(name.to_string(), value);
        self
    }

    /// Floating point operations, by the interface's `// flops` line; 0 where there is none worth counting.
    pub fn flops(&self) -> f64 {
        let line = self.op.interface.lines().find_map(|line| line.trim().strip_prefix("// flops "));
        line.and_then(|text| Size(text.to_string()).value(&self.sizes)).unwrap_or(0) as f64
    }

    /// Why `variant` cannot run this call on `context`; `None` if it can.
    ///
    /// # Errors
    /// [`Error::Shader`] where it does not compose.
    pub fn obstacle(&self, context: &Context, variant: &Variant) -> Result<Option<String>> {
        if let Some(wrong) = context.trust.distrusted(self, variant) {
            return Ok(Some(wrong));
        }
        if let Some(need) = variant.unmet(&self.sizes, context.features) {
            return Ok(Some(format!("needs {need}")));
        }
        let shader = match self.op.shader(variant, self.activation) {
            Err(Error::Asserted { message, .. }) => return Ok(Some(message)),
            other => other?,
        };
        let values = shader.values(&self.sizes);
        if let Some(reason) = shader.beyond(&values, &context.limits) {
            return Ok(Some(reason));
        }
        let groups = shader.groups(&values, context.limits.max_compute_workgroups_per_dimension);
        Ok(groups.is_none().then(|| "needs more workgroups than this adapter allows".to_string()))
    }

    /// Whether `variant` may run this call without wgpu's injected checks: a text of this operation's page, composed
    /// with nothing but wgrad's own texts, at sizes that it takes.
    pub(crate) fn trusts(&self, variant: &Variant, features: wgpu::Features) -> bool {
        let mut ops = OPERATIONS.iter().chain(PEAKS);
        variant.page == Some(self.op.name)
            && ops.any(|op| std::ptr::eq(*op, self.op))
            && ACTIVATIONS.iter().any(|a| std::ptr::eq(*a, self.activation))
            && variant.unmet(&self.sizes, features).is_none()
    }

    /// What tells this call from every other: operation, sizes, activation, on one line.
    pub fn key(&self) -> String {
        let sizes: Vec<_> = self.sizes.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {} {}", self.op.name, sizes.join(","), self.activation.name)
    }

    /// The variant that runs this call on `context`: the one that `wanted` names by hand for this operation if it
    /// can, else the one that was tuned for this very call, else the first eligible default of the adapter's
    /// class, else `naive`. Where the wanted one is not taken, the reason stands beside.
    ///
    /// # Errors
    /// [`Error::Variant`] where the one named by hand is unknown, or nothing can run it.
    pub fn variant(&self, context: &Context, wanted: &Choices) -> Result<(&'static Variant, Option<String>)> {
        let mut skipped = None;
        if let Some(name) = wanted.by_hand.get(self.op.name) {
            let variant = self.op.find(name)?;
            match self.obstacle(context, variant)? {
                None => return Ok((variant, None)),
                Some(reason) => skipped = Some(format!("`{name}` {reason}")),
            }
        }
        if let Some(name) = wanted.tuned.get(&self.key()) {
            match self.tuned(context, name)? {
                Ok(variant) => return Ok((variant, skipped)),
                // It was tuned elsewhere, or by another version: the default does, but not in silence.
                Err(reason) => skipped = skipped.or(Some(format!("the tuned `{name}` {reason}"))),
            }
        }
        let preferred = self.op.variants.iter().filter(|v| v.default_for.contains(&context.class));
        for variant in preferred.chain(self.op.variants.iter().filter(|v| v.name == "naive")) {
            if self.obstacle(context, variant)?.is_none() {
                return Ok((variant, skipped));
            }
        }
        Err(Error::Variant {
            op: self.op.name,
            wanted: "naive".into(),
            message: format!("needs more workgroups than this adapter allows; sizes: {:?}", self.sizes),
            known: self.op.variant_names(),
        })
    }

    /// The tuned variant `name`, or why it cannot run here. A user's file is never tuned: its text may have changed.
    fn tuned(&self, context: &Context, name: &str) -> Result<std::result::Result<&'static Variant, String>> {
        let found = if user_file::is_file(name) { None } else { self.op.find(name).ok() };
        let Some(variant) = found else { return Ok(Err("is not one of its variants".into())) };
        Ok(match self.obstacle(context, variant)? {
            None => Ok(variant),
            Some(reason) => Err(reason),
        })
    }
}

/// Variants that take the place of the page's defaults. By hand beats tuned.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "Recorded")]
pub struct Choices {
    /// By operation: `--variant conv2d_forward=naive`, or a file that ends in `.wgsl`.
    pub by_hand: BTreeMap<String, String>,
    /// By [`Call::key`]: what [`crate::tune`] found fastest for that very call on that adapter.
    pub tuned: BTreeMap<String, String>,
}

/// Choices as runs recorded them: those before tuning have the variants chosen by hand and nothing else.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Recorded {
    Both(Both),
    ByHand(BTreeMap<String, String>),
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    by_hand: BTreeMap<String, String>,
    tuned: BTreeMap<String, String>,
}

impl From<Recorded> for Choices {
    fn from(recorded: Recorded) -> Self {
        match recorded {
            Recorded::Both(Both { by_hand, tuned }) => Self { by_hand, tuned },
            Recorded::ByHand(by_hand) => Self { by_hand, ..Self::default() },
        }
    }
}

impl Choices {
    /// Parses `OP=VARIANT` and `OP=FILE.wgsl` items, each with the setting that may follow (`OP=VARIANT:ROWS=8`), and
    /// checks all names.
    ///
    /// # Errors
    /// [`Error::Variant`] with the known names; as [`user_file::read`] for a file; [`Error::Setting`].
    pub fn parse<S: AsRef<str>>(items: &[S]) -> Result<Self> {
        let mut by_hand = BTreeMap::new();
        for item in items.iter().map(AsRef::as_ref) {
            let (op, variant) = item.split_once('=').unwrap_or((item, ""));
            crate::kernels::op(op)?.find(variant)?;
            by_hand.insert(op.to_string(), variant.to_string());
        }
        Ok(Self { by_hand, ..Self::default() })
    }
}

impl Op {
    /// Whether `size` is one of the sizes that its interface declares.
    pub fn takes(&self, size: &str) -> bool {
        self.interface.contains(&format!("override {size}:"))
    }

    /// The variant of that name.
    ///
    /// # Errors
    /// [`Error::Variant`] with the known names.
    pub fn variant(&self, name: &str) -> Result<&'static Variant> {
        self.variants.iter().find(|v| v.name == name).ok_or_else(|| Error::Variant {
            op: self.name,
            wanted: name.to_string(),
            message: "is not one of its variants".into(),
            known: self.variant_names(),
        })
    }

    /// The variant of that name, or the one in a file of that name if it ends in `.wgsl`; of both, the setting that
    /// may follow: `tiled:ROWS=8`.
    ///
    /// # Errors
    /// [`Error::Variant`] with the known names; as [`user_file::read`] for a file; [`Error::Setting`].
    pub fn find(&'static self, name: &str) -> Result<&'static Variant> {
        let (base, given) = setting::split(name);
        let variant =
            if user_file::is_file(base) { user_file::load(self, base)? } else { self.variant(base)? };
        setting::load(self, variant, given)
    }

    pub(crate) fn variant_names(&self) -> String {
        self.variants.iter().map(|v| v.name).collect::<Vec<_>>().join(", ")
    }

    /// The composed and reflected module of a variant of this operation.
    ///
    /// # Errors
    /// [`Error::Shader`] with naga's message; [`Error::Asserted`] where its constants do not go together.
    pub fn shader(&self, variant: &Variant, activation: &Activation) -> Result<Shader> {
        let (label, source) = self.written(variant)?;
        Shader::compose(&label, &source, self.interface, &self.parts_with(activation))
    }

    /// A variant with all that it is composed of, as they were written, with the `enable`s that WGSL demands: what a
    /// browser takes. Lines keep their numbers. Behind them stands what the variant needs, so that [`user_file::read`]
    /// makes the same variant of it.
    ///
    /// # Errors
    /// As [`Op::shader`].
    pub fn standard(&self, variant: &Variant, activation: &Activation) -> Result<String> {
        self.shader(variant, activation)?;
        let (_, source) = self.written(variant)?;
        let enabled = directives::enabled(&source);
        let wanted =
            [(wgpu::Features::SUBGROUP, "subgroups"), (wgpu::Features::SHADER_F16, "f16")].into_iter();
        let missing = wanted.filter(|(feature, name)| {
            variant.needs_feature(*feature) && !enabled.iter().any(|enabled| enabled == name)
        });
        let mut text: String = missing.map(|(_, name)| format!("enable {name}; ")).collect();
        text.push_str(&source);
        let told: Vec<String> =
            user_file::needs(self, variant.name, &source)?.iter().map(ToString::to_string).collect();
        for need in variant.needs.iter().filter(|need| !matches!(need, Need::Feature(..))) {
            if !told.contains(&need.to_string()) {
                let end = if text.ends_with('\n') { "" } else { "\n" };
                text.push_str(&format!("{end}// needs {need}\n"));
            }
        }
        text.push('\n');
        text.push_str(&self.appended(activation));
        Ok(text)
    }

    /// What follows the text of every variant: the interface and what it builds on.
    pub(crate) fn appended(&self, activation: &Activation) -> String {
        joined(self.interface, &self.parts_with(activation))
    }

    fn parts_with(&self, activation: &Activation) -> Vec<&'static str> {
        let mut parts = self.parts.to_vec();
        if self.activated {
            parts.push(activation.source);
        }
        parts
    }

    /// The name of a variant in errors, and its text with the constants that it offers.
    fn written(&self, variant: &Variant) -> Result<(String, Cow<'static, str>)> {
        // In a user's file errors stand at its own path.
        let label = match user_file::is_file(variant.name) {
            true => variant.name.to_string(),
            false => format!("{}/{}", self.name, variant.name),
        };
        let source = setting::composed(variant.source)
            .map_err(|message| Error::Shader { kernel: label.clone(), message })?;
        Ok((label, source))
    }
}
