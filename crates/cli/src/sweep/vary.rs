//! The settings of a sweep: the options that are varied, and their values in each training.

use crate::config::{NOT_SET_HERE, meant, option, words_of};
use anyhow::{Context as _, Result, bail};
use clap::Command;
use wgrad::feed::split_mix;

/// Options of `wgrad train` that are not varied: they decide what a training shows, not what it computes.
const NOT_VARIED: [&str; 6] = ["adapter", "live", "expose", "host-name", "tensorboard", "max-time"];
/// Significant digits of a number that is drawn.
const DIGITS: usize = 4;

/// An option with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Varied {
    /// Its name, without dashes.
    pub name: String,
    values: Values,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    List(Vec<String>),
    Range { low: f64, high: f64, log: bool, whole: bool },
}

impl Varied {
    /// Parses `NAME=A,B,...`; between semicolons, values may hold commas.
    pub fn grid(text: &str) -> Result<Self, String> {
        let (name, values) = named(text).ok_or("expected NAME=A,B,..., such as lr=0.1,0.01")?;
        Ok(Self { name, values: Values::List(list(values)?) })
    }

    /// Parses `NAME=LOW..HIGH`, with `:log` for a logarithmic scale, or a list as for [`Self::grid`].
    pub fn random(text: &str) -> Result<Self, String> {
        const EXPECTED: &str =
            "expected NAME=LOW..HIGH with LOW below HIGH, such as lr=1e-4..1e-1:log, or NAME=A,B,...";
        let (name, values) = named(text).ok_or(EXPECTED)?;
        let Some((low, rest)) = values.split_once("..") else {
            return Ok(Self { name, values: Values::List(list(values)?) });
        };
        let (high, log) = match rest.split_once(':') {
            None => (rest, false),
            Some((high, "log")) => (high, true),
            Some((_, scale)) => return Err(format!("the scale is `{scale}`, expected `log`, or none")),
        };
        let whole = |text: &str| text.trim().parse::<i64>().is_ok();
        let whole = whole(low) && whole(high);
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        match (number(low), number(high)) {
            (Some(low), Some(_)) if log && low <= 0.0 => {
                Err(format!("the range begins at {low}, expected a number above 0 for a logarithmic scale"))
            }
            (Some(low), Some(high)) if low < high => {
                Ok(Self { name, values: Values::Range { low, high, log, whole } })
            }
            _ => Err(EXPECTED.to_string()),
        }
    }

    /// Refuses a name that is no option, an option that is not varied, and values that the option does not take.
    pub fn check(&self, train: &Command) -> Result<()> {
        let name = self.name.as_str();
        if option(train, name).is_none() {
            bail!("there is no option `{name}`; {}", meant(train, name));
        }
        if NOT_SET_HERE.contains(&name) || NOT_VARIED.contains(&name) {
            bail!("`{name}` changes no result; vary another option, such as lr");
        }
        let values = match &self.values {
            Values::List(values) => values.clone(),
            Values::Range { .. } => vec![self.at(0.0), self.at(1.0)],
        };
        values.iter().try_for_each(|value| {
            words(train, name, value).map(drop).with_context(|| format!("the training with {name}={value}"))
        })
    }

    /// The value at a share of its range, or of its list.
    fn at(&self, share: f64) -> String {
        match &self.values {
            Values::List(values) => {
                let at = (share * values.len() as f64) as usize;
                values.get(at.min(values.len().saturating_sub(1))).cloned().unwrap_or_default()
            }
            Values::Range { low, high, log, whole } => {
                // Each whole number is as probable as the others.
                let high = if *whole && !log { high + 1.0 } else { *high };
                let value = match log {
                    true => (low.ln() + share * (high.ln() - low.ln())).exp(),
                    false => low + share * (high - low),
                };
                match whole {
                    true if *log => format!("{}", value.round()),
                    true => format!("{}", value.floor().min(high - 1.0)),
                    false => rounded(value.clamp(*low, high)),
                }
            }
        }
    }
}

/// A number with a few significant digits.
fn rounded(value: f64) -> String {
    let few: f64 = format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value);
    few.to_string()
}

fn named(text: &str) -> Option<(String, &str)> {
    let (name, values) = text.split_once('=')?;
    let name = name.trim().trim_start_matches("--");
    (!name.is_empty() && !values.trim().is_empty()).then(|| (name.to_string(), values))
}

fn list(text: &str) -> Result<Vec<String>, String> {
    let separator = if text.contains(';') { ';' } else { ',' };
    let values: Vec<String> = text.split(separator).map(|value| value.trim().to_string()).collect();
    if let Some(n) = values.iter().position(String::is_empty) {
        return Err(format!("value {} is empty, expected one between two separators", n + 1));
    }
    match values.iter().enumerate().find(|(n, value)| values[..*n].contains(value)) {
        Some((_, twice)) => Err(format!("{twice} is there twice; leave one out")),
        None => Ok(values),
    }
}

/// The words of the command line for a value of an option.
pub fn words(train: &Command, name: &str, value: &str) -> Result<Vec<String>> {
    let Some(arg) = option(train, name) else {
        bail!("there is no option `{name}`; {}", meant(train, name));
    };
    words_of(arg, value).map_err(|said| anyhow::anyhow!("{said}"))
}

/// The values of each training: each draw of `random` with each combination of `grid`, whose last option changes first. A
/// draw that repeats another is left out.
pub fn trials(
    grid: &[Varied],
    random: &[Varied],
    draws: usize,
    seed: u64,
    most: usize,
) -> Result<Vec<Vec<String>>> {
    let of_grid = grid.iter().map(|one| match &one.values {
        Values::List(values) => values.len(),
        Values::Range { .. } => 1,
    });
    let count = of_grid.fold(1usize, usize::saturating_mul).saturating_mul(draws);
    if count > most {
        bail!("{count} trainings are asked for, expected at most {most}; leave out some values");
    }
    let mut all: Vec<Vec<String>> = Vec::new();
    let mut drawn: Vec<Vec<String>> = Vec::new();
    for draw in 0..draws {
        let values: Vec<String> = random
            .iter()
            .enumerate()
            .map(|(n, one)| one.at(uniform(seed, draw * random.len() + n)))
            .collect();
        if drawn.contains(&values) {
            continue;
        }
        let mut combinations = vec![Vec::new()];
        for one in grid {
            let Values::List(values) = &one.values else { continue };
            let with = |before: &Vec<String>, value: &String| [before.clone(), vec![value.clone()]].concat();
            combinations = combinations
                .iter()
                .flat_map(|before| values.iter().map(move |value| with(before, value)))
                .collect();
        }
        all.extend(combinations.into_iter().map(|combination| [combination, values.clone()].concat()));
        drawn.push(values);
    }
    Ok(all)
}

/// A number of [0, 1), the same for the same seed and index.
fn uniform(seed: u64, index: usize) -> f64 {
    (split_mix(split_mix(seed) ^ index as u64) >> 11) as f64 / 2f64.powi(53)
}

#[cfg(test)]
mod tests {
    use super::{Varied, trials};

    fn random(text: &str) -> Varied {
        Varied::random(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn a_grid_has_all_combinations() {
        let grid = [
            Varied::grid("lr=0.1,0.01").expect("fits"),
            Varied::grid("--augment=flip;flip,shift=2").expect("fits"),
        ];
        let all = trials(&grid, &[], 1, 0, 10).expect("few");
        assert_eq!(
            all,
            [["0.1", "flip"], ["0.1", "flip,shift=2"], ["0.01", "flip"], ["0.01", "flip,shift=2"]]
        );
        let with = trials(&grid, &[random("batch=8..64")], 2, 0, 10).expect("few");
        assert_eq!((with.len(), with[0].len()), (8, 3));
        assert!(with[0][2] == with[3][2] && with[0][2] != with[4][2], "{with:?}");
        assert!(trials(&grid, &[random("batch=8..64")], 3, 0, 11).is_err());
    }

    #[test]
    fn draws_are_those_of_the_seed_and_fill_the_range() {
        let draw = |text: &str, seed| -> Vec<f64> {
            let all = trials(&[], &[random(text)], 500, seed, 1000).expect("few");
            all.iter().map(|values| values[0].parse().expect("a number")).collect()
        };
        let logs = draw("lr=1e-4..1:log", 0);
        assert!(logs.iter().all(|x| (1e-4..=1.0).contains(x)));
        let below = logs.iter().filter(|x| **x < 1e-2).count() as f64 / logs.len() as f64;
        assert!((0.4..0.6).contains(&below), "half of them are in the lower half of the scale: {below}");
        assert_eq!(draw("lr=1e-4..1:log", 0), logs);
        assert_ne!(draw("lr=1e-4..1:log", 1), logs);
        let mut whole = draw("batch=3..6", 0);
        whole.sort_by(f64::total_cmp);
        assert_eq!(whole, [3.0, 4.0, 5.0, 6.0], "each once, both ends included");
    }

    #[test]
    fn what_is_no_range_and_no_list_is_refused() {
        for (text, words) in [
            ("lr", "expected NAME=LOW..HIGH"),
            ("lr=", "expected NAME=LOW..HIGH"),
            ("lr=1..0.1", "LOW below HIGH"),
            ("lr=0..1:log", "above 0 for a logarithmic scale"),
            ("lr=0.1..1:exp", "`exp`, expected `log`"),
            ("lr=a..b", "expected NAME=LOW..HIGH"),
            ("lr=nan..1", "expected NAME=LOW..HIGH"),
            ("lr=0.1,0.1", "0.1 is there twice"),
            ("lr=0.1,,0.2", "value 2 is empty"),
        ] {
            let error = Varied::random(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
