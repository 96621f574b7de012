//! The IDX reader against files that are complete, cut, lengthened, flipped and mislabelled. `folder.rs` tests the
//! consistency of four files.

use std::path::Path;

use proptest::prelude::*;
use wgrad_data::idx::{self, Packing};

const HEADER_OF_3: usize = 16;

/// The bytes that `idx::write` makes for three images of 4×5.
fn images(packing: Packing) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images");
    let data: Vec<u8> = (0..60).map(|i| i * 4).collect();
    idx::write(&path, &[3, 4, 5], &data, packing).unwrap();
    std::fs::read(path).unwrap()
}

fn message(bytes: &[u8]) -> String {
    let error = idx::parse(bytes, Path::new("some/images")).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("some/images: "), "{message}");
    message
}

#[test]
fn a_plain_and_a_gzip_file_read_the_same_whatever_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0..60).collect();
    let (a, b) = (folder.path().join("plain.gz"), folder.path().join("packed"));
    idx::write(&a, &[3, 4, 5], &data, Packing::Plain).unwrap();
    idx::write(&b, &[3, 4, 5], &data, Packing::Gzip).unwrap();
    let (a_bytes, b_bytes) = (std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    assert_eq!(a_bytes[..4], [0, 0, 8, 3]);
    assert_eq!(b_bytes[..2], [0x1f, 0x8b]);
    let (a, b) = (idx::read(&a).unwrap(), idx::read(&b).unwrap());
    assert_eq!(a, b);
    assert_eq!((a.shape, a.data), (vec![3, 4, 5], data));
}

#[test]
fn the_digest_is_that_of_the_decompressed_file() {
    // printf '\0\0\10\1\0\0\0\2\7\11' | sha256sum
    let content = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
    let read = idx::parse(content.as_slice(), Path::new("x")).unwrap();
    assert_eq!(read.sha256, "6b413bc4e4b437a09780b06c8c43c748d2546f2be2f36913c8dfdb95fac3a083");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let message = idx::read(Path::new("no/such/file")).unwrap_err().to_string();
    assert!(message.starts_with("cannot open no/such/file: "), "{message}");
}

#[test]
fn another_format_is_refused() {
    assert_eq!(
        message(b"<html>not found</html>"),
        "some/images: not an IDX file: it starts with the bytes 3c 68 74 6d, expected 00 00 (IDX) or \
         1f 8b (gzip); was something else saved under this name?"
    );
    assert!(message(b"\x00").contains("truncated: got 1 bytes, expected 4"));
    assert!(message(b"").contains("truncated: got 0 bytes, expected 4"));
    assert!(message(b"\x89").contains("starts with the bytes 89,"));
}

#[test]
fn another_type_is_refused() {
    let mut bytes = images(Packing::Plain);
    bytes[2] = 0x0d;
    assert_eq!(
        message(&bytes),
        "some/images: IDX type code 0x0d is not supported, expected 0x08 (unsigned byte); convert the \
         file to unsigned bytes"
    );
}

#[test]
fn another_rank_is_refused() {
    for rank in [0, 5, 255] {
        let mut bytes = images(Packing::Plain);
        bytes[3] = rank;
        let message = message(&bytes);
        let expected = format!("some/images: IDX rank {rank}, expected 1 to 4; ");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn every_cut_of_a_plain_file_is_refused() {
    let bytes = images(Packing::Plain);
    for length in 0..bytes.len() {
        let message = message(&bytes[..length]);
        assert!(message.contains(&format!("truncated: got {length} bytes")), "{message}");
    }
    assert_eq!(
        message(&bytes[..50]),
        "some/images: truncated: got 50 bytes, expected 76 for the shape [3, 4, 5]; copy or fetch the \
         file again"
    );
}

#[test]
fn every_cut_of_a_gzip_file_is_refused() {
    let bytes = images(Packing::Gzip);
    for length in 0..bytes.len() {
        let message = message(&bytes[..length]);
        assert!(
            message.contains("truncated") || message.contains("damaged gzip") || length == 1,
            "{length}: {message}"
        );
    }
    // The last cut has every element; only the checksum is incomplete.
    assert!(message(&bytes[..bytes.len() - 1]).contains("damaged gzip data"));
}

#[test]
fn trailing_bytes_are_refused() {
    let mut plain = images(Packing::Plain);
    plain.push(0);
    assert_eq!(
        message(&plain),
        "some/images: trailing bytes: got more than the 76 bytes expected for the shape [3, 4, 5]; \
         copy or fetch the file again"
    );
    let mut packed = images(Packing::Gzip);
    packed.push(7);
    assert!(message(&packed).contains("damaged gzip data"));
    let mut twice = images(Packing::Gzip);
    twice.extend_from_slice(&images(Packing::Gzip));
    assert!(message(&twice).contains("trailing bytes"));
}

#[test]
fn a_flipped_bit_in_gzip_never_gives_other_elements() {
    let bytes = images(Packing::Gzip);
    let whole = idx::parse(bytes.as_slice(), Path::new("x")).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match idx::parse(flipped.as_slice(), Path::new("x")) {
            Ok(read) => {
                assert_eq!(read, whole, "bit {bit} changes the elements unnoticed");
                harmless += 1;
            }
            Err(_) => refused += 1,
        }
    }
    // Flips in the time stamp, the operating system and two hints of the gzip header are harmless.
    assert!(refused > 8 * (bytes.len() - 10), "{refused} refused, {harmless} harmless");
    let mut checksum = bytes;
    let at = checksum.len() - 8;
    checksum[at] ^= 1;
    let message = message(&checksum);
    assert!(message.contains("damaged gzip data: got \"") && message.contains("copy or fetch"), "{message}");
}

#[test]
fn a_header_that_promises_the_moon_takes_no_memory() {
    let mut bytes = vec![0, 0, 8, 4];
    bytes.extend_from_slice(&[0xff; 16]);
    let message = message(&bytes);
    assert!(message.contains("truncated: got 20 bytes"), "{message}");
}

#[test]
fn the_writer_refuses_a_shape_that_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let error = idx::write(&path, &[2, 2], &[1, 2, 3], Packing::Plain).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("got 3 bytes, expected as many as the shape [2, 2] holds"), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_writer_names_a_folder_it_cannot_write_to() {
    let path = Path::new("/nonexistent/folder/x");
    let message = idx::write(path, &[1], &[1], Packing::Plain).unwrap_err().to_string();
    assert!(message.starts_with("cannot write /nonexistent/folder/x: "), "{message}");
    assert!(message.contains("check that the folder exists"), "{message}");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        shape in prop::collection::vec(0_usize..6, 1..=4),
        gzip: bool,
        seed: u8,
    ) {
        let count: usize = shape.iter().product();
        let data: Vec<u8> = (0..count).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let packing = if gzip { Packing::Gzip } else { Packing::Plain };
        idx::write(&path, &shape, &data, packing).unwrap();
        let read = idx::read(&path).unwrap();
        prop_assert_eq!(read.shape, shape);
        prop_assert_eq!(read.data, data);
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..64), start in 0..3) {
        let beginning: &[u8] = [b"\x00\x00\x08\x01".as_slice(), b"\x1f\x8b\x08\x00", b""][start as usize];
        bytes.splice(0..0, beginning.iter().copied());
        let _ = idx::parse(bytes.as_slice(), Path::new("x"));
    }
}

#[test]
fn a_header_is_as_long_as_the_format_says() {
    assert_eq!(images(Packing::Plain).len(), HEADER_OF_3 + 60);
}

#[test]
fn a_small_gzip_file_does_not_become_gigabytes() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let header =
        [&[0, 0, 8, 3][..], &448u32.to_be_bytes(), &1024u32.to_be_bytes(), &1024u32.to_be_bytes()].concat();
    std::io::Write::write_all(&mut packed, &header).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..448).for_each(|_| std::io::Write::write_all(&mut packed, &zeros).unwrap());
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 3 << 20, "{}", packed.len());
    let read = idx::parse(&packed[..], std::path::Path::new("zeros.gz"));
    let message = read.map(|read| read.shape).unwrap_err().to_string();
    assert!(message.contains("zeros.gz") && message.contains("gunzip"), "{message}");
}
