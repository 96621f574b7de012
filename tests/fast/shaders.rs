//! The texts of the shaders: the folder and the page agree, and files say what they should. Translations are tried in
//! `crates/lab/tests/fast`; whether a kernel computes the right numbers, in `kernels`.

use std::collections::{BTreeMap, BTreeSet};
use wgrad::{
    kernels::{
        ARRIVING, AUGMENTATION, CONV2D_FORWARD, FEED, GATE, GRADIENT, INPUT, MATMUL, MAX_POOL2D_FORWARD,
        MIXUP, NUMBER, OPERATIONS, RANDOM, RECURRENCE, REGRESSION,
    },
    op::{
        Access, AdapterClass, Element, Size, Sizes, Variant, activations::ACTIVATIONS, sizes::parse_sizes,
        user_file,
    },
};
use wgrad_testing::shaders::{activations, files, named, operations, texts};

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
