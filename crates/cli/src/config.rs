//! Settings of a training as a TOML file: `wgrad train --config FILE` adds those of the file to the command line, and
//! `wgrad config RUN` prints those of a run. The keys are the names of the options, as clap has them.

use super::{
    Cli, advice,
    fields::spelled,
    output,
    page::{quoted, quoted_path},
    runs::run_name,
    train::{
        recipe::of_another,
        settings::{built_in, settings},
    },
};
use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, error::ErrorKind, parser::ValueSource};
use std::{
    ffi::OsString,
    ops::Range,
    path::{Path, PathBuf},
    process::ExitCode,
};
use toml::de::{DeTable, DeValue};
use wgrad::{
    callbacks::Best,
    text::read_text,
    words::{bytes, nearest},
};
use wgrad_run::{Config as Recorded, DataRecord, Run, recipe::Flag};

/// The command whose options the settings are.
pub const TRAIN: &str = "train";
/// The command that takes all options of [`TRAIN`].
pub const SWEEP: &str = "sweep";
/// Options of [`TRAIN`] that a file cannot have: they say which file, or which run, is read.
const NOT_IN_A_FILE: [&str; 3] = ["config", "resume", "help"];
/// Options that decide no result, and that a sweep sets for its trainings.
pub const NOT_SET_HERE: [&str; 7] = ["config", "resume", "help", "out", "json", "quiet", "stop-after"];
/// Largest size of a file of settings, in bytes.
const MOST: u64 = 1 << 20;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad config mlp-1 > run.toml            the settings of runs/mlp-1
  wgrad train --config run.toml            the same training again, to the same bits
  wgrad train --config run.toml --seed 1   with another seed
  wgrad config latest                      those of the run that was written last

Keys are the names of the options of `wgrad train`: `lr = 0.1`, `normalize = true`, `drop = [\"id\", \"date\"]`. Paths \
are relative to the folder that you train in. The bits are the same on the same adapter with the same version of \
wgrad.")]
pub struct Config {
    /// Folder of a run, its name, or `latest`
    #[arg(value_name = "RUN", value_parser = run_name())]
    run: PathBuf,
}

impl Config {
    pub fn run(self) -> Result<ExitCode> {
        let folder = std::path::absolute(&self.run).context("the path of the run cannot be made absolute")?;
        Run::open(&self.run)?;
        let mut run = Run::open(&folder)?;
        if run.config.data.spec == DataRecord::UNKNOWN {
            bail!(
                "{} was imported: it has no settings of a training; `wgrad models {}` describes its network",
                self.run.display(),
                quoted_path(&self.run)
            );
        }
        run.config.options.variants = run.variants()?;
        for change in unsaid(&run.config) {
            tell!("warning: {change}: no option does that, so a training with this file has other bits");
        }
        output::line(text(&run).trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What the run did that no option does.
fn unsaid(config: &Recorded) -> Vec<String> {
    let options = &config.options;
    let mut all = Vec::new();
    if !options.rates.is_empty() {
        all.push(format!("the learning rate was set {} times from the live page", options.rates.len()));
    }
    if options.steps_before > 0 {
        all.push("the state of the optimizer came from another training".to_string());
    }
    if options.objective.example_weights {
        all.push("each image had a weight of its own".to_string());
    }
    if options.callbacks.best == Best::Accuracy {
        all.push("an older version of wgrad chose the best epoch by its accuracy".to_string());
    }
    all
}

/// The file of the settings of a run.
fn text(run: &Run) -> String {
    let (config, folder) = (&run.config, run.folder.display().to_string());
    let (adapter, tuned) = (&config.adapter, !config.options.variants.tuned.is_empty());
    let mut all = settings(config, built_in(config).unwrap_or(&folder));
    all.push(match tuned {
        true => ("--kernels", Some(folder.clone())),
        false => ("--no-tuned", None),
    });
    all.push(("--adapter", Some(format!("{} ({})", adapter.name, adapter.backend))));
    let mut lines = vec![
        format!("# Settings of {folder}, for `wgrad train --config FILE`."),
        format!("# Trained by wgrad {} with the driver {}.", config.version, adapter.driver),
        format!("# The data: {}, SHA-256 {}.", config.data.name, config.data.digest),
    ];
    if let Some(recipe) = &config.recipe {
        lines.push(format!("# The options came from the recipe {recipe}."));
    }
    lines.push(String::new());
    // A name or a path may hold line breaks, which would end the comment.
    lines.iter_mut().for_each(|line| *line = line.replace(char::is_control, " "));
    lines.extend(lines_of(&all));
    lines.join("\n") + "\n"
}

/// The lines `key = value` of options; a repeated one becomes a list.
pub fn lines_of(all: &[Flag]) -> Vec<String> {
    let grammar = grammar();
    let mut lines = Vec::new();
    for (n, (name, value)) in all.iter().enumerate() {
        let key = name.trim_start_matches('-');
        let same = |flag: &&Flag| flag.0 == *name;
        if all[..n].iter().any(|flag| same(&flag)) {
            continue;
        }
        let repeats = option(train(&grammar), key).is_some_and(|arg| {
            matches!(arg.get_action(), ArgAction::Append) && arg.get_value_delimiter().is_none()
        });
        let written = match value {
            None => "true".to_string(),
            Some(_) if repeats => {
                let each = all.iter().filter(same).filter_map(|(_, value)| value.as_deref());
                format!("[{}]", each.map(quoted_toml).collect::<Vec<_>>().join(", "))
            }
            Some(value) => number(value).map_or_else(|| quoted_toml(value), str::to_string),
        };
        lines.push(format!("{key} = {written}"));
    }
    lines
}

/// The text of a number as TOML has it, if it is one.
fn number(text: &str) -> Option<&str> {
    let whole = text.parse::<i64>().is_ok_and(|n| n.to_string() == text);
    let real =
        text.contains('.') && text.parse::<f64>().is_ok_and(|x| x.is_finite() && x.to_string() == text);
    (whole || real).then_some(text)
}

fn quoted_toml(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The definition of all commands, with what clap derives from it.
pub fn grammar() -> Command {
    let mut grammar = Cli::grammar();
    grammar.build();
    grammar
}

/// The definition of `wgrad train`.
pub fn train(grammar: &Command) -> &Command {
    grammar.find_subcommand(TRAIN).unwrap_or(grammar)
}

/// The option with this name.
pub fn option<'c>(train: &'c Command, long: &str) -> Option<&'c Arg> {
    train.get_arguments().find(|arg| arg.get_long() == Some(long))
}

/// The keys of a file of settings: the options of `wgrad train`.
pub fn keys(train: &Command) -> Vec<&str> {
    let longs = train.get_arguments().filter_map(Arg::get_long);
    longs.filter(|long| !NOT_IN_A_FILE.contains(long)).collect()
}

/// A setting of a file.
#[derive(Debug)]
struct Setting {
    key: String,
    /// Its value as words of the command line; none where it is switched off.
    words: Vec<String>,
    /// Its value as the file has it.
    shown: String,
}

fn refused(message: impl std::fmt::Display) -> clap::Error {
    clap::Error::raw(ErrorKind::InvalidValue, format!("{message}\n"))
}

/// The command line with the settings of the file that `--config` names, except those that it has itself; `None`
/// without a file. Prints which settings of the file it overrides.
///
/// # Errors
/// What in the file is not a setting, as an error of the command line.
pub fn completed(line: &[OsString]) -> Result<Option<Vec<OsString>>, clap::Error> {
    let names = |word: &OsString| {
        word.to_str().is_some_and(|word| word == "--config" || word.starts_with("--config="))
    };
    if !line.iter().any(names) {
        return Ok(None);
    }
    // Lenient: an option may need another one that only the file has.
    let Ok(matches) = Cli::grammar().ignore_errors(true).try_get_matches_from(line) else { return Ok(None) };
    let Some((command @ (TRAIN | SWEEP), given)) = matches.subcommand() else { return Ok(None) };
    let (Some(path), false) = (given.get_one::<PathBuf>("config"), is_given(given, "resume")) else {
        return Ok(None);
    };
    let grammar = grammar();
    let all = read(train(&grammar), path)?;
    let (kept, mut overridden) = divided(train(&grammar), given, all);
    let varied = if command == SWEEP { varied(given) } else { Vec::new() };
    let (kept, other): (Vec<_>, Vec<_>) =
        kept.into_iter().partition(|setting| !varied.contains(&setting.key));
    overridden
        .extend(other.into_iter().map(|Setting { key, shown, .. }| format!("{key} = {shown} (varied)")));
    if !overridden.is_empty() && !given.get_flag("quiet") {
        tell!("{}: the command line overrides {}", path.display(), overridden.join(", "));
    }
    let mut line = line.to_vec();
    let at = line.iter().position(|word| word == command).map_or(line.len(), |at| at + 1);
    line.splice(at..at, kept.into_iter().flat_map(|setting| setting.words).map(OsString::from));
    Ok(Some(line))
}

/// The options that a sweep varies.
fn varied(sweep: &ArgMatches) -> Vec<String> {
    let raw = ["grid", "random"].into_iter().filter_map(|id| sweep.get_raw(id)).flatten();
    let name =
        |text: &str| text.split('=').next().unwrap_or_default().trim().trim_start_matches("--").to_string();
    raw.map(|text| name(&text.to_string_lossy())).collect()
}

fn is_given(train: &ArgMatches, id: &str) -> bool {
    train.value_source(id) == Some(ValueSource::CommandLine)
}

/// The settings that stay, and in words those that the command line overrides.
fn divided(train: &Command, given: &ArgMatches, all: Vec<Setting>) -> (Vec<Setting>, Vec<String>) {
    let own = |name: &str| {
        let setting = all.iter().find(|setting| setting.key == name.trim_start_matches('-'));
        setting.map(|setting| setting.shown.trim_matches('"').to_string())
    };
    let another: Vec<&str> =
        of_another(given, own).into_iter().map(|name| name.trim_start_matches('-')).collect();
    let (mut kept, mut overridden) = (Vec::new(), Vec::new());
    for setting in all {
        let Some(arg) = option(train, &setting.key) else { continue };
        let (id, Setting { key, shown, .. }) = (arg.get_id().as_str(), &setting);
        if is_given(given, id) {
            let now = said(given, arg);
            if now != shown.trim_matches('"') {
                overridden.push(format!("{key} = {shown} (now {now})"));
            }
        } else if let Some(by) = train.get_arguments().find(|other| {
            is_given(given, other.get_id().as_str())
                && excludes(train, arg, other)
                && !setting.words.is_empty()
        }) {
            let by = match by.get_long() {
                Some(long) => format!("--{long}"),
                None => said(given, by),
            };
            overridden.push(format!("{key} = {shown} (by {by})"));
        } else if another.contains(&key.as_str()) {
            overridden.push(format!("{key} = {shown} (it is of another optimizer or schedule)"));
        } else {
            kept.push(setting);
        }
    }
    (kept, overridden)
}

/// The value of an option on the command line.
fn said(given: &ArgMatches, arg: &Arg) -> String {
    let raw = given.get_raw(arg.get_id().as_str()).into_iter().flatten();
    let words: Vec<String> = raw.map(|word| word.to_string_lossy().into_owned()).collect();
    if words.is_empty() { "true".into() } else { words.join(",") }
}

/// True if one of the options cannot be given with the other.
pub fn excludes(train: &Command, a: &Arg, b: &Arg) -> bool {
    let conflicts =
        |a, b: &Arg| train.get_arg_conflicts_with(a).iter().any(|other| other.get_id() == b.get_id());
    let one_of = |group: &clap::ArgGroup| {
        let has = |arg: &Arg| group.get_args().any(|id| id == arg.get_id());
        !group.clone().is_multiple() && has(a) && has(b)
    };
    a.get_id() != b.get_id() && (conflicts(a, b) || conflicts(b, a) || train.get_groups().any(one_of))
}

/// The settings of a file, in its order.
fn read(train: &Command, path: &Path) -> Result<Vec<Setting>, clap::Error> {
    let shown = path.display();
    if let Ok(about) = path.metadata()
        && about.is_file()
        && about.len() > MOST
    {
        let (got, most) = (bytes(about.len()), bytes(MOST));
        return Err(refused(format!(
            "{shown} holds {got}, expected a file of settings of at most {most}; `wgrad config RUN` prints one"
        )));
    }
    let next = "`wgrad config RUN` prints the settings of a run as such a file";
    let text = read_text(path, "cannot read the settings", next)
        .map_err(|error| refused(spelled(&error.to_string())))?;
    let fail = |at: &Range<usize>, message: String| {
        let line = text[..at.start.min(text.len())].matches('\n').count() + 1;
        refused(format!("{shown}, line {line}: {message}"))
    };
    let table = DeTable::parse(&text).map_err(|error| {
        let at = error.span().unwrap_or(0..0);
        fail(&at, format!("{}; expected lines such as `lr = 0.1`", error.message()))
    })?;
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut all = Vec::new();
    for (key, value) in entries {
        let (at, name) = (key.span(), key.get_ref().as_ref());
        if NOT_IN_A_FILE.contains(&name) {
            let message = format!("`{name}` is no setting of a training; give it on the command line");
            return Err(fail(&at, message));
        }
        let Some(arg) = option(train, name) else {
            let next = meant(train, name);
            return Err(fail(&at, format!("there is no setting `{name}`; {next}")));
        };
        let words = words(arg, value.get_ref()).map_err(|message| fail(&at, message))?;
        let shown = text.get(value.span()).unwrap_or_default().to_string();
        let shown = if shown.contains('\n') { quoted(&words.join(" ")) } else { shown };
        fits(name, &words).map_err(|message| fail(&at, message))?;
        all.push(Setting { key: name.to_string(), words, shown });
    }
    Ok(all)
}

/// The words of the command line for a value of the file.
fn words(arg: &Arg, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let key = arg.get_long().unwrap_or_default();
    let takes = arg.get_action().takes_values();
    let optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
    let repeats = matches!(arg.get_action(), ArgAction::Append);
    let wanted = || {
        let name =
            arg.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
        match (takes, optional, repeats) {
            (false, ..) => "true or false".to_string(),
            (_, true, _) => format!("true, false or {name}, as `--{key}` takes it"),
            (_, _, true) => format!("{name} or a list of them, as `--{key}` takes it"),
            _ => format!("{name}, as `--{key}` takes it"),
        }
    };
    let wrong = || Err(format!("{key} is {}, expected {}", kind(value), wanted()));
    match value {
        DeValue::Boolean(false) if !takes || optional => Ok(Vec::new()),
        DeValue::Boolean(true) if !takes || optional => Ok(vec![format!("--{key}")]),
        DeValue::Array(items) if repeats => {
            let item = |item: &DeValue<'_>| plain(item).map(|text| format!("--{key}={text}"));
            items.iter().map(|value| item(value.get_ref())).collect::<Option<_>>().map_or_else(wrong, Ok)
        }
        other if takes => plain(other).map_or_else(wrong, |text| Ok(vec![format!("--{key}={text}")])),
        _ => wrong(),
    }
}

/// A number or a text as the command line has it.
fn plain(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(whole) if whole.radix() == 10 => Some(whole.as_str().to_string()),
        DeValue::Integer(whole) => {
            i64::from_str_radix(whole.as_str(), whole.radix()).ok().map(|whole| whole.to_string())
        }
        DeValue::Float(real) => Some(real.as_str().to_string()),
        _ => None,
    }
}

/// What a value of the file is, in words.
fn kind(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {text:?}"),
        DeValue::Integer(_) | DeValue::Float(_) => {
            plain(value).map_or("a number".into(), |number| format!("the number {number}"))
        }
        DeValue::Boolean(is) => is.to_string(),
        DeValue::Datetime(_) => "a date or time".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

/// The words of the command line for a text that a command line has as the value of an option.
pub fn words_of(arg: &Arg, text: &str) -> Result<Vec<String>, String> {
    let value = match text {
        "true" | "false" if !arg.get_action().takes_values() => DeValue::Boolean(text == "true"),
        text => DeValue::String(text.into()),
    };
    let words = words(arg, &value)?;
    fits(arg.get_long().unwrap_or_default(), &words).map(|()| words)
}

/// The nearest key to a name that is none, as the end of an error.
pub fn meant(train: &Command, name: &str) -> String {
    let keys = keys(train);
    nearest(name, keys.iter().copied()).map_or_else(
        || "`wgrad train --help` lists the options, whose names are the keys".to_string(),
        |meant| format!("did you mean `{meant}`?"),
    )
}

/// Checks a setting alone, with the words of the command line about its value.
fn fits(key: &str, words: &[String]) -> Result<(), String> {
    let line = ["wgrad", TRAIN].into_iter().chain(words.iter().map(String::as_str));
    let Err(error) = Cli::grammar().try_get_matches_from(line) else { return Ok(()) };
    if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::NoEquals) {
        // It may need another one of the file.
        return Ok(());
    }
    let said = advice::expected(spelled(&error.render().to_string()).into_owned());
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    let said = said.split("\n\nFor more information").next().unwrap_or(said).trim_end();
    Err(said.replace(&format!("'--{key}"), &format!("'{key}")))
}
