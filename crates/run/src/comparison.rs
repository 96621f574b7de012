//! Comparison of trainings: groups of runs that differ only in their seed, and which differences between groups exceed
//! the spread of the seeds. The test is Welch's t test (Welch 1947), which assumes no equal spreads, with the correction
//! of Holm (1979) for several comparisons.

use super::{
    Config, EpochLine, Outcome, Run,
    recipe::{Flag, flags},
};
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};
use wgrad::{
    callbacks::{self, Watch},
    train::Options,
};

/// Level of significance: the probability of calling groups different that are not.
pub const LEVEL: f64 = 0.05;

/// The number by which trainings are compared, on the test images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// Share of correct predictions; more is better.
    TestAccuracy,
    /// Root mean squared error in the unit of the label; less is better.
    TestRmse,
    /// Mean loss; less is better.
    TestLoss,
}

impl Score {
    /// Returns the score for trainings with these lines: the accuracy if all have one, the error of a regression if all
    /// have one, else the loss.
    pub fn of<'l>(runs: impl IntoIterator<Item = &'l [EpochLine]> + Clone) -> Self {
        let all = |score: Self| {
            runs.clone().into_iter().flatten().all(|line| score.test(line).is_some_and(f64::is_finite))
        };
        [Self::TestAccuracy, Self::TestRmse].into_iter().find(|score| all(*score)).unwrap_or(Self::TestLoss)
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::TestAccuracy => "test accuracy",
            Self::TestRmse => "test RMSE",
            Self::TestLoss => "test loss",
        }
    }

    /// Returns the name of what [`Self::judged`] returns, with or without validation images.
    pub fn judged_name(self, validation: bool) -> &'static str {
        match (self, validation) {
            (_, false) => self.name(),
            (Self::TestAccuracy, true) => "validation accuracy",
            (Self::TestRmse, true) => "validation RMSE",
            (Self::TestLoss, true) => "validation loss",
        }
    }

    /// Returns the number of an epoch on the test images; `None` if it has none.
    pub fn test(self, line: &EpochLine) -> Option<f64> {
        match self {
            Self::TestAccuracy => Some(line.test_accuracy).filter(|share| !share.is_nan()),
            Self::TestRmse => line.errors.test_rmse,
            Self::TestLoss => Some(line.test_loss),
        }
    }

    /// Returns the number of an epoch on the images that judge it: the validation images if there are any, else the test
    /// images.
    pub fn judged(self, line: &EpochLine) -> Option<f64> {
        let validation = match self {
            Self::TestAccuracy => line.validation_accuracy,
            Self::TestRmse => line.errors.validation_rmse,
            Self::TestLoss => line.validation_loss,
        };
        validation.or_else(|| self.test(line))
    }

    /// Returns true if `a` is better than `b`; a number is better than NaN.
    pub fn is_better(self, a: f64, b: f64) -> bool {
        match self {
            _ if a.is_nan() || b.is_nan() => !a.is_nan(),
            Self::TestAccuracy => a > b,
            Self::TestRmse | Self::TestLoss => a < b,
        }
    }

    /// Returns the number in words.
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::TestRmse => wgrad::words::measure(value),
            Self::TestAccuracy | Self::TestLoss => format!("{value:.4}"),
        }
    }
}

/// A training to compare.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its configuration.
    pub config: &'a Config,
    /// Its epochs.
    pub lines: &'a [EpochLine],
    /// True if it will train no more: it has all its epochs, or its callbacks ended it.
    pub is_finished: bool,
}

impl Run {
    /// Returns true if the training is over: no process trains it, and it has all its epochs, or its callbacks ended it
    /// after these `lines`.
    pub fn is_finished(&self, lines: &[EpochLine]) -> bool {
        let Options { epochs, callbacks, schedule, .. } = &self.config.options;
        let mut watch = Watch::default();
        for line in lines {
            watch.observe(&line.judged(), callbacks, &schedule.decay);
        }
        let whole = lines.last().is_some_and(|line| line.epoch >= *epochs);
        !self.is_training() && (whole || watch.verdict(callbacks) != callbacks::Verdict::GoOn)
    }
}

/// Runs that differ only in their seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Its name: that of the run, or the network with the seeds.
    pub name: String,
    /// The runs, by their index.
    pub runs: Vec<usize>,
    /// The seeds of the runs that count: finished, no seed twice.
    pub seeds: Vec<u64>,
    /// The score of the best epoch of each run that counts.
    pub scores: Vec<f64>,
    /// Mean of the scores; `None` without scores.
    pub mean: Option<f64>,
    /// Standard deviation of the scores (with n - 1); `None` for fewer than two.
    pub deviation: Option<f64>,
}

/// Verdict on two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The first group is better by more than the spread of the seeds explains.
    FirstIsBetter,
    /// The second group is better by more than the spread of the seeds explains.
    SecondIsBetter,
    /// The difference is within the spread of the seeds.
    Within,
    /// One of the groups has fewer than two seeds, so that its spread is unknown.
    SpreadUnknown,
    /// All seeds of both groups gave the same score, or the scores are not finite: there is no spread to compare with.
    NoSpread,
    /// The groups were tested on different data.
    OtherData,
}

/// Comparison of two groups.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Indices of the groups.
    pub groups: [usize; 2],
    /// Verdict.
    pub verdict: Verdict,
    /// The test, if both groups have a spread.
    #[serde(flatten)]
    pub test: Option<Test>,
    /// Probability of such a difference between equal groups, corrected for the number of comparisons.
    pub p_corrected: Option<f64>,
}

/// Welch's t test of two samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Test {
    /// Mean of the first sample minus that of the second.
    pub difference: f64,
    /// Lower end of its 95 % confidence interval.
    pub low: f64,
    /// Upper end of its 95 % confidence interval.
    pub high: f64,
    /// Degrees of freedom (Satterthwaite 1946).
    pub degrees: f64,
    /// Probability of a difference at least as large between samples of the same mean.
    pub p: f64,
}

/// Returns the mean and the standard deviation (with n - 1) of a sample; no deviation for fewer than two values.
pub fn spread(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()))
}

/// Tests whether two samples have the same mean. `None` for fewer than two values in one of them, for values without any
/// spread, and for values that are not finite.
pub fn welch(a: &[f64], b: &[f64]) -> Option<Test> {
    let ((mean_a, Some(a_spread)), (mean_b, Some(b_spread))) = (spread(a), spread(b)) else { return None };
    let (n_a, n_b) = (a.len() as f64, b.len() as f64);
    let (of_a, of_b) = (a_spread.powi(2) / n_a, b_spread.powi(2) / n_b);
    let error = (of_a + of_b).sqrt();
    if !(error > 0.0 && error.is_finite()) {
        return None;
    }
    let degrees = (of_a + of_b).powi(2) / (of_a.powi(2) / (n_a - 1.0) + of_b.powi(2) / (n_b - 1.0));
    let distribution = StudentsT::new(0.0, 1.0, degrees).ok()?;
    let difference = mean_a - mean_b;
    let p = (2.0 * distribution.cdf(-(difference / error).abs())).min(1.0);
    let half = error * distribution.inverse_cdf(1.0 - 0.025);
    Some(Test { difference, low: difference - half, high: difference + half, degrees, p })
}

/// Corrects probabilities for their number by the method of Holm.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let (mut corrected, mut least) = (vec![1.0; p.len()], 0.0f64);
    for (rank, at) in order.into_iter().enumerate() {
        least = least.max(((p.len() - rank) as f64 * p[at]).min(1.0));
        corrected[at] = least;
    }
    corrected
}

/// Returns the configuration without the seed and without what follows from it, or from the machine on a given day: runs
/// with equal results differ only in their seed.
fn without_seed(config: &Config) -> Config {
    let mut key = config.clone();
    (key.version, key.recipe, key.pauses) = (String::new(), None, Vec::new());
    (key.kernels, key.calls) = (Vec::new(), Default::default());
    key.options.seed = 0;
    key.options.variants.tuned.clear();
    // The digest names the data; the seed chooses the validation part, and with it means and deviations of the rest.
    (key.data.spec, key.data.table) = (String::new(), None);
    if let Some(normalization) = &mut key.data.input.normalization {
        (normalization.mean, normalization.deviation) = (Vec::new(), Vec::new());
    }
    key
}

/// Returns the groups of runs that differ only in their seed, as indices, in the order of their first runs.
pub fn grouped<'c>(configs: impl IntoIterator<Item = &'c Config>) -> Vec<Vec<usize>> {
    let mut found: Vec<(Config, Vec<usize>)> = Vec::new();
    for (n, config) in configs.into_iter().enumerate() {
        let key = without_seed(config);
        match found.iter_mut().find(|(other, _)| *other == key) {
            Some((_, runs)) => runs.push(n),
            None => found.push((key, vec![n])),
        }
    }
    found.into_iter().map(|(_, runs)| runs).collect()
}

/// Most seeds that the name of a group lists.
const LISTED: usize = 6;

/// Returns the names of groups: that of the only run, or the network with the seeds; `run` has name and configuration.
pub fn names<'r>(groups: &[Vec<usize>], run: impl Fn(usize) -> (&'r str, &'r Config)) -> Vec<String> {
    let seeds = |runs: &[usize]| match runs.len() {
        n if n > LISTED => format!("{n} seeds"),
        _ => {
            let mut seeds: Vec<u64> = runs.iter().map(|n| run(*n).1.options.seed).collect();
            seeds.sort_unstable();
            let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
            format!("seeds {}", seeds.join(", "))
        }
    };
    let name = |runs: &Vec<usize>| match runs[..] {
        [] => String::new(),
        [one] => run(one).0.to_string(),
        [first, ..] => format!("{} ({})", run(first).1.model.name, seeds(runs)),
    };
    let all: Vec<String> = groups.iter().map(name).collect();
    // Groups of the same network need more than its name: the settings that differ, or else the first run.
    let firsts: Vec<&Config> = groups.iter().filter_map(|runs| runs.first()).map(|n| run(*n).1).collect();
    let with_settings = |(name, runs): (&String, &Vec<usize>)| match runs[..] {
        [first, _, ..] if all.iter().filter(|other| *other == name).count() > 1 => {
            let config = run(first).1;
            let label = differing(config, &firsts);
            format!("{}{label} ({})", config.model.name, seeds(runs))
        }
        _ => name.clone(),
    };
    let with: Vec<String> = all.iter().zip(groups).map(with_settings).collect();
    let unique = |(name, runs): (&String, &Vec<usize>)| match runs[..] {
        [first, _, ..]
            if name.chars().count() > LONGEST || with.iter().filter(|other| *other == name).count() > 1 =>
        {
            format!("{} and others ({})", run(first).0, seeds(runs))
        }
        _ => name.clone(),
    };
    with.iter().zip(groups).map(unique).collect()
}

/// Most characters of a name of a group that has settings.
const LONGEST: usize = 60;

/// Returns the options of a training in which it differs from others of its network, each after a comma.
fn differing(config: &Config, others: &[&Config]) -> String {
    let own = flags(&config.model.name, &config.options);
    let others: Vec<_> = others
        .iter()
        .filter(|other| other.model.name == config.model.name)
        .map(|other| flags(&other.model.name, &other.options))
        .collect();
    let differs = |flag: &&Flag| others.iter().any(|other| !other.contains(flag));
    let shown = |(name, value): &Flag| {
        let value = value.as_deref().map_or(String::new(), |value| format!(" {value}"));
        format!(", {}{value}", name.trim_start_matches('-'))
    };
    own.iter().filter(differs).map(shown).collect()
}

/// Comparison of trainings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The number that is compared: that of the best epoch.
    pub score: Score,
    /// The groups, in the order of their first runs.
    pub groups: Vec<Group>,
    /// All pairs of groups, the most different first.
    pub pairs: Vec<Pair>,
}

impl Comparison {
    /// Compares trainings by the test score of their best epochs.
    pub fn of(runs: &[Compared<'_>]) -> Self {
        let score = Score::of(runs.iter().map(|run| run.lines));
        let groups = grouped(runs.iter().map(|run| run.config));
        let names = names(&groups, |n| (runs[n].name, runs[n].config));
        let groups: Vec<Group> = groups
            .into_iter()
            .zip(names)
            .map(|(indices, name)| Group::new(name, indices, runs, score))
            .collect();
        let pairs = pairs(&groups, runs, score);
        Self { score, groups, pairs }
    }
}

impl Comparison {
    /// Returns the verdicts in words: at most `most` of them, the most different pairs first, and in one sentence the
    /// groups whose spread is unknown.
    pub fn verdicts(&self, most: usize) -> Vec<String> {
        let is_unknown = |pair: &&Pair| pair.verdict == Verdict::SpreadUnknown;
        let judged: Vec<&Pair> = self.pairs.iter().filter(|pair| !is_unknown(pair)).collect();
        let mut all: Vec<String> = judged.iter().take(most).map(|pair| self.words(pair)).collect();
        if judged.len() > most {
            all.push(format!("{} more pairs differ less", judged.len() - most));
        }
        match self.pairs.iter().filter(is_unknown).collect::<Vec<_>>()[..] {
            [] => {}
            [one] => all.push(self.words(one)),
            _ => {
                let few = self.groups.iter().filter(|group| group.deviation.is_none());
                let few: Vec<&str> = few.map(|group| group.name.as_str()).collect();
                let listed = few.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
                let more = few.len().checked_sub(LISTED).filter(|more| *more > 0);
                let more = more.map_or(String::new(), |more| format!(" and {more} more"));
                all.push(format!(
                    "differences to {listed}{more} may be chance: their spread is unknown, with fewer than two finished \
                     seeds each"
                ));
            }
        }
        all
    }

    /// Returns the verdict on a pair in words.
    pub fn words(&self, pair: &Pair) -> String {
        let [a, b] = pair.groups.map(|n| &self.groups[n]);
        let shown = |group: &Group| match (group.mean, group.deviation) {
            (Some(mean), Some(deviation)) => {
                format!("{} ± {}", self.score.shown(mean), self.score.shown(deviation))
            }
            (Some(mean), None) => self.score.shown(mean),
            (None, _) => "none".to_string(),
        };
        let score = self.score.name();
        let both = |a: &Group, b: &Group| format!("{score} {} against {}", shown(a), shown(b));
        let tested = pair.test.zip(pair.p_corrected).map_or(String::new(), |(test, p)| {
            let Test { difference, low, high, .. } = test;
            let ends = if difference < 0.0 { (-high, -low) } else { (low, high) };
            let count = self.pairs.iter().filter(|pair| pair.test.is_some()).count();
            let corrected =
                if count > 1 { format!(" after correction for {count} pairs") } else { String::new() };
            let small = if p < 1e-4 { "p < 0.0001".to_string() } else { format!("p = {p:.4}") };
            format!(
                "; difference {}, 95 % interval {} to {}, {small}{corrected}",
                self.score.shown(difference.abs()),
                self.score.shown(ends.0),
                self.score.shown(ends.1)
            )
        });
        let (first, second) = (&a.name, &b.name);
        match pair.verdict {
            Verdict::FirstIsBetter => format!("{first} is better than {second}: {}{tested}", both(a, b)),
            Verdict::SecondIsBetter => format!("{second} is better than {first}: {}{tested}", both(b, a)),
            Verdict::Within => format!(
                "{first} and {second} do not differ by more than their seeds do: {}{tested}",
                both(a, b)
            ),
            Verdict::SpreadUnknown => {
                let few = [a, b].map(|group| {
                    let seeds = ["no finished seed", "one finished seed"][group.seeds.len().min(1)];
                    group.deviation.is_none().then(|| format!("{} ({seeds})", group.name))
                });
                let few = few.into_iter().flatten().collect::<Vec<_>>().join(" and ");
                format!(
                    "{first} and {second}: {}; the spread of {few} is unknown, so the difference may be chance",
                    both(a, b)
                )
            }
            Verdict::NoSpread => format!(
                "{first} and {second}: {}; all seeds of a group gave the same, so there is no spread to compare with: \
                 more test data would show one",
                both(a, b)
            ),
            Verdict::OtherData => {
                format!(
                    "{first} and {second} were tested on different data: their results cannot be compared"
                )
            }
        }
    }
}

impl Group {
    fn new(name: String, indices: Vec<usize>, runs: &[Compared<'_>], score: Score) -> Self {
        let (mut seeds, mut scores) = (Vec::new(), Vec::new());
        for run in indices.iter().map(|n| &runs[*n]).filter(|run| run.is_finished) {
            let seed = run.config.options.seed;
            // The same training twice says nothing about the spread.
            let best = Outcome::of(run.lines, run.config, None).and_then(|outcome| score.test(&outcome.best));
            if let (Some(best), false) = (best, seeds.contains(&seed)) {
                seeds.push(seed);
                scores.push(best);
            }
        }
        let (mean, deviation) = spread(&scores);
        Self { name, runs: indices, mean: (!scores.is_empty()).then_some(mean), deviation, seeds, scores }
    }
}

fn pairs(groups: &[Group], runs: &[Compared<'_>], score: Score) -> Vec<Pair> {
    let data = |group: &Group| group.runs.first().map(|n| runs[*n].config.data.digest.as_str());
    let mut pairs = Vec::new();
    for (n, a) in groups.iter().enumerate() {
        for (m, b) in groups.iter().enumerate().skip(n + 1) {
            let same = data(a) == data(b);
            let test = if same { welch(&a.scores, &b.scores) } else { None };
            let verdict = match (same, a.deviation.is_some() && b.deviation.is_some()) {
                (false, _) => Verdict::OtherData,
                (true, false) => Verdict::SpreadUnknown,
                (true, true) => Verdict::NoSpread,
            };
            pairs.push(Pair { groups: [n, m], verdict, test, p_corrected: None });
        }
    }
    let tested: Vec<usize> = (0..pairs.len()).filter(|n| pairs[*n].test.is_some()).collect();
    let p: Vec<f64> = tested.iter().filter_map(|n| Some(pairs[*n].test?.p)).collect();
    for (n, p) in tested.into_iter().zip(holm(&p)) {
        let pair = &mut pairs[n];
        let first = pair.test.is_some_and(|test| score.is_better(test.difference, 0.0));
        pair.p_corrected = Some(p);
        pair.verdict = match (p < LEVEL, first) {
            (false, _) => Verdict::Within,
            (true, true) => Verdict::FirstIsBetter,
            (true, false) => Verdict::SecondIsBetter,
        };
    }
    let rank = |pair: &Pair| pair.p_corrected.unwrap_or(2.0);
    pairs.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    pairs
}

#[cfg(test)]
mod tests {
    use super::{Compared, Comparison, Score, Verdict, grouped, holm, spread, welch};
    use crate::{Config, EpochLine, Run, state::tests::old_run};
    use wgrad::metrics::Metrics;

    /// Numbers of `scipy.stats.ttest_ind(a, b, equal_var=False)` and its `confidence_interval()`, SciPy 1.17.1.
    #[test]
    fn the_test_of_welch_agrees_with_scipy() {
        let (a, b) = ([0.8964, 0.8952, 0.8971], [0.8990, 0.8978, 0.9001, 0.8985]);
        let found = welch(&a, &b).expect("both have a spread");
        for (got, expected) in [
            (found.difference, -0.002_616_666_666_666_7),
            (found.degrees, 4.474_355_101_297),
            (found.p, 0.019_655_850_148_853),
            (found.low, -0.004_577_912_184_791),
            (found.high, -0.000_655_421_148_543),
        ] {
            assert!((got - expected).abs() < 1e-12, "{got}, expected {expected}: {found:?}");
        }
        assert_eq!(welch(&a, &b[..1]), None);
        assert_eq!(welch(&[0.5, 0.5], &[0.5, 0.5]), None);
        assert_eq!(welch(&[0.5, f64::NAN], &a), None);
        let one = welch(&[0.5, 0.5], &[0.25, 0.75]).expect("one has a spread");
        assert!(one.p > 0.99 && (one.degrees - 1.0).abs() < 1e-9, "{one:?}");
        assert_eq!(spread(&[1.0, 3.0]), (2.0, Some(2f64.sqrt())));
    }

    /// Numbers of R's `p.adjust(c(0.01, 0.04, 0.03), "holm")`.
    #[test]
    fn several_comparisons_are_corrected_as_by_holm() {
        let got = holm(&[0.01, 0.04, 0.03]);
        assert!(got.iter().zip([0.03, 0.06, 0.06]).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?}");
        assert_eq!((holm(&[]), holm(&[0.9, 0.8])), (vec![], vec![1.0, 1.0]));
    }

    #[test]
    fn groups_of_one_network_are_named_by_what_differs() {
        let found = compared(&[(1, 128, 0.5), (0, 128, 0.5), (0, 64, 0.5), (1, 64, 0.5), (0, 32, 0.5)]);
        let names: Vec<&str> = found.groups.iter().map(|group| group.name.as_str()).collect();
        let model = config(0, 128).model.name;
        let expected =
            [format!("{model} (seeds 0, 1)"), format!("{model}, batch 64 (seeds 0, 1)"), "run".into()];
        assert_eq!(names, expected);
        let mut limited = [config(0, 8), config(1, 8), config(0, 8), config(1, 8)];
        limited[2..].iter_mut().for_each(|config| config.data.limit = Some(100));
        let groups = grouped(&limited);
        let found = super::names(&groups, |n| (["a", "b", "c", "d"][n], &limited[n]));
        assert_eq!(
            found,
            ["a and others (seeds 0, 1)", "c and others (seeds 0, 1)"],
            "no option of these differs"
        );
    }

    fn config(seed: u64, batch: usize) -> Config {
        let mut config = Run::open(old_run().path()).expect("a run").config;
        (config.options.seed, config.options.batch) = (seed, batch);
        config
    }

    fn line(accuracy: f64) -> Vec<EpochLine> {
        let test = Metrics { loss: 1.0 - accuracy, accuracy, images: 60, ..Metrics::default() };
        vec![EpochLine::new(1, 4, [test; 2], None, 1.0)]
    }

    fn compared(runs: &[(u64, usize, f64)]) -> Comparison {
        let all: Vec<_> =
            runs.iter().map(|(seed, batch, accuracy)| (config(*seed, *batch), line(*accuracy))).collect();
        let all =
            all.iter().map(|(config, lines)| Compared { name: "run", config, lines, is_finished: true });
        Comparison::of(&all.collect::<Vec<_>>())
    }

    #[test]
    fn groups_are_told_apart_where_the_seeds_are_closer_than_the_groups() {
        let apart =
            compared(&[(0, 8, 0.90), (1, 8, 0.91), (2, 8, 0.905), (0, 9, 0.7), (1, 9, 0.72), (2, 9, 0.71)]);
        assert_eq!(apart.score, Score::TestAccuracy);
        assert_eq!((apart.groups.len(), apart.groups[0].seeds.as_slice()), (2, &[0, 1, 2][..]));
        assert_eq!(apart.pairs[0].verdict, Verdict::FirstIsBetter);
        let same =
            compared(&[(0, 8, 0.90), (1, 8, 0.80), (2, 8, 0.85), (0, 9, 0.84), (1, 9, 0.88), (2, 9, 0.83)]);
        assert_eq!(same.pairs[0].verdict, Verdict::Within);
        let one = compared(&[(0, 8, 0.90), (0, 9, 0.7), (1, 9, 0.72)]);
        assert_eq!((one.pairs[0].verdict, one.pairs[0].test), (Verdict::SpreadUnknown, None));
        // The same seed twice is one seed.
        let twice = compared(&[(0, 8, 0.90), (0, 8, 0.91), (0, 9, 0.7), (1, 9, 0.72)]);
        assert_eq!((twice.pairs[0].verdict, twice.groups[0].scores.len()), (Verdict::SpreadUnknown, 1));
    }

    #[test]
    fn what_follows_from_the_seed_parts_no_group_and_other_data_are_not_compared() {
        let (a, mut b, mut c) = (config(0, 8), config(1, 8), config(1, 8));
        b.kernels = vec!["matmul/naive".into()];
        c.data.digest = "another".into();
        assert_eq!(grouped([&a, &b, &c]), [vec![0, 1], vec![2]]);
        let lines = line(0.5);
        let run = |config| Compared { name: "run", config, lines: &lines, is_finished: true };
        let found = Comparison::of(&[run(&a), run(&b), run(&c)]);
        assert_eq!(found.pairs[0].verdict, Verdict::OtherData);
    }
}
