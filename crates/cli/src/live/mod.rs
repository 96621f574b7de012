//! `wgrad train --live`: a page that follows the training, shows the network's mistakes, and steers the training. A
//! separate thread serves the page (`web`) and shares its state with the training (`hub`). Work that needs the device
//! is done between two submissions (`desk`).

mod desk;
mod filters;
mod history;
mod hub;
mod routes;

use super::output;
use super::web::{
    Server,
    address::{Address, Reach},
    body::Room,
    token::Token,
};
use anyhow::Result;
use desk::Desk;
use hub::{Hub, Phase, Question, Wishes};
use routes::{PICTURE, Routes, paths};
use serde_json::json;
use std::{
    process::ExitCode,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, sync_channel},
    },
    time::Duration,
};
use wgrad::{checkpoint::Position, clock, data::Dataset, gpu::Context, metrics::StepResult, train::Trainer};
use wgrad_run::{EpochLine, Pause, Run};

/// Port of the page, if it is free.
const PORT: u16 = 7878;
/// Most questions that wait for the training.
const QUESTIONS: usize = 64;
/// Time for the pages to receive the end.
const GRACE: Duration = Duration::from_millis(1500);

/// Options for the live page.
#[derive(clap::Args, Clone)]
#[command(next_help_heading = "Live page")]
pub struct LiveArgs {
    /// Serve a page that follows and steers the training [ADDR: port, address or both; default:
    /// 127.0.0.1:7878, or a free port if that is taken]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "")]
    live: Option<Address>,
    #[command(flatten)]
    reach: Reach,
}

/// The page, if `--live` is given; without it, all methods do nothing.
pub struct Live(Option<Page>);

struct Page {
    hub: Arc<Hub>,
    server: Server,
    questions: Questions,
}

/// Questions of the pages, for the current desk.
type Questions = Arc<Mutex<Receiver<Question>>>;

async fn desk(
    context: &Context,
    run: &Run,
    data: &Arc<Dataset>,
    trainer: &mut Trainer,
    (hub, questions): (&Arc<Hub>, &Questions),
) -> Result<()> {
    let (model, variants) = (&run.config.model, &trainer.options().variants);
    let desk = Desk::new(context, model, variants, data, trainer, hub.clone(), questions.clone()).await?;
    trainer.set_beside(Some(Box::new(desk)));
    Ok(())
}

impl Live {
    /// Serves the page, prints its address, and attaches the desk to the trainer.
    pub async fn start(
        args: &LiveArgs,
        context: &Context,
        run: &Run,
        data: &Arc<Dataset>,
        trainer: &mut Trainer,
    ) -> Result<Self> {
        let Some(address) = args.live else { return Ok(Self(None)) };
        address.check(PORT, &args.reach)?;
        crate::reading::one_output(&run.config.model, "--live")?;
        let token = Token::draw()?;
        let (send, questions) = sync_channel(QUESTIONS);
        let questions = Arc::new(Mutex::new(questions));
        let (config, model) = (&run.config, &run.config.model);
        let parameters: usize = model.summary()?.iter().map(|layer| layer.parameters).sum();
        let about = json!({
            "run": run.folder.display().to_string(), "model": model.name, "parameters": parameters,
            "data": data.name, "classes": data.classes, "adapter": context.describe(),
            "size": model.input_shape, "epochs": config.options.epochs, "batch": config.options.batch,
            "steps": trainer.steps_per_epoch(), "images": data.train.len(),
            "regression": model.loss()?.is_regression(), "optimizer": config.options.optimizer,
            "schedule": config.options.schedule.decay, "version": env!("CARGO_PKG_VERSION"),
        });
        let options = trainer.options().clone();
        let (position, per_epoch) = (trainer.position(), trainer.steps_per_epoch());
        let hub = Hub::new(about, options, per_epoch, run.metrics()?, &position, send);
        let hub = Arc::new(hub);
        desk(context, run, data, trainer, (&hub, &questions)).await?;
        // Listens only now: an earlier connection would wait for an answer.
        let listener = address.listen(PORT, &args.reach)?;
        let shown = match listener.local_addr()?.ip().is_unspecified() {
            true => format!("localhost:{}", listener.local_addr()?.port()),
            false => listener.local_addr()?.to_string(),
        };
        tell!("live: http://{shown}/#{token}");
        // Room for two of the largest requests: the training needs the memory.
        let room = Room::new(2 * Room::largest(PICTURE, model.pixels()), PICTURE, model.pixels());
        let turns = Default::default();
        let routes = Routes { hub: hub.clone(), token, config: config.clone(), room, turns };
        let server = Server::start(listener, args.reach.host_name.clone(), paths(routes))?;
        Ok(Self(Some(Page { hub, server, questions })))
    }

    /// Attaches the desk to a trainer that replaces one whose device was lost.
    pub async fn go_on(
        &self,
        context: &Context,
        run: &Run,
        data: &Arc<Dataset>,
        trainer: &mut Trainer,
    ) -> Result<()> {
        match &self.0 {
            Some(Page { hub, questions, .. }) => desk(context, run, data, trainer, (hub, questions)).await,
            None => Ok(()),
        }
    }

    /// Records a step.
    pub fn step(&self, position: &Position, result: &StepResult) {
        if let Some(page) = &self.0 {
            page.hub.step(position, result);
        }
    }

    /// Returns true if the training should pause for [`Live::settle`] to fulfil a page's request.
    pub fn wants(&self) -> bool {
        self.0.as_ref().is_some_and(|page| page.hub.wanted())
    }

    /// Returns true if a page asked to end the training.
    pub fn stops(&self) -> bool {
        self.wish(|wishes| wishes.stop)
    }

    fn wish<T: Default>(&self, look: impl FnOnce(&mut Wishes) -> T) -> T {
        let mut seen = T::default();
        if let Some(page) = &self.0 {
            page.hub.wish(|wishes| seen = look(wishes));
        }
        seen
    }

    /// Fulfils the pages' requests between two steps, after the state has been saved: sets another learning rate, and
    /// waits while the training is paused, unless it `is_over`. The run's record keeps both.
    pub fn settle(&self, run: &mut Run, trainer: &mut Trainer, is_over: impl Fn() -> bool) -> Result<()> {
        let Some(Page { hub, .. }) = &self.0 else { return Ok(()) };
        let mut paused = None;
        loop {
            if let Some(rate) = self.wish(|wishes| wishes.rate.take()) {
                trainer.set_learning_rate(rate)?;
                run.config.options.rates = trainer.options().rates.clone();
                run.save_config()?;
                hub.set_options(trainer.options(), rate);
                output::say(format!(
                    "the learning rate is now {rate:e} (before the schedule), set from the page"
                ));
            }
            if !self.wish(|wishes| wishes.pause) || self.stops() || is_over() {
                break;
            }
            if paused.is_none() {
                paused = Some(clock::seconds());
                hub.phase(Phase::Paused, "");
                output::say("paused from the page, and saved; Ctrl-C ends");
            }
            trainer.idle()?;
            std::thread::sleep(Duration::from_millis(10));
        }
        if let Some(begun) = paused {
            let position = trainer.position();
            let step = position.epoch * trainer.steps_per_epoch() + position.step;
            run.config.pauses.push(Pause { step, seconds: clock::seconds() - begun });
            run.save_config()?;
            if !self.stops() && !is_over() {
                hub.phase(Phase::Training, "");
                output::say("resumed from the page");
            }
        }
        Ok(())
    }

    /// Publishes that an evaluation begins, or that the training continues.
    pub fn evaluates(&self, evaluates: bool) {
        if let Some(page) = &self.0 {
            page.hub.phase(if evaluates { Phase::Evaluating } else { Phase::Training }, "");
        }
    }

    /// Records an evaluated epoch.
    pub fn epoch(&self, line: &EpochLine) {
        if let Some(page) = &self.0 {
            page.hub.epoch(line);
        }
    }

    /// Publishes how the training ended, and stops the server.
    pub fn end(self, ended: &Result<ExitCode>, whole: bool) {
        let Some(Page { hub, server, .. }) = self.0 else { return };
        match ended {
            Err(error) => hub.phase(Phase::Failed, &format!("{error:#}")),
            Ok(_) if whole => hub.phase(Phase::Finished, ""),
            Ok(_) => hub.phase(Phase::Stopped, ""),
        }
        server.stop(GRACE);
    }
}
