//! Every shader without any adapter: naga reads it, puts the sizes of every case in, and writes it in the
//! languages of all back ends; the folder and the page agree; WebGPU's default limits hold. What it leaves
//! out is whether a kernel computes the right numbers: see `kernels`.

use naga::{AddressSpace, proc::Layouter};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use wgrad::{
    Error,
    kernels::{
        ARRIVING, AUGMENTATION, CONV2D_FORWARD, FEED, GATE, GRADIENT, INPUT, MATMUL, MAX_POOL2D_FORWARD,
        MIXUP, NUMBER, OPERATIONS, RANDOM, RECURRENCE, REGRESSION, peaks::PEAKS,
    },
    lab::backends::{Language, Resolved, resolve},
    op::{
        Access, Activation, AdapterClass, Element, Op, Shader, Size, Sizes, Variant,
        activations::ACTIVATIONS,
        setting::{self, Setting},
        sizes::parse_sizes,
        user_file,
    },
};

/// The operations of the page, and those that measure an adapter.
fn operations() -> impl Iterator<Item = &'static Op> {
    OPERATIONS.iter().chain(PEAKS).copied()
}

/// The activations that can be composed into an operation.
fn activations(op: &Op) -> &'static [&'static Activation] {
    if op.activated { ACTIVATIONS } else { &ACTIVATIONS[..1] }
}

/// The sizes of the cases that a variant takes on a device that has every feature.
fn cases(op: &Op, variant: &Variant) -> Vec<Sizes> {
    let sizes = op.cases.iter().map(|case| -> Sizes {
        parse_sizes(case).unwrap_or_else(|| panic!("{}: bad case {case}", op.name)).into_iter().collect()
    });
    sizes.filter(|sizes| variant.unmet(sizes, wgpu::Features::all()).is_none()).collect()
}

/// Calls `each` with every variant of the page, with every activation, composed and reflected.
fn for_every_shader(mut each: impl FnMut(&str, &'static Op, &'static Variant, &Shader)) {
    let mut seen = 0;
    for op in operations() {
        for variant in op.variants {
            for activation in activations(op) {
                let name = format!("{}/{} ({activation:?})", op.name, variant.name);
                let shader = op.shader(variant, activation).unwrap_or_else(|e| panic!("{e}"));
                each(&name, op, variant, &shader);
                seen += 1;
            }
        }
    }
    assert!(seen > OPERATIONS.len(), "only {seen} shaders were seen");
}

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
            variants.insert((op.name, variant.name));
        }
    });
    println!("{} variants, translations: {translated:?}", variants.len());
    // Counted against the folder, so that a loop which sees nothing cannot pass.
    let missing: Vec<_> =
        files().difference(&variants.iter().copied().map(named).collect()).cloned().collect();
    assert!(missing.is_empty(), "these files were never translated: {missing:?}");
    assert_eq!(translated.len(), 5, "a language is missing: {translated:?}");
    for (language, count) in translated {
        assert!(count > variants.len(), "{language}: only {count} translations");
    }
}

/// `operation/variant`.
fn named((op, variant): (&str, &str)) -> String {
    format!("{op}/{variant}")
}

/// Every file of `shaders/`, as `folder/name` without `.wgsl`, with its text.
fn texts() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut texts = BTreeMap::new();
    for folder in fs::read_dir(&root).expect("shaders/") {
        let folder = folder.expect("an entry of shaders/").path();
        if folder.ends_with("README.md") {
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

/// The files of `shaders/` that are variants of operations.
fn files() -> BTreeSet<String> {
    let shared = |name: &str| name.starts_with("common/") || name.starts_with("activations/");
    texts().into_keys().filter(|name| !shared(name) && !name.ends_with("/interface")).collect()
}

#[test]
fn the_folder_and_the_page_agree() {
    let page: Vec<String> = operations()
        .flat_map(|op| op.variants.iter().map(|variant| named((op.name, variant.name))))
        .collect();
    let unique: BTreeSet<String> = page.iter().cloned().collect();
    assert_eq!(page.len(), unique.len(), "a variant stands on the page twice");
    let files = files();
    let unlisted: Vec<_> = files.difference(&unique).collect();
    assert!(unlisted.is_empty(), "not on the page: {unlisted:?}; add their lines to src/kernels.rs");
    let absent: Vec<_> = unique.difference(&files).collect();
    assert!(absent.is_empty(), "on the page, but not in shaders/: {absent:?}");

    let texts = texts();
    for op in operations() {
        assert_eq!(Some(op.interface), texts.get(&named((op.name, "interface"))).map(String::as_str));
        for variant in op.variants {
            assert_eq!(
                Some(variant.source()),
                texts.get(&named((op.name, variant.name))).map(String::as_str)
            );
        }
    }
    let folder = |name: &str| -> BTreeSet<&str> {
        texts.iter().filter(|(file, _)| file.starts_with(name)).map(|(_, text)| text.as_str()).collect()
    };
    let listed: BTreeSet<&str> = ACTIVATIONS.iter().map(|a| a.source).collect();
    assert_eq!(folder("activations/"), listed, "shaders/activations and the page differ");
    assert_eq!(
        folder("common/"),
        [ARRIVING, AUGMENTATION, FEED, GATE, GRADIENT, INPUT, MIXUP, NUMBER, REGRESSION, RANDOM, RECURRENCE,]
            .into(),
        "shaders/common and the page differ"
    );
    let interfaces = texts.keys().filter(|name| name.ends_with("/interface")).count();
    assert_eq!(interfaces, operations().count(), "an interface belongs to no operation");
}

#[test]
fn no_shader_leans_on_what_compilers_get_wrong() {
    let leaning: Vec<_> = texts()
        .into_iter()
        .flat_map(|(name, text)| {
            crate::portable::leaning(&text)
                .into_iter()
                .map(move |told| format!("shaders/{name}.wgsl: {told}"))
        })
        .collect();
    assert!(leaning.is_empty(), "write it out:\n{}", leaning.join("\n"));
}

#[test]
fn every_operation_has_a_fallback_and_a_default_for_gpus() {
    for op in OPERATIONS {
        let naive = op.variant("naive").unwrap_or_else(|e| panic!("{e}"));
        assert!(naive.needs().is_empty(), "{}/naive has needs: it is the fallback", op.name);
        assert_eq!(op.variants.last().map(|v| v.name), Some("naive"), "{}: naive comes last", op.name);
        let default = op.variants.iter().any(|v| v.default_for.contains(&AdapterClass::Gpu));
        assert!(default, "{}: no variant is the default for GPUs", op.name);
    }
}

#[test]
fn an_interface_is_written_once_and_no_file_twice() {
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    let mut bindings = 0;
    for (name, text) in texts() {
        let bound = text.contains("@binding") || text.contains("@group");
        bindings += usize::from(bound);
        if bound && !name.ends_with("/interface") && name != "common/feed" {
            panic!("shaders/{name}.wgsl declares a binding; only its operation's interface.wgsl may");
        }
        if let Some(other) = owners.insert(text, name.clone()) {
            panic!("shaders/{name}.wgsl and shaders/{other}.wgsl are the same text");
        }
    }
    assert_eq!(bindings, operations().count() + 1, "each operation has an interface, and there is the feed");
}

#[test]
fn every_file_says_what_it_does_and_backward_quotes_forward() {
    let mut backward = 0;
    for (name, text) in texts() {
        if name.starts_with("activations/") {
            continue;
        }
        let opening: Vec<&str> = text.lines().take_while(|line| line.starts_with("//")).collect();
        assert!(!opening.is_empty(), "shaders/{name}.wgsl does not open with a comment");
        let (folder, _) = name.split_once('/').expect("folder/name");
        if folder.contains("_grad") {
            backward += 1;
            let quoted = opening[0].strip_prefix("// forward: ");
            assert!(
                quoted.is_some_and(|line| line.contains("y")),
                "shaders/{name}.wgsl differentiates: its first line has to quote `// forward: y = ...`"
            );
        }
    }
    let gradients = OPERATIONS.iter().filter(|op| op.name.contains("_grad"));
    let expected: usize = gradients.map(|op| op.variants.len() + 1).sum();
    assert!(expected > 0, "no operation is a gradient");
    assert_eq!(backward, expected, "not every backward shader was read");
}

#[test]
fn every_setting_composes_translates_and_stays_inside_the_limits() {
    let (mut offering, mut seen) = (0, 0);
    for op in operations() {
        for variant in op.variants.iter().filter(|v| !Setting::of(v).0.is_empty()) {
            let settings = setting::all(op, variant, "").unwrap_or_else(|e| panic!("{e}"));
            let mut composed = 0;
            for setting in &settings {
                let name = format!("{}/{}", op.name, setting.name);
                let shader = match op.shader(setting, ACTIVATIONS[0]) {
                    Ok(shader) => shader,
                    Err(Error::Asserted { message, .. }) => {
                        assert!(message.contains("const_assert"), "{name}: {message}");
                        assert_ne!(setting.name, variant.name, "the default is refused: {message}");
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
            println!("{}/{}: {composed} of {} settings", op.name, variant.name, settings.len());
            assert!(composed > 1, "{}/{}: only {composed} settings compose", op.name, variant.name);
            (offering, seen) = (offering + 1, seen + composed);
        }
    }
    assert!(offering > 0 && seen > 10 * offering, "{offering} variants, {seen} settings");
}

#[test]
fn every_variant_stays_inside_webgpus_default_limits() {
    let limits = wgpu::Limits::default();
    let (mut checked, mut staged) = (0, 0);
    for_every_shader(|name, op, variant, shader| {
        let storage = shader.bindings.len() as u32 + if shader.feed { 2 } else { 0 };
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

#[test]
fn a_size_is_a_sum_of_products_and_of_parts_rounded_up() {
    let sizes: Sizes =
        [("N", 3.0), ("OH", 5.0), ("OW", 4.0), ("NONE", 0.0)].map(|(n, v)| (n.into(), v)).into();
    let value = |text: &str| Size(text.into()).value(&sizes);
    assert_eq!(value("N * OH + 1"), Some(16));
    assert_eq!(value("N * OH / 2 * OW / 2"), Some(18), "three rows of two for each of three images");
    assert_eq!(value("1 + OH/OW"), Some(3));
    for unknown in ["M", "OH / M", "M / 2", "OH / NONE", "OH / 2 / 2"] {
        assert_eq!(value(unknown), None, "{unknown}");
    }
}

#[test]
fn interfaces_say_what_integers_stay_below() {
    let mut said = 0;
    for op in operations() {
        let shader = op.shader(op.variant("naive").expect("naive"), ACTIVATIONS[0]).expect("composes");
        for binding in
            shader.bindings.iter().filter(|b| b.element == Element::U32 && b.access == Access::Read)
        {
            let below = binding.below.as_ref().unwrap_or_else(|| panic!("{}: `{}`", op.name, binding.name));
            let sizes = op
                .cases
                .iter()
                .map(|case| below.value(&parse_sizes(case).expect("well formed").into_iter().collect()));
            let sizes: Vec<_> = sizes.collect();
            assert!(sizes.iter().all(|size| size.is_some_and(|s| s > 0)), "{}: {sizes:?}", op.name);
            assert!(sizes.iter().any(|size| *size > Some(1)), "{}: {sizes:?}", op.name);
            said += 1;
        }
    }
    assert!(said >= 7, "{said}");
}

#[test]
fn what_is_emitted_is_taken_back_as_the_same_variant() {
    for op in OPERATIONS {
        for variant in op.variants {
            for activation in activations(op).iter().rev().take(2) {
                let name = format!("{}/{} ({activation:?})", op.name, variant.name);
                let emitted = op.standard(variant, activation).unwrap_or_else(|e| panic!("{name}: {e}"));
                let taken = |text: String| {
                    user_file::variant(op, "mine.wgsl", text).unwrap_or_else(|e| panic!("{name}: {e}"))
                };
                let back = taken(emitted.clone());
                let body = variant.source().trim_end();
                assert!(back.source().contains(body) && !back.source().contains(op.interface), "{name}");
                let needs = |v: &Variant| v.needs().iter().map(ToString::to_string).collect::<BTreeSet<_>>();
                assert_eq!(needs(&back), needs(variant), "{name}");
                assert_eq!(back.rounds(), variant.rounds(), "{name}");
                // Again, from lines as Windows ends them.
                assert_eq!(op.standard(&back, activation).expect("composes"), emitted, "{name}");
                let windows = taken(emitted.replace('\n', "\r\n"));
                assert_eq!(windows.source(), back.source(), "{name}");
            }
        }
    }
    // Other than as the page has it, it is told apart from the author's own lines.
    let op = wgrad::kernels::op("matmul").expect("it is");
    let naive = op.variant("naive").expect("it is");
    let emitted = op.standard(naive, ACTIVATIONS[0]).expect("composes");
    let changed = emitted.replace("// rows of x: the batch", "// rows of x");
    let told = user_file::variant(op, "mine.wgsl", changed).expect_err("it declares M twice").to_string();
    let line = naive.source().lines().count() + 4;
    assert!(told.contains(&format!("Line {line} is one of the interface")), "{told}");
}

/// Run folders, tuned caches and command lines of an earlier version name them so.
#[test]
fn variants_are_found_by_the_names_that_they_had() {
    for (op, before, now) in [
        (&MATMUL, "shuffle", "subgroup"),
        (&MATMUL, "shuffle_narrow", "subgroup_narrow"),
        (&MATMUL, "tiled_quads", "tiled_vec4"),
        (&MATMUL, "tiled_half", "tiled_f16"),
        (&CONV2D_FORWARD, "shuffle_any", "subgroup_any"),
        (&MAX_POOL2D_FORWARD, "quads", "vec4"),
    ] {
        assert_eq!(op.variant(before).expect("by its earlier name").name, now);
        assert!(
            OPERATIONS.iter().all(|op| op.variants.iter().all(|variant| variant.name != before)),
            "{before}"
        );
    }
    assert_eq!(
        MATMUL.find("tiled_quads:BLOCK=8").expect("a setting").name.split(':').next(),
        Some("tiled_vec4")
    );
    assert!(MATMUL.variant("quads").is_err(), "it never had one of that name");
}
