//! Data sets by name, of archives that the tests make: fetched from a server on the loopback interface or from a folder,
//! verified, unpacked once, and loaded.

use crate::kinds::{floats, record};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
};
use wgrad_data::{
    DataSpec, Error, Places, Reading,
    download::{Event, Options, ProxySetting, RemoteFile},
    idx::{self, Packing},
    load_with,
    published::{Archive, Content, PUBLISHED, Published},
    reading::Size,
};
use wgrad_testing::http::{Server, from_byte, status};

/// A data set of these files, whose digests are right.
fn set(files: &[(&'static str, &[u8])], archive: Option<Archive>, content: Content) -> &'static Published {
    let remote = |(name, bytes): &(&'static str, &[u8])| {
        let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        RemoteFile { name, sha256: digest.leak(), bytes: bytes.len() as u64, as_sent: true }
    };
    let files: Vec<_> = files.iter().map(remote).collect();
    let classes: &[&str] = if content == Content::Texts { &["negative", "positive"] } else { &[] };
    Box::leak(Box::new(Published {
        name: "own",
        title: "Own",
        about: "for a test",
        files: files.leak(),
        mirrors: &[],
        archive,
        content,
        classes,
    }))
}

fn options(mirror: &str) -> Options {
    Options { mirrors: vec![mirror.to_owned()], rounds: 1, proxy: ProxySetting::Direct, ..Options::default() }
}

fn server(files: &[(&'static str, &[u8])]) -> Server {
    let files: Vec<(String, Vec<u8>)> =
        files.iter().map(|(name, b)| (format!("/{name}"), b.to_vec())).collect();
    Server::start(move |request, _| match files.iter().find(|(name, _)| *name == request.target) {
        Some((_, bytes)) => from_byte(bytes, request),
        None => status("404 Not Found"),
    })
}

/// Fetches; returns the names of the events.
fn fetch(set: &Published, folder: &Path, options: &Options) -> Result<Vec<&'static str>, Error> {
    let mut events = Vec::new();
    set.fetch(folder, options, &mut |event| match event {
        Event::Present { .. } => events.push("present"),
        Event::Started { .. } => events.push("started"),
        Event::Finished { .. } => events.push("finished"),
        Event::Unpacking { .. } => events.push("unpacking"),
        _ => {}
    })?;
    Ok(events)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// An entry of a tar archive, in the format of POSIX 1003.1-1988.
fn tar_entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[148..156].fill(b' ');
    header[156] = kind;
    header[257..262].copy_from_slice(b"ustar");
    header[263..265].copy_from_slice(b"00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut entry = [&header[..], content].concat();
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn tar_gz(entries: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut all: Vec<u8> =
        entries.iter().flat_map(|(name, kind, bytes)| tar_entry(name, *kind, bytes)).collect();
    all.resize(all.len() + 1024, 0);
    gzip(&all)
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn cifar() -> Vec<u8> {
    let train: Vec<u8> = (0..10).flat_map(|class| record(&[class], 20 * class)).collect();
    let test: Vec<u8> = (0..10).flat_map(|class| record(&[class], 20 * class + 5)).collect();
    tar_gz(&[
        ("cifar-10-batches-bin/", b'5', &[]),
        ("cifar-10-batches-bin/data_batch_1.bin", b'0', &train),
        ("cifar-10-batches-bin/test_batch.bin", b'0', &test),
        // A link leads elsewhere, and is left out.
        ("cifar-10-batches-bin/link", b'2', &[]),
    ])
}

#[test]
fn an_archive_is_fetched_and_unpacked_once_and_can_be_interrupted() {
    let packed = cifar();
    let files = [("cifar.tar.gz", &packed[..])];
    let (server, own) = (server(&files), set(&files, Some(Archive::TarGz), Content::Cifar));
    let folder = tempfile::tempdir().unwrap();
    let error = own.load(folder.path(), &Reading::default()).unwrap_err();
    assert!(matches!(&error, Error::NotFetched { name, .. } if name == "own"), "{error}");
    // What an interrupted unpacking left is no data set, and goes away.
    fs::create_dir_all(folder.path().join(".unpacking/cifar-10-batches-bin")).unwrap();
    fs::create_dir_all(folder.path().join("cifar-10-batches-bin")).unwrap();
    fs::write(folder.path().join("cifar-10-batches-bin/data_batch_1.bin"), b"half").unwrap();
    assert!(!own.is_in(folder.path()));
    let events = fetch(own, folder.path(), &options(&server.url())).unwrap();
    assert_eq!(events, ["started", "finished", "unpacking"]);
    let data = own.load(folder.path(), &Reading::default()).unwrap();
    assert_eq!(
        (data.name.as_str(), data.train.len(), data.test.len(), data.classes.len()),
        ("Own", 10, 10, 10)
    );
    // Neither the archive nor the folder beside it stays; a second time nothing is asked of the server.
    let left = |name: &str| folder.path().join(name).exists();
    assert!(!left("cifar.tar.gz") && !left(".unpacking") && !left("cifar-10-batches-bin/link"));
    assert_eq!(fetch(own, folder.path(), &options(&server.url())).unwrap(), ["present"]);
    assert_eq!(server.requests().len(), 1);
    // A folder that has the file serves as a mirror.
    let (downloads, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(downloads.path().join("cifar.tar.gz"), &packed).unwrap();
    fetch(own, again.path(), &options(&downloads.path().display().to_string())).unwrap();
    assert_eq!(own.load(again.path(), &Reading::default()).unwrap().digest, data.digest);
    assert!(downloads.path().join("cifar.tar.gz").exists(), "the user's file stays");
    let none =
        fetch(own, &again.path().join("x"), &options(&again.path().display().to_string())).unwrap_err();
    assert!(none.to_string().contains("cannot be read"), "{none}");
}

#[test]
fn archives_that_are_damaged_or_lead_elsewhere_are_refused() {
    let whole = cifar();
    let bomb = tar_gz(&[("zeros", b'0', &vec![0; 400 << 20])]);
    for (packed, archive, word) in [
        (tar_gz(&[("../out", b'0', b"x")]), Archive::TarGz, "leads to ../out"),
        (tar_gz(&[("/tmp/out", b'0', b"x")]), Archive::TarGz, "leads to /tmp/out"),
        (zip_of(&[("a/../../out", b"x")]), Archive::Zip, "leads to a/../../out"),
        (whole[..whole.len() / 2].to_vec(), Archive::TarGz, "a damaged archive"),
        (b"no archive".to_vec(), Archive::Zip, "a damaged archive"),
        (b"no archive".to_vec(), Archive::TarGz, "a damaged archive"),
        (bomb, Archive::TarGz, "far more than its size suggests"),
    ] {
        let (folder, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own = set(&[("file", &packed)], Some(archive), Content::Cifar);
        fs::write(mirror.path().join("file"), &packed).unwrap();
        let inner = folder.path().join("inner");
        let error =
            fetch(own, &inner, &options(&mirror.path().display().to_string())).unwrap_err().to_string();
        assert!(error.contains(word), "no {word:?} in {error}");
        assert!(!own.is_in(&inner) && !folder.path().join("out").exists(), "{word}");
        // A file with another digest never gets that far.
        let other = set(&[("file", b"other")], Some(archive), Content::Cifar);
        let error = fetch(other, &inner, &options(&mirror.path().display().to_string())).unwrap_err();
        assert!(matches!(error, Error::Download { .. }), "{error}");
    }
}

#[test]
fn pictures_idx_files_and_emnist_load_under_their_names() {
    let mut png = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(8, 8, image::Rgb([200, 10, 10]))
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    let names: Vec<String> =
        (0..20).map(|n| format!("PetImages/{}/{n}.jpg", if n % 2 == 0 { "Cat" } else { "Dog" })).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &png.get_ref()[..])).collect();
    let packed = zip_of(&entries);
    let files = [("pets.zip", &packed[..])];
    let (server_of_pets, own) =
        (server(&files), set(&files, Some(Archive::Zip), Content::Pictures("PetImages")));
    let folder = tempfile::tempdir().unwrap();
    fetch(own, folder.path(), &options(&server_of_pets.url())).unwrap();
    let reading = Reading { size: Some(Size { height: 4, width: 4 }), ..Reading::default() };
    let data = own.load(folder.path(), &reading).unwrap();
    assert_eq!((data.name.as_str(), data.classes.join(" ")), ("Own", "Cat Dog".to_owned()));
    assert_eq!((data.height, data.train.len() + data.test.len()), (4, 20));

    let folder = tempfile::tempdir().unwrap();
    let idx = |shape: &[usize], bytes: &[u8]| {
        let path = folder.path().join("one");
        idx::write(&path, shape, bytes, Packing::Gzip).unwrap();
        fs::read(path).unwrap()
    };
    let (images, labels) = (idx(&[2, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), idx(&[2], &[1, 2]));
    let four = ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"];
    let names = four.map(|part| format!("gzip/emnist-letters-{part}-ubyte.gz"));
    let entries: Vec<(&str, &[u8])> = names
        .iter()
        .zip([&images, &labels, &images, &labels])
        .map(|(name, b)| (name.as_str(), &b[..]))
        .collect();
    let packed = zip_of(&entries);
    let own = set(&[("gzip.zip", &packed)], Some(Archive::Zip), Content::Emnist("letters"));
    fs::write(folder.path().join("gzip.zip"), &packed).unwrap();
    let cache = folder.path().join("cache");
    fetch(own, &cache, &options(&folder.path().display().to_string())).unwrap();
    let data = own.load(&cache, &Reading::default()).unwrap();
    assert_eq!(
        (data.classes.len(), data.height, data.width, &data.train.labels[..]),
        (26, 3, 2, &[0, 1][..])
    );
    let refused = own.load(&cache, &reading).unwrap_err().to_string();
    assert!(refused.contains("size"), "{refused}");

    // The files of MNIST without MNIST's content: no warning that they are not Fashion-MNIST.
    let usual = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
    let names: Vec<&'static str> = usual.iter().map(|part| &*format!("{part}-ubyte.gz").leak()).collect();
    let contents = [&images, &labels, &images, &labels];
    let files: Vec<(&'static str, &[u8])> =
        names.iter().zip(contents).map(|(name, b)| (*name, &b[..])).collect();
    let own = Published { classes: &["a", "b", "c"], ..*set(&files, None, Content::Idx) };
    let idx_server = server(&files);
    fetch(&own, &cache, &options(&idx_server.url())).unwrap();
    let data = own.load(&cache, &Reading::default()).unwrap();
    assert_eq!((data.name.as_str(), data.classes.len(), data.warnings.len()), ("Own", 3, 0));
}

/// numpy's `.npy` of an array of these lists, in protocol 2 of Python's pickles.
fn npy(rows: &[&[u16]]) -> Vec<u8> {
    let header = format!("{{'descr': '|O', 'fortran_order': False, 'shape': ({},), }}", rows.len());
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01");
    file.extend(b"M".iter().chain(&(rows.len() as u16).to_le_bytes()));
    file.extend(b"\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89](");
    for row in rows {
        file.extend(b"](");
        row.iter().for_each(|word| file.extend(b"M".iter().chain(&word.to_le_bytes())));
        file.push(b'e');
    }
    file.extend(b"etb.");
    file
}

/// numpy's `.npy` of labels.
fn labels(values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({},), }}", values.len());
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), values].concat()
}

#[test]
fn texts_are_rows_of_words_as_keras_numbers_them() {
    let (train, test) = (npy(&[&[11, 19], &[1], &[30, 2, 3]]), npy(&[&[4], &[5, 6]]));
    let packed = zip_of(&[
        ("x_train.npy", &train),
        ("y_train.npy", &labels(&[1, 0, 1])),
        ("x_test.npy", &test),
        ("y_test.npy", &labels(&[0, 1])),
    ]);
    let own = set(&[("imdb.npz", &packed)], None, Content::Texts);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("imdb.npz"), &packed).unwrap();
    let reading = Reading { maxlen: Some(3), num_words: Some(20), ..Reading::default() };
    let data = own.load(folder.path(), &reading).unwrap();
    // A text begins with 1, words count from 4, and 2 stands for a rare one, as in keras.datasets.imdb.load_data.
    let rows =
        |split: &wgrad::data::Split| floats(&split.batch(&(0..split.len()).collect::<Vec<_>>(), 12).images);
    // The order is a fixed one.
    let mixed = |rows: &[[f32; 3]], labels: &[u32]| {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|index| wgrad::feed::split_mix(*index as u64));
        let rows: Vec<f32> = order.iter().flat_map(|index| rows[*index]).collect();
        (rows, order.iter().map(|index| labels[*index]).collect::<Vec<_>>())
    };
    let got = |split: &wgrad::data::Split| (rows(split), split.labels.to_vec());
    assert_eq!(got(&data.train), mixed(&[[1., 14., 2.], [0., 1., 4.], [2., 5., 6.]], &[1, 0, 1]));
    assert_eq!(got(&data.test), mixed(&[[0., 1., 7.], [1., 8., 9.]], &[0, 1]));
    assert_eq!((data.classes.join(" "), data.warnings.len()), ("negative positive".to_owned(), 0));
    let error = own.load(folder.path(), &Reading::default()).unwrap_err().to_string();
    assert!(error.contains("rows of 2 to 4 numbers, expected one length; say `.maxlen`"), "{error}");
    // The same file at a path: your own words keep their numbers.
    let spec = DataSpec::Folder(folder.path().join("imdb.npz"));
    let load = |reading: &Reading| load_with(&spec, &Places::default(), reading, None);
    assert_eq!(rows(&load(&reading).unwrap().train), [0., 11., 19., 0., 0., 1., 2., 2., 3.]);
    let none = load(&Reading { maxlen: Some(0), ..reading.clone() }).unwrap_err().to_string();
    assert!(none.contains("maxlen"), "{none}");
    let size = load(&Reading { size: Some(Size { height: 2, width: 2 }), ..reading.clone() }).unwrap_err();
    assert!(size.to_string().contains("size"), "{size}");
    // Numbers of one length are no words, and pictures even less.
    let spec = DataSpec::Synthetic { seed: 0, train: 4, test: 2 };
    let error = load_with(&spec, &Places::default(), &reading, None).unwrap_err().to_string();
    assert!(error.contains("maxlen"), "{error}");
}

#[test]
fn names_lead_to_the_published_sets_and_their_folders() {
    let cache = tempfile::tempdir().unwrap();
    let places = Places::new(None, Some(cache.path().to_owned()));
    for set in &PUBLISHED {
        let spec: DataSpec = set.name.parse().unwrap();
        assert_eq!((spec.to_string().as_str(), &spec), (set.name, &DataSpec::Published(set)));
        let error = load_with(&spec, &places, &Reading::default(), None).unwrap_err().to_string();
        let folder = set.folder(&places).unwrap();
        assert!(error.contains(set.title) && error.contains(&folder.display().to_string()), "{error}");
        let nowhere = load_with(&spec, &Places::default(), &Reading::default(), None).unwrap_err();
        assert!(matches!(nowhere, Error::DataNotFound { .. }), "{nowhere}");
    }
    let error = "mnits".parse::<DataSpec>().unwrap_err().to_string();
    assert!(error.contains("mnist, kmnist, emnist-balanced") && error.contains("imdb"), "{error}");
}
