//! `wgrad profile` and its foundations: steps that are taken apart train to the same bits, listening changes
//! nothing, every event of a trace keeps to the format. No test asserts a time.

use crate::command::on_device;
use serde_json::Value;
use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};
use wgrad::{
    data::Dataset,
    gpu::{Clock, Context},
    model::Model,
    networks::network,
    observe::{Activity, Recorder},
    train::{Options, Trainer},
};
use wgrad_data::synthetic::synthetic;
use wgrad_lab::{
    measurement::peaks::Peaks,
    profile::dispatches::{self, Found},
};

/// A network with every kind of layer that is cheap.
fn setup() -> (Model, Dataset, Options) {
    let model = network("mlp", [28, 28, 1], 10).expect("built in");
    (model, synthetic(3, 100, 20), Options { batch: 16, ..Options::default() })
}

fn trainer(context: &Context, model: &Model, data: &Dataset, options: &Options) -> Trainer {
    pollster::block_on(Trainer::new(context, model, data.clone(), options.clone()))
        .unwrap_or_else(|e| panic!("{e}"))
}

fn bits(trainer: &Trainer) -> Vec<u32> {
    let checkpoint = pollster::block_on(trainer.checkpoint()).expect("reads");
    checkpoint.weights.iter().chain(checkpoint.slots.values().flatten()).map(|w| w.to_bits()).collect()
}

/// Trains to the position of `other`, in the ordinary way.
fn follow(trainer: &mut Trainer, other: &Trainer) {
    while (trainer.position().epoch, trainer.position().step)
        != (other.position().epoch, other.position().step)
    {
        let epoch = trainer.position().epoch;
        assert!(epoch <= other.position().epoch, "it went past");
        let left = if epoch == other.position().epoch { other.position().step } else { u64::MAX };
        let left = left.checked_sub(trainer.position().step).expect("it went past");
        let _either_way =
            pollster::block_on(trainer.advance(left, |_, _| ControlFlow::Continue(()))).expect("trains");
    }
}

#[test]
fn steps_taken_apart_train_to_the_same_bits() {
    let context = wgrad_testing::open(false);
    let (model, data, options) = setup();
    let peaks = Peaks { gflops: 10.0, gbps: 5.0, clock: Clock::Wall };
    for wall in [false, true] {
        let mut apart = trainer(&context, &model, &data, &options);
        let Found { rows, step, traced } =
            pollster::block_on(dispatches::measure(&context, &mut apart, 0.0, wall, &peaks))
                .unwrap_or_else(|e| panic!("{e}"));
        println!("{}, doubt: {:?}", step.clock, step.doubt);
        assert!(!wall || (step.clock == Clock::Wall && step.doubt.is_some()));
        assert!(apart.position().epoch > 0 && step.steps >= 3, "{:?}", apart.position());
        let mut usual = trainer(&context, &model, &data, &options);
        follow(&mut usual, &apart);
        assert!(bits(&usual) == bits(&apart), "wall {wall}: other weights at {:?}", apart.position());

        assert_eq!(rows.len(), apart.train_plan().steps.len());
        let share: f64 = rows.iter().map(|row| row.share).sum();
        assert!((share - 1.0).abs() < 1e-9, "{share}");
        let sum: f64 = rows.iter().map(|row| row.seconds).sum();
        assert!((step.dispatch_seconds - sum).abs() < 1e-12 && step.normal.median > 0.0, "{step:?}");
        for (row, planned) in rows.iter().zip(&apart.train_plan().steps) {
            assert_eq!((&row.label, &row.kernel), (&planned.label, &planned.launch.kernel().name));
            assert_eq!((row.grid, row.samples), (planned.launch.kernel().groups, step.steps));
            let order = [row.seconds_min, row.seconds_q1, row.seconds, row.seconds_q3, row.seconds_max];
            assert!(order[0] > 0.0 && order.is_sorted(), "{row:?}");
            assert_eq!(row.gap_seconds.is_some(), step.clock == Clock::Gpu && row.number > 1, "{row:?}");
            let roof = row.share_of_copy.max(row.share_of_fma.unwrap_or(0.0));
            assert!((row.share_of_roof / roof - 1.0).abs() < 1e-9, "{row:?}");
            assert!((row.gbps / peaks.gbps / row.share_of_copy - 1.0).abs() < 1e-9, "{row:?}");
        }
        let product = rows.iter().find(|row| row.op == "matmul").expect("a product");
        let flops = 2.0 * 16.0 * 784.0 * 128.0;
        let rate = product.gflops.expect("counted") * product.seconds * 1e9;
        assert!((rate / flops - 1.0).abs() < 0.01, "{product:?}");
        assert!(!traced.is_empty() && traced.iter().all(|step| step.dispatches.len() == rows.len()));
    }
}

#[test]
fn advancing_takes_exactly_as_many_steps() {
    let context = wgrad_testing::open(false);
    let (model, data, options) = setup();
    let (mut whole, mut parts) =
        (trainer(&context, &model, &data, &options), trainer(&context, &model, &data, &options));
    let mut seen = Vec::new();
    for (steps, ended) in [(0, false), (1, false), (4, false), (0, false), (9, true)] {
        let mut count = 0;
        let flow = parts.advance(steps, |position, _| {
            count += 1;
            seen.push(position.step);
            ControlFlow::Continue(())
        });
        let flow = pollster::block_on(flow).expect("trains");
        assert_eq!(
            (flow.finished().is_some(), count),
            (ended, steps.min(2 + 5 * u64::from(!ended))),
            "{steps} steps"
        );
    }
    assert_eq!(seen, (1..=7).collect::<Vec<_>>());
    let _ended = pollster::block_on(whole.epoch(|_, _| ControlFlow::Continue(()))).expect("trains");
    assert_eq!(whole.position(), parts.position());
    assert!(bits(&whole) == bits(&parts), "parts of an epoch are not the epoch");
}

#[test]
fn listening_tells_everything_and_changes_nothing() {
    let context = wgrad_testing::open(false);
    let (model, data, options) = setup();
    let (mut heard, mut alone) =
        (trainer(&context, &model, &data, &options), trainer(&context, &model, &data, &options));
    let recorder = Arc::new(Recorder::default());
    heard.listen(Some(recorder.clone()), true);
    for trainer in [&mut heard, &mut alone] {
        let _ended = pollster::block_on(trainer.epoch(|_, _| ControlFlow::Continue(()))).expect("trains");
    }
    let recording = recorder.take();
    assert!(bits(&heard) == bits(&alone), "listening changed the weights");
    assert_eq!(recording.submissions.iter().map(|s| s.steps).sum::<usize>(), 7);
    assert_eq!(recording.submissions.iter().map(|s| s.images).sum::<u64>(), 100);
    for s in &recording.submissions {
        assert!(s.done >= s.submitted && s.device.is_none_or(|[begin, end]| end > begin), "{s:?}");
    }
    let count = |activity| recording.spans.iter().filter(|s| s.activity == activity).count();
    assert_eq!((count(Activity::Gather), count(Activity::Upload)), (1, 1));
    for activity in [Activity::Encode, Activity::Submit, Activity::Wait] {
        assert_eq!(count(activity), recording.submissions.len(), "{activity}");
    }
    assert!(recording.spans.iter().all(|s| s.end >= s.begin));
    heard.listen(None, true);
    let _ended = pollster::block_on(heard.epoch(|_, _| ControlFlow::Continue(()))).expect("trains");
    assert_eq!(recorder.take(), Default::default(), "nobody listens any more");
}

/// Violations of the trace event format in a trace.
fn faults(trace: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let Some(events) = trace["traceEvents"].as_array().filter(|events| !events.is_empty()) else {
        return vec!["no events".to_string()];
    };
    let mut tracks: BTreeMap<(u64, u64), Vec<(f64, f64)>> = BTreeMap::new();
    let (mut named, mut processes) = (Vec::new(), Vec::new());
    for event in events {
        let mut fault = |what: &str| faults.push(format!("{what}: {event}"));
        let (pid, tid) = (event["pid"].as_u64(), event["tid"].as_u64());
        let (Some(pid), Some(tid)) = (pid, tid) else {
            fault("no pid or tid");
            continue;
        };
        if event["name"].as_str().is_none_or(str::is_empty) {
            fault("no name");
        }
        let Some(ts) = event["ts"].as_f64().filter(|ts| ts.is_finite() && *ts >= 0.0) else {
            fault("no ts");
            continue;
        };
        match event["ph"].as_str() {
            Some("X") => match event["dur"].as_f64().filter(|dur| dur.is_finite() && *dur >= 0.0) {
                Some(dur) => tracks.entry((pid, tid)).or_default().push((ts, ts + dur)),
                None => fault("no dur"),
            },
            Some("C") => {
                let numbers = event["args"].as_object().filter(|args| !args.is_empty());
                let finite = |v: &Value| v.as_f64().is_some_and(f64::is_finite);
                if numbers.is_none_or(|args| !args.values().all(finite)) {
                    fault("a counter without numbers");
                }
            }
            Some("M") => match event["name"].as_str() {
                Some("process_name") if event["args"]["name"].is_string() => processes.push(pid),
                Some("thread_name") if event["args"]["name"].is_string() => named.push((pid, tid)),
                Some("thread_sort_index") if event["args"]["sort_index"].is_u64() => {}
                _ => fault("unknown metadata"),
            },
            _ => fault("unknown phase"),
        }
    }
    for ((pid, tid), spans) in &mut tracks {
        if !named.contains(&(*pid, *tid)) || !processes.contains(pid) {
            faults.push(format!("track {pid}/{tid} has no name"));
        }
        // A microsecond's thousandth is what the numbers resolve.
        if spans.windows(2).any(|pair| pair[1].0 < pair[0].1 - 1e-3) {
            faults.push(format!("events of track {pid}/{tid} overlap"));
        }
    }
    faults
}

#[test]
fn the_trace_keeps_to_the_format_and_the_rows_to_the_plan() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("trace.json");
    let path = file.display().to_string();
    let arguments = ["profile", "linear", "--batch", "32", "--seconds", "0.3", "--json", "--trace", &path];
    let rows = on_device(&arguments).end().with(0).json();
    let kinds: Vec<_> = rows.iter().map(|row| row["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, [&["dispatch"; 6][..], &["layer", "layer", "step", "host"]].concat());
    assert!(rows.iter().all(|row| row["adapter"].is_string() && row["batch"] == 32));
    assert_eq!(rows[1]["op"], "matmul");
    assert_eq!(rows[1]["sizes"], "M=32,N=10,K=784");
    let passes: Vec<_> = rows[..6].iter().map(|row| row["pass"].as_str().expect("a pass")).collect();
    assert_eq!(passes, ["forward", "forward", "loss", "loss", "backward", "update"]);
    // A layer is the sum of its dispatches; nothing goes backward through the decoding of images.
    assert_eq!([&rows[6]["layer"], &rows[7]["layer"]], ["decode", "dense_1"]);
    assert_eq!(rows[7]["forward_seconds"], rows[1]["seconds"]);
    assert_eq!(rows[7]["backward_seconds"], rows[4]["seconds"]);
    assert!(rows[6]["ratio"].is_null() && rows[7]["ratio"].as_f64() > Some(0.0), "{}", rows[7]);
    let host = &rows[9];
    let busy = host["device_busy"].as_f64().expect("a share");
    assert!(busy > 0.0 && busy <= 1.0 + 1e-9 && host["steps"].as_u64() > Some(0), "{host}");

    let mut trace: Value =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("written")).expect("JSON");
    assert_eq!(faults(&trace), Vec::<String>::new());
    let events = trace["traceEvents"].as_array().expect("events").clone();
    let some = |what: &dyn Fn(&Value) -> bool| events.iter().filter(|event| what(event)).count();
    assert!(some(&|e| e["ph"] == "C" && e["args"]["images/s"].is_number()) > 0);
    assert!(some(&|e| e["name"] == "dense_1 matmul" && e["args"]["kernel"].is_string()) >= 3);
    for activity in Activity::ALL {
        assert!(some(&|e| e["ph"] == "M" && e["args"]["name"] == activity.about()) == 1, "{activity}");
    }

    // The check has to detect a violation.
    let x = events.iter().rposition(|e| e["ph"] == "X").expect("an event");
    let c = events.iter().position(|e| e["ph"] == "C").expect("a counter");
    let m = events.iter().position(|e| e["name"] == "thread_name").expect("a name");
    let breaks: [(usize, &str, Value); 8] = [
        (x, "dur", Value::Null),
        (x, "dur", (-1.0).into()),
        (x, "ts", Value::Null),
        (x, "ts", 0.into()),
        (x, "name", "".into()),
        (x, "ph", "Y".into()),
        (c, "args", Value::Null),
        (m, "tid", 99.into()),
    ];
    for (n, key, value) in breaks {
        trace["traceEvents"] = events.clone().into();
        trace["traceEvents"][n][key] = value.clone();
        assert_ne!(faults(&trace), Vec::<String>::new(), "{key} = {value} was not seen");
    }
}

#[test]
fn the_table_and_the_csv_tell_the_same() {
    let arguments = ["profile", "linear", "--batch", "8", "--seconds", "0.1", "--wall-clock"];
    let ended = on_device(&arguments).end().with(0);
    for word in
        ["matmul/", "update", "WALL CLOCK", "device busy", "steps per submission", "the instrument costs"]
    {
        assert!(ended.stdout.contains(word), "no {word:?} in {ended:#?}");
    }
    let csv = on_device(&[&arguments[..], &["--csv"]].concat()).end().with(0).stdout;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 7, "{csv}");
    assert!(lines[0].starts_with("number,label,pass,op,kernel,sizes,"), "{csv}");
    on_device(&["profile", "cmm"]).end().refuses(&["unknown network `cmm`", "mlp"]);
    on_device(&["profile", "--variant", "matmul=fast"]).end().refuses(&["`fast` of matmul", "naive"]);
    let nowhere = ["profile", "linear", "--seconds", "0.01", "--trace", "/no-such-folder/trace.json"];
    on_device(&nowhere).end().refuses(&["cannot write", "/no-such-folder/trace.json"]);
}
