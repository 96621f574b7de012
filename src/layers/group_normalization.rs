//! Group normalization: scales groups of an input's channels to mean 0 and standard deviation 1 over all places, then
//! applies gamma and beta to each channel.

use super::{
    MaskRule, Place, Rules,
    batch_normalization::{affine_parameters, epsilon},
    layer_normalization::{Groups, Norm, kept},
    window::yes,
};
use crate::{
    initializer::Initializer,
    program::{Builder, ValueId},
};

/// `GroupNormalization(groups=32, epsilon=0.001, center=True, scale=True)` of the channels, the last axis (Wu and He 2018):
/// y = gamma · (x - mean) / √(variance + epsilon) + beta, with the mean and variance of each group of channels of an
/// input, over all its places. With `groups = -1` each channel is a group: instance normalization (Ulyanov, Vedaldi and
/// Lempitsky 2016).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupNormalization {
    /// Number of groups, of which the number of channels is a multiple; -1 for as many as channels.
    #[serde(default = "groups")]
    pub groups: i64,
    /// Added to the variance.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// True if beta is added.
    #[serde(default = "yes")]
    pub center: bool,
    /// True if gamma multiplies.
    #[serde(default = "yes")]
    pub scale: bool,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

fn groups() -> i64 {
    32
}

impl Default for GroupNormalization {
    fn default() -> Self {
        Self { groups: groups(), epsilon: epsilon(), center: true, scale: true, name: None }
    }
}

impl GroupNormalization {
    /// Creates the layer with Keras's defaults, and this number of groups; -1 for as many as channels.
    pub fn new(groups: i64) -> Self {
        Self { groups, ..Self::default() }
    }

    /// Returns the number of groups of `channels` channels, or an error that says which numbers would fit.
    pub fn count(&self, channels: usize) -> Result<usize, String> {
        let groups = if self.groups == -1 { channels } else { usize::try_from(self.groups).unwrap_or(0) };
        match groups > 0 && channels.is_multiple_of(groups) {
            true => Ok(groups),
            false => Err(format!(
                "groups is {}, but the input has {channels} channels; expected a divisor of {channels}, or -1 for one \
                 channel a group",
                self.groups
            )),
        }
    }

    fn of(&self, place: &Place) -> Groups {
        let Self { epsilon, center, scale, .. } = *self;
        let channels = place.input.last().copied().unwrap_or(1);
        // Where the shape was not checked, one group is one that fits.
        let groups = Some(self.count(channels).unwrap_or(1));
        Groups { norm: Norm::Deviation, groups, epsilon, scale, center }
    }
}

impl Rules for GroupNormalization {
    fn slug(&self) -> &'static str {
        "group_normalization"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Passes
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.count(input.last().copied().unwrap_or(1))?;
        kept(self.epsilon, input)
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        affine_parameters(self.scale, self.center, input.last().copied().unwrap_or(1))
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        self.of(place).forward(b, place)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        self.of(place).backward(b, place, dy, wanted)
    }
}
