//! `wgrad import`: turns an ONNX file into a run, for `eval`, `predict` and further training from its weights.

use super::{
    output,
    page::{program, quoted, quoted_path},
    train::recorded::{MODEL, absolute},
};
use anyhow::{Context as _, Result, bail};
use serde_json::json;
use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};
use wgrad::{checkpoint::Checkpoint, gpu::AdapterRecord, model::Model, op::AdapterClass, train::Options};
use wgrad_data::{
    self, DataSpec, Places, Reading,
    pictures::Preparation,
    reading::{Fit, Size},
    table::Kind,
};
use wgrad_formats::{
    model_file,
    onnx::{self, import::Imported},
};
use wgrad_run::{BEST, Config, DataRecord, Run};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad import net.onnx --out runs/net                  then: wgrad eval runs/net, wgrad predict runs/net shirt.png
  wgrad import net.onnx --out runs/net --mean 0.286 --deviation 0.353
                                                        a network that takes (image - mean) / deviation
  wgrad train --model runs/net/model.toml --init runs/net/best.safetensors
                                                        continues training from its weights

The folder gets run.json, model.toml and the weights. The network takes bytes divided by 255, and pictures unchanged; a \
network of rows takes the numbers of a table unchanged, unless `--mean` marks them as images. Its classes are those that \
the file names, or class 0, class 1 ..., unless `--data` or `--classes` name them. External weights, such as \
net.onnx.data, are read from the folder of the model. Images may be (batch, channels, height, width) in the file, as in \
PyTorch: wgrad transposes the weights. An unsupported operator is an error that names it. \
docs/onnx.md lists the supported ones.")]
pub struct Import {
    /// The ONNX file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Run folder to create
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Name of the network [default: the name in the file, else the file's own]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Height, width and channels of an image, where the file leaves them open; 1,1,N for a row of N numbers
    #[arg(long, value_name = "H,W,C", num_args = 1..=3, value_parser = lengths)]
    input_shape: Option<Vec<Vec<usize>>>,
    /// Axis order of the file's input, where the file does not determine it
    #[arg(long, value_name = "ORDER")]
    layout: Option<super::export::Order>,
    /// Output of the file to use as the network's
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// Mean of the images, in [0, 1], which the network expects to be subtracted
    #[arg(long, value_name = "X", requires = "deviation")]
    mean: Option<f32>,
    /// Deviation of the images, by which the network expects them to be divided
    #[arg(long, value_name = "X", requires = "mean")]
    deviation: Option<f32>,
    /// Data set of the network: `fashion-mnist`, `synthetic`, or a path [default: the one that the file names, else
    /// unknown]
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<DataSpec>,
    /// Class names in the order of the outputs: separated by commas, or a file with one name per line
    #[arg(long, value_name = "NAMES|FILE")]
    classes: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Import {
    pub fn run(self) -> Result<ExitCode> {
        let what = self.file.display().to_string();
        let bytes = whole(&self.file).with_context(|| format!("cannot read {what}"))?;
        let mut file = onnx::read(&what, &bytes)?;
        drop(bytes);
        onnx::external::fetch(&what, &mut file, self.file.parent().unwrap_or(Path::new(".")))?;
        let imported = onnx::import::import(&what, &file, &self.options(&file)?)?;
        drop(file);
        let run = self.keep(&imported)?;
        let model = &run.config.model;
        let parameters: usize = model.parameters()?.iter().map(|p| p.len()).sum();
        let data = &run.config.data;
        let known = data.spec != DataRecord::UNKNOWN;
        if self.json {
            output::json(&json!({
                "run": run.folder, "model": model.name, "layers": model.layers.len(), "parameters": parameters,
                "loss": model.loss()?, "classes": data.classes, "data": known.then_some(&data.spec),
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let folder = run.folder.display();
        output::line(format!(
            "{folder}: {} ({} layers, {parameters} parameters)",
            model.name,
            model.layers.len()
        ))?;
        if !known {
            tell!("note: {}", self.unreported(&run)?);
        }
        let (program, folder) = (program(), quoted_path(&run.folder));
        let mut next = Vec::new();
        let its = match (known, data.spec.as_str()) {
            (true, "fashion-mnist") => String::new(),
            (true, spec) => format!(" --data {}", quoted(spec)),
            (false, _) => " --data NAME|PATH".into(),
        };
        match (&data.table, model.input_shape[2]) {
            (Some(_), _) => next.push(format!("{program} predict {folder} ROWS.csv")),
            (None, _) if is_row(model) && !known => next.push(format!("{program} predict {folder} ROWS.csv")),
            (None, 1 | 3) if !known => next.push(format!("{program} predict {folder} PICTURE.png")),
            _ => {}
        }
        next.push(format!("{program} eval {folder}{}", if known { "" } else { its.as_str() }));
        let file = |name| quoted_path(&run.folder.join(name));
        let (model, weights) = (file(MODEL), file(BEST));
        next.push(format!("{program} train --model {model} --init {weights}{its}"));
        tell!("try next:\n  {}", next.join("\n  "));
        Ok(ExitCode::SUCCESS)
    }

    /// Note on the facts that the file leaves unknown, and on the assumptions in their place.
    fn unreported(&self, run: &Run) -> Result<String> {
        let data = &run.config.data;
        let mut parts = vec!["its data set is not known".to_string()];
        if data.classes.first().is_some_and(|name| name == &numbered(0)) {
            let last = data.classes.len() - 1;
            parts.push(format!("its classes are called {} to {}", numbered(0), numbered(last)));
        }
        if data.preparation.is_some() {
            parts.push("pictures are taken as they are".into());
        }
        if is_row(&run.config.model) && data.table.is_none() {
            let how = if data.input.floats { "as they are" } else { "as bytes, divided by 255" };
            parts.push(format!("numbers of rows are taken {how}"));
        }
        Ok(format!("{}; name them with `--data` and `--classes`", parts.join(", ")))
    }

    fn options(&self, file: &onnx::proto::ModelProto) -> Result<onnx::import::Options> {
        let input_shape = self.input_shape.as_ref().map(|parts| parts.concat());
        let input_shape = match input_shape.as_deref() {
            Some(&[h, w, c]) if h > 0 && w > 0 && c > 0 => Some([h, w, c]),
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
            training: false,
        })
    }

    /// Creates the run folder with the weights and the model file.
    fn keep(&self, imported: &Imported) -> Result<Run> {
        let data = self.record(imported)?;
        let adapter = AdapterRecord {
            name: "none: imported from ONNX".into(),
            backend: String::new(),
            driver: String::new(),
            class: AdapterClass::Cpu,
        };
        let config = Config {
            init: Some(self.file.clone()),
            ..Config::new(imported.model.clone(), data, Options::default(), adapter)
        };
        let checkpoint = Checkpoint { weights: imported.weights.clone(), ..Checkpoint::default() };
        if let Some(what) = checkpoint.not_finite(&config.model.parameters()?) {
            bail!("{}: {what}: it came with the file", self.file.display());
        }
        let run = Run::create(Some(&self.out), config)?;
        run.save(&checkpoint, true)?;
        let text = model_file::to_text(&imported.model)?;
        wgrad_files::write_file(&Path::new(&self.out).join(MODEL), text.as_bytes())?;
        Ok(run)
    }

    /// Record of the network's data, from the options, the file and the table in it.
    fn record(&self, imported: &Imported) -> Result<DataRecord> {
        let model = &imported.model;
        let outputs = if model.loss()?.is_regression() { 0 } else { model.classes()? };
        let reported = match &self.data {
            Some(spec) => Some(load(spec, imported, outputs).with_context(|| {
                format!("the data of `--data {spec}` do not fit this network, or cannot be read")
            })?),
            None => own(imported, outputs),
        };
        let mut record = reported.unwrap_or_else(|| unknown(imported));
        // A row of numbers is no picture: the network takes them unchanged, unless the file or the options speak of
        // bytes.
        if record.spec == DataRecord::UNKNOWN && is_row(model) && !imported.bytes && self.mean.is_none() {
            record.input.floats = true;
        }
        let said = self.classes.as_deref().map(class_names).transpose()?;
        if let Some(names) = said.as_ref().filter(|names| names.len() != outputs) {
            bail!("--classes names {} classes, the network has {outputs}", names.len());
        }
        let of_file = imported.classes.clone().filter(|names| names.len() == outputs);
        let of_table = match imported.table.as_ref().map(|table| &table.label.kind) {
            Some(Kind::Words(words)) if words.len() == outputs => Some(words.clone()),
            _ => None,
        };
        let named = said.or(of_file).or(of_table);
        if let Some(names) = &named {
            let (mut ours, mut theirs) = (names.clone(), record.classes.clone());
            ours.sort_unstable();
            theirs.sort_unstable();
            if *names != record.classes && ours == theirs {
                bail!(
                    "the network's classes are {}, the data have them in another order: {}; labels would be mixed up",
                    names.join(", "),
                    record.classes.join(", ")
                );
            }
        }
        let numbers = || (0..outputs).map(numbered).collect();
        let of_data = Some(record.classes).filter(|names| names.len() == outputs);
        record.classes = named.or(of_data).unwrap_or_else(numbers);
        if let Some(table) = &imported.table {
            record.table = Some(table.clone());
            record.reading.missing = imported.missing.unwrap_or_default();
        }
        Ok(record)
    }
}

/// Name of an unnamed class.
fn numbered(class: usize) -> String {
    format!("class {class}")
}

/// Parses lengths such as `28,28,1`, or one of them alone.
fn lengths(text: &str) -> Result<Vec<usize>, String> {
    let parts = text.split([',', 'x', '×', ' ']).filter(|part| !part.is_empty());
    let parsed: Result<Vec<usize>, _> = parts.map(str::parse).collect();
    parsed.ok().filter(|list| !list.is_empty()).ok_or_else(|| {
        "expected three numbers, such as 28,28,1; put the FILE in front of this option".to_string()
    })
}

/// Parses class names: separated by commas, or from a file with one per line.
fn class_names(said: &str) -> Result<Vec<String>> {
    let text = match Path::new(said).is_file() {
        true => fs::read_to_string(said).with_context(|| format!("cannot read {said}"))?,
        false => said.replace(',', "\n"),
    };
    let names = text.trim_start_matches('\u{feff}').lines().map(|line| line.trim().to_string());
    let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => bail!("--classes names `{}` twice", pair[0]),
        None => Ok(names),
    }
}

/// Bytes that an ONNX file cannot reach: its format counts no further.
const LARGEST: u64 = 1 << 31;

/// Reads a file; refuses one of [`LARGEST`] bytes or more.
fn whole(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        bail!("it is a folder; name the .onnx file in it");
    }
    file.take(LARGEST).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == LARGEST {
        bail!(
            "it has 2 GiB or more, and no ONNX file can; larger weights are stored in a separate file next to it"
        );
    }
    Ok(bytes)
}

/// Returns true if the network takes a row of numbers instead of an image.
fn is_row(model: &Model) -> bool {
    model.input_shape[..2] == [1, 1]
}

/// Options for reading pictures for this network.
fn reading(model: &Model) -> Reading {
    let [height, width, channels] = model.input_shape;
    let picture = matches!(channels, 1 | 3) && height.max(width) <= Size::LONGEST && height * width > 1;
    let size = picture.then_some(Size { height, width });
    Reading { size, channels: picture.then_some(channels), ..Reading::default() }
}

/// Loads the data and records them; refuses data that do not fit the network.
fn load(spec: &DataSpec, imported: &Imported, outputs: usize) -> Result<DataRecord> {
    let model = &imported.model;
    let read = |reading: &Reading| -> Result<DataRecord> {
        let data = wgrad_data::load_with(spec, &Places::from_env(), reading, imported.table.as_ref())?;
        if data.shape() != model.input_shape {
            bail!("{} has {:?} numbers, the network takes {:?}", data.name, data.shape(), model.input_shape);
        }
        if data.classes.len() != outputs {
            bail!("{} has {} classes, the network {outputs}", data.name, data.classes.len());
        }
        let mut record = DataRecord::of(&data, absolute(spec)?, None, None, reading.clone());
        // wgrad standardises nothing that the file does not.
        if imported.table.is_none() {
            record.table = record.table.map(|table| table.as_it_is());
        }
        Ok(record)
    };
    let plain = read(&Reading::default());
    plain.or_else(|first| {
        read(&reading(model)).map_err(|second| if model.input_shape[0] > 1 { second } else { first })
    })
}

/// Data that the file itself names, if they are here with the same digest, or are Fashion-MNIST, which needs no path.
fn own(imported: &Imported, outputs: usize) -> Option<DataRecord> {
    let spec: DataSpec = imported.data.as_deref()?.parse().ok()?;
    let here = load(&spec, imported, outputs).ok();
    match (here, &imported.digest) {
        (Some(record), Some(digest)) if record.digest == *digest => Some(record),
        (_, Some(digest)) if spec == DataSpec::FashionMnist => Some(DataRecord {
            spec: spec.to_string(),
            name: "Fashion-MNIST".into(),
            digest: digest.clone(),
            classes: Vec::new(),
            preparation: None,
            ..unknown(imported)
        }),
        _ => None,
    }
}

/// Record of unknown data: pictures are taken unchanged, unless the file says how to prepare them.
fn unknown(imported: &Imported) -> DataRecord {
    let model = &imported.model;
    let [height, width, channels] = model.input_shape;
    let reading = reading(model);
    let plain = reading.size.map(|_| Preparation { height, width, channels, fit: Fit::default() });
    let own = imported.preparation.filter(|p| [p.height, p.width, p.channels] == model.input_shape);
    DataRecord {
        spec: DataRecord::UNKNOWN.into(),
        name: "unknown data".into(),
        digest: String::new(),
        classes: Vec::new(),
        limit: None,
        validation: None,
        reading,
        input: imported.input.clone(),
        table: None,
        preparation: if imported.light_on_dark { None } else { own.or(plain) },
    }
}
