//! Registry of every operation, its variants, and the rules by which each variant is the default.
//!
//! A variant is one WGSL file in `shaders/<operation>/` and one line here; their order is the order of preference. In
//! the brackets stand the adapters for which it is a default: `Cpu`, `Gpu`, or a kind of GPU (`Mobile`, `Integrated`,
//! `Discrete`), and behind `if` conditions, which [`crate::op::Rule`] describes. Several brackets are several rules.
//!
//! The rules for GPUs follow from what drivers compile (`shaders/STATISTICS.md`: `tiled_vec4` has the fewest
//! instructions for each multiplication and addition on the chips of all vendors) and from the number of cores: a
//! workgroup that does more wins if there are enough of them, some 48 on a card, 16 on an integrated GPU, 8 on a
//! phone's. No GPU has confirmed them yet; `wgrad_lab::tune` measures. On software adapters `subgroup` is the fastest,
//! and `subgroup_wide`, with tiles twice as large, where that leaves 16 workgroups, which eight cores share evenly;
//! except where Mesa 26 computes 16 lanes at a time: there `tiled_vec4` is 2.8 times as fast for a product of 512 × 512 ×
//! 512. `winograd` takes as long as `tiled_vec4` for the second convolution of `cnn` forward, is 1.4 times as fast from 64
//! to 128 channels of 14 × 14, and for its input's gradient 1.3 to 1.6 times as fast as `tiled`. A product for ten classes
//! is 1.1 to 1.2 times as fast by `split` as by `tiled`, one for 32 columns 1.7 times by `tiled` as by `tiled_vec4` (Mesa
//! 26.2.6, LLVM 22, 512 bits, AMD EPYC without AVX-512, other work on it, variants in turns).
//!
//! `naive` is always eligible: it is the fallback, and the text to read first. The twin is the function with the
//! operation's name in [`crate::reference`]. The texts hold everything else: parts and cases are in `interface.wgsl`,
//! requirements in each variant.

use crate::{
    Error, Result,
    op::{Call, Listed, On, Op, Rule, Variant, activations::ACTIVATIONS},
    reference as twin,
};
use peaks::PEAKS;

/// The rules that stand in brackets: none in empty ones.
macro_rules! rules {
    ([]) => { &[] };
    ($([$($on:ident),+ $(if $($when:expr),+)?])+) => {
        &[$(Rule { on: &[$(On::$on),+], when: &[$($(stringify!($when)),+)?] }),+]
    };
}

/// Declares a list, and a static for each operation in it: its name, a one-line description, and its variants, each
/// with its rules in brackets.
macro_rules! operations {
    ($(#[$doc:meta])* $all:ident: texts in $shaders:literal, twins in $twins:ident;
     $($id:ident $name:ident $about:literal { $($variant:ident $([$($rule:tt)*])+;)+ })+) => {
        $(
            #[doc = $about]
            pub static $id: Op = Op::new(
                [
                    stringify!($name),
                    $about,
                    include_str!(concat!($shaders, stringify!($name), "/interface.wgsl")),
                ],
                $twins::$name,
                &[$(Listed {
                    name: stringify!($variant),
                    text: include_str!(concat!($shaders, stringify!($name), "/", stringify!($variant), ".wgsl")),
                    default_for: rules!($([$($rule)*])+),
                }),+],
            );
        )+
        $(#[$doc])*
        pub static $all: &[&Op] = &[$(&$id),+];
    };
}

pub mod peaks;

operations! {
    /// Every operation, in the order in which a training step meets them.
    OPERATIONS: texts in "../shaders/", twins in twin;

    DECODE decode "bytes of the batch to numbers in [0, 1], floats as they are; normalized by channel" {
        words [Cpu];
        naive [Cpu, Gpu];
    }
    AUGMENT augment "decode, with each image changed at random and mixed with another" { lines [Cpu]; naive [Cpu, Gpu]; }
    MATMUL matmul "y = activate(x · w + b)" {
        subgroup_wide [Cpu if lanes == 8, groups >= 16];
        subgroup [Cpu if lanes <= 8] [Cpu if mesa <= 25];
        subgroup_narrow [Cpu if lanes <= 8] [Cpu if mesa <= 25];
        tiled_8x8 [Discrete if groups >= 48] [Integrated if groups >= 16];
        tiled_vec4 [Discrete if groups >= 48] [Integrated if groups >= 16] [Mobile if groups >= 8]
            [Cpu if lanes >= 16, mesa >= 26, N >= 64];
        split [Gpu if M / 32 * N / 32 <= 8, K >= 256] [Cpu if lanes >= 16, mesa >= 26, N <= 15, K >= 512];
        tiled [Gpu] [Cpu if lanes >= 16, mesa >= 26];
        tiled_f16 [];
        naive [];
    }
    MATMUL_GRAD_INPUT matmul_grad_input "dx = (dy · wᵀ) * activate_grad(x)" {
        subgroup [Cpu if lanes <= 8] [Cpu if mesa <= 25];
        subgroup_narrow [Cpu if lanes <= 8] [Cpu if mesa <= 25];
        tiled_8x8 [Discrete if groups >= 48] [Integrated if groups >= 16];
        tiled [Gpu] [Cpu if lanes >= 16, mesa >= 26];
        naive [];
    }
    MATMUL_GRAD_WEIGHT matmul_grad_weight "dw = xᵀ · dy, db = Σ dy" {
        subgroup [Cpu if lanes <= 8] [Cpu if mesa <= 25];
        subgroup_narrow [Cpu if lanes <= 8] [Cpu if mesa <= 25];
        split [Gpu if K / 32 * N / 32 <= 8, M >= 256];
        tiled_8x8 [Discrete if groups >= 48] [Integrated if groups >= 16];
        tiled [Gpu] [Cpu if lanes >= 16, mesa >= 26];
        naive [];
    }
    CONV2D_FORWARD conv2d_forward "y = activate(x ∗ w + b)" {
        subgroup_wide [Cpu if lanes == 8, groups >= 16];
        subgroup [Cpu if lanes <= 8] [Cpu if mesa <= 25];
        subgroup_any [Cpu if lanes <= 8] [Cpu if mesa <= 25];
        winograd [Cpu if lanes >= 16, mesa >= 26];
        tiled_vec4 [Discrete if groups >= 48] [Integrated if groups >= 16] [Mobile if groups >= 8]
            [Cpu if lanes >= 16, mesa >= 26];
        tiled [Gpu] [Cpu if lanes >= 16, mesa >= 26];
        naive [];
    }
    CONV2D_GRAD_INPUT conv2d_grad_input "dx = (dy ∗ᵀ w) * activate_grad(x)" {
        subgroup [Cpu if lanes <= 8] [Cpu if mesa <= 25];
        winograd [Cpu if lanes >= 16, mesa >= 26];
        tiled [Gpu] [Cpu if lanes >= 16, mesa >= 26];
        naive [];
    }
    CONV2D_GRAD_WEIGHT conv2d_grad_weight "dw and db of a convolution, in splits of the batch" {
        subgroup_wide [Cpu if lanes == 8, groups >= 16];
        subgroup [Cpu if lanes <= 8] [Cpu if mesa <= 25];
        subgroup_any [Cpu if lanes <= 8] [Cpu if mesa <= 25];
        tiled [Gpu] [Cpu if lanes >= 16, mesa >= 26];
        naive [];
    }
    SUM_PARTIALS sum_partials "dw, db = the sum of the splits, in order" { naive [Cpu, Gpu]; }
    MAX_POOL2D_FORWARD max_pool2d_forward "the maximum of each window, and its place" {
        vec4 [Cpu] [Gpu if groups >= 64];
        flat [Gpu];
        naive [];
    }
    MAX_POOL2D_GRAD max_pool2d_grad "dx = dy at the maxima, times activate_grad(x)" {
        windows [Cpu];
        flat [Gpu];
        naive [];
    }
    ACTIVATION_FORWARD activation_forward "y = activate(x)" { vec4 [Cpu] [Gpu if groups >= 64]; naive [Cpu, Gpu]; }
    ACTIVATION_GRAD activation_grad "dx = dy * activate_grad(y or x)" { vec4 [Cpu] [Gpu if groups >= 64]; naive [Cpu, Gpu]; }
    ADD add "y = activate(a + b)" { vec4 [Cpu] [Gpu if groups >= 64]; naive [Cpu, Gpu]; }
    UNARY unary "y = a function of each element: root, logarithm, clamp ..." { vec4 [Cpu] [Gpu if groups >= 64]; naive [Cpu, Gpu]; }
    BINARY binary "y = a - b, a · b, min(a, b) or max(a, b)" { vec4 [Cpu] [Gpu if groups >= 64]; naive [Cpu, Gpu]; }
    BINARY_GRAD binary_grad "dx = dy · the derivative of a · b, min(a, b) or max(a, b), times activate_grad(a)" {
        vec4 [Cpu] [Gpu if groups >= 64];
        naive [Cpu, Gpu];
    }
    CONCATENATE concatenate "y = a and b side by side" { naive [Cpu, Gpu]; }
    BATCH_DOT batch_dot "y = the product of two matrices for each image" {
        subgroup [Cpu if lanes <= 8, I >= 8, J >= 8, I * J >= 192] [Cpu if mesa <= 25, I >= 8, J >= 8, I * J >= 192];
        columns [Cpu if J >= 4];
        tiled [Gpu if I >= 16, J >= 16];
        naive [Cpu, Gpu];
    }
    SLICE_COLUMNS slice_columns "dx = some columns of dy, times activate_grad(x)" { naive [Cpu, Gpu]; }
    GROUPED_CONV2D_FORWARD grouped_conv2d_forward "y = activate(x ∗ w + b), in groups, dilated" { naive [Cpu, Gpu]; }
    GROUPED_CONV2D_GRAD_INPUT grouped_conv2d_grad_input "dx = (dy ∗ᵀ w) * activate_grad(x), in groups" { naive [Cpu, Gpu]; }
    GROUPED_CONV2D_GRAD_WEIGHT grouped_conv2d_grad_weight "dw and db in groups, in splits of the batch" { naive [Cpu, Gpu]; }
    AVERAGE_POOL2D_FORWARD average_pool2d_forward "the mean of each window" { naive [Cpu, Gpu]; }
    AVERAGE_POOL2D_GRAD average_pool2d_grad "dx = dy divided over the window, times activate_grad(x)" {
        windows [Cpu];
        apart [Cpu, Gpu];
        naive [Cpu, Gpu];
    }
    PAD2D_FORWARD pad2d_forward "y = x with zeros around it" { naive [Cpu, Gpu]; }
    PAD2D_GRAD pad2d_grad "dx = dy inside the padding, times activate_grad(x)" { naive [Cpu, Gpu]; }
    RESIZE2D_FORWARD resize2d_forward "y = x in another size, between its pixels" { naive [Cpu, Gpu]; }
    RESIZE2D_GRAD resize2d_grad "dx = what each pixel gave, times activate_grad(x)" { channels [Cpu, Gpu]; naive [Cpu, Gpu]; }
    PERMUTE_FORWARD permute_forward "y = x with its axes in another order" { naive [Cpu, Gpu]; }
    BATCH_NORM_PARTIALS batch_norm_partials "mean and squares of each channel, in splits of the rows" {
        vec4 [Cpu];
        naive [Cpu, Gpu];
    }
    BATCH_NORM_COMBINE batch_norm_combine "statistics of the batch from those of the splits; moving averages" {
        naive [Cpu, Gpu];
    }
    BATCH_NORM_MOVING batch_norm_moving "statistics from the moving averages" { naive [Cpu, Gpu]; }
    BATCH_NORM_FORWARD batch_norm_forward "y = activate(a · x + b)" { vec4 [Cpu] [Gpu if groups >= 64]; naive [Cpu, Gpu]; }
    BATCH_NORM_GRAD_PARTIALS batch_norm_grad_partials "dgamma and dbeta, in splits of the rows" { vec4 [Cpu]; naive [Cpu, Gpu]; }
    BATCH_NORM_GRAD_COMBINE batch_norm_grad_combine "dgamma, dbeta, and the coefficients of dx" { naive [Cpu, Gpu]; }
    BATCH_NORM_GRAD_INPUT batch_norm_grad_input "dx = (k0 · dy + k1 · x + k2) * activate_grad(x)" {
        vec4 [Cpu] [Gpu if groups >= 64];
        naive [Cpu, Gpu];
    }
    LAYER_NORM_FORWARD layer_norm_forward "y = activate(gamma · x̂ + beta) over the last axis, or groups of it" { naive [Cpu, Gpu]; }
    LAYER_NORM_GRAD_INPUT layer_norm_grad_input "dx of normalization over the last axis, or groups of it, times activate_grad(x)" { naive [Cpu, Gpu]; }
    LAYER_NORM_GRAD_WEIGHT layer_norm_grad_weight "dgamma and dbeta, in splits of the rows" { naive [Cpu, Gpu]; }
    PRELU_FORWARD prelu_forward "y = x, or alpha · x below zero" { naive [Cpu, Gpu]; }
    PRELU_GRAD_INPUT prelu_grad_input "dx = dy, or alpha · dy below zero, times activate_grad(x)" { naive [Cpu, Gpu]; }
    PRELU_GRAD_WEIGHT prelu_grad_weight "dalpha, in splits of the rows" { naive [Cpu, Gpu]; }
    EMBEDDING_FORWARD embedding_forward "y = the rows of a table that tokens stand for" { naive [Cpu, Gpu]; }
    SORT_TOKENS sort_tokens "tokens in order of three of their bits, and their places" { group [Cpu, Gpu]; naive []; }
    TOKEN_STARTS token_starts "where the places of each word begin among sorted tokens" { naive [Cpu, Gpu]; }
    EMBEDDING_GRAD embedding_grad "dw = the sum of the gradients of each word's places" { naive [Cpu, Gpu]; }
    ATTENTION_FORWARD attention_forward "y = the mean of values, weighted by a softmax of products" {
        subgroup [Cpu if lanes == 8] [Cpu if lanes >= 8, mesa <= 25];
        tiled [Gpu if T >= 16, S >= 16];
        naive [Cpu, Gpu];
    }
    ATTENTION_GRAD_DELTA attention_grad_delta "sums of each query, for the gradient of attention" { naive [Cpu, Gpu]; }
    ATTENTION_GRAD attention_grad "dq, dk and dv of attention" {
        subgroup [Cpu if lanes == 8] [Cpu if lanes >= 8, mesa <= 25];
        tiled [Gpu if T >= 16, S >= 16];
        naive [Cpu, Gpu];
    }
    CLEAR clear "y = 0" { vec4 [Cpu]; naive [Cpu, Gpu]; }
    SIMPLE_RNN_CELL_FORWARD simple_rnn_cell_forward "one step of a simple recurrent layer: state = activate(z + q)" {
        vec4 [Cpu];
        naive [Cpu, Gpu];
    }
    SIMPLE_RNN_CELL_GRAD simple_rnn_cell_grad "dz of one step of a simple recurrent layer" { vec4 [Cpu]; naive [Cpu, Gpu]; }
    LSTM_CELL_FORWARD lstm_cell_forward "gates, cell and state of one step of an LSTM" { vec4 [Cpu]; naive [Cpu, Gpu]; }
    LSTM_CELL_GRAD lstm_cell_grad "dz of one step of an LSTM" { vec4 [Cpu]; naive [Cpu, Gpu]; }
    GRU_CELL_FORWARD gru_cell_forward "gates and state of one step of a GRU" { vec4 [Cpu]; naive [Cpu, Gpu]; }
    GRU_CELL_GRAD gru_cell_grad "dz and dq of one step of a GRU" { vec4 [Cpu]; naive [Cpu, Gpu]; }
    RECURRENT_OUTPUT recurrent_output "y = the state after every step of a recurrent layer" { vec4 [Cpu]; naive [Cpu, Gpu]; }
    MASK_STEPS mask_steps "mask = 1 for the steps of a sequence that count" { naive [Cpu, Gpu]; }
    MASK_ROWS mask_rows "y = w · x of the rows that count" { naive [Cpu, Gpu]; }
    MASK_SHARES mask_shares "w = the weights of the steps that count, in a mean over these" { naive [Cpu, Gpu]; }
    MASKED_STATE masked_state "the state of a step of a recurrent layer that does not count" { naive [Cpu, Gpu]; }
    MASKED_CELL masked_cell "the cell of a step of an LSTM that does not count" { naive [Cpu, Gpu]; }
    MASKED_GRADIENT masked_gradient "the gradient of the state behind a step, held where it does not count" { naive [Cpu, Gpu]; }
    SOFTMAX_FORWARD softmax_forward "y = softmax of each row" { naive [Cpu, Gpu]; }
    SOFTMAX_GRAD softmax_grad "dx = y · (dy - Σ dy · y)" { naive [Cpu, Gpu]; }
    DROPOUT_FORWARD dropout_forward "y = x / (1 - rate), or 0 at random; or with noise of the normal distribution" { several [Cpu]; naive [Cpu, Gpu]; }
    DROPOUT_GRAD dropout_grad "dx = dy / (1 - rate) at the same places, or with the same noise" { several [Cpu]; naive [Cpu, Gpu]; }
    RANDOM_AFFINE_FORWARD random_affine_forward "y = x flipped, rotated, zoomed, shifted or cropped at random" { channels [Cpu, Gpu]; naive [Cpu, Gpu]; }
    RANDOM_AFFINE_GRAD random_affine_grad "dx = what each pixel gave, times activate_grad(x)" {
        listed [Cpu];
        channels [Cpu, Gpu];
        naive [Cpu, Gpu];
    }
    RANDOM_TONE_FORWARD random_tone_forward "y = x with random brightness or contrast" { naive [Cpu, Gpu]; }
    RANDOM_TONE_GRAD random_tone_grad "dx = dy where nothing was clipped, times activate_grad(x)" { naive [Cpu, Gpu]; }
    SOFTMAX_CROSS_ENTROPY softmax_cross_entropy "loss, its gradient and the hits of each row" { naive [Cpu, Gpu]; }
    BINARY_CROSS_ENTROPY binary_cross_entropy "loss, its gradient and the hits of one logit, for labels 0 and 1" { naive [Cpu, Gpu]; }
    MEAN_SQUARED_ERROR mean_squared_error "squared distance of one output from the label" { naive [Cpu, Gpu]; }
    MEAN_ABSOLUTE_ERROR mean_absolute_error "distance of one output from the label" { naive [Cpu, Gpu]; }
    HUBER huber "square of small distances, size of large ones" { naive [Cpu, Gpu]; }
    KL_DIVERGENCE kl_divergence "divergence of probabilities from others" { naive [Cpu, Gpu]; }
    COSINE_SIMILARITY cosine_similarity "the angle between the output and a vector" { naive [Cpu, Gpu]; }
    POSITION_MEANS position_means "the mean loss and hits of the places of an image" {
        group [Gpu if POSITIONS >= 64];
        naive [Cpu, Gpu];
    }
    SUM_METRICS sum_metrics "loss and hits of the batch" { naive [Cpu, Gpu]; }
    PENALTY_PARTIALS penalty_partials "the L1 and L2 penalty of a tensor, in splits" { naive [Cpu, Gpu]; }
    ADD_PENALTY add_penalty "the penalty of a tensor added to the loss of the batch" { naive [Cpu, Gpu]; }
    PENALIZE penalize "the gradient of the penalty of a tensor, added to its own" { naive [Cpu, Gpu]; }
    SQUARE_PARTIALS square_partials "the squared norm of all gradients, in splits" { naive [Cpu, Gpu]; }
    CLIP_SCALE clip_scale "the factor that clips gradients by their global norm" { naive [Cpu, Gpu]; }
    SGD sgd "momentum, Nesterov, weight decay, over all parameters at once" { several [Cpu]; naive [Cpu, Gpu]; }
    ADAM adam "Adam and AdamW, over all parameters at once" { several [Cpu]; naive [Cpu, Gpu]; }
    RMSPROP rmsprop "RMSprop, centered or not, over all parameters at once" { several [Cpu]; naive [Cpu, Gpu]; }
    ADAGRAD adagrad "Adagrad, over all parameters at once" { several [Cpu]; naive [Cpu, Gpu]; }
    LION lion "Lion, over all parameters at once" { several [Cpu]; naive [Cpu, Gpu]; }
    MUON_MOMENTUM muon_momentum "Muon's momentum for matrices, over all parameters at once" { naive [Cpu, Gpu]; }
    INVERSE_NORM inverse_norm "the factor that scales a tensor to norm 1" { naive [Cpu, Gpu]; }
    SCALED scaled "y = x · scale" { naive [Cpu, Gpu]; }
    NEWTON_SCHULZ newton_schulz "the polynomial of one step towards an orthogonal matrix" { naive [Cpu, Gpu]; }
    MUON muon "Muon for matrices and AdamW for the rest, over all parameters at once" { naive [Cpu, Gpu]; }
    ACCUMULATE accumulate "the sum of the gradients of a batch's parts, over all parameters" { several [Cpu]; naive [Cpu, Gpu]; }
    MOVING_AVERAGE moving_average "the moving average of the weights, over the whole arena" { several [Cpu]; naive [Cpu, Gpu]; }
    CONSTRAIN_NORM constrain_norm "each column of a tensor scaled to a norm within bounds" { naive [Cpu, Gpu]; }
    CONSTRAIN_SIGN constrain_sign "no element of a tensor below zero" { naive [Cpu, Gpu]; }
}

impl Call {
    /// Returns true if `variant` may run this call without wgpu's injected checks. Its text must belong to this
    /// operation in the registry, be composed with wgrad's own texts only, and support the sizes of the call.
    pub fn trusts(&self, variant: &Variant, features: wgpu::Features) -> bool {
        let mut ops = OPERATIONS.iter().chain(PEAKS);
        variant.page == Some(self.op.name)
            && ops.any(|op| std::ptr::eq(*op, self.op))
            && ACTIVATIONS.iter().any(|a| std::ptr::eq(*a, self.activation))
            && variant.unmet(&self.sizes, features).is_none()
    }
}

/// The operation with that name, or with that name in an earlier version.
///
/// # Errors
/// [`Error::Unknown`] with the known names.
pub fn op(name: &str) -> Result<&'static Op> {
    OPERATIONS.iter().copied().find(|op| op.is_named(name)).ok_or_else(|| Error::Unknown {
        what: "operation",
        got: name.to_string(),
        known: OPERATIONS.iter().map(|op| op.name).collect::<Vec<_>>().join(", "),
    })
}
