//! Stub of the live page for a program that is built without it: it serves nothing and never has a request.

use anyhow::Result;
use std::{process::ExitCode, sync::Arc};
use wgrad::{checkpoint::Position, data::Dataset, gpu::Context, metrics::StepResult, train::Trainer};
use wgrad_run::{EpochLine, Run};

/// No options.
#[derive(clap::Args, Clone)]
pub struct LiveArgs {}

/// No page.
pub struct Live;

impl Live {
    pub async fn start(
        _: &LiveArgs,
        _: &Context,
        _: &Run,
        _: &Arc<Dataset>,
        _: &mut Trainer,
    ) -> Result<Self> {
        Ok(Self)
    }

    pub async fn go_on(&self, _: &Context, _: &Run, _: &Arc<Dataset>, _: &mut Trainer) -> Result<()> {
        Ok(())
    }

    pub fn step(&self, _: &Position, _: &StepResult) {}

    pub fn wants(&self) -> bool {
        false
    }

    pub fn stops(&self) -> bool {
        false
    }

    pub fn settle(&self, _: &mut Run, _: &mut Trainer, _: impl Fn() -> bool) -> Result<()> {
        Ok(())
    }

    pub fn evaluates(&self, _: bool) {}

    pub fn epoch(&self, _: &EpochLine) {}

    pub fn end(self, _: &Result<ExitCode>, _: bool) {}
}
