//! Proofs kept in files: a kernel is proven once, and only an intact file for the same place is trusted.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use wgrad::{
    gpu::{Place, Preparing, Proofs},
    networks::network,
    optim::Optimizer,
    plan::{Arenas, Plan},
    preprocessing::Preprocessing,
    program::Mode,
    selection::Choices,
};
use wgrad_files::proofs::ProofFiles;

/// Compiles the evaluation of a small network on a context that proves kernels first. Returns what it reported, and
/// the number of kernels it proved.
fn compile(proofs: &ProofFiles) -> (Vec<String>, usize) {
    let context = wgrad_testing::open_alone(false);
    context.prove_first(Some(Arc::new(proofs.clone())));
    let reported = Arc::new(Mutex::new((Vec::new(), 0)));
    let hears = reported.clone();
    context.hear(move |what| match what {
        Preparing::Note(note) => hears.lock().expect("not poisoned").0.push(note.to_string()),
        Preparing::Proving { .. } => hears.lock().expect("not poisoned").1 += 1,
        _ => {}
    });
    let model = network("mlp", [4, 4, 1], 3).expect("built in");
    let program =
        model.program(&Preprocessing::default(), Mode::Evaluate, 4, 1, &Optimizer::default()).expect("fits");
    let arenas = Arenas::new(&context, &model.parameters().expect("fits"), 1).expect("fits");
    pollster::block_on(Plan::compile(&context, program, &arenas, &Choices::default())).expect("right");
    reported.lock().expect("not poisoned").clone()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map_or(Vec::new(), |files| files.map(|file| file.expect("listed").path()).collect())
}

#[test]
fn only_a_whole_file_for_this_very_place_is_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("new");
    let proofs = ProofFiles { folder: Some(folder.clone()) };
    let (notes, proven) = compile(&proofs);
    assert!(notes.is_empty() && proven >= 3, "{proven} proven, {notes:?}");
    let (notes, proven) = compile(&proofs);
    assert!(notes.is_empty() && proven == 0, "{proven} proven again, {notes:?}");
    let [file] = &files(&folder)[..] else { panic!("one file") };
    let whole = fs::read_to_string(file).expect("there");
    let place = Place::of(&wgrad_testing::open_alone(false));
    assert!(!proofs.read(&place).expect("whole").is_empty());

    // Another digest of the shaders or another driver means another file; a file with another place's content is
    // not trusted.
    let other = Place { shaders: "0".repeat(64), ..place.clone() };
    assert!(proofs.read(&other).expect("no file").is_empty());
    let foreign = whole.replace(&place.shaders, &other.shaders);
    assert_ne!(foreign, whole);
    for damaged in [&foreign, "", "{", "[]", "null", &whole[..whole.len() / 2], "\u{0}\u{1}"] {
        fs::write(file, damaged).expect("written");
        assert!(proofs.read(&place).is_err(), "{damaged}");
        let (notes, proven) = compile(&proofs);
        assert!(notes.len() == 1 && notes[0].contains("does not count") && proven >= 3, "{notes:?}");
        assert_eq!(fs::read_to_string(file).expect("there"), whole, "written anew");
    }
    fs::write(file, [0xff, 0xfe, 0x00]).expect("written");
    assert!(proofs.read(&place).is_err());

    // A pipe without a writer and a reader is not a regular file; the next store replaces it.
    #[cfg(unix)]
    {
        fs::remove_file(file).expect("removed");
        assert!(std::process::Command::new("mkfifo").arg(file).status().expect("runs").success());
        let (notes, _) = compile(&proofs);
        assert!(notes.len() == 1 && notes[0].contains("not a regular file"), "{notes:?}");
        assert_eq!(fs::read_to_string(file).expect("a file again"), whole);
    }
}
