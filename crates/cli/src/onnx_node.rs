//! `wgrad onnx-node`: runs ONNX's own test cases on wgrad's kernels, for scripts and kernel authors.

use super::{AdapterArgs, output};
use anyhow::Result;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};
use wgrad_formats::onnx::execute::{Device, Outcome, run_case};

#[derive(clap::Args)]
#[command(
    after_help = "Each folder holds `model.onnx` and `test_data_set_0` with `input_0.pb`, `output_0.pb` ...: the node tests of the \
Python package onnx, or what `wgrad export --test-data` writes. The output is one JSON object per case: passed, \
not_supported with the reason, or failed with the worst element. The exit code is 1 if one failed. \
scripts/onnx_backend.sh runs all of them."
)]
pub struct OnnxNode {
    /// Folders of test cases
    #[arg(value_name = "DIR", required = true)]
    cases: Vec<PathBuf>,
    #[command(flatten)]
    adapter: AdapterArgs,
}

impl OnnxNode {
    pub async fn run(self) -> Result<ExitCode> {
        let context = self.adapter.open().await?;
        // The test cases compare the kernels' outputs and report more.
        context.prove_first(None);
        let device = Device::new(&context);
        let mut failed = 0;
        for case in &self.cases {
            let outcome = run_case(&device, case).await?;
            failed += usize::from(matches!(outcome, Outcome::Failed { .. }));
            let mut line = json!(outcome);
            let name =
                case.file_name().map_or_else(|| case.display().to_string(), |n| n.to_string_lossy().into());
            line["case"] = json!(name);
            output::json(&line)?;
        }
        tell!("operations that ran: {}", device.operations().join(", "));
        Ok(if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
