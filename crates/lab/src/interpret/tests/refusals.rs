//! What is refused, in which words.

use super::{interpret_within, of_floats, of_integers, refused, words};
use crate::interpret::{Kernel, Limits, run};

const ONE: [u32; 3] = [1, 1, 1];

#[track_caller]
fn floats_refused(body: &str, x: &[f32], wanted: &[&str]) {
    refused(&of_floats(body), ONE, &[vec![0; 4], words(x)], wanted);
}

#[test]
fn decisions_that_rounding_may_turn() {
    let third = "let third = x[0] / 3.0 * 3.0;\n";
    let decides = "the reference decides at line 6 by a number that rounding may turn";
    floats_refused(
        &format!("{third}if (third < x[0] + 0.00000001) {{ y[0] = 1.0; }}"),
        &[1.0],
        &["line 6", decides, "1 < 1.0"],
    );
    floats_refused(&format!("{third}y[u32(third)] = 1.0;"), &[1.0], &[decides, "the integer of 1"]);
    floats_refused(&format!("{third}y[0] = f32(i32(third));"), &[1.0], &[decides]);
    floats_refused(
        &format!("{third}switch i32(third) {{ case 1: {{ y[0] = 1.0; }} default: {{}} }}"),
        &[1.0],
        &[decides],
    );
    floats_refused(
        &format!("{third}y[0] = f32(bitcast<u32>(third) & 1u);"),
        &[1.0],
        &[decides, "the bits of 1"],
    );
    floats_refused(
        "let none = x[0] / x[0];\nif (none == none) { y[0] = 1.0; }",
        &[0.0],
        &[decides, "NaN == NaN"],
    );
    let text = of_integers(
        "let v = bitcast<f32>(x[0]) / 3.0 * 3.0;\ny[0] = select(1u, 2u, v < bitcast<f32>(x[0]));",
    );
    refused(&text, ONE, &[vec![0], words(&[1.0])], &["line 6", decides]);
    // Where it is certain, or no matter, nothing is refused.
    let fine = "let third = x[0] / 3.0 * 3.0; if (third < x[0] + 0.001) { y[0] = 1.0; } y[1] = f32(u32(third + 0.5));\n\
                let same = select(3u, 3u, third < x[0]); y[2] = f32(same);\n\
                let zero = u32(third) & 0u; y[3] = f32(zero);";
    assert_eq!(super::floats(fine, &[1.0], 4), [(1.0, 0.0), (1.0, 0.0), (3.0, 0.0), (0.0, 0.0)]);
}

#[test]
fn indices_beyond_the_end() {
    let beyond = "is beyond 4 elements";
    floats_refused("y[u32(x[0])] = 1.0;", &[4.0], &["line 5", "index 4", beyond]);
    floats_refused("y[i32(x[0])] = 1.0;", &[-1.0], &["line 5", "index -1", beyond]);
    floats_refused("y[4] = 1.0;", &[0.0], &["line 5", "index 4", beyond]);
    floats_refused("var a: array<f32, 4>;\ny[0] = a[u32(x[0])];", &[7.0], &["line 6", "index 7", beyond]);
    floats_refused("let v = vec4<f32>(x[0]);\ny[0] = v[u32(x[0])];", &[5.0], &["line 6", "index 5", beyond]);
    floats_refused("var v = mat4x2<f32>();\ny[0] = v[u32(x[0])].x;", &[5.0], &["line 6", "index 5", beyond]);
}

#[test]
fn races_of_invocations() {
    let header =
        "@group(0) @binding(0) var<storage, read_write> y: array<u32>;\nvar<workgroup> w: array<u32, 4>;\n";
    let main = "@compute @workgroup_size(4)\nfn main(@builtin(local_invocation_index) i: u32, \
                @builtin(workgroup_id) g: vec3<u32>) {\n";
    let race = |body: &str, groups: u32, wanted: &[&str]| {
        refused(&format!("{header}{main}{body}\n}}"), [groups, 1, 1], &[vec![0; 8]], wanted);
    };
    race("w[i] = i;\ny[i] = w[(i + 1u) % 4u];", 1, &["line 5", "workgroupBarrier", "word 1 of `w`"]);
    race("w[0] = i;", 1, &["line 5", "invocations 0 and 1 of a workgroup touch word 0 of `w`"]);
    race("y[i / 2u] = i;", 1, &["line 5", "invocations 0 and 1", "word 0 of `y`", "storageBarrier"]);
    race("y[i] = i;\nworkgroupBarrier();\ny[7] = y[3u - i];", 1, &["storageBarrier"]);
    race("y[i] = i;", 2, &["workgroups 0 and 1 touch word 0 of `y`"]);
    race("if (g.x == 1u) { y[i] = y[i + 4u]; } else { y[i + 4u] = i; }", 2, &["workgroups 0 and 1"]);
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        var<workgroup> n: atomic<u32>;
        @compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) {
            y[atomicAdd(&n, 1u)] = i;
        }";
    refused(text, ONE, &[vec![0; 4]], &["line 5", "depends on the order of invocations"]);
    let text = text.replace("y[atomicAdd(&n, 1u)] = i;", "atomicAdd(&n, i); y[i] = atomicLoad(&n);");
    refused(&text, ONE, &[vec![0; 4]], &["line 5", "word 0 of `n`"]);
    let text = text.replace("atomicAdd(&n, i); y[i] = atomicLoad(&n);", "atomicStore(&n, i);");
    refused(&text, ONE, &[vec![0; 4]], &["line 5", "word 0 of `n`"]);
    let text = text.replace("atomicStore(&n, i);", "atomicAdd(&n, i); atomicMax(&n, 2u);");
    refused(&text, ONE, &[vec![0; 4]], &["line 5", "word 0 of `n`"]);
    // All of the same number: their order is no matter.
    let text = text.replace(
        "atomicAdd(&n, i); atomicMax(&n, 2u);",
        "atomicStore(&n, 3u); workgroupBarrier(); y[i] = atomicLoad(&n);",
    );
    super::interpret(&text, ONE, &[vec![0; 4]]).expect("no race");
}

#[test]
fn barriers_that_not_all_reach() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        @compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) {
            if (i == 3u) { return; }
            workgroupBarrier();
            y[i] = i;
        }";
    refused(text, ONE, &[vec![0; 4]], &["line 5", "others have returned"]);
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        @compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) {
            if (i == 3u) {
                workgroupBarrier();
            } else {
                workgroupBarrier();
            }
            y[i] = i;
        }";
    refused(text, ONE, &[vec![0; 4]], &["line 7", "another (line 5)"]);
}

#[test]
fn constructs_that_are_not_interpreted() {
    let with = |declared: &str, body: &str, wanted: &[&str]| {
        let text = format!(
            "{declared}\n@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n\
             @compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) {{\n{body}\n}}"
        );
        refused(&text, ONE, &[vec![0; 4], vec![0; 4]], wanted);
    };
    with("", "y[i] = subgroupAdd(f32(i));", &["line 4", "subgroupAdd"]);
    with("", "y[i] = subgroupShuffle(f32(i), 0u);", &["line 4", "subgroup"]);
    with("", "subgroupBarrier();\ny[i] = 1.0;", &["line 4", "subgroupBarrier"]);
    with(
        "@group(0) @binding(1) var t: texture_2d<f32>;",
        "y[i] = textureLoad(t, vec2<u32>(0u), 0).x;",
        &["line 4", "a texture is not interpreted"],
    );
    with(
        "enable f16;\n@group(0) @binding(1) var<storage, read> h: array<f16>;",
        "y[i] = f32(h[i]);",
        &["line 5", "f16 in a buffer"],
    );
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        @compute @workgroup_size(4) fn main(@builtin(subgroup_size) n: u32) { y[0] = n; }";
    refused(text, ONE, &[vec![0; 4]], &["SubgroupSize", "subgroup"]);
}

#[test]
fn what_takes_too_much() {
    let limits = Limits { operations: 1000, ..Limits::default() };
    let text = of_floats("loop { y[0] += 1.0; if (y[0] < 0.0) { break; } }");
    let refusal = interpret_within(&text, ONE, &[vec![0], vec![0]], &limits).expect_err("without an end");
    assert!(refusal.to_string().contains("more than 1000 operations; choose smaller sizes"), "{refusal}");
    assert_eq!(refusal.line, Some(5));

    let text = of_floats("var a: array<f32, 4000000>;\na[u32(x[0])] = 1.0;\ny[0] = a[0];");
    refused(&text, ONE, &[vec![0], vec![0]], &["4000000 numbers is too large"]);
    let limits = Limits { cells: 16, ..Limits::default() };
    let refusal = interpret_within(&of_floats("y[0] = x[0];"), ONE, &[vec![0; 99], vec![0]], &limits);
    assert!(
        refusal
            .expect_err("too large")
            .to_string()
            .contains("99 numbers that are written or more, 16 are allowed")
    );
    let limits = Limits { words: 16, ..Limits::default() };
    let refusal = interpret_within(&of_floats("y[0] = x[0];"), ONE, &[vec![0; 9], vec![0; 9]], &limits);
    assert!(refusal.expect_err("too large").to_string().contains("18 words"));
    // What nobody runs costs nothing.
    interpret_within(&of_floats("y[0] = x[0];"), [0, 7, 1], &[vec![0], vec![0]], &limits)
        .expect("nothing to do");
}

#[test]
fn buffers_that_are_missing_or_short() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<f32>;
        @group(0) @binding(1) var<uniform> size: vec4<u32>;
        @group(0) @binding(2) var<storage, read> unused: array<f32>;
        @compute @workgroup_size(1) fn main() { y[0] = f32(size.w); }";
    refused(text, ONE, &[vec![0]], &["`size` (@group(0) @binding(1)) is not given"]);
    refused(text, ONE, &[vec![0], vec![1, 2]], &["`size` has 2 words, its type 4 at least"]);
    super::interpret(text, ONE, &[vec![0], vec![1, 2, 3, 4]]).expect("what is not used need not be given");
}

#[test]
fn entry_points_that_are_none() {
    let text = "@vertex fn v() -> @builtin(position) vec4<f32> { return vec4<f32>(); }\n\
                @compute @workgroup_size(1) fn c() {}";
    let module = naga::front::wgsl::parse_str(text).expect("parses");
    let mut validator = naga::valid::Validator::new(Default::default(), naga::valid::Capabilities::all());
    let info = validator.validate(&module).expect("valid");
    let run = |entry| {
        let kernel = Kernel { module: &module, info: &info, entry, text };
        run(&kernel, ONE, &Default::default(), &Limits::default())
    };
    assert!(run("none").expect_err("none").to_string().contains("there is no entry point `none`"));
    assert!(run("v").expect_err("a vertex").to_string().contains("`v` is not @compute"));
    assert!(run("c").expect("runs").is_empty());
}
