//! Several ranks of one training: adapters of one machine. Those of MPI are for `scripts/mpi.sh`.

use crate::command::{Call, wgrad};
use serde_json::Value;
use std::{fs, path::Path};

/// The adapter of the tests, several times.
fn adapters(ranks: usize) -> String {
    let adapter = std::env::var("WGRAD_TEST_ADAPTER").ok().filter(|adapter| !adapter.is_empty());
    vec![adapter.unwrap_or_else(|| "best".into()); ranks].join(",")
}

/// A training inside `folder` by so many ranks.
fn train(folder: &Path, ranks: usize, arguments: &[&str]) -> Call {
    let list = adapters(ranks);
    let small = ["--data", "synthetic", "--limit", "130", "--batch", "32", "--adapters", &list];
    wgrad(&[&["train", "linear"], &small[..], arguments].concat()).inside(folder)
}

fn record(folder: &Path, run: &str) -> Value {
    let text = fs::read(folder.join(run).join("run.json")).expect("a run");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn two_ranks_train_to_the_same_bits_and_resume_to_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path();
    let state = |run: &str| fs::read(inside.join(run).join("last.safetensors")).expect("a state");
    let said = train(inside, 2, &["--epochs", "2", "--out", "whole"]).end().with(0);
    for words in ["rank 0: ", "rank 1: ", "2 ranks (0, 1) share", "exchanges", "sent by each"] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    train(inside, 2, &["--epochs", "1", "--schedule", "constant", "--out", "half"]).end().with(0);
    assert_eq!(record(inside, "whole")["ranks"]["size"], 2);

    // The same number of ranks: the same bits. Another number: said, and it goes on.
    let list = adapters(2);
    let resume = ["train", "--resume", "half", "--epochs", "2"];
    let same = wgrad(&[&resume[..], &["--adapters", &list]].concat()).inside(inside).end().with(0);
    assert!(!same.stderr.contains("not to the same bits"), "{}", same.stderr);
    assert!(state("half") == state("whole"), "the resumed training has other bits");
    let other = ["train", "--resume", "half", "--epochs", "3", "--adapters", &adapters(3)];
    let other = wgrad(&other).inside(inside).end().with(0);
    assert!(other.stderr.contains("trained by 2 ranks, now by 3 ranks"), "{}", other.stderr);
    assert_eq!(record(inside, "half")["ranks"]["size"], 3);
}

#[test]
fn what_ranks_cannot_do_is_refused_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path();
    wgrad(&["train", "linear", "--data", "synthetic", "--limit", "20", "--adapters", "best,none-such"])
        .inside(inside)
        .end()
        .refuses(&["no adapter matches `none-such`", "rank 1"]);
    wgrad(&["train", "--adapters", "0,1", "--adapter", "0"]).end().refuses(&["cannot be used with"]);
    wgrad(&["train", "--wire", "f8"]).end().refuses(&["f32 or f16"]);
    // Several processes of a build without MPI would train the same network, each for itself.
    if !cfg!(feature = "mpi") {
        let several = wgrad(&["train", "linear"]).env("OMPI_COMM_WORLD_SIZE", "2").inside(inside);
        several.end().refuses(&["built without MPI", "--features mpi"]);
        let slurm = wgrad(&["train", "linear"]).env("PMIX_RANK", "0").env("SLURM_STEP_NUM_TASKS", "2");
        slurm.inside(inside).end().refuses(&["built without MPI"]);
    }
    let both = wgrad(&["train", "--adapters", "0,0"]).env("OMPI_COMM_WORLD_SIZE", "2").inside(inside);
    both.end().refuses(&["leave --adapters out"]);
    assert!(!inside.join("runs").exists(), "nothing was written");
}

#[test]
fn a_profile_of_several_ranks_says_what_their_exchange_costs() {
    let list = adapters(2);
    let small = ["profile", "linear", "--batch", "32", "--seconds", "0.4", "--adapters", &list];
    let said = wgrad(&small).end().with(0).stdout;
    for words in ["exchange with other ranks", "each rank sends", "sum over 2 ranks", "4.0 MiB"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let said = wgrad(&[&small[..], &["--json"]].concat()).end().with(0).stdout;
    let rows: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |kind: &str| rows.iter().filter(|row| row["kind"] == kind).collect::<Vec<_>>();
    // 7850 gradients of 4 bytes: a half to the other rank, and the sum of the other half; the losses, and what the ranks tell each other
    // between epochs.
    let sent = of("host")[0]["sent_bytes_per_step"].as_f64().expect("a number");
    assert!((31_400.0..36_000.0).contains(&sent), "{sent}");
    let sums = of("sum");
    assert!(
        sums.len() == 8 && sums.iter().all(|row| row["ranks"] == 2 && row["seconds"].as_f64() > Some(0.0))
    );
}
