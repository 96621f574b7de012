//! Every variant of every operation against its CPU twin, on the selected adapter, at odd, prime,
//! tiny and tile-crossing sizes, with wgpu's checks off and on.

use std::collections::{BTreeMap, BTreeSet};
use wgrad::{
    gpu::{AdapterRecord, Context},
    kernels::OPERATIONS,
    op::{
        Activation, AdapterKind, Call, Need, Variant,
        activations::ACTIVATIONS,
        setting::{self, Setting},
        sizes::parse_sizes,
    },
    prove::{Regime, Trial, proofs, regimes, rotation, work},
};

/// Parses a case of the registry into a call.
fn call(op: &'static wgrad::op::Op, case: &str, activation: &'static Activation) -> Call {
    let sizes = parse_sizes(case).unwrap_or_else(|| panic!("{}: bad case {case}", op.name));
    Call { op, sizes: sizes.into_iter().collect(), activation }
}

/// Returns true if the variant needs a feature that this adapter lacks: the only reason for skipping its proof here.
fn lacks_a_feature(context: &Context, variant: &Variant) -> bool {
    variant.needs().iter().any(|need| matches!(need, Need::Feature(f, _) if !context.features.contains(*f)))
}

/// Returns true if the checks of this device are those of OpenGL, and `variant` has workgroup memory. There the zeros of
/// that memory are the only thing that wgpu adds: naga writes them as one constructor with an argument for each element,
/// which Mesa 25 compiles for many minutes.
fn zeroes_by_constructor(context: &Context, op: &wgrad::op::Op, variant: &Variant) -> bool {
    let shader = op.shader(variant, ACTIVATIONS[0]).expect("composes");
    context.checked
        && AdapterRecord::of(context).backend == "gl"
        && shader.workgroup_bytes(&BTreeMap::new()) > 0
}

/// Inputs and activations of a proof.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// Small inputs, and the activations in turn.
    Plainly,
    /// Also inputs of every other regime, each at one of the cases. For an activation operation, all activations and
    /// regimes at the second case: its text is the same in all others.
    InTurns,
    /// All regimes and activations at every case.
    Everywhere,
}

/// Returns true if `WGRAD_TEST_OP`, a list separated by commas, names the operation, or is not set.
fn asked(op: &str) -> bool {
    let Ok(only) = std::env::var("WGRAD_TEST_OP") else { return true };
    for name in only.split(',') {
        assert!(
            OPERATIONS.iter().any(|op| op.name == name),
            "WGRAD_TEST_OP={only}: there is no operation {name}"
        );
    }
    only.split(',').any(|name| name == op)
}

/// The operations that `chosen` accepts and [`asked`] does not exclude.
fn operations(chosen: fn(&str) -> bool) -> Vec<&'static wgrad::op::Op> {
    OPERATIONS.iter().copied().filter(|op| chosen(op.name) && asked(op.name)).collect()
}

/// Asserts that there were at least `least`, unless only some operations were requested.
fn enough(count: usize, least: usize) {
    assert!(count > least || std::env::var("WGRAD_TEST_OP").is_ok(), "only {count}");
}

/// Returns true if no rule makes the variant a default on this adapter, which compiles a kernel for seconds: such an
/// adapter proves it at every second case. GPUs, and the long form, prove it at all.
fn is_for_others(context: &Context, variant: &Variant) -> bool {
    context.traits.kind == AdapterKind::Software
        && variant.name() != "naive"
        && !variant.suits(&context.traits)
}

/// Proves every variant of the operations that `chosen` accepts at up to `most` of the cases that it supports: with
/// small inputs, and as `how` says.
async fn prove_all(context: &Context, chosen: fn(&str) -> bool, most: usize, how: How) -> usize {
    let mut proven = 0;
    /// Workgroups on the last axis; the others fold.
    const FEW: u32 = 3;
    let (mut wrong, mut folded) = (Vec::new(), BTreeSet::new());
    for op in operations(chosen) {
        let activations = if op.activated() { ACTIVATIONS } else { &ACTIVATIONS[..1] };
        let shader = op.shader(op.variant("naive").expect("naive"), activations[0]).expect("composes");
        let regimes = if how == How::Plainly { vec![Regime::Small] } else { regimes(op, &shader) };
        // The outputs of the twin for given inputs are the same for all variants.
        let mut trials: BTreeMap<(String, usize, Regime), Trial> = BTreeMap::new();
        for variant in op.variants().iter().filter(|variant| !zeroes_by_constructor(context, op, variant)) {
            let cases = op.cases_with(variant);
            let takes = |n: &usize| {
                variant.unmet(&call(op, cases[*n], activations[0]).sizes, context.features).is_none()
            };
            let mut taken: Vec<usize> = (0..cases.len()).filter(takes).take(most).collect();
            // The first of several is the smallest, which tests little where a compiler takes seconds.
            if how == How::Plainly && taken.len() == most && context.traits.kind == AdapterKind::Software {
                taken.remove(0);
            }
            if how == How::InTurns && is_for_others(context, variant) {
                let mut place = 0;
                taken.retain(|n| {
                    place += 1;
                    place % 2 == 1 || *n >= op.cases().len()
                });
            }
            let works: Vec<f64> =
                taken.iter().map(|n| work(&call(op, cases[*n], activations[0]), &shader)).collect();
            let mut seen = BTreeSet::new();
            for ((place, n), own) in taken.iter().enumerate().zip(rotation(&works, &regimes, false)) {
                let every = match how {
                    How::Plainly => false,
                    How::InTurns => place == 1 && op.name.starts_with("activation_"),
                    How::Everywhere => true,
                };
                for (a, activation) in activations.iter().enumerate() {
                    if !every && a != (3 * n + variant.name().len()) % activations.len() {
                        continue;
                    }
                    for regime in if every { &regimes } else { &own } {
                        let call = call(op, cases[*n], activation);
                        let trial = trials
                            .entry((cases[*n].to_string(), a, *regime))
                            .or_insert_with(|| Trial::of(*regime, &call, &shader, 1 + *n as u64));
                        let as_it_lies = trial.prove(context, variant).await.expect("runs");
                        let in_layers = trial.prove_folded(context, variant, FEW).await.expect("runs");
                        folded.extend(in_layers.as_ref().map(|_| format!("{}/{}", op.name, variant.name())));
                        for (how, verdict) in [("", Some(as_it_lies)), (", folded", in_layers)] {
                            if let Some(Err(e)) = verdict {
                                let case = cases[*n];
                                wrong.push(format!(
                                    "{}/{} ({activation:?}) at {case} with {regime}{how}: {e}",
                                    op.name,
                                    variant.name()
                                ));
                            }
                        }
                        seen.insert(*regime);
                        proven += 1;
                    }
                }
            }
            let (name, of) = (op.name, variant.name());
            assert!(
                !taken.is_empty() || lacks_a_feature(context, variant),
                "{name}/{of}: no case meets its needs"
            );
            assert!(
                taken.is_empty() || seen.len() == regimes.len(),
                "{name}/{of} saw {seen:?} of {regimes:?}"
            );
        }
    }
    enough(folded.len(), operations(chosen).len() / 2);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    proven
}

fn is_product(op: &str) -> bool {
    op.starts_with("matmul")
}

fn has_windows(op: &str) -> bool {
    op.starts_with("conv2d") || op.starts_with("max_pool2d")
}

// Three tests, so that compilation, which takes most of the time, keeps several cores busy.

#[test]
fn every_product_computes_what_its_twin_says() {
    let context = wgrad_testing::open_alone(false);
    enough(pollster::block_on(prove_all(&context, is_product, usize::MAX, How::InTurns)), 40);
}

#[test]
fn every_convolution_and_pool_computes_what_its_twin_says() {
    let context = wgrad_testing::open_alone(false);
    enough(pollster::block_on(prove_all(&context, has_windows, usize::MAX, How::InTurns)), 40);
}

#[test]
fn every_other_variant_computes_what_its_twin_says() {
    let context = wgrad_testing::open_alone(false);
    let others = |op: &str| !is_product(op) && !has_windows(op);
    enough(pollster::block_on(prove_all(&context, others, usize::MAX, How::InTurns)), 20);
}

#[test]
#[ignore = "takes long: every regime and activation at every case"]
fn every_variant_computes_what_its_twin_says_with_all_inputs() {
    let context = wgrad_testing::open_alone(false);
    enough(pollster::block_on(prove_all(&context, |_| true, usize::MAX, How::Everywhere)), 400);
}

/// Compilation is slow, so two settings of each variant are proven beside its own text: the one in the middle, and the
/// last, which is the largest. They run at the largest supported case; except those [for others](is_for_others), also at
/// the smallest, and with the inputs of every other regime.
async fn prove_settings(chosen: fn(&str) -> bool) {
    let context = wgrad_testing::open_alone(false);
    let mut offering = 0;
    for op in operations(chosen) {
        let reference = op.shader(op.variant("naive").expect("naive"), ACTIVATIONS[0]).expect("composes");
        for variant in op.variants().iter().filter(|v| !Setting::of(v).0.is_empty()) {
            let takes = |case: &Call, v: &Variant| case.obstacle(&context, v).expect("composes").is_none();
            let cases = op.cases_with(variant);
            let largest = cases
                .iter()
                .map(|case| call(op, case, ACTIVATIONS[0]))
                .filter(|call| takes(call, variant))
                .max_by(|a, b| a.flops().total_cmp(&b.flops()));
            let Some(largest) = largest else {
                let lacks = lacks_a_feature(&context, variant);
                assert!(lacks, "{}/{} takes no case", op.name, variant.name());
                continue;
            };
            let mut settings = setting::all(op, variant, "").expect("offered");
            settings.retain(|setting| takes(&largest, setting));
            let last = settings.len() - 1;
            let most = if is_for_others(&context, variant) { 1 } else { usize::MAX };
            for setting in BTreeSet::from([last / 2, last]).iter().map(|n| &settings[*n]) {
                let page = proofs(&largest, &cases, &reference, true, |case| Ok(takes(case, setting)))
                    .expect("composes");
                let (small, others): (Vec<_>, Vec<_>) =
                    page.into_iter().partition(|(_, _, regime)| *regime == Regime::Small);
                let small = small.into_iter().min_by(|(_, a, _), (_, b, _)| a.flops().total_cmp(&b.flops()));
                assert!(small.is_some(), "{}/{} takes no case", op.name, setting.name());
                for (n, call, regime) in
                    [(0, largest.clone(), Regime::Small)].into_iter().chain(small).chain(others).take(most)
                {
                    let trial = Trial::of(regime, &call, &reference, 1 + n as u64);
                    let verdict = trial.prove(&context, setting).await.expect("runs");
                    assert!(verdict.is_ok(), "{}/{} with {regime}: {verdict:?}", op.name, setting.name());
                }
            }
            offering += 1;
        }
    }
    enough(offering, 0);
}

#[test]
fn settings_of_products_compute_what_their_twins_say() {
    pollster::block_on(prove_settings(is_product));
}

#[test]
fn settings_of_convolutions_compute_what_their_twins_say() {
    pollster::block_on(prove_settings(has_windows));
}

/// The checks change no arithmetic, and compilation takes a software adapter minutes: some sizes of each suffice.
#[test]
fn every_variant_computes_the_same_with_all_checks_on() {
    let context = wgrad_testing::open_alone(true);
    enough(pollster::block_on(prove_all(&context, |_| true, 3, How::Plainly)), 60);
}
