//! Ranks that are processes of MPI. One thread makes all calls: MPI then needs no support for several threads, and its
//! handles, which are tied to a thread, stay there.

use ::mpi::{
    Threading, environment,
    topology::{Communicator as _, SimpleCommunicator},
    traits::{CommunicatorCollectives as _, Root as _},
};
use anyhow::{Context as _, Result};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};
use wgrad::{
    Error,
    team::{Communicator, MOST_BYTES, fits},
};

/// A call, with what this rank sends.
enum Call {
    AllGather,
    AllToAll,
    Broadcast,
    Abort(i32),
}

/// A call, what this rank sends, and where the answer goes.
type Request = (Call, Vec<u8>, Sender<Vec<u8>>);

/// The connection to the thread of MPI. To drop it is to leave: MPI is finalized.
struct World {
    rank: usize,
    size: usize,
    local_rank: usize,
    host: String,
    requests: Mutex<Option<Sender<Request>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The processes that MPI started, as this one sees them.
pub struct Processes(Arc<World>);

impl Processes {
    /// Joins the other processes.
    ///
    /// # Errors
    /// An MPI that was initialized before.
    pub fn join() -> Result<Self> {
        let (told, tells) = channel();
        let (requests, received) = channel();
        let thread = thread::Builder::new().name("MPI".into()).spawn(move || {
            let Some((universe, _)) = ::mpi::initialize_with_threading(Threading::Funneled) else { return };
            let world = universe.world();
            let local = world.split_shared(world.rank());
            let host = environment::processor_name().unwrap_or_default();
            let facts = (world.rank() as usize, world.size() as usize, local.rank() as usize, host);
            drop(local);
            if told.send(facts).is_ok() {
                serve(&world, &received);
            }
            // Finalizes MPI.
            drop(universe);
        })?;
        let (rank, size, local_rank, host) = tells.recv().context(
            "MPI does not start; does the mpirun that started this process belong to the library \
                                  that wgrad was built with?",
        )?;
        let (requests, thread) = (Mutex::new(Some(requests)), Mutex::new(Some(thread)));
        Ok(Self(Arc::new(World { rank, size, local_rank, host, requests, thread })))
    }

    pub fn rank(&self) -> usize {
        self.0.rank
    }

    pub fn size(&self) -> usize {
        self.0.size
    }

    /// The rank among the processes of this machine.
    pub fn local_rank(&self) -> usize {
        self.0.local_rank
    }

    /// The name of this machine.
    pub fn host(&self) -> String {
        self.0.host.clone()
    }

    pub fn communicator(&self) -> Arc<dyn Communicator> {
        self.0.clone()
    }

    /// Ends all processes with this exit code.
    pub fn abort(&self, code: i32) {
        // There is no answer: the process ends.
        let _ended = self.0.call(Call::Abort(code), Vec::new());
    }
}

/// Makes the calls, one after the other.
fn serve(world: &SimpleCommunicator, requests: &Receiver<Request>) {
    let size = world.size() as usize;
    while let Ok((call, mut bytes, answers)) = requests.recv() {
        let answer = match call {
            Call::AllGather => {
                let mut all = vec![0; bytes.len() * size];
                world.all_gather_into(&bytes[..], &mut all[..]);
                all
            }
            Call::AllToAll => {
                let mut received = vec![0; bytes.len()];
                world.all_to_all_into(&bytes[..], &mut received[..]);
                received
            }
            Call::Broadcast => {
                for part in bytes.chunks_mut(MOST_BYTES) {
                    world.process_at_rank(0).broadcast_into(part);
                }
                bytes
            }
            Call::Abort(code) => world.abort(code),
        };
        // Who asked has left if nobody takes the answer.
        let _taken = answers.send(answer);
    }
}

impl World {
    fn call(&self, call: Call, send: Vec<u8>) -> wgrad::Result<Vec<u8>> {
        let lost = || Error::Team { message: "the thread of MPI has ended".into() };
        let (answers, answer) = channel();
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.as_ref().ok_or_else(lost)?.send((call, send, answers)).map_err(|_| lost())?;
        answer.recv().map_err(|_| lost())
    }
}

impl Communicator for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn all_gather(&self, own: &[u8], all: &mut [u8]) -> wgrad::Result<()> {
        fits(own.len())?;
        all.copy_from_slice(&self.call(Call::AllGather, own.to_vec())?);
        Ok(())
    }

    fn all_to_all(&self, send: &[u8], received: &mut [u8]) -> wgrad::Result<()> {
        fits(send.len() / self.size.max(1))?;
        received.copy_from_slice(&self.call(Call::AllToAll, send.to_vec())?);
        Ok(())
    }

    fn broadcast(&self, bytes: &mut [u8]) -> wgrad::Result<()> {
        bytes.copy_from_slice(&self.call(Call::Broadcast, bytes.to_vec())?);
        Ok(())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A panic has left the others waiting: it ends them too.
        if thread::panicking() {
            let _ended = self.call(Call::Abort(101), Vec::new());
        }
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Waits until MPI is finalized.
            let _finalized = thread.join();
        }
    }
}
