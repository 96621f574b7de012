//! The variants that run by default on an adapter, and the rules that choose them, in words.

use anyhow::Result;
use wgrad::{
    gpu::{Context, Listed},
    kernels::{
        CONV2D_FORWARD, CONV2D_GRAD_INPUT, CONV2D_GRAD_WEIGHT, MATMUL, MATMUL_GRAD_INPUT, MATMUL_GRAD_WEIGHT,
    },
    op::{AdapterKind, Call, Op, Traits, Variant, sizes},
    plan::Plan,
    selection::Choices,
};
use wgrad_lab::workload;
use wgrad_report::table::{
    Align::{Left, Wrap},
    Table,
};

/// The operations that take most of the time of the built-in networks.
static COSTLY: [&Op; 6] = [
    &MATMUL,
    &MATMUL_GRAD_INPUT,
    &MATMUL_GRAD_WEIGHT,
    &CONV2D_FORWARD,
    &CONV2D_GRAD_INPUT,
    &CONV2D_GRAD_WEIGHT,
];

/// The kind of an adapter and what else decides its defaults: `software, since it computes on the processor's cores; 8
/// lanes, Mesa 25`.
pub fn kind(info: &wgpu::AdapterInfo) -> String {
    let (kind, reason) = AdapterKind::of(info);
    let Traits { lanes, mesa, .. } = Traits::of(info);
    let mesa = if mesa > 0 { format!(", Mesa {mesa}") } else { String::new() };
    format!("{kind}, since {reason}; {lanes} lanes{mesa}")
}

/// A default variant.
#[derive(serde::Serialize)]
pub struct Chosen {
    op: &'static str,
    sizes: String,
    variant: String,
    /// The rule that holds.
    reason: String,
}

/// The defaults of an adapter for the costliest operations, at their largest use in the built-in networks.
pub fn of_adapter(listed: &Listed) -> Result<Vec<Chosen>> {
    let (features, limits) = (listed.features(), listed.adapter.limits());
    let mut defaults = Vec::new();
    for op in COSTLY {
        let call = workload::typical(op)?;
        let chosen = call.default_of(&listed.traits, |variant: &Variant| {
            call.obstacle_on(variant, listed.class, features, &limits)
        })?;
        if let Some((variant, reason)) = chosen {
            let (variant, sizes) = (variant.name().to_string(), sizes::words(&call));
            defaults.push(Chosen { op: op.name, sizes, variant, reason });
        }
    }
    Ok(defaults)
}

/// [`of_adapter`] as a table.
pub fn table(defaults: Vec<Chosen>) -> Table {
    let mut table = Table::new(&[("operation", Left), ("sizes", Wrap), ("default", Left), ("since", Wrap)]);
    for Chosen { op, sizes, variant, reason } in defaults {
        table.row([op.to_string(), sizes, variant, reason]);
    }
    table
}

/// Why each kernel of `plan` was chosen, a line for each.
pub fn reasons(context: &Context, plan: &Plan, choices: &Choices) -> Result<String> {
    let mut lines = vec![format!("chosen for this adapter: {}", kind(&context.info))];
    for (step, node) in plan.steps.iter().zip(&plan.program.nodes) {
        let kernel = step.launch.kernel();
        let line = format!("  {:<34} {}", kernel.name, reason(context, &node.call, &kernel.name, choices)?);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    Ok(lines.join("\n"))
}

fn reason(context: &Context, call: &Call, kernel: &str, choices: &Choices) -> Result<String> {
    let runs = |name: &str| kernel.split_once('/').is_some_and(|(_, variant)| variant == name);
    if choices.by_hand.get(call.op.name).is_some_and(|name| runs(name)) {
        return Ok("chosen by hand".into());
    }
    if choices.tuned.get(&call.key()).is_some_and(|name| runs(name)) {
        return Ok("tuned".into());
    }
    let default = call.default_of(&context.traits, |variant| call.obstacle(context, variant))?;
    Ok(default.map_or(String::new(), |(_, reason)| reason))
}
