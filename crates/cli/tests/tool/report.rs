//! Reports of trainings: their contents, hostile names, sizes; and `wgrad report` by the real binary. Leaves out
//! how they look.

use crate::command::{on_device, small_data, wgrad};
use std::path::Path;
use wgrad::{
    checkpoint::Checkpoint,
    data::Dataset,
    evaluate::{Evaluation, Prediction},
    explain::{Activations, DeadUnits, Explanation},
    gpu::AdapterRecord,
    metrics::{Metrics, OfHeads},
    networks::network,
    op::AdapterClass,
    train::{Options, norms},
};
use wgrad_data::{Reading, synthetic::synthetic};
use wgrad_report::{
    lab::About,
    runs::{Details, Recorded, Seen, page},
};
use wgrad_run::{Config, DataRecord, EpochLine, Errors, LayersLine};
use wgrad_testing::pages::{checked, texts, tree};

/// A text that tries to be markup.
const HOSTILE: &str =
    "</title></style><script>alert('1')</script><img src=http://x.example/y onerror=z>&amp;\"\u{202e}\0";

fn line(epoch: u64, loss: f64) -> EpochLine {
    EpochLine {
        epoch,
        step: 10 * epoch,
        train_loss: loss,
        train_accuracy: 1.0 - loss,
        validation_loss: None,
        validation_accuracy: None,
        test_loss: loss + 0.1,
        test_accuracy: 0.9 - loss,
        errors: Errors::default(),
        images_per_second: 1000.0,
        train_seconds: None,
        evaluation_seconds: None,
        train_outputs: OfHeads::default(),
        validation_outputs: OfHeads::default(),
        test_outputs: OfHeads::default(),
    }
}

fn recorded(name: &str, seed: u64, data: &Dataset, losses: &[f64]) -> Recorded {
    let model = network("cnn", [28, 28, 1], 10).expect("built in");
    let parameters = model.parameters().expect("fits");
    let weights = model.initial_weights(seed).expect("fits");
    let tensors = norms(&parameters, &weights, Some(&weights), &weights);
    let layers =
        (1..=losses.len() as u64).map(|epoch| LayersLine { epoch, tensors: tensors.clone() }).collect();
    let record =
        DataRecord { name: name.into(), ..DataRecord::of(data, name.into(), None, None, Reading::default()) };
    let adapter = AdapterRecord {
        name: name.into(),
        backend: name.into(),
        driver: name.into(),
        class: AdapterClass::Cpu,
    };
    Recorded {
        name: name.into(),
        config: Config {
            version: name.into(),
            kernels: vec![name.into()],
            ..Config::new(model, record, Options { seed, ..Options::default() }, adapter)
        },
        lines: losses.iter().zip(1..).map(|(loss, epoch)| line(epoch, *loss)).collect(),
        layers,
    }
}

/// Details as if every class were taken for the next one, except class 0.
fn details<'a>(data: &'a Dataset, run: &Recorded) -> Details<'a> {
    let prediction = |(image, label): (usize, &u32)| {
        let class = if *label == 0 { 0 } else { (*label as usize + 1) % 10 };
        let scores = (0..10).map(|n| if n == class { 0.91 } else { 0.01 }).collect();
        Prediction { image, class, scores }
    };
    let predictions: Vec<Prediction> = data.test.labels.iter().enumerate().map(prediction).collect();
    let mut confusion = vec![vec![0; 10]; 10];
    for (label, prediction) in data.test.labels.iter().zip(&predictions) {
        confusion[*label as usize][prediction.class] += 1;
    }
    let right = confusion[0][0];
    let images = data.test.len() as u64;
    let accuracy = right as f64 / images as f64;
    let metrics = Metrics { loss: 0.5, accuracy, images, ..Metrics::default() };
    let maps =
        Activations { layer: "conv2d_1".into(), shape: vec![26, 26, 32], values: vec![0.5; 26 * 26 * 32] };
    let gradient: Vec<f32> = (0..784).map(|n| n as f32 - 392.0).collect();
    let seen = Explanation { logits: vec![0.0; 10], layers: vec![maps], gradient };
    Details {
        data,
        weights: Checkpoint {
            weights: run.config.model.initial_weights(0).expect("fits"),
            ..Checkpoint::default()
        },
        which: "The best weights".into(),
        evaluation: Evaluation { metrics, confusion, regression: None, predictions },
        dead: (vec![DeadUnits { layer: "conv2d_1".into(), units: 32, dead: vec![3, 5] }], 512),
        seen: Seen { image: 1, scores: vec![(0, seen.clone()), (1, seen)] },
        profile: None,
    }
}

#[test]
fn a_report_holds_what_was_found_and_hostile_names_are_text() {
    let mut data = synthetic(0, 10, 40);
    data.classes = (0..10).map(|n| format!("{n} {HOSTILE}")).collect();
    data.test.labels = (0..40).map(|n| n / 4).collect();
    let run = recorded(HOSTILE, 0, &data, &[0.5, 0.4]);
    let details = details(&data, &run);
    let about = About { command: HOSTILE.into(), date: "2026-11-24".into() };
    let page = page(&about, std::slice::from_ref(&run), Some(&details)).expect("a page");
    let html = page.html();
    let text = checked(&html);
    let html = tree(&text);
    let clean = HOSTILE.replace(['\u{202e}', '\0'], "\u{fffd}");
    for place in ["h1", "dd", "table tbody tr th", "figure svg desc", "figcaption div"] {
        assert!(texts(&html, place).iter().any(|text| text.contains(&clean)), "{place}");
    }
    let images: Vec<_> = html.descendants().filter(|node| node.has_tag_name("img")).collect();
    // 12 mistakes, 4 right ones of class 0, the kernels, image and two gradients, the maps.
    assert_eq!(images.len(), 12 + 4 + 1 + 3 + 1);
    let alts: Vec<_> = images.iter().filter_map(|image| image.attribute("alt")).collect();
    assert!(
        alts[0].contains("taken for 2 ") && alts[0].contains("91.0 %") && alts[0].contains("is 1 "),
        "{}",
        alts[0]
    );
    assert!(alts[12].contains("correctly predicted as 0 "), "{}", alts[12]);
    let cells = texts(&html, "table tbody tr td");
    let class: Vec<&str> = {
        let at = cells.iter().position(|cell| cell == "4").expect("a class of 4 images");
        cells[at..at + 7].iter().map(String::as_str).collect()
    };
    // All 4 of class 0 are found; 4 images of class 9 are taken for it as well: precision 4 of 8. So F* is 4 of 8 too,
    // by Wilson between 0.2152 and 0.7848, and F1 = 2 F* / (1 + F*) between 0.354 and 0.879.
    assert_eq!(class, ["4", "50.0", "28.5", "100.0", "24.5", "66.7", "26.3"]);
    let words = texts(&html, "section p").join("\n");
    // All are said to be right with 91 %, of 40 images 4 are: the error is 81 %.
    assert!(words.contains("in 15 bins of equal width, is 81.00 %"), "{words}");
    assert!(words.contains("This network has 2"), "{words}");
    let headings = texts(&html, "section h2");
    for heading in [
        "Curves",
        "Classes",
        "Confident mistakes and uncertain correct answers",
        "Layers during the training",
        "Settings and machine",
    ] {
        assert!(headings.iter().any(|found| found == heading), "{headings:?}");
    }
    for picture in page.pictures() {
        if let wgrad_report::page::Picture::Gallery(gallery) = picture {
            let svg = gallery.svg();
            let drawn = tree(svg.as_str());
            assert_eq!(
                drawn.descendants().filter(|node| node.has_tag_name("image")).count(),
                gallery.items.len()
            );
            let sheet = gallery.sheet();
            assert!(
                sheet.pixels().any(|pixel| pixel.0 != [255; 3]) && sheet.width() > 84,
                "{:?}",
                sheet.dimensions()
            );
        }
    }
}

#[test]
fn runs_that_differ_by_their_seed_are_one_curve_with_a_band() {
    let data = synthetic(0, 10, 40);
    let runs = [
        recorded("a", 0, &data, &[0.5, 0.4]),
        recorded("b", 1, &data, &[0.7, 0.4]),
        Recorded {
            config: Config {
                options: Options { batch: 7, ..Options::default() },
                ..recorded("c", 0, &data, &[0.3]).config
            },
            ..recorded("c", 0, &data, &[0.3])
        },
    ];
    let runs = runs.map(|run| Recorded {
        config: Config { adapter: adapter(), kernels: vec![], data: data_of(), ..run.config },
        ..run
    });
    let text = checked(&page(&About::default(), &runs, None).expect("a page").html());
    let html = tree(&text);
    let loss = texts(&html, "figure svg desc")
        .into_iter()
        .find(|words| words.contains("Curves of loss"))
        .expect("a chart");
    // Test losses are 0.1 above: (0.6 + 0.8) / 2, then 0.5.
    assert!(loss.contains("cnn (seeds 0, 1): 2 points, from 0.7 nats at 1 to 0.5 nats at 2"), "{loss}");
    assert!(loss.contains("c: 1 points, from 0.4 nats at 1"), "{loss}");
    assert_eq!(texts(&html, "table tbody tr th")[..3], ["a", "b", "c"]);
    assert!(texts(&html, "section p").iter().any(|words| words.contains("one standard deviation")));
}

fn adapter() -> AdapterRecord {
    AdapterRecord { name: "a".into(), backend: "b".into(), driver: "c".into(), class: AdapterClass::Cpu }
}

fn data_of() -> DataRecord {
    DataRecord {
        digest: "0".into(),
        classes: Vec::new(),
        ..DataRecord::of(&synthetic(0, 10, 10), "synthetic".into(), None, None, Reading::default())
    }
}

#[test]
fn a_long_run_makes_a_small_page() {
    let data = synthetic(0, 10, 40);
    let losses: Vec<f64> = (0..200).map(|n| 1.0 / f64::from(n + 1)).collect();
    let run = recorded("long", 0, &data, &losses);
    let details = details(&data, &run);
    let html = page(&About::default(), &[run], Some(&details)).expect("a page").html();
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
}

/// A run of two epochs on the small data set.
fn trained(folder: &Path, name: &str, arguments: &[&str]) -> String {
    let data = small_data().display().to_string();
    let run = folder.join(name).display().to_string();
    let all = [
        &["train", "--data", &data, "--batch", "32", "--epochs", "2", "--limit", "96", "--out", &run],
        arguments,
    ];
    on_device(&all.concat()).end().with(0);
    run
}

#[test]
fn the_command_writes_a_page_and_its_pictures() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = trained(folder.path(), "<b>run&\"'", &["--model", "cnn"]);
    let (page, pictures) = (folder.path().join("page.html"), folder.path().join("pictures"));
    let (page, pictures) = (page.display().to_string(), pictures.display().to_string());
    let arguments = ["report", &run, "--out", &page, "--pictures", &pictures, "--image", "3"];
    on_device(&arguments).end().with(0);
    let text = checked(&std::fs::read_to_string(&page).expect("written"));
    let html = tree(&text);
    assert_eq!(texts(&html, "h1"), [format!("Training {run}")]);
    let found: Vec<String> = std::fs::read_dir(&pictures)
        .expect("there")
        .map(|file| file.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    let has = |end: &str| found.iter().any(|name| name.ends_with(end));
    for end in [
        "-loss.svg",
        "-loss.png",
        "-to-the-output.png",
        "-reliability-diagram.svg",
        "mistakes.png",
        "mistakes.svg",
        "layer.png",
        "-change-the-score.png",
    ] {
        assert!(has(end), "{end}: {found:?}");
    }
    // The norms of both epochs are recorded, and shown.
    assert!(texts(&html, "figure svg desc").iter().any(|words| words.contains("conv2d_1.kernel: 2 points")));

    let other = trained(folder.path(), "other", &[]);
    let both = ["report", &run, &other, "--curves", "--out", &page];
    // Curves need no adapter.
    wgrad(&both).end().with(0);
    let text = checked(&std::fs::read_to_string(&page).expect("written"));
    assert_eq!(texts(&tree(&text), "h1"), ["2 trainings"]);

    on_device(&["report", &run, "--image", "1000000", "--out", &page])
        .end()
        .refuses(&["--image is 1000000", "expected 0 to"]);
    wgrad(&["report", "nowhere", "--out", &page]).end().refuses(&["nowhere is not a run"]);
    wgrad(&["report", &run, "--out", &pictures]).end().refuses(&["cannot write", "name a file"]);
}
