//! Operators that work on each element separately.

use super::{
    Outputs, Refusal, Use, device::Device, device::function, device::not_empty, device::of_two,
    device::single,
};
use crate::onnx::tensor::Tensor;
use wgrad::{
    kernels::PRELU_FORWARD,
    op::{Call, activations},
};

/// Raises positive numbers to a power: exp(power · log x).
pub(super) async fn power(device: &Device<'_>, x: &Tensor, power: f32) -> Result<Tensor, Refusal> {
    if x.reals()?.iter().any(|v| *v <= 0.0) {
        return Err("a power that is not a whole number, of numbers that are not above zero".into());
    }
    let logs = device.unary(function::LOG, [0.0, 0.0], x).await?;
    let scaled = device.unary(function::AFFINE, [power, 0.0], &logs).await?;
    device.activate(&activations::EXPONENTIAL, &scaled).await
}

pub(super) async fn elementwise(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    let op = u.node.op();
    if let Some(name) = u.node.activation() {
        not_empty(u)?;
        let activation = activations::activation(name).map_err(|e| e.to_string())?;
        return single(device.activate(activation, u.input(0)?).await?);
    }
    match op {
        "Add" => single(device.binary(None, u.input(0)?, u.input(1)?).await?),
        "Sub" => single(device.binary(Some(of_two::SUB), u.input(0)?, u.input(1)?).await?),
        "Mul" => single(device.binary(Some(of_two::MUL), u.input(0)?, u.input(1)?).await?),
        "Div" => single(device.divide(u.input(0)?, u.input(1)?).await?),
        "Sum" | "Mean" | "Max" | "Min" => several(device, u).await,
        "Pow" => whole_power(device, u).await,
        "PRelu" => {
            let x = u.input(0)?;
            let alpha = u.input(1)?.expanded(&x.shape)?;
            let call = Call::new(&PRELU_FORWARD, &[("ITEMS", 1), ("A", x.len())]);
            let y = device.run(call, &[("x", x.reals()?), ("alpha", alpha.reals()?)]).await?.real("y");
            single(Tensor::real(&x.shape, y))
        }
        "Clip" => clip(device, u).await,
        "HardSigmoid" => {
            let (alpha, beta) = (u.node.float("alpha", 0.2), u.node.float("beta", 0.5));
            let line = device.unary(function::AFFINE, [alpha, beta], u.input(0)?).await?;
            single(device.unary(function::CLAMP, [0.0, 1.0], &line).await?)
        }
        "Swish" => {
            let x = u.input(0)?;
            let scaled = device.unary(function::AFFINE, [u.node.float("alpha", 1.0), 0.0], x).await?;
            let gate = device.activate(&activations::SIGMOID, &scaled).await?;
            single(device.binary(Some(of_two::MUL), x, &gate).await?)
        }
        "Selu" => {
            let alpha = u.node.float("alpha", 1.673_263_2);
            let bent = device.unary(function::ELU, [alpha, 1.0], u.input(0)?).await?;
            single(device.unary(function::AFFINE, [u.node.float("gamma", 1.050_701), 0.0], &bent).await?)
        }
        _ => {
            let (function, numbers) = function_of(u)?;
            not_empty(u)?;
            single(device.unary(function, numbers, u.input(0)?).await?)
        }
    }
}

/// The function of one element that an operator applies, with its parameters.
fn function_of(u: &Use<'_>) -> Result<(u32, [f32; 2]), String> {
    let alpha = |default| u.node.float("alpha", default);
    Ok(match u.node.op() {
        "Abs" => (function::ABS, [0.0, 0.0]),
        "Neg" => (function::AFFINE, [-1.0, 0.0]),
        "Sqrt" => (function::SQRT, [0.0, 0.0]),
        "Log" => (function::LOG, [0.0, 0.0]),
        "Reciprocal" => (function::RECIPROCAL, [0.0, 0.0]),
        "Floor" => (function::FLOOR, [0.0, 0.0]),
        "Ceil" => (function::CEIL, [0.0, 0.0]),
        "Sign" => (function::SIGN, [0.0, 0.0]),
        "Elu" => (function::ELU, [alpha(1.0), 1.0]),
        "Celu" => (function::ELU, [alpha(1.0), alpha(1.0)]),
        "LeakyRelu" => (function::SLOPE, [alpha(0.01), 0.0]),
        "ThresholdedRelu" => (function::THRESHOLD, [alpha(1.0), 0.0]),
        "Shrink" => (function::SHRINK, [u.node.float("lambd", 0.5), u.node.float("bias", 0.0)]),
        _ => return Err("wgrad has no such operation".into()),
    })
}

/// Combines all inputs by one function, from the first on.
async fn several(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let function = match u.node.op() {
        "Max" => Some(of_two::MAX),
        "Min" => Some(of_two::MIN),
        _ => None,
    };
    let mut all = u.input(0)?.clone();
    all.reals()?;
    for n in 1..u.inputs.len() {
        all = device.binary(function, &all, u.input(n)?).await?;
    }
    if u.node.op() == "Mean" {
        all = device.unary(function::AFFINE, [1.0 / u.inputs.len() as f32, 0.0], &all).await?;
    }
    single(all)
}

/// Computes the powers 1 to 4 by products, and others, of positive numbers, by logarithms.
async fn whole_power(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let (x, exponents) = (u.input(0)?, u.input(1)?);
    let list = exponents.reals()?;
    let first = list[0];
    if list.iter().all(|e| *e == first) && [1.0, 2.0, 3.0, 4.0].contains(&first) && exponents.len() == 1 {
        let mut y = x.clone();
        for _ in 1..first as usize {
            y = device.binary(Some(of_two::MUL), &y, x).await?;
        }
        return single(y);
    }
    if x.reals()?.iter().any(|v| *v <= 0.0) {
        return Err("a power of numbers that are not above zero, other than 1 to 4".into());
    }
    let logs = device.unary(function::LOG, [0.0, 0.0], x).await?;
    let scaled = device.binary(Some(of_two::MUL), &logs, exponents).await?;
    single(device.activate(&activations::EXPONENTIAL, &scaled).await?)
}

async fn clip(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let bound = |n: usize, name: &str, default: f32| -> Result<f32, String> {
        match u.optional(n) {
            Some(tensor) => Ok(tensor.reals()?.first().copied().unwrap_or(default)),
            None => Ok(u.node.float(name, default)),
        }
    };
    let bounds = [bound(1, "min", f32::MIN)?, bound(2, "max", f32::MAX)?];
    single(device.unary(function::CLAMP, bounds, u.input(0)?).await?)
}
