//! Recipes: named settings that train the built-in networks to a known accuracy on Fashion-MNIST, with target and
//! measured accuracies. All of it is data: each entry of the list is a recipe.

mod flags;
mod measured;
mod numbers;

use wgrad::{
    Error, Result,
    augment::Augment,
    callbacks::Callbacks,
    objective::Objective,
    optim::{Adam, Method, Optimizer, Sgd},
    schedule::{Decay, Schedule},
    train::Options,
};

pub use flags::{Flag, SCHEDULE_FLAGS, flags, method_flags};
pub use measured::{Measured, measured};
pub use numbers::{NUMBER_OPTIONS, NumberOption};

/// A network and how to train it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Its name; a network's own recipe has the name of the network.
    pub name: &'static str,
    /// Description in one line, for a list.
    pub about: &'static str,
    /// The built-in network.
    pub network: &'static str,
    /// Epochs, over which the schedule stretches.
    pub epochs: u64,
    /// Images per step.
    pub batch: usize,
    /// The optimizer and its settings.
    pub optimizer: Optimizer,
    /// Learning rate schedule.
    pub schedule: Schedule,
    /// Augmentation of the images.
    pub augment: Augment,
    /// Share of each target that is spread evenly over all classes.
    pub label_smoothing: f64,
    /// Target test accuracy, in [0, 1].
    pub target: f64,
    /// True if the training ends as soon as the target is reached.
    pub speedrun: bool,
}

const NO_CHANGE: Augment = Augment {
    flip: 0.0,
    shift: 0,
    rotate: 0.0,
    zoom: 0.0,
    brightness: 0.0,
    contrast: 0.0,
    erase: 0.0,
    mixup: 0.0,
};
/// Mirrored images, since a mirrored garment keeps its class.
const MIRROR: Augment = Augment { flip: 0.5, ..NO_CHANGE };
const MIRROR_SHIFT: Augment = Augment { shift: 1, ..MIRROR };
/// Mirrored images, shifts by two pixels, and a rectangle of noise in one image of four.
const STRONG: Augment = Augment { shift: 2, erase: 0.25, ..MIRROR };

/// The learning rate rises over 30 % of the steps, then falls to almost zero; the momentum moves the other way.
const ONE_CYCLE: Schedule = Schedule {
    decay: Decay::OneCycle { rise: 0.3, div: 25.0, final_div: 1e4, momentum: Some([0.85, 0.95]) },
    warmup_steps: 0,
};

const fn adam(learning_rate: f64) -> Optimizer {
    Optimizer {
        method: Method::Adam(Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }),
        learning_rate,
        weight_decay: 0.0,
        global_clipnorm: None,
        ema_momentum: None,
    }
}

const fn nesterov(learning_rate: f64, weight_decay: f64) -> Optimizer {
    Optimizer {
        method: Method::Sgd(Sgd { momentum: 0.9, nesterov: true }),
        learning_rate,
        weight_decay,
        global_clipnorm: None,
        ema_momentum: None,
    }
}

/// Settings that most recipes share.
const PLAIN: Recipe = Recipe {
    name: "",
    about: "",
    network: "",
    epochs: 20,
    batch: 128,
    optimizer: adam(0.003),
    schedule: ONE_CYCLE,
    augment: NO_CHANGE,
    label_smoothing: 0.0,
    target: 1.0,
    speedrun: false,
};

/// Gradients through 28 time steps can be large: they are clipped.
const RECURRENT: Recipe =
    Recipe { optimizer: Optimizer { global_clipnorm: Some(1.0), ..adam(0.003) }, ..PLAIN };

const DEEP: Recipe =
    Recipe { epochs: 30, optimizer: nesterov(0.1, 5e-4), augment: STRONG, label_smoothing: 0.1, ..PLAIN };

/// Every recipe: that of each network, then those with the least time to an accuracy.
pub static RECIPES: &[Recipe] = &[
    Recipe { name: "linear", about: "Adam, one cycle", network: "linear", epochs: 15, target: 0.84, ..PLAIN },
    Recipe { name: "mlp", about: "Adam, one cycle", network: "mlp", target: 0.89, ..PLAIN },
    Recipe {
        name: "cnn",
        about: "Adam, one cycle; mirrored",
        network: "cnn",
        epochs: 50,
        augment: MIRROR,
        target: 0.915,
        ..PLAIN
    },
    Recipe {
        name: "rnn",
        about: "Adam at a low rate, one cycle, clipped gradients",
        network: "rnn",
        optimizer: Optimizer { learning_rate: 0.001, ..RECURRENT.optimizer },
        target: 0.85,
        ..RECURRENT
    },
    Recipe {
        name: "lstm",
        about: "Adam, one cycle, clipped gradients",
        network: "lstm",
        target: 0.89,
        ..RECURRENT
    },
    Recipe {
        name: "gru",
        about: "Adam, one cycle, clipped gradients",
        network: "gru",
        target: 0.89,
        ..RECURRENT
    },
    Recipe {
        name: "cnn-bn",
        about: "Adam, one cycle; mirrored, moved by a pixel",
        network: "cnn-bn",
        epochs: 25,
        optimizer: adam(0.005),
        augment: MIRROR_SHIFT,
        target: 0.93,
        ..PLAIN
    },
    Recipe {
        name: "vgg",
        about: "Nesterov, one cycle, weight decay, smoothed labels; mirrored, moved, erased",
        network: "vgg",
        target: 0.94,
        ..DEEP
    },
    Recipe {
        name: "resnet",
        about: "Nesterov, one cycle, weight decay, smoothed labels; mirrored, moved, erased",
        network: "resnet",
        target: 0.95,
        ..DEEP
    },
    Recipe {
        name: "speedrun-90",
        about: "the least time to 0.90: `cnn` in few epochs",
        network: "cnn",
        epochs: 6,
        target: 0.9,
        speedrun: true,
        ..PLAIN
    },
    Recipe {
        name: "speedrun-92",
        about: "the least time to 0.92: `cnn-bn` in few epochs",
        network: "cnn-bn",
        epochs: 10,
        optimizer: adam(0.005),
        augment: MIRROR,
        target: 0.92,
        speedrun: true,
        ..PLAIN
    },
    Recipe {
        name: "speedrun-93",
        about: "the least time to 0.93: `resnet` in few epochs",
        network: "resnet",
        epochs: 8,
        augment: MIRROR_SHIFT,
        target: 0.93,
        speedrun: true,
        ..DEEP
    },
    Recipe {
        name: "speedrun-94",
        about: "the least time to 0.94: `resnet`; mirrored, moved",
        network: "resnet",
        epochs: 14,
        augment: MIRROR_SHIFT,
        target: 0.94,
        speedrun: true,
        ..DEEP
    },
];

impl Recipe {
    /// Returns the settings as options of a training; the rest is [`Options::default`].
    pub fn options(&self) -> Options {
        Options {
            batch: self.batch,
            epochs: self.epochs,
            optimizer: self.optimizer,
            schedule: self.schedule,
            callbacks: Callbacks {
                target_accuracy: self.speedrun.then_some(self.target),
                ..Callbacks::default()
            },
            objective: Objective {
                augment: self.augment,
                label_smoothing: self.label_smoothing,
                ..Objective::default()
            },
            ..Options::default()
        }
    }

    /// Returns the equivalent options of `wgrad train`.
    pub fn flags(&self) -> Vec<Flag> {
        flags(self.network, &self.options())
    }

    /// Returns the equivalent command.
    pub fn command(&self) -> String {
        let words = self.flags().into_iter().flat_map(|(name, value)| [Some(name.to_string()), value]);
        let words: Vec<String> = words.flatten().collect();
        format!("wgrad train {}", words.join(" "))
    }
}

/// Returns the recipe of that name.
///
/// # Errors
/// [`Error::Unknown`] with the known names.
pub fn recipe(name: &str) -> Result<&'static Recipe> {
    RECIPES.iter().find(|recipe| recipe.name == name).ok_or_else(|| Error::Unknown {
        what: "recipe",
        got: name.to_string(),
        known: RECIPES.iter().map(|recipe| recipe.name).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgrad::loss::Loss;
    use wgrad::networks::{NETWORKS, network};

    #[test]
    fn every_network_has_its_recipe_and_every_recipe_makes_sense() {
        for (name, _) in NETWORKS {
            assert_eq!(recipe(name).expect("a recipe").network, *name);
        }
        for recipe in RECIPES {
            let options = recipe.options();
            options.validate().unwrap_or_else(|e| panic!("{}: {e}", recipe.name));
            options
                .objective
                .validate(10, Loss::SoftmaxCrossEntropy)
                .unwrap_or_else(|e| panic!("{}: {e}", recipe.name));
            network(recipe.network, [28, 28, 1], 10).expect("built in");
            assert!((0.5..1.0).contains(&recipe.target), "{}", recipe.name);
            assert_eq!(RECIPES.iter().filter(|other| other.name == recipe.name).count(), 1);
            assert_eq!(options.callbacks.target_accuracy.is_some(), recipe.name.starts_with("speedrun"));
        }
    }

    #[test]
    fn what_was_measured_belongs_to_a_recipe() {
        assert!(!measured::MEASURED.is_empty());
        for measured in measured::MEASURED {
            recipe(measured.recipe).expect("a recipe");
            assert!(measured.accuracies.iter().all(|accuracy| (0.1..1.0).contains(accuracy)));
            assert!(!measured.accuracies.is_empty() && !measured.adapter.is_empty());
        }
    }

    #[test]
    fn a_command_says_what_differs_from_the_defaults() {
        assert_eq!(
            recipe("cnn").expect("there").command(),
            "wgrad train --model cnn --epochs 50 --optimizer adam --lr 0.003 --schedule one-cycle --augment flip=0.5"
        );
    }
}
