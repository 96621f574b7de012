//! Training on a device that may be lost: it is reopened, the last saved state is restored, and the training continues
//! to the same bits.

use super::{
    Train,
    end::Limit,
    init::begin_from,
    ranks::{Orders, Ranks, Task},
};
use crate::{
    interrupt::Interrupt,
    live::Live,
    output,
    recover::{Patience, is_of_device},
};
use anyhow::{Error, Result, bail};
use std::{process::ExitCode, sync::Arc};
use wgrad::{
    callbacks::Verdict,
    checkpoint::Checkpoint,
    clock,
    data::Dataset,
    gpu::{AdapterRecord, Context, guarded},
    model::Model,
    team::Traffic,
    train::{Options, Trainer},
    words::{bytes, counted},
};
use wgrad_run::{LAST, RanksRecord, Run};

/// The last saved state, also in memory.
pub(super) struct Kept {
    pub state: Arc<Checkpoint>,
    /// Weights at the beginning of its epoch, if they are known.
    pub began: Option<Vec<f32>>,
}

impl Kept {
    /// State that a resumed training begins with.
    pub fn read(state: Arc<Checkpoint>) -> Self {
        let began = (state.position.step == 0).then(|| state.weights.clone());
        Self { state, began }
    }
}

/// Parts of a training that outlive a device.
pub(super) struct Session<'s> {
    pub dataset: Arc<Dataset>,
    pub model: &'s Model,
    pub options: Options,
    pub interrupt: &'s Interrupt,
    /// The ranks of the training, and their record if they are several.
    pub ranks: &'s Ranks,
    pub record: Option<RanksRecord>,
    /// `None` until there is a trainer, whose kernels it records.
    pub run: Option<Run>,
    /// `None` until the first state is saved.
    pub kept: Option<Kept>,
    pub limit: Option<Limit>,
    pub live: Option<Live>,
    /// True if the run was trained before this session.
    pub resumed: bool,
    /// True if a device was lost in this session.
    pub again: bool,
}

impl<'s> Session<'s> {
    pub fn new(
        dataset: Arc<Dataset>,
        model: &'s Model,
        options: Options,
        interrupt: &'s Interrupt,
        (ranks, record): (&'s Ranks, Option<RanksRecord>),
    ) -> Self {
        let (run, kept, limit, live) = (None, None, None, None);
        let (resumed, again) = (false, false);
        Self { dataset, model, options, interrupt, ranks, record, run, kept, limit, live, resumed, again }
    }

    /// Progress of the saved state: its epoch and step.
    fn progress(&self) -> Option<(u64, u64)> {
        self.kept.as_ref().map(|kept| (kept.state.position.epoch, kept.state.position.step))
    }

    /// Adds to an error of the device where the last good state is, and how to continue from it.
    fn reported(&self, error: Error) -> Error {
        let device = matches!(error.downcast_ref(), Some(wgrad::Error::Device { .. }));
        let Some(run) = self.run.as_ref().filter(|run| device && run.folder.join(LAST).exists()) else {
            return error;
        };
        let what = if is_of_device(&error) { "the device was lost" } else { "the device does not answer" };
        error.context(format!("{what}; {}", run.last_good()))
    }
}

impl Train {
    /// Trains from the state of `session`, on `context` and its successors.
    pub(super) async fn session(&self, context: Context, mut session: Session<'_>) -> Result<ExitCode> {
        let adapter = AdapterRecord::of(&context);
        let mut device = Some(context);
        let mut patience = Patience::default();
        let ended = loop {
            let ended = guarded(async {
                let context = match device.take() {
                    Some(context) => context,
                    None => self.reopened(&adapter).await?,
                };
                self.on_device(&context, &mut session).await
            })
            .await;
            let Err(error) = ended else { break ended };
            // The other ranks have lost this one.
            if session.record.is_some() {
                break Err(session.reported(error));
            }
            if let Err(error) = patience.again(error, session.progress()) {
                break Err(session.reported(error));
            }
            session.again = true;
        };
        let whole = matches!(ended, Ok((_, true)));
        let ended = ended.map(|(code, _)| code);
        if let Some(live) = session.live.take() {
            live.end(&ended, whole);
        }
        ended
    }

    /// Reopens the same device; an error if it is gone.
    async fn reopened(&self, wanted: &AdapterRecord) -> Result<Context> {
        let context = self.adapter.connect().await?;
        let found = AdapterRecord::of(&context);
        if found != *wanted {
            bail!(
                "the adapter {} ({}) is gone, found {} ({}); on another adapter the training would not continue to the \
                 same bits",
                wanted.name,
                wanted.backend,
                found.name,
                found.backend
            );
        }
        Ok(context)
    }

    /// Trains with this device until the training ends or the device is lost. Returns the exit code, and true if the
    /// training has nothing left to do.
    async fn on_device(&self, context: &Context, session: &mut Session<'_>) -> Result<(ExitCode, bool)> {
        if let Some(run) = &session.run {
            // Learning rates that were set during the run.
            session.options.rates.clone_from(&run.config.options.rates);
        }
        // Everything is saved at this point: a reopened device has nothing to finish yet.
        session.interrupt.set_working(false);
        let begun = clock::seconds();
        let Session { model, dataset, options, .. } = &*session;
        let crew = match session.record {
            None => None,
            Some(RanksRecord { team, .. }) => {
                let record = session.run.as_ref().map(|run| Ok(run.config.data.clone()));
                let record = record.unwrap_or_else(|| self.data_record(dataset))?;
                let (options, model) = (options.clone(), (*model).clone());
                let orders = Orders { task: Task::Train, options, model, data: Some(record), team };
                session.ranks.begin((context, self.adapter.checked), dataset, &orders)?
            }
        };
        let (dataset, options) = (dataset.clone(), options.clone());
        let mut trainer = match &crew {
            None => Trainer::new(context, model, dataset, options).await?,
            Some(crew) => Trainer::in_team(context, model, dataset, options, crew.team.clone()).await?,
        };
        let compiled = clock::seconds() - begun;
        match &session.kept {
            Some(kept) => trainer.restore(&kept.state),
            None => {
                let recorded = session.run.as_ref().map(|run| &run.config);
                let skip = recorded.map_or(self.skip_mismatch, |config| config.skip_mismatch);
                let recorded = recorded.and_then(|config| config.init.as_deref());
                if let Some(path) = recorded.or(self.init.as_deref()) {
                    begin_from(path, skip, &mut trainer).await?;
                }
            }
        }
        let run = match &mut session.run {
            Some(run) => run,
            none => none.insert(self.create(
                context,
                &trainer,
                (&session.dataset, session.model),
                session.record,
            )?),
        };
        if let Some(Kept { state, .. }) = &session.kept {
            for dropped in run.rewind(&state.position)? {
                tell!("warning: {dropped}");
            }
            let within = match state.position.step {
                0 => String::new(),
                step => format!(", after {} of it", counted(step as usize, "step")),
            };
            let at = format!("at epoch {}{within}", state.position.epoch + 1);
            if session.again {
                output::say(format!("continuing {at}"));
            } else if session.resumed {
                run.save_config()?;
                let missing = run.missing_lines(&state.position)?;
                if missing > 0 {
                    tell!("warning: {missing} of the epochs so far have no line in metrics.jsonl");
                }
                output::say(format!("resuming {} {at}", run.folder.display()));
            }
        }
        match &session.live {
            Some(live) => live.go_on(context, run, &session.dataset, &mut trainer).await?,
            None => {
                let live = Live::start(&self.live, context, run, &session.dataset, &mut trainer).await?;
                session.live = Some(live);
            }
        }
        let code = self.epochs(context, session, &mut trainer, compiled).await?;
        let whole = trainer.position().epoch >= session.options.epochs || trainer.verdict() != Verdict::GoOn;
        if crew.is_some() {
            report_traffic(&trainer);
        }
        Ok((code, whole))
    }
}

/// Prints what the ranks exchanged.
fn report_traffic(trainer: &Trainer) {
    let Traffic { calls, bytes: sent, seconds } = trainer.traffic();
    output::say(format!(
        "ranks: {}, {} sent by each, {seconds:.1} s of transfer and of waiting for the slowest rank",
        counted(usize::try_from(calls).unwrap_or(usize::MAX), "exchange"),
        bytes(sent)
    ));
}
