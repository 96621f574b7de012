//! Convolutions and pools. The image kernels run those over one or two axes. Pools that these kernels do not
//! support, over more axes or with dilation, lay out each window as a row.

use super::{
    Outputs, Refusal, Use,
    device::{Device, function, not_empty, of_two, single},
    unfold::{indices, rows},
};
use crate::onnx::{
    attributes::{Window, transposed_window},
    tensor::{Tensor, count},
};
use wgrad::{
    kernels::{
        AVERAGE_POOL2D_FORWARD, CONV2D_FORWARD, CONV2D_GRAD_INPUT, GROUPED_CONV2D_FORWARD,
        GROUPED_CONV2D_GRAD_INPUT, MAX_POOL2D_FORWARD,
    },
    op::Call,
};

type Said<T> = std::result::Result<T, String>;

/// Converts (batch, channels, height, width) to (batch, height, width, channels). A missing height counts as 1.
fn nhwc(x: &Tensor) -> Said<Tensor> {
    let shape = match x.shape[..] {
        [n, c, w] => [n, c, 1, w],
        [n, c, h, w] => [n, c, h, w],
        _ => return Err(format!("{:?}: {} axes; the kernels are for images", x.shape, x.shape.len())),
    };
    Ok(x.reshaped(&shape)?.transposed(&[0, 2, 3, 1]))
}

/// Converts back to channels first, with `axes` axes after the channels.
fn nchw(shape: [usize; 4], y: Vec<f32>, axes: usize) -> Said<Tensor> {
    let y = Tensor::real(&shape, y).transposed(&[0, 3, 1, 2]);
    let [n, c, h, w] = y.shape[..] else { return Err("four axes".into()) };
    if axes == 1 { y.reshaped(&[n, c, h * w]) } else { Ok(y) }
}

/// Converts a list for one or two axes to one for height and width.
fn pair(list: &[usize], one: usize) -> [usize; 2] {
    match list {
        [w] => [one, *w],
        [h, w, ..] => [*h, *w],
        [] => [one, one],
    }
}

/// The sizes that all windowed operations share.
fn sizes(input: [usize; 4], window: &Window, out: [usize; 2]) -> Vec<(&'static str, usize)> {
    let ([sh, sw], [pt, pl]) = (pair(&window.strides, 1), pair(&window.before, 0));
    let [n, h, w, _] = input;
    vec![
        ("N", n),
        ("H", h),
        ("W", w),
        ("OH", out[0]),
        ("OW", out[1]),
        ("SH", sh),
        ("SW", sw),
        ("PT", pt),
        ("PL", pl),
    ]
}

fn images(x: &Tensor) -> [usize; 4] {
    std::array::from_fn(|n| x.shape.get(n).copied().unwrap_or(1))
}

/// The sizes of a kernel; true if the plain convolution applies. Convolution in groups or with dilation is another
/// operation.
fn taps(window: &Window, groups: usize, [ci, co]: [usize; 2]) -> (bool, Vec<(&'static str, usize)>) {
    let ([kh, kw], [dh, dw]) = (pair(&window.size, 1), pair(&window.dilations, 1));
    let mut sizes = vec![("CI", ci), ("CO", co), ("KH", kh), ("KW", kw)];
    let plain = groups == 1 && [dh, dw] == [1, 1];
    if !plain {
        sizes.extend([("DH", dh), ("DW", dw), ("CIG", ci / groups), ("COG", co / groups)]);
    }
    (plain, sizes)
}

/// Converts the kernel's axes to height and width.
fn kernel(w: &Tensor, order: [usize; 4]) -> Said<Tensor> {
    let shape = match w.shape[..] {
        [a, b, kw] => [a, b, 1, kw],
        [a, b, kh, kw] => [a, b, kh, kw],
        _ => return Err(format!("a kernel {:?}; the kernels are for images", w.shape)),
    };
    Ok(w.reshaped(&shape)?.transposed(&order))
}

pub(super) async fn conv(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let (x, w) = (u.input(0)?, u.input(1)?);
    let axes = x.shape.len().saturating_sub(2);
    let image = nhwc(x)?;
    let window = Window::of(&u.node, &x.shape[2..], w.shape.get(2..))?;
    let groups = u.node.int("group", 1).max(1) as usize;
    let (ci, co, out) = (image.shape[3], w.shape[0], pair(&window.out, 1));
    let w = kernel(w, [2, 3, 1, 0])?;
    if w.shape[2] * groups != ci || co % groups != 0 {
        return Err(format!("a kernel {:?} in {groups} groups for {ci} channels", w.shape).into());
    }
    let (plain, more) = taps(&window, groups, [ci, co]);
    let sizes = [sizes(images(&image), &window, out), more].concat();
    let call = Call::new(if plain { &CONV2D_FORWARD } else { &GROUPED_CONV2D_FORWARD }, &sizes);
    let mut given = vec![("x", image.reals()?), ("w", w.reals()?)];
    if let Some(bias) = u.optional(2) {
        given.push(("b", bias.reals()?));
    }
    let y = device.run(call, &given).await?.real("y");
    single(nchw([image.shape[0], out[0], out[1], co], y, axes)?)
}

/// Computes the transposed convolution as the gradient of a convolution's input.
pub(super) async fn conv_transpose(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let (x, w) = (u.input(0)?, u.input(1)?);
    let axes = x.shape.len().saturating_sub(2);
    let image = nhwc(x)?;
    let groups = u.node.int("group", 1).max(1) as usize;
    let (ci, co) = (image.shape[3], w.shape[1] * groups);
    let (window, out) = transposed_window(&u.node, &x.shape[2..], &w.shape[2..])?;
    let w = kernel(w, [2, 3, 1, 0])?;
    let (plain, more) = taps(&window, groups, [co, ci]);
    let [h, width] = pair(&out, 1);
    let input = [image.shape[0], h, width, co];
    let sizes = [sizes(input, &window, [image.shape[1], image.shape[2]]), more].concat();
    let call = Call::new(if plain { &CONV2D_GRAD_INPUT } else { &GROUPED_CONV2D_GRAD_INPUT }, &sizes);
    let dx = device.run(call, &[("dy", image.reals()?), ("w", w.reals()?)]).await?.real("dx");
    let y = nchw(input, dx, axes)?;
    match u.optional(2) {
        Some(bias) => {
            let shape: Vec<usize> = std::iter::once(co).chain(std::iter::repeat_n(1, axes)).collect();
            single(device.binary(None, &y, &bias.reshaped(&shape)?).await?)
        }
        None => single(y),
    }
}

/// The window of a pool; the whole image for a global pool.
fn pool_window(u: &Use<'_>, x: &Tensor) -> Said<Window> {
    let axes = x.shape.get(2..).unwrap_or_default();
    if axes.is_empty() {
        return Err(format!("an input {:?}", x.shape));
    }
    if u.node.op().starts_with("Global") {
        let none = vec![0; axes.len()];
        let ones = vec![1; axes.len()];
        let (before, behind) = (none.clone(), none);
        return Ok(Window {
            size: axes.to_vec(),
            strides: ones.clone(),
            dilations: ones.clone(),
            before,
            behind,
            out: ones,
        });
    }
    Window::of(&u.node, axes, None)
}

/// True if the image kernels support the window.
fn direct(window: &Window) -> bool {
    window.size.len() <= 2 && window.dilations.iter().all(|d| *d == 1)
}

async fn pool(
    device: &Device<'_>,
    op: &'static wgrad::op::Op,
    x: &Tensor,
    window: &Window,
) -> Result<(Tensor, Vec<u32>), Refusal> {
    let image = nhwc(x)?;
    let ([ph, pw], out, c) = (pair(&window.size, 1), pair(&window.out, 1), image.shape[3]);
    let sizes = [sizes(images(&image), window, out), vec![("C", c), ("PH", ph), ("PW", pw)]].concat();
    let mut written = device.run(Call::new(op, &sizes), &[("x", image.reals()?)]).await?;
    let argmax = written.words("argmax");
    Ok((nchw([image.shape[0], out[0], out[1], c], written.real("y"), x.shape.len() - 2)?, argmax))
}

fn pooled_shape(x: &Tensor, window: &Window) -> Vec<usize> {
    [&x.shape[..2], &window.out].concat()
}

pub(super) async fn max_pool(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let x = u.input(0)?;
    x.reals()?;
    let window = pool_window(u, x)?;
    let shape = pooled_shape(x, &window);
    let (y, places) = if direct(&window) {
        let (y, argmax) = pool(device, &MAX_POOL2D_FORWARD, x, &window).await?;
        // The kernel gives the positions in the order of its own output.
        let [h, w] = pair(&window.out, 1);
        let places = Tensor::whole(&[shape[0], h, w, shape[1]], argmax.into_iter().map(i64::from).collect());
        (y, places.transposed(&[0, 3, 1, 2]).wholes()?.to_vec())
    } else {
        let (rows, _) = rows(x, &window, f32::MIN)?;
        let (y, argmax) = device.row_maxima(&rows, count(&window.size)).await?;
        (Tensor::real(&shape, y), argmax.into_iter().map(i64::from).collect())
    };
    let mut outputs = vec![y];
    if u.outputs() > 1 {
        outputs
            .push(Tensor::whole(&shape, indices(x, &window, &places, u.node.int("storage_order", 0) == 1)));
    }
    Ok(outputs)
}

pub(super) async fn average_pool(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let x = u.input(0)?;
    let window = pool_window(u, x)?;
    let padding = u.node.int("count_include_pad", 0) == 1;
    if direct(&window) && !padding {
        return single(pool(device, &AVERAGE_POOL2D_FORWARD, x, &window).await?.0);
    }
    let (shape, taps) = (pooled_shape(x, &window), count(&window.size));
    let (all, mut inside) = rows(x, &window, 0.0)?;
    if padding {
        let padded: Vec<usize> =
            (0..window.out.len()).map(|n| x.shape[n + 2] + window.before[n] + window.behind[n]).collect();
        let whole = Window { before: vec![0; padded.len()], ..window.clone() };
        let ones = Tensor::real(
            &[1, 1].iter().chain(&padded).copied().collect::<Vec<_>>(),
            vec![0.0; count(&padded)],
        );
        let (_, held) = rows(&ones, &whole, 0.0)?;
        inside = held.iter().copied().cycle().take(inside.len()).collect();
    }
    let sums = Tensor::real(&shape, device.row_sums(&all, taps, 1.0).await?);
    let counts = Tensor::real(&shape, inside.iter().map(|n| *n as f32).collect());
    single(device.divide(&sums, &counts).await?)
}

/// The p-norm of each window.
pub(super) async fn lp_pool(device: &Device<'_>, u: &Use<'_>) -> Outputs {
    not_empty(u)?;
    let x = u.input(0)?;
    let window = pool_window(u, x)?;
    let (rows, _) = rows(x, &window, 0.0)?;
    let rows = Tensor::real(&[rows.len()], rows);
    let sizes = device.unary(function::ABS, [0.0, 0.0], &rows).await?;
    let shape = pooled_shape(x, &window);
    let p = u.node.int("p", 2);
    let mut powers = sizes.clone();
    for _ in 1..p.clamp(1, 8) {
        powers = device.binary(Some(of_two::MUL), &powers, &sizes).await?;
    }
    let sums = Tensor::real(&shape, device.row_sums(powers.reals()?, count(&window.size), 1.0).await?);
    match p {
        1 => single(sums),
        2 => single(device.unary(function::SQRT, [0.0, 0.0], &sums).await?),
        _ => single(super::elementwise::power(device, &sums, 1.0 / p as f32).await?),
    }
}
