//! Optimizers with Keras's names, arguments, defaults and formulas; SGD follows PyTorch.
//!
//! Each file holds one method: its name, description and source, its options with their defaults and ranges, its state
//! between steps, the numbers that the host computes for each step, and the call of its operation, which is a folder in
//! `shaders/`. To add a method, write such a file, its `mod`, its `pub use`, and a row of the table below. All code
//! that selects a method by name, sets its options or records them uses that table.

mod adagrad;
mod adam;
mod lion;
mod muon;
mod numbers;
mod rmsprop;
mod rules;
mod sgd;
mod squares;
mod update;

use crate::{
    Error, Result,
    feed::Step,
    range::{forgets, not_negative, positive},
};
use numbers::Numbers;
use rules::Rules;
use serde::{Deserialize, Serialize};

pub use adagrad::Adagrad;
pub use adam::Adam;
pub use lion::Lion;
pub use muon::Muon;
pub use numbers::{Number, Value};
pub use rmsprop::RmsProp;
pub use rules::{About, Slot};
pub use sgd::Sgd;
pub(crate) use update::update;

macro_rules! methods {
    ($($method:ident($numbers:ident) $about:path;)+) => {
        /// An optimization method with its own options.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "method", rename_all = "lowercase")]
        pub enum Method {
            $(#[doc = concat!("The numbers of ", stringify!($method), ".")] $method($numbers)),+
        }

        impl Method {
            /// Every method with its default options.
            pub fn all() -> Vec<Self> {
                vec![$(Self::$method($numbers::default())),+]
            }

            /// Name, description and usual values of the method.
            pub fn about(&self) -> &'static About {
                match self { $(Self::$method(_) => &$about),+ }
            }

            /// The options of the method, by name.
            pub fn numbers(&self) -> Vec<Number> {
                self.rules().numbers()
            }

            /// Sets the option `name`. Returns true if the method has an option of that name and the type of `value`.
            pub fn set(&mut self, name: &str, value: Value) -> bool {
                match self { $(Self::$method(numbers) => numbers.set(name, value)),+ }
            }

            fn rules(&self) -> &dyn Rules {
                match self { $(Self::$method(numbers) => numbers),+ }
            }
        }
    };
}

methods! {
    Sgd(Sgd) sgd::ABOUT;
    Adam(Adam) adam::ABOUT;
    AdamW(Adam) adam::ABOUT_W;
    RmsProp(RmsProp) rmsprop::ABOUT;
    Adagrad(Adagrad) adagrad::ABOUT;
    Lion(Lion) lion::ABOUT;
    Muon(Muon) muon::ABOUT;
}

impl Method {
    /// Returns the method `name` with its default options.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the known names.
    pub fn named(name: &str) -> Result<Self> {
        let all = Self::all();
        all.iter().find(|method| method.about().name == name).copied().ok_or_else(|| Error::Unknown {
            what: "optimizer",
            got: name.to_string(),
            known: all.iter().map(|method| method.about().name).collect::<Vec<_>>().join(", "),
        })
    }
}

/// A method, and the options that all methods share.
///
/// ```
/// use wgrad::optim::{Adam, Method, Optimizer, Value};
/// let adam = Optimizer::new(Method::Adam(Adam { beta_2: 0.99, ..Adam::default() }));
/// assert_eq!((adam.name(), adam.learning_rate), ("adam", 0.001));
/// // The options by name, as in a file or on the command line.
/// let mut method = Method::named("adam")?;
/// assert!(method.set("beta_2", Value::Real(0.99)));
/// assert_eq!(Optimizer::new(method), adam);
/// let backwards = Optimizer { learning_rate: -1.0, ..adam };
/// assert!(backwards.validate().is_err());
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Recorded")]
pub struct Optimizer {
    /// The optimization method.
    #[serde(flatten)]
    pub method: Method,
    /// Base learning rate, which a schedule's factor multiplies.
    pub learning_rate: f64,
    /// Weight decay. For SGD, decay · parameter is added to each gradient (L2, as in PyTorch). For all other methods,
    /// each parameter shrinks by learning rate · decay · parameter (decoupled, as in Keras).
    pub weight_decay: f64,
    /// Largest norm of all gradients together; larger gradients are scaled down to it.
    pub global_clipnorm: Option<f64>,
    /// Decay rate of the moving average of the weights, in [0, 1). If it is set, evaluation and `best` use the average.
    pub ema_momentum: Option<f64>,
}

/// The formats in which runs recorded optimizers; the oldest runs knew only SGD.
#[derive(Deserialize)]
#[serde(untagged)]
enum Recorded {
    Any {
        #[serde(flatten)]
        method: Method,
        learning_rate: f64,
        weight_decay: f64,
        global_clipnorm: Option<f64>,
        ema_momentum: Option<f64>,
    },
    Sgd {
        learning_rate: f64,
        momentum: f64,
        nesterov: bool,
        weight_decay: f64,
    },
}

impl From<Recorded> for Optimizer {
    fn from(recorded: Recorded) -> Self {
        match recorded {
            Recorded::Any { method, learning_rate, weight_decay, global_clipnorm, ema_momentum } => {
                Self { method, learning_rate, weight_decay, global_clipnorm, ema_momentum }
            }
            Recorded::Sgd { learning_rate, momentum, nesterov, weight_decay } => {
                let method = Method::Sgd(Sgd { momentum, nesterov });
                Self { learning_rate, weight_decay, ..Self::new(method) }
            }
        }
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::new(Method::Sgd(Sgd::default()))
    }
}

impl Optimizer {
    /// Creates an optimizer with the default learning rate and weight decay that Keras gives `method`; SGD has a rate
    /// of 0.05.
    pub fn new(method: Method) -> Self {
        let About { learning_rate, weight_decay, .. } = *method.about();
        Self { method, learning_rate, weight_decay, global_clipnorm: None, ema_momentum: None }
    }

    /// The name of the method on the command line.
    pub fn name(&self) -> &'static str {
        self.method.about().name
    }

    /// Checks that all numbers are in range.
    ///
    /// # Errors
    /// [`crate::Error::Option`] that names the number and its range.
    pub fn validate(&self) -> Result<()> {
        not_negative("learning_rate", self.learning_rate)?;
        not_negative("weight_decay", self.weight_decay)?;
        if let Some(clip) = self.global_clipnorm {
            positive("global_clipnorm", clip)?;
        }
        if let Some(momentum) = self.ema_momentum {
            forgets("ema_momentum", momentum)?;
        }
        let rules = self.method.rules();
        rules.in_range()?;
        rules.fit()
    }

    /// The state arrays of the method, in the order of their buffers.
    pub fn slots(&self) -> Vec<Slot> {
        self.method.rules().slots()
    }

    /// The momentum that a schedule may change together with the rate: that of SGD, RMSprop and Muon's matrices, and
    /// beta_1 of Adam and Lion.
    pub fn momentum(&self) -> Option<f64> {
        self.method.rules().momentum()
    }

    /// Fills in the numbers of global step `number`, from 0: the base rate times `factor`, and `momentum` in place of
    /// the method's own if a schedule changes it.
    pub fn fill(&self, step: Step, number: u64, factor: f64, momentum: Option<f64>) -> Step {
        let own = self.momentum().unwrap_or(0.0);
        let shift = momentum.map_or(0.0, |momentum| momentum - own);
        let correction = self.method.rules().correction(number as f64 + 1.0, own + shift);
        Step {
            learning_rate: (self.learning_rate * factor) as f32,
            correction: correction as f32,
            momentum_shift: shift as f32,
            // The average starts as the first weights.
            average: self.ema_momentum.map_or(0.0, |m| if number == 0 { 1.0 } else { 1.0 - m }) as f32,
            ..step
        }
    }
}
