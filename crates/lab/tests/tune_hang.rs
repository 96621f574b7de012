//! Tests the tuner with a variant that hangs. It is a separate program, because a hanging kernel runs until the process
//! ends and takes the processor from other tests.

use wgrad::{
    gpu::Context,
    kernels::MATMUL,
    op::{Call, user_file},
};
use wgrad_lab::{
    measure::Lab,
    tune::{self, Quick, Settings, State, Use},
};

/// A kernel that never ends, which no compiler can detect.
const ENDLESS: &str = include_str!("../../../tests/fixtures/endless.wgsl");

#[test]
fn a_variant_that_hangs_costs_itself_and_the_others_are_tuned() {
    // The test ends even if the hang is not detected.
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_secs(180));
        eprintln!("the kernel that hangs was not given up within three minutes");
        std::process::exit(101);
    });
    let adapter = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
    let options = wgrad::gpu::Options { adapter, ..Default::default() };
    let mut lab = Lab::with(wgrad_testing::open_alone(false), options.clone());
    let endless = user_file::variant(&MATMUL, "endless.wgsl", ENDLESS.into()).expect("composes");
    let naive = MATMUL.variant("naive").expect("naive").clone();
    let candidates = |_: &Context, _: &Call| vec![endless.clone(), naive.clone()];
    let settings =
        Settings { seconds: 600.0, timeout: Some(3.0), candidates: &candidates, ..Settings::default() };
    let uses = [3, 4].map(|m| Use { call: Call::new(&MATMUL, &[("M", m), ("N", 5), ("K", 7)]), per_step: 1 });
    let outcomes = pollster::block_on(tune::tune(&mut lab, &uses, &settings, &mut |_| {})).expect("tunes");
    assert_eq!(outcomes.len(), 2);
    for outcome in &outcomes {
        let State::Decided(decision) = &outcome.state else { panic!("{outcome:?}") };
        assert_eq!((decision.chosen.as_str(), decision.wrong.len()), ("naive", 1), "{decision:?}");
        assert!(decision.wrong[0].1.contains("did not end well"), "{decision:?}");
    }
    lab.context.check().expect("the device that is open now works");

    // A short tuning ends as well, and the training gets no device on which a kernel hangs.
    fn first(_: &Context, call: &Call) -> Vec<wgrad::op::Variant> {
        let endless = user_file::variant(&MATMUL, "endless.wgsl", ENDLESS.into()).expect("composes");
        vec![call.op.variant("naive").expect("naive").clone(), endless]
    }
    let quick = Quick { seconds: 3.0, candidates: first, ..Quick::default() };
    let context = wgrad_testing::open_alone(false);
    let found = pollster::block_on(tune::first(context, options, &uses, quick)).expect("ends");
    assert!(found.context.is_none(), "a kernel hangs on it");
    assert_eq!(found.outcomes.len(), 2);
    assert!(found.outcomes.iter().all(|o| o.chosen().is_none_or(|chosen| !chosen.contains("endless"))));
}
