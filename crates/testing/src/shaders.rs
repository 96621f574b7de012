//! The shaders: registered variants, and the files of `shaders/`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};
use wgrad::{
    kernels::{OPERATIONS, peaks::PEAKS},
    op::{Activation, Op, Shader, Sizes, Variant, activations::ACTIVATIONS, sizes::parse_sizes},
};

/// Returns the operations, including those that measure an adapter.
pub fn operations() -> impl Iterator<Item = &'static Op> {
    OPERATIONS.iter().chain(PEAKS).copied()
}

/// Returns the activations that can be composed into an operation.
pub fn activations(op: &Op) -> &'static [&'static Activation] {
    if op.activated() { ACTIVATIONS } else { &ACTIVATIONS[..1] }
}

/// Returns the sizes of the cases that a variant supports on a device with every feature.
pub fn cases(op: &Op, variant: &Variant) -> Vec<Sizes> {
    let sizes = op.cases_with(variant).into_iter().map(|case| -> Sizes {
        parse_sizes(case).unwrap_or_else(|| panic!("{}: bad case {case}", op.name)).into_iter().collect()
    });
    sizes.filter(|sizes| variant.unmet(sizes, wgpu::Features::all()).is_none()).collect()
}

/// Calls `each` with every registered variant, composed with every activation and reflected.
pub fn for_every_shader(mut each: impl FnMut(&str, &'static Op, &'static Variant, &Shader)) {
    let mut seen = 0;
    for op in operations() {
        for variant in op.variants() {
            for activation in activations(op) {
                let name = format!("{}/{} ({activation:?})", op.name, variant.name());
                let shader = op.shader(variant, activation).unwrap_or_else(|e| panic!("{e}"));
                each(&name, op, variant, &shader);
                seen += 1;
            }
        }
    }
    assert!(seen > OPERATIONS.len(), "only {seen} shaders were seen");
}

/// Returns `operation/variant`.
pub fn named((op, variant): (&str, &str)) -> String {
    format!("{op}/{variant}")
}

/// Returns every file of `shaders/`, as `folder/name` without `.wgsl`, with its text.
pub fn texts() -> BTreeMap<String, String> {
    let root = crate::project().join("shaders");
    let mut texts = BTreeMap::new();
    for folder in fs::read_dir(&root).expect("shaders/") {
        let folder = folder.expect("an entry of shaders/").path();
        if folder.extension().is_some_and(|extension| extension == "md") {
            continue;
        }
        for file in fs::read_dir(&folder).expect("a folder in shaders/ for each operation") {
            let path = file.expect("an entry").path();
            let name = path.strip_prefix(&root).expect("it lies there").to_str().expect("it is ASCII");
            let name = name.replace('\\', "/");
            let stem =
                name.strip_suffix(".wgsl").unwrap_or_else(|| panic!("shaders/{name} is no .wgsl file"));
            texts.insert(stem.to_string(), fs::read_to_string(&path).expect("it can be read"));
        }
    }
    assert!(texts.len() > OPERATIONS.len(), "only {} shader files were found", texts.len());
    texts
}

/// Returns the files of `shaders/` that are variants of operations.
pub fn files() -> BTreeSet<String> {
    let shared = |name: &str| name.starts_with("common/") || name.starts_with("activations/");
    texts().into_keys().filter(|name| !shared(name) && !name.ends_with("/interface")).collect()
}
