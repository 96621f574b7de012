//! Several ranks of one training: processes that MPI started, or adapters of this machine, each with a thread. Rank 0
//! reads the options, writes the run and prints; it tells the others what to train.

#[cfg(feature = "mpi")]
mod mpi;
#[cfg(not(feature = "mpi"))]
#[path = "none.rs"]
mod mpi;

use super::recorded::load_recorded;
use crate::{
    AdapterArgs, bench, in_words,
    interrupt::{INTERRUPTED, Interrupt},
    output,
};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use mpi::Processes;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ops::ControlFlow::{self, Break, Continue},
    process::ExitCode,
    sync::Arc,
    thread::{self, JoinHandle},
};
use wgrad::{
    Error,
    checkpoint::Position,
    data::Dataset,
    gpu::{self, AdapterChoice, Context, guarded},
    metrics::StepResult,
    model::Model,
    team::{Team, TeamOptions, Wire, launched, threads},
    train::{Epoch, Events, Options, Trainer},
    words::counted,
};
use wgrad_lab::profile;
use wgrad_run::{DataRecord, RanksRecord};

/// Options for several ranks.
#[derive(Args, Clone, Default)]
pub struct RanksArgs {
    /// Train on several adapters at once, each with a part of every batch: `all` GPUs, or a list such as `0,1`
    #[arg(long, value_name = "LIST", conflicts_with = "adapter")]
    adapters: Option<String>,
    /// With several ranks: batch normalization takes the mean and variance of the whole batch, not of each rank's images
    #[arg(long)]
    sync_batch_norm: bool,
    /// With several ranks: send gradients with 16 bits, rounded, in place of 32
    #[arg(long, value_name = "BITS", default_value = "f32", value_parser = wire)]
    wire: Wire,
}

fn wire(text: &str) -> Result<Wire, String> {
    match text {
        "f32" | "32" => Ok(Wire::F32),
        "f16" | "16" => Ok(Wire::F16),
        _ => Err("expected f32 or f16".into()),
    }
}

/// The ranks of a training, as rank 0 has them.
pub enum Ranks {
    /// One.
    Alone,
    /// Adapters of this machine, in the order of ranks.
    Adapters(Vec<AdapterChoice>),
    /// Processes that MPI started.
    Processes(Processes),
}

/// What the ranks do together.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub enum Task {
    /// They train.
    Train,
    /// They observe their training for so many seconds.
    Observe(f64),
}

/// What rank 0 tells the others to train.
#[derive(Serialize, Deserialize)]
pub struct Orders {
    /// What they do with it.
    pub task: Task,
    /// The options of the training.
    pub options: Options,
    /// The network.
    pub model: Model,
    /// The data; `None` for those of a measurement.
    pub data: Option<DataRecord>,
    /// The settings of the team.
    pub team: TeamOptions,
}

/// The other ranks, at work. To drop it is to leave the team and to wait for their threads; a trainer in the team is
/// dropped before.
pub struct Crew {
    // Dropped first: the others wait for it.
    /// The handle of rank 0.
    pub team: Team,
    _others: Others,
}

/// The threads of the other ranks, if they are threads. The program must not end while they use their devices.
#[derive(Default)]
struct Others(Vec<JoinHandle<()>>);

impl Drop for Others {
    fn drop(&mut self) {
        for other in self.0.drain(..) {
            // A rank has reported its own error.
            let _reported = other.join();
        }
    }
}

impl RanksArgs {
    /// The settings of the team.
    pub fn team(&self) -> TeamOptions {
        TeamOptions { wire: self.wire, sync_batch_norm: self.sync_batch_norm, ..TeamOptions::default() }
    }

    /// The ranks that the command line or MPI asks for; `adapter` becomes that of this rank.
    ///
    /// # Errors
    /// A list of adapters that names none, and MPI without support for it.
    pub async fn joined(&self, adapter: &mut AdapterArgs) -> Result<Ranks> {
        if launched() > 1 {
            if self.adapters.is_some() {
                bail!("MPI started several processes, each with one adapter; leave --adapters out");
            }
            let processes = Processes::join()?;
            if adapter.adapter == AdapterChoice::Best {
                adapter.adapter = AdapterChoice::of_local_rank(processes.local_rank()).await;
            }
            return Ok(Ranks::Processes(processes));
        }
        let Some(list) = &self.adapters else { return Ok(Ranks::Alone) };
        let all = match list.trim() {
            "all" => gpu::gpus().await.into_iter().map(AdapterChoice::Index).collect(),
            list => list.split(',').map(|one| one.parse().unwrap_or_default()).collect::<Vec<_>>(),
        };
        let Some(first) = all.first() else {
            bail!(
                "--adapters all: there is no GPU, only software adapters; `wgrad adapters` lists them, and \
                 `--adapters 0,1` names two"
            );
        };
        adapter.adapter = first.clone();
        Ok(if all.len() == 1 { Ranks::Alone } else { Ranks::Adapters(all) })
    }
}

impl Ranks {
    /// Number of ranks.
    pub fn size(&self) -> usize {
        match self {
            Self::Alone => 1,
            Self::Adapters(all) => all.len(),
            Self::Processes(processes) => processes.size(),
        }
    }

    /// The record of a run, if there are several.
    pub fn record(&self, team: TeamOptions) -> Option<RanksRecord> {
        (self.size() > 1).then(|| RanksRecord { size: self.size(), team })
    }

    /// Fits the images of each rank to its adapter by `fits`, which may lower the batch or cut it into parts.
    ///
    /// # Errors
    /// Those of `fits`.
    pub fn each(&self, options: &mut Options, fits: impl FnOnce(&mut Options) -> Result<()>) -> Result<()> {
        let whole = options.batch;
        let own = whole.div_ceil(self.size());
        options.batch = own;
        fits(options)?;
        options.batch = if options.batch < own { options.batch * self.size() } else { whole };
        Ok(())
    }

    /// The rank of this process.
    pub fn rank(&self) -> usize {
        if let Self::Processes(processes) = self { processes.rank() } else { 0 }
    }

    /// Tells the other ranks what to train, and prints the adapter of each; `None` if there are no others.
    ///
    /// # Errors
    /// [`Error::Team`] if a rank has left.
    pub fn begin(
        &self,
        (context, checked): (&Context, bool),
        data: &Arc<Dataset>,
        orders: &Orders,
    ) -> Result<Option<Crew>> {
        let settings = orders.team;
        let mut others = Others::default();
        let team = match self {
            Self::Alone => return Ok(None),
            Self::Adapters(all) => {
                let mut ranks = threads(all.len()).into_iter();
                let Some(first) = ranks.next() else { return Ok(None) };
                for (rank, choice) in ranks.zip(all.iter().skip(1)) {
                    let args = AdapterArgs { adapter: choice.clone(), checked };
                    let (team, data) = (Team::new(Arc::new(rank), settings), data.clone());
                    others.0.push(thread::spawn(move || {
                        let rank = team.rank();
                        let done = pollster::block_on(guarded(follow(team, &args, "", Some(data), None)));
                        if let Err(error) = done
                            && !matches!(error.downcast_ref(), Some(Error::Team { .. }))
                        {
                            tell!("error: rank {rank}: {}", in_words(&error));
                        }
                    }));
                }
                Team::new(Arc::new(first), settings)
            }
            Self::Processes(processes) => Team::new(processes.communicator(), settings),
        };
        team.from_first(serde_json::to_vec(orders)?)?;
        let host = if let Self::Processes(processes) = self { processes.host() } else { String::new() };
        let all = introduced(&team, context, &host)?;
        announce(&all);
        Ok(Some(Crew { team, _others: others }))
    }

    /// Trains as rank 0 says; for processes other than that of rank 0.
    ///
    /// # Errors
    /// Data or an adapter that are not here; the errors of the training.
    pub async fn follow(&self, adapter: &AdapterArgs) -> Result<ExitCode> {
        let Self::Processes(processes) = self else { bail!("only a process of MPI follows another") };
        output::be_quiet();
        let interrupt = Interrupt::install()?;
        // The settings arrive with the orders.
        let team = Team::new(processes.communicator(), TeamOptions::default());
        guarded(follow(team, adapter, &processes.host(), None, Some(&interrupt))).await?;
        Ok(if interrupt.requested() { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
    }

    /// Ends all processes if this one has ended with an error: the others wait for it. The error is printed here, since
    /// the process ends with theirs.
    pub fn end<T>(&self, ended: Result<T>) -> Result<T> {
        if let (Err(error), Self::Processes(processes)) = (&ended, self) {
            tell!("error: rank {}: {}", processes.rank(), in_words(error));
            processes.abort(2);
        }
        ended
    }
}

/// The adapter of each rank, with its machine.
fn introduced(team: &Team, context: &Context, host: &str) -> Result<Vec<(String, String)>> {
    let own = serde_json::to_vec(&(host, context.describe()))?;
    team.gather(&own)?.iter().map(|bytes| Ok(serde_json::from_slice(bytes)?)).collect()
}

/// Prints the adapter of each rank, and which of them share one.
fn announce(all: &[(String, String)]) {
    let mut ranks_of: BTreeMap<&(String, String), Vec<usize>> = BTreeMap::new();
    for (rank, adapter) in all.iter().enumerate() {
        let (host, name) = adapter;
        let place = if host.is_empty() { String::new() } else { format!(" on {host}") };
        output::say(format!("rank {rank}{place}: {name}"));
        ranks_of.entry(adapter).or_default().push(rank);
    }
    for ((host, name), ranks) in ranks_of.iter().filter(|(_, ranks)| ranks.len() > 1) {
        let place = if host.is_empty() { String::new() } else { format!(" on {host}") };
        let list = ranks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        tell!(
            "warning: {} ({list}) share {name}{place}, or adapters of that name; if there is only one, they take turns and \
             are slower than one rank",
            counted(ranks.len(), "rank")
        );
    }
}

/// A rank other than the first: it trains, and ends when the others do, or when it is interrupted.
struct Follower<'i> {
    interrupt: Option<&'i Interrupt>,
}

impl Follower<'_> {
    fn flow(&self) -> ControlFlow<()> {
        if self.interrupt.is_some_and(Interrupt::requested) { Break(()) } else { Continue(()) }
    }
}

impl Events for Follower<'_> {
    type Error = anyhow::Error;

    // Rank 0 has them.
    const KEEPS_BEST: bool = true;

    async fn on_epoch_begin(&mut self, _: &mut Trainer) -> Result<ControlFlow<()>> {
        Ok(self.flow())
    }

    fn on_train_batch_end(&mut self, _: &Position, _: &StepResult) -> ControlFlow<()> {
        self.flow()
    }

    async fn on_pause(&mut self, _: &mut Trainer) -> Result<ControlFlow<()>> {
        Ok(self.flow())
    }

    fn on_test_batch_end(&mut self, _: u64) -> ControlFlow<()> {
        self.flow()
    }

    async fn on_epoch_end(&mut self, _: &mut Trainer, _: &Epoch) -> Result<ControlFlow<()>> {
        Ok(self.flow())
    }
}

/// Does what rank 0 says, on `data` or what the orders name.
async fn follow(
    mut team: Team,
    adapter: &AdapterArgs,
    host: &str,
    data: Option<Arc<Dataset>>,
    interrupt: Option<&Interrupt>,
) -> Result<()> {
    let orders = team.from_first(Vec::new())?;
    let orders: Orders = serde_json::from_slice(&orders).context(
        "the orders of rank 0 are of another version of wgrad; start all ranks with the same program",
    )?;
    let Orders { task, options, model, data: record, team: settings } = orders;
    team.options = settings;
    let context = adapter.connect().await?;
    introduced(&team, &context, host)?;
    let data = match (data, record) {
        (Some(data), _) => data,
        (None, Some(record)) => Arc::new(load_recorded(&record, options.seed)?),
        (None, None) => Arc::new(bench::images(&model)?),
    };
    let mut trainer = Trainer::in_team(&context, &model, data, options, team).await?;
    match task {
        Task::Observe(seconds) => drop(profile::together(&mut trainer, seconds).await?),
        Task::Train => {
            if let Some(interrupt) = interrupt {
                interrupt.set_working(true);
            }
            trainer.fit(&mut Follower { interrupt }).await?;
        }
    }
    Ok(())
}
