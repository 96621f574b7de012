//! The README's recipes, followed to the letter in a copy of the project: add a variant, a layer, an optimizer. The
//! copy is compiled, so this test is separate from the others: `cargo test --test recipes -- --ignored`.

use std::{fs, path::Path, process::Command};

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

/// A copy of the project without build outputs and downloads.
fn copy() -> tempfile::TempDir {
    fn tree(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("makes a folder");
        for entry in fs::read_dir(from).expect("lists").map(|e| e.expect("lists")) {
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if from.is_dir() { tree(&from, &to) } else { fs::copy(&from, &to).map(drop).expect("copies") }
        }
    }
    let to = tempfile::tempdir().expect("a temporary folder");
    for name in ["src", "shaders", "bindings", "crates", "tests", "assets", "examples"] {
        tree(&Path::new(PROJECT).join(name), &to.path().join(name));
    }
    for name in ["Cargo.toml", "Cargo.lock", "README.md"] {
        fs::copy(Path::new(PROJECT).join(name), to.path().join(name)).expect("copies");
    }
    // The copy shares the folder of built dependencies. Another name and version of the binary keep it from replacing
    // the project's own build outputs there, which would have to be built again afterwards.
    let version = concat!("version = \"", env!("CARGO_PKG_VERSION"));
    let replace = |name: &str, from: &str, with: &str| {
        let file = to.path().join(name);
        let text = fs::read_to_string(&file).expect("reads");
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(file, text.replace(from, with)).expect("writes");
    };
    replace("crates/cli/Cargo.toml", "[[bin]]\nname = \"wgrad\"", "[[bin]]\nname = \"recipes\"");
    replace("Cargo.toml", &format!("{version}\""), &format!("{version}-recipes\""));
    let lock = fs::read_to_string(to.path().join("Cargo.lock")).expect("reads");
    let own = lock.split("[[package]]\n").filter(|entry| entry.starts_with("name = \"wgrad"));
    for entry in own {
        replace("Cargo.lock", entry, &entry.replace(version, &format!("{version}-recipes")));
    }
    to
}

/// The lines of the README's section `title`, up to the next one.
fn section(title: &str) -> String {
    let readme = fs::read_to_string(Path::new(PROJECT).join("README.md")).expect("a README");
    let start =
        readme.find(&format!("## {title}\n")).unwrap_or_else(|| panic!("README has no section {title}"));
    let rest = &readme[start + 3..];
    rest[..rest.find("\n## ").unwrap_or(rest.len())].to_string()
}

/// The text between backticks that contains `part`.
fn quoted(section: &str, part: &str) -> String {
    let found = section.split('`').skip(1).step_by(2).find(|text| text.contains(part));
    found.unwrap_or_else(|| panic!("the recipe no longer says `...{part}...`:\n{section}")).to_string()
}

/// Inserts `line` before the first line that starts with `before`, after the first that contains `within`.
fn insert(file: &Path, within: &str, before: &str, line: &str) {
    let text = fs::read_to_string(file).expect("reads");
    let start = text.find(within).unwrap_or_else(|| panic!("{} has no {within}", file.display()));
    let at = text[start..].find(before).unwrap_or_else(|| panic!("no {before} after {within}")) + start;
    fs::write(file, format!("{}{line}\n    {}", &text[..at], &text[at..])).expect("writes");
}

/// The output of a command that succeeds.
fn output(command: &mut Command) -> String {
    let output = command.output().expect("starts");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{text}");
    text
}

/// Folder of what is built: the one that holds this test, with the dependencies.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp")
}

/// Runs a command of cargo in the copy, for the whole workspace: so its crates have the features that they have here,
/// and the dependencies are those built for the tests.
fn cargo(project: &Path, op: &str, args: &[&str]) {
    let mut command = Command::new(env!("CARGO"));
    // The variables that cargo sets for a test would make it rebuild dependencies, here and at the next test.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_") && name != "CARGO_HOME") {
        command.env_remove(name);
    }
    command.current_dir(project).args([args[0], "--offline", "--locked", "--workspace"]).args(&args[1..]);
    command.env("CARGO_TARGET_DIR", target()).env("WGRAD_TEST_OP", op);
    // The copy is compiled once and runs for a minute.
    command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "0").env("CARGO_PROFILE_TEST_OPT_LEVEL", "0");
    command.env("CARGO_INCREMENTAL", "0");
    output(&mut command);
}

/// Runs the copy's program.
fn wgrad(project: &Path, args: &[&str]) -> String {
    output(Command::new(target().join("debug/recipes")).current_dir(project).args(args))
}

/// Follows the README's recipe for an optimizer.
fn add_an_optimizer(project: &Path) {
    let recipe = section("Add an optimizer");
    let signum =
        |text: String| text.replace("mine", "signum").replace("Mine", "Signum").replace("MINE", "SIGNUM");
    let fixture = |name: &str| wgrad_testing::fixture(&format!("../recipes/signum/{name}"));
    for name in ["interface.wgsl", "naive.wgsl"] {
        let file = project.join(signum(quoted(&recipe, &format!("/{name}"))));
        fs::create_dir_all(file.parent().expect("a folder")).expect("makes a folder");
        fs::copy(fixture(name), file).expect("copies");
    }
    let twins = project.join(quoted(&recipe, "reference/optimizer.rs"));
    let twin = fs::read_to_string(fixture("twin.rs")).expect("reads");
    fs::write(&twins, fs::read_to_string(&twins).expect("reads") + &twin).expect("writes");
    let names = project.join(quoted(&recipe, "reference/mod.rs"));
    insert(&names, "pub use optimizer::{", "accumulate,", &signum(quoted(&recipe, "mine,")));
    let line = signum(quoted(&recipe, "MINE mine"));
    insert(&project.join(quoted(&recipe, "kernels.rs")), "SGD sgd", "ADAM adam", &line);
    let file = project.join(signum(quoted(&recipe, "optim/mine.rs")));
    fs::copy(fixture("method.rs"), file).expect("copies");
    let table = project.join(quoted(&recipe, "optim/mod.rs"));
    for (part, within, before) in [
        ("mod mine;", "mod rules;", "mod sgd;"),
        ("pub use mine", "pub use rules", "pub use sgd"),
        ("Mine(Mine)", "methods! {", "Adam(Adam)"),
    ] {
        insert(&table, within, before, &signum(quoted(&recipe, part)));
    }
    assert_eq!(signum(quoted(&recipe, "WGRAD_TEST_OP")), "WGRAD_TEST_OP=signum cargo test --test kernels");
}

#[test]
#[ignore = "compiles the project again, for minutes"]
fn the_recipes_for_a_variant_a_layer_and_an_optimizer_work() {
    let project = copy();
    let project = project.path();

    let recipe_of_a_variant = section("Add a variant");
    let recipe = &recipe_of_a_variant;
    let file = quoted(recipe, "/mine.wgsl").replace("mine", "rows");
    fs::copy(wgrad_testing::fixture("../recipes/rows.wgsl"), project.join(file)).expect("copies");
    let line = quoted(recipe, " [];").replace("mine", "rows");
    insert(&project.join(quoted(recipe, "kernels.rs")), "MATMUL matmul \"", "naive [", &line);

    let recipe = section("Add a layer");
    let file = quoted(&recipe, "/mine.rs").replace("mine", "rectifier");
    fs::copy(wgrad_testing::fixture("../recipes/rectifier.rs"), project.join(file)).expect("copies");
    let list = project.join("src/layers/mod.rs");
    insert(&list, "mod activation;", "mod window;", &quoted(&recipe, "mod ").replace("mine", "rectifier"));
    let line = quoted(&recipe, "::").replace("mine::Mine", "rectifier::Rectifier");
    insert(&list, "layers! {", "flatten::", &line);

    add_an_optimizer(project);

    let proof = quoted(&recipe_of_a_variant, "--test kernels");
    assert_eq!(proof, "WGRAD_TEST_OP=matmul cargo test --test kernels");
    // All that runs is compiled at once, so that everything has the same features.
    let built = ["--bins", "--test", "kernels", "--test", "fast"];
    cargo(project, "", &[&["build"], &built[..]].concat());
    for op in ["matmul", "signum"] {
        cargo(project, op, &["test", "--test", "kernels"]);
    }
    assert_eq!(
        quoted(&section("Add an optimizer"), "--test fast optimizers"),
        "cargo test --test fast optimizers"
    );
    cargo(project, "", &["test", "--test", "fast", "optimizers"]);
    let network = wgrad_testing::fixture("../recipes/network.toml");
    let network = network.to_str().expect("readable");
    let data = wgrad_testing::fixture("parity");
    let data = data.to_str().expect("readable");
    let train = |args: &[&str]| {
        let train = ["train", "--model", network, "--data", data, "--epochs", "1"];
        wgrad(project, &[&train, args].concat())
    };
    let said = train(&["--variant", "matmul=rows"]);
    assert!(said.contains("test accuracy"), "{said}");
    let said = wgrad(project, &["check", network]);
    assert!(said.contains("rectifier"), "{said}");

    let said = train(&["--out", "signed", "--optimizer", "signum", "--forgetting", "0.75"]);
    assert!(said.contains("test accuracy"), "{said}");
    let run = fs::read_to_string(project.join("signed/run.json")).expect("a run");
    let run: serde_json::Value = serde_json::from_str(&run).expect("JSON");
    let optimizer = &run["options"]["optimizer"];
    assert_eq!((&optimizer["method"], &optimizer["forgetting"]), (&"signum".into(), &0.75.into()));
    assert_eq!(optimizer["learning_rate"], 0.002);
    let said = wgrad(project, &["train", "--help"]);
    assert!(said.contains("signum:") && said.contains("Sign of the mean gradient"), "{said}");
    assert!(said.contains("--forgetting <X>") && said.contains("(signum) [default: 0.9]"), "{said}");
}
