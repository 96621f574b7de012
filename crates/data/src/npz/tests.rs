//! Archives as users of numpy save them.

use std::io::Write;

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{Dataset, load};
use crate::reading::{Again, Reading, RowShape, Target};

/// An array in the `.npy` format.
fn npy(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    header += &" ".repeat(117 - header.len());
    header.push('\n');
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), bytes].concat()
}

fn of(arrays: &[(&str, Vec<u8>)], reading: &Reading) -> crate::Result<Dataset> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data.npz");
    let mut archive = ZipWriter::new(std::fs::File::create(&path).expect("created"));
    for (name, bytes) in arrays {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive.start_file(format!("{name}.npy"), options).expect("begun");
        archive.write_all(bytes).expect("written");
    }
    archive.finish().expect("whole");
    load(&path, &Reading { test_share: Some(0.5), ..reading.clone() })
}

fn i64s(values: impl IntoIterator<Item = i64>) -> Vec<u8> {
    values.into_iter().flat_map(i64::to_le_bytes).collect()
}

/// Four images of 2 × 2 whose values are `scale` times 0 to 15, with labels 0, 1, 0, 1.
fn images(scale: i64, shape: &str) -> [(&'static str, Vec<u8>); 2] {
    [
        ("x", npy("<i8", shape, &i64s((0..16).map(|n| n * scale)))),
        ("y", npy("<i8", "4,", &i64s([0, 1, 0, 1]))),
    ]
}

#[test]
fn integers_up_to_255_are_bytes() {
    let plain = Reading::default();
    let data = of(&images(17, "4, 2, 2"), &plain).expect("pictures");
    assert!(
        !data.input.floats && data.notes.iter().any(|note| note.contains("are taken as bytes")),
        "{:?}",
        data.notes
    );
    assert_eq!(data.train.image(0, data.pixels()).expect("there")[1] % 17, 0);
    // A run that used floats continues with floats; other data take the format of the training data.
    let again = |floats, own| Reading { again: Some(Again { floats, own }), ..Reading::default() };
    assert!(of(&images(17, "4, 2, 2"), &again(true, true)).expect("as it was").input.floats);
    let other = of(&images(17, "4, 4"), &again(false, false)).expect("as bytes");
    assert_eq!((other.input.floats, other.test.len()), (false, 4), "all of them judge a network");
    // Rows of a table are not pictures. Larger numbers, or 0 and 1, are not bytes. Large numbers cause a warning.
    let reported = |data: &Dataset| (data.input.floats, data.warnings.len());
    let rows = of(&images(17, "4, 4"), &plain).expect("rows");
    assert_eq!((reported(&rows), rows.shape()), ((true, 1), [1, 1, 4]));
    assert!(
        rows.warnings[0].contains("from 0 to 255") && rows.warnings[0].contains("uint8"),
        "{:?}",
        rows.warnings
    );
    assert_eq!(reported(&of(&images(20, "4, 2, 2"), &plain).expect("large")), (true, 1));
    assert_eq!(reported(&of(&images(1, "4, 2, 2"), &plain).expect("bytes")), (false, 0));
    let small = of(&images(-1, "4, 2, 2"), &plain).expect("small");
    assert!(reported(&small) == (true, 0) && small.notes[1].contains("from -15 to 0"), "{:?}", small.notes);
    let said = Reading { shape: Some(RowShape::Picture([2, 2, 1])), ..plain };
    assert_eq!(of(&images(17, "4, 4"), &said).expect("said").shape(), [2, 2, 1]);
}

#[test]
fn labels_may_be_words() {
    let bytes = npy("|u1", "4, 2, 2", &[9; 16]);
    let letters = |text: &str| text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<u8>>();
    let words = npy("<U3", "4,", &letters("catow\u{0}catow\u{0}"));
    let data = of(&[("X_train", bytes.clone()), ("y_train", words)], &Reading::default()).expect("words");
    assert_eq!((data.classes.join("/"), data.train.labels.len()), ("cat/ow".into(), 2));
    let mut labels = [&data.train.labels[..], &data.test.labels[..]].concat();
    labels.sort_unstable();
    assert_eq!(labels, [0, 0, 1, 1]);
    let words = npy("|S2", "4,", b"b\0a\0b\0a\0");
    let data = of(&[("data", bytes.clone()), ("target", words)], &Reading::default()).expect("words");
    assert_eq!(data.classes, ["a", "b"]);
    let objects = npy("|O", "4,", &[0; 32]);
    let message = of(&[("x", bytes), ("y", objects)], &Reading::default()).expect_err("objects").to_string();
    assert!(message.contains("astype(str)"), "{message}");
}

#[test]
fn a_few_bytes_do_not_become_gigabytes() {
    // The size that the file claims is checked before anything is read.
    let huge = [("x", npy("|u1", "4000, 1000, 1000", &[0; 16])), ("y", npy("<i8", "4000,", &i64s(0..4000)))];
    let error = of(&huge, &Reading::default()).expect_err("too much").to_string();
    assert!(
        error.contains("the array x") && error.contains("4000000000 bytes") && error.contains("np.savez"),
        "{error}"
    );
}

#[test]
fn parts_of_other_ranges_are_refused() {
    let f32s = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let labels = || npy("<i8", "2,", &i64s([0, 1]));
    let pixels: Vec<u8> = (0..8).map(|n| 36 * n).collect();
    let scaled = |scale: f32| pixels.iter().map(|pixel| f32::from(*pixel) * scale).collect::<Vec<_>>();
    let parts = |shape: &str, train: (&str, &[u8]), test: (&str, &[u8]), reading: &Reading| {
        let [x, y] = [train, test].map(|(kind, bytes)| npy(kind, shape, bytes));
        of(&[("x_train", x), ("y_train", labels()), ("x_test", y), ("y_test", labels())], reading)
    };
    let (plain, pictures, rows) = (Reading::default(), "2, 2, 2", "2, 4");
    let (shares, whole, zeros) = (f32s(&scaled(1.0 / 255.0)), f32s(&scaled(1.0)), f32s(&[0.0; 8]));
    let bits: Vec<u8> = pixels.iter().map(|pixel| u8::from(*pixel > 100)).collect();
    for (shape, train, test, fine) in [
        (pictures, ("|u1", &pixels), ("<f4", &shares), false),
        (rows, ("|u1", &pixels), ("<f4", &shares), false),
        (pictures, ("<f4", &shares), ("|u1", &pixels), false),
        (pictures, ("<f4", &whole), ("<f4", &shares), false),
        (pictures, ("|u1", &pixels), ("|u1", &bits), false),
        (pictures, ("|u1", &pixels), ("<f4", &whole), true),
        (pictures, ("<f4", &whole), ("<f4", &zeros), true),
        (rows, ("<f4", &whole), ("<f4", &shares), true),
    ] {
        match (fine, parts(shape, (train.0, train.1), (test.0, test.1), &plain)) {
            (true, Ok(data)) => assert_eq!(data.test.len(), 2),
            (false, Err(e)) => {
                let message = e.to_string();
                let large = if train.1 == &shares { "x_test" } else { "x_train" };
                let large = format!("{large} holds numbers from");
                for word in [large.as_str(), "x_test", "252", "divide pixels by 255"] {
                    assert!(message.contains(word), "no {word:?} in {message}");
                }
            }
            (_, found) => panic!("{shape} {} {}: {found:?}", train.0, test.0),
        }
    }
    let reported = parts(rows, ("<f4", &whole), ("<f4", &shares), &plain).expect("rows");
    assert!(
        reported.warnings.iter().any(|reported| reported.contains("expected the same range")),
        "{:?}",
        reported.warnings
    );
    // A run that was started with such parts continues.
    let own = Reading { again: Some(Again { floats: true, own: true }), ..plain };
    assert!(parts(pictures, ("|u1", &pixels), ("<f4", &shares), &own).is_ok());
}

#[test]
fn numbers_that_f32_does_not_tell_apart_are_reported() {
    let f64s = |values: Vec<f64>| values.into_iter().flat_map(f64::to_le_bytes).collect::<Vec<u8>>();
    let number = Reading { target: Some(Target::Number), ..Reading::default() };
    let far = 1_i64 << 40;
    // The values of a second column next to 0 to 19, or of labels, with the expected warning.
    let cases: [(Vec<f64>, &str); 6] = [
        ((0..20).map(|n| (far + n * 150) as f64).collect(), "span at most 2.85e3, around 1.0995"),
        ((0..20).map(|n| 1.7e9 + 60.0 * f64::from(n)).collect(), "only has steps of 1.28e2"),
        ((0..20).map(|n| 1e-50 * f64::from(n)).collect(), "steps of 1.4"),
        ((0..20).map(|n| 0.1 * f64::from(n)).collect(), ""),
        ((0..20).map(|n| 2e4 + f64::from(n)).collect(), ""),
        (vec![far as f64; 20], ""),
    ];
    for (values, said) in cases {
        let beside = (0..20).flat_map(|n| [f64::from(n), values[n as usize]]).collect();
        let x = npy("<f8", "20, 2", &f64s(beside));
        let y = npy("<f8", "20,", &f64s(values));
        let plain = npy("<i8", "20,", &i64s(0..20));
        let of = |x: &[u8], y: &[u8]| {
            of(&[("x", x.to_vec()), ("y", y.to_vec())], &number).expect("numbers").warnings
        };
        for (reported, next) in [
            (of(&x, &plain), "the values of column 1 (from 0) of x"),
            (of(&npy("<i8", "20, 2", &i64s(0..40)), &y), "the labels"),
        ] {
            let found = reported.iter().find(|reported| reported.contains("span at most"));
            assert_eq!(found.is_some(), !said.is_empty(), "{reported:?}");
            assert!(
                found.is_none_or(|reported| reported.contains(said)
                    && reported.starts_with(next)
                    && reported.contains("in float64, subtract the mean")),
                "{reported:?}"
            );
        }
    }
}

#[test]
fn a_number_that_f32_does_not_hold_is_named_so() {
    let number = Reading { target: Some(Target::Number), ..Reading::default() };
    for (odd, said) in [
        (1e300, "1e300, which is larger than f32 holds, 3.4e38"),
        (f64::INFINITY, "inf, expected finite numbers"),
    ] {
        let values: Vec<u8> = [0.5, odd, 1.5, 2.5].into_iter().flat_map(f64::to_le_bytes).collect();
        for (x, y, place) in [
            (npy("<f8", "4, 1", &values), npy("<i8", "4,", &i64s(0..4)), "place 1 of the images"),
            (npy("<f8", "4, 1, 1", &values), npy("<i8", "4,", &i64s(0..4)), "place 1 of the images"),
            (npy("<i8", "4, 1", &i64s(0..4)), npy("<f8", "4,", &values), "the label at index 1"),
        ] {
            let error = of(&[("x", x), ("y", y)], &number).expect_err("beyond").to_string();
            assert!(error.contains(said) && error.contains(place), "{error}");
        }
    }
}
