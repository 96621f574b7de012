use anyhow::Result;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Bench {}

impl Bench {
    pub async fn run(self) -> Result<ExitCode> {
        anyhow::bail!("not written yet")
    }
}
