//! Check of a step as training runs it, in one submission. Its results must be bit-identical to those of its dispatches
//! one by one, and close to those of the twins run from the start of the step. There f32 rounding has passed through
//! every layer, so the bound is a share of each tensor's norm.

use super::{Bench, Check, Difference, Finding, Shadow};
use wgrad::{
    Result,
    compare::{place_in, words_of},
    feed::Step,
    gpu::Slice,
    program::{Mode, interpreter::Interpreter},
};

/// Tolerance of a tensor against the twins' after a whole step, as a share of its norm.
pub const WHOLE_STEP: f64 = 2e-5;

/// State that outlives a step, read back.
pub(super) struct State {
    pub parameters: Vec<f32>,
    pub slots: Vec<Vec<f32>>,
    pub averages: Option<Vec<f32>>,
}

/// Euclidean norm ‖values‖.
fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

impl Bench {
    /// Reads back the parameters and the optimizer's state.
    pub(super) async fn state(&self) -> Result<State> {
        let slots: Vec<&Slice> = self.model.arenas.slots.iter().map(|(_, slice)| slice).collect();
        let averages: Vec<&Slice> = self.model.arenas.averages.iter().collect();
        let parameters = self.model.context.read(&self.model.arenas.parameters).await?;
        let slots = self.model.context.read_all(&slots).await?;
        let averages = self.model.context.read_all(&averages).await?.pop();
        Ok(State { parameters, slots, averages })
    }

    /// Returns the slices with the results of a step: the arenas that it writes, and its output.
    fn outcome(&self) -> Vec<(&'static str, &Slice)> {
        let mut all = vec![("output", self.model.plan.output())];
        if self.model.plan.program.mode != Mode::Predict {
            all.push(("results", &self.model.arenas.results));
            all.extend(self.model.arenas.heads.iter().map(|slice| ("results of an output", slice)));
        }
        if self.model.plan.program.mode == Mode::Train {
            let arenas = &self.model.arenas;
            // By the end of a training step, the output's buffer has been reused.
            all[0] = ("gradients", &arenas.gradients);
            all.push(("parameters", &arenas.parameters));
            all.extend(arenas.slots.iter().map(|(slot, slice)| (slot.name, slice)));
            all.extend(arenas.averages.iter().map(|slice| ("averages", slice)));
        }
        all
    }

    async fn read_outcome(&self) -> Result<Vec<Vec<u32>>> {
        let slices: Vec<&Slice> = self.outcome().into_iter().map(|(_, slice)| slice).collect();
        self.model.context.read_words(&slices).await
    }

    /// Runs step `index` again from `before`, in one submission, and compares it with the results of its dispatches one
    /// by one.
    pub(super) async fn replayed_equals_whole(
        &mut self,
        before: &State,
        index: usize,
    ) -> Result<Vec<Finding>> {
        let single = self.read_outcome().await?;
        self.model.context.write(&self.model.arenas.parameters, &before.parameters);
        for ((_, slice), values) in self.model.arenas.slots.iter().zip(&before.slots) {
            self.model.context.write(slice, values);
        }
        for (slice, values) in self.model.arenas.averages.iter().zip(&before.averages) {
            self.model.context.write(slice, values);
        }
        self.model.run(index);
        let whole = self.read_outcome().await?;
        // Differences are reported below; the next step starts from the current contents.
        self.shadow = Shadow::default();
        let names = self.outcome().into_iter().map(|(name, _)| name);
        Ok(names
            .zip(single.iter().zip(&whole))
            .map(|(name, (single, whole))| {
                let mut finding = Finding::new(Check::OneSubmission, name);
                if let Some(at) = single.iter().zip(whole).position(|(s, w)| s != w) {
                    let (got, expected) = (f32::from_bits(whole[at]), f32::from_bits(single[at]));
                    finding.share = f64::INFINITY;
                    finding.difference = Some(Difference {
                        what: format!(
                            "{name}[{at}] is {got:e}, its dispatches one by one gave {expected:e}"
                        ),
                        buffer: name.to_string(),
                        index: at,
                        place: Vec::new(),
                        got: f64::from(got),
                        expected: f64::from(expected),
                        allowed: 0.0,
                        hint: "a kernel depends on timing: a race inside it, or a driver that reorders dispatches"
                            .into(),
                    });
                }
                finding
            })
            .collect())
    }

    /// Compares the results of the step on the device with `machine`, which ran it too.
    pub(super) async fn whole_equals_machine(
        &self,
        machine: &Interpreter,
        step: &Step,
    ) -> Result<Vec<Finding>> {
        let names: Vec<&str> = self.outcome().into_iter().map(|(name, _)| name).collect();
        let words = self.read_outcome().await?;
        // If the loss is near zero, p - 1 in its gradient cancels: the remainder is about the loss relative to 1.
        let share =
            WHOLE_STEP * (1.0 + 1.0 / machine.loss(step).max(f64::MIN_POSITIVE)).min(1.0 / WHOLE_STEP);
        let mut findings = Vec::new();
        for (name, words) in names.iter().zip(&words) {
            let got: Vec<f64> = words.iter().map(|w| f64::from(f32::from_bits(*w))).collect();
            findings.push(finite(name, &got));
            match *name {
                "gradients" | "parameters" => {
                    let twin = if *name == "gradients" { &machine.gradients } else { &machine.parameters };
                    for p in &machine.program.parameters {
                        let range = p.offset..p.offset + p.len();
                        let label = format!("{}{}", if *name == "gradients" { "d " } else { "" }, p.name);
                        findings.push(near(&label, &p.shape, &got[range.clone()], &twin[range], share));
                    }
                }
                "results" => {
                    let at = 2 * step.slot as usize;
                    findings.push(near("loss", &[], &got[at..at + 1], &machine.results[at..at + 1], share));
                }
                "output" => {
                    let output = machine.program.output;
                    let shape = &machine.program.values[output.0].shape;
                    findings.push(near("output", shape, &got, &machine.real(output), WHOLE_STEP))
                }
                _ => {}
            }
        }
        Ok(findings)
    }
}

fn finite(name: &str, values: &[f64]) -> Finding {
    let mut finding = Finding::new(Check::Finite, name);
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        finding.share = f64::INFINITY;
        finding.difference = Some(Difference {
            what: format!("{name}[{at}] is {}", values[at]),
            buffer: name.to_string(),
            index: at,
            place: Vec::new(),
            got: values[at],
            expected: f64::NAN,
            allowed: f64::INFINITY,
            hint: "the first dispatch that differs, if any, shows where it comes from".into(),
        });
    }
    finding
}

/// Compares ‖got - expected‖ with a share of ‖expected‖.
fn near(name: &str, shape: &[usize], got: &[f64], expected: &[f64], share: f64) -> Finding {
    let size = norm(expected.iter().copied());
    let mut error = norm(got.iter().zip(expected).map(|(g, e)| g - e));
    if got.len() != expected.len() || got.is_empty() {
        error = f64::NAN;
    }
    let allowed = share * size;
    Finding::new(Check::WholeStep, name).judge(error, allowed, || {
        let off = |at: usize| (got[at] - expected[at]).abs();
        let worst =
            (0..got.len().min(expected.len())).max_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap_or(0);
        let place = place_in(worst, shape);
        let words = words_of(worst, &place);
        Difference {
            what: format!(
                "{name} is off by {error:.1e}, its norm is {size:.1e}; the worst element is [{words}]"
            ),
            buffer: name.to_string(),
            index: worst,
            place,
            got: got.get(worst).copied().unwrap_or(f64::NAN),
            expected: expected.get(worst).copied().unwrap_or(f64::NAN),
            allowed,
            hint: "where no dispatch differs, rounding grows through the layers: look for a kink, such as a \
                   ReLU at zero, or a sum that cancels"
                .into(),
        }
    })
}
