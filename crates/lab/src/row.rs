//! A row of the lab's report: one variant at one size on one adapter. The lab's JSON and CSV hold these rows.

use crate::{
    measurement::{Spread, peaks::Peaks},
    ratio::Speed,
};
use serde::Serialize;
use std::path::Path;
use wgrad::{
    compare::Mismatch,
    gpu::{AdapterRecord, Clock, Context},
    op::{
        AdapterClass, Call, Op, Shader, Variant,
        setting::{self, Setting},
        sizes::{self, bytes},
        user_file::{self, digest},
    },
};
use wgrad_files::calendar;

/// Status of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Proven correct, and timed if time was requested.
    Ok,
    /// It differs from its twin, does not end, or breaks the device.
    Wrong,
    /// It cannot run at these sizes or on this adapter.
    Skipped,
}

/// One variant at one size on one adapter. Values that were not measured are null.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The operation.
    pub op: &'static str,
    /// The variant, or the path of the user's file.
    pub variant: String,
    /// Its status.
    pub status: Status,
    /// Reason why it is not `ok`.
    pub reason: Option<String>,
    /// Limit beyond which an `ok` variant is wrong; these sizes do not reach it.
    pub limit: Option<String>,
    /// Where its expected outputs come from, if a reference kernel defines them.
    pub reference: Option<String>,
    /// The file of its text, if it is none of wgrad's.
    pub file: Option<String>,
    /// Worst element of a wrong variant.
    pub worst: Option<Mismatch>,
    /// The constants that the variant offers, at the values of this row.
    pub constants: Setting,
    /// Sizes, as [`wgrad::op::sizes::given`] reads them.
    pub sizes: String,
    /// The activation composed in; `linear` if there is none.
    pub activation: &'static str,
    /// Rank by median time, from 1; equal if the difference is within the spread.
    pub rank: Option<usize>,
    /// True if another variant has the same rank.
    pub tied: bool,
    /// Median rate, 10⁹ floating point operations per second.
    pub gflops: Option<f64>,
    /// Median rate, 10⁹ bytes per second; each buffer counts once (twice if it is updated).
    pub gbps: Option<f64>,
    /// Median seconds of a dispatch.
    pub seconds: Option<f64>,
    /// The fastest sample.
    pub seconds_min: Option<f64>,
    /// The slowest sample.
    pub seconds_max: Option<f64>,
    /// First quartile: a quarter of the samples are faster.
    pub seconds_q1: Option<f64>,
    /// Third quartile: a quarter of the samples are slower.
    pub seconds_q3: Option<f64>,
    /// Number of samples.
    pub samples: usize,
    /// Seconds of a dispatch, round by round: in each round every variant takes a turn.
    pub rounds: Vec<f64>,
    /// Speed relative to the default variant, from rounds in which both took a turn.
    pub of_default: Option<Speed>,
    /// Speed relative to an earlier run, which was given as a baseline.
    pub of_last: Option<Speed>,
    /// True if the earlier run measured the same text.
    pub same_text: Option<bool>,
    /// SHA-256 of the composed text.
    pub digest: Option<String>,
    /// Day of the measurement, year, month and day.
    pub date: String,
    /// Dispatches per sample.
    pub dispatches_per_sample: usize,
    /// Clock of the samples.
    pub clock: Option<Clock>,
    /// Seconds that the driver takes to make the pipeline and to compile it, which some do only at the first dispatch.
    pub compile_seconds: Option<f64>,
    /// Largest error of all proofs, as a share of the tolerance.
    pub error_share: Option<f64>,
    /// Number of sizes at which it was proven.
    pub proofs: usize,
    /// Number of kinds of inputs in its proof: [`wgrad::prove::Regime`].
    pub regimes: usize,
    /// Share of the adapter's arithmetic peak.
    pub share_of_fma: Option<f64>,
    /// Share of the adapter's memory peak; above 1 if caches hold the buffers.
    pub share_of_copy: Option<f64>,
    /// Instructions per multiplication and addition in the hottest loop of its machine code ([`crate::stats`]).
    pub per_fma: Option<f64>,
    /// The largest share of the arithmetic peak that this loop allows.
    pub of_fma_peak: Option<f64>,
    /// Arithmetic peak measured in the same run, 10⁹ operations per second.
    pub peak_gflops: Option<f64>,
    /// Memory peak measured in the same run, 10⁹ bytes per second.
    pub peak_gbps: Option<f64>,
    /// True if it is the default at these sizes on this adapter.
    pub default: bool,
    /// True if it has wgpu's checks; always true for a user's file.
    pub checked: bool,
    /// The adapter.
    pub adapter: String,
    /// Vulkan, Metal, ...
    pub backend: String,
    /// The driver, with its version.
    pub driver: String,
    /// Software or hardware.
    pub class: AdapterClass,
    /// wgrad's version.
    pub version: &'static str,
}

/// The file of the variant `name`, without its setting; `None` for one of wgrad's.
fn file_of(op: &Op, name: &str) -> Option<String> {
    let (base, _) = setting::split(name);
    match (user_file::is_file(base), op.folder()) {
        (true, _) => Some(base.to_string()),
        (false, Some(folder)) => Some(Path::new(folder).join(format!("{base}.wgsl")).display().to_string()),
        _ => None,
    }
}

impl Row {
    /// Creates a row without results.
    pub(crate) fn new(context: &Context, call: &Call, variant: &Variant) -> Self {
        let AdapterRecord { name, backend, driver, class } = AdapterRecord::of(context);
        Self {
            op: call.op.name,
            variant: variant.name().to_string(),
            status: Status::Skipped,
            reason: None,
            limit: None,
            reference: None,
            file: file_of(call.op, variant.name()),
            worst: None,
            constants: Setting::of(variant),
            sizes: sizes::words(call),
            activation: call.activation.name,
            rank: None,
            tied: false,
            gflops: None,
            gbps: None,
            seconds: None,
            seconds_min: None,
            seconds_max: None,
            seconds_q1: None,
            seconds_q3: None,
            samples: 0,
            rounds: Vec::new(),
            of_default: None,
            of_last: None,
            same_text: None,
            digest: None,
            date: calendar::today(),
            dispatches_per_sample: 0,
            clock: None,
            compile_seconds: None,
            error_share: None,
            proofs: 0,
            regimes: 0,
            share_of_fma: None,
            share_of_copy: None,
            per_fma: None,
            of_fma_peak: None,
            peak_gflops: None,
            peak_gbps: None,
            default: false,
            checked: context.checked || !call.trusts(variant, context.features),
            adapter: name,
            backend,
            driver,
            class,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// Operation, sizes, activation, adapter and backend: rows that agree in these are compared with each other.
    pub fn place(&self) -> [&str; 5] {
        [self.op, &self.sizes, self.activation, &self.adapter, &self.backend]
    }

    /// Fills in the samples: seconds per dispatch, in any order.
    pub(crate) fn timed(&mut self, samples: Vec<f64>, call: &Call, shader: &Shader, peaks: Option<&Peaks>) {
        if samples.is_empty() {
            return;
        }
        self.samples = samples.len();
        self.rounds.clone_from(&samples);
        self.digest = Some(digest(&shader.text));
        let Spread { median, min, q1, q3, max } = Spread::of(samples);
        (self.seconds, self.seconds_min, self.seconds_max) = (Some(median), Some(min), Some(max));
        (self.seconds_q1, self.seconds_q3) = (Some(q1), Some(q3));
        let flops = call.flops();
        self.gflops = (flops > 0.0).then_some(flops / median / 1e9);
        self.gbps = Some(bytes(call, shader) / median / 1e9);
        if let Some(peaks) = peaks {
            (self.peak_gflops, self.peak_gbps) = (Some(peaks.gflops), Some(peaks.gbps));
            self.share_of_fma = self.gflops.map(|rate| rate / peaks.gflops);
            self.share_of_copy = self.gbps.map(|rate| rate / peaks.gbps);
        }
    }
}

/// What a speed is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relative {
    /// The default variant, in the same rounds.
    Default,
    /// The same variant in an earlier run.
    Last,
}

impl Relative {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Default, Self::Last];

    /// Heading of a column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "× default",
            Self::Last => "× last",
        }
    }

    /// The speed of `row`.
    pub fn of(self, row: &Row) -> Option<Speed> {
        match self {
            Self::Default => row.of_default,
            Self::Last => row.of_last,
        }
    }

    /// True if it says anything about `row`: the default beside itself says nothing.
    pub fn tells(self, row: &Row) -> bool {
        self.of(row).is_some() && !(self == Self::Default && row.default)
    }
}

/// Ranks the rows of one operation, size and adapter by median time, and puts in how fast each is beside the default. A
/// row shares the rank of the one before it unless it is slower than the first of that rank, by the rounds in which
/// both took a turn: a difference that chance explains is no difference.
pub fn rank(rows: &mut [Row]) {
    let mut order: Vec<usize> = (0..rows.len()).filter(|n| rows[*n].seconds.is_some()).collect();
    let key = |row: &Row| row.seconds.unwrap_or(f64::INFINITY);
    order.sort_by(|a, b| key(&rows[*a]).total_cmp(&key(&rows[*b])));
    let mut leader: Option<(usize, usize)> = None;
    for (place, &index) in order.iter().enumerate() {
        let rank = match leader {
            Some((rank, first)) if !is_slower(&rows[index], &rows[first]) => rank,
            _ => {
                leader = Some((place + 1, index));
                place + 1
            }
        };
        rows[index].rank = Some(rank);
    }
    for index in &order {
        let rank = rows[*index].rank;
        let tied = order.iter().filter(|other| rows[**other].rank == rank).count() > 1;
        rows[*index].tied = tied;
    }
    if let Some(default) = rows.iter().find(|row| row.default).map(|row| row.rounds.clone()) {
        for row in rows {
            row.of_default = Speed::paired(&row.rounds, &default);
        }
    }
}

/// Sorts rows by median time; those without one follow in their order.
pub fn sort(rows: &mut [Row]) {
    let seconds = |row: &Row| row.seconds.unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
}

/// True if `row` is slower than the faster `first` beyond chance; by the quarters where they have too few rounds in common.
fn is_slower(row: &Row, first: &Row) -> bool {
    match Speed::paired(&row.rounds, &first.rounds) {
        Some(speed) => speed.high < 1.0,
        None => row.seconds_q1.is_some_and(|q1| q1 > first.seconds_q3.unwrap_or(f64::INFINITY)),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Row, Setting, Status, rank};
    use wgrad::op::AdapterClass;

    /// Creates an `ok` row with this first quartile, median and third quartile, seconds.
    pub(crate) fn row(times: Option<[f64; 3]>) -> Row {
        let [q1, median, q3] = times.map_or([None; 3], |times| times.map(Some));
        Row {
            op: "",
            variant: String::new(),
            status: Status::Ok,
            reason: None,
            limit: None,
            reference: None,
            file: None,
            worst: None,
            constants: Setting::default(),
            sizes: String::new(),
            activation: "",
            rank: None,
            tied: false,
            gflops: None,
            gbps: None,
            seconds: median,
            seconds_min: q1,
            seconds_max: q3,
            seconds_q1: q1,
            seconds_q3: q3,
            samples: 0,
            rounds: Vec::new(),
            of_default: None,
            of_last: None,
            same_text: None,
            digest: None,
            date: String::new(),
            dispatches_per_sample: 0,
            clock: None,
            compile_seconds: None,
            error_share: None,
            proofs: 0,
            regimes: 0,
            share_of_fma: None,
            share_of_copy: None,
            per_fma: None,
            of_fma_peak: None,
            peak_gflops: None,
            peak_gbps: None,
            default: false,
            checked: false,
            adapter: String::new(),
            backend: String::new(),
            driver: String::new(),
            class: AdapterClass::Cpu,
            version: "",
        }
    }

    #[test]
    fn differences_inside_the_spread_are_not_ranked() {
        let times = [
            Some([5.0, 5.1, 5.2]),
            None,
            Some([0.9, 1.0, 1.1]),
            Some([1.05, 1.2, 1.3]),
            Some([2.0, 2.1, 2.2]),
        ];
        let mut rows: Vec<Row> = times.into_iter().map(row).collect();
        rank(&mut rows);
        let ranks: Vec<_> = rows.iter().map(|row| (row.rank, row.tied)).collect();
        let expected = [(Some(4), false), (None, false), (Some(1), true), (Some(1), true), (Some(3), false)];
        assert_eq!(ranks, expected);
    }

    #[test]
    fn rounds_tell_what_the_spread_hides() {
        // Each round is three times as slow as the one before, for both alike.
        let pace = [1.0, 3.0, 1.0, 3.1, 1.1, 2.9, 1.0, 3.0];
        let of = |times: f64| Row {
            rounds: pace.map(|pace| times * pace).to_vec(),
            ..row(Some([times, 2.0 * times, 3.0 * times]))
        };
        let mut rows = [of(1.1), Row { default: true, ..of(1.0) }, of(1.0)];
        rank(&mut rows);
        let ranks: Vec<_> = rows.iter().map(|row| (row.rank, row.tied)).collect();
        assert_eq!(ranks, [(Some(3), false), (Some(1), true), (Some(1), true)]);
        let speeds = rows.each_ref().map(|row| row.of_default.expect("eight rounds").times);
        assert!((speeds[0] - 1.0 / 1.1).abs() < 1e-9 && speeds[1] == 1.0 && speeds[2] == 1.0, "{speeds:?}");
    }
}
