//! The lab as a library: sizes, templates, the timer. Leaves out the command (`lab.rs`).

use crate::command::wgrad;
use wgrad::{
    gpu::{FeedBuffers, Timer},
    kernels::{MATMUL, OPERATIONS},
    op::{Call, activations::LINEAR, sizes, user_file},
    prove::{self, prove},
};
use wgrad_lab::{self, measure, request::Request, row::Status, workload};

#[test]
fn sizes_follow_where_they_are_not_given() {
    let typical = workload::typical(wgrad::kernels::op("conv2d_forward").expect("it is")).expect("a call");
    assert_eq!(typical.sizes["N"], 128.0);
    assert_eq!((typical.sizes["H"], typical.sizes["OH"], typical.sizes["CO"]), (13.0, 11.0, 64.0));
    assert_eq!(typical.activation.name, "relu");
    let call = sizes::given(&typical, "N=2,H=9,SH=2").expect("sizes");
    assert_eq!((call.sizes["OH"], call.sizes["OW"], call.sizes["N"]), (4.0, 11.0, 2.0));
    let call = sizes::given(&typical, "H=9,OH=3").expect("sizes");
    assert_eq!(call.sizes["OH"], 3.0, "what is given stays");
}

#[test]
fn the_template_of_every_operation_is_a_right_variant() {
    let context = wgrad_testing::open(false);
    for op in OPERATIONS {
        let text = wgrad_lab::template(op).unwrap_or_else(|e| panic!("{e}"));
        for line in op.interface.lines().filter(|line| !line.starts_with("// case ")) {
            assert!(text.contains(line), "{}: the template does not tell `{line}`", op.name);
        }
        let variant = user_file::variant(op, "template.wgsl", text).unwrap_or_else(|e| panic!("{e}"));
        assert!(variant.needs().is_empty() && !variant.is_own(), "{}: {variant:?}", op.name);
        let case = op.cases().get(1).unwrap_or(&op.cases()[0]);
        let call = sizes::case(op, case).unwrap_or_else(|e| panic!("{e}"));
        let verdict =
            pollster::block_on(prove(&context, &call, &variant, 1)).unwrap_or_else(|e| panic!("{e}"));
        assert!(verdict.is_ok(), "{}: {verdict:?}", op.name);
    }
    let printed = wgrad(&["lab", "matmul", "--template"]).end().with(0).stdout;
    // The comments name the commands.
    let code =
        |text: &str| text.lines().filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n");
    assert_eq!(code(&printed), code(&wgrad_lab::template(&MATMUL).expect("a template")));
    for command in ["`wgrad lab matmul --file THIS_FILE`", "`wgrad train --variant matmul=THIS_FILE`"] {
        assert!(printed.contains(command), "no {command} in {printed}");
    }
}

#[test]
fn more_work_takes_more_time() {
    let context = wgrad_testing::open(false);
    let call = Call::new(&MATMUL, &[("M", 64), ("N", 64), ("K", 64)]);
    pollster::block_on(async {
        let kernel = context.kernel(&call, MATMUL.variant("naive").expect("naive")).await.expect("compiles");
        let zeros = |len| context.zeros("zeros", len).expect("fits");
        let (y, x, w, b) = (zeros(4096), zeros(4096), zeros(4096), zeros(64));
        let launch = context.bind(&kernel, &[("y", &y), ("x", &x), ("w", &w), ("b", &b)]).expect("binds");
        let feed = FeedBuffers::new(&context, 1, (4, 1), 1).expect("fits");
        let mut timer = Timer::new(&context);
        timer.validate(&context, &feed, &launch).await.expect("runs");
        println!("{}, doubt: {:?}", timer.clock, timer.doubt);
        let some = timer.dispatches_for(&context, &feed, &launch, 0.02).await.expect("runs");
        let mut least = async |dispatches: usize| -> f64 {
            let mut least = f64::INFINITY;
            for _ in 0..5 {
                least = least.min(timer.seconds(&context, &feed, &launch, dispatches).await.expect("runs"));
            }
            least
        };
        // Other work on the machine may stretch a measurement; it does not stretch all of them alike.
        let mut seen = Vec::new();
        for _ in 0..20 {
            let (once, four) = (least(some).await, least(4 * some).await);
            assert!(once > 0.0, "{once} s");
            if (2.0..8.0).contains(&(four / once)) {
                return;
            }
            seen.push((once, four));
        }
        panic!("seconds of some work, and of four times as much: {seen:?}");
    });
}

#[test]
fn the_library_measures_too() {
    let choice = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
    let options = wgrad::gpu::Options { adapter: choice, ..Default::default() };
    let call = sizes::case(&MATMUL, "M=3,N=5,K=7").expect("sizes").activated(&LINEAR);
    let variants = vec![MATMUL.variant("naive").expect("naive").clone()];
    let request = Request {
        call,
        variants,
        refused: Default::default(),
        seconds: 0.0,
        timeout: 20.0,
        seed: 1,
        cases: None,
    };
    pollster::block_on(async {
        let mut device = measure::Lab::open(options).await.expect("opens");
        let rows = measure::measure(&mut device, &request, None, &mut |_| {}).await.expect("measures");
        assert_eq!((rows.len(), rows[0].status, rows[0].seconds), (1, Status::Ok, None));
    });
}

/// A file that is wrong at nothing but a case of its own.
#[test]
fn a_file_is_proven_at_its_own_cases_too() {
    let choice = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
    let options = wgrad::gpu::Options { adapter: choice, ..Default::default() };
    let naive = MATMUL.variant("naive").expect("naive");
    let right = format!("// case M=7,N=5,K=3\n// case M=9,N=2,K=2\n{}", naive.source());
    let wrong = right.replace("var sum = 0.0;", "var sum = select(0.0, 1.0, M == 9u);");
    assert_ne!(wrong, right);
    let [right, wrong] = [("right.wgsl", right), ("wrong.wgsl", wrong)]
        .map(|(name, text)| user_file::variant(&MATMUL, name, text).unwrap_or_else(|e| panic!("{e}")));
    let request = Request {
        call: sizes::case(&MATMUL, "M=2,N=2,K=3").expect("sizes"),
        variants: vec![naive.clone(), right, wrong],
        refused: Default::default(),
        seconds: 0.0,
        timeout: 20.0,
        seed: 1,
        cases: Some(2),
    };
    let rows = pollster::block_on(async {
        let mut device = measure::Lab::open(options).await.expect("opens");
        measure::measure(&mut device, &request, None, &mut |_| {}).await.expect("measures")
    });
    let [naive, right, wrong] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((right.status, right.proofs, right.regimes), (Status::Ok, naive.proofs + 2, naive.regimes));
    let reason = wrong.reason.as_deref().unwrap_or_default();
    assert!(wrong.status == Status::Wrong && reason.starts_with("at M=9,N=2,K=2 with"), "{wrong:?}");
}

/// The verdict on a user's file `text` at `sizes`, the worst of three proofs: memory may happen to hold zeros once.
fn proven(op: &'static wgrad::op::Op, case: &str, text: &str) -> prove::Verdict {
    let context = wgrad_testing::open(false);
    let variant = user_file::variant(op, "mine.wgsl", text.to_string()).unwrap_or_else(|e| panic!("{e}"));
    let call = sizes::case(op, case).unwrap_or_else(|e| panic!("{e}"));
    if let Some(reason) = call.obstacle(&context, &variant).unwrap_or_else(|e| panic!("{e}")) {
        println!("skipped: {reason}");
        return Ok(0.0);
    }
    let mut largest = 0.0f64;
    for seed in 1..=3 {
        largest = largest.max(
            pollster::block_on(prove(&context, &call, &variant, seed)).unwrap_or_else(|e| panic!("{e}"))?,
        );
    }
    Ok(largest)
}

/// A product in which each thread adds up in `SUM`, declared by `module` or `before`.
fn product(module: &str, before: &str, term: &str, sum: &str) -> String {
    format!(
        "{module}\n@compute @workgroup_size(64)\nfn main(@builtin(local_invocation_index) li: u32, \
         @builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>, \
         @builtin(num_workgroups) groups: vec3<u32>) {{\n    let row = wid.y + wid.z * groups.y;\n    let col = id.x;\n    \
         if (row >= M || col >= N) {{ return; }}\n    {before}\n    for (var k = 0u; k < K; k++) {{ {term} }}\n    \
         y[row * N + col] = activate({sum} + b[col]);\n}}\n"
    )
}

#[test]
fn a_file_means_what_wgsl_says() {
    const CASE: &str = "M=33,N=65,K=7";
    let workgroup = product(
        "var<workgroup> acc: array<f32, 64>;",
        "",
        "acc[li] += x[row * K + k] * w[k * N + col];",
        "acc[li]",
    );
    let in_loop = product(
        "",
        "var sum = 0.0;",
        "var part: array<f32, 2>; for (var i = 0u; i < 2u; i++) { var more: f32; more += f32(i); part[1] += more; } \
         sum += part[1] * x[row * K + k] * w[k * N + col];",
        "sum",
    );
    let in_function = product(
        "fn term(a: f32, b: f32) -> f32 { var sum: f32; loop { sum += a * b; if (sum == sum) { break; } } return sum; }",
        "var sum = 0.0;",
        "sum += term(x[row * K + k], w[k * N + col]);",
        "sum",
    );
    let switched = product(
        "",
        "var sum = 0.0;",
        "switch (k % 2u) { case 0u: { var odd: vec2<f32>; odd.y += 1.0; sum += odd.y * x[row * K + k] * w[k * N + col]; } \
         default: { var even: f32; even += 1.0; sum += even * x[row * K + k] * w[k * N + col]; } }",
        "sum",
    );
    let enabled = product(
        "/* as a browser wants it */ enable\n  subgroups; diagnostic(off, derivative_uniformity); requires subgroup_id;",
        "var sum = 0.0;",
        "sum += x[row * K + k] * w[k * N + col];",
        "sum + f32(subgroupAny(false))",
    );
    for (what, text) in [
        ("workgroup memory starts at zero", &workgroup),
        ("a variable in a loop starts anew", &in_loop),
        ("a variable of a function starts anew", &in_function),
        ("a variable in a switch starts anew", &switched),
        ("subgroups are enabled", &enabled),
    ] {
        let verdict = proven(&MATMUL, CASE, text);
        assert!(verdict.is_ok(), "{what}: {verdict:?}\n{text}");
    }
    let op = wgrad::kernels::op("activation_forward").expect("it is");
    let guarded = |guard: &str| {
        format!(
            "@compute @workgroup_size(64)\nfn main(@builtin(local_invocation_id) lid: vec3<u32>, \
             @builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {{\n    \
             let i = (wid.x + wid.y * groups.x) * 64u + lid.x;\n    if ({guard}) {{ return; }}\n    \
             y[i] = activate(x[i]);\n}}\n"
        )
    };
    for case in op.cases() {
        let verdict = proven(op, case, &guarded("i >= arrayLength(&y)"));
        assert!(verdict.is_ok(), "arrayLength is the tensor's length at {case}: {verdict:?}");
    }
    // A mistake with the same words is still noticed.
    assert!(proven(op, op.cases()[0], &guarded("i + 1u >= arrayLength(&y)")).is_err());
}

#[test]
fn errors_below_a_directive_stand_at_their_own_line() {
    let text = "enable subgroups, f16;\n\n@compute @workgroup_size(64)\nfn main() { y[0] = nothing; }\n";
    let error = user_file::variant(&MATMUL, "mine.wgsl", text.to_string()).expect_err("`nothing` is nothing");
    let reported = error.to_string();
    assert!(reported.contains("mine.wgsl:4:") && reported.contains("nothing"), "{reported}");
    let unknown = "enable everything;\n@compute @workgroup_size(64)\nfn main() { y[0] = 1.0; }\n";
    let error =
        user_file::variant(&MATMUL, "mine.wgsl", unknown.to_string()).expect_err("it is no extension");
    assert!(error.to_string().contains("everything"), "{error}");
}

#[test]
fn the_composed_text_is_printed_as_a_browser_takes_it() {
    let emit =
        |args: &[&str]| wgrad(&[&["lab", "matmul", "--emit", "wgsl"], args].concat()).end().with(0).stdout;
    let shuffle = emit(&["--variant", "subgroup"]);
    let source = MATMUL.variant("subgroup").expect("it is").source();
    assert_eq!(
        shuffle.lines().next(),
        Some(format!("enable subgroups; {}", source.lines().next().expect("a line")).as_str())
    );
    assert!(
        shuffle.lines().skip(1).zip(source.lines().skip(1)).all(|(a, b)| a == b),
        "lines keep their numbers"
    );
    assert!(shuffle.contains(MATMUL.interface) && shuffle.contains("fn activate("), "{shuffle}");
    let half = emit(&["--variant", "tiled_f16"]);
    assert_eq!(half.matches("enable f16;").count(), 1, "it enables it itself");
    assert!(!emit(&["--variant", "naive"]).contains("enable"));

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.wgsl");
    let text = format!("// mine\nenable subgroups;\n{}", MATMUL.variant("naive").expect("naive").source());
    std::fs::write(&file, &text).expect("written");
    let printed = emit(&["--file", file.to_str().expect("a path")]);
    assert!(printed.starts_with(&text), "the author's directives are as they were: {printed}");

    // One object for each setting and activation.
    let all = emit(&["--variant", "split", "--json"]);
    let objects: Vec<serde_json::Value> =
        all.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let settings =
        wgrad::op::setting::all(&MATMUL, MATMUL.variant("split").expect("it is"), "").expect("settings");
    assert!(
        objects.len() > settings.len()
            && objects.len().is_multiple_of(wgrad::op::activations::ACTIVATIONS.len())
    );
    for object in &objects {
        assert!(object["text"].as_str().is_some_and(|text| text.contains("@compute")), "{object}");
        assert!(object["pipelines"].as_array().is_some_and(|all| !all.is_empty() && all[0]["M"].is_number()));
    }
}

#[test]
fn all_variants_are_printed_in_the_language_of_a_back_end() {
    let emit = |args: &[&str]| {
        let rows = wgrad(&[&["lab"], args, &["--json"]].concat()).end().with(0).json();
        assert!(!rows.is_empty(), "{args:?}");
        rows
    };
    let rows = emit(&["matmul", "--emit", "hlsl"]);
    let offered: usize = MATMUL
        .variants()
        .iter()
        .map(|variant| wgrad::op::setting::all(&MATMUL, variant, "").expect("settings").len())
        .sum();
    assert!(rows.len() > MATMUL.variants().len() && rows.len() <= offered, "{} of {offered}", rows.len());
    for row in &rows {
        let text = row["text"].as_str().expect("a text");
        assert!(text.contains("[numthreads("), "{row}");
        let waves = row["features"].as_array().is_some_and(|all| all.contains(&"subgroups".into()));
        assert_eq!(waves, text.contains("WaveReadLaneAt"), "{}", row["variant"]);
        assert_eq!(row["language"], if waves { "hlsl6" } else { "hlsl" });
    }
    // Of the version of Vulkan 1.3; the oldest is a text of its own.
    for (language, version) in [("spirv-1.6", 0x0001_0600), ("spirv", 0x0001_0000)] {
        let rows = emit(&["matmul", "--variant", "naive", "--emit", language]);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["words"][0], 0x0723_0203);
        assert_eq!(rows[0]["words"][1], version, "{language}");
        assert_eq!(rows[0]["language"], language);
    }
    // What a language lacks is left out.
    let glsl = emit(&["matmul", "--emit", "glsl"]);
    assert!(glsl.iter().all(|row| row["variant"] != "tiled_f16"));
}
