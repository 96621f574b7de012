//! Every step of the schedules against PyTorch and Keras; `scripts/make_optimizer_fixtures.py` wrote theirs.

use safetensors::SafeTensors;
use wgrad::schedule::{Decay, Schedule};

const PER_EPOCH: u64 = 20;
const EPOCHS: u64 = 6;

fn agree(name: &str, got: impl Fn(u64) -> f64) {
    let bytes = std::fs::read(wgrad_testing::fixture("schedules.safetensors")).expect("fixture");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let expected: Vec<f64> = bytemuck::pod_collect_to_vec(file.tensor(name).expect("there").data());
    assert_eq!(expected.len() as u64, PER_EPOCH * EPOCHS, "{name}");
    for (step, expected) in expected.iter().enumerate() {
        let got = got(step as u64);
        assert!((got - expected).abs() <= 1e-7, "{name} at step {step}: {got}, expected {expected}");
    }
}

#[test]
fn schedules_move_like_pytorch_and_keras() {
    let momentum = Some([0.85, 0.95]);
    let one_cycle = Decay::OneCycle { rise: 0.3, div: 25.0, final_div: 1e4, momentum };
    for (name, decay) in [
        ("step", Decay::Step { every: 2, factor: 0.1 }),
        ("cosine", Decay::Cosine { last: 0.01 }),
        ("restarts", Decay::Restarts { first: 1, longer: 2.0, lower: 1.0, last: 0.01 }),
        ("restarts_lower", Decay::Restarts { first: 1, longer: 1.5, lower: 0.8, last: 0.1 }),
        ("exponential", Decay::Exponential { every: 1, factor: 0.9 }),
        ("onecycle", one_cycle),
    ] {
        let schedule = Schedule { decay, warmup_steps: 0 };
        schedule.validate().expect("makes sense");
        agree(name, |step| schedule.factor(step, PER_EPOCH, EPOCHS));
    }
    let schedule = Schedule { decay: one_cycle, warmup_steps: 0 };
    agree("onecycle.momentum", |step| schedule.momentum(step, PER_EPOCH, EPOCHS).expect("it moves"));
    assert_eq!(Schedule::default().momentum(3, PER_EPOCH, EPOCHS), None);
}
