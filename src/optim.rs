//! The optimizer's numbers. The method itself is `shaders/sgd`.

/// Stochastic gradient descent, with PyTorch's definition (torch.optim.SGD): the learning rate multiplies
/// the velocity. Keras puts it into the velocity, which is the same while the rate stays the same.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Sgd {
    /// Step length.
    pub learning_rate: f64,
    /// Share of the last step's direction that is kept, in [0, 1).
    pub momentum: f64,
    /// Nesterov's look-ahead.
    pub nesterov: bool,
    /// Added to each gradient, times its parameter (L2).
    pub weight_decay: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { learning_rate: 0.05, momentum: 0.9, nesterov: false, weight_decay: 0.0 }
    }
}

impl Sgd {
    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// [`crate::Error::Option`] that names the number and its range.
    pub fn validate(&self) -> crate::Result<()> {
        let check = |name: &'static str, value: f64, ok: bool, expected: &'static str| {
            if ok { Ok(()) } else { Err(crate::Error::Option { name, got: value.to_string(), expected }) }
        };
        let Self { learning_rate, momentum, weight_decay, .. } = *self;
        check("--lr", learning_rate, learning_rate.is_finite() && learning_rate >= 0.0, "a number from 0")?;
        check("--momentum", momentum, (0.0..1.0).contains(&momentum), "a number from 0, below 1")?;
        check(
            "--weight-decay",
            weight_decay,
            weight_decay.is_finite() && weight_decay >= 0.0,
            "a number from 0",
        )?;
        if self.nesterov && momentum == 0.0 {
            check("--nesterov", momentum, false, "a momentum above 0 beside it")?;
        }
        Ok(())
    }
}
