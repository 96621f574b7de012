//! Learning-rate schedules: a factor of the base rate for each step, computed on the host.

/// How the learning rate moves over a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Decay {
    /// It stays.
    #[default]
    Constant,
    /// It is multiplied by `factor` after every `every` epochs.
    Step {
        /// Epochs between two drops.
        every: u32,
        /// What it is multiplied by.
        factor: f64,
    },
    /// It falls from the base rate to `last` times it along half a cosine (Loshchilov and Hutter 2017).
    Cosine {
        /// The share of the base rate at the end.
        last: f64,
    },
}

/// Warm-up, then decay.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Schedule {
    /// What follows the warm-up.
    pub decay: Decay,
    /// Steps over which the rate rises linearly from zero to the base rate (Goyal et al. 2017).
    pub warmup_steps: u64,
}

impl Schedule {
    /// The factor of the base rate at global step `step`, from 0, of a training of `epochs` epochs of
    /// `steps_per_epoch` steps.
    pub fn factor(&self, step: u64, steps_per_epoch: u64, epochs: u64) -> f64 {
        if step < self.warmup_steps {
            return (step + 1) as f64 / self.warmup_steps as f64;
        }
        match self.decay {
            Decay::Constant => 1.0,
            Decay::Step { every, factor } => {
                let epoch = step / steps_per_epoch.max(1);
                factor.powi((epoch / u64::from(every.max(1))) as i32)
            }
            Decay::Cosine { last } => {
                let total = (steps_per_epoch * epochs).saturating_sub(self.warmup_steps).max(1);
                let done = ((step - self.warmup_steps) as f64 / total as f64).min(1.0);
                last + (1.0 - last) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_rises_to_one_and_constant_stays() {
        let schedule = Schedule { decay: Decay::Constant, warmup_steps: 4 };
        let factors: Vec<f64> = (0..6).map(|s| schedule.factor(s, 10, 3)).collect();
        assert_eq!(factors, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn step_drops_after_every_so_many_epochs() {
        let schedule = Schedule { decay: Decay::Step { every: 2, factor: 0.5 }, warmup_steps: 0 };
        let factors: Vec<f64> = [0, 19, 20, 39, 40].map(|s| schedule.factor(s, 10, 9)).into();
        assert_eq!(factors, [1.0, 1.0, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn cosine_starts_at_one_passes_the_middle_and_ends_at_its_last_value() {
        let schedule = Schedule { decay: Decay::Cosine { last: 0.1 }, warmup_steps: 10 };
        assert_eq!(schedule.factor(10, 10, 3), 1.0);
        assert!((schedule.factor(20, 10, 3) - 0.55).abs() < 1e-12);
        assert!((schedule.factor(30, 10, 3) - 0.1).abs() < 1e-12);
        assert!((schedule.factor(300, 10, 3) - 0.1).abs() < 1e-12, "it stays there");
    }
}
