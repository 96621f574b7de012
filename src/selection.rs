//! Selection of the variant that runs a call on a device: the one chosen by hand, else the tuned one, else the one
//! that the run recorded, else the first whose rule in the registry holds.

use crate::{
    Error, Result,
    gpu::Context,
    kernels::OPERATIONS,
    op::{
        AdapterClass, Call, Need, Op, Rule, Traits, Variant, setting,
        user_file::{self, is_file},
    },
};
use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Variants that replace the registry's defaults; a choice by hand beats a tuned one. All copies of the choices share
/// the text of each user file as it was first read, so that the same text is proven, run and kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "Recorded")]
pub struct Choices {
    /// By operation, such as `conv2d_forward`: `naive`, or a file that ends in `.wgsl`.
    pub by_hand: BTreeMap<String, String>,
    /// By [`Call::key`]: the variant that tuning found fastest for that call on that adapter.
    pub tuned: BTreeMap<String, String>,
    /// The defaults of a recorded run, which it keeps; empty for a new one.
    #[serde(skip)]
    pub defaults: Defaults,
    #[serde(skip)]
    files: Files,
}

/// The variants that ran by default when a run began, so that it resumes to the same bits under other rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// By [`Call::key`].
    pub calls: BTreeMap<String, String>,
    /// As `operation/variant`: all that older versions recorded.
    pub kernels: Vec<String>,
}

/// Files that were read for the choices, by operation and path.
#[derive(Clone, Default)]
struct Files(Arc<Mutex<BTreeMap<(&'static str, String), Variant>>>);

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.lock().unwrap_or_else(PoisonError::into_inner).keys()).finish()
    }
}

// Files that were already read do not change the choices.
impl PartialEq for Files {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Files {}

/// Choices in recorded runs: runs from before tuning have only the variants chosen by hand.
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
        let (by_hand, tuned) = match recorded {
            Recorded::Both(Both { by_hand, tuned }) => (by_hand, tuned),
            Recorded::ByHand(by_hand) => (by_hand, BTreeMap::new()),
        };
        // A user's file keeps its operation: it fits no other.
        let named = |op: String, variant: &String| match crate::kernels::op(&op) {
            Ok(now) if !is_file(setting::split(variant).0) => now.name.to_string(),
            _ => op,
        };
        let by_hand = by_hand.into_iter().map(|(op, variant)| (named(op, &variant), variant)).collect();
        Self { by_hand, tuned, ..Self::default() }
    }
}

impl Choices {
    /// Parses items `OP=VARIANT` and `OP=FILE.wgsl`, each with an optional setting (`OP=VARIANT:ROWS=8`), and
    /// checks all names.
    ///
    /// # Errors
    /// [`Error::Variant`] with the known names; as [`user_file::read`] for a file; [`Error::Setting`].
    pub fn parse<S: AsRef<str>>(items: &[S]) -> Result<Self> {
        let mut choices = Self::default();
        for item in items.iter().map(AsRef::as_ref) {
            let (op, variant) = item.split_once('=').unwrap_or((item, ""));
            let op = crate::kernels::op(op)?;
            choices.find(op, variant)?;
            choices.by_hand.insert(op.name.to_string(), variant.to_string());
        }
        Ok(choices)
    }

    /// As [`Op::find`]; a file is read once for these choices and their copies.
    ///
    /// # Errors
    /// As [`Op::find`].
    pub fn find(&self, op: &Op, name: &str) -> Result<Variant> {
        let (base, given) = setting::split(name);
        if !is_file(base) {
            return op.find(name);
        }
        let key = (op.name, base.to_string());
        let known = self.files.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let file = match known {
            Some(file) => file,
            None => {
                let read = user_file::read(op, Path::new(base))?;
                let mut files = self.files.0.lock().unwrap_or_else(PoisonError::into_inner);
                files.entry(key).or_insert(read).clone()
            }
        };
        setting::of(op, &file, given)
    }
}

/// The files among `choices`, as operation and variant, without their settings.
///
/// # Errors
/// As [`user_file::read()`].
pub fn chosen(choices: &Choices) -> Result<Vec<(&'static Op, Variant)>> {
    let files = choices.by_hand.iter().filter(|(_, name)| is_file(name));
    files
        .filter_map(|(op, name)| {
            let op = OPERATIONS.iter().find(|o| o.name == op)?;
            Some(choices.find(op, setting::split(name).0).map(|v| (*op, v)))
        })
        .collect()
}

/// The variants among `choices` that must be proven before use: files, and settings of any variant.
///
/// # Errors
/// As [`Op::find`].
pub fn unproven(choices: &Choices) -> Result<Vec<(&'static Op, Variant)>> {
    let wanted =
        choices.by_hand.iter().filter(|(_, name)| is_file(name) || !setting::split(name).1.is_empty());
    wanted
        .filter_map(|(op, name)| {
            let op = OPERATIONS.iter().find(|o| o.name == op)?;
            Some(choices.find(op, name).map(|v| (*op, v)))
        })
        .collect()
}

impl Call {
    /// The reason why `variant` cannot run this call on `context`; `None` if it can.
    ///
    /// # Errors
    /// [`Error::Shader`] if it does not compose.
    pub fn obstacle(&self, context: &Context, variant: &Variant) -> Result<Option<String>> {
        if let Some(wrong) = context.trust.distrusted(self, variant) {
            return Ok(Some(wrong));
        }
        self.obstacle_on(variant, context.class, context.features, &context.limits)
    }

    /// Why `variant` cannot run this call on an adapter of `class` with `features` and `limits`; `None` if it can.
    ///
    /// # Errors
    /// [`Error::Shader`] where it does not compose.
    pub fn obstacle_on(
        &self,
        variant: &Variant,
        class: AdapterClass,
        features: wgpu::Features,
        limits: &wgpu::Limits,
    ) -> Result<Option<String>> {
        if class == AdapterClass::Gpu && variant.needs().contains(&Need::Software) {
            return Ok(Some(format!("needs {}", Need::Software)));
        }
        if let Some(need) = variant.unmet(&self.sizes, features) {
            return Ok(Some(format!("needs {need}")));
        }
        let shader = match self.op.shader(variant, self.activation) {
            Err(Error::Asserted { message, .. }) => return Ok(Some(message)),
            other => other?,
        };
        let values = shader.values(&self.sizes);
        if let Some(reason) = shader.beyond(&values, limits) {
            return Ok(Some(reason));
        }
        let groups = shader.groups(&values, limits.max_compute_workgroups_per_dimension);
        Ok(groups.is_none().then(|| "needs more workgroups than this adapter allows".to_string()))
    }

    /// The first variant that a rule makes a default on an adapter with these `traits` and that has no `obstacle`,
    /// else `naive`, with the reason in words; `None` if that has one too.
    ///
    /// # Errors
    /// As `obstacle`.
    pub fn default_of(
        &self,
        traits: &Traits,
        obstacle: impl Fn(&Variant) -> Result<Option<String>>,
    ) -> Result<Option<(&Variant, String)>> {
        for variant in self.op.variants() {
            let holds = |rule: &&Rule| rule.reason(traits, self, None).is_some();
            let rules: Vec<_> = variant.default_for.iter().filter(holds).collect();
            if rules.is_empty() || obstacle(variant)?.is_some() {
                continue;
            }
            let ask = rules.iter().any(|rule| rule.asks_for_groups());
            let shader = ask.then(|| self.op.shader(variant, self.activation)).transpose()?;
            if let Some(reason) = rules.iter().find_map(|rule| rule.reason(traits, self, shader.as_ref())) {
                return Ok(Some((variant, reason)));
            }
        }
        let naive = self.op.variants().iter().find(|variant| variant.name() == "naive");
        Ok(match naive {
            Some(naive) if obstacle(naive)?.is_none() => {
                Some((naive, "no other default can run it".to_string()))
            }
            _ => None,
        })
    }

    /// The default on `context` among the variants that an older version's run recorded as `operation/variant`: the
    /// first one by the rules without conditions, which were the only ones then.
    fn among(&self, context: &Context, kernels: &[String]) -> Result<Option<&Variant>> {
        let is_among = |variant: &&Variant| {
            let name = |kernel: &String| match kernel.split_once('/') {
                Some((op, name)) if self.op.is_named(op) => self.op.variant(name).ok(),
                _ => None,
            };
            variant.suits(&context.traits)
                && kernels.iter().filter_map(name).any(|found| found.name() == variant.name())
        };
        let plain = |variant: &&Variant| variant.default_for.iter().any(|rule| rule.is_plain(context.class));
        let variants = self.op.variants().iter();
        let (first, rest): (Vec<_>, Vec<_>) = variants.filter(is_among).partition(plain);
        for variant in first.into_iter().chain(rest) {
            if self.obstacle(context, variant)?.is_none() {
                return Ok(Some(variant));
            }
        }
        Ok(None)
    }

    /// The variant that runs this call on `context`, with the reason why a wanted one was skipped. It is the one chosen
    /// by hand for this operation if that can run, else the one tuned for this call, else the default that the run
    /// recorded, else the first that a rule makes the default here, else `naive`.
    ///
    /// # Errors
    /// [`Error::Variant`] if the one chosen by hand is unknown, or nothing can run the call.
    pub fn variant(&self, context: &Context, wanted: &Choices) -> Result<(Variant, Option<String>)> {
        let mut skipped = None;
        if let Some(name) = wanted.by_hand.get(self.op.name) {
            let variant = wanted.find(self.op, name)?;
            match self.obstacle(context, &variant)? {
                None => return Ok((variant, None)),
                Some(reason) => skipped = Some(format!("`{name}` {reason}")),
            }
        }
        if let Some(name) = self.op.recorded(&wanted.tuned, &self.key()) {
            match self.tuned(context, name)? {
                Ok(variant) => return Ok((variant, skipped)),
                // It was tuned elsewhere, or by another version: the default runs, and a note reports it.
                Err(reason) => skipped = skipped.or(Some(format!("the tuned `{name}` {reason}"))),
            }
        }
        if let Some(name) = self.op.recorded(&wanted.defaults.calls, &self.key())
            && let Ok(variant) = self.tuned(context, name)?
        {
            return Ok((variant, skipped));
        }
        if let Some(variant) = self.among(context, &wanted.defaults.kernels)? {
            return Ok((variant.clone(), skipped));
        }
        if let Some((variant, _)) =
            self.default_of(&context.traits, |variant| self.obstacle(context, variant))?
        {
            return Ok((variant.clone(), skipped));
        }
        let reason = self.obstacle(context, self.op.variant("naive")?)?.unwrap_or_default();
        Err(Error::Variant {
            op: self.op.name,
            wanted: "naive".into(),
            message: format!("{reason}; sizes: {:?}", self.sizes),
            known: self.op.variant_names(),
        })
    }

    /// The tuned variant `name`, or the reason why it cannot run here. A user's file is never tuned: its text may have
    /// changed.
    fn tuned(&self, context: &Context, name: &str) -> Result<std::result::Result<Variant, String>> {
        let found = if user_file::is_file(name) { None } else { self.op.find(name).ok() };
        let Some(variant) = found else { return Ok(Err("is not one of its variants".into())) };
        Ok(match self.obstacle(context, &variant)? {
            None => Ok(variant),
            Some(reason) => Err(reason),
        })
    }
}

impl Op {
    /// The variant with that name, or the one in a file of that name if it ends in `.wgsl`; a setting may follow
    /// either: `tiled:ROWS=8`.
    ///
    /// # Errors
    /// [`Error::Variant`] with the known names; as [`user_file::read`] for a file; [`Error::Setting`].
    pub fn find(&self, name: &str) -> Result<Variant> {
        let (base, given) = setting::split(name);
        match is_file(base) {
            true => user_file::read(self, Path::new(name)),
            false => setting::of(self, self.variant(base)?, given),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Choices, chosen, unproven};
    use crate::{
        kernels::{ATTENTION_FORWARD, ATTENTION_GRAD, MATMUL},
        op::Call,
    };
    use std::{collections::BTreeMap, fs};

    #[test]
    fn what_was_recorded_under_the_former_name_of_an_operation_counts() {
        let recorded =
            r#"{"by_hand":{"attention_grad_key":"naive","attention_grad_value":"a.wgsl"},"tuned":{}}"#;
        let read: Choices = serde_json::from_str(recorded).expect("reads");
        let map = |entries: &[(&str, &str)]| -> BTreeMap<String, String> {
            entries.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
        };
        assert_eq!(read.by_hand, map(&[("attention_grad", "naive"), ("attention_grad_value", "a.wgsl")]));

        let call = |op| Call::new(op, &[("ROWS", 2), ("T", 3)]);
        let (grad, forward) = (call(&ATTENTION_GRAD), call(&ATTENTION_FORWARD));
        let found = |call: &Call, calls: &BTreeMap<_, _>| call.op.recorded(calls, &call.key()).cloned();
        let before = map(&[("attention_grad_query ROWS=2,T=3 linear", "naive")]);
        assert_eq!(found(&grad, &before).as_deref(), Some("naive"));
        assert_eq!(found(&forward, &before), None);
        let other = map(&[("attention_grad_query ROWS=2,T=4 linear", "naive")]);
        assert_eq!(found(&grad, &other), None);
        let both = map(&[("attention_grad_key ROWS=2,T=3 linear", "naive"), (&grad.key(), "tiled")]);
        assert_eq!(found(&grad, &both).as_deref(), Some("tiled"));
    }

    #[test]
    fn a_file_is_read_once_for_choices_and_their_copies() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mine.wgsl");
        let naive = MATMUL.variant("naive").expect("there").source();
        let first = format!("const A = 1u; // one of 1, 2\n{naive}");
        fs::write(&path, &first).expect("writes");
        let name = format!("{}:A=2", path.display());
        let parse = || Choices::parse(&[format!("matmul={name}")]).unwrap_or_else(|e| panic!("{e}"));
        let choices = parse();
        let recorded = serde_json::to_string(&choices).expect("writes");

        fs::write(&path, format!("// another\n{first}")).expect("writes");
        let copy = choices.clone();
        for choices in [&choices, &copy] {
            let [(op, file)] = &chosen(choices).expect("read")[..] else { panic!("one") };
            assert_eq!((op.name, file.source()), ("matmul", first.as_str()), "as it was");
            let [(_, setting)] = &unproven(choices).expect("read")[..] else { panic!("one") };
            assert_eq!(setting.name(), name);
            assert!(setting.source().starts_with("const A = 2u;"), "{}", setting.source());
        }
        assert!(chosen(&parse()).expect("read")[0].1.source().starts_with("// another"), "as it is now");
        // Files that were read are not part of the record, and do not change the choices.
        assert_eq!(recorded, serde_json::to_string(&parse()).expect("writes"));
        assert_eq!(serde_json::from_str::<Choices>(&recorded).expect("reads"), choices);
    }
}
