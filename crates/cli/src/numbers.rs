//! Options for the numbers of an optimizer's method. The methods define the numbers and which method takes them; this
//! file holds help texts that are better than those derived from the methods.

use anyhow::{Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use std::sync::LazyLock;
use wgrad::optim::{About, Method, Value};
use wgrad_run::recipe::{NUMBER_OPTIONS, NumberOption};

/// Help texts of options, in the order of the help. Any other option follows, with a text derived from its number.
const WORDS: &[(&str, &str)] = &[
    (
        "--momentum",
        "Momentum of sgd, rmsprop and muon's matrices [default: 0.9 for sgd, 0 for rmsprop, 0.95 for muon]",
    ),
    ("--nesterov", "Nesterov's momentum (sgd)"),
    ("--no-nesterov", "Turn off Nesterov's momentum (muon)"),
    ("--ns-steps", "Steps of muon's iteration towards an orthogonal direction [default: 5]"),
    ("--rms-rate", "RMS of the elements of muon's steps at a learning rate of 1 [default: 0.2]"),
    ("--beta-1", "Decay rate of the mean gradient (β₁) of adam, adamw, lion and muon's AdamW [default: 0.9]"),
    (
        "--beta-2",
        "Decay rate of the mean square (β₂) of adam, adamw and muon's AdamW, or of lion's mean [default: 0.999, 0.99 for lion]",
    ),
    ("--rho", "Decay rate of rmsprop's mean square [default: 0.9]"),
    ("--centered", "Subtract the square of the mean from rmsprop's mean square"),
    ("--initial-accumulator-value", "Initial value of adagrad's sums [default: 0.1]"),
    ("--epsilon", "Keeps adam, adamw, muon, rmsprop and adagrad from dividing by zero [default: 1e-7]"),
];

/// An option as clap shows it.
struct Shown {
    option: &'static NumberOption,
    id: String,
    help: String,
}

static SHOWN: LazyLock<Vec<Shown>> = LazyLock::new(|| {
    let place = |option: &NumberOption| {
        WORDS.iter().position(|(name, _)| *name == option.name).unwrap_or(WORDS.len())
    };
    let mut options: Vec<&NumberOption> = NUMBER_OPTIONS.iter().collect();
    options.sort_by_key(|option| place(option));
    let shown = options.into_iter().map(|option| Shown {
        option,
        id: option.name.trim_start_matches('-').replace('-', "_"),
        help: WORDS.get(place(option)).map_or_else(|| words(option), |(_, words)| words.to_string()),
    });
    shown.collect()
});

/// Help text derived from the number of an option.
fn words(option: &NumberOption) -> String {
    let (names, mut defaults): (Vec<_>, Vec<_>) = option.takers.iter().copied().unzip();
    let about = option.number.about.trim_end_matches('.');
    let about = match option.number.value {
        Value::Switch(false) => format!("Without: {about}"),
        _ => about.to_string(),
    };
    let said = |value: &Value| match value {
        Value::Real(value) => format!("{value}"),
        Value::Whole(value) => format!("{value}"),
        Value::Switch(_) => String::new(),
    };
    defaults.dedup();
    let defaults = match &defaults[..] {
        [Value::Switch(_), ..] => String::new(),
        [same] => format!(" [default: {}]", said(same)),
        _ => {
            let each = option.takers.iter().map(|(name, value)| format!("{} for {name}", said(value)));
            format!(" [default: {}]", each.collect::<Vec<_>>().join(", "))
        }
    };
    format!("{about} ({}){defaults}", names.join(", "))
}

/// Default of all methods, in words: `0.05 for sgd, else 0.001`.
pub fn usual(of: impl Fn(&About) -> f64) -> String {
    let all: Vec<_> = Method::all().iter().map(|method| (method.about().name, of(method.about()))).collect();
    let with = |value| all.iter().filter(move |(_, other)| *other == value).map(|(name, _)| *name);
    let most =
        all.iter().map(|(_, value)| *value).max_by_key(|value| with(*value).count()).unwrap_or_default();
    let mut said: Vec<String> = Vec::new();
    for (_, value) in all.iter().filter(|(_, value)| *value != most) {
        let words = format!("{value} for {}", with(*value).collect::<Vec<_>>().join(" and "));
        if !said.contains(&words) {
            said.push(words);
        }
    }
    said.push(format!("{}{most}", if said.is_empty() { "" } else { "else " }));
    said.join(", ")
}

/// Optimizer numbers given on the command line.
#[derive(Clone)]
pub struct NumberArgs(Vec<(&'static NumberOption, Value)>);

impl NumberArgs {
    /// True if none is given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The method called `name`, with these numbers in place of its defaults; refuses those that it does not have.
    pub fn method(&self, name: &str) -> Result<Method> {
        let mut method = Method::named(name)?;
        for (option, value) in &self.0 {
            let takers: Vec<&str> = option.takers.iter().map(|(taker, _)| *taker).collect();
            if !takers.contains(&name) || !method.set(option.number.name, *value) {
                bail!("`--optimizer {name}` takes no {}; it belongs to {}", option.name, takers.join(", "));
            }
        }
        Ok(method)
    }
}

/// Clap group of these and the other optimizer options: a resumed run takes none of them.
pub const GROUP: &str = "MethodArgs";

impl Args for NumberArgs {
    fn augment_args(command: Command) -> Command {
        command.args(SHOWN.iter().map(|Shown { option, id, help }| {
            let arg = Arg::new(id.as_str()).long(&option.name[2..]).help(help.as_str()).group(GROUP);
            match option.number.value {
                Value::Real(_) => arg.value_name("X").value_parser(value_parser!(f64)),
                Value::Whole(_) => arg.value_name("N").value_parser(value_parser!(u32)),
                Value::Switch(_) => arg.action(ArgAction::SetTrue),
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for NumberArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = SHOWN.iter().filter_map(|Shown { option, id, .. }| {
            let value = match option.number.value {
                Value::Real(_) => matches.get_one(id).copied().map(Value::Real),
                Value::Whole(_) => matches.get_one(id).copied().map(Value::Whole),
                switch @ Value::Switch(_) => matches.get_flag(id).then_some(switch),
            };
            Some((*option, value?))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{NumberOption, SHOWN, Shown, Value, WORDS, usual, words};
    use crate::{Cli, fields::spelled, train::method::MethodArgs};
    use clap::Parser;
    use wgrad::optim::{Method, Number, Optimizer};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        method: MethodArgs,
    }

    #[test]
    fn every_method_is_chosen_by_its_name_and_takes_its_numbers_and_no_others() {
        for method in Method::all() {
            let name = method.about().name;
            assert_eq!(Method::named(name).expect("known"), method);
            for Shown { option, .. } in SHOWN.iter() {
                // A number near its default is in its range, too.
                let (value, word) = match option.number.value {
                    Value::Real(value) => (Value::Real(value * 0.5), Some((value * 0.5).to_string())),
                    Value::Whole(value) => (Value::Whole(value - 1), Some((value - 1).to_string())),
                    switch @ Value::Switch(_) => (switch, None),
                };
                let line = ["train", "--optimizer", name, &option.name].map(String::from);
                let found = Line::parse_from(line.into_iter().chain(word)).method.optimizer();
                if option.takers.iter().any(|(taker, _)| *taker == name) {
                    let mut expected = method;
                    assert!(expected.set(option.number.name, value), "{option:?}");
                    assert_eq!(found.expect("is taken"), Optimizer::new(expected));
                } else {
                    let said = found.expect_err("is another's").to_string();
                    let expected = format!("`--optimizer {name}` takes no {}; it belongs to ", option.name);
                    assert!(said.starts_with(&expected), "{said}");
                }
            }
            for number in method.numbers() {
                let said = spelled(&format!("`.{}` is wrong", number.name)).into_owned();
                let option = format!("--{} is wrong", number.name.replace('_', "-"));
                assert_eq!(said, option, "the field is an option here");
            }
        }
    }

    #[test]
    fn every_word_is_of_an_option_and_a_run_that_goes_on_takes_none() {
        for (name, words) in WORDS {
            let shown = SHOWN.iter().find(|shown| shown.option.name == *name);
            assert_eq!(shown.map(|shown| shown.help.as_str()), Some(*words), "{name}");
        }
        let others = ["--lr", "--weight-decay", "--global-clipnorm", "--ema"].map(|name| (name, Some("1")));
        let numbers = SHOWN.iter().map(|Shown { option, .. }| match option.number.value {
            Value::Switch(_) => (option.name.as_str(), None),
            _ => (option.name.as_str(), Some("1")),
        });
        for (name, value) in numbers.chain(others).chain([("--optimizer", Some("adam"))]) {
            let line = ["wgrad", "train", "--resume", "run", name];
            let refused = Cli::grammar().try_get_matches_from(line.into_iter().chain(value));
            let refused = refused.expect_err("conflicts").to_string();
            assert!(refused.contains("--resume") && refused.contains(name), "{refused}");
        }
    }

    #[test]
    fn what_is_usual_is_said_of_those_that_differ_and_of_the_rest() {
        let rate = usual(|about| about.learning_rate);
        assert!(rate.starts_with("0.05 for sgd, ") && rate.ends_with("else 0.001"), "{rate}");
        let decay = usual(|about| about.weight_decay);
        assert!(decay.starts_with("0.004 for adamw and muon") && decay.ends_with("else 0"), "{decay}");
        assert_eq!(usual(|_| 0.5), "0.5");
    }

    #[test]
    fn an_option_without_words_is_reported_by_its_number() {
        let option = |value, takers| NumberOption {
            name: "--x".into(),
            number: Number { name: "x", about: "How far it goes.", value },
            takers,
        };
        let real = |value| Value::Real(value);
        for (option, expected) in [
            (option(real(0.5), vec![("a", real(0.5))]), "How far it goes (a) [default: 0.5]"),
            (
                option(real(0.5), vec![("a", real(0.5)), ("b", real(0.5))]),
                "How far it goes (a, b) [default: 0.5]",
            ),
            (
                option(Value::Whole(3), vec![("a", Value::Whole(3)), ("b", Value::Whole(4))]),
                "How far it goes (a, b) [default: 3 for a, 4 for b]",
            ),
            (option(Value::Switch(true), vec![("a", Value::Switch(false))]), "How far it goes (a)"),
            (option(Value::Switch(false), vec![("a", Value::Switch(true))]), "Without: How far it goes (a)"),
        ] {
            assert_eq!(words(&option), expected);
        }
    }
}
