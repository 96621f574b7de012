//! The supported attributes of every operator, with their accepted values. An unknown attribute may change results
//! and is therefore refused; so is a value that the importer does not handle.

use super::Said;
use crate::onnx::{
    attributes::Node,
    proto::{AttributeProto, attribute},
};

/// Type or accepted values of an attribute.
#[derive(Clone, Copy)]
enum Takes {
    /// An integer.
    Int,
    /// 0 or 1.
    Flag,
    /// Only this integer.
    Only(i64),
    /// A float.
    Float,
    /// One of these words.
    Word(&'static [&'static str]),
    Ints,
    Floats,
    /// Any word, which the importer reads.
    Text,
    Texts,
    Tensor,
    /// No value at all: wgrad has no such feature.
    Nothing,
}
use Takes::{Flag, Float, Floats, Int, Ints, Nothing, Only, Tensor, Text, Texts, Word};

type Attribute = (&'static str, Takes);

const PADS: Takes = Word(&["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]);
const REDUCE: &[Attribute] = &[("axes", Ints), ("keepdims", Flag), ("noop_with_empty_axes", Flag)];
const RNN: &[Attribute] = &[
    ("activation_alpha", Floats),
    ("activation_beta", Floats),
    ("activations", Texts),
    ("clip", Nothing),
    ("direction", Word(&["forward", "reverse", "bidirectional"])),
    ("hidden_size", Int),
    ("layout", Flag),
    ("input_forget", Only(0)),
    ("linear_before_reset", Flag),
];

/// The attributes of all operators that have any, in all versions from 7 on. The importer itself refuses an
/// attribute where a version lacks it.
const KNOWN: &[(&str, &[Attribute])] = &[
    (
        "Attention",
        &[
            ("is_causal", Flag),
            ("kv_num_heads", Int),
            ("q_num_heads", Int),
            // What another output holds, which nothing here uses.
            ("qk_matmul_output_mode", Int),
            ("scale", Float),
            ("softcap", Float),
            // The precision of the softmax: 32 bits.
            ("softmax_precision", Only(1)),
        ],
    ),
    (
        "AveragePool",
        &[
            ("auto_pad", PADS),
            ("ceil_mode", Flag),
            ("count_include_pad", Flag),
            ("dilations", Ints),
            ("kernel_shape", Ints),
            ("pads", Ints),
            ("strides", Ints),
        ],
    ),
    (
        "BatchNormalization",
        &[("epsilon", Float), ("momentum", Float), ("spatial", Only(1)), ("training_mode", Only(0))],
    ),
    // The treatment of numbers out of range only matters for types of 8 bits.
    ("Cast", &[("to", Int), ("saturate", Flag), ("round_mode", Word(&["up"]))]),
    ("Celu", &[("alpha", Float)]),
    ("Clip", &[("min", Float), ("max", Float)]),
    ("Concat", &[("axis", Int)]),
    (
        "Constant",
        &[
            ("value", Tensor),
            ("value_float", Float),
            ("value_floats", Floats),
            ("value_int", Int),
            ("value_ints", Ints),
        ],
    ),
    ("ConstantOfShape", &[("value", Tensor)]),
    (
        "Conv",
        &[
            ("auto_pad", PADS),
            ("dilations", Ints),
            ("group", Int),
            ("kernel_shape", Ints),
            ("pads", Ints),
            ("strides", Ints),
        ],
    ),
    (
        "ConvTranspose",
        &[
            ("auto_pad", PADS),
            ("dilations", Ints),
            ("group", Int),
            ("kernel_shape", Ints),
            ("output_padding", Ints),
            ("output_shape", Ints),
            ("pads", Ints),
            ("strides", Ints),
        ],
    ),
    ("DepthToSpace", &[("blocksize", Int), ("mode", Word(&["DCR", "CRD"]))]),
    // The seed only matters in training.
    ("Dropout", &[("ratio", Float), ("seed", Int)]),
    ("Einsum", &[("equation", Text)]),
    ("Elu", &[("alpha", Float)]),
    ("Flatten", &[("axis", Int)]),
    ("GRU", RNN),
    ("Gather", &[("axis", Int)]),
    ("Gelu", &[("approximate", Word(&["none", "tanh"]))]),
    ("Gemm", &[("alpha", Float), ("beta", Float), ("transA", Only(0)), ("transB", Flag)]),
    // The precision in which the mean is computed, here and below: 32 bits.
    ("GroupNormalization", &[("epsilon", Float), ("num_groups", Int), ("stash_type", Only(1))]),
    ("HardSigmoid", &[("alpha", Float), ("beta", Float)]),
    ("InstanceNormalization", &[("epsilon", Float)]),
    ("LSTM", RNN),
    ("LayerNormalization", &[("axis", Int), ("epsilon", Float), ("stash_type", Only(1))]),
    ("LeakyRelu", &[("alpha", Float)]),
    ("LogSoftmax", &[("axis", Int)]),
    ("LpNormalization", &[("axis", Int), ("p", Only(2))]),
    (
        "MaxPool",
        &[
            ("auto_pad", PADS),
            ("ceil_mode", Flag),
            ("dilations", Ints),
            ("kernel_shape", Ints),
            ("pads", Ints),
            // The order of the positions, a second output that nothing here uses.
            ("storage_order", Flag),
            ("strides", Ints),
        ],
    ),
    ("Mod", &[("fmod", Only(0))]),
    ("Pad", &[("mode", Word(&["constant", "reflect", "edge", "wrap"])), ("pads", Ints), ("value", Float)]),
    ("RMSNormalization", &[("axis", Int), ("epsilon", Float), ("stash_type", Only(1))]),
    ("RNN", RNN),
    ("ReduceMean", REDUCE),
    ("ReduceProd", REDUCE),
    ("ReduceSum", REDUCE),
    ("Reshape", &[("allowzero", Flag)]),
    (
        "Resize",
        &[
            ("antialias", Only(0)),
            ("axes", Ints),
            ("coordinate_transformation_mode", Word(&["asymmetric", "half_pixel", "pytorch_half_pixel"])),
            // Parts of a cubic interpolation, which the mode excludes.
            ("cubic_coeff_a", Float),
            ("exclude_outside", Flag),
            ("extrapolation_value", Float),
            ("keep_aspect_ratio_policy", Word(&["stretch"])),
            ("mode", Word(&["nearest", "linear"])),
            ("nearest_mode", Word(&["floor", "round_prefer_floor", "round_prefer_ceil"])),
        ],
    ),
    ("Selu", &[("alpha", Float), ("gamma", Float)]),
    ("Shape", &[("start", Int), ("end", Int)]),
    ("Slice", &[("starts", Ints), ("ends", Ints), ("axes", Ints)]),
    ("Softmax", &[("axis", Int)]),
    ("SpaceToDepth", &[("blocksize", Int)]),
    ("Split", &[("axis", Int), ("num_outputs", Int), ("split", Ints)]),
    ("SplitToSequence", &[("axis", Int), ("keepdims", Flag)]),
    ("Squeeze", &[("axes", Ints)]),
    ("Swish", &[("alpha", Float)]),
    ("ThresholdedRelu", &[("alpha", Float)]),
    ("Transpose", &[("perm", Ints)]),
    ("Trilu", &[("upper", Flag)]),
    ("Unsqueeze", &[("axes", Ints)]),
];

/// Checks that every attribute of a node is supported, with its type and value.
///
/// # Errors
/// Names the first unsupported attribute, in words.
pub(super) fn attributes(node: &Node<'_>) -> Said<()> {
    let op = node.op();
    let known = KNOWN.iter().find(|(name, _)| *name == op).map_or(&[][..], |(_, known)| known);
    for (n, a) in node.0.attribute.iter().enumerate() {
        let name = a.name.as_str();
        if node.0.attribute[..n].iter().any(|other| other.name == name) {
            return Err(format!("it has the attribute {name} twice"));
        }
        let Some((_, takes)) = known.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let there = match names.is_empty() {
                true => "none is known".to_string(),
                false => format!("known are {}", names.join(", ")),
            };
            return Err(format!("the attribute {name} is not known here and may change numbers; {there}"));
        };
        checked(a, *takes)
            .map_err(|expected| format!("the attribute {name} is {}, expected {expected}", shown(a)))?;
    }
    Ok(())
}

/// Checks one attribute; the error says what was expected.
fn checked(a: &AttributeProto, takes: Takes) -> Result<(), String> {
    let (kind, words) = match takes {
        Int | Flag | Only(_) => (attribute::INT, "an integer"),
        Float => (attribute::FLOAT, "a number"),
        Word(_) | Text => (attribute::STRING, "a word"),
        Ints => (attribute::INTS, "integers"),
        Floats => (attribute::FLOATS, "numbers"),
        Texts => (attribute::STRINGS, "words"),
        Tensor => (attribute::TENSOR, "a tensor"),
        Nothing => return Err("none; wgrad has no equivalent".into()),
    };
    // Programs that write no attribute types leave the other fields empty.
    let untyped = match kind {
        attribute::INT => a.i.is_some(),
        attribute::FLOAT => a.f.is_some(),
        attribute::STRING => a.s.is_some(),
        attribute::TENSOR => a.t.is_some(),
        _ => a.i.is_none() && a.f.is_none() && a.s.is_none() && a.t.is_none(),
    };
    if a.r#type != kind && !(a.r#type == 0 && untyped) {
        return Err(words.into());
    }
    let i = a.i.unwrap_or_default();
    match takes {
        Flag if !(0..=1).contains(&i) => Err("0 or 1".into()),
        Only(value) if i != value => Err(format!("{value}; wgrad supports nothing else")),
        Float if a.f.is_some_and(|f| !f.is_finite()) => Err("a finite number".into()),
        Floats if a.floats.iter().any(|f| !f.is_finite()) => Err("finite numbers".into()),
        Word(words) => match a.s.as_deref().unwrap_or_default() {
            word if words.iter().any(|known| known.as_bytes() == word) => Ok(()),
            _ => Err(format!("one of {}", words.join(", "))),
        },
        _ => Ok(()),
    }
}

/// An attribute's value, for errors.
fn shown(a: &AttributeProto) -> String {
    match (a.i, a.f, a.s.as_deref()) {
        (Some(i), ..) => i.to_string(),
        (_, Some(f), _) => f.to_string(),
        (.., Some(s)) => format!("\"{}\"", String::from_utf8_lossy(s)),
        _ if !a.ints.is_empty() => format!("{} integers", a.ints.len()),
        _ if !a.floats.is_empty() => format!("{} numbers", a.floats.len()),
        _ if !a.strings.is_empty() => format!("{} words", a.strings.len()),
        _ => "something else".into(),
    }
}
