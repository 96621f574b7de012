//! Interleaved samples of several variants of one call. Each round begins with another variant, so that other load on
//! the machine affects all alike. This module proves nothing.

use wgrad::{
    Error, Result, clock,
    gpu::{Clock, Context, Timer},
    op::Variant,
    prove::Trial,
};

/// Samples per variant.
const ROUNDS: usize = 15;
/// Minimum number of samples, for slow dispatches.
const FEWEST: usize = 5;
/// Time of a first estimate of a kernel, seconds.
const GLANCE: f64 = 0.003;
/// Maximum intended length of a sample, seconds: some drivers take longer submissions for a hang.
const LONGEST: f64 = 0.1;

/// Settings of the timing.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Seconds of timing for each variant.
    pub seconds: f64,
    /// A variant whose first estimate is more than this many times the fastest one's gets no samples.
    pub cutoff: f64,
    /// Index of a variant that always gets samples.
    pub keep: Option<usize>,
}

/// Estimates the seconds of a dispatch of `variant` on the inputs of `trial`, from one or two runs after one that
/// compiles. The estimate is good enough to weigh calls against each other, but not to rank variants.
pub(crate) async fn glance(context: &Context, variant: &Variant, trial: &Trial) -> Result<f64> {
    let kernel = context.kernel(&trial.call, variant).await?;
    let buffers = trial.upload(context, &kernel)?;
    let launch = context.bind(&kernel, &buffers.named())?;
    let mut timer = Timer::new(context);
    timer.sample(context, &buffers.feed, &launch, 1).await?;
    Ok(timer.warm(context, &buffers.feed, &launch, GLANCE).await?.1)
}

/// The samples of several variants.
pub(crate) struct Timed {
    /// Samples of each variant; empty for one that is far too slow.
    pub samples: Vec<Samples>,
    /// Clock of the samples.
    pub clock: Clock,
    /// Reason why the device's timestamps were not used, if it has them.
    pub doubt: Option<String>,
}

/// Seconds per dispatch, sample by sample.
pub(crate) struct Samples {
    pub dispatches: usize,
    pub seconds: Vec<f64>,
}

/// Takes a sample of each variant per round; each round begins with another variant. An error carries the index of its
/// variant.
pub(crate) async fn in_turns(
    context: &Context,
    pace: Pace,
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
    let Some(buffers) = &uploaded else {
        return Ok(Timed { samples: Vec::new(), clock: Clock::Wall, doubt: None });
    };
    let mut timer = Timer::new(context);
    let each = (pace.seconds / ROUNDS as f64).clamp(1e-4, LONGEST);
    let (mut samples, mut guesses) = (Vec::new(), Vec::new());
    for (n, launch) in launches.iter().enumerate() {
        let (dispatches, guess) = timer.warm(context, &buffers.feed, launch, each).await.map_err(blame(n))?;
        samples.push(Samples { dispatches, seconds: Vec::new() });
        guesses.push(guess);
    }
    let fastest = (0..guesses.len()).min_by(|a, b| guesses[*a].total_cmp(&guesses[*b])).unwrap_or(0);
    timer.validate(context, &buffers.feed, &launches[fastest]).await.map_err(blame(fastest))?;
    let in_sight = |n: &usize| pace.keep == Some(*n) || guesses[*n] <= pace.cutoff * guesses[fastest];
    let turns: Vec<usize> = (0..launches.len()).filter(in_sight).collect();
    let (mut clock, begun) = (timer.clock, clock::seconds());
    let mut round = 0;
    while round < ROUNDS {
        for turn in 0..turns.len() {
            let n = turns[(round + turn) % turns.len()];
            let dispatches = samples[n].dispatches;
            let took =
                timer.seconds(context, &buffers.feed, &launches[n], dispatches).await.map_err(blame(n))?;
            samples[n].seconds.push(took / dispatches as f64);
        }
        round += 1;
        if timer.clock != clock {
            // Times of two clocks must not be mixed.
            (clock, round) = (timer.clock, 0);
            samples.iter_mut().for_each(|s| s.seconds.clear());
        }
        let over = clock::seconds() - begun > 2.0 * pace.seconds * turns.len() as f64;
        if over && round >= FEWEST {
            break;
        }
    }
    context.check().map_err(blame(0))?;
    Ok(Timed { samples, clock, doubt: timer.doubt })
}
