//! Time of each dispatch of a training step, measured over many real training steps. Every other step runs as usual, in
//! one compute pass, so that the overhead of the instrument is measured in the same run.

use crate::measurement::{Spread, peaks::Peaks};
use wgrad::{
    Result, clock,
    compiled::CompiledModel,
    gpu::{Clock, Context, Stamps, Timer},
    op::{
        Access,
        sizes::{bytes, words},
    },
    plan::Plan,
    program::trained_len,
    train::{Trainer, Walk},
};

mod rows;
pub use rows::{Bound, DispatchRow, LayerRow, StepReport, TracedStep};

/// Uncounted steps of each kind: drivers compile when a kernel first runs.
const WARM_UP: usize = 2;
/// Minimum number of counted steps of each kind, regardless of their time.
const FEWEST: usize = 3;
/// Maximum number of counted steps: more would add no information.
const MOST: usize = 2000;
/// Number of steps that a trace keeps.
const TRACED: usize = 32;

/// Result of [`measure`].
pub struct Found {
    /// The dispatches, in order.
    pub rows: Vec<DispatchRow>,
    /// The step.
    pub step: StepReport,
    /// Some of the steps.
    pub traced: Vec<TracedStep>,
}

/// Samples so far.
#[derive(Default)]
struct Samples {
    apart: Vec<TracedStep>,
    normal: Vec<f64>,
}

/// Times the dispatches of `trainer`'s step for about `seconds`; only by the host's clock if `wall`.
///
/// # Errors
/// The errors of [`super::measure`].
pub async fn measure(
    context: &Context,
    trainer: &mut Trainer,
    seconds: f64,
    wall: bool,
    peaks: &Peaks,
) -> Result<Found> {
    let mut instrument = Instrument::new(context, trainer, wall).await?;
    let mut samples = Samples::default();
    let (mut n, mut begun) = (0, clock::seconds());
    let each = async |walk: Walk<'_>| {
        let counted = samples.apart.len();
        let over = clock::seconds() - begun > seconds && counted >= FEWEST;
        if n % 2 == 0 && (over || counted >= MOST) {
            return Ok(None);
        }
        let before = instrument.clock;
        let result = if n % 2 == 0 {
            let (result, step) = instrument.apart(context, &walk).await?;
            samples.apart.extend(step.filter(|_| n >= 2 * WARM_UP));
            result
        } else {
            let (result, took) = instrument.normal(context, &walk).await?;
            samples.normal.extend(took.filter(|_| n >= 2 * WARM_UP));
            result
        };
        n += 1;
        if n == 2 * WARM_UP {
            begun = clock::seconds();
        }
        if instrument.clock != before {
            // Times of two clocks must not be mixed.
            samples = Samples::default();
            (n, begun) = (n % 2, clock::seconds());
        }
        Ok(Some(result))
    };
    trainer.walk(each).await?;
    context.check()?;
    Ok(found(trainer.train_plan(), samples, &instrument, peaks))
}

/// Clock and timestamp queries that time a step.
struct Instrument {
    clock: Clock,
    doubt: Option<String>,
    each: Option<Stamps>,
    whole: Option<Stamps>,
}

impl Instrument {
    /// Creates an instrument and tests the timestamps with the most expensive dispatch that may be repeated.
    async fn new(context: &Context, trainer: &Trainer, wall: bool) -> Result<Self> {
        if wall {
            let doubt = Some("the wall clock was requested".to_string());
            return Ok(Self { clock: Clock::Wall, doubt, each: None, whole: None });
        }
        let plan = trainer.train_plan();
        let (each, whole) = (Stamps::new(context, plan.steps.len()), Stamps::new(context, 1));
        let mut timer = Timer::new(context);
        let updates = |n: &usize| {
            plan.steps[*n].launch.kernel().shader.bindings.iter().any(|b| b.access == Access::Update)
        };
        let most = |a: &usize, b: &usize| {
            plan.program.nodes[*a].call.flops().total_cmp(&plan.program.nodes[*b].call.flops())
        };
        if let Some(n) = (0..plan.steps.len()).filter(|n| !updates(n)).max_by(most) {
            timer.validate(context, trainer.feed(), &plan.steps[n].launch).await?;
        }
        let Timer { mut clock, mut doubt, .. } = timer;
        if clock == Clock::Gpu && each.is_none() {
            doubt = Some(format!("{} dispatches have no room for timestamps", plan.steps.len()));
            clock = Clock::Wall;
        }
        Ok(Self { clock, doubt, each, whole })
    }

    fn distrust(&mut self) {
        self.clock = Clock::Wall;
        self.doubt = Some("a timestamp of a step was zero or out of order".to_string());
    }

    /// Runs a step with a compute pass (or a submission) for each dispatch.
    async fn apart(&mut self, context: &Context, walk: &Walk<'_>) -> Result<([f32; 2], Option<TracedStep>)> {
        let Walk { model: CompiledModel { plan, feed, arenas, .. }, index } = *walk;
        let (Clock::Gpu, Some(stamps)) = (self.clock, &self.each) else {
            return self.by_wall(context, walk).await;
        };
        let submitted = plan.encode_apart(context, feed, arenas, index, stamps).submit(context);
        let at = submitted.at;
        let finished = submitted.finish(context, Some(stamps)).await?;
        let host = [at, clock::seconds()];
        let result = finished.results.first().copied().unwrap_or([f32::NAN; 2]);
        let dispatches: Option<Vec<_>> = finished.device.into_iter().collect();
        let longest = 1.05 * (host[1] - host[0]);
        let dispatches = dispatches.filter(|d| d.iter().all(|[begin, end]| end - begin <= longest));
        let Some(dispatches) = dispatches else {
            self.distrust();
            return Ok((result, None));
        };
        Ok((result, Some(TracedStep { host, dispatches, clock: Clock::Gpu })))
    }

    /// Submits each dispatch by itself and waits for it.
    async fn by_wall(&self, context: &Context, walk: &Walk<'_>) -> Result<([f32; 2], Option<TracedStep>)> {
        let Walk { model: CompiledModel { plan, feed, arenas, .. }, index } = *walk;
        let mut dispatches = Vec::with_capacity(plan.steps.len());
        let first = clock::seconds();
        for step in &plan.steps {
            let begin = clock::seconds();
            let submission = context.submit_with(|pass| {
                feed.select(pass, index);
                step.launch.record(pass);
            });
            context.wait(submission).await?;
            dispatches.push([begin, clock::seconds()]);
        }
        let host = [first, clock::seconds()];
        // The results were computed above; this only fetches them.
        let fetched =
            plan.encode_results(context, arenas, index).submit(context).finish(context, None).await?;
        let result = fetched.results.first().copied().unwrap_or([f32::NAN; 2]);
        Ok((result, Some(TracedStep { host, dispatches, clock: Clock::Wall })))
    }

    /// Runs a step as training does, in a submission of its own.
    async fn normal(&mut self, context: &Context, walk: &Walk<'_>) -> Result<([f32; 2], Option<f64>)> {
        let Walk { model: CompiledModel { plan, feed, arenas, .. }, index } = *walk;
        let stamps = self.whole.as_ref().filter(|_| self.clock == Clock::Gpu);
        let submitted = plan.encode(context, feed, arenas, index..index + 1, stamps).submit(context);
        let at = submitted.at;
        let finished = submitted.finish(context, stamps).await?;
        let wall = clock::seconds() - at;
        let result = finished.results.first().copied().unwrap_or([f32::NAN; 2]);
        if stamps.is_none() {
            return Ok((result, Some(wall)));
        }
        let Some([begin, end]) = finished.device.first().copied().flatten() else {
            self.distrust();
            return Ok((result, None));
        };
        Ok((result, Some(end - begin)))
    }
}

/// Computes the results from the samples.
fn found(plan: &Plan, samples: Samples, instrument: &Instrument, peaks: &Peaks) -> Found {
    let Samples { apart, normal } = samples;
    let of = |n: usize| {
        let times = apart.iter().filter_map(|step| step.dispatches.get(n));
        Spread::of(times.map(|[begin, end]| end - begin).collect())
    };
    let times: Vec<Spread> = (0..plan.steps.len()).map(of).collect();
    let dispatch_seconds: f64 = times.iter().map(|t| t.median).sum();
    let gap = |n: usize| {
        let pairs = apart.iter().filter_map(|step| step.dispatches.get(n.checked_sub(1)?..=n));
        let gaps: Vec<f64> = pairs.map(|pair| pair[1][0] - pair[0][1]).collect();
        (instrument.clock == Clock::Gpu && !gaps.is_empty()).then(|| Spread::of(gaps).median)
    };
    let rows: Vec<DispatchRow> = (0..plan.steps.len())
        .map(|n| {
            let share = times[n].median / dispatch_seconds.max(f64::MIN_POSITIVE);
            row(plan, n, times[n], share, gap(n), instrument.clock, apart.len(), peaks)
        })
        .collect();
    let whole = |step: &TracedStep| {
        let (first, last) = (step.dispatches.first(), step.dispatches.last());
        first.zip(last).map_or(0.0, |(first, last)| last[1] - first[0])
    };
    let (apart_spread, normal) = (Spread::of(apart.iter().map(whole).collect()), Spread::of(normal));
    let step = StepReport {
        steps: apart.len(),
        gradient_bytes: size_of::<f32>() * trained_len(&plan.program.parameters),
        dispatch_seconds,
        gap_seconds: (instrument.clock == Clock::Gpu)
            .then(|| rows.iter().filter_map(|row| row.gap_seconds).sum()),
        apart: apart_spread,
        normal,
        instrument_seconds: apart_spread.median - normal.median,
        clock: instrument.clock,
        doubt: instrument.doubt.clone(),
    };
    let skipped = apart.len().saturating_sub(TRACED);
    Found { rows, step, traced: apart.into_iter().skip(skipped).collect() }
}

#[allow(clippy::too_many_arguments)]
fn row(
    plan: &Plan,
    n: usize,
    time: Spread,
    share: f64,
    gap_seconds: Option<f64>,
    clock: Clock,
    samples: usize,
    peaks: &Peaks,
) -> DispatchRow {
    let (planned, node) = (&plan.steps[n], &plan.program.nodes[n]);
    let call = &node.call;
    let kernel = planned.launch.kernel();
    let (flops, bytes) = (call.flops() / 1e9, bytes(call, &kernel.shader) / 1e9);
    let seconds = time.median.max(f64::MIN_POSITIVE);
    // Times at peak rates: the longer one is the roof (Williams, Waterman and Patterson 2009).
    let (arithmetic, memory) = (flops / peaks.gflops, bytes / peaks.gbps);
    DispatchRow {
        number: n + 1,
        label: planned.label.clone(),
        pass: node.pass,
        op: call.op.name,
        kernel: kernel.name.clone(),
        sizes: words(call),
        activation: call.activation.name,
        grid: kernel.groups,
        seconds: time.median,
        seconds_min: time.min,
        seconds_q1: time.q1,
        seconds_q3: time.q3,
        seconds_max: time.max,
        samples,
        share,
        gap_seconds,
        gflops: (flops > 0.0).then_some(flops / seconds),
        gbps: bytes / seconds,
        share_of_fma: (flops > 0.0).then_some(arithmetic / seconds),
        share_of_copy: memory / seconds,
        bound: if arithmetic > memory { Bound::Arithmetic } else { Bound::Memory },
        share_of_roof: arithmetic.max(memory) / seconds,
        clock,
    }
}
