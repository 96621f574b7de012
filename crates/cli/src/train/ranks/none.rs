//! In place of MPI, where the program was built without it: no process joins others.

use anyhow::{Result, bail};
use std::{convert::Infallible, sync::Arc};
use wgrad::team::Communicator;

/// Processes of MPI; there are none.
pub struct Processes(Infallible);

impl Processes {
    /// Refuses: the processes would train the same network, each for itself.
    pub fn join() -> Result<Self> {
        bail!(
            "MPI started several processes, but this wgrad was built without MPI; install Open MPI or MPICH with its \
             headers, and build with `cargo install --path crates/cli --features mpi`"
        )
    }

    pub fn rank(&self) -> usize {
        match self.0 {}
    }

    pub fn size(&self) -> usize {
        match self.0 {}
    }

    pub fn local_rank(&self) -> usize {
        match self.0 {}
    }

    pub fn host(&self) -> String {
        match self.0 {}
    }

    pub fn communicator(&self) -> Arc<dyn Communicator> {
        match self.0 {}
    }

    pub fn abort(&self, _: i32) {
        match self.0 {}
    }
}
