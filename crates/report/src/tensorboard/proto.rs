//! The messages of TensorBoard's event files that are used here, with the numbers of their fields: `event.proto`,
//! `summary.proto`, `tensor.proto` of TensorFlow, `plugin_data.proto` of the hparams plugin, `struct.proto`.

use prost::{Message, Oneof};
use std::collections::BTreeMap;

/// A record.
#[derive(Clone, PartialEq, Message)]
pub struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    /// The step.
    #[prost(int64, tag = "2")]
    pub step: i64,
    /// What happened.
    #[prost(oneof = "event::What", tags = "3, 5, 7")]
    pub what: Option<event::What>,
}

/// What an [`Event`] holds.
pub mod event {
    use super::{Oneof, SessionLog, Summary};

    /// What happened.
    #[derive(Clone, PartialEq, Oneof)]
    pub enum What {
        /// The first record of a file.
        #[prost(string, tag = "3")]
        FileVersion(String),
        /// Something to show.
        #[prost(message, tag = "5")]
        Summary(Summary),
        /// The training begins anew from a step.
        #[prost(message, tag = "7")]
        SessionLog(SessionLog),
    }
}

/// What becomes of a session.
#[derive(Clone, PartialEq, Message)]
pub struct SessionLog {
    /// [`SessionLog::START`].
    #[prost(int32, tag = "1")]
    pub status: i32,
}

impl SessionLog {
    /// It starts: what was logged from this step on counts no more.
    pub const START: i32 = 1;
}

/// Several things to show.
#[derive(Clone, PartialEq, Message)]
pub struct Summary {
    /// Each of them.
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<SummaryValue>,
}

/// Something to show.
#[derive(Clone, PartialEq, Message)]
pub struct SummaryValue {
    /// Under which name.
    #[prost(string, tag = "1")]
    pub tag: String,
    /// For which plugin.
    #[prost(message, optional, tag = "9")]
    pub metadata: Option<SummaryMetadata>,
    /// What.
    #[prost(oneof = "summary_value::Value", tags = "2, 4, 5, 8")]
    pub value: Option<summary_value::Value>,
}

/// What a [`SummaryValue`] holds.
pub mod summary_value {
    use super::{Histogram, Image, Oneof, Tensor};

    /// What is shown.
    #[derive(Clone, PartialEq, Oneof)]
    pub enum Value {
        /// A number.
        #[prost(float, tag = "2")]
        SimpleValue(f32),
        /// A picture.
        #[prost(message, tag = "4")]
        Image(Image),
        /// How numbers are spread.
        #[prost(message, tag = "5")]
        Histogram(Histogram),
        /// A tensor.
        #[prost(message, tag = "8")]
        Tensor(Tensor),
    }
}

/// A picture.
#[derive(Clone, PartialEq, Message)]
pub struct Image {
    /// Pixels.
    #[prost(int32, tag = "1")]
    pub height: i32,
    /// Pixels.
    #[prost(int32, tag = "2")]
    pub width: i32,
    /// 3 is RGB.
    #[prost(int32, tag = "3")]
    pub colorspace: i32,
    /// A PNG.
    #[prost(bytes = "vec", tag = "4")]
    pub encoded_image_string: Vec<u8>,
}

/// How numbers are spread.
#[derive(Clone, PartialEq, Message)]
pub struct Histogram {
    /// The least.
    #[prost(double, tag = "1")]
    pub min: f64,
    /// The greatest.
    #[prost(double, tag = "2")]
    pub max: f64,
    /// How many.
    #[prost(double, tag = "3")]
    pub num: f64,
    /// Their sum.
    #[prost(double, tag = "4")]
    pub sum: f64,
    /// The sum of their squares.
    #[prost(double, tag = "5")]
    pub sum_squares: f64,
    /// Where each bar ends.
    #[prost(double, repeated, tag = "6")]
    pub bucket_limit: Vec<f64>,
    /// How many are in it.
    #[prost(double, repeated, tag = "7")]
    pub bucket: Vec<f64>,
}

/// Whose a [`SummaryValue`] is.
#[derive(Clone, PartialEq, Message)]
pub struct SummaryMetadata {
    /// The plugin.
    #[prost(message, optional, tag = "1")]
    pub plugin_data: Option<PluginData>,
}

/// A plugin with its own message.
#[derive(Clone, PartialEq, Message)]
pub struct PluginData {
    /// Its name.
    #[prost(string, tag = "1")]
    pub plugin_name: String,
    /// Its message.
    #[prost(bytes = "vec", tag = "2")]
    pub content: Vec<u8>,
}

/// A tensor.
#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    /// [`Tensor::FLOAT`].
    #[prost(int32, tag = "1")]
    pub dtype: i32,
    /// Its shape.
    #[prost(message, optional, tag = "2")]
    pub tensor_shape: Option<TensorShape>,
    /// Its numbers.
    #[prost(float, repeated, tag = "5")]
    pub float_val: Vec<f32>,
}

impl Tensor {
    /// Single precision.
    pub const FLOAT: i32 = 1;
}

/// A shape.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShape {
    /// Its axes.
    #[prost(message, repeated, tag = "2")]
    pub dim: Vec<Dim>,
}

/// An axis.
#[derive(Clone, PartialEq, Message)]
pub struct Dim {
    /// Its length.
    #[prost(int64, tag = "1")]
    pub size: i64,
}

/// The message of the hparams plugin.
#[derive(Clone, PartialEq, Message)]
pub struct HParams {
    /// Of the format: 0.
    #[prost(int32, tag = "1")]
    pub version: i32,
    /// What it tells.
    #[prost(oneof = "h_params::Data", tags = "3, 4")]
    pub data: Option<h_params::Data>,
}

/// What [`HParams`] holds.
pub mod h_params {
    use super::{Oneof, SessionEnd, SessionStart};

    /// Beginning or end of a training.
    #[derive(Clone, PartialEq, Oneof)]
    pub enum Data {
        /// It begins, with these settings.
        #[prost(message, tag = "3")]
        SessionStart(SessionStart),
        /// It ends.
        #[prost(message, tag = "4")]
        SessionEnd(SessionEnd),
    }
}

/// What decided a training.
#[derive(Clone, PartialEq, Message)]
pub struct SessionStart {
    /// Settings by name.
    #[prost(btree_map = "string, message", tag = "1")]
    pub hparams: BTreeMap<String, Setting>,
    /// Sessions of one group are one row.
    #[prost(string, tag = "4")]
    pub group_name: String,
    /// When it began, seconds since 1970.
    #[prost(double, tag = "5")]
    pub start_time_secs: f64,
}

/// How a training ended.
#[derive(Clone, PartialEq, Message)]
pub struct SessionEnd {
    /// As [`super::End`].
    #[prost(int32, tag = "1")]
    pub status: i32,
    /// When, seconds since 1970.
    #[prost(double, tag = "2")]
    pub end_time_secs: f64,
}

/// `google.protobuf.Value`.
#[derive(Clone, PartialEq, Message)]
pub struct Setting {
    /// What it is.
    #[prost(oneof = "setting::Kind", tags = "2, 3, 4")]
    pub kind: Option<setting::Kind>,
}

/// What a [`Setting`] is.
pub mod setting {
    use super::Oneof;

    /// A number, a text, or yes or no.
    #[derive(Clone, PartialEq, Oneof)]
    pub enum Kind {
        /// A number.
        #[prost(double, tag = "2")]
        Number(f64),
        /// A text.
        #[prost(string, tag = "3")]
        Text(String),
        /// Yes or no.
        #[prost(bool, tag = "4")]
        Bool(bool),
    }
}
