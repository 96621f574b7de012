//! Every gradient kernel against the kernel that it differentiates, by finite differences in f64 on the CPU twins,
//! for a random functional Σ r·y of the outputs. No adapter is needed.

use std::collections::{BTreeMap, BTreeSet};
use wgrad::{
    derivative::derivative,
    feed::{Batch, Step},
    kernels::*,
    op::{
        Access, Activation as Elementwise, At, Op, Sizes,
        activations::{ACTIVATIONS, LINEAR},
        sizes::parse_sizes,
        twin::{Data, Inputs, values},
    },
};
use wgrad_testing::differences::{functional, hold, lengths, noise};

/// A gradient kernel, the kernel it differentiates, and which gradient belongs to which input.
struct Rule {
    backward: &'static Op,
    forward: &'static Op,
    pairs: &'static [(&'static str, &'static str)],
    /// True if the gradient also goes through the activation that wrote the input.
    fused: bool,
}

static RULES: &[Rule] = &[
    Rule { backward: &MATMUL_GRAD_INPUT, forward: &MATMUL, pairs: &[("x", "dx")], fused: true },
    Rule {
        backward: &MATMUL_GRAD_WEIGHT,
        forward: &MATMUL,
        pairs: &[("w", "dw"), ("b", "db")],
        fused: false,
    },
    Rule { backward: &CONV2D_GRAD_INPUT, forward: &CONV2D_FORWARD, pairs: &[("x", "dx")], fused: true },
    Rule {
        backward: &CONV2D_GRAD_WEIGHT,
        forward: &CONV2D_FORWARD,
        pairs: &[("w", "dw"), ("b", "db")],
        fused: false,
    },
    Rule { backward: &MAX_POOL2D_GRAD, forward: &MAX_POOL2D_FORWARD, pairs: &[("x", "dx")], fused: true },
    Rule { backward: &ACTIVATION_GRAD, forward: &ACTIVATION_FORWARD, pairs: &[("x", "dx")], fused: false },
    Rule { backward: &BINARY_GRAD, forward: &BINARY, pairs: &[("a", "dx")], fused: true },
    Rule {
        backward: &GROUPED_CONV2D_GRAD_INPUT,
        forward: &GROUPED_CONV2D_FORWARD,
        pairs: &[("x", "dx")],
        fused: true,
    },
    Rule {
        backward: &GROUPED_CONV2D_GRAD_WEIGHT,
        forward: &GROUPED_CONV2D_FORWARD,
        pairs: &[("w", "dw"), ("b", "db")],
        fused: false,
    },
    Rule {
        backward: &AVERAGE_POOL2D_GRAD,
        forward: &AVERAGE_POOL2D_FORWARD,
        pairs: &[("x", "dx")],
        fused: true,
    },
    Rule { backward: &PAD2D_GRAD, forward: &PAD2D_FORWARD, pairs: &[("x", "dx")], fused: true },
    Rule { backward: &RESIZE2D_GRAD, forward: &RESIZE2D_FORWARD, pairs: &[("x", "dx")], fused: true },
    Rule { backward: &PRELU_GRAD_INPUT, forward: &PRELU_FORWARD, pairs: &[("x", "dx")], fused: true },
    Rule { backward: &PRELU_GRAD_WEIGHT, forward: &PRELU_FORWARD, pairs: &[("alpha", "dw")], fused: false },
    Rule { backward: &SOFTMAX_GRAD, forward: &SOFTMAX_FORWARD, pairs: &[("x", "dx")], fused: false },
    Rule { backward: &DROPOUT_GRAD, forward: &DROPOUT_FORWARD, pairs: &[("x", "dx")], fused: true },
    Rule {
        backward: &RANDOM_AFFINE_GRAD,
        forward: &RANDOM_AFFINE_FORWARD,
        pairs: &[("x", "dx")],
        fused: true,
    },
];

/// Operations that join layers and split gradients; `gradients.rs` tests them in whole graphs.
const JOINING: [&str; 4] = ["add", "batch_dot", "concatenate", "slice_columns"];

/// Forward and backward in several dispatches, or by the same operation; `gradients.rs` tests them in whole layers.
const COMPOSED: [&str; 32] = [
    "random_tone_forward",
    "random_tone_grad",
    "permute_forward",
    "attention_forward",
    "attention_grad",
    "attention_grad_delta",
    "embedding_forward",
    "embedding_grad",
    "kl_divergence",
    "cosine_similarity",
    "batch_norm_partials",
    "batch_norm_combine",
    "batch_norm_moving",
    "batch_norm_forward",
    "batch_norm_grad_partials",
    "batch_norm_grad_combine",
    "batch_norm_grad_input",
    "layer_norm_forward",
    "layer_norm_grad_input",
    "layer_norm_grad_weight",
    "clear",
    "simple_rnn_cell_forward",
    "simple_rnn_cell_grad",
    "lstm_cell_forward",
    "lstm_cell_grad",
    "gru_cell_forward",
    "gru_cell_grad",
    "recurrent_output",
    "mask_rows",
    "masked_state",
    "masked_cell",
    "masked_gradient",
];

/// Operations without a gradient.
const WITHOUT_GRADIENT: [&str; 28] = [
    "unary",
    "decode",
    "augment",
    "sum_metrics",
    "position_means",
    "sort_tokens",
    "token_starts",
    "mask_steps",
    "mask_shares",
    "sgd",
    "adam",
    "rmsprop",
    "adagrad",
    "lion",
    "muon_momentum",
    "inverse_norm",
    "scaled",
    "newton_schulz",
    "muon",
    "penalty_partials",
    "add_penalty",
    "penalize",
    "constrain_norm",
    "constrain_sign",
    "square_partials",
    "clip_scale",
    "accumulate",
    "moving_average",
];

type Buffers = BTreeMap<String, Data>;

/// Adds the outputs of the twin of `op` for `buffers` to them.
fn apply(
    op: &Op,
    sizes: &Sizes,
    activation: &'static Elementwise,
    buffers: &mut Buffers,
    feed: &(Batch, Step),
) {
    let inputs = Inputs {
        sizes,
        buffers: buffers.iter().map(|(name, data)| (name.as_str(), data)).collect(),
        activation,
        step: feed.1,
        batch: &feed.0,
    };
    for (name, expected) in op.twin(&inputs) {
        buffers.insert(name.to_string(), values(expected));
    }
}

fn real<'a>(buffers: &'a Buffers, name: &str) -> &'a [f64] {
    match buffers.get(name) {
        Some(Data::Real(values)) => values,
        other => panic!("`{name}` holds {other:?}"),
    }
}

fn rule_holds(rule: &Rule, case: &str, activation: &'static Elementwise) {
    let sizes: Sizes = parse_sizes(case).expect("a case").into_iter().collect();
    let feed = (Batch::default(), Step::default().keyed(5, 8));
    let forward_activation = if rule.fused { &LINEAR } else { activation };
    let points: BTreeMap<String, Vec<f64>> = lengths(rule.forward, &sizes)
        .into_iter()
        .filter(|(_, access, ..)| *access == Access::Read)
        .enumerate()
        .map(|(n, (name, _, _, len))| (name, noise(40 + n as u64, len)))
        .collect();
    // The gradient is taken with respect to the argument of the activation that wrote the input.
    let fused = |name: &str| rule.fused && rule.pairs.iter().any(|(input, _)| *input == name);
    let place = |name: &str, point: &[f64]| match fused(name) {
        true => Data::Real(point.iter().map(|z| (activation.value)(*z)).collect()),
        false => Data::Real(point.to_vec()),
    };
    let mut buffers: Buffers = points.iter().map(|(name, p)| (name.clone(), place(name, p))).collect();
    apply(rule.forward, &sizes, forward_activation, &mut buffers, &feed);
    let r = noise(7, real(&buffers, "y").len());
    let forward = buffers.clone();
    buffers.insert("dy".into(), Data::Real(r.clone()));
    let at = if activation.at == At::Output { "y" } else { "x" };
    buffers.insert("at".into(), buffers[at].clone());
    apply(rule.backward, &sizes, activation, &mut buffers, &feed);
    if buffers.contains_key("partials") {
        // The rows of a split, of which the last is the bias; CO columns.
        let columns = ["CO", "A"].iter().find_map(|name| sizes.get(*name)).expect("columns");
        let rows = real(&buffers, "partials").len() as f64 / sizes["SPLITS"] / columns;
        let mut second = sizes.clone();
        second.extend([("TAPS".to_string(), rows - 1.0), ("CO".to_string(), *columns)]);
        apply(&SUM_PARTIALS, &second, &LINEAR, &mut buffers, &feed);
    }
    for (input, gradient) in rule.pairs {
        let what = format!("{} of {} ({activation:?}) at {case}", gradient, rule.backward.name);
        hold(&what, &points[*input], real(&buffers, gradient), 24, |point| {
            let mut buffers = forward.clone();
            buffers.insert(input.to_string(), place(input, point));
            apply(rule.forward, &sizes, forward_activation, &mut buffers, &feed);
            functional(&r, real(&buffers, "y"))
        });
    }
}

#[test]
fn every_gradient_kernel_differentiates_its_forward_kernel() {
    let mut covered: BTreeSet<&str> = WITHOUT_GRADIENT.into();
    for rule in RULES {
        let cases = rule.backward.cases().iter().filter(|case| {
            let sizes: Sizes = parse_sizes(case).expect("a case").into_iter().collect();
            lengths(rule.backward, &sizes).iter().map(|(.., len)| len).sum::<usize>() < 8000
        });
        let mut ran = 0;
        for case in cases {
            let activations = if rule.backward.activated() { ACTIVATIONS } else { &ACTIVATIONS[..1] };
            for activation in activations.iter().filter(|a| !rule.fused || a.at == At::Output) {
                rule_holds(rule, case, activation);
                ran += 1;
            }
        }
        assert!(ran >= 2, "{}: {ran} cases", rule.backward.name);
        covered.extend([rule.forward.name, rule.backward.name]);
    }
    covered.extend(JOINING.iter().chain(&COMPOSED).copied());
    covered.insert(SUM_PARTIALS.name);
    covered.extend(LOSSES.iter().map(|(op, _)| op.name));
    let all: BTreeSet<&str> = OPERATIONS.iter().map(|op| op.name).collect();
    assert_eq!(covered, all, "an operation has no rule here, or no place in WITHOUT_GRADIENT");
}

/// Every form of layer normalization, at lengths above and below the least one.
#[test]
fn every_layer_normalization_has_the_gradient_of_its_input() {
    let rule = Rule {
        backward: &LAYER_NORM_GRAD_INPUT,
        forward: &LAYER_NORM_FORWARD,
        pairs: &[("x", "dx")],
        fused: true,
    };
    let mut forms = BTreeSet::new();
    for case in LAYER_NORM_FORWARD.cases() {
        let sizes: Sizes = parse_sizes(case).expect("a case").into_iter().collect();
        if lengths(rule.forward, &sizes).iter().map(|(.., len)| len).sum::<usize>() < 8000 {
            for activation in ACTIVATIONS.iter().filter(|a| ["linear", "tanh"].contains(&a.name)) {
                rule_holds(&rule, case, activation);
            }
            let of = |name: &str| sizes.get(name).copied().unwrap_or_default() as usize;
            forms.insert((of("NORM"), of("GROUPS")));
        }
    }
    assert_eq!(forms, [(0, 0), (0, 2), (0, 13), (1, 0), (1, 4), (2, 0)].into());
}

/// Every loss with its overrides.
const LOSSES: &[(&Op, &[&str])] = &[
    (&SOFTMAX_CROSS_ENTROPY, &["", ",SMOOTHING=0.1", ",MIXUP=1", ",SMOOTHING=0.25,MIXUP=1", PLACES]),
    (&BINARY_CROSS_ENTROPY, &["", ",SMOOTHING=0.1", ",MIXUP=1", ",SMOOTHING=0.25,MIXUP=1", PLACES]),
    (&MEAN_SQUARED_ERROR, &["", ",MIXUP=1", PLACES]),
    (&MEAN_ABSOLUTE_ERROR, &["", ",MIXUP=1", PLACES]),
    (&HUBER, &[",DELTA=0.75", ",DELTA=2,MIXUP=1"]),
];

/// Several labels for each image.
const PLACES: &str = ",MIXUP=1,POSITIONS=3";

#[test]
fn the_gradient_of_every_loss_is_that_of_the_mean_over_the_valid_rows() {
    let (rows, valid) = (5, 3);
    for (op, settings) in LOSSES {
        let columns = if op.name == SOFTMAX_CROSS_ENTROPY.name { 4 } else { 1 };
        let classes = if op.name == BINARY_CROSS_ENTROPY.name { 2 } else { 4 };
        for setting in *settings {
            let sizes = parse_sizes(&format!("ROWS={rows},CLASSES={classes}{setting}")).expect("sizes");
            let sizes: Sizes = sizes.into_iter().collect();
            let places = sizes.get("POSITIONS").map_or(1, |places| *places as usize);
            let columns = columns * places;
            let labels = vec![9, 2, 0, 3, 9, 9]
                .into_iter()
                .flat_map(|label| (0..places as u32).map(move |n| label + n));
            let labels = labels.map(|label| if label < 9 { label % classes } else { 9 });
            let batch = Batch { images: Vec::new(), labels: labels.collect() };
            let step = Step { first: 1, rows: valid, mixed: 0.3, ..Step::default() }.keyed(2, 3);
            let feed = (batch, step);
            let logits: Vec<f64> = noise(3, rows * columns).iter().map(|v| 4.0 * v).collect();
            let weights = (0..classes).map(|class| 0.5 + f64::from(class)).collect();
            let run = |point: &[f64]| {
                let mut buffers = Buffers::from([
                    ("logits".into(), Data::Real(point.to_vec())),
                    ("weights".into(), Data::Real(Vec::clone(&weights))),
                ]);
                apply(op, &sizes, &LINEAR, &mut buffers, &feed);
                buffers
            };
            let gradient = real(&run(&logits), "dlogits").to_vec();
            let beyond = &gradient[valid as usize * columns..];
            assert!(!beyond.is_empty() && beyond.iter().all(|g| *g == 0.0), "rows beyond the batch count");
            let what = format!("dlogits of {}{setting}", op.name);
            hold(&what, &logits, &gradient, usize::MAX, |point| {
                real(&run(point), "loss").iter().sum::<f64>() / (f64::from(valid) * places as f64)
            });
        }
    }
}

#[test]
fn a_wrong_gradient_and_a_kink_are_seen() {
    let right = derivative(1.0, |h| (0.5 + h).sin());
    assert!(right.smooth && (right.slope - 0.5f64.cos()).abs() <= right.allowed, "{right:?}");
    assert!((right.slope - 1.0001 * 0.5f64.cos()).abs() > right.allowed, "a scaled gradient passes");
    for kink in [2e-7, -4e-7, 7e-7] {
        let found = derivative(1.0, |h| (h - kink).max(0.0));
        assert!(!found.smooth, "a kink at {kink}: {found:?}");
    }
    assert!(!derivative(1.0, |_| f64::NAN).smooth);
}

#[test]
#[should_panic(expected = "expected Derivative")]
fn a_gradient_that_forgets_an_element_fails() {
    hold("x", &[0.3, 0.4], &[1.0, 0.0], 9, |x| x[0] + x[1]);
}
