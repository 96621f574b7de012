//! Variants of an operation: text and requirements. For the texts that they are composed with, see [`crate::op`].

use super::{Rule, Sizes, Traits};
use std::{fmt, sync::Arc};

/// One implementation of an operation: a WGSL file and a line in the registry. A variant from elsewhere
/// ([`Variant::new`], [`crate::op::user_file::variant`]) always runs with wgpu's injected checks. Copies share the
/// text.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The rules by which it is preferred to the variants after it.
    pub default_for: &'static [Rule],
    /// Private, like all fields that follow: a trusted variant must be the one that was proven.
    pub(super) name: Arc<str>,
    pub(super) source: Arc<str>,
    pub(super) needs: Arc<[Need]>,
    /// The operation in the registry to which it belongs. Such a text guards its own loads and stores, so it runs
    /// without wgpu's injected checks.
    pub(crate) page: Option<&'static str>,
}

/// A condition under which a variant can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The size is a multiple of the number.
    Multiple(String, u32),
    /// The two sizes are equal.
    Same(String, String),
    /// The size has this value.
    Is(String, u32),
    /// The size is at least this.
    AtLeast(String, u32),
    /// The size is at most this.
    AtMost(String, u32),
    /// The device has the feature.
    Feature(wgpu::Features, &'static str),
    /// The adapter is a software one. A kernel that keeps kilobytes in each thread spills on a GPU, and its driver may crash.
    Software,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Multiple(size, n) => write!(f, "{size} % {n} == 0"),
            Self::Same(a, b) => write!(f, "{a} == {b}"),
            Self::Is(size, n) => write!(f, "{size} == {n}"),
            Self::AtLeast(size, n) => write!(f, "{size} >= {n}"),
            Self::AtMost(size, n) => write!(f, "{size} <= {n}"),
            Self::Feature(_, name) => f.write_str(name),
            Self::Software => f.write_str("a software adapter"),
        }
    }
}

impl Need {
    fn met(&self, sizes: &Sizes, features: wgpu::Features) -> bool {
        let size = |name: &str| sizes.get(name).map(|v| *v as u32);
        match self {
            Self::Multiple(name, n) => size(name).is_some_and(|v| v % n == 0),
            Self::Same(a, b) => size(a).is_some() && size(a) == size(b),
            Self::Is(name, n) => size(name) == Some(*n),
            Self::AtLeast(name, n) => size(name) >= Some(*n),
            Self::AtMost(name, n) => size(name).is_some_and(|v| v <= *n),
            Self::Feature(feature, _) => features.contains(*feature),
            // Neither a size nor a feature tells it: see `Call::obstacle`.
            Self::Software => true,
        }
    }
}

impl Variant {
    /// A variant outside the registry: any text, without requirements, which runs with wgpu's checks.
    /// [`crate::op::user_file::variant`] also reads requirements from the text, and reports its errors at once.
    pub fn new(name: &str, source: &str) -> Self {
        Self { name: name.into(), source: source.into(), needs: [].into(), default_for: &[], page: None }
    }

    /// A copy with another text, the same name and needs, which runs with wgpu's checks.
    pub fn with_text(&self, source: &str) -> Self {
        Self { source: source.into(), page: None, ..self.clone() }
    }

    /// A copy under another name, with the same text and needs, which runs with wgpu's checks.
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.into(), page: None, ..self.clone() }
    }

    /// The file's name without `.wgsl`, or the path of a user's file, followed by the setting.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its WGSL text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its requirements on sizes and the device.
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// Returns true if it is a default on adapters of these traits, at some sizes at least.
    pub fn suits(&self, traits: &Traits) -> bool {
        self.default_for.iter().any(|rule| rule.suits(traits))
    }

    /// Returns true if it is wgrad's own text, or a setting of one.
    pub const fn is_own(&self) -> bool {
        self.page.is_some()
    }

    /// The first requirement that these sizes or this device do not meet.
    pub fn unmet(&self, sizes: &Sizes, features: wgpu::Features) -> Option<&Need> {
        self.needs.iter().find(|need| !need.met(sizes, features))
    }

    /// Returns true if it needs a feature of the device.
    pub fn needs_feature(&self, feature: wgpu::Features) -> bool {
        self.needs.iter().any(|need| matches!(need, Need::Feature(f, _) if f.contains(feature)))
    }

    /// The inputs that it rounds to half precision: see [`rounded`].
    pub fn rounds(&self) -> Vec<&str> {
        rounded(&self.source)
    }
}

/// The inputs that the shader `text` rounds to half precision before use, from its line `// rounds x, w to half`. Its
/// twin receives them rounded; the tuner skips such a variant.
pub fn rounded(text: &str) -> Vec<&str> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("// rounds "));
    let names = line.and_then(|rest| Some(rest.split_once(" to half")?.0));
    names.map(|names| names.split(',').map(str::trim).collect()).unwrap_or_default()
}
