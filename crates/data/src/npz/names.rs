//! Names of the arrays of an archive: images and labels of the parts of a data set, in the spellings of Keras,
//! scikit-learn and others, in upper or lower case.

/// Words for images, the preferred ones first.
const IMAGES: [&str; 8] = ["x", "images", "data", "image", "imgs", "features", "inputs", "samples"];
/// Words for labels.
const LABELS: [&str; 6] = ["y", "labels", "label", "targets", "target", "classes"];
/// Words for the parts of a data set.
const PARTS: [(&str, Part); 10] = [
    ("training", Part::Train),
    ("train", Part::Train),
    ("validation", Part::Validation),
    ("valid", Part::Validation),
    ("val", Part::Validation),
    ("dev", Part::Validation),
    ("testing", Part::Test),
    ("test", Part::Test),
    ("tr", Part::Train),
    ("te", Part::Test),
];

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// An undivided data set, of which a share is held out.
    Whole,
    Train,
    Validation,
    Test,
}

/// The meaning of a name: its part, true for images, and the rank of its word among its synonyms.
fn meaning(name: &str) -> Option<(Part, bool, usize)> {
    let plain: String = name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let word = |word: &str| {
        let images = IMAGES.iter().position(|known| *known == word).map(|place| (true, place));
        images.or_else(|| LABELS.iter().position(|known| *known == word).map(|place| (false, place)))
    };
    if let Some((images, place)) = word(&plain) {
        return Some((Part::Whole, images, place));
    }
    PARTS.iter().find_map(|(text, part)| {
        let rest = [plain.strip_prefix(text), plain.strip_suffix(text)];
        let (images, place) = rest.into_iter().flatten().find_map(word)?;
        Some((*part, images, place))
    })
}

/// Names of the images and labels of the training, validation and test parts, and of the unused arrays.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Names {
    pub(super) train: (String, String),
    pub(super) validation: Option<(String, String)>,
    pub(super) test: Option<(String, String)>,
    pub(super) unused: Vec<String>,
}

/// Assigns the arrays to parts; `None` where there are no images with labels to train on.
pub(super) fn names(there: &[String]) -> Option<Names> {
    let best = |part: Part, images: bool| {
        let fits = there.iter().filter_map(|name| {
            let (of, are, place) = meaning(name)?;
            (of == part && are == images).then_some((place, name))
        });
        fits.min().map(|(_, name)| name.clone())
    };
    let pair = |part| Some((best(part, true)?, best(part, false)?));
    let (train, validation, test) = match pair(Part::Train) {
        Some(train) => (train, pair(Part::Validation), pair(Part::Test)),
        None => (pair(Part::Whole)?, None, None),
    };
    let used: Vec<&String> = [Some(&train), validation.as_ref(), test.as_ref()]
        .into_iter()
        .flatten()
        .flat_map(|(x, y)| [x, y])
        .collect();
    let unused = there.iter().filter(|name| !used.contains(name)).cloned().collect();
    Some(Names { train, validation, test, unused })
}

#[cfg(test)]
mod tests {
    use super::{Names, names};

    fn of(text: &str) -> Option<Names> {
        names(&text.split(' ').map(String::from).collect::<Vec<_>>())
    }

    fn pair(x: &str, y: &str) -> (String, String) {
        (x.to_owned(), y.to_owned())
    }

    #[test]
    fn parts_are_known_in_many_spellings() {
        for (text, train, test) in [
            ("x_train y_train x_test y_test", ("x_train", "y_train"), Some(("x_test", "y_test"))),
            ("X_train X_test y_train y_test", ("X_train", "y_train"), Some(("X_test", "y_test"))),
            ("train_images train_labels test_images", ("train_images", "train_labels"), None),
            ("trainX trainY testX testY", ("trainX", "trainY"), Some(("testX", "testY"))),
            ("X Y", ("X", "Y"), None),
            ("data target images", ("images", "target"), None),
            ("TRAIN_DATA TRAIN_TARGET", ("TRAIN_DATA", "TRAIN_TARGET"), None),
        ] {
            let found = of(text).expect(text);
            assert_eq!(found.train, pair(train.0, train.1), "{text}");
            assert_eq!(found.test, test.map(|(x, y)| pair(x, y)), "{text}");
        }
        let found = of("x y x_test y_test").expect("x and y");
        assert_eq!((found.test, found.unused.join(" ")), (None, "x_test y_test".to_owned()));
        let found = of("x_train y_train x_val y_val").expect("three parts");
        assert_eq!(found.validation, Some(pair("x_val", "y_val")));
        assert_eq!((of("a b"), of("x_train y_test"), of("x")), (None, None, None));
    }
}
