//! Compiled pipelines kept in files: whatever lies there, the network compiles, and nothing foreign is used in silence.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use wgrad::{
    gpu::{Pipelines, Preparing},
    networks::network,
    optim::Optimizer,
    plan::{Arenas, Plan},
    preprocessing::Preprocessing,
    program::Mode,
    selection::Choices,
};
use wgrad_files::pipelines::PipelineFiles;

/// Compiles the evaluation of a small network with pipelines from `store`; returns the notes, and if the adapter gives
/// pipelines out.
fn compile(store: &PipelineFiles) -> (Vec<String>, bool) {
    let context = wgrad_testing::open_alone(false);
    let notes = Arc::new(Mutex::new(Vec::new()));
    let hears = notes.clone();
    context.hear(move |what| {
        if let Preparing::Note(note) = what {
            hears.lock().expect("not poisoned").push(note.to_string());
        }
    });
    pollster::block_on(context.keep_pipelines(Arc::new(store.clone())));
    let model = network("mlp", [4, 4, 1], 3).expect("built in");
    let program =
        model.program(&Preprocessing::default(), Mode::Evaluate, 4, 1, &Optimizer::default()).expect("fits");
    let arenas = Arenas::new(&context, &model.parameters().expect("fits"), 1).expect("fits");
    pollster::block_on(Plan::compile(&context, program, &arenas, &Choices::default())).expect("compiles");
    context.check().expect("no fault");
    let notes = notes.lock().expect("not poisoned").clone();
    (notes, context.features.contains(wgpu::Features::PIPELINE_CACHE))
}

/// Records the names for which pipelines are asked.
#[derive(Debug, Default)]
struct Names(Mutex<Vec<String>>);

impl Pipelines for Names {
    fn read(&self, name: &str, _: usize) -> Result<Option<Vec<u8>>, String> {
        self.0.lock().expect("not poisoned").push(name.to_string());
        Ok(None)
    }

    fn store(&self, _: &str, _: &[u8]) -> wgrad::Result<()> {
        Ok(())
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map_or(Vec::new(), |files| files.map(|file| file.expect("listed").path()).collect())
}

#[test]
fn damaged_foreign_and_unreadable_files_do_not_count_and_are_reported() {
    let tmp = tempfile::tempdir().expect("a folder");
    let folder = tmp.path().join("new");
    let store = PipelineFiles { folder: Some(folder.clone()) };
    let (notes, gives) = compile(&store);
    assert!(notes.is_empty(), "{notes:?}");
    if !gives {
        return;
    }
    // Drivers that keep nothing in the cache, such as lavapipe, leave no file; what was damaged is replaced anyhow.
    assert!(files(&folder).len() <= 1);
    let context = wgrad_testing::open_alone(false);
    let asked = Arc::new(Names::default());
    pollster::block_on(context.keep_pipelines(asked.clone()));
    let names = asked.0.lock().expect("not poisoned").clone();
    let [name] = &names[..] else { panic!("one name: {names:?}") };

    let file = folder.join(name);
    fs::create_dir_all(&folder).expect("made");
    for damaged in [&b"rubbish"[..], &[0xff; 4096], b"wgrad pipelines 1\n", b"WGPUPLCH"] {
        fs::write(&file, damaged).expect("written");
        let (notes, _) = compile(&store);
        assert!(
            notes.len() == 1 && notes[0].contains("do not count") && notes[0].contains(name.as_str()),
            "{notes:?}"
        );
        assert_ne!(fs::read(&file).expect("there"), damaged, "it is replaced");
        assert_eq!(compile(&store).0, [""; 0], "reported once");
    }
    // More than is ever stored is not read into memory.
    fs::File::create(&file).expect("made").set_len(1 << 40).expect("a hole");
    let (notes, _) = compile(&store);
    assert!(notes.len() == 1 && notes[0].contains("is larger than 64"), "{notes:?}");
    fs::remove_file(&file).expect("removed");
    fs::create_dir(&file).expect("made");
    let (notes, _) = compile(&store);
    assert!(notes.iter().any(|note| note.contains("cannot read")), "{notes:?}");
    // It cannot be replaced, which is reported once.
    assert_eq!(notes.iter().filter(|note| note.contains("are not kept")).count(), 1, "{notes:?}");
    fs::remove_dir(&file).expect("removed");
}

#[test]
fn a_store_gives_back_what_it_was_given_and_bounds_what_it_reads() {
    let tmp = tempfile::tempdir().expect("a folder");
    let store = PipelineFiles { folder: Some(tmp.path().join("new")) };
    assert_eq!(store.read("a", 9), Ok(None));
    store.store("a", b"123456789").expect("stored");
    assert_eq!(store.read("a", 9), Ok(Some(b"123456789".to_vec())));
    assert!(store.read("a", 8).expect_err("too large").contains("is larger than"));
    store.store("a", b"").expect("stored");
    assert_eq!(store.read("a", 9), Ok(Some(Vec::new())));
    assert_eq!(files(&tmp.path().join("new")).len(), 1, "nothing is left beside it");
    let nowhere = PipelineFiles::default();
    assert!(nowhere.store("a", b"1").is_ok());
    assert_eq!(nowhere.read("a", 9), Ok(None));
    let below = PipelineFiles { folder: Some(tmp.path().join("new").join("a")) };
    assert_eq!(below.read("a", 9), Ok(None));
    assert!(below.store("a", b"1").expect_err("below a file").to_string().contains("WGRAD_PIPELINES"));
    assert_eq!(
        PipelineFiles::new(Some("".into()), Some("home".into())).folder,
        Some("home/wgrad/pipelines".into())
    );
}
