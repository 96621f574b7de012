//! Class names: warnings about repeated names and about names that differ only in spelling.

use std::collections::BTreeMap;

use wgrad::words::commas;

/// Maximum number of names that a warning lists.
const SAID: usize = 5;
/// First value from which f64 no longer distinguishes all whole numbers; names from here on count as text.
pub(super) const EXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;

/// The warning where several classes share one name.
pub(super) fn repeated(classes: &[String]) -> Option<String> {
    let mut seen = BTreeMap::new();
    let (first, second) = classes
        .iter()
        .enumerate()
        .find_map(|(class, name)| seen.insert(name, class).map(|first| (first, class)))?;
    Some(format!(
        "classes {first} and {second} are both called {}: they stay two classes; give them different names",
        classes[first]
    ))
}

/// The value of a name regardless of its spelling: a number, or its words in lower case.
pub(super) fn essence(name: &str) -> String {
    match name.trim().parse::<f64>() {
        Ok(value) if value.abs() < EXACT => (value + 0.0).to_string(),
        _ => name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(),
    }
}

/// Names with their counts: `"Cat" (12) and "cat" (3)`.
pub(super) fn listed<'a>(names: impl Iterator<Item = (&'a str, usize)>) -> String {
    let named = names.map(|(name, count)| format!("{name:?} ({})", commas(count as u64)));
    named.collect::<Vec<_>>().join(" and ")
}

/// Joins the first parts with `; `, and appends `more` where there are others.
pub(super) fn first(all: &[String], more: &str) -> String {
    let said = all[..all.len().min(SAID)].join("; ");
    if all.len() > SAID { said + more } else { said }
}

/// The warning about names, each with its count, that differ only in how they are written.
pub(super) fn alike<'a>(names: impl Iterator<Item = (&'a str, usize)>) -> Option<String> {
    let mut groups: BTreeMap<String, Vec<(&str, usize)>> = BTreeMap::new();
    for (name, count) in names {
        groups.entry(essence(name)).or_default().push((name, count));
    }
    let all: Vec<String> =
        groups.into_values().filter(|group| group.len() > 1).map(|group| listed(group.into_iter())).collect();
    (!all.is_empty()).then(|| {
        format!(
            "{} differ only in case, spaces or how a number is written, and remain separate; write them alike if \
             they are the same",
            first(&all, "; ...")
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::synthetic::synthetic;

    #[test]
    fn labels_follow_the_names_of_their_classes() {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let mut data = synthetic(0, 4, 4);
        data.classes = names(&["cat", "dog"]);
        data.train.labels = [0, 1, 1, 0].into();
        data.test.labels = [1, 1, 0, 0].into();
        let turned = data.clone().with_classes(&names(&["bird", "dog", "cat"])).expect("all are known");
        assert_eq!(
            (&turned.train.labels[..], &turned.test.labels[..]),
            (&[2, 1, 1, 2][..], &[1, 1, 2, 2][..])
        );
        assert_eq!(turned.classes, names(&["bird", "dog", "cat"]));
        let error = data.clone().with_classes(&names(&["dog", "fish"])).expect_err("no cat").to_string();
        assert!(error.contains("dog, fish") && error.contains("cat as well"), "{error}");
        assert!(super::repeated(&data.classes).is_none());
        let twice = super::repeated(&names(&["a", "b", "a"])).expect("told");
        assert!(twice.contains("classes 0 and 2 are both called a"), "{twice}");
        let words = |names: &[&str]| super::alike(names.iter().copied().zip(1..));
        assert_eq!(words(&["cat", "dog", "1", "10", "inf", "9007199254740992", "9007199254740993"]), None);
        for (names, reported) in [
            (&["Cat", "cat", "dog", " CAT"][..], "\"Cat\" (1) and \"cat\" (2) and \" CAT\" (4) differ"),
            (&["ice  cream", "Ice cream"], "\"ice  cream\" (1) and \"Ice cream\" (2)"),
            (&["a", "1", "1.0", "-0", "0"], "\"-0\" (4) and \"0\" (5); \"1\" (2) and \"1.0\" (3)"),
        ] {
            let words = words(names).expect("alike");
            assert!(words.contains(reported), "{words}");
        }
        // Numbers are kept as they are where no name is known.
        assert_eq!(data.clone().with_classes(&names(&["a", "b"])).expect("as it is"), data);
    }
}
