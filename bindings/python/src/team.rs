//! Ranks of one training: processes that MPI started, which reach each other through a communicator of mpi4py.

use numpy::{PyArray1, PyArrayMethods, PyUntypedArrayMethods};
use pollster::block_on;
use pyo3::{exceptions::PyValueError, prelude::*, types::PySlice};
use std::sync::{Arc, Mutex, PoisonError};
use wgrad::{
    Error,
    gpu::AdapterChoice,
    team::{self, Communicator, MOST_BYTES, TeamOptions, Wire, fits},
};

/// The number of processes that a launcher of MPI started together with this one, itself included.
#[pyfunction]
pub fn launched() -> usize {
    team::launched()
}

/// The adapter of a process by its rank among those of this machine: the GPUs in turn.
#[pyfunction]
pub fn device_of(py: Python<'_>, local_rank: usize) -> String {
    py.detach(|| block_on(AdapterChoice::of_local_rank(local_rank)).to_string())
}

/// A communicator of mpi4py, which only this team uses.
struct Mpi {
    communicator: Py<PyAny>,
    rank: usize,
    size: usize,
    /// Memory of messages, to send and to receive, which is kept between calls.
    kept: [Mutex<Option<Py<PyArray1<u8>>>>; 2],
}

impl Mpi {
    /// The first `len` bytes of the memory to send (0) or to receive (1).
    fn memory<'py>(&self, py: Python<'py>, which: usize, len: usize) -> PyResult<Bound<'py, PyArray1<u8>>> {
        let mut kept = self.kept[which].lock().unwrap_or_else(PoisonError::into_inner);
        let whole = match kept.as_ref().map(|array| array.bind(py)).filter(|array| array.len() >= len) {
            Some(array) => array.clone(),
            None => {
                let array = PyArray1::zeros(py, len, false);
                *kept = Some(array.clone().unbind());
                array
            }
        };
        Ok(whole.get_item(PySlice::new(py, 0, len as isize, 1))?.cast_into()?)
    }

    /// Calls `method` of the communicator, which sends `send` and fills `received`. mpi4py lets other threads of Python
    /// run while it waits.
    fn call(&self, method: &str, send: Option<&[u8]>, received: &mut [u8]) -> wgrad::Result<()> {
        let called = Python::attach(|py| {
            let into = self.memory(py, 1, received.len())?;
            match send {
                Some(send) => {
                    let from = self.memory(py, 0, send.len())?;
                    from.try_readwrite()?.as_slice_mut()?.copy_from_slice(send);
                    self.communicator.call_method1(py, method, (from, &into))?;
                }
                None => {
                    into.try_readwrite()?.as_slice_mut()?.copy_from_slice(received);
                    self.communicator.call_method1(py, method, (&into,))?;
                }
            }
            received.copy_from_slice(into.try_readonly()?.as_slice()?);
            Ok::<_, PyErr>(())
        });
        called.map_err(|error| Error::Team { message: format!("MPI failed in {method}: {error}") })
    }
}

impl Communicator for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn all_gather(&self, own: &[u8], all: &mut [u8]) -> wgrad::Result<()> {
        fits(own.len())?;
        self.call("Allgather", Some(own), all)
    }

    fn all_to_all(&self, send: &[u8], received: &mut [u8]) -> wgrad::Result<()> {
        fits(send.len() / self.size.max(1))?;
        self.call("Alltoall", Some(send), received)
    }

    fn broadcast(&self, bytes: &mut [u8]) -> wgrad::Result<()> {
        bytes.chunks_mut(MOST_BYTES).try_for_each(|part| self.call("Bcast", None, part))
    }
}

/// A rank's handle to its team.
#[pyclass(frozen, module = "wgrad._wgrad")]
pub struct Team {
    /// The engine's handle.
    pub team: team::Team,
}

#[pymethods]
impl Team {
    /// The rank of `communicator`, a communicator of mpi4py that nobody else uses. `wire` is "f32" or "f16".
    #[new]
    #[pyo3(signature = (communicator, *, sync_batch_norm, wire))]
    fn new(communicator: &Bound<'_, PyAny>, sync_batch_norm: bool, wire: &str) -> PyResult<Self> {
        let wire = match wire {
            "f32" => Wire::F32,
            "f16" => Wire::F16,
            _ => {
                return Err(PyValueError::new_err(format!("wire is {wire:?}, expected \"f32\" or \"f16\"")));
            }
        };
        let number = |method| communicator.call_method0(method)?.extract::<usize>();
        let (rank, size) = (number("Get_rank")?, number("Get_size")?);
        let communicator =
            Mpi { communicator: communicator.clone().unbind(), rank, size, kept: Default::default() };
        let options = TeamOptions { wire, sync_batch_norm, ..TeamOptions::default() };
        Ok(Self { team: team::Team::new(Arc::new(communicator), options) })
    }
}
