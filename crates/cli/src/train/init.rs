//! `--init`: the weights that a training begins from, and its data as those weights expect them.

use crate::{DataArgs, output};
use anyhow::{Result, bail};
use std::{fs, path::Path};
use wgrad::{
    checkpoint::{Checkpoint, Skipped},
    data::Dataset,
    train::Trainer,
    words::counted,
};
use wgrad_data::{DataSpec, Places, Reading, load_with, reading::Again, table::Table};
use wgrad_run::{DataRecord, Run, read_fitting, read_weights};

/// Loads the data of a training that begins from `init`. If those weights are from a run whose network took the
/// numbers of a table unchanged, this training takes them unchanged too. Otherwise it warns if the weights knew other
/// means.
pub fn load(args: &DataArgs, init: Option<&Path>, reading: &Reading, seed: u64) -> Result<Dataset> {
    let Some((init, record)) = init.and_then(|init| Some((init, record_beside(init)?))) else {
        return args.load_as(reading, seed, None);
    };
    let as_they_are = record.table.as_ref().map_or(record.input.floats, Table::is_as_it_is);
    if as_they_are
        && matches!(args.data, DataSpec::Folder(_))
        && let Some(table) = load_with(&args.data, &Places::from_env(), reading, None)?.table
    {
        let own = Reading { again: Some(Again { floats: true, own: true }), ..reading.clone() };
        let data = args.load_as(&own, seed, Some(&table.as_it_is()))?;
        output::say(format!(
            "numbers of rows are taken as they are, as the network of {} takes them",
            init.display()
        ));
        return Ok(data);
    }
    let data = args.load_as(reading, seed, None)?;
    if record.input.normalization != data.input.normalization || standardised_anew(&record, &data) {
        tell!(
            "warning: the weights of {} were trained on {} with other means and deviations than those of this training: the \
             first epochs make up for it",
            init.display(),
            record.name
        );
    }
    Ok(data)
}

/// Returns true if both are tables and their numbers are standardised by different means.
fn standardised_anew(record: &DataRecord, data: &Dataset) -> bool {
    let kinds = |table: &Table| table.columns.iter().map(|column| column.kind.clone()).collect::<Vec<_>>();
    record.table.as_ref().zip(data.table.as_ref()).is_some_and(|(a, b)| kinds(a) != kinds(b))
}

/// Record of the data of the run whose folder holds `init`.
fn record_beside(init: &Path) -> Option<DataRecord> {
    let folder = init.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let record = Run::open(folder).ok()?.config.data;
    // All that is known of an imported network may be that it takes numbers.
    (record.spec != DataRecord::UNKNOWN || record.input.floats).then_some(record)
}

/// Loads the weights of a file, and nothing else of it; with `skip`, those of the layers that fit.
pub async fn begin_from(path: &Path, skip: bool, trainer: &mut Trainer) -> Result<()> {
    let weights = match skip {
        true => {
            let begin = trainer.checkpoint().await?.weights;
            let (checkpoint, skipped) = read_fitting(path, trainer.parameters(), begin)?;
            for Skipped { layer, reason } in &skipped {
                output::say(format!(
                    "`{layer}` begins as initialised, not from {}: {reason}",
                    path.display()
                ));
            }
            checkpoint.weights
        }
        false => read_weights(path, trainer.parameters())?.weights,
    };
    // Each tensor of Keras's files is either used or refused.
    let ignored =
        fs::read(path).map(|bytes| Checkpoint::ignored(&bytes, trainer.parameters())).unwrap_or_default();
    if let Some(first) = ignored.first() {
        tell!(
            "warning: {} holds {} that this network does not have, such as `{first}`: ignored",
            path.display(),
            counted(ignored.len(), "tensor")
        );
    }
    let checkpoint = Checkpoint { weights, ..Checkpoint::default() };
    if let Some(what) = checkpoint.not_finite(trainer.parameters()) {
        bail!(
            "{}: {what}: it came with the file, and no training can continue from it; correct the file",
            path.display()
        );
    }
    trainer.restore(&checkpoint);
    Ok(())
}
