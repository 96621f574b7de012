//! Timestamps that the device writes before and after compute passes, several pairs per submission. To decide
//! if they can be trusted, use [`super::Timer::validate`].

use super::Context;
use std::sync::OnceLock;

/// Bytes per pair.
pub(super) const PAIR: u64 = 16;
/// Maximum number of pairs: WebGPU allows 4096 queries in a set.
const MOST: usize = 2048;

/// A query set for pairs of timestamps. Submissions use it one after the other, in the order of the queue.
pub struct Stamps {
    set: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    pairs: usize,
    /// Nanoseconds per tick.
    period: f64,
    /// The first tick seen. Seconds count from it, which keeps them precise.
    origin: OnceLock<u64>,
}

impl Stamps {
    /// Allocates `pairs` pairs; `None` if the device has no timestamps, or not as many.
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

    /// Number of pairs.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Bytes of all pairs.
    pub(crate) fn bytes(&self) -> u64 {
        PAIR * self.pairs as u64
    }

    /// The descriptor with which a compute pass writes pair `pair`.
    pub(crate) fn writes(&self, pair: usize) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.set,
            beginning_of_pass_write_index: Some(2 * pair as u32),
            end_of_pass_write_index: Some(2 * pair as u32 + 1),
        }
    }

    /// Copies all pairs to `to`, starting at byte `at`.
    pub(crate) fn resolve(&self, encoder: &mut wgpu::CommandEncoder, to: &wgpu::Buffer, at: u64) {
        encoder.resolve_query_set(&self.set, 0..2 * self.pairs as u32, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, to, at, self.bytes());
    }

    /// Beginning and end of each pair, in seconds of the device's clock; `None` if one is zero or they are
    /// out of order.
    pub(crate) fn read(&self, words: &[u32]) -> Vec<Option<[f64; 2]>> {
        let pairs = words.chunks_exact(4).map(|w| {
            let tick = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
            let (first, last) = (tick(w[0], w[1]), tick(w[2], w[3]));
            if first == 0 || last <= first {
                return None;
            }
            let origin = *self.origin.get_or_init(|| first);
            // Drivers may execute two pairs in either order, so the difference has a sign.
            let seconds = |tick: u64| tick.wrapping_sub(origin) as i64 as f64 * self.period * 1e-9;
            Some([seconds(first), seconds(last)])
        });
        pairs.collect()
    }
}
