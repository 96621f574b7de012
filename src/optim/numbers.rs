//! Whether the numbers of an optimizer make sense.

use super::{Adam, Method, Muon, Optimizer};
use crate::{
    Result,
    range::{check, forgets, not_negative, positive, share},
};

impl Optimizer {
    /// Whether the numbers make sense.
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
        match self.method {
            Method::Sgd { momentum, nesterov } => {
                share("momentum", momentum)?;
                check("nesterov", momentum, !nesterov || momentum > 0.0, "a momentum above 0 beside it")
            }
            Method::Adam(Adam { beta_1, beta_2, epsilon: small })
            | Method::AdamW(Adam { beta_1, beta_2, epsilon: small }) => {
                forgets("beta_1", beta_1)?;
                forgets("beta_2", beta_2)?;
                positive("epsilon", small)
            }
            Method::RmsProp { rho, momentum, epsilon: small, .. } => {
                forgets("rho", rho)?;
                share("momentum", momentum)?;
                positive("epsilon", small)
            }
            Method::Adagrad { initial_accumulator_value, epsilon: small } => {
                not_negative("initial_accumulator_value", initial_accumulator_value)?;
                positive("epsilon", small)
            }
            Method::Muon(Muon { momentum, ns_steps, rms_rate, adam, .. }) => {
                share("momentum", momentum)?;
                check("ns_steps", ns_steps.into(), (1..=100).contains(&ns_steps), "a number from 1 to 100")?;
                positive("rms_rate", rms_rate)?;
                forgets("beta_1", adam.beta_1)?;
                forgets("beta_2", adam.beta_2)?;
                positive("epsilon", adam.epsilon)
            }
            Method::Lion { beta_1, beta_2 } => {
                forgets("beta_1", beta_1)?;
                forgets("beta_2", beta_2)
            }
        }
    }
}
