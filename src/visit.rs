//! One pass over a split: its chunks stream through a compiled model, and a callback gets the result of each step. Two
//! submissions are in flight at any time, so that the device has work while the host reads the results of the previous
//! one. The size of a submission does not change a bit of the results.

mod together;

use crate::{
    Error, Result, clock,
    compiled::CompiledModel,
    data::{
        Split,
        stream::{Chunk, Cut, Order, Rows, Share, Stream},
    },
    feed::{Batch, Step},
    gpu::Stamps,
    metrics::StepResult,
    observe::{Activity, Beside, Recorder, Submission, note, noted},
    pacer::Pacer,
    plan::Submitted,
    program::Mode,
    team::Team,
};
use std::{
    collections::VecDeque,
    ops::{ControlFlow, Range},
    sync::Arc,
};
use together::Exchanges;

/// Most bytes of outputs that one submission returns.
const OUTPUTS: usize = 16 << 20;

/// The images of a step that are computed at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    /// Their rows in the chunk.
    pub rows: Rows,
    /// Index of their step in the chunk.
    pub step: usize,
    /// Index of this part in the step.
    pub number: u32,
    /// Their share of the step's images.
    pub share: f32,
    /// True for the last part of the step.
    pub last: bool,
}

impl Part {
    /// Divides `steps` into parts of at most `at_once` images; the parts of a step have about equal sizes.
    pub(crate) fn cut(steps: &[Rows], at_once: usize) -> Vec<Self> {
        let mut parts = Vec::with_capacity(steps.len());
        for (step, whole) in steps.iter().enumerate() {
            let count = (whole.rows as usize).div_ceil(at_once.max(1)).max(1) as u32;
            let mut first = whole.first;
            for number in 0..count {
                // If the division has a remainder, the first parts have one image more.
                let rows = whole.rows / count + u32::from(number < whole.rows % count);
                let share = (f64::from(rows) / f64::from(whole.rows.max(1))) as f32;
                let last = number + 1 == count;
                let rows = Rows { first, rows, ..*whole };
                parts.push(Self { rows, step, number, share, last });
                first += rows.rows;
            }
        }
        parts
    }
}

/// Builds the step table for the parts of a chunk, given the index of the chunk's first step in the epoch.
pub(crate) type Table<'t> = dyn Fn(&[Part], u64) -> Vec<Step> + 't;

/// Computes another view of images.
pub(crate) type View<'v> = dyn Fn(&[u8]) -> Vec<u8> + 'v;

/// The split, order and settings of a visit.
pub(crate) struct Visit<'v> {
    pub split: &'v Split,
    pub order: Order,
    pub cut: Cut,
    /// Most images computed at once; a larger step is computed in parts.
    pub at_once: usize,
    /// The steps of the split to visit.
    pub span: Range<u64>,
    /// Builds the step table of a chunk.
    pub steps: &'v Table<'v>,
    /// True if the plan's outputs are read back as well.
    pub outputs: bool,
    /// A second view of each chunk's images; the chunk is then visited in that view as well.
    pub second: Option<&'v View<'v>>,
    /// The weight of each image of the split, if the plan takes weights; otherwise each is 1.
    pub weights: Option<&'v [f32]>,
}

/// A finished part of a step.
pub(crate) struct Visited<'v> {
    pub part: &'v Part,
    pub result: StepResult,
    /// The outputs of its images, (rows, outputs); empty unless requested.
    pub outputs: &'v [f32],
    /// The labels of its images, (rows, places), and the indices of the images in the split.
    pub labels: &'v [u32],
    pub which: &'v [u32],
    /// True if the images were in their second view.
    pub second: bool,
}

/// State that consecutive passes over splits share.
#[derive(Default)]
pub(crate) struct Visitor {
    pub listener: Option<Arc<Recorder>>,
    pub stamps: Option<Stamps>,
    pub beside: Option<Box<dyn Beside>>,
    /// The team, if several ranks visit together.
    pub team: Option<Team>,
    pacer: Pacer,
}

/// A chunk in the feed, as this rank has it.
struct Loaded {
    /// The parts that this rank computes, in the order of the table. In a team, a step without an image of this rank has
    /// one of no rows in a training, and none in an evaluation.
    parts: Vec<Part>,
    /// Number of steps.
    steps: usize,
    /// True if the outputs are read back.
    outputs: bool,
    /// True if the images are in their second view.
    second: bool,
    /// Labels, and indices in the split, of the images.
    images: Arc<(Vec<u32>, Vec<u32>)>,
}

/// Work submitted to the device but not yet collected.
struct UnderWay {
    submitted: Submitted,
    parts: Vec<Part>,
    begun: f64,
    chunk: Arc<(Vec<u32>, Vec<u32>)>,
    second: bool,
}

impl Visited<'_> {
    /// Places of an image that have a label each.
    pub fn places(&self) -> usize {
        (self.labels.len() / self.which.len().max(1)).max(1)
    }
}

impl Visitor {
    /// The visitor of a rank of `team`, if there is one.
    pub(crate) fn of(team: Option<Team>) -> Self {
        Self { team, ..Self::default() }
    }

    /// Lets `beside` work while nothing is visited.
    pub(crate) fn idle(&mut self) -> Result<()> {
        self.beside.as_mut().map_or(Ok(()), |beside| beside.between())
    }

    /// Visits the steps and calls `each` for every part soon after it is done. If `each` breaks, the steps already
    /// submitted still finish.
    ///
    /// # Errors
    /// The errors of `each`; [`Error::Images`] if the split ends early; [`Error::Device`].
    pub(crate) async fn visit(
        &mut self,
        model: &CompiledModel,
        visit: Visit<'_>,
        mut each: impl FnMut(&Visited<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let Visit { split, order, cut, at_once, span, steps, outputs, second, weights } = visit;
        let mut under_way: VecDeque<UnderWay> = VecDeque::new();
        let mut flow = ControlFlow::Continue(());
        let mut number = span.start;
        let listener = self.listener.clone();
        let hears = listener.as_deref();
        let team = self.team.clone();
        let share = team.as_ref().map_or(Share::WHOLE, Team::share);
        let exchanges = team.map(|team| Exchanges::of(model, team));
        let mut stream = Stream::shared(split, order, cut, number as usize, share, listener.clone());
        while number < span.end
            && flow.is_continue()
            && let Some(chunk) = note(hears, Activity::Starve, || stream.next())
        {
            let Chunk { batch, which, steps: rows } = chunk;
            let mut parts = Part::cut(&rows, at_once);
            if model.plan.program.mode != Mode::Train {
                // A step in which this rank has no image has nothing to compute.
                parts.retain(|part| part.rows.rows > 0);
            }
            let table = steps(&parts, number);
            let wanted = rows.len().min(usize::try_from(span.end - number).unwrap_or(usize::MAX));
            number += wanted as u64;
            parts.retain(|part| part.step < wanted);
            note(hears, Activity::Upload, || model.upload(&batch, &table));
            if let Some(value) = model.plan.program.example_weights {
                let of =
                    |image: &u32| weights.and_then(|all| all.get(*image as usize)).copied().unwrap_or(1.0);
                let shares: Vec<f32> = which.iter().map(of).collect();
                model.context.write(&model.plan.slices[value.0], &shares);
            }
            let again = second.map(|view| view(&batch.images));
            let images = Arc::new((batch.labels, which));
            let mut loaded = Loaded { parts, steps: wanted, outputs, second: false, images };
            flow = self.loaded(model, exchanges.as_ref(), &loaded, &mut under_way, &mut each).await?;
            if let (Some(images), ControlFlow::Continue(())) = (again, flow) {
                model.upload(&Batch { images, labels: loaded.images.0.clone() }, &table);
                loaded.second = true;
                flow = self.loaded(model, exchanges.as_ref(), &loaded, &mut under_way, &mut each).await?;
            }
        }
        let whole = span.end.min(cut.steps(split.len()) as u64);
        if flow.is_continue() && number < whole {
            return Err(Error::Images { step: number + 1, of: whole });
        }
        while !under_way.is_empty() {
            if self.collect(model, &mut under_way, &mut each).await?.is_break() {
                flow = ControlFlow::Break(());
            }
        }
        Ok(flow)
    }

    /// Visits the chunk in the feed, alone or with the other ranks of the team.
    async fn loaded(
        &mut self,
        model: &CompiledModel,
        exchanges: Option<&Exchanges>,
        loaded: &Loaded,
        under_way: &mut VecDeque<UnderWay>,
        each: &mut impl FnMut(&Visited<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        match exchanges {
            None => self.parts(model, loaded, under_way, each).await,
            Some(exchanges) => self.together(model, exchanges, loaded, each).await,
        }
    }

    /// Submits the parts of the chunk in the feed.
    async fn parts(
        &mut self,
        model: &CompiledModel,
        loaded: &Loaded,
        under_way: &mut VecDeque<UnderWay>,
        each: &mut impl FnMut(&Visited<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let Loaded { parts, outputs, second, images, .. } = loaded;
        let CompiledModel { context, plan, arenas, feed } = model;
        let listener = self.listener.clone();
        let hears = listener.as_deref();
        let most = match *outputs {
            true => (OUTPUTS / (4 * plan.output().len).max(1)).max(1),
            false => usize::MAX,
        };
        let mut flow = ControlFlow::Continue(());
        let mut next = 0;
        // A step that has begun is always completed.
        while next < parts.len() && (flow.is_continue() || parts[next].number > 0) {
            self.idle()?;
            let mut group = next..parts.len().min(next + self.pacer.steps().min(most));
            if flow.is_break() {
                group.end = group.clone().find(|n| parts[*n].last).map_or(group.end, |last| last + 1);
            }
            let last = |n: usize| parts[n].last;
            let stamps = self.stamps.as_ref();
            let encoded = note(hears, Activity::Encode, || match *outputs {
                true => plan.encode_with_outputs(context, feed, arenas, group.clone(), &last),
                false => plan.encode_parts(context, feed, arenas, group.clone(), &last, stamps),
            });
            let submitted = note(hears, Activity::Submit, || encoded.submit(context));
            let (begun, parts) = (clock::seconds(), parts[group.clone()].to_vec());
            under_way.push_back(UnderWay { submitted, parts, begun, chunk: images.clone(), second: *second });
            next = group.end;
            if under_way.len() > 1 && self.collect(model, under_way, each).await?.is_break() {
                flow = ControlFlow::Break(());
            }
        }
        Ok(flow)
    }

    /// Collects the results of the oldest submission.
    async fn collect(
        &mut self,
        model: &CompiledModel,
        under_way: &mut VecDeque<UnderWay>,
        each: &mut impl FnMut(&Visited<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let Some(UnderWay { submitted, parts, begun, chunk, second }) = under_way.pop_front() else {
            return Ok(ControlFlow::Continue(()));
        };
        let listener = self.listener.as_deref();
        let at = submitted.at;
        // Passes with outputs have no timestamps.
        let stamps = self.stamps.as_ref().filter(|_| submitted.is_stamped());
        let finished = noted(listener, Activity::Wait, submitted.finish(&model.context, stamps)).await?;
        self.pacer.observe(parts.len(), begun);
        if let Some(listener) = listener {
            let images = parts.iter().map(|part| u64::from(part.rows.rows)).sum();
            let device = finished.device.first().copied().flatten();
            let done = clock::seconds();
            listener.submission(Submission { steps: parts.len(), images, submitted: at, done, device });
        }
        let width = model.plan.output().len / model.plan.program.batch.max(1);
        let places = model.plan.program.labels;
        let mut flow = ControlFlow::Continue(());
        for (n, (part, [loss_sum, hits])) in parts.iter().zip(finished.results).enumerate() {
            let (loss_sum, hits) = (f64::from(loss_sum), f64::from(hits));
            let heads = finished.heads.iter().filter_map(|each| Some(each.get(n)?.map(f64::from))).collect();
            let rows = part.rows.first as usize..(part.rows.first + part.rows.rows) as usize;
            let outputs = finished.outputs.get(n).and_then(|all| all.get(..rows.len() * width));
            let visited = Visited {
                part,
                result: StepResult { rows: part.rows.rows, loss_sum, hits, heads },
                outputs: outputs.unwrap_or_default(),
                labels: chunk.0.get(rows.start * places..rows.end * places).unwrap_or_default(),
                which: chunk.1.get(rows).unwrap_or_default(),
                second,
            };
            if each(&visited)?.is_break() {
                flow = ControlFlow::Break(());
            }
        }
        Ok(flow)
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Rows};

    #[test]
    fn parts_cover_each_step_once_and_their_shares_add_up() {
        let steps = [(0, 7), (7, 7), (14, 2)].map(|(first, rows)| Rows { first, rows, before: 0 });
        for at_once in 1..9 {
            let parts = Part::cut(&steps, at_once);
            for (n, step) in steps.iter().enumerate() {
                let of: Vec<_> = parts.iter().filter(|part| part.step == n).collect();
                assert!(of.iter().all(|part| part.rows.rows as usize <= at_once && part.rows.rows > 0));
                assert_eq!(of.iter().map(|part| part.rows.rows).sum::<u32>(), step.rows);
                assert!((of.iter().map(|part| part.share).sum::<f32>() - 1.0).abs() < 1e-6);
                assert_eq!(of[0].rows.first, step.first);
                assert!(of.windows(2).all(|w| w[0].rows.first + w[0].rows.rows == w[1].rows.first));
                assert!(of.iter().enumerate().all(|(n, part)| part.number == n as u32));
                assert_eq!(of.iter().filter(|part| part.last).count(), 1);
                assert!(of.last().is_some_and(|part| part.last));
            }
        }
        assert_eq!(Part::cut(&steps, 7).len(), 3);
    }
}
