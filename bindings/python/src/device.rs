//! Open devices. A device stays open for the life of the process, since compiled kernels belong to it; one that has
//! failed is opened again.

use crate::errors::Failure;
use pollster::block_on;
use pyo3::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};
use wgrad::gpu::{AdapterChoice, Context, Options, list};
use wgrad_files::proofs::ProofFiles;

/// The open devices, each with the name that was asked for and the process that opened it.
static OPEN: Mutex<Vec<(String, u32, Context)>> = Mutex::new(Vec::new());

/// Opens the device that `name` asks for, or returns the open one. Its kernels are proven before their first use.
pub fn open(name: &str) -> Result<Context, Failure> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if open.iter().any(|(_, opened_by, _)| *opened_by != process) {
        return Err(Failure::Forked);
    }
    open.retain(|(_, _, context)| context.check().is_ok());
    if let Some((.., context)) = open.iter().find(|(asked, ..)| asked == name) {
        return Ok(context.clone());
    }
    let adapter: AdapterChoice = name.parse().unwrap_or_default();
    let context = block_on(Context::open(&Options { adapter, ..Options::default() }))?;
    context.prove_first(Some(Arc::new(ProofFiles::from_env())));
    open.push((name.to_string(), process, context.clone()));
    Ok(context)
}

/// The adapters of this machine that can train: index, description, and class (`gpu`, or `cpu` for a software adapter).
#[pyfunction]
pub fn adapters(py: Python<'_>) -> Vec<(usize, String, String)> {
    let describe = |listed: &wgrad::gpu::Listed| (listed.index, listed.describe(), listed.class.to_string());
    py.detach(|| block_on(list()).iter().map(describe).collect())
}
