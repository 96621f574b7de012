//! Data of a run: their record, loading them again, and the report on them at the end.

use crate::{
    memory, output,
    reading::{self, Wanted},
};
use anyhow::{Context as _, Result, bail};
use wgrad::{
    data::Dataset,
    words::{bytes, counted},
};
use wgrad_data::{DataSpec, Reading, reading::Again};
use wgrad_run::{BROKEN, DataRecord, Run};

/// The file of an imported run that describes the network.
pub use wgrad_run::removal::MODEL;

/// Data as a run records them: a folder by its absolute path, so that the run can be used from anywhere.
pub fn absolute(spec: &DataSpec) -> Result<String> {
    Ok(match spec {
        DataSpec::Folder(path) => {
            let path = std::path::absolute(path);
            path.context("the path of the data cannot be made absolute")?.display().to_string()
        }
        other => other.to_string(),
    })
}

/// Reports the files that could not be read, which are known only after all images were visited, and the peak memory.
pub fn reported_at_the_end(run: &Run, dataset: &Dataset) -> Result<()> {
    let broken = dataset.broken();
    if !broken.is_empty() {
        run.keep_broken(&broken)?;
        tell!("warning: left out {} that could not be read:", counted(broken.len(), "file"));
        for (path, reason) in broken.iter().take(5) {
            tell!("  {}: {reason}", path.display());
        }
        tell!("  all of them are listed in {}", run.folder.join(BROKEN).display());
    }
    if let Some(peak) = memory::peak() {
        output::say(format!("peak memory: {}", bytes(peak)));
    }
    Ok(())
}

/// The data set of a run, as it was recorded.
pub fn load_recorded(record: &DataRecord, seed: u64) -> Result<Dataset> {
    if record.spec == DataRecord::UNKNOWN {
        bail!("this network was imported, and its data set is not known");
    }
    load_own(&record.spec.parse()?, record, seed)
        .with_context(|| format!("the run was trained on {}", record.name))
}

/// Loads the run's own data from `spec`: read, cut and normalized as they were, with the same part held out.
pub fn load_own(spec: &DataSpec, record: &DataRecord, seed: u64) -> Result<Dataset> {
    let DataRecord { limit, validation, .. } = *record;
    let (numbers, table) = (record.input.numbers, record.table.as_ref());
    let wanted = Wanted { limit, validation, seed, numbers, normalize: false, table };
    let again = Some(Again { floats: record.input.floats, own: true });
    let reading = Reading { again, ..record.reading.clone() };
    let mut data = reading::load(spec, &reading, &wanted)?;
    // Older versions recorded no table for an imported network: it takes numbers unchanged.
    if let (None, Some(own)) = (table, &data.table) {
        let own = own.as_it_is();
        data = reading::load(spec, &reading, &Wanted { table: Some(&own), ..wanted })?;
    }
    data.input.normalization.clone_from(&record.input.normalization);
    Ok(data)
}
