//! Bytes that go back to the system when they are dropped. An allocator would keep the memory of many past requests.

use axum::body::Bytes;
use futures_util::stream::{self, Stream};
use memmap2::{MmapMut, MmapOptions};
use std::{convert::Infallible, io};

/// Bytes that arrive one after the other. Room for bytes that never arrive costs nothing.
pub struct Store {
    map: MmapMut,
    length: usize,
}

impl Store {
    /// Room for `most` bytes.
    pub fn new(most: usize) -> io::Result<Self> {
        Ok(Self { map: MmapOptions::new().len(most.max(1)).no_reserve_swap().map_anon()?, length: 0 })
    }

    /// Number of bytes so far.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Appends bytes; returns false if there is no room for them.
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

    /// All the bytes.
    pub fn whole(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Store {
    fn as_ref(&self) -> &[u8] {
        &self.map[..self.length]
    }
}

const PIECE: usize = 64 << 10;

/// Stream of bytes in pieces, with a yield before each: a reader that takes all bytes that are ready takes one piece.
pub fn pieces(bytes: Bytes) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::unfold(bytes, async |mut rest| {
        tokio::task::yield_now().await;
        let most = rest.len().min(PIECE);
        (most > 0).then(|| (Ok(rest.split_to(most)), rest))
    })
}
