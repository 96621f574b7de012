//! Smaller batches of the same shapes, for twins that would take too long: twins are plain loops in f64.

use crate::{
    Result,
    op::{Call, Marks, Variant},
    prove,
};

/// Negligible work of a twin: some tenths of a second.
const LITTLE: f64 = 2e7;

/// Approximate work of a twin of `call`: products and elements.
pub fn work(call: &Call) -> Result<f64> {
    let shader = call.op.shader(call.op.variant("naive")?, call.activation)?;
    Ok(prove::work(call, &shader))
}

/// `call` with as many images as a twin computes in little time, and a few more if a variant needs them; `None`
/// if the whole call is little work, or has no batch to reduce.
pub fn batch(call: &Call, variants: &[Variant], features: wgpu::Features) -> Result<Option<Call>> {
    let work = work(call)?;
    // The interface declares the size that counts the images, or another one that can be reduced at the same shapes.
    let axis = Marks::of(call.op.interface).batch.filter(|_| work > LITTLE);
    let Some((axis, whole)) = axis.and_then(|axis| call.sizes.get(&axis).map(|whole| (axis, *whole))) else {
        return Ok(None);
    };
    let least = (whole * LITTLE / work).floor().max(1.0) as usize;
    for images in least..whole as usize {
        let small = with(call, &axis, images as f64);
        if variants.iter().all(|variant| variant.unmet(&small.sizes, features).is_none()) {
            return Ok(Some(small));
        }
    }
    Ok(None)
}

/// `call` with another number of images; splits of the batch are adjusted.
fn with(call: &Call, axis: &str, images: f64) -> Call {
    let mut small = call.clone().with(axis, images);
    let covered = Marks::of(call.op.interface).splits.and_then(|all| all.value(&small.sizes));
    if let (Some(splits), Some(covered)) = (call.sizes.get("SPLITS").copied(), covered) {
        let per = (covered as f64 / splits).ceil();
        small = small.with("PER", per).with("SPLITS", (covered as f64 / per).ceil());
    }
    small
}

#[cfg(test)]
mod tests {
    use super::{LITTLE, batch, work};
    use crate::{
        kernels::{BATCH_NORM_PARTIALS, CONV2D_GRAD_WEIGHT, MATMUL, MATMUL_GRAD_WEIGHT, SGD},
        op::{Call, user_file},
    };

    #[test]
    fn a_batch_is_smaller_and_every_variant_takes_it() {
        let all_features = wgpu::Features::all();
        // The second convolution of `cnn`.
        let conv = [("N", 128), ("H", 13), ("W", 13), ("CI", 32), ("OH", 11), ("OW", 11), ("CO", 64)];
        let window =
            [("KH", 3), ("KW", 3), ("SH", 1), ("SW", 1), ("PT", 0), ("PL", 0), ("SPLITS", 16), ("PER", 8)];
        let conv = Call::new(&CONV2D_GRAD_WEIGHT, &[&conv[..], &window].concat());
        let small =
            batch(&conv, CONV2D_GRAD_WEIGHT.variants(), all_features).expect("composes").expect("smaller");
        assert!(work(&small).expect("composes") < 1.5 * LITTLE, "{small:?}");
        let [n, splits, per] = ["N", "SPLITS", "PER"].map(|name| small.sizes[name]);
        assert!(n < conv.sizes["N"] && (splits - 1.0) * per < n && n <= splits * per, "{small:?}");
        assert_eq!(small.sizes["CO"], conv.sizes["CO"]);
        // The splits of a normalization cover pixels, not images.
        let all = [("ROWS", 128), ("SPATIAL", 26 * 26), ("C", 512), ("SPLITS", 16), ("PER", 5408)];
        let norm = Call::new(&BATCH_NORM_PARTIALS, &all);
        let small =
            batch(&norm, BATCH_NORM_PARTIALS.variants(), all_features).expect("composes").expect("smaller");
        let [rows, splits, per] = ["ROWS", "SPLITS", "PER"].map(|name| small.sizes[name]);
        assert!(
            rows < 128.0 && (splits - 1.0) * per < rows * 676.0 && rows * 676.0 <= splits * per,
            "{small:?}"
        );

        // A variant may need 64 rows; `tiled_8x8` of the gradient needs a multiple of 16.
        let wide = Call::new(&MATMUL, &[("M", 128), ("N", 1024), ("K", 1024)]);
        let tall = "// needs M >= 64\n@compute @workgroup_size(1) fn tall() { y[0] = x[0]; }";
        let tall = [user_file::variant(&MATMUL, "tall", tall.into()).expect("composes")];
        let small = batch(&wide, &tall, all_features).expect("composes").expect("smaller");
        assert_eq!(small.sizes["M"], 64.0);
        let wide = Call::new(&MATMUL_GRAD_WEIGHT, &[("M", 128), ("N", 1024), ("K", 1024)]);
        let small =
            batch(&wide, MATMUL_GRAD_WEIGHT.variants(), all_features).expect("composes").expect("smaller");
        assert_eq!(small.sizes["M"], 32.0);

        let narrow = Call::new(&MATMUL, &[("M", 128), ("N", 10), ("K", 128)]);
        assert!(batch(&narrow, MATMUL.variants(), all_features).expect("composes").is_none());
        let many = Call::new(&SGD, &[("COUNT", 30_000_000)]);
        let small = batch(&many, SGD.variants(), all_features).expect("composes").expect("smaller");
        assert!(small.sizes["COUNT"] < 10_000_000.0);
    }
}
