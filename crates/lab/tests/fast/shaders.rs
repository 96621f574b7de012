//! Tests every shader without an adapter: naga parses it, fills in the sizes of every case, and writes it in the
//! languages of all back ends; WebGPU's default limits hold. `kernels` tests whether a kernel computes the right
//! numbers.

use naga::{AddressSpace, BinaryOperator, Expression, ScalarKind, proc::Layouter};
use std::collections::{BTreeMap, BTreeSet};
use wgrad::{
    Error,
    kernels::OPERATIONS,
    op::{
        activations::ACTIVATIONS,
        setting::{self, Setting},
    },
};
use wgrad_lab::backends::{Language, Resolved, resolve};
use wgrad_testing::shaders::{cases, files, for_every_shader, named, operations};

#[test]
fn every_variant_translates_for_every_back_end_at_every_size() {
    let mut variants = BTreeSet::new();
    let mut translated: BTreeMap<Language, usize> = BTreeMap::new();
    for_every_shader(|name, op, variant, shader| {
        for sizes in cases(op, variant) {
            let resolved = resolve(name, variant, shader, &sizes).unwrap_or_else(|e| panic!("{e}"));
            for language in Language::ALL {
                let translation = resolved.translate(name, language).unwrap_or_else(|e| panic!("{e}"));
                let without = language == Language::Hlsl && resolved.subgroups
                    || language == Language::Glsl && resolved.half;
                assert_eq!(translation.is_none(), without, "{name} as {language}");
                let Some(translation) = translation else { continue };
                assert!(!translation.is_empty(), "{name} as {language} is empty at {sizes:?}");
                *translated.entry(language).or_default() += 1;
            }
            variants.insert((op.name, variant.name()));
        }
    });
    println!("{} variants, translations: {translated:?}", variants.len());
    // Counted against the folder, so that an empty loop cannot pass.
    let missing: Vec<_> =
        files().difference(&variants.iter().copied().map(named).collect()).cloned().collect();
    assert!(missing.is_empty(), "these files were never translated: {missing:?}");
    assert_eq!(translated.len(), 5, "a language is missing: {translated:?}");
    for (language, count) in translated {
        assert!(count > variants.len(), "{language}: only {count} translations");
    }
}

#[test]
fn every_setting_composes_translates_and_stays_inside_the_limits() {
    let (mut offering, mut seen) = (0, 0);
    for op in operations() {
        for variant in op.variants().iter().filter(|v| !Setting::of(v).0.is_empty()) {
            let settings = setting::all(op, variant, "").unwrap_or_else(|e| panic!("{e}"));
            let mut composed = 0;
            for setting in &settings {
                let name = format!("{}/{}", op.name, setting.name());
                let shader = match op.shader(setting, ACTIVATIONS[0]) {
                    Ok(shader) => shader,
                    Err(Error::Asserted { message, .. }) => {
                        assert!(message.contains("const_assert"), "{name}: {message}");
                        assert_ne!(setting.name(), variant.name(), "the default is refused: {message}");
                        continue;
                    }
                    Err(e) => panic!("{e}"),
                };
                for (constant, value) in &Setting::of(setting).0 {
                    let value: f64 = value.parse().unwrap_or_else(|_| panic!("{name}: {constant}={value}"));
                    assert_eq!(shader.constants.get(constant), Some(&value), "{name}: {constant}");
                }
                let cases = cases(op, variant);
                let sizes = cases.last().unwrap_or_else(|| panic!("{name} takes no case"));
                assert_eq!(shader.beyond(&shader.values(sizes), &wgpu::Limits::default()), None, "{name}");
                let resolved = resolve(&name, setting, &shader, sizes).unwrap_or_else(|e| panic!("{e}"));
                for language in Language::ALL {
                    let translation = resolved.translate(&name, language).unwrap_or_else(|e| panic!("{e}"));
                    assert!(
                        translation.is_some() || resolved.lacks(language).is_some(),
                        "{name} as {language}"
                    );
                }
                composed += 1;
            }
            println!("{}/{}: {composed} of {} settings", op.name, variant.name(), settings.len());
            assert!(composed > 1, "{}/{}: only {composed} settings compose", op.name, variant.name());
            (offering, seen) = (offering + 1, seen + composed);
        }
    }
    assert!(offering > 0 && seen > 10 * offering, "{offering} variants, {seen} settings");
}

/// GLSL leaves the remainder of negative numbers undefined, and naga does not write it out.
#[test]
fn no_shader_takes_a_remainder_of_signed_numbers() {
    let (mut remainders, mut signed) = (0, BTreeSet::new());
    for_every_shader(|name, op, variant, shader| {
        let sizes = cases(op, variant).pop().unwrap_or_else(|| panic!("{name} takes no case"));
        let Resolved { module, info, .. } =
            resolve(name, variant, shader, &sizes).unwrap_or_else(|e| panic!("{e}"));
        let functions = module.functions.iter().map(|(handle, function)| (function, &info[handle]));
        let entries = module.entry_points.iter().enumerate();
        let entries = entries.map(|(at, entry)| (&entry.function, info.get_entry_point(at)));
        for (function, info) in functions.chain(entries) {
            for (_, expression) in function.expressions.iter() {
                let Expression::Binary { op: BinaryOperator::Modulo, left, .. } = *expression else {
                    continue;
                };
                remainders += 1;
                if info[left].ty.inner_with(&module.types).scalar_kind() == Some(ScalarKind::Sint) {
                    let function = function.name.as_deref().unwrap_or_default();
                    signed.insert(format!("{name} in `{function}`"));
                }
            }
        }
    });
    assert!(remainders > 0, "no remainder was seen");
    assert!(signed.is_empty(), "take the remainder of u32 instead:\n{signed:#?}");
}

#[test]
fn every_variant_stays_inside_webgpus_default_limits() {
    let limits = wgpu::Limits::default();
    let (mut checked, mut staged) = (0, 0);
    for_every_shader(|name, op, variant, shader| {
        let storage = shader.bindings.len() as u32 + if shader.chunk { 2 } else { 0 };
        let allowed = limits.max_storage_buffers_per_shader_stage;
        assert!(storage <= allowed, "{name} binds {storage} storage buffers, {allowed} are allowed");
        for sizes in cases(op, variant) {
            let values = shader.values(&sizes);
            let [x, y, z] = shader.workgroup_size(&values);
            let most = [
                limits.max_compute_workgroup_size_x,
                limits.max_compute_workgroup_size_y,
                limits.max_compute_workgroup_size_z,
            ];
            assert!(
                [x, y, z].iter().zip(most).all(|(size, most)| *size <= most),
                "{name} has {x} × {y} × {z} threads; the most are {most:?}"
            );
            let threads = x * y * z;
            let allowed = limits.max_compute_invocations_per_workgroup;
            assert!(threads <= allowed, "{name} has {threads} threads a workgroup, {allowed} are allowed");
            let limit = limits.max_compute_workgroups_per_dimension;
            assert!(shader.groups(&values, limit).is_some(), "{name}: no grid covers {sizes:?}");

            let resolved = resolve(name, variant, shader, &sizes).unwrap_or_else(|e| panic!("{e}"));
            let Resolved { module, info, .. } = resolved;
            let mut layouter = Layouter::default();
            layouter.update(module.to_ctx()).unwrap_or_else(|e| panic!("{name}: {e}"));
            let usage = info.get_entry_point(0);
            let used = || module.global_variables.iter().filter(|(handle, _)| !usage[*handle].is_empty());
            let shared = used().filter(|(_, global)| global.space == AddressSpace::WorkGroup);
            // WebGPU counts each variable rounded up to 16 bytes.
            let bytes: u32 = shared.map(|(_, v)| layouter[v.ty].size.next_multiple_of(16)).sum();
            let allowed = limits.max_compute_workgroup_storage_size;
            assert!(bytes <= allowed, "{name} stages {bytes} bytes, {allowed} are allowed");
            assert_eq!(u64::from(bytes), shader.workgroup_bytes(&values), "{name}: what the host counts");
            staged += usize::from(bytes > 0);

            // A buffer's views by element and by vec4 are two variables on one binding: WebGPU lets an
            // entry point use one of them.
            let mut views = BTreeSet::new();
            for (_, global) in used() {
                let Some(binding) = global.binding else { continue };
                let fresh = views.insert((binding.group, binding.binding));
                assert!(fresh, "{name} uses two views of {:?}; an entry point may use one", global.name);
            }
            assert!(!views.is_empty(), "{name} uses no buffer");
            checked += 1;
        }
    });
    assert!(checked > OPERATIONS.len() && staged > 0, "{checked} checked, {staged} with workgroup memory");
}
