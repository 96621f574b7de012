//! Small kernels whose results are known, and wgrad's own beside their twins.

mod bounds;
mod builtins;
mod composites;
mod language;
mod refusals;
mod twins;
mod workgroups;

use super::{Buffers, Element, Kernel, Limits, Outputs, Refusal, run};
use naga::{
    back::pipeline_constants::process_overrides,
    valid::{Capabilities, ValidationFlags, Validator},
};

/// Runs the only entry point of `text`; `buffers` are those of group 0 from binding 0 on.
fn interpret_within(
    text: &str,
    groups: [u32; 3],
    buffers: &[Vec<u32>],
    limits: &Limits,
) -> Result<Outputs, Refusal> {
    let module = naga::front::wgsl::parse_str(text).unwrap_or_else(|e| panic!("{}", e.emit_to_string(text)));
    // naga sees most barriers that not all reach; the interpreter has to see those that it does not.
    let flags = ValidationFlags::all() - ValidationFlags::CONTROL_FLOW_UNIFORMITY;
    let info = Validator::new(flags, Capabilities::all())
        .validate(&module)
        .unwrap_or_else(|e| panic!("{}", e.emit_to_string(text)));
    let (module, info) =
        process_overrides(&module, &info, None, &Default::default()).unwrap_or_else(|e| panic!("{e}"));
    let kernel = Kernel { module: &module, info: &info, entry: &module.entry_points[0].name, text };
    let buffers: Buffers = (0..).map(|n| (0, n)).zip(buffers.iter().cloned()).collect();
    run(&kernel, groups, &buffers, limits)
}

fn interpret(text: &str, groups: [u32; 3], buffers: &[Vec<u32>]) -> Result<Outputs, Refusal> {
    interpret_within(text, groups, buffers, &Limits::default())
}

/// The words of floats.
fn words(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// What stands in binding 0 behind one dispatch.
#[track_caller]
fn output(text: &str, groups: [u32; 3], buffers: &[Vec<u32>]) -> Vec<Element> {
    let mut outputs = interpret(text, groups, buffers).unwrap_or_else(|e| panic!("{e}\n{text}"));
    outputs.remove(&(0, 0)).unwrap_or_else(|| panic!("nothing is written: {text}"))
}

/// Value and allowed error of a float.
#[track_caller]
fn float(element: Element) -> (f64, f64) {
    match element {
        Element::Real { value, allowed } => (value, allowed),
        other => panic!("{other:?} is no float"),
    }
}

/// What `body` writes into `y`, an array of as many f32 as `written`, from the f32 of `x`.
#[track_caller]
fn floats(body: &str, x: &[f32], written: usize) -> Vec<(f64, f64)> {
    let text = of_floats(body);
    let elements = output(&text, [1, 1, 1], &[vec![0; written], words(x)]);
    elements.into_iter().map(float).collect()
}

fn of_floats(body: &str) -> String {
    format!(
        "@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n\
         @group(0) @binding(1) var<storage, read> x: array<f32>;\n\
         @compute @workgroup_size(1)\nfn main() {{\n{body}\n}}\n"
    )
}

/// What `body` writes into `y`, an array of u32, from the words of `x`.
#[track_caller]
fn integers(body: &str, x: &[u32], written: usize) -> Vec<u32> {
    let text = of_integers(body);
    let elements = output(&text, [1, 1, 1], &[vec![0; written], x.to_vec()]);
    elements.into_iter().map(integer).collect()
}

#[track_caller]
fn integer(element: Element) -> u32 {
    match element {
        Element::Integer(word) => word,
        other => panic!("{other:?} is no integer"),
    }
}

fn of_integers(body: &str) -> String {
    format!(
        "@group(0) @binding(0) var<storage, read_write> y: array<u32>;\n\
         @group(0) @binding(1) var<storage, read> x: array<u32>;\n\
         @compute @workgroup_size(1)\nfn main() {{\n{body}\n}}\n"
    )
}

/// That `text` is refused with all of these words.
#[track_caller]
fn refused(text: &str, groups: [u32; 3], buffers: &[Vec<u32>], words: &[&str]) {
    match interpret(text, groups, buffers) {
        Ok(outputs) => panic!("it is not refused: {outputs:?}\n{text}"),
        Err(refusal) => {
            let message = refusal.to_string();
            for words in words {
                assert!(message.contains(words), "`{words}` is not in: {message}");
            }
        }
    }
}
