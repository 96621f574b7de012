//! Limits on what an adapter can bind at once, and the number of images of a program that fits.

use crate::{
    Error, Result,
    gpu::Context,
    program::{Home, Program, Value},
};

/// A buffer that does not fit.
pub(super) struct Excess {
    what: String,
    bytes: u64,
    limit: u64,
    /// Approximate number of images that would fit.
    pub fits: usize,
}

impl From<Excess> for Error {
    fn from(Excess { what, bytes, limit, fits }: Excess) -> Self {
        let next = match fits {
            0 => "not even one image fits: make that layer smaller, or choose another `.adapter`".to_string(),
            fits => format!("use `.batch = {fits}` or less"),
        };
        Self::TooLarge { what, bytes, limit, next }
    }
}

impl Context {
    /// Maximum number of bytes that this adapter binds at once.
    pub fn most_bytes(&self) -> u64 {
        self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size)
    }
}

/// The excess of `program` over `limit` bytes: its largest temporary, and the batch with which all would fit; or the
/// images themselves.
pub(super) fn excess(program: &Program, limit: u64) -> Option<Excess> {
    let bytes = |value: &&Value| 4 * value.len() as u64;
    let temporaries = program.values.iter().filter(|v| v.home == Home::Temporary);
    if let Some(largest) = temporaries.clone().max_by_key(bytes).filter(|value| bytes(value) > limit) {
        // The first axis is the batch, or the number of parts in which it is summed, which is smaller.
        let rows = |value: &Value| value.shape.first().map_or(1, |rows| *rows as u64).max(1);
        let fitting = temporaries
            .filter(|value| bytes(value) > limit)
            .map(|value| limit / (bytes(&value) / rows(value)));
        let fits = fitting.min().unwrap_or(0) as usize;
        return Some(Excess { what: program.in_words(largest), bytes: bytes(&largest), limit, fits });
    }
    let images = (program.batch * program.pixels) as u64;
    let fits = limit as usize / program.pixels.max(1);
    (images > limit).then(|| Excess { what: "the images of a batch".into(), bytes: images, limit, fits })
}

/// The largest batch up to `batch` with which all of `programs` fit what `context` binds at once.
///
/// # Errors
/// [`Error::TooLarge`] if not even one image fits, and the errors of `programs`.
pub(crate) fn fitting(
    context: &Context,
    batch: usize,
    programs: &dyn Fn(usize) -> Result<Vec<Program>>,
) -> Result<usize> {
    let mut batch = batch;
    loop {
        let beyond =
            programs(batch)?.iter().filter_map(|p| excess(p, context.most_bytes())).min_by_key(|e| e.fits);
        match beyond {
            None => return Ok(batch),
            Some(excess) if batch <= 1 => return Err(Excess { fits: 0, ..excess }.into()),
            // Buffers that are summed in parts shrink more slowly than the batch.
            Some(excess) => batch = excess.fits.clamp(1, batch - 1),
        }
    }
}
