//! The losses against PyTorch: each row and the gradient, with weights, smoothing and mixup. The fixture comes from
//! `scripts/make_loss_fixtures.py`, which computed it in float64. It is compared with the twins, against which the
//! kernels are proven, so no adapter is needed.

use safetensors::SafeTensors;
use std::collections::{BTreeMap, BTreeSet};
use wgrad::{
    feed::{Batch, Step},
    kernels,
    op::{
        Sizes,
        activations::LINEAR,
        twin::{Data, Inputs, values},
    },
    reference::random,
};

/// Relative to the largest element of the tensor. The rest of the error is that of 0.1, 0.3 and 0.75 in f32.
const SHARE: f64 = 1e-6;

fn numbers(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = file.tensor(name).unwrap_or_else(|_| panic!("the fixture has {name}"));
    match tensor.dtype() {
        safetensors::Dtype::F64 => bytemuck::pod_collect_to_vec(tensor.data()),
        safetensors::Dtype::F32 => {
            bytemuck::pod_collect_to_vec::<u8, f32>(tensor.data()).into_iter().map(f64::from).collect()
        }
        _ => bytemuck::pod_collect_to_vec::<u8, i32>(tensor.data()).into_iter().map(f64::from).collect(),
    }
}

/// A step whose key mixes each of 7 rows with the one two behind it.
fn step() -> Step {
    let keyed = |n| Step { rows: 7, mixed: 0.3, ..Step::default() }.keyed(1, n);
    (0..1000).map(keyed).find(|step| 1 + random(step, 0x8000_0000, 0) % 6 == 2).expect("one in six")
}

#[test]
fn every_loss_is_pytorchs() {
    let bytes = std::fs::read(wgrad_testing::fixture("losses.safetensors")).expect("the fixture");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let (logits, labels) = (numbers(&file, "logits"), numbers(&file, "labels"));
    let first: Vec<f64> = logits.chunks_exact(4).map(|row| row[0]).collect();
    let mut seen = BTreeSet::new();
    for name in file.names().into_iter().filter_map(|name| name.strip_suffix(".loss")) {
        let (op, setting) = name.split_once('.').unwrap_or((name, ""));
        let op = kernels::op(op).unwrap_or_else(|e| panic!("{e}"));
        let classes = if op.name == "binary_cross_entropy" { 2 } else { 4 };
        let mut sizes = Sizes::from([("ROWS".to_string(), 7.0), ("CLASSES".to_string(), f64::from(classes))]);
        let all = setting == "all";
        if (all && op.name.ends_with("entropy")) || setting == "smooth" {
            sizes.insert("SMOOTHING".into(), f64::from(0.1f32));
        }
        if all || setting == "mixed" {
            sizes.insert("MIXUP".into(), 1.0);
        }
        if op.name == "huber" {
            sizes.insert("DELTA".into(), 0.75);
        }
        let weighted = all || setting == "weighted";
        let weights = if weighted { numbers(&file, "weights") } else { vec![1.0; 4] };
        let weights = Data::Real(weights[..classes as usize].to_vec());
        let input =
            Data::Real(if op.name == "softmax_cross_entropy" { logits.clone() } else { first.clone() });
        let labels = labels.iter().map(|label| *label as u32 % if classes == 2 { 2 } else { 4 }).collect();
        let batch = Batch { images: Vec::new(), labels };
        let inputs = Inputs {
            sizes: &sizes,
            buffers: BTreeMap::from([("logits", &input), ("weights", &weights)]),
            activation: &LINEAR,
            step: step(),
            batch: &batch,
        };
        for (buffer, expected) in op.twin(&inputs) {
            let suffix = match buffer {
                "loss" => "loss",
                "dlogits" => "grad",
                _ => continue,
            };
            let Data::Real(got) = values(expected) else { panic!("{name}: {buffer} holds no numbers") };
            let wanted = numbers(&file, &format!("{name}.{suffix}"));
            let size = wanted.iter().fold(0.0f64, |size, v| size.max(v.abs()));
            assert_eq!(got.len(), wanted.len(), "{name}.{suffix}");
            for (row, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
                let error = (got - wanted).abs();
                assert!(error <= SHARE * size, "{name}.{suffix}[{row}] is {got}, PyTorch's is {wanted}");
            }
            seen.insert(format!("{name}.{suffix}"));
        }
    }
    assert_eq!(seen.len(), 2 * (2 * 5 + 3 * 4), "{seen:?}");
}
