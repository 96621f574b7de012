//! Points of each schedule that can be computed by hand; `tests/library/schedules.rs` compares the schedules with
//! PyTorch and Keras.

use super::*;

fn schedule(decay: Decay) -> Schedule {
    Schedule { decay, warmup_steps: 0 }
}

#[test]
fn warm_up_rises_to_one_and_constant_stays() {
    let schedule = Schedule { decay: Decay::Constant, warmup_steps: 4 };
    let factors: Vec<f64> = (0..6).map(|s| schedule.factor(s, 10, 3)).collect();
    assert_eq!(factors, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
}

#[test]
fn step_drops_after_every_so_many_epochs() {
    let schedule = schedule(Decay::Step { every: 2, factor: 0.5 });
    let factors: Vec<f64> = [0, 19, 20, 39, 40].map(|s| schedule.factor(s, 10, 9)).into();
    assert_eq!(factors, [1.0, 1.0, 0.5, 0.5, 0.25]);
}

#[test]
fn cosine_starts_at_one_passes_the_middle_and_ends_at_its_last_value() {
    let schedule = Schedule { decay: Decay::Cosine { last: 0.1 }, warmup_steps: 10 };
    assert_eq!(schedule.factor(10, 10, 3), 1.0);
    assert!((schedule.factor(20, 10, 3) - 0.55).abs() < 1e-12);
    assert!((schedule.factor(30, 10, 3) - 0.1).abs() < 1e-12);
    assert!((schedule.factor(300, 10, 3) - 0.1).abs() < 1e-12, "it stays there");
}

#[test]
fn a_warm_up_leads_to_where_the_decay_begins() {
    let decay = Decay::OneCycle { rise: 0.3, div: 25.0, final_div: 1e4, momentum: None };
    let schedule = Schedule { decay, warmup_steps: 2 };
    assert!((schedule.factor(0, 10, 3) - 0.02).abs() < 1e-12);
    assert!((schedule.factor(2, 10, 3) - 0.04).abs() < 1e-12);
}

#[test]
fn a_plateau_falls_by_its_factor_down_to_the_least() {
    let schedule =
        schedule(Decay::Plateau { factor: 0.1, patience: 1, min_delta: 0.0, cooldown: 0, min: 0.05 });
    let factors: Vec<f64> = (0..3).map(|drops| schedule.factor_after(drops, 7, 10, 3)).collect();
    assert_eq!(factors, [1.0, 0.1, 0.05]);
}

#[test]
fn a_rise_multiplies_by_the_same_at_each_step() {
    let schedule = schedule(Decay::Rise { last: 1000.0, steps: 4 });
    for (step, expected) in [(0, 1.0), (1, 10.0), (2, 100.0), (3, 1000.0), (9, 1000.0)] {
        let got = schedule.factor(step, 2, 1);
        assert!((got - expected).abs() < 1e-9 * expected, "{step}: {got}");
    }
}

#[test]
fn short_trainings_have_a_factor_for_each_step() {
    for rise in [0.0, 0.3, 1.0] {
        for epochs in [0, 1, 2] {
            let momentum = Some([0.85, 0.95]);
            let schedule = schedule(Decay::OneCycle { rise, div: 25.0, final_div: 1e4, momentum });
            for step in 0..5 {
                assert!(schedule.factor(step, 1, epochs).is_finite());
                assert!(schedule.momentum(step, 1, epochs).is_some_and(|m| (0.85..=0.95).contains(&m)));
            }
        }
    }
}
