//! Compares runs: the settings that differ, the best and the last results, the curves, and which differences exceed the
//! spread of the seeds.

use super::{
    in_words, output,
    page::{PageArgs, quoted_path},
    progress::time,
    runs::{Scores, run_name},
    train::settings::settings,
};
use anyhow::{Result, bail};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};
use supports_unicode::Stream;
use wgrad::{
    model::Model,
    words::{commas, sparkline_between},
};
use wgrad_files::write_file;
use wgrad_report::{
    page::can_write,
    runs::{Recorded, compared, score_chart},
    table::{
        Align::{Left, Right, Wrap},
        Table,
    },
};
use wgrad_run::{
    EpochLine, Outcome, Run,
    comparison::{Compared, Comparison, Pair, Verdict},
    listing::{LATEST, RUNS, all, is_run},
};

/// Value of a setting that a run has not.
const DEFAULT: &str = "default";
/// Most characters of a curve in the table.
const CURVE: usize = 24;
/// Most verdicts that are printed.
const VERDICTS: usize = 10;
/// Seeds that are advised.
const SEEDS: usize = 5;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad compare mlp-1 mlp-2                     two runs of runs/
  wgrad compare runs                            all runs of a folder
  wgrad compare mlp-1 cnn-1 --html both.html    with the curves, as a page
  wgrad compare mlp-1 cnn-1 --png curves.png    the curves of the test accuracy, or of the loss
  wgrad compare runs --json | jq .groups

Runs that differ only in their seed form a group. Groups are compared by the best epochs of their seeds: mean ± standard \
deviation, and Welch's t test at a level of 5 %, corrected for the number of pairs (Holm). Runs that are not finished do \
not count there. A group needs two seeds at least, better five.

Exit codes: 0 done, 2 a run cannot be read.")]
pub struct Compare {
    /// Runs: folders, names in runs/, `latest`, or a folder of runs
    #[arg(value_name = "RUN", required = true, value_parser = run_name())]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    page: PageArgs,
    /// Write the curves of the test accuracy, or of the error of a regression, as a picture
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// The same picture as PNG
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Print one JSON object: runs, settings that differ, groups, pairs
    #[arg(long)]
    json: bool,
}

/// A run with its records.
pub struct Member {
    pub recorded: Recorded,
    pub is_finished: bool,
    /// Settings by name.
    settings: BTreeMap<String, String>,
}

/// Results of an epoch. Accuracies are shares in [0, 1], losses nats.
#[derive(Serialize)]
struct Results {
    epoch: u64,
    #[serde(flatten)]
    scores: Scores,
    train_loss: f64,
}

impl From<&EpochLine> for Results {
    fn from(line: &EpochLine) -> Self {
        Self { epoch: line.epoch, scores: line.into(), train_loss: line.train_loss }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    run: &'a str,
    finished: bool,
    epochs: usize,
    seconds: Option<f64>,
    best: Option<Results>,
    last: Option<Results>,
    /// The settings that differ.
    settings: BTreeMap<&'a str, &'a str>,
}

impl Member {
    /// Reads the run of a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let run = Run::open(folder)?;
        let lines = run.metrics()?;
        let is_finished = run.is_finished(&lines);
        // A name in runs/ stands for its folder, a longer path does not.
        let within = folder.strip_prefix(RUNS).ok().filter(|name| name.components().count() == 1);
        let within = within.unwrap_or(folder);
        let settings = settings_of(&run);
        let recorded = Recorded {
            name: within.display().to_string(),
            config: run.config.clone(),
            lines,
            layers: Vec::new(),
        };
        Ok(Self { recorded, is_finished, settings })
    }

    fn compared(&self) -> Compared<'_> {
        let Recorded { name, config, lines, .. } = &self.recorded;
        Compared { name, config, lines, is_finished: self.is_finished }
    }

    fn outcome(&self) -> Option<Outcome> {
        Outcome::of(&self.recorded.lines, &self.recorded.config, None)
    }

    /// Seconds of training and evaluation, if all epochs recorded them.
    pub fn seconds(&self) -> Option<f64> {
        self.recorded.lines.iter().map(EpochLine::seconds).sum()
    }
}

/// Settings by the names of the options of `wgrad train`, the adapter among them.
fn settings_of(run: &Run) -> BTreeMap<String, String> {
    let config = &run.config;
    let mut all = BTreeMap::<String, String>::new();
    for (name, value) in settings(config, &config.model.name) {
        let value = value.unwrap_or_else(|| "true".to_string());
        all.entry(name.trim_start_matches('-').to_string())
            .and_modify(|known| *known = format!("{known},{value}"))
            .or_insert(value);
    }
    let adapter = &config.adapter;
    all.insert("adapter".into(), format!("{} ({})", adapter.name, adapter.backend));
    all.insert("seed".into(), config.options.seed.to_string());
    all
}

/// The comparison of these runs.
pub fn comparison(members: &[Member]) -> Comparison {
    Comparison::of(&members.iter().map(Member::compared).collect::<Vec<_>>())
}

/// The settings that differ, each with the value of every run.
pub fn differing(members: &[Member]) -> Vec<(String, Vec<String>)> {
    let configs = || members.iter().map(|member| &member.recorded.config);
    // One name may stand for several networks, or for several data sets.
    let parameters =
        |model: &Model| model.parameters().map_or(0, |all| all.iter().map(|one| one.len()).sum::<usize>());
    let several = |config: &wgrad_run::Config| {
        configs().any(|other| other.model.name == config.model.name && other.model != config.model)
    };
    let other_data = |config: &wgrad_run::Config| {
        configs().any(|other| other.data.name == config.data.name && other.data.digest != config.data.digest)
    };
    let model = |config: &wgrad_run::Config| match several(config) {
        true => format!("{}, {} parameters", config.model.name, commas(parameters(&config.model) as u64)),
        false => config.model.name.clone(),
    };
    let data = |config: &wgrad_run::Config| match other_data(config) {
        true => format!("{} {}", config.data.name, config.data.digest.get(..8).unwrap_or_default()),
        false => config.data.name.clone(),
    };
    let mut names: Vec<&String> = members.iter().flat_map(|member| member.settings.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let values = |name: &String| -> Vec<String> {
        let value = |member: &Member| match name.as_str() {
            "model" => model(&member.recorded.config),
            "data" => data(&member.recorded.config),
            _ => member.settings.get(name).cloned().unwrap_or_else(|| DEFAULT.to_string()),
        };
        members.iter().map(value).collect()
    };
    let all = names.into_iter().map(|name| (name.clone(), values(name)));
    all.filter(|(_, values)| values.iter().any(|value| *value != values[0])).collect()
}

impl Compare {
    pub fn run(self) -> Result<ExitCode> {
        self.page.can_be_written()?;
        for path in [&self.svg, &self.png].into_iter().flatten() {
            can_write(path)?;
        }
        let members = self.members()?;
        let (found, differing) = (comparison(&members), differing(&members));
        let runs: Vec<Recorded> = members.iter().map(|member| member.recorded.clone()).collect();
        if let Some(path) = &self.svg {
            write_file(path, score_chart(&runs, found.score).as_str().as_bytes())?;
            tell!("wrote {}", path.display());
        }
        if let Some(path) = &self.png {
            write_file(path, &score_chart(&runs, found.score).png()?)?;
            tell!("wrote {}", path.display());
        }
        self.page.write(|about| Ok(compared(about, &runs, &differing, &found)))?;
        if self.json {
            json(&members, &differing, &found)?;
        } else {
            output::line(text(&members, &differing, &found))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The runs that are named, those of a folder included.
    fn members(&self) -> Result<Vec<Member>> {
        let mut folders: Vec<PathBuf> = Vec::new();
        for named in &self.runs {
            let within = if is_run(named) { Vec::new() } else { all(named).unwrap_or_default() };
            let alone = within.is_empty();
            for folder in if alone { vec![named.clone()] } else { within } {
                if !folders.contains(&folder) {
                    folders.push(folder);
                }
            }
        }
        let named = |folder: &Path| self.runs.iter().any(|run| run == folder);
        let mut members = Vec::new();
        for folder in &folders {
            match Member::read(folder) {
                Ok(member) => members.push(member),
                // A damaged run of a folder does not hide the others.
                Err(error) if !named(folder) => tell!("warning: left out: {}", in_words(&error)),
                Err(error) => return Err(error),
            }
        }
        if members.len() < 2 {
            bail!(
                "got {}, expected two runs at least; `wgrad runs` lists them, `{LATEST}` is the one written last",
                match folders.first() {
                    Some(one) => format!("the run {}", quoted_path(one)),
                    None => "no run".to_string(),
                }
            );
        }
        Ok(members)
    }
}

fn json(members: &[Member], differing: &[(String, Vec<String>)], found: &Comparison) -> Result<()> {
    #[derive(Serialize)]
    struct All<'a> {
        runs: Vec<Row<'a>>,
        #[serde(flatten)]
        found: &'a Comparison,
    }
    let mut runs = Vec::new();
    for (n, member) in members.iter().enumerate() {
        let outcome = member.outcome();
        runs.push(Row {
            run: &member.recorded.name,
            finished: member.is_finished,
            epochs: member.recorded.lines.len(),
            seconds: member.seconds(),
            best: outcome.as_ref().map(|outcome| Results::from(&outcome.best)),
            last: outcome.as_ref().map(|outcome| Results::from(&outcome.last)),
            settings: differing.iter().map(|(name, values)| (name.as_str(), values[n].as_str())).collect(),
        });
    }
    output::json(&All { runs, found })
}

fn text(members: &[Member], differing: &[(String, Vec<String>)], found: &Comparison) -> String {
    let mut parts = vec![match differing.is_empty() {
        true => "the runs differ in no setting".to_string(),
        false => settings_table(members, differing).to_string(),
    }];
    parts.push(results(members, found).to_string());
    if found.groups.iter().any(|group| group.runs.len() > 1) {
        parts.push(groups(found).to_string());
    }
    let mut lines = found.verdicts(VERDICTS);
    lines.extend(
        found
            .pairs
            .iter()
            .find(|pair| pair.verdict == Verdict::SpreadUnknown)
            .and_then(|pair| more_seeds(members, found, pair)),
    );
    if found.groups.len() == 1 {
        lines
            .push("the runs differ only in their seed: one group, with nothing to compare it to".to_string());
    }
    parts.push(lines.join("\n"));
    parts.join("\n\n")
}

/// How to train more seeds of a group whose spread is unknown.
fn more_seeds(members: &[Member], found: &Comparison, pair: &Pair) -> Option<String> {
    let group = pair.groups.iter().map(|n| &found.groups[*n]).find(|group| group.deviation.is_none())?;
    let member = &members[*group.runs.first()?];
    let seeds: Vec<u64> = group.runs.iter().map(|n| members[*n].recorded.config.options.seed).collect();
    let more = SEEDS.saturating_sub(seeds.len()).max(1);
    let next: Vec<String> =
        (0..).filter(|seed| !seeds.contains(seed)).take(more).map(|seed: u64| seed.to_string()).collect();
    let next = next.join(",");
    let name = quoted_path(Path::new(&member.recorded.name));
    Some(format!(
        "to know the spread, train more seeds, five in all: `wgrad config {name} > settings.toml`, then `wgrad sweep \
         --config settings.toml --grid seed={next}`, and compare with the runs of that sweep too"
    ))
}

fn settings_table(members: &[Member], differing: &[(String, Vec<String>)]) -> Table {
    let mut columns = vec![("run", Left)];
    columns.extend(differing.iter().map(|(name, _)| (name.as_str(), Wrap)));
    let mut table = Table::new(&columns);
    for (n, member) in members.iter().enumerate() {
        let values = differing.iter().map(|(_, values)| values[n].clone());
        table.row([member.recorded.name.clone()].into_iter().chain(values));
    }
    table
}

fn results(members: &[Member], found: &Comparison) -> Table {
    let score = found.score;
    let short = score.name().trim_start_matches("test ");
    let of = |line: &EpochLine| score.test(line).filter(|value| value.is_finite());
    let all = || members.iter().flat_map(|member| &member.recorded.lines).filter_map(of);
    let ends = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let (best, last, curve) =
        (format!("best {short}"), format!("last {short}"), format!("{short} over epochs"));
    let columns = [
        ("run", Left),
        ("epochs", Right),
        ("best epoch", Right),
        (best.as_str(), Right),
        ("loss", Right),
        (last.as_str(), Right),
        ("loss", Right),
        ("time", Right),
        (curve.as_str(), Left),
    ];
    let mut table = Table::new(&columns);
    let plain = !supports_unicode::on(Stream::Stdout);
    for member in members {
        let (lines, outcome) = (&member.recorded.lines, member.outcome());
        let shown = |line: Option<EpochLine>| {
            [
                line.and_then(|line| score.test(&line)).map(|value| score.shown(value)).unwrap_or_default(),
                line.map(|line| format!("{:.4}", line.test_loss)).unwrap_or_default(),
            ]
        };
        let asked = member.recorded.config.options.epochs;
        let mut cells = vec![
            member.recorded.name.clone(),
            if member.is_finished { lines.len().to_string() } else { format!("{}/{asked}", lines.len()) },
            outcome.map(|outcome| outcome.best.epoch.to_string()).unwrap_or_default(),
        ];
        cells.extend(shown(outcome.map(|outcome| outcome.best)));
        cells.extend(shown(outcome.map(|outcome| outcome.last)));
        cells.push(member.seconds().map(time).unwrap_or_default());
        let values: Vec<f64> = lines.iter().map(|line| score.test(line).unwrap_or(f64::NAN)).collect();
        cells.push(sparkline_between(&values, CURVE, ends, plain));
        table.row(cells);
    }
    table
}

fn groups(found: &Comparison) -> Table {
    let name = format!("{}, mean ± standard deviation", found.score.name());
    let mut table = Table::new(&[("group", Wrap), ("finished seeds", Right), (name.as_str(), Right)]);
    for group in &found.groups {
        let shown = |value| found.score.shown(value);
        let spread = match (group.mean, group.deviation) {
            (Some(mean), Some(deviation)) => format!("{} ± {}", shown(mean), shown(deviation)),
            (Some(mean), None) => format!("{}, spread unknown", shown(mean)),
            (None, _) => String::new(),
        };
        table.row([group.name.clone(), group.seeds.len().to_string(), spread]);
    }
    table
}
