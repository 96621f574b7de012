//! WGSL texts in `shaders/common/` that several operations or variants share. An interface or a variant names those that
//! it uses in a line `// uses feed, random`.

/// A shared text.
#[derive(Debug)]
pub struct Part {
    /// The name of its file without `.wgsl`.
    pub name: &'static str,
    /// Its WGSL.
    pub text: &'static str,
}

macro_rules! parts {
    ($($name:ident)+) => {
        /// Every shared text.
        pub static PARTS: &[Part] = &[$(Part {
            name: stringify!($name),
            text: include_str!(concat!("../../shaders/common/", stringify!($name), ".wgsl")),
        }),+];
    };
}

parts! {
    feed input number random gaussian dropout mixup augment positions regression gradient recurrence arriving gate
    index guard activate4 tile products walk window im2col turns winograd examples vector token attention attention_grad
    resize affine gathered tone
}

/// The shared text with that name.
pub(super) fn part(name: &str) -> Option<&'static Part> {
    PARTS.iter().find(|part| part.name == name)
}
