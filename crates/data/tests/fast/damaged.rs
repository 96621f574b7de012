//! Readers of data against files that are cut, extended and overwritten: they read or refuse them, and never panic.

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use std::{fs, io::Write, path::Path, sync::OnceLock};
use wgrad_data::{
    DataSpec, Places, Reading,
    idx::{self, Packing},
    load_with, npz,
    pictures::Preparation,
    reading::{Fit, Missing, Size},
    summary::summary,
};

/// A change of a file's bytes.
#[derive(Clone, Debug)]
enum Damage {
    Cut(prop::sample::Index),
    Change(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let at = any::<prop::sample::Index>;
    // Bytes that occur in headers: extremes, digits, delimiters.
    let byte = prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x7f), Just(b','), Just(b'"'), Just(b'9')];
    let one = prop_oneof![
        at().prop_map(Damage::Cut),
        (at(), byte).prop_map(|(at, byte)| Damage::Change(at, byte)),
        (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (at(), 1..9usize).prop_map(|(at, count)| Damage::Remove(at, count)),
    ];
    prop::collection::vec(one, 1..6)
}

fn damaged(bytes: &[u8], all: &[Damage]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for damage in all {
        // Half of the changes hit the place of headers.
        let place = |at: &prop::sample::Index| {
            let place = at.index(2 * bytes.len().max(1));
            if place < bytes.len() { place } else { place % bytes.len().clamp(1, 64) }
        };
        match damage {
            Damage::Cut(at) => bytes.truncate(place(at)),
            Damage::Change(at, byte) => {
                let at = place(at);
                bytes.get_mut(at).into_iter().for_each(|old| *old = *byte);
            }
            Damage::Insert(at, new) => {
                let at = place(at).min(bytes.len());
                bytes.splice(at..at, new.iter().copied());
            }
            Damage::Remove(at, count) => {
                let at = place(at).min(bytes.len());
                let end = (at + count).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
    bytes
}

/// Loads the content of a folder and visits all of it. Returns true if it could be read; checks that no image is
/// cut.
fn looked_at(path: &Path, reading: &Reading) -> bool {
    let Ok(data) = load_with(&DataSpec::Folder(path.to_owned()), &Places::default(), reading, None) else {
        return false;
    };
    for (_, split) in data.splits().filter(|(_, split)| !split.images.memory().is_empty()) {
        assert_eq!(split.images.memory().len(), split.len() * data.pixels());
        assert!(
            data.input.numbers || split.labels.iter().all(|label| (*label as usize) < data.classes.len())
        );
    }
    summary(&data);
    true
}

fn idx_file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("images");
        idx::write(&path, &[3, 4, 5], &[7; 60], Packing::Plain).expect("written");
        fs::read(path).expect("there")
    })
}

const TABLE: &[u8] = b"a,b,c\n1,red,0\n2.5,\"blue, dark\",1\n-3e2,red,0\n4,green,1\n5,red,0\n6,blue,1\n";

/// A few bytes that claim to be many cost neither memory nor time.
#[test]
fn what_unpacks_to_far_more_than_it_is_costs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data.npz");
    let mut archive = zip::ZipWriter::new(fs::File::create(&path).expect("a file"));
    for (name, shape) in [("x_train.npy", "(500000, 28, 28)"), ("y_train.npy", "(500000,)")] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("a part");
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
        let header = [b"\x93NUMPY\x01\0\x76\0", format!("{header:<117}\n").as_bytes()].concat();
        archive.write_all(&header).expect("written");
        archive.write_all(&[0; 4096]).expect("written");
    }
    archive.finish().expect("ends");
    let refused = |path: &Path| {
        let spec = DataSpec::Folder(path.to_owned());
        load_with(&spec, &Places::default(), &Reading::default(), None).expect_err("refused").to_string()
    };
    let words = refused(&path);
    assert!(words.contains("x_train: 392000000 bytes of elements"), "{words}");

    // A third of a megabyte unpacks to 300 MiB of zeros, for images of a shape with as many pixels.
    let path = folder.path().join("train-images-idx3-ubyte.gz");
    let mut packed = GzEncoder::new(fs::File::create(&path).expect("a file"), Compression::default());
    let count = (300_u32 << 20) / (28 * 28);
    let sizes = [count, 28, 28].map(u32::to_be_bytes).concat();
    packed.write_all(&[&[0, 0, 8, 3], &sizes[..]].concat()).expect("written");
    (0..300).for_each(|_| packed.write_all(&vec![0; 1 << 20]).expect("written"));
    packed.finish().expect("ends");
    assert!(path.metadata().expect("there").len() < 1 << 19);
    let words = idx::read(&path).expect_err("refused").to_string();
    assert!(words.contains("a hundredth as large"), "{words}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn idx(all in damage()) {
        let _either = idx::parse(&damaged(idx_file(), &all)[..], Path::new("damaged"));
    }

    #[test]
    fn npz(all in damage(), floats in any::<bool>()) {
        let name = if floats { "arrays_floats.npz" } else { "arrays.npz" };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data.npz");
        fs::write(&path, damaged(&fs::read(wgrad_testing::fixture(name)).expect("there"), &all)).expect("written");
        looked_at(&path, &Reading::default());
    }

    #[test]
    fn npy(all in damage()) {
        let mut array = b"\x93NUMPY\x01\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 2), }".to_vec();
        array.resize(127, b' ');
        array.push(b'\n');
        array.extend_from_slice(&[1; 48]);
        assert!(npz::parse(&array[..]).is_ok());
        let _either = npz::parse(&damaged(&array, &all)[..]);
    }

    #[test]
    fn csv(all in damage(), missing in prop_oneof![Just(Missing::Error), Just(Missing::Drop), Just(Missing::Mean)]) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data.csv");
        fs::write(&path, damaged(TABLE, &all)).expect("written");
        looked_at(&path, &Reading { missing, ..Reading::default() });
    }

    #[test]
    fn cifar(all in damage()) {
        let folder = tempfile::tempdir().expect("a folder");
        let record = |label: u8| [vec![label], vec![label; 3072]].concat();
        fs::write(folder.path().join("data_batch_1.bin"), damaged(&record(3), &all)).expect("written");
        fs::write(folder.path().join("test_batch.bin"), record(9)).expect("written");
        fs::write(folder.path().join("batches.meta.txt"), damaged(b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n", &all)).expect("written");
        looked_at(folder.path(), &Reading::default());
    }

    #[test]
    fn pictures(all in damage(), png in any::<bool>()) {
        let folder = tempfile::tempdir().expect("a folder");
        let bytes = wgrad_testing::pictures::file(0, if png { 2 } else { 0 }, [12, 24]).1;
        let path = folder.path().join("a/0.png");
        fs::create_dir(folder.path().join("a")).expect("a folder");
        fs::write(&path, damaged(&bytes, &all)).expect("written");
        fs::write(folder.path().join("a/1.png"), bytes).expect("written");
        let size = Some(Size { height: 8, width: 8 });
        looked_at(folder.path(), &Reading { size, test_share: Some(0.5), ..Reading::default() });
        let _either = Preparation { height: 5, width: 9, channels: 1, fit: Fit::Pad }.load(&path);
    }
}
