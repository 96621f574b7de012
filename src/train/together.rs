//! Training of a rank in a team: what all ranks must have in common, and the state that they share.

use super::{Options, Trainer};
use crate::{
    Error, Result,
    checkpoint::Checkpoint,
    data::Dataset,
    layers::Layer,
    model::Model,
    team::{Team, Traffic, not_told},
};
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;

/// The digest of a data set's source, and of the labels of its parts, which tell how it is divided.
fn digest(data: &Dataset) -> String {
    let mut sum = Sha256::new();
    for (name, split) in data.splits() {
        sum.update(format!("{name} {} {}", split.len(), split.each));
        sum.update(bytemuck::cast_slice(&split.labels));
    }
    let divided = crate::words::hex(&sum.finalize());
    format!("{:.16}, divided as {divided:.16}", data.digest)
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(not_told)
}

/// Refuses a team whose ranks differ, and what a team cannot do.
pub(super) fn check(
    team: &Team,
    model: &Model,
    data: &Dataset,
    options: &Options,
    in_parts: bool,
) -> Result<()> {
    team.agree("version", &env!("CARGO_PKG_VERSION"))?;
    team.agree("the team's options", &team.options)?;
    team.agree("the options", options)?;
    team.agree("the network", model)?;
    team.agree("data", &digest(data))?;
    let normalizes = model.layers.iter().any(|layer| matches!(layer, Layer::BatchNormalization(_)));
    if team.any(in_parts)? && team.options.sync_batch_norm && normalizes {
        let message = "batch normalization over all ranks needs each rank's images at once, got a batch in parts; choose a \
                       smaller `.batch`, more ranks, or the statistics of each rank"
            .into();
        return Err(Error::Team { message });
    }
    Ok(())
}

impl Trainer {
    /// The team of this rank, if there is one.
    pub fn team(&self) -> Option<&Team> {
        self.visitor.team.as_ref()
    }

    /// What this rank has exchanged with the others so far.
    pub fn traffic(&self) -> Traffic {
        self.team().map(Team::traffic).unwrap_or_default()
    }

    /// Gives all ranks the state of rank 0: weights, optimizer state and position.
    ///
    /// # Errors
    /// [`Error::Team`] if a rank has left; [`Error::Device`].
    pub async fn share_state(&mut self) -> Result<()> {
        let Some(team) = self.team().cloned() else { return Ok(()) };
        let own = match team.rank() {
            0 => self.checkpoint().await?.to_bytes(&self.parameters)?,
            _ => Vec::new(),
        };
        let state = team.from_first(own)?;
        if team.rank() > 0 {
            let state = Checkpoint::from_bytes("the state of rank 0", &state, &self.parameters)?;
            self.restore(&state);
        }
        Ok(())
    }

    /// The decision of all ranks, where this one decides `own`: it breaks if any rank breaks. Learning rates that rank 0
    /// has changed become those of all.
    pub(super) fn decided(&mut self, own: ControlFlow<()>) -> Result<ControlFlow<()>> {
        let Some(team) = self.team().cloned() else { return Ok(own) };
        let rates = team.from_first(json(&self.options.rates)?.into_bytes())?;
        self.options.rates = serde_json::from_slice(&rates).map_err(not_told)?;
        team.flow(own)
    }
}
