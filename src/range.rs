//! Range checks of numbers by the precision of a device: devices compute in f32, where a positive number below
//! 1.2e-38 is 0, and one above 3.4e38 infinite.

use crate::{Error, Result};

/// The range of [`positive`].
pub(crate) const POSITIVE: &str = "a number above 0, from 1.2e-38 to 3.4e38";
/// The range of [`not_negative`].
pub(crate) const NOT_NEGATIVE: &str = "0, or a number from 1.2e-38 to 3.4e38";
/// The range of [`share`].
pub(crate) const SHARE: &str = "0, or a number of at least 1.2e-38 and below 1";

/// Returns an error if `ok` is false.
///
/// # Errors
/// [`Error::Option`] that names the number and its range.
pub(crate) fn check(name: &'static str, value: f64, ok: bool, expected: &'static str) -> Result<()> {
    if ok { Ok(()) } else { Err(Error::Option { name, got: got(value), expected }) }
}

/// Formats a number as a user would have written it.
fn got(value: f64) -> String {
    let plain = value.to_string();
    if plain.len() > 20 { format!("{value:e}") } else { plain }
}

/// Returns true if the number is above 0 and a normal f32.
pub(crate) fn is_positive(value: f64) -> bool {
    value > 0.0 && (value as f32).is_normal()
}

/// Returns true if the number is 0 or a normal f32.
pub(crate) fn is_held(value: f64) -> bool {
    value == 0.0 || (value as f32).is_normal()
}

/// Returns true if the number is in [0, 1), also in f32.
pub(crate) fn is_share(value: f64) -> bool {
    value >= 0.0 && is_held(value) && (value as f32) < 1.0
}

/// Returns true if the number is 0, or above 0 and a normal f32.
pub(crate) fn is_not_negative(value: f64) -> bool {
    value == 0.0 || is_positive(value)
}

/// Refuses a number that is not above 0 or not finite in f32.
///
/// # Errors
/// As [`check`].
pub(crate) fn positive(name: &'static str, value: f64) -> Result<()> {
    check(name, value, is_positive(value), POSITIVE)
}

/// Refuses a number that is below 0 or not finite in f32, or becomes 0 in f32.
///
/// # Errors
/// As [`check`].
pub(crate) fn not_negative(name: &'static str, value: f64) -> Result<()> {
    check(name, value, is_not_negative(value), NOT_NEGATIVE)
}

/// Refuses a number that is not in [0, 1) in f32, or becomes 0 in f32.
///
/// # Errors
/// As [`check`].
pub(crate) fn share(name: &'static str, value: f64) -> Result<()> {
    check(name, value, is_share(value), SHARE)
}

/// As [`share`], for a share whose complement the device gets: that is above 0 for every share below 1.
///
/// # Errors
/// As [`check`].
pub(crate) fn forgets(name: &'static str, value: f64) -> Result<()> {
    check(name, value, value == 0.0 || (is_positive(value) && value < 1.0), SHARE)
}

/// Refuses a difference that is negative or not finite. No device gets it.
pub(crate) fn difference(name: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::Option { name, got: value.to_string(), expected: "a number from 0" })
}

#[cfg(test)]
mod tests {
    use crate::{
        loss::Loss,
        lr_find::Range,
        objective::Objective,
        optim::{Adagrad, Adam, Lion, Method, Muon, Optimizer, RmsProp, Sgd},
        schedule::{Decay, Schedule},
        train::{Options, RateChange},
    };

    const SGD: Method = Method::Sgd(Sgd { momentum: 0.5, nesterov: false });

    fn method(method: Method) -> Options {
        Options { optimizer: Optimizer::new(method), ..Options::default() }
    }

    fn optimizer(optimizer: Optimizer) -> Options {
        Options { optimizer, ..Options::default() }
    }

    fn decay(decay: Decay) -> Options {
        Options { schedule: Schedule { decay, warmup_steps: 0 }, ..Options::default() }
    }

    fn adam(adam: Adam) -> Options {
        method(Method::Adam(adam))
    }

    fn muon(muon: Muon) -> Options {
        method(Method::Muon(muon))
    }

    fn cycle(rise: f64, div: f64, final_div: f64, least: f64) -> Options {
        decay(Decay::OneCycle { rise, div, final_div, momentum: Some([least, 0.95]) })
    }

    /// The options with numbers for a device: how to set each, and if 0, 1 and more are allowed.
    type Row = (&'static str, fn(f64) -> Options, bool, bool);

    const ROWS: &[Row] = &[
        (
            "`.learning_rate`",
            |x| optimizer(Optimizer { learning_rate: x, ..Optimizer::new(SGD) }),
            true,
            true,
        ),
        ("`.weight_decay`", |x| optimizer(Optimizer { weight_decay: x, ..Optimizer::new(SGD) }), true, true),
        (
            "`.global_clipnorm`",
            |x| optimizer(Optimizer { global_clipnorm: Some(x), ..Optimizer::new(SGD) }),
            false,
            true,
        ),
        (
            "`.ema_momentum`",
            |x| optimizer(Optimizer { ema_momentum: Some(x), ..Optimizer::new(SGD) }),
            true,
            false,
        ),
        ("`.momentum`", |x| method(Method::Sgd(Sgd { momentum: x, nesterov: false })), true, false),
        ("`.beta_1`", |x| adam(Adam { beta_1: x, ..Adam::default() }), true, false),
        ("`.beta_2`", |x| adam(Adam { beta_2: x, ..Adam::default() }), true, false),
        ("`.epsilon`", |x| adam(Adam { epsilon: x, ..Adam::default() }), false, true),
        (
            "`.rho`",
            |x| method(Method::RmsProp(RmsProp { rho: x, momentum: 0.0, epsilon: 1e-7, centered: false })),
            true,
            false,
        ),
        (
            "`.momentum`",
            |x| method(Method::RmsProp(RmsProp { rho: 0.9, momentum: x, epsilon: 1e-7, centered: false })),
            true,
            false,
        ),
        (
            "`.epsilon`",
            |x| method(Method::RmsProp(RmsProp { rho: 0.9, momentum: 0.0, epsilon: x, centered: false })),
            false,
            true,
        ),
        (
            "`.initial_accumulator_value`",
            |x| method(Method::Adagrad(Adagrad { initial_accumulator_value: x, epsilon: 1e-7 })),
            true,
            true,
        ),
        (
            "`.epsilon`",
            |x| method(Method::Adagrad(Adagrad { initial_accumulator_value: 0.1, epsilon: x })),
            false,
            true,
        ),
        ("`.beta_1`", |x| method(Method::Lion(Lion { beta_1: x, beta_2: 0.99 })), true, false),
        ("`.beta_2`", |x| method(Method::Lion(Lion { beta_1: 0.9, beta_2: x })), true, false),
        ("`.momentum`", |x| muon(Muon { momentum: x, ..Muon::default() }), true, false),
        ("`.rms_rate`", |x| muon(Muon { rms_rate: x, ..Muon::default() }), false, true),
        (
            "`.epsilon`",
            |x| muon(Muon { adam: Adam { epsilon: x, ..Adam::default() }, ..Muon::default() }),
            false,
            true,
        ),
        ("`.factor`", |x| decay(Decay::Step { every: 1, factor: x }), false, true),
        ("`.factor`", |x| decay(Decay::Exponential { every: 1, factor: x }), false, true),
        ("`.last`", |x| decay(Decay::Cosine { last: x }), true, true),
        ("`.last`", |x| decay(Decay::Restarts { first: 1, longer: 2.0, lower: 1.0, last: x }), true, true),
        ("`.lower`", |x| decay(Decay::Restarts { first: 1, longer: 2.0, lower: x, last: 0.0 }), false, true),
        ("`.div`", |x| cycle(0.3, x, 1e4, 0.85), false, true),
        ("`.final_div`", |x| cycle(0.3, 25.0, x, 0.85), false, true),
        ("`.decay.momentum`", |x| cycle(0.3, 25.0, 1e4, x), true, false),
        (
            "`.min`",
            |x| {
                let Options { optimizer, .. } = Options::default();
                let min = x / optimizer.learning_rate;
                decay(Decay::Plateau { factor: 0.1, patience: 1, min_delta: 0.0, cooldown: 0, min })
            },
            true,
            true,
        ),
        (
            "the learning rate",
            |x| Options { rates: vec![RateChange { step: 1, learning_rate: x }], ..Options::default() },
            true,
            true,
        ),
    ];

    #[test]
    fn a_number_that_is_0_or_infinite_on_the_device_is_refused() {
        for (name, with, zero, large) in ROWS {
            let reported = |x: f64| with(x).validate().err().map(|error| error.to_string());
            for wrong in [1e-50, 1e-46, 1e-39, 3.5e38, 1e39, 1e300, f64::NAN, f64::INFINITY, -1e-46, -1.0] {
                let said = reported(wrong).unwrap_or_else(|| panic!("{name} takes {wrong:e}"));
                assert!(said.starts_with(name), "{name} {wrong:e}: {said}");
                assert!(said.len() < 120, "{said}");
                assert!(said.contains("1.2e-38") || said.contains("below 1"), "{said}");
            }
            for fine in [1.2e-38, 1e-9, 0.25] {
                assert_eq!(reported(fine), None, "{name} {fine:e}");
            }
            for (value, takes) in [(0.0, zero), (1.0, large), (25.0, large), (3.4e38, large)] {
                assert_eq!(reported(value).is_none(), *takes, "{name} {value:e}: {:?}", reported(value));
            }
        }
        let said = ROWS[0].1(1e-50).validate().expect_err("0 in f32").to_string();
        assert_eq!(said, "`.learning_rate` is 1e-50, expected 0, or a number from 1.2e-38 to 3.4e38");
    }

    #[test]
    fn so_are_those_of_the_loss_and_of_the_search() {
        for wrong in [1e-46, 1e39, f64::NAN, -1.0] {
            let weights = Objective { class_weight: vec![1.0, wrong], ..Objective::default() };
            let said = weights.validate(2, Loss::SoftmaxCrossEntropy).expect_err("no weight").to_string();
            assert!(said.starts_with("`.class_weight` is ") && said.contains("3.4e38"), "{said}");
            let smooth = Objective { label_smoothing: wrong, ..Objective::default() };
            let said = smooth.validate(2, Loss::SoftmaxCrossEntropy).expect_err("no share").to_string();
            assert!(said.starts_with("`.label_smoothing` is ") && said.contains("below 1"), "{said}");
            let said = format!("huber={wrong}").parse::<Loss>().expect_err("no distance").to_string();
            assert!(said.starts_with("the delta of huber is ") && said.contains("3.4e38"), "{said}");
            let found = Range { from: wrong, ..Range::default() }.validate();
            assert!(found.expect_err("no rate").to_string().starts_with("`.from` is "));
        }
        assert!(Range { to: 1e39, ..Range::default() }.validate().is_err());
    }

    #[test]
    fn numbers_of_layers_are_those_that_a_device_takes() {
        use crate::layers::{
            AlphaDropout, Attention, BatchNormalization, Dropout, GaussianDropout, GaussianNoise,
            GroupNormalization, LayerNormalization, LeakyReLU, MultiHeadAttention, RMSNormalization, Rules,
        };
        let takes = |layer: &dyn Rules, takes: bool| {
            let shape = layer.output_shape(&[3]);
            assert_eq!(shape.is_ok(), takes, "{shape:?}");
        };
        for (value, share, positive, slope) in [
            (0.0, true, false, true),
            (0.5, true, true, true),
            (1e-50, false, false, false),
            (0.999_999_999_9, false, true, true),
            (-0.5, false, false, true),
            (1e39, false, false, false),
            (f64::NAN, false, false, false),
        ] {
            takes(&Dropout { rate: value, name: None }, share);
            takes(&GaussianDropout { rate: value, name: None }, share);
            takes(&AlphaDropout { rate: value, name: None }, share);
            let both = [vec![3, 2], vec![3, 2]];
            let attention = Attention { dropout: value, ..Attention::new() };
            assert_eq!(attention.joined_shape(&both).is_ok(), share, "{value}");
            let heads = MultiHeadAttention { dropout: value, ..MultiHeadAttention::new(2, 2) };
            assert_eq!(heads.joined_shape(&both).is_ok(), share, "{value}");
            takes(&GaussianNoise { stddev: value, name: None }, value == 0.0 || positive);
            takes(&BatchNormalization { momentum: value, ..Default::default() }, share);
            takes(&BatchNormalization { epsilon: value, ..Default::default() }, positive);
            takes(&LayerNormalization { epsilon: value, ..Default::default() }, positive);
            takes(&GroupNormalization { epsilon: value, ..GroupNormalization::new(3) }, positive);
            takes(&RMSNormalization { epsilon: value, name: None }, positive);
            takes(&LeakyReLU { negative_slope: value, name: None }, slope);
        }
    }
}
