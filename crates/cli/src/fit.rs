//! What is said and done where the images of a step are more than the adapter computes at once.

use super::output::say;
use anyhow::Result;
use wgrad::{
    data::Dataset,
    gpu::Context,
    model::Model,
    train::{Options, differences},
    words::bytes,
};

/// Batches that were lowered are multiples of this, where they can.
const ROUND: usize = 8;

/// Lets `options` compute a batch that somebody chose in parts, if it does not fit; without a choice the batch is lowered.
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
            "batch {}: computed in {} parts of at most {} images, since {}; their gradients add up{}",
            options.batch,
            options.parts(),
            options.images_at_once(),
            limit(context),
            apart(model, options)
        ));
    }
    Ok(())
}

/// The same for a batch that was recorded with how it was cut: on an adapter that takes less at once it is cut smaller.
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

/// Lowers the batch of `options` to what fits, and says so.
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

/// What is not as in one piece.
fn apart(model: &Model, options: &Options) -> String {
    match differences(model, options).as_slice() {
        [] => ", to the same numbers but for rounding".to_string(),
        some => format!("; {}", some.join(", and ")),
    }
}
