//! Roles of an operation's inputs, read from the comments of its interface because WGSL cannot express them: the values
//! that a buffer may hold, and the parts of the feed that the operation reads. Proofs, the lab and the tuner use them,
//! so that none of them guesses from the name of a size or a buffer.
//!
//! A buffer's marks follow its shape, separated by commas, up to a colon: `// (COUNT) in place,
//! positive: a variance`. Words that are no mark are a remark.
//! * `positive`: at least zero.
//! * `from 0 to 1`: probabilities, gates, shares. `from -5 to 5`: numbers, or whole numbers, between others.
//! * `activated`: a value of the composed activation or, if its gradient is a function of its input, any number.
//! * `activated again`: as `activated`, and so small that its activation stays finite.
//! * `argument`: an argument of the composed activation, whose value is used further; so small that the value stays
//!   finite.
//! * `copied`: any number that f32 holds, as it is only copied and compared.
//! * `above -A where FUNCTION is 2 or 3`: greater than -A if the size FUNCTION has one of these values.
//! * `by UNITS from 0 to 1; activated; any`: repeated layers of UNITS numbers, each with its own mark.
//! * `below TIME`: whole numbers from 0 up to, but not including, TIME.
//!
//! A buffer of numbers without such a mark accepts any number whose powers and sums fit f32. Separate lines describe
//! the rest:
//! * `// batch N`: the size that counts the images, rows or elements; a smaller value needs no other shape.
//! * `// splits ROWS * SPATIAL`: the extent that SPLITS parts of PER each cover.
//! * `// window OH of H, KH, SH, PT, DH`: OH is the number of positions of a window of extent KH on H, with its stride,
//!   the padding before the input and, optionally, the dilation.
//! * `// feed images (H, W, C) bytes, f32 where FLOATS`: the shape of one image in the feed, and the size that is 1
//!   if it holds f32.
//! * `// feed labels below CLASSES, f32 where REAL`, `// feed slot below SLOTS`.

use super::Size;
use std::collections::BTreeMap;

/// The values that a buffer of numbers may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Any number whose powers and sums fit f32.
    #[default]
    Real,
    /// Any number that f32 holds, because it is only copied and compared.
    Copied,
    /// At least zero.
    Positive,
    /// From 0 to 1.
    Share,
    /// From one number to another, both included.
    Between(Number, Number),
    /// A value of the activation, or any number if the activation's gradient is a function of its input.
    Activated,
    /// A value of the activation to which the activation is applied once more.
    Again,
    /// An argument of the activation, whose value is used further.
    Argument,
    /// Layers that repeat.
    Layers {
        /// The size that is the length of each layer.
        size: String,
        /// The role of each layer.
        roles: Vec<Role>,
    },
    /// Greater than minus the first size if the second has one of the values.
    Above {
        /// The size `A` of `-A`.
        bound: String,
        /// The size that decides whether the bound applies.
        size: String,
        /// The values of that size for which the bound applies.
        values: Vec<u32>,
    },
}

/// A finite number in a mark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub f64);

// It is never NaN.
impl Eq for Number {}

/// The first mark of `comment`, the text after the shape of a buffer, that means nothing.
pub(super) fn unknown(comment: &str) -> Option<&str> {
    let known = |mark: &&str| {
        mark.is_empty() || *mark == "in place" || mark.starts_with("below ") || Role::named(mark).is_some()
    };
    marks(comment).find(|mark| !known(mark))
}

/// The marks of a comment that follows a shape.
fn marks(comment: &str) -> impl Iterator<Item = &str> {
    comment.split(':').next().unwrap_or_default().split(',').map(str::trim)
}

impl Role {
    /// The role in `comment`, the text after the shape of a buffer.
    pub(super) fn of(comment: &str) -> Self {
        marks(comment).find_map(Self::named).unwrap_or_default()
    }

    /// The role that a mark names; `None` for a remark.
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
            _ if mark.starts_with("from ") => {
                let (low, high) = mark.strip_prefix("from ")?.split_once(" to ")?;
                let [low, high] = [low, high].map(|number| number.trim().parse::<f64>().ok());
                let (low, high) = (low?, high?);
                let fits = low < high && low.abs().max(high.abs()) <= f64::from(f32::MAX);
                fits.then_some(Self::Between(Number(low), Number(high)))
            }
            _ => {
                let (bound, rest) = mark.strip_prefix("above -")?.split_once(" where ")?;
                let (size, values) = rest.split_once(" is ")?;
                let values = values.split(" or ").map(|v| v.trim().parse().ok()).collect::<Option<_>>()?;
                Some(Self::Above { bound: bound.to_string(), size: size.to_string(), values })
            }
        }
    }

    /// The role of the element `at` of a buffer with this role; `value` looks up sizes by name.
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

/// Returns true if `comment`, the text after the shape of a buffer, has the mark `in place`.
pub(super) fn in_place(comment: &str) -> bool {
    marks(comment).any(|mark| mark == "in place")
}

/// The upper bound of whole numbers in `comment`.
pub(super) fn below(comment: &str) -> Option<Size> {
    marks(comment).find_map(|mark| Some(Size(mark.strip_prefix("below ")?.to_string())))
}

/// Properties in separate lines of an interface: the batch size, and the parts of the feed that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The size that counts the images, rows or elements.
    pub batch: Option<String>,
    /// The extent that SPLITS parts of PER each cover.
    pub splits: Option<Size>,
    /// The windows that move over an input.
    pub windows: Vec<Window>,
    /// Values per image, if images are read.
    pub images: Option<Values>,
    /// Exclusive upper bound of labels, if labels are read.
    pub labels: Option<Values>,
    /// Labels of each image, if it may have several.
    pub each: Option<Size>,
    /// Labels of each image, if they are more than those that are read.
    pub all: Option<Size>,
    /// Exclusive upper bound of the results' slot.
    pub slot: Option<Size>,
}

/// A window that moves over one axis of an input, as names of sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The number of its positions.
    pub output: String,
    /// The extent of the input.
    pub input: String,
    /// Extent of the window.
    pub extent: String,
    /// Stride.
    pub stride: String,
    /// Padding before the input.
    pub before: String,
    /// Dilation: the distance between two taps of the window, if it may exceed one.
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
    /// Values per image, or the exclusive upper bound of labels.
    pub size: Size,
    /// The size that is 1 if they are f32.
    pub floats: Option<String>,
    /// True if they are whole numbers as f32, too.
    pub whole: bool,
}

impl Values {
    fn of(size: &str, rest: &str) -> Self {
        let said = marks(rest).find_map(|mark| mark.split_once("f32 where "));
        let whole = said.is_some_and(|(before, _)| before == "whole ");
        let floats = said.map(|(_, name)| name.to_string());
        Self { size: Size(size.trim().to_string()), floats, whole }
    }

    /// Returns true if they are f32 at these sizes.
    pub fn are_floats(&self, sizes: &BTreeMap<String, f64>) -> bool {
        self.floats.as_ref().is_some_and(|name| sizes.get(name) == Some(&1.0))
    }
}

impl Marks {
    /// Parses the lines of `interface`.
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
                let count = |suffix: &str| {
                    marks(rest).find_map(|mark| Some(Size(mark.strip_suffix(suffix)?.to_string())))
                };
                (found.each, found.all) = (count(" each"), count(" of all"));
            }
            if let Some(size) = line.strip_prefix("// feed slot below ") {
                found.slot = Some(Size(size.trim().to_string()));
            }
        }
        found
    }

    /// Bytes per image at these sizes; 0 if no image is read.
    pub fn image_bytes(&self, sizes: &BTreeMap<String, f64>) -> usize {
        let bytes = |images: &Values| {
            let each = if images.are_floats(sizes) { size_of::<f32>() } else { 1 };
            Some(images.size.value(sizes)? * each)
        };
        self.images.as_ref().and_then(bytes).unwrap_or(0)
    }

    /// Labels of each image at these sizes.
    pub fn labels_each(&self, sizes: &BTreeMap<String, f64>) -> usize {
        let count =
            |size: &Option<Size>| size.as_ref().and_then(|size| size.value(sizes)).unwrap_or(1).max(1);
        count(&self.each).max(count(&self.all))
    }

    /// Number of images, rows or elements; 0 if the interface does not declare it.
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
             // feed labels below CLASSES, whole f32 where REAL, W each, L of all\n// feed slot below SLOTS\n",
        );
        let sizes = [("N", 5.0), ("H", 2.0), ("W", 4.0), ("FLOATS", 1.0), ("CLASSES", 7.0)];
        let sizes = sizes.map(|(name, value)| (name.to_string(), value)).into();
        assert_eq!((feed.rows(&sizes), feed.image_bytes(&sizes)), (5, 96));
        let labels = feed.labels.as_ref().expect("labels");
        assert_eq!((labels.size.value(&sizes), labels.are_floats(&sizes)), (Some(7), false));
        assert!(labels.whole);
        assert_eq!(feed.labels_each(&sizes), 4);
        let more = sizes.iter().map(|(name, value)| (name.clone(), *value)).chain([("L".to_string(), 9.0)]);
        assert_eq!(feed.labels_each(&more.collect()), 9);
        let [window] = feed.windows.as_slice() else { panic!("{feed:?}") };
        assert_eq!((window.output.as_str(), window.before.as_str(), &window.gap), ("OH", "PT", &None));
        assert_eq!(feed.splits.and_then(|size| size.value(&sizes)), Some(10));
        assert_eq!(feed.slot, Some(Size("SLOTS".into())));
        assert_eq!(Marks::of("// grid N"), Marks::default());
    }
}
