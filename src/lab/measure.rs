//! Proof first, then time. Every eligible variant is proven at the cases of the page and at the size that is
//! asked for; those that are right are timed in turns, so that whatever else happens on the machine hits all
//! alike. One that hangs or breaks the device costs its own row: the device is opened anew.

use super::{
    peaks::Peaks,
    row::{Row, Status, rank},
    sizes,
};
use crate::{
    Error, Result, clock,
    compare::Mismatch,
    gpu::{Clock, Context, Options, Timer},
    op::{Call, Choices, Variant},
    prove::{Trial, Wrong, lengths},
};
use std::{collections::BTreeMap, time::Duration};

/// Samples of each variant.
const ROUNDS: usize = 15;
/// The fewest, where a single dispatch takes long.
const FEWEST: usize = 5;
/// No sample is meant to be longer, seconds: some drivers take more for a hang.
const LONGEST: f64 = 0.1;

/// A device that is opened anew when a kernel broke it.
pub struct Lab {
    /// The device.
    pub context: Context,
    options: Options,
}

impl Lab {
    /// Opens the adapter that `options` name.
    ///
    /// # Errors
    /// As [`Context::open`].
    pub async fn open(options: Options) -> Result<Self> {
        Ok(Self { context: Context::open(&options).await?, options })
    }

    /// Leaves the device as it is and opens another.
    async fn reopen(&mut self) -> Result<()> {
        self.context = Context::open(&self.options).await?;
        Ok(())
    }
}

/// What to measure.
#[derive(Clone, Debug)]
pub struct Request {
    /// Operation, sizes, activation.
    pub call: Call,
    /// Which variants.
    pub variants: Vec<Variant>,
    /// What is known of some of them already, by place: those are not run.
    pub refused: BTreeMap<usize, Refusal>,
    /// Seconds of timing for each; 0 proves only.
    pub seconds: f64,
    /// Seconds after which a submission counts as hung.
    pub timeout: f64,
    /// Decides the inputs.
    pub seed: u64,
    /// At how many cases of the page each is proven at most: the smallest and the largest that it takes. `None`:
    /// all.
    pub cases: Option<usize>,
}

/// What is wrong with a variant.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// In words.
    pub reason: String,
    /// The worst element, where it is a number that is wrong.
    pub worst: Option<Mismatch>,
}

/// Why a variant gets no time.
enum Failure {
    Wrong { at: String, wrong: Wrong },
    Error(Error),
}

/// What the proof of a right variant told.
struct Proof {
    compile_seconds: f64,
    error_share: f64,
    proofs: usize,
}

/// Proves, then times, the variants of `request`, in the order in which it names them; `progress` hears what is
/// going on.
///
/// # Errors
/// [`Error::Shader`] where a variant does not compose, [`Error::TooLarge`] for sizes beyond this adapter, and
/// [`Error::Device`] where the device cannot be opened anew. A wrong or hanging variant is a row, no error.
pub async fn measure(
    lab: &mut Lab,
    request: &Request,
    peaks: Option<&Peaks>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>> {
    let call = &request.call;
    let reference = call.op.shader(call.op.variant("naive")?, call.activation)?;
    let limit = lab.context.limits.max_storage_buffer_binding_size.min(lab.context.limits.max_buffer_size);
    for (binding, len) in reference.bindings.iter().zip(lengths(&reference, &call.sizes)) {
        let bytes = 4 * len as u64;
        if bytes > limit {
            let next = "choose smaller sizes".to_string();
            return Err(Error::TooLarge { what: format!("`{}`", binding.name), bytes, limit, next });
        }
    }
    progress(&format!("{}: the twin computes {}", call.op.name, sizes::words(call)));
    let mut trials = vec![Trial::new(call, &reference, request.seed)];
    for (n, case) in call.op.cases.iter().enumerate() {
        let case = sizes::case(call.op, case)?.activated(call.activation);
        trials.push(Trial::new(&case, &reference, request.seed + 1 + n as u64));
    }
    let default = call.variant(&lab.context, &Choices::default())?.0.name;
    let mut rows = Vec::new();
    for (n, variant) in request.variants.iter().enumerate() {
        lab.context.set_timeout(Duration::from_secs_f64(request.timeout));
        let mut row = Row::new(&lab.context, call, variant);
        row.default = variant.trusted && variant.name == default;
        match call.obstacle(&lab.context, variant) {
            Ok(None) => {}
            Ok(Some(reason)) => {
                row.reason = Some(reason);
                rows.push(row);
                continue;
            }
            // One setting of many may not compile.
            Err(Error::Shader { message, .. }) => {
                (row.status, row.reason) = (Status::Wrong, Some(message));
                rows.push(row);
                continue;
            }
            Err(error) => return Err(error),
        }
        if let Some(Refusal { reason, worst }) = request.refused.get(&n).cloned() {
            (row.status, row.reason, row.worst) = (Status::Wrong, Some(reason), worst);
            rows.push(row);
            continue;
        }
        let of = request.variants.len();
        let count = if of > 1 { format!(" ({} of {of})", n + 1) } else { String::new() };
        progress(&format!("{}: proving {}{count}", call.op.name, variant.name));
        match prove(&lab.context, variant, &trials, request.cases).await {
            Ok(proof) => {
                row.status = Status::Ok;
                row.compile_seconds = Some(proof.compile_seconds);
                row.error_share = Some(proof.error_share);
                row.proofs = proof.proofs;
            }
            Err(failure) => lab.fail(&mut row, failure).await?,
        }
        rows.push(row);
    }
    if request.seconds > 0.0 {
        time(lab, request, &trials[0], &mut rows, peaks, progress).await?;
    }
    rank(&mut rows);
    Ok(rows)
}

impl Lab {
    /// Notes what is wrong with a variant; opens the device anew where it broke.
    async fn fail(&mut self, row: &mut Row, failure: Failure) -> Result<()> {
        row.status = Status::Wrong;
        match failure {
            Failure::Wrong { at, wrong } => {
                row.reason = Some(format!("at {at}: {wrong}"));
                if let Wrong::Value(mismatch) = wrong {
                    row.worst = Some(*mismatch);
                }
            }
            Failure::Error(Error::Device { message, .. }) => {
                row.reason = Some(format!("it did not end well: {message}"));
            }
            Failure::Error(Error::Shader { message, .. }) => row.reason = Some(message),
            Failure::Error(error) => return Err(error),
        }
        match self.context.poll() {
            Ok(()) if row.reason.as_ref().is_none_or(|r| !r.starts_with("it did not end well")) => Ok(()),
            _ => self.reopen().await,
        }
    }
}

/// Which of `trials` the proof of `variant` runs: the first, which is the size that is asked for, then the others
/// that it takes; at most `most` of these: the smallest, then the largest ones.
fn chosen(context: &Context, variant: &Variant, trials: &[Trial], most: Option<usize>) -> Result<Vec<usize>> {
    let mut taken = Vec::new();
    for (n, trial) in trials.iter().enumerate().skip(1) {
        if trial.call.obstacle(context, variant)?.is_none() {
            taken.push(n);
        }
    }
    if let Some(most) = most.filter(|most| *most < taken.len()) {
        taken.sort_by(|a, b| trials[*a].call.flops().total_cmp(&trials[*b].call.flops()));
        let largest = taken.split_off(taken.len() - most.saturating_sub(1));
        taken.truncate(most.min(1));
        taken.extend(largest);
    }
    taken.insert(0, 0);
    Ok(taken)
}

/// Proves `variant` at the size that is asked for, which comes first, and at the cases that it takes, or at `most` of
/// them.
async fn prove(
    context: &Context,
    variant: &Variant,
    trials: &[Trial],
    most: Option<usize>,
) -> Result<Proof, Failure> {
    let mut proof = Proof { compile_seconds: 0.0, error_share: 0.0, proofs: 0 };
    for n in chosen(context, variant, trials, most).map_err(Failure::Error)? {
        let trial = &trials[n];
        let first = async || -> Result<f64> {
            let begun = clock::seconds();
            let kernel = context.kernel(&trial.call, variant).await?;
            let made = clock::seconds() - begun;
            let uploaded = trial.upload(context, &kernel)?;
            let launch = context.bind(&kernel, &uploaded.named())?;
            let begun = clock::seconds();
            context.wait(context.submit_with(|pass| {
                uploaded.feed.select(pass, 0);
                launch.record(pass);
            }))?;
            Ok(made + clock::seconds() - begun)
        };
        if n == 0 {
            proof.compile_seconds = first().await.map_err(Failure::Error)?;
        }
        match trial.prove(context, variant).await.map_err(Failure::Error)? {
            Ok(share) => proof.error_share = proof.error_share.max(share),
            Err(wrong) => return Err(Failure::Wrong { at: sizes::words(&trial.call), wrong }),
        }
        context.check().map_err(Failure::Error)?;
        proof.proofs += 1;
    }
    Ok(proof)
}

/// Times every variant whose row is ok.
async fn time(
    lab: &mut Lab,
    request: &Request,
    trial: &Trial,
    rows: &mut [Row],
    peaks: Option<&Peaks>,
    progress: &mut dyn FnMut(&str),
) -> Result<()> {
    loop {
        let proven: Vec<usize> = (0..rows.len()).filter(|n| rows[*n].status == Status::Ok).collect();
        if proven.is_empty() {
            return Ok(());
        }
        let seconds = request.seconds * proven.len() as f64;
        progress(&format!("{}: timing {} variants for {seconds:.1} s", request.call.op.name, proven.len()));
        let variants: Vec<&Variant> = proven.iter().map(|n| &request.variants[*n]).collect();
        match in_turns(&lab.context, request, trial, &variants).await {
            Ok(timed) => {
                for ((row, variant), samples) in proven.into_iter().zip(variants).zip(timed.samples) {
                    let row = &mut rows[row];
                    let shader = request.call.op.shader(variant, request.call.activation)?;
                    (row.clock, row.dispatches_per_sample) = (Some(timed.clock), samples.dispatches);
                    row.timed(samples.seconds, &request.call, &shader, peaks);
                }
                if let Some(doubt) = timed.doubt {
                    progress(&format!("wall clock, since {doubt}"));
                }
                return Ok(());
            }
            // It was right, but does not end well when it runs often: the others are timed without it.
            Err((which, error)) => lab.fail(&mut rows[proven[which]], Failure::Error(error)).await?,
        }
        lab.context.set_timeout(Duration::from_secs_f64(request.timeout));
    }
}

/// The samples of several variants.
struct Timed {
    samples: Vec<Samples>,
    clock: Clock,
    doubt: Option<String>,
}

/// Seconds of a dispatch, sample by sample.
struct Samples {
    dispatches: usize,
    seconds: Vec<f64>,
}

/// Round after round, a sample of each variant; each round begins with another one. An error names its variant.
async fn in_turns(
    context: &Context,
    request: &Request,
    trial: &Trial,
    variants: &[&Variant],
) -> Result<Timed, (usize, Error)> {
    let blame = |n: usize| move |error: Error| (n, error);
    let mut launches = Vec::new();
    let mut uploaded = None;
    for (n, variant) in variants.iter().enumerate() {
        let kernel = context.kernel(&trial.call, variant).await.map_err(blame(n))?;
        // All run on the same buffers.
        let buffers = match uploaded.take() {
            Some(buffers) => buffers,
            None => trial.upload(context, &kernel).map_err(blame(n))?,
        };
        launches.push(context.bind(&kernel, &buffers.named()).map_err(blame(n))?);
        uploaded = Some(buffers);
    }
    let (Some(buffers), Some(first)) = (&uploaded, launches.first()) else {
        return Ok(Timed { samples: Vec::new(), clock: Clock::Wall, doubt: None });
    };
    let mut timer = Timer::new(context);
    timer.validate(context, &buffers.feed, first).map_err(blame(0))?;
    let each = (request.seconds / ROUNDS as f64).clamp(1e-4, LONGEST);
    let mut samples = Vec::new();
    for (n, launch) in launches.iter().enumerate() {
        let dispatches = timer.dispatches_for(context, &buffers.feed, launch, each).map_err(blame(n))?;
        samples.push(Samples { dispatches, seconds: Vec::new() });
    }
    let (mut clock, begun) = (timer.clock, clock::seconds());
    let mut round = 0;
    while round < ROUNDS {
        for turn in 0..launches.len() {
            let n = (round + turn) % launches.len();
            let dispatches = samples[n].dispatches;
            let took = timer.seconds(context, &buffers.feed, &launches[n], dispatches).map_err(blame(n))?;
            samples[n].seconds.push(took / dispatches as f64);
        }
        round += 1;
        if timer.clock != clock {
            // Times of two clocks are not to be mixed.
            (clock, round) = (timer.clock, 0);
            samples.iter_mut().for_each(|s| s.seconds.clear());
        }
        let over = clock::seconds() - begun > 2.0 * request.seconds * launches.len() as f64;
        if over && round >= FEWEST {
            break;
        }
    }
    context.check().map_err(blame(0))?;
    Ok(Timed { samples, clock, doubt: timer.doubt })
}
