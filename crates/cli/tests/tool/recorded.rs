//! Runs that the library records without a training: for tests that need no adapter.

use crate::command::{small_data, small_data_argument};
use std::path::Path;
use wgrad::{gpu::AdapterRecord, metrics::Metrics, networks::network, op::AdapterClass, train::Options};
use wgrad_data::{Reading, folder};
use wgrad_run::{Config, DataRecord, EpochLine, Run};

/// A run in `runs/NAME` with these test accuracies, one per epoch, and the settings that `change` makes of the defaults.
pub fn make(inside: &Path, name: &str, accuracies: &[f64], change: impl FnOnce(&mut Config)) -> Run {
    let data = folder::load(&small_data()).unwrap();
    let model = network("mlp", [data.height, data.width, 1], data.classes.len()).unwrap();
    let record = DataRecord::of(&data, small_data_argument(), None, None, Reading::default());
    let options = Options { epochs: accuracies.len() as u64, ..Options::default() };
    let adapter = AdapterRecord {
        name: "none".into(),
        backend: "none".into(),
        driver: "none".into(),
        class: AdapterClass::Cpu,
    };
    let mut config = Config::new(model, record, options, adapter);
    change(&mut config);
    let run = Run::create(Some(&inside.join("runs").join(name)), config).unwrap();
    for (n, accuracy) in accuracies.iter().enumerate() {
        let test = Metrics { loss: 1.0 - accuracy, accuracy: *accuracy, images: 60, ..Metrics::default() };
        let mut line = EpochLine::new(n as u64 + 1, 4 * (n as u64 + 1), [test, test], None, 30.0);
        line.evaluation_seconds = Some(1.0);
        run.log(&line).unwrap();
    }
    run
}
