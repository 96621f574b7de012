//! Tests of the checks: wrong kernels, wrong numbers and wrong bindings must be noticed. Each failure
//! here names the fault that went unnoticed.

use wgrad::{
    Error,
    compare::{Mismatch, compare},
    gpu::{Context, Slice},
    kernels::{
        BATCH_NORM_COMBINE, BINARY, GRU_CELL_GRAD, LAYER_NORM_FORWARD, LSTM_CELL_GRAD, MATMUL,
        MAX_POOL2D_FORWARD, OPERATIONS, SGD, SOFTMAX_CROSS_ENTROPY, SOFTMAX_FORWARD, SOFTMAX_GRAD,
        SUM_METRICS, op,
    },
    op::{
        Access, AdapterClass, Call, Element, Op, Variant,
        activations::{LINEAR, RELU},
        sizes::parse_sizes,
        twin::{Data, Expected, Sum},
    },
    prove::{Regime, Trial, Verdict, Wrong, prove, regimes},
};

/// Parses a case of the registry into a call.
fn call(op: &'static Op, case: &str) -> Call {
    let sizes = parse_sizes(case).unwrap_or_else(|| panic!("{}: bad case {case}", op.name));
    Call { op, sizes: sizes.into_iter().collect(), activation: &LINEAR }
}

/// Variant `name` of `op` with each `from` in its text replaced. It runs with wgpu's checks, like a user's
/// file.
fn changed(op: &'static Op, name: &str, replace: &[(&str, &str)]) -> Variant {
    let variant = op.variant(name).unwrap_or_else(|e| panic!("{e}"));
    let mut text = variant.source().to_string();
    for (from, to) in replace {
        assert_eq!(text.matches(from).count(), 1, "{}/{name} has not one `{from}`: adapt this test", op.name);
        text = text.replace(from, to);
    }
    variant.with_text(&text)
}

/// The first fault found with some inputs: with other inputs a kernel may be correct to write nothing, as a recurrent
/// one is in its last step.
fn verdict(context: &Context, call: &Call, variant: &Variant) -> Verdict {
    let mut largest = 0.0f64;
    for seed in 1..=4 {
        let verdict = pollster::block_on(prove(context, call, variant, seed));
        largest = largest.max(verdict.unwrap_or_else(|e| panic!("{e}"))?);
    }
    Ok(largest)
}

/// Fails unless `variant` is refused because of what it wrote.
fn noticed(context: &Context, what: &str, call: &Call, variant: &Variant) -> Wrong {
    match verdict(context, call, variant) {
        Err(wrong) => wrong,
        Ok(error) => panic!("{}: {what} went unnoticed: {error} of what is allowed", call.op.name),
    }
}

/// As `noticed`, for a wrong number in `buffer`.
fn noticed_in(context: &Context, what: &str, buffer: &str, call: &Call, variant: &Variant) {
    match noticed(context, what, call, variant) {
        Wrong::Value(mismatch) if mismatch.buffer == buffer => {}
        other => panic!("{}: {what} was taken for something else: {other}", call.op.name),
    }
}

/// `text` with the values stored in `buffer` (or its vec4 view) multiplied by `factor`, and the number of stores.
fn scaled(text: &str, buffer: &str, factor: &str) -> (String, usize) {
    let (mut out, mut rest, mut stores) = (String::new(), text, 0);
    while let Some((before, open)) = [format!("{buffer}["), format!("{buffer}4[")]
        .iter()
        .filter_map(|name| rest.find(name.as_str()).map(|at| (at, at + name.len())))
        .min()
    {
        let whole_word = !rest[..before].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let mut depth = 1;
        let close = rest[open..].char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '[') - i32::from(c == ']');
            (depth == 0).then_some(open + at + 1)
        });
        let close = close.unwrap_or(open);
        out.push_str(&rest[..close]);
        rest = &rest[close..];
        if let (true, Some(value)) = (whole_word, rest.strip_prefix(" = ")) {
            let (value, behind) = value.split_once(';').expect("an assignment ends");
            out.push_str(&format!(" = ({value}) * {factor};"));
            rest = behind;
            stores += 1;
        }
    }
    out.push_str(rest);
    (out, stores)
}

/// The interface of `op` in two: its declarations, and its functions with what follows them.
fn halves(op: &Op) -> (&'static str, &'static str) {
    op.interface.split_at(op.interface.find("\nfn ").unwrap_or(op.interface.len()))
}

/// `op` with another interface, which runs with wgpu's checks.
fn with_interface(op: &Op, interface: String) -> Op {
    let mut changed = op.with_parts(op.parts().to_vec());
    changed.interface = interface.leak();
    changed
}

/// `op` with the values that its shared texts and its interface store in `buffer` multiplied by `factor`, and the number
/// of stores.
fn parts_scaled(op: &'static Op, buffer: &str, factor: &str) -> (&'static Op, usize) {
    let code = |part: &str| -> String {
        part.lines().map(|line| line.split("//").next().unwrap_or_default().to_string() + "\n").collect()
    };
    let parts: Vec<_> = op.parts().iter().map(|part| scaled(&code(part), buffer, factor)).collect();
    let (declarations, functions) = halves(op);
    let (functions, stores) = scaled(functions, buffer, factor);
    let stores = stores + parts.iter().map(|(_, stores)| stores).sum::<usize>();
    let parts: Vec<&'static str> = parts.into_iter().map(|(text, _)| &*text.leak()).collect();
    let op = with_interface(op, format!("{declarations}{functions}")).with_parts(parts);
    (Box::leak(Box::new(op)), stores)
}

#[test]
fn a_hundredth_of_a_percent_is_noticed_in_every_output_of_every_variant() {
    let context = wgrad_testing::open(false);
    let mut seen = 0;
    for op in OPERATIONS {
        for variant in op.variants() {
            // The last case that the variant supports: a large one, with a wide tolerance. A sum of thousands of terms
            // of both signs may be off by such a share.
            let eligible = |case: &&&str| variant.unmet(&call(op, case).sizes, context.features).is_none();
            let short = |case: &&&str| {
                let sizes = call(op, case).sizes;
                let summed = ["ROWS", "M", "N", "K", "W", "CI", "CO", "C", "CLASSES", "PER", "SPLITS"];
                summed.iter().filter_map(|name| sizes.get(*name)).all(|size| *size <= 1024.0)
            };
            let all = || op.cases().iter().rev().filter(eligible);
            let Some(case) = all().find(short).or_else(|| all().next()) else { continue };
            let call = call(op, case);
            let shader = op.shader(variant, &LINEAR).unwrap_or_else(|e| panic!("{e}"));
            for output in shader.bindings.iter().filter(|b| b.access != Access::Read) {
                let real = output.element == Element::F32;
                // A factor does not change zeros.
                let factor = match op.name {
                    "clear" => "1.0 + 1e-30",
                    _ if real => "1.0001",
                    _ => "2u",
                };
                let (text, own) = scaled(variant.source(), &output.name, factor);
                // Texts that several operations share may store too.
                let (parts, shared) = parts_scaled(op, &output.name, factor);
                let stores = own + shared;
                let call = Call { op: parts, ..call.clone() };
                assert!(
                    stores > 0,
                    "{}/{} stores nothing in {} that this test finds",
                    op.name,
                    variant.name(),
                    output.name
                );
                let wrong = variant.with_text(&text);
                let what = format!("{} off by a factor in {}", wrong.name(), output.name);
                // A value that the kernel reads back and uses spoils its other outputs too.
                let mentioned = |text: &str| text.matches(&format!("{}[", output.name)).count();
                let mentions = mentioned(variant.source()) + mentioned(halves(op).1);
                match mentions > stores {
                    true => drop(noticed(&context, &what, &call, &wrong)),
                    false => noticed_in(&context, &what, &output.name, &call, &wrong),
                }
                seen += 1;
            }
        }
    }
    println!("{seen} scaled outputs");
    assert!(seen > OPERATIONS.len(), "only {seen} outputs were scaled");
}

const GUARD: &str = "if (row >= M || column >= N) { return; }";
const STORE: &str = "y[row * N + column] = activate(sum + b[column]);";

#[test]
fn wrong_values_are_noticed() {
    let context = wgrad_testing::open(false);
    let odd = call(&MATMUL, "M=3,N=5,K=7");
    let square = call(&MATMUL, "M=9,N=9,K=9");
    let cases: [(&str, &str, &Call, &str, &str); 8] = [
        (
            "operands swapped",
            "y",
            &square,
            "x[row * K + k] * w[k * N + column]",
            "w[row * K + k] * x[k * N + column]",
        ),
        (
            "a NaN in one element",
            "y",
            &odd,
            STORE,
            "let nan = bitcast<f32>(0x7fc00000u + row * N + column); \
          y[row * N + column] = select(activate(sum + b[column]), nan, row + column == 0u);",
        ),
        (
            "an infinity in one element",
            "y",
            &odd,
            STORE,
            "let inf = bitcast<f32>(0x7f800000u + row + column); \
          y[row * N + column] = select(activate(sum + b[column]), inf, row + column == 0u);",
        ),
        (
            "an element that is not written",
            "y",
            &odd,
            GUARD,
            "if (row >= M || column >= N || (row == 1u && column == 2u)) { return; }",
        ),
        ("nothing written at all", "y", &odd, GUARD, "if (row < M || column < N) { return; }"),
        (
            "a write to another row",
            "y",
            &odd,
            STORE,
            "y[(row + 1u) % M * N + column] = activate(sum + b[column]);",
        ),
        ("the last term left out", "y", &odd, "k < K;", "k + 1u < K;"),
        ("the bias left out", "y", &odd, "sum + b[column]", "sum"),
    ];
    for (what, buffer, call, from, to) in cases {
        noticed_in(&context, what, buffer, call, &changed(call.op, "naive", &[(from, to)]));
    }
    let rows = call(&SOFTMAX_GRAD, "ROWS=5,CLASSES=10");
    let swapped =
        changed(rows.op, "naive", &[("y[at + c] * (dy[at + c] - dot)", "dy[at + c] * (y[at + c] - dot)")]);
    noticed_in(&context, "operands swapped", "dx", &rows, &swapped);
    let metrics = call(&SUM_METRICS, "ROWS=33,SLOTS=5");
    let slot = changed(metrics.op, "naive", &[("min(step.slot, SLOTS - 1u)", "0u")]);
    noticed_in(&context, "the wrong slot updated", "results", &metrics, &slot);
    let store = "velocity[i] = v;";
    assert_eq!(SGD.interface.matches(store).count(), 1, "sgd has not one `{store}`: adapt this test");
    let stale: &Op = Box::leak(Box::new(with_interface(&SGD, SGD.interface.replace(store, ""))));
    let update = call(stale, "COUNT=77,MOMENTUM=0.9,WEIGHT_DECAY=0,NESTEROV=0,CLIPPED=0");
    let naive = stale.variant("naive").expect("it is there");
    noticed_in(&context, "a velocity that is not updated", "velocity", &update, naive);
    let pool = call(&MAX_POOL2D_FORWARD, "N=2,H=26,W=26,C=8,OH=13,OW=13,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0");
    let last = changed(pool.op, "naive", &[("value > best", "value >= best")]);
    noticed_in(&context, "the last of equal maxima", "argmax", &pool, &last);
}

/// The regimes whose inputs reveal that `variant` is wrong.
fn noticed_with(context: &Context, call: &Call, variant: &Variant) -> Vec<Regime> {
    let shader = call.op.shader(variant, call.activation).unwrap_or_else(|e| panic!("{e}"));
    let shows = |regime: &Regime| {
        let trial = Trial::of(*regime, call, &shader, 1);
        pollster::block_on(trial.prove(context, variant)).unwrap_or_else(|e| panic!("{e}")).is_err()
    };
    regimes(call.op, &shader).into_iter().filter(shows).collect()
}

/// Wrong kernels that small inputs do not reveal, or not all of them: they are correct on paper, or for the numbers
/// that their author thought of.
#[test]
fn kernels_that_are_right_for_some_inputs_only_are_noticed() {
    let context = wgrad_testing::open(false);
    let seen = |op, name, case, what: &str, replace: &[(&str, &str)]| {
        let found = noticed_with(&context, &call(op, case), &changed(op, name, replace));
        assert!(!found.is_empty(), "{what} went unnoticed");
        found
    };
    // A result that mixes in old contents: NaN, with which every comparison is false, does not reveal it.
    let found = seen(
        &MATMUL,
        "naive",
        "M=3,N=5,K=7",
        "a product that mixes in what was there",
        &[(
            "y[row * N + column] = activate(sum + b[column]);",
            "let right = activate(sum + b[column]); let old = y[row * N + column]; \
             y[row * N + column] = select(right, 0.5 * (right + old), old == old && abs(old) < 1e30);",
        )],
    );
    assert!(!found.contains(&Regime::Small), "{found:?}");
    let found = seen(
        &SOFTMAX_FORWARD,
        "naive",
        "ROWS=33,CLASSES=7",
        "a softmax without its maximum taken off",
        &[
            ("sum += exp(x[at + c] - top);", "sum += exp(x[at + c]);"),
            ("exp(x[at + c] - top) / sum", "exp(x[at + c]) / sum"),
        ],
    );
    assert!(!found.contains(&Regime::Small) && found.contains(&Regime::Hundreds), "{found:?}");
    let found = seen(
        &SOFTMAX_CROSS_ENTROPY,
        "naive",
        "ROWS=33,CLASSES=10",
        "a cross-entropy of exp(x) / sum",
        &[
            ("sum += exp(logits[at + c] - top);", "sum += exp(logits[at + c]);"),
            ("let z = logits[at + c] - top;", "let z = logits[at + c];"),
        ],
    );
    assert!(!found.contains(&Regime::Small) && found.contains(&Regime::Hundreds), "{found:?}");
    for (from, shown_by) in [
        ("0.0", Regime::Negative),
        ("-1.0", Regime::Negative),
        ("-1e3", Regime::Negative),
        ("-1e5", Regime::Lowest),
        ("-3e38", Regime::Lowest),
    ] {
        for (name, start, test, open) in [
            ("naive", "var best = 0.0;", "place == PH * PW || value > best", ""),
            ("flat", "var best = 0.0;", "place == PH * PW || value > best", ""),
            ("vec4", "var best = vec4(0.0);", "(place == vec4(PH * PW)) | (value > best)", "vec4"),
        ] {
            let case = "N=2,H=26,W=26,C=8,OH=13,OW=13,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0";
            let begin = format!("var best = {open}({from});");
            let what = format!("a maximum that starts from {from}");
            let found =
                seen(&MAX_POOL2D_FORWARD, name, case, &what, &[(start, &begin), (test, "value > best")]);
            assert!(found.contains(&shown_by), "{name}, {what}: {found:?}");
        }
    }
    // In a buffer with several roles, each value is drawn by its own: a mean may be negative, a gate of relu large.
    let mean = [
        ("* partials[s * 2u * C + c];", "* abs(partials[s * 2u * C + c]);"),
        ("let d = partials[s * 2u * C + c] - mean", "let d = abs(partials[s * 2u * C + c]) - mean"),
    ];
    let case = "ROWS=7,SPATIAL=6,C=5,SPLITS=4,PER=11,MOMENTUM=0.99,EPSILON=0.001,SCALED=0";
    seen(&BATCH_NORM_COMBINE, "naive", case, "the size of a mean", &mean);
    for (op, case, from, to) in [
        (
            &GRU_CELL_GRAD,
            "ROWS=3,TIME=4,UNITS=5,OUT=4,GATE=1",
            "gates[kept + 4u * UNITS] - candidate",
            "clamp(gates[kept + 4u * UNITS], -1.0, 1.0) - clamp(candidate, -1.0, 1.0)",
        ),
        (
            &LSTM_CELL_GRAD,
            "ROWS=3,TIME=4,UNITS=5,OUT=4,GATE=1",
            "let candidate = gates[first + 2u * UNITS];",
            "let candidate = clamp(gates[first + 2u * UNITS], -1.0, 1.0);",
        ),
    ] {
        let relu = call(op, case).activated(&RELU);
        let found = noticed_with(&context, &relu, &changed(op, "naive", &[(from, to)]));
        assert!(!found.is_empty(), "{}: a clamp to what tanh gives went unnoticed", op.name);
    }
    let found = seen(
        &LAYER_NORM_FORWARD,
        "naive",
        "ITEMS=33,C=7,EPSILON=0.001,SCALED=0",
        "a variance that is the difference of two means",
        &[
            ("let d = x[at] - mean;", "let d = x[at];"),
            ("squares / count + EPSILON", "max(squares / count - mean * mean, 0.0) + EPSILON"),
        ],
    );
    assert!(found.contains(&Regime::Offset), "{found:?}");
}

/// Kernels that are correct at hundreds and wrong at thousands: some case exceeds any number that a kernel fixes.
#[test]
fn kernels_that_stop_at_thousands_are_noticed() {
    let context = wgrad_testing::open(false);
    for (op, name, from, to) in [
        (&MATMUL, "naive", "k < K", "k < min(K, 2048u)"),
        (&MATMUL, "naive", "column >= N", "column >= min(N, 4096u)"),
        (&MATMUL, "naive", "row >= M", "row >= min(M, 65535u)"),
        (&SOFTMAX_FORWARD, "naive", "c < CLASSES", "c < min(CLASSES, 1024u)"),
        (&SOFTMAX_GRAD, "naive", "c < CLASSES", "c < min(CLASSES, 4096u)"),
        (&SOFTMAX_CROSS_ENTROPY, "naive", "c < CLASSES", "c < min(CLASSES, 1024u)"),
        (&SOFTMAX_CROSS_ENTROPY, "naive", "row >= ROWS", "row >= min(ROWS, 4096u)"),
        (&LAYER_NORM_FORWARD, "naive", "at < place + channels", "at < place + min(channels, 4096u)"),
        (&LAYER_NORM_FORWARD, "naive", "end = start + SPATIAL * C", "end = start + min(SPATIAL, 2048u) * C"),
        (&MAX_POOL2D_FORWARD, "naive", "c >= C", "c >= min(C, 4096u)"),
        (&SUM_METRICS, "naive", "row < ROWS", "row < min(ROWS, 4096u)"),
        (&BINARY, "naive", "i >= COUNT", "i >= min(COUNT, 65536u)"),
        (&SGD, "naive", "i >= COUNT", "i >= min(COUNT, 65536u)"),
    ] {
        let variant = op.variant(name).unwrap_or_else(|e| panic!("{e}"));
        assert!(variant.source().contains(from), "{}/{name} has no `{from}`: adapt this test", op.name);
        let wrong = variant.with_text(&variant.source().replace(from, to));
        let seen = op.cases().iter().any(|case| {
            let verdict = pollster::block_on(prove(&context, &call(op, case), &wrong, 1));
            verdict.unwrap_or_else(|e| panic!("{e}")).is_err()
        });
        assert!(seen, "{}: `{to}` for `{from}` went unnoticed", op.name);
    }
}

/// A grid that exceeds the workgroups of one dimension folds into the next one, which a kernel must handle.
#[test]
fn a_kernel_that_does_not_fold_is_noticed() {
    let context = wgrad_testing::open(false);
    let call = call(&BINARY, "COUNT=70001,FUNCTION=0");
    let flat = changed(&BINARY, "naive", &[("thread_x(wid, groups, lid)", "wid.x * 64u + lid.x")]);
    let right = BINARY.variant("naive").expect("it is there");
    let trial = Trial::new(&call, &BINARY.shader(right, &LINEAR).expect("composes"), 1);
    let verdict = |variant: &Variant, most: Option<u32>| match most {
        None => Some(pollster::block_on(trial.prove(&context, variant)).expect("runs")),
        Some(most) => pollster::block_on(trial.prove_folded(&context, variant, most)).expect("runs"),
    };
    for most in [None, Some(3), Some(1093)] {
        assert!(matches!(verdict(right, most), Some(Ok(_))), "{most:?}");
    }
    assert_eq!(verdict(right, Some(1094)), None, "it has no more workgroups");
    assert!(matches!(verdict(&flat, None), Some(Ok(_))));
    assert!(matches!(verdict(&flat, Some(3)), Some(Err(Wrong::Unwritten(_) | Wrong::Value(_)))));
}

/// For each regime a wrong kernel that no other regime reveals: so each regime is drawn as documented, and is needed.
/// The kernel is wrong if sixteen consecutive inputs have the property that marks a regime.
#[test]
fn each_regime_notices_what_the_others_do_not() {
    let context = wgrad_testing::open(false);
    let case = call(&BINARY, "COUNT=4096,FUNCTION=0");
    // For sixteen inputs: each as v, then the largest and smallest magnitude, signs, and a flag if two differ.
    let wrong = |each: &str, all: &str| {
        let text = format!(
            "fn marked(at: u32) -> bool {{
                 var every = true;
                 var most = 0.0;
                 var least = 3e38;
                 var above = 0u;
                 var differ = false;
                 for (var k = 0u; k < 16u; k++) {{
                     let v = a[(at + k) % COUNT];
                     every = every && ({each});
                     most = max(most, abs(v));
                     least = min(least, abs(v));
                     above += select(0u, 1u, v > 0.0);
                     differ = differ || v != a[at];
                 }}
                 return every && ({all});
             }}
             @compute @workgroup_size(64)
             fn binary("
        );
        let from = [("@compute @workgroup_size(64)\nfn binary(", text.as_str())];
        let stores = ("y[i] = apply(a[i], b[i]);", "y[i] = select(apply(a[i], b[i]), 77.0, marked(i));");
        changed(&BINARY, "naive", &[from[0], stores])
    };
    let cases = [
        (Regime::Small, wrong("abs(v) <= 1.0 && v != 0.0", "least > 1e-7 && most < 1e4 * least && differ")),
        (Regime::Hundreds, wrong("abs(v) < 100.0 && abs(v) > 5.0", "above > 0u && above < 16u")),
        (Regime::Thousands, wrong("abs(v) < 1e4 && abs(v) > 200.0", "above > 0u && above < 16u")),
        (Regime::Tiny, wrong("abs(v) < 1e-30", "most > 0.0")),
        (Regime::Equal, wrong("v != 0.0", "!differ")),
        (Regime::Mixed, wrong("v != 0.0", "most > 1e-20 && most / 5e7 > least")),
        (Regime::Offset, wrong("abs(v) > 990.0 && abs(v) < 1010.0", "differ")),
        (Regime::Negative, wrong("v <= -1.0 && v > -1e5", "most - least > 300.0")),
        (
            Regime::Ties,
            wrong("v != 0.0 && floor(2.0 * v) == 2.0 * v", "differ && least >= 0.5 && most < 4.0"),
        ),
        (Regime::Zeros, wrong("abs(v) <= 1.0", "bitcast<u32>(a[at]) == 0x80000000u && above > 0u")),
    ];
    for (regime, variant) in &cases {
        assert_eq!(noticed_with(&context, &case, variant), [*regime], "{}", variant.source());
    }
    let clamped = [("apply(a[i], b[i]);", "clamp(apply(a[i], b[i]), -65504.0, 65504.0);")];
    let clamped = changed(&BINARY, "naive", &clamped);
    assert_eq!(noticed_with(&context, &case, &clamped), [Regime::Mixed], "what half precision holds");
    let pool = call(&MAX_POOL2D_FORWARD, "N=2,H=26,W=26,C=8,OH=13,OW=13,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0");
    let lowest =
        [("var best = 0.0;", "var best = -3e38;"), ("place == PH * PW || value > best", "value > best")];
    assert_eq!(noticed_with(&context, &pool, &changed(pool.op, "naive", &lowest)), [Regime::Lowest]);
    assert_eq!(cases.len() + 1, Regime::ALL.len());
}

#[test]
fn a_race_in_workgroup_memory_is_noticed() {
    let context = wgrad_testing::open(false);
    let names: Vec<_> =
        OPERATIONS.iter().filter(|op| op.variant("tiled").is_ok()).map(|op| op.name).collect();
    assert!(names.len() >= 6, "tiled variants: {names:?}");
    let mut several = Vec::new();
    for name in names {
        let op = op(name).unwrap_or_else(|e| panic!("{e}"));
        // The longest case, of several rounds: workgroup memory may still hold the tile of an earlier, equal dispatch.
        let calls = op.cases().iter().map(|case| call(op, case));
        let call = calls.max_by(|a, b| a.flops().total_cmp(&b.flops())).expect("a case");
        let text = op.variant("tiled").unwrap_or_else(|e| panic!("{e}")).source();
        let wrong = |text: String| op.variants()[0].with_text(&text);
        // Without its first barrier each invocation reads what others have not staged yet. A software adapter
        // runs them a vector at a time, so the failure is certain there; on a GPU they may happen to keep step.
        if context.class == AdapterClass::Cpu {
            let without = text.replacen("workgroupBarrier();", "", 1);
            noticed(&context, "a missing barrier", &call, &wrong(without));
        }
        // Attention stages several kinds of tiles in a round.
        if text.matches("workgroupBarrier();").count() > 2 {
            several.push(name);
            continue;
        }
        assert_eq!(text.matches("workgroupBarrier();").count(), 2, "{name}/tiled: adapt this test");
        // The tile is read one round before it is written: wrong on every device.
        let compute = text.find("        workgroupBarrier();").expect("a barrier");
        let stage = text[..compute].rfind("\n        for (").expect("the loop that stages");
        let (staging, computing) = (
            &text[stage..compute],
            &text[compute..text.rfind("        workgroupBarrier();").expect("a barrier")],
        );
        let early = text.replace(&format!("{staging}{computing}"), &format!("\n{computing}{staging}"));
        assert_ne!(early, text);
        noticed(&context, "a tile that is read before it is written", &call, &wrong(early));
    }
    assert_eq!(several, ["attention_forward", "attention_grad"]);
}

#[test]
fn a_store_beyond_the_end_is_noticed() {
    let context = wgrad_testing::open(false);
    let call = call(&MATMUL, "M=3,N=5,K=7");
    let beyond = changed(call.op, "naive", &[(GUARD, "if (row >= M) { return; }")]);
    // Without wgpu's checks: see `prove::tests` in the crate, since only the crate can run it that way.
    match noticed(&context, "a store beyond the end", &call, &beyond) {
        Wrong::Overrun(buffer) => assert_eq!(buffer, "y", "it was blamed on another buffer"),
        other => panic!("it was taken for something else: {other}"),
    }
}

#[test]
fn comparing_fails_on_nan_nothing_and_other_lengths() {
    let real = |values: &[f64]| Data::Real(values.to_vec());
    let sums = |values: &[f64]| Expected::Real(values.iter().map(|v| Sum::of(*v)).collect());
    let same = compare("y", &real(&[1.0, 2.0]), &sums(&[1.0, 2.0]));
    assert_eq!(same, Ok(0.0), "equal numbers differ");
    let wrong = [
        ("a NaN", real(&[1.0, f64::NAN]), sums(&[1.0, 2.0])),
        ("an infinity", real(&[1.0, f64::INFINITY]), sums(&[1.0, 2.0])),
        ("a NaN in the twin", real(&[1.0, 2.0]), sums(&[1.0, f64::NAN])),
        ("two NaNs", real(&[f64::NAN]), sums(&[f64::NAN])),
        ("a sum without an end", real(&[f64::INFINITY]), sums(&[f64::INFINITY])),
        ("a number for what f32 does not hold", real(&[f64::from(f32::MAX)]), sums(&[1e39])),
        ("the other infinity", real(&[f64::INFINITY]), sums(&[-1e39])),
        ("an infinity for the largest number", real(&[f64::INFINITY]), sums(&[3.4e38])),
        ("a bound without an end", real(&[1.0]), Expected::Real(vec![Sum::within(1.0, f64::INFINITY)])),
        ("a bound that is no number", real(&[1.0]), Expected::Real(vec![Sum::within(1.0, f64::NAN)])),
        ("something for a zero", real(&[1e-45]), Expected::Real(vec![Sum::exact(0.0)])),
        ("zero for the smallest normal number", real(&[0.0]), Expected::Real(vec![Sum::exact(1.2e-38)])),
        ("twice a subnormal number", real(&[2.1e-39]), Expected::Real(vec![Sum::exact(1e-39)])),
        ("a third place", Data::Index(vec![2]), Expected::Place(vec![[0, 1]])),
        ("an error a little over the tolerance", real(&[1.000_001]), sums(&[1.0])),
        ("nothing against nothing", real(&[]), sums(&[])),
        ("no integers against none", Data::Index(Vec::new()), Expected::Index(Vec::new())),
        ("an element too few", real(&[1.0]), sums(&[1.0, 2.0])),
        ("an element too many", real(&[1.0, 2.0]), sums(&[1.0])),
        ("nothing where numbers are expected", real(&[]), sums(&[1.0])),
        ("integers for numbers", Data::Index(vec![1]), sums(&[1.0])),
        ("another integer", Data::Index(vec![7, 8]), Expected::Index(vec![7, 9])),
    ];
    for (what, got, expected) in wrong {
        let mismatch = compare("y", &got, &expected).err();
        let mismatch = mismatch.unwrap_or_else(|| panic!("{what} went unnoticed"));
        assert!(mismatch.count > 0 && mismatch.buffer == "y", "{what}: {mismatch}");
    }
    let right = [
        ("an infinity for what f32 does not hold", real(&[f64::NEG_INFINITY]), sums(&[-1e39])),
        ("an infinity within the bound", real(&[f64::INFINITY]), sums(&[f64::from(f32::MAX)])),
        ("zero for a subnormal number", real(&[0.0]), Expected::Real(vec![Sum::exact(1e-39)])),
        ("zero for the other zero", real(&[-0.0]), Expected::Real(vec![Sum::exact(0.0)])),
        ("the place where subnormal numbers are zeros", Data::Index(vec![1]), Expected::Place(vec![[0, 1]])),
    ];
    for (what, got, expected) in right {
        assert!(compare("y", &got, &expected).is_ok(), "{what} is called wrong");
    }
    let worst = compare("y", &real(&[1.0, 2.1, 9.0]), &sums(&[1.0, 2.0, 3.0])).expect_err("two are wrong");
    assert_eq!((worst.index, worst.count, worst.of), (2, 2, 3), "it names not the worst element: {worst}");
    let of_six = Mismatch { index: 7, ..*worst.clone() }.within(&[2, 1, 6]);
    assert!(of_six.to_string().starts_with("y[1, 0, 1] is "), "{of_six}");
    assert!(worst.within(&[2]).to_string().starts_with("y[2] is "), "it is in no such shape");
}

#[test]
fn wrong_bindings_are_errors_that_name_the_kernel() {
    let context = wgrad_testing::open(false);
    let call = call(&MATMUL, "M=3,N=5,K=7");
    let kernel = pollster::block_on(context.kernel(&call, call.op.variant("naive").expect("naive")));
    let kernel = kernel.unwrap_or_else(|e| panic!("{e}"));
    let zeros = |len: usize| context.zeros("a buffer", len).unwrap_or_else(|e| panic!("{e}"));
    let (y, x, w, b) = (zeros(15), zeros(21), zeros(35), zeros(5));
    let right: [(&str, &Slice); 4] = [("y", &y), ("x", &x), ("w", &w), ("b", &b)];
    assert!(context.bind(&kernel, &right).is_ok(), "the right buffers were refused");

    let (short, long, both) = (zeros(34), zeros(36), zeros(36));
    let (read, written) = (both.slice(0, 21), both.slice(21, 15));
    let wrong = [
        ("a missing buffer", "`b`", right[..3].to_vec()),
        ("no buffers", "`y`", Vec::new()),
        ("an unknown buffer", "`bias`", [&right[..], &[("bias", &b)]].concat()),
        ("a buffer under another name", "`bias`", [&right[..3], &[("bias", &b)]].concat()),
        ("a buffer that is too short", "`w`", vec![("y", &y), ("x", &x), ("w", &short), ("b", &b)]),
        ("a buffer that is too long", "`w`", vec![("y", &y), ("x", &x), ("w", &long), ("b", &b)]),
        ("a buffer read and written", "`x`", vec![("y", &written), ("x", &read), ("w", &w), ("b", &b)]),
    ];
    for (what, name, buffers) in wrong {
        match context.bind(&kernel, &buffers).err() {
            None => panic!("{what} went unnoticed"),
            Some(Error::Bind { kernel, message }) => {
                assert_eq!(kernel, "matmul/naive", "{what}: the error names another kernel: {message}");
                assert!(message.contains(name), "{what}: the error does not name {name}: {message}");
            }
            Some(other) => panic!("{what}: another error: {other}"),
        }
    }
    context.check().unwrap_or_else(|e| panic!("a wrong binding reached wgpu: {e}"));
}

#[test]
fn wrong_shaders_are_errors_that_name_the_kernel() {
    let context = wgrad_testing::open(false);
    let call = call(&MATMUL, "M=3,N=5,K=7");
    let wrong = [
        ("a syntax error", changed(call.op, "naive", &[("var sum = 0.0;", "var sum = ;")]), "matmul/naive:"),
        ("an unknown buffer", changed(call.op, "naive", &[("x[row * K + k]", "z[row * K + k]")]), "`z`"),
        ("no entry point", changed(call.op, "naive", &[("@compute @workgroup_size(64)", "")]), "entry point"),
    ];
    for (what, variant, said) in wrong {
        match pollster::block_on(context.kernel(&call, &variant)).err() {
            None => panic!("{what} went unnoticed"),
            Some(Error::Shader { kernel, message }) => {
                assert_eq!(kernel, "matmul/naive", "{what}: the error names another kernel: {message}");
                assert!(message.contains(said), "{what}: the error does not say {said}: {message}");
            }
            Some(other) => panic!("{what}: another error: {other}"),
        }
    }
    let mut unset = call.clone();
    unset.sizes.remove("K");
    let error = pollster::block_on(context.kernel(&unset, call.op.variant("naive").expect("naive"))).err();
    let error = error.expect("a size that is not given went unnoticed").to_string();
    assert!(error.contains("matmul/naive") && error.contains('K'), "{error}");
}
