//! CPU twins: every operation as plain loops in f64 that read like its formula. They define the result of a
//! kernel, and the error that rounding in f32 may add to it.

mod attention;
mod augment;
mod conv2d;
mod elementwise;
mod embedding;
mod grouped;
mod regularization;
mod join;
mod loss;
mod mask;
mod matmul;
mod muon;
mod normalize;
mod one_output;
mod optimizer;
mod permute;
mod pool;
mod random_image;
mod recurrent;
mod resize;
mod vector;

pub use attention::{attention_forward, attention_grad, attention_grad_delta};
pub use augment::augment;
pub use conv2d::{conv2d_forward, conv2d_grad_input, conv2d_grad_weight, sum_partials};
pub use elementwise::{
    activation_forward, activation_grad, binary, binary_grad, decode, dropout_forward, dropout_grad, random,
    unary,
};
pub use embedding::{embedding_forward, embedding_grad, sort_tokens, token_starts};
pub use grouped::{
    average_pool2d_forward, average_pool2d_grad, grouped_conv2d_forward, grouped_conv2d_grad_input,
    grouped_conv2d_grad_weight, pad2d_forward, pad2d_grad,
};
pub use join::{add, batch_dot, concatenate, slice_columns};
pub use loss::{position_means, softmax_cross_entropy, softmax_forward, softmax_grad, sum_metrics};
pub use mask::{mask_rows, mask_shares, mask_steps, masked_cell, masked_gradient, masked_state};
pub use matmul::{matmul, matmul_grad_input, matmul_grad_weight};
pub use muon::{inverse_norm, muon, muon_momentum, newton_schulz, scaled};
pub use normalize::{
    batch_norm_combine, batch_norm_forward, batch_norm_grad_combine, batch_norm_grad_input,
    batch_norm_grad_partials, batch_norm_moving, batch_norm_partials, layer_norm_forward,
    layer_norm_grad_input, layer_norm_grad_weight, prelu_forward, prelu_grad_input, prelu_grad_weight,
};
pub use one_output::{binary_cross_entropy, huber, mean_absolute_error, mean_squared_error};
pub use optimizer::{
    accumulate, adagrad, adam, clip_scale, lion, moving_average, rmsprop, sgd, square_partials,
};
pub use permute::permute_forward;
pub use pool::{max_pool2d_forward, max_pool2d_grad};
pub use random_image::{random_affine_forward, random_affine_grad, random_tone_forward, random_tone_grad};
pub use recurrent::{
    clear, gru_cell_forward, gru_cell_grad, lstm_cell_forward, lstm_cell_grad, recurrent_output,
    simple_rnn_cell_forward, simple_rnn_cell_grad,
};
pub use regularization::{add_penalty, constrain_norm, constrain_sign, penalize, penalty_partials};
pub use resize::{resize2d_forward, resize2d_grad};

pub use vector::{cosine_similarity, kl_divergence};

use crate::op::twin::Inputs;

/// Visits every (output pixel, input pixel, position in the window) of a window that moves over an image in NHWC.
/// `names` are the sizes of its height and width; the indices exclude channels, and padding is skipped.
fn windows(i: &Inputs<'_>, names: [&str; 2], mut each: impl FnMut(usize, usize, usize)) {
    let [n, h, w, oh, ow] = i.sizes(["N", "H", "W", "OH", "OW"]);
    let ([kh, kw], [sh, sw, pt, pl]) = (i.sizes(names), i.sizes(["SH", "SW", "PT", "PL"]));
    // Only some operations have dilation.
    let [dh, dw] = i.sizes(["DH", "DW"]).map(|gap| gap.max(1));
    for image in 0..n {
        for (y, x) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
            for (ty, tx) in (0..kh).flat_map(|ty| (0..kw).map(move |tx| (ty, tx))) {
                let (Some(iy), Some(ix)) =
                    ((y * sh + ty * dh).checked_sub(pt), (x * sw + tx * dw).checked_sub(pl))
                else {
                    continue;
                };
                if iy < h && ix < w {
                    each((image * oh + y) * ow + x, (image * h + iy) * w + ix, ty * kw + tx);
                }
            }
        }
    }
}
