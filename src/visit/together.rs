//! Visits of a team: each rank computes its share of every step, and all ranks get the result of the whole step. In a
//! training the gradients are summed before the update, weighted by each rank's images, so that the update is that of
//! the whole batch. Values go through the host: no communicator reaches into a buffer of wgpu.

use super::{Loaded, Part, Visited, Visitor};
use crate::{
    Result, clock,
    compiled::CompiledModel,
    data::stream::Rows,
    gpu::{Fetch, Slice, floats},
    kernels::{BATCH_NORM_GRAD_PARTIALS, BATCH_NORM_PARTIALS},
    metrics::StepResult,
    observe::{Activity, Submission, note, noted},
    op::Access,
    plan::Plan,
    program::{Home, Mode, Node, Parameter, Pass, trained_len},
    team::Team,
};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::{ControlFlow, Range},
};

/// What a rank knows of a step, and what all ranks together know.
#[derive(Default)]
struct Found {
    result: StepResult,
    outputs: Vec<f32>,
    labels: Vec<u32>,
    which: Vec<u32>,
}

/// What ranks exchange within a step besides the gradients.
enum Statistic {
    /// Mean and sum of squared deviations of each channel in each split of the rows.
    Moments {
        /// Rows of an image.
        spatial: usize,
        /// Rows of a split.
        per: usize,
    },
    /// Sums of each channel over each split, of gradients of this rank's mean loss.
    Sums,
}

/// Where a step stops for an exchange: for this value of so many splits and channels.
struct Stop {
    value: Slice,
    splits: usize,
    channels: usize,
    statistic: Statistic,
}

/// A place in a step, after a node.
enum Cut {
    /// Statistics of all ranks are needed before the next node.
    Stop(Stop),
    /// These gradients are complete: their sum may begin.
    Bucket(Slice),
}

/// The exchanges of a plan.
pub(super) struct Exchanges {
    team: Team,
    /// With the node before each, in order.
    cuts: Vec<(usize, Cut)>,
    /// The averages that the forward pass writes.
    states: Vec<Slice>,
}

impl Stop {
    /// The stop after a node that writes `partials`.
    fn after(plan: &Plan, node: usize, statistic: Statistic) -> Option<Self> {
        let Node { buffers, call, .. } = &plan.program.nodes[node];
        let (_, value) = buffers.iter().find(|(name, _)| *name == "partials")?;
        let size = |name: &str| call.sizes.get(name).map(|size| *size as usize);
        let value = plan.slices[value.0].clone();
        Some(Self { value, splits: size("SPLITS")?, channels: size("C")?, statistic })
    }
}

impl Exchanges {
    /// The exchanges that a step of `model` needs.
    pub(super) fn of(model: &CompiledModel, team: Team) -> Self {
        let (plan, program) = (&model.plan, &model.plan.program);
        if program.mode != Mode::Train {
            return Self { team, cuts: Vec::new(), states: Vec::new() };
        }
        let sync = team.options.sync_batch_norm;
        let mut cuts = Vec::new();
        let mut states = BTreeMap::new();
        // The last node that writes the gradient of each parameter.
        let mut written_by = vec![0; program.parameters.len()];
        for (n, node) in program.nodes.iter().enumerate() {
            let size = |name: &str| node.call.sizes.get(name).map_or(1, |size| *size as usize);
            let statistic = match node.call.op.name {
                name if name == BATCH_NORM_PARTIALS.name => {
                    Some(Statistic::Moments { spatial: size("SPATIAL"), per: size("PER") })
                }
                name if name == BATCH_NORM_GRAD_PARTIALS.name => Some(Statistic::Sums),
                _ => None,
            };
            let stop = statistic.filter(|_| sync).and_then(|statistic| Stop::after(plan, n, statistic));
            cuts.extend(stop.map(|stop| (n, Cut::Stop(stop))));
            if node.pass == Pass::Update {
                continue;
            }
            let bindings = &plan.steps[n].launch.kernel.shader.bindings;
            let is_written = |name: &str| bindings.iter().any(|b| b.name == name && b.access != Access::Read);
            for (_, value) in node.buffers.iter().filter(|(name, _)| is_written(name)) {
                match program.values[value.0].home {
                    Home::Parameter(id) if !program.parameters[id.0].trained => {
                        states.insert(id, plan.slices[value.0].clone());
                    }
                    Home::Gradient(id) => written_by[id.0] = n,
                    Home::Gradients => written_by.fill(n),
                    _ => {}
                }
            }
        }
        let buckets = buckets(&program.parameters, &written_by, team.options.bucket);
        let gradients = &model.arenas.gradients;
        cuts.extend(
            buckets.into_iter().map(|(n, range)| (n, Cut::Bucket(gradients.slice(range.start, range.len())))),
        );
        cuts.sort_by_key(|(after, _)| *after);
        Self { team, cuts, states: states.into_values().collect() }
    }
}

/// Ranges of the trained part of the gradients, each of about `bytes`, and the node after which each is complete, if
/// `written_by` are the last nodes to write each parameter's. The last parameters come first, as in the backward pass. The
/// ranges do not depend on the nodes, which may differ between the ranks.
fn buckets(parameters: &[Parameter], written_by: &[usize], bytes: usize) -> Vec<(usize, Range<usize>)> {
    let mut trained: Vec<_> = parameters.iter().zip(written_by).filter(|(p, _)| p.trained).collect();
    trained.sort_by_key(|(p, _)| p.offset);
    let (mut end, mut after) = (trained_len(parameters), 0);
    let mut buckets = Vec::new();
    for (n, (parameter, written)) in trained.iter().enumerate().rev() {
        after = after.max(**written);
        let start = if n == 0 { 0 } else { parameter.offset };
        if n == 0 || size_of::<f32>() * (end - start) >= bytes {
            buckets.push((after, start..end));
            end = start;
        }
    }
    buckets
}

impl Stop {
    /// Rows of a split, for a rank with so many images.
    fn rows_in(&self, split: usize, images: usize) -> f64 {
        match self.statistic {
            Statistic::Moments { spatial, per } => {
                (images * spatial).saturating_sub(split * per).min(per) as f64
            }
            Statistic::Sums => 0.0,
        }
    }

    /// Replaces `own`, (splits, 2, channels), by the statistics of all ranks, so that the kernel that combines the splits
    /// gets those of the whole batch. `images` are those of this rank in this step, `all` those of each rank.
    fn combine(&self, own: &mut [f32], each: &[Vec<f32>], images: usize, all: &[f64]) {
        let at = |split: usize, which: usize, channel: usize| (split * 2 + which) * self.channels + channel;
        let total: f64 = all.iter().sum();
        for channel in 0..self.channels {
            match self.statistic {
                Statistic::Moments { spatial, .. } => {
                    // Rows, mean and squares of each split with rows.
                    let split = |(values, images): (&Vec<f32>, &f64)| {
                        let of = |split| {
                            let value = |which| f64::from(values[at(split, which, channel)]);
                            (self.rows_in(split, *images as usize), value(0), value(1))
                        };
                        (0..self.splits).map(of).filter(|(rows, ..)| *rows > 0.0).collect::<Vec<_>>()
                    };
                    let found: Vec<(f64, f64, f64)> = each.iter().zip(all).flat_map(split).collect();
                    let rows = total * spatial as f64;
                    // Chan, Golub and LeVeque 1983.
                    let mean = found.iter().map(|(rows, mean, _)| rows * mean).sum::<f64>() / rows;
                    let squares =
                        found.iter().map(|(rows, m, squares)| squares + rows * (m - mean) * (m - mean));
                    let variance = squares.sum::<f64>() / rows;
                    for split in 0..self.splits {
                        own[at(split, 0, channel)] = mean as f32;
                        own[at(split, 1, channel)] = (variance * self.rows_in(split, images)) as f32;
                    }
                }
                // The gradients are those of each rank's mean loss, so its sums count by its share of the images.
                Statistic::Sums => {
                    for which in 0..2 {
                        let sum = |values: &Vec<f32>| {
                            let splits =
                                (0..self.splits).map(|split| f64::from(values[at(split, which, channel)]));
                            splits.sum::<f64>()
                        };
                        let ranks = each.iter().zip(all).filter(|(_, images)| **images > 0.0);
                        let sum: f64 = ranks.map(|(values, images)| sum(values) * images / total).sum();
                        for split in 0..self.splits {
                            own[at(split, which, channel)] = if split == 0 { sum as f32 } else { 0.0 };
                        }
                    }
                }
            }
        }
    }
}

/// The sums of one rank over a step: images, loss, hits, whether it wants to end, and loss and hits of each output.
fn header(result: &StepResult, breaks: bool, heads: usize) -> Vec<f64> {
    let mut all = vec![f64::from(result.rows), result.loss_sum, result.hits, f64::from(u8::from(breaks))];
    all.extend(result.heads.iter().flatten());
    all.resize(4 + 2 * heads, 0.0);
    all
}

/// The result of the whole step, in the order of ranks; and whether any rank wants to end.
fn whole<'h>(headers: impl Iterator<Item = &'h [f64]>) -> (StepResult, bool) {
    let mut sum = StepResult::default();
    let mut breaks = false;
    for header in headers {
        let [rows, loss_sum, hits, flag, heads @ ..] = header else { continue };
        breaks |= *flag != 0.0;
        if *rows > 0.0 {
            let heads = heads.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
            sum.add(&StepResult { rows: *rows as u32, loss_sum: *loss_sum, hits: *hits, heads });
        }
    }
    (sum, breaks)
}

impl Found {
    /// Adds a part that this rank has computed.
    fn add(&mut self, part: &Visited<'_>) {
        self.result.add(&part.result);
        self.outputs.extend_from_slice(part.outputs);
        self.labels.extend_from_slice(part.labels);
        self.which.extend_from_slice(part.which);
    }

    /// The step, of which `part` is the whole.
    fn visited<'v>(&'v self, part: &'v Part, second: bool) -> Visited<'v> {
        let Self { result, outputs, labels, which } = self;
        Visited { part, result: *result, outputs, labels, which, second }
    }
}

/// A step of so many images as one part.
fn part(step: usize, rows: u32) -> Part {
    Part { rows: Rows { first: 0, rows, before: 0 }, step, number: 0, share: 1.0, last: true }
}

/// What all ranks found in each step, and whether any rank wants to end. With `outputs`, the outputs, labels and images
/// of all ranks are in their order in the batch.
fn exchanged(
    team: &Team,
    mut own: Vec<Found>,
    outputs: bool,
    heads: usize,
    breaks: bool,
) -> Result<(Vec<Found>, bool)> {
    let headers: Vec<f64> = own.iter().flat_map(|found| header(&found.result, breaks, heads)).collect();
    let headers = team.gather_equal(&headers)?;
    let (wide, mut breaks) = (4 + 2 * heads, false);
    let mut all = Vec::with_capacity(own.len());
    for step in 0..own.len() {
        let (result, flag) = whole(headers.iter().map(|each| &each[step * wide..(step + 1) * wide]));
        breaks |= flag;
        all.push(Found { result, ..Found::default() });
    }
    if outputs {
        let rows = |header: &Vec<f64>| header.iter().step_by(wide).map(|rows| *rows as usize).collect();
        let rows: Vec<Vec<usize>> = headers.iter().map(rows).collect();
        deal(team, &mut own, &mut all, &rows, |found| &mut found.outputs)?;
        deal(team, &mut own, &mut all, &rows, |found| &mut found.labels)?;
        deal(team, &mut own, &mut all, &rows, |found| &mut found.which)?;
    }
    Ok((all, breaks))
}

/// Gives the array `of` each step in `all` the values of all ranks, one rank after the other. `rows` are the images of
/// each rank in each step.
fn deal<T: bytemuck::Pod>(
    team: &Team,
    own: &mut [Found],
    all: &mut [Found],
    rows: &[Vec<usize>],
    of: impl Fn(&mut Found) -> &mut Vec<T>,
) -> Result<()> {
    let own: Vec<T> = own.iter_mut().flat_map(|found| std::mem::take(of(found))).collect();
    for (values, rows) in team.gather(&own)?.iter().zip(rows) {
        let width = values.len() / rows.iter().sum::<usize>().max(1);
        let mut rest = values.as_slice();
        for (found, rows) in all.iter_mut().zip(rows) {
            let (step, more) = rest.split_at(width * rows);
            of(found).extend_from_slice(step);
            rest = more;
        }
    }
    Ok(())
}

impl Visitor {
    /// Visits the steps of a chunk with the other ranks. `each` gets the result of each whole step, and all its outputs,
    /// labels and images, on every rank.
    pub(super) async fn together(
        &mut self,
        model: &CompiledModel,
        exchanges: &Exchanges,
        loaded: &Loaded,
        each: &mut impl FnMut(&Visited<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        match model.plan.program.mode {
            Mode::Train => self.train_together(model, exchanges, loaded, each).await,
            _ => self.judge_together(model, &exchanges.team, loaded, each).await,
        }
    }

    /// Computes this rank's part of all steps, then exchanges the results.
    async fn judge_together(
        &mut self,
        model: &CompiledModel,
        team: &Team,
        loaded: &Loaded,
        each: &mut impl FnMut(&Visited<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let mut own: Vec<Found> = (0..loaded.steps).map(|_| Found::default()).collect();
        let mut under_way = VecDeque::new();
        let mut keep = |visited: &Visited<'_>| {
            own[visited.part.step].add(visited);
            Ok(ControlFlow::Continue(()))
        };
        // Nothing ends it before the exchange.
        let _goes_on = self.parts(model, loaded, &mut under_way, &mut keep).await?;
        while !under_way.is_empty() {
            let _goes_on = self.collect(model, &mut under_way, &mut keep).await?;
        }
        let mut flow = ControlFlow::Continue(());
        let (all, _) = exchanged(team, own, loaded.outputs, model.arenas.heads.len(), false)?;
        for (step, found) in all.iter().enumerate() {
            if each(&found.visited(&part(step, found.result.rows), loaded.second))?.is_break() {
                flow = ControlFlow::Break(());
            }
        }
        // All ranks end together.
        team.flow(flow)
    }

    /// Trains the steps one after the other.
    async fn train_together(
        &mut self,
        model: &CompiledModel,
        exchanges: &Exchanges,
        loaded: &Loaded,
        each: &mut impl FnMut(&Visited<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let (team, heads) = (&exchanges.team, model.arenas.heads.len());
        let mut own_rows = vec![0.0; loaded.steps];
        loaded.parts.iter().for_each(|part| own_rows[part.step] += f64::from(part.rows.rows));
        let rows = note(self.listener.as_deref(), Activity::Exchange, || team.gather_equal(&own_rows))?;
        let mut flow = ControlFlow::Continue(());
        let mut next = 0;
        for step in 0..loaded.steps {
            self.idle()?;
            let range = next..next + loaded.parts[next..].iter().take_while(|part| part.step == step).count();
            next = range.end;
            let rows: Vec<f64> = rows.iter().map(|rank| rank[step]).collect();
            let begun = clock::seconds();
            let (own, done) = self.share_of_step(model, exchanges, loaded, range, &rows).await?;
            let hears = self.listener.as_deref();
            let found = note(hears, Activity::Exchange, || {
                exchanged(team, vec![own], loaded.outputs, heads, flow.is_break())
            });
            let (mut all, breaks) = found?;
            let Some(found) = all.pop() else { continue };
            if let Some(listener) = hears {
                let images = u64::from(found.result.rows);
                listener.submission(Submission { steps: 1, images, submitted: begun, done, device: None });
            }
            if each(&found.visited(&part(step, found.result.rows), false))?.is_break() || breaks {
                flow = ControlFlow::Break(());
            }
            // The others learn with the next step that this rank ends, and all end after it.
            if breaks {
                return Ok(flow);
            }
        }
        team.flow(flow)
    }

    /// Computes this rank's parts of a step, sums the gradients of all ranks, and updates the parameters. `rows` are the
    /// step's images of each rank. Returns also the time at which the gradients were complete.
    async fn share_of_step(
        &mut self,
        model: &CompiledModel,
        exchanges: &Exchanges,
        loaded: &Loaded,
        range: Range<usize>,
        rows: &[f64],
    ) -> Result<(Found, f64)> {
        let CompiledModel { context, plan, arenas, feed } = model;
        let Exchanges { team, cuts, states } = exchanges;
        let hears = self.listener.as_deref();
        let parts = &loaded.parts[range.clone()];
        let own_rows = rows[team.rank()] as usize;
        let mut found = Found {
            result: StepResult { rows: own_rows as u32, ..StepResult::default() },
            ..Found::default()
        };
        let submit = |index: usize, nodes: Range<usize>, updates: bool| {
            let nodes = nodes.filter(|n| (plan.program.nodes[*n].pass == Pass::Update) == updates);
            note(hears, Activity::Submit, || {
                context.submit_with(|pass| plan.record_nodes(pass, feed, index, nodes));
            });
        };
        // What waits for its sum, the first to be complete first.
        let mut sums: Vec<(&Slice, Fetch)> = Vec::new();
        if own_rows == 0 {
            // A rank without an image takes part in the exchanges with nothing.
            for (_, cut) in cuts {
                match cut {
                    Cut::Stop(stop) => drop(team.gather_equal(&vec![0f32; stop.value.len])?),
                    Cut::Bucket(gradients) => sums.push((gradients, context.fetch(&[gradients]))),
                }
            }
        }
        let width = plan.output().len / plan.program.batch.max(1);
        for (index, part) in range.clone().zip(parts).filter(|(_, part)| part.rows.rows > 0) {
            let mut from = 0;
            for (after, cut) in cuts {
                match cut {
                    Cut::Stop(stop) => {
                        submit(index, from..after + 1, false);
                        let mut values = noted(hears, Activity::Wait, context.read(&stop.value)).await?;
                        let each = note(hears, Activity::Exchange, || team.gather_equal(&values))?;
                        stop.combine(&mut values, &each, own_rows, rows);
                        context.write(&stop.value, &values);
                    }
                    Cut::Bucket(gradients) if part.last => {
                        submit(index, from..after + 1, false);
                        sums.push((gradients, context.fetch(&[gradients])));
                    }
                    Cut::Bucket(_) => continue,
                }
                from = after + 1;
            }
            submit(index, from..plan.steps.len(), false);
            if loaded.outputs {
                let mut outputs = noted(hears, Activity::Wait, context.read(plan.output())).await?;
                outputs.truncate(part.rows.rows as usize * width);
                found.outputs.extend(outputs);
            }
        }
        let pairs = |all: &Slice| all.slice(2 * range.start, 2 * range.len());
        let results: Vec<Slice> = [&arenas.results].into_iter().chain(&arenas.heads).map(pairs).collect();
        let last: Vec<&Slice> = states.iter().chain(&results).collect();
        let last = context.fetch(&last);
        // The device goes on with the backward pass meanwhile.
        let weight = own_rows as f64 / rows.iter().sum::<f64>().max(1.0);
        for (gradients, fetch) in sums {
            let mut values =
                floats(noted(hears, Activity::Wait, fetch.all(context)).await?).pop().unwrap_or_default();
            note(hears, Activity::Exchange, || team.sum(&mut values, weight))?;
            context.write(gradients, &values);
        }
        let mut last = floats(noted(hears, Activity::Wait, last.all(context)).await?).into_iter();
        let done = clock::seconds();
        for (state, mut values) in states.iter().zip(&mut last) {
            note(hears, Activity::Exchange, || team.sum_exactly(&mut values, weight))?;
            context.write(state, &values);
        }
        submit(range.end.saturating_sub(1), 0..plan.steps.len(), true);
        if own_rows == 0 {
            return Ok((Found::default(), done));
        }
        if loaded.outputs {
            let (labels, which) = &*loaded.images;
            let first = parts.first().map_or(0, |part| part.rows.first as usize);
            let places = plan.program.labels;
            let labels = labels.get(first * places..(first + own_rows) * places);
            found.labels.extend_from_slice(labels.unwrap_or_default());
            found.which.extend_from_slice(which.get(first..first + own_rows).unwrap_or_default());
        }
        let mut sums = last.map(|pairs| {
            let pairs = pairs.chunks_exact(2);
            pairs.fold([0.0; 2], |sum, pair| [sum[0] + f64::from(pair[0]), sum[1] + f64::from(pair[1])])
        });
        [found.result.loss_sum, found.result.hits] = sums.next().unwrap_or_default();
        found.result.heads = sums.collect();
        Ok((found, done))
    }
}

#[cfg(test)]
mod tests {
    use super::buckets;
    use crate::{initializer::Initializer, program::Parameter};

    #[test]
    fn buckets_cover_the_trained_gradients_once_from_the_last_and_are_complete_in_order() {
        let parameter = |n: usize, trained| Parameter {
            name: format!("dense_{n}.kernel"),
            shape: vec![64],
            initializer: Initializer::Zeros,
            offset: 64 * n,
            trained,
        };
        let all: Vec<Parameter> = (0..6).map(|n| parameter(n, n < 5)).collect();
        // The third is complete last: it holds back those before it.
        let written = [12, 9, 13, 8, 6, 0];
        let found = |bytes| buckets(&all, &written, bytes);
        assert_eq!(found(1), [(6, 256..320), (8, 192..256), (13, 128..192), (13, 64..128), (13, 0..64)]);
        assert_eq!(found(600), [(13, 128..320), (13, 0..128)]);
        assert_eq!(found(usize::MAX), [(13, 0..320)]);
        assert_eq!(buckets(&all[5..], &written[5..], 1), []);
    }
}
