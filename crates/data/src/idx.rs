//! The IDX file format of MNIST and its successors (<http://yann.lecun.com/exdb/mnist/>): two zero bytes, a type
//! code, the rank, the sizes as big-endian u32, the elements. Files may be plain or gzip, distinguished by the
//! first bytes and never by the name. Unsigned bytes are the only supported element type.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::rc::Rc;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::unpacked_limit;
use crate::{Error, Result, error::io_error};
use wgrad::words::hex;
use wgrad_files::write_whole;

const UNSIGNED_BYTE: u8 = 0x08;

/// Largest buffer in bytes that is allocated from a header's sizes alone, before the bytes are seen.
const TRUSTED_CAPACITY: u64 = 64 << 20;

/// The content of an IDX file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// Sizes, outermost first: (N) for labels, (N, H, W) or (N, H, W, C) for images.
    pub shape: Vec<usize>,
    /// The elements, the last size innermost.
    pub data: Vec<u8>,
    /// SHA-256 of the decompressed file, header included, in hexadecimal.
    pub sha256: String,
}

/// Compression of a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Uncompressed.
    Plain,
    /// Compressed with gzip.
    Gzip,
}

/// Reads an IDX file, plain or in gzip.
///
/// # Errors
/// [`wgrad::Error::Io`] where the file cannot be read, else the errors of [`parse()`].
pub fn read(path: &Path) -> Result<Idx> {
    let file = File::open(path).map_err(io_error("cannot open", path, "check the path"))?;
    parse(BufReader::with_capacity(1 << 16, file), path)
}

/// Reads IDX from `reader`, plain or in gzip; `path` only names it in errors.
///
/// # Errors
/// [`Error::NotIdx`], [`Error::IdxType`], [`Error::IdxRank`], [`Error::IdxTruncated`],
/// [`Error::IdxTrailing`], [`Error::Gzip`], [`Error::Data`]: everything that this reader does not know is refused.
pub fn parse(reader: impl Read, path: &Path) -> Result<Idx> {
    let packed = Rc::new(Cell::new(0));
    let reader = Counting { inner: reader, read: packed.clone() };
    let content = decompressed(reader).map_err(|e| refused(e, path))?;
    let mut content = Hashing { inner: content, hash: Sha256::new() };
    let magic = take(&mut content, 4, path)?;
    if !(magic.starts_with(&[0, 0]) || magic.len() < 2 && magic.iter().all(|&byte| byte == 0)) {
        return Err(Error::NotIdx { path: path.to_owned(), got: magic });
    }
    let truncated = |shape: &[usize], got: usize, expected: u64| Error::IdxTruncated {
        path: path.to_owned(),
        shape: shape.to_vec(),
        got: got as u64,
        expected,
    };
    let &[_, _, type_code, rank] = magic.as_slice() else {
        return Err(truncated(&[], magic.len(), 4));
    };
    if type_code != UNSIGNED_BYTE {
        return Err(Error::IdxType { path: path.to_owned(), got: type_code });
    }
    let rank = usize::from(rank);
    if !matches!(rank, 1..=4) {
        return Err(Error::IdxRank { path: path.to_owned(), got: rank, expected: "1 to 4" });
    }
    let header = 4 + 4 * rank;
    let sizes = take(&mut content, 4 * rank as u64, path)?;
    if sizes.len() < 4 * rank {
        return Err(truncated(&[], 4 + sizes.len(), header as u64));
    }
    let shape: Vec<usize> =
        sizes.as_chunks::<4>().0.iter().map(|size| u32::from_be_bytes(*size) as usize).collect();
    // No file can hold a product beyond u64: saturated, it reads as truncated.
    let elements = shape.iter().fold(1_u64, |product, &size| product.saturating_mul(size as u64));
    let expected = elements.saturating_add(header as u64);
    let mut data = Vec::new();
    while (data.len() as u64) < elements {
        let piece = take(&mut content, PIECE.min(elements - data.len() as u64), path)?;
        if piece.is_empty() {
            break;
        }
        data.extend_from_slice(&piece);
        if data.len() as u64 > unpacked_limit(packed.get()) {
            let message = format!(
                "{elements} bytes for the shape {shape:?} out of a file a hundredth as large: these are not images; if they are, \
                 unpack the file (gunzip) and name the result"
            );
            return Err(Error::Data { path: path.to_owned(), message });
        }
    }
    if (data.len() as u64) < elements {
        return Err(truncated(&shape, header + data.len(), expected));
    }
    // Reading one more byte shows that the file ends here, and makes gzip compare its checksum.
    match content.read(&mut [0]) {
        Ok(0) => {}
        Ok(_) => {
            return Err(Error::IdxTrailing { path: path.to_owned(), shape, expected });
        }
        Err(e) => return Err(refused(e, path)),
    }
    Ok(Idx { shape, data, sha256: hex(&content.hash.finalize()) })
}

/// Writes an IDX file; the file appears complete or not at all.
///
/// # Errors
/// [`wgrad::Error::Io`] where it cannot be written, or where `data` is not as long as `shape` says.
pub fn write(path: &Path, shape: &[usize], data: &[u8], packing: Packing) -> Result<()> {
    let header = header(shape, data.len()).map_err(io_error("cannot write", path, ""))?;
    write_whole(path, |file| match packing {
        Packing::Plain => file.write_all(&header).and_then(|()| file.write_all(data)),
        Packing::Gzip => {
            let mut file = GzEncoder::new(file, Compression::default());
            file.write_all(&header)?;
            file.write_all(data)?;
            file.finish().map(drop)
        }
    })?;
    Ok(())
}

/// SHA-256, in hexadecimal, of the IDX file that would hold `data` with this shape.
pub(crate) fn sha256_of(shape: &[usize], data: &[u8]) -> String {
    let mut hash = Sha256::new();
    // A shape that does not fit gives the digest of the bare data: no file with it was ever written.
    hash.update(header(shape, data.len()).unwrap_or_default());
    hash.update(data);
    hex(&hash.finalize())
}

/// SHA-256 in hexadecimal and length in bytes of the content of `reader`, decompressed where it is gzip. Stops with
/// an error after more than `most` bytes.
pub(crate) fn content_digest(reader: impl Read, most: u64) -> io::Result<(String, u64)> {
    digest(decompressed(reader)?, most)
}

/// SHA-256 in hexadecimal and length in bytes of `reader` as it is. Stops with an error after more than `most` bytes.
pub(crate) fn digest(reader: impl Read, most: u64) -> io::Result<(String, u64)> {
    let mut content = reader.take(most.saturating_add(1));
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut length = 0_u64;
    loop {
        let count = content.read(&mut buffer)?;
        if count == 0 {
            return Ok((hex(&hash.finalize()), length));
        }
        length += count as u64;
        if length > most {
            let message = format!("more than the {most} bytes expected");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        hash.update(&buffer[..count]);
    }
}

fn header(shape: &[usize], elements: usize) -> io::Result<Vec<u8>> {
    let product = shape.iter().try_fold(1_usize, |p, &size| p.checked_mul(size));
    if !matches!(shape.len(), 1..=4) || product != Some(elements) {
        let message = format!("got {elements} bytes, expected as many as the shape {shape:?} holds");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let mut header = vec![0, 0, UNSIGNED_BYTE, shape.len() as u8];
    for &size in shape {
        let size = u32::try_from(size).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        header.extend_from_slice(&size.to_be_bytes());
    }
    Ok(header)
}

/// The content of `reader`, decompressed where its first two bytes are those of gzip.
fn decompressed(mut reader: impl Read) -> io::Result<impl Read> {
    let mut first = Vec::with_capacity(2);
    (&mut reader).take(2).read_to_end(&mut first)?;
    let is_gzip = first == [0x1f, 0x8b];
    let whole = io::Cursor::new(first).chain(reader);
    Ok(if is_gzip {
        // This decoder reads several members, so that it notices bytes after the first one.
        Content::Gzip(Box::new(MultiGzDecoder::new(whole)))
    } else {
        Content::Plain(whole)
    })
}

enum Content<R: Read> {
    Plain(R),
    Gzip(Box<MultiGzDecoder<R>>),
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
        }
    }
}

/// Bytes that are read between two checks of the limit.
const PIECE: u64 = 16 << 20;

/// A reader that counts the bytes read through it.
struct Counting<R> {
    inner: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

/// A reader that hashes the bytes read through it.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

/// Reads up to `count` bytes; fewer where the content ends earlier, or where gzip is cut off.
fn take(content: &mut impl Read, count: u64, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(count.min(TRUSTED_CAPACITY) as usize);
    match content.take(count).read_to_end(&mut bytes) {
        Err(e) if e.kind() != io::ErrorKind::UnexpectedEof => Err(refused(e, path)),
        _ => Ok(bytes),
    }
}

/// Attributes the decompressor's errors to the file, and all others to the system.
fn refused(source: io::Error, path: &Path) -> Error {
    match source.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            Error::Gzip { path: path.to_owned(), source }
        }
        _ => io_error("cannot read", path, "")(source),
    }
}
