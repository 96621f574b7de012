//! Summary of a data set, to be checked before training: sizes of pictures, mean and deviation of each channel,
//! images that occur in two parts, unreadable files. It visits every image once or twice.

use std::collections::BTreeSet;
use std::io::Read;

use sha2::{Digest, Sha256};

use crate::picture::dimensions;
use crate::pictures::{in_parallel, pictures_of};
use wgrad::data::dataset::{Dataset, Split};
use wgrad::data::normalization::moments;

/// Bytes of a file that, together with its length, distinguish it from others.
const HEAD: u64 = 4096;

/// Statistics of one channel of the training images.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Channel {
    /// The mean; for bytes, as a fraction of 255.
    pub mean: f64,
    /// The standard deviation, in the same unit.
    pub deviation: f64,
}

/// Sizes of picture files, (height, width), ranked by their number of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Sizes {
    /// The smallest.
    pub min: [usize; 2],
    /// The median.
    pub median: [usize; 2],
    /// The largest.
    pub max: [usize; 2],
}

/// Summary of a data set.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Statistics of each channel.
    pub channels: Vec<Channel>,
    /// Sizes of the picture files; `None` where the images are not files.
    pub sizes: Option<Sizes>,
    /// Number of test images whose content is also among the training images.
    pub duplicates: usize,
    /// Unreadable files, with the reason.
    pub broken: Vec<(String, String)>,
}

/// Summarises `data`, visiting all of it.
pub fn summary(data: &Dataset) -> Summary {
    let (mean, deviation) = moments(data, &data.train);
    // The other parts may contain unreadable files, too.
    for (_, split) in data.splits().skip(1).filter(|(_, split)| !split.images.in_memory()) {
        moments(data, split);
    }
    let known: BTreeSet<[u8; 32]> = digests(data, &data.train).into_iter().flatten().collect();
    let duplicates =
        digests(data, &data.test).into_iter().flatten().filter(|digest| known.contains(digest)).count();
    let channels = mean.into_iter().zip(deviation).map(|(mean, deviation)| Channel { mean, deviation });
    let broken = data.broken().into_iter().map(|(path, reason)| (path.display().to_string(), reason));
    Summary { channels: channels.collect(), sizes: sizes(data), duplicates, broken: broken.collect() }
}

/// Number of images of one split that also occur in another; each split comes with its data set. In tables, the
/// label must match as well. For files, only the length and the first bytes are compared, which is fast.
pub fn shared((known, of): (&Dataset, &Split), (data, split): (&Dataset, &Split)) -> usize {
    if known.shape() != data.shape() || known.input.floats != data.input.floats {
        return 0;
    }
    let known: BTreeSet<[u8; 32]> = rough(known, of).into_iter().flatten().collect();
    rough(data, split).into_iter().flatten().filter(|digest| known.contains(digest)).count()
}

/// Digest of each image that does not require a whole file to be read.
fn rough(data: &Dataset, split: &Split) -> Vec<Option<[u8; 32]>> {
    if let Some((pictures, which)) = pictures_of(&split.images) {
        return in_parallel(which, |n| {
            let path = pictures.path(*n);
            let mut head = std::fs::metadata(&path).ok()?.len().to_le_bytes().to_vec();
            std::fs::File::open(&path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
            Some(Sha256::digest(&head).into())
        });
    }
    if data.table.is_none() {
        return digests(data, split);
    }
    let row =
        |n: usize| Some([&*split.image(n, data.pixels())?, &split.labels.get(n)?.to_le_bytes()].concat());
    (0..split.len()).map(|n| Some(Sha256::digest(row(n)?).into())).collect()
}

/// SHA-256 of each image, or of its file.
fn digests(data: &Dataset, split: &Split) -> Vec<Option<[u8; 32]>> {
    if let Some((pictures, which)) = pictures_of(&split.images) {
        return in_parallel(which, |n| Some(Sha256::digest(std::fs::read(pictures.path(*n)).ok()?).into()));
    }
    let places: Vec<usize> = (0..split.len()).collect();
    in_parallel(&places, |n| Some(Sha256::digest(&*split.image(*n, data.pixels())?).into()))
}

fn sizes(data: &Dataset) -> Option<Sizes> {
    let (pictures, _) = pictures_of(&data.train.images)?;
    let all: Vec<u32> = (0..pictures.paths.len() as u32).collect();
    let mut sizes: Vec<[usize; 2]> =
        in_parallel(&all, |n| dimensions(&pictures.path(*n)).ok()).into_iter().flatten().collect();
    sizes.sort_by_key(|[height, width]| (height * width, *height));
    let (min, max) = (*sizes.first()?, *sizes.last()?);
    Some(Sizes { min, median: *sizes.get(sizes.len() / 2)?, max })
}
