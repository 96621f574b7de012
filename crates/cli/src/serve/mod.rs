//! `wgrad serve`: serves the trained network of a run over HTTP. A separate thread reads the requests (`web`); this one
//! owns the device and makes batches of the waiting pictures.

mod limiter;
mod routes;

use super::{
    AdapterArgs,
    interrupt::{INTERRUPTED, Interrupt},
    predict::{Taking, predictor as predictor_of},
    recover::Patience,
    runs::run_name,
    web::{
        Server,
        address::{Address, Reach},
        body::Room,
        shares::{Held, Shares, kib},
    },
};
use anyhow::{Context as _, Result, bail};
use limiter::Limiter;
use routes::{Routes, paths};
use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread::{JoinHandle, spawn},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use wgrad::{gpu::guarded, predict::Predictor};
use wgrad_data::picture::SENT_MEMORY;
use wgrad_run::Run;

/// Port of the server, if it is free.
const PORT: u16 = 7979;
/// Time for the requests under way when the server ends.
const GRACE: Duration = Duration::from_secs(10);
/// Default MiB of all requests together, unless the largest need more.
const MEMORY: usize = 1024;
/// Interval at which the server looks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad serve runs/mlp-1                          a page at http://127.0.0.1:7979 that takes pictures
  wgrad serve runs/mlp-1 --addr 8080
  curl --data-binary @shirt.png http://127.0.0.1:7979/predict?top=3
  curl -F file=@shirt.png -F file=@boot.jpg http://127.0.0.1:7979/predict
  curl http://127.0.0.1:7979/model

Ctrl-C finishes the requests under way; a second Ctrl-C, or one before it listens, stops at once (exit code 130).")]
pub struct Serve {
    /// The folder of a run
    #[arg(value_name = "RUN", value_parser = run_name())]
    run: PathBuf,
    /// Address to listen on: a port, an address or both [default: 127.0.0.1:7979, or a free port if that is taken]
    #[arg(long, value_name = "ADDR", default_value = "", hide_default_value = true)]
    addr: Address,
    /// Most pictures in a batch on the device
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_batch: u32,
    /// Milliseconds that a picture waits for others to join its batch
    #[arg(long, value_name = "MS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(..=10_000))]
    max_wait: u64,
    /// Pictures per second that one address may send; it may send twice as many at once
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Most MiB of a request
    #[arg(long, value_name = "MIB", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_body: u64,
    /// MiB that all requests together may hold: bodies, the picture that is decoded, and answers. Further requests
    /// wait up to 5 seconds for room [default: 1024, or what two of the largest requests need]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    memory: Option<u64>,
    /// Use the weights of the last epoch instead of the best
    #[arg(long)]
    last: bool,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    adapter: AdapterArgs,
}

/// A picture as the network takes it, and the channel for the answer.
struct Job {
    pixels: Vec<u8>,
    answer: oneshot::Sender<Vec<f32>>,
    /// A place in the queue.
    _place: Held,
}

impl Serve {
    pub async fn run(self) -> Result<ExitCode> {
        let interrupt = Interrupt::saying("finishing the requests under way")?;
        let run = Run::open(&self.run)?;
        crate::reading::one_output(&run.config.model, "wgrad serve")?;
        let taking = Taking::of(&run.config)?;
        let room = self.room(run.config.model.pixels())?;
        self.addr.check(PORT, &self.reach)?;
        let checkpoint = if self.last { run.last()?.for_use() } else { run.best()? };
        let context = self.adapter.open().await?;
        let batch = self.max_batch as usize;
        let predictor = predictor_of(&context, &run, &checkpoint, batch).await?;
        // Listens only now: an earlier connection would wait for an answer.
        let listener = self.addr.listen(PORT, &self.reach)?;
        let places = 4 * batch.max(64);
        let (send, jobs) = sync_channel(places);
        let routes = Arc::new(Routes {
            jobs: send,
            places: Shares::new(places, places / 2),
            turns: Default::default(),
            room,
            taking,
            adapter: context.describe(),
            position: checkpoint.position,
            limiter: Limiter::new(f64::from(self.rate)),
            counts: Default::default(),
            run,
            batch,
        });
        interrupt.set_working(true);
        let server = Server::start(listener, self.reach.host_name.clone(), paths(routes.clone()))?;
        tell!("serving {}: http://{}/ (Ctrl-C ends)", self.run.display(), server.address);
        let mut ending = Ending::Serves(server);
        let mut ended = guarded(self.answer(&predictor, &jobs, &routes, &interrupt, &mut ending)).await;
        drop(predictor);
        drop(context);
        // Clients whose answers were lost with the device get an error; the others are still served.
        let mut patience = Patience::default();
        while let Err(error) = ended {
            let patience = patience.again(error, routes.counts.batches());
            patience.with_context(|| format!("cannot continue serving {}", self.run.display()))?;
            ended = guarded(async {
                let context = self.adapter.open().await?;
                let predictor = predictor_of(&context, &routes.run, &checkpoint, batch).await?;
                self.answer(&predictor, &jobs, &routes, &interrupt, &mut ending).await
            })
            .await;
        }
        Ok(ExitCode::from(INTERRUPTED))
    }

    /// Memory for bodies and answers, for a network that takes `input` bytes.
    fn room(&self, input: usize) -> Result<Room> {
        let most = (self.max_body as usize) << 20;
        let (largest, reading) = (Room::largest(most, input), kib(SENT_MEMORY));
        let memory = match self.memory {
            Some(memory) => (memory as usize) << 10,
            None => (MEMORY << 10).max(reading + 2 * largest),
        };
        let least = (reading + largest).div_ceil(1 << 10);
        if memory < least << 10 {
            bail!(
                "got --memory {}, but reading a picture takes up to {} MiB, and a request of --max-body {} up to {}; \
                 give --memory {least} or more, or a smaller --max-body",
                memory >> 10,
                reading >> 10,
                self.max_body,
                largest.div_ceil(1 << 10)
            );
        }
        Ok(Room::new(memory - reading, most, input))
    }

    /// Answers jobs until Ctrl-C, and then the remaining ones, which the server waits for.
    async fn answer(
        &self,
        predictor: &Predictor,
        jobs: &Receiver<Job>,
        routes: &Routes,
        interrupt: &Interrupt,
        ending: &mut Ending,
    ) -> Result<()> {
        let batch = self.max_batch as usize;
        let wait = Duration::from_millis(self.max_wait);
        work(predictor, jobs, batch, wait, routes, &|| interrupt.requested()).await?;
        *ending = match std::mem::replace(ending, Ending::Over) {
            Ending::Serves(server) => Ending::Ends(spawn(move || server.stop(GRACE))),
            other => other,
        };
        let over = || match &*ending {
            Ending::Ends(thread) => thread.is_finished(),
            Ending::Serves(_) | Ending::Over => true,
        };
        work(predictor, jobs, batch, Duration::ZERO, routes, &over).await
    }
}

/// State of the server.
enum Ending {
    Serves(Server),
    /// It finishes the requests under way.
    Ends(JoinHandle<()>),
    Over,
}

/// Answers jobs until it `is_over`, in batches of those that come within `wait`.
async fn work(
    predictor: &Predictor,
    jobs: &Receiver<Job>,
    batch: usize,
    wait: Duration,
    routes: &Routes,
    is_over: &dyn Fn() -> bool,
) -> Result<()> {
    while !is_over() {
        let first = match jobs.recv_timeout(LOOK) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        let (mut together, until) = (vec![first], Instant::now() + wait);
        while together.len() < batch
            && let Ok(job) = jobs.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            together.push(job);
        }
        let pixels: Vec<u8> = together.iter().flat_map(|job| &job.pixels).copied().collect();
        let answers = predictor.probabilities(&pixels).await?;
        routes.counts.batch(together.len());
        for (job, answer) in together.into_iter().zip(answers) {
            // The client may be gone by now.
            let (Ok(()) | Err(_)) = job.answer.send(answer);
        }
    }
    Ok(())
}
