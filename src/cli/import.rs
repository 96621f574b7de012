//! An ONNX file as a run: `eval` and `predict` take it, and training goes on from its weights.

use super::output;
use anyhow::{Context as _, Result, bail};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use wgrad::{
    checkpoint::Checkpoint,
    data::{self, DataSpec, Places},
    gpu::AdapterClass,
    model_file,
    onnx::{self, import::Imported},
    run::{AdapterRecord, Config, DataRecord, Run},
    train::Options,
};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad import net.onnx --out runs/net                  then: wgrad eval runs/net, wgrad predict runs/net shirt.png
  wgrad import net.onnx --out runs/net --mean 0.286 --deviation 0.353
                                                        a network that takes (image - mean) / deviation
  wgrad train --model runs/net/model.toml --init runs/net/best.safetensors
                                                        trains on from its weights

The folder gets run.json, model.toml and the weights. The network takes bytes divided by 255. Images may be (batch, channels, \
height, width) in the file, as PyTorch has them: weights are turned. An operator that wgrad has nothing like is named. \
docs/onnx.md has the list.")]
pub struct Import {
    /// The ONNX file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A name for the network; the file's by default
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Height, width and channels of an image, where the file leaves them open
    #[arg(long, value_name = "H,W,C", value_delimiter = ',', num_args = 3)]
    input_shape: Option<Vec<usize>>,
    /// The order of the axes of the file's input, where it does not follow from the file
    #[arg(long, value_name = "ORDER")]
    layout: Option<super::export::Order>,
    /// Which of the file's outputs is the network's
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// Mean of the images, in [0, 1], that the network expects to be subtracted
    #[arg(long, value_name = "X", requires = "deviation")]
    mean: Option<f32>,
    /// Deviation of the images by which it expects them to be divided
    #[arg(long, value_name = "X", requires = "mean")]
    deviation: Option<f32>,
    /// The data set that it is for: `fashion-mnist`, `synthetic`, or a folder; the file's by default
    #[arg(long, value_name = "NAME|DIR")]
    data: Option<DataSpec>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Import {
    pub fn run(self) -> Result<ExitCode> {
        let what = self.file.display().to_string();
        let bytes = fs::read(&self.file).with_context(|| format!("cannot read {what}"))?;
        let file = onnx::read(&what, &bytes)?;
        let imported = onnx::import::import(&what, &file, &self.options(&file)?)?;
        let run = self.keep(&imported)?;
        let model = &run.config.model;
        let parameters: usize = model.parameters()?.iter().map(|p| p.len()).sum();
        if self.json {
            output::json(&json!({
                "run": run.folder, "model": model.name, "layers": model.layers.len(), "parameters": parameters,
                "loss": model.loss()?, "classes": run.config.data.classes, "data": run.config.data.spec,
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let folder = run.folder.display();
        output::line(format!(
            "{folder}: {} ({} layers, {parameters} parameters)",
            model.name,
            model.layers.len()
        ))?;
        tell!(
            "try next:\n  wgrad eval {folder}\n  wgrad train --model {folder}/model.toml --init {folder}/best.safetensors"
        );
        Ok(ExitCode::SUCCESS)
    }

    fn options(&self, file: &onnx::proto::ModelProto) -> Result<onnx::import::Options> {
        let input_shape = match self.input_shape.as_deref() {
            Some([h, w, c]) if h * w * c > 0 => Some([*h, *w, *c]),
            Some(other) => {
                bail!("--input-shape is {other:?}, expected three numbers above 0, such as 28,28,1")
            }
            None => None,
        };
        if let Some(deviation) = self.deviation.filter(|d| !(*d > 0.0 && d.is_finite())) {
            bail!("--deviation is {deviation}, expected a number above 0");
        }
        let stem = self.file.file_stem().map_or("imported".into(), |s| s.to_string_lossy().into_owned());
        Ok(onnx::import::Options {
            name: self.name.clone().or(file.metadata("model").map(String::from)).or(Some(stem)),
            input_shape,
            layout: self.layout.map(Into::into),
            output: self.output.clone(),
            moments: self.mean.zip(self.deviation).map(|(mean, deviation)| [mean, deviation]),
        })
    }

    /// Makes the folder.
    fn keep(&self, imported: &Imported) -> Result<Run> {
        let model = imported.model.clone();
        let recorded = imported.data.as_deref().and_then(|spec| spec.parse().ok());
        let spec = self.data.clone().or(recorded).unwrap_or(DataSpec::FashionMnist);
        let config = Config {
            version: env!("CARGO_PKG_VERSION").into(),
            data: record(&spec, imported, model.classes()?),
            model,
            options: Options::default(),
            init: Some(self.file.clone()),
            adapter: AdapterRecord {
                name: "none: imported from ONNX".into(),
                backend: String::new(),
                driver: String::new(),
                class: AdapterClass::Cpu,
            },
            kernels: Vec::new(),
            files: Default::default(),
            pauses: Vec::new(),
            recipe: None,
        };
        let run = Run::create(Some(&self.out), config)?;
        let checkpoint = Checkpoint { weights: imported.weights.clone(), ..Checkpoint::default() };
        run.save(&checkpoint, true)?;
        let text = model_file::to_text(&imported.model)?;
        data::write_file(&Path::new(&self.out).join("model.toml"), text.as_bytes())?;
        Ok(run)
    }
}

/// The data as it is here, or what can be said without it.
fn record(spec: &DataSpec, imported: &Imported, classes: usize) -> DataRecord {
    let here = data::load(spec, &Places::from_env()).ok().filter(|data| data.classes.len() == classes);
    let names = imported.classes.clone().filter(|names| names.len() == classes);
    let numbered = || (0..classes).map(|n| n.to_string()).collect();
    DataRecord {
        spec: spec.to_string(),
        name: here.as_ref().map_or_else(|| spec.to_string(), |data| data.name.clone()),
        digest: here.as_ref().map_or_else(String::new, |data| data.digest.clone()),
        classes: names.or(here.map(|data| data.classes)).unwrap_or_else(numbered),
        limit: None,
        validation: None,
        reading: Default::default(),
        input: imported.model.input.clone(),
        table: None,
        preparation: None,
    }
}
