//! The networks of a command: an argument or the option `--model`, whichever comes to mind.

use super::output;
use clap::Args;
use std::path::{Path, PathBuf};
use wgrad::{
    data::Dataset,
    networks::{self, NETWORKS},
};
use wgrad_data::pictures::pictures_of;
use wgrad_formats::keras;
use wgrad_run::listing::{is_run, named};

/// The network of a training.
const DEFAULT: &str = "mlp";
/// Smallest side of pictures for the default network `cnn`, pixels.
const FOR_CNN: usize = 16;
/// Every built-in network.
const ALL: &str = "all";

/// True if a built-in network has this name.
fn is_built_in(name: &str) -> bool {
    NETWORKS.iter().any(|(known, _)| *known == name)
}

/// The folder of the run that this names, if it is no name of a built-in network.
pub fn run_of(name: &str) -> Option<PathBuf> {
    let folder = named(Path::new(name));
    (!is_built_in(name) && is_run(&folder)).then_some(folder)
}

/// True if a network's name is that of a file, not of a built-in one.
pub fn is_file(name: &str) -> bool {
    let path = Path::new(name);
    keras::is_keras(path)
        || name.ends_with(".toml")
        || path.components().count() > 1
        || (!is_built_in(name) && path.exists())
}

/// Takes the name of a file, of a run or of a built-in network; refuses others before any data are loaded.
fn known(name: &str) -> wgrad::Result<String> {
    if !is_file(name) && run_of(name).is_none() {
        networks::network(name, [28, 28, 1], 10)?;
    }
    Ok(name.into())
}

/// As [`known`], and takes the word for all built-in networks.
fn known_or_all(name: &str) -> wgrad::Result<String> {
    if name == ALL { Ok(ALL.into()) } else { known(name) }
}

/// One network.
#[derive(Args, Clone, Default)]
pub struct NetworkArg {
    /// Network: a name from `wgrad models`, a TOML file, one of Keras's (.keras, .json), or a run; also as `--model MODEL`
    /// [default: mlp; cnn for pictures]
    #[arg(value_name = "MODEL", value_parser = known, conflicts_with = "model")]
    network: Option<String>,
    /// The network, as MODEL
    #[arg(long, value_name = "MODEL", value_parser = known, hide = true)]
    model: Option<String>,
}

impl NetworkArg {
    /// The network that the command line names.
    pub fn given(&self) -> Option<&str> {
        self.network.as_deref().or(self.model.as_deref())
    }

    /// The network for these data: the one of the command line, else `cnn` for a folder of pictures, which a dense network
    /// learns badly, if they are large enough for its two poolings.
    pub fn name_for(&self, data: &Dataset) -> &str {
        let fits = data.height.min(data.width) >= FOR_CNN;
        if self.given().is_none() && fits && pictures_of(&data.train.images).is_some() {
            output::say(
                "note: no network is named: `cnn`, since these are pictures; `wgrad models` lists others",
            );
            return "cnn";
        }
        self.name()
    }

    /// The network, `mlp` if none is named.
    pub fn name(&self) -> &str {
        self.given().unwrap_or(DEFAULT)
    }
}

/// Any number of networks.
#[derive(Args, Clone, Default)]
pub struct NetworkArgs {
    /// Networks: names from `wgrad models`, TOML files or Keras's (.keras, .json), or `all`; also as `--model MODEL`
    /// [default: those that a CPU trains in minutes]
    #[arg(value_name = "MODEL", value_parser = known_or_all)]
    networks: Vec<String>,
    /// A network, as MODEL (repeatable)
    #[arg(long, value_name = "MODEL", value_parser = known_or_all, hide = true)]
    model: Vec<String>,
}

impl NetworkArgs {
    /// The networks that the command line names; the small ones if it names none.
    pub fn names(&self) -> Vec<String> {
        let given = [&self.networks[..], &self.model[..]].concat();
        match &given[..] {
            [] => networks::small().map(String::from).collect(),
            [all] if all == ALL => NETWORKS.iter().map(|(name, _)| (*name).to_string()).collect(),
            _ => given,
        }
    }
}
