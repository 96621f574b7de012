//! The state of a run: `last.safetensors`, from which it continues, and `best.safetensors`. The file that marks an
//! epoch as done is written last: `best` before `last`, so that a crash between the two only repeats an epoch.

use super::{BEST, CONFIG, EpochLine, LAST, Outcome, Run, decided::decided};
use std::{fs, path::Path};
use wgrad::{
    Error, Result, callbacks,
    checkpoint::{Checkpoint, Position, Recorded, Skipped},
    error::io_error,
    metrics::RunningMetrics,
    program::{Parameter, arena_len},
};
use wgrad_files::{
    format::{self, Format},
    read_regular, write_owned,
};
use wgrad_formats::keras;

/// Maximum number of arenas of a state, with room for additions by other programs; and the bytes of its header.
const ARENAS: u64 = 16;
const HEADER: u64 = 64 << 20;
/// Name in errors of a state with non-finite numbers.
pub const NOT_SAVED: &str = "not saved";

/// State of `best.safetensors`, relative to a last state.
enum Best {
    /// Correct, or from an epoch after that state, which is repeated.
    Right,
    /// From an older epoch, or missing: the best weights are those of the last state.
    Last,
    /// From an older epoch, or missing, and the best weights are in no file.
    Lost,
}

impl Run {
    /// Saves the whole state; if `best`, first saves the weights as the best ones.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] for a state that is not finite, in which case the last good one stays;
    /// [`Error::Run`] if the folder was removed.
    pub fn save(&self, checkpoint: &Checkpoint, best: bool) -> Result<()> {
        if let Some(what) = checkpoint.not_finite(&self.parameters) {
            let kept = match self.folder.join(LAST).exists() {
                true => format!("{LAST} keeps the last good ones"),
                false => "nothing has been saved yet".to_string(),
            };
            let message = format!("the weights are not finite: {what}; {kept}");
            return Err(Error::Checkpoint { what: NOT_SAVED.into(), message });
        }
        if let Some(owner) = &self.owner {
            owner.check(&self.folder, CONFIG)?;
        }
        if best {
            self.write_best(checkpoint)?;
        }
        self.write(LAST, checkpoint)
    }

    fn write_best(&self, checkpoint: &Checkpoint) -> Result<()> {
        self.write(BEST, &checkpoint.clone().for_use())
    }

    fn write(&self, name: &str, checkpoint: &Checkpoint) -> Result<()> {
        let decided = decided(&self.config).map_err(|e| Error::Checkpoint {
            what: name.into(),
            message: format!("the settings of the training cannot be written as JSON: {e}"),
        })?;
        let bytes = checkpoint.to_bytes_with(&self.parameters, Some(decided))?;
        write_owned(&self.folder.join(name), |file| file.write_all(&bytes))
    }

    /// Reads the whole state as last saved.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Checkpoint`]; [`Error::Run`] if `run.json` no longer has the settings that decide the
    /// predicted numbers and names: network, classes, and preprocessing of rows and images.
    pub fn last(&self) -> Result<Checkpoint> {
        let (state, recorded) = self.read_last()?;
        self.tells_as_recorded(state, recorded.as_ref())
    }

    fn tells_as_recorded(&self, state: Checkpoint, recorded: Option<&Recorded>) -> Result<Checkpoint> {
        if let Some(kept) = recorded.and_then(|recorded| recorded.decided.as_ref()) {
            self.tells_as_kept(kept)?;
        }
        Ok(state)
    }

    /// Reads the state to continue a training on `images` images in epochs of `steps` steps. The state must be
    /// complete, since missing parts would silently start from zero. `run.json` must be as it was when the state was
    /// saved, except for what may change. `None` if nothing was saved yet: then `run.json` holds all that is needed.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] and [`Error::Run`] that name what is missing or invalid, and the next step.
    pub fn resume(&self, steps: u64, images: u64) -> Result<Option<Checkpoint>> {
        if !self.folder.join(LAST).try_exists().unwrap_or(true) {
            let epochs = self.metrics()?.len();
            if epochs == 0 && !self.folder.join(BEST).exists() {
                return Ok(None);
            }
            let message = format!("has no {LAST}, though {epochs} epochs are done; {}", self.instead());
            return Err(Error::Run { folder: self.folder.clone(), message });
        }
        let fail = |message: String| Error::Checkpoint {
            what: self.folder.join(LAST).display().to_string(),
            message: format!("{message}; {}", self.instead()),
        };
        let (state, recorded) = self.read_last()?;
        let Some(recorded) = recorded else {
            return Err(fail("has no position, so the training cannot continue from it".into()));
        };
        if let Some(kept) = &recorded.decided {
            self.is_as_kept(kept)?;
        }
        let options = &self.config.options;
        let position = &state.position;
        sane(position, steps, images, options.batch as u64).map_err(fail)?;
        if let Some(what) = state.not_finite(&self.parameters) {
            return Err(fail(format!("is damaged: {what}")));
        }
        // At the very start there is no optimizer state yet: an imported run has none.
        if position.epoch > 0 || position.step > 0 {
            if let Some(slot) = options.optimizer.slots().iter().find(|s| !state.slots.contains_key(s.name)) {
                let name = slot.name;
                return Err(fail(format!(
                    "lacks a part of the optimizer's state: `optimizer.{name}` is missing"
                )));
            }
            if options.optimizer.ema_momentum.is_some() && state.averages.is_empty() {
                return Err(fail("lacks the moving averages".into()));
            }
        }
        Ok(Some(state))
    }

    /// Describes the alternatives to a good `last.safetensors`.
    fn instead(&self) -> String {
        let best = self.folder.join(BEST);
        match best.exists() {
            true => format!(
                "put it back as it was written, or start a new run, from the best weights by `.init = {}` and the `.model` and `.data` of this one",
                best.display()
            ),
            false => "put it back as it was written, or start a new run".to_string(),
        }
    }

    /// Reads the best weights, or the last ones if no epoch has ended yet.
    ///
    /// # Errors
    /// The errors of [`Run::last`]; [`Error::Run`] if the weights of the best epoch are in no file.
    pub fn best(&self) -> Result<Checkpoint> {
        let last = self.read_last();
        let beside = last.as_ref().ok().and_then(|(_, recorded)| recorded.as_ref());
        let best = match self.folder.join(BEST).exists() {
            true => Some(self.read_best(beside)?),
            false => None,
        };
        let last = last.and_then(|(state, recorded)| self.tells_as_recorded(state, recorded.as_ref()));
        // Older versions wrote it after the state: if killed between the two, it is from an older epoch.
        match (best, last) {
            (Some((best, Some(_))), Ok(last)) => match self.is_best(Some(&best), &last)? {
                Best::Last => Ok(last.for_use()),
                Best::Right | Best::Lost => Ok(best.for_use()),
            },
            // The state next to it shows that they do not belong together.
            (Some(_), Err(changed @ Error::Run { .. })) => Err(changed),
            (Some((best, _)), _) => Ok(best.for_use()),
            (None, Ok(last)) => match self.is_best(None, &last)? {
                Best::Right | Best::Last => Ok(last.for_use()),
                Best::Lost => Err(self.lost(&last.position)),
            },
            (None, Err(error)) => Err(error),
        }
    }

    /// Returns the error for best weights that are in no file.
    fn lost(&self, last: &Position) -> Error {
        let within = if last.step > 0 { format!(" and {} steps", last.step) } else { String::new() };
        Error::Run {
            folder: self.folder.clone(),
            message: format!(
                "has no {BEST}, and its best epoch is not the last one, so the best weights are lost; put the file back, \
                 or take those after epoch {}{within} by `Run::last`",
                last.epoch
            ),
        }
    }

    /// Returns the epoch after which `best.safetensors` was written, if it exists.
    ///
    /// # Errors
    /// The errors of [`Run::best`].
    pub fn best_epoch(&self) -> Result<Option<u64>> {
        if !self.folder.join(BEST).exists() {
            return Ok(None);
        }
        let (best, recorded) = self.read(BEST)?;
        Ok(recorded.map(|_| best.position.epoch))
    }

    /// Makes `best.safetensors` agree with `state`, which was saved last: older versions wrote them in the other order.
    /// Returns a description of the repair, if one was necessary.
    ///
    /// # Errors
    /// The errors of [`Run::best`].
    pub fn mend_best(&self, state: &mut Checkpoint) -> Result<Option<String>> {
        let best = match self.folder.join(BEST).exists() {
            // A state to continue from has a position, and `run.json` has its settings.
            true => Some(self.read_best(Some(&Recorded::default()))?.0),
            false => None,
        };
        let had = || match &best {
            Some(best) => format!("{BEST} had those of epoch {}", best.position.epoch),
            None => format!("there was no {BEST}"),
        };
        Ok(match self.is_best(best.as_ref(), state)? {
            Best::Right => None,
            Best::Last => {
                self.write_best(state)?;
                Some(format!(
                    "the weights of epoch {} are the best ones, and {}: repaired",
                    state.position.epoch,
                    had()
                ))
            }
            Best::Lost => {
                let message = format!("the best weights of this run are lost: {}", had());
                let these = if best.is_some() { "these and of " } else { "" };
                state.position.best = best.map_or(0.0, |best| best.position.best);
                Some(format!("{message}; the best of {these}the epochs from here on is kept"))
            }
        })
    }

    /// Judges the `best` weights by the run's lines of the epochs up to `last`.
    fn is_best(&self, best: Option<&Checkpoint>, last: &Checkpoint) -> Result<Best> {
        let position = &last.position;
        if best.is_some_and(|best| best.position.epoch > position.epoch) {
            return Ok(Best::Right);
        }
        let loss = self.config.model.loss()?;
        let lines: Vec<EpochLine> = self.lines_to(position)?;
        let (is_right, epoch) = match self.config.options.callbacks.best {
            callbacks::Best::Accuracy => {
                let first = lines.iter().find(|line| line.judged().judged(loss) == position.best);
                let same = best.map_or(0.0, |best| best.position.best) == position.best;
                (same, first.map(|line| line.epoch))
            }
            // Since this choice exists, the files are written in this order: an existing file is correct.
            callbacks::Best::Monitored => {
                let epoch = Outcome::of(&lines, &self.config, None).map(|outcome| outcome.best.epoch);
                (best.is_some() || epoch.is_none(), epoch)
            }
        };
        let is_last = position.step == 0 && epoch == Some(position.epoch);
        Ok(match (is_right, is_last) {
            (true, _) => Best::Right,
            (false, true) => Best::Last,
            (false, false) => Best::Lost,
        })
    }

    fn read_last(&self) -> Result<(Checkpoint, Option<Recorded>)> {
        self.read(LAST).map_err(|error| match error {
            Error::Checkpoint { what, message } => {
                Error::Checkpoint { what, message: format!("{message}; {}", self.instead()) }
            }
            other => other,
        })
    }

    /// Reads the best weights, which must be from the same training as the last state, whose metadata is `beside`.
    fn read_best(&self, beside: Option<&Recorded>) -> Result<(Checkpoint, Option<Recorded>)> {
        let next = "`Run::last` takes the last weights; to train on, remove the file";
        let (best, recorded) = self.read(BEST).map_err(|error| match error {
            Error::Checkpoint { what, message } => {
                Error::Checkpoint { what, message: format!("{message}; {next}") }
            }
            other => other,
        })?;
        let foreign = |message: &str| Error::Checkpoint {
            what: self.folder.join(BEST).display().to_string(),
            message: format!("{message}; put back what this run wrote, or: {next}"),
        };
        match (&recorded, beside) {
            (None, Some(_)) => Err(foreign(&format!(
                "has no position, unlike {LAST}: it is from another program, or was changed by one"
            ))),
            (Some(Recorded { decided: Some(kept) }), beside) => {
                let beside = beside.and_then(|recorded| recorded.decided.as_ref());
                match self.differs(kept, beside) {
                    Some(words) => Err(foreign(&format!("is from another training than this run: {words}"))),
                    None => Ok((best, recorded)),
                }
            }
            _ => Ok((best, recorded)),
        }
    }

    /// Reads a file of the run, and its metadata if it has a position.
    fn read(&self, name: &str) -> Result<(Checkpoint, Option<Recorded>)> {
        let path = self.folder.join(name);
        let most = HEADER + 4 * ARENAS.saturating_mul(arena_len(&self.parameters) as u64);
        match fs::metadata(&path) {
            Ok(about) if about.len() > most => Err(Error::Checkpoint {
                what: path.display().to_string(),
                message: format!("has {} bytes, expected at most {most} for this network", about.len()),
            }),
            _ => read(&path, &self.parameters),
        }
    }
}

/// Checks that a position is plausible; the error describes what is not.
fn sane(position: &Position, steps: u64, images: u64, batch: u64) -> std::result::Result<(), String> {
    let Position { epoch, step, running: RunningMetrics { seen, loss_sum, hits, heads }, best, .. } =
        *position;
    let wrong = |name: &str, got: String, expected: String| {
        Err(format!("has a position that makes no sense: `{name}` is {got}, expected {expected}"))
    };
    /// Number of steps from which an f64 no longer counts exactly.
    const MOST: u64 = 1 << 53;
    if epoch.checked_mul(steps.max(1)).is_none_or(|all| all >= MOST) {
        return wrong("epoch", epoch.to_string(), format!("fewer than {}", MOST / steps.max(1)));
    }
    if step > steps {
        return wrong("step", step.to_string(), format!("{steps} at most, which are an epoch"));
    }
    let expected = step.saturating_mul(batch).min(images);
    if seen != expected {
        return wrong("seen", seen.to_string(), format!("{expected} after {step} steps"));
    }
    // The loss sum of a step is an f32.
    let most = step as f64 * f64::from(f32::MAX);
    if !(loss_sum.is_finite() && loss_sum.abs() <= most) {
        return wrong("loss_sum", loss_sum.to_string(), format!("{most:e} at most after {step} steps"));
    }
    if !(0.0..=seen as f64).contains(&hits) {
        return wrong("hits", hits.to_string(), format!("from 0 to {seen}"));
    }
    if let Some(pair) = heads.iter().find(|pair| pair.iter().any(|sum| !sum.is_finite())) {
        return wrong("heads", format!("{pair:?}"), "numbers".into());
    }
    if !best.is_finite() {
        return wrong("best", best.to_string(), "a number".into());
    }
    Ok(())
}

/// Reads weights for `parameters` from a safetensors file, or from a Keras file: `.keras` or `.weights.h5`.
///
/// # Errors
/// [`Error::Io`], [`Error::Checkpoint`]; [`wgrad_formats::Error::ModelFile`] for an archive whose network cannot be read.
pub fn read_weights(path: &Path, parameters: &[Parameter]) -> wgrad_formats::Result<Checkpoint> {
    if keras::has_weights(path) {
        return keras::checkpoint(path, parameters);
    }
    is_safetensors(path)?;
    Ok(read(path, parameters)?.0)
}

/// Reads the weights of the layers that the file has with the names and shapes of `parameters`, from the formats of
/// [`read_weights`]. All other layers keep their weights of `begin`, and are returned; see [`Checkpoint::fitting`].
///
/// # Errors
/// The errors of [`read_weights`]; [`Error::Checkpoint`] if no layer fits.
pub fn read_fitting(
    path: &Path,
    parameters: &[Parameter],
    begin: Vec<f32>,
) -> wgrad_formats::Result<(Checkpoint, Vec<Skipped>)> {
    if keras::has_weights(path) {
        return keras::fitting(path, parameters, begin);
    }
    is_safetensors(path)?;
    Ok(Checkpoint::fitting(&path.display().to_string(), &bytes(path)?, parameters, begin)?)
}

/// Refuses a file that is known to be of another format, with the way to weights.
fn is_safetensors(path: &Path) -> wgrad_formats::Result<()> {
    match format::of(path).or_else(|| format::data(path)) {
        None | Some(Format::Safetensors) => Ok(()),
        Some(other) => {
            let next = other.as_weights().replace("FILE", &path.display().to_string());
            let message = format!("is {}; {next}", other.name());
            Err(Error::Checkpoint { what: path.display().to_string(), message }.into())
        }
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    read_regular(path).map_err(io_error("cannot read the weights", path, "is the path right?"))
}

fn read(path: &Path, parameters: &[Parameter]) -> Result<(Checkpoint, Option<Recorded>)> {
    Checkpoint::from_bytes_recorded(&path.display().to_string(), &bytes(path)?, parameters)
}

#[cfg(test)]
pub(super) mod tests {
    use crate::Run;
    use std::{fs, path::Path};
    use wgrad::checkpoint::Checkpoint;

    /// A copy of the fixtures' run in a separate folder.
    pub fn old_run() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/run-0.1"));
        for name in ["run.json", "metrics.jsonl", "layers.jsonl", "last.safetensors", "best.safetensors"] {
            let bytes = fs::read(from.join(name)).expect("a fixture");
            fs::write(folder.path().join(name), bytes).expect("written");
        }
        folder
    }

    #[test]
    fn only_a_whole_state_is_gone_on_from() {
        let folder = old_run();
        let run = Run::open(folder.path()).expect("opens");
        let good = run.resume(4, 512).expect("goes on").expect("is there");
        assert_eq!(good.position.epoch, 2);
        let mut middle = good.clone();
        (middle.position.step, middle.position.running.seen) = (3, 384);
        (middle.position.running.loss_sum, middle.position.running.hits) = (800.5, 17.0);
        run.save(&middle, false).expect("saves");
        assert_eq!(run.resume(4, 512).expect("goes on").expect("is there"), middle);
        let refuses = |words: &str, change: &dyn Fn(&mut Checkpoint)| {
            let mut state = middle.clone();
            change(&mut state);
            run.save(&state, false).expect("saves");
            let error = run.resume(4, 512).expect_err(words).to_string();
            let path = folder.path().join("last.safetensors").display().to_string();
            assert!(error.starts_with(&path) && error.contains(words), "{error}");
            assert!(error.contains("`.init = "), "no way out: {error}");
        };
        refuses("`step` is 1000000, expected 4 at most", &|s| s.position.step = 1_000_000);
        refuses("`epoch` is 18446744073709551615", &|s| s.position.epoch = u64::MAX);
        refuses("`seen` is 1000000, expected 384", &|s| s.position.running.seen = 1_000_000);
        refuses("`loss_sum` is 1", &|s| s.position.running.loss_sum = 1e308);
        refuses("`hits` is 385", &|s| s.position.running.hits = 385.0);
        refuses("`hits` is -1", &|s| s.position.running.hits = -1.0);
        refuses("`optimizer.v` is missing", &|s| drop(s.slots.remove("v")));
        refuses("moving averages", &|s| s.averages.clear());
        // With its position under another key, as after a flipped bit.
        let bytes = fs::read(old_run().path().join("last.safetensors")).expect("reads");
        let key = bytes.windows(14).position(|part| part == b"wgrad.position").expect("there");
        for (at, words) in [(key, "is damaged"), (key + 20, "damaged position")] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            fs::write(folder.path().join("last.safetensors"), flipped).expect("written");
            let error = run.resume(4, 512).expect_err("damaged").to_string();
            assert!(error.contains(words), "{at}: {error}");
        }
    }

    /// Returns a file's bytes without the metadata of its header.
    fn stripped(bytes: &[u8]) -> Vec<u8> {
        let (len, rest) = bytes.split_first_chunk::<8>().expect("a length");
        let (header, data) = rest.split_at(u64::from_le_bytes(*len) as usize);
        let mut header: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(header).expect("JSON");
        header.remove("__metadata__").expect("there");
        let header = serde_json::to_vec(&header).expect("JSON");
        [&(header.len() as u64).to_le_bytes()[..], &header, data].concat()
    }

    #[test]
    fn the_best_weights_are_this_runs_or_refused() {
        let folder = old_run();
        let best = folder.path().join("best.safetensors");
        let run = Run::open(folder.path()).expect("opens");
        let state = run.last().expect("loads");
        let old = fs::read(&best).expect("reads");
        // Without the settings of the training, as older versions wrote it.
        assert_eq!(run.best().expect("loads").position.epoch, 2);
        run.save(&state, true).expect("saves");
        let own = fs::read(&best).expect("reads");
        let expected = state.clone().for_use();
        assert_eq!(run.best().expect("loads"), expected);
        fs::write(&best, &old).expect("written");
        assert_eq!(run.best().expect("loads"), expected);
        assert_eq!(run.mend_best(&mut state.clone()).expect("nothing to do"), None);

        let elsewhere = old_run();
        let mut other = Run::open(elsewhere.path()).expect("opens");
        other.config.options.seed = 77;
        other.save(&state, true).expect("saves");
        let foreign = fs::read(elsewhere.path().join("best.safetensors")).expect("reads");
        let seed = format!("`options.seed` is {}, it was trained with 77", run.config.options.seed);
        let cases = [(foreign, vec!["another training", &seed]), (stripped(&own), vec!["has no position"])];
        for (bytes, words) in cases {
            fs::write(&best, bytes).expect("written");
            for tried in [run.best().map(drop), run.mend_best(&mut state.clone()).map(drop)] {
                let error = tried.expect_err("refused").to_string();
                assert!(error.starts_with(&best.display().to_string()), "{error}");
                for word in words.iter().chain(&["put back", "`Run::last`", "remove the file"]) {
                    assert!(error.contains(word), "no {word:?} in {error}");
                }
            }
            assert_eq!(run.last().expect("loads"), state);
        }
        // A change of run.json does not make the weights those of another run.
        fs::write(&best, &own).expect("written");
        let mut edited = run.clone();
        edited.config.options.batch = 7;
        assert_eq!(edited.best().expect("loads"), expected);
    }

    #[test]
    fn the_last_weights_are_not_called_the_best() {
        let folder = old_run();
        let best = folder.path().join("best.safetensors");
        let mut run = Run::open(folder.path()).expect("opens");
        let lines = run.metrics().expect("reads");
        run.config.options.callbacks.best = wgrad::callbacks::Best::Monitored;
        let kept = fs::read(&best).expect("reads");
        fs::remove_file(&best).expect("removed");
        for (losses, is_last) in [([0.5, 0.25], true), ([0.25, 0.5], false)] {
            let line = |n: usize| {
                let line = super::EpochLine { test_loss: losses[n], ..lines[n] };
                serde_json::to_string(&line).expect("JSON") + "\n"
            };
            fs::write(folder.path().join("metrics.jsonl"), line(0) + &line(1)).expect("written");
            match is_last {
                true => assert_eq!(run.best().expect("the last are the best").position.epoch, 2),
                false => {
                    let error = run.best().expect_err("lost").to_string();
                    for words in
                        ["has no best.safetensors", "put the file back", "after epoch 2 by `Run::last`"]
                    {
                        assert!(error.contains(words), "no {words:?} in {error}");
                    }
                }
            }
        }
        assert_eq!(run.best_epoch().expect("none"), None);
        fs::write(&best, kept).expect("written");
        assert_eq!(run.best_epoch().expect("reads"), Some(2));
    }

    /// A sparse file of four terabytes.
    #[test]
    fn a_state_of_any_size_takes_no_more_than_a_state() {
        let folder = old_run();
        let run = Run::open(folder.path()).expect("opens");
        for name in ["best.safetensors", "last.safetensors"] {
            let file = fs::File::options().write(true).open(folder.path().join(name)).expect("there");
            file.set_len(1 << 42).expect("a hole");
        }
        for read in [run.last().map(drop), run.best().map(drop), run.resume(4, 512).map(drop)] {
            let error = read.expect_err("too large").to_string();
            assert!(error.contains("has 4398046511104 bytes, expected at most"), "{error}");
        }
    }

    #[test]
    fn what_is_no_file_is_an_error() {
        let folder = old_run();
        for name in ["last.safetensors", "metrics.jsonl", "run.json"] {
            fs::remove_file(folder.path().join(name)).expect("removed");
            fs::create_dir(folder.path().join(name)).expect("made");
            let tried = Run::open(folder.path()).and_then(|run| run.last().and(run.metrics().map(drop)));
            assert!(tried.is_err(), "{name}");
        }
    }
}
