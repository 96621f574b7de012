//! Compiled networks: a plan and the memory that it works on. Training, evaluation, prediction, interpretation
//! and checks each run one. This module knows no data sets and no files.

use crate::{
    Result,
    feed::{Batch, Step},
    gpu::{Context, FeedBuffers},
    plan::{Arenas, Plan},
    program::{Program, ValueId},
    selection::Choices,
};

/// A network on a device, ready to run. Clones share its memory.
#[derive(Clone)]
pub struct CompiledModel {
    /// The device.
    pub context: Context,
    /// The dispatches of a step.
    pub plan: std::sync::Arc<Plan>,
    /// Parameters, gradients, the optimizer's state and the results of steps.
    pub arenas: Arenas,
    /// The chunk of images and labels that steps read.
    pub feed: FeedBuffers,
}

impl CompiledModel {
    /// Compiles `program` with its own memory, for one step of its batch at a time, and uploads `weights`, the arena of
    /// its parameters.
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] if the adapter cannot bind it; the errors of the plan.
    pub async fn new(
        context: &Context,
        program: Program,
        weights: &[f32],
        variants: &Choices,
    ) -> Result<Self> {
        let arenas = Arenas::new(context, &program.parameters, 1)?.for_heads(context, program.heads)?;
        context.write(&arenas.parameters, weights);
        Self::reading(context, program, &arenas, variants).await
    }

    /// Compiles `program` with its own feed over the memory of another network: each run reads the weights as they are
    /// at that time.
    ///
    /// # Errors
    /// As [`CompiledModel::new`].
    pub async fn reading(
        context: &Context,
        program: Program,
        arenas: &Arenas,
        variants: &Choices,
    ) -> Result<Self> {
        let feed = FeedBuffers::new(context, program.batch, (program.pixels, program.labels), 1)?;
        Self::sharing(context, program, arenas, &feed, variants).await
    }

    /// Compiles `program` over the memory and the feed of another network.
    ///
    /// # Errors
    /// The errors of the plan.
    pub async fn sharing(
        context: &Context,
        program: Program,
        arenas: &Arenas,
        feed: &FeedBuffers,
        variants: &Choices,
    ) -> Result<Self> {
        let plan = Plan::compile(context, program, arenas, variants).await?.into();
        Ok(Self { context: context.clone(), plan, arenas: arenas.clone(), feed: feed.clone() })
    }

    /// Uploads a chunk of images and labels, and the table of its steps.
    pub fn upload(&self, batch: &Batch, steps: &[Step]) {
        self.feed.upload(&self.context, batch, steps);
    }

    /// Submits step `index` of the chunk; it does not wait.
    pub fn run(&self, index: usize) -> wgpu::SubmissionIndex {
        self.context.submit_with(|pass| self.plan.record(pass, &self.feed, index))
    }

    /// Reads values of the plan back, after all work submitted so far: the elements of each, as f32.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails.
    pub async fn read(&self, values: &[ValueId]) -> Result<Vec<Vec<f32>>> {
        let slices: Vec<_> = values.iter().map(|value| &self.plan.slices[value.0]).collect();
        self.context.read_all(&slices).await
    }
}
