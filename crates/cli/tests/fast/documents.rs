//! The documents about wgrad: every local link of the Markdown files and notebooks leads somewhere, every picture is
//! shown, networks fit together, notebooks are whole, and the Rust notebook is the program that is compiled. That
//! wgrad takes the commands in them is tested with the command line, in `crates/cli/src/documents.rs`. No adapter is
//! needed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

/// The folder of the project.
fn project() -> &'static Path {
    wgrad_testing::project()
}

/// The files in `folder` and below it that end in one of `endings`, sorted.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![project().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("lists").path();
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| path.extension().is_some_and(|e| e == *ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every document with its Markdown; for a notebook, that of its text cells.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths = vec![project().join("README.md"), project().join("shaders/README.md")];
    paths.extend(files("docs", &["md"]));
    let mut documents: Vec<_> =
        paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("reads"))).collect();
    for path in files("examples", &["ipynb"]) {
        let text = cells(&path, "markdown").join("\n\n");
        documents.push((path, text));
    }
    documents
}

fn notebook(path: &Path) -> serde_json::Value {
    let text = fs::read_to_string(path).expect("reads");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The texts of the cells of this kind.
fn cells(path: &Path, kind: &str) -> Vec<String> {
    let notebook = notebook(path);
    let cells = notebook["cells"].as_array().expect("a list of cells").iter();
    let text = |cell: &serde_json::Value| {
        let lines = cell["source"].as_array().expect("lines").iter();
        lines.map(|line| line.as_str().expect("text")).collect()
    };
    cells.filter(|cell| cell["cell_type"] == kind).map(text).collect()
}

/// The text outside of fenced blocks.
fn prose(text: &str) -> String {
    text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// The targets of Markdown's links and pictures, and of HTML's.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let after = |mark: &str, end: char| -> Vec<String> {
        prose.split(mark).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0.to_string())).collect()
    };
    [after("](", ')'), after("src=\"", '"'), after("srcset=\"", '"'), after("href=\"", '"')].concat()
}

/// Anchors that GitHub gives the headings of a text.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// The path without `.` and `..`, so that two ways to a file are one.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[test]
fn every_local_link_leads_to_a_file_of_the_project_and_to_a_heading_of_it() {
    let (mut local, mut broken, mut shown) = (0, Vec::new(), BTreeSet::new());
    for (path, text) in documents() {
        for link in links(&text) {
            if link.starts_with("http://") || link.starts_with("https://") {
                continue;
            }
            local += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let to = match file {
                "" => path.clone(),
                file => plain(&path.parent().expect("a folder").join(file)),
            };
            let heading = || {
                to.extension().is_some_and(|e| e == "md") && {
                    let text = fs::read_to_string(&to).expect("reads");
                    anchors(&text).contains(anchor)
                }
            };
            if !to.starts_with(project()) || !to.exists() || !(anchor.is_empty() || heading()) {
                broken.push(format!("{}: {link}", path.display()));
            }
            shown.insert(to);
        }
    }
    assert!(broken.is_empty(), "{} links lead nowhere:\n{}", broken.len(), broken.join("\n"));
    assert!(local >= 40, "only {local} local links were found");

    let pictures = files("docs/pictures", &["png", "svg", "jpg"]);
    assert!(!pictures.is_empty(), "no pictures");
    for picture in pictures {
        assert!(shown.contains(&picture), "no document shows {}", picture.display());
        let bytes = fs::metadata(&picture).expect("is there").len();
        assert!(bytes < 400_000, "{} has {bytes} bytes: too many for a repository", picture.display());
    }
}

#[test]
fn headings_are_found_as_github_finds_them() {
    let text = "# A `b` c\n\n```sh\n# no heading\n```\n## Add a layer, or two!\n### É_x-y\n";
    let expected = ["a-b-c", "add-a-layer-or-two", "é_x-y"].map(str::to_string);
    assert_eq!(anchors(text), BTreeSet::from(expected));
    let text = "[a](b.md#c) ![d](e.png)\n```md\n[f](g)\n```\n<img src=\"h.svg\">";
    assert_eq!(links(text), ["b.md#c", "e.png", "h.svg"]);
}

/// Blocks that show a whole network, not a layer or two.
#[test]
fn networks_in_blocks_of_code_fit_together() {
    let mut networks = 0;
    for (path, text) in documents() {
        let blocks = text.split("\n```").skip(1).step_by(2);
        for block in blocks.filter_map(|block| block.strip_prefix("toml\n")) {
            if block.contains("input_shape") {
                networks += 1;
                let model = wgrad_formats::model_file::parse(&path, block);
                let shapes = model.and_then(|model| Ok(model.summary()?));
                assert!(shapes.is_ok(), "{}: {shapes:?}\n{block}", path.display());
            }
        }
    }
    assert!(networks >= 3, "only {networks} networks were found");
}

#[test]
fn notebooks_are_small_and_name_no_folder_of_the_machine_that_ran_them() {
    let notebooks = files("examples", &["ipynb"]);
    assert_eq!(notebooks.len(), 3, "{notebooks:?}");
    for path in notebooks {
        let text = fs::read_to_string(&path).expect("reads");
        assert!(text.len() < 500_000, "{} has {} bytes", path.display(), text.len());
        assert_eq!(notebook(&path)["nbformat"], 4);
        for folder in ["/tmp/", "/home/", "/root/", "/Users/", "C:\\\\"] {
            assert!(!text.contains(folder), "{} names {folder}", path.display());
        }
        for cell in notebook(&path)["cells"].as_array().expect("cells") {
            for output in cell["outputs"].as_array().into_iter().flatten() {
                assert_ne!(output["output_type"], "error", "{}: {output}", path.display());
            }
        }
    }
}

/// The kernel takes the cells one after the other, so together they are the body of `main`.
#[test]
fn the_rust_notebook_is_the_example_that_is_compiled() {
    let folder = project().join("examples");
    let code = cells(&folder.join("fashion_mnist_rust.ipynb"), "code").join("\n\n");
    let cells: Vec<&str> = code.lines().filter(|line| !line.starts_with(":dep ")).collect();
    let program = fs::read_to_string(folder.join("fashion_mnist.rs")).expect("reads");
    let body = program.lines().skip_while(|line| !line.starts_with("fn main")).skip(1);
    let body: Vec<&str> = body.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let end = body.iter().rposition(|line| *line == "Ok(())").expect("an end");
    let body = body[..end].join("\n");
    assert_eq!(cells.join("\n").trim(), body.trim(), "edit both, the notebook and the example");
    assert!(cells.len() > 50);
}
