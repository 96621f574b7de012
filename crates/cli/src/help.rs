//! Help in two lengths: `-h` fits a screen, with the options that most people need and the first examples; `--help` has
//! all.

use clap::Command;

/// Most examples that `-h` shows.
const EXAMPLES: usize = 5;

/// Commands with many options, and the options that `-h` shows, by clap's names.
const USUAL: &[(&str, &[&str])] = &[
    (
        "wgrad lab train",
        &["network", "a", "b", "data", "epochs", "steps", "tolerance", "html", "json", "adapter"],
    ),
    (
        "wgrad data show",
        &["path", "data", "label", "size", "fit", "per_class", "augment", "out", "json", "adapter"],
    ),
    (
        "wgrad train",
        &[
            "network",
            "recipe",
            "config",
            "data",
            "label",
            "normalize",
            "epochs",
            "batch",
            "lr",
            "optimizer",
            "schedule",
            "augment",
            "validation",
            "patience",
            "resume",
            "out",
            "live",
            "adapter",
            "json",
            "quiet",
        ],
    ),
    (
        "wgrad sweep",
        &[
            "grid",
            "random",
            "trials",
            "halving",
            "jobs",
            "network",
            "recipe",
            "config",
            "data",
            "epochs",
            "validation",
            "out",
            "resume",
            "html",
            "json",
            "quiet",
            "adapter",
        ],
    ),
    (
        "wgrad lr-find",
        &[
            "network",
            "data",
            "label",
            "size",
            "batch",
            "from",
            "to",
            "steps",
            "optimizer",
            "html",
            "svg",
            "json",
            "adapter",
        ],
    ),
    (
        "wgrad lab",
        &[
            "op",
            "file",
            "variant",
            "size",
            "cases",
            "stats",
            "sweep",
            "html",
            "save",
            "baseline",
            "fail_if_slower",
            "junit",
            "json",
            "adapter",
        ],
    ),
    ("wgrad check", &["networks", "batch", "steps", "data", "augment", "loss", "variant", "json", "adapter"]),
    (
        "wgrad bench",
        &[
            "networks", "data", "batch", "seconds", "growth", "widths", "batches", "html", "plan", "variant",
            "json", "adapter",
        ],
    ),
    ("wgrad tune", &["network", "data", "batch", "seconds", "again", "list", "clear", "json", "adapter"]),
    (
        "wgrad profile",
        &["network", "data", "batch", "seconds", "trace", "html", "variant", "json", "adapter"],
    ),
];

/// The definition of all commands with help in two lengths.
pub fn in_two_lengths(command: Command) -> Command {
    let path = command.get_name().to_string();
    shortened(command, &path)
}

/// The definition of a command, of these words, and of its own commands.
fn shortened(command: Command, path: &str) -> Command {
    let usual = USUAL.iter().find(|(command, _)| *command == path).map(|(_, usual)| *usual);
    let command = command.mut_args(|arg| {
        let takes_values = arg.get_action().takes_values();
        let rare = usual.is_some_and(|usual| !usual.contains(&arg.get_id().as_str()));
        // A number below 0 is a value, which the option accepts or refuses in words.
        let arg = if takes_values { arg.allow_negative_numbers(true) } else { arg };
        if rare { arg.hide_short_help(true) } else { arg }
    });
    let all = command.get_after_help().map(ToString::to_string);
    let command = match all.as_deref().and_then(first_examples) {
        Some(first) => command.after_long_help(all.unwrap_or_default()).after_help(first),
        None => command,
    };
    command.mut_subcommands(|sub| {
        let path = format!("{path} {}", sub.get_name());
        shortened(sub, &path)
    })
}

/// The first examples of a text that begins with them.
fn first_examples(text: &str) -> Option<String> {
    let block = text.split("\n\n").next().filter(|block| block.starts_with("Examples:"))?;
    let mut lines: Vec<&str> = block.lines().take(1 + EXAMPLES).collect();
    if block == text && lines.len() == block.lines().count() {
        return None;
    }
    lines.push("\nAll options, more examples and how it works: --help");
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::USUAL;
    use crate::Cli;
    use clap::{Command, CommandFactory};

    /// Lines of a screen, and its columns.
    const SCREEN: (usize, usize) = (60, 100);

    fn each(command: &mut Command, path: &str, see: &mut impl FnMut(&str, &mut Command)) {
        see(path, command);
        for sub in command.get_subcommands_mut() {
            let path = format!("{path} {}", sub.get_name());
            each(sub, &path, see);
        }
    }

    #[test]
    fn the_short_help_of_each_command_fits_a_screen() {
        let mut grammar = Cli::grammar();
        grammar.build();
        each(&mut grammar, "wgrad", &mut |path, command| {
            let help = command.render_help().to_string();
            let count = help.lines().count();
            assert!(count <= SCREEN.0, "{path} -h has {count} lines:\n{help}");
            let wide = help.lines().find(|line| line.chars().count() > SCREEN.1);
            assert_eq!(wide, None, "{path} -h");
        });
    }

    #[test]
    fn the_long_help_has_every_option_and_example() {
        let written = |path: &str| {
            let all = Cli::command();
            // The commands `help` are clap's own.
            let command =
                path.split(' ').skip(1).try_fold(&all, |command, name| command.find_subcommand(name));
            command.and_then(Command::get_after_help).map(ToString::to_string).unwrap_or_default()
        };
        let mut grammar = Cli::grammar();
        grammar.build();
        each(&mut grammar, "wgrad", &mut |path, command| {
            let help = command.render_long_help().to_string();
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set() && !arg.is_positional()) {
                let long = format!("--{}", arg.get_long().unwrap_or_default());
                assert!(help.contains(&long), "{path} --help lacks {long}");
            }
            // Lines are wrapped; two spaces end a command.
            let text = written(path);
            for example in text.lines().filter_map(|line| line.strip_prefix("  wgrad ")) {
                let example = example.split("  ").next().unwrap_or_default();
                assert!(help.contains(example), "{path} --help lacks {example}");
            }
            assert!(!help.contains("All options,"), "{path} --help refers to itself");
        });
    }

    #[test]
    fn what_is_usual_exists() {
        let mut found = Vec::new();
        each(&mut Cli::grammar(), "wgrad", &mut |path, command| {
            let Some((name, usual)) = USUAL.iter().find(|(name, _)| *name == path) else {
                return;
            };
            found.push(*name);
            for id in *usual {
                assert!(command.get_arguments().any(|arg| arg.get_id() == id), "{path} has no {id}");
            }
        });
        let mut all: Vec<&str> = USUAL.iter().map(|(name, _)| *name).collect();
        all.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, all);
    }
}
