//! Tunes one call after the other: surveys where a step spends its time, then proves and times variants and picks the
//! winner.

use super::{Decision, Event, Gain, OVER, Outcome, Settings, State, Use, eligible};
use crate::{
    measure::{Course, Lab, fits},
    row::{Row, Status, rank},
    turns::{Pace, glance},
};
use std::{collections::BTreeSet, time::Duration};
use wgrad::{
    Error, Result, clock,
    op::{
        Call, Variant,
        sizes::{self, lengths},
    },
    prove::{Trial, proofs, smaller},
    selection::Choices,
};

/// Minimum and maximum seconds of timing for each variant of a call.
const EACH: [f64; 2] = [0.05, 0.3];
/// The same for a short tuning.
const EACH_OF_SHORT: [f64; 2] = [0.01, 0.1];
/// A variant whose first estimate is more than this many times the fastest one's is not timed.
const CUTOFF: f64 = 3.0;

/// Seconds after which a kernel counts as hung; large work gets more. Software adapters compile at the first run, which
/// takes many times as long on a busy machine.
const PATIENCE: f64 = 30.0;
/// Maximum number of elements in all buffers of a call; drawing more takes the host too much time and memory.
const MOST: usize = 1 << 27;

/// A tuning in progress.
pub(super) struct Tuner<'a> {
    settings: &'a Settings<'a>,
    /// End of the time, by the clock.
    until: f64,
    hear: &'a mut dyn FnMut(Event<'_>),
    /// Variants that were correct at all cases of their operation: operation, activation and text.
    proven: BTreeSet<(&'static str, &'static str, String)>,
}

/// A call with several variants that can run it.
struct Contest<'a> {
    of: &'a Use,
    variants: Vec<Variant>,
    default: String,
    share: Option<f64>,
}

impl<'a> Tuner<'a> {
    /// Creates a tuner; its time starts now.
    pub fn new(settings: &'a Settings<'a>, hear: &'a mut dyn FnMut(Event<'_>)) -> Self {
        let until = clock::seconds() + settings.seconds;
        Self { settings, until, hear, proven: BTreeSet::new() }
    }

    fn left(&self) -> f64 {
        (self.until - clock::seconds()).max(0.0)
    }

    fn over(&self) -> bool {
        self.left() <= 0.0
    }

    fn say(&mut self, what: &str) {
        let line = format!("{what}; {:.1} s left", self.left());
        (self.hear)(Event::Doing(&line));
    }

    fn timeout(&self, call: &Call) -> f64 {
        self.settings.timeout.unwrap_or(PATIENCE + call.flops() / 2e8)
    }

    /// Tunes every call of `uses` that has several variants, the most expensive calls of a step first.
    pub async fn all(&mut self, lab: &mut Lab, uses: &[Use]) -> Result<Vec<Outcome>> {
        let mut contests = Vec::new();
        for of in uses {
            let variants =
                eligible(&lab.context, &of.call, (self.settings.candidates)(&lab.context, &of.call))?;
            if variants.len() > 1 {
                let default = of.call.variant(&lab.context, &Choices::default())?.0;
                let default = default.name().to_string();
                contests.push(Contest { of, variants, default, share: None });
            }
        }
        let known = |contest: &Contest<'_>| self.settings.known.contains_key(&contest.of.call.key());
        if !contests.iter().all(known) {
            let seconds = self.survey(lab, uses).await?;
            order(&mut contests, uses, &seconds)?;
        }
        let mut outcomes = Vec::new();
        for Contest { of, variants, default, share } in contests {
            let state = match self.settings.known.get(&of.call.key()) {
                Some(name) => State::Known(name.clone()),
                None if self.over() => left_out(),
                None => match self.contest(lab, &of.call, &variants, &default).await {
                    Err(error @ Error::TooLarge { .. }) => State::LeftOut(error.to_string()),
                    other => other?,
                },
            };
            let outcome = Outcome { call: of.call.clone(), default, share, state };
            (self.hear)(Event::Done(&outcome));
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Estimates the seconds of the default variant of each call, the largest first, until the time is over. A call
    /// that breaks the device gets no estimate.
    async fn survey(&mut self, lab: &mut Lab, uses: &[Use]) -> Result<Vec<Option<f64>>> {
        let mut seconds = vec![None; uses.len()];
        let works = uses.iter().map(|of| smaller::work(&of.call)).collect::<Result<Vec<_>>>()?;
        let mut largest: Vec<usize> = (0..uses.len()).collect();
        largest.sort_by(|a, b| works[*b].total_cmp(&works[*a]));
        self.say("measuring where a step spends its time");
        for n in largest {
            if self.over() {
                break;
            }
            let call = &uses[n].call;
            // A call that cannot run at all is reported when the network's plan is made.
            let Some(trial) = drawn(lab, call, self.settings.seed)? else { continue };
            let Ok((variant, _)) = call.variant(&lab.context, &Choices::default()) else { continue };
            lab.context.set_timeout(Duration::from_secs_f64(self.timeout(call)));
            match glance(&lab.context, &variant, &trial).await {
                Ok(each) => seconds[n] = Some(each),
                Err(Error::Device { .. }) => lab.reopen().await?,
                // The guard bands of a trial make its buffers a little larger than those of the network.
                Err(Error::TooLarge { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(seconds)
    }

    /// Proves and times the variants of a call; proves the winner at all cases of the operation too.
    ///
    /// Losing variants are not chosen, so they need no further proof: the time goes to the other calls of the network.
    async fn contest(
        &mut self,
        lab: &mut Lab,
        call: &Call,
        variants: &[Variant],
        default: &str,
    ) -> Result<State> {
        let what = format!("{} at {}", call.op.name, sizes::words(call));
        self.say(&format!("{what}: its twin"));
        let Some(trials) = trials(lab, call, variants, self.settings.seed)? else {
            return Ok(State::LeftOut("its buffers are too large".to_string()));
        };
        let mut course = Course::new(&lab.context, call, variants, self.timeout(call))?;
        for n in course.runnable() {
            if self.over() {
                return Ok(left_out());
            }
            self.say(&format!("{what}: proving {}", variants[n].name()));
            course.prove(lab, n, &trials, None).await?;
        }
        if self.over() {
            return Ok(left_out());
        }
        self.say(&format!("{what}: timing {} variants", variants.len()));
        let of_default = variants.iter().position(|variant| variant.name() == default);
        let [least, most] = if self.settings.thorough { EACH } else { EACH_OF_SHORT };
        let seconds = (self.left() / 10.0).clamp(least, most);
        let pace = Pace { seconds, cutoff: CUTOFF, keep: of_default };
        course.time(lab, &trials[0], pace, None, &mut |_| {}).await?;
        loop {
            rank(&mut course.rows);
            let Some(best) = winner(&course.rows, of_default) else {
                // No variant is correct: fall back to the simplest one.
                return Ok(State::Decided(decision(&course.rows, "naive", None)));
            };
            if Some(best) == of_default {
                return Ok(State::Decided(decision(&course.rows, default, None)));
            }
            if self.settings.thorough {
                self.say(&format!("{what}: proving {} at all its cases", variants[best].name()));
            }
            if self.settings.thorough && !self.at_all_cases(lab, &mut course, call, variants, best).await? {
                return Ok(left_out());
            }
            if course.rows[best].status == Status::Ok {
                let gain = of_default.and_then(|of| gain(&course.rows[of], &course.rows[best]));
                return Ok(State::Decided(decision(&course.rows, variants[best].name(), gain)));
            }
            // The winner was wrong; the next fastest takes its place.
            course.rows[best].seconds = None;
        }
    }

    /// Proves variant `n` at the cases of the operation, once per tuning; `false` if the time was over before the end.
    async fn at_all_cases(
        &mut self,
        lab: &mut Lab,
        course: &mut Course<'_>,
        call: &Call,
        variants: &[Variant],
        n: usize,
    ) -> Result<bool> {
        let key = (call.op.name, call.activation.name, variants[n].source().to_string());
        if self.proven.contains(&key) {
            return Ok(true);
        }
        let shader = call.op.shader(&variants[n], call.activation)?;
        let takes = |case: &Call| Ok(case.obstacle(&lab.context, &variants[n])?.is_none());
        for (of, case, regime) in proofs(call, &call.op.cases_with(&variants[n]), &shader, false, takes)? {
            if self.over() {
                return Ok(false);
            }
            let trial = Trial::of(regime, &case, &shader, self.settings.seed + 1 + of as u64);
            course.prove(lab, n, &[trial], None).await?;
        }
        if course.rows[n].status == Status::Ok {
            self.proven.insert(key);
        }
        Ok(true)
    }
}

/// Returns the trials that prove a call at its own size. If its twin would take too long, the twin computes a smaller
/// batch of the same shapes; at the full size the proof then checks that a variant writes every element and no other.
/// `None` if its buffers are too large.
fn trials(lab: &Lab, call: &Call, variants: &[Variant], seed: u64) -> Result<Option<Vec<Trial>>> {
    let reference = call.op.shader(call.op.variant("naive")?, call.activation)?;
    let Some(drawn) = drawn(lab, call, seed)? else { return Ok(None) };
    Ok(Some(match smaller::batch(call, variants, lab.context.features)? {
        None => vec![drawn.with_twin()],
        Some(small) => vec![drawn, Trial::new(&small, &reference, seed)],
    }))
}

/// Draws inputs for `call` at its own size, without its twin; `None` if its buffers are too large.
fn drawn(lab: &Lab, call: &Call, seed: u64) -> Result<Option<Trial>> {
    let reference = call.op.shader(call.op.variant("naive")?, call.activation)?;
    let elements: usize = lengths(&reference, &call.sizes).iter().sum();
    if elements > MOST || fits(&lab.context, call, &reference).is_err() {
        return Ok(None);
    }
    Ok(Some(Trial::without_twin(call, &reference, seed)))
}

/// Sorts the calls by their cost per step, the most expensive first. Sets their shares if all were measured.
fn order(contests: &mut Vec<Contest<'_>>, uses: &[Use], seconds: &[Option<f64>]) -> Result<()> {
    let each = uses.iter().zip(seconds).map(|(of, each)| each.map(|each| each * of.per_step as f64));
    let costs: Vec<Option<f64>> = each.collect();
    let total: Option<f64> = costs.iter().copied().sum();
    let mut keyed = Vec::new();
    for mut contest in contests.drain(..) {
        let key = contest.of.call.key();
        let cost = uses.iter().position(|of| of.call.key() == key).and_then(|n| costs[n]);
        contest.share = cost.zip(total).filter(|(_, total)| *total > 0.0).map(|(cost, total)| cost / total);
        keyed.push((cost, smaller::work(&contest.of.call)?, contest));
    }
    // The survey measures the largest calls first, so unmeasured calls are smaller.
    keyed.sort_by(|(a, works, _), (b, more, _)| {
        let cost = |cost: &Option<f64>| cost.unwrap_or(-1.0);
        cost(b).total_cmp(&cost(a)).then(more.total_cmp(works))
    });
    contests.extend(keyed.into_iter().map(|(_, _, contest)| contest));
    Ok(())
}

/// Returns the default unless another variant is faster by more than the spread; `None` if nothing was timed.
fn winner(rows: &[Row], default: Option<usize>) -> Option<usize> {
    let timed = (0..rows.len()).filter(|n| rows[*n].status == Status::Ok && rows[*n].seconds.is_some());
    let time = |n: &usize| rows[*n].seconds.unwrap_or(f64::INFINITY);
    let fastest = timed.clone().min_by(|a, b| time(a).total_cmp(&time(b)))?;
    let default = timed.clone().find(|n| Some(*n) == default);
    default.filter(|n| rows[*n].rank == rows[fastest].rank).or(Some(fastest))
}

fn gain(default: &Row, chosen: &Row) -> Option<Gain> {
    if default.status != Status::Ok {
        return None;
    }
    Some(Gain {
        ratio: default.seconds? / chosen.seconds?,
        low: default.seconds_q1? / chosen.seconds_q3?,
        high: default.seconds_q3? / chosen.seconds_q1?,
    })
}

fn decision(rows: &[Row], chosen: &str, gain: Option<Gain>) -> Decision {
    let wrong = rows.iter().filter(|row| row.status == Status::Wrong);
    let wrong = wrong.map(|row| (row.variant.clone(), row.reason.clone().unwrap_or_default())).collect();
    Decision { chosen: chosen.to_string(), gain, wrong }
}

fn left_out() -> State {
    State::LeftOut(OVER.to_string())
}

#[cfg(test)]
mod tests {
    use super::{gain, winner};
    use crate::row::{Status, rank, tests::row};

    #[test]
    fn the_default_wins_unless_another_is_faster_by_more_than_the_spread() {
        let mut rows: Vec<_> =
            [[1.0, 1.1, 1.3], [0.9, 1.0, 1.05], [3.0, 3.1, 3.2]].map(Some).into_iter().map(row).collect();
        rows.push(row(None));
        rank(&mut rows);
        assert_eq!(winner(&rows, Some(0)), Some(0), "a tie");
        assert_eq!(winner(&rows, Some(2)), Some(1));
        // If the default has no time, or is not among them, the fastest wins.
        assert_eq!(winner(&rows, Some(3)), Some(1));
        assert_eq!(winner(&rows, None), Some(1));
        let gain = gain(&rows[2], &rows[1]).expect("both have times");
        assert_eq!((gain.ratio, gain.low, gain.high), (3.1 / 1.0, 3.0 / 1.05, 3.2 / 0.9));
        rows[1].status = Status::Wrong;
        assert_eq!(winner(&rows, Some(2)), Some(0), "a wrong one has no time");
        rows.iter_mut().for_each(|row| row.status = Status::Wrong);
        assert_eq!(winner(&rows, Some(0)), None);
    }
}
