//! The command line, by the real binary: what the commands print, that what a program reads is JSON, that help
//! helps. Leaves out runs (`cli_run.rs`) and bad input (`cli_bad_input.rs`).

use crate::command::{on_device, small_data_argument, wgrad};
use std::path::PathBuf;
use wgrad_data::{Places, places};
use wgrad_run::recipe::{RECIPES, measured, recipe};
use wgrad_testing::http::{Server, from_byte, status};

/// Every command that there is, by the names in the help of the program.
fn commands() -> Vec<String> {
    let help = wgrad(&["--help"]).end().with(0).stdout;
    let list = help.split("Commands:").nth(1).expect("a list").split("Options:").next().expect("a list");
    // A command's name stands two spaces in; what wraps stands further in.
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_string).collect()
}

#[test]
fn every_command_of_this_file_helps_with_examples() {
    let commands = commands();
    for command in ["adapters", "bench", "completions", "data", "eval", "models", "predict", "tune"] {
        assert!(commands.contains(&command.to_string()), "{command} is not in the help: {commands:?}");
        let help = wgrad(&[command, "--help"]).end().with(0).stdout;
        assert!(help.contains("Examples:") && help.contains(&format!("wgrad {command}")), "{help}");
    }
    for command in ["fetch", "info", "show"] {
        let help = wgrad(&["data", command, "--help"]).end().with(0).stdout;
        assert!(help.contains(&format!("wgrad data {command}")), "{help}");
    }
}

#[test]
fn adapters_marks_the_one_that_would_be_used() {
    let ended = on_device(&["adapters", "--json"]).end().with(0);
    let rows = ended.json();
    assert_eq!(rows.iter().filter(|row| row["used"] == true).count(), 1);
    for row in &rows {
        assert!(row["max_binding_bytes"].as_u64() >= Some(1 << 20), "{row}");
        assert!(["cpu", "gpu"].contains(&row["class"].as_str().unwrap_or_default()), "{row}");
        let kinds = ["software", "mobile", "integrated", "discrete"];
        assert!(kinds.contains(&row["kind"].as_str().unwrap_or_default()) && row["reason"] != "", "{row}");
        assert_eq!(row["class"] == "cpu", row["kind"] == "software", "{row}");
        let defaults = row["defaults"].as_array().expect("a list");
        assert!(defaults.len() == 6 && defaults.iter().all(|d| d["reason"] != ""), "{row}");
    }
    let used = rows.iter().find(|row| row["used"] == true).expect("one");
    let table = on_device(&["adapters"]).end().with(0).stdout;
    assert_eq!(table.lines().count(), 15 + 2 * rows.len(), "a row a line, where it is no terminal:\n{table}");
    let marked = table.lines().find(|line| line.starts_with('→')).expect("a mark");
    assert!(marked.contains(used["name"].as_str().expect("a name")), "{marked}");
    assert!(!table.contains('\x1b'), "colour in a pipe");
    // Its index selects the same adapter.
    let index = used["index"].to_string();
    let again = wgrad(&["adapters", "--json", "--adapter", &index]).end().with(0).json();
    assert!(again.iter().any(|row| row["used"] == true && row["index"] == used["index"]));
}

#[test]
fn models_tells_what_the_networks_cost() {
    let rows = wgrad(&["models", "--json"]).end().with(0).json();
    let parameters: Vec<_> =
        rows.iter().map(|row| (row["network"].as_str(), row["parameters"].as_u64())).collect();
    let expected = [
        ("linear", 7850),
        ("mlp", 101_770),
        ("cnn", 34_826),
        // As in Keras: units · (features + units + 1) for each gate, and 1,290 for the classes; two biases in a GRU.
        ("rnn", 128 * 157 + 1290),
        ("lstm", 4 * 128 * 157 + 1290),
        ("gru", 3 * 128 * 158 + 1290),
        ("cnn-bn", 84_826),
        ("vgg", 460_378),
        ("resnet", 1_888_138),
    ];
    assert_eq!(parameters, expected.map(|(name, count)| (Some(name), Some(count))));
    // By hand: 784·10 products forward, the same for the gradient of the kernel, none for that of the input.
    assert_eq!(rows[0]["forward_flops_per_image"], 15_680.0);
    assert_eq!(rows[0]["training_flops_per_image"], 31_360.0);
    assert_eq!(rows[1]["forward_flops_per_image"], 203_264.0);
    // A recurrent layer has a product and a cell for each of 28 steps, forward and backward.
    for (row, most) in rows.iter().zip([10, 10, 20, 125, 125, 125]) {
        assert!(row["dispatches_per_step"].as_u64().is_some_and(|n| (1..=most).contains(&n)), "{row}");
    }
    let table = wgrad(&["models"]).end().with(0).stdout;
    assert!(table.contains("101,770"), "{table}");

    let activations = |batch: &str| {
        let row = &wgrad(&["models", "cnn", "--json", "--batch", batch]).end().with(0).json()[0];
        row["memory_bytes"]["activations"].as_u64().expect("a number")
    };
    let (few, many) = (activations("32"), activations("128"));
    assert!(many > 3 * few && many < 5 * few, "{few} and {many} bytes");
}

#[test]
fn models_tells_the_recipes_and_what_they_reached() {
    let text = wgrad(&["models"]).end().with(0).stdout;
    let recipes = text.lines().skip_while(|line| !line.starts_with("recipe")).skip(2);
    let recipes: Vec<&str> = recipes.take_while(|line| !line.is_empty()).collect();
    assert_eq!(recipes.len(), RECIPES.len(), "{text}");
    for (line, recipe) in recipes.iter().zip(RECIPES) {
        let reached =
            measured(recipe.name).map_or("not measured yet".into(), |measured| measured.date.to_string());
        for words in [recipe.name, &format!("{:.3}", recipe.target), reached.as_str()] {
            assert!(line.contains(words), "no {words:?} in {line}");
        }
    }
    assert!(recipes[0].contains("0.8476 ± 0.0010"), "{}", recipes[0]);
    let row = &wgrad(&["models", "vgg", "--json"]).end().with(0).json()[0];
    let reported = &wgrad(&["models", "--recipe", "vgg", "--json"]).end().with(0).json()[0];
    assert_eq!(row["recipe"], *reported);
    assert_eq!(reported["target_accuracy"], 0.94);
    let command = wgrad(&["models", "--recipe", "speedrun-94"]).end().with(0).stdout;
    assert_eq!(command.trim_end(), recipe("speedrun-94").unwrap().command());
    wgrad(&["models", "--recipe", "vgf"]).end().refuses(&["vgf", "vgg"]);
}

#[test]
fn activations_are_drawn_as_png_and_svg() {
    let folder = tempfile::tempdir().unwrap();
    let draw =
        |args: &[&str]| wgrad(&[&["models", "--activations"], args].concat()).inside(folder.path()).end();
    draw(&[]).with(0);
    draw(&["all.svg"]).with(0);
    let svg = std::fs::read_to_string(folder.path().join("all.svg")).unwrap();
    for activation in wgrad::op::activations::ACTIVATIONS {
        assert!(svg.contains(&format!(">{}</text>", activation.name)), "no {} in it", activation.name);
    }
    let png = image::open(folder.path().join("activations.png")).unwrap().to_rgb8();
    let size =
        |name: &str| svg.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_string();
    assert_eq!([size("width"), size("height")], [png.width() / 2, png.height() / 2].map(|n| n.to_string()));
    // The series' blue, text nearly black, and a white page.
    let count = |r: u8, g: u8, b: u8| png.pixels().filter(|p| p.0 == [r, g, b]).count();
    let dark = png.pixels().filter(|p| p.0.iter().all(|c| *c < 60)).count();
    assert!(count(0, 0x72, 0xB2) > 5000 && dark > 1000 && count(255, 255, 255) > 100_000, "{dark}");
    draw(&["no/such/folder.png"]).refuses(&["no/such/folder.png"]);
}

#[test]
fn models_summarises_as_keras_does() {
    let text = wgrad(&["models", "cnn"]).end().with(0).stdout;
    for words in [
        "Layer (type)",
        "Output Shape",
        "Param #",
        "conv2d_1 (Conv2D)",
        "(None, 26, 26, 32)",
        "18,496",
        "(None, 1600)",
        "Total params: 34,826",
        "Trainable params: 34,826",
        "Non-trainable params: 0",
        "Dispatches per training step: ",
        "Training memory at batch 128: ",
    ] {
        assert!(text.contains(words), "no {words:?} in:\n{text}");
    }
}

#[test]
fn the_template_is_a_model() {
    let template = wgrad(&["models", "--template"]).end().with(0).stdout;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("my.toml"), &template).unwrap();
    let row = &wgrad(&["models", "my.toml", "--json"]).inside(folder.path()).end().with(0).json()[0];
    assert_eq!(row["network"], "my-cnn");
    assert_eq!(row["layers"][0]["type"], "Conv2D");
}

#[test]
fn bench_reports_each_network_on_a_line() {
    let ended = on_device(&["bench", "linear", "mlp", "--seconds", "0.3", "--batch", "64", "--json"]).end();
    let rows = ended.with(0).json();
    assert_eq!(rows.len(), 2);
    for (row, network) in rows.iter().zip(["linear", "mlp"]) {
        assert_eq!((&row["network"], &row["batch"]), (&network.into(), &64.into()));
        let number = |name: &str| row[name].as_f64().unwrap_or_else(|| panic!("no {name} in {row}"));
        let rate = number("images_per_second");
        assert!(rate > 0.0 && number("images_per_second_min") <= rate, "{row}");
        assert!(number("images_per_second_max") >= rate && number("gflops_per_second") > 0.0, "{row}");
        assert!(number("first_step_seconds") > number("compile_seconds"), "{row}");
        assert!(row["adapter"].as_str().is_some_and(|name| !name.is_empty()), "{row}");
        assert_eq!(number("rounds"), 5.0);
        let share = number("gflops_per_second") / number("product_gflops_per_second");
        assert!((number("share_of_product") - share).abs() <= 1e-9 * share && share > 0.0, "{row}");
        assert!(row["product"].as_str().is_some_and(|sizes| sizes.starts_with("M=")), "{row}");
    }
    let table = on_device(&["bench", "linear", "--seconds", "0.1"]).end().with(0).stdout;
    assert!(table.starts_with("network") && table.contains("linear"), "{table}");
    assert!(table.contains("of product") && table.contains(" % "), "{table}");
}

#[test]
fn bench_prints_plans_and_takes_variants_and_files() {
    let plans = on_device(&["bench", "--plan", "--variant", "matmul=naive"]).end().with(0).stdout;
    for words in ["linear", "mlp", "cnn", "dispatches a step", "matmul/naive", "conv2d_grad_weight/"] {
        assert!(plans.contains(words), "no {words:?} in:\n{plans}");
    }
    assert!(!plans.contains("images/s"), "nothing is measured:\n{plans}");

    // A model of another image size is fed noise.
    let folder = tempfile::tempdir().unwrap();
    let text =
        "input_shape = [6, 5, 3]\n[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 4\n";
    std::fs::write(folder.path().join("odd.toml"), text).unwrap();
    let ended = on_device(&["bench", "odd.toml", "--json", "--seconds", "0.1"]).inside(folder.path()).end();
    assert_eq!(ended.with(0).json()[0]["network"], "odd");
}

#[test]
fn bench_trains_on_the_data_it_is_given() {
    let folder = small_data_argument();
    let bench = |network: &str, options: &[&str]| {
        on_device(&[&["bench", network, "--json", "--seconds", "0.1"], options].concat()).end()
    };
    let given = &bench("linear", &["--data", &folder]).with(0).json()[0];
    let set = wgrad_data::folder::load(&crate::command::small_data()).unwrap();
    assert_eq!(given["data"], set.name.as_str());
    assert!(given["ready_seconds"].as_f64() > Some(0.0), "{given}");
    assert_ne!(bench("linear", &[]).with(0).json()[0]["data"], set.name.as_str());

    // Given images are never exchanged for others that would fit.
    let text =
        "input_shape = [6, 5, 3]\n[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 10\n";
    let models = tempfile::tempdir().unwrap();
    let odd = models.path().join("odd.toml");
    std::fs::write(&odd, text).unwrap();
    bench(odd.to_str().unwrap(), &["--data", &folder]).refuses(&["images of [6, 5, 3]", "[28, 28, 1]"]);
    bench("linear", &["--data", "/nonexistent/"]).refuses(&["/nonexistent/"]);
}

#[test]
fn data_info_counts_and_data_show_draws() {
    let data = small_data_argument();
    let info = &wgrad(&["data", "info", "--data", &data, "--json"]).end().with(0).json()[0];
    let set = wgrad_data::folder::load(&crate::command::small_data()).unwrap();
    assert_eq!((&info["digest"], &info["train"]), (&set.digest.clone().into(), &set.train.len().into()));
    let counts: Vec<_> = info["classes"].as_array().unwrap().iter().map(|c| c["train"].as_u64()).collect();
    let expected: Vec<_> = set.class_counts(&set.train).iter().map(|n| Some(*n as u64)).collect();
    assert_eq!(counts, expected);
    let text = wgrad(&["data", "info", "--data", &data]).end().with(0).stdout;
    assert!(text.contains(&set.digest) && text.contains("class 9"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let show = ["data", "show", "--data", &data, "--per-class", "3"];
    let ended = wgrad(&show).inside(folder.path()).end().with(0);
    assert_eq!(ended.stdout, "parity.png\n");
    let sheet = image::open(folder.path().join("parity.png")).unwrap();
    let named = [&show[..], &["--out", "sheet.png", "--json"]].concat();
    let ended = wgrad(&named).inside(folder.path()).end().with(0);
    let row = &ended.json()[0];
    assert_eq!((&row["path"], &row["width"]), (&"sheet.png".into(), &sheet.width().into()));
    assert!(folder.path().join("sheet.png").is_file());
}

/// The folder of the real files, where this machine has them; without them these tests fail and say
/// how to get them.
fn published() -> PathBuf {
    match places::load(&Places::from_env()) {
        Ok(data) => PathBuf::from(data.source),
        Err(error) => panic!("these tests need the real files: {error}"),
    }
}

#[test]
fn data_fetch_downloads_once_and_mends_what_is_damaged() {
    let published = published();
    let server = Server::start(move |request, _| match std::fs::read(published.join(&request.target[1..])) {
        Ok(body) => from_byte(&body, request),
        Err(_) => status("404 Not Found"),
    });
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("new/place");
    let into = into.to_str().unwrap();
    let fetch = ["data", "fetch", "--into", into, "--mirror", &server.url()];
    let ended = wgrad(&fetch).end().with(0);
    assert_eq!(ended.stdout, format!("{into}\n"));
    assert!(ended.stderr.contains("train-images-idx3-ubyte.gz: verified"), "{}", ended.stderr);
    assert_eq!(server.requests().len(), 4);

    let ended = wgrad(&fetch).end().with(0);
    assert_eq!((ended.stdout, server.requests().len()), (format!("{into}\n"), 4), "fetched again");
    assert!(ended.stderr.contains("here already"), "{}", ended.stderr);

    std::fs::write(PathBuf::from(into).join("t10k-labels-idx1-ubyte.gz"), b"damaged").unwrap();
    let ended = wgrad(&[&fetch[..], &["--json"]].concat()).end().with(0);
    assert_eq!(ended.json()[0]["fetched"], serde_json::json!(["t10k-labels-idx1-ubyte.gz"]));
    let info = wgrad(&["data", "info", "--data", into, "--json"]).end().with(0);
    assert_eq!(info.json()[0]["name"], "Fashion-MNIST");
}

#[test]
fn data_fetch_says_where_the_files_are_already() {
    let published = published();
    // No mirror answers there: it must not be asked.
    let ended = wgrad(&["data", "fetch", "--mirror", "http://127.0.0.1:9/"])
        .env("WGRAD_DATA", &published)
        .end()
        .with(0);
    assert_eq!(ended.stdout, format!("{}\n", published.display()));
    assert!(ended.stderr.contains("here already"), "{}", ended.stderr);
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = wgrad(&["completions", shell]).end().with(0).stdout;
        for command in commands() {
            assert!(script.contains(&command), "{shell} does not know {command}");
        }
        assert!(script.contains("per-class"), "{shell} does not know the options");
    }
}
