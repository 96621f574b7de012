use anyhow::Result;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Data {}

impl Data {
    pub fn run(self) -> Result<ExitCode> {
        anyhow::bail!("not written yet")
    }
}

pub fn load_or_fetch(
    spec: &wgrad::data::DataSpec,
    places: &wgrad::data::Places,
) -> wgrad::Result<wgrad::data::Dataset> {
    wgrad::data::load(spec, places)
}
