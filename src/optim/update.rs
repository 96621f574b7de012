//! The end of a training step: the norm of the gradients, the method, the moving average of the weights.

use super::{Optimizer, rules::Update, squares::sum_squares};
use crate::{
    kernels::{CLIP_SCALE, MOVING_AVERAGE},
    op::Call,
    program::{Builder, Home, ValueId, trained_len},
};

/// Appends the update of the parameters.
pub(crate) fn update(b: &mut Builder, optimizer: &Optimizer) {
    let trained = trained_len(&b.program.parameters);
    if trained > 0 {
        let parameter = b.fixed("parameters", vec![trained], Home::Parameters);
        let grad = b.fixed("gradients", vec![trained], Home::Gradients);
        let scale = match optimizer.global_clipnorm {
            Some(clip) => clip_scale(b, grad, trained, clip),
            None => b.fixed("zeros", vec![1], Home::Zeros),
        };
        let slots = optimizer.slots();
        let slots = slots.iter().enumerate().map(|(n, slot)| {
            let value = b.fixed(&format!("optimizer.{}", slot.name), vec![trained], Home::Slot(n));
            (slot.name, value)
        });
        let kept: Vec<_> = [("parameter", parameter)].into_iter().chain(slots).collect();
        let mut update = Update {
            b: &mut *b,
            count: trained,
            clipped: optimizer.global_clipnorm.is_some(),
            weight_decay: optimizer.weight_decay,
            grad,
            scale,
            kept,
            others: Vec::new(),
        };
        let call = optimizer.method.rules().update(&mut update);
        let Update { mut kept, others, .. } = update;
        kept.extend([("grad", grad), ("scale", scale)].into_iter().chain(others));
        b.call("update", call, &kept);
    }
    if optimizer.ema_momentum.is_some() {
        let len = b.program.arena_len();
        let average = b.fixed("averages", vec![len], Home::Averages);
        let parameter = b.fixed("parameters", vec![len], Home::Parameters);
        let call = Call::new(&MOVING_AVERAGE, &[("COUNT", len), ("TRAINED", trained)]);
        b.call("average", call, &[("average", average), ("parameter", parameter)]);
    }
}

/// Appends the factor with which clipping multiplies the gradients.
fn clip_scale(b: &mut Builder, grad: ValueId, count: usize, clip: f64) -> ValueId {
    let (partials, splits) = sum_squares(b, "norm", grad, count);
    let scale = b.temporary("clip scale", vec![1]);
    let call = Call::new(&CLIP_SCALE, &[("SPLITS", splits)]).with("CLIPNORM", clip);
    b.call("norm", call, &[("scale", scale), ("partials", partials)]);
    scale
}
