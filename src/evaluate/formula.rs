//! The formula of a linear network on a table, in the units of the columns: y = m·x + b. The network itself works on
//! standardised values.

use crate::{
    data::schema::{Kind, Table},
    layers::{ActivationName, Layer},
    model::Model,
    preprocessing::Preprocessing,
    words::drawable,
};
use std::fmt;

/// Most terms that are written out.
const MOST: usize = 12;
/// Largest difference between the written formula and the network's prediction, as a share of the label's standard
/// deviation.
const OFF: f64 = 1e-3;
/// Range of a column for this bound, in standard deviations from its mean.
const REACH: f64 = 4.0;

/// A linear formula: label = Σ factor · column + constant.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Formula {
    /// Name of the label column.
    pub label: String,
    /// Terms and their factors. A term is a column, or `column = word`, which is 1 if the column has that word and 0
    /// otherwise.
    pub factors: Vec<(String, f64)>,
    /// The constant term.
    pub constant: f64,
    /// Largest rounding error of each written factor, and last of the constant.
    #[serde(skip)]
    off: Vec<f64>,
}

impl Formula {
    /// The formula of `model` with `weights`, which predicts a number from the rows of `table`, preprocessed as in
    /// `input`. `None` if the network is more than one linear layer.
    pub fn of(model: &Model, input: &Preprocessing, table: &Table, weights: &[f32]) -> Option<Self> {
        let Kind::Number { .. } = table.label.kind else { return None };
        if !model.inputs.is_empty() || !model.heads.is_empty() || !model.loss().ok()?.is_regression() {
            return None;
        }
        let mut layers = model.layers.iter().filter(|layer| layer.kind() != "Flatten");
        let (Some(Layer::Dense(layer)), None) = (layers.next(), layers.next()) else { return None };
        if layer.units != 1 || layer.activation != ActivationName::default() {
            return None;
        }
        let parameters = model.parameters().ok()?;
        let read = |end: &str, len: usize| {
            let parameter = parameters.iter().find(|p| p.name.ends_with(end) && p.len() == len)?;
            weights.get(parameter.offset..parameter.offset + len)
        };
        let kernel = read(".kernel", table.width())?;
        let bias = if layer.use_bias { f64::from(*read(".bias", 1)?.first()?) } else { 0.0 };
        // The label is output · unit + mean.
        let unit = table.unit();
        let mut constant = table.number(bias);
        let (mut factors, mut reaches, mut place) = (Vec::new(), Vec::new(), 0);
        for column in &table.columns {
            let here = kernel.get(place..place + column.kind.width())?;
            // With `--normalize`, the device scales the columns again.
            let scaled = |n: usize| match &input.normalization {
                Some(normalization) => normalization.scale(place + n),
                None => (1.0, 0.0),
            };
            let factor = |n: usize| unit * f64::from(here[n]) * scaled(n).0;
            constant += (0..here.len()).map(|n| unit * f64::from(here[n]) * scaled(n).1).sum::<f64>();
            match &column.kind {
                // A constant column has no effect.
                Kind::Number { deviation: 0.0, .. } => {}
                Kind::Number { mean, deviation } => {
                    let factor = factor(0) / deviation;
                    constant -= factor * mean;
                    factors.push((column.name.clone(), factor));
                    reaches.push(mean.abs() + REACH * deviation);
                }
                Kind::Words(words) => {
                    let named =
                        |(n, word): (usize, &String)| (format!("{} = {word}", column.name), factor(n));
                    factors.extend(words.iter().enumerate().map(named));
                    reaches.extend(words.iter().map(|_| 1.0));
                }
            }
            place += column.kind.width();
        }
        // Each term gets an equal share of the allowed difference.
        let share = OFF * unit / (reaches.len() + 1) as f64;
        let off = reaches.iter().chain([&1.0]).map(|reach| share / reach).collect();
        Some(Self { label: table.label.name.clone(), factors, constant, off })
    }
}

/// `y = 3.00·x + 2.00`, with the digits needed to match the network's predictions; of many terms, only the first.
impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} =", drawable(&self.label))?;
        let off = |n: usize| self.off.get(n).copied().unwrap_or_default();
        for (n, (name, factor)) in self.factors.iter().take(MOST).enumerate() {
            let name = if name.contains(' ') { format!("[{}]", drawable(name)) } else { drawable(name) };
            write!(f, " {}{}·{name}", sign(*factor, n == 0), figure(factor.abs(), off(n)))?;
        }
        if self.factors.len() > MOST {
            write!(f, " + ... ({} more)", self.factors.len() - MOST)?;
        }
        let last = self.factors.len();
        write!(f, " {}{}", sign(self.constant, last == 0), figure(self.constant.abs(), off(last)))
    }
}

/// The sign before a term.
fn sign(value: f64, first: bool) -> &'static str {
    match (value < 0.0, first) {
        (false, true) => "",
        (true, true) => "-",
        (false, false) => "+ ",
        (true, false) => "- ",
    }
}

/// Formats a number with two digits after the point, or three significant digits if it is small, and as many more as
/// needed to be off by at most `off`.
fn figure(value: f64, off: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value:.2}");
    }
    let exponent = !(1e-4..1e9).contains(&value);
    let least = if exponent { 2 } else { (2.0 - value.log10().floor()).max(2.0) as usize };
    let written = |digits: usize| match exponent {
        true => format!("{value:.digits$e}"),
        false => format!("{value:.digits$}"),
    };
    let near = |text: &String| text.parse().is_ok_and(|prediction: f64| (prediction - value).abs() <= off);
    // f64 has 17 significant digits; a small number has up to 4 leading zeros.
    (least..least + 20).map(written).find(near).unwrap_or_else(|| written(least + 20))
}

#[cfg(test)]
mod tests {
    use super::{Formula, figure};
    use crate::{
        data::schema::{Column, Kind, Label, Table},
        layers::{Dense, Flatten},
        loss::Loss,
        model::Model,
        networks::network_for,
        preprocessing::{Normalization, Preprocessing},
    };

    fn number(name: &str, place: usize, mean: f64, deviation: f64) -> Column {
        Column {
            name: name.into(),
            place,
            kind: Kind::Number { mean, deviation },
            format: Default::default(),
            missing: 0,
        }
    }

    fn label(mean: f64, deviation: f64) -> Label {
        Label {
            name: "y".into(),
            place: 9,
            kind: Kind::Number { mean, deviation },
            format: Default::default(),
            missing: 0,
        }
    }

    fn table(columns: Vec<Column>, label: Label) -> Table {
        Table { columns, label, absent: Default::default(), fields: None }
    }

    fn linear(width: usize) -> Model {
        network_for("linear", [1, 1, width], 0, Loss::MeanSquaredError).expect("built in")
    }

    /// Weights with these values for kernel and bias.
    fn weights(model: &Model, kernel: &[f32], bias: f32) -> Vec<f32> {
        let mut weights = model.initial_weights(0).expect("fits");
        for p in model.parameters().expect("fits") {
            let values = if p.name.ends_with("kernel") { kernel } else { &[bias][..] };
            weights[p.offset..p.offset + p.len()].copy_from_slice(values);
        }
        weights
    }

    #[test]
    fn a_line_is_read_in_its_own_units() {
        // x has mean 10 and deviation 4; y = 3 x + 2 has mean 32 and deviation 12. Standardised, the line is the
        // identity. A constant column has no effect, whatever its weight.
        let constant = table(vec![number("x", 0, 10.0, 4.0), number("k", 1, 5.0, 0.0)], label(32.0, 12.0));
        let model = linear(2);
        let found =
            Formula::of(&model, &Preprocessing::default(), &constant, &weights(&model, &[1.0, 7.0], 0.0))
                .expect("a line");
        assert_eq!((found.to_string().as_str(), found.factors.len()), ("y = 3.00·x + 2.00", 1));
        let table = table(vec![number("x", 0, 10.0, 4.0)], label(32.0, 12.0));
        let model = linear(1);
        let found = Formula::of(&model, &Preprocessing::default(), &table, &weights(&model, &[1.0], 0.0))
            .expect("a line");
        assert_eq!(found.to_string(), "y = 3.00·x + 2.00");
        assert_eq!((found.factors[0].1, found.constant), (3.0, 2.0));
        // The bias is in deviations of the label.
        let found = Formula::of(&model, &Preprocessing::default(), &table, &weights(&model, &[-1.0], 0.5))
            .expect("a line");
        assert_eq!(found.to_string(), "y = -3.00·x + 68.00");
        // The device scales the values again: (value - 0.5) / 2.
        let normalization = Some(Normalization { mean: vec![0.5], deviation: vec![2.0] });
        let input = Preprocessing { floats: true, numbers: true, normalization };
        let found = Formula::of(&model, &input, &table, &weights(&model, &[2.0], 0.5)).expect("a line");
        assert_eq!(found.to_string(), "y = 3.00·x + 2.00");
    }

    #[test]
    fn several_columns_and_words() {
        let words = Kind::Words(vec!["red".into(), "blue".into()]);
        let columns = vec![
            number("a", 0, 1.0, 1.0),
            Column { name: "colour".into(), place: 1, kind: words, format: Default::default(), missing: 0 },
            number("b", 2, 0.0, 2.0),
        ];
        let table = table(columns, label(100.0, 10.0));
        let model = linear(4);
        let found = Formula::of(
            &model,
            &Preprocessing::default(),
            &table,
            &weights(&model, &[1.0, 0.25, -0.5, 0.0001], 0.0),
        );
        let words = found.expect("a formula").to_string();
        assert_eq!(words, "y = 10.00·a + 2.50·[colour = red] - 5.00·[colour = blue] + 0.000500·b + 90.00");
    }

    #[test]
    fn a_network_that_is_no_line_has_no_formula() {
        let table = table(vec![number("x", 0, 0.0, 1.0)], label(0.0, 1.0));
        let of = |model: &Model| {
            Formula::of(model, &Preprocessing::default(), &table, &model.initial_weights(0).expect("fits"))
        };
        assert!(of(&linear(1)).is_some());
        let mlp = network_for("mlp", [1, 1, 1], 0, Loss::MeanSquaredError).expect("built in");
        assert!(of(&mlp).is_none());
        let bent = Dense::new(1).activation("relu").expect("known");
        let mut model = Model::new("bent", [1, 1, 1]).add(Flatten::new()).add(bent);
        model.loss = Some(Loss::MeanSquaredError);
        assert!(of(&model).is_none());
        let kinds = Table {
            label: Label { kind: Kind::Words(vec!["a".into()]), ..label(0.0, 1.0) },
            ..table.clone()
        };
        assert!(
            Formula::of(&linear(1), &Preprocessing::default(), &kinds, &weights(&linear(1), &[1.0], 0.0))
                .is_none()
        );
    }

    #[test]
    fn figures_have_digits_that_tell_something() {
        let found = [0.0, 3.0, 1234.5, 0.012_345, 2e-7, 3e12].map(|value| figure(value, f64::INFINITY));
        assert_eq!(found, ["0.00", "3.00", "1234.50", "0.0123", "2.00e-7", "3.00e12"]);
        let found = [(3.0, 0.0), (1.234_567, 1e-4), (3.000_04e12, 1e5), (0.1, 0.0)];
        let found = found.map(|(value, off)| figure(value, off));
        assert_eq!(found, ["3.00", "1.2346", "3.00004e12", "0.100"]);
    }

    #[test]
    fn a_line_as_it_is_written_tells_what_the_network_tells() {
        // Years; seconds since 1970; large and small numbers; a latitude.
        for (mean, deviation, label_mean, unit) in [
            (2005.0, 8.7, 15.3, 10.67),
            (1.7e9, 1200.0, 10.0, 9.996),
            (1e15, 1e3, 3e-9, 2e-9),
            (52.5, 0.01, 4e7, 3.3e3),
            (0.0, 1e-12, 1.0, 3.0),
        ] {
            let table = table(vec![number("x", 0, mean, deviation)], label(label_mean, unit));
            let model = linear(1);
            let kernel = 0.987_654_3_f32;
            let text = Formula::of(
                &model,
                &Preprocessing::default(),
                &table,
                &weights(&model, &[kernel], 0.012_345),
            )
            .expect("a line")
            .to_string();
            let parts: Vec<&str> = text.split([' ', '·']).collect();
            let ["y", "=", factor, "x", sign, constant] = parts[..] else { panic!("{text}") };
            let number = |text: &str| text.parse::<f64>().expect("a number");
            let constant = if sign == "-" { -number(constant) } else { number(constant) };
            for x in [-3.0, 0.0, 3.0] {
                let prediction = number(factor) * (mean + x * deviation) + constant;
                let network = table.number(f64::from(kernel) * x + f64::from(0.012_345_f32));
                assert!(
                    (prediction - network).abs() <= 1e-3 * unit,
                    "{text}: {prediction}, and the network {network}"
                );
            }
        }
    }
}
