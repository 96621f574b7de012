//! The page: every operation, its variants, what they need, for which adapters they are the default,
//! and its CPU twin. A variant is one WGSL file in `shaders/<operation>/` and one line here; the order
//! is the order of preference. `naive` is always eligible: the fallback, and the text to read first.

pub mod peaks;

use crate::{
    Error, Result,
    op::{
        AdapterClass::{Cpu, Gpu},
        Call,
        Need::{Feature, Is, Multiple, Same},
        Op, Variant,
        activations::ACTIVATIONS,
    },
    reference as twin,
};
use peaks::PEAKS;

/// What changes from step to step.
pub const FEED: &str = include_str!("../shaders/common/feed.wgsl");
/// A value of the feed as a network sees it.
pub const INPUT: &str = include_str!("../shaders/common/input.wgsl");
/// A label as a number.
pub const NUMBER: &str = include_str!("../shaders/common/number.wgsl");
/// Counter-based random numbers.
pub const RANDOM: &str = include_str!("../shaders/common/random.wgsl");
/// Which image of a batch is mixed with which.
pub const MIXUP: &str = include_str!("../shaders/common/mixup.wgsl");
/// What augmentation does to an image.
pub const AUGMENTATION: &str = include_str!("../shaders/common/augment.wgsl");

/// A row of a loss that takes the label as a number.
pub const REGRESSION: &str = include_str!("../shaders/common/regression.wgsl");

/// The gradient as optimizers take it.
pub const GRADIENT: &str = include_str!("../shaders/common/gradient.wgsl");

/// Where a recurrent kernel finds the numbers of a step.
pub const RECURRENCE: &str = include_str!("../shaders/common/recurrence.wgsl");
/// What the layers behind a recurrent one leave for a step.
pub const ARRIVING: &str = include_str!("../shaders/common/arriving.wgsl");
/// The recurrent activations of gates.
pub const GATE: &str = include_str!("../shaders/common/gate.wgsl");

/// Lanes that hand values to each other.
const SUBGROUP: crate::op::Need = Feature(wgpu::Features::SUBGROUP, "SUBGROUP");
/// Numbers of half precision.
const HALF: crate::op::Need = Feature(wgpu::Features::SHADER_F16, "SHADER_F16");

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
                    page: Some($name),
                }),+],
                twin: $twin,
                cases: &[$($case),+],
            };
        )+
        /// Every operation, in the order in which a training step meets them.
        pub static OPERATIONS: &[&Op] = &[$(&$id),+];
    };
}

// variant [needs] [default for]
operations! {
    DECODE "decode" "bytes of the batch to numbers in [0, 1], floats as they are; normalized by channel" twin::decode, activated false, parts [FEED, INPUT], {
        "words" [Multiple("PIXELS", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases [
        "ROWS=1,PIXELS=1", "ROWS=3,PIXELS=7", "ROWS=5,PIXELS=784", "ROWS=2,PIXELS=64",
        "ROWS=3,PIXELS=7,FLOATS=1", "ROWS=6,PIXELS=12,FLOATS=1",
        "ROWS=5,PIXELS=48,CHANNELS=3,SCALED=1,GAIN0=4.5,GAIN1=0.25,GAIN2=-2,SHIFT0=-2.25,SHIFT1=1.5,SHIFT2=0.125",
        "ROWS=4,PIXELS=10,CHANNELS=2,SCALED=1,GAIN0=3.25,SHIFT1=-7,FLOATS=1",
        "ROWS=7,PIXELS=16,CHANNELS=4,SCALED=1,GAIN2=0.5,GAIN3=8,SHIFT2=0.75,SHIFT3=-1.5,FLOATS=1",
        "ROWS=2,PIXELS=12300",
    ];

    AUGMENT "augment" "the same, each image changed at random, and mixed with another" twin::augment, activated false, parts [FEED, RANDOM, MIXUP, INPUT, AUGMENTATION], {
        "lines" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases [
        "ROWS=1,H=1,W=1,C=1,FLIP=2147483648,SHIFT=1,ERASE=4294967295",
        "ROWS=5,H=7,W=5,C=3",
        "ROWS=9,H=7,W=6,C=1,FLIP=2147483648,SHIFT=2",
        "ROWS=9,H=12,W=9,C=3,ERASE=2147483648",
        "ROWS=6,H=11,W=8,C=1,ROTATE=3.1,BRIGHTNESS=0.4",
        "ROWS=6,H=8,W=11,C=2,ZOOM=0.5,CONTRAST=0.9",
        "ROWS=1,H=5,W=5,C=1,MIXUP=1,FLIP=2147483648",
        "ROWS=13,H=28,W=28,C=1,FLIP=2147483648,SHIFT=2,ROTATE=0.2,ZOOM=0.1,BRIGHTNESS=0.2,CONTRAST=0.2,ERASE=1073741824,MIXUP=1",
        "ROWS=128,H=28,W=28,C=1,FLIP=2147483648,SHIFT=2,ERASE=1073741824",
        "ROWS=6,H=5,W=7,C=3,FLIP=2147483648,SHIFT=1,SCALED=1,GAIN0=4.5,GAIN1=0.25,GAIN2=-2,SHIFT0=-2.25,SHIFT1=1.5",
        "ROWS=6,H=6,W=5,C=2,ROTATE=0.3,ZOOM=0.1,MIXUP=1,FLOATS=1,SCALED=1,GAIN0=3.5,SHIFT0=-2.25,SHIFT1=1.5",
        "ROWS=2,H=3,W=1030,C=1,FLIP=2147483648,SHIFT=1",
    ];

    MATMUL "matmul" "y = activate(x · w + b)" twin::matmul, activated true, parts [], {
        "subgroup" [SUBGROUP, Multiple("N", 4), Multiple("K", 4)] [Cpu];
        "subgroup_narrow" [SUBGROUP, Multiple("K", 4)] [Cpu];
        "tiled" [] [Gpu];
        "tiled_vec4" [Multiple("N", 4)] [];
        "tiled_f16" [HALF] [];
        "split" [] [];
        "naive" [] [];
    } cases ["M=1,N=1,K=1", "M=3,N=5,K=7", "M=32,N=10,K=784", "M=17,N=4,K=16", "M=33,N=68,K=9", "M=41,N=23,K=44", "M=65,N=132,K=36", "M=128,N=64,K=64", "M=130,N=131,K=67", "M=70000,N=1,K=1", "M=3,N=8,K=4100", "M=2,N=4104,K=4"];

    MATMUL_GRAD_INPUT "matmul_grad_input" "dx = (dy · wᵀ) * activate_grad(x)" twin::matmul_grad_input, activated true, parts [], {
        "subgroup" [SUBGROUP, Multiple("N", 4), Multiple("K", 4)] [Cpu];
        "subgroup_narrow" [SUBGROUP, Multiple("K", 4)] [Cpu];
        "tiled" [] [Gpu];
        "naive" [] [];
    } cases ["M=1,N=1,K=1", "M=3,N=5,K=7", "M=32,N=10,K=784", "M=17,N=16,K=4", "M=33,N=68,K=9", "M=41,N=23,K=44", "M=65,N=36,K=132", "M=128,N=64,K=64", "M=130,N=131,K=67", "M=3,N=4100,K=8", "M=2,N=4,K=4104"];

    MATMUL_GRAD_WEIGHT "matmul_grad_weight" "dw = xᵀ · dy, db = Σ dy" twin::matmul_grad_weight, activated false, parts [], {
        "subgroup" [SUBGROUP, Multiple("M", 4), Multiple("N", 4), Multiple("K", 4)] [Cpu];
        "subgroup_narrow" [SUBGROUP, Multiple("K", 4)] [Cpu];
        "tiled" [] [Gpu];
        "split" [] [];
        "naive" [] [];
    } cases ["M=1,N=1,K=1", "M=7,N=5,K=3", "M=32,N=10,K=784", "M=17,N=4,K=16", "M=9,N=68,K=33", "M=41,N=23,K=44", "M=36,N=132,K=65", "M=36,N=132,K=68", "M=128,N=64,K=64", "M=130,N=131,K=67", "M=4100,N=4,K=8", "M=4,N=4104,K=4", "M=4,N=4,K=4104"];

    CONV2D_FORWARD "conv2d_forward" "y = activate(x ∗ w + b)" twin::conv2d_forward, activated true, parts [], {
        "subgroup" [SUBGROUP, Multiple("CI", 4), Multiple("CO", 4)] [Cpu];
        "subgroup_any" [SUBGROUP, Multiple("CO", 4)] [Cpu];
        "tiled" [] [Gpu];
        "tiled_vec4" [Multiple("CO", 4)] [];
        "winograd" [Is("KH", 3), Is("KW", 3), Is("SH", 1), Is("SW", 1), Multiple("CI", 4), Multiple("CO", 4)] [];
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
        "N=2,H=2,W=3,CI=12,OH=4,OW=5,CO=12,KH=3,KW=3,SH=1,SW=1,PT=2,PL=2",
        "N=5,H=7,W=7,CI=20,OH=7,OW=7,CO=44,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1",
        "N=1,H=1,W=2,CI=1028,OH=1,OW=2,CO=1028,KH=1,KW=1,SH=1,SW=1,PT=0,PL=0",
        "N=1,H=1,W=4101,CI=1,OH=1,OW=4100,CO=4,KH=1,KW=2,SH=1,SW=1,PT=0,PL=0",
    ];

    CONV2D_GRAD_INPUT "conv2d_grad_input" "dx = (dy ∗ᵀ w) * activate_grad(x)" twin::conv2d_grad_input, activated true, parts [], {
        "subgroup" [SUBGROUP, Multiple("CI", 4), Multiple("CO", 4)] [Cpu];
        "tiled" [] [Gpu];
        "winograd" [Is("KH", 3), Is("KW", 3), Is("SH", 1), Is("SW", 1), Multiple("CI", 4), Multiple("CO", 4)] [];
        "naive" [] [];
    } cases [
        "N=1,H=1,W=1,CI=1,OH=1,OW=1,CO=1,KH=1,KW=1,SH=1,SW=1,PT=0,PL=0",
        "N=2,H=7,W=5,CI=3,OH=5,OW=3,CO=5,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0",
        "N=3,H=7,W=6,CI=4,OH=7,OW=6,CO=8,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1",
        "N=2,H=9,W=8,CI=4,OH=5,OW=4,CO=12,KH=3,KW=2,SH=2,SW=2,PT=1,PL=0",
        "N=3,H=6,W=7,CI=32,OH=4,OW=5,CO=64,KH=3,KW=3,SH=1,SW=1,PT=0,PL=0",
        "N=2,H=8,W=8,CI=36,OH=3,OW=3,CO=8,KH=5,KW=5,SH=3,SW=3,PT=2,PL=2",
        "N=2,H=2,W=3,CI=12,OH=4,OW=5,CO=12,KH=3,KW=3,SH=1,SW=1,PT=2,PL=2",
        "N=5,H=7,W=7,CI=44,OH=7,OW=7,CO=20,KH=3,KW=3,SH=1,SW=1,PT=1,PL=1",
        "N=1,H=1,W=2,CI=1028,OH=1,OW=2,CO=1028,KH=1,KW=1,SH=1,SW=1,PT=0,PL=0",
        "N=1,H=1,W=4101,CI=4,OH=1,OW=4100,CO=1,KH=1,KW=2,SH=1,SW=1,PT=0,PL=0",
    ];

    CONV2D_GRAD_WEIGHT "conv2d_grad_weight" "dw and db of a convolution, by splits of the batch" twin::conv2d_grad_weight, activated false, parts [], {
        "subgroup" [SUBGROUP, Multiple("CI", 4), Multiple("CO", 4)] [Cpu];
        "subgroup_any" [SUBGROUP, Multiple("CO", 4)] [Cpu];
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
        "N=1030,H=2,W=2,CI=4,OH=1,OW=1,CO=4,KH=2,KW=2,SH=1,SW=1,PT=0,PL=0,SPLITS=2,PER=515",
        "N=1,H=1,W=4101,CI=4,OH=1,OW=4100,CO=4,KH=1,KW=2,SH=1,SW=1,PT=0,PL=0,SPLITS=1,PER=1",
        "N=1,H=1,W=2,CI=1028,OH=1,OW=2,CO=1028,KH=1,KW=1,SH=1,SW=1,PT=0,PL=0,SPLITS=1,PER=1",
    ];

    SUM_PARTIALS "sum_partials" "dw, db = the sum of the splits, in order" twin::sum_partials, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["SPLITS=1,TAPS=1,CO=1", "SPLITS=3,TAPS=9,CO=5", "SPLITS=16,TAPS=36,CO=8", "SPLITS=1031,TAPS=3,CO=5", "SPLITS=2,TAPS=4101,CO=3", "SPLITS=2,TAPS=3,CO=4101"];

    MAX_POOL2D_FORWARD "max_pool2d_forward" "the largest of each window, and where it was" twin::max_pool2d_forward, activated false, parts [], {
        "vec4" [Multiple("C", 4)] [Cpu];
        "flat" [] [Gpu];
        "naive" [] [];
    } cases [
        "N=1,H=1,W=1,C=1,OH=1,OW=1,PH=1,PW=1,SH=1,SW=1,PT=0,PL=0",
        "N=2,H=7,W=5,C=3,OH=3,OW=2,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0",
        "N=2,H=26,W=26,C=8,OH=13,OW=13,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0",
        "N=2,H=7,W=8,C=5,OH=4,OW=4,PH=3,PW=3,SH=2,SW=2,PT=1,PL=0",
        "N=1,H=6,W=6,C=4,OH=4,OW=4,PH=3,PW=3,SH=1,SW=1,PT=0,PL=0",
        "N=1,H=1,W=4101,C=4,OH=1,OW=1,PH=1,PW=4101,SH=1,SW=4101,PT=0,PL=0",
        "N=1,H=2,W=3,C=4104,OH=1,OW=1,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0",
        "N=1,H=1,W=8202,C=1,OH=1,OW=4101,PH=1,PW=2,SH=1,SW=2,PT=0,PL=0",
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
        "N=1,H=1,W=4101,C=4,OH=1,OW=1,PH=1,PW=4101,SH=1,SW=4101,PT=0,PL=0",
        "N=1,H=2,W=3,C=4104,OH=1,OW=1,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0",
        "N=1,H=1,W=8202,C=1,OH=1,OW=4101,PH=1,PW=2,SH=1,SW=2,PT=0,PL=0",
    ];

    ACTIVATION_FORWARD "activation_forward" "y = activate(x)" twin::activation_forward, activated true, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1", "COUNT=77", "COUNT=70004"];

    ACTIVATION_GRAD "activation_grad" "dx = dy * activate_grad(y or x)" twin::activation_grad, activated true, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1", "COUNT=77", "COUNT=70004"];

    ADD "add" "y = activate(a + b)" twin::add, activated true, parts [], {
        "vec4" [Multiple("COUNT", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1", "COUNT=77", "COUNT=70004"];

    UNARY "unary" "y = a function of each element: root, logarithm, clamp ..." twin::unary, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases [
        "COUNT=1,FUNCTION=0,A=-0.5,B=0.125", "COUNT=70001,FUNCTION=0,A=3,B=-1",
        "COUNT=77,FUNCTION=1,A=0,B=0", "COUNT=77,FUNCTION=2,A=2,B=0", "COUNT=77,FUNCTION=3,A=2,B=0", "COUNT=77,FUNCTION=4,A=2,B=0", "COUNT=77,FUNCTION=5,A=-0.25,B=0.75", "COUNT=77,FUNCTION=6,A=0,B=0", "COUNT=77,FUNCTION=7,A=0,B=0", "COUNT=77,FUNCTION=8,A=0,B=0", "COUNT=77,FUNCTION=9,A=1.5,B=0.75", "COUNT=77,FUNCTION=10,A=0.125,B=0", "COUNT=77,FUNCTION=11,A=0.25,B=0", "COUNT=77,FUNCTION=12,A=0.5,B=0.25",
    ];

    BINARY "binary" "y = a - b, a · b, the smaller or the larger" twin::binary, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1,FUNCTION=0", "COUNT=77,FUNCTION=1", "COUNT=77,FUNCTION=2", "COUNT=70001,FUNCTION=3"];

    CONCATENATE "concatenate" "y = a and b side by side" twin::concatenate, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,A=1,B=1", "ROWS=5,A=3,B=7", "ROWS=77,A=16,B=8", "ROWS=2,A=4101,B=3", "ROWS=2,A=3,B=4101", "ROWS=4101,A=2,B=1"];

    SLICE_COLUMNS "slice_columns" "dx = some columns of dy, times activate_grad(x)" twin::slice_columns, activated true, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,WIDTH=1,FROM=0,COUNT=1", "ROWS=5,WIDTH=10,FROM=3,COUNT=7", "ROWS=77,WIDTH=24,FROM=16,COUNT=8", "ROWS=2,WIDTH=4105,FROM=3,COUNT=4101", "ROWS=4101,WIDTH=3,FROM=1,COUNT=2"];

    GROUPED_CONV2D_FORWARD "grouped_conv2d_forward" "y = activate(x ∗ w + b), by groups, with gaps" twin::grouped_conv2d_forward, activated true, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["N=1,H=1,W=1,CI=1,OH=1,OW=1,CO=1,KH=1,KW=1,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=1,COG=1", "N=3,H=7,W=6,CI=8,OH=7,OW=6,CO=8,KH=3,KW=3,SH=1,SW=1,DH=1,DW=1,PT=1,PL=1,CIG=1,COG=1", "N=3,H=7,W=6,CI=4,OH=4,OW=3,CO=8,KH=3,KW=2,SH=2,SW=2,DH=1,DW=1,PT=1,PL=0,CIG=1,COG=2", "N=3,H=9,W=8,CI=3,OH=5,OW=6,CO=5,KH=3,KW=2,SH=1,SW=1,DH=2,DW=2,PT=0,PL=0,CIG=3,COG=5", "N=3,H=9,W=8,CI=6,OH=4,OW=4,CO=9,KH=3,KW=3,SH=2,SW=2,DH=2,DW=2,PT=1,PL=2,CIG=2,COG=3", "N=1,H=2,W=3,CI=2056,OH=2,OW=3,CO=4,KH=1,KW=1,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=1028,COG=2", "N=1,H=1,W=3,CI=4101,OH=1,OW=2,CO=4101,KH=1,KW=2,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=1,COG=1"];

    GROUPED_CONV2D_GRAD_INPUT "grouped_conv2d_grad_input" "dx = (dy ∗ᵀ w) * activate_grad(x), by groups" twin::grouped_conv2d_grad_input, activated true, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["N=1,H=1,W=1,CI=1,OH=1,OW=1,CO=1,KH=1,KW=1,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=1,COG=1", "N=3,H=7,W=6,CI=8,OH=7,OW=6,CO=8,KH=3,KW=3,SH=1,SW=1,DH=1,DW=1,PT=1,PL=1,CIG=1,COG=1", "N=3,H=7,W=6,CI=4,OH=4,OW=3,CO=8,KH=3,KW=2,SH=2,SW=2,DH=1,DW=1,PT=1,PL=0,CIG=1,COG=2", "N=3,H=9,W=8,CI=3,OH=5,OW=6,CO=5,KH=3,KW=2,SH=1,SW=1,DH=2,DW=2,PT=0,PL=0,CIG=3,COG=5", "N=3,H=9,W=8,CI=6,OH=4,OW=4,CO=9,KH=3,KW=3,SH=2,SW=2,DH=2,DW=2,PT=1,PL=2,CIG=2,COG=3", "N=1,H=2,W=3,CI=4,OH=2,OW=3,CO=2056,KH=1,KW=1,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=2,COG=1028", "N=1,H=1,W=3,CI=4101,OH=1,OW=2,CO=4101,KH=1,KW=2,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=1,COG=1"];

    GROUPED_CONV2D_GRAD_WEIGHT "grouped_conv2d_grad_weight" "dw and db by groups, by splits of the batch" twin::grouped_conv2d_grad_weight, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["N=1,H=1,W=1,CI=1,OH=1,OW=1,CO=1,KH=1,KW=1,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=1,COG=1,SPLITS=1,PER=1", "N=3,H=7,W=6,CI=8,OH=7,OW=6,CO=8,KH=3,KW=3,SH=1,SW=1,DH=1,DW=1,PT=1,PL=1,CIG=1,COG=1,SPLITS=2,PER=2", "N=3,H=7,W=6,CI=4,OH=4,OW=3,CO=8,KH=3,KW=2,SH=2,SW=2,DH=1,DW=1,PT=1,PL=0,CIG=1,COG=2,SPLITS=2,PER=2", "N=3,H=9,W=8,CI=3,OH=5,OW=6,CO=5,KH=3,KW=2,SH=1,SW=1,DH=2,DW=2,PT=0,PL=0,CIG=3,COG=5,SPLITS=2,PER=2", "N=3,H=9,W=8,CI=6,OH=4,OW=4,CO=9,KH=3,KW=3,SH=2,SW=2,DH=2,DW=2,PT=1,PL=2,CIG=2,COG=3,SPLITS=2,PER=2", "N=1030,H=2,W=2,CI=4,OH=1,OW=1,CO=4,KH=2,KW=2,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=2,COG=2,SPLITS=1,PER=1030", "N=1,H=1,W=3,CI=4101,OH=1,OW=2,CO=4101,KH=1,KW=2,SH=1,SW=1,DH=1,DW=1,PT=0,PL=0,CIG=1,COG=1,SPLITS=1,PER=1"];

    AVERAGE_POOL2D_FORWARD "average_pool2d_forward" "the mean of each window" twin::average_pool2d_forward, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["N=1,H=1,W=1,C=1,OH=1,OW=1,PH=1,PW=1,SH=1,SW=1,PT=0,PL=0", "N=2,H=7,W=5,C=3,OH=3,OW=2,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0", "N=2,H=7,W=8,C=5,OH=4,OW=4,PH=3,PW=3,SH=2,SW=2,PT=1,PL=0", "N=2,H=7,W=6,C=4,OH=1,OW=1,PH=7,PW=6,SH=1,SW=1,PT=0,PL=0", "N=1,H=1,W=4101,C=3,OH=1,OW=1,PH=1,PW=4101,SH=1,SW=1,PT=0,PL=0", "N=1,H=2,W=3,C=4101,OH=1,OW=1,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0"];

    AVERAGE_POOL2D_GRAD "average_pool2d_grad" "dx = dy shared out to the window, times activate_grad(x)" twin::average_pool2d_grad, activated true, parts [], {
        "windows" [Same("PH", "SH"), Same("PW", "SW"), Is("PT", 0), Is("PL", 0), Multiple("C", 4)] [Cpu];
        "apart" [Same("PH", "SH"), Same("PW", "SW")] [Cpu, Gpu];
        "naive" [] [Cpu, Gpu];
    } cases ["N=1,H=1,W=1,C=1,OH=1,OW=1,PH=1,PW=1,SH=1,SW=1,PT=0,PL=0", "N=2,H=7,W=5,C=3,OH=3,OW=2,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0", "N=2,H=7,W=8,C=5,OH=4,OW=4,PH=3,PW=3,SH=2,SW=2,PT=1,PL=0", "N=2,H=7,W=6,C=4,OH=1,OW=1,PH=7,PW=6,SH=1,SW=1,PT=0,PL=0", "N=2,H=7,W=5,C=4,OH=3,OW=2,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0", "N=3,H=7,W=5,C=12,OH=4,OW=3,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0", "N=2,H=8,W=7,C=3,OH=3,OW=3,PH=3,PW=3,SH=3,SW=3,PT=1,PL=1", "N=9,H=7,W=6,C=64,OH=1,OW=1,PH=7,PW=6,SH=7,SW=6,PT=0,PL=0", "N=1,H=1,W=4101,C=4,OH=1,OW=1,PH=1,PW=4101,SH=1,SW=4101,PT=0,PL=0", "N=1,H=2,W=3,C=4104,OH=1,OW=1,PH=2,PW=2,SH=2,SW=2,PT=0,PL=0"];

    PAD2D_FORWARD "pad2d_forward" "y = x with zeros round it" twin::pad2d_forward, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["N=1,H=1,W=1,C=1,OH=1,OW=1,PT=0,PL=0", "N=2,H=3,W=5,C=3,OH=6,OW=7,PT=1,PL=2", "N=1,H=1,W=4101,C=3,OH=2,OW=4104,PT=1,PL=2"];

    PAD2D_GRAD "pad2d_grad" "dx = dy inside the padding, times activate_grad(x)" twin::pad2d_grad, activated true, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["N=1,H=1,W=1,C=1,OH=1,OW=1,PT=0,PL=0", "N=2,H=3,W=5,C=3,OH=6,OW=7,PT=1,PL=2", "N=1,H=1,W=4101,C=3,OH=2,OW=4104,PT=1,PL=2"];

    BATCH_NORM_PARTIALS "batch_norm_partials" "mean and squares of each channel, by splits of the rows" twin::batch_norm_partials, activated false, parts [FEED], {
        "vec4" [Multiple("C", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,SPATIAL=1,C=1,SPLITS=1,PER=1", "ROWS=7,SPATIAL=6,C=5,SPLITS=4,PER=11", "ROWS=16,SPATIAL=9,C=68,SPLITS=9,PER=16", "ROWS=4101,SPATIAL=1,C=4,SPLITS=1,PER=4101", "ROWS=2,SPATIAL=3,C=4104,SPLITS=2,PER=3"];

    BATCH_NORM_COMBINE "batch_norm_combine" "statistics of the batch from those of the splits; moving averages" twin::batch_norm_combine, activated false, parts [FEED], {
        "naive" [] [Cpu, Gpu];
    } cases [
        "ROWS=1,SPATIAL=4,C=1,SPLITS=1,PER=4,MOMENTUM=0.5,EPSILON=0.001,SCALED=1",
        "ROWS=7,SPATIAL=6,C=5,SPLITS=4,PER=11,MOMENTUM=0.99,EPSILON=0.001,SCALED=0",
        "ROWS=16,SPATIAL=9,C=68,SPLITS=9,PER=16,MOMENTUM=0.9,EPSILON=0.00001,SCALED=1",
        "ROWS=1031,SPATIAL=2,C=3,SPLITS=1031,PER=2,MOMENTUM=0.9,EPSILON=0.001,SCALED=1",
        "ROWS=2,SPATIAL=3,C=4101,SPLITS=2,PER=3,MOMENTUM=0.9,EPSILON=0.001,SCALED=1",
    ];

    BATCH_NORM_MOVING "batch_norm_moving" "statistics from the moving averages" twin::batch_norm_moving, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["C=1,EPSILON=0.001,SCALED=1", "C=77,EPSILON=0.25,SCALED=0", "C=4101,EPSILON=0.001,SCALED=1"];

    BATCH_NORM_FORWARD "batch_norm_forward" "y = activate(a · x + b)" twin::batch_norm_forward, activated true, parts [], {
        "vec4" [Multiple("C", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ITEMS=1,C=1", "ITEMS=7,C=5", "ITEMS=130,C=68", "ITEMS=4101,C=4", "ITEMS=2,C=4104"];

    BATCH_NORM_GRAD_PARTIALS "batch_norm_grad_partials" "dgamma and dbeta, by splits of the rows" twin::batch_norm_grad_partials, activated false, parts [], {
        "vec4" [Multiple("C", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ITEMS=1,C=1,SPLITS=1,PER=1", "ITEMS=42,C=5,SPLITS=4,PER=11", "ITEMS=144,C=68,SPLITS=9,PER=16", "ITEMS=4101,C=4,SPLITS=1,PER=4101", "ITEMS=6,C=4104,SPLITS=2,PER=3"];

    BATCH_NORM_GRAD_COMBINE "batch_norm_grad_combine" "dgamma, dbeta, and the coefficients of dx" twin::batch_norm_grad_combine, activated false, parts [FEED], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,SPATIAL=1,C=1,SPLITS=1,SCALED=1", "ROWS=7,SPATIAL=6,C=5,SPLITS=4,SCALED=0", "ROWS=16,SPATIAL=9,C=68,SPLITS=9,SCALED=1", "ROWS=1031,SPATIAL=2,C=3,SPLITS=1031,SCALED=1", "ROWS=2,SPATIAL=3,C=4101,SPLITS=2,SCALED=1"];

    BATCH_NORM_GRAD_INPUT "batch_norm_grad_input" "dx = (k0 · dy + k1 · x + k2) * activate_grad(x)" twin::batch_norm_grad_input, activated true, parts [FEED], {
        "vec4" [Multiple("C", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,SPATIAL=1,C=1", "ROWS=7,SPATIAL=6,C=5", "ROWS=16,SPATIAL=9,C=68", "ROWS=2,SPATIAL=3,C=4104"];

    LAYER_NORM_FORWARD "layer_norm_forward" "y = activate(gamma · x̂ + beta) over the last axis" twin::layer_norm_forward, activated true, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ITEMS=1,C=1,EPSILON=0.001,SCALED=1", "ITEMS=33,C=7,EPSILON=0.25,SCALED=0", "ITEMS=70,C=128,EPSILON=0.001,SCALED=1", "ITEMS=2,C=4101,EPSILON=0.001,SCALED=1", "ITEMS=4101,C=3,EPSILON=0.001,SCALED=1"];

    LAYER_NORM_GRAD_INPUT "layer_norm_grad_input" "dx of the same, times activate_grad(x)" twin::layer_norm_grad_input, activated true, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ITEMS=1,C=1,SCALED=1", "ITEMS=33,C=7,SCALED=0", "ITEMS=70,C=128,SCALED=1", "ITEMS=2,C=4101,SCALED=1", "ITEMS=4101,C=3,SCALED=1"];

    LAYER_NORM_GRAD_WEIGHT "layer_norm_grad_weight" "dgamma and dbeta, by splits of the rows" twin::layer_norm_grad_weight, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ITEMS=1,C=1,SPLITS=1,PER=1", "ITEMS=42,C=5,SPLITS=4,PER=11", "ITEMS=144,C=68,SPLITS=9,PER=16", "ITEMS=4101,C=3,SPLITS=1,PER=4101", "ITEMS=6,C=4101,SPLITS=2,PER=3"];

    PRELU_FORWARD "prelu_forward" "y = x, or alpha · x below zero" twin::prelu_forward, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ITEMS=1,A=1", "ITEMS=7,A=5", "ITEMS=130,A=68", "ITEMS=17,A=4101"];

    PRELU_GRAD_INPUT "prelu_grad_input" "dx = dy, or alpha · dy below zero, times activate_grad(x)" twin::prelu_grad_input, activated true, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ITEMS=1,A=1", "ITEMS=7,A=5", "ITEMS=130,A=68", "ITEMS=17,A=4101"];

    PRELU_GRAD_WEIGHT "prelu_grad_weight" "dalpha, by splits of the rows" twin::prelu_grad_weight, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ITEMS=1,A=1,SPLITS=1,PER=1", "ITEMS=42,A=5,SPLITS=4,PER=11", "ITEMS=144,A=68,SPLITS=9,PER=16", "ITEMS=4101,A=3,SPLITS=1,PER=4101", "ITEMS=6,A=4101,SPLITS=2,PER=3"];

    CLEAR "clear" "y = 0" twin::clear, activated false, parts [], {
        "vec4" [Multiple("COUNT", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1", "COUNT=77", "COUNT=70004", "COUNT=70008"];

    SIMPLE_RNN_CELL_FORWARD "simple_rnn_cell_forward" "one step of a simple recurrent layer: state = activate(z + q)" twin::simple_rnn_cell_forward, activated true, parts [RECURRENCE], {
        "vec4" [Multiple("UNITS", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,TIME=1,UNITS=1", "ROWS=3,TIME=4,UNITS=5", "ROWS=9,TIME=3,UNITS=4,REVERSE=1", "ROWS=33,TIME=3,UNITS=20,REVERSE=1", "ROWS=5,TIME=2,UNITS=1028", "ROWS=128,TIME=4,UNITS=128"];

    SIMPLE_RNN_CELL_GRAD "simple_rnn_cell_grad" "dz of one step of a simple recurrent layer" twin::simple_rnn_cell_grad, activated true, parts [RECURRENCE, ARRIVING], {
        "vec4" [Multiple("UNITS", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,TIME=1,UNITS=1,OUT=1", "ROWS=3,TIME=4,UNITS=5,OUT=4", "ROWS=9,TIME=3,UNITS=4,OUT=1,REVERSE=1", "ROWS=33,TIME=3,UNITS=20,OUT=3,REVERSE=1,FLIP=1", "ROWS=5,TIME=2,UNITS=1028,OUT=2,FLIP=1", "ROWS=128,TIME=4,UNITS=128,OUT=1"];

    LSTM_CELL_FORWARD "lstm_cell_forward" "gates, cell and state of one step of an LSTM" twin::lstm_cell_forward, activated true, parts [RECURRENCE, GATE], {
        "vec4" [Multiple("UNITS", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,TIME=1,UNITS=1", "ROWS=3,TIME=4,UNITS=5,GATE=1", "ROWS=9,TIME=3,UNITS=4,REVERSE=1", "ROWS=33,TIME=3,UNITS=20,REVERSE=1,GATE=1", "ROWS=5,TIME=2,UNITS=1028", "ROWS=128,TIME=4,UNITS=128"];

    LSTM_CELL_GRAD "lstm_cell_grad" "dz of one step of an LSTM" twin::lstm_cell_grad, activated true, parts [RECURRENCE, ARRIVING, GATE], {
        "vec4" [Multiple("UNITS", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,TIME=1,UNITS=1,OUT=1", "ROWS=3,TIME=4,UNITS=5,OUT=4,GATE=1", "ROWS=9,TIME=3,UNITS=4,OUT=1,REVERSE=1", "ROWS=33,TIME=3,UNITS=20,OUT=3,REVERSE=1,FLIP=1,GATE=1", "ROWS=5,TIME=2,UNITS=1028,OUT=2,FLIP=1", "ROWS=128,TIME=4,UNITS=128,OUT=1"];

    GRU_CELL_FORWARD "gru_cell_forward" "gates and state of one step of a GRU" twin::gru_cell_forward, activated true, parts [RECURRENCE, GATE], {
        "vec4" [Multiple("UNITS", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,TIME=1,UNITS=1,BIASES=2", "ROWS=3,TIME=4,UNITS=5,GATE=1,BIASES=1", "ROWS=9,TIME=3,UNITS=4,REVERSE=1,BIASES=2", "ROWS=33,TIME=3,UNITS=20,REVERSE=1,GATE=1,BIASES=1", "ROWS=5,TIME=2,UNITS=1028,BIASES=2", "ROWS=128,TIME=4,UNITS=128,BIASES=2"];

    GRU_CELL_GRAD "gru_cell_grad" "dz and dq of one step of a GRU" twin::gru_cell_grad, activated true, parts [RECURRENCE, ARRIVING, GATE], {
        "vec4" [Multiple("UNITS", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,TIME=1,UNITS=1,OUT=1", "ROWS=3,TIME=4,UNITS=5,OUT=4,GATE=1", "ROWS=9,TIME=3,UNITS=4,OUT=1,REVERSE=1", "ROWS=33,TIME=3,UNITS=20,OUT=3,REVERSE=1,FLIP=1,GATE=1", "ROWS=5,TIME=2,UNITS=1028,OUT=2,FLIP=1", "ROWS=128,TIME=4,UNITS=128,OUT=1"];

    RECURRENT_OUTPUT "recurrent_output" "y = the state behind every step of a recurrent layer" twin::recurrent_output, activated false, parts [RECURRENCE], {
        "vec4" [Multiple("UNITS", 4)] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,TIME=1,UNITS=1", "ROWS=3,TIME=4,UNITS=5,REVERSE=1", "ROWS=9,TIME=3,UNITS=4,FLIP=1", "ROWS=33,TIME=3,UNITS=20,REVERSE=1,FLIP=1", "ROWS=5,TIME=2,UNITS=1028", "ROWS=128,TIME=4,UNITS=128", "ROWS=2,TIME=1031,UNITS=4"];

    SOFTMAX_FORWARD "softmax_forward" "y = softmax of each row" twin::softmax_forward, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,CLASSES=1", "ROWS=5,CLASSES=10", "ROWS=33,CLASSES=7", "ROWS=4101,CLASSES=10", "ROWS=2,CLASSES=4101"];

    SOFTMAX_GRAD "softmax_grad" "dx = y · (dy - Σ dy · y)" twin::softmax_grad, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,CLASSES=1", "ROWS=5,CLASSES=10", "ROWS=33,CLASSES=7", "ROWS=4101,CLASSES=10", "ROWS=2,CLASSES=4101"];

    DROPOUT_FORWARD "dropout_forward" "y = x / (1 - rate), or 0 at random" twin::dropout_forward, activated false, parts [FEED, RANDOM], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1,STREAM=0,THRESHOLD=2147483648,SCALE=2", "COUNT=1601,STREAM=3,THRESHOLD=858993459,SCALE=1.25", "COUNT=360,STREAM=2,THRESHOLD=2147483648,SCALE=2,SPATIAL=12,C=5"];

    DROPOUT_GRAD "dropout_grad" "dx = dy / (1 - rate) at the same places" twin::dropout_grad, activated true, parts [FEED, RANDOM], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1,STREAM=0,THRESHOLD=2147483648,SCALE=2", "COUNT=1601,STREAM=3,THRESHOLD=858993459,SCALE=1.25", "COUNT=360,STREAM=2,THRESHOLD=2147483648,SCALE=2,SPATIAL=12,C=5"];

    SOFTMAX_CROSS_ENTROPY "softmax_cross_entropy" "loss, its gradient and the hits of each row" twin::softmax_cross_entropy, activated false, parts [FEED, RANDOM, MIXUP], {
        "naive" [] [Cpu, Gpu];
    } cases [
        "ROWS=1,CLASSES=2",
        "ROWS=5,CLASSES=10",
        "ROWS=33,CLASSES=7,SMOOTHING=0.1",
        "ROWS=5,CLASSES=3,MIXUP=1",
        "ROWS=1,CLASSES=3,MIXUP=1",
        "ROWS=33,CLASSES=10,SMOOTHING=0.25,MIXUP=1",
        "ROWS=4101,CLASSES=10",
        "ROWS=2,CLASSES=4101,SMOOTHING=0.1",
    ];

    BINARY_CROSS_ENTROPY "binary_cross_entropy" "the same of one logit, for labels 0 and 1" twin::binary_cross_entropy, activated false, parts [FEED, RANDOM, MIXUP], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,CLASSES=2", "ROWS=33,CLASSES=2,SMOOTHING=0.2", "ROWS=5,CLASSES=2,MIXUP=1", "ROWS=4101,CLASSES=2,SMOOTHING=0.1,MIXUP=1"];

    MEAN_SQUARED_ERROR "mean_squared_error" "squared distance of one output from the label" twin::mean_squared_error, activated false, parts [FEED, RANDOM, MIXUP, NUMBER, REGRESSION], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,CLASSES=1", "ROWS=33,CLASSES=10", "ROWS=5,CLASSES=3,MIXUP=1", "ROWS=4101,CLASSES=10,MIXUP=1", "ROWS=33,CLASSES=1,REAL=1", "ROWS=7,CLASSES=1,REAL=1,MIXUP=1", "ROWS=2,CLASSES=4101"];

    MEAN_ABSOLUTE_ERROR "mean_absolute_error" "distance of one output from the label" twin::mean_absolute_error, activated false, parts [FEED, RANDOM, MIXUP, NUMBER, REGRESSION], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,CLASSES=1", "ROWS=33,CLASSES=10", "ROWS=5,CLASSES=3,MIXUP=1", "ROWS=4101,CLASSES=10,MIXUP=1", "ROWS=33,CLASSES=1,REAL=1", "ROWS=7,CLASSES=1,REAL=1,MIXUP=1", "ROWS=2,CLASSES=4101"];

    HUBER "huber" "the square of small distances, the distance of large ones" twin::huber, activated false, parts [FEED, RANDOM, MIXUP, NUMBER, REGRESSION], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,CLASSES=1,DELTA=0.75", "ROWS=33,CLASSES=10,DELTA=2.5", "ROWS=5,CLASSES=3,MIXUP=1,DELTA=0.75", "ROWS=4101,CLASSES=10,MIXUP=1,DELTA=0.75", "ROWS=33,CLASSES=1,REAL=1,DELTA=0.75", "ROWS=7,CLASSES=1,REAL=1,MIXUP=1,DELTA=0.75", "ROWS=2,CLASSES=4101,DELTA=0.75"];

    SUM_METRICS "sum_metrics" "loss and hits of the batch" twin::sum_metrics, activated false, parts [FEED], {
        "naive" [] [Cpu, Gpu];
    } cases ["ROWS=1,SLOTS=1", "ROWS=33,SLOTS=5", "ROWS=4101,SLOTS=64"];

    SQUARE_PARTIALS "square_partials" "the squared norm of all gradients, by splits" twin::square_partials, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases [
        "COUNT=1,SPLITS=1",
        "COUNT=77,SPLITS=5",
        "COUNT=4099,SPLITS=130",
        "COUNT=70001,SPLITS=3",
    ];

    CLIP_SCALE "clip_scale" "what clipping by the global norm multiplies gradients by" twin::clip_scale, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases [
        "SPLITS=1,CLIPNORM=1000",
        "SPLITS=5,CLIPNORM=0.5",
        "SPLITS=4101,CLIPNORM=0.001",
    ];

    SGD "sgd" "momentum, Nesterov, weight decay, over all parameters at once" twin::sgd, activated false, parts [FEED, GRADIENT], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases [
        "COUNT=1,MOMENTUM=0,WEIGHT_DECAY=0,NESTEROV=0,CLIPPED=0",
        "COUNT=77,MOMENTUM=0.9,WEIGHT_DECAY=0.02,NESTEROV=0,CLIPPED=1", "COUNT=77,MOMENTUM=0.9,WEIGHT_DECAY=0.02,NESTEROV=1,CLIPPED=1",
        "COUNT=70001,MOMENTUM=0.9,WEIGHT_DECAY=0.01,NESTEROV=1,CLIPPED=0",
    ];

    ADAM "adam" "Adam and AdamW, over all parameters at once" twin::adam, activated false, parts [FEED, GRADIENT], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases [
        "COUNT=1,GAIN_1=0.1,GAIN_2=0.001,EPSILON=0.0000001,WEIGHT_DECAY=0,CLIPPED=0",
        "COUNT=77,GAIN_1=0.5,GAIN_2=0.1,EPSILON=0.0000001,WEIGHT_DECAY=0.02,CLIPPED=1",
        "COUNT=70001,GAIN_1=0.1,GAIN_2=0.001,EPSILON=0.001,WEIGHT_DECAY=0.01,CLIPPED=0",
    ];

    RMSPROP "rmsprop" "RMSprop, centered or not, over all parameters at once" twin::rmsprop, activated false, parts [FEED, GRADIENT], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases [
        "COUNT=1,GAIN=0.1,MOMENTUM=0,EPSILON=0.0000001,WEIGHT_DECAY=0,CENTERED=0,HEAVY=0,MEANS=1,MOMENTA=1,CLIPPED=0",
        "COUNT=77,GAIN=0.1,MOMENTUM=0.9,EPSILON=0.0000001,WEIGHT_DECAY=0.01,CENTERED=0,HEAVY=1,MEANS=1,MOMENTA=77,CLIPPED=1",
        "COUNT=79,GAIN=0.01,MOMENTUM=0,EPSILON=0.001,WEIGHT_DECAY=0.01,CENTERED=1,HEAVY=0,MEANS=79,MOMENTA=1,CLIPPED=0",
        "COUNT=70001,GAIN=0.1,MOMENTUM=0.9,EPSILON=0.001,WEIGHT_DECAY=0,CENTERED=1,HEAVY=1,MEANS=70001,MOMENTA=70001,CLIPPED=0",
    ];

    ADAGRAD "adagrad" "Adagrad, over all parameters at once" twin::adagrad, activated false, parts [FEED, GRADIENT], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases [
        "COUNT=1,EPSILON=0.0000001,WEIGHT_DECAY=0,CLIPPED=0",
        "COUNT=77,EPSILON=0.001,WEIGHT_DECAY=0.02,CLIPPED=1",
        "COUNT=70001,EPSILON=0.0000001,WEIGHT_DECAY=0.01,CLIPPED=0",
    ];

    LION "lion" "Lion, over all parameters at once" twin::lion, activated false, parts [FEED, GRADIENT], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases [
        "COUNT=1,GAIN_1=0.1,GAIN_2=0.01,WEIGHT_DECAY=0,CLIPPED=0",
        "COUNT=77,GAIN_1=0.5,GAIN_2=0.1,WEIGHT_DECAY=0.02,CLIPPED=1",
        "COUNT=70001,GAIN_1=0.1,GAIN_2=0.01,WEIGHT_DECAY=0.01,CLIPPED=0",
    ];

    MUON_MOMENTUM "muon_momentum" "Muon's momentum of what is a matrix, over all parameters at once" twin::muon_momentum, activated false, parts [FEED, GRADIENT], {
        "naive" [] [Cpu, Gpu];
    } cases [
        "COUNT=1,MOMENTUM=0.95,NESTEROV=1,CLIPPED=0",
        "COUNT=77,MOMENTUM=0.95,NESTEROV=1,CLIPPED=1",
        "COUNT=70001,MOMENTUM=0.5,NESTEROV=0,CLIPPED=0",
    ];

    INVERSE_NORM "inverse_norm" "what takes a tensor to the norm 1" twin::inverse_norm, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["SPLITS=1,EPSILON=0.0000001", "SPLITS=5,EPSILON=0.5", "SPLITS=4101,EPSILON=0.0000001"];

    SCALED "scaled" "y = x · scale" twin::scaled, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1", "COUNT=77", "COUNT=70001"];

    NEWTON_SCHULZ "newton_schulz" "the polynomial of a step towards an orthogonal matrix" twin::newton_schulz, activated false, parts [], {
        "naive" [] [Cpu, Gpu];
    } cases ["SIZE=1,A=3.4445,B=-4.775,C=2.0315", "SIZE=7,A=3.4445,B=-4.775,C=2.0315", "SIZE=65,A=1.5,B=-0.5,C=0", "SIZE=257,A=3.4445,B=-4.775,C=2.0315"];

    MUON "muon" "Muon for matrices and AdamW for the rest, over all parameters at once" twin::muon, activated false, parts [FEED, GRADIENT], {
        "naive" [] [Cpu, Gpu];
    } cases [
        "COUNT=1,GAIN_1=0.1,GAIN_2=0.001,EPSILON=0.0000001,WEIGHT_DECAY=0,CLIPPED=0",
        "COUNT=77,GAIN_1=0.5,GAIN_2=0.1,EPSILON=0.0000001,WEIGHT_DECAY=0.02,CLIPPED=1",
        "COUNT=70001,GAIN_1=0.1,GAIN_2=0.001,EPSILON=0.001,WEIGHT_DECAY=0.01,CLIPPED=0",
    ];

    ACCUMULATE "accumulate" "the gradients of a batch's parts, added up over all parameters" twin::accumulate, activated false, parts [FEED], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases ["COUNT=1", "COUNT=77", "COUNT=70001"];

    MOVING_AVERAGE "moving_average" "the moving average of the weights, over the whole arena" twin::moving_average, activated false, parts [FEED], {
        "several" [] [Cpu];
        "naive" [] [Cpu, Gpu];
    } cases [
        "COUNT=1,TRAINED=1",
        "COUNT=77,TRAINED=33",
        "COUNT=70001,TRAINED=70001",
    ];
}

impl Call {
    /// Whether `variant` may run this call without wgpu's injected checks: a text of this operation's page, composed
    /// with nothing but wgrad's own texts, at sizes that it takes.
    pub fn trusts(&self, variant: &Variant, features: wgpu::Features) -> bool {
        let mut ops = OPERATIONS.iter().chain(PEAKS);
        variant.page == Some(self.op.name)
            && ops.any(|op| std::ptr::eq(*op, self.op))
            && ACTIVATIONS.iter().any(|a| std::ptr::eq(*a, self.activation))
            && variant.unmet(&self.sizes, features).is_none()
    }
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
