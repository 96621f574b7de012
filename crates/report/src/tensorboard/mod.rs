//! Event files for TensorBoard: scalars, images, histograms, hyper-parameters. Each record is written whole and
//! flushed, so that the file of a crashed training is readable. This module opens no files.
//!
//! ```
//! use wgrad_report::tensorboard::Writer;
//!
//! let mut file = Vec::new();
//! let mut board = Writer::new(&mut file, || 1_790_000_000.0)?;
//! board.scalar("loss", 12, 0.25)?;
//! # Ok::<(), std::io::Error>(())
//! ```

/// Contents of a record, as protocol buffers.
pub mod proto;
/// Framing of records.
pub mod record;

use crate::pixels;
use image::RgbImage;
use prost::Message;
use proto::{
    Event, HParams, Histogram, Image, PluginData, SessionEnd, SessionLog, SessionStart, Summary,
    SummaryMetadata, SummaryValue, Tensor, TensorShape, event::What, h_params::Data, summary_value::Value,
};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// The plugin of hyper-parameters.
const HPARAMS: &str = "hparams";
/// Bars of a histogram; TensorBoard's own writers use as many.
const BUCKETS: usize = 30;

/// End of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It ended normally.
    Success = 1,
    /// It was interrupted, or failed.
    Failure = 2,
}

/// Appends events to a file.
pub struct Writer<W: Write> {
    file: W,
    clock: fn() -> f64,
}

impl<W: Write> Writer<W> {
    /// Begins an event file. `clock` returns the time in seconds since 1970, which every event carries.
    ///
    /// # Errors
    /// I/O errors of the file.
    pub fn new(file: W, clock: fn() -> f64) -> io::Result<Self> {
        let mut writer = Self { file, clock };
        writer.event(0, What::FileVersion("brain.Event:2".into()))?;
        Ok(writer)
    }

    fn event(&mut self, step: u64, what: What) -> io::Result<()> {
        let event = Event { wall_time: (self.clock)(), step: step as i64, what: Some(what) };
        record::write(&mut self.file, &event.encode_to_vec())?;
        self.file.flush()
    }

    fn value(&mut self, step: u64, value: SummaryValue) -> io::Result<()> {
        self.event(step, What::Summary(Summary { value: vec![value] }))
    }

    /// Marks a resumed training: events of `step` and later ones in other files become void.
    ///
    /// # Errors
    /// I/O errors of the file.
    pub fn resume(&mut self, step: u64) -> io::Result<()> {
        self.event(step, What::SessionLog(SessionLog { status: SessionLog::START }))
    }

    /// Writes a number at a step.
    ///
    /// # Errors
    /// I/O errors of the file.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) -> io::Result<()> {
        let value = Value::SimpleValue(value as f32);
        self.value(step, SummaryValue { tag: tag.into(), value: Some(value), ..Default::default() })
    }

    /// Writes a picture at a step.
    ///
    /// # Errors
    /// Errors of the file or the encoder.
    pub fn image(&mut self, tag: &str, step: u64, image: &RgbImage) -> io::Result<()> {
        let encoded = pixels::png(image)?;
        let (width, height) = (image.width() as i32, image.height() as i32);
        let image = Image { height, width, colorspace: 3, encoded_image_string: encoded };
        let value = Some(Value::Image(image));
        self.value(step, SummaryValue { tag: tag.into(), value, ..Default::default() })
    }

    /// Writes a histogram of numbers at a step; non-finite values are left out.
    ///
    /// # Errors
    /// I/O errors of the file.
    pub fn histogram(&mut self, tag: &str, step: u64, values: &[f32]) -> io::Result<()> {
        let value = Some(Value::Histogram(histogram(values)));
        self.value(step, SummaryValue { tag: tag.into(), value, ..Default::default() })
    }

    /// Writes the hyper-parameters of the training, by name. `group` joins sessions, such as a run and its resumption.
    ///
    /// # Errors
    /// I/O errors of the file.
    pub fn hparams(&mut self, group: &str, settings: &serde_json::Value) -> io::Result<()> {
        let mut hparams = BTreeMap::new();
        flatten("", settings, &mut hparams);
        let start_time_secs = (self.clock)();
        let start = SessionStart { hparams, group_name: group.into(), start_time_secs };
        self.plugin("_hparams_/session_start_info", Data::SessionStart(start))
    }

    /// Writes the end of the training.
    ///
    /// # Errors
    /// I/O errors of the file.
    pub fn end(&mut self, end: End) -> io::Result<()> {
        let end = SessionEnd { status: end as i32, end_time_secs: (self.clock)() };
        self.plugin("_hparams_/session_end_info", Data::SessionEnd(end))
    }

    fn plugin(&mut self, tag: &str, data: Data) -> io::Result<()> {
        let content = HParams { version: 0, data: Some(data) }.encode_to_vec();
        let plugin_data = Some(PluginData { plugin_name: HPARAMS.into(), content });
        let metadata = Some(SummaryMetadata { plugin_data });
        // A dummy tensor: only the metadata matter.
        let shape = TensorShape { dim: vec![proto::Dim { size: 1 }] };
        let tensor = Tensor { dtype: Tensor::FLOAT, tensor_shape: Some(shape), float_val: vec![0.0] };
        self.value(0, SummaryValue { tag: tag.into(), metadata, value: Some(Value::Tensor(tensor)) })
    }
}

/// Counts the numbers in thirty bars of equal width, from the least to the greatest.
fn histogram(values: &[f32]) -> Histogram {
    let finite: Vec<f64> = values.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v)).collect();
    let (low, high) =
        finite.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    if finite.is_empty() {
        return Histogram::default();
    }
    let width = (high - low) / BUCKETS as f64;
    let mut bucket = vec![0.0; BUCKETS];
    for value in &finite {
        let place = if width > 0.0 { ((value - low) / width) as usize } else { 0 };
        bucket[place.min(BUCKETS - 1)] += 1.0;
    }
    let mut bucket_limit: Vec<f64> = (1..=BUCKETS).map(|n| low + width * n as f64).collect();
    bucket_limit[BUCKETS - 1] = high;
    if width == 0.0 {
        // All numbers are equal: a single bar that ends there.
        (bucket, bucket_limit) = (vec![finite.len() as f64], vec![high]);
    }
    Histogram {
        min: low,
        max: high,
        num: finite.len() as f64,
        sum: finite.iter().sum(),
        sum_squares: finite.iter().map(|v| v * v).sum(),
        bucket_limit,
        bucket,
    }
}

/// Flattens settings to paths and values of the kinds that TensorBoard accepts: numbers, texts, booleans.
fn flatten(path: &str, value: &serde_json::Value, into: &mut BTreeMap<String, proto::Setting>) {
    use proto::setting::Kind;
    let kind = match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                let name = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&name, value, into);
            }
            return;
        }
        serde_json::Value::Null => return,
        serde_json::Value::Bool(yes) => Kind::Bool(*yes),
        serde_json::Value::Number(number) => Kind::Number(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(text) => Kind::Text(text.clone()),
        list @ serde_json::Value::Array(_) => Kind::Text(list.to_string()),
    };
    into.insert(path.to_string(), proto::Setting { kind: Some(kind) });
}

#[cfg(test)]
mod tests {
    use super::histogram;

    #[test]
    fn bars_hold_every_number_once() {
        let values: Vec<f32> = (0..=300).map(|n| n as f32 / 100.0 - 1.0).chain([f32::NAN]).collect();
        let found = histogram(&values);
        assert_eq!((found.min, found.max, found.num), (-1.0, 2.0, 301.0));
        assert_eq!(found.bucket.len(), found.bucket_limit.len());
        assert_eq!(found.bucket.iter().sum::<f64>(), 301.0);
        assert!(found.bucket.iter().all(|count| (9.0..=11.0).contains(count)), "{:?}", found.bucket);
        assert_eq!(found.bucket_limit.last(), Some(&2.0));
        let one = histogram(&[0.5, 0.5]);
        assert_eq!((one.bucket, one.bucket_limit), (vec![2.0], vec![0.5]));
        assert_eq!(histogram(&[f32::INFINITY]).num, 0.0);
    }
}
