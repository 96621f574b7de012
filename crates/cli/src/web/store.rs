//! Bytes that go back to the system when they are dropped. An allocator would keep for itself what a crowd once held.

use hyper::body::{Body, Bytes, Frame};
use memmap2::{MmapMut, MmapOptions};
use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// Bytes that come one after the other. Room for more than come costs nothing.
pub struct Store {
    map: MmapMut,
    length: usize,
}

impl Store {
    /// Room for `most` bytes.
    pub fn new(most: usize) -> io::Result<Self> {
        Ok(Self { map: MmapOptions::new().len(most.max(1)).no_reserve_swap().map_anon()?, length: 0 })
    }

    /// How many have come.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Takes some more; whether there was room for them.
    pub fn push(&mut self, data: &[u8]) -> bool {
        let end = self.length + data.len();
        let place = self.map.get_mut(self.length..end);
        let fits = place.is_some();
        if let Some(place) = place {
            place.copy_from_slice(data);
            self.length = end;
        }
        fits
    }

    /// All of them.
    pub fn whole(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Store {
    fn as_ref(&self) -> &[u8] {
        &self.map[..self.length]
    }
}

/// Bytes as a body that gives them piece by piece, with a pause after each: a reader that takes all there is at once takes a
/// piece.
pub struct Pieces {
    rest: Bytes,
    pauses: bool,
}

const PIECE: usize = 64 << 10;

impl From<Bytes> for Pieces {
    fn from(rest: Bytes) -> Self {
        Self { rest, pauses: false }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        self.pauses = !self.pauses;
        if !self.pauses {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let most = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(most)))))
    }
}
