//! Data sets of all kinds: the content of a path determines the reader. `pictures.rs` tests folders of pictures,
//! and `damaged.rs` damaged files.

use std::{fs, path::Path};
use wgrad::data::{Dataset, normalization};
use wgrad_data::Result;
use wgrad_data::{
    DataSpec, Places, Reading,
    idx::{self, Packing},
    load_with,
    reading::{Again, Decimal, Fit, Header, Missing, RowShape, Size, Target},
    summary::summary,
    table::Kind,
};

fn load(path: &Path, reading: &Reading) -> Result<Dataset> {
    load_with(&DataSpec::Folder(path.to_owned()), &Places::default(), reading, None)
}

#[track_caller]
fn refused(path: &Path, reading: &Reading, words: &[&str]) {
    let message = load(path, reading).expect_err("it does not fit").to_string();
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// A record of CIFAR whose red is `shade`, green 1 more, blue 2 more.
pub fn record(labels: &[u8], shade: u8) -> Vec<u8> {
    let planes = (0..3u8).flat_map(|channel| vec![shade + channel; 1024]);
    labels.iter().copied().chain(planes).collect()
}

#[test]
fn cifar_10_is_read_in_the_order_of_its_pixels() {
    let folder = folder();
    let inner = folder.path().join("cifar-10-batches-bin");
    fs::create_dir(&inner).expect("a folder");
    let names: Vec<String> = (0..10).map(|n| format!("thing {n}")).collect();
    fs::write(inner.join("batches.meta.txt"), names.join("\n") + "\n\n").expect("written");
    for n in 1..=5u8 {
        let records = [record(&[n], 10 * n), record(&[0], 200)].concat();
        fs::write(inner.join(format!("data_batch_{n}.bin")), records).expect("written");
    }
    fs::write(inner.join("test_batch.bin"), record(&[9], 7)).expect("written");
    let data = load(folder.path(), &Reading::default()).expect("CIFAR-10");
    assert_eq!(
        (data.name.as_str(), data.shape(), data.classes[9].as_str()),
        ("CIFAR-10", [32, 32, 3], "thing 9")
    );
    assert_eq!((data.train.len(), data.test.len()), (10, 1));
    assert_eq!(data.train.labels[..4], [1, 0, 2, 0]);
    assert_eq!(data.train.image(2, data.pixels()).expect("there")[..6], [20, 21, 22, 20, 21, 22]);
    fs::write(inner.join("test_batch.bin"), &record(&[9], 7)[1..]).expect("written");
    refused(folder.path(), &Reading::default(), &["test_batch.bin", "3072 bytes", "multiple of 3073"]);
    fs::write(inner.join("test_batch.bin"), record(&[10], 7)).expect("written");
    refused(folder.path(), &Reading::default(), &["label 10 of image 0", "0 to 9"]);
}

#[test]
fn cifar_100_has_its_fine_labels() {
    let folder = folder();
    fs::write(folder.path().join("train.bin"), [record(&[1, 77], 5), record(&[2, 99], 6)].concat())
        .expect("written");
    fs::write(folder.path().join("test.bin"), record(&[3, 4], 7)).expect("written");
    let data = load(folder.path(), &Reading::default()).expect("CIFAR-100");
    assert_eq!((data.name.as_str(), data.classes.len()), ("CIFAR-100", 100));
    assert_eq!((&data.train.labels[..], &data.test.labels[..]), (&[77, 99][..], &[4][..]));
}

#[test]
fn emnist_is_turned_and_its_letters_count_from_nought() {
    let folder = folder();
    let put = |set: &str, part: &str, shape: &[usize], data: &[u8]| {
        let path = folder.path().join(format!("emnist-{set}-{part}-ubyte.gz"));
        idx::write(&path, shape, data, Packing::Gzip).expect("written");
    };
    let fill = |set: &str| {
        put(set, "train-images-idx3", &[2, 2, 2], &[0, 1, 2, 3, 4, 5, 6, 7]);
        put(set, "train-labels-idx1", &[2], &[1, 26]);
        put(set, "test-images-idx3", &[1, 2, 2], &[8, 9, 10, 11]);
        put(set, "test-labels-idx1", &[1], &[3]);
    };
    fill("letters");
    let data = load(folder.path(), &Reading::default()).expect("EMNIST letters");
    assert_eq!((data.name.as_str(), data.classes[25].as_str()), ("EMNIST letters", "Z"));
    assert_eq!((&data.train.labels[..], &data.test.labels[..]), (&[0, 25][..], &[2][..]));
    assert_eq!(data.train.images.memory(), [0, 2, 1, 3, 4, 6, 5, 7]);
    // A name selects one of two sets in one folder.
    fill("balanced");
    refused(folder.path(), &Reading::default(), &["2 sets of EMNIST", "emnist-balanced", "emnist-letters"]);
    let data = load(&folder.path().join("emnist-balanced"), &Reading::default()).expect("EMNIST balanced");
    assert_eq!((data.name.as_str(), data.classes.len(), data.train.labels[1]), ("EMNIST balanced", 47, 26));
}

#[test]
fn archives_of_numpy_are_read() {
    let data = load(&wgrad_testing::fixture("arrays.npz"), &Reading::default()).expect("bytes");
    assert_eq!((data.shape(), data.train.len(), data.test.len(), data.classes.len()), ([4, 5, 1], 6, 3, 3));
    assert!(!data.input.floats && !data.input.numbers);
    assert_eq!(data.train.images.memory()[..6], [0, 1, 2, 3, 4, 5]);
    assert_eq!((&data.train.labels[..], &data.test.labels[..]), (&[0, 1, 2, 0, 1, 2][..], &[2, 1, 0][..]));

    // Big-endian floats, labels with fractions, and no test part.
    let path = wgrad_testing::fixture("arrays_floats.npz");
    let data = load(&path, &Reading::default()).expect("floats");
    assert_eq!((data.shape(), data.train.len(), data.test.len()), ([2, 2, 3], 8, 2));
    assert!(data.input.floats && data.input.numbers && data.classes.is_empty());
    assert!(data.notes[0].contains("2 of 10 were held out"), "{:?}", data.notes);
    let first = floats(&data.train.image(0, data.pixels()).expect("there"));
    let label = f32::from_bits(data.train.labels[0]);
    assert_eq!(first[0], (label / 1.5) * 12.0 / 8.0 - 7.0, "images and labels belong together");
    let other = load(&path, &Reading { split_seed: 1, ..Reading::default() }).expect("floats");
    assert_ne!(other.test, data.test, "another seed holds out others");
    refused(
        &path,
        &Reading { target: Some(Target::Classes), ..Reading::default() },
        &["label 1.5", ".target = number"],
    );
    let none = Reading { test_share: Some(0.01), ..Reading::default() };
    refused(&path, &none, &["has no test part", "`.test_share = 0.01` of 10 images", "use for example 0.5"]);
    let half = Reading { test_share: Some(0.5), ..Reading::default() };
    assert_eq!(load(&path, &half).expect("as it was told").test.len(), 5);
    let none = Reading { test_share: Some(1.0), ..Reading::default() };
    refused(&path, &none, &["`.test_share = 1` of 10", "above 0 and below 1"]);
    let alone = data.with_validation(0.01, 0).expect_err("none is left").to_string();
    assert!(alone.contains("validation split: got 0.01 of 8") && alone.contains("example 0.5"), "{alone}");
}

const FLOWERS: &str = "length,width,colour,kind\n1.0,2,red,rose\n3.0,2,blue,iris\n5.0,2,red,rose\n7.0,2,blue,iris\n\
                       9.0,2,red,rose\n11.0,2,blue,iris\n";

#[test]
fn options_of_another_kind_of_data_are_refused() {
    let folder = folder();
    let table = folder.path().join("flowers.csv");
    fs::write(&table, FLOWERS).expect("written");
    let (arrays, plain) = (wgrad_testing::fixture("arrays.npz"), Reading::default);
    let sized = Reading { size: Some(Size { height: 8, width: 8 }), ..plain() };
    let label = Reading { label: Some("kind".into()), ..plain() };
    let table_words = |field: &'static str| {
        [field, "given for comma-separated values, expected a folder of pictures", "leave it out"]
    };
    refused(&table, &sized, &table_words("`.size` is"));
    refused(&table, &Reading { fit: Fit::Pad, ..plain() }, &table_words("`.fit` is"));
    refused(&table, &Reading { channels: Some(1), ..plain() }, &table_words("`.channels` is"));
    refused(&arrays, &sized, &["`.size` is given for an .npz archive"]);
    let columns = [
        ("`.label` is", label.clone()),
        ("`.drop` is", Reading { drop: vec!["a".into()], ..plain() }),
        ("`.na` is", Reading { na: vec!["x".into()], ..plain() }),
        ("`.not_na` is", Reading { not_na: vec!["NA".into()], ..plain() }),
        ("`.category` is", Reading { category: vec!["a".into()], ..plain() }),
        ("`.header` is", Reading { header: Some(Header::No), ..plain() }),
        ("`.comment` is", Reading { comment: Some('#'), ..plain() }),
        ("`.decimal` is", Reading { decimal: Some(Decimal::Comma), ..plain() }),
    ];
    for (field, reading) in &columns {
        refused(&arrays, reading, &[field, "an .npz archive", "expected comma-separated values"]);
    }
    let shape = Reading { shape: Some(RowShape::Picture([4, 4, 1])), ..plain() };
    refused(&arrays, &shape, &["images of 4×5×1", "`.shape` says another size", "leave it out"]);
    refused(&wgrad_testing::fixture("parity"), &shape, &["`.shape` is given for a data set that needs none"]);
    let drawn = DataSpec::Synthetic { seed: 0, train: 10, test: 10 };
    let error = load_with(&drawn, &Places::default(), &label, None).expect_err("no column").to_string();
    assert!(error.contains("`.label`"), "{error}");
    // Recorded options are accepted as they are; a test share without effect causes a warning.
    let again = Reading { again: Some(Again { floats: false, own: true }), ..sized };
    assert!(load(&arrays, &again).is_ok());
    let share = Reading { test_share: Some(0.5), ..plain() };
    let reported = load(&arrays, &share).expect("two parts").warnings;
    assert!(
        reported.len() == 1 && reported[0].contains("`.test_share` and `.split_seed` have no effect"),
        "{reported:?}"
    );
}

#[test]
fn a_table_is_standardised_by_its_training_part() {
    let folder = folder();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    put("train.csv", FLOWERS);
    put("test.csv", "length,width,colour,kind\n6,3,green,iris\n");
    let data = load(folder.path(), &Reading::default()).expect("a table");
    assert_eq!((data.shape(), &data.classes[..]), ([1, 1, 4], &["iris".to_string(), "rose".to_string()][..]));
    assert_eq!(data.train.labels[..2], [1, 0]);
    assert!(data.notes[0].contains("the label is the column kind"), "{:?}", data.notes);
    let table = data.table.as_ref().expect("a table");
    let deviation = (70.0f64 / 6.0).sqrt();
    assert_eq!(table.columns[0].kind, Kind::Number { mean: 6.0, deviation });
    assert_eq!(table.columns[2].kind, Kind::Words(vec!["blue".into(), "red".into()]));
    let rows = floats(data.train.images.memory());
    assert_eq!(rows[..4], [(-5.0 / deviation) as f32, 0.0, 0.0, 1.0]);
    // A constant column has no effect; a word that training did not have is none of its column's words.
    assert_eq!(floats(data.test.images.memory()), [0.0; 4]);
}

#[test]
fn a_number_to_tell_is_standardised_too() {
    let folder = folder();
    let path = folder.path().join("houses.csv");
    let lines: Vec<String> =
        (0..50).map(|n| format!("{n};{};{}", n % 3, 1000.0 + 2.5 * f64::from(n))).collect();
    fs::write(&path, lines.join("\r\n")).expect("written");
    let data = load(&path, &Reading { test_share: Some(0.5), ..Reading::default() }).expect("a table");
    assert!(data.input.numbers && data.classes.is_empty());
    assert_eq!((data.shape(), data.train.len(), data.test.len()), ([1, 1, 2], 25, 25));
    let table = data.table.as_ref().expect("a table");
    let reported: Vec<f64> = data.train.labels.iter().map(|bits| f64::from(f32::from_bits(*bits))).collect();
    assert!(reported.iter().sum::<f64>().abs() < 1e-4, "mean 0: {reported:?}");
    let price = table.number(reported[0]);
    assert!(
        (price - price.round()).abs() < 1e-3 || (price * 2.0 - (price * 2.0).round()).abs() < 1e-3,
        "{price}"
    );
    // The same file with another label column, whose few whole numbers are classes.
    let by = |target| Reading { label: Some("1".into()), target, ..Reading::default() };
    assert_eq!(load(&path, &by(None)).expect("classes").classes, ["0", "1", "2"]);
    assert!(load(&path, &by(Some(Target::Number))).expect("numbers").input.numbers);
    let last = Reading { label: Some("-1".into()), drop: vec!["0".into()], ..Reading::default() };
    assert_eq!(load(&path, &last).expect("a table").channels, 1);
}

#[test]
fn missing_values_are_named_by_line_left_out_or_filled() {
    let folder = folder();
    let path = folder.path().join("flowers.csv");
    fs::write(&path, FLOWERS.replace("5.0,2,red", "NA,2,").replace("9.0,2", "9.0,?")).expect("written");
    refused(
        &path,
        &Reading::default(),
        &["2 lines", "line 4 (length, colour)", "line 6 (width)", ".missing = drop"],
    );
    let with = |missing| load(&path, &Reading { missing, test_share: Some(0.5), ..Reading::default() });
    let dropped = with(Missing::Drop).expect("the others");
    assert_eq!(dropped.train.len() + dropped.test.len(), 4);
    assert!(dropped.warnings[0].contains("2 lines"), "{:?}", dropped.warnings);
    let filled = with(Missing::Mean).expect("all");
    assert_eq!(filled.train.len() + filled.test.len(), 6);
    assert!(floats(filled.train.images.memory()).iter().all(|value| value.is_finite()));
}

#[test]
fn what_is_none_of_the_kinds_is_named_with_what_would_fit() {
    let folder = folder();
    let put = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("written");
        path
    };
    let plain = Reading::default();
    refused(folder.path(), &plain, &["the folder is empty", "train.csv and test.csv", ".npz"]);
    let text = put("notes.txt", b"a,b,c\n1,2\n");
    refused(folder.path(), &plain, &["notes.txt", "no known data", "IDX", "pictures for each class"]);
    refused(&text, &plain, &["line 2 has 2 fields, expected 3"]);
    refused(&put("a.npy", b"\x93NUMPY\x01\0"), &plain, &["a single numpy array", "np.savez"]);
    refused(&put("a.idx", &[0, 0, 8, 1]), &plain, &["one file of a set", "name the folder"]);
    refused(&put("a.png", b"\x89PNG\r\n\x1a\n"), &plain, &["one picture", "a subfolder of pictures"]);
    refused(&put("a.bin", &[1, 0, 2]), &plain, &["unknown kind"]);
    refused(&put("empty.csv", b""), &plain, &["an empty file"]);
    refused(&put("one.csv", b"a,b\n"), &plain, &["names columns"]);
    refused(&put("latin.csv", b"a,b\n1,\xe4\n"), &plain, &["line 2", "UTF-8"]);
    refused(
        &put("label.csv", b"a,b\n1,2\n3,4\n"),
        &Reading { label: Some("c".into()), ..plain },
        &["\"c\"", "a, b"],
    );
    refused(&folder.path().join("nowhere"), &Reading::default(), &["cannot open", "nowhere"]);
}

#[test]
fn a_summary_counts_what_is_in_two_parts_and_measures_channels() {
    let mut data = load(&wgrad_testing::fixture("arrays.npz"), &Reading::default()).expect("bytes");
    assert_eq!(summary(&data).duplicates, 1, "100 to 119 are in both");
    data.test = data.train.gather(&[1, 4], data.pixels());
    let found = summary(&data);
    assert_eq!((found.duplicates, found.sizes, found.broken.len()), (2, None, 0));
    // The column holds 0 to 119: their mean, and the deviation of as many consecutive numbers.
    assert!((found.channels[0].mean * 255.0 - 59.5).abs() < 1e-9);
    assert!((found.channels[0].deviation * 255.0 - ((120f64.powi(2) - 1.0) / 12.0).sqrt()).abs() < 1e-9);
    let normalization = normalization::of(&data).expect("one channel");
    assert_eq!(normalization.mean, [found.channels[0].mean]);
    let folder = folder();
    let path = folder.path().join("flowers.csv");
    fs::write(&path, FLOWERS).expect("written");
    let table = load(&path, &Reading::default()).expect("a table");
    assert!(normalization::of(&table).expect_err("it is done").to_string().contains("standardised already"));
}
