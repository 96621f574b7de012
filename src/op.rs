//! Operations: an interface, the variants that implement it, and the CPU twin that defines it. The operations
//! themselves are listed in [`crate::kernels`].

use crate::{Error, Result};
use std::{borrow::Cow, collections::BTreeMap, fmt, sync::OnceLock};

pub mod activations;
mod bounds;
mod class;
pub mod directives;
mod interface;
mod kind;
mod lines;
pub mod parts;
mod role;
mod rule;
pub mod setting;
mod shader;
mod size;
pub mod sizes;
pub mod twin;
pub mod user_file;
mod variant;

pub use activations::{Activation, At};
pub use class::AdapterClass;
pub use kind::{AdapterKind, Traits};
pub use role::{Marks, Role, Values, Window};
pub use rule::{EVERYWHERE, On, Rule};
pub(crate) use shader::joined;
pub use shader::{Access, Binding, Element, Shader};
pub use size::Size;
use twin::{Expected, Inputs, Outputs, Undefined};
pub use variant::{Need, Variant, rounded};

/// Sizes and other overrides of one call, by name.
pub type Sizes = BTreeMap<String, f64>;

/// Former and current names of variants; run folders, tuned caches and command lines may still use the former ones.
const RENAMED: [(&str, &str); 6] = [
    ("quads", "vec4"),
    ("shuffle", "subgroup"),
    ("shuffle_any", "subgroup_any"),
    ("shuffle_narrow", "subgroup_narrow"),
    ("tiled_half", "tiled_f16"),
    ("tiled_quads", "tiled_vec4"),
];

/// Former names of operations, and the one that does their work now; run folders and command lines may still use the
/// former ones.
const MERGED: [(&str, &str); 3] = [
    ("attention_grad_key", "attention_grad"),
    ("attention_grad_query", "attention_grad"),
    ("attention_grad_value", "attention_grad"),
];

/// An operation: the properties that all its variants share, read from their texts by [`Op::variants`],
/// [`Op::cases`], [`Op::parts`] and [`Op::activated`].
pub struct Op {
    /// Name, used for the folder of shaders, labels, the command line and reports.
    pub name: &'static str,
    /// One-line description for lists.
    pub about: &'static str,
    /// `interface.wgsl`: buffers with shapes, sizes, grid, cases.
    pub interface: &'static str,
    /// What defines its outputs.
    definition: Definition,
    /// The folder that holds it, if it is outside the registry.
    folder: Option<&'static str>,
    listed: &'static [Listed],
    read: OnceLock<Described>,
}

/// What defines the outputs of an operation.
#[derive(Clone, Copy)]
enum Definition {
    /// A plain loop in f64.
    Twin(fn(&Inputs<'_>) -> Outputs),
    /// Its variant `naive`, which this function interprets on the host.
    Reference(Interpret),
}

/// A function that interprets the variant `naive` of an operation on the host.
pub type Interpret = fn(&Op, &Inputs<'_>) -> Result<Outputs, Undefined>;

/// A variant as listed in the registry.
pub(crate) struct Listed {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) default_for: &'static [Rule],
}

/// Properties of an operation that are read from its texts.
#[derive(Clone)]
struct Described {
    activated: bool,
    parts: Vec<&'static str>,
    cases: Vec<&'static str>,
    variants: Vec<Variant>,
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// One use of an operation: the operation, its sizes and its activation.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation.
    pub op: &'static Op,
    /// Overrides by name.
    pub sizes: Sizes,
    /// The activation composed into it; `linear` if it has none.
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

    /// Sets the activation.
    pub fn activated(mut self, activation: &'static Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Sets one more override.
    pub fn with(mut self, name: &str, value: f64) -> Self {
        self.sizes.insert(name.to_string(), value);
        self
    }

    /// Floating point operations, from the interface's `// flops` line; 0 if it has none.
    pub fn flops(&self) -> f64 {
        self.op.flops().and_then(|flops| flops.value(&self.sizes)).unwrap_or(0) as f64
    }

    /// Unique key of this call on one line: operation, sizes, activation.
    pub fn key(&self) -> String {
        let sizes: Vec<_> = self.sizes.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {} {}", self.op.name, sizes.join(","), self.activation.name)
    }
}

impl Op {
    /// An operation of the registry.
    pub(crate) const fn new(
        [name, about, interface]: [&'static str; 3],
        twin: fn(&Inputs<'_>) -> Vec<(&'static str, Expected)>,
        listed: &'static [Listed],
    ) -> Self {
        let definition = Definition::Twin(twin);
        Self { name, about, interface, definition, folder: None, listed, read: OnceLock::new() }
    }

    /// An operation outside the registry, whose variant `naive` defines its outputs; it has no variants yet
    /// ([`Op::with_variants`]). `place` is the folder of its texts; errors in the interface are reported there.
    ///
    /// # Errors
    /// A message if `interface` does not declare an operation.
    pub fn own(
        [name, about, interface]: [&'static str; 3],
        place: &'static str,
        interpret: Interpret,
    ) -> std::result::Result<Self, String> {
        let definition = Definition::Reference(interpret);
        let op = Self {
            name,
            about,
            interface,
            definition,
            folder: Some(place),
            listed: &[],
            read: OnceLock::new(),
        };
        let parts = lines::uses(interface)?;
        let activation = op.activated().then_some(activations::LINEAR.source);
        if let Some(fault) =
            interface::fault(&format!("{place}/interface.wgsl"), interface, &parts, activation)
        {
            return Err(fault);
        }
        interface::tolerance(interface)?;
        Ok(op)
    }

    /// The folder of its texts, if it is outside the registry.
    pub fn folder(&self) -> Option<&'static str> {
        self.folder
    }

    /// Returns true if a reference kernel defines its outputs, not a twin.
    pub fn has_reference(&self) -> bool {
        matches!(self.definition, Definition::Reference(_))
    }

    /// The outputs that its twin, or the interpreter of its reference, computes.
    ///
    /// # Errors
    /// [`Undefined`] if a reference gives none; a twin always does.
    pub fn outputs(&self, inputs: &Inputs<'_>) -> std::result::Result<Outputs, Undefined> {
        match self.definition {
            Definition::Twin(twin) => Ok(twin(inputs)),
            Definition::Reference(interpret) => interpret(self, inputs),
        }
    }

    /// The outputs that its twin computes. For an operation without a twin there are none, which no comparison accepts.
    pub fn twin(&self, inputs: &Inputs<'_>) -> Outputs {
        self.outputs(inputs).unwrap_or_default()
    }

    /// The tolerance of its line `// tolerance T`: a share of the size of an element and of the mean size of its buffer.
    pub fn tolerance(&self) -> Option<f64> {
        interface::tolerance(self.interface).ok().flatten()
    }

    /// Returns true if this is its name, or was that of an operation whose work it does now.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || MERGED.contains(&(name, self.name))
    }

    /// What was recorded for a call of this operation by its [`Call::key`], or by that of an operation whose work it
    /// does now.
    pub(crate) fn recorded<'a>(&self, by_key: &'a BTreeMap<String, String>, key: &str) -> Option<&'a String> {
        let former = || MERGED.iter().filter(|(_, now)| *now == self.name);
        let of = |before: &str| by_key.get(&key.replacen(self.name, before, 1));
        by_key.get(key).or_else(|| former().find_map(|(before, _)| of(before)))
    }

    /// The name of a buffer, as the interface has it; empty if it has no such buffer.
    pub fn buffer(&self, name: &str) -> &'static str {
        let found = self.interface.find(&format!("> {name}:")).map(|at| at + 2);
        found.and_then(|at| self.interface.get(at..at + name.len())).unwrap_or_default()
    }

    /// Reads the texts, once. Malformed lines are reported when a variant is composed, and in tests.
    fn described(&self) -> &Described {
        self.read.get_or_init(|| {
            let variants = self.listed.iter().map(|listed| Variant {
                name: listed.name.into(),
                source: listed.text.into(),
                needs: lines::needs(self, listed.name, listed.text).unwrap_or_default().into(),
                default_for: listed.default_for,
                page: Some(self.name),
            });
            let parts = lines::uses(self.interface).unwrap_or_default();
            Described {
                activated: lines::is_activated(self.interface),
                parts: parts.into_iter().map(|part| part.text).collect(),
                cases: lines::cases(self.interface).map(|(_, sizes)| sizes).collect(),
                variants: variants.collect(),
            }
        })
    }

    /// Implementations, in order of preference within an adapter class.
    pub fn variants(&self) -> &[Variant] {
        &self.described().variants
    }

    /// Sizes at which every variant is proven, as `NAME=value` lists: the `// case` lines of the interface.
    pub fn cases(&self) -> &[&'static str] {
        &self.described().cases
    }

    /// [`Op::cases`], followed by those in the text of `variant`.
    pub fn cases_with<'a>(&'a self, variant: &'a Variant) -> Vec<&'a str> {
        self.cases().iter().copied().chain(variant.cases()).collect()
    }

    /// The shared texts that its interface builds on, from its `// uses` line.
    pub fn parts(&self) -> &[&'static str] {
        &self.described().parts
    }

    /// Returns true if its interface mentions `activate` or `activate_grad`, so that an activation is composed in.
    pub fn activated(&self) -> bool {
        self.described().activated
    }

    fn changed(&self, change: impl FnOnce(&mut Described)) -> Self {
        let mut described = self.described().clone();
        change(&mut described);
        let Self { name, about, interface, definition, folder, listed, .. } = *self;
        Self { name, about, interface, definition, folder, listed, read: OnceLock::from(described) }
    }

    /// A copy of the operation with these variants, outside the registry: it runs with wgpu's checks.
    pub fn with_variants(&self, variants: Vec<Variant>) -> Self {
        self.changed(|described| described.variants = variants)
    }

    /// A copy of the operation with these cases, outside the registry: it runs with wgpu's checks.
    pub fn with_cases(&self, cases: &[&'static str]) -> Self {
        self.changed(|described| described.cases = cases.to_vec())
    }

    /// A copy of the operation with these shared texts, outside the registry: it runs with wgpu's checks.
    pub fn with_parts(&self, parts: Vec<&'static str>) -> Self {
        self.changed(|described| described.parts = parts)
    }

    /// Floating point operations of a call, from the `// flops` line of its interface.
    pub(crate) fn flops(&self) -> Option<Size> {
        let line = self.interface.lines().find_map(|line| line.trim().strip_prefix("// flops "))?;
        Some(Size(line.to_string()))
    }

    /// Returns true if its interface declares the size `size`.
    pub fn takes(&self, size: &str) -> bool {
        self.interface.contains(&format!("override {size}:"))
    }

    /// The variant with that name, or with that name in an earlier version.
    ///
    /// # Errors
    /// [`Error::Variant`] with the known names.
    pub fn variant(&self, name: &str) -> Result<&Variant> {
        let named = |name: &str| self.variants().iter().find(|variant| variant.name() == name);
        let now = || RENAMED.iter().find(|(before, _)| *before == name).and_then(|(_, now)| named(now));
        named(name).or_else(now).ok_or_else(|| Error::Variant {
            op: self.name,
            wanted: name.to_string(),
            message: "is not one of its variants".into(),
            known: self.variant_names(),
        })
    }

    /// The names of its variants, separated by commas.
    pub fn variant_names(&self) -> String {
        self.variants().iter().map(Variant::name).collect::<Vec<_>>().join(", ")
    }

    /// The composed and reflected module of a variant of this operation.
    ///
    /// # Errors
    /// [`Error::Shader`] with naga's message; [`Error::Asserted`] if a `const_assert` on its constants fails.
    pub fn shader(&self, variant: &Variant, activation: &Activation) -> Result<Shader> {
        let (label, source) = self.written(variant)?;
        Shader::compose(&label, &source, self.interface, &self.parts_with(&source, activation))
    }

    /// The complete standard WGSL of a variant, as a browser accepts it: its text, everything that it is composed with,
    /// and the `enable` directives that WGSL demands. Lines keep their numbers, and [`user_file::read`] reads it back
    /// as the same variant.
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
        text.push('\n');
        text.push_str(&self.appended(&source, activation));
        Ok(text)
    }

    /// The text that follows the text `source` of a variant: the interface and the shared texts of both.
    pub(crate) fn appended(&self, source: &str, activation: &Activation) -> String {
        joined(self.interface, &self.parts_with(source, activation))
    }

    fn parts_with(&self, source: &str, activation: &Activation) -> Vec<&'static str> {
        let mut parts = self.parts().to_vec();
        let own = lines::uses(source).unwrap_or_default();
        let own = own.into_iter().map(|part| part.text).filter(|text| !self.parts().contains(text));
        parts.extend(own);
        if self.activated() {
            parts.push(activation.source);
        }
        parts
    }

    /// The name of a variant in errors, and its text with its tunable `override`s turned into constants.
    fn written<'a>(&self, variant: &'a Variant) -> Result<(String, Cow<'a, str>)> {
        // Errors in a user's file are reported at its own path.
        let label = match user_file::is_file(variant.name()) {
            true => variant.name().to_string(),
            false => format!("{}/{}", self.name, variant.name()),
        };
        let fail = |message| Error::Shader { kernel: label.clone(), message };
        if variant.is_own() {
            // A user's file is checked when it is read.
            lines::needs(self, &label, variant.source())?;
            [variant.source(), self.interface]
                .into_iter()
                .try_for_each(|text| lines::uses(text).map(drop))
                .map_err(fail)?;
        }
        let source = setting::composed(variant.source()).map_err(fail)?;
        Ok((label, source))
    }
}
