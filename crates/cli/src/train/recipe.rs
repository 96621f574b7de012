//! `--recipe`: adds the recipe's options to the command line, except those that are given there. The run records the
//! result.

use clap::{
    ArgMatches,
    builder::{PossibleValue, PossibleValuesParser},
    parser::ValueSource,
};
use std::ffi::OsString;
use wgrad_run::recipe::{Flag, RECIPES, SCHEDULE_FLAGS, method_flags, recipe};

const TRAIN: &str = "train";

/// The names of all recipes, with a line about each in the long help.
pub fn names() -> PossibleValuesParser {
    RECIPES.iter().map(|recipe| PossibleValue::new(recipe.name).help(recipe.about)).collect::<Vec<_>>().into()
}

/// The command line with the options that the recipe adds; `None` if it names no recipe.
pub fn completed(matches: &ArgMatches, mut line: Vec<OsString>) -> Option<Vec<OsString>> {
    let (TRAIN, train) = matches.subcommand()? else { return None };
    let recipe = recipe(train.get_one::<String>("recipe")?).ok()?;
    let at = line.iter().position(|word| word == TRAIN)? + 1;
    let flags = recipe.flags();
    let own = |name: &str| flags.iter().find(|(flag, _)| *flag == name).and_then(|(_, value)| value.clone());
    let strange = of_another(train, own);
    let added = flags.iter().filter(|(name, _)| !given(train, name) && !strange.contains(name));
    let added = added.flat_map(|(name, value): &Flag| [Some(name.to_string()), value.clone()]);
    let added: Vec<OsString> = added.flatten().map(OsString::from).collect();
    line.splice(at..at, added);
    Some(line)
}

/// The options that another optimizer or schedule than the one of the command line has: they go with it. `own` gives the
/// value of an option where they come from, whose optimizer and schedule may be the same.
pub fn of_another(train: &ArgMatches, own: impl Fn(&str) -> Option<String>) -> Vec<&'static str> {
    let other = |name: &str| {
        let said = train.get_raw(&id(name)).and_then(|mut raw| raw.next()?.to_str());
        given(train, name) && own(name).is_some_and(|own| said != Some(own.as_str()))
    };
    [("--optimizer", method_flags()), ("--schedule", SCHEDULE_FLAGS.to_vec())]
        .into_iter()
        .filter(|(name, _)| other(name))
        .flat_map(|(_, numbers)| numbers)
        .collect()
}

/// clap's name of an option.
fn id(name: &str) -> String {
    name.trim_start_matches('-').replace('-', "_")
}

fn given(train: &ArgMatches, name: &str) -> bool {
    let said = |id: &str| train.value_source(id) == Some(ValueSource::CommandLine);
    said(&id(name)) || (name == "--model" && said("network"))
}

#[cfg(test)]
mod tests {
    use crate::{Cli, Command};
    use wgrad::{
        augment::Augment,
        optim::{Adagrad, Adam, Lion, Method, Muon, Optimizer, RmsProp, Sgd},
        schedule::{Decay, Schedule},
        train::Options,
    };
    use wgrad_run::recipe::{RECIPES, flags, recipe};

    /// Settings that result from a command line.
    fn settings(line: &str) -> Options {
        let cli = Cli::read(line.split(' ').map(Into::into)).unwrap_or_else(|e| panic!("{line}: {e}"));
        let Command::Train(train) = cli.command else { panic!("{line} does not train") };
        let mut options = train.options().unwrap_or_else(|e| panic!("{line}: {e}"));
        options.objective.augment = train.objective.augment.unwrap_or_default();
        options.objective.label_smoothing = train.objective.label_smoothing.unwrap_or_default();
        options
    }

    #[test]
    fn a_recipe_its_command_and_its_settings_are_the_same() {
        for recipe in RECIPES {
            assert_eq!(settings(&format!("wgrad train --recipe {}", recipe.name)), recipe.options());
            assert_eq!(settings(&recipe.command()), recipe.options(), "{}", recipe.command());
        }
    }

    #[test]
    fn all_settings_can_be_written_as_options() {
        let rms = Method::RmsProp(RmsProp { rho: 0.8, momentum: 0.5, epsilon: 1e-5, centered: true });
        let methods = [
            Method::Sgd(Sgd { momentum: 0.5, nesterov: true }),
            Method::Adam(Adam { beta_1: 0.8, beta_2: 0.9, epsilon: 1e-8 }),
            Method::AdamW(Adam::default()),
            rms,
            Method::Adagrad(Adagrad { initial_accumulator_value: 0.2, epsilon: 1e-6 }),
            Method::Lion(Lion { beta_1: 0.8, beta_2: 0.9 }),
            Method::Muon(Muon {
                momentum: 0.5,
                nesterov: false,
                ns_steps: 3,
                rms_rate: 0.25,
                adam: Adam::default(),
            }),
        ];
        let decays = [
            Decay::Step { every: 3, factor: 0.5 },
            Decay::Exponential { every: 2, factor: 0.5 },
            Decay::Cosine { last: 0.25 },
            Decay::Restarts { first: 2, longer: 3.0, lower: 0.5, last: 0.125 },
            Decay::OneCycle { rise: 0.5, div: 10.0, final_div: 100.0, momentum: None },
            Decay::OneCycle { rise: 0.3, div: 25.0, final_div: 1e4, momentum: Some([0.5, 0.75]) },
            Decay::Plateau { factor: 0.5, patience: 2, min_delta: 0.01, cooldown: 1, min: 0.25 },
            Decay::Constant,
        ];
        for (n, decay) in decays.into_iter().enumerate() {
            let optimizer = Optimizer {
                learning_rate: 0.5,
                weight_decay: 0.25,
                global_clipnorm: Some(2.0),
                ema_momentum: Some(0.9),
                ..Optimizer::new(methods[n % methods.len()])
            };
            let mut options = Options { batch: 32, epochs: 7, optimizer, ..Options::default() };
            options.schedule = Schedule { decay, warmup_steps: 9 };
            options.objective.augment = Augment { zoom: 0.5, ..Augment::default() };
            options.objective.label_smoothing = 0.125;
            options.callbacks.target_accuracy = Some(0.75);
            let words =
                flags("mlp", &options).into_iter().flat_map(|(name, value)| [Some(name.into()), value]);
            let line =
                words.flatten().fold("wgrad train".to_string(), |line, word: String| line + " " + &word);
            let mut read = settings(&line);
            // A recipe has no early stopping; its least difference is read with the plateau's.
            read.callbacks = options.callbacks;
            assert_eq!(read, options, "{line}");
        }
    }

    #[test]
    fn what_the_command_line_says_beats_the_recipe() {
        for line in ["wgrad train cnn --recipe mlp", "wgrad train --recipe mlp --model cnn"] {
            let cli = Cli::read(line.split(' ').map(Into::into)).unwrap_or_else(|e| panic!("{line}: {e}"));
            let Command::Train(train) = cli.command else { panic!("{line} does not train") };
            assert_eq!(train.network.name(), "cnn", "{line}");
        }
        let vgg = recipe("vgg").expect("there").options();
        let read = settings("wgrad train --recipe vgg --epochs 3 --augment none --weight-decay 0");
        assert_eq!((read.epochs, read.objective.augment), (3, Augment::default()));
        let without = Optimizer { weight_decay: 0.0, ..vgg.optimizer };
        assert_eq!((read.optimizer, read.schedule), (without, vgg.schedule));
        assert_eq!(settings("wgrad train --epochs 3 --recipe vgg --optimizer sgd").optimizer, vgg.optimizer);
    }

    #[test]
    fn the_numbers_of_another_optimizer_or_schedule_go_with_it() {
        let read = settings("wgrad train --recipe vgg --optimizer lion");
        assert_eq!(read.optimizer, Optimizer::new(Method::Lion(Lion { beta_1: 0.9, beta_2: 0.99 })));
        let read = settings("wgrad train --recipe lstm --schedule cosine");
        assert_eq!(read.schedule.decay, Decay::Cosine { last: 0.0 });
        assert_eq!(read.optimizer, recipe("lstm").expect("there").optimizer);
    }
}
