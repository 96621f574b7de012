//! Timestamps that the device writes before and behind compute passes, several pairs in a submission. Whether
//! they can be believed is for [`super::Timer::validate`] to say.

use super::Context;
use std::sync::OnceLock;

/// Bytes of a pair.
pub(super) const PAIR: u64 = 16;
/// WebGPU allows 4096 queries in a set.
const MOST: usize = 2048;

/// Room for pairs of timestamps. Submissions use it one after the other, as the queue runs them.
pub struct Stamps {
    set: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    pairs: usize,
    /// Nanoseconds of a tick.
    period: f64,
    /// The first tick seen: seconds count from it, so that they are exact.
    origin: OnceLock<u64>,
}

impl Stamps {
    /// Room for `pairs` pairs; `None` where the device writes no timestamps, or not so many.
    pub fn new(context: &Context, pairs: usize) -> Option<Self> {
        let period = f64::from(context.queue.get_timestamp_period());
        let has = context.features.contains(wgpu::Features::TIMESTAMP_QUERY) && period > 0.0;
        if !has || !(1..=MOST).contains(&pairs) {
            return None;
        }
        let set = context.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("timestamps"),
            ty: wgpu::QueryType::Timestamp,
            count: 2 * pairs as u32,
        });
        let resolved = context.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("timestamps"),
            size: PAIR * pairs as u64,
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        Some(Self { set, resolved, pairs, period, origin: OnceLock::new() })
    }

    /// How many pairs there are.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Bytes of all pairs.
    pub(crate) fn bytes(&self) -> u64 {
        PAIR * self.pairs as u64
    }

    /// What a compute pass takes in order to write pair `pair`.
    pub(crate) fn writes(&self, pair: usize) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.set,
            beginning_of_pass_write_index: Some(2 * pair as u32),
            end_of_pass_write_index: Some(2 * pair as u32 + 1),
        }
    }

    /// Copies all pairs to `to`, from byte `at` on.
    pub(crate) fn resolve(&self, encoder: &mut wgpu::CommandEncoder, to: &wgpu::Buffer, at: u64) {
        encoder.resolve_query_set(&self.set, 0..2 * self.pairs as u32, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, to, at, self.bytes());
    }

    /// Beginning and end of each pair, in seconds of the device's clock; `None` where one is zero or they are
    /// not in order.
    pub(crate) fn read(&self, words: &[u32]) -> Vec<Option<[f64; 2]>> {
        let pairs = words.chunks_exact(4).map(|w| {
            let tick = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
            let (first, last) = (tick(w[0], w[1]), tick(w[2], w[3]));
            if first == 0 || last <= first {
                return None;
            }
            let origin = *self.origin.get_or_init(|| first);
            // Drivers may order two pairs either way round, so the difference has a sign.
            let seconds = |tick: u64| tick.wrapping_sub(origin) as i64 as f64 * self.period * 1e-9;
            Some([seconds(first), seconds(last)])
        });
        pairs.collect()
    }
}
