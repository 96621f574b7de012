//! Every layer without recurrence, and every activation, against Keras: outputs, gradients, moving averages, alone on
//! the device. `scripts/make_layer_fixtures.py` wrote Keras's results in float64.

use safetensors::SafeTensors;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use wgrad::{
    feed::Step,
    gpu::{Context, FeedBuffers},
    kernels::ADD,
    layers::{Layer, Place},
    op::{Call, activations::ACTIVATIONS},
    plan::{Arenas, Plan},
    program::{Builder, Mode, Parameter, ParameterId, ValueId, arena_len},
    selection::Choices,
};

/// Allowed distance, as a share of the norm.
const SHARE: f64 = 1e-5;

struct Fixture {
    bytes: Vec<u8>,
    /// Layer, shape of the input with the batch, whether it trains; by the case's name.
    cases: BTreeMap<String, (Json, Vec<usize>, bool)>,
}

fn fixture() -> Fixture {
    read("layers.safetensors")
}

fn read(name: &str) -> Fixture {
    let bytes = std::fs::read(wgrad_testing::fixture(name)).expect("fixture");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("safetensors");
    let all = header.metadata().clone().expect("cases").into_iter().filter(|(_, text)| text.starts_with('{'));
    let case = |(name, text): (String, String)| {
        let json: Json = serde_json::from_str(&text).expect("JSON");
        let shape = serde_json::from_value(json["shape"].clone()).expect("a shape");
        (name, (json["layer"].clone(), shape, json["training"].as_bool().expect("yes or no")))
    };
    Fixture { cases: all.map(case).collect(), bytes }
}

impl Fixture {
    fn tensor(&self, case: &str, name: &str) -> Vec<f32> {
        let file = SafeTensors::deserialize(&self.bytes).expect("safetensors");
        let tensor = file.tensor(&format!("{case}.{name}")).unwrap_or_else(|e| panic!("{case}.{name}: {e}"));
        bytemuck::pod_collect_to_vec(tensor.data())
    }

    /// Distance between the device's and Keras's values, as a share of the norm.
    fn near(&self, case: &str, name: &str, got: &[f32]) -> f64 {
        let expected = self.tensor(case, name);
        assert_eq!(got.len(), expected.len(), "{case}.{name}");
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let size = norm(&mut expected.iter().map(|e| f64::from(*e)));
        let off = norm(&mut got.iter().zip(&expected).map(|(g, e)| f64::from(*g) - f64::from(*e)));
        assert!(size > 0.0, "{case}.{name} is zero, and proves nothing");
        let share = off / size;
        if share.is_nan() { f64::INFINITY } else { share }
    }

    /// All values of a case against those of a layer with `change` applied to its arguments: name and distance.
    async fn run(&self, context: &Context, case: &str, change: impl Fn(&mut Json)) -> Vec<(String, f64)> {
        let found = self.values(context, case, change).await;
        found.into_iter().map(|(name, values)| (name.clone(), self.near(case, &name, &values))).collect()
    }

    /// All values of a layer with `change` applied to its arguments.
    async fn values(
        &self,
        context: &Context,
        case: &str,
        change: impl Fn(&mut Json),
    ) -> Vec<(String, Vec<f32>)> {
        let (mut json, shape, training) = self.cases[case].clone();
        change(&mut json);
        let layer: Layer = serde_json::from_value(json.clone()).unwrap_or_else(|e| panic!("{json}: {e}"));
        let (batch, input) = (shape[0], shape[1..].to_vec());
        let output = layer.rules().output_shape(&input).unwrap_or_else(|e| panic!("{json}: {e}"));
        let parameters = parameters(&layer, &input);
        let mode = if training { Mode::Train } else { Mode::Evaluate };
        let mut b = Builder::new(mode, batch, 1, 1, parameters.clone());
        // Constants exist before the first dispatch, and are never written.
        let x = b.constant("x", self.tensor(case, "x"));
        let ids = (0..parameters.len()).map(ParameterId).collect();
        let inputs = vec![(x, input.clone())];
        let name = "layer".to_string();
        let mut place = Place { name, input, output, parameters: ids, x, inputs, ..Place::default() };
        let y = layer.rules().forward(&mut b, &mut place);
        b.program.output = y;
        let dx = training.then(|| {
            let r = b.constant("r", self.tensor(case, "r"));
            let dy = b.through_fused("functional", y, r);
            let dx = layer.rules().backward(&mut b, &place, dy, true).expect("a gradient of its input");
            kept(&mut b, dx)
        });

        let arenas = Arenas::new(context, &parameters, 1).expect("fits");
        let mut weights = vec![0.0; arena_len(&parameters)];
        for p in &parameters {
            weights[p.offset..p.offset + p.len()]
                .copy_from_slice(&self.tensor(case, &format!("p.{}", p.name)));
        }
        context.write(&arenas.parameters, &weights);
        let plan = Plan::compile(context, b.program, &arenas, &Choices::default()).await.expect("compiles");
        let feed = FeedBuffers::new(context, batch, (1, 1), 1).expect("fits");
        let step = Step { rows: batch as u32, ..Step::default() };
        feed.upload(context, &wgrad::feed::Batch::default(), &[step.keyed(0, 0)]);
        context.submit_with(|pass| plan.record(pass, &feed, 0));

        let mut found = vec![("y".to_string(), context.read(plan.output()).await.expect("reads"))];
        let Some(dx) = dx else { return found };
        let read = context.read(&plan.slices[dx.0]).await.expect("reads");
        found.push(("dx".to_string(), read));
        let gradients = context.read(&arenas.gradients).await.expect("reads");
        let after = context.read(&arenas.parameters).await.expect("reads");
        for p in &parameters {
            let (name, arena) = match p.trained {
                true => (format!("d.{}", p.name), &gradients),
                false => (format!("after.{}", p.name), &after),
            };
            found.push((name, arena[p.offset..p.offset + p.len()].to_vec()));
        }
        found
    }
}

/// The parameters of the layer, trained and others, in sequence.
fn parameters(layer: &Layer, input: &[usize]) -> Vec<Parameter> {
    let trained = layer.rules().parameters(input).into_iter().map(|tensor| (tensor, true));
    let states = layer.rules().states(input).into_iter().map(|tensor| (tensor, false));
    let mut all = Vec::<Parameter>::new();
    for ((short, shape, initializer), trained) in trained.chain(states) {
        let offset = if all.is_empty() { 0 } else { arena_len(&all) };
        all.push(Parameter { name: short.to_string(), shape, initializer, offset, trained });
    }
    all
}

/// A copy that the last dispatch writes, so that no later one takes its buffer.
fn kept(b: &mut Builder, value: ValueId) -> ValueId {
    let count = b.program.values[value.0].len();
    let zeros = b.constant("nothing", vec![0.0; count]);
    let copy = b.temporary("copy", vec![count]);
    b.call("copy", Call::new(&ADD, &[("COUNT", count)]), &[("y", copy), ("a", value), ("b", zeros)]);
    copy
}

#[test]
fn every_layer_computes_what_keras_computes() {
    let (context, fixture) = (wgrad_testing::open(false), fixture());
    let (mut wrong, mut kinds, mut compared) = (Vec::new(), Vec::new(), 0);
    for (case, (layer, ..)) in &fixture.cases {
        let found = pollster::block_on(fixture.run(&context, case, |_| ()));
        kinds.push(layer["type"].as_str().expect("a type").to_string());
        compared += found.len();
        wrong.extend(
            found
                .into_iter()
                .filter(|(_, share)| *share > SHARE)
                .map(|(name, share)| format!("{case}, {layer}: {name} is off by {share:.1e} of its norm")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 180, "{compared}");
    kinds.sort();
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "Activation",
            "AveragePooling1D",
            "AveragePooling2D",
            "BatchNormalization",
            "CenterCrop",
            "Conv1D",
            "Conv1DTranspose",
            "Conv2D",
            "Conv2DTranspose",
            "Cropping1D",
            "Cropping2D",
            "Dense",
            "DepthwiseConv1D",
            "DepthwiseConv2D",
            "ELU",
            "EinsumDense",
            "GlobalAveragePooling1D",
            "GlobalAveragePooling2D",
            "GlobalMaxPooling1D",
            "GlobalMaxPooling2D",
            "GroupNormalization",
            "LayerNormalization",
            "LeakyReLU",
            "MaxPooling1D",
            "MaxPooling2D",
            "Normalization",
            "PReLU",
            "Permute",
            "RMSNormalization",
            "ReLU",
            "RepeatVector",
            "Rescaling",
            "Resizing",
            "SeparableConv1D",
            "SeparableConv2D",
            "Softmax",
            "TimeDistributed",
            "UnitNormalization",
            "UpSampling1D",
            "UpSampling2D",
            "ZeroPadding1D",
            "ZeroPadding2D"
        ]
    );
}

#[test]
fn every_activation_is_in_the_fixture() {
    let fixture = fixture();
    let names: Vec<_> =
        fixture.cases.values().filter_map(|(layer, ..)| layer["activation"].as_str()).collect();
    let missing: Vec<_> = ACTIVATIONS.iter().map(|a| a.name).filter(|name| !names.contains(name)).collect();
    assert_eq!(missing, ["linear"]);
}

#[test]
fn another_argument_of_a_layer_is_seen() {
    let (context, fixture) = (wgrad_testing::open(false), fixture());
    let changes: [(&str, &str, Json); 8] = [
        ("BatchNormalization", "epsilon", 0.002.into()),
        ("BatchNormalization", "momentum", 0.9.into()),
        ("LayerNormalization", "epsilon", 0.002.into()),
        ("GroupNormalization", "epsilon", 0.002.into()),
        ("GroupNormalization", "groups", 1.into()),
        ("RMSNormalization", "epsilon", 0.002.into()),
        ("Activation", "activation", "tanh".into()),
        ("Conv2D", "activation", "relu".into()),
    ];
    for (kind, argument, value) in changes {
        let mut of_kind =
            fixture.cases.iter().filter(|(_, (layer, _, training))| layer["type"] == kind && *training);
        let (case, _) = of_kind.next().expect("in the fixture");
        let found = pollster::block_on(fixture.run(&context, case, |layer| layer[argument] = value.clone()));
        let worst = found.iter().map(|(_, share)| *share).fold(0.0, f64::max);
        assert!(worst > 10.0 * SHARE, "{kind} with another {argument} is as near: {worst:e}");
    }
}

#[test]
fn augmentation_computes_what_keras_computes() {
    let (context, fixture) = (wgrad_testing::open(false), read("augmentation.safetensors"));
    let (mut wrong, mut kinds) = (Vec::new(), std::collections::BTreeSet::new());
    for (case, (layer, shape, _)) in &fixture.cases {
        kinds.insert(layer["type"].as_str().expect("a type").to_string());
        let values = pollster::block_on(fixture.values(&context, case, |_| ()));
        if layer["type"] != "RandomFlip" {
            let found = values.iter().map(|(name, values)| (name, fixture.near(case, name, values)));
            let far = found.filter(|(_, share)| *share > SHARE);
            wrong.extend(far.map(|(name, share)| format!("{case}, {layer}: {name} is off by {share:.1e}")));
            continue;
        }
        // Each image is as it was or as Keras mirrors it, and so is its gradient.
        let pixels: usize = shape[1..].iter().product();
        let mut flips = Vec::new();
        for (name, values) in &values {
            let (kept, flipped) =
                (fixture.tensor(case, if name == "y" { "x" } else { "r" }), fixture.tensor(case, name));
            let of = |(n, image): (usize, &[f32])| {
                let range = n * pixels..(n + 1) * pixels;
                let flip = image == &flipped[range.clone()];
                assert!(flip || image == &kept[range], "{case}, {layer}: {name} of image {n}");
                flip
            };
            flips.push(values.chunks(pixels).enumerate().map(of).collect::<Vec<_>>());
        }
        assert_eq!(flips[0], flips[1], "{case}, {layer}");
        assert!(flips[0].contains(&true) && flips[0].contains(&false), "{case}, {layer}: {flips:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let expected = ["RandomBrightness", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
}
