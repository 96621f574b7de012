//! One step of an optimizer of ONNX's preview training domain.

use super::{Outputs, Refusal, Use, device::Device, device::function, device::not_empty, device::of_two};
use crate::onnx::tensor::Tensor;
use wgrad::{
    feed::Step,
    kernels::{ADAM, SGD},
    op::Call,
};

pub(super) async fn optimizer(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let rate = u.input(0)?.reals()?.first().copied().unwrap_or(0.0);
    let steps = u.input(1)?.wholes()?.first().copied().unwrap_or(0);
    let adam = u.node.op() == "Adam";
    // After rate and step count, the inputs are all parameters, all gradients, and the optimizer's state of each.
    let kept = if adam { 2 } else { 1 };
    let each = (u.inputs.len() - 2) / (2 + kept);
    let mut outputs: Vec<Vec<Tensor>> = vec![Vec::new(); 1 + kept];
    for n in 0..each {
        let of = |group: usize| u.input(2 + group * each + n);
        let found = match adam {
            true => adam_step(device, u, rate, steps, [of(0)?, of(1)?, of(2)?, of(3)?]).await?,
            false => momentum_step(device, u, rate, steps, [of(0)?, of(1)?, of(2)?]).await?,
        };
        for (list, tensor) in outputs.iter_mut().zip(found) {
            list.push(tensor);
        }
    }
    Ok(outputs.concat())
}

/// The gradient with L2 regularization: gradient + norm_coefficient · parameter.
async fn regularized(device: &Device<'_>, u: &Use<'_>, x: &Tensor, g: &Tensor) -> Result<Tensor, Refusal> {
    match u.node.float("norm_coefficient", 0.0) {
        0.0 => Ok(g.clone()),
        factor => {
            let pull = device.unary(function::AFFINE, [factor, 0.0], x).await?;
            device.binary(None, g, &pull).await
        }
    }
}

async fn adam_step(
    device: &Device<'_>,
    u: &Use<'_>,
    rate: f32,
    steps: i64,
    [x, g, m, v]: [&Tensor; 4],
) -> Result<Vec<Tensor>, Refusal> {
    let g = regularized(device, u, x, g).await?;
    let [alpha, beta] =
        [("alpha", 0.9), ("beta", 0.999)].map(|(name, default)| f64::from(u.node.float(name, default)));
    let power = |base: f64| base.powi(steps.clamp(0, 1 << 30) as i32);
    let correction = if steps > 0 { (1.0 - power(beta)).sqrt() / (1.0 - power(alpha)) } else { 1.0 };
    let call = Call::new(&ADAM, &[("COUNT", x.len()), ("CLIPPED", 0)])
        .with("GAIN_1", 1.0 - alpha)
        .with("GAIN_2", 1.0 - beta)
        .with("EPSILON", f64::from(u.node.float("epsilon", 1e-6)))
        .with("WEIGHT_DECAY", 0.0);
    let step = Step { learning_rate: rate, correction: correction as f32, ..Step::default() };
    let given = [("parameter", x.reals()?), ("m", m.reals()?), ("v", v.reals()?), ("grad", g.reals()?)];
    let mut written = device.run_with(call, &given, &[], step).await?;
    let [mut x, m, v] = ["parameter", "m", "v"].map(|name| Tensor::real(&x.shape, written.real(name)));
    let post = u.node.float("norm_coefficient_post", 0.0);
    if post != 0.0 {
        x = device.unary(function::AFFINE, [1.0 - post, 0.0], &x).await?;
    }
    Ok(vec![x, m, v])
}

async fn momentum_step(
    device: &Device<'_>,
    u: &Use<'_>,
    rate: f32,
    steps: i64,
    [x, g, v]: [&Tensor; 3],
) -> Result<Vec<Tensor>, Refusal> {
    let alpha = f64::from(u.node.float("alpha", 0.0));
    let beta = if steps > 0 { u.node.float("beta", 1.0) } else { 1.0 };
    let nesterov = u.node.text("mode", "standard") == "nesterov";
    if beta != 1.0 && nesterov {
        return Err("Nesterov's momentum with a damped gradient".into());
    }
    let mut g = regularized(device, u, x, g).await?;
    if beta != 1.0 {
        g = device.binary(Some(of_two::MUL), &g, &Tensor::real(&[], vec![beta])).await?;
    }
    let call = Call::new(&SGD, &[("COUNT", x.len()), ("NESTEROV", usize::from(nesterov)), ("CLIPPED", 0)])
        .with("MOMENTUM", alpha)
        .with("WEIGHT_DECAY", 0.0);
    let step = Step { learning_rate: rate, ..Step::default() };
    let given = [("parameter", x.reals()?), ("velocity", v.reals()?), ("grad", g.reals()?)];
    let mut written = device.run_with(call, &given, &[], step).await?;
    Ok(["parameter", "velocity"].map(|name| Tensor::real(&x.shape, written.real(name))).to_vec())
}
