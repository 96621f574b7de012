//! Teams: ranks on threads of this process train as one trainer does.

use std::{
    ops::ControlFlow::{self, Break, Continue},
    sync::Arc,
    thread,
};
use wgrad::{
    Error, Result,
    augment::Augment,
    checkpoint::{Checkpoint, Position},
    data::Dataset,
    layers::{
        BatchNormalization, Conv2D, Dense, Dropout, Flatten, GaussianNoise, MultiHeadAttention,
        RandomContrast, RandomRotation, Reshape, SpatialDropout2D,
    },
    loss::Loss,
    metrics::StepResult,
    model::Model,
    networks::network,
    objective::Objective,
    optim::{Adam, Method, Optimizer, Sgd},
    team::{Team, TeamOptions, Wire, threads},
    train::{Ended, Epoch, Events, Options, Progress, Trainer},
};
use wgrad_data::synthetic::synthetic;

/// 65 training images: in batches of 16, the last one has a single image.
fn data() -> Dataset {
    synthetic(5, 65, 21)
}

fn mlp() -> Model {
    network("mlp", [28, 28, 1], 10).expect("built in")
}

fn normalized() -> Model {
    Model::new("normalized", [28, 28, 1])
        .add(Conv2D::new(4, 3).strides(3))
        .add(BatchNormalization::new())
        .add(Flatten::new())
        .add(Dense::new(10))
        .add(BatchNormalization { momentum: 0.9, scale: false, ..BatchNormalization::new() })
}

fn options(optimizer: Optimizer) -> Options {
    Options { batch: 16, epochs: 20, seed: 4, optimizer, ..Options::default() }
}

fn sgd() -> Optimizer {
    Optimizer::new(Method::Sgd(Sgd { momentum: 0.9, ..Sgd::default() }))
}

fn adam() -> Optimizer {
    let optimizer = Optimizer::new(Method::Adam(Adam::default()));
    Optimizer { global_clipnorm: Some(1.0), ema_momentum: Some(0.9), ..optimizer }
}

/// Buckets of 4 KiB: the networks here have several.
const SYNC: TeamOptions = TeamOptions { wire: Wire::F32, sync_batch_norm: true, bucket: 4 << 10 };

/// Notes of a training: the loss of each step, the epochs, and the end.
#[derive(Default)]
struct Notes {
    losses: Vec<f64>,
    epochs: Vec<Epoch>,
    /// Ends after this step of the first epoch.
    pause: Option<u64>,
    /// Changes the rate after the first epoch.
    rate: Option<f64>,
}

impl Events for Notes {
    type Error = Error;

    fn on_train_batch_end(&mut self, position: &Position, result: &StepResult) -> ControlFlow<()> {
        self.losses.push(result.loss());
        if self.pause == Some(position.step) && position.epoch == 0 { Break(()) } else { Continue(()) }
    }

    async fn on_epoch_end(&mut self, trainer: &mut Trainer, epoch: &Epoch) -> Result<ControlFlow<()>> {
        if let Some(rate) = self.rate.take() {
            trainer.set_learning_rate(rate)?;
        }
        self.epochs.push(epoch.clone());
        Ok(Continue(()))
    }
}

/// Runs `each` on every rank of a team of threads, each with a device of its own.
fn on<T: Send>(ranks: usize, options: TeamOptions, each: impl Fn(Team) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let teams = threads(ranks).into_iter().map(|rank| Team::new(Arc::new(rank), options));
        let handles: Vec<_> = teams.map(|team| scope.spawn(|| each(team))).collect();
        handles.into_iter().map(|handle| handle.join().expect("no rank panics")).collect()
    })
}

fn trainer(model: &Model, data: &Dataset, options: &Options, team: Option<Team>) -> Result<Trainer> {
    let context = wgrad_testing::open_alone(false);
    let (data, options) = (data.clone(), options.clone());
    pollster::block_on(async {
        match team {
            Some(team) => Trainer::in_team(&context, model, data, options, team).await,
            None => Trainer::new(&context, model, data, options).await,
        }
    })
}

/// Trains all epochs; returns the notes and the final state.
fn trained(model: &Model, data: &Dataset, options: &Options, team: Option<Team>) -> (Notes, Checkpoint) {
    let mut trainer = trainer(model, data, options, team).expect("compiles");
    let mut notes = Notes::default();
    let ended = pollster::block_on(trainer.fit(&mut notes)).expect("trains");
    assert!(matches!(ended, Ended::Whole(_)));
    (notes, pollster::block_on(trainer.checkpoint()).expect("reads"))
}

fn near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * b.abs().max(1e-3)
}

/// 100 steps of 1 to 3 ranks have the losses of one trainer to `tolerance`, and the same bits on all ranks.
fn as_one(model: &Model, optimizer: Optimizer, team: TeamOptions, tolerance: f64) {
    let (data, options) = (data(), options(optimizer));
    let (alone, state) = trained(model, &data, &options, None);
    assert_eq!(alone.losses.len(), 100);
    for ranks in 1..=3 {
        let found = on(ranks, team, |team| trained(model, &data, &options, Some(team)));
        for (notes, own) in &found {
            for (n, (got, expected)) in notes.losses.iter().zip(&alone.losses).enumerate() {
                assert!(
                    near(*got, *expected, tolerance),
                    "{ranks} ranks, step {n}: {got} instead of {expected}"
                );
            }
            assert_eq!(notes.losses.len(), 100);
            assert!(own.weights.iter().zip(&found[0].1.weights).all(|(a, b)| a.to_bits() == b.to_bits()));
            assert_eq!(own.position, found[0].1.position);
            for (got, expected) in notes.epochs.iter().zip(&alone.epochs) {
                assert_eq!(got.test.metrics.images, expected.test.metrics.images);
                assert!(near(got.test.metrics.loss, expected.test.metrics.loss, 50.0 * tolerance));
            }
        }
        let far =
            found[0].1.weights.iter().zip(&state.weights).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-3, "{ranks} ranks: weights differ by {far}");
    }
}

#[test]
fn ranks_with_sgd_train_as_one() {
    as_one(&mlp(), sgd(), TeamOptions::default(), 1e-5);
}

#[test]
fn ranks_with_adam_clipping_and_averages_train_as_one() {
    as_one(&mlp(), adam(), TeamOptions::default(), 1e-5);
}

#[test]
fn synchronised_batch_normalization_is_that_of_the_whole_batch() {
    as_one(&normalized(), sgd(), SYNC, 1e-5);
}

#[test]
fn what_an_image_draws_does_not_depend_on_its_rank() {
    let model = Model::new("drawn", [28, 28, 1])
        .add(RandomRotation::new(0.1))
        .add(RandomContrast::new(0.3))
        .add(Conv2D::new(4, 3).strides(3))
        .add(SpatialDropout2D::new(0.3))
        .add(GaussianNoise::new(0.1))
        .add(Reshape { name: Some("tokens".into()), ..Reshape::new(&[81, 4]) })
        .add_from(MultiHeadAttention { dropout: 0.3, ..MultiHeadAttention::new(2, 2) }, &["tokens", "tokens"])
        .add(Flatten::new())
        .add(Dropout::new(0.5))
        .add(Dense::new(10));
    let augment = Augment { flip: 0.5, shift: 2, rotate: 0.1, erase: 0.5, ..Augment::default() };
    let objective = Objective { augment, ..Objective::default() };
    let (data, options) = (data(), Options { epochs: 2, objective, ..options(sgd()) });
    let (alone, _) = trained(&model, &data, &options, None);
    for ranks in [2, 3] {
        for (notes, _) in
            on(ranks, TeamOptions::default(), |team| trained(&model, &data, &options, Some(team)))
        {
            for (n, (got, expected)) in notes.losses.iter().zip(&alone.losses).enumerate() {
                assert!(near(*got, *expected, 1e-5), "{ranks} ranks, step {n}: {got} instead of {expected}");
            }
        }
    }
}

#[test]
fn without_synchronisation_each_rank_normalizes_its_own_images() {
    let (data, options) = (data(), Options { epochs: 1, ..options(sgd()) });
    let (alone, _) = trained(&normalized(), &data, &options, None);
    let found = on(2, TeamOptions::default(), |team| trained(&normalized(), &data, &options, Some(team)));
    let [(first, a), (second, b)] = &found[..] else { panic!("two ranks") };
    assert!(!near(first.losses[0], alone.losses[0], 1e-4), "the statistics are those of half of the batch");
    assert_eq!(first.losses, second.losses);
    // The moving averages are the means of the ranks'.
    assert!(a.weights.iter().zip(&b.weights).all(|(a, b)| a.to_bits() == b.to_bits()));
}

#[test]
fn the_same_ranks_have_the_same_bits_and_resume_to_them() {
    let (data, options) = (data(), Options { epochs: 2, ..options(adam()) });
    let whole = on(2, TeamOptions::default(), |team| trained(&mlp(), &data, &options, Some(team)).1);
    // The second time in one bucket a layer, which does not change a bit.
    let buckets = TeamOptions { bucket: 1, ..TeamOptions::default() };
    let again = on(2, buckets, |team| trained(&mlp(), &data, &options, Some(team)).1);
    assert_eq!(whole, again);
    // One rank ends the training; the other ends with it, and both continue from the state of rank 0.
    let parts = on(2, TeamOptions::default(), |team| {
        let rank = team.rank();
        let mut before = trainer(&mlp(), &data, &options, Some(team)).expect("compiles");
        let mut notes = Notes { pause: (rank == 1).then_some(2), ..Notes::default() };
        let ended = pollster::block_on(before.fit(&mut notes)).expect("trains");
        assert_eq!((ended, before.position().epoch), (Ended::Broken, 0));
        let steps = before.position().step;
        assert!((2..5).contains(&steps), "ended after step {steps}");
        pollster::block_on(before.checkpoint()).expect("reads")
    });
    assert_eq!(parts[0], parts[1]);
    let resumed = on(2, TeamOptions::default(), |team| {
        let rank = team.rank();
        let mut trainer = trainer(&mlp(), &data, &options, Some(team)).expect("compiles");
        if rank == 0 {
            trainer.restore(&parts[0]);
        }
        pollster::block_on(trainer.fit(&mut ())).expect("trains");
        pollster::block_on(trainer.checkpoint()).expect("reads")
    });
    assert_eq!(resumed, whole);
    // Another number of ranks continues too.
    let more = on(3, TeamOptions::default(), |team| {
        let mut trainer = trainer(&mlp(), &data, &options, Some(team)).expect("compiles");
        trainer.restore(&parts[0]);
        pollster::block_on(trainer.fit(&mut ())).expect("trains");
        pollster::block_on(trainer.checkpoint()).expect("reads")
    });
    assert!(more[0] == more[2] && more[0] != whole[0]);
    assert!(more[0].weights.iter().zip(&whole[0].weights).all(|(a, b)| (a - b).abs() < 1e-3));
}

#[test]
fn a_rate_that_the_first_rank_changes_is_that_of_all() {
    let (data, options) = (data(), Options { epochs: 2, ..options(sgd()) });
    let found = on(2, TeamOptions::default(), |team| {
        let mut notes = Notes { rate: (team.rank() == 0).then_some(0.0), ..Notes::default() };
        let mut trainer = trainer(&mlp(), &data, &options, Some(team)).expect("compiles");
        pollster::block_on(trainer.fit(&mut notes)).expect("trains");
        let rates: Vec<f64> = notes.epochs.iter().map(|epoch| epoch.learning_rate).collect();
        (rates, pollster::block_on(trainer.checkpoint()).expect("reads").weights)
    });
    assert_eq!(found[0], found[1]);
    assert_eq!(found[1].0, [0.05, 0.0]);
}

#[test]
fn an_evaluation_is_that_of_all_images_on_every_rank() {
    let numbers = |n: usize| (0..n * 3).map(|i| ((i * 7 % 11) as f32) / 5.0 - 1.0).collect::<Vec<_>>();
    let targets = |n: usize| numbers(n).chunks_exact(3).map(|x| x[0] - 2.0 * x[2]).collect::<Vec<_>>();
    let (train, test) = ((numbers(37), targets(37)), (numbers(23), targets(23)));
    let data = Dataset::from_arrays("numbers", [1, 1, 3], &[], train, test).expect("numbers");
    let mut model = Model::new("line", [1, 1, 3]).add(Flatten::new()).add(Dense::new(1));
    model.loss = Some(Loss::MeanSquaredError);
    let options = Options { batch: 8, epochs: 1, ..options(sgd()) };
    let judged = |team: Option<Team>| {
        let mut trainer = trainer(&model, &data, &options, team).expect("compiles");
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let images = seen.clone();
        trainer.see(Some(Box::new(move |batch| {
            images.lock().expect("no panic").extend_from_slice(&batch.outputs)
        })));
        let all = |_| Continue(());
        let judged =
            pollster::block_on(trainer.evaluate_while(&data.test, all)).expect("runs").expect("whole");
        let seen = seen.lock().expect("no panic").clone();
        (judged, seen)
    };
    let (alone, outputs) = judged(None);
    assert_eq!(outputs.len(), 23);
    for ranks in [2, 3] {
        for (found, seen) in on(ranks, TeamOptions::default(), |team| judged(Some(team))) {
            assert_eq!(seen, outputs, "the outputs of all ranks, in the order of the images");
            let (got, expected) = (found.regression.expect("numbers"), alone.regression.expect("numbers"));
            assert!(near(got.mean_absolute_error, expected.mean_absolute_error, 1e-9));
            assert!(near(found.metrics.loss, alone.metrics.loss, 1e-6));
        }
    }
}

#[test]
fn half_precision_on_the_way_learns_almost_the_same() {
    let (data, options) = (data(), Options { epochs: 2, ..options(sgd()) });
    let (alone, _) = trained(&mlp(), &data, &options, None);
    let half = TeamOptions { wire: Wire::F16, ..TeamOptions::default() };
    let found = on(2, half, |team| trained(&mlp(), &data, &options, Some(team)).0.losses);
    assert_eq!(found[0], found[1]);
    assert!(found[0].iter().zip(&alone.losses).all(|(a, b)| near(*a, *b, 1e-2)));
    assert_ne!(found[0], alone.losses);
}

#[test]
fn ranks_that_differ_are_refused_before_the_first_step() {
    let refused = |each: &(dyn Fn(usize) -> (Dataset, Options, Model) + Sync), expected: &str| {
        let messages = on(2, TeamOptions::default(), |team| {
            let (data, options, model) = each(team.rank());
            trainer(&model, &data, &options, Some(team)).err().map(|e| e.to_string()).unwrap_or_default()
        });
        for message in messages {
            assert!(message.contains("rank 1 has") && message.contains(expected), "{message}");
        }
    };
    refused(&|rank| (synthetic(5 + rank as u64, 65, 21), options(sgd()), mlp()), "data");
    refused(&|rank| (data(), Options { seed: rank as u64, ..options(sgd()) }, mlp()), "seed");
    refused(&|rank| (data(), options(sgd()), if rank == 0 { mlp() } else { normalized() }), "network");
}

#[test]
fn a_rank_that_fails_ends_the_others() {
    let (data, options) = (data(), options(sgd()));
    let ended = on(3, TeamOptions::default(), |team| {
        let rank = team.rank();
        let mut trainer = trainer(&mlp(), &data, &options, Some(team)).expect("compiles");
        let steps = pollster::block_on(trainer.advance(3, |_, _| Continue(()))).expect("trains");
        assert_eq!(steps, Progress::Paused);
        if rank == 1 {
            return true;
        }
        let failed = pollster::block_on(trainer.advance(100, |_, _| Continue(())));
        matches!(failed, Err(Error::Team { .. }))
    });
    assert_eq!(ended, [true; 3]);
}
