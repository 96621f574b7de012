//! `wgrad tune`: finds the fastest correct variant for each call of a network on this adapter, and keeps the choice in
//! the user's cache. Other commands use the choices through this module.

mod print;

use super::{
    AdapterArgs,
    network::NetworkArg,
    output,
    reading::{Initial, ReadingArgs, model_for},
};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::{collections::BTreeMap, io::IsTerminal, process::ExitCode, time::Duration};
use wgrad::{
    augment::Augment,
    clock,
    gpu::{AdapterRecord, Context},
    model::Model,
    objective::Objective,
    op::sizes,
    optim::Optimizer,
    preprocessing::Preprocessing,
    train::Options,
};
use wgrad_data::DataSpec;
use wgrad_lab::{
    measure::Lab,
    tune::{
        self, Event, First, Line, Outcome, Quick, Settings, State, Use,
        cache::{Cache, Entry, Found, Place},
    },
};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad tune                      the network `mlp` at batch 128, within 10 seconds
  wgrad tune cnn --seconds 60     another network, more time
  wgrad tune cnn --batch 256      at another batch: its sizes may have other fastest variants
  wgrad tune cnn --augment flip   for a training that mirrors images: they are decoded by another kernel
  wgrad tune cnn --again          measure known operations again
  wgrad tune --list               the choices for this adapter
  wgrad tune --clear              forget them
  wgrad train --model cnn --tune  tune for exactly this training, then train

For each operation of a training or evaluation step, every variant that can run at its sizes is proven against the f64
twin, then timed in turns. A variant replaces the default only if it is faster by more than the spread and also correct
at all sizes of its page. The most expensive operations come first. Operations that the time does not reach keep their
default, and the next `wgrad tune` continues there. `train`, `bench` and `check` use the choices unless you give
`--no-tuned`; `--variant` overrides them. A choice counts for one adapter, driver, wgpu version and shader text.
WGRAD_TUNED names another folder for the choices.

Exit codes: 0 done, 1 a variant is wrong on this adapter, 2 an error.")]
pub struct Tune {
    #[command(flatten)]
    network: NetworkArg,
    /// Data set that gives the network its image shape and classes [default: those of Fashion-MNIST]
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<DataSpec>,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Images per step
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Seconds for everything: proofs and timing
    #[arg(long, value_name = "S", default_value_t = tune::SECONDS, value_parser = seconds)]
    seconds: f64,
    /// Measure known operations again
    #[arg(long)]
    again: bool,
    /// Print the choices for this adapter, and measure nothing
    #[arg(long, conflicts_with_all = ["again", "clear"])]
    list: bool,
    /// Forget the choices for this adapter, and measure nothing
    #[arg(long, conflicts_with_all = ["again", "json"])]
    clear: bool,
    /// Tune for trainings with this `--augment`, which decode images by another kernel
    #[arg(long, value_name = "LIST")]
    augment: Option<Augment>,
    /// Print JSON lines, one object per operation
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
}

/// Parses the seconds of tuning.
pub fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds from 0 to 86400".to_string()),
    }
}

impl Tune {
    pub async fn run(self) -> Result<ExitCode> {
        let (model, input) = match &self.data {
            Some(spec) => {
                let data = self.reading.load(spec)?;
                (model_for(self.network.name_for(&data), &data, None, Initial::Reported)?, data.input)
            }
            None => (super::model(self.network.name(), [28, 28, 1], 10)?, Preprocessing::default()),
        };
        let (batch, objective) = (self.batch as usize, self.objective()?);
        let uses = tune::uses(&model, &input, batch, &Optimizer::default(), &objective)?;
        let context = self.adapter.open().await?;
        let cache = Cache::from_env();
        if !self.list && !self.clear {
            // Refuses a cache that cannot be written before anything is measured.
            cache.try_storing()?;
        }
        if self.list {
            return print::list(&cache, &context, self.json);
        }
        if self.clear {
            let removed = cache.clear(&Place::of(&context))?;
            output::line(format!("{removed} choices forgotten, in {}", folder(&cache)))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut lab = Lab::with(context, self.adapter.options());
        let found = if self.again { Found::default() } else { cache.find(&lab.context, &uses)? };
        let (outcomes, kept) = choose(&mut lab, &cache, &uses, &found, self.seconds).await?;
        if self.json {
            let record = AdapterRecord::of(&lab.context);
            outcomes.iter().try_for_each(|outcome| output::json(&Line::new(outcome, &record)))?;
        } else if outcomes.is_empty() {
            output::line("every operation of this network has one variant here: there is nothing to choose")?;
        } else {
            output::line(print::table(&outcomes))?;
        }
        // Keeping the choices is the purpose of this command.
        kept?;
        let wrong = outcomes.iter().any(|o| matches!(&o.state, State::Decided(d) if !d.wrong.is_empty()));
        Ok(if wrong { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}

impl Tune {
    fn objective(&self) -> Result<Objective> {
        let objective = Objective { augment: self.augment.unwrap_or_default(), ..Objective::default() };
        objective.augment.validate()?;
        Ok(objective)
    }
}

/// The cached choices for a network whose images have this preprocessing (`input`). Prints one line about them, and the
/// faults of the cache's files.
pub fn known(
    context: &Context,
    model: &Model,
    input: &Preprocessing,
    batch: usize,
    optimizer: &Optimizer,
    objective: &Objective,
) -> Result<Found> {
    let cache = Cache::from_env();
    let found = cache.find(context, &tune::uses(model, input, batch, optimizer, objective)?)?;
    for note in &found.notes {
        tell!("note: {note}");
    }
    if let (Some(date), false) = (&found.date, found.tuned.is_empty()) {
        let (tuned, of) = (found.tuned.len(), found.of);
        output::say(format!("tuned: {tuned} of {of} operations, from {}, on {date}", folder(&cache)));
    }
    Ok(found)
}

/// Tuning before a training.
#[derive(Clone, Copy)]
pub enum Before {
    /// None: the choices in the cache are used.
    Nothing,
    /// A short one, within these seconds, of the operations without a choice in the cache.
    First(f64),
    /// A whole one, within these seconds.
    Whole(f64),
}

/// Puts the tuned variants for a training into `options`: tuned now, or from the cache. Returns the context to use,
/// which may be of another device.
pub async fn for_training(
    context: Context,
    adapter: &AdapterArgs,
    model: &Model,
    input: &Preprocessing,
    options: &mut Options,
    before: Before,
) -> Result<Context> {
    let Options { optimizer, objective, .. } = &*options;
    let batch = options.images_at_once();
    let uses = tune::uses(model, input, batch, optimizer, objective)?;
    let cache = Cache::from_env();
    let seconds = match before {
        Before::Whole(seconds) => seconds,
        Before::Nothing | Before::First(_) => {
            let found = known(&context, model, input, batch, optimizer, objective)?;
            let missing = found.of > found.tuned.len();
            options.variants.tuned = found.tuned;
            let Before::First(seconds) = before else { return Ok(context) };
            let by_hand = &options.variants.by_hand;
            let open = |of: &&Use| {
                let key = of.call.key();
                !by_hand.contains_key(of.call.op.name) && !options.variants.tuned.contains_key(&key)
            };
            let uses: Vec<Use> = uses.iter().filter(open).cloned().collect();
            if !missing || uses.is_empty() {
                return Ok(context);
            }
            let (context, tuned) = first(context, adapter, &cache, &uses, seconds).await?;
            options.variants.tuned.extend(tuned);
            return Ok(context);
        }
    };
    let found = cache.find(&context, &uses)?;
    let mut lab = Lab::with(context, adapter.options());
    let (outcomes, kept) = choose(&mut lab, &cache, &uses, &found, seconds).await?;
    if let Err(error) = kept {
        tell!("note: the choices are used, but not kept: {error}");
    }
    options.variants.tuned = tune::tuned(&outcomes);
    Ok(lab.context)
}

/// Tunes `uses` within `seconds` before the first step, and stores the choices. Returns the context to use, and the
/// choices.
async fn first(
    context: Context,
    adapter: &AdapterArgs,
    cache: &Cache,
    uses: &[Use],
    seconds: f64,
) -> Result<(Context, BTreeMap<String, String>)> {
    let place = Place::of(&context);
    let (begun, bar) = (clock::seconds(), spinner());
    bar.set_message("choosing kernels for this adapter");
    let quick = Quick { seconds, ..Quick::default() };
    let First { context, outcomes } = tune::first(context, adapter.options(), uses, quick).await?;
    bar.finish_and_clear();
    let took = clock::seconds() - begun;
    tell_wrong(&outcomes);
    let decided = outcomes.iter().filter_map(|o| Some((o.chosen()?, o.default.as_str())));
    let other = decided.clone().filter(|(chosen, default)| chosen != default).count();
    if !outcomes.is_empty() {
        output::say(format!(
            "tuned {} of {} operations in {took:.1} s before the first step; {other} run a variant other than the \
             default (`wgrad tune` measures all; `--no-tune` measures none)",
            decided.count(),
            outcomes.len()
        ));
    }
    if let Err(error) = cache.store_quick(&place, &outcomes) {
        tell!("note: the choices are used, but not kept: {error}");
    }
    let context = match context {
        Some(context) => context,
        None => {
            tell!("note: the tuning did not end in its time, or a kernel hung; opening the device again");
            adapter.connect().await?
        }
    };
    let chosen = |o: &Outcome| (o.call.key(), o.chosen().unwrap_or(&o.default).to_string());
    Ok((context, outcomes.iter().map(chosen).collect()))
}

/// Tunes the operations that `found` does not have within `seconds`, prints the progress, and stores the choices. The
/// second result is the error of storing them, if there was one.
pub async fn choose(
    lab: &mut Lab,
    cache: &Cache,
    uses: &[Use],
    found: &Found,
    seconds: f64,
) -> Result<(Vec<Outcome>, wgrad::Result<()>)> {
    for note in &found.notes {
        tell!("note: {note}");
    }
    let place = Place::of(&lab.context);
    // What a short tuning chose is measured again.
    let whole = found.tuned.iter().filter(|(call, _)| !found.quick.contains(*call));
    let known = whole.map(|(call, chosen)| (call.clone(), chosen.clone())).collect();
    let settings = Settings { seconds, known, ..Settings::default() };
    let bar = spinner();
    let (begun, mut kept) = (clock::seconds(), Ok(()));
    let outcomes = tune::tune(lab, uses, &settings, &mut |event| match event {
        Event::Doing(what) => match bar.is_hidden() {
            true => tell!("tune: {what}"),
            false => bar.set_message(format!("tune: {what}")),
        },
        Event::Done(outcome) => {
            if let (Some(entry), true) = (entry(&place, outcome), kept.is_ok()) {
                kept = cache.store(&entry);
            }
        }
    })
    .await?;
    bar.finish_and_clear();
    tell(&outcomes, clock::seconds() - begun);
    if cache.folder.is_none() {
        tell!("note: the choices are not kept: no home folder is known; WGRAD_TUNED names one");
    }
    Ok((outcomes, kept))
}

fn spinner() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// Cache entry of an outcome, if it is decided.
fn entry(place: &Place, outcome: &Outcome) -> Option<Entry> {
    let State::Decided(decision) = &outcome.state else { return None };
    Some(Entry::new(place, &outcome.call, &outcome.default, &decision.chosen, decision.gain))
}

/// Prints the variants that are wrong, and the operations that were left out for another reason than the time.
fn tell_wrong(outcomes: &[Outcome]) {
    for outcome in outcomes {
        let at = format!("{} at {}", outcome.call.op.name, sizes::words(&outcome.call));
        match &outcome.state {
            State::Decided(decision) => {
                for (variant, reason) in &decision.wrong {
                    tell!("WRONG: {at}: {variant}: {}", reason.trim_end());
                }
            }
            State::LeftOut(reason) if reason != tune::OVER => {
                tell!("note: {at}: left out, since {reason}");
            }
            _ => {}
        }
    }
}

/// Prints a summary: wrong variants by name, and the number of operations that were left out.
fn tell(outcomes: &[Outcome], seconds: f64) {
    tell_wrong(outcomes);
    let chosen = outcomes.iter().filter_map(|outcome| Some((outcome.chosen()?, outcome.default.as_str())));
    let (done, of) = (chosen.clone().count(), outcomes.len());
    let other = chosen.filter(|(chosen, default)| chosen != default).count();
    tell!("tuned {done} of {of} operations in {seconds:.1} s; {other} run a variant other than the default");
    if done < of {
        let left = of - done;
        tell!(
            "{left} were left out and keep the default; more seconds reach more of them, and tuning again continues \
             there"
        );
    }
}

fn folder(cache: &Cache) -> String {
    cache.folder.as_ref().map_or("nowhere".to_string(), |folder| folder.display().to_string())
}
