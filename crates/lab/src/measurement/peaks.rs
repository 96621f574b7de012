//! Peak rates of this adapter, measured with every report: multiplications and additions without memory, and a copy of
//! much memory without arithmetic. Together they form the roofline.

use super::repeated::Repeated;
use wgrad::{
    Error, Result,
    gpu::{Clock, Context, FeedBuffers},
    kernels::peaks::{PEAK_COPY, PEAK_FMA},
    op::{AdapterClass, Call, sizes},
    prove::Trial,
};

/// The peaks of an adapter.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Peaks {
    /// Multiplications and additions, 10⁹ per second.
    pub gflops: f64,
    /// Bytes read and written, 10⁹ per second.
    pub gbps: f64,
    /// Clock of the measurement.
    pub clock: Clock,
}

/// Samples of each peak; the fastest counts.
const SAMPLES: usize = 10;

/// Measures both peaks in about `seconds`. Their kernels are proven first, like any other.
///
/// # Errors
/// [`Error::Device`] if the device fails; [`Error::Variant`] if a kernel is wrong on this device.
pub async fn measure(context: &Context, seconds: f64) -> Result<Peaks> {
    let cpu = context.class == AdapterClass::Cpu;
    // Enough threads to fill the device, and enough work to make the cost of a dispatch negligible.
    let (threads, rounds) = if cpu { (1 << 15, 32) } else { (1 << 20, 64) };
    let fma = Call::new(&PEAK_FMA, &[("COUNT", threads), ("ROUNDS", rounds)]);
    // Larger than any cache, within the limits of a binding.
    let limit = context.limits.max_storage_buffer_binding_size.min(context.limits.max_buffer_size) / 4;
    let copy = Call::new(&PEAK_COPY, &[("COUNT", (limit as usize).min(1 << 24) / 1024 * 1024)]);
    let each = seconds / 4.0 / SAMPLES as f64;
    let (flops, clock) = fastest(context, &fma, each).await?;
    let bytes = 8.0 * copy.sizes["COUNT"];
    let (copies, _) = fastest(context, &copy, each).await?;
    Ok(Peaks { gflops: fma.flops() * flops / 1e9, gbps: bytes * copies / 1e9, clock })
}

/// Returns the rate of the fastest variant, dispatches per second.
async fn fastest(context: &Context, call: &Call, seconds: f64) -> Result<(f64, Clock)> {
    let mut best = (0.0f64, Clock::Wall);
    for variant in call.op.variants() {
        for case in call.op.cases() {
            let small = sizes::case(call.op, case)?;
            let shader = call.op.shader(variant, call.activation)?;
            if let Err(wrong) = Trial::new(&small, &shader, 1).prove(context, variant).await? {
                return Err(Error::Variant {
                    op: call.op.name,
                    wanted: variant.name().to_string(),
                    message: format!("is wrong at {case} ({wrong}): no time on this driver can be trusted"),
                    known: call.op.variant_names(),
                });
            }
        }
        let kernel = context.kernel(call, variant).await?;
        let count = call.sizes["COUNT"] as usize;
        let (y, x) = (context.zeros("y", count)?, context.zeros("x", count)?);
        let numbers: Vec<f32> = (0..count).map(|n| 1.0 + (n % 1021) as f32).collect();
        context.write(&x, &numbers);
        let launch = context.bind(&kernel, &[("y", &y), ("x", &x)])?;
        let feed = FeedBuffers::new(context, 1, (4, 1), 1)?;
        let mut repeated = Repeated::new(context, launch, feed, seconds).await?;
        for _ in 0..SAMPLES {
            let rate = repeated.rate(context).await?;
            if rate > best.0 {
                best = (rate, repeated.clock());
            }
        }
    }
    Ok(best)
}
