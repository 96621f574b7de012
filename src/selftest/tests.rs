//! Tests with kernels whose texts compute wrongly: from here a wrong device looks the same, for any cause.

use crate::{
    Error,
    gpu::{AdapterChoice, Context, Options, Place, Preparing, Proofs, trust::key},
    kernels::MATMUL,
    layers::{Dense, Flatten},
    model::Model,
    networks::network,
    op::{Call, EVERYWHERE, Op, Variant},
    optim::Optimizer,
    plan::{Arenas, Plan},
    preprocessing::Preprocessing,
    program::{Mode, Program},
    selection::Choices,
    selftest::Remembered,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

/// A product that computes nothing, and one that is slightly off.
const NOTHING: &str = "@compute @workgroup_size(8, 8) fn nothing() {}";
const SCALED: &str = "
@compute @workgroup_size(8, 8)
fn scaled(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.y >= M || id.x >= N) { return; }
    var sum = b[id.x];
    for (var k = 0u; k < K; k++) { sum += x[id.y * K + k] * w[k * N + id.x]; }
    y[id.y * N + id.x] = activate(sum) * 1.001;
}";

fn open() -> Context {
    let adapter: AdapterChoice =
        std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text is a choice");
    pollster::block_on(Context::open(&Options { adapter, ..Options::default() }))
        .unwrap_or_else(|e| panic!("{e}"))
}

fn model() -> Model {
    network("mlp", [4, 4, 1], 3).expect("built in")
}

/// The evaluation of a small network whose products have the variants `given` instead of the registry's.
fn program(given: Option<Vec<Variant>>) -> Program {
    let mut program = model()
        .program(&Preprocessing::default(), Mode::Evaluate, 4, 1, &Optimizer::default())
        .expect("fits");
    let Some(variants) = given else { return program };
    let op: &'static Op = Box::leak(Box::new(MATMUL.with_variants(variants)));
    for node in program.nodes.iter_mut().filter(|node| node.call.op.name == MATMUL.name) {
        node.call.op = op;
    }
    program
}

/// On drivers that end loops and on others, a sum of many terms is correct, or refused with a message.
#[test]
fn long_sums_are_right_or_refused() {
    let context = open();
    context.prove_first(Some(Arc::new(Remembered::default())));
    let call = Call::new(&MATMUL, &[("M", 2), ("N", 2), ("K", 70_001)]);
    let verdict = pollster::block_on(crate::prove::prove(&context, &call, &naive(), 1)).expect("runs");
    let checked = pollster::block_on(super::rounds::prove_long(&context, &call, &naive(), "naive"));
    let right = verdict.is_ok();
    match (verdict, checked) {
        (Ok(_), Ok(false)) => {}
        (Err(_), Err(Error::Untrusted { kernel, message, .. })) => {
            assert_eq!(kernel, "matmul/naive");
            assert!(message.contains("70001 terms") && message.contains("--backports"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    // Short sums are not affected.
    let short = Call::new(&MATMUL, &[("M", 2), ("N", 2), ("K", 700)]);
    assert!(!super::rounds::is_long(&short).expect("composes"));
    let model = Model::new("long", [1, 1, 70_001]).add(Flatten::new()).add(Dense::new(2));
    let program =
        model.program(&Preprocessing::default(), Mode::Evaluate, 2, 1, &Optimizer::default()).expect("fits");
    match pollster::block_on(super::check(&context, &program, &Choices::default())) {
        Ok(_) => {}
        Err(Error::Untrusted { message, .. }) if !right => {
            assert!(message.contains("ends loops"), "{message}")
        }
        Err(error) => panic!("{error}"),
    }
}

fn naive() -> Variant {
    MATMUL.variant("naive").expect("there").clone()
}

/// A variant with another text and name, preferred on all adapters.
fn wrong(name: &str, source: &str) -> Variant {
    let mut wrong = naive().with_text(source).named(name);
    wrong.default_for = EVERYWHERE;
    wrong
}

/// Compiles on a context that proves first. Returns the notes, the number of proofs, and the plan's variants.
fn compile(
    proofs: &Arc<impl Proofs + 'static>,
    program: Program,
    choices: &Choices,
) -> (Vec<String>, usize, crate::Result<Vec<String>>) {
    let context = open();
    context.prove_first(Some(proofs.clone()));
    let reported = Arc::new(Mutex::new((Vec::new(), 0)));
    let hears = reported.clone();
    context.hear(move |what| match what {
        Preparing::Note(note) => hears.lock().expect("not poisoned").0.push(note.to_string()),
        Preparing::Proving { .. } => hears.lock().expect("not poisoned").1 += 1,
        _ => {}
    });
    let parameters = model().parameters().expect("fits");
    let arenas = Arenas::new(&context, &parameters, 1).expect("fits");
    let plan = pollster::block_on(Plan::compile(&context, program, &arenas, choices));
    let (notes, proven) = reported.lock().expect("not poisoned").clone();
    (notes, proven, plan.map(|plan| plan.variants()))
}

#[test]
fn a_device_that_is_right_is_proven_once() {
    let proofs = Arc::new(Remembered::default());
    let (notes, proven, plan) = compile(&proofs, program(None), &Choices::default());
    assert!(notes.is_empty() && proven >= 3, "{proven} proven, {notes:?}");
    let first = plan.expect("right");
    let (notes, proven, plan) = compile(&proofs, program(None), &Choices::default());
    assert!(notes.is_empty() && proven == 0, "{proven} proven again, {notes:?}");
    assert_eq!(plan.expect("right"), first);
}

#[test]
fn a_wrong_variant_gives_way_to_a_right_one_and_is_reported() {
    let proofs = Arc::new(Remembered::default());
    for _ in 0..2 {
        let given = vec![wrong("scaled", SCALED), wrong("nothing", NOTHING), naive()];
        let (notes, proven, plan) = compile(&proofs, program(Some(given)), &Choices::default());
        assert!(plan.expect("naive is right").contains(&"matmul/naive".to_string()));
        let reported = notes.join("\n");
        assert!(
            reported.contains("computes wrongly: matmul/scaled") && reported.contains("expected"),
            "{reported}"
        );
        assert!(reported.contains("matmul/nothing") && reported.contains("NaN"), "{reported}");
        assert!(reported.contains("; matmul/naive") && reported.contains(" runs instead"), "{reported}");
        assert!(proven > 3, "{proven}");
        // Correct kernels of a faulty device are not stored either.
        assert!(proofs.is_empty(), "nothing is kept");
    }
}

#[test]
fn a_device_without_a_right_variant_is_refused_in_words() {
    let proofs = Arc::new(Remembered::default());
    let given = vec![wrong("nothing", NOTHING), wrong("naive", NOTHING)];
    let (_, _, plan) = compile(&proofs, program(Some(given)), &Choices::default());
    let error = plan.expect_err("nothing is right");
    assert!(matches!(error, Error::Untrusted { .. }), "{error}");
    let (words, adapter) = (error.to_string(), open().describe());
    assert!(words.contains("matmul/naive") && words.contains(&adapter), "{words}");
    assert!(words.contains("NaN") && words.contains("`.adapter`"), "{words}");
    assert!(proofs.is_empty(), "nothing is kept");
}

#[test]
fn a_wrong_variant_that_was_chosen_by_hand_is_refused() {
    let proofs = Arc::new(Remembered::default());
    let given = vec![naive(), wrong("nothing", NOTHING)];
    let mut choices = Choices::default();
    choices.by_hand.insert("matmul".to_string(), "nothing".to_string());
    let error = compile(&proofs, program(Some(given)), &choices).2.expect_err("it is wrong").to_string();
    assert!(error.contains("nothing") && error.contains("is wrong at"), "{error}");
}

/// Storage whose contents cannot be read.
#[derive(Debug, Default)]
struct Damaged(Remembered);

impl Proofs for Damaged {
    fn read(&self, _: &Place) -> Result<BTreeSet<String>, String> {
        Err("the list is damaged; it does not count".into())
    }

    fn store(&self, place: &Place, proven: &BTreeSet<String>) -> crate::Result<()> {
        self.0.store(place, proven)
    }
}

#[test]
fn proofs_that_cannot_be_read_are_reported_and_made_anew() {
    let (whole, damaged) = (Arc::new(Remembered::default()), Arc::new(Damaged::default()));
    compile(&whole, program(None), &Choices::default()).2.expect("right");
    let (notes, proven, plan) = compile(&damaged, program(None), &Choices::default());
    plan.expect("right all the same");
    assert!(notes.len() == 1 && notes[0].contains("does not count") && proven >= 3, "{notes:?}");
    let place = Place::of(&open());
    let kept = whole.read(&place).expect("whole");
    assert!(!kept.is_empty());
    assert_eq!(damaged.0.read(&place).expect("whole"), kept, "kept anew");
    // Another digest of the shaders is another environment.
    let other = Place { shaders: "0".repeat(64), ..place };
    assert!(whole.read(&other).expect("nothing").is_empty());
}

#[test]
fn a_verdict_is_of_a_text() {
    // A verdict about another kernel of the same name does not count.
    let call = &program(None).nodes.iter().find(|n| n.call.op.name == "matmul").expect("there").call.clone();
    let [right, other] =
        [naive(), wrong("naive", SCALED)].map(|variant| key(call, &variant).expect("composes"));
    assert_ne!(right, other);
}
