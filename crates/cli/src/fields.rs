//! Translates the library's messages for the command line: its fields become options, its items commands. The
//! documentation of [`wgrad::error`] defines how messages name them.

use std::borrow::Cow;
use wgrad::optim;
use wgrad_run::recipe::{NUMBER_OPTIONS, NumberOption};

/// Command-line form of a field.
#[derive(Clone, Copy)]
enum Said {
    /// Option that takes the field's value.
    Value(&'static str),
    /// Option without a value, and the option that turns it off again, if there is one.
    Switch(&'static str, Option<&'static str>),
}

use Said::{Switch, Value};

/// Fields of the library and their options, except the optimizers' numbers.
const FIELDS: &[(&str, Said)] = &[
    // Training.
    ("batch", Value("--batch")),
    ("budget", Value("--chunk")),
    ("epochs", Value("--epochs")),
    ("folder", Value("--out")),
    ("init", Value("--init")),
    ("loss", Value("--loss")),
    ("model", Value("--model")),
    ("seed", Value("--seed")),
    ("variants", Value("--variant")),
    // Optimizer; [`numbers`] has the numbers of its method.
    ("ema_momentum", Value("--ema")),
    ("global_clipnorm", Value("--global-clipnorm")),
    ("learning_rate", Value("--lr")),
    ("optimizer", Value("--optimizer")),
    ("weight_decay", Value("--weight-decay")),
    // Schedule and callbacks.
    ("decay.momentum", Value("--cycle-momentum")),
    ("div", Value("--div-factor")),
    ("factor", Value("--decay")),
    ("final_div", Value("--final-div-factor")),
    ("last", Value("--decay")),
    ("longer", Value("--restart-longer")),
    ("lower", Value("--restart-lower")),
    ("min", Value("--min-lr")),
    ("min_delta", Value("--min-delta")),
    ("patience", Value("--patience")),
    ("rise", Value("--rise")),
    ("schedule", Value("--schedule")),
    ("target_accuracy", Value("--target-accuracy")),
    ("warmup_steps", Value("--warmup-steps")),
    // Augmentation, labels and normalization.
    ("augment", Value("--augment")),
    ("class_weight", Value("--class-weight")),
    ("label_smoothing", Value("--label-smoothing")),
    ("normalization", Switch("--normalize", None)),
    // Data.
    ("category", Value("--category")),
    ("channels", Value("--channels")),
    ("comment", Value("--comment")),
    ("data", Value("--data")),
    ("decimal", Value("--decimal")),
    ("drop", Value("--drop")),
    ("fit", Value("--fit")),
    ("header", Value("--header")),
    ("label", Value("--label")),
    ("maxlen", Value("--maxlen")),
    ("missing", Value("--missing")),
    ("na", Value("--na")),
    ("not_na", Value("--not-na")),
    ("num_words", Value("--num-words")),
    ("shape", Value("--shape")),
    ("size", Value("--size")),
    ("split_seed", Value("--split-seed")),
    ("target", Value("--target")),
    ("test_share", Value("--test-share")),
    // Device.
    ("adapter", Value("--adapter")),
    ("checked", Switch("--checked", None)),
    // Evaluation.
    ("mirrored", Switch("--tta", None)),
    // Lab and searches.
    ("activation", Value("--activation")),
    ("baseline", Value("--baseline")),
    ("batches", Value("--batches")),
    ("from", Value("--from")),
    ("rounds", Value("--rounds")),
    ("seconds", Value("--seconds")),
    ("sizes", Value("--size")),
    ("steps", Value("--steps")),
    ("to", Value("--to")),
    ("tolerance", Value("--tolerance")),
    ("widths", Value("--widths")),
    // Import and export.
    ("input_shape", Value("--input-shape")),
    ("raw_pixels", Switch("--raw-pixels", None)),
];

/// Numbers of the optimizers and their options.
fn numbers() -> impl Iterator<Item = (&'static str, Said)> {
    let switch = |name, on| {
        let mut switches = NUMBER_OPTIONS.iter().filter(move |option| option.number.name == name);
        switches
            .find(|option| option.number.value == optim::Value::Switch(on))
            .map(|option| option.name.as_str())
    };
    NUMBER_OPTIONS.iter().map(move |NumberOption { name: option, number, .. }| {
        let said = match (number.value, switch(number.name, true)) {
            (optim::Value::Real(_) | optim::Value::Whole(_), _) => Value(option),
            (optim::Value::Switch(_), on) => Switch(on.unwrap_or(option), switch(number.name, false)),
        };
        (number.name, said)
    })
}

/// All fields and their options.
fn fields() -> impl Iterator<Item = (&'static str, Said)> {
    FIELDS.iter().copied().chain(numbers())
}

/// Items of the library and their commands: for the bare item, and for an item with an argument in brackets, which
/// replaces `{}`. The second is empty where no message has an argument.
const ITEMS: &[(&str, &str, &str)] = &[
    ("Predictor::outputs", "wgrad predict", "wgrad predict RUN {}"),
    ("Published::fetch", "wgrad data fetch", "wgrad data fetch {}"),
    ("Run::create", "wgrad train", ""),
    ("Run::last", "`--last` (of export: `--weights last`)", ""),
    ("Run::take", "--resume", "wgrad train --resume {}"),
    ("Trainer::new", "wgrad train", ""),
    ("gpu::list", "wgrad adapters", ""),
    ("listing::all", "wgrad runs", ""),
    ("networks::NETWORKS", "wgrad models", ""),
    ("user_file::read", "--file", "--file {}"),
    ("wgrad_data::places::fetch", "wgrad data fetch", ""),
    ("wgrad_formats::keras::load", "wgrad train --model", "wgrad train --model {}"),
    ("wgrad_formats::model_file::TEMPLATE", "wgrad models --template", ""),
    ("wgrad_formats::onnx::import", "wgrad import", "wgrad import {}"),
    ("wgrad_lab::history::save", "wgrad lab OP --save FILE", ""),
    ("wgrad_lab::measure", "wgrad lab", "wgrad lab {}"),
    ("wgrad_lab::sweep", "--sweep", "--file {} --sweep"),
    ("wgrad_lab::template", "wgrad lab OP --template", ""),
    ("wgrad_lab::tune", "wgrad tune", ""),
];

/// Replaces the library's names in a message by those of the command line. Other words and unknown names stay.
pub fn spelled(words: &str) -> Cow<'_, str> {
    if !words.contains("`.") && !words.contains("::") {
        return words.into();
    }
    let (mut said, mut rest) = (String::new(), words);
    while let Some(at) = rest.find('`') {
        said.push_str(&rest[..at]);
        rest = &rest[at..];
        match quoted(rest) {
            // Adjacent names form one command.
            Some((mut all, mut end)) => {
                while let Some((next, length)) = rest[end..].strip_prefix(' ').and_then(quoted) {
                    all = format!("{all} {next}");
                    end += 1 + length;
                }
                // An option that is the subject of a sentence has no backticks, as in the messages of the command line.
                let bare = rest[end..].starts_with(" is ") && all.starts_with("--") && !all.contains(' ');
                said.push_str(&if bare || all.contains('`') { all } else { format!("`{all}`") });
                rest = &rest[end..];
            }
            None => {
                said.push('`');
                rest = &rest[1..];
            }
        }
    }
    said.push_str(rest);
    said.into()
}

/// Like [`spelled`], but without backticks, for advice that is no sentence.
pub fn bare(words: &str) -> String {
    spelled(words).replace('`', "")
}

/// Translates the name in backticks at the start of `words`. Returns the translation and the length of the original
/// with its backticks; `None` for an unknown name.
fn quoted(words: &str) -> Option<(String, usize)> {
    let inner = words.strip_prefix('`')?;
    let inner = &inner[..inner.find('`')?];
    let said = match inner.strip_prefix('.') {
        Some(field) => option(field),
        None => command(inner),
    };
    Some((said?, inner.len() + 2))
}

/// Option of a field, with the value if there is one.
fn option(field: &str) -> Option<String> {
    let (name, value) = field.split_once(" = ").map_or((field, None), |(name, value)| (name, Some(value)));
    let (_, said) = fields().find(|(known, _)| *known == name)?;
    Some(match (said, value) {
        (Value(option), Some(value)) => format!("{option} {value}"),
        (Switch(_, Some(off)), Some("false")) => off.to_string(),
        (Value(option) | Switch(option, _), _) => option.to_string(),
    })
}

/// Command of an item, with its argument if there is one.
fn command(item: &str) -> Option<String> {
    let (name, taken) = item.split_once('(').map_or((item, ""), |(name, taken)| (name, taken));
    let taken = taken.strip_suffix(')').unwrap_or(taken);
    let (_, alone, with) = ITEMS.iter().find(|(known, ..)| *known == name)?;
    Some(if taken.is_empty() { alone.to_string() } else { with.replace("{}", taken) })
}

#[cfg(test)]
mod tests {
    use super::{ITEMS, Said, bare, fields as table, spelled};
    use crate::Cli;
    use std::collections::BTreeSet;
    use wgrad::optim::Method;
    use wgrad_testing::sources::{Literal, library, literals};

    /// Compile-time check that the items exist.
    #[allow(unused_imports, reason = "the compiler finds them")]
    mod items {
        use wgrad::{gpu::list, networks::NETWORKS, op::user_file::read, predict::Predictor, train::Trainer};
        use wgrad_data::{places::fetch, published::Published};
        use wgrad_formats::{keras::load, model_file::TEMPLATE, onnx::import};
        use wgrad_lab::{measure, sweep, template, tune};
        use wgrad_run::Run;
    }

    #[test]
    fn words_of_the_library_become_those_of_the_command_line() {
        for (words, expected) in [
            ("`.batch` is 0, expected at least 1", "--batch is 0, expected at least 1"),
            ("use `.batch = 64` or less", "use `--batch 64` or less"),
            ("a lower `.learning_rate`, or `.warmup_steps`", "a lower `--lr`, or `--warmup-steps`"),
            ("`.decay.momentum` is on", "--cycle-momentum is on"),
            (
                "say `.optimizer = muon` `.nesterov = false` `.beta_2 = 0.9`; x",
                "say `--optimizer muon --no-nesterov --beta-2 0.9`; x",
            ),
            ("say `.optimizer = rmsprop` `.centered = true`", "say `--optimizer rmsprop --centered`"),
            ("`.na = 'a b,?'` and `.comment = \"#\"`", "`--na 'a b,?'` and `--comment \"#\"`"),
            ("go on with: `Run::take(runs/mlp 1)`", "go on with: `wgrad train --resume runs/mlp 1`"),
            (
                "by `Run::take`, or by `Run::last`",
                "by `--resume`, or by `--last` (of export: `--weights last`)",
            ),
            (
                "`wgrad_formats::onnx::import(a.onnx)` `.folder = RUN` makes",
                "`wgrad import a.onnx --out RUN` makes",
            ),
            (
                "`wgrad_lab::measure(matmul)` `user_file::read(my.wgsl)` `.sizes = M=1,N=2` tells more",
                "`wgrad lab matmul --file my.wgsl --size M=1,N=2` tells more",
            ),
            // Names that are not the library's, and text that is no name.
            ("unknown field `momentum`, expected `epsilon`", "unknown field `momentum`, expected `epsilon`"),
            ("`.keras` or `.batches2`, `a::b`, `Run::take", "`.keras` or `.batches2`, `a::b`, `Run::take"),
            ("`x` has `.batch", "`x` has `.batch"),
            ("a `b` `.batch` is small", "a `b` --batch is small"),
        ] {
            assert_eq!(spelled(words), expected);
        }
        assert_eq!(bare("more `.epochs` (`.patience = 3`)"), "more --epochs (--patience 3)");
        let error = wgrad::Error::Option { name: "learning_rate", got: "x".into(), expected: "y" };
        assert_eq!(spelled(&error.to_string()), "--lr is x, expected y");
    }

    /// Returns true if a text could be a field: names in lower case, separated by dots.
    fn is_field(text: &str) -> bool {
        let word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        !text.is_empty() && text.split('.').all(word)
    }

    /// Pieces of a text that follow a backtick: the names in backticks and the text between them.
    fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
        text.split('`').skip(1)
    }

    /// Collects the fields that the library's strings name: in messages, and as names of [`wgrad::Error::Option`].
    fn fields(found: &[Literal], source: &str, fields: &mut BTreeSet<String>) {
        // Functions that pass a name on to `Error::Option` or to a message.
        const HANDED: &[&str] = &[
            "positive(",
            "not_negative(",
            "share(",
            "forgets(",
            "difference(",
            "check(",
            "fail(",
            "column(",
            "set(",
            "field_error(",
        ];
        let hands = source.contains("Error::Option")
            || source.contains("field_error(")
            || source.contains("range::")
            || source.contains(".column(");
        for literal in found {
            for inner in in_backticks(&literal.text) {
                let name = inner.strip_prefix('.').map(|field| field.split(" = ").next().unwrap_or_default());
                fields.extend(name.filter(|name| is_field(name)).map(String::from));
            }
            let named = literal.before.ends_with("Option{name:")
                || (hands && HANDED.iter().any(|by| literal.before.ends_with(by)))
                // The list of a reading's given options, and Keras's names of numbers.
                || (source.contains("fn suits(") && literal.before.ends_with('('))
                || (source.contains("const NUMBERS") && literal.before.ends_with("(\","));
            if named && is_field(&literal.text) {
                fields.insert(literal.text.clone());
            }
        }
    }

    #[test]
    fn every_field_and_item_that_the_library_names_has_its_words_here() {
        let (mut named, mut items, mut open) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for (path, source) in library() {
            let found = literals(&source);
            fields(&found, &source, &mut named);
            for literal in &found {
                let inner =
                    in_backticks(&literal.text).map(|inner| inner.split('(').next().unwrap_or_default());
                let is_item = |inner: &&str| {
                    inner.contains("::") && inner.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':')
                };
                items.extend(inner.filter(is_item).map(String::from));
                if literal.text.contains("`.{") {
                    open.push(path.display().to_string());
                }
            }
        }
        // Numbers whose ranges the optimizer's method declares.
        let methods = Method::all();
        named.extend(methods.iter().flat_map(Method::numbers).map(|number| number.name.to_string()));
        for name in [
            "batch",
            "learning_rate",
            "min",
            "decay.momentum",
            "label",
            "not_na",
            "ns_steps",
            "rounds",
            "size",
            "widths",
        ] {
            assert!(named.contains(name), "{name} was not found among {named:?}");
        }
        assert!(named.len() > 50 && items.len() > 10, "{named:?} {items:?}");
        // Fields that only a program sets, such as the Python package.
        const LIBRARY: &[&str] = &["example_weights"];
        assert!(LIBRARY.iter().all(|name| named.contains(*name)), "{LIBRARY:?} has what no message names");
        let is_known = |name: &str| LIBRARY.contains(&name) || table().any(|(known, _)| known == name);
        let unknown: Vec<_> = named.iter().filter(|name| !is_known(name)).collect();
        assert!(unknown.is_empty(), "the library names fields without an option in FIELDS: {unknown:?}");
        let unknown: Vec<_> =
            items.iter().filter(|name| !ITEMS.iter().any(|(known, ..)| known == name)).collect();
        assert!(unknown.is_empty(), "the library names items without a command in ITEMS: {unknown:?}");
        let unused: Vec<_> = table().map(|(name, _)| name).filter(|name| !named.contains(*name)).collect();
        assert!(unused.is_empty(), "FIELDS has what no message of the library names: {unused:?}");
        let unused: Vec<_> =
            ITEMS.iter().filter(|(name, ..)| !items.contains(*name)).map(|(name, ..)| name).collect();
        assert!(unused.is_empty(), "ITEMS has what no message of the library names: {unused:?}");
        // Places that take the name of a field from their callers. The callers are read above, as are the numbers of
        // the optimizers, which messages about Keras's files name.
        let keras = "crates/formats/src/keras/compiled.rs";
        let expected = ["crates/data/src/table/sheet.rs", keras, keras, "src/error.rs"];
        assert_eq!(open, expected, "does the test above find the names that are handed to a new place?");
    }

    #[test]
    fn every_option_and_command_of_the_tables_is_there() {
        fn options(command: &clap::Command, into: &mut BTreeSet<String>) {
            into.extend(command.get_arguments().filter_map(|arg| Some(format!("--{}", arg.get_long()?))));
            command.get_subcommands().for_each(|command| options(command, into));
        }
        let mut known = BTreeSet::new();
        options(&Cli::grammar(), &mut known);
        let of_field = |said: Said| match said {
            Said::Value(option) => vec![option],
            Said::Switch(on, off) => std::iter::once(on).chain(off).collect(),
        };
        let of_fields = table().flat_map(|(_, said)| of_field(said));
        let of_items =
            ITEMS.iter().flat_map(|(_, alone, with)| alone.split([' ', '`']).chain(with.split(' ')));
        for option in of_fields.chain(of_items).filter(|word| word.starts_with("--")) {
            assert!(known.contains(option), "there is no {option}");
        }
        for words in ITEMS.iter().flat_map(|(_, alone, with)| [alone, with]) {
            if let Some(rest) = words.strip_prefix("wgrad ") {
                let name = rest.split(' ').next().unwrap_or_default();
                assert!(Cli::grammar().find_subcommand(name).is_some(), "there is no command {name}");
            }
        }
    }
}
