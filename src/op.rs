//! What an operation is: an interface, variants that implement it, a CPU twin that defines it. The
//! operations themselves are listed in [`crate::kernels`].

use crate::{Error, Result};
use std::{borrow::Cow, collections::BTreeMap, fmt};

pub mod activations;
mod bounds;
mod class;
pub mod directives;
mod role;
pub mod setting;
mod shader;
mod size;
pub mod sizes;
pub mod twin;
pub mod user_file;
mod variant;

pub use activations::{Activation, At};
pub use class::AdapterClass;
pub use role::{Marks, Role, Values, Window};
pub(crate) use shader::joined;
pub use shader::{Access, Binding, Element, Shader};
pub use size::Size;
use twin::{Expected, Inputs};
pub use variant::{Need, Variant, rounded};

/// Sizes and other overrides of one call, by name.
pub type Sizes = BTreeMap<String, f64>;

/// Names that variants had, and have now: run folders, tuned caches and command lines know them.
const RENAMED: [(&str, &str); 6] = [
    ("quads", "vec4"),
    ("shuffle", "subgroup"),
    ("shuffle_any", "subgroup_any"),
    ("shuffle_narrow", "subgroup_narrow"),
    ("tiled_half", "tiled_f16"),
    ("tiled_quads", "tiled_vec4"),
];

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
            activation: &activations::LINEAR,
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

    /// What tells this call from every other: operation, sizes, activation, on one line.
    pub fn key(&self) -> String {
        let sizes: Vec<_> = self.sizes.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {} {}", self.op.name, sizes.join(","), self.activation.name)
    }
}

impl Op {
    /// Whether `size` is one of the sizes that its interface declares.
    pub fn takes(&self, size: &str) -> bool {
        self.interface.contains(&format!("override {size}:"))
    }

    /// The variant of that name, or of one that it had in an earlier version.
    ///
    /// # Errors
    /// [`Error::Variant`] with the known names.
    pub fn variant(&self, name: &str) -> Result<&'static Variant> {
        let named = |name: &str| self.variants.iter().find(|variant| variant.name == name);
        let now = || RENAMED.iter().find(|(before, _)| *before == name).and_then(|(_, now)| named(now));
        named(name).or_else(now).ok_or_else(|| Error::Variant {
            op: self.name,
            wanted: name.to_string(),
            message: "is not one of its variants".into(),
            known: self.variant_names(),
        })
    }

    /// The names of its variants, with commas between them.
    pub fn variant_names(&self) -> String {
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
