//! What an operation's interface says about its inputs, in the comments that WGSL has no words for: what a buffer
//! may hold, and what the operation reads of the feed. Proofs, the lab and the tuner read it here, so that none of
//! them guesses from the name of a size or a buffer.
//!
//! Behind the shape of a buffer stand its marks, with commas between them, up to a colon: `// (COUNT) in place,
//! positive: a variance`. Words that are no mark are a remark.
//! * `positive`: nothing below zero.
//! * `from 0 to 1`: probabilities, gates, shares.
//! * `activated`: a value of the composed activation or, where its gradient is a function of its input, any number.
//! * `activated again`: the same, so small that the activation of it stays finite.
//! * `argument`: what goes into the composed activation, whose value then goes on: so small that it stays finite.
//! * `copied`: any number that f32 holds, as it is only copied and compared.
//! * `above -A where FUNCTION is 2 or 3`: greater than -A where the size FUNCTION has one of these values.
//! * `by UNITS from 0 to 1; activated; any`: layers of UNITS numbers, one after the other and again, each with its mark.
//! * `below TIME`: whole numbers from 0 to less than that.
//!
//! A buffer of numbers without such a mark takes any number whose powers and sums f32 holds. Lines of their own tell
//! the rest:
//! * `// batch N`: the size that counts the images, rows or elements; fewer of them need no other shape.
//! * `// splits ROWS * SPATIAL`: what SPLITS parts of PER each cover.
//! * `// window OH of H, KH, SH, PT, DH`: the size OH is how many places a window of KH takes on H, with its stride, the
//!   padding before and, where it has one, the gap between its places.
//! * `// feed images (H, W, C) bytes, f32 where FLOATS`: what one image of the feed holds, and the size that is 1
//!   where it holds f32.
//! * `// feed labels below CLASSES, f32 where REAL`, `// feed slot below SLOTS`.

use super::Size;
use std::collections::BTreeMap;

/// What a buffer of numbers may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Any number whose powers and sums f32 holds.
    #[default]
    Real,
    /// Any number that f32 holds: it is only copied and compared.
    Copied,
    /// Nothing below zero.
    Positive,
    /// From 0 to 1.
    Share,
    /// A value of the activation, or anything where its gradient is a function of its input.
    Activated,
    /// A value of the activation that goes into it once more.
    Again,
    /// What goes into the activation, whose value goes on.
    Argument,
    /// Layers, one after the other and again.
    Layers {
        /// How many numbers each has.
        size: String,
        /// What each holds.
        roles: Vec<Role>,
    },
    /// Greater than minus the first size where the second has one of the values.
    Above {
        /// The size `A` of `-A`.
        bound: String,
        /// The size that decides.
        size: String,
        /// With which values of it.
        values: Vec<u32>,
    },
}

/// The marks of a comment, behind its shape.
fn marks(comment: &str) -> impl Iterator<Item = &str> {
    comment.split(':').next().unwrap_or_default().split(',').map(str::trim)
}

impl Role {
    /// The role that `comment` names, what stands behind the shape of a buffer.
    pub(super) fn of(comment: &str) -> Self {
        marks(comment).find_map(Self::named).unwrap_or_default()
    }

    /// The role of a mark; `None` for a remark.
    fn named(mark: &str) -> Option<Self> {
        match mark {
            "any" => Some(Self::Real),
            "copied" => Some(Self::Copied),
            "positive" => Some(Self::Positive),
            "from 0 to 1" => Some(Self::Share),
            "activated" => Some(Self::Activated),
            "activated again" => Some(Self::Again),
            "argument" => Some(Self::Argument),
            _ if mark.starts_with("by ") => {
                let (size, layers) = mark.strip_prefix("by ")?.split_once(' ')?;
                let roles = layers.split(';').map(|mark| Self::named(mark.trim())).collect::<Option<_>>()?;
                Some(Self::Layers { size: size.to_string(), roles })
            }
            _ => {
                let (bound, rest) = mark.strip_prefix("above -")?.split_once(" where ")?;
                let (size, values) = rest.split_once(" is ")?;
                let values = values.split(" or ").map(|v| v.trim().parse().ok()).collect::<Option<_>>()?;
                Some(Self::Above { bound: bound.to_string(), size: size.to_string(), values })
            }
        }
    }

    /// What the element `at` of a buffer with this role holds; `value` gives sizes by name.
    pub(crate) fn at(&self, at: usize, value: impl Fn(&str) -> Option<f64>) -> &Self {
        match self {
            Self::Layers { size, roles } => {
                let of = value(size).map_or(1, |size| size as usize).max(1);
                &roles[at / of % roles.len()]
            }
            other => other,
        }
    }
}

/// Whether `comment`, what stands behind the shape of a buffer, has the mark `in place`.
pub(super) fn in_place(comment: &str) -> bool {
    marks(comment).any(|mark| mark == "in place")
}

/// What `comment` says that whole numbers stay below.
pub(super) fn below(comment: &str) -> Option<Size> {
    marks(comment).find_map(|mark| Some(Size(mark.strip_prefix("below ")?.to_string())))
}

/// What an interface says in lines of its own: which size counts the batch, and what is read of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The size that counts the images, rows or elements.
    pub batch: Option<String>,
    /// What SPLITS parts of PER each cover.
    pub splits: Option<Size>,
    /// The outputs of windows that move over an input.
    pub windows: Vec<Window>,
    /// Values of an image.
    pub images: Option<Values>,
    /// What a label stays below.
    pub labels: Option<Values>,
    /// What the slot of the results stays below.
    pub slot: Option<Size>,
}

/// A window that moves over one axis of an input: names of sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many places it takes.
    pub output: String,
    /// Over how much it moves.
    pub input: String,
    /// Its extent.
    pub extent: String,
    /// How far it moves.
    pub stride: String,
    /// What is padded before the input.
    pub before: String,
    /// The distance between two places of the window, where it may be more than one.
    pub gap: Option<String>,
}

impl Window {
    fn of(line: &str) -> Option<Self> {
        let (output, rest) = line.split_once(" of ")?;
        let mut names = rest.split(',').map(|name| name.trim().to_string());
        let mut next = || names.next();
        let (input, extent, stride, before) = (next()?, next()?, next()?, next()?);
        Some(Self { output: output.trim().to_string(), input, extent, stride, before, gap: next() })
    }
}

/// Values of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    /// How many of an image, or what a label stays below.
    pub size: Size,
    /// The size that is 1 where they are f32.
    pub floats: Option<String>,
}

impl Values {
    fn of(size: &str, rest: &str) -> Self {
        let floats = marks(rest).find_map(|mark| mark.strip_prefix("f32 where "));
        Self { size: Size(size.trim().to_string()), floats: floats.map(str::to_string) }
    }

    /// Whether they are f32 with these sizes.
    pub fn are_floats(&self, sizes: &BTreeMap<String, f64>) -> bool {
        self.floats.as_ref().is_some_and(|name| sizes.get(name) == Some(&1.0))
    }
}

impl Marks {
    /// Reads the lines of `interface`.
    pub fn of(interface: &str) -> Self {
        let mut found = Self::default();
        for line in interface.lines().map(str::trim) {
            if let Some(batch) = line.strip_prefix("// batch ") {
                found.batch = Some(batch.trim().to_string());
            }
            if let Some(size) = line.strip_prefix("// splits ") {
                found.splits = Some(Size(size.trim().to_string()));
            }
            found.windows.extend(line.strip_prefix("// window ").and_then(Window::of));
            let images = line.strip_prefix("// feed images (").and_then(|rest| rest.split_once(')'));
            if let Some((shape, rest)) = images {
                found.images = Some(Values::of(&shape.replace(',', " *"), rest));
            }
            if let Some(rest) = line.strip_prefix("// feed labels below ") {
                found.labels = Some(Values::of(rest.split(',').next().unwrap_or_default(), rest));
            }
            if let Some(size) = line.strip_prefix("// feed slot below ") {
                found.slot = Some(Size(size.trim().to_string()));
            }
        }
        found
    }

    /// Bytes of an image at these sizes; 0 where none is read.
    pub fn image_bytes(&self, sizes: &BTreeMap<String, f64>) -> usize {
        let bytes = |images: &Values| {
            let each = if images.are_floats(sizes) { size_of::<f32>() } else { 1 };
            Some(images.size.value(sizes)? * each)
        };
        self.images.as_ref().and_then(bytes).unwrap_or(0)
    }

    /// How many images, rows or elements there are; 0 where the interface does not say.
    pub fn rows(&self, sizes: &BTreeMap<String, f64>) -> usize {
        self.batch.as_ref().and_then(|name| sizes.get(name)).map_or(0, |rows| *rows as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::{Marks, Role, Size, below, in_place};

    #[test]
    fn marks_stand_before_the_colon_and_remarks_are_none() {
        assert_eq!(Role::of(" in place, positive: from 0 to 1"), Role::Positive);
        let layers = Role::of(" by C any; positive: means and squares");
        assert_eq!(layers, Role::Layers { size: "C".into(), roles: vec![Role::Real, Role::Positive] });
        let at = |at| layers.at(at, |size| Some(if size == "C" { 3.0 } else { 1.0 }));
        assert_eq!(
            [0, 2, 3, 5, 6].map(at),
            [0, 0, 1, 1, 0].map(|n| if n == 0 { &Role::Real } else { &Role::Positive })
        );
        assert_eq!(Role::of(" by C any; squares"), Role::Real, "a remark");
        assert_eq!(Role::of(" of what is positive"), Role::Real);
        assert_eq!(Role::of(" below TIME: which step, copied"), Role::Real);
        assert_eq!(below(" below PH * PW, a place"), Some(Size("PH * PW".into())));
        assert!(in_place(" in place: the state, in order") && !in_place(" kept in place of another"));
        let above = Role::Above { bound: "A".into(), size: "F".into(), values: vec![2, 13] };
        assert_eq!(Role::of(" above -A where F is 2 or 13"), above);
    }

    #[test]
    fn a_feed_is_read_from_lines_of_their_own() {
        let feed = Marks::of(
            "override N: u32; // batch\n// batch N\n// splits N * H\n// window OH of H, KH, SH, PT\n// feed images (H, W, 3) bytes, f32 where FLOATS\n\
             // feed labels below CLASSES, f32 where REAL\n// feed slot below SLOTS\n",
        );
        let sizes = [("N", 5.0), ("H", 2.0), ("W", 4.0), ("FLOATS", 1.0), ("CLASSES", 7.0)];
        let sizes = sizes.map(|(name, value)| (name.to_string(), value)).into();
        assert_eq!((feed.rows(&sizes), feed.image_bytes(&sizes)), (5, 96));
        let labels = feed.labels.as_ref().expect("labels");
        assert_eq!((labels.size.value(&sizes), labels.are_floats(&sizes)), (Some(7), false));
        let [window] = feed.windows.as_slice() else { panic!("{feed:?}") };
        assert_eq!((window.output.as_str(), window.before.as_str(), &window.gap), ("OH", "PT", &None));
        assert_eq!(feed.splits.and_then(|size| size.value(&sizes)), Some(10));
        assert_eq!(feed.slot, Some(Size("SLOTS".into())));
        assert_eq!(Marks::of("// grid N"), Marks::default());
    }
}
