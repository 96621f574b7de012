//! Tests the tuner as a library: what it may choose and what it must not, its time limit, the choices, the cache. The
//! times differ by a factor of a hundred, so that no load on the machine reverses them. `tune_command.rs` tests the
//! commands, `tune_hang.rs` hanging kernels.

use std::{collections::BTreeMap, fs, path::Path};
use wgrad::{
    Error,
    gpu::Context,
    kernels::MATMUL,
    networks::network,
    objective::Objective,
    op::{Call, EVERYWHERE, Op, Variant, user_file},
    optim::Optimizer,
    preprocessing::Preprocessing,
    selection::Choices,
};
use wgrad_lab::{
    measure::Lab,
    tune::{
        self, Decision, Event, First, Gain, Outcome, Quick, Settings, State, Use,
        cache::{Cache, Entry, Key, Place},
    },
};

const NAIVE: &str = include_str!("../../../../shaders/matmul/naive.wgsl");
const LOOP: &str = "for (var k = 0u; k < K; k++) {";
const STORE: &str = "y[row * N + column] = activate(sum + b[column]);";

/// The naive product with `from` replaced.
fn changed(from: &str, to: &str) -> String {
    assert!(NAIVE.contains(from), "naive has no `{from}`: adapt this test");
    NAIVE.replacen(from, to, 1)
}

/// Correct, and a hundred times slower: every sum is computed a hundred times.
fn slow() -> String {
    let again = "for (var again = 0u; again < 100u; again++) { sum = min(sum, 0.0) * 0.0;";
    changed(LOOP, &format!("{again}\n{LOOP}")).replacen(STORE, &format!("}}\n{STORE}"), 1)
}

fn variant(name: &str, text: &str) -> Variant {
    user_file::variant(&MATMUL, &format!("{name}.wgsl"), text.to_string()).unwrap_or_else(|e| panic!("{e}"))
}

/// The product with its own list of variants: these, the first of which is the default, and `naive`.
fn page(variants: &[(&'static str, String)], naive: &str) -> &'static Op {
    let all = variants.iter().map(|(name, text)| (*name, text.as_str())).chain([("naive", naive)]);
    let mut all: Vec<Variant> = all.map(|(name, text)| variant("mine", text).named(name)).collect();
    all[0].default_for = EVERYWHERE;
    Box::leak(Box::new(MATMUL.with_variants(all).with_cases(&["M=1,N=1,K=1", "M=3,N=5,K=7"])))
}

fn lab() -> Lab {
    let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
    Lab::with(wgrad_testing::open_alone(false), wgrad::gpu::Options { adapter, ..Default::default() })
}

/// Enough time for every test here.
fn enough() -> Settings<'static> {
    Settings { seconds: 600.0, ..Settings::default() }
}

fn run(uses: &[Use], settings: &Settings<'_>) -> Vec<Outcome> {
    hear(uses, settings, |_| {})
}

fn hear(uses: &[Use], settings: &Settings<'_>, mut each: impl FnMut(Event<'_>)) -> Vec<Outcome> {
    let mut lab = lab();
    pollster::block_on(tune::tune(&mut lab, uses, settings, &mut each)).unwrap_or_else(|e| panic!("{e}"))
}

/// Returns the decision for one product with its own list of variants.
fn decided(op: &'static Op, sizes: &[(&str, usize)]) -> Decision {
    let uses = [Use { call: Call::new(op, sizes), per_step: 1 }];
    let mut outcomes = run(&uses, &enough());
    assert_eq!(outcomes.len(), 1);
    match outcomes.remove(0).state {
        State::Decided(decision) => decision,
        other => panic!("{other:?}"),
    }
}

const SIZES: &[(&str, usize)] = &[("M", 24), ("N", 40), ("K", 300)];

fn wrong(decision: &Decision) -> Vec<&str> {
    decision.wrong.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn the_calls_of_a_training_with_augmentation_are_its_own() {
    let model = network("linear", [28, 28, 1], 10).expect("built in");
    let augment = "flip,shift=1".parse().expect("a specification");
    let calls = |objective: &Objective| {
        let uses =
            tune::uses(&model, &Preprocessing::default(), 8, &Optimizer::default(), objective).expect("fits");
        uses.into_iter().map(|used| (used.call.op.name, used.per_step)).collect::<Vec<_>>()
    };
    let (plain, changed) =
        (calls(&Objective::default()), calls(&Objective { augment, ..Objective::default() }));
    assert!(plain.contains(&("decode", 1)) && !plain.iter().any(|(name, _)| *name == "augment"), "{plain:?}");
    // The evaluation decodes as usual.
    assert!(changed.contains(&("augment", 1)) && changed.contains(&("decode", 0)), "{changed:?}");
}

#[test]
fn the_faster_of_two_right_ones_is_chosen_whichever_is_the_default() {
    let decision = decided(page(&[("slow", slow())], NAIVE), SIZES);
    let gain = decision.gain.expect("another than the default");
    assert!(decision.chosen == "naive" && wrong(&decision).is_empty(), "{decision:?}");
    assert!(gain.low <= gain.ratio && gain.ratio <= gain.high && gain.low > 1.0, "{gain:?}");
    let decision = decided(page(&[("quick", NAIVE.to_string()), ("slow", slow())], &slow()), SIZES);
    assert_eq!((decision.chosen.as_str(), decision.gain), ("quick", None));
}

#[test]
fn a_wrong_one_is_never_chosen_however_fast() {
    let scaled = || changed(STORE, "y[row * N + column] = activate(sum + b[column]) * 1.0001;");
    let nothing = || changed(LOOP, "for (var k = 0u; k < 0u; k++) {");
    let decision = decided(page(&[("slow", slow()), ("none", nothing()), ("off", scaled())], NAIVE), SIZES);
    assert_eq!((decision.chosen.as_str(), wrong(&decision)), ("naive", vec!["none", "off"]));
    assert!(decision.wrong[0].1.contains("at M=24"), "{decision:?}");

    // A wrong default is replaced even by a slower variant.
    let decision = decided(page(&[("none", nothing())], &slow()), SIZES);
    assert_eq!((decision.chosen.as_str(), decision.gain, wrong(&decision)), ("naive", None, vec!["none"]));

    // If nothing is correct, it chooses the naive variant and does not panic.
    let decision = decided(page(&[("none", nothing())], &scaled()), SIZES);
    assert_eq!((decision.chosen.as_str(), wrong(&decision)), ("naive", vec!["none", "naive"]));
}

/// Correct at the size of the network, wrong at a case of the operation: such a variant is correct by chance.
#[test]
fn the_winner_is_proven_at_the_cases_of_the_page_too() {
    let chance = changed(STORE, &format!("if (M == 3u) {{ sum *= 1.5; }}\n{STORE}"));
    let decision = decided(page(&[("slow", slow()), ("chance", chance)], &slow()), SIZES);
    assert_eq!((decision.chosen.as_str(), wrong(&decision)), ("slow", vec!["chance"]));
    assert!(decision.wrong[0].1.contains("at M=3,N=5,K=7"), "{decision:?}");
}

/// Too much work for a full twin: it is proven at a smaller batch, and at its own size by the elements that it writes.
#[test]
fn at_sizes_without_a_twin_every_element_must_be_written() {
    let sizes = &[("M", 400), ("N", 256), ("K", 256)];
    let some = changed("if (row >= M", "if (row >= min(M, 390u)");
    let further = "y[row * N + column + u32(M > 390u && row + 1u == M) * 40u] =";
    let beyond = changed("y[row * N + column] =", further);
    let decision = decided(page(&[("some", some), ("beyond", beyond)], NAIVE), sizes);
    assert_eq!(decision.chosen, "naive");
    let found: BTreeMap<_, _> =
        decision.wrong.iter().map(|(name, why)| (name.as_str(), why.as_str())).collect();
    assert!(found.len() == 2 && found["some"].contains("unwritten"), "{found:?}");
    assert!(found["beyond"].contains("where it must not"), "{found:?}");
}

#[test]
fn candidates_can_be_given_and_join_those_of_the_page() {
    let model = network("linear", [28, 28, 1], 10).expect("built in");
    let uses = tune::uses(&model, &Preprocessing::default(), 8, &Optimizer::default(), &Objective::default())
        .expect("fits");
    let nothing = variant("nothing", &changed(LOOP, "for (var k = 0u; k < 0u; k++) {"));
    let candidates = |context: &Context, call: &Call| {
        let mut all = tune::candidates(context, call);
        // No choice may cost accuracy.
        assert!(all.iter().all(|v| v.rounds().is_empty()), "{call:?}");
        if call.op.name == MATMUL.name {
            all.push(nothing.clone());
        }
        all
    };
    let outcomes = run(&uses, &Settings { candidates: &candidates, ..enough() });
    let matmul: Vec<_> = outcomes.iter().filter(|o| o.call.op.name == MATMUL.name).collect();
    let State::Decided(decision) = &matmul[0].state else { panic!("{:?}", matmul[0]) };
    assert!(matmul.len() == 1 && wrong(decision) == ["nothing.wgsl"], "{decision:?}");
    let shares: Vec<f64> = outcomes.iter().map(|o| o.share.expect("measured")).collect();
    assert!(shares.is_sorted_by(|a, b| a >= b) && shares.iter().sum::<f64>() <= 1.0 + 1e-9, "{shares:?}");
    let tuned = tune::tuned(&outcomes);
    assert_eq!(tuned.len(), outcomes.len());
    assert!(outcomes.len() > 2 && outcomes.iter().all(|o| o.call.op.variant(&tuned[&o.call.key()]).is_ok()));
}

#[test]
fn without_time_everything_keeps_its_default() {
    let model = network("mlp", [28, 28, 1], 10).expect("built in");
    let uses = tune::uses(&model, &Preprocessing::default(), 8, &Optimizer::default(), &Objective::default())
        .expect("fits");
    let (mut doing, mut done) = (Vec::new(), 0);
    let settings = Settings { seconds: 0.0, ..Settings::default() };
    let outcomes = hear(&uses, &settings, |event| match event {
        Event::Doing(what) => doing.push(what.to_string()),
        Event::Done(_) => done += 1,
    });
    assert!(outcomes.len() > 4 && done == outcomes.len(), "{outcomes:?}");
    for outcome in &outcomes {
        assert!(matches!(&outcome.state, State::LeftOut(why) if why == tune::OVER), "{outcome:?}");
        assert_eq!((outcome.chosen(), outcome.share), (None, None));
    }
    assert!(tune::tuned(&outcomes).is_empty());
    assert!(doing.iter().all(|line| line.ends_with("0.0 s left")), "{doing:?}");
    assert!(matches!(
        tune::uses(&model, &Preprocessing::default(), 0, &Optimizer::default(), &Objective::default()),
        Err(Error::Option { name: "batch", .. })
    ));
}

#[test]
fn what_is_known_is_not_measured() {
    let call = Call::new(&MATMUL, SIZES);
    let known = BTreeMap::from([(call.key(), "tiled".to_string())]);
    let mut doing = 0;
    let settings = Settings { known, ..Settings::default() };
    let outcomes = hear(&[Use { call, per_step: 1 }], &settings, |event| {
        doing += usize::from(matches!(event, Event::Doing(_)));
    });
    assert_eq!((outcomes[0].chosen(), doing), (Some("tiled"), 0));
}

#[test]
fn by_hand_beats_tuned_beats_default() {
    let context = wgrad_testing::open(false);
    let call = Call::new(&MATMUL, SIZES);
    let mut choices = Choices::default();
    let name = |choices: &Choices| {
        let (variant, why) = call.variant(&context, choices).unwrap_or_else(|e| panic!("{e}"));
        (variant.name().to_string(), why.unwrap_or_default())
    };
    let default = name(&choices).0;
    assert_ne!(default, "naive");
    choices.tuned.insert(call.key(), "naive".into());
    assert_eq!(name(&choices), ("naive".to_string(), String::new()));
    choices.by_hand.insert("matmul".into(), "tiled".into());
    assert_eq!(name(&choices), ("tiled".to_string(), String::new()));
    // Chosen by hand, but not at these sizes: the reason is reported, and the tuned variant runs.
    let odd = Call::new(&MATMUL, &[("M", 24), ("N", 41), ("K", 300)]);
    choices.tuned.insert(odd.key(), "naive".into());
    choices.by_hand.insert("matmul".into(), "tiled_vec4".into());
    let (chosen, why) = odd.variant(&context, &choices).expect("runs");
    let why = why.unwrap_or_default();
    assert!(chosen.name() == "naive" && why.contains("tiled_vec4"), "{chosen:?}, {why}");
    choices.by_hand.clear();
    // A choice for another call does not count; an unknown variant, or a file, is reported and not run.
    let other = Call::new(&MATMUL, &[("M", 25), ("N", 40), ("K", 300)]);
    assert_eq!(other.variant(&context, &choices).expect("the default").0.name(), default);
    for unknown in ["gone", "mine.wgsl"] {
        choices.tuned.insert(call.key(), unknown.into());
        let (chosen, why) = name(&choices);
        assert!(chosen == default && why.contains(unknown), "{chosen}, {why}");
    }
    assert_ne!(call.key(), call.clone().activated(&wgrad::op::activations::RELU).key());
}

#[test]
fn runs_record_both_kinds_of_choices_and_those_of_before_are_read() {
    let map = |key: &str, value: &str| BTreeMap::from([(key.to_string(), value.to_string())]);
    let mut choices = Choices::default();
    (choices.by_hand, choices.tuned) = (map("matmul", "naive"), map("sgd COUNT=7 linear", "several"));
    let text = serde_json::to_string(&choices).expect("writes");
    assert_eq!(serde_json::from_str::<Choices>(&text).expect("reads"), choices);
    for (text, by_hand) in [("{}", BTreeMap::new()), (r#"{"matmul":"naive"}"#, map("matmul", "naive"))] {
        let read: Choices = serde_json::from_str(text).expect("reads");
        assert_eq!((read.by_hand, read.tuned), (by_hand, BTreeMap::new()));
    }
    assert!(serde_json::from_str::<Choices>(r#"{"by_hand":{},"tuned":3}"#).is_err());
}

fn place() -> Place {
    Place {
        adapter: "card".into(),
        backend: "vulkan".into(),
        driver: "driver 1.0".into(),
        wgpu: "30".into(),
        shaders: "00".into(),
        checked: false,
    }
}

fn cache(folder: &Path) -> Cache {
    Cache { folder: Some(folder.to_owned()) }
}

fn entry(place: &Place, call: &Call) -> Entry {
    Entry::new(place, call, "subgroup", "tiled", Some(Gain { ratio: 1.5, low: 1.2, high: 1.9 }))
}

#[test]
fn the_cache_gives_back_what_was_kept_for_the_same_place_and_call_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = cache(&folder.path().join("not/there/yet"));
    let call = Call::new(&MATMUL, SIZES);
    assert_eq!(cache.entry(&place(), &call), Ok(None));
    assert_eq!(cache.list(&place()).expect("lists"), (vec![], vec![]));
    let kept = entry(&place(), &call);
    cache.store(&kept).expect("stores");
    assert_eq!(cache.entry(&place(), &call), Ok(Some(kept.clone())));
    let others: [(&str, Place); 6] = [
        ("adapter", Place { adapter: "other".into(), ..place() }),
        ("backend", Place { backend: "gl".into(), ..place() }),
        ("driver", Place { driver: "driver 1.1".into(), ..place() }),
        ("wgpu", Place { wgpu: "31".into(), ..place() }),
        ("shaders", Place { shaders: "01".into(), ..place() }),
        ("checked", Place { checked: true, ..place() }),
    ];
    for (what, other) in &others {
        assert_eq!(cache.entry(other, &call), Ok(None), "{what} does not count");
    }
    for other in [
        Call::new(&MATMUL, &[("M", 25), ("N", 40), ("K", 300)]),
        call.clone().activated(&wgrad::op::activations::RELU),
    ] {
        assert_eq!(cache.entry(&place(), &other), Ok(None), "{other:?}");
    }
    // Other drivers of the same adapter are listed and cleared too, other adapters are not.
    for (_, other) in &others {
        cache.store(&entry(other, &call)).expect("stores");
    }
    assert_eq!(cache.list(&place()).expect("lists").0.len(), 5);
    assert_eq!(cache.clear(&place()).expect("clears"), 5);
    assert_eq!(cache.list(&place()).expect("lists").0, []);
    assert_eq!(cache.entry(&others[0].1, &call), Ok(Some(entry(&others[0].1, &call))));
}

#[test]
fn a_file_that_is_damaged_or_of_something_else_is_reported_and_does_not_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, call) = (cache(folder.path()), Call::new(&MATMUL, SIZES));
    let kept = entry(&place(), &call);
    let file = folder.path().join(kept.key.file());
    let json = |entry: &Entry| serde_json::to_vec(entry).expect("writes");
    let foreign = Key { call: "sgd COUNT=7 linear".into(), ..kept.key.clone() };
    let whole = json(&kept);
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("truncated", whole[..whole.len() / 2].to_vec(), "damaged"),
        ("empty", Vec::new(), "damaged"),
        ("no text", vec![0xff, 0xfe, 0], "damaged"),
        ("other JSON", b"{\"a\": 1}".to_vec(), "damaged"),
        ("of another call", json(&Entry { key: foreign, ..kept.clone() }), "something else"),
        ("no variant", json(&Entry { chosen: "fast".into(), ..kept.clone() }), "tiled_vec4"),
        ("a user's file", json(&Entry { chosen: "my.wgsl".into(), ..kept.clone() }), "my.wgsl"),
    ];
    for (what, bytes, words) in cases {
        fs::write(&file, bytes).expect("writes");
        let note = cache.entry(&place(), &call).expect_err(what);
        assert!(note.contains(words) && note.contains("`wgrad_lab::tune`"), "{what}: {note}");
        cache.store(&kept).expect("stores over it");
        assert_eq!(cache.entry(&place(), &call), Ok(Some(kept.clone())), "{what}");
    }
    fs::write(&file, "{").expect("writes");
    assert_eq!(cache.list(&place()).expect("lists").1.len(), 1, "a damaged file is told");
    fs::write(folder.path().join("notes.json"), "mine").expect("writes");
    assert_eq!(cache.clear(&place()).expect("clears"), 1);
    assert!(folder.path().join("notes.json").exists(), "a file that is not the cache's was removed");
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_file_is_reported_and_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, call) = (cache(folder.path()), Call::new(&MATMUL, SIZES));
    let kept = entry(&place(), &call);
    let path = folder.path().join(kept.key.file());
    assert!(std::process::Command::new("mkfifo").arg(&path).status().expect("runs").success());
    let reported = cache.entry(&place(), &call).expect_err("no file");
    assert!(reported.contains("not a regular file") && reported.contains("does not count"), "{reported}");
    let (entries, notes) = cache.list(&place()).expect("lists");
    assert!(entries.is_empty() && notes.len() == 1 && notes[0].contains("not a regular file"), "{notes:?}");
    cache.store(&kept).expect("takes its place");
    assert_eq!(cache.entry(&place(), &call), Ok(Some(kept)));
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("writes");
    let cache = cache(&file.join("tuned"));
    let call = Call::new(&MATMUL, SIZES);
    assert_eq!(cache.entry(&place(), &call), Ok(None));
    let error = cache.store(&entry(&place(), &call)).expect_err("no folder can be there");
    assert!(error.to_string().contains("WGRAD_TUNED"), "{error}");
    assert_eq!(Cache { folder: None }.store(&entry(&place(), &call)).ok(), Some(()), "no home, nothing kept");
    let named = Cache::new(Some("there".into()), Some("home".into()));
    assert_eq!(named.folder, Some("there".into()));
    assert_eq!(Cache::new(Some("".into()), Some("home".into())).folder, Some("home/wgrad/tuned".into()));
}

/// Candidates of a short tuning that blocks for as long as the test wants, as a driver could.
mod blocked {
    use std::sync::{Condvar, Mutex};
    use wgrad::{
        gpu::Context,
        op::{Call, Variant},
    };

    static FREE: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

    pub fn candidates(_: &Context, call: &Call) -> Vec<Variant> {
        let free = FREE.0.lock().expect("not poisoned");
        drop(FREE.1.wait_while(free, |free| !*free).expect("not poisoned"));
        call.op.variants().to_vec()
    }

    pub fn release() {
        *FREE.0.lock().expect("not poisoned") = true;
        FREE.1.notify_all();
    }
}

fn quickly(op: &'static Op, quick: Quick) -> First {
    let Lab { context, .. } = lab();
    let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
    let options = wgrad::gpu::Options { adapter, ..Default::default() };
    let sizes = [("M", 64), ("N", 64), ("K", 64)];
    let uses = [Use { call: Call::new(op, &sizes), per_step: 1 }];
    pollster::block_on(tune::first(context, options, &uses, quick)).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_short_tuning_chooses_what_is_right_and_faster() {
    let wrong = changed("sum + b[column]", "sum * 1.001 + b[column]");
    let op = page(&[("slow", slow()), ("wrong", wrong)], NAIVE);
    let all = |_: &Context, call: &Call| call.op.variants().to_vec();
    let found = quickly(op, Quick { seconds: 600.0, candidates: all, ..Quick::default() });
    assert!(found.context.is_some(), "the device is still good");
    let [Outcome { state: State::Decided(decision), .. }] = &found.outcomes[..] else {
        panic!("{:?}", found.outcomes)
    };
    assert_eq!(decision.chosen, "naive");
    assert!(decision.gain.is_some_and(|gain| gain.ratio > 2.0), "{decision:?}");
    assert!(decision.wrong.len() == 1 && decision.wrong[0].0 == "wrong", "{decision:?}");
}

/// The test would not end if the tuning waited.
#[test]
fn a_short_tuning_ends_though_a_driver_does_not() {
    let op = page(&[("slow", slow())], NAIVE);
    let quick = Quick { seconds: 0.2, candidates: blocked::candidates, ..Quick::default() };
    let found = quickly(op, quick);
    assert!(found.context.is_none(), "its device is in use");
    assert!(
        matches!(&found.outcomes[..], [Outcome { state: State::LeftOut(_), .. }]),
        "{:?}",
        found.outcomes
    );
    assert_eq!(found.outcomes[0].default, "slow");
    blocked::release();
}

#[test]
fn choices_of_a_short_tuning_are_kept_and_replaced_by_longer_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, lab) = (cache(folder.path()), lab());
    let place = Place::of(&lab.context);
    let model = network("linear", [28, 28, 1], 10).expect("built in");
    let uses = tune::uses(&model, &Preprocessing::default(), 8, &Optimizer::default(), &Objective::default())
        .expect("fits");
    let contested: Vec<&Use> =
        uses.iter().filter(|of| tune::is_contested(&lab.context, &of.call).expect("composes")).collect();
    let outcomes: Vec<Outcome> = contested
        .iter()
        .enumerate()
        .map(|(n, of)| {
            let decision = Decision { chosen: "naive".into(), gain: None, wrong: Vec::new() };
            let state = if n == 0 { State::Decided(decision) } else { State::LeftOut(tune::OVER.into()) };
            let default = of.call.variant(&lab.context, &Choices::default()).expect("one").0;
            Outcome { call: of.call.clone(), default: default.name().into(), share: None, state }
        })
        .collect();
    assert!(outcomes.len() > 1, "{outcomes:?}");
    cache.store_quick(&place, &outcomes).expect("stores");
    let found = cache.find(&lab.context, &uses).expect("finds");
    assert_eq!((found.of, found.quick.len()), (outcomes.len(), outcomes.len()));
    for outcome in &outcomes {
        let expected = outcome.chosen().unwrap_or(&outcome.default);
        assert_eq!(found.tuned[&outcome.call.key()], expected, "the next training runs the same");
    }
    let whole = Entry::new(&place, &outcomes[0].call, &outcomes[0].default, "naive", None);
    cache.store(&whole).expect("stores");
    assert_eq!(cache.find(&lab.context, &uses).expect("finds").quick.len(), outcomes.len() - 1);
}
