//! `wgrad data info`: describes a data set, with facts that matter before you train on it.

use super::Which;
use crate::{
    loading::{load_or_fetch_with, say},
    output,
};
use anyhow::Result;
use serde_json::json;
use wgrad::{
    data::Dataset,
    words::{commas, counted, shortened},
};
use wgrad_data::{
    DataSpec, Places, Reading,
    reading::Missing,
    summary::{Summary, summary},
    table::Kind,
};
use wgrad_report::table::{
    Align::{Right, Wrap},
    Table,
};

/// Most columns of a table that are shown, and most words of a column.
const MOST_COLUMNS: usize = 100;
const MOST_NAMED: usize = 20;
/// Most characters shown of a name or word; `--json` has all.
const MOST_CHARACTERS: usize = 40;
/// Most unreadable files that are named; `--json` names all.
const NAMED: usize = 10;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad data info
  wgrad data info synthetic
  wgrad data info pictures/ --size 96
  wgrad data info houses.csv --label price
  wgrad data info ~/kmnist --json

The whole data set is read: pictures are decoded once. Exit codes: 0 done, 2 the data set is not here or damaged.")]
pub struct Info {
    #[command(flatten)]
    which: Which,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Info {
    pub fn run(self) -> Result<()> {
        let mut reading = self.which.reading.reading();
        if reading.missing == Missing::Error {
            // Missing values are reported with their lines, not refused.
            reading.missing = Missing::Drop;
        }
        let data = load(&self.which.spec(), &reading)?;
        let found = summary(&data);
        let counts: Vec<Vec<usize>> = data.splits().map(|(_, split)| data.class_counts(split)).collect();
        match self.json {
            true => print_json(&data, &found, &counts),
            false => print(&data, &found, &counts),
        }
    }
}

/// Loads a data set and prints its warnings and notes; downloads nothing.
fn load(spec: &DataSpec, reading: &Reading) -> Result<Dataset> {
    let places = Places::from_env();
    let data = match spec {
        DataSpec::FashionMnist | DataSpec::Published(_) => {
            wgrad_data::load_with(spec, &places, reading, None)?
        }
        _ => load_or_fetch_with(spec, &places, reading, None)?,
    };
    say(&data);
    Ok(data)
}

/// Kind of the data, in a word.
fn kind(data: &Dataset) -> &'static str {
    match &data.table {
        _ if !data.train.images.in_memory() => "pictures",
        Some(_) => "table",
        _ if data.input.floats => "floats",
        _ => "bytes",
    }
}

fn print_json(data: &Dataset, found: &Summary, counts: &[Vec<usize>]) -> Result<()> {
    let parts: Vec<&str> = data.splits().map(|(name, _)| name).collect();
    let classes: Vec<_> = data
        .classes
        .iter()
        .enumerate()
        .map(|(label, name)| {
            let mut class = json!({"label": label, "name": name});
            for (part, counts) in parts.iter().zip(counts) {
                class[part] = json!(counts[label]);
            }
            class
        })
        .collect();
    let broken: Vec<_> =
        found.broken.iter().map(|(path, reason)| json!({"path": path, "reason": reason})).collect();
    output::json(&json!({
        "name": data.name, "kind": kind(data), "source": data.source,
        "height": data.height, "width": data.width, "channels": data.channels,
        "train": data.train.len(), "validation": data.validation.as_ref().map(|split| split.len()),
        "test": data.test.len(), "classes": classes, "digest": data.digest,
        "mean": found.channels.iter().map(|channel| channel.mean).collect::<Vec<_>>(),
        "deviation": found.channels.iter().map(|channel| channel.deviation).collect::<Vec<_>>(),
        "sizes": found.sizes, "duplicates": found.duplicates, "broken": broken, "columns": data.table,
        "warnings": data.warnings, "notes": data.notes,
    }))
}

fn print(data: &Dataset, found: &Summary, counts: &[Vec<usize>]) -> Result<()> {
    let parts: Vec<String> = data
        .splits()
        .map(|(name, split)| {
            format!("{} {}", commas(split.len() as u64), if name == "train" { "training" } else { name })
        })
        .collect();
    let rows = if data.table.is_some() { "rows    " } else { "images  " };
    output::line(format!("name    {}\nsource  {}\n{rows}{}", data.name, data.source, parts.join(", ")))?;
    match &data.table {
        Some(table) => output::line(format!(
            "values  {} per row, from {}; label: {}",
            data.channels,
            counted(table.columns.len(), "column"),
            shortened(&table.label.name, MOST_CHARACTERS)
        ))?,
        None => {
            let each = if data.input.floats { "an f32 each" } else { "a byte each" };
            let [height, width, channels] = data.shape();
            output::line(format!("shape   {height}×{width}×{channels} (height, width, channels), {each}"))?;
        }
    }
    if let Some(sizes) = &found.sizes {
        let words = |[height, width]: [usize; 2]| format!("{height}×{width}");
        output::line(format!(
            "files   smallest {}, median {}, largest {} (height × width)",
            words(sizes.min),
            words(sizes.median),
            words(sizes.max)
        ))?;
    }
    output::line(format!("digest  {}", data.digest))?;
    output::line(format!(
        "repeats {} of the test part are also in the training part\n",
        commas(found.duplicates as u64)
    ))?;
    if data.table.is_none() {
        let mut table = Table::new(&[("channel", Right), ("mean", Right), ("deviation", Right)]);
        for (number, channel) in found.channels.iter().enumerate() {
            let [mean, deviation] = [channel.mean, channel.deviation].map(|value| format!("{value:.4}"));
            table.row([number.to_string(), mean, deviation]);
        }
        output::line(format!("{table}\n"))?;
    }
    columns(data)?;
    if !data.classes.is_empty() {
        let mut columns = vec![("label", Right), ("class", Wrap)];
        let name = |part| if part == "train" { "training" } else { part };
        columns.extend(data.splits().map(|(part, _)| (name(part), Right)));
        let mut table = Table::new(&columns);
        for (label, name) in data.classes.iter().enumerate() {
            let counts = counts.iter().map(|counts| commas(counts[label] as u64));
            let name = shortened(name, MOST_CHARACTERS).into_owned();
            table.row([label.to_string(), name].into_iter().chain(counts));
        }
        output::line(table)?;
    }
    if !found.broken.is_empty() {
        output::line(format!("\n{} cannot be read:", counted(found.broken.len(), "file")))?;
        for (path, reason) in found.broken.iter().take(NAMED) {
            output::line(format!("  {path}: {reason}"))?;
        }
        if found.broken.len() > NAMED {
            output::line("  ...; `--json` lists all")?;
        }
    }
    Ok(())
}

/// Prints how each column of a table is used.
fn columns(data: &Dataset) -> Result<()> {
    let Some(found) = &data.table else { return Ok(()) };
    let mut table = Table::new(&[
        ("column", Wrap),
        ("holds", Wrap),
        ("mean", Right),
        ("deviation", Right),
        ("no value", Right),
        ("words", Wrap),
    ]);
    let label = &found.label;
    let label = (&label.name, &label.kind, &label.format, label.missing);
    let columns = found.columns.iter().map(|one| (&one.name, &one.kind, &one.format, one.missing));
    for (number, (name, kind, format, missing)) in columns.take(MOST_COLUMNS).chain([label]).enumerate() {
        let is_label = number == found.columns.len().min(MOST_COLUMNS);
        let holds = match kind {
            Kind::Number { .. } if format.in_words().is_empty() => "numbers".to_owned(),
            Kind::Number { .. } => format!("numbers {}", format.in_words()),
            Kind::Words(words) => counted(words.len(), "word"),
        };
        let [mean, deviation, words] = match kind {
            Kind::Number { mean, deviation } => {
                [format!("{mean:.4}"), format!("{deviation:.4}"), String::new()]
            }
            Kind::Words(words) => {
                let more = if words.len() > MOST_NAMED { ", ..." } else { "" };
                let words: Vec<_> =
                    words.iter().take(MOST_NAMED).map(|word| shortened(word, MOST_CHARACTERS)).collect();
                let words = words.join(", ");
                [String::new(), String::new(), format!("{words}{more}")]
            }
        };
        let holds = if is_label { format!("label: {holds}") } else { holds };
        let name = shortened(name, MOST_CHARACTERS).into_owned();
        table.row([name, holds, mean, deviation, commas(missing as u64), words]);
    }
    output::line(&table)?;
    if found.columns.len() > MOST_COLUMNS {
        let more = commas((found.columns.len() - MOST_COLUMNS) as u64);
        output::line(format!("... and {more} more columns; `--json` lists all"))?;
    }
    output::line("")
}
