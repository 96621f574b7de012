//! A kernel that hangs, in this very process. It stands alone, because what hangs goes on until the process ends and
//! takes the processor from other tests.

use wgrad::{
    kernels::MATMUL,
    op::{sizes, user_file},
};
use wgrad_lab::{measure, request::Request, row::Status};

/// Never ends, and no compiler can tell.
const ENDLESS: &str = include_str!("../../../tests/fixtures/endless.wgsl");

/// In the library there is no other process: the device is left to itself and opened anew.
#[test]
fn the_device_is_opened_anew_after_a_kernel_that_hangs() {
    // Should the hang not be noticed, the test ends all the same.
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
