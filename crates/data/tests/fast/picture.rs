//! Pictures as the input of a network: sizes, proportions, colours, transparency, and files that are not pictures.

use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageFormat, Luma, LumaA, Rgb, RgbImage};
use tempfile::TempDir;
use wgrad_data::picture::{Picture, load_picture, read_picture};

fn save(image: impl Into<DynamicImage>, format: ImageFormat) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    // The name says nothing: the content decides.
    let path = folder.path().join("picture.dat");
    image.into().save_with_format(&path, format).unwrap();
    (folder, path)
}

fn load(image: impl Into<DynamicImage>) -> Picture {
    let (_folder, path) = save(image, ImageFormat::Png);
    load_picture(&path, 28, 28).unwrap()
}

fn message(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shoe.png");
    std::fs::write(&path, bytes).unwrap();
    let message = load_picture(&path, 28, 28).unwrap_err().to_string();
    assert!(message.contains("shoe.png: not a picture that can be read: got "), "{message}");
    assert!(message.contains("expected a PNG, JPEG or WebP file; convert it first"), "{message}");
    message
}

/// A bright square on black, of 28×28.
fn garment() -> GrayImage {
    GrayImage::from_fn(28, 28, |x, y| {
        Luma([if (8..20).contains(&x) && (4..24).contains(&y) { 200 } else { 0 }])
    })
}

#[test]
fn a_picture_of_the_right_size_is_taken_as_it_is() {
    let picture = load(garment());
    assert_eq!(picture.pixels, garment().into_raw());
    assert_eq!(picture.notes, ["read 28×28 pixels (height × width)"]);
}

#[test]
fn a_light_background_is_inverted() {
    let mut negative = garment();
    image::imageops::invert(&mut negative);
    let picture = load(negative);
    assert_eq!(picture.pixels, garment().into_raw());
    assert_eq!(picture.notes[1..], ["inverted, as its background is light (255 of 255)"]);
}

#[test]
fn a_large_picture_is_reduced_by_area() {
    let large = image::imageops::resize(&garment(), 280, 280, image::imageops::FilterType::Nearest);
    let picture = load(large);
    assert_eq!(picture.notes[1..], ["reduced from 280×280 to 28×28"]);
    for (row, column, value) in [(14, 14, 200), (1, 1, 0), (26, 14, 0), (6, 10, 200)] {
        assert_eq!(picture.pixels[row * 28 + column], value, "row {row} column {column}");
    }
    // A fine chequerboard becomes its mean; picking every tenth pixel would give 0 or 255.
    let checks = GrayImage::from_fn(280, 280, |x, y| Luma([if (x + y) % 2 == 0 { 200 } else { 0 }]));
    let picture = load(checks);
    assert!(picture.pixels.iter().all(|pixel| (90..165).contains(pixel)), "{:?}", picture.pixels);
}

#[test]
fn a_small_picture_is_enlarged() {
    let picture = load(GrayImage::from_pixel(1, 1, Luma([77])));
    assert_eq!(picture.pixels, [77; 784]);
    assert_eq!(picture.notes[1..], ["enlarged from 1×1 to 28×28"]);
}

#[test]
fn a_wide_or_tall_picture_is_padded_with_its_background() {
    let wide = GrayImage::from_fn(56, 14, |x, _| Luma([if (20..36).contains(&x) { 250 } else { 10 }]));
    let picture = load(wide);
    assert_eq!(picture.notes[1..], ["padded to 56×56 with its background", "reduced from 56×56 to 28×28"]);
    assert_eq!(picture.pixels[0], 10);
    assert_eq!(picture.pixels[14 * 28 + 14], 250);
    assert_eq!(picture.pixels[27 * 28 + 14], 10);
    let tall = GrayImage::from_pixel(3, 50, Luma([20]));
    let picture = load(tall);
    assert_eq!(picture.notes[1], "padded to 50×50 with its background");
    assert_eq!(picture.pixels, [20; 784]);
}

#[test]
fn another_size_than_square_keeps_proportions() {
    let (_folder, path) = save(GrayImage::from_pixel(40, 10, Luma([5])), ImageFormat::Png);
    let picture = load_picture(&path, 4, 16).unwrap();
    assert_eq!(picture.pixels, [5; 64]);
    assert_eq!(picture.notes[1..], ["reduced from 10×40 to 4×16"]);
}

#[test]
fn colours_become_luma_and_transparency_white() {
    let picture = load(RgbImage::from_pixel(28, 28, Rgb([0, 0, 200])));
    assert_eq!(picture.pixels, [14; 784]);
    assert_eq!(picture.notes[1..], ["converted to grey"]);
    // Black ink on a transparent page: a light background, so the ink ends up bright.
    let page = GrayAlphaImage::from_fn(28, 28, |x, y| {
        LumaA([0, if (10..18).contains(&x) && (10..18).contains(&y) { 255 } else { 0 }])
    });
    let picture = load(page);
    assert_eq!((picture.pixels[0], picture.pixels[14 * 28 + 14]), (0, 255));
    assert_eq!(
        picture.notes[1..],
        ["transparent areas laid over white", "inverted, as its background is light (255 of 255)"]
    );
}

#[test]
fn jpeg_works_too() {
    let large = image::imageops::resize(&garment(), 140, 140, image::imageops::FilterType::Nearest);
    let (_folder, path) = save(large, ImageFormat::Jpeg);
    let picture = load_picture(&path, 28, 28).unwrap();
    assert!(picture.pixels[0] < 10 && picture.pixels[14 * 28 + 14] > 190);
}

#[test]
fn what_is_no_picture_is_refused_by_name() {
    assert!(message(b"just text").contains("got bytes of no known format"));
    assert!(message(b"").contains("got bytes of no known format"));
    assert!(message(b"GIF89a..........").contains("got the format image/gif"));
    let (_folder, path) = save(garment(), ImageFormat::Png);
    let bytes = std::fs::read(path).unwrap();
    assert!(message(&bytes[..bytes.len() / 2]).contains("got a damaged image/png file ("));
    let mut flipped = bytes;
    flipped[20] ^= 0x10;
    assert!(message(&flipped).contains("got a damaged image/png file ("));
    let message = load_picture(Path::new("no/such.png"), 28, 28).unwrap_err().to_string();
    assert!(message.starts_with("cannot open no/such.png: "), "{message}");
}

/// A valid header of a square PNG file without content, as in a decompression bomb. `kind` is its depth and colour
/// type.
fn head(side: u32, kind: [u8; 2]) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend_from_slice(&side.to_be_bytes());
    header.extend_from_slice(&side.to_be_bytes());
    header.extend_from_slice(&[kind[0], kind[1], 0, 0, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&header);
    let mut bytes = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d".to_vec();
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&crc.sum().to_be_bytes());
    bytes.extend_from_slice(b"\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e");
    bytes
}

#[test]
fn a_picture_that_claims_to_be_huge_takes_no_memory() {
    let large = "got more than 16384 pixels a side or 512 MiB when decoded";
    assert!(message(&head(60_000, [8, 0])).contains(large));
    // Eight bytes a pixel: 800 MB.
    assert!(message(&head(10_000, [16, 6])).contains(large));
    let sent = |bytes: &[u8]| read_picture(Path::new("sent"), bytes, 28, 28).unwrap_err().to_string();
    let large = "got more than 10000 pixels a side, 67 megapixels or 192 MiB when decoded";
    assert!(sent(&head(10_000, [1, 0])).contains(large), "few bytes, but long work");
    assert!(sent(&head(6_000, [16, 6])).contains(large));
    assert!(sent(&head(8_000, [1, 0])).contains("got a damaged image/png file"), "its head is none of these");
}

#[test]
fn a_jpeg_that_is_cut_off_is_refused_and_what_follows_its_end_is_not() {
    let noise = RgbImage::from_fn(120, 90, |x, y| {
        let v = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761) >> 24;
        Rgb([v as u8, (x * 2) as u8, (y * 2) as u8])
    });
    let (_folder, path) = save(noise, ImageFormat::Jpeg);
    let whole = std::fs::read(&path).unwrap();
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        load_picture(&path, 28, 28).map_err(|e| e.to_string())
    };
    let picture = read(&whole).expect("is whole");
    for part in 1..10 {
        let cut = read(&whole[..whole.len() * part / 10]).expect_err("is cut off");
        assert!(cut.contains("not a picture that can be read"), "{part}: {cut}");
    }
    assert!(read(&whole[..whole.len() - 2]).expect_err("without its end").contains("cut off"));
    assert_eq!(read(&[&whole[..], b"behind its end"].concat()).expect("is whole"), picture);
    // A preview within the file has its own end marker, which is not the end of the picture.
    let preview = [0xff, 0xe1, 0, 8, 0xff, 0xd8, 0xff, 0xd9, 0, 0];
    let with = |bytes: &[u8]| [&bytes[..2], &preview[..], &bytes[2..]].concat();
    assert_eq!(read(&with(&whole)).expect("is whole").pixels, picture.pixels);
    assert!(read(&with(&whole[..whole.len() / 2])).expect_err("is cut off").contains("cut off"));
}

#[test]
fn what_is_far_longer_than_wide_costs_no_more_than_its_input() {
    // Padded first, it would have 10,000 × 2,560,000 pixels.
    let (_folder, path) = save(GrayImage::from_pixel(1, 10_000, Luma([200])), ImageFormat::Png);
    let picture = load_picture(&path, 1, 256).unwrap();
    assert_eq!(picture.pixels.len(), 256);
    assert_eq!(picture.notes[1], "reduced from 10000×1 to 1×1");
    // The picture stands in the middle, as high as the input.
    let bright = GrayImage::from_fn(20, 2000, |x, _| Luma([if (5..15).contains(&x) { 250 } else { 10 }]));
    let (_folder, path) = save(bright, ImageFormat::Png);
    let picture = load_picture(&path, 100, 100).unwrap();
    assert_eq!(
        picture.notes[1..],
        ["reduced from 2000×20 to 100×1", "padded to 100×100 with its background"]
    );
    let column = |x: usize| (0..100).map(|y| u32::from(picture.pixels[y * 100 + x])).sum::<u32>() / 100;
    assert!(column(49) > 60 && column(10) == 10 && column(90) == 10, "{} {}", column(49), column(10));
}

/// The pixels that are read from bytes, or the error.
fn read(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let picture = read_picture(Path::new("it"), bytes, 35, 45).map_err(|e| e.to_string())?;
    Ok(picture.pixels)
}

/// Files from scripts/make_jpeg_fixtures.py.
#[test]
fn a_jpeg_that_lacks_any_part_is_refused_even_where_an_end_mark_follows() {
    let mut seen = 0;
    for file in std::fs::read_dir(wgrad_testing::fixture("jpeg")).expect("a folder") {
        let path = file.expect("a file").path();
        let whole = std::fs::read(&path).expect("reads");
        read(&whole).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        // Bytes after the picture do not matter, and more markers may precede its end.
        read(&[&whole[..], b"more"].concat()).expect("is whole");
        let end = whole.len() - 2;
        read(&[&whole[..end], b"\xff\xff\xff\xd9"].concat()).expect("is whole");
        let scan = whole.windows(2).position(|pair| pair == [0xff, 0xda]).expect("a scan");
        for cut in (scan + 2..end).step_by(5).chain(end - 3..end) {
            for mark in [&b"\xff\xd9"[..], b""] {
                let reported = read(&[&whole[..cut], mark].concat()).err();
                let reported =
                    reported.unwrap_or_else(|| panic!("{}: cut at {cut} of {end}", path.display()));
                // Within the header of a scan, the decoder reports the damage.
                let words = ["cut off", "damaged image/jpeg"];
                assert!(words.iter().any(|word| reported.contains(word)), "{}: {reported}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 2000, "{seen}");
}

#[test]
fn a_png_that_lacks_any_part_is_refused() {
    let mut bytes = Vec::new();
    let image = DynamicImage::from(GrayImage::from_fn(45, 35, |x, y| Luma([(x * y * 7) as u8])));
    image.write_to(&mut std::io::Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    read(&bytes).expect("is whole");
    // The checksum of the last chunk says nothing about the picture.
    let end = bytes.len() - 4;
    for cut in (8..end).step_by(3).chain(end - 14..end) {
        let Err(reported) = read(&bytes[..cut]) else { panic!("cut at {cut} of {end}") };
        assert!(reported.contains("image/png"), "{reported}");
    }
    // A byte of a checksum, of a name and of the content.
    let data = bytes.windows(4).position(|name| name == b"IDAT").expect("a chunk");
    let crc = bytes.len() - 16;
    for at in [data + 10, crc + 1, 29] {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert!(read(&other).is_err(), "the byte {at} is another");
    }
}
