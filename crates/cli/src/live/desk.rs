//! Work for the live pages between two submissions of the training: answers questions, now and then evaluates some test
//! images to find mistakes, and fetches the first layer's weights. It does one thing at a time, never waits, and works
//! only so often that the cost is negligible.

use super::{
    Questions,
    filters::Filters,
    hub::{Hub, Phase, Question},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
};
use wgrad::{
    Result, clock,
    data::Dataset,
    gpu::{Context, Fetch, floats},
    model::Model,
    observe::Beside,
    predict::{Asked, Predictor},
    selection::Choices,
    train::Trainer,
};

/// Images in a batch.
const BATCH: usize = 32;
/// Least seconds between two looks, and the least multiple of a look's duration between them.
const EVERY: f64 = 1.5;
const RARELY: f64 = 250.0;
/// Looks that are kept, and mistakes that are shown.
const LOOKS: usize = 6;
const SHOWN: usize = 12;
/// Classes shown for a mistake.
const TOP: usize = 3;

enum Job {
    Answer(Vec<Question>),
    Look(usize),
}

/// Result of a look at some test images: their number, and the mistakes among them.
struct Look {
    seen: usize,
    wrong: Vec<(f32, Value)>,
}

/// Worker for the live pages of a training.
pub struct Desk {
    context: Context,
    hub: Arc<Hub>,
    predictor: Predictor,
    questions: Questions,
    data: Arc<Dataset>,
    regression: bool,
    filters: Option<Filters>,
    asked: Option<(Asked, Job)>,
    fetched: Option<Fetch>,
    looks: VecDeque<Look>,
    first: usize,
    every: f64,
    next: f64,
}

impl Desk {
    /// Sets everything up, and measures the cost of a look.
    pub async fn new(
        context: &Context,
        model: &Model,
        variants: &Choices,
        data: &Arc<Dataset>,
        trainer: &Trainer,
        hub: Arc<Hub>,
        questions: Questions,
    ) -> Result<Self> {
        // The weights for evaluation and use: the moving averages, if these are kept.
        let weights = trainer.arenas().averaged();
        let predictor = match Predictor::sharing(context, model, &data.input, &weights, BATCH, variants).await
        {
            // Variants that were chosen for the batches of the training need not fit these.
            Err(wgrad::Error::Variant { .. }) => {
                Predictor::sharing(context, model, &data.input, &weights, BATCH, &Choices::default()).await?
            }
            other => other?,
        };
        let some = images(data, 0..predictor.batch().min(data.test.len()));
        predictor.probabilities(&some).await?;
        // Timed when warm, with the reading of images from files, which delays the training too.
        let begun = clock::seconds();
        let some = images(data, 0..predictor.batch().min(data.test.len()));
        predictor.probabilities(&some).await?;
        let every = (RARELY * (clock::seconds() - begun)).max(EVERY);
        Ok(Self {
            context: context.clone(),
            hub,
            predictor,
            questions,
            data: data.clone(),
            regression: model.loss()?.is_regression(),
            filters: Filters::of(trainer.parameters(), model.input_shape, &weights.parameters),
            asked: None,
            fetched: None,
            looks: VecDeque::new(),
            first: 0,
            every,
            next: 0.0,
        })
    }

    /// Delivers the results that have arrived.
    fn collect(&mut self) -> Result<()> {
        if let Some((asked, job)) = self.asked.take() {
            match self.predictor.answer(&asked)? {
                None => self.asked = Some((asked, job)),
                Some(outputs) => self.deliver(job, outputs),
            }
        }
        if let (Some(fetch), Some(filters)) = (&self.fetched, &self.filters)
            && let Some(words) = fetch.arrived(&self.context)?
        {
            self.fetched = None;
            self.hub.show_filters(filters.reported(&floats(words).concat(), self.hub.number()));
        }
        Ok(())
    }

    fn deliver(&mut self, job: Job, outputs: Vec<Vec<f32>>) {
        match job {
            Job::Answer(questions) => {
                let number = self.hub.number();
                for (question, output) in questions.into_iter().zip(outputs) {
                    // The page that asked may be gone by now.
                    let (Ok(()) | Err(_)) = question.answer.send((output, number));
                }
            }
            Job::Look(first) => {
                let wrong = outputs.iter().enumerate();
                let wrong = wrong.filter_map(|(n, output)| self.mistake(first + n, output)).collect();
                self.looks.push_front(Look { seen: outputs.len(), wrong });
                self.looks.truncate(LOOKS);
                self.hub.show_mistakes(self.mistakes());
            }
        }
    }

    /// Probability of a wrong prediction, or the error of a regression, and its data for the page; `None` if it is
    /// right.
    fn mistake(&self, index: usize, output: &[f32]) -> Option<(f32, Value)> {
        let label = *self.data.test.labels.get(index)?;
        let class = |n: usize| self.data.classes.get(n).cloned().unwrap_or_else(|| n.to_string());
        let pixels = STANDARD.encode(self.data.test.image(index, self.data.pixels())?);
        if self.regression {
            let value = *output.first()?;
            let label = self.data.number(label) as f32;
            let far = (value - label).abs();
            let reported = json!({"index": index, "pixels": pixels, "label": label, "value": value});
            return (far > 0.5).then_some((far, reported));
        }
        let label = label as usize;
        let mut ranked: Vec<(usize, f32)> = output.iter().copied().enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (guess, sure) = *ranked.first()?;
        let top: Vec<Value> = ranked.iter().take(TOP).map(|(n, p)| json!([class(*n), p])).collect();
        let reported = json!({"index": index, "pixels": pixels, "label": class(label), "guess": class(guess), "top": top});
        (guess != label).then_some((sure, reported))
    }

    fn mistakes(&self) -> Value {
        let mut items = Vec::new();
        for look in &self.looks {
            let mut wrong: Vec<_> = look.wrong.iter().collect();
            wrong.sort_by(|a, b| b.0.total_cmp(&a.0));
            items.extend(wrong.into_iter().map(|(_, reported)| reported));
        }
        items.truncate(SHOWN);
        let seen: usize = self.looks.iter().map(|look| look.seen).sum();
        let wrong: usize = self.looks.iter().map(|look| look.wrong.len()).sum();
        json!({"number": self.hub.number(), "seen": seen, "wrong": wrong, "items": items})
    }

    /// Begins the next piece of work, if there is one.
    fn begin(&mut self) {
        let mut questions = Vec::new();
        while questions.len() < self.predictor.batch()
            && let Ok(question) = self.questions.lock().unwrap_or_else(PoisonError::into_inner).try_recv()
        {
            questions.push(question);
        }
        if !questions.is_empty() {
            let pixels: Vec<u8> = questions.iter().flat_map(|question| &question.pixels).copied().collect();
            // Only bytes are asked about, and words are floats, so nothing is refused.
            self.asked = self.predictor.ask(&pixels).ok().map(|asked| (asked, Job::Answer(questions)));
            return;
        }
        // Nothing changes during a pause.
        let still = self.hub.now() == Phase::Paused;
        // Only pictures of bytes can be shown.
        let blind = self.data.input.floats;
        if clock::seconds() < self.next || still || blind || !self.hub.watched() {
            return;
        }
        self.next = clock::seconds() + self.every;
        if self.first >= self.data.test.len() {
            self.first = 0;
        }
        let first = self.first;
        let end = self.data.test.len().min(first + self.predictor.batch());
        self.first = end;
        let asked = self.predictor.ask(&images(&self.data, first..end)).ok();
        self.asked = asked.map(|asked| (asked, Job::Look(first)));
        if let (Some(filters), None) = (&self.filters, &self.fetched) {
            self.fetched = Some(self.context.fetch(&[&filters.weights]));
        }
    }
}

/// Test images as the device takes them; black where a file cannot be read.
fn images(data: &Dataset, which: std::ops::Range<usize>) -> Vec<u8> {
    let pixels = data.pixels();
    let image = |n| data.test.image(n, pixels).map_or_else(|| vec![0; pixels], |image| image.into_owned());
    which.flat_map(image).collect()
}

impl Beside for Desk {
    fn between(&mut self) -> Result<()> {
        self.hub.flush();
        self.collect()?;
        if self.asked.is_none() {
            self.begin();
        }
        Ok(())
    }
}
