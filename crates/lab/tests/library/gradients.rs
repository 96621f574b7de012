//! Tests the gradients of layers and networks by finite differences, in f64, on the CPU twins: every kind of layer in
//! the middle of a graph with respect to parameters and input, and whole networks through their loss. They need no
//! adapter. `gradients_of_operations.rs` covers single operations.

use std::{collections::BTreeSet, path::Path};
use wgrad::{
    feed::{Batch, Step},
    kernels::OPERATIONS,
    layers::{
        Activation, Add, AlphaDropout, Attention, Average, AveragePooling1D, AveragePooling2D,
        BatchNormalization, Bidirectional, CenterCrop, Concatenate, Conv1D, Conv1DTranspose, Conv2D,
        Conv2DTranspose, Cropping1D, Cropping2D, Dense, DepthwiseConv1D, DepthwiseConv2D, Dot, Dropout, ELU,
        EinsumDense, Embedding, FillMode, Flatten, FlipMode, GRU, GaussianDropout, GaussianNoise,
        GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalMaxPooling1D, GlobalMaxPooling2D,
        GroupNormalization, InputLayer, Interpolation, LSTM, Layer, LayerNormalization, LeakyReLU, Masking,
        MaxPooling1D, MaxPooling2D, Maximum, MergeMode, Minimum, MultiHeadAttention, Multiply, Normalization,
        Numbers, PReLU, Padding, Permute, Place, RMSNormalization, RandomBrightness, RandomContrast,
        RandomCrop, RandomFlip, RandomRotation, RandomTranslation, RandomZoom, ReLU, Recurrent, RepeatVector,
        Rescaling, Reshape, Resizing, SeparableConv1D, SeparableConv2D, Sides, SimpleRNN, Softmax,
        SpatialDropout1D, SpatialDropout2D, Subtract, TimeDistributed, UnitNormalization, UpSampling1D,
        UpSampling2D, ZeroPadding1D, ZeroPadding2D,
    },
    loss::Loss,
    model::{Head, Model},
    networks::{NETWORKS, network, network_for},
    objective::Objective,
    op::{activations::ACTIVATIONS, twin::Data},
    optim::{Adagrad, Adam, Lion, Method, Muon, Optimizer, RmsProp},
    preprocessing::Preprocessing,
    program::{Builder, Mode, Parameter, ParameterId, ValueId, arena_len, interpreter::Interpreter},
    regularization::{Constraint, Regularizer},
};
use wgrad_formats::model_file;
use wgrad_lab::check::gradients;
use wgrad_testing::differences::{functional, hold, lengths, noise};

/// Layers in the middle of a graph: Σ r·y of their output, with random r, is differentiated with respect to their input
/// and every parameter.
fn stack_holds(name: &str, input: [usize; 3], layers: &[Layer], seed: u64) {
    let batch = 2;
    let (mut parameters, mut places, mut shape) = (Vec::<Parameter>::new(), Vec::new(), input.to_vec());
    for (index, layer) in layers.iter().enumerate() {
        let output = layer.rules().output_shape(&shape).expect("fits");
        let mut ids = Vec::new();
        let trained = layer.rules().parameters(&shape).into_iter().map(|tensor| (tensor, true));
        let states = layer.rules().states(&shape).into_iter().map(|tensor| (tensor, false));
        for ((short, shape, initializer), trained) in trained.chain(states) {
            let offset = if parameters.is_empty() { 0 } else { arena_len(&parameters) };
            ids.push(ParameterId(parameters.len()));
            let name = format!("{index}.{short}");
            parameters.push(Parameter { name, shape, initializer, offset, trained });
        }
        let input = std::mem::replace(&mut shape, output.clone());
        let inputs = vec![(ValueId(0), input.clone())];
        let name = format!("layer {index}");
        // Every second stack leaves the activations to the layers before them.
        let alone = seed.is_multiple_of(200);
        places.push(Place { name, index, input, output, parameters: ids, inputs, alone, ..Place::default() });
    }
    let mut weights: Vec<f32> = noise(seed, arena_len(&parameters)).into_iter().map(|w| w as f32).collect();
    for p in parameters.iter().filter(|p| p.name.ends_with("variance")) {
        weights[p.offset..p.offset + p.len()].iter_mut().for_each(|v| *v = 0.25 + v.abs());
    }
    let mut b = Builder::new(Mode::Train, batch, input.iter().product(), 1, parameters.clone());
    let image = b.batched("image", &input);
    let mut y = image;
    for (layer, place) in layers.iter().zip(&mut places) {
        place.x = y;
        place.inputs[0].0 = y;
        y = layer.rules().forward(&mut b, place);
    }
    let forward = 0..b.program.nodes.len();
    let r = b.batched("r", &shape);
    let mut dy = b.through_fused("functional", y, r);
    for (layer, place) in layers.iter().zip(&places).rev() {
        dy = layer.rules().backward(&mut b, place, dy, true).expect("a gradient of its input");
    }

    let all = 0..b.program.nodes.len();
    let mut machine = Interpreter::new(b.program, &weights);
    let pixels = noise(seed + 1, batch * input.iter().product::<usize>());
    let functional_of = noise(seed + 2, batch * shape.iter().product::<usize>());
    machine.set(image, Data::Real(pixels.clone()));
    machine.set(r, Data::Real(functional_of.clone()));
    let feed = (Batch::default(), Step { rows: batch as u32, ..Step::default() }.keyed(seed, 0));
    machine.run(all, &feed.0, feed.1);

    let input_gradient = machine.real(dy);
    assert!(input_gradient.iter().any(|g| *g != 0.0), "{name}: the gradient of the input is zero");
    let mut shifted = machine.clone();
    hold(&format!("{name}: d image"), &pixels, &input_gradient, 40, |point| {
        shifted.set(image, Data::Real(point.to_vec()));
        shifted.run(forward.clone(), &feed.0, feed.1);
        functional(&functional_of, &shifted.real(y))
    });
    for p in parameters.iter().filter(|p| p.trained) {
        let range = p.offset..p.offset + p.len();
        let gradient = &machine.gradients[range.clone()];
        assert!(gradient.iter().any(|g| *g != 0.0), "{name}: the gradient of {} is zero", p.name);
        let mut shifted = machine.clone();
        hold(&format!("{name}: d {}", p.name), &machine.parameters[range.clone()], gradient, 40, |point| {
            shifted.parameters[range.clone()].copy_from_slice(point);
            shifted.run(forward.clone(), &feed.0, feed.1);
            functional(&functional_of, &shifted.real(y))
        });
    }
}

fn dense(units: usize, activation: &str) -> Layer {
    Dense::new(units).activation(activation).expect("known").into()
}

fn conv(filters: usize, kernel: (usize, usize), activation: &str) -> Conv2D {
    Conv2D::new(filters, kernel).activation(activation).expect("known")
}

fn pool(size: (usize, usize), strides: (usize, usize), padding: Padding) -> Layer {
    MaxPooling2D { strides: Some(strides.into()), padding, ..MaxPooling2D::new(size) }.into()
}

fn alone(activation: &str) -> Layer {
    Activation::new(activation).expect("known").into()
}

/// Stacks of layers that together contain every kind, with all its options.
fn stacks() -> Vec<(String, [usize; 3], Vec<Layer>)> {
    use Padding::{Same, Valid};
    let names = || ACTIVATIONS.iter().map(|a| a.name).chain(["softmax"]);
    let flat = || Layer::from(Flatten::new());
    let mut all = Vec::new();
    let mut add = |name: String, input, layers: Vec<Layer>| all.push((name, input, layers));
    for name in names() {
        add(
            format!("dense {name}"),
            [2, 3, 1],
            vec![flat(), dense(5, name), dense(4, name), dense(3, "linear")],
        );
        add(
            format!("conv {name}"),
            [5, 4, 2],
            vec![conv(3, (3, 2), name).into(), conv(2, (2, 2), name).into(), flat(), dense(3, name)],
        );
        add(
            format!("activation {name}"),
            [2, 2, 3],
            vec![alone(name), flat(), dense(4, "linear"), alone(name)],
        );
        add(
            format!("activation {name} behind a fused one"),
            [2, 2, 2],
            vec![flat(), dense(5, "tanh"), alone(name), dense(9, "relu"), alone(name)],
        );
        add(
            format!("dropout and pool behind {name}"),
            [8, 8, 1],
            vec![
                conv(4, (3, 3), name).into(),
                Dropout::new(0.4).into(),
                pool((2, 2), (2, 2), Valid),
                conv(6, (2, 2), name).into(),
                Dropout::new(0.3).into(),
                flat(),
                dense(3, "linear"),
            ],
        );
    }
    let by_name: [Layer; 6] = [
        ReLU::default().into(),
        ReLU { max_value: Some(6.0), ..ReLU::default() }.into(),
        ReLU { negative_slope: 0.1, ..ReLU::default() }.into(),
        LeakyReLU::default().into(),
        ELU::default().into(),
        Softmax::default().into(),
    ];
    for (n, layer) in by_name.into_iter().enumerate() {
        let layers = vec![flat(), dense(5, "tanh"), layer.clone(), dense(4, "linear"), layer];
        add(format!("layer {n} by name"), [2, 3, 1], layers);
    }
    for padding in [Valid, Same] {
        for strides in [(1, 1), (2, 2), (2, 3)] {
            let strided = |filters, kernel| conv(filters, kernel, "tanh").strides(strides).padding(padding);
            let layers =
                vec![strided(3, (3, 2)).into(), strided(2, (2, 1)).into(), flat(), dense(2, "linear")];
            add(format!("conv strides {strides:?} {padding:?}"), [9, 8, 2], layers);
        }
        // Adjacent, overlapping, with gaps, not square.
        for (size, strides) in
            [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((3, 3), (1, 1)), ((2, 2), (3, 3)), ((1, 3), (2, 1))]
        {
            let layers =
                vec![conv(3, (2, 2), "tanh").into(), pool(size, strides, padding), flat(), dense(2, "tanh")];
            add(format!("pool {size:?} strides {strides:?} {padding:?}"), [7, 6, 1], layers);
        }
    }
    for name in ["linear", "tanh", "relu"] {
        let normalized = |scale, center| BatchNormalization { scale, center, ..BatchNormalization::new() };
        for (scale, center) in [(true, true), (false, true), (true, false), (false, false)] {
            add(
                format!("batch norm {scale} {center} behind {name}"),
                [4, 3, 2],
                vec![
                    conv(3, (2, 2), name).into(),
                    normalized(scale, center).into(),
                    alone(name),
                    flat(),
                    dense(7, name),
                    BatchNormalization::new().into(),
                    dense(2, "linear"),
                ],
            );
            let rows = LayerNormalization { scale, center, ..LayerNormalization::new() };
            add(
                format!("layer norm {scale} {center} behind {name}"),
                [4, 3, 2],
                vec![conv(3, (2, 2), name).into(), rows.into(), alone(name), flat(), dense(2, "linear")],
            );
            let groups = |count| GroupNormalization { scale, center, ..GroupNormalization::new(count) };
            add(
                format!("group norm {scale} {center} behind {name}"),
                [4, 3, 2],
                vec![
                    conv(6, (2, 2), name).into(),
                    groups(3).into(),
                    alone(name),
                    conv(4, (2, 1), "tanh").into(),
                    groups(-1).into(),
                    flat(),
                    groups(2).into(),
                    dense(2, "linear"),
                ],
            );
        }
        add(
            format!("root mean squares and lengths behind {name}"),
            [4, 3, 2],
            vec![
                conv(3, (2, 2), name).into(),
                RMSNormalization { epsilon: 0.01, name: None }.into(),
                alone(name),
                dense(4, name),
                UnitNormalization::new().into(),
                flat(),
                RMSNormalization::new().into(),
                dense(5, "tanh"),
                UnitNormalization::new().into(),
                dense(2, "linear"),
            ],
        );
        add(
            format!("noise behind {name}"),
            [4, 3, 2],
            vec![
                conv(3, (2, 2), name).into(),
                GaussianNoise::new(0.3).into(),
                alone(name),
                GaussianDropout::new(0.4).into(),
                flat(),
                dense(5, name),
                AlphaDropout::new(0.3).into(),
                dense(4, "tanh"),
                GaussianNoise::new(0.0).into(),
                AlphaDropout::new(0.0).into(),
                dense(2, "linear"),
            ],
        );
        let depthwise = DepthwiseConv2D {
            padding: Same,
            depth_multiplier: 2,
            activation: name.parse().expect("known"),
            ..DepthwiseConv2D::new((3, 2))
        };
        let groups = Conv2D { groups: 2, ..conv(4, (2, 3), name) };
        let gaps = Conv2D { dilation_rate: (2, 1).into(), ..conv(2, (2, 2), name) };
        add(
            format!("depthwise, groups and gaps {name}"),
            [7, 6, 2],
            vec![
                conv(2, (1, 1), name).into(),
                depthwise.into(),
                groups.into(),
                gaps.padding(Same).into(),
                flat(),
                dense(2, "linear"),
            ],
        );
        add(
            format!("means, padding, slopes behind {name}"),
            [6, 5, 2],
            vec![
                conv(3, (2, 2), name).into(),
                ZeroPadding2D::new(Sides { height: [0, 2], width: [1, 1] }).into(),
                LayerNormalization::new().into(),
                PReLU { shared_axes: vec![1, 2], name: None }.into(),
                SpatialDropout2D::new(0.4).into(),
                AveragePooling2D { padding: Same, strides: Some(2.into()), ..AveragePooling2D::new(3) }
                    .into(),
                dense(4, "linear"),
                PReLU::new().into(),
                Reshape::new(&[-1, 4]).into(),
                dense(3, name),
                flat(),
                dense(2, "linear"),
            ],
        );
        for last in [
            Layer::from(GlobalAveragePooling2D::new()),
            GlobalMaxPooling2D { keepdims: true, name: None }.into(),
        ] {
            add(
                format!("{} behind {name}", last.kind()),
                [5, 4, 2],
                vec![conv(3, (2, 2), name).into(), last, flat(), dense(2, "linear")],
            );
        }
    }
    for (name, layers) in sequences() {
        add(name, [6, 5, 2], layers);
    }
    add(
        "pool and dropout first".into(),
        [6, 6, 2],
        vec![pool((3, 2), (2, 2), Same), Dropout::new(0.5).into(), flat()],
    );
    for (name, layers) in recurrent() {
        add(name, [4, 3, 1], layers);
    }
    let bare_conv = Conv2D { use_bias: false, ..conv(2, (2, 2), "relu") };
    let bare_dense = Dense { use_bias: false, ..Dense::new(3) };
    add(
        "without bias".into(),
        [4, 4, 1],
        vec![bare_conv.into(), flat(), bare_dense.into(), dense(2, "linear")],
    );
    add(
        "rate 0".into(),
        [3, 3, 1],
        vec![flat(), dense(4, "relu"), Dropout::new(0.0).into(), dense(2, "linear")],
    );
    all
}

/// Stacks of layers over time, and of changes of size, after and before fused activations.
fn sequences() -> Vec<(String, Vec<Layer>)> {
    let ends = || [Flatten::new().into(), dense(2, "linear")];
    let mut all = Vec::new();
    for name in ["linear", "tanh", "relu"] {
        let line = |filters, kernel| Conv1D::new(filters, kernel).activation(name).expect("known");
        let steps = || Layer::from(Reshape::new(&[12, 5]));
        let causal = Conv1D { dilation_rate: 2, groups: 2, ..line(4, 3).padding(Padding::Causal) };
        let strided = Conv1D { strides: 2, use_bias: false, ..line(3, 2).padding(Padding::Same) };
        let max = MaxPooling1D { padding: Padding::Same, strides: Some(1), ..MaxPooling1D::new(3) };
        let mean = AveragePooling1D { padding: Padding::Same, strides: Some(2), ..AveragePooling1D::new(3) };
        let mut stack = |part: &str, layers: Vec<Layer>| {
            let layers = [steps(), line(4, 2).into()].into_iter().chain(layers).chain(ends()).collect();
            all.push((format!("{part} over time behind {name}"), layers));
        };
        stack("convolutions", vec![causal.into(), strided.into()]);
        stack("pools", vec![max.into(), mean.into()]);
        stack("the mean", vec![GlobalAveragePooling1D::new().into()]);
        stack("the maximum", vec![GlobalMaxPooling1D { keepdims: true, name: None }.into()]);
        stack(
            "edges",
            vec![
                ZeroPadding1D::new([2, 1]).into(),
                line(3, 2).into(),
                Cropping1D::new([1, 3]).into(),
                SpatialDropout1D::new(0.4).into(),
                UpSampling1D::new(3).into(),
            ],
        );
        let sizes = vec![
            conv(3, (2, 2), name).into(),
            Cropping2D::new(Sides { height: [1, 0], width: [0, 2] }).into(),
            alone("tanh"),
            conv(5, (1, 1), name).into(),
            UpSampling2D::new((2, 3)).into(),
            alone("tanh"),
        ];
        let axes = vec![
            conv(3, (2, 2), name).into(),
            Permute::new(&[3, 1, 2]).into(),
            alone("tanh"),
            conv(4, (2, 2), name).into(),
            Permute::new(&[3, 2, 1]).into(),
            dense(2, name),
            Permute::new(&[1, 3, 2]).into(),
            Reshape::new(&[4, 2, 2, 2]).into(),
            Permute::new(&[4, 2, 1, 3]).into(),
            dense(3, "tanh"),
            Reshape::new(&[1, 8, 6]).into(),
            Permute::new(&[2, 1, 3]).into(),
        ];
        all.push((format!("axes behind {name}"), axes.into_iter().chain(ends()).collect()));
        let filled = |fill_mode| RandomRotation { fill_mode, ..RandomRotation::new(0.3) };
        let near = RandomZoom { interpolation: Interpolation::Nearest, ..RandomZoom::new([-0.5, 0.2]) };
        let augmented = vec![
            conv(3, (2, 2), name).into(),
            RandomFlip::new(FlipMode::Horizontal).into(),
            conv(2, (1, 1), name).into(),
            RandomTranslation { fill_mode: FillMode::Wrap, ..RandomTranslation::new(0.4, 0.3) }.into(),
            conv(2, (1, 2), name).into(),
            filled(FillMode::Nearest).into(),
            conv(2, (1, 1), name).into(),
            near.into(),
            conv(2, (1, 1), name).into(),
            RandomContrast { value_range: [-1.5, 1.5], ..RandomContrast::new(0.8) }.into(),
            conv(3, (1, 1), name).into(),
            RandomBrightness { value_range: [-1.5, 1.5], ..RandomBrightness::new(0.2) }.into(),
            conv(3, (1, 1), name).into(),
            RandomCrop::new(3, 2).into(),
        ];
        all.push((format!("augmented behind {name}"), augmented.into_iter().chain(ends()).collect()));
        let turned = vec![
            conv(3, (2, 2), name).into(),
            RandomZoom { width_factor: Some(0.4.into()), ..RandomZoom::new(0.9) }.into(),
            filled(FillMode::Reflect).into(),
            conv(2, (1, 1), name).into(),
            filled(FillMode::Constant).into(),
            filled(FillMode::Wrap).into(),
        ];
        all.push((format!("turned behind {name}"), turned.into_iter().chain(ends()).collect()));
        let nearest = Resizing { interpolation: Interpolation::Nearest, ..Resizing::new(2, 9) };
        let between = UpSampling2D { interpolation: Interpolation::Bilinear, ..UpSampling2D::new((2, 1)) };
        let resized = vec![
            conv(3, (2, 2), name).into(),
            Resizing::new(7, 3).into(),
            alone("tanh"),
            conv(4, (2, 1), name).into(),
            nearest.into(),
            conv(3, (1, 2), name).into(),
            between.into(),
            CenterCrop::new(3, 5).into(),
            conv(2, (1, 1), name).into(),
            Resizing::new(2, 6).into(),
        ];
        all.push((format!("resized behind {name}"), resized.into_iter().chain(ends()).collect()));
        all.push((format!("sizes of images behind {name}"), sizes.into_iter().chain(ends()).collect()));
        all.extend(distributed(name).into_iter().map(|(part, layers)| {
            (format!("{part} behind {name}"), layers.into_iter().chain(ends()).collect())
        }));
        all.extend(transposed(name).into_iter().map(|(part, layers)| {
            (format!("{part} behind {name}"), layers.into_iter().chain(ends()).collect())
        }));
    }
    all
}

/// Layers on each step of a sequence: of vectors, of images, of sequences of their own.
fn distributed(name: &str) -> [(&'static str, Vec<Layer>); 3] {
    let each = |layer: Layer| Layer::from(TimeDistributed::new(layer));
    let line = Conv1D::new(4, 2).activation(name).expect("known");
    let both = Bidirectional::new(GRU::new(2).return_sequences());
    [
        (
            "vectors on each step",
            vec![
                conv(3, (2, 2), name).into(),
                each(line.into()),
                each(dense(4, "linear")),
                each(PReLU::new().into()),
                each(alone(name)),
                each(MaxPooling1D::new(2).into()),
                each(Flatten::new().into()),
                each(Dropout::new(0.3).into()),
                each(dense(4, name)),
                each(LayerNormalization::new().into()),
                each(RepeatVector::new(2).into()),
                each(SpatialDropout1D::new(0.2).into()),
            ],
        ),
        (
            "images on each step",
            vec![
                Reshape::new(&[3, 5, 4, 1]).into(),
                each(conv(3, (2, 2), name).into()),
                alone("tanh"),
                each(conv(4, (2, 1), name).into()),
                each(GroupNormalization::new(2).into()),
                each(pool((2, 2), (1, 1), Padding::Valid)),
                each(GlobalAveragePooling2D::new().into()),
                each(dense(4, "tanh")),
                LSTM::new(3).into(),
            ],
        ),
        (
            "sequences on each step",
            vec![
                Reshape::new(&[3, 5, 4]).into(),
                dense(3, name),
                each(both.into()),
                each(LSTM::new(3).into()),
                SimpleRNN::new(3).into(),
            ],
        ),
    ]
}

/// Separable and transposed convolutions of images and sequences, after and before fused activations; factors and shifts.
fn transposed(name: &str) -> [(&'static str, Vec<Layer>); 4] {
    use Padding::Same;
    let activation = name.parse().expect("known");
    let separable =
        SeparableConv2D { padding: Same, depth_multiplier: 2, activation, ..SeparableConv2D::new(3, (3, 2)) };
    let bare = SeparableConv2D { strides: 2.into(), use_bias: false, ..SeparableConv2D::new(2, 2) };
    let larger = Conv2DTranspose { activation, ..Conv2DTranspose::new(2, (3, 2)).strides((2, 3)) };
    let gaps = Conv2DTranspose {
        dilation_rate: (2, 1).into(),
        use_bias: false,
        activation,
        ..Conv2DTranspose::new(2, 2).padding(Same)
    };
    let bare_larger = Conv2DTranspose { use_bias: false, ..Conv2DTranspose::new(2, 2) };
    let steps = Layer::from(Reshape::new(&[12, 5]));
    let line = SeparableConv1D { activation, padding: Same, ..SeparableConv1D::new(3, 2) };
    let own = DepthwiseConv1D { depth_multiplier: 2, activation, ..DepthwiseConv1D::new(3) };
    let longer = Conv1DTranspose { strides: 2, padding: Same, activation, ..Conv1DTranspose::new(2, 3) };
    let normalized = Normalization {
        mean: Some(Numbers::Each(vec![0.5, -1.0, 0.25])),
        variance: Some(Numbers::One(0.25)),
        ..Normalization::new()
    };
    [
        ("separable convolutions", vec![conv(2, (2, 2), name).into(), separable.into(), bare.into()]),
        (
            "transposed convolutions",
            vec![conv(2, (2, 2), name).into(), larger.into(), gaps.into(), bare_larger.into(), alone("tanh")],
        ),
        ("separable and transposed over time", vec![steps, line.into(), own.into(), longer.into()]),
        (
            "factors and repetitions",
            vec![
                conv(3, (2, 2), name).into(),
                Rescaling { offset: Numbers::One(0.5), ..Rescaling::new(-1.5) }.into(),
                conv(3, (2, 2), name).into(),
                normalized.into(),
                Normalization::new().into(),
                Flatten::new().into(),
                dense(4, name),
                RepeatVector::new(3).into(),
                alone("sigmoid"),
                dense(3, name),
            ],
        ),
    ]
}

/// Stacks of recurrent layers: each kind with all its options, alone, stacked, in both directions, after and before
/// fused activations.
fn recurrent() -> Vec<(String, Vec<Layer>)> {
    let steps = || Layer::from(Reshape::new(&[4, 3]));
    let mut all = Vec::new();
    for (n, activation) in ["tanh", "sigmoid", "softsign", "linear", "elu"].into_iter().enumerate() {
        let activation = activation.parse().expect("known");
        let gates = ["sigmoid", "hard_sigmoid"][n % 2].parse().expect("known");
        for (return_sequences, go_backwards, use_bias) in
            [(true, false, true), (false, true, true), (true, true, false), (false, false, false)]
        {
            let simple =
                SimpleRNN { activation, use_bias, return_sequences, go_backwards, ..SimpleRNN::new(4) };
            let lstm = LSTM {
                activation,
                recurrent_activation: gates,
                use_bias,
                return_sequences,
                go_backwards,
                unit_forget_bias: use_bias,
                ..LSTM::new(3)
            };
            let gru = GRU {
                activation,
                recurrent_activation: gates,
                use_bias,
                return_sequences,
                go_backwards,
                ..GRU::new(3)
            };
            for layer in [Recurrent::from(simple), lstm.into(), gru.into()] {
                let name = format!("{layer:?}");
                let single = match layer.clone() {
                    Recurrent::SimpleRNN(layer) => Layer::from(layer),
                    Recurrent::LSTM(layer) => layer.into(),
                    Recurrent::GRU(layer) => layer.into(),
                };
                // The following activation must neither enter the recurrent kernel nor be lost.
                let below = LSTM::new(2).return_sequences();
                let layers =
                    vec![steps(), dense(3, "tanh"), single.clone(), alone("tanh"), dense(2, "linear")];
                let flatten = return_sequences.then(|| Layer::from(Flatten::new()));
                all.push((name.clone(), layers.into_iter().chain(flatten.clone()).collect()));
                let layers = vec![steps(), below.into(), single, dense(3, "sigmoid"), dense(2, "linear")];
                all.push((format!("stacked {name}"), layers.into_iter().chain(flatten.clone()).collect()));
                let merge_mode = [MergeMode::Concat, MergeMode::Sum][all.len() / 2 % 2];
                let both = Bidirectional { merge_mode, ..Bidirectional::new(layer) };
                let layers = vec![steps(), dense(3, "tanh"), both.into(), alone("tanh"), dense(2, "linear")];
                all.push((format!("{merge_mode:?} {name}"), layers.into_iter().chain(flatten).collect()));
            }
        }
    }
    all
}

/// Networks that are not stacks: residual, with one value used three times, concatenated, with activations that a
/// preceding kernel can fuse and with some that it cannot.
fn graphs() -> Vec<Model> {
    let same = |filters, activation| conv(filters, (3, 3), activation).padding(Padding::Same);
    let named = |mut layer: Conv2D, name: &str| {
        layer.name = Some(name.into());
        layer
    };
    let mut all = Vec::new();
    for name in ["linear", "relu", "tanh", "gelu", "softmax"] {
        let residual = Model::new(&format!("residual {name}"), [4, 3, 2])
            .add(named(same(3, name), "stem"))
            .add(same(3, "linear"))
            .add(alone(name))
            .add(same(3, "linear"))
            .add_from(Add::new(), &["stem", "conv2d_3"])
            .add(alone(name))
            .add_from(named(same(3, "tanh"), "side"), &["add_1"])
            .add_from(Add::new(), &["side", "activation_2", "stem"])
            .add(Flatten::new())
            .add(dense(3, "linear"));
        all.push(residual);
        let joined = Model::new(&format!("joined {name}"), [4, 3, 2])
            .add(named(same(3, name), "a"))
            .add_from(named(same(2, "relu"), "b"), &["input"])
            .add_from(Concatenate::new(), &["b", "input", "a", "b"])
            .add(alone(name))
            .add_from(Flatten::new(), &["a"])
            .add_from(Dropout::new(0.3), &["activation_1"])
            .add(Flatten { name: Some("flat".into()) })
            .add_from(Concatenate::new(), &["flatten_1", "flat"])
            .add(dense(3, "linear"));
        all.push(joined);
        let merged = Model::new(&format!("merged {name}"), [4, 3, 2])
            .add(named(same(3, name), "a"))
            .add_from(named(same(3, "tanh"), "b"), &["input"])
            .add_from(GlobalAveragePooling2D { keepdims: true, name: Some("share".into()) }, &["b"])
            .add_from(Multiply::new(), &["a", "share", "b"])
            .add_from(Subtract::new(), &["multiply_1", "a"])
            .add_from(Maximum::new(), &["a", "b", "subtract_1"])
            .add_from(Minimum::new(), &["share", "b"])
            .add_from(Average::new(), &["maximum_1", "minimum_1", "subtract_1"])
            .add(Flatten::new())
            .add(dense(3, "linear"));
        all.push(merged);
        // Two inputs through the same layers, one of which normalizes.
        let input =
            |name: &str, first| InputLayer { name: Some(name.into()), ..InputLayer::new(&[4, 3, 1], first) };
        let twins = Model::new(&format!("twins {name}"), [1, 1, 24])
            .add(input("left", 0))
            .add(named(same(2, name), "stem"))
            .add(BatchNormalization { name: Some("norm".into()), ..BatchNormalization::new() })
            .add(named(same(2, "tanh"), "first"))
            .add(input("right", 12))
            .add(named(same(2, name), "stem_again"))
            .sharing("stem")
            .add(BatchNormalization::new())
            .sharing("norm")
            .add(named(same(2, "tanh"), "second"))
            .sharing("first")
            .add(named(same(2, "linear"), "third"))
            .sharing("first")
            .add_from(Concatenate::new(), &["first", "second", "third"])
            .add(Flatten::new())
            .add(dense(3, "linear"));
        all.push(twins);
        // Outputs with a loss each: one that another layer takes too, one with places, one that weighs nothing.
        let output = |units, activation: &str, name: &str| {
            let layer = Dense { name: Some(name.into()), ..Dense::new(units) };
            layer.activation(activation).expect("known")
        };
        let heads = Model::new(&format!("heads {name}"), [4, 3, 2])
            .add(named(same(3, name), "stem"))
            .add(named(same(2, name), "map"))
            .add(Flatten { name: Some("flat".into()) })
            .add(output(1, "sigmoid", "yes"))
            .add_from(output(4, "softmax", "class"), &["flat"])
            .add_from(GlobalAveragePooling2D { name: Some("share".into()), ..Default::default() }, &["stem"])
            .add(output(2, name, "numbers"))
            .add_from(output(2, "linear", "idle"), &["map"])
            .with_heads([
                Head::new("class").weighted(0.2),
                Head::new("map").with_loss(Loss::MeanSquaredError),
                Head::new("yes").weighted(3.0),
                Head::new("numbers").with_loss(Loss::CosineSimilarity),
                Head::new("idle").weighted(0.0),
            ]);
        all.push(heads);
        // A frozen normalization in training, before and behind layers that are trained.
        let frozen = Model::new(&format!("frozen {name}"), [4, 3, 2])
            .add(same(3, name))
            .add(BatchNormalization::new())
            .frozen()
            .add(same(2, name))
            .frozen()
            .add(Flatten::new())
            .add(dense(3, "linear"));
        all.push(frozen);
        let held = Model::new(&format!("held {name}"), [4, 3, 2])
            .add(same(3, name))
            .regularized("kernel", Regularizer::l2(0.05))
            .regularized("bias", Regularizer::l1(0.02))
            .constrained("kernel", Constraint::MaxNorm { max_value: 0.5, axis: vec![0, 1, 2] })
            .add(Flatten::new())
            .add(dense(3, "linear"))
            .regularized("kernel", Regularizer { l1: 0.01, l2: 0.02 })
            .constrained("kernel", Constraint::NonNeg);
        all.push(held);
    }
    all.extend(attentive());
    all.extend(places().into_iter().map(|(model, _)| model));
    all
}

/// Networks of words, and of attention: to the sequence itself, and to another.
fn attentive() -> Vec<Model> {
    let words = Model::new("words", [1, 1, 9])
        .add(Rescaling::new(6.0))
        .add(Embedding::new(12, 3))
        .add(LSTM::new(3))
        .add(dense(3, "linear"));
    let named =
        |layer: MultiHeadAttention, name: &str| MultiHeadAttention { name: Some(name.into()), ..layer };
    let wide = MultiHeadAttention { value_dim: Some(5), use_bias: false, ..MultiHeadAttention::new(3, 2) };
    let causal = MultiHeadAttention { use_causal_mask: true, ..MultiHeadAttention::new(2, 4) };
    let attends = Model::new("attends", [6, 4, 1])
        .add(Reshape { target_shape: vec![6, 4], name: Some("x".into()) })
        .add_from(named(MultiHeadAttention::new(2, 3), "own"), &["x", "x"])
        .add_from(Add::new(), &["x", "own"])
        .add(LayerNormalization { name: Some("even".into()), ..LayerNormalization::new() })
        .add_from(named(causal, "causal"), &["even", "even"])
        .add_from(Cropping1D::new([1, 1]), &["x"])
        .add_from(named(wide, "other"), &["causal", "cropping1d_1", "cropping1d_1"])
        .add(Flatten::new())
        .add(dense(3, "linear"));
    let equation = |equation, lens: &[i64], bias: Option<&str>, name: &str| EinsumDense {
        activation: "tanh".parse().expect("known"),
        bias_axes: bias.map(String::from),
        name: Some(name.into()),
        ..EinsumDense::new(equation, lens)
    };
    let products = Model::new("products", [6, 4, 1])
        .add(Reshape { target_shape: vec![6, 4], name: Some("x".into()) })
        .add(equation("abc,cd->abd", &[-1, 5], Some("d"), "query"))
        .add_from(equation("...x,xy->...y", &[5], None, "value"), &["x"])
        .add_from(Attention { name: Some("own".into()), ..Attention::new() }, &["query", "query"])
        .add_from(Attention { use_causal_mask: true, ..Attention::new() }, &["own", "value", "query"])
        .add(equation("abc,cde->abde", &[-1, 2, 3], Some("ed"), "heads"))
        .add(equation("abcd,cde->abe", &[-1, 4], Some("e"), "joined"))
        .add_from(Dot { name: Some("pairs".into()), ..Dot::new(1) }, &["joined", "value"])
        .add_from(Dot { normalize: true, name: Some("cosines".into()), ..Dot::new(2) }, &["joined", "x"])
        .add_from(Dot { name: Some("mixed".into()), ..Dot::new([1, 1]) }, &["cosines", "value"])
        .add_from(Dot { name: Some("square".into()), ..Dot::new([2, 1]) }, &["cosines", "mixed"])
        .add_from(
            GlobalAveragePooling1D { name: Some("mean".into()), ..GlobalAveragePooling1D::new() },
            &["pairs"],
        )
        .add_from(Dot { name: Some("along".into()), ..Dot::new([1, -1]) }, &["mean", "value"])
        .add_from(Dot { name: Some("other".into()), ..Dot::new([1, 2]) }, &["mean", "square"])
        .add_from(Dot { normalize: true, name: Some("cosine".into()), ..Dot::new(1) }, &["along", "other"])
        .add_from(Flatten { name: Some("flat".into()) }, &["square"])
        .add_from(Concatenate::new(), &["flat", "along", "cosine"])
        .add(dense(3, "linear"));
    // Weights are dropped: the same in both passes, others in each layer.
    let dropping = MultiHeadAttention { dropout: 0.4, ..MultiHeadAttention::new(2, 3) };
    let seen = MultiHeadAttention { dropout: 0.2, use_causal_mask: true, ..MultiHeadAttention::new(1, 4) };
    let drops = Model::new("drops weights", [6, 4, 1])
        .add(Reshape { target_shape: vec![6, 4], name: Some("x".into()) })
        .add_from(named(dropping, "own"), &["x", "x"])
        .add_from(named(seen, "seen"), &["own", "x"])
        .add_from(Attention { dropout: 0.3, ..Attention::new() }, &["seen", "x", "own"])
        .add(Flatten::new())
        .add(dense(3, "linear"));
    [words, attends, products, drops].into_iter().chain(masked()).collect()
}

/// Networks of sequences in which some steps do not count: those whose numbers are all below a half.
fn masked() -> Vec<Model> {
    let named = |mut layer: Masking, name: &str| {
        layer.name = Some(name.into());
        layer
    };
    let model = |name: &str, layers: Vec<Layer>| {
        let steps = Model::new(name, [6, 2, 1])
            .add(Reshape::new(&[6, 2]))
            .add(Rescaling { offset: Numbers::One(-0.5), ..Rescaling::new(1.0) })
            .add(ReLU::default())
            .add(named(Masking::new(), "x"));
        layers.into_iter().fold(steps, |model, layer| model.add(layer))
    };
    let both = |layer: Recurrent, merge_mode| Bidirectional { merge_mode, ..Bidirectional::new(layer) };
    let zeros = GRU { zero_output_for_mask: true, ..GRU::new(3).return_sequences() };
    let backwards = SimpleRNN { go_backwards: true, ..SimpleRNN::new(3) };
    let behind = LSTM { go_backwards: true, ..LSTM::new(3).return_sequences() };
    let named_attention =
        |layer: MultiHeadAttention, name: &str| MultiHeadAttention { name: Some(name.into()), ..layer };
    let causal = MultiHeadAttention { use_causal_mask: true, ..MultiHeadAttention::new(2, 3) };
    let attends = model("masked attention", vec![dense(4, "tanh")])
        .add_from(named_attention(MultiHeadAttention::new(2, 3), "own"), &["dense_1", "dense_1"])
        .add_from(Add::new(), &["dense_1", "own"])
        .add_from(named_attention(causal, "causal"), &["add_1", "add_1"])
        .add_from(Cropping1D::new([1, 1]), &["dense_1"])
        .add_from(
            named_attention(
                MultiHeadAttention { dropout: 0.3, ..MultiHeadAttention::new(1, 2) },
                "of masked",
            ),
            &["cropping1d_1", "causal"],
        )
        .add_from(
            named_attention(MultiHeadAttention::new(2, 2), "by masked"),
            &["causal", "cropping1d_1", "of masked"],
        )
        .add_from(Concatenate::new(), &["by masked", "own"])
        .add(GlobalAveragePooling1D::new())
        .add(dense(3, "linear"));
    let words = Model::new("masked words", [1, 1, 9])
        .add(Rescaling { offset: Numbers::One(-3.0), ..Rescaling::new(6.0) })
        .add(ReLU::default())
        .add(Embedding { mask_zero: true, ..Embedding::new(4, 3) })
        .add(LSTM::new(3))
        .add(dense(3, "linear"));
    vec![
        model(
            "masked recurrence",
            vec![
                SimpleRNN::new(3).return_sequences().into(),
                Dropout::new(0.2).into(),
                LSTM::new(3).return_sequences().into(),
                behind.into(),
                zeros.into(),
                GRU::new(2).return_sequences().into(),
                LSTM::new(3).into(),
                dense(3, "linear"),
            ],
        ),
        model("masked backwards", vec![dense(3, "tanh"), backwards.into(), dense(3, "linear")]),
        model(
            "masked in both directions",
            vec![
                both(LSTM::new(2).return_sequences().into(), MergeMode::Concat).into(),
                both(GRU::new(3).return_sequences().into(), MergeMode::Sum).into(),
                both(SimpleRNN::new(2).into(), MergeMode::Concat).into(),
                dense(3, "linear"),
            ],
        ),
        model(
            "masked mean",
            vec![
                dense(4, "tanh"),
                LayerNormalization::new().into(),
                GlobalAveragePooling1D::new().into(),
                dense(3, "linear"),
            ],
        ),
        model(
            "masked loss",
            vec![GRU::new(3).return_sequences().into(), TimeDistributed::new(dense(3, "softmax")).into()],
        ),
        attends,
        words,
    ]
}

/// The mean over the steps that count, and the loss over them, against plain arithmetic.
#[test]
fn a_mask_leaves_steps_out() {
    let model = masked().into_iter().find(|model| model.name == "masked loss").expect("is there");
    let program = model.program(&Preprocessing::default(), Mode::Train, 2, 1, &Optimizer::default());
    let mut machine = Interpreter::new(program.expect("fits"), &model.initial_weights(4).expect("fits"));
    // Steps 1 and 4 of the first sequence count, and no step but 0 of the second.
    let mut images = vec![10u8; 24];
    for step in [1, 4, 6] {
        images[2 * step] = 200;
    }
    let batch = Batch { images, labels: (0..12).map(|n| n % 3).collect() };
    machine.run(machine.without_update(), &batch, Step { rows: 2, ..Step::default() });
    let find = |name: &str| machine.program.values.iter().position(|value| value.name == name);
    let mask = machine.real(ValueId(find("x mask").expect("a mask")));
    assert_eq!(mask, [0., 1., 0., 0., 1., 0., 1., 0., 0., 0., 0., 0.]);
    let logits = machine.real(machine.program.output);
    let of = |step: usize| {
        let row = &logits[3 * step..3 * step + 3];
        row.iter().map(|z| z.exp()).sum::<f64>().ln() - row[step % 3]
    };
    let mean = [1, 4, 6].map(of).iter().sum::<f64>() / 3.0;
    let loss = machine.loss(&Step { rows: 2, ..Step::default() });
    assert!((loss - mean).abs() < 1e-6, "{loss} is not {mean}");
    // A step that does not count repeats the state before it: zeros at first.
    let states = machine.real(ValueId(find("gru_1").expect("its output")));
    assert!(
        states[..3].iter().all(|x| *x == 0.0)
            && states[3..6] == states[6..9]
            && states[3..6] != states[12..15]
    );
}

/// Networks that predict several places of an image, or a vector, and the format of their data.
fn places() -> Vec<(Model, Preprocessing)> {
    let numbers = Preprocessing { numbers: true, ..Preprocessing::default() };
    let ends = |loss: &str, layers: Vec<Layer>| {
        let layers = [vec![conv(2, (3, 3), "tanh").into()], layers].concat();
        let loss = Some(loss.parse().expect("a loss"));
        Model { layers, loss, ..Model::new(&format!("places {loss:?}"), [5, 6, 1]) }
    };
    let pixels =
        |units, activation: &str| vec![Conv2D::new(units, 1).activation(activation).expect("known").into()];
    let vector = |units, activation: &str| vec![Flatten::new().into(), dense(units, activation)];
    vec![
        (ends("softmax_cross_entropy", pixels(3, "softmax")), Preprocessing::default()),
        (ends("binary_cross_entropy", pixels(1, "sigmoid")), numbers.clone()),
        (ends("binary_cross_entropy", vector(5, "linear")), numbers.clone()),
        (ends("mse", pixels(2, "tanh")), numbers.clone()),
        (ends("huber", vector(3, "linear")), numbers.clone()),
        (ends("kl_divergence", vector(4, "softmax")), numbers.clone()),
        (ends("kl_divergence", pixels(3, "softmax")), numbers.clone()),
        (ends("cosine_similarity", vector(4, "linear")), numbers.clone()),
        (ends("cosine_similarity", pixels(3, "tanh")), numbers),
    ]
}

#[test]
fn losses_of_several_places_have_right_gradients() {
    for (model, input) in places() {
        for finding in gradients(&model, &input, 3, 40, &Optimizer::default()).expect("fits") {
            assert!(finding.difference.is_none(), "{}: {finding}", model.name);
            assert_eq!(finding.kinks, 0, "{}: {finding}; choose other inputs", model.name);
        }
    }
}

#[test]
fn every_layer_has_right_gradients_in_the_middle_of_a_graph() {
    let mut kinds = BTreeSet::new();
    for (n, (name, input, layers)) in stacks().iter().enumerate() {
        stack_holds(name, *input, layers, 100 * n as u64);
        kinds.extend(layers.iter().map(Layer::kind));
    }
    // Layers that join are part of the whole networks.
    kinds.extend(graphs().iter().flat_map(|model| &model.layers).map(Layer::kind));
    // A layer that is in none of them, such as a new one, is tested with its default arguments.
    let others = Layer::KINDS.iter().map(|(kind, _)| *kind).filter(|kind| !kinds.contains(kind));
    for kind in others {
        let layers = vec![
            conv(3, (3, 3), "tanh").into(),
            without_arguments(kind),
            Flatten::new().into(),
            dense(3, "linear"),
        ];
        stack_holds(kind, [5, 4, 2], &layers, 1);
        stack_holds(kind, [5, 4, 2], &layers, 200);
    }
}

/// Creates a layer of this kind with its defaults.
fn without_arguments(kind: &str) -> Layer {
    let end = "[[layers]]\ntype = \"Flatten\"\n\n[[layers]]\ntype = \"Dense\"\nunits = 3\n";
    let text = format!("input_shape = [3, 2, 3]\n\n[[layers]]\ntype = \"{kind}\"\n\n{end}");
    let model = model_file::parse(Path::new("new.toml"), &text);
    let mut model =
        model.unwrap_or_else(|e| panic!("{kind} takes arguments; give it a place in `stacks`: {e}"));
    model.layers.remove(0)
}

// ---- networks ----

/// Networks that together run every operation.
fn models() -> Vec<Model> {
    let model = |name: &str, input, layers: Vec<Layer>| Model { layers, ..Model::new(name, input) };
    let mut all: Vec<Model> = stacks()
        .into_iter()
        .filter(|(_, _, layers)| !matches!(layers.last(), Some(Layer::Flatten(_))))
        .map(|(name, input, layers)| model(&name, input, layers))
        .collect();
    for last in ACTIVATIONS.iter().map(|a| a.name).chain(["softmax"]) {
        let layers = vec![Flatten::new().into(), dense(6, "tanh"), dense(4, last)];
        all.push(model(&format!("ends in dense {last}"), [3, 3, 1], layers));
        let layers = vec![Flatten::new().into(), dense(6, "sigmoid"), dense(4, "tanh"), alone(last)];
        all.push(model(&format!("ends in activation {last}"), [3, 3, 1], layers));
    }
    all.extend(graphs());
    all.extend(NETWORKS.iter().take(1).map(|(name, _)| network(name, [5, 5, 1], 4).expect("built in")));
    all
}

#[test]
fn whole_networks_have_right_gradients_through_their_loss() {
    let mut tensors = 0;
    // Vectors of numbers are compared in a test of their own.
    for model in models().into_iter().filter(|model| !model.name.starts_with("places")) {
        for finding in
            gradients(&model, &Preprocessing::default(), 1, 40, &Optimizer::default()).expect("fits")
        {
            assert!(finding.difference.is_none(), "{}: {finding}", model.name);
            assert_eq!(finding.kinks, 0, "{}: {finding}; choose other inputs", model.name);
            tensors += 1;
        }
    }
    assert!(tensors > 100, "{tensors}");
}

#[test]
fn every_operation_has_a_twin_that_runs_and_writes_each_output() {
    let mut ran = BTreeSet::new();
    let augment = "flip,shift=2,rotate=10,mixup".parse().expect("a specification");
    let changed = ["binary_cross_entropy", "mse", "mae", "huber"].map(|loss| {
        let loss = loss.parse().expect("a loss");
        let objective = Objective { augment, ..Objective::default() };
        (network_for("linear", [6, 5, 1], 2, loss).expect("built in"), objective)
    });
    let plain = models().into_iter().map(|model| (model, Objective::default())).chain(changed);
    let methods = [
        Method::Adam(Adam::default()),
        Method::RmsProp(RmsProp { rho: 0.9, momentum: 0.5, epsilon: 1e-7, centered: true }),
        Method::Adagrad(Adagrad { initial_accumulator_value: 0.1, epsilon: 1e-7 }),
        Method::Lion(Lion { beta_1: 0.9, beta_2: 0.99 }),
        Method::Muon(Muon::default()),
    ];
    let optimized = methods.map(|method| {
        let model = network("linear", [6, 5, 1], 3).expect("built in");
        let clipped =
            Optimizer { global_clipnorm: Some(1.0), ema_momentum: Some(0.9), ..Optimizer::new(method) };
        (model, Objective::default(), clipped)
    });
    let all = plain.map(|(model, objective)| (model, objective, Optimizer::default())).chain(optimized);
    for (model, objective, optimizer) in all {
        for mode in [Mode::Train, Mode::Evaluate, Mode::Predict] {
            let program = model
                .program_with(&Preprocessing::default(), mode, 3, 2, &optimizer, &objective)
                .expect("fits")
                .in_parts();
            let mut machine = Interpreter::new(program, &model.initial_weights(4).expect("fits"));
            let images = noise(6, 3 * model.pixels()).iter().map(|v| (127.0 + 127.0 * v) as u8).collect();
            let each = model.labels().expect("fits");
            let batch = Batch { images, labels: [0, 1, 0].into_iter().cycle().take(3 * each).collect() };
            let step = Step { rows: 2, slot: 1, learning_rate: 0.1, share: 1.0, ..Step::default() };
            machine.step(&batch, step.keyed(1, 1));
            assert!(machine.real(machine.program.output).iter().all(|v| v.is_finite()));
            for node in &machine.program.nodes {
                for (name, access, _, len) in lengths(node.call.op, &node.call.sizes) {
                    let (_, value) = node.buffers.iter().find(|(bound, _)| *bound == name).expect("bound");
                    let held = match machine.value(*value).as_deref() {
                        Some(Data::Real(values)) => values.len(),
                        Some(Data::Index(values)) => values.len(),
                        None => panic!("{} never wrote its `{name}`", node.call.op.name),
                    };
                    assert_eq!(held, len, "{} {name} {access:?}", node.call.op.name);
                }
            }
            ran.extend(machine.ran);
        }
    }
    let all: BTreeSet<&str> = OPERATIONS.iter().map(|op| op.name).collect();
    assert_eq!(ran, all);
}
