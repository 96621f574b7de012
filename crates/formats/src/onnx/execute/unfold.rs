//! Lays windows out as rows, and maps positions in windows to positions in the whole input.

use crate::onnx::{
    attributes::Window,
    tensor::{Tensor, count, strides},
};

type Said<T> = std::result::Result<T, String>;

/// Each window as a row, with `fill` outside the input; also the number of elements of each window that lie inside.
pub(super) fn rows(x: &Tensor, window: &Window, fill: f32) -> Said<(Vec<f32>, Vec<usize>)> {
    let axes = window.size.len();
    let (numbers, steps) = (x.reals()?, strides(&x.shape));
    let planes = x.shape[0] * x.shape[1];
    let plane = count(&x.shape[2..]);
    let places = |shape: &[usize]| -> Vec<Vec<usize>> {
        let own = strides(shape);
        (0..count(shape)).map(|at| (0..axes).map(|n| at / own[n] as usize % shape[n]).collect()).collect()
    };
    let (outs, taps) = (places(&window.out), places(&window.size));
    let (mut all, mut inside) = (Vec::new(), Vec::new());
    for p in 0..planes {
        for out in &outs {
            let mut held = 0;
            for tap in &taps {
                let mut at = Some(p * plane);
                for n in 0..axes {
                    let place = (out[n] * window.strides[n] + tap[n] * window.dilations[n])
                        .checked_sub(window.before[n]);
                    let place = place.filter(|place| *place < x.shape[n + 2]);
                    at = at.zip(place).map(|(at, place)| at + place * steps[n + 2] as usize);
                }
                held += usize::from(at.is_some());
                all.push(at.map_or(fill, |at| numbers[at]));
            }
            inside.push(held);
        }
    }
    Ok((all, inside))
}

/// Converts positions within windows to indices into the whole input.
pub(super) fn indices(x: &Tensor, window: &Window, places: &[i64], columns: bool) -> Vec<i64> {
    let (own, taps) = (strides(&window.out), strides(&window.size));
    let axes = window.size.len();
    let mut steps = strides(&x.shape)[2..].to_vec();
    if columns && axes > 1 {
        // The first axis after the channels varies fastest.
        let mut step = 1;
        for (n, own) in steps.iter_mut().enumerate() {
            *own = step;
            step *= x.shape[n + 2] as isize;
        }
    }
    let (outs, plane) = (count(&window.out), count(&x.shape[2..]));
    let index = |(at, place): (usize, &i64)| {
        let (out, place) = (at % outs, *place as usize);
        let inner: isize = (0..axes)
            .map(|n| {
                let first = out / own[n] as usize % window.out[n] * window.strides[n];
                let tap = place / taps[n] as usize % window.size[n] * window.dilations[n];
                (first + tap) as isize - window.before[n] as isize
            })
            .zip(&steps)
            .map(|(at, step)| at * step)
            .sum();
        (at / outs * plane) as i64 + inner as i64
    };
    places.iter().enumerate().map(index).collect()
}

#[cfg(test)]
mod tests {
    use super::{Window, rows};
    use crate::onnx::tensor::{Tensor, walk};

    #[test]
    fn a_window_is_laid_out_with_its_gaps_and_its_padding() {
        let x = Tensor::real(&[1, 1, 4], vec![1.0, 2.0, 3.0, 4.0]);
        let window = Window {
            size: vec![2],
            strides: vec![1],
            dilations: vec![2],
            before: vec![1],
            behind: vec![1],
            out: vec![4],
        };
        let (all, inside) = rows(&x, &window, 0.0).expect("numbers");
        assert_eq!(all, [0.0, 2.0, 1.0, 3.0, 2.0, 4.0, 3.0, 0.0]);
        assert_eq!(inside, [1, 2, 2, 1]);
        assert_eq!(walk(&[2, 3], &[1, 2], 0), [0, 2, 4, 1, 3, 5]);
    }
}
