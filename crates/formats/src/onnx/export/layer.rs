//! Conversion of each layer to nodes.

use super::{
    Flow, Weights, Writer, attention, recurrent,
    writer::{float, int, ints, text},
};
use crate::onnx::{proto::kind, tensor::Tensor};
use wgrad::layers::{
    self, ActivationName, AveragePooling2D, BatchNormalization, By, Conv2DTranspose, Dense, DepthwiseConv2D,
    Dot, EinsumDense, GroupNormalization, Interpolation, Layer, LayerNormalization, MaxPooling2D, Padding,
    Pair, Place, RMSNormalization, Rules, SeparableConv2D, TimeDistributed,
};

type Said<T> = std::result::Result<T, String>;

/// Appends `layer`. Returns its output; the error says in words why ONNX cannot represent it.
pub(super) fn write(
    w: &mut Writer,
    layer: &Layer,
    place: &Place,
    inputs: &[Flow],
    weights: &Weights<'_>,
) -> Said<Flow> {
    let x = &inputs[0];
    let name = place.name.as_str();
    Ok(match layer {
        Layer::Dense(layer) => dense(w, layer, place, x, weights),
        Layer::EinsumDense(layer) => einsum(w, layer, place, x, weights),
        Layer::Dot(layer) => dot(w, layer, place, inputs),
        Layer::Attention(layer) => attention::plain(w, layer, place, inputs),
        Layer::MultiHeadAttention(layer) => attention::of_heads(w, layer, place, inputs, weights)?,
        Layer::Conv2D(layer) => {
            let kernel = weights.tensor(place.parameters[0]).transposed(&[3, 2, 0, 1]);
            let taps = Taps {
                size: layer.kernel_size,
                strides: layer.strides,
                padding: layer.padding,
                dilation: layer.dilation_rate,
                groups: layer.groups,
                activation: layer.activation,
            };
            taps.write(w, place, x, weights, kernel)
        }
        Layer::Conv1D(layer) => {
            let kernel = weights.tensor(place.parameters[0]).transposed(&[2, 1, 0]);
            let plane = layer.plane();
            let taps = Taps {
                size: plane.kernel_size,
                strides: plane.strides,
                padding: plane.padding,
                dilation: plane.dilation_rate,
                groups: plane.groups,
                activation: plane.activation,
            };
            taps.write(w, place, x, weights, kernel)
        }
        Layer::DepthwiseConv2D(layer) => depthwise(w, layer, place, x, weights)?,
        Layer::DepthwiseConv1D(layer) => depthwise(w, &layer.plane(), place, x, weights)?,
        Layer::SeparableConv2D(layer) => separable(w, layer, place, x, weights)?,
        Layer::SeparableConv1D(layer) => separable(w, &layer.plane(), place, x, weights)?,
        Layer::Conv2DTranspose(layer) => conv_transpose(w, layer, place, x, weights)?,
        Layer::Conv1DTranspose(layer) => conv_transpose(w, &layer.plane(), place, x, weights)?,
        Layer::MaxPooling2D(layer) => max_pool(w, layer, place, x),
        Layer::MaxPooling1D(layer) => max_pool(w, &layer.plane(), place, x),
        Layer::AveragePooling2D(layer) => average_pool(w, layer, place, x),
        Layer::AveragePooling1D(layer) => average_pool(w, &layer.plane(), place, x),
        Layer::GlobalAveragePooling1D(layer) => global(w, "GlobalAveragePool", place, x, layer.keepdims),
        Layer::GlobalMaxPooling1D(layer) => global(w, "GlobalMaxPool", place, x, layer.keepdims),
        Layer::GlobalAveragePooling2D(layer) => global(w, "GlobalAveragePool", place, x, layer.keepdims),
        Layer::GlobalMaxPooling2D(layer) => global(w, "GlobalMaxPool", place, x, layer.keepdims),
        Layer::BatchNormalization(layer) => batch_norm(w, layer, place, x, weights),
        Layer::LayerNormalization(layer) => layer_norm(w, layer, place, x, weights),
        Layer::GroupNormalization(layer) => group_norm(w, layer, place, x, weights)?,
        Layer::RMSNormalization(layer) => rms_norm(w, layer, place, x, weights)?,
        Layer::UnitNormalization(_) => {
            let axis = if x.nchw { 1 } else { -1 };
            let attributes = vec![int("axis", axis), int("p", 2)];
            x.to(w.node("LpNormalization", name, &[&x.name], attributes), &place.output)
        }
        Layer::SimpleRNN(layer) => recurrent::one(w, layer.recurrence(), place, x, weights)?,
        Layer::LSTM(layer) => recurrent::one(w, layer.recurrence(), place, x, weights)?,
        Layer::GRU(layer) => recurrent::one(w, layer.recurrence(), place, x, weights)?,
        Layer::Bidirectional(layer) => recurrent::both(w, layer, place, x, weights)?,
        Layer::TimeDistributed(layer) => return distributed(w, layer, place, x, weights),
        Layer::Rescaling(layer) => {
            let channels = place.input.last().copied().unwrap_or(1);
            scaled(w, layer.numbers(channels)?, place, x)
        }
        Layer::Normalization(layer) => {
            let channels = place.input.last().copied().unwrap_or(1);
            let numbers = match layer.numbers(channels)? {
                Some(numbers) => numbers,
                None => {
                    let [mean, variance] = [0, 1].map(|n| weights.tensor(place.parameters[n]));
                    layers::Normalization::of(mean.reals()?, variance.reals()?)
                }
            };
            scaled(w, numbers, place, x)
        }
        Layer::Embedding(_) => {
            let x = w.nhwc(x);
            let count: usize = x.shape.iter().product();
            let shape = w.whole(&format!("{name}/shape"), &[-1, count as i64]);
            let row = w.node("Reshape", &format!("{name}/row"), &[&x.name, &shape], Vec::new());
            let whole = vec![int("to", i64::from(kind::INT64))];
            let words = w.node("Cast", &format!("{name}/words"), &[&row], whole);
            let table = w.constant(weights.name(place.parameters[0]), weights.tensor(place.parameters[0]));
            let name = w.node("Gather", name, &[&table, &words], vec![int("axis", 0)]);
            Flow { name, shape: place.output.clone(), nchw: false }
        }
        Layer::RepeatVector(layer) => {
            let axes = w.whole(&format!("{name}/axes"), &[1]);
            let one = w.node("Unsqueeze", &format!("{name}/step"), &[&x.name, &axes], Vec::new());
            let shape = w.whole(&format!("{name}/shape"), &[1, layer.n as i64, 1]);
            let name = w.node("Expand", name, &[&one, &shape], Vec::new());
            Flow { name, shape: place.output.clone(), nchw: false }
        }
        Layer::InputLayer(layer) => {
            let (x, values) = (w.nhwc(x), layer.values());
            let from = w.whole(&format!("{name}/from"), &[values.start as i64]);
            let to = w.whole(&format!("{name}/to"), &[values.end as i64]);
            let axis = w.whole(&format!("{name}/axis"), &[3]);
            let part = w.node("Slice", &format!("{name}/part"), &[&x.name, &from, &to, &axis], Vec::new());
            let shape: Vec<i64> = std::iter::once(0).chain(place.output.iter().map(|n| *n as i64)).collect();
            let shape = w.whole(&format!("{name}/shape"), &shape);
            let name = w.node("Reshape", name, &[&part, &shape], Vec::new());
            Flow { name, shape: place.output.clone(), nchw: false }
        }
        Layer::Flatten(_) => {
            // The order of the axes does not matter if only one of them is longer than 1.
            let plain = x.shape.len() == 3 && (x.shape[2] == 1 || x.shape[0] * x.shape[1] == 1);
            let x = if plain { x.clone() } else { w.nhwc(x) };
            let name = w.node("Flatten", name, &[&x.name], vec![int("axis", 1)]);
            Flow { name, shape: place.output.clone(), nchw: false }
        }
        Layer::Reshape(_) => {
            let x = w.nhwc(x);
            // A length of 0 keeps the batch.
            let shape: Vec<i64> = std::iter::once(0).chain(place.output.iter().map(|n| *n as i64)).collect();
            let shape = w.whole(&format!("{name}/shape"), &shape);
            let name = w.node("Reshape", name, &[&x.name, &shape], Vec::new());
            Flow { name, shape: place.output.clone(), nchw: false }
        }
        Layer::Permute(layer) => {
            let x = w.nhwc(x);
            let order: Vec<usize> = std::iter::once(0).chain(layer.dims.iter().copied()).collect();
            let name = w.transpose(name, &x.name, &order);
            Flow { name, shape: place.output.clone(), nchw: false }
        }
        Layer::ZeroPadding2D(layer) => {
            let ([top, bottom], [left, right]) = (layer.padding.height, layer.padding.width);
            pad(w, &[0, 0, top, left, 0, 0, bottom, right], 1, place, x)
        }
        Layer::ZeroPadding1D(layer) => {
            let [before, behind] = layer.padding;
            pad(w, &[0, 0, before, 0, 0, behind], 1, place, x)
        }
        Layer::Cropping2D(layer) => {
            let ([top, bottom], [left, right]) = (layer.cropping.height, layer.cropping.width);
            pad(w, &[0, 0, top, left, 0, 0, bottom, right], -1, place, x)
        }
        Layer::Cropping1D(layer) => {
            let [before, behind] = layer.cropping;
            pad(w, &[0, 0, before, 0, 0, behind], -1, place, x)
        }
        Layer::CenterCrop(layer) => {
            let edges = layer.edges(&place.input).cropping;
            let ([top, bottom], [left, right]) = (edges.height, edges.width);
            pad(w, &[0, 0, top, left, 0, 0, bottom, right], -1, place, x)
        }
        Layer::Resizing(layer) => resized(w, layer.interpolation, place, x),
        Layer::UpSampling2D(layer) if layer.interpolation == Interpolation::Bilinear => {
            resized(w, layer.interpolation, place, x)
        }
        Layer::UpSampling2D(layer) => repeat(w, &[layer.size.0, layer.size.1], place, x),
        Layer::UpSampling1D(layer) => repeat(w, &[layer.size], place, x),
        Layer::Dropout(layer) => x.to(w.dropout(name, &x.name, layer.rate), &place.output),
        // ONNX's Dropout drops only single elements; outside of training, these layers do nothing.
        Layer::SpatialDropout1D(_)
        | Layer::SpatialDropout2D(_)
        | Layer::GaussianNoise(_)
        | Layer::GaussianDropout(_)
        | Layer::AlphaDropout(_)
        | Layer::RandomFlip(_)
        | Layer::RandomTranslation(_)
        | Layer::RandomRotation(_)
        | Layer::RandomZoom(_)
        | Layer::RandomContrast(_)
        | Layer::RandomBrightness(_) => x.clone(),
        Layer::RandomCrop(layer) => {
            let edges = layer.edges(&place.input);
            let kept = edges.output_shape(&place.input)?;
            let ([top, bottom], [left, right]) = (edges.cropping.height, edges.cropping.width);
            let mut y = x.clone();
            if kept != place.input {
                let part = Place { name: format!("{name}/crop"), output: kept.clone(), ..place.clone() };
                y = pad(w, &[0, 0, top, left, 0, 0, bottom, right], -1, &part, &y);
            }
            match kept == place.output {
                true => y,
                false => resized(w, Interpolation::Bilinear, place, &y),
            }
        }
        Layer::Activation(layer) => activate(w, layer.activation, name, x),
        Layer::ReLU(layer) => activate_by(w, layer.by()?, name, x),
        Layer::LeakyReLU(layer) => activate_by(w, layer.by()?, name, x),
        Layer::ELU(layer) => activate_by(w, layer.by()?, name, x),
        Layer::Softmax(layer) => activate_by(w, layer.by()?, name, x),
        Layer::PReLU(_) => {
            let alpha = weights.tensor(place.parameters[0]);
            let alpha = match (x.nchw, x.shape.len()) {
                (true, 3) => alpha.transposed(&[2, 0, 1]),
                (true, _) => alpha.transposed(&[1, 0]),
                (false, _) => alpha,
            };
            let alpha = w.constant(weights.name(place.parameters[0]), alpha);
            x.to(w.node("PRelu", name, &[&x.name, &alpha], Vec::new()), &place.output)
        }
        Layer::Add(_) => {
            let inputs = alike(w, inputs);
            let mut sum = inputs[0].clone();
            for term in &inputs[1..] {
                sum = sum.to(w.node("Add", name, &[&sum.name, &term.name], Vec::new()), &place.output);
            }
            sum
        }
        Layer::Multiply(_) => merged(w, "Mul", place, inputs),
        Layer::Subtract(_) => merged(w, "Sub", place, inputs),
        Layer::Average(_) => merged(w, "Mean", place, inputs),
        Layer::Maximum(_) => merged(w, "Max", place, inputs),
        Layer::Minimum(_) => merged(w, "Min", place, inputs),
        Layer::Concatenate(_) => {
            let inputs = alike(w, inputs);
            let names: Vec<&str> = inputs.iter().map(|flow| flow.name.as_str()).collect();
            let axis = if inputs[0].nchw { 1 } else { -1 };
            inputs[0].to(w.node("Concat", name, &names, vec![int("axis", axis)]), &place.output)
        }
        #[allow(unreachable_patterns, reason = "a new layer needs no line here before it can be trained")]
        other => return Err(format!("{} cannot be written as ONNX", other.kind())),
    })
}

/// Appends a layer on each step: on the whole sequence where that is the same, else with the steps of all sequences as
/// examples, between two `Reshape`.
fn distributed(
    w: &mut Writer,
    layer: &TimeDistributed,
    place: &Place,
    x: &Flow,
    weights: &Weights<'_>,
) -> Said<Flow> {
    if layer.is_layer() {
        return write(w, &layer.layer, place, std::slice::from_ref(x), weights);
    }
    let name = place.name.as_str();
    let x = w.nhwc(x);
    let (input, output) = (place.input[1..].to_vec(), place.output[1..].to_vec());
    let lens = |first: &[i64], shape: &[usize]| -> Vec<i64> {
        first.iter().copied().chain(shape.iter().map(|n| *n as i64)).collect()
    };
    let shape = w.whole(&format!("{name}/step"), &lens(&[-1], &input));
    let steps = w.node("Reshape", &format!("{name}/steps"), &[&x.name, &shape], Vec::new());
    let steps = Flow { name: steps, shape: input.clone(), nchw: false };
    let own = Place { name: format!("{name}/layer"), input, output, ..place.clone() };
    let y = write(w, &layer.layer, &own, &[steps], weights)?;
    let y = w.nhwc(&y);
    let shape = w.whole(&format!("{name}/shape"), &lens(&[-1, place.input[0] as i64], &own.output));
    let name = w.node("Reshape", name, &[&y.name, &shape], Vec::new());
    Ok(Flow { name, shape: place.output.clone(), nchw: false })
}

/// Appends a function of several inputs. `Mul` and `Sub` take two, so more are nested.
fn merged(w: &mut Writer, op: &str, place: &Place, inputs: &[Flow]) -> Flow {
    let inputs = alike(w, inputs);
    let names: Vec<&str> = inputs.iter().map(|flow| flow.name.as_str()).collect();
    // All have the order of axes of the whole, also one value for each channel.
    let whole = inputs.iter().max_by_key(|flow| flow.shape.iter().product::<usize>()).unwrap_or(&inputs[0]);
    let name = match op {
        "Mul" | "Sub" => {
            let mut so_far = names[0].to_string();
            for term in &names[1..] {
                so_far = w.node(op, &place.name, &[&so_far, term], Vec::new());
            }
            so_far
        }
        _ => w.node(op, &place.name, &names, Vec::new()),
    };
    whole.to(name, &place.output)
}

/// Appends scale · x + shift, for each channel.
fn scaled(w: &mut Writer, numbers: [Vec<f32>; 2], place: &Place, x: &Flow) -> Flow {
    let name = place.name.as_str();
    let axes = of_channels(x, numbers[0].len());
    let [scale, shift] = numbers;
    let scale = w.constant(&format!("{name}/scale"), Tensor::real(&axes, scale));
    let shift = w.constant(&format!("{name}/shift"), Tensor::real(&axes, shift));
    let product = w.node("Mul", &format!("{name}/product"), &[&x.name, &scale], Vec::new());
    x.to(w.node("Add", name, &[&product, &shift], Vec::new()), &place.output)
}

/// A kernel of `taps`, (height, width), or only height for sequences, then two axes of channels, as ONNX has it: the last
/// axis first, then the one before it, then the taps.
fn turned(kernel: &Tensor, taps: &[usize], [inner, outer]: [usize; 2]) -> Said<Tensor> {
    let kernel = kernel.reshaped(&[taps, &[inner, outer]].concat())?;
    let order: Vec<usize> = [taps.len() + 1, taps.len()].into_iter().chain(0..taps.len()).collect();
    Ok(kernel.transposed(&order))
}

/// Lengths of a kernel along the axes of an image, or of a sequence.
fn lengths(size: Pair, place: &Place) -> Vec<usize> {
    [size.0, size.1][..place.input.len() - 1].to_vec()
}

fn depthwise(
    w: &mut Writer,
    layer: &DepthwiseConv2D,
    place: &Place,
    x: &Flow,
    weights: &Weights<'_>,
) -> Said<Flow> {
    let channels = place.input.last().copied().unwrap_or(1);
    let kernel = weights.tensor(place.parameters[0]);
    let outputs = channels * layer.depth_multiplier;
    let kernel = turned(&kernel, &lengths(layer.kernel_size, place), [1, outputs])?;
    let taps = Taps {
        size: layer.kernel_size,
        strides: layer.strides,
        padding: layer.padding,
        dilation: layer.dilation_rate,
        groups: channels,
        activation: layer.activation,
    };
    Ok(taps.write(w, place, x, weights, kernel))
}

fn separable(
    w: &mut Writer,
    layer: &SeparableConv2D,
    place: &Place,
    x: &Flow,
    weights: &Weights<'_>,
) -> Said<Flow> {
    let channels = place.input.last().copied().unwrap_or(1);
    let between = channels * layer.depth_multiplier;
    let mut output = place.output.clone();
    if let Some(last) = output.last_mut() {
        *last = between;
    }
    let (first, second) = place.parameters.split_at(1);
    let name = format!("{}/depthwise", place.name);
    let inner = Place { name, output: output.clone(), parameters: first.to_vec(), ..place.clone() };
    let depthwise = Taps {
        size: layer.kernel_size,
        strides: layer.strides,
        padding: layer.padding,
        dilation: layer.dilation_rate,
        groups: channels,
        activation: ActivationName::default(),
    };
    let kernel = weights.tensor(first[0]);
    let kernel = turned(&kernel, &lengths(layer.kernel_size, place), [1, between])?;
    let x = depthwise.write(w, &inner, x, weights, kernel);
    let outer = Place { input: output, parameters: second.to_vec(), ..place.clone() };
    let pointwise = Taps {
        size: Pair(1, 1),
        strides: Pair(1, 1),
        padding: Padding::Valid,
        dilation: Pair(1, 1),
        groups: 1,
        activation: layer.activation,
    };
    let kernel = weights.tensor(second[0]);
    let kernel = turned(&kernel, &lengths(Pair(1, 1), place), [between, layer.filters])?;
    Ok(pointwise.write(w, &outer, &x, weights, kernel))
}

fn conv_transpose(
    w: &mut Writer,
    layer: &Conv2DTranspose,
    place: &Place,
    x: &Flow,
    weights: &Weights<'_>,
) -> Said<Flow> {
    let axes = place.input.len() - 1;
    let channels = place.input[axes];
    let taps = lengths(layer.kernel_size, place);
    let kernel = turned(&weights.tensor(place.parameters[0]), &taps, [layer.filters, channels])?;
    let x = w.nchw(x);
    let kernel = w.constant(weights.name(place.parameters[0]), kernel);
    let bias = place.parameters.get(1).map(|id| w.constant(weights.name(*id), weights.tensor(*id)));
    let pair = |pair: Pair| [pair.0, pair.1][..axes].to_vec();
    let extents = pair(layers::spread(layer.kernel_size, layer.dilation_rate));
    let strides = pair(layer.strides);
    let image = [place.input[0], if axes > 1 { place.input[1] } else { 1 }, channels];
    let [mut before, mut behind, mut more] = [(); 3].map(|()| Vec::new());
    for (n, [out, pad]) in layer.axes(&image).into_iter().take(axes).enumerate() {
        // The length without padding, and what is taken off its end.
        let whole = strides[n] * (place.input[n] - 1) + extents[n];
        before.push(pad);
        behind.push(whole.saturating_sub(pad + out));
        more.push((pad + out).saturating_sub(whole));
    }
    let attributes = vec![
        ints("kernel_shape", &taps),
        ints("strides", &strides),
        ints("dilations", &pair(layer.dilation_rate)),
        ints("pads", &[before, behind].concat()),
        ints("output_padding", &more),
        int("group", 1),
    ];
    let inputs: Vec<&str> = [x.name.as_str(), &kernel].into_iter().chain(bias.as_deref()).collect();
    let y = x.to(w.node("ConvTranspose", &place.name, &inputs, attributes), &place.output);
    Ok(activate(w, layer.activation, &format!("{}/activation", place.name), &y))
}

fn max_pool(w: &mut Writer, layer: &MaxPooling2D, place: &Place, x: &Flow) -> Flow {
    let x = w.nchw(x);
    let strides = layer.strides.unwrap_or(layer.pool_size);
    let attributes = window(place, layer.pool_size, strides, layer.padding, Pair(1, 1));
    x.to(w.node("MaxPool", &place.name, &[&x.name], attributes), &place.output)
}

fn average_pool(w: &mut Writer, layer: &AveragePooling2D, place: &Place, x: &Flow) -> Flow {
    let x = w.nchw(x);
    let strides = layer.strides.unwrap_or(layer.pool_size);
    let mut attributes = window(place, layer.pool_size, strides, layer.padding, Pair(1, 1));
    attributes.retain(|a| a.name != "dilations");
    attributes.push(int("count_include_pad", 0));
    x.to(w.node("AveragePool", &place.name, &[&x.name], attributes), &place.output)
}

/// Appends padding with zeros; `pads` are those before each axis, channels first, then those after it. The sign -1
/// takes them off instead.
fn pad(w: &mut Writer, pads: &[usize], sign: i64, place: &Place, x: &Flow) -> Flow {
    let (x, name) = (w.nchw(x), place.name.as_str());
    let pads: Vec<i64> = pads.iter().map(|n| *n as i64 * sign).collect();
    let pads = w.whole(&format!("{name}/pads"), &pads);
    x.to(w.node("Pad", name, &[&x.name, &pads], vec![text("mode", "constant")]), &place.output)
}

/// Appends the repetition of each pixel or step `size` times.
fn repeat(w: &mut Writer, size: &[usize], place: &Place, x: &Flow) -> Flow {
    let (x, name) = (w.nchw(x), place.name.as_str());
    let scales: Vec<f32> = [1, 1].iter().chain(size).map(|n| *n as f32).collect();
    let scales = w.constant(&format!("{name}/scales"), Tensor::real(&[scales.len()], scales));
    let attributes = vec![
        text("coordinate_transformation_mode", "asymmetric"),
        text("mode", "nearest"),
        text("nearest_mode", "floor"),
    ];
    // The second input is the region, which this mode does not take.
    x.to(w.node("Resize", name, &[&x.name, "", &scales], attributes), &place.output)
}

/// Appends the resizing of an image to the size of the output, by the places of its pixels' centres.
fn resized(w: &mut Writer, interpolation: Interpolation, place: &Place, x: &Flow) -> Flow {
    let (x, name) = (w.nchw(x), place.name.as_str());
    let sizes: Vec<i64> = place.output[..2].iter().map(|len| *len as i64).collect();
    let sizes = w.whole(&format!("{name}/sizes"), &sizes);
    let mut attributes = vec![ints("axes", &[2, 3]), text("coordinate_transformation_mode", "half_pixel")];
    match interpolation {
        Interpolation::Bilinear => attributes.push(text("mode", "linear")),
        Interpolation::Nearest => {
            attributes.extend([text("mode", "nearest"), text("nearest_mode", "round_prefer_ceil")]);
        }
    }
    x.to(w.node("Resize", name, &[&x.name, "", "", &sizes], attributes), &place.output)
}

/// Brings all inputs to the same order of axes.
fn alike(w: &mut Writer, inputs: &[Flow]) -> Vec<Flow> {
    let mixed = inputs.iter().any(|flow| flow.nchw) && inputs.iter().any(|flow| !flow.nchw);
    inputs.iter().map(|flow| if mixed { w.nchw(flow) } else { flow.clone() }).collect()
}

fn dense(w: &mut Writer, layer: &Dense, place: &Place, x: &Flow, weights: &Weights<'_>) -> Flow {
    let x = w.nhwc(x);
    let mut constant = |id| w.constant(weights.name(id), weights.tensor(id));
    let kernel = constant(place.parameters[0]);
    let bias = place.parameters.get(1).map(|id| constant(*id));
    let name = &place.name;
    let y = match (x.shape.len(), &bias) {
        (1, Some(bias)) => w.node("Gemm", name, &[&x.name, &kernel, bias], Vec::new()),
        (_, Some(bias)) => {
            let product = w.node("MatMul", &format!("{name}/product"), &[&x.name, &kernel], Vec::new());
            w.node("Add", name, &[&product, bias], Vec::new())
        }
        (_, None) => w.node("MatMul", name, &[&x.name, &kernel], Vec::new()),
    };
    let y = Flow { name: y, shape: place.output.clone(), nchw: false };
    activate(w, layer.activation, &format!("{name}/activation"), &y)
}

fn einsum(w: &mut Writer, layer: &EinsumDense, place: &Place, x: &Flow, weights: &Weights<'_>) -> Flow {
    let x = w.nhwc(x);
    let name = &place.name;
    let mut constant = |id| w.constant(weights.name(id), weights.tensor(id));
    let kernel = constant(place.parameters[0]);
    let bias = place.parameters.get(1).map(|id| constant(*id));
    let equation = vec![text("equation", &layer.equation)];
    let y = match bias {
        None => w.node("Einsum", name, &[&x.name, &kernel], equation),
        Some(bias) => {
            let product = w.node("Einsum", &format!("{name}/product"), &[&x.name, &kernel], equation);
            w.node("Add", name, &[&product, &bias], Vec::new())
        }
    };
    let y = Flow { name: y, shape: place.output.clone(), nchw: false };
    activate(w, layer.activation, &format!("{name}/activation"), &y)
}

/// Appends products of each row of the first input with each of the second.
fn dot(w: &mut Writer, layer: &Dot, place: &Place, inputs: &[Flow]) -> Flow {
    let name = place.name.as_str();
    let sides = layer.turned(&place.inputs.iter().map(|(_, shape)| shape.clone()).collect::<Vec<_>>());
    let mut both = Vec::new();
    for (n, (x, turned)) in inputs.iter().zip(sides).enumerate() {
        let part = |what: &str| format!("{name}/{what}_{}", n + 1);
        let mut x = w.nhwc(x).name;
        if layer.normalize {
            x = w.node("LpNormalization", &part("unit"), &[&x], vec![int("axis", -1), int("p", 2)]);
        }
        let shape = &place.inputs[n].1;
        if shape.len() != 2 {
            let len = if turned { shape[0] } else { shape[shape.len() - 1] } as i64;
            let rows = w.whole(&part("shape"), &if turned { [0, len, -1] } else { [0, -1, len] });
            x = w.node("Reshape", &part("rows"), &[&x, &rows], Vec::new());
        }
        // The first has the axis last, the second first.
        if turned == (n == 0) {
            x = w.transpose(&part("turned"), &x, &[0, 2, 1]);
        }
        both.push(x);
    }
    let whole = place.inputs.iter().all(|(_, shape)| shape.len() == 2);
    let product = if whole { name.to_string() } else { format!("{name}/product") };
    let mut y = w.node("MatMul", &product, &[&both[0], &both[1]], Vec::new());
    if !whole {
        let lens: Vec<i64> = std::iter::once(0).chain(place.output.iter().map(|len| *len as i64)).collect();
        let lens = w.whole(&format!("{name}/shape"), &lens);
        y = w.node("Reshape", name, &[&y, &lens], Vec::new());
    }
    Flow { name: y, shape: place.output.clone(), nchw: false }
}

struct Taps {
    size: Pair,
    strides: Pair,
    padding: Padding,
    dilation: Pair,
    groups: usize,
    activation: ActivationName,
}

impl Taps {
    /// Writes a convolution with a kernel in ONNX's order, (filters, channels of a group, height, width).
    fn write(&self, w: &mut Writer, place: &Place, x: &Flow, weights: &Weights<'_>, kernel: Tensor) -> Flow {
        let x = w.nchw(x);
        let kernel = w.constant(weights.name(place.parameters[0]), kernel);
        let bias = place.parameters.get(1).map(|id| w.constant(weights.name(*id), weights.tensor(*id)));
        let mut attributes = window(place, self.size, self.strides, self.padding, self.dilation);
        attributes.push(int("group", self.groups as i64));
        let inputs: Vec<&str> = [x.name.as_str(), &kernel].into_iter().chain(bias.as_deref()).collect();
        let y = x.to(w.node("Conv", &place.name, &inputs, attributes), &place.output);
        activate(w, self.activation, &format!("{}/activation", place.name), &y)
    }
}

/// The attributes of a window, with explicit padding.
fn window(
    place: &Place,
    size: Pair,
    strides: Pair,
    padding: Padding,
    dilation: Pair,
) -> Vec<crate::onnx::proto::AttributeProto> {
    let extent = layers::spread(size, dilation);
    // A sequence has no width.
    let axes = place.input.len() - 1;
    let pads = [(extent.0, strides.0), (extent.1, strides.1)];
    let pads = pads.iter().zip(&place.input).take(axes);
    let pads: Vec<[usize; 2]> =
        pads.map(|((extent, stride), len)| layers::around(*len, *extent, *stride, padding)).collect();
    let ends: Vec<usize> = [0, 1].iter().flat_map(|end| pads.iter().map(|pad| pad[*end])).collect();
    let list = |name: &str, pair: Pair| ints(name, &[pair.0, pair.1][..axes]);
    vec![
        list("kernel_shape", size),
        list("strides", strides),
        list("dilations", dilation),
        ints("pads", &ends),
    ]
}

fn global(w: &mut Writer, op: &str, place: &Place, x: &Flow, keep: bool) -> Flow {
    let x = w.nchw(x);
    if keep {
        return x.to(w.node(op, &place.name, &[&x.name], Vec::new()), &place.output);
    }
    let pooled = w.node(op, &format!("{}/pool", place.name), &[&x.name], Vec::new());
    let name = w.node("Flatten", &place.name, &[&pooled], vec![int("axis", 1)]);
    Flow { name, shape: place.output.clone(), nchw: false }
}

/// Scale and shift of a normalization; ones and zeros replace missing ones.
fn affine(
    w: &mut Writer,
    place: &Place,
    weights: &Weights<'_>,
    scale: bool,
    center: bool,
    len: usize,
) -> [String; 2] {
    let mut ids = place.parameters.iter();
    [(scale, "gamma", 1.0), (center, "beta", 0.0)].map(|(there, short, fill)| {
        match if there { ids.next() } else { None } {
            Some(id) => w.constant(weights.name(*id), weights.tensor(*id)),
            None => w.constant(&format!("{}.{short}", place.name), Tensor::real(&[len], vec![fill; len])),
        }
    })
}

fn batch_norm(
    w: &mut Writer,
    layer: &BatchNormalization,
    place: &Place,
    x: &Flow,
    weights: &Weights<'_>,
) -> Flow {
    let len = place.input.last().copied().unwrap_or(1);
    let [gamma, beta] = affine(w, place, weights, layer.scale, layer.center, len);
    let averages = &place.parameters[usize::from(layer.scale) + usize::from(layer.center)..];
    let [mean, variance] = [0, 1].map(|n| w.constant(weights.name(averages[n]), weights.tensor(averages[n])));
    let attributes = vec![float("epsilon", layer.epsilon), float("momentum", layer.momentum)];
    let name = place.name.as_str();
    // In ONNX, the channels are axis 1.
    let x = w.nchw(x);
    let inputs = [x.name.as_str(), &gamma, &beta, &mean, &variance];
    x.to(w.node("BatchNormalization", name, &inputs, attributes), &place.output)
}

fn layer_norm(
    w: &mut Writer,
    layer: &LayerNormalization,
    place: &Place,
    x: &Flow,
    weights: &Weights<'_>,
) -> Flow {
    let x = w.nhwc(x);
    let len = place.input.last().copied().unwrap_or(1);
    let [gamma, beta] = affine(w, place, weights, layer.scale, layer.center, len);
    let attributes = vec![int("axis", -1), float("epsilon", layer.epsilon)];
    x.to(w.node("LayerNormalization", &place.name, &[&x.name, &gamma, &beta], attributes), &place.output)
}

/// Shape of one number for each of `len` channels, to be combined with `x`.
fn of_channels(x: &Flow, len: usize) -> Vec<usize> {
    let mut shape = vec![len];
    if x.nchw {
        shape.resize(x.shape.len(), 1);
    }
    shape
}

/// Appends a normalization of each channel by itself, with the groups as channels unless they are the same. ONNX's own
/// operator for groups has another form from version 21 on.
fn group_norm(
    w: &mut Writer,
    layer: &GroupNormalization,
    place: &Place,
    x: &Flow,
    weights: &Weights<'_>,
) -> Said<Flow> {
    let name = place.name.as_str();
    let len = place.input.last().copied().unwrap_or(1);
    let groups = layer.count(len)?;
    let epsilon = || vec![float("epsilon", layer.epsilon)];
    let x = w.nchw(x);
    // The operator has both gamma and beta.
    if groups == len && layer.scale && layer.center && place.input.len() > 1 {
        let [gamma, beta] = affine(w, place, weights, true, true, len);
        let inputs = [x.name.as_str(), &gamma, &beta];
        return Ok(x.to(w.node("InstanceNormalization", name, &inputs, epsilon()), &place.output));
    }
    let shape = w.whole(&format!("{name}/groups"), &[0, groups as i64, -1]);
    let split = w.node("Reshape", &format!("{name}/split"), &[&x.name, &shape], Vec::new());
    let [ones, zeros] = [("ones", 1.0), ("zeros", 0.0)].map(|(what, value)| {
        w.constant(&format!("{name}/{what}"), Tensor::real(&[groups], vec![value; groups]))
    });
    let inputs = [split.as_str(), &ones, &zeros];
    let normal = w.node("InstanceNormalization", &format!("{name}/normal"), &inputs, epsilon());
    let places = &place.input[..place.input.len() - 1];
    let lens: Vec<i64> = [0, len].iter().chain(places).map(|n| *n as i64).collect();
    let lens = w.whole(&format!("{name}/shape"), &lens);
    let mut y = w.node("Reshape", &format!("{name}/joined"), &[&normal, &lens], Vec::new());
    let mut ids = place.parameters.iter();
    for (there, op, wanted) in
        [(layer.scale, "Mul", format!("{name}/scaled")), (layer.center, "Add", name.to_string())]
    {
        if let Some(id) = there.then(|| ids.next()).flatten() {
            let numbers = weights.tensor(*id).reshaped(&of_channels(&x, len))?;
            let numbers = w.constant(weights.name(*id), numbers);
            y = w.node(op, &wanted, &[&y, &numbers], Vec::new());
        }
    }
    Ok(x.to(y, &place.output))
}

/// Appends scale · x / √(mean of x² + epsilon), for which ONNX has an operator from version 23 on.
fn rms_norm(
    w: &mut Writer,
    layer: &RMSNormalization,
    place: &Place,
    x: &Flow,
    weights: &Weights<'_>,
) -> Said<Flow> {
    let name = place.name.as_str();
    let len = place.input.last().copied().unwrap_or(1);
    let squares = w.node("Mul", &format!("{name}/squares"), &[&x.name, &x.name], Vec::new());
    let axes = w.whole(&format!("{name}/axes"), &[if x.nchw { 1 } else { -1 }]);
    let kept = vec![int("keepdims", 1)];
    let mean = w.node("ReduceMean", &format!("{name}/mean"), &[&squares, &axes], kept);
    let epsilon = w.constant(&format!("{name}/epsilon"), Tensor::real(&[], vec![layer.epsilon as f32]));
    let sum = w.node("Add", &format!("{name}/sum"), &[&mean, &epsilon], Vec::new());
    let root = w.node("Sqrt", &format!("{name}/root"), &[&sum], Vec::new());
    let normal = w.node("Div", &format!("{name}/normal"), &[&x.name, &root], Vec::new());
    let id = place.parameters[0];
    let scale = w.constant(weights.name(id), weights.tensor(id).reshaped(&of_channels(x, len))?);
    Ok(x.to(w.node("Mul", name, &[&normal, &scale], Vec::new()), &place.output))
}

/// Appends an activation; nothing for the linear one.
fn activate(w: &mut Writer, activation: ActivationName, name: &str, x: &Flow) -> Flow {
    let from = x.name.as_str();
    let number = |w: &mut Writer, what: &str, value: f32| {
        w.constant(&format!("{name}/{what}"), Tensor::real(&[], vec![value]))
    };
    let y = match activation.name() {
        "linear" => return x.clone(),
        "relu6" => {
            let (low, high) = (number(w, "min", 0.0), number(w, "max", 6.0));
            w.node("Clip", name, &[from, &low, &high], Vec::new())
        }
        "silu" => {
            let gate = w.node("Sigmoid", &format!("{name}/gate"), &[from], Vec::new());
            w.node("Mul", name, &[from, &gate], Vec::new())
        }
        "softmax" => {
            let axis = if x.nchw { 1 } else { -1 };
            w.node("Softmax", name, &[from], vec![int("axis", axis)])
        }
        other => {
            let (op, attributes) = operator(other);
            w.node(op, name, &[from], attributes)
        }
    };
    x.to(y, &x.shape)
}

fn activate_by(w: &mut Writer, by: By, name: &str, x: &Flow) -> Flow {
    match by {
        By::Name(activation) => activate(w, activation, name, x),
        By::Slope(slope) => {
            x.to(w.node("LeakyRelu", name, &[&x.name], vec![float("alpha", slope)]), &x.shape)
        }
    }
}

/// The operator for an activation that is a single operator, with its attributes.
fn operator(activation: &str) -> (&'static str, Vec<crate::onnx::proto::AttributeProto>) {
    match activation {
        "leaky_relu" => ("LeakyRelu", vec![float("alpha", 0.2)]),
        "elu" => ("Elu", vec![float("alpha", 1.0)]),
        "selu" => ("Selu", Vec::new()),
        "sigmoid" => ("Sigmoid", Vec::new()),
        "hard_sigmoid" => ("HardSigmoid", vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)]),
        "tanh" => ("Tanh", Vec::new()),
        "softplus" => ("Softplus", Vec::new()),
        "softsign" => ("Softsign", Vec::new()),
        "exponential" => ("Exp", Vec::new()),
        "gelu" => ("Gelu", vec![text("approximate", "none")]),
        "gelu_tanh" => ("Gelu", vec![text("approximate", "tanh")]),
        "hard_silu" => ("HardSwish", Vec::new()),
        "mish" => ("Mish", Vec::new()),
        _ => ("Relu", Vec::new()),
    }
}
