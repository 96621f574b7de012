//! The texts of the shaders: folder and registry agree, and files contain the required lines. Translations are tested
//! in `crates/lab/tests/fast`, results of kernels in `kernels`.

use std::collections::{BTreeMap, BTreeSet};
use wgrad::{
    kernels::{self, CONV2D_FORWARD, MATMUL, MAX_POOL2D_FORWARD, OPERATIONS},
    op::{
        Access, AdapterClass, Element, Size, Sizes, Variant, activations::ACTIVATIONS, parts::PARTS,
        sizes::parse_sizes, user_file,
    },
    selection::Choices,
};
use wgrad_testing::shaders::{activations, files, named, operations, texts};

#[test]
fn the_folder_and_the_page_agree() {
    let page: Vec<String> = operations()
        .flat_map(|op| op.variants().iter().map(|variant| named((op.name, variant.name()))))
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
        for variant in op.variants() {
            assert_eq!(
                Some(variant.source()),
                texts.get(&named((op.name, variant.name()))).map(String::as_str)
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
        PARTS.iter().map(|part| part.text).collect(),
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
                .map(move |reported| format!("shaders/{name}.wgsl: {reported}"))
        })
        .collect();
    assert!(leaning.is_empty(), "write it out:\n{}", leaning.join("\n"));
}

#[test]
fn every_operation_has_a_fallback_and_a_default_for_gpus() {
    for op in OPERATIONS {
        let naive = op.variant("naive").unwrap_or_else(|e| panic!("{e}"));
        assert!(naive.needs().is_empty(), "{}/naive has needs: it is the fallback", op.name);
        assert_eq!(op.variants().last().map(Variant::name), Some("naive"), "{}: naive comes last", op.name);
        let plain = |v: &Variant| v.default_for.iter().any(|rule| rule.is_plain(AdapterClass::Gpu));
        let default = op.variants().iter().any(plain);
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
    let expected: usize = gradients.map(|op| op.variants().len() + 1).sum();
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
                .cases()
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

/// The shared texts of each operation: none that it does not need, and none in another order, which would be another
/// text.
#[test]
fn operations_get_the_shared_texts_and_the_activation_that_they_name() {
    let groups: &[(&str, &[&str])] = &[
        ("feed, input", &["decode"]),
        ("feed, random, mixup, input, augment", &["augment"]),
        (
            "feed",
            &[
                "batch_norm_partials",
                "batch_norm_combine",
                "batch_norm_grad_combine",
                "batch_norm_grad_input",
                "sum_metrics",
                "add_penalty",
                "accumulate",
                "moving_average",
                "mask_shares",
            ],
        ),
        ("recurrence", &["simple_rnn_cell_forward", "recurrent_output", "masked_state", "masked_cell"]),
        ("recurrence, arriving", &["simple_rnn_cell_grad", "masked_gradient"]),
        ("recurrence, gate", &["lstm_cell_forward", "gru_cell_forward"]),
        ("recurrence, arriving, gate", &["lstm_cell_grad", "gru_cell_grad"]),
        ("feed, random, gaussian, dropout", &["dropout_forward", "dropout_grad"]),
        ("feed, random, affine", &["random_affine_forward", "random_affine_grad"]),
        ("feed, random, tone", &["random_tone_forward", "random_tone_grad"]),
        (
            "feed, random, mixup, examples, positions, number",
            &["softmax_cross_entropy", "binary_cross_entropy"],
        ),
        ("feed, random, mixup, examples, positions, number, vector", &["kl_divergence", "cosine_similarity"]),
        (
            "feed, random, mixup, examples, positions, number, regression",
            &["mean_squared_error", "mean_absolute_error", "huber"],
        ),
        ("resize", &["resize2d_forward", "resize2d_grad"]),
        ("token", &["embedding_forward", "sort_tokens", "token_starts"]),
        ("feed, random, attention", &["attention_forward"]),
        ("feed, random, attention, attention_grad", &["attention_grad"]),
        ("feed, gradient", &["sgd", "adam", "rmsprop", "adagrad", "lion", "muon_momentum", "muon"]),
    ];
    let activated = [
        "matmul",
        "matmul_grad_input",
        "conv2d_forward",
        "conv2d_grad_input",
        "max_pool2d_grad",
        "activation_forward",
        "activation_grad",
        "add",
        "binary_grad",
        "slice_columns",
        "grouped_conv2d_forward",
        "grouped_conv2d_grad_input",
        "average_pool2d_grad",
        "pad2d_grad",
        "resize2d_grad",
        "batch_norm_forward",
        "batch_norm_grad_input",
        "layer_norm_forward",
        "layer_norm_grad_input",
        "prelu_grad_input",
        "simple_rnn_cell_forward",
        "simple_rnn_cell_grad",
        "lstm_cell_forward",
        "lstm_cell_grad",
        "gru_cell_forward",
        "gru_cell_grad",
        "dropout_grad",
        "random_affine_grad",
        "random_tone_grad",
    ];
    for op in operations() {
        let names = groups.iter().find(|(_, ops)| ops.contains(&op.name)).map_or("", |(names, _)| *names);
        let named = |text: &&str| PARTS.iter().find(|part| part.text == *text).map(|part| part.name);
        let got: Vec<_> = op.parts().iter().map(|text| named(text).expect("one of them")).collect();
        assert_eq!(got.join(", "), names, "{}", op.name);
        assert_eq!(op.activated(), activated.contains(&op.name), "{}", op.name);
        for variant in op.variants() {
            let code = wgrad::op::directives::code(variant.source());
            let calls = ["activate(", "activate_grad(", "activate4(", "activate_grad4("];
            let calls = calls.iter().any(|call| code.contains(call));
            assert_eq!(calls, op.activated(), "{}/{}", op.name, variant.name());
        }
    }
    let listed = groups.iter().flat_map(|(_, ops)| ops.iter()).chain(&activated);
    let unknown: Vec<_> = listed.filter(|name| operations().all(|op| op.name != **name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_operation_says_at_what_sizes_it_is_proven() {
    for op in operations() {
        let lines = op.interface.lines().filter(|line| line.starts_with("// case ")).count();
        assert!(lines >= 2 && op.cases().len() == lines, "{}: {lines} lines, {:?}", op.name, op.cases());
        let shader = op.shader(op.variant("naive").expect("it is"), ACTIVATIONS[0]).expect("composes");
        let own = op.variants().iter().flat_map(Variant::cases);
        for case in op.cases().iter().copied().chain(own) {
            let sizes = parse_sizes(case).unwrap_or_else(|| panic!("{}: bad case {case}", op.name));
            let sizes: Sizes = sizes.into_iter().collect();
            let unknown: Vec<_> = sizes.keys().filter(|name| !shader.overrides.contains_key(*name)).collect();
            assert!(unknown.is_empty(), "{} at {case}: it has no {unknown:?}", op.name);
            let missing =
                shader.overrides.iter().filter(|(name, value)| value.is_none() && !sizes.contains_key(*name));
            let missing: Vec<_> = missing.map(|(name, _)| name).collect();
            assert!(missing.is_empty(), "{} at {case}: {missing:?} have no value", op.name);
        }
    }
}

#[test]
fn a_users_file_says_what_it_needs_and_uses_and_at_what_sizes_it_is_proven() {
    let naive = MATMUL.variant("naive").expect("it is").source();
    let read = |lines: &str| user_file::variant(&MATMUL, "mine.wgsl", format!("{lines}\n{naive}"));
    let mine =
        read("// needs N >= 2, SUBGROUP\n// case M=7,N=5,K=3\n//   case of one row\n// case M=1, N=3, K=2");
    let mine = mine.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(mine.cases(), ["M=7,N=5,K=3", "M=1, N=3, K=2"]);
    assert_eq!(MATMUL.cases_with(&mine).len(), MATMUL.cases().len() + 2);
    assert_eq!(mine.needs().iter().map(ToString::to_string).collect::<Vec<_>>(), ["N >= 2", "SUBGROUP"]);
    // A setting of it has the same lines.
    let offering = read("// case M=7,N=5,K=3\nconst A = 1u; // one of 1, 2").expect("composes");
    let set = wgrad::op::setting::of(&MATMUL, &offering, ":A=2").expect("offered");
    assert_eq!((set.name(), set.cases()), ("mine.wgsl:A=2", vec!["M=7,N=5,K=3"]));
    for (lines, words) in [
        (
            "// case M=7,N=5",
            "line 1: got `// case M=7,N=5`, expected every size of matmul as in `// case M=1,N=1,K=1`",
        ),
        ("// case M=7,N=5,K=3,Q=1", "expected every size of matmul"),
        ("// case M=7,N=5,K=three", "expected every size of matmul"),
        ("// case M=0,N=5,K=3", "where M=0 has to be at least 1"),
        ("// case M=1.5,N=5,K=3", "a whole number"),
        ("// case M=100000,N=1000,K=1", "MiB"),
        ("// case M=4294967295,N=4294967295,K=4294967295", "MiB"),
        ("// case M=4000,N=4000,K=4000", "million operations"),
        ("// uses feed, radnom", "line 1: got `// uses feed, radnom`, expected some of feed, "),
        ("//\n// needs K % 4 == 0, Q == 1", "line 2: got `// needs K % 4 == 0, Q == 1`"),
    ] {
        let reported = read(lines).expect_err(lines).to_string();
        assert!(reported.contains(words) && reported.contains("mine.wgsl"), "{lines}: {reported}");
    }
    let many = read(&"// case M=1,N=1,K=1\n".repeat(65)).expect_err("65 of them").to_string();
    assert!(many.contains("line 65") && many.contains("at most 64"), "{many}");

    // A shared text that the operation does not use is available to variants that name it, and the emitted text is read
    // back.
    let drawn = naive.replace("var sum = 0.0;", "var sum = f32(random(0u, row) & 0u);");
    assert_ne!(drawn, naive);
    assert!(user_file::variant(&MATMUL, "mine.wgsl", drawn.clone()).is_err(), "it names none");
    let drawn = user_file::variant(&MATMUL, "mine.wgsl", format!("// uses feed, random\n{drawn}"));
    let drawn = drawn.unwrap_or_else(|e| panic!("{e}"));
    let emitted = MATMUL.standard(&drawn, ACTIVATIONS[0]).expect("composes");
    let back = user_file::variant(&MATMUL, "mine.wgsl", emitted).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(back.source(), drawn.source());
    assert!(MATMUL.shader(&drawn, ACTIVATIONS[0]).expect("composes").feed, "it draws by the step's key");
}

#[test]
fn what_is_emitted_is_taken_back_as_the_same_variant() {
    for op in OPERATIONS {
        for variant in op.variants() {
            for activation in activations(op).iter().rev().take(2) {
                let name = format!("{}/{} ({activation:?})", op.name, variant.name());
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
                assert_eq!(back.cases(), variant.cases(), "{name}");
                // Again, with line ends of Windows.
                assert_eq!(op.standard(&back, activation).expect("composes"), emitted, "{name}");
                let windows = taken(emitted.replace('\n', "\r\n"));
                assert_eq!(windows.source(), back.source(), "{name}");
            }
        }
    }
    // An interface that differs from the registry's stays in the text, and the error names its line.
    let op = wgrad::kernels::op("matmul").expect("it is");
    let naive = op.variant("naive").expect("it is");
    let emitted = op.standard(naive, ACTIVATIONS[0]).expect("composes");
    let changed = emitted.replace("// rows of x: the batch", "// rows of x");
    let reported = user_file::variant(op, "mine.wgsl", changed).expect_err("it declares M twice").to_string();
    let line = naive.source().lines().count() + 4;
    assert!(reported.contains(&format!("Line {line} belongs to the interface")), "{reported}");
}

/// Run folders, tuned caches and command lines of an earlier version use these names.
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
        assert_eq!(op.variant(before).expect("by its earlier name").name(), now);
        assert!(
            OPERATIONS.iter().all(|op| op.variants().iter().all(|variant| variant.name() != before)),
            "{before}"
        );
    }
    assert_eq!(
        MATMUL.find("tiled_quads:BLOCK=8").expect("a setting").name().split(':').next(),
        Some("tiled_vec4")
    );
    assert!(MATMUL.variant("quads").is_err(), "it never had one of that name");
}

/// So do operations: what was chosen or ran for one of several counts for the one that does their work now.
#[test]
fn operations_are_found_by_the_names_that_they_had() {
    for before in ["attention_grad_key", "attention_grad_query", "attention_grad_value"] {
        assert_eq!(kernels::op(before).expect("by its earlier name").name, "attention_grad");
        let by_hand = Choices::parse(&[format!("{before}=naive")]).expect("parses").by_hand;
        assert_eq!(by_hand, [("attention_grad".to_string(), "naive".to_string())].into());
    }
}
