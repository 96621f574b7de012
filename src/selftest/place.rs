//! The environment of a context.

use crate::{
    gpu::{AdapterRecord, Context, Place},
    kernels::OPERATIONS,
    op::{activations::ACTIVATIONS, parts::PARTS, user_file::digest},
};
use std::sync::OnceLock;

impl Place {
    /// The environment of `context`.
    pub fn of(context: &Context) -> Self {
        let AdapterRecord { name, backend, driver, class: _ } = AdapterRecord::of(context);
        Self {
            adapter: name,
            backend,
            driver,
            wgpu: wgpu_version().to_string(),
            shaders: shaders().to_string(),
            checked: context.checked,
        }
    }
}

/// wgpu's version, from wgrad's lock file.
fn wgpu_version() -> &'static str {
    let lock = include_str!("../../Cargo.lock");
    let after = lock.split("name = \"wgpu\"\nversion = \"").nth(1).or_else(|| {
        // Line ends of a checkout on Windows.
        lock.split("name = \"wgpu\"\r\nversion = \"").nth(1)
    });
    after.and_then(|text| text.split('"').next()).unwrap_or("unknown")
}

/// The digest of all shader texts of the registry; their requirements and cases are part of them.
fn shaders() -> &'static str {
    static DIGEST: OnceLock<String> = OnceLock::new();
    DIGEST.get_or_init(|| {
        let mut texts = Vec::new();
        for op in OPERATIONS {
            texts.extend([op.name, op.interface]);
            texts.extend(op.variants().iter().flat_map(|variant| [variant.name(), variant.source()]));
        }
        texts.extend(PARTS.iter().flat_map(|part| [part.name, part.text]));
        texts.extend(ACTIVATIONS.iter().flat_map(|activation| [activation.name, activation.source]));
        digest(&texts.join("\0"))
    })
}
