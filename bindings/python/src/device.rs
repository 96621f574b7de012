//! Open devices. A device stays open until `close`, since compiled kernels belong to it; one that has failed is opened
//! again. Several names of one adapter share its device.

use crate::errors::Failure;
use pollster::block_on;
use pyo3::prelude::*;
use std::{
    process,
    sync::{Arc, Mutex, PoisonError},
};
use wgrad::gpu::{AdapterChoice, Context, Options, list};
use wgrad_files::{pipelines::PipelineFiles, proofs::ProofFiles};

/// An open device.
struct Open {
    /// The names by which it was asked for.
    names: Vec<String>,
    /// Index and description of its adapter.
    adapter: (usize, String),
    /// The process that opened it.
    opened_by: u32,
    context: Context,
}

static OPEN: Mutex<Vec<Open>> = Mutex::new(Vec::new());

/// Opens the device that `name` asks for, or returns the open one. Its kernels are proven before their first use.
pub fn open(name: &str) -> Result<Context, Failure> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if open.iter().any(|device| device.opened_by != process::id()) {
        return Err(Failure::Forked);
    }
    open.retain(|device| device.context.check().is_ok());
    if let Some(device) = open.iter().find(|device| device.names.iter().any(|known| known == name)) {
        return Ok(device.context.clone());
    }
    let choice: AdapterChoice = name.parse().unwrap_or_default();
    let found = block_on(choice.find())?;
    let adapter = (found.index, found.describe());
    if let Some(device) = open.iter_mut().find(|device| device.adapter == adapter) {
        device.names.push(name.to_string());
        return Ok(device.context.clone());
    }
    let context = block_on(Context::open(&Options { adapter: choice, ..Options::default() }))?;
    context.prove_first(Some(Arc::new(ProofFiles::from_env())));
    block_on(context.keep_pipelines(Arc::new(PipelineFiles::from_env())));
    let (names, opened_by) = (vec![name.to_string()], process::id());
    open.push(Open { names, adapter, opened_by, context: context.clone() });
    Ok(context)
}

/// Closes all devices, which frees their memory. A training that uses one ends with an error; the next call opens a
/// device again.
#[pyfunction]
pub fn close(py: Python<'_>) {
    py.detach(|| {
        let open = std::mem::take(&mut *OPEN.lock().unwrap_or_else(PoisonError::into_inner));
        for device in open {
            match device.opened_by == process::id() {
                true => device.context.close(),
                // After a fork, the device belongs to the other process.
                false => std::mem::forget(device.context),
            }
        }
    });
}

/// The adapters of this machine that can train: index, description, and class (`gpu`, or `cpu` for a software adapter).
#[pyfunction]
pub fn adapters(py: Python<'_>) -> Vec<(usize, String, String)> {
    let describe = |listed: &wgrad::gpu::Listed| (listed.index, listed.describe(), listed.class.to_string());
    py.detach(|| block_on(list()).iter().map(describe).collect())
}
