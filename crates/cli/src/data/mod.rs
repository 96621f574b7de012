//! `wgrad data`: lists, fetches, describes or shows data sets. Only `fetch`, and `show` of a data set that is not here,
//! use the internet.

mod info;
mod list;

use super::{AdapterArgs, fields::spelled, loading::Progress, output, reading::ReadingArgs};
use anyhow::{Context as _, Result, bail};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};
use wgrad::augment::Augment;
use wgrad_data::{
    DataSpec, Error, Places,
    download::{Event, Options},
    places,
    published::Published,
};
use wgrad_report::{augmented::augmented, contact_sheet};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad data list                   data sets with a name: what they hold, their size, what is here
  wgrad data fetch                  download Fashion-MNIST (31 MB), unless it is here
  wgrad data fetch cifar10          the same for another data set
  wgrad data info                   where it is, counts, classes, digest
  wgrad data info pictures/         the same for your own data, with facts that matter before training
  wgrad data show --out sheet.png   a picture with samples of each class")]
pub struct Data {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the data sets that have a name; downloads nothing
    List(list::List),
    /// Download and verify a data set, unless it is on this machine already; prints its folder
    Fetch(Fetch),
    /// Describe a data set: name, source, counts, classes, digest and warnings; downloads nothing
    Info(info::Info),
    /// Write a contact sheet: samples of each class on one PNG; prints its path
    Show(Show),
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad data fetch                    Fashion-MNIST into the cache, where `wgrad train` finds it
  wgrad data fetch --into data/fm     then `wgrad train --data data/fm`
  wgrad data fetch cifar10            then `wgrad train --data cifar10`
  wgrad data fetch --mirror http://mirror.local/fashion-mnist/
  wgrad data fetch cifar10 --mirror ~/Downloads

An interrupted download is resumed. Proxies: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY.")]
struct Fetch {
    /// Data set, one of `wgrad data list`
    #[arg(value_name = "NAME", default_value = "fashion-mnist")]
    name: DataSpec,
    /// Put the files into this folder instead of the cache
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Address or path of a folder to take the files from, instead of the known ones (repeatable)
    #[arg(long, value_name = "URL|DIR")]
    mirror: Vec<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad data show                     writes fashion-mnist.png
  wgrad data show synthetic --per-class 20 --out garments.png
  wgrad data show pictures/ --size 96
  wgrad data show --augment flip,shift=2,rotate=10,erase=0.25 --out seen.png")]
struct Show {
    #[command(flatten)]
    which: Which,
    /// File to write [default: named after the data set]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Samples of each class
    #[arg(long, value_name = "N", default_value_t = 12)]
    per_class: usize,
    /// Show the images as a training with this `--augment` changes them, drawn on the device
    #[arg(long, value_name = "LIST")]
    augment: Option<Augment>,
    /// With `--augment`: seed of the changes
    #[arg(long, value_name = "N", default_value_t = 0, requires = "augment")]
    seed: u64,
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Data set, named as an argument or by `--data`.
#[derive(clap::Args)]
struct Which {
    /// Data set: a name of `wgrad data list`, or a path to your own data [default: fashion-mnist]
    #[arg(value_name = "NAME|PATH", conflicts_with = "data")]
    path: Option<DataSpec>,
    /// The data set, as an option
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<DataSpec>,
    #[command(flatten)]
    reading: ReadingArgs,
}

impl Which {
    fn spec(&self) -> DataSpec {
        self.path.clone().or_else(|| self.data.clone()).unwrap_or(DataSpec::FashionMnist)
    }
}

impl Data {
    pub async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::List(command) => command.run()?,
            Command::Fetch(command) => command.run()?,
            Command::Info(command) => command.run()?,
            Command::Show(command) => command.run().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Fetch {
    fn run(self) -> Result<()> {
        match &self.name {
            DataSpec::FashionMnist => self.fashion_mnist(),
            DataSpec::Published(set) => self.published(set),
            other => {
                bail!("got {other}, expected a data set that can be fetched; `wgrad data list` names them")
            }
        }
    }

    fn published(&self, set: &Published) -> Result<()> {
        let folder = match &self.into {
            Some(folder) => folder.clone(),
            None => set.folder(&Places::from_env()).context(
                "there is no cache folder: set HOME or XDG_CACHE_HOME, or name a folder with --into",
            )?,
        };
        let fetched = self.shown(set.options(), |options, progress| set.fetch(&folder, options, progress))?.1;
        let when = if fetched.is_empty() { "already" } else { "now, verified" };
        tell!("{} is here {when}; {}", set.title, spelled(set.about));
        self.print(&folder.display().to_string(), &fetched)
    }

    fn fashion_mnist(&self) -> Result<()> {
        let mut places = Places::from_env();
        if let Some(folder) = &self.into {
            places = Places { cache: Some(folder.clone()), ..Places::default() };
        }
        let elsewhere = Places { cache: None, ..places.clone() };
        match places::load(&elsewhere) {
            Ok(found) if found.name == "Fashion-MNIST" => {
                tell!("Fashion-MNIST is here already");
                return self.print(&found.source, &[]);
            }
            Ok(other) => tell!(
                "warning: {} names a folder that holds {}; `--data fashion-mnist` uses it until the variable is unset",
                places::FOLDER_VARIABLE,
                other.name
            ),
            Err(Error::DataNotFound { .. }) => {}
            Err(other) => return Err(other.into()),
        }
        let (folder, fetched) =
            self.shown(Options::default(), |options, progress| places::fetch(&places, options, progress))?;
        match fetched.len() {
            0 => tell!("Fashion-MNIST is here already"),
            n => tell!("Fashion-MNIST is here now: {n} of its 4 files were fetched, all are verified"),
        }
        self.print(&folder.display().to_string(), &fetched)
    }

    /// Fetches from the mirrors that the user named, if any, and shows the progress. Returns what `fetch` does, and the
    /// names of the files that were fetched.
    fn shown<T>(
        &self,
        mut options: Options,
        fetch: impl FnOnce(&Options, &mut dyn FnMut(Event<'_>)) -> Result<T, Error>,
    ) -> Result<(T, Vec<String>)> {
        if !self.mirror.is_empty() {
            options.mirrors.clone_from(&self.mirror);
        }
        let mut progress = Progress::new();
        let mut fetched = Vec::new();
        let result = fetch(&options, &mut |event| {
            if let Event::Finished { name } = event {
                fetched.push(name.to_string());
            }
            progress.show(event);
        })?;
        Ok((result, fetched))
    }

    fn print(&self, folder: &str, fetched: &[String]) -> Result<()> {
        if self.json {
            return output::json(&json!({"folder": folder, "fetched": fetched}));
        }
        output::line(folder)
    }
}

impl Show {
    async fn run(self) -> Result<()> {
        let dataset = self.which.reading.load(&self.which.spec())?;
        if dataset.height * dataset.width == 1 {
            bail!(
                "{} holds rows of a table, expected pictures; `wgrad data info` describes its columns",
                dataset.name
            );
        }
        let path = self.out.unwrap_or_else(|| PathBuf::from(format!("{}.png", slug(&dataset.name))));
        let (width, height) = match &self.augment {
            None => contact_sheet::write(&dataset, self.per_class, &path)?,
            Some(augment) => {
                // Refuses what cannot be drawn before a device is opened.
                contact_sheet::draw(&dataset, self.per_class)?;
                let context = self.adapter.open().await?;
                let shown = augmented(&context, &dataset, augment, self.per_class, self.seed).await?;
                let note = format!("; augmented: {augment}");
                let sheet = contact_sheet::draw_of(&dataset, &shown, &note, self.per_class)?;
                contact_sheet::save(&sheet, &path)?
            }
        };
        tell!("samples of {}, {width}×{height} pixels", dataset.name);
        if self.json {
            return output::json(&json!({"path": path, "width": width, "height": height}));
        }
        output::line(path.display())
    }
}

/// File name for the name of a data set: `fashion-mnist` for `Fashion-MNIST`.
fn slug(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(safe).collect()
}
