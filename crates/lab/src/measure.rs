//! Proves variants, then times them. Every eligible variant is proven at the cases of the operation, at its own cases
//! and at the requested size. The correct ones are timed in turns, so that other load on the machine affects all alike.
//! A variant that hangs or breaks the device costs only its own row: the device is reopened. The tuner proves and times
//! through the same `Course`.

use super::{
    request::{Refusal, Request},
    row::{Row, Status, rank},
    trials::{at_its_own, at_the_cases, chosen},
    turns::{Pace, in_turns},
};
use crate::{measurement::peaks::Peaks, reference};
use std::{collections::BTreeSet, time::Duration};
use wgrad::{
    Error, Result, clock,
    gpu::{Context, Options},
    op::{Call, Shader, Variant, sizes},
    prove::{Regime, Trial, Wrong},
    selection::Choices,
};

/// Maximum bytes of all buffers of an operation that a reference kernel defines.
const MOST_BYTES: u64 = 128 << 20;

/// A device that is reopened when a kernel breaks it.
pub struct Lab {
    /// The open device.
    pub context: Context,
    options: Options,
    /// True once the device has been reopened.
    pub(crate) reopened: bool,
}

impl Lab {
    /// Opens the adapter that `options` name.
    ///
    /// # Errors
    /// The errors of [`Context::open`].
    pub async fn open(options: Options) -> Result<Self> {
        Ok(Self::with(Context::open(&options).await?, options))
    }

    /// Uses a device that is already open; `options` are those that it was opened with.
    pub fn with(context: Context, options: Options) -> Self {
        Self { context, options, reopened: false }
    }

    /// Abandons the device and opens another.
    pub(crate) async fn reopen(&mut self) -> Result<()> {
        self.context = Context::open(&self.options).await?;
        self.reopened = true;
        Ok(())
    }
}

/// Reason why a variant gets no time.
enum Failure {
    Wrong { at: String, regime: Regime, wrong: Wrong },
    Error(Error),
}

/// Result of the proof of a correct variant.
struct Proof {
    error_share: f64,
    proofs: usize,
    regimes: BTreeSet<Regime>,
    limit: Option<String>,
}

/// Proves, then times, the variants of `request`. The rows are in the order of the request; `progress` receives
/// messages about the current work.
///
/// # Errors
/// [`Error::Shader`] if a variant does not compose, [`Error::TooLarge`] for sizes beyond this adapter, and
/// [`Error::Device`] if the device cannot be reopened. A wrong or hanging variant is a row, not an error.
pub async fn measure(
    lab: &mut Lab,
    request: &Request,
    peaks: Option<&Peaks>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>> {
    let call = &request.call;
    let reference = call.op.shader(call.op.variant("naive")?, call.activation)?;
    fits(&lab.context, call, &reference)?;
    progress(&format!("{}: the twin computes {}", call.op.name, sizes::words(call)));
    let mut course = Course::new(&lab.context, call, &request.variants, request.timeout)?;
    for n in course.runnable() {
        if let Some(Refusal { reason, worst }) = request.refused.get(&n).cloned() {
            let row = &mut course.rows[n];
            (row.status, row.reason, row.worst) = (Status::Wrong, Some(reason), worst);
        }
    }
    if course.runnable().is_empty() {
        return Ok(course.rows);
    }
    let mut trials = vec![Trial::new(call, &reference, request.seed)];
    trials.extend(at_the_cases(&lab.context, request, &reference)?);
    let trials = defined(&mut course, &lab.context, trials, None).await?;
    for n in course.runnable() {
        let of = request.variants.len();
        let count = if of > 1 { format!(" ({} of {of})", n + 1) } else { String::new() };
        progress(&format!("{}: proving {}{count}", call.op.name, request.variants[n].name()));
        course.compile(lab, n, &trials[0]).await?;
        course.prove(lab, n, &trials, request.cases).await?;
        let own = at_its_own(&lab.context, request, &request.variants[n], &reference)?;
        if !own.is_empty() {
            let own = defined(&mut course, &lab.context, own, Some(n)).await?;
            course.prove(lab, n, &own, None).await?;
        }
    }
    if request.seconds > 0.0 {
        let pace = Pace { seconds: request.seconds, cutoff: f64::INFINITY, keep: None };
        course.time(lab, &trials[0], pace, peaks, progress).await?;
    }
    rank(&mut course.rows);
    Ok(course.rows)
}

/// Returns `trials` with expected outputs, and notes in the rows of `course`, or of its variant `only`, where they come
/// from if that is no twin.
async fn defined(
    course: &mut Course<'_>,
    context: &Context,
    trials: Vec<Trial>,
    only: Option<usize>,
) -> Result<Vec<Trial>> {
    if !course.call.op.has_reference() {
        return Ok(trials);
    }
    context.set_timeout(Duration::from_secs_f64(course.timeout));
    let (trials, origin) = reference::complete(context, trials).await?;
    for (n, row) in course.rows.iter_mut().enumerate() {
        if only.is_none_or(|only| only == n) && row.reason.is_none() {
            let words = match row.reference.take() {
                Some(before) => format!("{before}; for its own cases: {origin}"),
                None => origin.to_string(),
            };
            row.reference = Some(words);
        }
    }
    Ok(trials)
}

/// Checks that the buffers of `call` fit on `context`; `shader` is any variant of the operation.
pub fn fits(context: &Context, call: &Call, shader: &Shader) -> Result<()> {
    let limit = context.limits.max_storage_buffer_binding_size.min(context.limits.max_buffer_size);
    let values = shader.values(&call.sizes);
    let too_large = |what: String, bytes: u64, limit: u64| {
        let next = "choose smaller sizes".to_string();
        Err(Error::TooLarge { what, bytes, limit, next })
    };
    let mut all = 0;
    for binding in &shader.bindings {
        let len = binding
            .shape
            .iter()
            .map(|size| size.value(&values))
            .try_fold(1, |len: usize, extent| len.checked_mul(extent?));
        let bytes = len.and_then(|len| (len as u64).checked_mul(4)).unwrap_or(u64::MAX);
        if bytes > limit {
            return too_large(format!("`{}`", binding.name), bytes, limit);
        }
        all += bytes;
    }
    // The host computes the reference, in some 100 bytes for each element.
    match call.op.has_reference() && all > MOST_BYTES {
        true => too_large(format!("{}: all buffers together", call.op.name), all, MOST_BYTES),
        false => Ok(()),
    }
}

/// The variants of one call during proof and timing, with a row for each.
pub(crate) struct Course<'a> {
    call: &'a Call,
    variants: &'a [Variant],
    timeout: f64,
    /// Rows in the order of the variants. A row is `skipped` until its variant is proven, and has a reason if it cannot
    /// run.
    pub rows: Vec<Row>,
}

impl<'a> Course<'a> {
    /// Creates the rows, with nothing proven yet. A variant that cannot run on `context` gets the reason.
    pub fn new(context: &Context, call: &'a Call, variants: &'a [Variant], timeout: f64) -> Result<Self> {
        let (default, _) = call.variant(context, &Choices::default())?;
        let mut rows = Vec::new();
        for variant in variants {
            let mut row = Row::new(context, call, variant);
            let belongs = variant.is_own() || call.op.has_reference();
            row.default = belongs && variant.name() == default.name();
            match call.obstacle(context, variant) {
                Ok(reason) => row.reason = reason,
                // A single setting may fail to compile.
                Err(Error::Shader { message, .. }) => {
                    (row.status, row.reason) = (Status::Wrong, Some(message));
                }
                Err(error) => return Err(error),
            }
            rows.push(row);
        }
        Ok(Self { call, variants, timeout, rows })
    }

    /// Returns the indices of the variants that can run here.
    pub fn runnable(&self) -> Vec<usize> {
        (0..self.rows.len()).filter(|n| self.rows[*n].reason.is_none()).collect()
    }

    /// Makes the pipeline of variant `n`, runs it once on the inputs of `trial`, and records how long that took.
    async fn compile(&mut self, lab: &mut Lab, n: usize, trial: &Trial) -> Result<()> {
        lab.context.set_timeout(Duration::from_secs_f64(self.timeout));
        match compile(&lab.context, &self.variants[n], trial).await {
            Ok(seconds) => self.rows[n].compile_seconds = Some(seconds),
            Err(error) => lab.fail(&mut self.rows[n], Failure::Error(error)).await?,
        }
        Ok(())
    }

    /// Proves variant `n` with each of the `trials` that it supports, or with the first and at most `most` of the
    /// others. Its row is `ok` as long as no proof failed.
    pub async fn prove(
        &mut self,
        lab: &mut Lab,
        n: usize,
        trials: &[Trial],
        most: Option<usize>,
    ) -> Result<()> {
        lab.context.set_timeout(Duration::from_secs_f64(self.timeout));
        if self.rows[n].status == Status::Wrong {
            return Ok(());
        }
        match prove(&lab.context, &self.variants[n], trials, most).await {
            Ok(Proof { error_share, proofs, regimes, limit }) => {
                let row = &mut self.rows[n];
                row.limit = row.limit.take().or(limit);
                row.status = Status::Ok;
                row.error_share = Some(row.error_share.unwrap_or(0.0).max(error_share));
                row.proofs += proofs;
                // A proof may come in parts, each of which includes the small inputs.
                row.regimes = match row.regimes {
                    0 => regimes.len(),
                    before => before + regimes.iter().filter(|r| **r != Regime::Small).count(),
                };
            }
            Err(failure) => lab.fail(&mut self.rows[n], failure).await?,
        }
        Ok(())
    }

    /// Times every variant that is `ok`.
    pub async fn time(
        &mut self,
        lab: &mut Lab,
        trial: &Trial,
        pace: Pace,
        peaks: Option<&Peaks>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<()> {
        let Self { call, variants, timeout, rows } = self;
        loop {
            lab.context.set_timeout(Duration::from_secs_f64(*timeout));
            let proven: Vec<usize> = (0..rows.len()).filter(|n| rows[*n].status == Status::Ok).collect();
            if proven.is_empty() {
                return Ok(());
            }
            let seconds = pace.seconds * proven.len() as f64;
            progress(&format!("{}: timing {} variants for {seconds:.1} s", call.op.name, proven.len()));
            let turns: Vec<&Variant> = proven.iter().map(|n| &variants[*n]).collect();
            let keep = pace.keep.and_then(|keep| proven.iter().position(|n| *n == keep));
            match in_turns(&lab.context, Pace { keep, ..pace }, trial, &turns).await {
                Ok(timed) => {
                    for ((row, variant), samples) in proven.into_iter().zip(turns).zip(timed.samples) {
                        let row = &mut rows[row];
                        let shader = call.op.shader(variant, call.activation)?;
                        (row.clock, row.dispatches_per_sample) = (Some(timed.clock), samples.dispatches);
                        row.timed(samples.seconds, call, &shader, peaks);
                    }
                    if let Some(doubt) = timed.doubt {
                        progress(&format!("wall clock, since {doubt}"));
                    }
                    return Ok(());
                }
                // It was correct, but failed during repeated runs: the others are timed without it.
                Err((which, error)) => lab.fail(&mut rows[proven[which]], Failure::Error(error)).await?,
            }
        }
    }
}

impl Lab {
    /// Records the failure of a variant; reopens the device if it broke.
    async fn fail(&mut self, row: &mut Row, failure: Failure) -> Result<()> {
        row.status = Status::Wrong;
        match failure {
            Failure::Wrong { at, regime, wrong } => {
                row.reason = Some(format!("at {at} with {regime}: {wrong}"));
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

/// Returns the seconds that the driver takes to make the pipeline, and to compile it at its first dispatch.
async fn compile(context: &Context, variant: &Variant, trial: &Trial) -> Result<f64> {
    context.tell_of_trial(&trial.call, variant, false);
    let begun = clock::seconds();
    let kernel = context.kernel(&trial.call, variant).await?;
    let made = clock::seconds() - begun;
    let uploaded = trial.upload(context, &kernel)?;
    let launch = context.bind(&kernel, &uploaded.named())?;
    let begun = clock::seconds();
    context.warm(&launch, &uploaded.feed).await?;
    Ok(made + clock::seconds() - begun)
}

/// Proves `variant` with the `trials` that it supports: the first and at most `most` of the others.
async fn prove(
    context: &Context,
    variant: &Variant,
    trials: &[Trial],
    most: Option<usize>,
) -> Result<Proof, Failure> {
    /// Limit of workgroups on the last axis; so few that most cases fold.
    const FEW: u32 = 3;
    let mut proof = Proof { error_share: 0.0, proofs: 0, regimes: BTreeSet::new(), limit: None };
    let mut folded = None;
    for n in chosen(context, variant, trials, most).map_err(Failure::Error)? {
        let trial = &trials[n];
        match trial.prove(context, variant).await.map_err(Failure::Error)? {
            Ok(share) => proof.error_share = proof.error_share.max(share),
            Err(wrong) => {
                let at = sizes::words(&trial.call);
                return Err(Failure::Wrong { at, regime: trial.regime, wrong });
            }
        }
        if folded.is_none() && trial.regime == Regime::Small && trial.has_twin() {
            folded = trial.prove_folded(context, variant, FEW).await.map_err(Failure::Error)?;
        }
        context.check().map_err(Failure::Error)?;
        proof.proofs += usize::from(trial.regime == Regime::Small);
        proof.regimes.insert(trial.regime);
    }
    if let Some(Err(_)) = folded {
        let most = context.limits.max_compute_workgroups_per_dimension;
        proof.limit = Some(format!(
            "correct as long as the last axis of its grid has at most {most} workgroups: beyond that they fold into the next \
             dimension, and its place is `wid.x + wid.y * groups.x` (`groups` is `num_workgroups`), or y and z where the grid \
             has two axes"
        ));
    }
    Ok(proof)
}
