//! Folders of pictures: their parts and classes, the conversion of a picture to an image, and batches that depend
//! on the seed alone.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::{fs, io::Cursor, path::Path};
use wgrad::{
    data::{
        Dataset, normalization,
        stream::{Cut, Order, Stream},
    },
    preprocessing::Normalization,
};
use wgrad_data::Result;
use wgrad_data::{
    DataSpec, Places, Reading, load_with,
    pictures::Preparation,
    reading::{Fit, Size},
    summary::summary,
};

fn load(path: &Path, reading: &Reading) -> Result<Dataset> {
    load_with(&DataSpec::Folder(path.to_owned()), &Places::default(), reading, None)
}

fn sized(side: usize) -> Reading {
    Reading { size: Some(Size { height: side, width: side }), ..Reading::default() }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn put(path: &Path, image: &DynamicImage, format: ImageFormat) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("it encodes");
    fs::write(path, bytes.into_inner()).expect("written");
}

/// Red at the left, green in the middle, blue at the right; 4 pixels high.
fn flag(width: u32) -> DynamicImage {
    let third = width / 3;
    DynamicImage::from(RgbImage::from_fn(width, 4, |x, _| match x / third {
        0 => Rgb([255, 0, 0]),
        1 => Rgb([0, 255, 0]),
        _ => Rgb([0, 0, 255]),
    }))
}

fn prepared(path: &Path, [height, width, channels]: [usize; 3], fit: Fit) -> Vec<u8> {
    Preparation { height, width, channels, fit }.load(path).expect("a picture")
}

#[test]
fn a_picture_is_cut_padded_or_stretched() {
    let folder = folder();
    let path = folder.path().join("flag.png");
    put(&path, &flag(12), ImageFormat::Png);
    let green = [0, 255, 0];
    assert_eq!(prepared(&path, [4, 4, 3], Fit::Crop), green.repeat(16), "its middle is green");
    let padded = prepared(&path, [12, 12, 3], Fit::Pad);
    assert_eq!(padded[..4 * 12 * 3], [0; 4 * 12 * 3], "black above");
    assert_eq!(padded[4 * 12 * 3..][..3], [255, 0, 0], "the picture begins in the fifth line");
    assert_eq!(padded[8 * 12 * 3..], [0; 4 * 12 * 3], "black below");
    let stretched = prepared(&path, [4, 3, 3], Fit::Stretch);
    assert!(stretched[0] > 180 && stretched[4] > 180 && stretched[8] > 180, "{:?}", &stretched[..9]);
    let grey = prepared(&path, [4, 12, 1], Fit::Crop);
    assert_eq!((grey[0], grey[5], grey[11]), (54, 182, 18), "BT.709");
}

#[test]
fn transparent_is_white_and_webp_is_read() {
    let folder = folder();
    let clear = image::RgbaImage::from_pixel(5, 5, image::Rgba([10, 20, 30, 0]));
    let path = folder.path().join("clear.webp");
    put(&path, &clear.into(), ImageFormat::WebP);
    assert_eq!(prepared(&path, [5, 5, 3], Fit::Crop), [255; 75]);
}

/// A JPEG file with an EXIF orientation.
fn jpeg_lying(image: &DynamicImage, orientation: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Jpeg).expect("it encodes");
    let bytes = bytes.into_inner();
    let tiff =
        [b'M', b'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
    let exif = [&b"Exif\0\0"[..], &tiff].concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&bytes[..2], &[0xff, 0xe1], &length, &exif, &bytes[2..]].concat()
}

#[test]
fn a_photograph_that_lies_on_its_side_is_turned() {
    let folder = folder();
    let image = DynamicImage::from(RgbImage::from_fn(32, 16, |x, _| Rgb([if x < 16 { 250 } else { 5 }; 3])));
    let path = folder.path().join("lying.jpg");
    // Orientation 6: rotate clockwise by 90 degrees, so that the left side becomes the top.
    fs::write(&path, jpeg_lying(&image, 6)).expect("written");
    let turned = prepared(&path, [32, 16, 1], Fit::Stretch);
    assert!(turned[16 * 2 + 8] > 200 && turned[16 * 29 + 8] < 50, "bright above, dark below");
    fs::write(&path, jpeg_lying(&image, 1)).expect("written");
    let plain = prepared(&path, [16, 32, 1], Fit::Stretch);
    assert!(plain[32 * 8 + 2] > 200 && plain[32 * 8 + 29] < 50, "bright left, dark right");
}

#[test]
fn parts_and_classes_are_the_names_of_folders() {
    let folder = folder();
    wgrad_testing::pictures::folder(folder.path(), 40, [20, 40]);
    let data = load(folder.path(), &sized(16)).expect("pictures");
    assert_eq!(data.classes, wgrad_testing::pictures::CLASSES);
    assert_eq!((data.shape(), data.train.len(), data.test.len()), ([16, 16, 3], 32, 8));
    assert_eq!(data.class_counts(&data.train), [16, 16]);
    assert!(data.validation.is_none());
    // `val` next to `test` is the validation part; alone, it is the test part.
    let train = folder.path().join("train");
    fs::rename(folder.path().join("test"), folder.path().join("val")).expect("renamed");
    let judged = load(folder.path(), &sized(16)).expect("pictures");
    assert_eq!((judged.test.len(), judged.validation.is_none()), (8, true));
    assert!(judged.notes[0].contains("val is the test part"), "{:?}", judged.notes);
    // Without parts, the same share of each class is held out.
    let held = load(&train, &Reading { test_share: Some(0.25), ..sized(16) }).expect("pictures");
    assert_eq!((held.class_counts(&held.train), held.class_counts(&held.test)), (vec![12, 12], vec![4, 4]));
    let again = load(&train, &Reading { test_share: Some(0.25), ..sized(16) }).expect("pictures");
    assert_eq!(again.digest, held.digest);
    assert!(data.notes.iter().all(|note| !note.contains("sizes")), "{:?}", data.notes);
    let few = data.limit(6, 4);
    assert_eq!((few.class_counts(&few.train), few.class_counts(&few.test)), (vec![3, 3], vec![2, 2]));
    // Mixed sizes without an option: the middle, at a size of the pictures' own that a network can take.
    let chosen = load(&train, &Reading::default()).expect("a size is chosen");
    let [height, width, channels] = chosen.shape();
    assert!(
        height == width && height % 8 == 0 && (24..=96).contains(&height) && channels == 3,
        "{height}×{width}"
    );
    let note = chosen.notes.iter().find(|note| note.contains("many sizes")).expect("it says so");
    assert!(note.contains(&format!("{height}×{width}")) && note.contains("`.size`"), "{note}");
    let padded = load(&train, &Reading { fit: Fit::Pad, ..Reading::default() }).expect("a size is chosen");
    assert!(padded.notes.iter().any(|note| note.contains("black border")), "{:?}", padded.notes);
    // A class without training pictures.
    fs::rename(folder.path().join("val/balls"), folder.path().join("val/cubes")).expect("renamed");
    let message = load(folder.path(), &sized(16)).expect_err("other classes").to_string();
    assert!(message.contains("cubes") && message.contains("balls, stripes"), "{message}");
}

/// Every batch of an epoch: labels and bytes.
fn batches(data: &Dataset, order: Order, budget: usize, skip: usize) -> Vec<(Vec<u32>, Vec<u8>)> {
    let pixels = data.pixels();
    let cut = Cut { batch: 5, pixels, budget };
    let mut all = Vec::new();
    for chunk in Stream::start(&data.train, order, cut, skip) {
        assert!(chunk.batch.images.len() <= budget.max(5 * pixels), "a chunk exceeds its budget");
        for rows in &chunk.steps {
            let range = rows.first as usize..(rows.first + rows.rows) as usize;
            let bytes = chunk.batch.images[range.start * pixels..range.end * pixels].to_vec();
            all.push((chunk.batch.labels[range].to_vec(), bytes));
        }
    }
    all
}

#[test]
fn what_a_batch_holds_depends_on_the_seed_alone() {
    let folder = folder();
    wgrad_testing::pictures::folder(folder.path(), 60, [20, 40]);
    let data = load(folder.path(), &sized(8)).expect("pictures");
    let order = Order::Shuffled { seed: 3, epoch: 1 };
    let whole = batches(&data, order, 1 << 20, 0);
    assert_eq!(whole.len(), 10);
    for budget in [0, 2500, 5000] {
        assert_eq!(batches(&data, order, budget, 0), whole, "budget {budget}");
    }
    assert_eq!(batches(&data, order, 1 << 20, 4), whole[4..], "from the middle of an epoch");
    assert_ne!(batches(&data, Order::Shuffled { seed: 3, epoch: 2 }, 1 << 20, 0), whole);
    // The number of threads does not matter.
    let (source, which) = (data.train.images.source(), data.train.images.which().expect("they are files"));
    let read = |threads| {
        let mut images = vec![0; which.len() * data.pixels()];
        let fine = wgrad::data::source::read_all(&**source, which, &mut images, data.pixels(), threads);
        assert!(fine.iter().all(|fine| *fine));
        images
    };
    assert_eq!(read(1), read(7));
    let all: Vec<u8> = batches(&data, Order::File, 0, 0).into_iter().flat_map(|(_, bytes)| bytes).collect();
    assert_eq!(all, read(2));
}

#[test]
fn files_that_cannot_be_read_are_left_out_and_listed() {
    let folder = folder();
    wgrad_testing::pictures::folder(folder.path(), 60, [20, 40]);
    let whole = load(folder.path(), &sized(8)).expect("pictures");
    let order = Order::Shuffled { seed: 3, epoch: 1 };
    let all = batches(&whole, order, 0, 0);
    // A file that is not a picture is noticed when the folder is listed; a damaged one, when it is decoded.
    let balls = folder.path().join("train/balls");
    fs::write(balls.join("note.jpg"), "a text").expect("written");
    fs::write(balls.join("empty.png"), "").expect("written");
    fs::write(balls.join("readme.txt"), "left alone").expect("written");
    let png = balls.join("00004.png");
    let bytes = fs::read(&png).expect("a PNG file");
    fs::write(&png, &bytes[..bytes.len() / 2]).expect("written");
    let data = load(folder.path(), &sized(8)).expect("the others");
    assert_eq!(data.train.len(), whole.train.len());
    assert_ne!(data.digest, whole.digest);
    assert!(data.warnings[0].starts_with("2 files left out"), "{:?}", data.warnings);
    let some = batches(&data, order, 0, 0);
    assert_eq!(all.len(), some.len());
    let changed: Vec<_> = all.iter().zip(&some).filter(|(a, b)| a != b).collect();
    assert_eq!(changed.len(), 1, "one batch lacks an image");
    assert_eq!(changed[0].0.0.len(), changed[0].1.0.len() + 1);
    let broken = data.broken();
    let names: Vec<_> = broken.iter().map(|(path, _)| path.file_name().expect("a name").to_owned()).collect();
    assert_eq!(names, ["00004.png", "empty.png", "note.jpg"]);
    let damaged = &broken[0].1;
    assert!(damaged.starts_with("a damaged image/png file (") && !damaged.contains("00004.png"), "{damaged}");
    assert!(broken[1].1.contains("empty") && broken[2].1.contains("neither PNG nor JPEG"), "{broken:?}");
    // A batch without any remaining image is no training step.
    let cut = Cut { batch: 1, pixels: data.pixels(), budget: 0 };
    for chunk in Stream::start(&data.train, Order::File, cut, 0) {
        assert!(chunk.steps.iter().all(|rows| rows.rows == 1));
    }
    assert_eq!(summary(&data).broken.len(), 3);
}

#[test]
fn mean_and_deviation_are_those_of_all_pixels() {
    let folder = folder();
    let save = |name: &str, rgb: [u8; 3]| {
        let image = DynamicImage::from(RgbImage::from_pixel(6, 3, Rgb(rgb)));
        put(&folder.path().join(name), &image, ImageFormat::Png);
    };
    save("train/a/0.png", [0, 51, 102]);
    save("train/b/0.png", [255, 51, 204]);
    save("test/a/0.png", [9, 9, 9]);
    let data = load(folder.path(), &Reading::default()).expect("one size");
    assert_eq!(data.shape(), [3, 6, 3]);
    let Normalization { mean, deviation } = normalization::of(&data).expect("three channels");
    for (got, expected) in mean.iter().chain(&deviation).zip([0.5, 0.2, 0.6, 0.5, 0.0, 0.2]) {
        assert!((got - expected).abs() < 1e-9, "{mean:?} {deviation:?}");
    }
    assert_eq!(summary(&data).sizes.expect("files").median, [3, 6]);
}

#[test]
fn what_is_no_class_is_left_out_with_a_word() {
    let folder = folder();
    let root = folder.path();
    let grey = DynamicImage::from(RgbImage::from_pixel(6, 6, Rgb([90, 90, 90])));
    for n in 0..10 {
        put(&root.join(format!("cat/{n}.png")), &grey, ImageFormat::Png);
        put(&root.join(format!("dog/{n}.png")), &grey, ImageFormat::Png);
    }
    fs::create_dir_all(root.join("bear")).expect("a folder");
    fs::create_dir_all(root.join("__MACOSX/cat")).expect("a folder");
    fs::write(root.join("__MACOSX/cat/._0.png"), b"\0\x05\x16\x07").expect("written");
    let data = load(root, &sized(6)).expect("two classes");
    assert_eq!(data.classes, ["cat", "dog"]);
    assert!(data.train.labels.iter().chain(data.test.labels.iter()).all(|label| *label < 2));
    assert_eq!(data.class_counts(&data.train).iter().sum::<usize>(), data.train.len());
    assert!(
        data.warnings.iter().any(|w| w.contains("bear") && w.contains("no training picture")),
        "{:?}",
        data.warnings
    );

    // A truncated JPEG is not a picture.
    let photo = DynamicImage::from(RgbImage::from_fn(64, 64, |x, y| {
        Rgb([(x * 3) as u8, (y * 3) as u8, (x * y) as u8])
    }));
    let path = root.join("cat/cut.jpg");
    put(&path, &photo, ImageFormat::Jpeg);
    let whole = fs::read(&path).expect("reads");
    let data = load(root, &sized(6)).expect("loads");
    assert_eq!(data.train.len() + data.test.len(), 21);
    fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    let data = load(root, &sized(6)).expect("loads");
    assert!(
        data.warnings.iter().any(|w| w.contains("cut.jpg") && w.contains("cut off")),
        "{:?}",
        data.warnings
    );
}

#[test]
fn where_nothing_can_be_held_out_what_was_left_out_is_reported_all_the_same() {
    let folder = folder();
    let root = folder.path();
    put(&root.join("cat/0.png"), &flag(6), ImageFormat::Png);
    put(&root.join("dog/0.png"), &flag(6), ImageFormat::Png);
    fs::create_dir_all(root.join("bear")).expect("a folder");
    fs::write(root.join("cat/1.png"), "a text").expect("written");
    let error = load(root, &sized(6)).expect_err("one of each").to_string();
    for word in [
        "none can be held out",
        "`.test_share = 0.2` of 2 images",
        "only one example",
        "1 file left out",
        "1.png",
        "bear",
    ] {
        assert!(error.contains(word), "no {word:?} in {error}");
    }
    // Classes with similar names cause a warning.
    for name in ["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png", "Cat/0.png", "Cat/1.png", "Cat/2.png"] {
        put(&root.join(name), &flag(6), ImageFormat::Png);
    }
    let data = load(root, &sized(6)).expect("pictures");
    let reported =
        data.warnings.iter().any(|w| w.contains("\"Cat\" (3) and \"cat\" (3) differ only in case"));
    // On a file system that ignores case, they are one folder.
    assert!(reported || data.classes.len() == 2, "{:?}", data.warnings);
}

#[test]
fn a_folder_one_level_too_high_is_reported() {
    let folder = folder();
    let grey = DynamicImage::from(RgbImage::from_pixel(6, 6, Rgb([90, 90, 90])));
    for n in 0..6 {
        put(&folder.path().join(format!("PetImages/Cat/{n}.png")), &grey, ImageFormat::Png);
        put(&folder.path().join(format!("PetImages/Dog/{n}.png")), &grey, ImageFormat::Png);
    }
    let data = load(folder.path(), &sized(6)).expect("is described");
    assert!(
        data.warnings.iter().any(|w| w.contains("Cat, Dog") && w.contains("PetImages")),
        "{:?}",
        data.warnings
    );
}

#[cfg(unix)]
#[test]
fn links_in_circles_and_names_that_are_no_text_are_read() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder();
    let root = folder.path();
    let grey = DynamicImage::from(RgbImage::from_pixel(6, 6, Rgb([90, 90, 90])));
    for n in 0..6 {
        put(&root.join(format!("cat/{n}.png")), &grey, ImageFormat::Png);
        put(
            &root.join(std::ffi::OsStr::from_bytes(b"b\xe4r")).join(format!("{n}.png")),
            &grey,
            ImageFormat::Png,
        );
    }
    std::os::unix::fs::symlink(root, root.join("cat/again")).expect("a link");
    std::os::unix::fs::symlink("../cat", root.join("cat/itself")).expect("a link");
    let data = load(root, &sized(6)).expect("two classes");
    assert_eq!(data.classes, ["b\u{fffd}r", "cat"]);
    // The target of several links counts once.
    assert_eq!(data.class_counts(&data.train)[0] + data.class_counts(&data.test)[0], 6);
    // Two names that differ only in such bytes would be one.
    put(&root.join(std::ffi::OsStr::from_bytes(b"b\xe5r")).join("0.png"), &grey, ImageFormat::Png);
    let error = load(root, &sized(6)).expect_err("read alike").to_string();
    assert!(error.contains("read alike"), "{error}");
}
