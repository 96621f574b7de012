//! Proves a kernel of your own against the CPU reference of its operation, on this adapter, and shows the proof's
//! message for a wrong one. Run it with `cargo run --release --example own_kernel`.

use wgrad::{
    gpu::{Context, Options},
    kernels::MATMUL,
    op::{Call, activations::RELU, user_file},
    prove::prove,
};

/// Sizes M, N, K and buffers y, x, w, b come from `shaders/matmul/interface.wgsl`.
const ROWS: &str = include_str!("../tests/recipes/rows.wgsl");

fn main() -> wgrad::Result<()> {
    pollster::block_on(async {
        let context = Context::open(&Options::default()).await?;
        println!("adapter: {}", context.describe());
        let call = Call::new(&MATMUL, &[("M", 33), ("N", 17), ("K", 65)]).activated(&RELU);
        let wrong = ROWS.replace("k < K", "k < K - 1u");
        for (name, text) in [("rows", ROWS), ("wrong", wrong.as_str())] {
            // The text is composed with the operation's interface and always runs with wgpu's checks.
            let variant = user_file::variant(&MATMUL, name, text.to_string())?;
            match prove(&context, &call, &variant, 1).await? {
                Ok(error) => {
                    println!("{name}: right, the largest error is {:.0} % of the allowed", 100.0 * error)
                }
                Err(wrong) => println!("{name}: {wrong}"),
            }
        }
        Ok(())
    })
}
