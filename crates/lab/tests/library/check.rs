//! Tests `check` on this adapter: it passes if nothing is wrong, and names the error otherwise. Wrong kernels, a buffer
//! shared too early, an output left out and a NaN must each make it fail.

use std::sync::Arc;
use wgrad::{
    feed::{Batch, Step},
    gpu::{Context, FeedBuffers, Kernel},
    layers::{Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Padding},
    loss::Loss,
    model::Model,
    networks::{network, network_for},
    objective::Objective,
    optim::Optimizer,
    plan::{Arenas, Plan},
    preprocessing::Preprocessing,
    program::Mode,
    selection::Choices,
};
use wgrad_data::synthetic::synthetic;
use wgrad_lab::check::{Check, Finding, Options, Shadow, check, gradients, replay};

/// A small network with many kinds of layers.
fn everything() -> Model {
    Model::new("everything", [28, 28, 1])
        .add(Conv2D::new(4, 3).strides(2).padding(Padding::Same).activation("tanh").expect("known"))
        .add(MaxPooling2D { padding: Padding::Same, ..MaxPooling2D::new(3) })
        .add(Dropout::new(0.2))
        .add(Conv2D::new(5, 2).activation("softmax").expect("known"))
        .add(Flatten::new())
        .add(Dense::new(9).activation("sigmoid").expect("known"))
        .add(Activation::new("relu").expect("known"))
        .add(Dense::new(10).activation("tanh").expect("known"))
}

#[test]
fn nothing_differs_where_nothing_is_wrong() {
    let (context, data) = (wgrad_testing::open(false), synthetic(2, 24, 1));
    let built_in = |name| network(name, [28, 28, 1], 10).expect("built in");
    for model in [built_in("linear"), built_in("mlp"), built_in("cnn"), everything()] {
        let options = Options { batch: 5, samples: 6, ..Options::default() };
        let mut seen = 0;
        let report =
            pollster::block_on(check(&context, &model, &data, &options, &mut |_| seen += 1)).expect("runs");
        assert!(report.is_fine(), "{}: {}", model.name, report.first().expect("something"));
        assert_eq!(seen, report.findings.len());
        let partial = |f: &&Finding| f.check == Check::Dispatch && f.rows == 3;
        for mode in [Mode::Train, Mode::Evaluate, Mode::Predict] {
            let program =
                model.program(&Preprocessing::default(), mode, 5, 1, &Optimizer::default()).expect("fits");
            let dispatches = report.findings.iter().filter(partial).filter(|f| f.mode == mode).count();
            assert_eq!(
                dispatches,
                program.nodes.len(),
                "{}, {mode:?}: each in the partial batch",
                model.name
            );
        }
        for kind in [Check::FiniteDifference, Check::OneSubmission, Check::WholeStep, Check::Finite] {
            assert!(report.findings.iter().any(|f| f.check == kind), "{}: no {kind}", model.name);
        }
    }
}

#[test]
fn nothing_differs_with_other_losses_and_changed_images() {
    let context = wgrad_testing::open(false);
    let mut two = synthetic(2, 24, 1);
    two.classes.truncate(2);
    for split in [&mut two.train, &mut two.test] {
        split.labels = split.labels.iter().map(|label| label % 2).collect();
    }
    let augment = "flip,shift=2,rotate=15,zoom=0.2,brightness=0.3,contrast=0.3,erase=0.5,mixup=1";
    let augment = augment.parse().expect("a specification");
    let mut kernels = std::collections::BTreeSet::new();
    for loss in ["softmax_cross_entropy", "binary_cross_entropy", "mse", "mae", "huber=0.5"] {
        let loss: Loss = loss.parse().expect("a loss");
        let model = network_for("mlp", [28, 28, 1], 2, loss).expect("built in");
        let label_smoothing = if loss.is_regression() { 0.0 } else { 0.1 };
        let objective =
            Objective { augment, label_smoothing, class_weight: vec![0.5, 2.0], ..Objective::default() };
        let options = Options { batch: 5, samples: 6, objective, ..Options::default() };
        let report = pollster::block_on(check(&context, &model, &two, &options, &mut |_| ())).expect("runs");
        assert!(report.is_fine(), "{loss}: {}", report.first().expect("something"));
        kernels.extend(report.findings.iter().filter_map(|f| f.kernel.split('/').next().map(str::to_string)));
    }
    for op in ["augment", "softmax_cross_entropy", "binary_cross_entropy", "mean_squared_error", "huber"] {
        assert!(kernels.contains(op), "{op} never ran: {kernels:?}");
    }
}

/// A training plan with its feed, for tests that corrupt it.
struct Setup {
    context: Context,
    arenas: Arenas,
    plan: Plan,
    feed: FeedBuffers,
    batch: Batch,
    step: Step,
}

async fn setup(model: &Model) -> Setup {
    let (context, rows) = (wgrad_testing::open(false), 6);
    let data = synthetic(2, rows, 1);
    let arenas = Arenas::new(&context, &model.parameters().expect("fits"), 1).expect("fits");
    context.write(&arenas.parameters, &model.initial_weights(0).expect("fits"));
    let program =
        model.program(&Preprocessing::default(), Mode::Train, rows, 1, &Optimizer::default()).expect("fits");
    let plan = Plan::compile(&context, program, &arenas, &Choices::default()).await.expect("compiles");
    let feed = FeedBuffers::new(&context, rows, (data.pixels(), 1), 1).expect("fits");
    let labels = data.train.labels.to_vec();
    let batch = Batch { images: data.train.images.memory().to_vec(), labels };
    let step = Step { rows: rows as u32, learning_rate: 0.05, ..Step::default() }.keyed(0, 0);
    feed.upload(&context, &batch, &[step]);
    Setup { context, arenas, plan, feed, batch, step }
}

impl Setup {
    fn reset(&self) {
        let weights = everything().initial_weights(0).expect("fits");
        self.context.write(&self.arenas.parameters, &weights);
        self.context.write(&self.arenas.slots[0].1, &vec![0f32; weights.len()]);
    }

    async fn differing(&self) -> Vec<Finding> {
        let Self { context, plan, feed, batch, step, .. } = self;
        let all = replay(plan, context, feed, 0, (batch, *step), &mut Shadow::default()).await.expect("runs");
        assert_eq!(all.len(), plan.steps.len());
        all.into_iter().filter(|f| f.difference.is_some()).collect()
    }

    /// Binds dispatch `n` of the plan again, to the current locations of its values.
    fn rebind(&mut self, n: usize) {
        let kernel = self.plan.steps[n].launch.kernel().clone();
        self.bind(n, &kernel);
    }

    /// Replaces the kernel of dispatch `n` by `kernel`.
    fn bind(&mut self, n: usize, kernel: &Arc<Kernel>) {
        let step = &self.plan.steps[n];
        let bound: Vec<_> = step.buffers.iter().map(|(name, v)| (*name, &self.plan.slices[v.0])).collect();
        let launch = self.context.bind(kernel, &bound).expect("binds");
        self.plan.steps[n].launch = launch;
    }

    /// Replaces the kernel of dispatch `n` by another text of its naive variant.
    async fn spoil(&mut self, n: usize, from: &str, to: &'static str) {
        let call = &self.plan.program.nodes[n].call;
        let naive = call.op.variant("naive").expect("always there");
        assert!(naive.source().contains(from), "{}: {from}", call.op.name);
        let wrong = naive.with_text(&naive.source().replace(from, to)).named("wrong");
        let kernel = self.context.kernel(call, &wrong).await.expect("compiles");
        self.bind(n, &kernel);
    }
}

#[test]
fn a_wrong_kernel_is_named_and_nothing_else_is() {
    let wrong: [(&str, &str, &'static str); 7] = [
        ("conv2d_forward", "sum + b[co]", "1.001 * sum + b[co]"),
        ("max_pool2d_forward", "value > best", "value >= best"),
        ("conv2d_grad_input", "w[tap]", "w[tap + CO - 1u - 2u * (at - start)]"),
        ("matmul", "w[k * N + column]", "w[(K - 1u - k) * N + column]"),
        ("dropout_grad", "dropped(i)", "dropped(i + 1u)"),
        ("sgd", "if (i >= COUNT)", "if (i >= COUNT - 64u)"),
        ("sum_partials", "s < SPLITS", "s + 1u < SPLITS"),
    ];
    let model = everything();
    for (op, from, to) in wrong {
        pollster::block_on(async {
            let mut setup = setup(&model).await;
            let n = setup.plan.program.nodes.iter().position(|node| node.call.op.name == op).expect("used");
            setup.spoil(n, from, to).await;
            let differing = setup.differing().await;
            assert_eq!(differing.len(), 1, "{op}: {differing:?}");
            let finding = &differing[0];
            assert_eq!((finding.dispatch, finding.kernel.as_str()), (n + 1, format!("{op}/wrong").as_str()));
            assert_eq!(finding.label, setup.plan.steps[n].label);
            let hint = format!("`.variants = {op}=naive`");
            let text = finding.to_string();
            assert!(text.contains(&hint) && text.contains(op) && finding.share > 1.0, "{text}");
            println!("{text}");
        });
    }
}

#[test]
fn an_output_left_out_is_seen() {
    pollster::block_on(async {
        let mut setup = setup(&everything()).await;
        setup.spoil(1, "row >= N * OH * OW", "row + 1u >= N * OH * OW").await;
        // Twice: leftovers of an earlier step in the buffer must not count.
        for _ in 0..2 {
            setup.reset();
            let differing = setup.differing().await;
            let first = differing.first().and_then(|f| f.difference.as_ref()).expect("it differs");
            assert!(first.got.is_nan() && first.buffer == "y", "{first:?}");
        }
    });
}

#[test]
fn a_buffer_that_is_shared_too_early_is_seen() {
    pollster::block_on(async {
        let mut setup = setup(&everything()).await;
        let value = |name: &str| {
            let found = setup.plan.program.values.iter().position(|v| v.name == name);
            found.unwrap_or_else(|| panic!("no value {name}"))
        };
        // The first activation of the network is needed again at the end of the backward pass.
        let (long, short) = (value("conv2d_1"), value("d dense_2 input"));
        let len = setup.plan.slices[short].len;
        setup.plan.slices[short] = setup.plan.slices[long].slice(0, len);
        let touching = |step: &wgrad::plan::Planned| step.buffers.iter().any(|(_, v)| v.0 == short);
        let dispatches: Vec<usize> =
            (0..setup.plan.steps.len()).filter(|n| touching(&setup.plan.steps[*n])).collect();
        for n in dispatches {
            setup.rebind(n);
        }
        let differing = setup.differing().await;
        let what = &differing.first().and_then(|f| f.difference.as_ref()).expect("it differs").what;
        assert!(what.contains("`conv2d_1`") && what.contains("changed since it was written"), "{what}");
    });
}

#[test]
fn numbers_that_are_not_finite_are_seen() {
    pollster::block_on(async {
        let setup = setup(&everything()).await;
        let len = setup.arenas.parameters.len;
        setup.context.write(&setup.arenas.parameters, &vec![f32::NAN; len]);
        let differing = setup.differing().await;
        assert!(!differing.is_empty());
    });
}

#[test]
fn gradients_of_which_no_sample_was_taken_are_not_proven() {
    let model = network("mlp", [28, 28, 1], 10).expect("built in");
    let findings = gradients(&model, &Preprocessing::default(), 0, 0, &Optimizer::default()).expect("fits");
    assert!(!findings.is_empty() && findings.iter().all(|f| f.difference.is_some()));
}

#[test]
fn data_that_do_not_fit_and_an_empty_batch_are_refused() {
    let (context, data) = (wgrad_testing::open(false), synthetic(2, 4, 1));
    let model = network("mlp", [28, 28, 1], 7).expect("built in");
    let run = |model: &Model, batch| {
        let options = Options { batch, ..Options::default() };
        pollster::block_on(check(&context, model, &data, &options, &mut |_| ()))
            .expect_err("refused")
            .to_string()
    };
    assert!(run(&model, 2).contains("7 classes"), "{}", run(&model, 2));
    assert!(run(&everything(), 0).contains("`.batch` is 0"), "{}", run(&everything(), 0));
}
