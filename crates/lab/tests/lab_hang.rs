//! Tests the lab with a kernel that hangs in this process. It is a separate program, because a hanging kernel runs
//! until the process ends and takes the processor from other tests.

use wgrad::{
    kernels::MATMUL,
    op::{sizes, user_file},
};
use wgrad_lab::{measure, request::Request, row::Status};

/// A kernel that never ends, which no compiler can detect.
const ENDLESS: &str = include_str!("../../../tests/fixtures/endless.wgsl");

/// The library starts no other process: it abandons the device and opens another.
#[test]
fn the_device_is_opened_anew_after_a_kernel_that_hangs() {
    // The test ends even if the hang is not detected.
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_secs(180));
        eprintln!("the kernel that hangs was not given up within three minutes");
        std::process::exit(101);
    });
    let choice = std::env::var("WGRAD_TEST_ADAPTER").unwrap_or_default().parse().expect("any text");
    let options = wgrad::gpu::Options { adapter: choice, ..Default::default() };
    let call = sizes::case(&MATMUL, "M=3,N=5,K=7").expect("sizes");
    let endless = user_file::variant(&MATMUL, "endless.wgsl", ENDLESS.into()).expect("composes");
    let naive = MATMUL.variant("naive").expect("naive").clone();
    let variants = vec![endless, naive];
    let request = Request {
        call,
        variants,
        refused: Default::default(),
        seconds: 0.02,
        timeout: 1.0,
        seed: 1,
        cases: None,
    };
    pollster::block_on(async {
        let mut device = measure::Lab::open(options).await.expect("opens");
        let rows = measure::measure(&mut device, &request, None, &mut |_| {}).await.expect("measures");
        assert_eq!((rows[0].status, rows[1].status), (Status::Wrong, Status::Ok), "{rows:?}");
        assert!(rows[0].seconds.is_none() && rows[1].seconds.is_some(), "{rows:?}");
    });
}
