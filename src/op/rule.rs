//! Rules about defaults, as the brackets of [`crate::kernels`] write them: `[Cpu]`, `[Discrete if groups >= 48]`. A
//! variant is a default where one of its rules holds; among several, the first in the registry runs.

use super::{AdapterClass, AdapterKind, Call, Op, Shader, Size, Sizes, Traits};
use std::fmt;

/// Adapters to which a rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Software adapters.
    Cpu,
    /// GPUs of every kind.
    Gpu,
    /// GPUs of phones and tablets.
    Mobile,
    /// GPUs that share the processor's memory.
    Integrated,
    /// Cards with their own memory.
    Discrete,
}

impl On {
    /// Returns true if the rule applies to adapters of this kind.
    pub fn covers(self, kind: AdapterKind) -> bool {
        match self {
            Self::Cpu => kind == AdapterKind::Software,
            Self::Gpu => kind != AdapterKind::Software,
            Self::Mobile => kind == AdapterKind::Mobile,
            Self::Integrated => kind == AdapterKind::Integrated,
            Self::Discrete => kind == AdapterKind::Discrete,
        }
    }
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Mobile => "mobile",
            Self::Integrated => "integrated",
            Self::Discrete => "discrete",
        })
    }
}

/// A rule: the variant is a default on these adapters, where all conditions hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The adapters.
    pub on: &'static [On],
    /// Conditions such as `groups >= 48` or `M / 32 * N / 32 <= 8`: a sum of products of sizes, traits (`lanes`,
    /// `mesa`, `intel`) and `groups`, the workgroups that the variant launches; a comparison; a number. `OH / 2` is
    /// rounded up.
    pub when: &'static [&'static str],
}

/// A default on every adapter.
pub const EVERYWHERE: &[Rule] = &[Rule { on: &[On::Cpu, On::Gpu], when: &[] }];

/// The comparison of a condition.
#[derive(Clone, Copy)]
enum Is {
    AtLeast,
    AtMost,
    Equal,
}

/// A condition, parsed.
struct Condition {
    left: Size,
    is: Is,
    right: usize,
}

impl Condition {
    fn parse(text: &str) -> Option<Self> {
        let signs = [(">=", Is::AtLeast), ("<=", Is::AtMost), ("==", Is::Equal)];
        let (sign, is) = signs.into_iter().find(|(sign, _)| text.contains(sign))?;
        let (left, right) = text.split_once(sign)?;
        let left = left.trim().to_string();
        (!left.is_empty()).then_some(())?;
        Some(Self { left: Size(left), is, right: right.trim().parse().ok()? })
    }

    /// The names in it.
    fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.left.0.split(['+', '*', '/']).map(str::trim);
        names.filter(|name| name.parse::<usize>().is_err())
    }

    /// The value of its left side; `None` if a name is unknown.
    fn value(&self, values: &Sizes) -> Option<usize> {
        self.left.value(values)
    }

    fn holds(&self, value: usize) -> bool {
        match self.is {
            Is::AtLeast => value >= self.right,
            Is::AtMost => value <= self.right,
            Is::Equal => value == self.right,
        }
    }
}

impl Rule {
    /// Returns true if the rule applies to adapters of this kind.
    pub fn covers(&self, kind: AdapterKind) -> bool {
        self.on.iter().any(|on| on.covers(kind))
    }

    /// Returns true if the rule can hold on an adapter of these traits, at some sizes at least.
    pub fn suits(&self, traits: &Traits) -> bool {
        let values: Sizes =
            TRAITS.iter().filter_map(|name| Some((name.to_string(), traits.value(name)? as f64))).collect();
        let can = |text: &&str| {
            let Some(condition) = Condition::parse(text) else { return false };
            // Of sizes nothing is known here.
            condition.value(&values).is_none_or(|value| condition.holds(value))
        };
        self.covers(traits.kind) && self.when.iter().all(can)
    }

    /// Returns true if the rule applies to every adapter of this class.
    pub fn is_plain(&self, class: AdapterClass) -> bool {
        let all = if class == AdapterClass::Cpu { On::Cpu } else { On::Gpu };
        self.when.is_empty() && self.on.contains(&all)
    }

    /// Returns true if it asks for the number of workgroups, which is known only for a composed shader.
    pub fn asks_for_groups(&self) -> bool {
        self.when.iter().any(|text| Condition::parse(text).is_some_and(|c| c.names().any(|n| n == GROUPS)))
    }

    /// The reason why it makes a variant a default for `call`, such as `discrete if groups >= 48: 64`; `None` if it
    /// does not hold. `shader` is the variant's; a condition about `groups` holds without it.
    pub fn reason(&self, traits: &Traits, call: &Call, shader: Option<&Shader>) -> Option<String> {
        let on = self.on.iter().find(|on| on.covers(traits.kind))?;
        let mut values = call.sizes.clone();
        for name in TRAITS {
            values.extend(traits.value(name).map(|value| (name.to_string(), value as f64)));
        }
        if let Some(shader) = shader {
            let groups = shader.groups(&shader.values(&call.sizes), u32::MAX);
            let groups = groups.map_or(0.0, |groups| groups.iter().map(|n| f64::from(*n)).product());
            values.insert(GROUPS.to_string(), groups);
        }
        let mut words = Vec::new();
        for text in self.when {
            let condition = Condition::parse(text)?;
            let unknown = shader.is_none() && condition.names().any(|name| name == GROUPS);
            if !unknown {
                let value = condition.value(&values)?;
                condition.holds(value).then_some(())?;
                words.push(format!("{text}: {value}"));
            }
        }
        Some(if words.is_empty() { on.to_string() } else { format!("{on} if {}", words.join(", ")) })
    }

    /// The names that its conditions use and `op` does not have, and the conditions that cannot be read.
    pub fn faults(&self, op: &Op) -> Vec<String> {
        let mut faults = Vec::new();
        for text in self.when {
            match Condition::parse(text) {
                None => faults.push(format!("`{text}` is no condition, expected one such as `groups >= 48`")),
                Some(condition) => {
                    let known = |name: &str| name == GROUPS || TRAITS.contains(&name) || op.takes(name);
                    let unknown = condition.names().filter(|name| !known(name));
                    faults.extend(unknown.map(|name| format!("`{text}`: {} has no size {name}", op.name)));
                }
            }
        }
        faults
    }
}

/// The number of workgroups, as conditions name it.
const GROUPS: &str = "groups";
/// The traits, as conditions name them.
const TRAITS: [&str; 3] = ["lanes", "mesa", "intel"];

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = self.on.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self.when {
            [] => f.write_str(&on),
            when => write!(f, "{on} if {}", when.join(", ")),
        }
    }
}
