//! The feed on the device: the table of steps of one chunk, bound as group 1, and its images and labels, group 2.

use super::{Context, Slice};
use crate::{
    Result,
    feed::{Batch, Step},
};

/// Distance between two steps in the table: WebGPU's alignment of dynamic uniform offsets.
const STRIDE: usize = 256;

/// Buffers for one chunk. Clones share the buffers.
#[derive(Clone)]
pub struct FeedBuffers {
    steps: wgpu::Buffer,
    images: Slice,
    labels: Slice,
    /// Groups 1 and 2.
    groups: [wgpu::BindGroup; 2],
    /// Maximum number of steps.
    pub capacity: usize,
}

impl FeedBuffers {
    /// Buffers for up to `images` images of `pixels` bytes, with `each` labels an image, and up to `steps` steps.
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] if the images exceed what the adapter binds at once.
    pub fn new(
        context: &Context,
        images: usize,
        (pixels, each): (usize, usize),
        steps: usize,
    ) -> Result<Self> {
        let words = context.zeros("images", (images * pixels).div_ceil(4))?;
        let labels = context.zeros("labels", images * each)?;
        let table = context.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("steps"),
            size: (STRIDE * steps.max(1)) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let step = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &table,
            offset: 0,
            size: wgpu::BufferSize::new(size_of::<Step>() as u64),
        });
        let [of_step, of_chunk] = &context.feed_layouts();
        let groups = [
            group(context, "step", of_step, vec![step]),
            group(context, "chunk", of_chunk, vec![words.binding(0), labels.binding(0)]),
        ];
        Ok(Self { steps: table, images: words, labels, groups, capacity: steps })
    }

    /// Uploads a chunk. Work submitted earlier still sees the chunk before it: the queue
    /// keeps the order, and the copy waits in staging memory meanwhile.
    pub fn upload(&self, context: &Context, batch: &Batch, steps: &[Step]) {
        let whole = batch.images.len() / 4 * 4;
        context.queue.write_buffer(&self.images.buffer, 0, &batch.images[..whole]);
        if whole < batch.images.len() {
            let mut word = [0u8; 4];
            word[..batch.images.len() - whole].copy_from_slice(&batch.images[whole..]);
            context.queue.write_buffer(&self.images.buffer, whole as u64, &word);
        }
        context.write(&self.labels, &batch.labels);
        let mut table = vec![0u8; STRIDE * steps.len()];
        for (row, step) in table.chunks_exact_mut(STRIDE).zip(steps) {
            row[..size_of::<Step>()].copy_from_slice(bytemuck::bytes_of(step));
        }
        context.queue.write_buffer(&self.steps, 0, &table);
    }

    /// Makes step `index` of the chunk the current one for the dispatches that follow.
    pub fn select(&self, pass: &mut wgpu::ComputePass<'_>, index: usize) {
        let [step, chunk] = &self.groups;
        pass.set_bind_group(1, step, &[(STRIDE * index) as u32]);
        pass.set_bind_group(2, chunk, &[]);
    }
}

/// A bind group of `resources`, in the order of their bindings.
fn group(
    context: &Context,
    label: &str,
    layout: &wgpu::BindGroupLayout,
    resources: Vec<wgpu::BindingResource<'_>>,
) -> wgpu::BindGroup {
    let entries: Vec<_> =
        (0..).zip(resources).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
    let descriptor = wgpu::BindGroupDescriptor { label: Some(label), layout, entries: &entries };
    context.device.create_bind_group(&descriptor)
}
