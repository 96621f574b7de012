//! Data sets that are known by name: where they are published, the digests of their files, and their place in the user's
//! cache. Fashion-MNIST, which packages bring as well, is in [`crate::places`].

use crate::{
    Error, Places, Reading, Result,
    download::{self, Event, Options, RemoteFile},
    emnist, folder, found, npz,
    reading::Kind,
};
use std::path::{Path, PathBuf};
use wgrad::{
    data::dataset::{Dataset, Split},
    feed::split_mix,
};

#[cfg(feature = "download")]
mod unpack;

/// A data set, and where it is published.
#[derive(Debug, PartialEq, Eq)]
pub struct Published {
    /// Its name in commands: `cifar10`.
    pub name: &'static str,
    /// Its name in reports: `CIFAR-10`.
    pub title: &'static str,
    /// What it holds, in words.
    pub about: &'static str,
    /// Its files; a single one if they are in an archive.
    pub files: &'static [RemoteFile<'static>],
    /// Addresses of folders that have the files.
    pub mirrors: &'static [&'static str],
    /// The kind of archive that the only file is.
    pub archive: Option<Archive>,
    /// What the files are.
    pub content: Content,
    /// Names of the classes; empty if the files name them.
    pub classes: &'static [&'static str],
}

/// A kind of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    /// tar, compressed by gzip.
    TarGz,
    /// zip.
    Zip,
}

/// The content of a published data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Four IDX files.
    Idx,
    /// The set of EMNIST with this name.
    Emnist(&'static str),
    /// CIFAR's binary files.
    Cifar,
    /// A folder of pictures, under this name in the archive.
    Pictures(&'static str),
    /// Texts as lists of words' numbers in an archive of numpy, as Keras publishes them.
    Texts,
}

/// A file with the digest and the length of what is sent.
const fn sent(name: &'static str, bytes: u64, sha256: &'static str) -> RemoteFile<'static> {
    RemoteFile { name, sha256, bytes, as_sent: true }
}

/// The one archive of EMNIST's six sets.
const EMNIST: [RemoteFile<'static>; 1] =
    [sent("gzip.zip", 561_753_746, "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e")];

/// A set of EMNIST.
const fn emnist_set(
    name: &'static str,
    title: &'static str,
    about: &'static str,
    set: &'static str,
) -> Published {
    Published {
        name,
        title,
        about,
        files: &EMNIST,
        mirrors: &["https://biometrics.nist.gov/cs_links/EMNIST/"],
        archive: Some(Archive::Zip),
        content: Content::Emnist(set),
        classes: &[],
    }
}

/// The known data sets. Digests and lengths are those that TensorFlow Datasets 4.9 and Keras 3 state for the same files.
pub const PUBLISHED: [Published; 12] = [
    Published {
        name: "mnist",
        title: "MNIST",
        about: "digits: 60,000 + 10,000 grey images of 28×28 (LeCun et al. 1998)",
        files: &[
            sent(
                "train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            sent(
                "train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            sent(
                "t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            sent(
                "t10k-labels-idx1-ubyte.gz",
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ],
        mirrors: &[
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ],
        archive: None,
        content: Content::Idx,
        classes: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    },
    Published {
        name: "kmnist",
        title: "KMNIST",
        about: "old Japanese letters: 60,000 + 10,000 grey images of 28×28 (Clanuwat et al. 2018)",
        files: &[
            sent(
                "train-images-idx3-ubyte.gz",
                18_165_135,
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            ),
            sent(
                "train-labels-idx1-ubyte.gz",
                29_497,
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            ),
            sent(
                "t10k-images-idx3-ubyte.gz",
                3_041_136,
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            ),
            sent(
                "t10k-labels-idx1-ubyte.gz",
                5_120,
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            ),
        ],
        mirrors: &["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
        archive: None,
        content: Content::Idx,
        classes: &["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
    },
    emnist_set(
        "emnist-balanced",
        "EMNIST balanced",
        "letters and digits, 47 classes: 112,800 + 18,800 grey images of 28×28 (Cohen et al. 2017)",
        "balanced",
    ),
    emnist_set(
        "emnist-byclass",
        "EMNIST byclass",
        "letters and digits, 62 classes: 697,932 + 116,323 grey images of 28×28",
        "byclass",
    ),
    emnist_set(
        "emnist-bymerge",
        "EMNIST bymerge",
        "letters and digits, 47 classes: 697,932 + 116,323 grey images of 28×28",
        "bymerge",
    ),
    emnist_set("emnist-digits", "EMNIST digits", "digits: 240,000 + 40,000 grey images of 28×28", "digits"),
    emnist_set(
        "emnist-letters",
        "EMNIST letters",
        "26 letters: 124,800 + 20,800 grey images of 28×28",
        "letters",
    ),
    emnist_set("emnist-mnist", "EMNIST mnist", "digits: 60,000 + 10,000 grey images of 28×28", "mnist"),
    Published {
        name: "cifar10",
        title: "CIFAR-10",
        about: "animals and vehicles: 50,000 + 10,000 colour images of 32×32 (Krizhevsky 2009)",
        files: &[sent(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        )],
        mirrors: &["https://www.cs.toronto.edu/~kriz/"],
        archive: Some(Archive::TarGz),
        content: Content::Cifar,
        classes: &[],
    },
    Published {
        name: "cifar100",
        title: "CIFAR-100",
        about: "100 kinds of things: 50,000 + 10,000 colour images of 32×32 (Krizhevsky 2009)",
        files: &[sent(
            "cifar-100-binary.tar.gz",
            168_513_733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        )],
        mirrors: &["https://www.cs.toronto.edu/~kriz/"],
        archive: Some(Archive::TarGz),
        content: Content::Cifar,
        classes: &[],
    },
    Published {
        name: "cats-vs-dogs",
        title: "cats-vs-dogs",
        about: "25,000 photographs of cats and dogs (Elson et al. 2007); say `.size`, such as 180",
        files: &[sent(
            "kagglecatsanddogs_5340.zip",
            824_887_076,
            "b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
        )],
        mirrors: &["https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/"],
        archive: Some(Archive::Zip),
        content: Content::Pictures("PetImages"),
        classes: &[],
    },
    Published {
        name: "imdb",
        title: "IMDB",
        about: "25,000 + 25,000 reviews of films as numbers of words (Maas et al. 2011); say `.maxlen`, such as 200, and \
                `.num_words`, such as 10000",
        files: &[sent(
            "imdb.npz",
            17_464_789,
            "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
        )],
        mirrors: &["https://storage.googleapis.com/tensorflow/tf-keras-datasets/"],
        archive: None,
        content: Content::Texts,
        classes: &["negative", "positive"],
    },
];

/// The data set of this name, if there is one.
pub fn find(name: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|set| set.name == name)
}

impl Published {
    /// Its folder in the user's cache, if there is a cache. The sets of EMNIST share one.
    pub fn folder(&self, places: &Places) -> Option<PathBuf> {
        let own = if matches!(self.content, Content::Emnist(_)) { "emnist" } else { self.name };
        // The cache of the places is Fashion-MNIST's.
        places.cache.as_deref().map(|cache| cache.with_file_name(own))
    }

    /// Bytes to download.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Options of a download from its mirrors.
    pub fn options(&self) -> Options {
        Options {
            mirrors: self.mirrors.iter().map(|mirror| (*mirror).to_owned()).collect(),
            ..Options::default()
        }
    }

    /// True if its files are in `folder`. Their content is verified when they are fetched.
    pub fn is_in(&self, folder: &Path) -> bool {
        match self.archive {
            None => self.files.iter().all(|file| folder.join(file.name).is_file()),
            Some(_) => self.files.iter().all(|file| is_unpacked(folder, file)),
        }
    }

    /// Fetches what is missing in `folder`, verifies it, and unpacks an archive there, whose file is removed then.
    ///
    /// # Errors
    /// [`Error::Download`] where no mirror delivered a file; [`Error::Data`] where the archive is damaged;
    /// [`wgrad::Error::Io`] where a file cannot be written.
    pub fn fetch(&self, folder: &Path, options: &Options, progress: &mut dyn FnMut(Event<'_>)) -> Result<()> {
        match self.archive {
            None => download::fetch(self.files, folder, options, progress),
            #[cfg(feature = "download")]
            Some(archive) => unpack::fetch(self.files, archive, folder, options, progress),
            #[cfg(not(feature = "download"))]
            Some(_) => match self.files.iter().find(|file| !is_unpacked(folder, file)) {
                None => Ok(()),
                Some(file) => download::fetch(&[*file], folder, options, progress),
            },
        }
    }

    /// Loads it from `folder`.
    ///
    /// # Errors
    /// [`Error::NotFetched`] where its files are not there; else the errors of the reader.
    pub fn load(&self, folder: &Path, reading: &Reading) -> Result<Dataset> {
        if !self.is_in(folder) {
            return Err(Error::NotFetched {
                name: self.name.to_owned(),
                title: self.title.to_owned(),
                folder: folder.to_owned(),
                megabytes: self.bytes().div_ceil(1_000_000),
            });
        }
        let classes = || self.classes.iter().map(|class| (*class).to_owned()).collect();
        let mut data = match self.content {
            Content::Idx => {
                reading.suits(Kind::Fixed)?;
                let source = folder.display().to_string();
                folder::read(folder::find(folder), folder)?.into_dataset(
                    self.title.to_owned(),
                    source,
                    classes(),
                    Vec::new(),
                )?
            }
            Content::Emnist(set) => {
                reading.suits(Kind::Fixed)?;
                emnist::load(&folder.join("gzip"), set)?
            }
            Content::Cifar => found::load(folder, reading, None)?,
            Content::Pictures(inner) => found::load(&folder.join(inner), reading, None)?,
            Content::Texts => {
                reading.suits(Kind::Arrays)?;
                let numbering = npz::Numbering { start: 1, from: 3 };
                let data = npz::load_words(&folder.join(self.files[0].name), reading, Some(numbering))?;
                let (pixels, classes) =
                    (data.pixels(), if data.classes.len() == 2 { classes() } else { data.classes.clone() });
                let (train, test) = (mixed(&data.train, pixels), mixed(&data.test, pixels));
                Dataset { classes, train, test, ..data }
            }
        };
        self.title.clone_into(&mut data.name);
        Ok(data)
    }
}

/// The split in a fixed order in which the classes are mixed, as Keras mixes them: the first thousand serve as a sample.
fn mixed(split: &Split, pixels: usize) -> Split {
    let mut order: Vec<usize> = (0..split.len()).collect();
    order.sort_by_key(|index| split_mix(*index as u64));
    split.gather(&order, pixels)
}

/// The file that says which archive was unpacked in its folder: its digest.
fn unpacked_mark(folder: &Path, file: &RemoteFile<'_>) -> PathBuf {
    folder.join(format!("{}.unpacked", file.name))
}

/// True if the archive was unpacked in `folder`.
fn is_unpacked(folder: &Path, file: &RemoteFile<'_>) -> bool {
    std::fs::read_to_string(unpacked_mark(folder, file)).is_ok_and(|digest| digest.trim() == file.sha256)
}

#[cfg(test)]
mod tests {
    use super::{PUBLISHED, Places, find};
    use std::collections::HashSet;

    #[test]
    fn the_known_sets_have_names_digests_and_folders_of_their_own() {
        let names: HashSet<_> = PUBLISHED.iter().map(|set| set.name).collect();
        assert_eq!(names.len(), PUBLISHED.len());
        let places = Places::new(None, Some("/cache".into()));
        for set in &PUBLISHED {
            assert_eq!(find(set.name), Some(set));
            assert!(
                !set.mirrors.is_empty() && set.archive.is_none_or(|_| set.files.len() == 1),
                "{}",
                set.name
            );
            for file in set.files {
                let is_digest = file.sha256.len() == 64 && file.sha256.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(is_digest && file.bytes > 0 && file.as_sent, "{}", file.name);
            }
            let folder = set.folder(&places).expect("a cache");
            let own = if set.name.starts_with("emnist-") { "emnist" } else { set.name };
            assert_eq!(folder, std::path::Path::new("/cache/wgrad").join(own));
        }
        assert_eq!((find("fashion-mnist"), find("")), (None, None));
    }
}
