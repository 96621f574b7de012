//! Fits a batch to the adapter: lowers it, or cuts it into parts, where it is more than the adapter computes at once.

use super::output::say;
use anyhow::Result;
use wgrad::{
    data::Dataset,
    gpu::Context,
    model::Model,
    train::{Options, differences},
    words::bytes,
};

/// A lowered batch is a multiple of this, where possible.
const ROUND: usize = 8;

/// Cuts a batch that does not fit into parts if the user has `chosen` it; lowers it otherwise.
pub fn training(
    context: &Context,
    model: &Model,
    data: &Dataset,
    options: &mut Options,
    chosen: bool,
) -> Result<()> {
    if !chosen {
        return lower(context, model, data, options);
    }
    let fits = options.fitting(context, model, data)?;
    options.cut_for(fits);
    if options.parts() > 1 {
        say(format!(
            "batch {}: computed in {} parts of at most {} images, since {}; their gradients are added{}",
            options.batch,
            options.parts(),
            options.images_at_once(),
            limit(context),
            apart(model, options)
        ));
    }
    Ok(())
}

/// Fits the recorded batch of a resumed run. On an adapter that takes less at once, it is cut into smaller parts than
/// the run recorded.
pub fn resumed(context: &Context, model: &Model, data: &Dataset, options: &mut Options) -> Result<()> {
    let fits = options.fitting(context, model, data)?;
    if fits < options.images_at_once() {
        return training(context, model, data, options, true);
    }
    if options.parts() > 1 {
        say(format!("batch {}: computed in {} parts, as the run recorded", options.batch, options.parts()));
    }
    Ok(())
}

/// Lowers the batch of `options` to the size that fits, and reports it.
pub fn lower(context: &Context, model: &Model, data: &Dataset, options: &mut Options) -> Result<()> {
    let asked = options.batch;
    let mut fits = options.fitting(context, model, data)?;
    if fits == asked {
        return Ok(());
    }
    if fits > ROUND {
        options.batch = fits / ROUND * ROUND;
        fits = options.fitting(context, model, data)?;
    }
    options.batch = fits;
    say(format!("batch {fits} in place of {asked}, since {}", limit(context)));
    Ok(())
}

fn limit(context: &Context) -> String {
    format!("this adapter takes {} in one buffer", bytes(context.most_bytes()))
}

/// Differences between a batch in parts and one in one piece, in words.
fn apart(model: &Model, options: &Options) -> String {
    match differences(model, options).as_slice() {
        [] => ", to the same numbers except for rounding".to_string(),
        some => format!("; {}", some.join(", and ")),
    }
}
