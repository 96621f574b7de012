//! Whether the numbers of an optimizer make sense.

use super::{Adam, Method, Muon, Optimizer};
use crate::{Error, Result};

fn check(name: &'static str, value: f64, ok: bool, expected: &'static str) -> Result<()> {
    if ok { Ok(()) } else { Err(Error::Option { name, got: value.to_string(), expected }) }
}

fn share(name: &'static str, value: f64) -> Result<()> {
    check(name, value, (0.0..1.0).contains(&value), "a number from 0, below 1")
}

fn not_negative(name: &'static str, value: f64) -> Result<()> {
    check(name, value, value.is_finite() && value >= 0.0, "a number from 0")
}

/// The least that f32 holds with all its digits: an epsilon below it is 0 on some devices, and 0 / 0 no number.
fn epsilon(value: f64) -> Result<()> {
    let ok = value.is_finite() && value >= f64::from(f32::MIN_POSITIVE);
    check("--epsilon", value, ok, "a number above 0, at least 1.2e-38")
}

impl Optimizer {
    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// [`Error::Option`] that names the number and its range.
    pub fn validate(&self) -> Result<()> {
        not_negative("--lr", self.learning_rate)?;
        not_negative("--weight-decay", self.weight_decay)?;
        if let Some(clip) = self.global_clipnorm {
            check("--global-clipnorm", clip, clip.is_finite() && clip > 0.0, "a number above 0")?;
        }
        if let Some(momentum) = self.ema_momentum {
            share("--ema", momentum)?;
        }
        match self.method {
            Method::Sgd { momentum, nesterov } => {
                share("--momentum", momentum)?;
                check("--nesterov", momentum, !nesterov || momentum > 0.0, "a momentum above 0 beside it")
            }
            Method::Adam(Adam { beta_1, beta_2, epsilon: small })
            | Method::AdamW(Adam { beta_1, beta_2, epsilon: small }) => {
                share("--beta-1", beta_1)?;
                share("--beta-2", beta_2)?;
                epsilon(small)
            }
            Method::RmsProp { rho, momentum, epsilon: small, .. } => {
                share("--rho", rho)?;
                share("--momentum", momentum)?;
                epsilon(small)
            }
            Method::Adagrad { initial_accumulator_value, epsilon: small } => {
                not_negative("--initial-accumulator-value", initial_accumulator_value)?;
                epsilon(small)
            }
            Method::Muon(Muon { momentum, ns_steps, rms_rate, adam, .. }) => {
                share("--momentum", momentum)?;
                check(
                    "--ns-steps",
                    ns_steps.into(),
                    (1..=100).contains(&ns_steps),
                    "a number from 1 to 100",
                )?;
                check("--rms-rate", rms_rate, rms_rate.is_finite() && rms_rate > 0.0, "a number above 0")?;
                share("--beta-1", adam.beta_1)?;
                share("--beta-2", adam.beta_2)?;
                epsilon(adam.epsilon)
            }
            Method::Lion { beta_1, beta_2 } => {
                share("--beta-1", beta_1)?;
                share("--beta-2", beta_2)
            }
        }
    }
}
