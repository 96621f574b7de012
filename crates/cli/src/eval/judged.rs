//! Selection of the data that evaluate a run. The run's own data are split as the run split them; other data without a
//! test part are used whole. The selection is reported. Images and rows that the run was trained on are used only if
//! you ask for them.

use super::Part;
use crate::train::recorded::{load_own, load_recorded};
use anyhow::{Context as _, Result, bail};
use wgrad::{
    data::{Dataset, Split, source::Images},
    words::commas,
};
use wgrad_data::{
    DataSpec, Places, Reading, load_with,
    reading::{Again, Decimal, Size},
    summary,
};
use wgrad_run::{DataRecord, Run};

/// The images or rows that evaluate a run, and facts about them.
pub struct Judged {
    /// Data set that they belong to.
    pub data: Dataset,
    /// The images or rows.
    pub split: Split,
    /// True if the data are those of the run.
    pub own: bool,
    /// Part of the run's own data that they are, if any: only for these does the run record metrics.
    pub part: Option<Part>,
    /// Number of them that the run was trained on; `None` if that is unknown.
    pub trained_on: Option<usize>,
    /// Description of them, in words.
    pub words: String,
}

/// Selects the data that evaluate `run`: this part, or all, of `spec` or of its own data. Classes get the names by
/// which the run predicts.
pub fn judged(
    run: &Run,
    spec: Option<&DataSpec>,
    decimal: Option<Decimal>,
    part: Option<Part>,
    all: bool,
) -> Result<Judged> {
    let record = &run.config.data;
    let own = |data: Dataset| {
        let classes = record.classes.clone();
        let data = if classes.len() == data.classes.len() { Dataset { classes, ..data } } else { data };
        own(data, part.unwrap_or(Part::Test), all, is_trained(run)?)
    };
    if spec.is_none() {
        let data = load_recorded(record, run.config.options.seed)
            .context("cannot load the run's data; name other data with `--data`")?;
        if data.digest == record.digest {
            return own(data);
        }
        if record.digest.is_empty() {
            // An imported network says what its data are, not which of them it was trained on.
            return other(run, data, part, all);
        }
        tell!(
            "warning: the data of this run have changed since ({}): got the digest {}, the run recorded {}",
            record.name,
            data.digest,
            record.digest
        );
    }
    let changed = spec.is_none_or(|spec| !record.digest.is_empty() && is_same_place(spec, record));
    // Changed data are read like other data.
    let recorded;
    let spec = match spec {
        Some(spec) => spec,
        None => {
            recorded = record.spec.parse()?;
            &recorded
        }
    };
    let reading = reading(run, decimal);
    let data = load_with(spec, &Places::from_env(), &reading, record.table.as_ref())?;
    if data.digest == record.digest {
        // The same data again, split as the run split them.
        return own(load_own(spec, record, run.config.options.seed)?);
    }
    let data = match &data.table {
        // An imported network takes numbers unchanged, as in `predict`.
        Some(table) if record.table.is_none() && record.input.floats => {
            load_with(spec, &Places::from_env(), &reading, Some(&table.as_it_is()))?
        }
        _ => data,
    };
    data.warnings.iter().for_each(|warning| tell!("warning: {warning}"));
    let data = if record.input.numbers { data.with_numbers() } else { data };
    let data = Dataset {
        input: wgrad::preprocessing::Preprocessing {
            normalization: record.input.normalization.clone(),
            ..data.input.clone()
        },
        ..data
    };
    if changed && !all && is_whole(&data) {
        let count = match data.train == data.test {
            true => data.test.len(),
            false => data.splits().map(|(_, split)| split.len()).sum(),
        };
        let (things, count) = (data.things(), commas(count as u64));
        bail!(
            "the run was trained on some of the {count} {things} that {} has now, and it is not known on which, since \
             the data have changed: put the same data there, name other data with `--data`, or use `--all` to evaluate \
             all {count}, including those of the training",
            data.source
        );
    }
    other(run, data, part, all)
}

/// Options for reading other data: those of the run's own data, with pictures at the size that the network takes.
fn reading(run: &Run, decimal: Option<Decimal>) -> Reading {
    let record = &run.config.data;
    let again = Some(Again { floats: record.input.floats, own: false });
    let decimal = decimal.or(record.reading.decimal);
    let mut reading = Reading { again, decimal, ..record.reading.clone() };
    let [height, width, channels] = run.config.model.input_shape;
    if record.table.is_none() && height * width > 1 {
        reading.size = reading.size.or(Size::try_from([height, width]).ok());
        reading.channels = reading.channels.or(Some(channels).filter(|channels| [1, 3].contains(channels)));
    }
    reading
}

/// Returns true if `spec` is the file or folder that the run was trained on, even if its content has changed.
fn is_same_place(spec: &DataSpec, record: &DataRecord) -> bool {
    match (spec, record.spec.parse()) {
        (DataSpec::Folder(path), Ok(DataSpec::Folder(own))) => {
            path.canonicalize().is_ok_and(|path| own.canonicalize().is_ok_and(|own| own == path))
        }
        _ => false,
    }
}

/// Returns true if wgrad has trained the network of `run`: the training data of an imported network are unknown.
fn is_trained(run: &Run) -> Result<bool> {
    Ok(!run.config.kernels.is_empty() || !run.metrics()?.is_empty())
}

/// Selects from the run's own data. Which of them an imported network was trained on is unknown.
fn own(data: Dataset, part: Part, all: bool, trained: bool) -> Result<Judged> {
    let things = data.things();
    let (split, trained_on) = match all {
        true => (joined(&data)?, data.train.len()),
        false => (part.of(&data)?.clone(), if part == Part::Train { data.train.len() } else { 0 }),
    };
    let count = commas(split.len() as u64);
    let words = match (all, part) {
        (true, _) if !trained => format!("all {count} {things} of {}", data.name),
        (false, part) if !trained => format!("the {count} {} {things} of {}", part.name(), data.name),
        (true, _) => format!(
            "all {count} {things} of {}, {} of which this run was trained on",
            data.name,
            commas(trained_on as u64)
        ),
        (false, Part::Test) if data.holds_out() => {
            format!("the {count} test {things} that this run held out")
        }
        (false, Part::Test) => format!("the {count} test {things} of {}", data.name),
        (false, Part::Train) => format!("the {count} training {things}, which this run was trained on"),
        (false, Part::Validation) => format!("the {count} validation {things} that this run held out"),
    };
    Ok(Judged {
        split,
        own: true,
        part: (!all).then_some(part),
        trained_on: trained.then_some(trained_on),
        words,
        data,
    })
}

/// Selects from data other than those of the run as they were; some of the run's may still be among them.
fn other(run: &Run, data: Dataset, part: Option<Part>, all: bool) -> Result<Judged> {
    let data = in_classes(data, &run.config.data)?;
    let things = data.things();
    let whole = is_whole(&data);
    let (split, which) = match part.filter(|_| !whole && !all) {
        None if whole || all => {
            let split = if data.train == data.test { data.test.clone() } else { joined(&data)? };
            (split, "")
        }
        part => {
            let part = part.unwrap_or(Part::Test);
            (part.of(&data)?.clone(), part.name())
        }
    };
    let trained_on = trained_on(run, &data, &split);
    let count = commas(split.len() as u64);
    let which = if which.is_empty() { format!("all {count}") } else { format!("the {count} {which}") };
    let met = match trained_on {
        Some(0) => ", none of them the same as one that this run was trained on",
        // The caller reports how many there are, or that this is unknown.
        None | Some(_) => "",
    };
    let words = format!("{which} {things} of {}, which is not this run's own data{met}", data.source);
    Ok(Judged { split, own: false, part: None, trained_on, words, data })
}

/// Returns true if data have no test part of their own. A table that is read like another table has no held-out rows
/// either: its training and test parts are the same rows.
fn is_whole(data: &Dataset) -> bool {
    data.holds_out() || data.train == data.test
}

/// Number of images or rows that equal one of the run's own for training; `None` if those are not here.
fn trained_on(run: &Run, data: &Dataset, split: &Split) -> Option<usize> {
    let record = &run.config.data;
    let again = Some(Again { floats: record.input.floats, own: true });
    let reading = Reading { again, ..record.reading.clone() };
    let spec = record.spec.parse().ok()?;
    let own = load_with(&spec, &Places::from_env(), &reading, record.table.as_ref()).ok()?;
    if own.digest != record.digest {
        return None;
    }
    let own = if record.input.numbers { own.with_numbers() } else { own };
    let own = match record.limit {
        Some(limit) => own.limit(limit, usize::MAX),
        None => own,
    };
    let own = match record.validation {
        Some(share) => own.with_validation(share, run.config.options.seed).ok()?,
        None => own,
    };
    Some(summary::shared((&own, &own.train), (data, split)))
}

/// Gives the classes the numbers that the run knows them by. Those of a folder of pictures have names, which must be
/// the run's, unless the run has none.
fn in_classes(data: Dataset, record: &DataRecord) -> Result<Dataset> {
    let unnamed = record.classes.iter().enumerate().all(|(n, name)| *name == format!("class {n}"));
    let named = !data.train.images.in_memory();
    let known = data.classes.iter().all(|class| record.classes.contains(class));
    if named && !unnamed && !known && !record.input.numbers {
        bail!(
            "{} has the classes {}, and this run has {}; rename the folders so that both are the same",
            data.source,
            data.classes.join(", "),
            record.classes.join(", ")
        );
    }
    let data = data.with_classes(&record.classes)?;
    if data.input.floats != record.input.floats {
        let words = |floats| if floats { "floats as they are" } else { "bytes, as shares of 255" };
        tell!(
            "warning: the run was trained on {}, and these are {}: the numbers have another range",
            words(record.input.floats),
            words(data.input.floats)
        );
    }
    if record.table.is_none() && data.table.as_ref().is_some_and(|table| !table.is_as_it_is()) {
        tell!(
            "warning: the columns of {} were standardised by their own means and deviations; this network was not \
             trained on a table here, and may expect other numbers",
            data.name
        );
    }
    Ok(data)
}

/// Joins all parts of a data set, in order.
fn joined(data: &Dataset) -> Result<Split> {
    let splits: Vec<&Split> = data.splits().map(|(_, split)| split).collect();
    let labels = splits.iter().flat_map(|split| split.labels.iter().copied()).collect();
    let (mut bytes, mut files, mut pictures) = (Vec::new(), Vec::new(), None);
    for split in &splits {
        match split.images.which() {
            None => bytes.extend_from_slice(split.images.memory()),
            Some(which) => {
                pictures.get_or_insert_with(|| split.images.source().clone());
                files.extend_from_slice(which);
            }
        }
    }
    Ok(match pictures {
        Some(pictures) if bytes.is_empty() => Split { images: Images::new(pictures, files), labels, each: 1 },
        Some(_) => {
            bail!(
                "{} holds some of its images in files and some not; choose a part with `--split`",
                data.source
            )
        }
        None => Split { images: bytes.into(), labels, each: 1 },
    })
}
