//! The end of a training step: the norm of the gradients, the method, the moving average of the weights.

use super::{Adam, Method, Muon, Optimizer, squares::sum_squares};
use crate::{
    kernels::{ADAGRAD, ADAM, CLIP_SCALE, LION, MOVING_AVERAGE, MUON, RMSPROP, SGD},
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
        let mut buffers: Vec<_> = [("parameter", parameter)].into_iter().chain(slots).collect();
        let call = call(optimizer, trained);
        // A buffer that the method does without still has to be there.
        let needed = if call.op.name == RMSPROP.name { &["mean", "momentum"][..] } else { &[] };
        for name in needed {
            if !buffers.iter().any(|(bound, _)| bound == name) {
                buffers.push((name, b.temporary("unused", vec![1])));
            }
        }
        buffers.extend([("grad", grad), ("scale", scale)]);
        if let Method::Muon(muon) = &optimizer.method {
            let factor = muon.directions(
                b,
                (trained, optimizer.global_clipnorm.is_some()),
                [buffers[1].1, grad, scale],
            );
            buffers.push(("factor", factor));
        }
        b.call("update", call, &buffers);
    }
    if optimizer.ema_momentum.is_some() {
        let len = b.program.arena_len();
        let average = b.fixed("averages", vec![len], Home::Averages);
        let parameter = b.fixed("parameters", vec![len], Home::Parameters);
        let call = Call::new(&MOVING_AVERAGE, &[("COUNT", len), ("TRAINED", trained)]);
        b.call("average", call, &[("average", average), ("parameter", parameter)]);
    }
}

/// What clipping multiplies the gradients by.
fn clip_scale(b: &mut Builder, grad: ValueId, count: usize, clip: f64) -> ValueId {
    let (partials, splits) = sum_squares(b, "norm", grad, count);
    let scale = b.temporary("clip scale", vec![1]);
    let call = Call::new(&CLIP_SCALE, &[("SPLITS", splits)]).with("CLIPNORM", clip);
    b.call("norm", call, &[("scale", scale), ("partials", partials)]);
    scale
}

/// The method with its numbers.
fn call(optimizer: &Optimizer, trained: usize) -> Call {
    let new = |op| {
        let sizes = [("COUNT", trained), ("CLIPPED", usize::from(optimizer.global_clipnorm.is_some()))];
        Call::new(op, &sizes).with("WEIGHT_DECAY", optimizer.weight_decay)
    };
    match optimizer.method {
        Method::Sgd { momentum, nesterov } => {
            new(&SGD).with("MOMENTUM", momentum).with("NESTEROV", f64::from(u8::from(nesterov)))
        }
        Method::Adam(Adam { beta_1, beta_2, epsilon }) | Method::AdamW(Adam { beta_1, beta_2, epsilon }) => {
            new(&ADAM).with("GAIN_1", 1.0 - beta_1).with("GAIN_2", 1.0 - beta_2).with("EPSILON", epsilon)
        }
        Method::Muon(Muon { adam: Adam { beta_1, beta_2, epsilon }, .. }) => {
            new(&MUON).with("GAIN_1", 1.0 - beta_1).with("GAIN_2", 1.0 - beta_2).with("EPSILON", epsilon)
        }
        Method::RmsProp { rho, momentum, epsilon, centered } => {
            let heavy = momentum > 0.0;
            let len = |there| if there { trained as f64 } else { 1.0 };
            new(&RMSPROP)
                .with("GAIN", 1.0 - rho)
                .with("MOMENTUM", momentum)
                .with("EPSILON", epsilon)
                .with("CENTERED", f64::from(u8::from(centered)))
                .with("HEAVY", f64::from(u8::from(heavy)))
                .with("MEANS", len(centered))
                .with("MOMENTA", len(heavy))
        }
        Method::Adagrad { epsilon, .. } => new(&ADAGRAD).with("EPSILON", epsilon),
        Method::Lion { beta_1, beta_2 } => {
            new(&LION).with("GAIN_1", 1.0 - beta_1).with("GAIN_2", 1.0 - beta_2)
        }
    }
}
