//! The networks of a command: an argument or the option `--model`, whichever comes to mind.

use clap::Args;
use wgrad::networks::{self, NETWORKS};

/// The network of a training.
const DEFAULT: &str = "mlp";

/// One network.
#[derive(Args, Clone, Default)]
pub struct NetworkArg {
    /// Network: a name from `wgrad models`, a TOML file, one of Keras's (.keras, .json), or a run; also as `--model MODEL`
    /// [default: mlp]
    #[arg(value_name = "MODEL", conflicts_with = "model")]
    network: Option<String>,
    /// The network, as MODEL
    #[arg(long, value_name = "MODEL", hide = true)]
    model: Option<String>,
}

impl NetworkArg {
    /// The network that the command line names.
    pub fn given(&self) -> Option<&str> {
        self.network.as_deref().or(self.model.as_deref())
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
    #[arg(value_name = "MODEL")]
    networks: Vec<String>,
    /// A network, as MODEL (repeatable)
    #[arg(long, value_name = "MODEL", hide = true)]
    model: Vec<String>,
}

impl NetworkArgs {
    /// The networks that the command line names; the small ones if it names none.
    pub fn names(&self) -> Vec<String> {
        let given = [&self.networks[..], &self.model[..]].concat();
        match &given[..] {
            [] => networks::small().map(String::from).collect(),
            [all] if all == "all" => NETWORKS.iter().map(|(name, _)| (*name).to_string()).collect(),
            _ => given,
        }
    }
}
