//! Submissions of several steps of a plan at once, and their results: losses and numbers of correct predictions, and
//! the outputs on request. With timestamps, the device also reports when it began and ended.

use super::{Arenas, Plan};
use crate::{
    Result, clock,
    gpu::{Context, FeedBuffers, Readback, Stamps, floats},
};
use std::ops::Range;

/// Recorded work, ready to be submitted.
pub struct Encoded {
    commands: wgpu::CommandBuffer,
    readback: Readback,
    /// Bytes of the results and of the timestamps, in the order of the buffer; the bytes of each output follow.
    bytes: [u64; 2],
    outputs: Vec<u64>,
    /// Number of steps.
    steps: usize,
}

/// Submitted work, with the buffer that receives its results.
pub struct Submitted {
    index: wgpu::SubmissionIndex,
    readback: Readback,
    bytes: [u64; 2],
    outputs: Vec<u64>,
    steps: usize,
    /// Start of the submission on the host, in seconds of [`crate::clock`].
    pub at: f64,
}

/// Results of a submission, and its times.
pub struct Finished {
    /// Loss sum and number of correct predictions of each step.
    pub results: Vec<[f32; 2]>,
    /// The same of each of several outputs: for each output, a pair for each step.
    pub heads: Vec<Vec<[f32; 2]>>,
    /// Beginning and end of each timed pass, in seconds of the device's clock; `None` if they are invalid.
    pub device: Vec<Option<[f64; 2]>>,
    /// The plan's output of each step, (batch, outputs), if it was requested.
    pub outputs: Vec<Vec<f32>>,
}

impl Plan {
    /// Submits the steps `range` of the chunk in `feed` in one compute pass, and requests their results.
    pub fn submit(
        &self,
        context: &Context,
        feed: &FeedBuffers,
        arenas: &Arenas,
        range: Range<usize>,
    ) -> Submitted {
        self.encode(context, feed, arenas, range, None).submit(context)
    }

    /// Records the work that [`Plan::submit`] submits. `stamps` has room for one pair: that of the pass.
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

    /// As [`Plan::encode`], for a feed that holds parts of steps; `last` returns true for those that end a step.
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

    /// Records the steps `range` of the chunk in `feed`, each with a copy of its output; `last` is as for
    /// [`Plan::encode_parts`].
    pub fn encode_with_outputs(
        &self,
        context: &Context,
        feed: &FeedBuffers,
        arenas: &Arenas,
        range: Range<usize>,
        last: &dyn Fn(usize) -> bool,
    ) -> Encoded {
        let mut encoder = context.device.create_command_encoder(&Default::default());
        let (output, results) = (self.output(), results_bytes(arenas, &range));
        let each = 4 * output.len as u64;
        let readback = Readback::new(&context.device, results + each * range.len() as u64);
        for (n, index) in range.clone().enumerate() {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            self.record_part(&mut pass, feed, index, last(index));
            drop(pass);
            let to = results + each * n as u64;
            encoder.copy_buffer_to_buffer(&output.buffer, output.offset, &readback.buffer, to, each);
        }
        copy_results(&mut encoder, arenas, &range, &readback);
        let outputs = vec![each; range.len()];
        let (bytes, steps) = ([results, 0], range.len());
        Encoded { commands: encoder.finish(), readback, bytes, outputs, steps }
    }

    /// Records only the read-back of the results of step `index`.
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

/// Bytes of the results of the steps `range`, those of several outputs included.
fn results_bytes(arenas: &Arenas, range: &Range<usize>) -> u64 {
    8 * (range.len() * (1 + arenas.heads.len())) as u64
}

/// Copies the results of the steps `range` to the beginning of `readback`: of the whole network, then of each output.
fn copy_results(
    encoder: &mut wgpu::CommandEncoder,
    arenas: &Arenas,
    range: &Range<usize>,
    readback: &Readback,
) {
    let each = 8 * range.len() as u64;
    for (n, slice) in [&arenas.results].into_iter().chain(&arenas.heads).enumerate() {
        let from = slice.offset + 8 * range.start as u64;
        encoder.copy_buffer_to_buffer(&slice.buffer, from, &readback.buffer, each * n as u64, each);
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
    let results = results_bytes(arenas, &range);
    let bytes = [results, stamps.map_or(0, Stamps::bytes)];
    let readback = Readback::new(&context.device, bytes.iter().sum());
    copy_results(&mut encoder, arenas, &range, &readback);
    if let Some(stamps) = stamps {
        stamps.resolve(&mut encoder, &readback.buffer, results);
    }
    let steps = range.len();
    Encoded { commands: encoder.finish(), readback, bytes, outputs: Vec::new(), steps }
}

impl Encoded {
    /// Submits the work and requests its results.
    pub fn submit(self, context: &Context) -> Submitted {
        let Self { commands, readback, bytes, outputs, steps } = self;
        let at = clock::seconds();
        let index = context.queue.submit([commands]);
        readback.map(bytes.iter().chain(&outputs).sum());
        Submitted { index, readback, bytes, outputs, steps, at }
    }
}

impl Submitted {
    /// Returns true if it was recorded with timestamps.
    pub fn is_stamped(&self) -> bool {
        self.bytes[1] > 0
    }

    /// Loss sum and number of correct predictions of each step, once the work is done.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails or hangs.
    pub async fn results(self, context: &Context) -> Result<Vec<[f32; 2]>> {
        Ok(self.finish(context, None).await?.results)
    }

    /// The results, and the timestamps in `stamps`, with which the work was recorded.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails or hangs.
    pub async fn finish(self, context: &Context, stamps: Option<&Stamps>) -> Result<Finished> {
        let lens: Vec<usize> =
            self.bytes.iter().chain(&self.outputs).map(|bytes| *bytes as usize / 4).collect();
        let words = self.readback.arrived(context, self.index, &lens).await?;
        let mut parts = words.into_iter();
        let (results, ticks) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let pair = |pair: &[u32]| [f32::from_bits(pair[0]), f32::from_bits(pair[1])];
        let all: Vec<[f32; 2]> = results.chunks_exact(2).map(pair).collect();
        let mut each = all.chunks(self.steps.max(1)).map(<[_]>::to_vec);
        let (results, heads) = (each.next().unwrap_or_default(), each.collect());
        let device = stamps.map(|stamps| stamps.read(&ticks)).unwrap_or_default();
        Ok(Finished { results, heads, device, outputs: floats(parts.collect()) })
    }
}
