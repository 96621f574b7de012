//! `wgrad export`: writes the network of a run for other programs, as ONNX or as weights alone.

use super::{AdapterArgs, output, runs::run_name};
use anyhow::{Context as _, Result, bail};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use wgrad::{
    checkpoint::Checkpoint, data::normalization, model::Output, predict::Predictor,
    preprocessing::Normalization, selection::Choices,
};
use wgrad_data::{self, Places};
use wgrad_formats::onnx::{
    self,
    export::{Layout, Options},
    table::MISSING,
    tensor::Tensor,
};
use wgrad_run::{DataRecord, Run};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad export runs/cnn-1 --onnx cnn.onnx                   for ONNX Runtime and everything else that reads ONNX
  wgrad export runs/cnn-1 --onnx cnn.onnx --raw-pixels      takes bytes; the division by 255 is part of the network
  wgrad export runs/cnn-1 --onnx cnn.onnx --layout nchw     takes images as PyTorch has them
  wgrad export runs/cnn-1 --safetensors cnn.safetensors     the weights alone, under readable names

The input is `image`: (batch, height, width, channels), numbers in [0, 1]: bytes divided by 255. The batch size is dynamic. \
The outputs are `logits` and `probabilities`, or `value` for a regression. A network of a table takes `features`, \
(batch, columns), with the table's numbers; a regression predicts in the label's unit. Metadata hold classes and scaling. \
docs/onnx.md has the details.")]
pub struct Export {
    /// The folder of a run
    #[arg(value_name = "RUN", value_parser = run_name())]
    run: PathBuf,
    /// Write the network as an ONNX file
    #[arg(long, value_name = "FILE")]
    onnx: Option<PathBuf>,
    /// Write the weights alone as a safetensors file
    #[arg(long, value_name = "FILE")]
    safetensors: Option<PathBuf>,
    /// Weights to export
    #[arg(long, value_name = "WHICH", default_value = "best")]
    weights: Which,
    /// Axis order of the input images
    #[arg(long, value_name = "ORDER", default_value = "nhwc")]
    layout: Order,
    /// Make the network take bytes and divide them by 255 itself
    #[arg(long)]
    raw_pixels: bool,
    /// Write a test case in ONNX's format into this folder: images, and wgrad's outputs for them on this adapter
    #[arg(long, value_name = "DIR", requires = "onnx")]
    test_data: Option<PathBuf>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
}

/// Images in the test data.
const IMAGES: usize = 8;

/// Weights of a run to export.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// Weights of the best epoch
    Best,
    /// Weights of the last epoch
    Last,
}

/// Axis order of images.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    /// (batch, height, width, channels), as Keras has it
    Nhwc,
    /// (batch, channels, height, width), as PyTorch has it
    Nchw,
}

impl From<Order> for Layout {
    fn from(order: Order) -> Self {
        match order {
            Order::Nhwc => Self::Nhwc,
            Order::Nchw => Self::Nchw,
        }
    }
}

impl Export {
    pub async fn run(self) -> Result<ExitCode> {
        if self.onnx.is_none() && self.safetensors.is_none() {
            bail!("there is nothing to write; name a file with `--onnx FILE` or `--safetensors FILE`");
        }
        let run = Run::open(&self.run)?;
        let checkpoint = if self.weights == Which::Last { run.last()?.for_use() } else { run.best()? };
        if let Some(path) = &self.onnx {
            let options = self.options(&run, &checkpoint);
            let model = onnx::export::export(
                &run.config.model,
                &run.config.data.input,
                &checkpoint.weights,
                &options,
            )?;
            write(path, &onnx::write(&model))?;
            let nodes = model.graph.as_ref().map_or(0, |graph| graph.node.len());
            self.tell(path, "ONNX", json!({"opset": onnx::export::OPSET, "nodes": nodes}))?;
            if let Some(folder) = &self.test_data {
                self.write_test_data(folder, &run, &checkpoint).await?;
            }
        }
        if let Some(path) = &self.safetensors {
            write(path, &checkpoint.to_bytes(&run.config.model.parameters()?)?)?;
            self.tell(path, "safetensors", json!({}))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Writes `test_data_set_0` with the input and the outputs.
    async fn write_test_data(&self, folder: &Path, run: &Run, checkpoint: &Checkpoint) -> Result<()> {
        let context = self.adapter.open().await?;
        let (model, input) = (&run.config.model, &run.config.data.input);
        let byte = |at: usize| wgrad::feed::split_mix(at as u64) as u8;
        let words = model.words()?;
        let float = |at: usize| {
            let place = at % model.pixels();
            match words.iter().find(|words| words.values.contains(&place)) {
                Some(words) => (usize::from(byte(at)) % words.count) as f32,
                None => f32::from(byte(at)) / 255.0,
            }
        };
        let images: Vec<u8> = match input.floats {
            true => (0..IMAGES * model.pixels()).flat_map(|at| float(at).to_le_bytes()).collect(),
            false => (0..IMAGES * model.pixels()).map(byte).collect(),
        };
        let choices = Choices::default();
        let logits = Predictor::of_logits(&context, model, input, checkpoint, IMAGES, &choices).await?;
        let mut outputs = vec![logits.outputs(&images).await?];
        let mut shapes = vec![vec![outputs[0][0].len()]];
        let several = model.several_outputs()?;
        if !several.is_empty() {
            let last = Predictor::new(&context, model, input, checkpoint, IMAGES, &choices).await?;
            let rows = last.outputs(&images).await?;
            let own = |output: &Output| rows.iter().map(|row| row[output.values.clone()].to_vec()).collect();
            outputs = several.iter().map(own).collect();
            shapes = several.into_iter().map(|output| output.shape).collect();
        } else if !model.loss()?.is_regression() {
            let last = Predictor::new(&context, model, input, checkpoint, IMAGES, &choices).await?;
            outputs.push(last.probabilities(&images).await?);
            shapes.push(vec![outputs[1][0].len()]);
        }
        let folder = folder.join("test_data_set_0");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let options = self.options_of_input(run);
        for (n, (name, tensor)) in onnx::export::inputs(&images, model, input, &options)?.iter().enumerate() {
            write(&folder.join(format!("input_{n}.pb")), &onnx::tensor_bytes(tensor, name))?;
        }
        let unit = options.table.as_ref().filter(|_| model.loss().is_ok_and(|loss| loss.is_regression()));
        for (n, rows) in outputs.iter().enumerate() {
            let names = onnx::export::outputs(model)?;
            let number = |v: f32| unit.map_or(v, |table| table.number(f64::from(v)) as f32);
            let shape = [&[IMAGES], &shapes[n][..]].concat();
            let tensor = Tensor::real(&shape, rows.concat().into_iter().map(number).collect());
            write(&folder.join(format!("output_{n}.pb")), &onnx::tensor_bytes(&tensor, &names[n]))?;
        }
        Ok(())
    }

    fn options_of_input(&self, run: &Run) -> Options {
        Options {
            layout: self.layout.into(),
            raw_pixels: self.raw_pixels,
            table: run.config.data.table.clone(),
            metadata: Vec::new(),
        }
    }

    fn tell(&self, path: &Path, format: &str, mut more: serde_json::Value) -> Result<()> {
        let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
        if !self.json {
            return output::line(format!("{}: {format}, {bytes} bytes", path.display()));
        }
        more["file"] = json!(path);
        more["format"] = json!(format);
        more["bytes"] = json!(bytes);
        output::json(&more)
    }

    fn options(&self, run: &Run, checkpoint: &Checkpoint) -> Options {
        let record = &run.config.data;
        let mut metadata = vec![
            ("classes".to_string(), json!(record.classes).to_string()),
            ("data.spec".to_string(), last_part(&record.spec)),
            ("data.name".to_string(), record.name.clone()),
            ("data.sha256".to_string(), record.digest.clone()),
            ("trained.epochs".to_string(), checkpoint.position.epoch.to_string()),
        ];
        match (record.preparation, run.config.model.input_shape) {
            (Some(preparation), _) => {
                metadata.push(("input.preparation".into(), json!(preparation).to_string()));
            }
            (None, [.., 1]) if !record.input.floats => {
                metadata.push(("input.preparation".into(), onnx::export::LIGHT_ON_DARK.into()));
            }
            _ => {}
        }
        if record.table.is_some() {
            metadata.push((MISSING.into(), record.reading.missing.to_string()));
        }
        // The standardisation of a table's columns is part of the network.
        if record.table.is_some() || record.spec == DataRecord::UNKNOWN {
            return Options { metadata, ..self.options_of_input(run) };
        }
        match moments(run) {
            Ok((mean, deviation)) => {
                metadata.push(("data.mean".into(), listed(&mean)));
                metadata.push(("data.deviation".into(), listed(&deviation)));
            }
            Err(error) => tell!("note: the metadata have no mean and deviation of the data: {error:#}"),
        }
        Options { metadata, ..self.options_of_input(run) }
    }
}

/// Mean and deviation of each channel of the training images: those that the run recorded, else computed from its data.
/// These must be here under the recorded name; they are not fetched.
fn moments(run: &Run) -> Result<(Vec<f64>, Vec<f64>)> {
    let record = &run.config.data;
    if let Some(Normalization { mean, deviation }) = record.input.normalization.clone() {
        return Ok((mean, deviation));
    }
    let spec = record.spec.parse()?;
    let mut data = wgrad_data::load_with(&spec, &Places::from_env(), &record.reading, record.table.as_ref())?;
    if data.name != record.name {
        bail!("the run was trained on {}, the data here are {}", record.name, data.name);
    }
    if let Some(limit) = record.limit {
        data = data.limit(limit, usize::MAX);
    }
    Ok(normalization::moments(&data, &data.train))
}

/// Last part of a path: an exported file does not reveal where the data lie on this machine.
fn last_part(spec: &str) -> String {
    spec.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default().to_string()
}

/// Formats one number per channel.
fn listed(numbers: &[f64]) -> String {
    numbers.iter().map(|number| format!("{number:.6}")).collect::<Vec<_>>().join(",")
}

/// Writes a file under a temporary name and renames it.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    Ok(wgrad_files::write_file(path, bytes)?)
}
