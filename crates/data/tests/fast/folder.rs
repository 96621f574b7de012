//! Folders of four IDX files, the places that are searched for Fashion-MNIST, splits and limits. `idx.rs` tests the
//! IDX format, and `download.rs` the network.

use std::path::{Path, PathBuf};
use wgrad::data::Dataset;
use wgrad_data::{
    DataSpec, Places,
    fashion_mnist::{self, FILES},
    folder,
    idx::{self, Packing},
    load, places,
};
use wgrad_data::{Error, Result};

use tempfile::TempDir;

const CLASSES: u8 = 4;

/// A folder with 12 training and 8 test images of 2×3, labels 0 to 3 in turn.
struct Sample(TempDir);

impl Sample {
    fn new() -> Self {
        let sample = Self(tempfile::tempdir().unwrap());
        let labels = |n: u8| (0..n).map(|i| i % CLASSES).collect::<Vec<u8>>();
        sample.put("train-images-idx3-ubyte", &[12, 2, 3], &(0..72).collect::<Vec<u8>>());
        sample.put("train-labels-idx1-ubyte", &[12], &labels(12));
        sample.put("t10k-images-idx3-ubyte", &[8, 2, 3], &(100..148).collect::<Vec<u8>>());
        sample.put("t10k-labels-idx1-ubyte", &[8], &labels(8));
        sample
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn put(&self, name: &str, shape: &[usize], data: &[u8]) {
        let packing = if name.ends_with(".gz") { Packing::Gzip } else { Packing::Plain };
        idx::write(&self.file(name), shape, data, packing).unwrap();
    }

    fn load(&self) -> Result<Dataset> {
        folder::load(self.path())
    }

    fn message(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

/// 60,000 and 10,000 labels with MNIST's first ten and MNIST's number of each digit, images of one pixel.
fn put_mnist_labels(sample: &Sample) {
    let train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    let test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
    let fill = |first: &[u8], counts: [usize; 10]| {
        let mut labels = first.to_vec();
        for (digit, count) in (0_u8..).zip(counts) {
            let there = first.iter().filter(|&&label| label == digit).count();
            labels.extend(std::iter::repeat_n(digit, count - there));
        }
        labels
    };
    let train = fill(&[5, 0, 4, 1, 9, 2, 1, 3, 1, 4], train);
    let test = fill(&[], test);
    assert_eq!((train.len(), test.len()), (60_000, 10_000));
    sample.put("train-images-idx3-ubyte", &[60_000, 1, 1], &[9; 60_000]);
    sample.put("train-labels-idx1-ubyte", &[60_000], &train);
    sample.put("t10k-images-idx3-ubyte", &[10_000, 1, 1], &[9; 10_000]);
    sample.put("t10k-labels-idx1-ubyte", &[10_000], &test);
}

fn only_system(path: &Path) -> Places {
    Places { system: vec![path.to_owned()], ..Places::default() }
}

#[test]
fn four_files_make_a_data_set() {
    let sample = Sample::new();
    let data = sample.load().unwrap();
    assert_eq!((data.height, data.width, data.channels, data.pixels()), (2, 3, 1, 6));
    assert_eq!((data.train.len(), data.test.len()), (12, 8));
    assert_eq!(data.train.image(1, 6).unwrap()[..], [6, 7, 8, 9, 10, 11]);
    assert_eq!(data.train.image(12, 6), None);
    assert_eq!(data.test.labels[..5], [0, 1, 2, 3, 0]);
    assert_eq!(data.classes, ["class 0", "class 1", "class 2", "class 3"]);
    assert_eq!(data.class_counts(&data.train), [3, 3, 3, 3]);
    assert_eq!(data.source, sample.path().display().to_string());
    assert_eq!(data.name, sample.path().file_name().unwrap().to_str().unwrap());
    assert!(data.warnings.is_empty() && data.validation.is_none());
}

#[test]
fn gzip_and_dotted_names_give_the_same_data_set() {
    let sample = Sample::new();
    let plain = sample.load().unwrap();
    for (from, to) in [
        ("train-images-idx3-ubyte", "train-images.idx3-ubyte.gz"),
        ("t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"),
        ("t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz"),
    ] {
        let read = idx::read(&sample.file(from)).unwrap();
        std::fs::remove_file(sample.file(from)).unwrap();
        sample.put(to, &read.shape, &read.data);
    }
    assert_eq!(sample.load().unwrap(), plain);
}

#[test]
fn the_digest_is_what_sha256sum_says_of_the_four_files_and_tells_a_changed_pixel() {
    let sample = Sample::new();
    let before = sample.load().unwrap().digest;
    let names = wgrad::data::dataset::FILE_NAMES;
    let listing: String = names
        .iter()
        .map(|name| format!("{}  {name}\n", idx::read(&sample.file(name)).unwrap().sha256))
        .collect();
    use sha2::Digest;
    let expected: String =
        sha2::Sha256::digest(listing.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(before, expected);
    let mut pixels: Vec<u8> = (100..148).collect();
    pixels[47] ^= 1;
    sample.put("t10k-images-idx3-ubyte", &[8, 2, 3], &pixels);
    assert_ne!(sample.load().unwrap().digest, before);
}

#[test]
fn images_of_three_channels_keep_them() {
    let sample = Sample::new();
    sample.put("train-images-idx3-ubyte", &[12, 2, 1, 3], &[1; 72]);
    assert!(sample.message().contains("images of [2, 3, 1] (height, width, channels), expected [2, 1, 3]"));
    sample.put("t10k-images-idx3-ubyte", &[8, 2, 1, 3], &[1; 48]);
    let data = sample.load().unwrap();
    assert_eq!((data.height, data.width, data.channels), (2, 1, 3));
}

#[test]
fn a_missing_file_is_named() {
    let sample = Sample::new();
    std::fs::remove_file(sample.file("t10k-labels-idx1-ubyte")).unwrap();
    std::fs::remove_file(sample.file("train-labels-idx1-ubyte")).unwrap();
    let message = sample.message();
    assert!(
        message.contains(
            "got no train-labels-idx1-ubyte and no t10k-labels-idx1-ubyte, expected the four files"
        ),
        "{message}"
    );
    let message = folder::load(Path::new("no/such")).unwrap_err().to_string();
    assert!(message.starts_with("cannot open the folder no/such: "), "{message}");
}

#[test]
fn a_damaged_file_is_named() {
    let sample = Sample::new();
    let path = sample.file("train-images-idx3-ubyte");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..40]).unwrap();
    let message = sample.message();
    assert!(message.contains("train-images-idx3-ubyte: truncated: got 40 bytes, expected 88"), "{message}");
}

#[test]
fn fewer_labels_than_images_are_refused() {
    let sample = Sample::new();
    sample.put("t10k-labels-idx1-ubyte", &[7], &[0; 7]);
    let message = sample.message();
    assert!(
        message.contains("t10k-labels-idx1-ubyte: got 7 labels, expected 8 as there are images in ")
            && message.contains("t10k-images-idx3-ubyte; both files must come from one data set"),
        "{message}"
    );
}

#[test]
fn a_label_out_of_range_is_refused_with_its_index() {
    let sample = Sample::new();
    sample.put("t10k-labels-idx1-ubyte", &[8], &[0, 1, 2, 3, 0, 4, 2, 3]);
    let message = sample.message();
    assert!(
        message.contains(
            "t10k-labels-idx1-ubyte: label 4 at index 5 is out of range, expected 0 to 3 as there are 4 \
             classes; fix the file, or name every class in a classes.txt"
        ),
        "{message}"
    );
    sample.put("t10k-labels-idx1-ubyte", &[8], &[0; 8]);
    sample.put("train-labels-idx1-ubyte", &[12], &[0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 200, 3]);
    let message = sample.message();
    assert!(message.contains("label 200 at index 10 is out of range, expected 0 to 9"), "{message}");
}

#[test]
fn labels_in_place_of_images_are_refused() {
    let sample = Sample::new();
    sample.put("train-images-idx3-ubyte", &[12], &[0; 12]);
    let message = sample.message();
    assert!(message.contains("IDX rank 1, expected 3 (N, H, W) or 4"), "{message}");
    let sample = Sample::new();
    sample.put("train-labels-idx1-ubyte", &[12, 1, 1], &[0; 12]);
    let message = sample.message();
    assert!(message.contains("IDX rank 3, expected 1 (N) for labels"), "{message}");
}

#[test]
fn an_empty_set_is_refused() {
    let sample = Sample::new();
    sample.put("t10k-images-idx3-ubyte", &[0, 2, 3], &[]);
    sample.put("t10k-labels-idx1-ubyte", &[0], &[]);
    let message = sample.message();
    assert!(message.contains("the shape [0, 2, 3] holds nothing, expected at least one"), "{message}");
}

#[test]
fn a_file_of_names_names_the_classes() {
    let sample = Sample::new();
    std::fs::write(sample.file("classes.txt"), "ant\nbee\ncat\n dog \nelk\n\n").unwrap();
    assert_eq!(sample.load().unwrap().classes, ["ant", "bee", "cat", "dog", "elk"]);
    std::fs::write(sample.file("classes.txt"), "\n").unwrap();
    let message = sample.message();
    assert!(message.contains("classes.txt: got 0 class names, expected 1 to 256"), "{message}");
}

#[test]
fn mnist_in_a_folder_given_by_hand_is_a_warning_that_names_it() {
    let sample = Sample::new();
    put_mnist_labels(&sample);
    let data = sample.load().unwrap();
    assert_eq!(data.name, "MNIST");
    assert_eq!(data.classes[..3], ["0", "1", "2"]);
    assert_eq!(
        data.warnings,
        [format!(
            "{}: this is MNIST (handwritten digits), not Fashion-MNIST, which uses the same file names",
            sample.path().display()
        )]
    );
    let places = Places { named: Some(sample.path().to_owned()), ..Places::default() };
    assert_eq!(load(&DataSpec::FashionMnist, &places).unwrap(), data);
}

#[test]
fn mnist_where_fashion_mnist_belongs_is_an_error_that_names_it() {
    let sample = Sample::new();
    put_mnist_labels(&sample);
    let error = places::load(&only_system(sample.path())).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("this is MNIST (handwritten digits), not Fashion-MNIST: got SHA-256 ")
            && message.contains(FILES[0].sha256),
        "{message}"
    );
}

#[test]
fn another_set_in_the_cache_is_an_error() {
    let sample = Sample::new();
    let cache = sample.path().join("wgrad/fashion-mnist");
    std::fs::create_dir_all(&cache).unwrap();
    for name in wgrad::data::dataset::FILE_NAMES {
        std::fs::rename(sample.file(name), cache.join(name)).unwrap();
    }
    let mut places = Places::new(None, Some(sample.path().to_owned()));
    places.system.clear();
    let error = places::load(&places).unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
    let message = error.to_string();
    assert!(
        message.contains("not the published file of Fashion-MNIST: got SHA-256")
            && message.ends_with("remove the file and run `wgrad_data::places::fetch`"),
        "{message}"
    );
}

#[test]
fn nothing_anywhere_lists_every_place_and_what_to_do() {
    let sample = Sample::new();
    std::fs::remove_file(sample.file("t10k-labels-idx1-ubyte")).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let places = Places {
        named: None,
        system: vec![PathBuf::from("/no/such"), sample.path().to_owned()],
        cache: Some(empty.path().to_owned()),
    };
    let message = load(&DataSpec::FashionMnist, &places).unwrap_err().to_string();
    for part in [
        "Fashion-MNIST not found; looked in:",
        "WGRAD_DATA: not set",
        "/no/such: no such folder",
        &format!("{}: only 3 of the four files", sample.path().display()),
        &format!("{}: none of the four files", empty.path().display()),
        "`wgrad_data::places::fetch`",
        "apt install dataset-fashion-mnist",
        ".data = synthetic",
    ] {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
    let message = places::load(&Places::default()).unwrap_err().to_string();
    assert!(message.contains("the user's cache: there is none"), "{message}");
}

#[test]
fn a_folder_named_by_hand_is_not_silently_passed_over() {
    let places = Places::new(Some("/no/such".into()), None);
    let message = places::load(&places).unwrap_err().to_string();
    assert!(message.starts_with("cannot open the folder /no/such"), "{message}");
    assert_eq!(Places::new(Some("".into()), None).named, None);
}

#[test]
fn one_entry_loads_all_three_kinds() {
    let sample = Sample::new();
    let nowhere = Places::default();
    let options = wgrad_data::download::Options::default();
    for spec in
        [DataSpec::Folder(sample.path().to_owned()), DataSpec::Synthetic { seed: 1, train: 20, test: 10 }]
    {
        let data = load(&spec, &nowhere).unwrap();
        let again = wgrad_data::load_or_fetch(&spec, &nowhere, &options, &mut |_| ()).unwrap();
        assert_eq!(data, again);
        assert!(data.train.len() >= 12);
    }
    let spec = DataSpec::FashionMnist;
    let error = wgrad_data::load_or_fetch(&spec, &nowhere, &options, &mut |_| ()).unwrap_err();
    assert!(matches!(error, Error::DataNotFound { .. }), "{error}");
}

#[test]
fn names_of_data_sets_are_reported_from_paths() {
    assert_eq!("fashion-mnist".parse::<DataSpec>().unwrap(), DataSpec::FashionMnist);
    assert!(matches!(
        "synthetic".parse::<DataSpec>().unwrap(),
        DataSpec::Synthetic { seed: 0, train: 60_000, test: 10_000 }
    ));
    assert_eq!("./x".parse::<DataSpec>().unwrap(), DataSpec::Folder("./x".into()));
    let message = "fashion_mnist".parse::<DataSpec>().unwrap_err().to_string();
    assert!(
        message.contains(
            "data set \"fashion_mnist\" is not known, expected fashion-mnist, synthetic, mnist, kmnist, emnist-balanced, "
        ),
        "{message}"
    );
}

#[test]
fn a_validation_share_is_stratified_disjoint_and_decided_by_the_seed() {
    let sample = Sample::new();
    let pixels: Vec<u8> = (0..80).flat_map(|i| [i; 6]).collect();
    let labels: Vec<u8> = (0..80).map(|i| i % CLASSES).collect();
    sample.put("train-images-idx3-ubyte", &[80, 2, 3], &pixels);
    sample.put("train-labels-idx1-ubyte", &[80], &labels);
    let whole = sample.load().unwrap();
    let split = whole.clone().with_validation(0.25, 7).unwrap();
    let held_out = split.validation.clone().unwrap();
    assert_eq!((split.train.len(), held_out.len()), (60, 20));
    assert_eq!(split.class_counts(&held_out), [5; 4]);
    let id =
        |split: &wgrad::data::Split| -> Vec<u8> { split.images.memory().chunks(6).map(|c| c[0]).collect() };
    let mut all = [id(&split.train), id(&held_out)].concat();
    assert!(id(&split.train).is_sorted() && id(&held_out).is_sorted());
    all.sort_unstable();
    assert_eq!(all, (0..80).collect::<Vec<u8>>());
    for (&image, &label) in id(&held_out).iter().zip(held_out.labels.iter()) {
        assert_eq!(u32::from(image % CLASSES), label, "labels follow their images");
    }
    assert_eq!(whole.clone().with_validation(0.25, 7).unwrap(), split);
    assert_ne!(whole.with_validation(0.25, 8).unwrap(), split);
    let message = split.with_validation(0.1, 0).unwrap_err().to_string();
    assert!(message.contains("has one of 20 images already"), "{message}");
}

#[test]
fn a_validation_share_that_leaves_nothing_is_refused() {
    let data = Sample::new().load().unwrap();
    for share in [0.0, 1.0, -0.1, f64::NAN, 0.01, 0.99] {
        let message = data.clone().with_validation(share, 0).unwrap_err().to_string();
        assert!(
            message.contains(&format!("got {share} of 12 training images, expected a share above 0")),
            "{message}"
        );
    }
}

#[test]
fn a_limit_keeps_the_first_images() {
    let data = Sample::new().load().unwrap();
    let few = data.clone().limit(2, 100);
    assert_eq!((few.train.len(), few.test.len()), (2, 8));
    assert_eq!(few.train.images.memory(), &data.train.images.memory()[..12]);
    assert_eq!(few.digest, data.digest);
}

/// The folder of the real files, in any place on this machine; without them, these tests fail and say how to get
/// them.
fn published() -> PathBuf {
    match places::load(&Places::from_env()) {
        Ok(data) => PathBuf::from(data.source),
        Err(error) => panic!("these tests need the real files: {error}"),
    }
}

#[test]
fn the_published_files_are_fashion_mnist() {
    let folder = published();
    let data = places::load(&only_system(&folder)).unwrap();
    assert_eq!(data.name, "Fashion-MNIST");
    assert_eq!((data.train.len(), data.test.len(), data.pixels()), (60_000, 10_000, 784));
    assert_eq!(data.class_counts(&data.train), [6000; 10]);
    assert_eq!(data.class_counts(&data.test), [1000; 10]);
    assert_eq!(data.classes[data.train.labels[0] as usize], "Ankle boot");
    assert_eq!(data.digest, "5cf0562c46b89a77940b86f40a9a4325e7bed59d53ec555c4d14f0bed41ca53a");
    assert_eq!(folder::load(&folder).unwrap(), data);
}

#[test]
fn one_altered_file_of_fashion_mnist_is_a_warning_by_hand_and_an_error_elsewhere() {
    let published = published();
    let sample = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(published).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, sample.path().join(path.file_name().unwrap())).unwrap();
    }
    let labels = sample.path().join("t10k-labels-idx1-ubyte");
    let packed = labels.with_extension("gz");
    let mut read = idx::read(if labels.exists() { &labels } else { &packed }).unwrap();
    read.data[17] ^= 1;
    idx::write(&labels, &read.shape, &read.data, Packing::Plain).unwrap();
    let data = folder::load(sample.path()).unwrap();
    assert_eq!(data.warnings.len(), 1);
    assert!(data.warnings[0].contains("t10k-labels-idx1-ubyte: not the published file"));
    assert_eq!(data.classes, fashion_mnist::CLASSES);
    let error = places::load(&only_system(sample.path())).unwrap_err();
    assert!(error.to_string().contains(FILES[3].sha256), "{error}");
}
