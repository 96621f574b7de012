use anyhow::Result;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Models {}

impl Models {
    pub fn run(self) -> Result<ExitCode> {
        anyhow::bail!("not written yet")
    }
}
