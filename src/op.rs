//! What an operation is: an interface, variants that implement it, a CPU twin that defines it. The
//! operations themselves are listed in [`crate::kernels`].

use crate::{Error, Result};
use std::{borrow::Cow, collections::BTreeMap, fmt, sync::OnceLock};

pub mod activations;
mod bounds;
mod class;
pub mod directives;
mod lines;
pub mod parts;
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

/// An operation: what its variants have in common. It is described by its texts: see [`Op::variants`], [`Op::cases`],
/// [`Op::parts`] and [`Op::activated`].
pub struct Op {
    /// Its name everywhere: folder of shaders, labels, command line, reports.
    pub name: &'static str,
    /// One line for a list.
    pub about: &'static str,
    /// `interface.wgsl`: buffers with shapes, sizes, grid, cases.
    pub interface: &'static str,
    /// The plain-loop definition in f64: outputs from inputs.
    pub twin: fn(&Inputs<'_>) -> Vec<(&'static str, Expected)>,
    listed: &'static [Listed],
    read: OnceLock<Described>,
}

/// A variant as it is listed on the page.
pub(crate) struct Listed {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) default_for: &'static [AdapterClass],
}

/// What the texts of an operation say of it.
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
        self.op.flops().and_then(|flops| flops.value(&self.sizes)).unwrap_or(0) as f64
    }

    /// What tells this call from every other: operation, sizes, activation, on one line.
    pub fn key(&self) -> String {
        let sizes: Vec<_> = self.sizes.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {} {}", self.op.name, sizes.join(","), self.activation.name)
    }
}

impl Op {
    /// An operation of the page.
    pub(crate) const fn new(
        [name, about, interface]: [&'static str; 3],
        twin: fn(&Inputs<'_>) -> Vec<(&'static str, Expected)>,
        listed: &'static [Listed],
    ) -> Self {
        Self { name, about, interface, twin, listed, read: OnceLock::new() }
    }

    /// Reads the texts, once. A line of theirs that says nothing is told where a variant is composed, and in tests.
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

    /// Implementations. The order is the order of preference within an adapter class.
    pub fn variants(&self) -> &[Variant] {
        &self.described().variants
    }

    /// Sizes at which every variant is proven, as `NAME=value` lists: the lines `// case` of the interface.
    pub fn cases(&self) -> &[&'static str] {
        &self.described().cases
    }

    /// The same, and behind them those that the text of `variant` asks for.
    pub fn cases_with<'a>(&'a self, variant: &'a Variant) -> Vec<&'a str> {
        self.cases().iter().copied().chain(variant.cases()).collect()
    }

    /// The shared texts that its interface builds on, as its line `// uses` says.
    pub fn parts(&self) -> &[&'static str] {
        &self.described().parts
    }

    /// Whether its interface speaks of `activate` or `activate_grad`, so that an activation is composed in.
    pub fn activated(&self) -> bool {
        self.described().activated
    }

    fn changed(&self, change: impl FnOnce(&mut Described)) -> Self {
        let mut described = self.described().clone();
        change(&mut described);
        let Self { name, about, interface, twin, listed, .. } = *self;
        Self { name, about, interface, twin, listed, read: OnceLock::from(described) }
    }

    /// The same operation with these variants, off the page: what runs of it has wgpu's checks.
    pub fn with_variants(&self, variants: Vec<Variant>) -> Self {
        self.changed(|described| described.variants = variants)
    }

    /// The same operation with these cases, off the page: what runs of it has wgpu's checks.
    pub fn with_cases(&self, cases: &[&'static str]) -> Self {
        self.changed(|described| described.cases = cases.to_vec())
    }

    /// The same operation with these shared texts, off the page: what runs of it has wgpu's checks.
    pub fn with_parts(&self, parts: Vec<&'static str>) -> Self {
        self.changed(|described| described.parts = parts)
    }

    /// Floating point operations of a call, as the line `// flops` of its interface says.
    pub(crate) fn flops(&self) -> Option<Size> {
        let line = self.interface.lines().find_map(|line| line.trim().strip_prefix("// flops "))?;
        Some(Size(line.to_string()))
    }

    /// Whether `size` is one of the sizes that its interface declares.
    pub fn takes(&self, size: &str) -> bool {
        self.interface.contains(&format!("override {size}:"))
    }

    /// The variant of that name, or of one that it had in an earlier version.
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

    /// The names of its variants, with commas between them.
    pub fn variant_names(&self) -> String {
        self.variants().iter().map(Variant::name).collect::<Vec<_>>().join(", ")
    }

    /// The composed and reflected module of a variant of this operation.
    ///
    /// # Errors
    /// [`Error::Shader`] with naga's message; [`Error::Asserted`] where its constants do not go together.
    pub fn shader(&self, variant: &Variant, activation: &Activation) -> Result<Shader> {
        let (label, source) = self.written(variant)?;
        Shader::compose(&label, &source, self.interface, &self.parts_with(&source, activation))
    }

    /// A variant with all that it is composed of, as they were written, with the `enable`s that WGSL demands: what a
    /// browser takes. Lines keep their numbers, and [`user_file::read`] makes the same variant of it.
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

    /// What follows the text `source` of a variant: the interface, and what both build on.
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

    /// The name of a variant in errors, and its text with the constants that it offers.
    fn written<'a>(&self, variant: &'a Variant) -> Result<(String, Cow<'a, str>)> {
        // In a user's file errors stand at its own path.
        let label = match user_file::is_file(variant.name()) {
            true => variant.name().to_string(),
            false => format!("{}/{}", self.name, variant.name()),
        };
        let fail = |message| Error::Shader { kernel: label.clone(), message };
        if variant.is_own() {
            // Of a user's file this was told when it was read.
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
