//! Submissions: several steps of a plan at once, and their results, read once they are done.

use super::{Arenas, Context, FeedBuffers, Plan, Readback};
use crate::Result;
use std::ops::Range;

/// Work on its way to the device, with the place where its results arrive.
pub struct Submitted {
    index: wgpu::SubmissionIndex,
    readback: Readback,
    bytes: u64,
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
        let mut encoder = context.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for index in range.clone() {
            self.record(&mut pass, feed, index);
        }
        drop(pass);
        let bytes = 8 * range.len() as u64;
        let readback = Readback::new(&context.device, bytes);
        let from = arenas.results.offset + 8 * range.start as u64;
        encoder.copy_buffer_to_buffer(&arenas.results.buffer, from, &readback.buffer, 0, bytes);
        let index = context.queue.submit([encoder.finish()]);
        readback.map(bytes);
        Submitted { index, readback, bytes }
    }
}

impl Submitted {
    /// Loss sum and hits of each step, once the work is done.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device fails or hangs.
    pub fn results(self, context: &Context) -> Result<Vec<[f32; 2]>> {
        context.wait(self.index)?;
        let words = self
            .readback
            .take(self.bytes)
            .ok_or_else(|| context.fail("the results of a submission did not arrive".into()))??;
        Ok(words.chunks_exact(2).map(|pair| [f32::from_bits(pair[0]), f32::from_bits(pair[1])]).collect())
    }
}
