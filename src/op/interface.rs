//! Checks of an interface from outside the registry. It may come from anyone, so that every declaration and every line
//! with a meaning is checked here, before a variant is composed with it.

use super::{Size, bounds, directives, lines, parts::Part, role, shader::shape_of, sizes};
use naga::{AddressSpace, Module, ScalarKind, StorageAccess, TypeInner};
use std::collections::BTreeSet;

/// Number of bindings that WebGPU allows in a group: indices are below it.
const BINDINGS: u32 = 1000;
/// The prefixes of lines that hold sizes, and whether a name and `=` may precede each.
const OF_SIZES: [(&str, bool); 4] =
    [("// grid ", true), ("// flops ", false), ("// splits ", false), ("// feed slot below ", false)];

/// A message if `interface`, which `place` names, does not declare an operation. `parts` are the shared texts that it
/// uses, and the activation's if it is composed with one.
pub(super) fn fault(
    place: &str,
    interface: &str,
    parts: &[&Part],
    activation: Option<&str>,
) -> Option<String> {
    check(place, interface, parts, activation).err()
}

fn check(place: &str, interface: &str, parts: &[&Part], activation: Option<&str>) -> Result<(), String> {
    let mut text = format!("{interface}\n");
    for part in parts.iter().map(|part| part.text).chain(activation) {
        text.push_str(part);
        text.push('\n');
    }
    if let Some(message) = bounds::nested(&text) {
        return Err(message);
    }
    let module = naga::front::wgsl::parse_str(&directives::for_naga(&text))
        .map_err(|e| e.emit_to_string_with_path(&text, place))?;
    if let Some(entry) = module.entry_points.first() {
        return Err(format!(
            "it has the entry point `{}`; expected declarations only, and the @compute function in each variant",
            entry.name
        ));
    }
    let sizes = overrides(&module, interface)?;
    let known = |size: &Size, of: &str| match size.names().find(|name| !sizes.contains(*name)) {
        None => Ok(()),
        Some(name) => {
            let all: Vec<&str> = sizes.iter().map(String::as_str).collect();
            Err(format!("{of} names the size `{name}`, expected one of {}", or_none(&all)))
        }
    };
    bindings(&module, interface, &known)?;
    for line in interface.lines().map(str::trim) {
        for (prefix, named) in OF_SIZES {
            let Some(rest) = line.strip_prefix(prefix) else { continue };
            let sizes = if named { rest.split(',').collect() } else { vec![rest] };
            for axis in sizes {
                let size = if named { axis.split_once('=').map_or(axis, |(_, size)| size) } else { axis };
                known(&Size(size.trim().to_string()), &format!("the line `{line}`"))?;
            }
        }
    }
    let axes = interface.lines().find_map(|line| line.trim().strip_prefix("// grid "));
    match axes.map(|axes| axes.split(',').count()) {
        Some(4..) => Err(format!("`// grid {}` has more than three axes", axes.unwrap_or_default())),
        _ => Ok(()),
    }
}

/// The names of the sizes, which are the overrides of the module.
fn overrides(module: &Module, interface: &str) -> Result<BTreeSet<String>, String> {
    let mut sizes = BTreeSet::new();
    let declared = sizes::declared(interface);
    for (_, size) in module.overrides.iter() {
        let name = size.name.clone().unwrap_or_default();
        if size.id.is_some() {
            return Err(format!("the size `{name}` has an @id; leave it out, since sizes are set by name"));
        }
        let TypeInner::Scalar(scalar) = module.types[size.ty].inner else { continue };
        if !matches!(scalar.kind, ScalarKind::Uint | ScalarKind::Sint | ScalarKind::Float)
            || scalar.width != 4
        {
            return Err(format!("the size `{name}` is no u32, i32 or f32"));
        }
        let of_a_part = !interface.contains(&name);
        if !declared.contains(&name.as_str()) && !of_a_part {
            return Err(format!(
                "the size `{name}` has no type; write `override {name}: u32;` on a line of its own"
            ));
        }
        sizes.insert(name);
    }
    Ok(sizes)
}

fn bindings(
    module: &Module,
    interface: &str,
    known: &dyn Fn(&Size, &str) -> Result<(), String>,
) -> Result<(), String> {
    let (mut shaped, mut all, mut written) = (BTreeSet::new(), BTreeSet::new(), false);
    for (_, global) in module.global_variables.iter() {
        let (Some(binding), Some(name)) = (&global.binding, &global.name) else { continue };
        let own = interface.contains(&format!("> {name}:"));
        if !own && [1, 2].contains(&binding.group) {
            // The feed, of a shared text.
            continue;
        }
        if binding.group != 0 {
            return Err(format!(
                "`{name}` is in @group({}), expected @group(0); `// uses feed` declares the feed",
                binding.group
            ));
        }
        let AddressSpace::Storage { access } = global.space else {
            return Err(format!(
                "`{name}` is not a storage buffer; write `var<storage, read> {name}: array<f32>; // (N)`, and an `override` for a \
                 number"
            ));
        };
        if binding.binding >= BINDINGS {
            return Err(format!("`{name}` is @binding({}), expected less than {BINDINGS}", binding.binding));
        }
        written |= access.contains(StorageAccess::STORE);
        all.insert(binding.binding);
        let Some((shape, comment)) = shape_of(interface, name) else { continue };
        if !shaped.insert(binding.binding) {
            return Err(format!(
                "two buffers with a shape are @binding({}), the second `{name}`; count them up from 0, and leave the shape of a \
                 second view out",
                binding.binding
            ));
        }
        for size in &shape {
            known(size, &format!("the shape of `{name}`"))?;
        }
        if let Some(mark) = role::unknown(comment) {
            return Err(format!(
                "`{name}` has the mark `{mark}`, expected `in place`, `positive`, `from 0 to 1`, `below N`, `copied` or another of \
                 docs/own-operations.md; a remark follows a colon"
            ));
        }
        if let Some(below) = role::below(comment) {
            known(&below, &format!("`{name}`, below"))?;
        }
    }
    if let Some(index) = all.difference(&shaped).next() {
        return Err(format!(
            "@binding({index}) has no shape comment such as `// (M, K)` after its first declaration"
        ));
    }
    match (all.is_empty(), written) {
        (true, _) => Err("it declares no buffer; write `@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (N)`".into()),
        (_, false) => Err("none of its buffers is `read_write`: no variant could give a result".into()),
        _ => Ok(()),
    }
}

fn or_none(names: &[&str]) -> String {
    if names.is_empty() { "none, since it declares no `override`".into() } else { names.join(", ") }
}

/// The share of `// tolerance T` in `interface`, if it has such a line.
///
/// # Errors
/// A message if it is no share.
pub(super) fn tolerance(interface: &str) -> Result<Option<f64>, String> {
    let Some((n, text)) = lines::said(interface, "tolerance").next() else { return Ok(None) };
    match text.split(':').next().unwrap_or_default().trim().parse::<f64>() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(Some(share)),
        _ => Err(format!(
            "line {n}: got `// tolerance {text}`, expected a share between 0 and 1, as in `// tolerance 1e-4`"
        )),
    }
}
