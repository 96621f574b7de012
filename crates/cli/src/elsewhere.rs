//! Words of other programs for what wgrad does: Keras's and PyTorch's arguments, commands of shells and of other tools.
//! A command line with one of them is refused, with wgrad's own word.

use clap::Command;

/// Commands of others, and what to type.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["fit", "learn"], "train"),
    (&["resume", "continue"], "train --resume RUN"),
    (&["evaluate", "test", "score"], "eval"),
    (&["plot", "show", "visualize", "visualise", "html"], "report"),
    (&["infer", "inference", "classify", "run"], "predict"),
    (&["list", "ls", "history"], "runs"),
    (&["diff"], "compare"),
    (&["search", "grid", "hpo"], "sweep"),
    (&["delete", "remove", "del"], "rm"),
    (&["settings", "options", "params"], "config"),
    (&["deploy", "http"], "serve"),
    (&["save", "onnx"], "export"),
    (&["load", "convert"], "import"),
    (&["verify", "selftest", "self-test"], "check"),
    (&["kernels", "variants", "shaders", "shader", "ops", "operations"], "lab"),
    (&["lrfind", "lr"], "lr-find"),
    (&["autotune", "optimize", "optimise"], "tune"),
    (&["devices", "device", "gpus", "gpu", "info"], "adapters"),
    (&["download", "fetch"], "data fetch"),
    (&["dataset", "datasets"], "data info"),
    (&["summary", "describe", "networks", "network"], "models"),
    (&["benchmark", "time"], "bench"),
    (&["trace"], "profile"),
    (&["version"], "--version"),
];

/// Options of others, and the option of wgrad, in commands that have it.
const OPTIONS: &[(&[&str], &str)] = &[
    (&["learning-rate", "learningrate", "rate"], "lr"),
    (&["batch-size", "batchsize", "bs", "b"], "batch"),
    (&["num-epochs", "n-epochs", "max-epochs", "e", "n"], "epochs"),
    (&["device", "gpu", "backend", "cpu", "cuda"], "adapter"),
    (&["gpus", "devices", "num-gpus"], "adapters"),
    (&["validation-split", "val-split", "val"], "validation"),
    (&["random-seed", "random-state", "manual-seed"], "seed"),
    (&["early-stopping", "earlystopping", "stop-early"], "patience"),
    (&["output", "output-dir", "save-dir", "log-dir", "logdir", "run-dir", "o"], "out"),
    (&["dataset", "input", "train-data", "data-dir", "data-path", "dir"], "data"),
    (&["weights", "pretrained", "checkpoint", "load", "from"], "init"),
    (&["continue", "restart"], "resume"),
    (&["force", "f", "y"], "yes"),
    (&["silent", "q"], "quiet"),
    (&["opt", "solver"], "optimizer"),
    (&["criterion", "objective"], "loss"),
    (&["lr-schedule", "lr-scheduler", "scheduler"], "schedule"),
    (&["augmentation", "transform", "transforms"], "augment"),
    (&["l2", "wd"], "weight-decay"),
    (&["clipnorm", "clip-norm", "grad-clip", "max-norm"], "global-clipnorm"),
    (&["img-size", "image-size", "input-size", "resolution"], "size"),
    (&["y", "class-column", "label-column"], "label"),
    (&["kernel", "shader"], "variant"),
];

/// Options of others that wgrad needs no option for, and why.
const NEEDLESS: &[(&[&str], &str)] = &[
    (&["verbose", "v", "progress"], "progress is shown unless `--quiet` hides it"),
    (
        &["dropout", "activation", "units", "filters", "layers"],
        "layers are in the network's file: `wgrad models --template`",
    ),
    (&["metrics", "metric"], "accuracy and loss are always measured, and `wgrad eval RUN` measures more"),
    (&["workers", "num-workers", "threads", "jobs", "prefetch"], "reading ahead needs no setting"),
    (&["shuffle"], "images are shuffled in every epoch unless `--no-shuffle` is given"),
    (&["save-best-only", "restore-best-weights", "save-best"], "a run keeps its best weights and its last"),
    (&["amp", "fp16", "half", "mixed-precision", "dtype"], "numbers have 32 bits"),
];

/// What to type instead of this command.
pub fn command(word: &str) -> Option<&'static str> {
    COMMANDS.iter().find(|(words, _)| has(words, word)).map(|(_, own)| *own)
}

/// Advice about an option that is unknown in `command`, if it is known what it means elsewhere.
pub fn option(word: &str, command: &Command) -> Option<String> {
    let own = OPTIONS.iter().filter(|(words, _)| has(words, word)).map(|(_, own)| *own);
    let mut own = own.filter(|own| command.get_arguments().any(|arg| arg.get_long() == Some(own)));
    let needless = || NEEDLESS.iter().find(|(words, _)| has(words, word)).map(|(_, why)| (*why).to_string());
    own.next().map(|own| format!("use '--{own}'")).or_else(needless)
}

/// Returns true if the word, in any case and with either dash, is one of these.
fn has(words: &[&str], word: &str) -> bool {
    let plain = word.to_ascii_lowercase().replace('_', "-");
    words.contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, NEEDLESS, OPTIONS};
    use crate::Cli;

    #[test]
    fn every_word_leads_to_something_that_exists() {
        let grammar = Cli::grammar();
        let commands: Vec<_> = grammar.get_subcommands().collect();
        let longs: Vec<_> = commands
            .iter()
            .flat_map(|command| command.get_arguments())
            .filter_map(|arg| arg.get_long())
            .collect();
        for (words, own) in COMMANDS {
            let first = own.split(' ').next().unwrap_or_default();
            assert!(first == "--version" || grammar.find_subcommand(first).is_some(), "{own}");
            words
                .iter()
                .for_each(|word| assert!(grammar.find_subcommand(word).is_none(), "{word} is a command"));
        }
        for (_, own) in OPTIONS {
            assert!(longs.contains(own), "no command has --{own}");
        }
        let said = NEEDLESS.iter().flat_map(|(_, why)| why.split('`').skip(1).step_by(2));
        for line in said.filter(|line| line.starts_with("--")) {
            assert!(longs.contains(&&line[2..]), "no command has {line}");
        }
    }
}
