//! Teams: ranks that train one network together, each on a device of its own. A rank computes its share of every batch;
//! the gradients are summed before the update, so that all ranks hold the same weights after each step (data-parallel
//! training with synchronous updates). How the ranks reach each other is a [`team::Communicator`]: threads of this process
//! are [`team::threads()`]; a front end may bring MPI.

mod threads;

use crate::{Error, Result, clock, data::stream::Share};
use half::f16;
use serde_json::Value;
use std::{
    env,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
pub use threads::{Threads, threads};

/// The collective calls that a team needs, as MPI defines them. All ranks make the same calls in the same order; a call
/// blocks until the data of all ranks have arrived.
pub trait Communicator: Send + Sync {
    /// This rank, from 0.
    fn rank(&self) -> usize;

    /// Number of ranks.
    fn size(&self) -> usize;

    /// Sends `own` to every rank; `all` receives the bytes of each rank, in the order of ranks. All ranks send the same
    /// number of bytes.
    ///
    /// # Errors
    /// [`Error::Team`] if another rank has left.
    fn all_gather(&self, own: &[u8], all: &mut [u8]) -> Result<()>;

    /// Sends part r of `send` to rank r; part r of `received` is from rank r. All parts have the same length.
    ///
    /// # Errors
    /// [`Error::Team`] if another rank has left.
    fn all_to_all(&self, send: &[u8], received: &mut [u8]) -> Result<()>;

    /// Overwrites `bytes` by those of rank 0.
    ///
    /// # Errors
    /// [`Error::Team`] if another rank has left.
    fn broadcast(&self, bytes: &mut [u8]) -> Result<()>;
}

/// Most bytes of one message: MPI counts elements in 31 bits.
pub const MOST_BYTES: usize = 1 << 30;

/// Variables in which launchers tell a process how many there are: Open MPI; MPICH, Intel MPI and Slurm with PMI; these
/// for one machine.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"];
/// With PMIx, Slurm tells the rank in this variable, and the number of processes in its own.
const PMIX: (&str, &str) = ("PMIX_RANK", "SLURM_STEP_NUM_TASKS");

/// The number of processes that a launcher of MPI started together with this one, itself included, as its environment
/// tells; 1 without a launcher.
pub fn launched() -> usize {
    launched_in(|name| env::var(name).ok())
}

fn launched_in(variable: impl Fn(&str) -> Option<String>) -> usize {
    let of_slurm = variable(PMIX.0).map(|_| PMIX.1);
    let sizes = SIZES.into_iter().chain(of_slurm).filter_map(|name| variable(name)?.parse().ok());
    sizes.max().unwrap_or(1).max(1)
}

/// Refuses a message that MPI cannot send at once.
///
/// # Errors
/// [`Error::Team`] for more than [`MOST_BYTES`].
pub fn fits(bytes: usize) -> Result<()> {
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    let message = format!("{bytes} bytes at once, MPI takes {MOST_BYTES}; more ranks make smaller parts");
    Err(Error::Team { message })
}

/// Format of gradients on their way between ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wire {
    /// 32 bits: exact.
    #[default]
    F32,
    /// 16 bits (IEEE 754 binary16): half of the bytes; gradients above 65,504 overflow, those below 6e-8 vanish.
    F16,
}

/// Most characters of a value in a message.
const LONGEST: usize = 120;

/// Default of [`TeamOptions::bucket`], in bytes.
pub const BUCKET: usize = 4 << 20;

/// Settings of a team, the same on all its ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct TeamOptions {
    /// Format of gradients on their way.
    pub wire: Wire,
    /// True if batch normalization uses the mean and variance of the whole batch, as PyTorch's `SyncBatchNorm`; else
    /// those of each rank's share.
    pub sync_batch_norm: bool,
    /// Bytes of gradients that are summed at once, while the backward pass computes those of earlier layers (Li et al.
    /// 2020). It does not change the sums.
    pub bucket: usize,
}

impl Default for TeamOptions {
    fn default() -> Self {
        Self { wire: Wire::default(), sync_batch_norm: false, bucket: BUCKET }
    }
}

/// What a team has exchanged so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Number of collective calls.
    pub calls: u64,
    /// Bytes that this rank sent.
    pub bytes: u64,
    /// Seconds in the calls: transfer, and waiting for slower ranks.
    pub seconds: f64,
}

/// A rank's handle to its team. Clones belong to the same rank.
#[derive(Clone)]
pub struct Team {
    communicator: Arc<dyn Communicator>,
    /// Its settings.
    pub options: TeamOptions,
    /// Calls, bytes and nanoseconds.
    counts: Arc<[AtomicU64; 3]>,
}

/// The error for a rank that differs from the first.
fn differs(what: &str, rank: usize, got: &str, expected: &str) -> Error {
    let message = format!(
        "rank {rank} has {what} {got}, rank 0 has {expected}; start all ranks with the same program, data and options"
    );
    Error::Team { message }
}

impl Team {
    /// The rank of `communicator`.
    pub fn new(communicator: Arc<dyn Communicator>, options: TeamOptions) -> Self {
        Self { communicator, options, counts: Arc::default() }
    }

    /// This rank, from 0.
    pub fn rank(&self) -> usize {
        self.communicator.rank()
    }

    /// Number of ranks.
    pub fn size(&self) -> usize {
        self.communicator.size()
    }

    /// The part of each batch that this rank computes.
    pub fn share(&self) -> Share {
        Share { rank: self.rank(), ranks: self.size() }
    }

    /// What this rank has exchanged so far.
    pub fn traffic(&self) -> Traffic {
        let [calls, bytes, nanoseconds] = [0, 1, 2].map(|n: usize| self.counts[n].load(Ordering::Relaxed));
        Traffic { calls, bytes, seconds: nanoseconds as f64 * 1e-9 }
    }

    /// Makes a call that sends so many bytes, and counts it.
    fn counted<T>(&self, bytes: usize, call: impl FnOnce(&dyn Communicator) -> Result<T>) -> Result<T> {
        let begun = clock::seconds();
        let result = call(&*self.communicator);
        let nanoseconds = ((clock::seconds() - begun) * 1e9) as u64;
        for (count, more) in self.counts.iter().zip([1, bytes as u64, nanoseconds]) {
            count.fetch_add(more, Ordering::Relaxed);
        }
        result
    }

    /// Replaces `values` by the weighted sum over all ranks: Σ weight · values, in the order of ranks, the same bits on
    /// each. A rank of weight 0 contributes nothing, whatever its values are. Each rank adds up one part of the array
    /// (reduce-scatter, then all-gather; Thakur, Rabenseifner and Gropp 2005).
    ///
    /// # Errors
    /// [`Error::Team`] if another rank has left.
    pub fn sum(&self, values: &mut [f32], weight: f64) -> Result<()> {
        match self.options.wire {
            Wire::F32 => self.sum_exactly(values, weight),
            Wire::F16 => self.sum_as(
                values,
                weight,
                |value| f16::from_f32(value).to_bits(),
                |bits: u16| f16::from_bits(bits).to_f32(),
            ),
        }
    }

    /// As [`Team::sum`], with 32 bits in any case.
    pub(crate) fn sum_exactly(&self, values: &mut [f32], weight: f64) -> Result<()> {
        self.sum_as(values, weight, |value| value, |wire: f32| wire)
    }

    fn sum_as<W: bytemuck::Pod>(
        &self,
        values: &mut [f32],
        weight: f64,
        to_wire: impl Fn(f32) -> W,
        from_wire: impl Fn(W) -> f32,
    ) -> Result<()> {
        let size = self.size();
        let part = values.len().div_ceil(size);
        let mut send = vec![W::zeroed(); part * size];
        if weight != 0.0 {
            for (wire, value) in send.iter_mut().zip(&*values) {
                *wire = to_wire((f64::from(*value) * weight) as f32);
            }
        }
        let mut received = vec![W::zeroed(); part * size];
        let bytes = size_of_val(&*send);
        self.counted(bytes / size * (size - 1), |all| {
            all.all_to_all(bytemuck::cast_slice(&send), bytemuck::cast_slice_mut(&mut received))
        })?;
        let sums: Vec<W> = (0..part)
            .map(|n| {
                to_wire(
                    (0..size).map(|rank| f64::from(from_wire(received[rank * part + n]))).sum::<f64>() as f32
                )
            })
            .collect();
        self.counted(bytes / size * (size - 1), |all| {
            all.all_gather(bytemuck::cast_slice(&sums), bytemuck::cast_slice_mut(&mut received))
        })?;
        values.iter_mut().zip(received).for_each(|(value, wire)| *value = from_wire(wire));
        Ok(())
    }

    /// The arrays of all ranks, in the order of ranks; their lengths may differ.
    ///
    /// # Errors
    /// [`Error::Team`] if another rank has left.
    pub fn gather<T: bytemuck::Pod>(&self, own: &[T]) -> Result<Vec<Vec<T>>> {
        let mut lens = vec![0u64; self.size()];
        let len = [own.len() as u64];
        self.counted(8, |all| {
            all.all_gather(bytemuck::cast_slice(&len), bytemuck::cast_slice_mut(&mut lens))
        })?;
        let longest = lens.iter().max().copied().unwrap_or(0) as usize;
        let padded = [own, &vec![T::zeroed(); longest - own.len()]].concat();
        self.gather_equal(&padded).map(|all| {
            all.into_iter()
                .zip(lens)
                .map(|(mut each, len)| {
                    each.truncate(len as usize);
                    each
                })
                .collect()
        })
    }

    /// As [`Team::gather`], for arrays of one length.
    pub(crate) fn gather_equal<T: bytemuck::Pod>(&self, own: &[T]) -> Result<Vec<Vec<T>>> {
        if own.is_empty() {
            return Ok(vec![Vec::new(); self.size()]);
        }
        let mut all = vec![T::zeroed(); own.len() * self.size()];
        let bytes = size_of_val(own);
        self.counted(bytes * (self.size() - 1), |team| {
            team.all_gather(bytemuck::cast_slice(own), bytemuck::cast_slice_mut(&mut all))
        })?;
        Ok(all.chunks_exact(own.len()).map(<[T]>::to_vec).collect())
    }

    /// The bytes of rank 0; `own` of the others is ignored.
    ///
    /// # Errors
    /// [`Error::Team`] if another rank has left.
    pub fn from_first(&self, own: Vec<u8>) -> Result<Vec<u8>> {
        let mut len = [own.len() as u64];
        self.counted(8, |all| all.broadcast(bytemuck::cast_slice_mut(&mut len)))?;
        let mut bytes = if self.rank() == 0 { own } else { vec![0; len[0] as usize] };
        self.counted(bytes.len(), |all| all.broadcast(&mut bytes))?;
        Ok(bytes)
    }

    /// True on all ranks if it is true on any.
    ///
    /// # Errors
    /// [`Error::Team`] if another rank has left.
    pub fn any(&self, own: bool) -> Result<bool> {
        Ok(self.gather_equal(&[u8::from(own)])?.concat().contains(&1))
    }

    /// The flow of all ranks, where this one's is `own`: it breaks if any breaks.
    ///
    /// # Errors
    /// [`Error::Team`] if another rank has left.
    pub(crate) fn flow(&self, own: ControlFlow<()>) -> Result<ControlFlow<()>> {
        Ok(if self.any(own.is_break())? { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// Refuses ranks whose `own` differs from that of rank 0. `what` is its name in the message, which every rank
    /// reports with the first field that differs.
    ///
    /// # Errors
    /// [`Error::Team`].
    pub fn agree(&self, what: &str, own: &impl serde::Serialize) -> Result<()> {
        let all = self.gather(&serde_json::to_vec(own).map_err(not_told)?)?;
        let Some(rank) = (1..all.len()).find(|rank| all[*rank] != all[0]) else { return Ok(()) };
        let [got, expected] =
            [rank, 0].map(|rank| serde_json::from_slice(&all[rank]).unwrap_or(serde_json::Value::Null));
        let (field, got, expected) = difference(&got, &expected);
        Err(differs(&format!("{what}{field}"), rank, &told(got), &told(expected)))
    }
}

/// The error for what does not become JSON, or does not come from it.
pub(crate) fn not_told(error: serde_json::Error) -> Error {
    Error::Team { message: format!("what a rank tells the others is no JSON: {error}") }
}

/// The place of the first difference of two values that differ, as ` .layers[2].units`, and what stands there.
fn difference<'v>(got: &'v Value, expected: &'v Value) -> (String, &'v Value, &'v Value) {
    let within = |place: String, got, expected| {
        let (rest, got, expected) = difference(got, expected);
        (place + rest.trim_start(), got, expected)
    };
    let found = match (got, expected) {
        (Value::Object(got), Value::Object(expected)) => {
            let names = got.keys().chain(expected.keys());
            let mut each = names.map(|name| (name, got.get(name), expected.get(name)));
            each.find(|(_, got, expected)| got != expected).map(|(name, got, expected)| {
                within(format!(" .{name}"), got.unwrap_or(&Value::Null), expected.unwrap_or(&Value::Null))
            })
        }
        (Value::Array(got), Value::Array(expected)) if got.len() == expected.len() => {
            let mut each = got.iter().zip(expected).enumerate();
            each.find(|(_, (got, expected))| got != expected)
                .map(|(n, (got, expected))| within(format!("[{n}]"), got, expected))
        }
        _ => None,
    };
    found.unwrap_or((String::new(), got, expected))
}

/// A value in a message: a text as it is, anything else as JSON, cut where it is long.
fn told(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), Into::into);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Communicator, MOST_BYTES, Team, TeamOptions, Wire, fits, launched_in, threads};
    use crate::{Error, Result};
    use serde_json::json;
    use std::{panic::AssertUnwindSafe, sync::Arc, thread, time::Duration};

    /// The results of `each` on so many ranks.
    fn on<T: Send>(ranks: usize, options: TeamOptions, each: impl Fn(Team) -> T + Sync) -> Vec<T> {
        thread::scope(|scope| {
            let teams = threads(ranks).into_iter().map(|rank| Team::new(Arc::new(rank), options));
            let handles: Vec<_> = teams.map(|team| scope.spawn(|| each(team))).collect();
            handles.into_iter().map(|handle| handle.join().expect("ends")).collect()
        })
    }

    #[test]
    fn launchers_tell_how_many_processes_there_are() {
        let size = |variables: &[(&str, &str)]| {
            launched_in(|name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
            })
        };
        assert_eq!(size(&[]), 1);
        assert_eq!(size(&[("OMPI_COMM_WORLD_SIZE", "2")]), 2);
        assert_eq!(size(&[("PMI_SIZE", "1"), ("MPI_LOCALNRANKS", "3")]), 3);
        assert_eq!(size(&[("OMPI_COMM_WORLD_SIZE", "many")]), 1);
        // A job of Slurm has its number of tasks also where no step started this process with PMIx.
        assert_eq!(size(&[("SLURM_STEP_NUM_TASKS", "4")]), 1);
        assert_eq!(size(&[("SLURM_STEP_NUM_TASKS", "4"), ("PMIX_RANK", "0")]), 4);
        assert!(fits(MOST_BYTES).is_ok() && fits(MOST_BYTES + 1).is_err());
    }

    #[test]
    fn sums_are_weighted_and_the_same_bits_on_all_ranks() {
        for ranks in 1..=5 {
            for len in [0, 1, 2, 7, 64] {
                let found = on(ranks, TeamOptions::default(), |team| {
                    let mut values: Vec<f32> =
                        (0..len).map(|n| (n + 10 * team.rank()) as f32 / 3.0).collect();
                    let weight = team.rank() as f64 / 4.0;
                    if weight == 0.0 {
                        values.fill(f32::NAN);
                    }
                    team.sum(&mut values, weight).expect("sums");
                    values
                });
                for values in &found {
                    assert_eq!(values, &found[0], "the same bits on all ranks");
                    for (n, value) in values.iter().enumerate() {
                        let expected: f64 =
                            (1..ranks).map(|rank| (n + 10 * rank) as f64 / 3.0 * rank as f64 / 4.0).sum();
                        assert!(
                            (f64::from(*value) - expected).abs() <= 1e-6 * expected,
                            "{value} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn half_of_the_bits_round_and_overflow() {
        let options = TeamOptions { wire: Wire::F16, ..TeamOptions::default() };
        let found = on(2, options, |team| {
            let mut values = [0.1f32, 60000.0, 1.0];
            team.sum(&mut values, 1.0).expect("sums");
            (values, team.traffic().bytes)
        });
        for ([small, large, whole], bytes) in found {
            assert!((small - 0.2).abs() < 2e-4 && small != 0.2);
            assert_eq!((large, whole), (f32::INFINITY, 2.0));
            assert_eq!(bytes, 2 * 2 * 2, "two values of two bytes, in two calls");
        }
    }

    #[test]
    fn arrays_of_any_lengths_are_gathered_in_the_order_of_ranks() {
        let found = on(3, TeamOptions::default(), |team| {
            let own = vec![team.rank() as u32; 2 * team.rank()];
            (team.gather(&own).expect("gathers"), team.from_first(vec![7; 3 - team.rank()]).expect("arrives"))
        });
        for (all, first) in found {
            assert_eq!(all, [vec![], vec![1; 2], vec![2; 4]]);
            assert_eq!(first, [7, 7, 7]);
        }
        let any = on(3, TeamOptions::default(), |team| {
            (team.any(team.rank() == 1).expect("asks"), team.any(false).expect("asks"))
        });
        assert_eq!(any, [(true, false); 3]);
    }

    #[test]
    fn a_rank_that_differs_is_named_on_all_ranks() {
        let found = on(3, TeamOptions::default(), |team| {
            let own = if team.rank() == 2 { "7" } else { "5" };
            team.agree("batch", &own).err().map(|e| e.to_string())
        });
        for message in found {
            let message = message.expect("differs");
            assert!(message.contains("rank 2 has batch 7, rank 0 has 5"), "{message}");
        }
    }

    #[test]
    fn the_first_field_that_differs_is_named_and_shown_in_short() {
        let says = |one: serde_json::Value, other: serde_json::Value| {
            let found = on(2, TeamOptions::default(), |team| {
                team.agree("options", if team.rank() == 0 { &one } else { &other }).err()
            });
            found[0].as_ref().expect("differs").to_string()
        };
        let layers = |units: u32| json!({ "batch": 4, "layers": [{ "units": 3 }, { "units": units }] });
        let message = says(layers(5), layers(6));
        assert!(message.contains("rank 1 has options .layers[1].units 6, rank 0 has 5"), "{message}");
        let message = says(json!({ "a": [1, 2] }), json!({ "a": [1], "b": 0 }));
        assert!(message.contains("rank 1 has options .a [1], rank 0 has [1,2]"), "{message}");
        let message = says(json!({ "a": 1 }), json!({ "a": 1, "b": "x".repeat(500) }));
        assert!(message.contains("has options .b xxx") && message.contains("rank 0 has null"), "{message}");
        assert!(message.len() < 400, "{message}");
    }

    #[test]
    fn ranks_that_make_different_calls_are_told() {
        let found = on(2, TeamOptions::default(), |team| {
            team.gather_equal(&vec![1u8; 1 + team.rank()]).err().map(|e| e.to_string()).unwrap_or_default()
        });
        assert!(found.iter().all(|message| message.contains("different calls")), "{found:?}");
    }

    #[test]
    fn a_rank_that_leaves_ends_the_waiting_of_the_others() {
        let left = |result: Result<()>| matches!(result, Err(Error::Team { .. }));
        let found = on(3, TeamOptions::default(), |team| {
            if team.rank() == 1 {
                thread::sleep(Duration::from_millis(20));
                let panics = AssertUnwindSafe(|| {
                    let _team = team;
                    std::panic::resume_unwind(Box::new(()));
                });
                return std::panic::catch_unwind(panics).is_err();
            }
            let mut values = [1.0];
            left(team.sum(&mut values, 1.0)) && left(team.sum(&mut values, 1.0))
        });
        assert_eq!(found, [true; 3]);
        assert_eq!(threads(1)[0].size(), 1);
    }
}
