//! Command line options for the numbers of an optimizer's method. They are derived from the methods themselves.

use std::sync::LazyLock;
use wgrad::optim::{Method, Number, Value};

/// An option for a number of some methods.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberOption {
    /// Its name on the command line; a switch that is on by default gets the prefix `no-`.
    pub name: String,
    /// The number, with the default of the first method that has it; a switch has the value that the option sets.
    pub number: Number,
    /// The methods that accept it, each with its default.
    pub takers: Vec<(&'static str, Value)>,
}

impl NumberOption {
    /// Returns true if the option is for `number`; for a switch, if it sets the value that `number` has.
    pub fn sets(&self, number: &Number) -> bool {
        let kind = |value| match value {
            Value::Switch(on) => Some(on),
            Value::Real(_) | Value::Whole(_) => None,
        };
        self.number.name == number.name && kind(self.number.value) == kind(number.value)
    }
}

/// All number options, in the order in which the methods have the numbers.
pub static NUMBER_OPTIONS: LazyLock<Vec<NumberOption>> = LazyLock::new(|| options_of(&Method::all()));

fn options_of(methods: &[Method]) -> Vec<NumberOption> {
    let mut all: Vec<NumberOption> = Vec::new();
    for method in methods {
        for number in method.numbers() {
            let dashes = number.name.replace('_', "-");
            let (name, value) = match number.value {
                Value::Switch(true) => (format!("--no-{dashes}"), Value::Switch(false)),
                Value::Switch(false) => (format!("--{dashes}"), Value::Switch(true)),
                value => (format!("--{dashes}"), value),
            };
            let taker = (method.about().name, number.value);
            match all.iter_mut().find(|option| option.name == name) {
                Some(option) => option.takers.push(taker),
                None => {
                    all.push(NumberOption { name, number: Number { value, ..number }, takers: vec![taker] });
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_of_each_method_has_one_option_that_names_its_methods() {
        let names: Vec<_> = NUMBER_OPTIONS.iter().map(|option| option.name.as_str()).collect();
        let expected = [
            "--momentum",
            "--nesterov",
            "--beta-1",
            "--beta-2",
            "--epsilon",
            "--rho",
            "--centered",
            "--initial-accumulator-value",
            "--no-nesterov",
            "--ns-steps",
            "--rms-rate",
        ];
        assert!(expected.iter().all(|name| names.contains(name)), "{names:?}");
        for method in Method::all() {
            for number in method.numbers() {
                let value = match number.value {
                    Value::Switch(on) => Value::Switch(!on),
                    value => value,
                };
                let number = Number { value, ..number };
                let found: Vec<_> = NUMBER_OPTIONS.iter().filter(|option| option.sets(&number)).collect();
                let [option] = found[..] else { panic!("{}: {found:?}", number.name) };
                assert!(option.takers.iter().any(|(name, _)| *name == method.about().name), "{option:?}");
            }
        }
        let momentum = NUMBER_OPTIONS.iter().find(|option| option.name == "--momentum").expect("there");
        for (method, value) in [("sgd", 0.9), ("rmsprop", 0.0), ("muon", 0.95)] {
            assert!(momentum.takers.contains(&(method, Value::Real(value))), "{momentum:?}");
        }
    }
}
