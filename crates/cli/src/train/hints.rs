//! Suggestions of what to do next, as commands to paste: with the program as it was called, the data and their reading.

use super::settings::{beside, data, read};
use crate::{
    invoked, output,
    page::{program, quoted, quoted_path},
};
use anyhow::Error;
use std::path::Path;
use wgrad::{loss::Loss, networks::NETWORKS, optim::Optimizer, schedule::Decay, train::Options};
use wgrad_run::{
    BEST, Config, NOT_SAVED, Run, Trend,
    recipe::{Flag, flags},
};

/// A command and its purpose.
type Hint = (String, &'static str);

/// Prints what to do next after a training with this trend; `named` is the value of `--model`.
pub fn tell(run: &Run, trend: Option<Trend>, named: Option<&str>) {
    let all = hints(run, trend, named);
    let width = all.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    output::say("try next:");
    for (command, what) in &all {
        output::say(format!("  {command:width$}  {what}"));
    }
}

/// Adds to `error` how to continue after it. From the saved state of a training that diverged, the loss diverges again.
pub fn way_on(error: Error, run: &Run, named: Option<&str>) -> Error {
    let diverged = match error.downcast_ref() {
        Some(wgrad::Error::Diverged { .. }) => true,
        Some(wgrad::Error::Checkpoint { what, .. }) => what == NOT_SAVED,
        _ => false,
    };
    if !diverged {
        return error.context(run.last_good());
    }
    let (config, folder) = (&run.config, quoted_path(&run.folder));
    let best =
        Some(run.folder.join(BEST)).filter(|best| best.exists()).map(|best| best.display().to_string());
    if let Some(cause) = no_matter_of_the_rate(&config.options) {
        return error.context(format!(
            "the last good state is in {folder}, but a training resumed from it diverges again; start a new run with \
             {cause}"
        ));
    }
    let optimizer = config.options.optimizer_at(u64::MAX);
    let lower = lower(&optimizer, &config.options.objective.class_weight);
    let how = match named {
        Some(_) => {
            let said: Vec<String> =
                invoked::arguments().map(|word| word.to_string_lossy().into_owned()).collect();
            let words: String =
                again(&said, lower, best.as_deref()).iter().map(|w| format!(" {w}")).collect();
            format!(", such as `wgrad{words}`")
        }
        None => network(config, named).map_or(String::new(), |network| {
            let mut options = config.options.clone();
            options.optimizer.learning_rate = lower;
            let mut all = flags(network, &options);
            all.extend(data(&config.data, config.model.loss));
            all.extend(beside(config));
            all.extend(best.map(|best| ("--init", Some(best))));
            format!(", such as `wgrad train{}`", words(&all))
        }),
    };
    error.context(format!(
        "the last good state is in {folder}, but a training resumed from it diverges again; start a new run with a \
         lower rate{how}"
    ))
}

/// Cause of a divergence at any learning rate, in the form of the options to give instead.
fn no_matter_of_the_rate(options: &Options) -> Option<String> {
    /// Class weight beyond which a loss or a rate is soon too large for f32.
    const LARGE: f64 = 1e6;
    let heaviest = options.objective.class_weight.iter().copied().fold(0.0, f64::max);
    if heaviest > LARGE {
        return Some(format!(
            "smaller class weights: the largest is {heaviest:e}, and 1 leaves a class as it is"
        ));
    }
    match options.schedule.decay {
        Decay::Step { factor, .. } | Decay::Exponential { factor, .. } if factor > 1.0 => {
            Some(format!("a `--decay` below 1: with {factor:e} the rate grows from epoch to epoch"))
        }
        _ => None,
    }
}

/// Lower rate to try after a divergence under `optimizer`. A tenth of a rate far above the usual ones is still too
/// high, so the usual rate limits it too. A class weight multiplies gradients, and a decay of more than a tenth per
/// step takes weights past zero.
fn lower(optimizer: &Optimizer, class_weight: &[f64]) -> f64 {
    let usual = Optimizer::new(optimizer.method).learning_rate;
    let heaviest = class_weight.iter().copied().fold(1.0, f64::max);
    let decaying = if optimizer.weight_decay > 0.0 { 0.1 / optimizer.weight_decay } else { f64::INFINITY };
    let lower = (optimizer.learning_rate / 10.0)
        .min(usual / heaviest)
        .min(decaying)
        .max(f64::from(f32::MIN_POSITIVE) * 2.0);
    format!("{lower:.1e}").parse().unwrap_or(lower)
}

/// The arguments `said` with another rate, the weights of `best` if there are any, and a new run folder; each quoted
/// for a shell.
fn again(said: &[String], rate: f64, best: Option<&str>) -> Vec<String> {
    let replaced: &[&str] = if best.is_some() { &["--lr", "--out", "--init"] } else { &["--lr", "--out"] };
    let mut words: Vec<String> = Vec::new();
    let mut rest = said.iter();
    while let Some(word) = rest.next() {
        let name = word.split('=').next().unwrap_or_default();
        if !replaced.contains(&name) {
            words.push(quoted(word));
        } else if !word.contains('=') {
            rest.next();
        }
    }
    words.extend(["--lr".to_string(), rate.to_string()]);
    words.extend(best.into_iter().flat_map(|best| ["--init".to_string(), quoted_path(Path::new(best))]));
    words
}

/// The network as `--model` takes it; a run does not record the file of a network that is not built in.
fn network<'n>(config: &'n Config, named: Option<&'n str>) -> Option<&'n str> {
    let known = |name: &&str| NETWORKS.iter().any(|(known, _)| known == name);
    named.or(Some(config.model.name.as_str()).filter(known))
}

fn hints(run: &Run, trend: Option<Trend>, named: Option<&str>) -> Vec<Hint> {
    let (program, config) = (program(), &run.config);
    let folder = quoted_path(&run.folder);
    let regression = config.model.loss().is_ok_and(Loss::is_regression);
    let images = config.data.table.is_none();
    let mut all = Vec::new();
    if trend.is_some() && !config.model.heads.is_empty() {
        all.push((format!("{program} report --curves {folder}"), "curves, as a page"));
        all.push((format!("{program} eval {folder}"), "loss and accuracy of each output"));
    } else if trend.is_some() {
        let what = match (images, regression) {
            (true, _) => "curves, mistakes and what the network sees, as a page",
            (false, false) => "curves and classes, as a page",
            (false, true) => "curves, predicted over actual, residuals, as a page",
        };
        all.push((format!("{program} report {folder}"), what));
        let what = if regression { "RMSE, MAE and R²" } else { "confusion matrix" };
        all.push((format!("{program} eval {folder}"), what));
    }
    let network = network(config, named);
    let data = words(&data(&config.data, config.model.loss));
    let next = match (trend, network) {
        (Some(Trend::Chance { .. } | Trend::Diverges { .. }), Some(network)) => {
            let mut how = vec![("--model", Some(network.to_string()))];
            how.extend(read(&config.data));
            how.push(("--optimizer", Some(config.options.optimizer.name().to_string())));
            how.push(("--batch", Some(config.options.batch.to_string())));
            Some((format!("{program} lr-find{}", words(&how)), "finds a learning rate"))
        }
        (Some(Trend::Overfits { .. }), Some(network)) => {
            let same = words(&flags(network, &config.options));
            Some(match images && config.options.objective.augment.is_off() {
                true => (
                    format!("{program} train{same}{data} --augment flip,shift=2"),
                    "augmentation reduces overfitting",
                ),
                false => (format!("{program} train{same}{data} --patience 3"), "stops in time"),
            })
        }
        (Some(Trend::Settled), Some(_)) => other(config).map(|other| {
            let epochs = config.options.epochs;
            (format!("{program} train --model {other}{data} --epochs {epochs}"), "another network")
        }),
        _ => None,
    };
    let more = (2 * config.options.epochs).max(5);
    let on = || {
        (
            format!("{program} train --resume {folder} --epochs {more}"),
            "continue training from the last checkpoint",
        )
    };
    if trend != Some(Trend::Perfect) {
        all.push(next.unwrap_or_else(on));
    }
    all
}

/// Another network for the same data: a larger one, or a smaller one after that.
fn other(config: &Config) -> Option<&'static str> {
    match (config.model.name.as_str(), config.data.table.is_some()) {
        ("linear", true) => Some("mlp"),
        (_, true) => None,
        ("cnn", false) => Some("mlp"),
        (_, false) => Some("cnn"),
    }
}

/// Options with their values, quoted for a shell, each after a space.
fn words(options: &[Flag]) -> String {
    let word = |(name, value): &Flag| match value {
        // A value that begins like an option is joined to its name by `=`.
        Some(value) if value.starts_with('-') => format!(" {name}={}", quoted(value)),
        Some(value) => format!(" {name} {}", quoted(value)),
        None => format!(" {name}"),
    };
    options.iter().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::{again, lower, no_matter_of_the_rate};
    use wgrad::{
        optim::{Method, Optimizer, Sgd},
        schedule::Decay,
    };

    #[test]
    fn the_same_training_again_keeps_whatever_was_said() {
        for (said, best, expected) in [
            ("train", None, "train --lr 0.05"),
            ("train --lr 9 --out run --checked", None, "train --checked --lr 0.05"),
            ("train --lr=9 --out=run --seed 3", None, "train --seed 3 --lr 0.05"),
            ("train --init a.safetensors", None, "train --init a.safetensors --lr 0.05"),
            ("train --init a.safetensors -q", Some("r/b"), "train -q --lr 0.05 --init r/b"),
            (
                "train --class-weight 1,2 --monitor accuracy --patience 3 --no-shuffle --variant matmul=naive \
                 --max-time 10m --recipe cnn",
                None,
                "train --class-weight 1,2 --monitor accuracy --patience 3 --no-shuffle --variant matmul=naive \
                 --max-time 10m --recipe cnn --lr 0.05",
            ),
        ] {
            let words: Vec<String> = said.split(' ').map(String::from).collect();
            assert_eq!(again(&words, 0.05, best).join(" "), expected, "{said}");
        }
        assert_eq!(again(&["train".into(), "--label=a b".into()], 1e-5, None)[1], "'--label=a b'");
    }

    #[test]
    fn where_no_rate_helps_the_cause_is_named() {
        let mut options = wgrad::train::Options::default();
        assert_eq!(no_matter_of_the_rate(&options), None);
        options.schedule.decay = Decay::Exponential { every: 1, factor: 1e30 };
        assert!(
            no_matter_of_the_rate(&options)
                .is_some_and(|words| words.contains("--decay` below 1: with 1e30"))
        );
        options.objective.class_weight = vec![1.0, 1e38];
        assert!(no_matter_of_the_rate(&options).is_some_and(|words| words.contains("the largest is 1e38")));
    }

    #[test]
    fn a_lower_rate_makes_up_for_what_multiplies_it() {
        let sgd = Optimizer::new(Method::Sgd(Sgd { momentum: 0.0, nesterov: false }));
        let at = |learning_rate, weight_decay| Optimizer { learning_rate, weight_decay, ..sgd };
        assert_eq!(sgd.learning_rate, 0.05);
        assert_eq!(lower(&at(0.05, 0.0), &[]), 0.005);
        assert_eq!(lower(&at(1e9, 0.0), &[]), 0.05);
        assert_eq!(lower(&at(0.05, 0.0), &[1.0, 1e6]), 5e-8);
        assert_eq!(lower(&at(0.05, 4000.0), &[0.5, 0.5]), 2.5e-5);
        assert!((lower(&at(0.05, 0.0), &[3e38]) as f32).is_normal());
    }
}
