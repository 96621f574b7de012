//! The checks are checked: wrong kernels, wrong numbers and wrong bindings must be noticed. Each failure
//! here says which wrong thing went unnoticed.

mod common;

use wgrad::{
    Error,
    compare::compare,
    gpu::{Access, AdapterClass, Context, Element, Slice},
    kernels::{LINEAR, MATMUL, MAX_POOL2D_FORWARD, OPERATIONS, SGD, SOFTMAX_GRAD, SUM_METRICS, op},
    op::{Call, Op, Variant},
    prove::{Verdict, Wrong, parse_sizes, prove},
    reference::{Data, Expected, Sum},
};

/// The call of a case as the page writes it.
fn call(op: &'static Op, case: &str) -> Call {
    let sizes = parse_sizes(case).unwrap_or_else(|| panic!("{}: bad case {case}", op.name));
    Call { op, sizes: sizes.into_iter().collect(), activation: &LINEAR }
}

/// Variant `name` of `op` with each `from` in its text replaced. It runs with wgpu's checks, as a user's
/// own file does.
fn changed(op: &'static Op, name: &str, replace: &[(&str, &str)]) -> Variant {
    let variant = op.variant(name).unwrap_or_else(|e| panic!("{e}"));
    let mut text = variant.source().to_string();
    for (from, to) in replace {
        assert_eq!(text.matches(from).count(), 1, "{}/{name} has not one `{from}`: adapt this test", op.name);
        text = text.replace(from, to);
    }
    variant.with_text(text.leak())
}

/// The first thing that is wrong with some inputs: a kernel may be right to write nothing with others, as a recurrent one
/// in its last step.
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

/// `text` with what is stored in `buffer` (or its view by vec4) multiplied by `factor`; how many stores.
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

/// `op` with what its shared texts store in `buffer` multiplied by `factor`; how many stores.
fn parts_scaled(op: &'static Op, buffer: &str, factor: &str) -> (&'static Op, usize) {
    let code = |part: &str| -> String {
        part.lines().map(|line| line.split("//").next().unwrap_or_default().to_string() + "\n").collect()
    };
    let scaled: Vec<_> = op.parts.iter().map(|part| scaled(&code(part), buffer, factor)).collect();
    let stores = scaled.iter().map(|(_, stores)| stores).sum();
    let parts: Vec<&'static str> = scaled.into_iter().map(|(text, _)| &*text.leak()).collect();
    let Op { name, about, interface, activated, variants, twin, cases, .. } = *op;
    let parts = parts.leak();
    let op = Op { name, about, interface, activated, parts, variants, twin, cases };
    (Box::leak(Box::new(op)), stores)
}

#[test]
fn a_hundredth_of_a_percent_is_noticed_in_every_output_of_every_variant() {
    let context = common::open(false);
    let mut seen = 0;
    for op in OPERATIONS {
        for variant in op.variants {
            // The largest case that the variant takes: the one with the widest tolerance.
            let eligible = |case: &&&str| variant.unmet(&call(op, case).sizes, context.features).is_none();
            let Some(case) = op.cases.iter().rev().find(eligible) else { continue };
            let call = call(op, case);
            let shader = op.shader(variant, &LINEAR).unwrap_or_else(|e| panic!("{e}"));
            for output in shader.bindings.iter().filter(|b| b.access != Access::Read) {
                let real = output.element == Element::F32;
                // Zeros times a factor are zeros.
                let factor = match op.name {
                    "clear" => "1.0 + 1e-30",
                    _ if real => "1.0001",
                    _ => "2u",
                };
                let (text, own) = scaled(variant.source(), &output.name, factor);
                // What several operations share may store too.
                let (parts, shared) = parts_scaled(op, &output.name, factor);
                let stores = own + shared;
                let call = Call { op: parts, ..call.clone() };
                assert!(
                    stores > 0,
                    "{}/{} stores nothing in {} that this test finds",
                    op.name,
                    variant.name,
                    output.name
                );
                let wrong = variant.with_text(text.leak());
                let what = format!("{} off by a factor in {}", wrong.name, output.name);
                // What the kernel reads back and goes on from spoils its other outputs too.
                let mentions = variant.source().matches(&format!("{}[", output.name)).count();
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
    let context = common::open(false);
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
    let update = call(&SGD, "COUNT=77,MOMENTUM=0.9,WEIGHT_DECAY=0,NESTEROV=0,CLIPPED=0");
    let stale = changed(update.op, "naive", &[("velocity[i] = v;", "")]);
    noticed_in(&context, "a velocity that is not updated", "velocity", &update, &stale);
    let pool = call(&MAX_POOL2D_FORWARD, "N=2,H=26,W=26,C=8,OH=13,OW=13,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0");
    let last = changed(pool.op, "naive", &[("value > best", "value >= best")]);
    noticed_in(&context, "the last of equal maxima", "argmax", &pool, &last);
}

#[test]
fn a_race_in_workgroup_memory_is_noticed() {
    let context = common::open(false);
    let names: Vec<_> =
        OPERATIONS.iter().filter(|op| op.variant("tiled").is_ok()).map(|op| op.name).collect();
    assert!(names.len() >= 6, "tiled variants: {names:?}");
    for name in names {
        let op = op(name).unwrap_or_else(|e| panic!("{e}"));
        // The longest case, of several rounds: workgroup memory may still hold the tile of an earlier, equal dispatch.
        let calls = op.cases.iter().map(|case| call(op, case));
        let call = calls.max_by(|a, b| a.flops().total_cmp(&b.flops())).expect("a case");
        let text = op.variant("tiled").unwrap_or_else(|e| panic!("{e}")).source();
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
        let wrong = |text: String| op.variants[0].with_text(text.leak());
        noticed(&context, "a tile that is read before it is written", &call, &wrong(early));
        // Without its first barrier each invocation reads what others have not staged yet. A software adapter
        // runs them a vector at a time, so there it is certain; on a GPU they may happen to keep step.
        if context.class == AdapterClass::Cpu {
            noticed(
                &context,
                "a missing barrier",
                &call,
                &wrong(text.replacen("workgroupBarrier();", "", 1)),
            );
        }
    }
}

#[test]
fn a_store_beyond_the_end_is_noticed() {
    let context = common::open(false);
    let call = call(&MATMUL, "M=3,N=5,K=7");
    let beyond = changed(call.op, "naive", &[(GUARD, "if (row >= M) { return; }")]);
    // Without wgpu's checks: `prove::tests`, in the crate, since nothing else may run so.
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
        ("two infinities", real(&[f64::INFINITY]), sums(&[f64::INFINITY])),
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
    let worst = compare("y", &real(&[1.0, 2.1, 9.0]), &sums(&[1.0, 2.0, 3.0])).expect_err("two are wrong");
    assert_eq!((worst.index, worst.count, worst.of), (2, 2, 3), "it names not the worst element: {worst}");
}

#[test]
fn wrong_bindings_are_errors_that_name_the_kernel() {
    let context = common::open(false);
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
    let context = common::open(false);
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
