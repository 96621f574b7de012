//! Exports networks as ONNX files. In the file, images are (batch, channels, height, width), as ONNX's operators
//! require. They are transposed for layers that work along the last axis. Weights keep their names, such as
//! `conv2d_1.kernel`.

mod attention;
mod layer;
mod recurrent;
mod writer;

use super::{
    proto::{ModelProto, OperatorSetIdProto, StringStringEntryProto, kind},
    table::{FEATURES, TABLE, columns, label, too_coarse},
    tensor::Tensor,
};
use crate::{Error, Result};
use wgrad::{
    layers::Layer,
    loss::Loss,
    model::{Head, Model},
    preprocessing::{Normalization, Preprocessing},
    program::{Parameter, ParameterId, arena_len},
};
use wgrad_data::table::Table;
use writer::{Flow, Writer, int};

/// The version of ONNX's operators in exported files: that of ONNX 1.15, October 2023.
pub const OPSET: i64 = 20;
/// The version of the file format that belongs to it.
const IR_VERSION: i64 = 9;

/// The name of the network's input.
pub const INPUT: &str = "image";
/// The output before softmax or sigmoid.
pub const LOGITS: &str = "logits";
/// The output after softmax or sigmoid: a probability for each class.
pub const PROBABILITIES: &str = "probabilities";
/// The output of a regression.
pub const VALUE: &str = "value";
/// Metadata value of networks whose pictures are first made light on dark, as those of MNIST are.
pub const LIGHT_ON_DARK: &str = "light on dark";
/// Metadata key: the activation with which the network itself ends, of which `logits` is the argument.
pub const ACTIVATION: &str = "output.activation";
/// The layout, in metadata, of an input that is a row of numbers.
pub const ROW: &str = "NC";
/// Name of the axis with variable length.
const BATCH: &str = "batch";

/// Order of the axes of images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// (batch, height, width, channels), as in Keras and in data sets.
    #[default]
    Nhwc,
    /// (batch, channels, height, width), as in PyTorch.
    Nchw,
}

impl Layout {
    /// The layout's name in metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nhwc => "NHWC",
            Self::Nchw => "NCHW",
        }
    }
}

/// Options of an export.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Order of the input's axes.
    pub layout: Layout,
    /// True for an input of bytes, which the network divides by 255; false for numbers in [0, 1].
    pub raw_pixels: bool,
    /// Encoding of the table that the network was trained on. The file then takes the table's original numbers, and
    /// a regression gives its value in the label's unit.
    pub table: Option<Table>,
    /// Additional metadata of the file: names and values.
    pub metadata: Vec<(String, String)>,
}

impl Options {
    /// Name of the input.
    pub fn input(&self) -> &'static str {
        if self.table.is_some() { FEATURES } else { INPUT }
    }
}

/// Names of the outputs of `model` in an exported file: those of the network, if it has several. A name that an input has
/// ends in `_output`.
///
/// # Errors
/// [`wgrad::Error::Model`] where the layers do not fit each other.
pub fn outputs(model: &Model) -> Result<Vec<String>> {
    if model.heads.is_empty() {
        let names: &[&str] = if model.loss()?.is_regression() { &[VALUE] } else { &[LOGITS, PROBABILITIES] };
        return Ok(names.iter().map(ToString::to_string).collect());
    }
    let inputs = model.several_inputs()?;
    let taken = |name: &str| [INPUT, FEATURES].contains(&name) || inputs.iter().any(|(own, _)| own == name);
    let named = |head: &Head| match head.name() {
        name if taken(name) => format!("{name}_output"),
        name => name.to_string(),
    };
    Ok(model.heads.iter().map(named).collect())
}

/// Converts images in the format of `model` to the inputs of a file with these options, by their names. `bytes` holds
/// (height, width, channels) bytes or floats, as `input` says.
///
/// # Errors
/// [`wgrad::Error::Model`] where the layers do not fit each other.
pub fn inputs(
    bytes: &[u8],
    model: &Model,
    input: &Preprocessing,
    options: &Options,
) -> Result<Vec<(String, Tensor)>> {
    let whole = || images(bytes, model, input, options);
    let several = apart(model, input, options)?;
    if several.is_empty() {
        return Ok(vec![(options.input().to_string(), whole())]);
    }
    let numbers: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|v| f32::from_le_bytes(*v)).collect();
    let rows = numbers.len() / model.pixels();
    let mut first = 0;
    let mut tensors = Vec::new();
    for (name, shape) in several {
        let len: usize = shape.iter().product();
        let own = numbers.chunks_exact(model.pixels()).flat_map(|row| &row[first..first + len]);
        let tensor = Tensor::real(&[&[rows][..], &shape].concat(), own.copied().collect());
        let turned = shape.len() == 3 && options.layout == Layout::Nchw;
        tensors.push((name, if turned { tensor.transposed(&[0, 3, 1, 2]) } else { tensor }));
        first += len;
    }
    Ok(tensors)
}

/// The inputs that a file has one by one, if the network has several: name and shape. A table's numbers, bytes, and
/// inputs that are normalized come in one row.
fn apart(model: &Model, input: &Preprocessing, options: &Options) -> Result<Vec<(String, Vec<usize>)>> {
    let together = options.table.is_some() || !input.floats || input.normalization.is_some();
    if together { Ok(Vec::new()) } else { Ok(model.several_inputs()?) }
}

/// The one input of a file for images.
fn images(bytes: &[u8], model: &Model, input: &Preprocessing, options: &Options) -> Tensor {
    let [h, w, c] = model.input_shape;
    let shape = [bytes.len() / input.bytes(model.pixels()).max(1), h, w, c];
    let tensor = if options.raw_pixels {
        let numbers = bytes.iter().map(|b| i64::from(*b)).collect();
        Tensor { kind: kind::UINT8, ..Tensor::whole(&shape, numbers) }
    } else if let Some(table) = &options.table {
        // The original numbers of the table.
        let [means, deviations] = columns(table);
        let numbers = bytes.as_chunks::<4>().0.iter().map(|v| f32::from_le_bytes(*v)).enumerate();
        let numbers = numbers.map(|(n, v)| {
            let (mean, deviation) = (means[n % means.len()], deviations[n % means.len()]);
            if deviation.is_finite() { v * deviation + mean } else { mean }
        });
        let numbers = numbers.collect();
        return Tensor::real(&[shape[0], means.len()], numbers);
    } else if input.floats {
        Tensor::real(&shape, bytes.as_chunks::<4>().0.iter().map(|v| f32::from_le_bytes(*v)).collect())
    } else {
        Tensor::real(&shape, bytes.iter().map(|b| f32::from(*b) / 255.0).collect())
    };
    match options.layout {
        _ if row_of(model.input_shape) => Tensor { shape: vec![shape[0], c], ..tensor },
        Layout::Nchw => tensor.transposed(&[0, 3, 1, 2]),
        Layout::Nhwc => tensor,
    }
}

/// Access to the network's tensors: the parameters, and the arena with their values.
struct Weights<'a> {
    parameters: &'a [Parameter],
    arena: &'a [f32],
}

impl Weights<'_> {
    fn tensor(&self, id: ParameterId) -> Tensor {
        let p = &self.parameters[id.0];
        Tensor::real(&p.shape, self.arena[p.offset..p.offset + p.len()].to_vec())
    }

    fn name(&self, id: ParameterId) -> &str {
        &self.parameters[id.0].name
    }
}

/// Exports `model` with the arena `weights` as an ONNX model, for images in the format of `input`. Its outputs are
/// `logits` and `probabilities`, or `value` for a regression. For two classes with one logit, `probabilities` holds
/// both. Of several outputs each has its own name, and probabilities or values.
///
/// # Errors
/// [`wgrad::Error::Model`] where the layers do not fit each other; [`Error::Onnx`] with the name of a layer that
/// ONNX cannot represent, or with a column of a table whose numbers are too large for f32, compared with their
/// spread.
pub fn export(
    model: &Model,
    input: &Preprocessing,
    weights: &[f32],
    options: &Options,
) -> Result<ModelProto> {
    let loss = model.loss()?;
    let bare = model.without_activation(loss);
    let (placed, parameters) = bare.place()?;
    let fail = |message: String| Error::Onnx { what: format!("cannot export {}", model.name), message };
    if weights.len() != arena_len(&parameters) {
        let expected = arena_len(&parameters);
        return Err(fail(format!("the weights are {} numbers, the model has {expected}", weights.len())));
    }
    if options.raw_pixels && input.floats {
        return Err(fail("its data are floats, and raw pixels are bytes; leave `.raw_pixels` out".into()));
    }
    if let Some(table) = options.table.as_ref().filter(|table| table.width() != model.pixels()) {
        let width = table.width();
        return Err(fail(format!(
            "its table has {width} numbers a row, the network takes {}",
            model.pixels()
        )));
    }
    if let Some(words) = options.table.as_ref().and_then(|table| too_coarse(table, loss.is_regression())) {
        return Err(fail(words));
    }
    let weights = Weights { parameters: &parameters, arena: weights };
    let several = apart(model, input, options)?;
    let names = several.iter().map(|(name, _)| name.as_str());
    let ends = outputs(model)?;
    let names = names.chain(ends.iter().map(String::as_str));
    let names: Vec<&str> = [options.input(), LOGITS, PROBABILITIES, VALUE].into_iter().chain(names).collect();
    let mut w = Writer::new(&names);
    let image = match &options.table {
        Some(table) => row(&mut w, model.input_shape, table),
        // No layer takes it.
        None if !several.is_empty() => Flow { name: String::new(), shape: Vec::new(), nchw: false },
        None => picture(&mut w, model.input_shape, options),
    };
    let image = normalized(&mut w, image, input.normalization.as_ref());
    for (name, shape) in &several {
        let nchw = shape.len() == 3 && options.layout == Layout::Nchw;
        let declared = if nchw { vec![shape[2], shape[0], shape[1]] } else { shape.clone() };
        w.input(name, kind::FLOAT, BATCH, &declared);
    }
    let mut flows: Vec<Flow> = Vec::new();
    for p in &placed {
        if let (Layer::InputLayer(layer), false) = (p.layer, several.is_empty()) {
            let nchw = layer.shape.len() == 3 && options.layout == Layout::Nchw;
            flows.push(Flow { name: p.place.name.clone(), shape: layer.shape.clone(), nchw });
            continue;
        }
        if p.masked {
            return Err(fail(format!(
                "layer {} ({}): its output has a mask, and ONNX's operators take none; export the network without Masking \
                 and `mask_zero`",
                p.place.index + 1,
                p.place.name
            )));
        }
        let inputs: Vec<Flow> =
            p.from.iter().map(|from| from.map_or(image.clone(), |n| flows[n].clone())).collect();
        let flow = layer::write(&mut w, p.layer, &p.place, &inputs, &weights)
            .map_err(|message| fail(format!("layer {} ({}): {message}", p.place.index + 1, p.place.name)))?;
        flows.push(flow);
    }
    // Outputs have their channels last, whatever the layout of the input.
    let several = bare.several_outputs()?;
    for (output, name) in several.iter().zip(&ends) {
        let last = w.nhwc(&flows[output.index]).name;
        let (op, attributes) = match output.loss.activation() {
            "softmax" => ("Softmax", vec![int("axis", -1)]),
            "sigmoid" => ("Sigmoid", Vec::new()),
            _ => ("Identity", Vec::new()),
        };
        w.named(op, name, &[&last], attributes);
        w.output(name, BATCH, &output.shape);
    }
    if several.is_empty() {
        let last = w.nhwc(flows.last().unwrap_or(&image)).name;
        let shape = placed.last().map_or_else(Vec::new, |p| p.place.output.clone());
        let unit = options.table.as_ref().and_then(label).filter(|_| loss.is_regression());
        finish(&mut w, &last, loss, &shape, unit);
    }
    let mut graph = w.graph;
    graph.name = model.name.clone();
    let mut metadata = own_metadata(model, input, loss, options);
    metadata.extend(options.metadata.iter().cloned());
    Ok(ModelProto {
        ir_version: IR_VERSION,
        producer_name: "wgrad".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: format!("The network {}, trained by wgrad", model.name),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: metadata
            .into_iter()
            .map(|(key, value)| StringStringEntryProto { key, value })
            .collect(),
    })
}

/// The metadata that follow from the model and the options.
fn own_metadata(
    model: &Model,
    input: &Preprocessing,
    loss: Loss,
    options: &Options,
) -> Vec<(String, String)> {
    let (said, scale) = match (options.raw_pixels, input.floats) {
        _ if options.table.is_some() => ("numbers as the table has them, 1 or 0 per word", "1"),
        (true, _) => ("bytes 0 to 255", "1"),
        (false, true) => ("floats as the data have them", "1"),
        (false, false) => ("bytes divided by 255, in [0, 1]", "0.00392156862745098"),
    };
    let table = options.table.iter().flat_map(|table| {
        let whole = serde_json::to_string(table).unwrap_or_default();
        let names = serde_json::to_string(&super::table::names(table)).unwrap_or_default();
        [(TABLE, whole), ("input.columns", names), ("label", table.label.name.clone())]
    });
    let last = if model.ends_in(loss.activation()) { loss.activation() } else { "linear" };
    [
        ("model", model.name.clone()),
        ("loss", loss.to_string()),
        (ACTIVATION, last.to_string()),
        ("input.layout", if row_of(model.input_shape) { ROW } else { options.layout.name() }.to_string()),
        ("input.range", said.to_string()),
        ("input.scale", scale.to_string()),
    ]
    .into_iter()
    .chain(table)
    .map(|(key, value)| (key.to_string(), value))
    .collect()
}

/// Declares the rows of a table as the input, and standardises them to the shape of the network's input.
fn row(w: &mut Writer, shape: [usize; 3], table: &Table) -> Flow {
    let [means, deviations] = columns(table);
    let width = means.len();
    w.input(FEATURES, kind::FLOAT, BATCH, &[width]);
    let mean = w.constant("table/mean", Tensor::real(&[width], means));
    let deviation = w.constant("table/deviation", Tensor::real(&[width], deviations));
    let centred = w.node("Sub", "table/centred", &[FEATURES, &mean], Vec::new());
    let scaled = w.node("Div", "table/standardised", &[&centred, &deviation], Vec::new());
    let lens: Vec<i64> = std::iter::once(-1).chain(shape.map(|n| n as i64)).collect();
    let lens = w.whole("table/shape", &lens);
    let name = w.node("Reshape", "table/row", &[&scaled, &lens], Vec::new());
    Flow { name, shape: shape.to_vec(), nchw: false }
}

/// True if the input is a row of numbers rather than an image: a file then takes (batch, numbers).
fn row_of([height, width, _]: [usize; 3]) -> bool {
    (height, width) == (1, 1)
}

/// Declares images, or rows of numbers, as the input; converts bytes to numbers in [0, 1].
fn picture(w: &mut Writer, image: [usize; 3], options: &Options) -> Flow {
    let [h, width, c] = image;
    let (row, nchw) = (row_of(image), options.layout == Layout::Nchw && !row_of(image));
    let shape: &[usize] = match (row, nchw) {
        (true, _) => &[c],
        (_, true) => &[c, h, width],
        _ => &image,
    };
    let element = if options.raw_pixels { kind::UINT8 } else { kind::FLOAT };
    w.input(INPUT, element, BATCH, shape);
    let mut name = INPUT.to_string();
    if options.raw_pixels {
        let number = w.node("Cast", "image/number", &[&name], vec![int("to", i64::from(kind::FLOAT))]);
        let scale = w.constant("image/255", Tensor::real(&[], vec![255.0]));
        name = w.node("Div", "image/share", &[&number, &scale], Vec::new());
    }
    if row {
        let lens = w.whole("image/shape", &[-1, 1, 1, c as i64]);
        name = w.node("Reshape", "image/row", &[&name, &lens], Vec::new());
    }
    Flow { name, shape: vec![h, width, c], nchw }
}

/// Appends the normalization of the input, for each channel: gain · x + shift.
fn normalized(w: &mut Writer, image: Flow, normalization: Option<&Normalization>) -> Flow {
    let Some(normalization) = normalization else { return image };
    let channels = image.shape[2];
    let shape: &[usize] = if image.nchw { &[channels, 1, 1] } else { &[channels] };
    let (gains, shifts): (Vec<f32>, Vec<f32>) = (0..channels)
        .map(|channel| normalization.scale(channel))
        .map(|(gain, shift)| (gain as f32, shift as f32))
        .unzip();
    let gain = w.constant("image/gain", Tensor::real(shape, gains));
    let shift = w.constant("image/shift", Tensor::real(shape, shifts));
    let scaled = w.node("Mul", "image/scaled", &[&image.name, &gain], Vec::new());
    let name = w.node("Add", "image/normalized", &[&scaled, &shift], Vec::new());
    Flow { name, ..image }
}

/// Names the outputs. Appends the conversion of logits to probabilities, or of a value to the `unit` of a label
/// (its mean and deviation).
fn finish(w: &mut Writer, last: &str, loss: Loss, shape: &[usize], unit: Option<[f32; 2]>) {
    if let Some([mean, deviation]) = unit {
        let mean = w.constant("label/mean", Tensor::real(&[], vec![mean]));
        let deviation = w.constant("label/deviation", Tensor::real(&[], vec![deviation]));
        let scaled = w.node("Mul", "label/scaled", &[last, &deviation], Vec::new());
        w.named("Add", VALUE, &[&scaled, &mean], Vec::new());
        return w.output(VALUE, BATCH, shape);
    }
    let first = if loss.is_regression() { VALUE } else { LOGITS };
    w.call_output(last, first);
    w.output(first, BATCH, shape);
    match loss {
        Loss::SoftmaxCrossEntropy => {
            w.named("Softmax", PROBABILITIES, &[LOGITS], vec![int("axis", -1)]);
            w.output(PROBABILITIES, BATCH, shape);
        }
        // One probability for each output.
        Loss::BinaryCrossEntropy if shape != [1] => {
            w.named("Sigmoid", PROBABILITIES, &[LOGITS], Vec::new());
            w.output(PROBABILITIES, BATCH, shape);
        }
        Loss::BinaryCrossEntropy => {
            let one = w.constant("probabilities/1", Tensor::real(&[], vec![1.0]));
            let yes = w.node("Sigmoid", "probabilities/second", &[LOGITS], Vec::new());
            let no = w.node("Sub", "probabilities/first", &[&one, &yes], Vec::new());
            w.named("Concat", PROBABILITIES, &[&no, &yes], vec![int("axis", 1)]);
            w.output(PROBABILITIES, BATCH, &[2]);
        }
        _ => {}
    }
}
