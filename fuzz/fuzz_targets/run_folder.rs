#![no_main]
//! Fuzzes folders of runs: 0xff 0xff separates the bytes of `run.json`, `metrics.jsonl` and `last.safetensors`. An
//! empty part becomes the file of a trained run.

use libfuzzer_sys::fuzz_target;
use std::fs;
use wgrad_run::Run;

const CONFIG: &[u8] = include_bytes!("../../tests/fixtures/run-0.1/run.json");
const METRICS: &[u8] = include_bytes!("../../tests/fixtures/run-0.1/metrics.jsonl");
const LAST: &[u8] = include_bytes!("../../tests/fixtures/run-0.1/last.safetensors");

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rest = bytes;
    for (name, whole) in [("run.json", CONFIG), ("metrics.jsonl", METRICS), ("last.safetensors", LAST)] {
        let end = rest.windows(2).position(|two| two == [0xff, 0xff]);
        let (part, after) = end.map_or((rest, &[][..]), |end| (&rest[..end], &rest[end + 2..]));
        rest = after;
        fs::write(folder.path().join(name), if part.is_empty() { whole } else { part }).expect("written");
    }
    fs::write(folder.path().join("best.safetensors"), LAST).expect("written");
    let Ok(run) = Run::take(folder.path()) else { return };
    let (_lines, _layers, _best) = (run.metrics(), run.layers(), run.best());
    if let Ok(Some(mut state)) = run.resume(4, 512) {
        assert!(state.is_finite() && state.position.step <= 4);
        let _mended = run.mend_best(&mut state);
        // A damaged line before the position is an error; after the cut none is left.
        if run.rewind(&state.position).is_ok() {
            let left = run.metrics().expect("only lines are left");
            assert!(left.iter().all(|line| line.epoch <= state.position.epoch));
        }
        run.save(&state, true).expect("what was read can be written");
        assert_eq!(run.resume(4, 512).expect("again"), Some(state));
    }
});
