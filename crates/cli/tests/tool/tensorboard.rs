//! Event files: those of TensorBoard's own package are understood, what is written comes back, and `wgrad train
//! --tensorboard` writes what the run records. That TensorBoard reads it is proven by `scripts/tensorboard_check.sh`.

use crate::command::{on_device, small_data_argument};
use prost::Message;
use std::{collections::BTreeMap, path::Path};
use wgrad_report::tensorboard::{
    End, Writer,
    proto::{
        Event, HParams, Summary, SummaryValue, event::What, h_params::Data, setting::Kind,
        summary_value::Value,
    },
    record,
};
use wgrad_run::Run;

fn events(bytes: &[u8]) -> Vec<Event> {
    let (records, damage) = record::read(bytes);
    assert_eq!(damage, None);
    records.into_iter().map(|record| Event::decode(record).expect("an event")).collect()
}

/// Every value of the events with its step.
fn values(events: &[Event]) -> Vec<(i64, SummaryValue)> {
    let of = |event: &Event| match &event.what {
        Some(What::Summary(Summary { value })) => value.iter().map(|v| (event.step, v.clone())).collect(),
        _ => Vec::new(),
    };
    events.iter().flat_map(of).collect()
}

fn hparams(value: &SummaryValue) -> Data {
    let plugin = value.metadata.as_ref().and_then(|data| data.plugin_data.as_ref()).expect("a plugin's");
    assert_eq!(plugin.plugin_name, "hparams");
    HParams::decode(&plugin.content[..]).expect("its message").data.expect("something")
}

#[test]
fn the_file_of_tensorboards_own_package_is_understood() {
    let bytes = std::fs::read(wgrad_testing::fixture("tensorboard.events")).expect("the fixture");
    let events = events(&bytes);
    assert_eq!(events[0].what, Some(What::FileVersion("brain.Event:2".into())));
    let found = values(&events);
    let value = |n: usize| (found[n].0, found[n].1.tag.as_str(), found[n].1.value.clone().expect("a value"));
    assert_eq!(value(0), (1, "loss", Value::SimpleValue(0.25)));
    assert_eq!(events[1].wall_time, 1_790_000_001.5);
    assert_eq!(value(1), (2, "loss", Value::SimpleValue(-1.5)));
    let (step, tag, Value::Histogram(histogram)) = value(2) else { panic!("{:?}", value(2)) };
    assert_eq!((step, tag, histogram.min, histogram.sum_squares), (2, "weights", -1.0, 5.0));
    assert_eq!((histogram.bucket_limit, histogram.bucket), (vec![0.0, 2.0], vec![1.0, 2.0]));
    let (_, "picture", Value::Image(image)) = value(3) else { panic!("{:?}", value(3)) };
    assert_eq!((image.height, image.width, &image.encoded_image_string[..]), (2, 3, &b"png"[..]));
    let Data::SessionStart(start) = hparams(&found[4].1) else { panic!("{:?}", found[4]) };
    assert!(matches!(value(4).2, Value::Tensor(_)));
    let kinds: BTreeMap<_, _> =
        start.hparams.into_iter().filter_map(|(name, is)| Some((name, is.kind?))).collect();
    assert_eq!(kinds["lr"], Kind::Number(0.05));
    assert_eq!((&kinds["model"], &kinds["shuffle"]), (&Kind::Text("mlp".into()), &Kind::Bool(true)));
}

#[test]
fn what_is_written_comes_back() {
    let mut file = Vec::new();
    let mut board = Writer::new(&mut file, || 1_790_000_000.25).expect("memory");
    board.scalar("loss", 7, 0.5).expect("memory");
    board.resume(8).expect("memory");
    let settings =
        serde_json::json!({"a": {"b": 1.5, "none": null}, "list": [1, 2], "text": "x", "yes": true});
    board.hparams("run", &settings).expect("memory");
    board.end(End::Failure).expect("memory");
    let events = events(&file);
    assert!(events.iter().all(|event| event.wall_time == 1_790_000_000.25));
    assert!(matches!(&events[2].what, Some(What::SessionLog(log)) if log.status == 1 && events[2].step == 8));
    let found = values(&events);
    assert_eq!((found[0].0, &found[0].1.value), (7, &Some(Value::SimpleValue(0.5))));
    let (Data::SessionStart(start), Data::SessionEnd(end)) = (hparams(&found[1].1), hparams(&found[2].1))
    else {
        panic!("{found:?}")
    };
    let names: Vec<&str> = start.hparams.keys().map(String::as_str).collect();
    assert_eq!((names, start.group_name.as_str()), (vec!["a.b", "list", "text", "yes"], "run"));
    assert_eq!(start.hparams["list"].kind, Some(Kind::Text("[1,2]".into())));
    assert_eq!(end.status, 2);
}

/// The scalars of a folder's files, in the order of their names.
fn scalars(folder: &Path, tag: &str) -> Vec<(i64, f32)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|file| file.expect("readable").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let found = files.iter().flat_map(|path| values(&events(&std::fs::read(path).expect("readable"))));
    let number = |(step, value): (i64, SummaryValue)| match value.value {
        Some(Value::SimpleValue(number)) if value.tag == tag => Some((step, number)),
        _ => None,
    };
    found.filter_map(number).collect()
}

#[test]
fn a_training_tells_tensorboard_what_its_run_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run").display().to_string();
    let data = small_data_argument();
    let arguments =
        ["train", "--data", &data, "--batch", "32", "--epochs", "2", "--limit", "96", "--out", &run];
    let ended = on_device(&[&arguments[..], &["--quiet", "--tensorboard"]].concat()).end().with(0);
    assert!(ended.stdout.starts_with("test accuracy ") && ended.stdout.lines().count() == 1, "{ended:?}");
    let talk: Vec<&str> = ended.stderr.lines().filter(|line| !line.starts_with("warning: ")).collect();
    assert!(talk.is_empty(), "{talk:?}");
    on_device(&["train", "--resume", &run, "--epochs", "3", "--tensorboard"]).end().with(0);
    let board = Path::new(&run).join("tensorboard");
    let lines = Run::open(Path::new(&run)).expect("a run").metrics().expect("its metrics");
    let expected: Vec<(i64, f32)> =
        lines.iter().map(|line| (line.step as i64, line.test_loss as f32)).collect();
    assert_eq!(scalars(&board.join("test"), "loss"), expected);
    let rates = scalars(&board, "learning rate");
    assert_eq!(rates, [(3, 0.05), (6, 0.05), (9, 0.05)]);
    let steps: Vec<i64> =
        scalars(&board.join("train"), "step loss").into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps, (1..=9).collect::<Vec<_>>());
    let all = |tag: &str| {
        let files = std::fs::read_dir(&board).expect("there").map(|file| file.expect("readable").path());
        let bytes = files.filter(|path| path.is_file()).map(|path| std::fs::read(path).expect("readable"));
        bytes
            .map(|bytes| values(&events(&bytes)).into_iter().filter(|(_, v)| v.tag == tag).count())
            .sum::<usize>()
    };
    assert_eq!(all("dense_1/kernel"), 3, "a histogram an epoch");
    assert_eq!(all("kernels of the first layer"), 3);
    assert_eq!(all("The least confident hits") + all("The most confident mistakes"), 4, "of both trainings");
    assert_eq!(all("_hparams_/session_end_info"), 2);
}
