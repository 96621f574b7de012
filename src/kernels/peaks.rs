//! Operations that measure an adapter: arithmetic without memory, and memory without arithmetic.

use crate::op::{
    Op, Variant,
    twin::{EPSILON, Expected, Inputs, Sum},
};

macro_rules! peak {
    ($id:ident $name:literal $about:literal $twin:path { $($variant:literal)+ } cases [$($case:literal),+]) => {
        #[doc = $about]
        pub static $id: Op = Op {
            name: $name,
            about: $about,
            interface: include_str!(concat!("../../shaders/", $name, "/interface.wgsl")),
            activated: false,
            parts: &[],
            variants: &[$(Variant {
                name: $variant,
                source: include_str!(concat!("../../shaders/", $name, "/", $variant, ".wgsl")),
                needs: &[],
                default_for: &[],
                page: Some($name),
            }),+],
            twin: $twin,
            cases: &[$($case),+],
        };
    };
}

peak! { PEAK_FMA "peak_fma" "multiplications and additions, no memory" fma { "naive" }
cases ["COUNT=1,ROUNDS=1", "COUNT=131,ROUNDS=3"] }
peak! { PEAK_COPY "peak_copy" "a copy" copy { "several" "vec4" "naive" }
cases ["COUNT=4", "COUNT=5124"] }

/// The operations that measure an adapter. Training uses none of them.
pub static PEAKS: &[&Op] = &[&PEAK_FMA, &PEAK_COPY];

/// y[i] = Σ of twelve chains of v = 0.7 · v + x[i]
fn fma(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    let steps = 16 * i.size("ROUNDS");
    let y = i.real("x").iter().map(|x| {
        let (mut sum, mut magnitude) = (0.0, 0.0);
        for chain in 0..12 {
            let mut v = f64::from(chain);
            for _ in 0..steps {
                v = f64::from(0.7f32) * v + x;
            }
            sum += v;
            magnitude += v.abs().max(f64::from(chain));
        }
        // A step adds a rounding and keeps seven tenths of those before it.
        Sum::within(sum, 16.0 * EPSILON * magnitude)
    });
    vec![("y", Expected::Real(y.collect()))]
}

/// y = x
fn copy(i: &Inputs<'_>) -> Vec<(&'static str, Expected)> {
    vec![("y", Expected::Real(i.real("x").iter().map(|x| Sum::exact(*x)).collect()))]
}
