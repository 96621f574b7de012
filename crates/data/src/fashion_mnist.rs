//! Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, <https://github.com/zalandoresearch/fashion-mnist>): its files, and
//! their recognition among others with the same names. [`crate::places`] searches for them.

use crate::download::RemoteFile;
use crate::idx::Idx;

/// The four files in the order of [`wgrad::data::dataset::FILE_NAMES`], with the SHA-256 of the decompressed
/// content. The digests were computed from Debian's package, version 0.0~git20200523.55506a9-1, and equal those
/// that others published for the original .gz files (MD5 8d4fb7e6c68d591d4c3dfef9ec88bf0d,
/// 25c81989df183df01b3e8a0aad5dffbe, bef4ecab320f06d8554ea6380940ec79, bb300cfdad3c16e7a12a480ee83cd310). Digests
/// of the .gz files would not work, since Debian recompresses them.
pub const FILES: [RemoteFile<'static>; 4] = [
    RemoteFile {
        name: "train-images-idx3-ubyte.gz",
        sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        bytes: 47_040_016,
        as_sent: false,
    },
    RemoteFile {
        name: "train-labels-idx1-ubyte.gz",
        sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        bytes: 60_008,
        as_sent: false,
    },
    RemoteFile {
        name: "t10k-images-idx3-ubyte.gz",
        sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        bytes: 7_840_016,
        as_sent: false,
    },
    RemoteFile {
        name: "t10k-labels-idx1-ubyte.gz",
        sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        bytes: 10_008,
        as_sent: false,
    },
];

/// Bytes of the four files as its publisher sends them, compressed by gzip.
pub const DOWNLOAD: u64 = 26_421_880 + 29_515 + 4_422_102 + 5_148;

/// The class names, in the order of the labels.
pub const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// [`CLASSES`] as a vector of strings.
pub(crate) fn class_names() -> Vec<String> {
    CLASSES.map(str::to_owned).to_vec()
}

/// The data set that four files turn out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// All four are the published ones.
    FashionMnist,
    /// Some are published files; these, by index, are not.
    Altered(Vec<usize>),
    /// The labels are those of MNIST.
    Mnist,
    /// Something else.
    Unknown,
}

/// MNIST's count of each digit in training and test, and its first training labels.
const MNIST_TRAIN_COUNTS: [usize; 10] = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
const MNIST_TEST_COUNTS: [usize; 10] = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
const MNIST_FIRST_LABELS: [u8; 10] = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4];

/// Identifies a data set by the `contents` of its four files.
pub(crate) fn identify(contents: &[Idx; 4]) -> Identity {
    let differing: Vec<usize> =
        (0..4).filter(|&index| contents[index].sha256 != FILES[index].sha256).collect();
    if differing.is_empty() {
        return Identity::FashionMnist;
    }
    if differing.len() < 4 {
        return Identity::Altered(differing);
    }
    let [_, train_labels, _, test_labels] = contents;
    let is_mnist = train_labels.data.starts_with(&MNIST_FIRST_LABELS)
        && counts(&train_labels.data) == Some(MNIST_TRAIN_COUNTS)
        && counts(&test_labels.data) == Some(MNIST_TEST_COUNTS);
    if is_mnist { Identity::Mnist } else { Identity::Unknown }
}

/// Count of each digit; `None` where a label is no digit.
fn counts(labels: &[u8]) -> Option<[usize; 10]> {
    let mut counts = [0; 10];
    for &label in labels {
        *counts.get_mut(usize::from(label))? += 1;
    }
    Some(counts)
}
