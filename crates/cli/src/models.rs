//! Lists the built-in networks, or describes one as Keras's `summary()` does: layers, shapes, parameters, FLOPs,
//! memory. It needs no adapter: all of it follows from the program.

use super::{lab::print::time, network::NetworkArg, output, page::program, train::recipe::names};
use anyhow::Result;
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};
use wgrad::{
    model::{INPUT, Model, Output},
    networks,
    optim::Optimizer,
    preprocessing::Preprocessing,
    program::Mode,
    words::{bytes, commas, si},
};
use wgrad_files::write_file;
use wgrad_formats::model_file;
use wgrad_report::{
    activations,
    chart::Network,
    page::can_write,
    table::{
        Align::{Left, Right, Wrap},
        Table,
    },
};
use wgrad_run::recipe::{Measured, RECIPES, Recipe, measured, recipe};

/// Help of the network, of which this command has no default.
const NETWORK: &str = "A built-in network, a TOML file, or one of Keras's (.keras, .json); also as `--model MODEL` [default: \
                       list the built-in networks]";

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad models                          the built-in networks
  wgrad models cnn                      layers and shapes of one of them
  wgrad models --recipe vgg             the whole `wgrad train` command that `--recipe vgg` stands for
  wgrad models --activations            draw the activations and their derivatives
  wgrad models --template > my.toml     a file to start from
  wgrad models my.toml                  its layers, and whether they fit together
  wgrad models cnn --batch 512 --json   as JSON, with the memory of that batch
  wgrad models model.keras              a Keras network: .keras, or model.to_json() as .json
  wgrad models resnet --svg resnet.svg  draws it: a box per layer, and the skip connections

FLOPs count the matrix products and convolutions; a multiplication and an addition count as two. Memory is that of \
the training buffers: parameters, gradients and optimizer state, and activations with their gradients, which \
share buffers. `wgrad train --recipe NAME` trains a recipe. Its accuracy here is the test accuracy after the last \
epoch, mean ± standard deviation over seeds 0, 1, 2.")]
#[command(mut_arg("network", |arg| arg.help(NETWORK)))]
pub struct Models {
    #[command(flatten)]
    network: NetworkArg,
    /// Images per step, for the memory of activations
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Print JSON lines, one object per network
    #[arg(long)]
    json: bool,
    /// Draw every activation and its derivative, as PNG or SVG by the file's extension [default: activations.png]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "activations.png", conflicts_with_all = ["NetworkArg", "json", "template", "recipe"])]
    activations: Option<PathBuf>,
    /// Draw the network as a graph
    #[arg(long, value_name = "FILE", requires = "NetworkArg")]
    svg: Option<PathBuf>,
    /// Print a commented model file to start from
    #[arg(long, conflicts_with_all = ["NetworkArg", "json"])]
    template: bool,
    /// Print the `wgrad train` command that a recipe stands for
    #[arg(long, value_name = "NAME", value_parser = names(), hide_possible_values = true, conflicts_with_all = ["NetworkArg", "template"])]
    recipe: Option<String>,
}

#[derive(Serialize)]
struct Layer {
    name: String,
    r#type: &'static str,
    output_shape: Vec<usize>,
    parameters: usize,
    connected_to: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shares: Option<String>,
    tensors: Vec<Tensor>,
}

/// A tensor as weight files store it.
#[derive(Serialize)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    trained: bool,
}

/// Bytes of the buffers of training.
#[derive(Serialize)]
struct Memory {
    parameters: u64,
    gradients: u64,
    optimizer: u64,
    activations: u64,
}

/// A recipe and its measured result.
#[derive(Serialize)]
struct MeasuredRecipe {
    recipe: &'static str,
    about: &'static str,
    network: &'static str,
    command: String,
    target_accuracy: f64,
    measured: Option<&'static Measured>,
}

impl MeasuredRecipe {
    fn new(recipe: &'static Recipe) -> Self {
        Self {
            recipe: recipe.name,
            about: recipe.about,
            network: recipe.network,
            command: recipe.command(),
            target_accuracy: recipe.target,
            measured: measured(recipe.name),
        }
    }

    /// Table row: name, description, target accuracy, measured accuracy, time per epoch or to the target, adapter and
    /// date.
    fn row(&self) -> [String; 6] {
        let target = format!("{:.3}", self.target_accuracy);
        let [reached, time, on] = match self.measured {
            None => ["not measured yet".to_string(), String::new(), String::new()],
            Some(measured) => {
                let (mean, deviation) = measured.accuracy();
                let deviation = deviation.map_or(String::new(), |deviation| format!(" ± {deviation:.4}"));
                let epoch = measured.seconds_per_epoch.map(|seconds| format!("{} per epoch", time(seconds)));
                let target =
                    measured.seconds_to_target.map(|seconds| format!("{} to the target", time(seconds)));
                [
                    format!("{mean:.4}{deviation}"),
                    epoch.into_iter().chain(target).collect::<Vec<_>>().join(", "),
                    format!("{}, {}", measured.adapter, measured.date),
                ]
            }
        };
        [self.recipe.to_string(), self.about.to_string(), target, reached, time, on]
    }
}

#[derive(Serialize)]
struct Description {
    network: String,
    about: Option<&'static str>,
    input_shape: [usize; 3],
    classes: usize,
    parameters: usize,
    not_trained: usize,
    forward_flops_per_image: f64,
    training_flops_per_image: f64,
    dispatches_per_step: usize,
    batch: usize,
    memory_bytes: Memory,
    layers: Vec<Layer>,
    /// Of a network with several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<End>,
    /// Recipe of a built-in network.
    recipe: Option<MeasuredRecipe>,
}

/// One of several outputs.
#[derive(serde::Serialize)]
struct End {
    name: String,
    layer: String,
    loss: String,
    weight: f64,
}

impl End {
    fn new(model: &Model, output: Output) -> Self {
        let Output { name, index, loss, weight, .. } = output;
        let layer = model.heads.iter().find(|head| head.name() == name).map(|head| head.layer.clone());
        Self { layer: layer.unwrap_or_else(|| index.to_string()), name, loss: loss.to_string(), weight }
    }
}

impl Description {
    fn new(model: &Model, about: Option<&'static str>, batch: usize) -> Result<Self> {
        let all = model.parameters()?;
        let tensors = |layer: &str| {
            let own = all.iter().filter(|p| p.layer() == layer);
            own.map(|p| Tensor { name: p.name.clone(), shape: p.shape.clone(), trained: p.trained }).collect()
        };
        let layers = model.summary()?.into_iter().map(|layer| Layer {
            tensors: tensors(&layer.name),
            name: layer.name,
            r#type: layer.kind,
            output_shape: layer.output,
            parameters: layer.parameters,
            connected_to: layer.inputs,
            shares: layer.shares,
        });
        let program = |mode| model.program(&Preprocessing::default(), mode, batch, 1, &Optimizer::default());
        let train = program(Mode::Train)?;
        let forward = program(Mode::Predict)?;
        let arena = 4 * train.arena_len() as u64;
        Ok(Self {
            network: model.name.clone(),
            about,
            input_shape: model.input_shape,
            classes: model.classes()?,
            parameters: train.parameters.iter().map(|p| p.len()).sum(),
            not_trained: train.parameters.iter().filter(|p| !p.trained).map(|p| p.len()).sum(),
            forward_flops_per_image: forward.flops() / batch as f64,
            training_flops_per_image: train.flops() / batch as f64,
            dispatches_per_step: train.nodes.len(),
            batch,
            memory_bytes: Memory {
                parameters: arena,
                gradients: arena,
                optimizer: arena,
                activations: train.temporaries().bytes(),
            },
            layers: layers.collect(),
            outputs: model.several_outputs()?.into_iter().map(|output| End::new(model, output)).collect(),
            recipe: about.and_then(|_| recipe(&model.name).ok()).map(MeasuredRecipe::new),
        })
    }

    /// Prints Keras's summary and the cost of a step.
    fn print(&self) -> Result<()> {
        let [height, width, channels] = self.input_shape;
        output::line(format!("Model: \"{}\", images of {height}×{width}×{channels}\n", self.network))?;
        // In a plain sequence of layers, that column would only repeat the line above.
        let before = |n: usize| n.checked_sub(1).map_or(INPUT, |n| self.layers[n].name.as_str());
        let graph = self.layers.iter().enumerate().any(|(n, layer)| layer.connected_to != [before(n)]);
        let mut columns = vec![("Layer (type)", Left), ("Output Shape", Left), ("Param #", Right)];
        if graph {
            columns.push(("Connected to", Wrap));
        }
        let mut table = Table::new(&columns);
        for layer in &self.layers {
            let sizes: Vec<_> = layer.output_shape.iter().map(usize::to_string).collect();
            let mut cells = vec![
                format!("{} ({})", layer.name, layer.r#type),
                format!("(None, {})", sizes.join(", ")),
                commas(layer.parameters as u64),
            ];
            if graph {
                let weights = layer.shares.iter().map(|first| format!("weights of {first}"));
                cells.push(layer.connected_to.iter().cloned().chain(weights).collect::<Vec<_>>().join(", "));
            }
            table.row(cells);
        }
        output::line(table)?;
        if !self.outputs.is_empty() {
            let mut table =
                Table::new(&[("Output", Left), ("Layer", Left), ("Loss", Left), ("Weight", Right)]);
            for End { name, layer, loss, weight } in &self.outputs {
                table.row([name.clone(), layer.clone(), loss.clone(), weight.to_string()]);
            }
            output::line(format!("\n{table}"))?;
        }
        let Memory { parameters, gradients, optimizer, activations } = self.memory_bytes;
        output::line(format!(
            "\nTotal params: {} ({})\n\
             Trainable params: {}\n\
             Non-trainable params: {}\n\
             FLOPs per image: {} forward, {} in training\n\
             Dispatches per training step: {}\n\
             Training memory at batch {}: parameters {}, gradients {}, optimizer {}, activations {}",
            commas(self.parameters as u64),
            bytes(4 * self.parameters as u64),
            commas((self.parameters - self.not_trained) as u64),
            commas(self.not_trained as u64),
            si(self.forward_flops_per_image),
            si(self.training_flops_per_image),
            self.dispatches_per_step,
            self.batch,
            bytes(parameters),
            bytes(gradients),
            bytes(optimizer),
            bytes(activations),
        ))?;
        if let Some(recipe) = &self.recipe {
            let [name, _, target, reached, ..] = recipe.row();
            output::line(format!(
                "Recipe: {} train --recipe {name}, to a test accuracy of {target}; {reached}",
                program()
            ))?;
        }
        Ok(())
    }
}

impl Models {
    pub fn run(self) -> Result<ExitCode> {
        if self.template {
            output::bytes(model_file::TEMPLATE.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(name) = &self.recipe {
            let measured = MeasuredRecipe::new(recipe(name)?);
            if self.json {
                output::json(&measured)?
            } else {
                output::line(&measured.command)?
            }
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(path) = &self.activations {
            can_write(path)?;
            activations::chart().write(path)?;
            tell!("wrote {}", path.display());
            return Ok(ExitCode::SUCCESS);
        }
        let batch = self.batch as usize;
        let (input_shape, classes) = ([28, 28, 1], 10);
        if let Some(name) = self.network.given() {
            let about =
                networks::NETWORKS.iter().find(|(network, _)| *network == name).map(|(_, about)| *about);
            let model = super::model(name, input_shape, classes)?;
            let description = Description::new(&model, about, batch)?;
            if let Some(path) = &self.svg {
                let layers = model.summary()?;
                let svg = Network { name: &model.name, input: model.input_shape, layers: &layers }.svg();
                write_file(path, svg.as_str().as_bytes())?;
                tell!("wrote {}", path.display());
            }
            if self.json {
                output::json(&description)?
            } else {
                description.print()?
            }
            return Ok(ExitCode::SUCCESS);
        }
        let all = networks::NETWORKS.iter().map(|(name, about)| {
            Description::new(&networks::network(name, input_shape, classes)?, Some(about), batch)
        });
        let all = all.collect::<Result<Vec<_>>>()?;
        if self.json {
            all.iter().try_for_each(output::json)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new(&[
            ("network", Left),
            ("parameters", Right),
            ("forward", Right),
            ("training", Right),
            ("dispatches", Right),
            ("weights", Right),
            ("activations", Right),
        ]);
        let mut about = Table::new(&[("network", Left), ("layers", Right), ("description", Wrap)]);
        for network in all {
            let Memory { parameters, gradients, optimizer, activations } = network.memory_bytes;
            let (name, layers) = (network.network, network.layers.len().to_string());
            about.row([name.as_str(), &layers, network.about.unwrap_or_default()]);
            table.row([
                name,
                commas(network.parameters as u64),
                si(network.forward_flops_per_image),
                si(network.training_flops_per_image),
                network.dispatches_per_step.to_string(),
                bytes(parameters + gradients + optimizer),
                bytes(activations),
            ]);
        }
        let mut recipes = Table::new(&[
            ("recipe", Left),
            ("description", Wrap),
            ("target", Right),
            ("test accuracy", Left),
            ("time", Left),
            ("measured on", Wrap),
        ]);
        for recipe in RECIPES {
            recipes.row(MeasuredRecipe::new(recipe).row());
        }
        output::line(format!("{about}\n\n{table}\n\n{recipes}"))?;
        tell!(
            "for 28×28×1 images in 10 classes; forward, training: FLOPs per image; dispatches: per training step;\n\
             memory at batch {batch}: weights with gradients and optimizer state, activations with gradients"
        );
        Ok(ExitCode::SUCCESS)
    }
}
