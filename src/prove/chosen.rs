//! Proofs of variants that a user chose, before they are used: files, and settings of any variant.

use super::{Regime, Trial, proofs};
use crate::{
    Error, Result,
    gpu::Context,
    op::{Call, Variant, sizes, user_file::is_file},
    program::Node,
    selection::{Choices, unproven},
    words::quoted,
};
use std::collections::BTreeSet;

/// Proves every file and every setting among `choices` at the sizes of `nodes`, and at the cases of operation and
/// variant.
///
/// # Errors
/// [`Error::Variant`] for a wrong variant, and anything that prevents one from running.
pub(crate) async fn prove<'a>(
    context: &Context,
    nodes: impl Iterator<Item = &'a Node>,
    choices: &Choices,
) -> Result<()> {
    let files = unproven(choices)?;
    let mut proven = BTreeSet::new();
    for node in nodes {
        let Some((op, variant)) = files.iter().find(|(op, _)| op.name == node.call.op.name) else { continue };
        let shader = op.shader(variant, node.call.activation)?;
        let takes = |call: &Call| Ok(call.obstacle(context, variant)?.is_none());
        let own = takes(&node.call)?.then(|| (0, node.call.clone(), Regime::Small));
        for (_, call, regime) in
            own.into_iter().chain(proofs(&node.call, &op.cases_with(variant), &shader, false, takes)?)
        {
            let key = format!("{}/{}/{:?}/{regime:?}", op.name, call.activation.name, call.sizes);
            if !proven.insert(key) {
                continue;
            }
            let trial = Trial::of(regime, &call, &shader, 1);
            if let Err(wrong) = trial.prove(context, variant).await? {
                return Err(self::wrong(
                    &call,
                    variant,
                    &format!("at {} with {regime}: {wrong}", sizes::words(&call)),
                ));
            }
        }
    }
    Ok(())
}

/// The error for a chosen variant that is wrong at `call`; `how` describes the fault. It names a command to reproduce
/// it.
pub(crate) fn wrong(call: &Call, variant: &Variant, how: &str) -> Error {
    let (op, name) = (call.op, quoted(variant.name()));
    let chosen = match is_file(variant.name()) {
        true => format!("`user_file::read({name})`"),
        false => format!("`.variants = {name}`"),
    };
    let activation = match op.activated() {
        true => format!(" `.activation = {}`", call.activation.name),
        false => String::new(),
    };
    let lab =
        format!("`wgrad_lab::measure({})` {chosen} `.sizes = {}`{activation}", op.name, sizes::words(call));
    Error::Variant {
        op: op.name,
        wanted: variant.name().to_string(),
        message: format!("is wrong {how}; {lab} shows details"),
        known: op.variant_names(),
    }
}
