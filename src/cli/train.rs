use anyhow::Result;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Train {}

impl Train {
    pub async fn run(self) -> Result<ExitCode> {
        anyhow::bail!("not written yet")
    }
}
