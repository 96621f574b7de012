//! Several ranks of one training: processes that MPI started, or adapters of this machine, each with a thread. Rank 0
//! reads the options, writes the run and prints; it tells the others what to train.

#[cfg(feature = "mpi")]
mod mpi;
#[cfg(not(feature = "mpi"))]
#[path = "none.rs"]
mod mpi;

use super::recorded::load_recorded;
use crate::{
    AdapterArgs, in_words,
    interrupt::{INTERRUPTED, Interrupt},
    output,
};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use mpi::Processes;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    env,
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
    op::AdapterClass,
    team::{Team, TeamOptions, Wire, threads},
    train::{Ended, Epoch, Events, Options, Trainer},
    words::counted,
};
use wgrad_run::{DataRecord, RanksRecord};

/// Variables in which launchers tell a process how many there are: Open MPI; MPICH, Intel MPI and Slurm with PMI; these
/// for one machine.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"];
/// With PMIx, Slurm tells the rank in this variable, and the number of processes in its own.
const PMIX: (&str, &str) = ("PMIX_RANK", "SLURM_STEP_NUM_TASKS");

/// Options for several ranks.
#[derive(Args, Clone, Default)]
pub struct RanksArgs {
    /// Train on several adapters at once, each with a part of every batch: `all` GPUs, or a list such as `0,1`
    #[arg(long, value_name = "LIST", conflicts_with = "adapter")]
    adapters: Option<String>,
    /// With several ranks: batch normalization takes the mean and variance of the whole batch, not of each rank's images
    #[arg(long, conflicts_with = "resume")]
    sync_batch_norm: bool,
    /// With several ranks: send gradients with 16 bits, rounded, in place of 32
    #[arg(long, value_name = "BITS", default_value = "f32", value_parser = wire, conflicts_with = "resume")]
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

/// What rank 0 tells the others to train.
#[derive(Serialize, Deserialize)]
struct Orders {
    options: Options,
    model: Model,
    data: DataRecord,
    team: TeamOptions,
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
        TeamOptions { wire: self.wire, sync_batch_norm: self.sync_batch_norm }
    }

    /// The ranks that the command line or MPI asks for; `adapter` becomes that of this rank.
    ///
    /// # Errors
    /// A list of adapters that names none, and MPI without support for it.
    pub async fn joined(&self, adapter: &mut AdapterArgs) -> Result<Ranks> {
        let of_slurm = env::var_os(PMIX.0).map(|_| PMIX.1);
        let several = |name: &str| {
            env::var(name).ok().and_then(|size| size.parse().ok()).is_some_and(|size: usize| size > 1)
        };
        if SIZES.into_iter().chain(of_slurm).any(several) {
            if self.adapters.is_some() {
                bail!("MPI started several processes, each with one adapter; leave --adapters out");
            }
            let processes = Processes::join()?;
            if adapter.adapter == AdapterChoice::Best {
                adapter.adapter = of_local_rank(processes.local_rank()).await;
            }
            return Ok(Ranks::Processes(processes));
        }
        let Some(list) = &self.adapters else { return Ok(Ranks::Alone) };
        let all = match list.trim() {
            "all" => gpus().await.into_iter().map(AdapterChoice::Index).collect(),
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

/// Indices of the GPUs, each once: with the back end of the first of them.
async fn gpus() -> Vec<usize> {
    let all = gpu::list().await;
    let gpus = || all.iter().filter(|listed| listed.class == AdapterClass::Gpu);
    let backend = gpus().next().map(|listed| listed.info.backend);
    gpus().filter(|listed| Some(listed.info.backend) == backend).map(|listed| listed.index).collect()
}

/// The adapter of a process by its rank on this machine: the GPUs in turn.
async fn of_local_rank(rank: usize) -> AdapterChoice {
    let gpus = gpus().await;
    gpus.get(rank % gpus.len().max(1)).map_or(AdapterChoice::Best, |index| AdapterChoice::Index(*index))
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
        record: DataRecord,
        (model, options): (&Model, &Options),
        settings: TeamOptions,
    ) -> Result<Option<Crew>> {
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
        let orders = Orders { options: options.clone(), model: model.clone(), data: record, team: settings };
        team.from_first(serde_json::to_vec(&orders)?)?;
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
        let ended = guarded(follow(team, adapter, &processes.host(), None, Some(&interrupt))).await?;
        Ok(match ended {
            Ended::Whole(_) => ExitCode::SUCCESS,
            Ended::Broken | Ended::Unjudged if interrupt.requested() => ExitCode::from(INTERRUPTED),
            Ended::Broken | Ended::Unjudged => ExitCode::SUCCESS,
        })
    }

    /// Ends all ranks after an error of this one, which has been reported.
    pub fn abort(&self) {
        if let Self::Processes(processes) = self {
            processes.abort(2);
        }
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

/// Trains as rank 0 says, on `data` or what the orders name.
async fn follow(
    mut team: Team,
    adapter: &AdapterArgs,
    host: &str,
    data: Option<Arc<Dataset>>,
    interrupt: Option<&Interrupt>,
) -> Result<Ended> {
    let orders = team.from_first(Vec::new())?;
    let orders: Orders = serde_json::from_slice(&orders).context(
        "the orders of rank 0 are of another version of wgrad; start all ranks with the same program",
    )?;
    let Orders { options, model, data: record, team: settings } = orders;
    team.options = settings;
    let context = adapter.connect().await?;
    introduced(&team, &context, host)?;
    let data = match data {
        Some(data) => data,
        None => Arc::new(load_recorded(&record, options.seed)?),
    };
    if let Some(interrupt) = interrupt {
        interrupt.set_working(true);
    }
    let mut trainer = Trainer::in_team(&context, &model, data, options, team).await?;
    trainer.fit(&mut Follower { interrupt }).await
}
