//! Buffers and slices of them: allocate, upload, read back. All elements are four bytes.

use super::{Context, arrival::Arrival};
use crate::{Error, Result, op::Access};

/// A range of a device buffer, in elements of four bytes (`f32` or `u32`).
#[derive(Clone, Debug)]
pub struct Slice {
    pub(crate) buffer: wgpu::Buffer,
    pub(crate) offset: u64,
    /// Number of elements.
    pub len: usize,
}

impl Slice {
    /// The elements `start..start + len`; `start` must be a multiple of 64 (256 bytes) to be bound.
    pub fn slice(&self, start: usize, len: usize) -> Self {
        debug_assert!(start + len <= self.len);
        Self { buffer: self.buffer.clone(), offset: self.offset + 4 * start as u64, len }
    }

    pub(super) fn bytes(&self) -> u64 {
        4 * self.len as u64
    }

    /// Returns true if WebGPU forbids both in one dispatch: a buffer that is read must not be written, and
    /// ranges that are both written must not overlap.
    pub(super) fn conflicts(&self, access: Access, other: &Self, other_access: Access) -> bool {
        let overlap = self.offset < other.offset + other.bytes() && other.offset < self.offset + self.bytes();
        self.buffer == other.buffer
            && match (access, other_access) {
                (Access::Read, Access::Read) => false,
                (Access::Read, _) | (_, Access::Read) => true,
                _ => overlap,
            }
    }

    /// A binding of the slice and `beyond` more elements of its buffer.
    pub(super) fn binding(&self, beyond: usize) -> wgpu::BindingResource<'_> {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &self.buffer,
            offset: self.offset,
            size: wgpu::BufferSize::new(self.bytes() + 4 * beyond as u64),
        })
    }
}

impl Context {
    /// A new storage buffer of `len` zeros.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it exceeds what this adapter binds at once.
    pub fn zeros(&self, label: &str, len: usize) -> Result<Slice> {
        let bytes = 4 * len.max(1) as u64;
        let limit = self.most_bytes();
        if bytes > limit {
            let next = "a smaller model, batch or `.budget` may fit".to_string();
            return Err(Error::TooLarge { what: format!("`{label}`"), bytes, limit, next });
        }
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Ok(Slice { buffer, offset: 0, len: len.max(1) })
    }

    /// Copies `data` to the start of `to`, before any later submission runs.
    pub fn write<T: bytemuck::NoUninit>(&self, to: &Slice, data: &[T]) {
        let bytes: &[u8] = bytemuck::cast_slice(data);
        debug_assert!(bytes.len() as u64 <= to.bytes());
        self.queue.write_buffer(&to.buffer, to.offset, bytes);
    }

    /// Reads slices back, in one submission, as words.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails meanwhile.
    pub async fn read_words(&self, slices: &[&Slice]) -> Result<Vec<Vec<u32>>> {
        self.fetch(slices).all(self).await
    }

    /// Requests slices as they are after all work submitted so far, in one submission, without waiting.
    pub fn fetch(&self, slices: &[&Slice]) -> Fetch {
        let total: u64 = slices.iter().map(|s| s.bytes()).sum();
        let staging = Readback::new(&self.device, total);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut at = 0;
        for slice in slices {
            encoder.copy_buffer_to_buffer(&slice.buffer, slice.offset, &staging.buffer, at, slice.bytes());
            at += slice.bytes();
        }
        let submission = self.queue.submit([encoder.finish()]);
        staging.map(total);
        Fetch { submission, staging, lens: slices.iter().map(|slice| slice.len).collect() }
    }

    /// Reads slices of `f32` back, in one submission.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails meanwhile.
    pub async fn read_all(&self, slices: &[&Slice]) -> Result<Vec<Vec<f32>>> {
        Ok(floats(self.read_words(slices).await?))
    }

    /// Reads one slice of `f32` back.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails meanwhile.
    pub async fn read(&self, slice: &Slice) -> Result<Vec<f32>> {
        Ok(self.read_all(&[slice]).await?.pop().unwrap_or_default())
    }
}

/// Reinterprets words as `f32`.
pub fn floats(words: Vec<Vec<u32>>) -> Vec<Vec<f32>> {
    words.into_iter().map(|words| words.into_iter().map(f32::from_bits).collect()).collect()
}

/// Slices in transfer to the host.
pub struct Fetch {
    submission: wgpu::SubmissionIndex,
    staging: Readback,
    lens: Vec<usize>,
}

impl Fetch {
    /// The words of each slice, once they have arrived.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails meanwhile.
    pub async fn all(self, context: &Context) -> Result<Vec<Vec<u32>>> {
        let Self { submission, staging, lens } = self;
        staging.arrived(context, submission, &lens).await
    }

    /// The words of each slice; `None` before they have arrived and after they have been taken. Does not block.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails meanwhile.
    pub fn arrived(&self, context: &Context) -> Result<Option<Vec<Vec<u32>>>> {
        context.poll()?;
        self.take(context).transpose()
    }

    fn take(&self, context: &Context) -> Option<Result<Vec<Vec<u32>>>> {
        self.staging.take(context, &self.lens)
    }
}

/// A buffer that the host can map, for results that are read without waiting.
pub(crate) struct Readback {
    pub(crate) buffer: wgpu::Buffer,
    mapped: Arrival<std::result::Result<(), wgpu::BufferAsyncError>>,
}

impl Readback {
    pub(crate) fn new(device: &wgpu::Device, bytes: u64) -> Self {
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback"),
            size: bytes,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self { buffer, mapped: Arrival::default() }
    }

    /// Requests that the first `bytes` be mapped once the work submitted so far is done.
    pub(crate) fn map(&self, bytes: u64) {
        let mapped = self.mapped.clone();
        self.buffer.map_async(wgpu::MapMode::Read, 0..bytes, move |result| mapped.bring(result));
    }

    /// The first words, split into parts of these lengths, if they have arrived; unmaps the buffer for its next use.
    pub(crate) fn take(&self, context: &Context, lens: &[usize]) -> Option<Result<Vec<Vec<u32>>>> {
        Some(self.words(context, self.mapped.take()?, lens))
    }

    /// Waits for `submission`, then returns the first words as [`Readback::take`] does.
    pub(crate) async fn arrived(
        &self,
        context: &Context,
        submission: wgpu::SubmissionIndex,
        lens: &[usize],
    ) -> Result<Vec<Vec<u32>>> {
        context.wait(submission).await?;
        let mapped = self.mapped.arrived().await;
        let mapped = mapped.ok_or_else(|| context.failed("a read-back did not arrive".into()))?;
        self.words(context, mapped, lens)
    }

    fn words(
        &self,
        context: &Context,
        mapped: std::result::Result<(), wgpu::BufferAsyncError>,
        lens: &[usize],
    ) -> Result<Vec<Vec<u32>>> {
        mapped.map_err(|e| context.failed(e.to_string()))?;
        let parts = match self.buffer.get_mapped_range(0..4 * lens.iter().sum::<usize>() as u64) {
            Ok(view) => {
                let mut rest: &[u8] = &view;
                let mut part = |len: &usize| {
                    let (head, tail) = rest.split_at(4 * len);
                    rest = tail;
                    words(head).map_err(|e| context.fail(e))
                };
                lens.iter().map(&mut part).collect()
            }
            Err(e) => return Err(context.failed(e.to_string())),
        };
        self.buffer.unmap();
        parts
    }
}

/// Copies the bytes that came back into words; a message if the host has no memory for them.
fn words(bytes: &[u8]) -> std::result::Result<Vec<u32>, String> {
    let (chunks, _) = bytes.as_chunks();
    let mut words = Vec::new();
    words
        .try_reserve_exact(chunks.len())
        .map_err(|e| format!("{} bytes that it sends back do not fit into memory: {e}", bytes.len()))?;
    words.extend(chunks.iter().map(|chunk| u32::from_ne_bytes(*chunk)));
    Ok(words)
}
