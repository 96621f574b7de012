//! The page: every operation, its variants, what they need, for which adapters they are the default,
//! and its CPU twin. A variant is one WGSL file in `shaders/<operation>/` and one line here; the order
//! is the order of preference. An activation is a two-line WGSL file and one line. `naive` is always
//! eligible: the fallback, and the text to read first.

use crate::{
    Error, Result,
    gpu::AdapterClass::{Cpu, Gpu},
    op::{
        Activation,
        Need::{Feature, Is, Multiple, Same},
        Op, Variant,
    },
    reference as twin,
};

/// What changes from step to step.
pub const FEED: &str = include_str!("../shaders/common/feed.wgsl");
/// Counter-based random numbers.
pub const RANDOM: &str = include_str!("../shaders/common/random.wgsl");

/// Lanes that hand values to each other.
const SUBGROUP: crate::op::Need = Feature(wgpu::Features::SUBGROUP, "SUBGROUP");

macro_rules! operations {
    ($($id:ident $name:literal $about:literal $twin:path, activated $activated:literal, parts $parts:expr,
       { $($variant:literal [$($need:expr),*] [$($class:expr),*];)+ } cases [$($case:literal),+ $(,)?];)+) => {
        $(
            #[doc = $about]
            pub static $id: Op = Op {
                name: $name,
                about: $about,
                interface: include_str!(concat!("../shaders/", $name, "/interface.wgsl")),
                activated: $activated,
                parts: &$parts,
                variants: &[$(Variant {
                    name: $variant,
                    source: include_str!(concat!("../shaders/", $name, "/", $variant, ".wgsl")),
                    needs: &[$($need),*],
                    default_for: &[$($class),*],
                    trusted: true,
                }),+],
                twin: $twin,
                cases: &[$($case),+],
            };
        )+
        /// Every operation, in the order in which a training step meets them.
        pub static OPERATIONS: &[&Op] = &[$(&$id),+];
    };
}

macro_rules! activations {
    ($($id:ident $name:literal $value:expr, $grad:expr;)+) => {
        $(
            #[doc = concat!("The activation `", $name, "`.")]
            pub static $id: Activation = Activation {
                name: $name,
                source: include_str!(concat!("../shaders/activations/", $name, ".wgsl")),
                value: $value,
                grad: $grad,
            };
        )+
        /// Every element-wise activation.
        pub static ACTIVATIONS: &[&Activation] = &[$(&$id),+];
    };
}

// name, y = f(x), dy/dx as a function of y
activations! {
    LINEAR  "linear"  |x| x, |_| 1.0;
    RELU    "relu"    |x| x.max(0.0), |y| if y > 0.0 { 1.0 } else { 0.0 };
    SIGMOID "sigmoid" |x| 1.0 / (1.0 + (-x).exp()), |y| y * (1.0 - y);
    TANH    "tanh"    |x| x.tanh(), |y| 1.0 - y * y;
}

// variant [needs] [default for]
operations! {
    DECODE "decode" "bytes of the batch to numbers in [0, 1]" twin::decode, activated false, parts [FEED], {
        "words" [Multiple("PIXELS", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,PIXELS=1", "ROWS=3,PIXELS=7", "ROWS=5,PIXELS=784", "ROWS=2,PIXELS=64"];

    MATMUL "matmul" "y = activate(x · w + b)" twin::matmul, activated true, parts [], {
        "shuffle" [SUBGROUP, Multiple("N", 4), Multiple("K", 4)] [Cpu];
        "shuffle_narrow" [SUBGROUP, Multiple("K", 4)] [Cpu];
        "tiled" [] [Gpu];
        "tiled_quads" [Multiple("N", 4)] [];
        "split" [] [];
        "naive" [] [];
    } cases ["M=1,N=1,K=1", "M=3,N=5,K=7", "M=32,N=10,K=784", "M=17,N=4,K=16", "M=33,N=68,K=9", "M=41,N=23,K=44", "M=65,N=132,K=36", "M=128,N=64,K=64", "M=130,N=131,K=67", "M=70000,N=1,K=1"];

    MATMUL_GRAD_INPUT "matmul_grad_input" "dx = (dy · wᵀ) * activate_grad(x)" twin::matmul_grad_input, activated true, parts [], {
        "shuffle" [SUBGROUP, Multiple("N", 4), Multiple("K", 4)] [Cpu];
        "shuffle_narrow" [SUBGROUP, Multiple("K", 4)] [Cpu];
        "tiled" [] [Gpu];
        "naive" [] [];
    } cases ["M=1,N=1,K=1", "M=3,N=5,K=7", "M=32,N=10,K=784", "M=17,N=16,K=4", "M=33,N=68,K=9", "M=41,N=23,K=44", "M=65,N=36,K=132", "M=128,N=64,K=64", "M=130,N=131,K=67"];

    MATMUL_GRAD_WEIGHT "matmul_grad_weight" "dw = xᵀ · dy, db = Σ dy" twin::matmul_grad_weight, activated false, parts [], {
        "shuffle" [SUBGROUP, Multiple("M", 4), Multiple("N", 4), Multiple("K", 4)] [Cpu];
        "shuffle_narrow" [SUBGROUP, Multiple("K", 4)] [Cpu];
        "tiled" [] [Gpu];
        "split" [] [];
        "naive" [] [];
    } cases ["M=1,N=1,K=1", "M=7,N=5,K=3", "M=32,N=10,K=784", "M=17,N=4,K=16", "M=9,N=68,K=33", "M=41,N=23,K=44", "M=36,N=132,K=65", "M=36,N=132,K=68", "M=128,N=64,K=64", "M=130,N=131,K=67"];

    CONV2D_FORWARD "conv2d_forward" "y = activate(x ∗ w + b)" twin::conv2d_forward, activated true, parts [], {
        "shuffle" [SUBGROUP, Multiple("CI", 4), Multiple("CO", 4)] [Cpu];
        "shuffle_any" [SUBGROUP, Multiple("CO", 4)] [Cpu];
        "tiled" [] [Gpu];
        "tiled_quads" [Multiple("CO", 4)] [];
        "naive" [] [];
    } cases [
        "N=1,H=1,W=1,CI=1,OH=1,OW=1,CO=1,KH=1,KW=1,SH=1,SW=1,PT=0,PL=0",
        "N=2,H=7,W=5,CI=3,OH=5,OW=3,CO=5,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0",
        "N=3,H=7,W=6,CI=4,OH=7,OW=6,CO=8,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1",
        "N=2,H=9,W=8,CI=4,OH=5,OW=4,CO=12,KH=3,KW=2,SH=2,SW=2,PT=1,PL=0",
        "N=2,H=12,W=12,CI=1,OH=10,OW=10,CO=32,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0",
        "N=3,H=6,W=7,CI=32,OH=4,OW=5,CO=64,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0",
        "N=2,H=8,W=8,CI=8,OH=3,OW=3,CO=36,KH=5,KW=5,SH=3,SW=3,PT=2,PL=2",
        "N=3,H=7,W=7,CI=3,OH=7,OW=7,CO=68,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1",
    ];

    CONV2D_GRAD_INPUT "conv2d_grad_input" "dx = (dy ∗ᵀ w) * activate_grad(x)" twin::conv2d_grad_input, activated true, parts [], {
        "shuffle" [SUBGROUP, Multiple("CI", 4), Multiple("CO", 4)] [Cpu];
        "tiled" [] [Gpu];
        "naive" [] [];
    } cases [
        "N=1,H=1,W=1,CI=1,OH=1,OW=1,CO=1,KH=1,KW=1,SH=1,SW=1,PT=0,PL=0",
        "N=2,H=7,W=5,CI=3,OH=5,OW=3,CO=5,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0",
        "N=3,H=7,W=6,CI=4,OH=7,OW=6,CO=8,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1",
        "N=2,H=9,W=8,CI=4,OH=5,OW=4,CO=12,KH=3,KW=2,SH=2,SW=2,PT=1,PL=0",
        "N=3,H=6,W=7,CI=32,OH=4,OW=5,CO=64,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0",
        "N=2,H=8,W=8,CI=36,OH=3,OW=3,CO=8,KH=5,KW=5,SH=3,SW=3,PT=2,PL=2",
    ];

    CONV2D_GRAD_WEIGHT "conv2d_grad_weight" "dw and db of a convolution, by splits of the batch" twin::conv2d_grad_weight, activated false, parts [], {
        "shuffle" [SUBGROUP, Multiple("CI", 4), Multiple("CO", 4)] [Cpu];
        "shuffle_any" [SUBGROUP, Multiple("CO", 4)] [Cpu];
        "tiled" [] [Gpu];
        "naive" [] [];
    } cases [
        "N=1,H=1,W=1,CI=1,OH=1,OW=1,CO=1,KH=1,KW=1,SH=1,SW=1,PT=0,PL=0,SPLITS=1,PER=1",
        "N=3,H=7,W=5,CI=3,OH=5,OW=3,CO=5,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0,SPLITS=2,PER=2",
        "N=3,H=7,W=6,CI=4,OH=7,OW=6,CO=8,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1,SPLITS=3,PER=1",
        "N=5,H=9,W=8,CI=4,OH=5,OW=4,CO=12,KH=3,KW=2,SH=2,SW=2,PT=1,PL=0,SPLITS=3,PER=2",
        "N=4,H=12,W=12,CI=1,OH=10,OW=10,CO=32,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0,SPLITS=2,PER=2",
        "N=4,H=6,W=7,CI=32,OH=4,OW=5,CO=64,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0,SPLITS=2,PER=2",
        "N=2,H=8,W=8,CI=8,OH=3,OW=3,CO=36,KH=5,KW=5,SH=3,SW=3,PT=2,PL=2,SPLITS=4,PER=1",
    ];

    SUM_PARTIALS "sum_partials" "dw, db = the sum of the splits, in order" twin::sum_partials, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["SPLITS=1,TAPS=1,CO=1", "SPLITS=3,TAPS=9,CO=5", "SPLITS=16,TAPS=36,CO=8"];

    MAX_POOL2D_FORWARD "max_pool2d_forward" "the largest of each window, and where it was" twin::max_pool2d_forward, activated false, parts [], {
        "quads" [Multiple("C", 4)] [Cpu];
        "flat" [] [Gpu];
        "naive" [] [];
    } cases [
        "N=1,H=1,W=1,C=1,OH=1,OW=1,PH=1,PW=1,SH=1,SW=1,PT=0,PL=0",
        "N=2,H=7,W=5,C=3,OH=3,OW=2,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0",
        "N=2,H=26,W=26,C=8,OH=13,OW=13,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0",
        "N=2,H=7,W=8,C=5,OH=4,OW=4,PH=3,PW=3,SH=2,SW=2,PT=1,PL=0",
        "N=1,H=6,W=6,C=4,OH=4,OW=4,PH=3,PW=3,SH=1,SW=1,PT=0,PL=0",
    ];

    MAX_POOL2D_GRAD "max_pool2d_grad" "dx = dy at the maxima, times activate_grad(x)" twin::max_pool2d_grad, activated true, parts [], {
        "windows" [Same("PH", "SH"), Same("PW", "SW"), Is("PT", 0), Is("PL", 0), Multiple("C", 4)] [Cpu];
        "flat" [] [Gpu];
        "naive" [] [];
    } cases [
        "N=1,H=1,W=1,C=1,OH=1,OW=1,PH=1,PW=1,SH=1,SW=1,PT=0,PL=0",
        "N=2,H=7,W=5,C=3,OH=3,OW=2,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0",
        "N=2,H=26,W=26,C=8,OH=13,OW=13,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0",
        "N=2,H=11,W=11,C=8,OH=5,OW=5,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0",
        "N=2,H=7,W=5,C=12,OH=3,OW=3,PH=3,PW=2,SH=3,SW=2,PT=0,PL=0",
        "N=2,H=7,W=8,C=5,OH=4,OW=4,PH=3,PW=3,SH=2,SW=2,PT=1,PL=0",
        "N=1,H=6,W=6,C=4,OH=4,OW=4,PH=3,PW=3,SH=1,SW=1,PT=0,PL=0",
    ];

    ACTIVATION_FORWARD "activation_forward" "y = activate(x)" twin::activation_forward, activated true, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1", "COUNT=77", "COUNT=4096"];

    ACTIVATION_GRAD "activation_grad" "dx = dy * activate_grad(y)" twin::activation_grad, activated true, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1", "COUNT=77", "COUNT=4096"];

    SOFTMAX_FORWARD "softmax_forward" "y = softmax of each row" twin::softmax_forward, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,CLASSES=1", "ROWS=5,CLASSES=10", "ROWS=33,CLASSES=7", "ROWS=128,CLASSES=10"];

    SOFTMAX_GRAD "softmax_grad" "dx = y · (dy - Σ dy · y)" twin::softmax_grad, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,CLASSES=1", "ROWS=5,CLASSES=10", "ROWS=33,CLASSES=7", "ROWS=128,CLASSES=10"];

    DROPOUT_FORWARD "dropout_forward" "y = x / (1 - rate), or 0 at random" twin::dropout_forward, activated false, parts [FEED, RANDOM], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1,STREAM=0,THRESHOLD=2147483648,SCALE=2", "COUNT=1601,STREAM=3,THRESHOLD=858993459,SCALE=1.25"];

    DROPOUT_GRAD "dropout_grad" "dx = dy / (1 - rate) at the same places" twin::dropout_grad, activated true, parts [FEED, RANDOM], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1,STREAM=0,THRESHOLD=2147483648,SCALE=2", "COUNT=1601,STREAM=3,THRESHOLD=858993459,SCALE=1.25"];

    SOFTMAX_CROSS_ENTROPY "softmax_cross_entropy" "loss, its gradient and the hits of each row" twin::softmax_cross_entropy, activated false, parts [FEED], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,CLASSES=2", "ROWS=5,CLASSES=10", "ROWS=33,CLASSES=7", "ROWS=128,CLASSES=10"];

    SUM_METRICS "sum_metrics" "loss and hits of the batch" twin::sum_metrics, activated false, parts [FEED], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,SLOTS=1", "ROWS=33,SLOTS=5", "ROWS=128,SLOTS=64"];

    SGD "sgd" "momentum, Nesterov, weight decay, over all parameters at once" twin::sgd, activated false, parts [FEED], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases [
        "COUNT=1,MOMENTUM=0,WEIGHT_DECAY=0,NESTEROV=0",
        "COUNT=77,MOMENTUM=0.9,WEIGHT_DECAY=0,NESTEROV=0",
        "COUNT=4099,MOMENTUM=0.9,WEIGHT_DECAY=0.01,NESTEROV=1",
    ];
}

/// The operation of that name.
///
/// # Errors
/// [`Error::Unknown`] with the known names.
pub fn op(name: &str) -> Result<&'static Op> {
    OPERATIONS.iter().copied().find(|op| op.name == name).ok_or_else(|| Error::Unknown {
        what: "operation",
        got: name.to_string(),
        known: OPERATIONS.iter().map(|op| op.name).collect::<Vec<_>>().join(", "),
    })
}

/// The element-wise activation of that name.
///
/// # Errors
/// [`Error::Unknown`] with the known names.
pub fn activation(name: &str) -> Result<&'static Activation> {
    ACTIVATIONS.iter().copied().find(|a| a.name == name).ok_or_else(|| Error::Unknown {
        what: "activation",
        got: name.to_string(),
        known: ACTIVATIONS.iter().map(|a| a.name).chain(["softmax"]).collect::<Vec<_>>().join(", "),
    })
}
