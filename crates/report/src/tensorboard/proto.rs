//! Messages of TensorBoard's event files, as far as they are used here, with their field numbers: `event.proto`,
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
    /// Content of the event.
    #[prost(oneof = "event::What", tags = "3, 5, 7")]
    pub what: Option<event::What>,
}

/// Content of an [`Event`].
pub mod event {
    use super::{Oneof, SessionLog, Summary};

    /// Content of an event.
    #[derive(Clone, PartialEq, Oneof)]
    pub enum What {
        /// The first record of a file.
        #[prost(string, tag = "3")]
        FileVersion(String),
        /// Values to show.
        #[prost(message, tag = "5")]
        Summary(Summary),
        /// The training restarts from a step.
        #[prost(message, tag = "7")]
        SessionLog(SessionLog),
    }
}

/// Status of a session.
#[derive(Clone, PartialEq, Message)]
pub struct SessionLog {
    /// [`SessionLog::START`].
    #[prost(int32, tag = "1")]
    pub status: i32,
}

impl SessionLog {
    /// The session starts: earlier records from this step on are void.
    pub const START: i32 = 1;
}

/// Several values to show.
#[derive(Clone, PartialEq, Message)]
pub struct Summary {
    /// The values.
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<SummaryValue>,
}

/// A value to show.
#[derive(Clone, PartialEq, Message)]
pub struct SummaryValue {
    /// Its name.
    #[prost(string, tag = "1")]
    pub tag: String,
    /// Plugin that it is for.
    #[prost(message, optional, tag = "9")]
    pub metadata: Option<SummaryMetadata>,
    /// The value itself.
    #[prost(oneof = "summary_value::Value", tags = "2, 4, 5, 8")]
    pub value: Option<summary_value::Value>,
}

/// Content of a [`SummaryValue`].
pub mod summary_value {
    use super::{Histogram, Image, Oneof, Tensor};

    /// Kinds of values.
    #[derive(Clone, PartialEq, Oneof)]
    pub enum Value {
        /// A number.
        #[prost(float, tag = "2")]
        SimpleValue(f32),
        /// A picture.
        #[prost(message, tag = "4")]
        Image(Image),
        /// A histogram.
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
    /// Height, pixels.
    #[prost(int32, tag = "1")]
    pub height: i32,
    /// Width, pixels.
    #[prost(int32, tag = "2")]
    pub width: i32,
    /// Colour space; 3 is RGB.
    #[prost(int32, tag = "3")]
    pub colorspace: i32,
    /// The image as PNG.
    #[prost(bytes = "vec", tag = "4")]
    pub encoded_image_string: Vec<u8>,
}

/// A histogram.
#[derive(Clone, PartialEq, Message)]
pub struct Histogram {
    /// Minimum.
    #[prost(double, tag = "1")]
    pub min: f64,
    /// Maximum.
    #[prost(double, tag = "2")]
    pub max: f64,
    /// Count.
    #[prost(double, tag = "3")]
    pub num: f64,
    /// Sum.
    #[prost(double, tag = "4")]
    pub sum: f64,
    /// Sum of squares.
    #[prost(double, tag = "5")]
    pub sum_squares: f64,
    /// Upper end of each bar.
    #[prost(double, repeated, tag = "6")]
    pub bucket_limit: Vec<f64>,
    /// Count in each bar.
    #[prost(double, repeated, tag = "7")]
    pub bucket: Vec<f64>,
}

/// Plugin data of a [`SummaryValue`].
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
    /// Version of the format: 0.
    #[prost(int32, tag = "1")]
    pub version: i32,
    /// Its content.
    #[prost(oneof = "h_params::Data", tags = "3, 4")]
    pub data: Option<h_params::Data>,
}

/// Content of [`HParams`].
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

/// Beginning of a training, with its settings.
#[derive(Clone, PartialEq, Message)]
pub struct SessionStart {
    /// Settings by name.
    #[prost(btree_map = "string, message", tag = "1")]
    pub hparams: BTreeMap<String, Setting>,
    /// Sessions of one group are one row.
    #[prost(string, tag = "4")]
    pub group_name: String,
    /// Start time, seconds since 1970.
    #[prost(double, tag = "5")]
    pub start_time_secs: f64,
}

/// End of a training.
#[derive(Clone, PartialEq, Message)]
pub struct SessionEnd {
    /// The value of a [`super::End`].
    #[prost(int32, tag = "1")]
    pub status: i32,
    /// End time, seconds since 1970.
    #[prost(double, tag = "2")]
    pub end_time_secs: f64,
}

/// `google.protobuf.Value`.
#[derive(Clone, PartialEq, Message)]
pub struct Setting {
    /// Its kind and value.
    #[prost(oneof = "setting::Kind", tags = "2, 3, 4")]
    pub kind: Option<setting::Kind>,
}

/// Kinds of a [`Setting`].
pub mod setting {
    use super::Oneof;

    /// A number, a text or a boolean.
    #[derive(Clone, PartialEq, Oneof)]
    pub enum Kind {
        /// A number.
        #[prost(double, tag = "2")]
        Number(f64),
        /// A text.
        #[prost(string, tag = "3")]
        Text(String),
        /// A boolean.
        #[prost(bool, tag = "4")]
        Bool(bool),
    }
}
