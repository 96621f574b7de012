use anyhow::Result;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Completions {}

impl Completions {
    pub fn run(self) -> Result<ExitCode> {
        anyhow::bail!("not written yet")
    }
}
