//! The lab's rows as a page: rooflines, bars with their spread, the same numbers as tables, and wrong variants with
//! their worst element. This module measures nothing.

use super::{
    chart::{self, Bar, Bars, HeatMap, Outcome, Roofline, Spot, figure},
    page::{Alarm, Cell, Code, Page, Section, Table},
};
use wgrad::Result;
use wgrad_lab::{
    Listing,
    backends::{Language, Translated},
    row::{Relative, Row, Status},
    stats::{Statistics, isa},
    sweep::{Grid, grids},
};

/// Subject of a report.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The command line.
    pub command: String,
    /// Start time, in words; the library has no clock.
    pub date: String,
}

impl About {
    /// Creates a page without sections.
    pub fn page(&self, title: &str) -> Page {
        Page::new(title)
            .fact("command", &self.command)
            .fact("date", &self.date)
            .fact("wgrad", env!("CARGO_PKG_VERSION"))
    }
}

/// Creates the page of measured variants: one section per operation and size, in the order of `rows`.
pub fn measured(about: &About, rows: &[Row]) -> Page {
    let adapters = unique(rows.iter().map(adapter));
    let operations = unique(rows.iter().map(|row| (row.op, row.sizes.clone(), row.activation)));
    let title = match &operations[..] {
        [(op, ..)] => format!("Lab: variants of {op}"),
        _ => "Lab: variants of every operation".to_string(),
    };
    let mut page = about.page(&title);
    for adapter_name in &adapters {
        let mut of_adapter = rows.iter().filter(|row| adapter(row) == *adapter_name);
        page = page.fact("adapter", adapter_name);
        if let Some(row) = of_adapter.clone().find(|row| row.peak_gflops.is_some()) {
            page = page.fact("peaks", peaks(row));
        }
        if let Some(clock) = of_adapter.find_map(|row| row.clock) {
            page = page.fact("times by", clock);
        }
    }
    if operations.len() > 1 {
        page = page.section(overview(rows, &adapters));
    }
    for (op, sizes, activation) in &operations {
        let of_op: Vec<&Row> = rows
            .iter()
            .filter(|row| row.op == *op && row.sizes == *sizes && row.activation == *activation)
            .collect();
        page = page.section(operation(&of_op, &adapters, operations.len() == 1));
    }
    page
}

/// Creates the page of a sweep over settings: a page as from [`measured`], and a heat map for each pair of constants.
pub fn swept(about: &About, rows: &[Row]) -> Page {
    let mut section = Section::new("Settings, two constants at a time").words(
        "Each cell is a setting; the other constants have the values of the fastest one, which each caption names. A setting that \
         cannot run here, or is wrong, has no number.",
    );
    for grid in grids(rows).iter().filter(|grid| grid.range().is_some()) {
        let fixed: Vec<_> = grid.fixed.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let fixed = if fixed.is_empty() { String::new() } else { format!(", {}", fixed.join(", ")) };
        let caption = format!("{}/{}{fixed} on {} ({})", grid.op, grid.variant, grid.adapter, grid.backend);
        section = section.chart(&caption, heat_map(&caption, grid).svg());
    }
    measured(about, rows).section(section)
}

fn heat_map(title: &str, grid: &Grid) -> HeatMap {
    let cell = |cell: &wgrad_lab::sweep::Cell| match (cell.status, cell.rate) {
        (Some(Status::Ok), Some(rate)) => chart::Cell::Value(rate),
        (Some(Status::Wrong), _) => chart::Cell::Wrong,
        _ => chart::Cell::Skipped,
    };
    HeatMap {
        title: title.to_string(),
        label: "rate".to_string(),
        unit: grid.unit.to_string(),
        column_label: grid.columns.name.clone(),
        columns: grid.columns.values.clone(),
        row_label: grid.rows.name.clone(),
        rows: grid.rows.values.clone(),
        cells: grid.cells.iter().map(|row| row.iter().map(cell).collect()).collect(),
        ..HeatMap::default()
    }
}

/// Creates the page that lists every variant and where it runs.
///
/// # Errors
/// The errors of [`Table::of`].
pub fn listed(about: &About, rows: &[Listing]) -> Result<Page> {
    let words =
        "Every operation and variant, what it needs, and whether it runs on this adapter at a typical size.";
    let mut page = about.page("Lab: operations and variants");
    for adapter in unique(rows.iter().map(|row| row.adapter.clone())) {
        let of_adapter: Vec<&Listing> = rows.iter().filter(|row| row.adapter == adapter).collect();
        let table = Table::of("Operations and variants", &of_adapter)?;
        page = page.fact("adapter", &adapter).section(Section::new(&adapter).words(words).table(table));
    }
    Ok(page)
}

/// Creates the page of the translations of every variant.
pub fn translated(about: &About, rows: &[Translated]) -> Page {
    let names: Vec<String> = Language::ALL.iter().map(|language| format!("{language}, bytes")).collect();
    let mut columns = vec![("variant", false)];
    columns.extend(names.iter().map(|name| (name.as_str(), true)));
    let mut table = Table::new("Translations", &columns);
    let mut section = Section::new("Translations by naga")
        .words("Bytes of each variant in the language of each back end. No adapter was needed; the code that a driver makes of them is not shown.");
    for of_variant in rows.chunk_by(|a, b| (a.op, &a.variant) == (b.op, &b.variant)) {
        let Some(first) = of_variant.first() else { continue };
        let name = format!("{}/{}", first.op, first.variant);
        let mut cells = vec![Cell::text(&name)];
        for row in of_variant {
            cells.push(match (row.status, row.bytes) {
                (Status::Ok, Some(bytes)) => Cell::number(Some(bytes as f64), |bytes| bytes.to_string()),
                (Status::Wrong, _) => Cell::text("ERROR"),
                _ => Cell::text(row.reason.as_deref().unwrap_or("–")),
            });
            if row.status == Status::Wrong {
                section = section.alarm(Alarm {
                    what: format!("{name} in {}", row.language),
                    reason: row.reason.clone().unwrap_or_default(),
                    facts: Vec::new(),
                });
            }
        }
        table.row(cells, of_variant.iter().any(|row| row.status == Status::Wrong));
    }
    about.page("Lab: translations").section(section.table(table))
}

/// What drivers made of variants: a section an operation, with the difference of two variants' machine code where there
/// are two.
pub fn compiled(about: &About, rows: &[Statistics]) -> Page {
    let name = |row: &Statistics| format!("{} ({}), driver {}", row.adapter, row.backend, row.driver);
    let adapters = unique(rows.iter().map(name));
    let mut page = about.page("Lab: what the driver makes of variants");
    for adapter in &adapters {
        page = page.fact("adapter", adapter);
    }
    page = page.fact(
        "note",
        "pipelines were made and the driver was asked; nothing ran, so nothing was proven or timed",
    );
    let operations = unique(rows.iter().map(|row| (row.op, row.sizes.clone(), row.activation)));
    for (op, sizes, activation) in operations {
        let of_op: Vec<&Statistics> = rows
            .iter()
            .filter(|row| row.op == op && row.sizes == sizes && row.activation == activation)
            .collect();
        let activation = if activation == "linear" { String::new() } else { format!(", {activation}") };
        let mut section = Section::new(op).words(&format!("At {sizes}{activation}."));
        for row in of_op.iter().filter(|row| row.status == Status::Wrong) {
            let reason = row.reason.clone().unwrap_or_default();
            section =
                section.alarm(Alarm { what: format!("FAILED: {}", row.variant), reason, facts: Vec::new() });
        }
        section = section.table(made(&format!("What the driver makes of {op}"), &of_op, adapters.len() > 1));
        for adapter in &adapters {
            let coded: Vec<_> = of_op
                .iter()
                .filter(|row| name(row) == *adapter)
                .filter_map(|row| Some((row.variant.as_str(), row.code.as_deref()?)))
                .collect();
            section = match coded[..] {
                [(a, before), (b, after)] => {
                    let caption = format!("Machine code of {a} (−) and {b} (+), {adapter}");
                    section.code(Code::difference(&caption, &isa::plain(before), &isa::plain(after)))
                }
                [_, _, ..] => section.words("Choose two variants to see how their machine code differs."),
                _ => section,
            };
        }
        page = page.section(section);
    }
    page
}

fn made(caption: &str, rows: &[&Statistics], several: bool) -> Table {
    let mut columns = vec![
        ("variant", false),
        ("status", false),
        ("registers", true),
        ("spills", true),
        ("workgroup memory, B", true),
        ("occupancy", true),
        ("lanes", true),
        ("instructions", true),
        ("code, B", true),
        ("instructions per FMA", true),
        ("of FMA peak", true),
        ("note", false),
    ];
    if several {
        columns.insert(1, ("adapter", false));
    }
    let mut table = Table::new(caption, &columns);
    for row in rows {
        let count =
            |value: Option<u64>| Cell::number(value.map(|value| value as f64), |value| value.to_string());
        let unit = row.occupancy_unit.unwrap_or_default();
        let mut cells = vec![
            Cell::text(&row.variant),
            Cell::text(match row.status {
                Status::Ok => "made",
                Status::Wrong => "FAILED",
                Status::Skipped => "skipped",
            }),
            count(row.registers),
            count(row.spills),
            count(row.workgroup_bytes),
            Cell::number(row.occupancy.map(|count| count as f64), |count| format!("{count} {unit}")),
            count(row.subgroup.map(u64::from)),
            count(row.instructions),
            count(row.code_bytes),
            Cell::number(row.per_fma, |per| format!("{per:.2}")),
            Cell::number(row.of_fma_peak.map(|share| 100.0 * share), |share| format!("{} %", figure(share))),
            Cell::text(match (&row.reason, row.default) {
                (Some(reason), _) => reason.as_str(),
                (None, true) => "default here",
                (None, false) => "",
            }),
        ];
        if several {
            cells.insert(1, Cell::text(&row.adapter));
        }
        table.row(cells, row.status == Status::Wrong);
    }
    table
}

/// Creates a page with the reason why there are no rows, for a page that is watched.
pub fn failed(about: &About, error: &str) -> Page {
    let alarm = Alarm { what: "Nothing was measured".into(), reason: error.into(), facts: Vec::new() };
    about.page("Lab").section(Section::new("Error").alarm(alarm))
}

pub(crate) fn unique<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut unique = Vec::new();
    for item in items {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    unique
}

fn adapter(row: &Row) -> String {
    let class = row.class;
    format!("{} ({}, {class}), driver {}", row.adapter, row.backend, row.driver)
}

fn peaks(row: &Row) -> String {
    let number = |value: Option<f64>| value.map_or("?".to_string(), figure);
    format!(
        "{} GFLOP/s of multiplications and additions, {} GB/s of copying, measured in the same run",
        number(row.peak_gflops),
        number(row.peak_gbps)
    )
}

/// Returns the roofline of rows of one adapter; `None` if no row has a point in it.
fn roofline(title: &str, rows: &[&Row], name: impl Fn(&Row) -> String) -> Option<Roofline> {
    let spot = |row: &&Row| {
        let (gflops, gbps) = (row.gflops?, row.gbps?);
        let allowed_gflops = row.of_fma_peak.zip(row.peak_gflops).map(|(share, peak)| share * peak);
        Some(Spot { name: name(row), flops_per_byte: gflops / gbps, gflops, allowed_gflops })
    };
    let spots: Vec<Spot> = rows.iter().filter_map(spot).collect();
    let peak = |of: fn(&Row) -> Option<f64>| rows.iter().find_map(|row| of(row));
    let title = title.to_string();
    let (peak_gflops, peak_gbps) = (peak(|row| row.peak_gflops), peak(|row| row.peak_gbps));
    (!spots.is_empty()).then_some(Roofline { title, peak_gflops, peak_gbps, spots })
}

/// Returns the caption of a roofline, which names the adapter if there are several.
fn roofline_caption(adapters: &[String], adapter: &str) -> String {
    if adapters.len() > 1 { format!("Roofline of {adapter}") } else { "Roofline".to_string() }
}

/// Creates the overview: the fastest variant of each operation, with one roofline per adapter.
fn overview(rows: &[Row], adapters: &[String]) -> Section {
    let wrong = rows.iter().filter(|row| row.status == Status::Wrong).count();
    let skipped = rows.iter().filter(|row| row.status == Status::Skipped).count();
    let mut section = Section::new("Overview").words(&format!(
        "{} variants: {} right, {wrong} wrong, {skipped} skipped. The rooflines hold the fastest variant of each operation that counts \
         operations. A point above the memory's roof found its data in a cache.",
        rows.len(),
        rows.len() - wrong - skipped
    ));
    for name in adapters {
        let first: Vec<&Row> =
            rows.iter().filter(|row| adapter(row) == *name && row.rank == Some(1)).collect();
        let of_op = unique(first.iter().map(|row| row.op));
        let fastest = of_op.iter().filter_map(|op| {
            let seconds = |row: &&Row| row.seconds.unwrap_or(f64::INFINITY);
            first.iter().copied().filter(|row| row.op == *op).min_by(|a, b| seconds(a).total_cmp(&seconds(b)))
        });
        let fastest: Vec<&Row> = fastest.collect();
        let caption = roofline_caption(adapters, name);
        let label = |row: &Row| format!("{}/{}", row.op, row.variant);
        if let Some(chart) = roofline(&caption, &fastest, label) {
            section = section.chart(&caption, chart.svg());
        }
    }
    section
}

/// Creates the section of one operation.
fn operation(rows: &[&Row], adapters: &[String], alone: bool) -> Section {
    let Some(first) = rows.first() else { return Section::default() };
    let activation =
        if first.activation == "linear" { String::new() } else { format!(", {}", first.activation) };
    let mut section = Section::new(first.op).words(&format!("At {}{activation}.", first.sizes));
    for row in rows.iter().filter(|row| row.status == Status::Wrong) {
        section = section.alarm(alarm(row));
    }
    for (row, limit) in rows.iter().filter_map(|row| Some((row, row.limit.as_ref()?))) {
        section = section.words(&format!("{} is {limit}.", row.variant));
    }
    for reference in unique(rows.iter().filter_map(|row| row.reference.clone())) {
        section = section.words(&format!("Reference: {reference}."));
    }
    let caption = format!("Time of a dispatch of {}", first.op);
    section = section.chart(&caption, bars(&caption, rows, adapters).svg());
    for name in adapters.iter().filter(|_| alone) {
        let of_adapter: Vec<&Row> = rows.iter().copied().filter(|row| adapter(row) == *name).collect();
        let caption = roofline_caption(adapters, name);
        if let Some(chart) = roofline(&caption, &of_adapter, |row| row.variant.to_string()) {
            section = section.chart(&caption, chart.svg());
        }
    }
    section.table(table(&format!("Variants of {}", first.op), rows, adapters.len() > 1))
}

fn alarm(row: &Row) -> Alarm {
    let mut facts = Vec::new();
    if let Some(worst) = &row.worst {
        let number = |value: f64| if value.is_finite() { format!("{value:e}") } else { figure(value) };
        facts = vec![
            ("worst element".to_string(), worst.element()),
            ("got".to_string(), number(worst.got)),
            ("expected".to_string(), number(worst.expected)),
            ("allowed difference".to_string(), number(worst.allowed)),
            ("elements that differ".to_string(), format!("{} of {}", worst.count, worst.of)),
        ];
    }
    let reason = row.reason.clone().unwrap_or_default();
    Alarm { what: format!("WRONG: {}", row.variant), reason, facts }
}

/// Column before which speeds relative to others stand.
const SPEEDS: usize = 4;

/// Returns a unit that suits the longest of the times, and how many of it make a second.
fn time_unit(rows: &[&Row]) -> (&'static str, f64) {
    match rows.iter().filter_map(|row| row.seconds).fold(0.0, f64::max) {
        s if s >= 1.0 => ("s", 1.0),
        s if s >= 1e-3 => ("ms", 1e3),
        _ => ("µs", 1e6),
    }
}

fn bars(title: &str, rows: &[&Row], adapters: &[String]) -> Bars {
    let (unit, times) = time_unit(rows);
    let mut sorted = rows.to_vec();
    // The fastest first, then rows without a time, skipped ones last.
    sorted.sort_by(|a, b| {
        let key = |row: &Row| row.seconds.unwrap_or(f64::INFINITY);
        (a.status == Status::Skipped).cmp(&(b.status == Status::Skipped)).then(key(a).total_cmp(&key(b)))
    });
    let bar = |row: &&Row| {
        let reason = || row.reason.clone().unwrap_or_default();
        let time = |value: Option<f64>| value.map_or(f64::NAN, |seconds| seconds * times);
        let outcome = match (row.status, row.seconds) {
            (Status::Wrong, _) => Outcome::Wrong(reason()),
            (Status::Skipped, _) => Outcome::Skipped(reason()),
            (Status::Ok, None) => Outcome::Skipped("proven, not timed".to_string()),
            (Status::Ok, Some(_)) => Outcome::Measured {
                median: time(row.seconds),
                quartiles: (time(row.seconds_q1), time(row.seconds_q3)),
                range: (time(row.seconds_min), time(row.seconds_max)),
                rank: row.rank,
                tied: row.tied,
            },
        };
        let default = if row.default { " (default)" } else { "" };
        Bar {
            name: format!("{}{default}", row.variant),
            group: adapters.iter().position(|name| *name == adapter(row)).unwrap_or(0),
            outcome,
        }
    };
    Bars {
        title: title.to_string(),
        label: "time of a dispatch: median, half of the samples (thick), all (thin)".to_string(),
        unit: unit.to_string(),
        groups: adapters.to_vec(),
        rows: sorted.iter().map(bar).collect(),
    }
}

/// Column before which the share of the arithmetic peak stands that a kernel's instructions allow: after the measured one.
const ALLOWED: usize = 11;

fn table(caption: &str, rows: &[&Row], several: bool) -> Table {
    let (unit, times) = time_unit(rows);
    let time = |what: &str| format!("{what}, {unit}");
    let [median, min, q1, q3, max] = ["median", "min", "quartile 1", "quartile 3", "max"].map(time);
    let mut columns = vec![
        ("variant", false),
        ("status", false),
        ("rank", true),
        (&median, true),
        (&min, true),
        (&q1, true),
        (&q3, true),
        (&max, true),
        ("GFLOP/s", true),
        ("GB/s", true),
        ("of fma", true),
        ("of mem", true),
        ("compile, s", true),
        ("error of allowed", true),
        ("note", false),
    ];
    let counted = rows.iter().any(|row| row.per_fma.is_some());
    if counted {
        columns.splice(ALLOWED..ALLOWED, [("allowed", true), ("instructions per FMA", true)]);
    }
    let speeds: Vec<_> =
        Relative::ALL.into_iter().filter(|speed| rows.iter().any(|row| speed.tells(row))).collect();
    for speed in speeds.iter().rev() {
        columns.insert(SPEEDS, (speed.name(), true));
    }
    if several {
        columns.insert(1, ("adapter", false));
    }
    let mut table = Table::new(caption, &columns);
    for row in rows {
        let seconds = |value: Option<f64>| Cell::number(value.map(|seconds| seconds * times), figure);
        let share = |value: Option<f64>| {
            Cell::number(value.map(|share| 100.0 * share), |share| format!("{} %", figure(share)))
        };
        let rank =
            row.rank.map_or("–".to_string(), |rank| format!("{rank}{}", if row.tied { "=" } else { "" }));
        let status = match row.status {
            Status::Ok => "right",
            Status::Wrong => "WRONG",
            Status::Skipped => "skipped",
        };
        let note = match &row.reason {
            Some(words) => words.clone(),
            None if row.limit.is_some() => "correct up to a size, see above".to_string(),
            None if row.default => "default here".to_string(),
            None => String::new(),
        };
        let mut cells = vec![
            Cell::text(&row.variant),
            Cell::text(status),
            Cell { text: rank, value: row.rank.map(|rank| rank as f64) },
            seconds(row.seconds),
            seconds(row.seconds_min),
            seconds(row.seconds_q1),
            seconds(row.seconds_q3),
            seconds(row.seconds_max),
            Cell::number(row.gflops, figure),
            Cell::number(row.gbps, figure),
            share(row.share_of_fma),
            share(row.share_of_copy),
            Cell::number(row.compile_seconds, figure),
            share(row.error_share),
            Cell::text(note),
        ];
        if counted {
            let per_fma = Cell::number(row.per_fma, |per| format!("{per:.2}"));
            cells.splice(ALLOWED..ALLOWED, [share(row.of_fma_peak), per_fma]);
        }
        for speed in speeds.iter().rev() {
            let speed = speed.of(row);
            let text = speed.map_or("–".to_string(), |speed| speed.to_string());
            cells.insert(SPEEDS, Cell { text, value: speed.map(|speed| speed.times) });
        }
        if several {
            cells.insert(1, Cell::text(format!("{} ({})", row.adapter, row.backend)));
        }
        table.row(cells, row.status == Status::Wrong);
    }
    table
}
