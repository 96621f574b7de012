//! Submissions: several steps of a plan at once, and their results, read once they are done: losses and hits, and the
//! outputs where they are asked for. With room for timestamps the device also says when it began and ended.

use super::{Arenas, Plan};
use crate::{
    Result, clock,
    gpu::{Context, FeedBuffers, Readback, Stamps, floats},
};
use std::ops::Range;

/// Recorded work that is ready to go.
pub struct Encoded {
    commands: wgpu::CommandBuffer,
    readback: Readback,
    /// Bytes of the results, of the timestamps and of the outputs of a step, as they lie in the buffer.
    bytes: [u64; 2],
    outputs: Vec<u64>,
}

/// Work on its way to the device, with the place where its results arrive.
pub struct Submitted {
    index: wgpu::SubmissionIndex,
    readback: Readback,
    bytes: [u64; 2],
    outputs: Vec<u64>,
    /// When the host began to hand it over, seconds of [`crate::clock`].
    pub at: f64,
}

/// What a submission computed, and when.
pub struct Finished {
    /// Loss sum and hits of each step.
    pub results: Vec<[f32; 2]>,
    /// Beginning and end of each timed pass, seconds of the device's clock; `None` where they cannot be.
    pub device: Vec<Option<[f64; 2]>>,
    /// The plan's output of each step, (batch, outputs), where it was asked for.
    pub outputs: Vec<Vec<f32>>,
}

impl Plan {
    /// Submits the steps `range` of the chunk in `feed` in one compute pass, and asks for their results.
    pub fn submit(
        &self,
        context: &Context,
        feed: &FeedBuffers,
        arenas: &Arenas,
        range: Range<usize>,
    ) -> Submitted {
        self.encode(context, feed, arenas, range, None).submit(context)
    }

    /// Records what [`Plan::submit`] submits. `stamps` has room for one pair: that of the pass.
    pub fn encode(
        &self,
        context: &Context,
        feed: &FeedBuffers,
        arenas: &Arenas,
        range: Range<usize>,
        stamps: Option<&Stamps>,
    ) -> Encoded {
        self.encode_parts(context, feed, arenas, range, &|_| true, stamps)
    }

    /// The same where what lies in the feed are parts of steps; `last` says which of them end one.
    pub fn encode_parts(
        &self,
        context: &Context,
        feed: &FeedBuffers,
        arenas: &Arenas,
        range: Range<usize>,
        last: &dyn Fn(usize) -> bool,
        stamps: Option<&Stamps>,
    ) -> Encoded {
        let mut encoder = context.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: None,
            timestamp_writes: stamps.map(|stamps| stamps.writes(0)),
        });
        for index in range.clone() {
            self.record_part(&mut pass, feed, index, last(index));
        }
        drop(pass);
        finish(context, encoder, arenas, range, stamps)
    }

    /// Records the steps `range` of the chunk in `feed`, each with a copy of its output.
    pub fn encode_with_outputs(
        &self,
        context: &Context,
        feed: &FeedBuffers,
        arenas: &Arenas,
        range: Range<usize>,
    ) -> Encoded {
        let mut encoder = context.device.create_command_encoder(&Default::default());
        let (output, results) = (self.output(), 8 * range.len() as u64);
        let each = 4 * output.len as u64;
        let readback = Readback::new(&context.device, results + each * range.len() as u64);
        for (n, index) in range.clone().enumerate() {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            self.record(&mut pass, feed, index);
            drop(pass);
            let to = results + each * n as u64;
            encoder.copy_buffer_to_buffer(&output.buffer, output.offset, &readback.buffer, to, each);
        }
        let from = arenas.results.offset + 8 * range.start as u64;
        encoder.copy_buffer_to_buffer(&arenas.results.buffer, from, &readback.buffer, 0, results);
        let outputs = vec![each; range.len()];
        Encoded { commands: encoder.finish(), readback, bytes: [results, 0], outputs }
    }

    /// Records nothing but the fetching of the results that step `index` has left.
    pub fn encode_results(&self, context: &Context, arenas: &Arenas, index: usize) -> Encoded {
        let encoder = context.device.create_command_encoder(&Default::default());
        finish(context, encoder, arenas, index..index + 1, None)
    }

    /// Records step `index` with a compute pass for each dispatch; `stamps` has a pair for each.
    pub fn encode_apart(
        &self,
        context: &Context,
        feed: &FeedBuffers,
        arenas: &Arenas,
        index: usize,
        stamps: &Stamps,
    ) -> Encoded {
        debug_assert_eq!(stamps.pairs(), self.steps.len());
        let mut encoder = context.device.create_command_encoder(&Default::default());
        for (n, step) in self.steps.iter().enumerate() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some(&step.label),
                timestamp_writes: Some(stamps.writes(n)),
            });
            feed.select(&mut pass, index);
            step.launch.record(&mut pass);
        }
        finish(context, encoder, arenas, index..index + 1, Some(stamps))
    }
}

/// Ends the commands with copies of results and timestamps.
fn finish(
    context: &Context,
    mut encoder: wgpu::CommandEncoder,
    arenas: &Arenas,
    range: Range<usize>,
    stamps: Option<&Stamps>,
) -> Encoded {
    let results = 8 * range.len() as u64;
    let bytes = [results, stamps.map_or(0, Stamps::bytes)];
    let readback = Readback::new(&context.device, bytes.iter().sum());
    let from = arenas.results.offset + 8 * range.start as u64;
    encoder.copy_buffer_to_buffer(&arenas.results.buffer, from, &readback.buffer, 0, results);
    if let Some(stamps) = stamps {
        stamps.resolve(&mut encoder, &readback.buffer, results);
    }
    Encoded { commands: encoder.finish(), readback, bytes, outputs: Vec::new() }
}

impl Encoded {
    /// Hands the work to the device and asks for its results.
    pub fn submit(self, context: &Context) -> Submitted {
        let Self { commands, readback, bytes, outputs } = self;
        let at = clock::seconds();
        let index = context.queue.submit([commands]);
        readback.map(bytes.iter().chain(&outputs).sum());
        Submitted { index, readback, bytes, outputs, at }
    }
}

impl Submitted {
    /// Whether it was recorded with room for timestamps.
    pub fn is_stamped(&self) -> bool {
        self.bytes[1] > 0
    }

    /// Loss sum and hits of each step, once the work is done.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails or hangs.
    pub async fn results(self, context: &Context) -> Result<Vec<[f32; 2]>> {
        Ok(self.finish(context, None).await?.results)
    }

    /// The results, and what the device wrote into `stamps`, with which the work was recorded.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails or hangs.
    pub async fn finish(self, context: &Context, stamps: Option<&Stamps>) -> Result<Finished> {
        let lens: Vec<usize> =
            self.bytes.iter().chain(&self.outputs).map(|bytes| *bytes as usize / 4).collect();
        let words = self.readback.arrived(context, self.index, &lens).await?;
        let mut parts = words.into_iter();
        let (results, ticks) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let pairs = results.chunks_exact(2);
        let results = pairs.map(|pair| [f32::from_bits(pair[0]), f32::from_bits(pair[1])]).collect();
        let device = stamps.map(|stamps| stamps.read(&ticks)).unwrap_or_default();
        Ok(Finished { results, device, outputs: floats(parts.collect()) })
    }
}
