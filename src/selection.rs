//! Which variant runs a call on a device: the one that was chosen by hand, else the tuned one, else the default of the
//! adapter's class.

use crate::{
    Error, Result,
    gpu::Context,
    kernels::OPERATIONS,
    op::{
        Call, Op, Variant, setting,
        user_file::{self, is_file, load},
    },
};
use std::collections::BTreeMap;

/// Variants that take the place of the page's defaults. By hand beats tuned.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "Recorded")]
pub struct Choices {
    /// By operation, such as `conv2d_forward`: `naive`, or a file that ends in `.wgsl`.
    pub by_hand: BTreeMap<String, String>,
    /// By [`Call::key`]: what tuning found fastest for that very call on that adapter.
    pub tuned: BTreeMap<String, String>,
}

/// Choices as runs recorded them: those before tuning have the variants chosen by hand and nothing else.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Recorded {
    Both(Both),
    ByHand(BTreeMap<String, String>),
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    by_hand: BTreeMap<String, String>,
    tuned: BTreeMap<String, String>,
}

impl From<Recorded> for Choices {
    fn from(recorded: Recorded) -> Self {
        match recorded {
            Recorded::Both(Both { by_hand, tuned }) => Self { by_hand, tuned },
            Recorded::ByHand(by_hand) => Self { by_hand, ..Self::default() },
        }
    }
}

impl Choices {
    /// Parses `OP=VARIANT` and `OP=FILE.wgsl` items, each with the setting that may follow (`OP=VARIANT:ROWS=8`), and
    /// checks all names.
    ///
    /// # Errors
    /// [`Error::Variant`] with the known names; as [`user_file::read`] for a file; [`Error::Setting`].
    pub fn parse<S: AsRef<str>>(items: &[S]) -> Result<Self> {
        let mut by_hand = BTreeMap::new();
        for item in items.iter().map(AsRef::as_ref) {
            let (op, variant) = item.split_once('=').unwrap_or((item, ""));
            crate::kernels::op(op)?.find(variant)?;
            by_hand.insert(op.to_string(), variant.to_string());
        }
        Ok(Self { by_hand, ..Self::default() })
    }
}

/// The files among `choices`, as operation and variant, without their settings.
///
/// # Errors
/// As [`user_file::read()`].
pub fn chosen(choices: &Choices) -> Result<Vec<(&'static Op, &'static Variant)>> {
    let files = choices.by_hand.iter().filter(|(_, name)| is_file(name));
    files
        .filter_map(|(op, name)| {
            let op = OPERATIONS.iter().find(|o| o.name == op)?;
            Some(load(op, setting::split(name).0).map(|v| (*op, v)))
        })
        .collect()
}

/// Those among `choices` that are to be proven before they are used: files, and settings of any variant.
///
/// # Errors
/// As [`Op::find`].
pub fn unproven(choices: &Choices) -> Result<Vec<(&'static Op, &'static Variant)>> {
    let wanted =
        choices.by_hand.iter().filter(|(_, name)| is_file(name) || !setting::split(name).1.is_empty());
    wanted
        .filter_map(|(op, name)| {
            let op = OPERATIONS.iter().find(|o| o.name == op)?;
            Some(op.find(name).map(|v| (*op, v)))
        })
        .collect()
}

impl Call {
    /// Why `variant` cannot run this call on `context`; `None` if it can.
    ///
    /// # Errors
    /// [`Error::Shader`] where it does not compose.
    pub fn obstacle(&self, context: &Context, variant: &Variant) -> Result<Option<String>> {
        if let Some(wrong) = context.trust.distrusted(self, variant) {
            return Ok(Some(wrong));
        }
        if let Some(need) = variant.unmet(&self.sizes, context.features) {
            return Ok(Some(format!("needs {need}")));
        }
        let shader = match self.op.shader(variant, self.activation) {
            Err(Error::Asserted { message, .. }) => return Ok(Some(message)),
            other => other?,
        };
        let values = shader.values(&self.sizes);
        if let Some(reason) = shader.beyond(&values, &context.limits) {
            return Ok(Some(reason));
        }
        let groups = shader.groups(&values, context.limits.max_compute_workgroups_per_dimension);
        Ok(groups.is_none().then(|| "needs more workgroups than this adapter allows".to_string()))
    }

    /// The variant that runs this call on `context`: the one that `wanted` names by hand for this operation if it
    /// can, else the one that was tuned for this very call, else the first eligible default of the adapter's
    /// class, else `naive`. Where the wanted one is not taken, the reason stands beside.
    ///
    /// # Errors
    /// [`Error::Variant`] where the one named by hand is unknown, or nothing can run it.
    pub fn variant(&self, context: &Context, wanted: &Choices) -> Result<(&'static Variant, Option<String>)> {
        let mut skipped = None;
        if let Some(name) = wanted.by_hand.get(self.op.name) {
            let variant = self.op.find(name)?;
            match self.obstacle(context, variant)? {
                None => return Ok((variant, None)),
                Some(reason) => skipped = Some(format!("`{name}` {reason}")),
            }
        }
        if let Some(name) = wanted.tuned.get(&self.key()) {
            match self.tuned(context, name)? {
                Ok(variant) => return Ok((variant, skipped)),
                // It was tuned elsewhere, or by another version: the default does, but not in silence.
                Err(reason) => skipped = skipped.or(Some(format!("the tuned `{name}` {reason}"))),
            }
        }
        let preferred = self.op.variants.iter().filter(|v| v.default_for.contains(&context.class));
        for variant in preferred.chain(self.op.variants.iter().filter(|v| v.name == "naive")) {
            if self.obstacle(context, variant)?.is_none() {
                return Ok((variant, skipped));
            }
        }
        Err(Error::Variant {
            op: self.op.name,
            wanted: "naive".into(),
            message: format!("needs more workgroups than this adapter allows; sizes: {:?}", self.sizes),
            known: self.op.variant_names(),
        })
    }

    /// The tuned variant `name`, or why it cannot run here. A user's file is never tuned: its text may have changed.
    fn tuned(&self, context: &Context, name: &str) -> Result<std::result::Result<&'static Variant, String>> {
        let found = if user_file::is_file(name) { None } else { self.op.find(name).ok() };
        let Some(variant) = found else { return Ok(Err("is not one of its variants".into())) };
        Ok(match self.obstacle(context, variant)? {
            None => Ok(variant),
            Some(reason) => Err(reason),
        })
    }
}

impl Op {
    /// The variant of that name, or the one in a file of that name if it ends in `.wgsl`; of both, the setting that
    /// may follow: `tiled:ROWS=8`.
    ///
    /// # Errors
    /// [`Error::Variant`] with the known names; as [`user_file::read`] for a file; [`Error::Setting`].
    pub fn find(&'static self, name: &str) -> Result<&'static Variant> {
        let (base, given) = setting::split(name);
        let variant =
            if user_file::is_file(base) { user_file::load(self, base)? } else { self.variant(base)? };
        setting::load(self, variant, given)
    }
}
