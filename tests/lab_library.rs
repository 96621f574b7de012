//! The lab as a library: sizes, templates, the timer. Leaves out the command (`lab.rs`).

mod command;
mod common;

use command::wgrad;
use wgrad::{
    gpu::{FeedBuffers, Timer},
    kernels::{LINEAR, MATMUL, OPERATIONS},
    lab::{self, measure, row::Status, sizes},
    op::Call,
    prove::prove,
    user_file,
};

#[test]
fn sizes_follow_where_they_are_not_given() {
    let typical = sizes::typical(wgrad::kernels::op("conv2d_forward").expect("it is")).expect("a call");
    assert_eq!(typical.sizes["N"], 128.0);
    assert_eq!((typical.sizes["H"], typical.sizes["OH"], typical.sizes["CO"]), (13.0, 11.0, 64.0));
    assert_eq!(typical.activation.name, "relu");
    let call = sizes::given(&typical, "N=2,H=9,SH=2").expect("sizes");
    assert_eq!((call.sizes["OH"], call.sizes["OW"], call.sizes["N"]), (4.0, 11.0, 2.0));
    let call = sizes::given(&typical, "H=9,OH=3").expect("sizes");
    assert_eq!(call.sizes["OH"], 3.0, "what is given stays");
}

#[test]
fn the_template_of_every_operation_is_a_right_variant() {
    let context = common::open(false);
    for op in OPERATIONS {
        let text = lab::template(op).unwrap_or_else(|e| panic!("{e}"));
        for line in op.interface.lines() {
            assert!(text.contains(line), "{}: the template does not tell `{line}`", op.name);
        }
        let variant = user_file::variant(op, "template.wgsl", text).unwrap_or_else(|e| panic!("{e}"));
        assert!(variant.needs.is_empty() && !variant.trusted, "{}: {variant:?}", op.name);
        let case = op.cases.get(1).unwrap_or(&op.cases[0]);
        let call = sizes::case(op, case).unwrap_or_else(|e| panic!("{e}"));
        let verdict =
            pollster::block_on(prove(&context, &call, &variant, 1)).unwrap_or_else(|e| panic!("{e}"));
        assert!(verdict.is_ok(), "{}: {verdict:?}", op.name);
    }
    let printed = wgrad(&["lab", "matmul", "--template"]).end().with(0).stdout;
    assert_eq!(printed, lab::template(&MATMUL).expect("a template"));
}

#[test]
fn more_work_takes_more_time() {
    let context = common::open(false);
    let call = Call::new(&MATMUL, &[("M", 64), ("N", 64), ("K", 64)]);
    pollster::block_on(async {
        let kernel = context.kernel(&call, MATMUL.variant("naive").expect("naive")).await.expect("compiles");
        let zeros = |len| context.zeros("zeros", len).expect("fits");
        let (y, x, w, b) = (zeros(4096), zeros(4096), zeros(4096), zeros(64));
        let launch = context.bind(&kernel, &[("y", &y), ("x", &x), ("w", &w), ("b", &b)]).expect("binds");
        let feed = FeedBuffers::new(&context, 1, 4, 1).expect("fits");
        let mut timer = Timer::new(&context);
        timer.validate(&context, &feed, &launch).expect("runs");
        println!("{}, doubt: {:?}", timer.clock, timer.doubt);
        let some = timer.dispatches_for(&context, &feed, &launch, 0.02).expect("runs");
        let mut least = |dispatches: usize| -> f64 {
            let sample = |_| timer.seconds(&context, &feed, &launch, dispatches).expect("runs");
            (0..5).map(sample).fold(f64::INFINITY, f64::min)
        };
        let (once, four) = (least(some), least(4 * some));
        assert!(once > 0.0 && (2.0..8.0).contains(&(four / once)), "{once} s, four times the work: {four} s");
    });
}

#[test]
fn the_library_measures_too() {
    let choice = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
    let options = wgrad::gpu::Options { adapter: choice, checked: false };
    let call = sizes::case(&MATMUL, "M=3,N=5,K=7").expect("sizes").activated(&LINEAR);
    let variants = vec![MATMUL.variant("naive").expect("naive").clone()];
    let request = measure::Request {
        call,
        variants,
        refused: Default::default(),
        seconds: 0.0,
        timeout: 20.0,
        seed: 1,
        cases: None,
    };
    pollster::block_on(async {
        let mut device = measure::Lab::open(options).await.expect("opens");
        let rows = measure::measure(&mut device, &request, None, &mut |_| {}).await.expect("measures");
        assert_eq!((rows.len(), rows[0].status, rows[0].seconds), (1, Status::Ok, None));
    });
}
