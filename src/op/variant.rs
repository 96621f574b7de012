//! A variant of an operation: its text, and where it can run. Leaves out what it is composed with: see [`crate::op`].

use crate::op::{AdapterClass, Sizes};
use std::fmt;

/// One implementation of an operation: a WGSL file and a line on the page. One that is made elsewhere
/// ([`Variant::new`], [`crate::op::user_file::variant`]) always runs with wgpu's injected checks.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name: the file's name without `.wgsl`.
    pub name: &'static str,
    /// The adapter classes for which it is preferred to the variants behind it.
    pub default_for: &'static [AdapterClass],
    /// Its text. Private, like the needs: what is trusted must be what was proven.
    pub(crate) source: &'static str,
    pub(crate) needs: &'static [Need],
    /// The operation on whose page it stands. Its text guards its own loads and stores there, so it runs without
    /// wgpu's injected checks.
    pub(crate) page: Option<&'static str>,
}

/// A condition under which a variant can run.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// The size is a multiple of the number.
    Multiple(&'static str, u32),
    /// The two sizes are equal.
    Same(&'static str, &'static str),
    /// The size has this value.
    Is(&'static str, u32),
    /// The size is at least this.
    AtLeast(&'static str, u32),
    /// The device has the feature.
    Feature(wgpu::Features, &'static str),
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Multiple(size, n) => write!(f, "{size} % {n} == 0"),
            Self::Same(a, b) => write!(f, "{a} == {b}"),
            Self::Is(size, n) => write!(f, "{size} == {n}"),
            Self::AtLeast(size, n) => write!(f, "{size} >= {n}"),
            Self::Feature(_, name) => f.write_str(name),
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
            Self::Feature(feature, _) => features.contains(*feature),
        }
    }
}

impl Variant {
    /// A variant that stands on no page: any text, which needs nothing and runs with wgpu's checks.
    /// [`crate::op::user_file::variant`] reads needs from the text, and says at once what is wrong with it.
    pub fn new(name: &'static str, source: &'static str) -> Self {
        Self { name, source, needs: &[], default_for: &[], page: None }
    }

    /// The same name and needs with another text, which runs with wgpu's checks.
    pub fn with_text(&self, source: &'static str) -> Self {
        Self { source, page: None, ..self.clone() }
    }

    /// Its text.
    pub const fn source(&self) -> &'static str {
        self.source
    }

    /// What sizes or device it needs.
    pub const fn needs(&self) -> &'static [Need] {
        self.needs
    }

    /// Whether it is wgrad's own text, or a setting of one.
    pub const fn is_own(&self) -> bool {
        self.page.is_some()
    }

    /// The first need that these sizes on this device do not meet.
    pub fn unmet(&self, sizes: &Sizes, features: wgpu::Features) -> Option<Need> {
        self.needs.iter().find(|need| !need.met(sizes, features)).copied()
    }

    /// Whether it needs a feature of the device.
    pub fn needs_feature(&self, feature: wgpu::Features) -> bool {
        self.needs.iter().any(|need| matches!(need, Need::Feature(f, _) if f.contains(feature)))
    }

    /// The inputs that it rounds to half precision: see [`rounded`].
    pub fn rounds(&self) -> Vec<&str> {
        rounded(self.source)
    }
}

/// The inputs that the shader `text` rounds to half precision before it uses them, as its line
/// `// rounds x, w to half` says. Its twin takes them rounded; the tuner leaves it out.
pub fn rounded(text: &str) -> Vec<&str> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("// rounds "));
    let names = line.and_then(|rest| Some(rest.split_once(" to half")?.0));
    names.map(|names| names.split(',').map(str::trim).collect()).unwrap_or_default()
}
