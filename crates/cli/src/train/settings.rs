//! The settings of a recorded training as options of `wgrad train`.

use wgrad::{
    callbacks::Monitor,
    data::stream::BUDGET,
    loss::Loss,
    networks::{NETWORKS, network, network_for},
    schedule::Decay,
    team::Wire,
    train::Options,
};
use wgrad_data::{
    Reading,
    reading::{Decimal, Header, Missing, RowShape, Target},
};
use wgrad_run::{
    Config, DataRecord,
    recipe::{Flag, flags},
};

/// All settings of a training, with those that are defaults only where a default may change with data or adapter;
/// `model` is the network as `--model` takes it.
pub fn settings(config: &Config, model: &str) -> Vec<Flag> {
    let Options { batch, budget, .. } = &config.options;
    let mut all = flags(model, &config.options);
    let given = [
        ("--batch", Some(batch.to_string())),
        ("--data", Some(config.data.spec.clone())),
        ("--init", config.init.as_ref().map(|path| path.display().to_string())),
        ("--chunk", (*budget != BUDGET).then(|| (budget >> 20).to_string())),
    ];
    let known = |all: &[Flag], name| all.iter().any(|(other, _)| *other == name);
    for (name, value) in given {
        if value.is_some() && !known(&all, name) {
            all.push((name, value));
        }
    }
    all.extend(data(&config.data, config.model.loss).into_iter().filter(|(name, _)| *name != "--data"));
    all.extend(beside(config));
    all.extend(config.skip_mismatch.then_some(("--skip-mismatch", None)));
    all
}

/// The name of the built-in network that the run trained; `None` if it trained another network.
pub fn built_in(config: &Config) -> Option<&'static str> {
    let (name, _) = NETWORKS.iter().find(|(name, _)| *name == config.model.name)?;
    let (shape, classes, loss) = (config.model.input_shape, config.data.classes.len(), config.model.loss);
    let built = match loss {
        Some(loss) => network_for(name, shape, classes, loss),
        None => network(name, shape, classes),
    };
    let mut built = built.ok()?;
    built.loss = loss;
    (built == config.model).then_some(*name)
}

/// Recorded options of a run that [`flags`] leaves out.
pub fn beside(config: &Config) -> Vec<Flag> {
    let Options { seed, shuffle, objective, variants, callbacks, schedule, .. } = &config.options;
    let list = |weights: &[f64]| weights.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    let stopping = callbacks.early_stopping;
    // The flags of a plateau contain its own.
    let delta = stopping.map(|stopping| stopping.min_delta);
    let delta = delta.filter(|delta| *delta != 0.0 && !matches!(schedule.decay, Decay::Plateau { .. }));
    let weights = Some(&objective.class_weight).filter(|weights| !weights.is_empty());
    let values = [
        ("--seed", (*seed != 0).then_some(seed.to_string())),
        ("--class-weight", weights.map(|weights| list(weights))),
        ("--monitor", (callbacks.monitor == Monitor::Accuracy).then(|| "accuracy".to_string())),
        ("--patience", stopping.map(|stopping| stopping.patience.to_string())),
        ("--min-delta", delta.map(|delta| delta.to_string())),
    ];
    let mut all: Vec<Flag> = values.into_iter().filter(|(_, value)| value.is_some()).collect();
    all.extend((!shuffle).then_some(("--no-shuffle", None)));
    let team = config.ranks.map(|ranks| ranks.team).unwrap_or_default();
    all.extend(team.sync_batch_norm.then_some(("--sync-batch-norm", None)));
    all.extend((team.wire == Wire::F16).then(|| ("--wire", Some("f16".to_string()))));
    all.extend(variants.by_hand.iter().map(|(op, variant)| ("--variant", Some(format!("{op}={variant}")))));
    all
}

/// Options of the data, and of the loss where it does not follow from them.
pub fn data(record: &DataRecord, loss: Option<Loss>) -> Vec<Flag> {
    let mut all = read(record);
    if let Some(loss) = loss.filter(|loss| *loss != Loss::MeanSquaredError) {
        all.push(("--loss", Some(loss.to_string())));
    }
    all
}

/// Options of the data and of their reading.
pub fn read(record: &DataRecord) -> Vec<Flag> {
    let DataRecord { spec, limit, validation, input, reading, .. } = record;
    let mut all = Vec::new();
    if spec != "fashion-mnist" {
        all.push(("--data", Some(shortened(spec))));
    }
    let numbers =
        [("--limit", limit.map(|n| n.to_string())), ("--validation", validation.map(|v| v.to_string()))];
    all.extend(numbers.into_iter().filter(|(_, value)| value.is_some()));
    if input.normalization.is_some() {
        all.push(("--normalize", None));
    }
    let Reading { label, drop, missing, target, size, fit, channels, test_share, split_seed, .. } = reading;
    let Reading { maxlen, num_words, na, not_na, category, header, comment, decimal, shape, .. } = reading;
    let header = header.map(|header| match header {
        Header::Yes => "yes",
        Header::No => "no",
    });
    let decimal = decimal.map(|decimal| match decimal {
        Decimal::Point => "point",
        Decimal::Comma => "comma",
    });
    let shape = shape.map(|shape| match shape {
        RowShape::Table => "table".to_string(),
        RowShape::Picture([h, w, c]) => format!("{h},{w},{c}"),
    });
    let missing = match missing {
        Missing::Error => None,
        Missing::Drop => Some("drop"),
        Missing::Mean => Some("mean"),
    };
    let target = target.map(|target| match target {
        Target::Classes => "classes",
        Target::Number => "number",
    });
    all.extend(drop.iter().map(|column| ("--drop", Some(column.clone()))));
    all.extend(category.iter().map(|column| ("--category", Some(column.clone()))));
    let rest = [
        ("--label", label.clone()),
        ("--missing", missing.map(String::from)),
        ("--na", (!na.is_empty()).then_some(na.join(","))),
        ("--not-na", (!not_na.is_empty()).then_some(not_na.join(","))),
        ("--header", header.map(String::from)),
        ("--comment", comment.map(String::from)),
        ("--decimal", decimal.map(String::from)),
        ("--shape", shape),
        ("--target", target.map(String::from)),
        ("--size", size.map(|size| size.to_string())),
        ("--fit", (*fit != Default::default()).then_some(fit.to_string())),
        ("--channels", channels.map(|n| n.to_string())),
        ("--maxlen", maxlen.map(|n| n.to_string())),
        ("--num-words", num_words.map(|n| n.to_string())),
        ("--test-share", test_share.map(|share| share.to_string())),
        ("--split-seed", (*split_seed != 0).then_some(split_seed.to_string())),
    ];
    all.extend(rest.into_iter().filter(|(_, value)| value.is_some()));
    all
}

/// Path relative to the current folder, if it is below that.
fn shortened(spec: &str) -> String {
    let here = std::env::current_dir().ok();
    let within =
        here.and_then(|here| std::path::Path::new(spec).strip_prefix(here).ok().map(|path| path.to_owned()));
    match within.filter(|path| !path.as_os_str().is_empty()) {
        Some(path) => format!(".{}{}", std::path::MAIN_SEPARATOR, path.display()),
        None => spec.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{built_in, settings};
    use crate::{
        Cli, Command,
        config::{keys, lines_of},
        train::{Train, recorded::absolute},
    };
    use std::path::Path;
    use wgrad::{
        gpu::AdapterRecord, networks::network, op::AdapterClass, optim::Value, preprocessing::Normalization,
    };
    use wgrad_data::synthetic::synthetic;
    use wgrad_run::{Config, DataRecord, RanksRecord, recipe::NUMBER_OPTIONS};

    /// Options that change no bit of a training, and those whose effect other settings record.
    const NO_SETTINGS: [&str; 20] = [
        "adapter",
        "adapters",
        "checked",
        "expose",
        "host-name",
        "json",
        "kernels",
        "live",
        "max-time",
        "no-tune",
        "no-tuned",
        "out",
        "stop-after",
        "quiet",
        "recipe",
        "tensorboard",
        "tune",
        "tune-first",
        "tune-seconds",
        "model",
    ];

    /// A value of each option, with the options that it needs.
    const SAMPLES: &[(&str, &str)] = &[
        ("augment", "--augment flip,shift=2"),
        ("batch", "--batch 32"),
        ("category", "--category a --category b"),
        ("channels", "--channels 1"),
        ("chunk", "--chunk 3"),
        ("class-weight", "--class-weight 1,2,3,4,5,6,7,8,9,0.5"),
        ("comment", "--comment #"),
        ("cooldown", "--schedule plateau --cooldown 3"),
        ("cycle-momentum", "--schedule one-cycle --cycle-momentum 0.5,0.75"),
        ("data", "--data synthetic"),
        ("decay", "--schedule step --decay 0.5"),
        ("decimal", "--decimal comma"),
        ("div-factor", "--schedule one-cycle --div-factor 10"),
        ("drop", "--drop a --drop 3"),
        ("ema", "--ema 0.75"),
        ("epochs", "--epochs 7"),
        ("final-div-factor", "--schedule one-cycle --final-div-factor 100"),
        ("fit", "--fit pad"),
        ("global-clipnorm", "--global-clipnorm 1.5"),
        ("header", "--header no"),
        ("init", "--init /tmp/a.safetensors"),
        ("label", "--label=-1"),
        ("label-smoothing", "--label-smoothing 0.125"),
        ("limit", "--limit 100"),
        ("loss", "--loss huber=0.5"),
        ("lr", "--lr 1e-5"),
        ("maxlen", "--maxlen 80"),
        ("min-delta", "--patience 2 --min-delta 0.01"),
        ("min-lr", "--schedule plateau --min-lr 0.001"),
        ("missing", "--missing mean"),
        ("monitor", "--monitor accuracy"),
        ("na", "--na=-,n/a"),
        ("no-shuffle", "--no-shuffle"),
        ("normalize", "--normalize"),
        ("not-na", "--not-na NA,None"),
        ("num-words", "--num-words 1000"),
        ("optimizer", "--optimizer lion"),
        ("patience", "--patience 3"),
        ("plateau-patience", "--schedule plateau --plateau-patience 3"),
        ("restart-longer", "--schedule restarts --restart-longer 3"),
        ("restart-lower", "--schedule restarts --restart-lower 0.5"),
        ("rise", "--schedule one-cycle --rise 0.5"),
        ("schedule", "--schedule cosine"),
        ("seed", "--seed 18446744073709551615"),
        ("shape", "--shape 28,28,1"),
        ("size", "--size 96x128"),
        ("skip-mismatch", "--init /tmp/a.safetensors --skip-mismatch"),
        ("split-seed", "--split-seed 5"),
        ("step-every", "--schedule step --step-every 3"),
        ("sync-batch-norm", "--sync-batch-norm"),
        ("target", "--target number"),
        ("target-accuracy", "--target-accuracy 0.75"),
        ("test-share", "--test-share 0.25"),
        ("validation", "--validation 0.1"),
        ("variant", "--variant matmul=naive --variant conv2d_forward=naive"),
        ("warmup-steps", "--warmup-steps 9"),
        ("weight-decay", "--weight-decay 0.25"),
        ("wire", "--wire f16"),
    ];

    fn train(line: &str) -> Box<Train> {
        let cli = Cli::read(line.split(' ').map(Into::into)).unwrap_or_else(|e| panic!("{line}: {e}"));
        let Command::Train(train) = cli.command else { panic!("{line} does not train") };
        train
    }

    /// What a run with these options would record, as far as they decide it.
    fn recorded(train: &Train) -> Config {
        let mut data = synthetic(0, 20, 10);
        data.input.normalization =
            train.data.normalize.then(|| Normalization { mean: vec![0.5], deviation: vec![0.25] });
        let mut options = train.options().expect("options");
        options.objective = train.objective.objective(&data).expect("an objective");
        let mut model = network("mlp", [28, 28, 1], 10).expect("built in");
        model.loss = train.objective.loss;
        let reading = train.data.reading.reading_for(train.objective.loss);
        let spec = absolute(&train.data.data).expect("absolute");
        let record = DataRecord::of(&data, spec, train.data.limit, train.data.validation, reading);
        let adapter = AdapterRecord {
            name: String::new(),
            backend: String::new(),
            driver: String::new(),
            class: AdapterClass::Cpu,
        };
        Config {
            init: train.init.clone(),
            skip_mismatch: train.skip_mismatch,
            ranks: Some(RanksRecord { size: 2, team: train.ranks.team() }),
            ..Config::new(model, record, options, adapter)
        }
    }

    /// What a training with the file of these settings would record, and its lines.
    fn again(config: &Config, folder: &Path) -> (Config, Vec<String>) {
        let (lines, path) = (lines_of(&settings(config, "mlp")), folder.join("run.toml"));
        std::fs::write(&path, lines.join("\n")).expect("written");
        (recorded(&train(&format!("wgrad train --config {}", path.display()))), lines)
    }

    #[test]
    fn every_option_is_a_setting_that_a_file_has_or_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut samples: Vec<(String, String)> =
            SAMPLES.iter().map(|(key, line)| (key.to_string(), line.to_string())).collect();
        for option in NUMBER_OPTIONS.iter() {
            let (taker, value) = option.takers[0];
            let value = match value {
                Value::Real(value) => format!(" {}", value * 0.5),
                Value::Whole(value) => format!(" {}", value - 1),
                Value::Switch(_) => String::new(),
            };
            // A first value of 0 is halved to the default.
            let value = if value == " 0" { " 0.5".to_string() } else { value };
            samples
                .push((option.name[2..].to_string(), format!("--optimizer {taker} {}{value}", option.name)));
        }
        let mut grammar = Cli::grammar();
        grammar.build();
        let known = keys(grammar.find_subcommand("train").expect("there"));
        for key in &known {
            let sample = samples.iter().find(|(option, _)| option == key);
            let Some((_, words)) = sample else {
                assert!(NO_SETTINGS.contains(key), "--{key}: is it a setting? then it needs a sample here");
                continue;
            };
            let config = recorded(&train(&format!("wgrad train {words}")));
            let (read, lines) = again(&config, folder.path());
            let line = format!("{key} = ");
            assert!(lines.iter().any(|other| other.starts_with(&line)), "no {line}: {lines:#?}");
            assert_eq!(read, config, "{words}: {lines:#?}");
        }
        for (key, _) in &samples {
            assert!(known.contains(&key.as_str()), "no option --{key}");
        }
    }

    #[test]
    fn a_network_is_built_in_where_it_is_the_one_of_that_name() {
        let mut config = recorded(&train("wgrad train"));
        assert_eq!(built_in(&config), Some("mlp"));
        config.model.layers.pop();
        assert_eq!(built_in(&config), None);
        let config = recorded(&train("wgrad train --loss mse"));
        assert_eq!(built_in(&config), None, "ten outputs are not for a number");
    }
}
