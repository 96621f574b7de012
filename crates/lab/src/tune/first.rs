//! A short tuning before the first step of a training. It runs on a thread of its own and is abandoned when its time is
//! over, whatever a driver or a kernel does meanwhile.

use super::{Event, OVER, Outcome, Settings, State, Use, contenders, eligible, is_contested, tune};
use crate::measure::Lab;
use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};
use wgrad::{
    Error, Result, clock,
    gpu::{Context, Options, guarded},
    op::{Call, Variant},
    prove::smaller,
    selection::Choices,
};

/// Default time limit, seconds.
pub const FIRST_SECONDS: f64 = 2.0;
/// Share of the time that is spent on tuning; the rest is for work in progress at its end.
const SHARE: f64 = 0.75;

/// Result of a short tuning.
pub struct First {
    /// The device, if it is still good: the tuning has ended, and no kernel hung. Otherwise open another one.
    pub context: Option<Context>,
    /// The calls with several variants. Those that the time did not reach keep their default.
    pub outcomes: Vec<Outcome>,
}

/// Settings of a short tuning.
#[derive(Clone, Copy)]
pub struct Quick {
    /// Time limit for everything, seconds.
    pub seconds: f64,
    /// Seed of the inputs.
    pub seed: u64,
    /// Returns the variants of a call; [`contenders`] by default.
    pub candidates: fn(&Context, &Call) -> Vec<Variant>,
}

impl Default for Quick {
    fn default() -> Self {
        Self { seconds: FIRST_SECONDS, seed: 1, candidates: contenders }
    }
}

/// Message of the tuning thread.
enum Said {
    Done(Box<Outcome>),
    Ended(Result<Option<Context>>),
}

/// Chooses variants for the most expensive of `uses` within `quick.seconds`, as [`tune`] does, but proves each variant
/// only at the size of its call, and leaves out settings of constants. `options` are those that `context` was opened
/// with.
///
/// # Errors
/// [`Error::Shader`] if a variant does not compose. A device that is lost or does not answer is no error: there is no
/// context in the result then.
pub async fn first(context: Context, options: Options, uses: &[Use], quick: Quick) -> Result<First> {
    let begun = clock::seconds();
    let mut outcomes = left_out(&context, uses)?;
    if outcomes.is_empty() {
        return Ok(First { context: Some(context), outcomes });
    }
    let (says, hears) = channel();
    let (handle, uses) = (context.clone(), uses.to_vec());
    let tuning = thread::Builder::new()
        .name("tuning".into())
        .stack_size(STACK)
        .spawn(move || pollster::block_on(run(handle, options, &uses, quick, &says)));
    let Ok(tuning) = tuning else { return Ok(First { context: Some(context), outcomes }) };
    let ended = loop {
        let left = (quick.seconds - (clock::seconds() - begun)).max(0.0);
        match hears.recv_timeout(Duration::from_secs_f64(left)) {
            Ok(Said::Done(outcome)) => put(&mut outcomes, *outcome),
            Ok(Said::Ended(ended)) => break Some(ended),
            Err(RecvTimeoutError::Timeout) => break None,
            Err(RecvTimeoutError::Disconnected) => {
                // It panicked: the panic goes on here.
                if let Err(panic) = tuning.join() {
                    std::panic::resume_unwind(panic);
                }
                break None;
            }
        }
    };
    let context = match ended {
        Some(Ok(context)) => context,
        Some(Err(Error::Device { .. } | Error::NoAdapter { .. })) | None => None,
        Some(Err(error)) => return Err(error),
    };
    Ok(First { context, outcomes })
}

/// Stack of the thread, bytes: that of a main thread, which compilers are made for.
const STACK: usize = 8 << 20;

/// Tunes, and says each outcome as it is final.
async fn run(context: Context, options: Options, uses: &[Use], quick: Quick, says: &Sender<Said>) {
    let Quick { seconds, seed, candidates } = quick;
    let settings = Settings {
        seconds: SHARE * seconds,
        timeout: Some(seconds),
        seed,
        candidates: &candidates,
        thorough: false,
        ..Settings::default()
    };
    // Compiles the kernels of the largest calls while the first ones are measured.
    let _ahead = ahead(&context, uses, candidates).map(|kernels| context.compile_ahead(kernels));
    let mut lab = Lab::with(context, options);
    let work = async {
        tune(&mut lab, uses, &settings, &mut |event| {
            if let Event::Done(outcome) = event {
                // Nobody listens any more if the time is over.
                let _sent = says.send(Said::Done(Box::new(outcome.clone())));
            }
        })
        .await
    };
    let ended = guarded(work).await.map(|_| (!lab.reopened).then(|| lab.context.clone()));
    let _sent = says.send(Said::Ended(ended));
}

/// The kernels that a tuning of `uses` needs, those of the largest calls first.
fn ahead(
    context: &Context,
    uses: &[Use],
    candidates: fn(&Context, &Call) -> Vec<Variant>,
) -> Result<Vec<(Call, Variant)>> {
    let mut calls =
        uses.iter().map(|of| Ok((smaller::work(&of.call)?, &of.call))).collect::<Result<Vec<_>>>()?;
    calls.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut kernels = Vec::new();
    for (_, call) in calls {
        let variants = eligible(context, call, candidates(context, call))?;
        kernels.extend(variants.into_iter().map(|variant| (call.clone(), variant)));
    }
    Ok(kernels)
}

/// The calls of `uses` with several variants, all of which keep their default.
fn left_out(context: &Context, uses: &[Use]) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for Use { call, .. } in uses {
        if is_contested(context, call)? {
            let default = call.variant(context, &Choices::default())?.0.name().to_string();
            let state = State::LeftOut(OVER.to_string());
            outcomes.push(Outcome { call: call.clone(), default, share: None, state });
        }
    }
    Ok(outcomes)
}

/// Replaces the outcome of the same call.
fn put(outcomes: &mut [Outcome], outcome: Outcome) {
    let same = |known: &&mut Outcome| known.call.key() == outcome.call.key();
    if let Some(known) = outcomes.iter_mut().find(same) {
        *known = outcome;
    }
}
