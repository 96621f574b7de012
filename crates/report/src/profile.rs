//! A profile as a page: the time of each dispatch of a training step, its place under the roofline, and the activity of
//! the host.

use super::{
    chart::{Bar, Bars, Group, Grouped, Outcome, Roofline, Spot, figure},
    lab::About,
    page::{Cell, Page, Section, Table},
};
use wgrad::Result;
use wgrad_lab::{
    measurement::Conditions,
    profile::{
        Profile,
        dispatches::{Bound, DispatchRow, LayerRow},
        host::HostReport,
    },
};

/// Adds the conditions of a measurement as facts of a page.
pub(super) fn conditions(page: Page, conditions: &Conditions) -> Page {
    let Conditions { network, batch, data, adapter, backend, driver, class, .. } = conditions;
    page.fact("network", format!("{network}, batch {batch}, on {data}"))
        .fact("adapter", format!("{adapter} ({backend}, {class}), driver {driver}"))
}

/// Creates the page of a profile.
///
/// # Errors
/// The errors of [`Table::of`].
pub fn profiled(about: &About, profile: &Profile) -> Result<Page> {
    let page = about.page(&format!("Profile of a training step of {}", profile.conditions.network));
    let peaks = &profile.peaks;
    let page = conditions(page, &profile.conditions)
        .fact(
            "peaks",
            format!(
                "{} GFLOP/s of multiplications and additions, {} GB/s of copying",
                figure(peaks.gflops),
                figure(peaks.gbps)
            ),
        )
        .fact("times by", profile.step.clock);
    Ok(sections(profile)?.into_iter().fold(page, Page::section))
}

/// Returns the sections: dispatches, roofline, host and device.
pub(super) fn sections(profile: &Profile) -> Result<[Section; 3]> {
    Ok([dispatches(profile), roofs(profile), host(&profile.host)?])
}

/// Names a dispatch by its number, layer and kernel: unique, and sorted in the order of the step.
fn name(row: &DispatchRow) -> String {
    format!("{} {} {}", row.number, row.label, row.kernel)
}

fn dispatches(profile: &Profile) -> Section {
    let (step, milli) = (&profile.step, |seconds: f64| 1e3 * seconds);
    let words = format!(
        "{} steps were taken apart, a compute pass for each dispatch; the dispatches add up to {} ms. As many steps ran \
         normally, in one pass: {} ms ({} to {}).",
        step.steps,
        figure(milli(step.dispatch_seconds)),
        figure(milli(step.normal.median)),
        figure(milli(step.normal.min)),
        figure(milli(step.normal.max)),
    );
    let bar = |row: &DispatchRow| Bar {
        name: name(row),
        group: 0,
        outcome: Outcome::Measured {
            median: milli(row.seconds),
            quartiles: (milli(row.seconds_q1), milli(row.seconds_q3)),
            range: (milli(row.seconds_min), milli(row.seconds_max)),
            rank: None,
            tied: false,
        },
    };
    let title = "Time of each dispatch, in the order of the step";
    let bars = Bars {
        title: title.to_string(),
        label: "time: median, half of the samples (thick), all (thin)".to_string(),
        unit: "ms".to_string(),
        groups: Vec::new(),
        rows: profile.dispatches.iter().map(bar).collect(),
    };
    Section::new("Dispatches")
        .words(&words)
        .chart(title, bars.svg())
        .table(table(&profile.dispatches))
        .table(layers(&profile.dispatches))
}

fn layers(dispatches: &[DispatchRow]) -> Table {
    let columns =
        [("layer", false), ("forward, µs", true), ("backward, µs", true), ("backward / forward", true)];
    let mut table = Table::new("Layers: all dispatches of each", &columns);
    for row in LayerRow::of(dispatches) {
        let micro = |seconds: f64| Cell::number((seconds > 0.0).then_some(1e6 * seconds), figure);
        let cells = vec![
            Cell::text(&row.layer),
            micro(row.forward_seconds),
            micro(row.backward_seconds),
            Cell::number(row.ratio, figure),
        ];
        table.row(cells, false);
    }
    table
}

fn table(rows: &[DispatchRow]) -> Table {
    let columns = [
        ("dispatch", false),
        ("grid", true),
        ("median, µs", true),
        ("quartile 1", true),
        ("quartile 3", true),
        ("share, %", true),
        ("GFLOP/s", true),
        ("GB/s", true),
        ("of fma, %", true),
        ("of mem, %", true),
        ("bound by", false),
        ("sizes", false),
    ];
    let mut table = Table::new("Dispatches of a training step", &columns);
    for row in rows {
        let [x, y, z] = row.grid;
        let micro = |seconds: f64| Cell::number(Some(1e6 * seconds), figure);
        let percent = |share: Option<f64>| Cell::number(share.map(|share| 100.0 * share), figure);
        let bound = match row.bound {
            Bound::Arithmetic => "arithmetic",
            Bound::Memory => "memory",
        };
        let cells = vec![
            Cell::text(name(row)),
            Cell::text(format!("{x}×{y}×{z}")),
            micro(row.seconds),
            micro(row.seconds_q1),
            micro(row.seconds_q3),
            percent(Some(row.share)),
            Cell::number(row.gflops, figure),
            Cell::number(Some(row.gbps), figure),
            percent(row.share_of_fma),
            percent(Some(row.share_of_copy)),
            Cell::text(bound),
            Cell::text(&row.sizes),
        ];
        table.row(cells, false);
    }
    table
}

fn roofs(profile: &Profile) -> Section {
    let spot = |row: &DispatchRow| {
        let gflops = row.gflops.filter(|rate| *rate > 0.0)?;
        Some(Spot {
            name: format!("{} {}", row.number, row.label),
            flops_per_byte: gflops / row.gbps,
            gflops,
            allowed_gflops: None,
        })
    };
    let roofline = Roofline {
        title: "Dispatches that count operations, under the adapter's roofs".to_string(),
        peak_gflops: Some(profile.peaks.gflops),
        peak_gbps: Some(profile.peaks.gbps),
        spots: profile.dispatches.iter().filter_map(spot).collect(),
    };
    Section::new("Roofline")
        .words("A point above the memory's roof found its data in a cache. The numbers are those of the table above.")
        .chart(&roofline.title.clone(), roofline.svg())
}

fn host(host: &HostReport) -> Result<Section> {
    let words = format!(
        "Ordinary training for {} s: {} images/s; the device worked {} % of the time; {} steps per submission.",
        figure(host.seconds),
        figure(host.images_per_second),
        figure(100.0 * host.device_busy),
        figure(host.steps_per_submission)
    );
    let rows = host.costs.iter().map(|cost| Group {
        name: cost.activity.to_string(),
        values: vec![Some(1e6 * cost.seconds_per_step)],
    });
    let title = "What the host does for each step";
    let chart = Grouped {
        title: title.to_string(),
        label: "time a step".to_string(),
        unit: "µs".to_string(),
        series: vec!["host".to_string()],
        rows: rows.collect(),
    };
    Ok(Section::new("Host and device")
        .words(&words)
        .chart(title, chart.svg())
        .table(Table::of(title, &host.costs)?))
}
