//! Plans: number of dispatches, shared memory, limits of a device.

use proptest::prelude::*;
use std::{collections::BTreeSet, sync::Arc};
use wgrad::{
    Error,
    gpu::Context,
    kernels::{ACTIVATION_FORWARD, MATMUL},
    layers::{Bidirectional, Dense, LSTM, Reshape},
    model::Model,
    networks::{self, NETWORKS, network},
    op::{Access, Call},
    optim::Optimizer,
    plan::{Arenas, Plan},
    preprocessing::Preprocessing,
    program::{Home, Mode, Node, Pass, Program, Value, ValueId},
    selection::Choices,
};

const MODES: [Mode; 3] = [Mode::Train, Mode::Evaluate, Mode::Predict];

fn built_in(name: &str) -> Model {
    network(name, [28, 28, 1], 10).expect("built in")
}

async fn compile(context: &Context, model: &Model, mode: Mode, batch: usize) -> wgrad::Result<Plan> {
    let arenas = Arenas::new(context, &model.parameters()?, 2)?;
    let program = model.program(&Preprocessing::default(), mode, batch, 2, &Optimizer::default())?;
    Plan::compile(context, program, &arenas, &Choices::default()).await
}

#[test]
fn a_training_step_has_few_dispatches_and_display_names_each() {
    let context = wgrad_testing::open(false);
    for (name, most) in [("linear", 6), ("mlp", 10), ("cnn", 20), ("rnn", 124), ("lstm", 125), ("gru", 127)] {
        for mode in MODES {
            let plan = pollster::block_on(compile(&context, &built_in(name), mode, 128)).expect("compiles");
            println!("{name}: {plan}");
            assert!(
                (1..=most).contains(&plan.steps.len()),
                "{name} {mode:?}: {} dispatches",
                plan.steps.len()
            );
            let text = plan.to_string();
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), plan.steps.len() + 2, "{text}");
            assert!(lines[0].contains(&format!("{} dispatches", plan.steps.len())), "{text}");
            for (n, (line, step)) in lines[1..].iter().zip(&plan.steps).enumerate() {
                let words: Vec<&str> = line.split_whitespace().collect();
                assert_eq!(
                    words[..3],
                    [&(n + 1).to_string(), &step.label, &step.launch.kernel().name],
                    "{line}"
                );
            }
        }
    }
    assert_eq!(networks::small().count(), 3, "a network is not in this test");
    // Models that take long to compile, by their programs alone.
    for (name, most) in [("cnn-bn", 56), ("vgg", 86), ("resnet", 118)] {
        let program = built_in(name)
            .program(&Preprocessing::default(), Mode::Train, 128, 2, &Optimizer::default())
            .expect("fits");
        assert!(program.nodes.len() <= most, "{name}: {} dispatches", program.nodes.len());
    }
    assert_eq!(NETWORKS.len(), 9, "a network is not in this test");
}

/// The identity of a value's buffer: two are equal if temporaries share it, or would.
fn memory(program: &Program, buffers: &[usize], id: ValueId) -> String {
    match program.values[id.0].home {
        Home::Temporary => format!("temporary {}", buffers[id.0]),
        Home::Parameter(_) | Home::Parameters => "parameters".into(),
        Home::Gradient(_) | Home::Gradients => "gradients".into(),
        home => format!("{home:?}"),
    }
}

#[test]
fn no_dispatch_reads_and_writes_one_buffer() {
    let mut dispatches = 0;
    for (name, _) in NETWORKS {
        for mode in MODES {
            let program = built_in(name)
                .program(&Preprocessing::default(), mode, 8, 2, &Optimizer::default())
                .expect("fits");
            let buffers = program.temporaries().buffer_of;
            for node in &program.nodes {
                let naive = node.call.op.variant("naive").expect("every operation has it");
                let shader = node.call.op.shader(naive, node.call.activation).expect("composes");
                let (mut read, mut written) = (BTreeSet::new(), BTreeSet::new());
                for binding in &shader.bindings {
                    let (_, value) = node.buffers.iter().find(|(b, _)| *b == binding.name).expect("bound");
                    let place = memory(&program, &buffers, *value);
                    if binding.access == Access::Read {
                        read.insert(place)
                    } else {
                        written.insert(place)
                    };
                }
                assert!(
                    !written.is_empty() && read.is_disjoint(&written),
                    "{name}, {}: {} reads {read:?}, writes {written:?}",
                    node.label,
                    node.call.op.name
                );
                dispatches += 1;
            }
        }
    }
    assert!(dispatches > 500, "{dispatches}");
}

#[test]
fn binding_one_buffer_to_read_and_write_is_refused() {
    let context = wgrad_testing::open(false);
    let call = Call::new(&ACTIVATION_FORWARD, &[("COUNT", 64)]);
    let variant = call.variant(&context, &Choices::default()).expect("a variant").0;
    let kernel = pollster::block_on(context.kernel(&call, &variant)).expect("compiles");
    let buffer = context.zeros("both", 128).expect("fits");
    let (head, tail) = (buffer.slice(0, 64), buffer.slice(64, 64));
    // WebGPU forbids it even where the ranges are disjoint.
    for y in [&head, &tail] {
        let refused = context.bind(&kernel, &[("x", &head), ("y", y)]).err().expect("refused").to_string();
        assert!(refused.contains("same buffer") && refused.contains("activation_forward"), "{refused}");
    }
}

/// Rows as steps, an LSTM of `units`, both directions or one.
fn steps(units: usize, time: usize, both: bool) -> Model {
    let model = Model::new("steps", [time, 3, 1]).add(Reshape::new(&[time as i64, 3]));
    let lstm = LSTM::new(units);
    let model = if both { model.add(Bidirectional::new(lstm)) } else { model.add(lstm) };
    model.add(Dense::new(10))
}

#[test]
fn steps_of_a_recurrent_layer_share_a_kernel_and_their_numbers() {
    let context = wgrad_testing::open(false);
    let (short, long) = (steps(4, 3, true), steps(4, 9, true));
    let kernels = |model: &Model| {
        let plan = pollster::block_on(compile(&context, model, Mode::Train, 5)).expect("compiles");
        let distinct: BTreeSet<_> = plan.steps.iter().map(|s| Arc::as_ptr(s.launch.kernel())).collect();
        let cells = plan.steps.iter().filter(|s| s.launch.kernel().name.starts_with("lstm_cell_forward/"));
        (distinct.len(), cells.count(), plan.program.constants.len())
    };
    let ((few, cells, numbers), (many, more_cells, more_numbers)) = (kernels(&short), kernels(&long));
    assert_eq!((cells, more_cells), (6, 18));
    assert_eq!(few, many, "another kernel for every step");
    // One for each step, forward or backward, in either direction.
    assert_eq!(more_numbers - numbers, 6);
}

#[test]
fn zeros_reach_as_far_as_the_batch() {
    let context = wgrad_testing::open(false);
    // More zeros before the first step than any parameter has elements.
    let model = steps(2, 2, false);
    let longest = model.parameters().expect("fits").iter().map(|p| p.len()).max();
    for mode in MODES {
        let plan = pollster::block_on(compile(&context, &model, mode, 64)).expect("compiles");
        let zeros = plan.program.values.iter().filter(|v| v.home == Home::Zeros).map(Value::len).max();
        assert!(zeros > longest, "{zeros:?} zeros, {longest:?} in a parameter");
        for (value, slice) in plan.program.values.iter().zip(&plan.slices) {
            if value.home == Home::Zeros {
                let read = pollster::block_on(context.read(slice)).expect("reads");
                assert_eq!(read, vec![0.0; value.len()], "{mode:?}");
            }
        }
    }
}

/// Checks that the memory plan of `program` is sound: long enough, and never shared by two values that are needed
/// at once. Returns the number of pairs that are needed at once.
fn sound(program: &Program) -> Result<usize, String> {
    let plan = program.temporaries();
    let lives: Vec<(usize, usize, usize)> = (0..program.values.len())
        .filter(|v| program.values[*v].home == Home::Temporary)
        .filter_map(|v| {
            let uses = |node: &Node| node.buffers.iter().any(|(_, id)| id.0 == v);
            let first = program.nodes.iter().position(uses)?;
            let last = program.nodes.iter().rposition(uses)?;
            Some((v, first, if program.output.0 == v { usize::MAX } else { last }))
        })
        .collect();
    let mut at_once = 0;
    for (n, (a, first_a, last_a)) in lives.iter().enumerate() {
        if plan.lens[plan.buffer_of[*a]] < program.values[*a].len() {
            return Err(format!("value {a} does not fit its buffer"));
        }
        for (b, first_b, last_b) in &lives[n + 1..] {
            let both = first_a <= last_b && first_b <= last_a;
            at_once += usize::from(both);
            if both && plan.buffer_of[*a] == plan.buffer_of[*b] {
                return Err(format!("values {a} and {b} share a buffer"));
            }
        }
    }
    Ok(at_once)
}

/// Bytes of all temporaries, if none shared.
fn alone(program: &Program) -> u64 {
    let temporaries = program.values.iter().filter(|v| v.home == Home::Temporary);
    temporaries.map(|v| 4 * v.len() as u64).sum()
}

#[test]
fn the_built_in_networks_share_memory_soundly_and_save_some() {
    for (name, _) in NETWORKS {
        let program = built_in(name)
            .program(&Preprocessing::default(), Mode::Train, 128, 4, &Optimizer::default())
            .expect("fits");
        let at_once = sound(&program).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (shared, alone) = (program.temporaries().bytes(), alone(&program));
        println!(
            "{name}: {:.1} MiB of {:.1}, {at_once} pairs at once",
            shared as f64 / 1e6,
            alone as f64 / 1e6
        );
        assert!(at_once > 3 && shared <= alone, "{name}: {shared} of {alone} bytes");
        // In `linear`, everything is needed at once.
        assert!(name == &"linear" || shared < alone, "{name}: nothing is shared");
    }
    let program = built_in("cnn")
        .program(&Preprocessing::default(), Mode::Train, 128, 4, &Optimizer::default())
        .expect("fits");
    assert!(program.temporaries().bytes() * 10 < alone(&program) * 9, "the largest network saves too little");
}

/// A program without a meaning: each dispatch writes one or two new values of random length and
/// reads some that were written earlier.
fn program() -> impl Strategy<Value = Program> {
    let node =
        (prop::collection::vec(1..50usize, 1..3), prop::collection::vec(any::<prop::sample::Index>(), 0..4));
    (prop::collection::vec(node, 1..30), any::<prop::sample::Index>()).prop_map(|(nodes, output)| {
        let (mut values, mut list) = (Vec::new(), Vec::new());
        for (outputs, inputs) in nodes {
            let mut buffers = Vec::new();
            if !values.is_empty() {
                buffers.extend(inputs.iter().map(|input| ("x", ValueId(input.index(values.len())))));
            }
            for len in outputs {
                buffers.push(("y", ValueId(values.len())));
                values.push(Value { name: "v".into(), shape: vec![len], home: Home::Temporary });
            }
            let (label, call) = ("n".into(), Call::new(&MATMUL, &[]));
            list.push(Node { label, pass: Pass::Forward, call, buffers });
        }
        let output = ValueId(output.index(values.len()));
        let (mode, parameters) = (Mode::Train, Vec::new());
        let constants = Vec::new();
        Program {
            mode,
            batch: 1,
            pixels: 1,
            labels: 1,
            heads: 0,
            values,
            nodes: list,
            parameters,
            output,
            example_weights: None,
            kept: Vec::new(),
            slots: 1,
            constants,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_that_are_needed_at_once_never_share(program in program()) {
        prop_assert_eq!(sound(&program).err(), None);
        prop_assert!(program.temporaries().bytes() <= alone(&program));
    }
}

#[test]
fn a_batch_beyond_the_limits_is_refused_with_one_that_fits() {
    let context = wgrad_testing::open_within(1 << 20);
    for name in ["mlp", "cnn"] {
        let model = built_in(name);
        let run = |batch| pollster::block_on(compile(&context, &model, Mode::Train, batch)).map(|_| ());
        let (got, next) = match run(4096) {
            Err(Error::TooLarge { bytes, limit, next, .. }) => ((bytes > limit, limit), next),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(got, (true, 1 << 20));
        let fits = next.split_whitespace().find_map(|word| word.trim_matches('`').parse::<usize>().ok());
        let fits = fits.unwrap_or_else(|| panic!("{name}: no batch in {next:?}"));
        println!("{name}: {next}");
        run(fits).unwrap_or_else(|e| panic!("{name}: a batch of {fits} is said to fit: {e}"));
        assert!(matches!(run(fits + 1), Err(Error::TooLarge { .. })), "{name}: {} would fit too", fits + 1);
    }
    // Not one image fits, so `.batch = 0` would be no help.
    let context = wgrad_testing::open_within(150_000);
    let wide = Model::new("wide", [28, 28, 1]).add(wgrad::layers::Conv2D::new(64, 3));
    let wide = wide.add(wgrad::layers::Flatten::new());
    let refused = pollster::block_on(compile(&context, &wide, Mode::Evaluate, 4)).err().expect("refused");
    assert!(refused.to_string().contains("not even one image"), "{refused}");
}
