//! The folder of a run: naming, creation, locking.

use super::{
    BEST, CONFIG, Config, LAST, Run, SPACE,
    listing::RUNS,
    owner::{LOCK, Owner},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use wgrad::{Error, Result, error::io_error, op::user_file, selection, words::quoted_path};
use wgrad_files::{clean, create_owned, write_owned};

impl Run {
    /// Makes the folder of a new run: `folder` if given, else the first free `runs/MODEL-N`. As long as this run lives,
    /// no other process can write there.
    ///
    /// # Errors
    /// [`Error::Run`] if `folder` already holds a run, or another process makes one there; [`Error::Io`] if it cannot
    /// be written.
    pub fn create(folder: Option<&Path>, config: Config) -> Result<Self> {
        let parameters = config.model.parameters()?;
        let folder = match folder {
            Some(folder) => {
                Self::vacant(folder)?;
                fs::create_dir_all(folder).map_err(io_error("cannot create", folder, SPACE))?;
                folder.to_owned()
            }
            None => next_folder(&config.model.name)?,
        };
        let tried_before = folder.join(LOCK).exists();
        let owner = Owner::of(&folder)?;
        // Another process may have made one in the meantime.
        if folder.join(CONFIG).exists() {
            return Err(taken(&folder));
        }
        if tried_before {
            clean(&folder)?;
        }
        let mut run = Self { folder, config, parameters, owner: Some(Arc::new(owner)) };
        run.keep_files()?;
        create_owned(&run.folder.join(CONFIG), |file| run.write_config(file))?;
        Ok(run)
    }

    /// Checks that a run can be made in `folder`, before long work begins.
    ///
    /// # Errors
    /// [`Error::Run`] if there is one already; it names the process that trains it, if any. Also if a file is in the
    /// way.
    pub fn vacant(folder: &Path) -> Result<()> {
        let there = folder.ancestors().find(|path| path.symlink_metadata().is_ok());
        if let Some(file) = there.filter(|path| !path.is_dir()) {
            let message =
                "is not a folder, so no run can be made there; choose another `.folder`".to_string();
            return Err(Error::Run { folder: file.to_owned(), message });
        }
        let known = folder.join(CONFIG).exists();
        if known || folder.join(LOCK).exists() {
            // Other problems are reported when a run is made there.
            if let Err(held @ Error::Run { .. }) = Owner::of(folder) {
                return Err(held);
            }
        }
        if known { Err(taken(folder)) } else { Ok(()) }
    }

    /// Opens the folder of a run to continue it. As long as this run lives, no other process can write there. Partial
    /// files of killed processes are removed.
    ///
    /// # Errors
    /// The errors of [`Run::open`]; [`Error::Run`] that names the process that already trains it.
    pub fn take(folder: &Path) -> Result<Self> {
        Self::open(folder)?;
        let owner = Arc::new(Owner::of(folder)?);
        clean(folder)?;
        // Opened again: another process may have continued it until just now.
        Ok(Self { owner: Some(owner), ..Self::open(folder)? })
    }

    /// Copies the user's own shaders into the folder, so that the run can continue if they are changed or removed.
    fn keep_files(&mut self) -> Result<()> {
        for (op, variant) in selection::chosen(&self.config.options.variants)? {
            let path = self.folder.join(format!("{}.wgsl", op.name));
            write_owned(&path, |file| file.write_all(variant.source().as_bytes()))?;
            self.config.files.insert(op.name.to_string(), user_file::digest(variant.source()));
        }
        Ok(())
    }

    /// Describes where the last good state is and how to continue from it, or that there is none.
    pub fn last_good(&self) -> String {
        let folder = quoted_path(&self.folder);
        if self.folder.join(CONFIG).is_file() && self.folder.join(LAST).is_file() {
            format!("the last good state is in {folder}; go on with: `Run::take({folder})`")
        } else if self.folder.join(CONFIG).is_file() {
            format!("nothing is saved yet in {folder}; start it again with: `Run::take({folder})`")
        } else {
            format!("nothing is left of the run: {folder} was removed or emptied")
        }
    }
}

fn taken(folder: &Path) -> Error {
    let has = |name: &str| folder.join(name).exists();
    let message = if has(LAST) || has(BEST) {
        "holds a run already; choose another `.folder`, or go on with it by `Run::take`".to_string()
    } else {
        format!(
            "holds a run that ended before anything was saved; `Run::take({})` starts it from its {CONFIG}, or \
             choose another `.folder`",
            quoted_path(folder)
        )
    };
    Error::Run { folder: folder.to_owned(), message }
}

fn next_folder(model: &str) -> Result<PathBuf> {
    let runs = Path::new(RUNS);
    fs::create_dir_all(runs).map_err(io_error("cannot create", runs, SPACE))?;
    let (name, mut n) = (component(model), 1u32);
    loop {
        let folder = runs.join(format!("{name}-{n}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => n += 1,
            Err(e) => return Err(io_error("cannot create", &folder, SPACE)(e)),
        }
    }
}

/// Returns a name from a file as one component of a path that is safe on any system, or `model` if it is not safe. Such
/// names may come from untrusted files.
pub(super) fn component(name: &str) -> &str {
    /// Names that Windows takes for devices, even with an extension.
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let port = ["com", "lpt"].iter().any(|port| {
        stem.strip_prefix(port)
            .is_some_and(|rest| rest.chars().count() == 1 && rest.chars().all(char::is_numeric))
    });
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '+');
    let safe = name.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        && !name.ends_with(['.', ' '])
        && name.len() <= 100
        && name.chars().all(plain)
        && !DEVICES.contains(&stem.trim_end())
        && !port;
    if safe { name } else { "model" }
}

#[cfg(test)]
mod tests {
    use super::{Run, component};

    #[test]
    fn no_run_is_made_where_a_file_is_in_the_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "text").expect("writes");
        for path in [file.clone(), file.join("run")] {
            let error = Run::vacant(&path).expect_err("a file").to_string();
            assert!(error.contains("file is not a folder") && error.contains("`.folder`"), "{error}");
        }
        Run::vacant(&folder.path().join("a/b")).expect("nothing is there");
    }

    #[test]
    fn a_name_is_one_part_of_a_path_or_none() {
        for name in [
            "cnn",
            "cnn-bn",
            "my net_2",
            "ResNet50V2",
            "Netz für Ziffern",
            "モデル",
            "_x",
            "a..b",
            "cons",
            "comx",
        ] {
            assert_eq!(component(name), name);
        }
        let long = "a".repeat(5000);
        for name in [
            "",
            ".",
            "..",
            "../../../..PWNED",
            "a/b",
            "a\\b",
            "/abs",
            ".hidden",
            "-rf",
            "c:",
            "a:b",
            "con",
            "NUL",
            "aux.net",
            "COM1",
            "lpt9.x",
            "com¹",
            "CONIN$",
            "a\u{1b}[31m",
            "a\nb",
            "a\0b",
            " a",
            "a ",
            "a.",
            "a*",
            "a?",
            "~",
            "$x",
            "a\u{202e}b",
            &long,
        ] {
            assert_eq!(component(name), "model", "{name:?}");
        }
    }
}
