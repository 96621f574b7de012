//! Lists the adapters of this machine: what each can do, and which one would be used. It opens none of them.

use super::{defaults, output};
use anyhow::Result;
use serde::Serialize;
use std::process::ExitCode;
use wgrad::{
    gpu::{self, AdapterChoice, Listed},
    op::{AdapterClass, AdapterKind},
    words,
};
use wgrad_report::table::{
    Align::{Left, Right, Wrap},
    Table,
};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  wgrad adapters                the adapters here; → marks the one that `wgrad train` would use
  wgrad adapters --adapter gl   → marks the one that `--adapter gl` would use
  wgrad adapters --json         one JSON object per line

Exit codes: 0 done, 2 there is no adapter, or none that matches `--adapter`.")]
pub struct Adapters {
    /// Mark the adapter that this choice selects: an index, a part of a name, `gpu`, `cpu`, or a back end
    #[arg(long, value_name = "ADAPTER", default_value = "best")]
    adapter: AdapterChoice,
    /// Print JSON lines, one object per adapter
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    index: usize,
    name: String,
    backend: String,
    driver: String,
    class: AdapterClass,
    device_type: &'static str,
    /// Decides the default variants, for this reason.
    kind: AdapterKind,
    reason: String,
    used: bool,
    max_binding_bytes: u64,
    max_buffer_bytes: u64,
    workgroup_bytes: u32,
    workgroup_invocations: u32,
    subgroup_sizes: Option<[u32; 2]>,
    f16: bool,
    timestamps: bool,
    /// The default variants of the costliest operations.
    defaults: Vec<defaults::Chosen>,
}

impl Row {
    fn new(listed: &Listed) -> Result<Self> {
        let (info, limits, features) = (&listed.info, listed.adapter.limits(), listed.adapter.features());
        let subgroups = features.contains(wgpu::Features::SUBGROUP);
        let (kind, reason) = AdapterKind::of(info);
        Ok(Self {
            index: listed.index,
            name: info.name.clone(),
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
            class: listed.class,
            device_type: match info.device_type {
                wgpu::DeviceType::DiscreteGpu => "discrete",
                wgpu::DeviceType::IntegratedGpu => "integrated",
                wgpu::DeviceType::VirtualGpu => "virtual",
                wgpu::DeviceType::Cpu => "software",
                wgpu::DeviceType::Other => "other",
            },
            kind,
            reason,
            used: false,
            max_binding_bytes: limits.max_storage_buffer_binding_size,
            max_buffer_bytes: limits.max_buffer_size,
            workgroup_bytes: limits.max_compute_workgroup_storage_size,
            workgroup_invocations: limits.max_compute_invocations_per_workgroup,
            subgroup_sizes: subgroups.then_some([info.subgroup_min_size, info.subgroup_max_size]),
            f16: features.contains(wgpu::Features::SHADER_F16),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            defaults: defaults::of_adapter(listed)?,
        })
    }
}

impl Adapters {
    pub async fn run(self) -> Result<ExitCode> {
        let listed = gpu::list().await;
        let mut rows = listed.iter().map(Row::new).collect::<Result<Vec<_>>>()?;
        let used = self.adapter.pick(listed)?;
        for row in &mut rows {
            row.used = row.index == used.index;
        }
        if self.json {
            rows.iter().try_for_each(output::json)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new(&[
            ("", Left),
            ("index", Right),
            ("name", Wrap),
            ("back end", Left),
            ("class", Left),
            ("type", Left),
            ("kind", Left),
        ]);
        let mut chosen = String::new();
        let mut abilities = Table::new(&[
            ("index", Right),
            ("binding", Right),
            ("workgroup", Right),
            ("subgroup", Right),
            ("f16", Left),
            ("timestamps", Left),
            ("driver", Wrap),
        ]);
        let yes = |flag: bool| if flag { "yes" } else { "no" }.to_string();
        for row in rows {
            table.row([
                if row.used { "→" } else { "" }.to_string(),
                row.index.to_string(),
                row.name,
                row.backend,
                row.class.to_string(),
                row.device_type.to_string(),
                row.kind.to_string(),
            ]);
            if row.used {
                let reason =
                    format!("{} is {}, since {}; by default it runs", row.index, row.kind, row.reason);
                chosen = format!("{reason}\n{}", defaults::table(row.defaults));
            }
            abilities.row([
                row.index.to_string(),
                words::bytes(row.max_binding_bytes),
                words::bytes(row.workgroup_bytes.into()),
                match row.subgroup_sizes {
                    None => "no".to_string(),
                    Some([min, max]) if min == max => min.to_string(),
                    Some([min, max]) => format!("{min} to {max}"),
                },
                yes(row.f16),
                yes(row.timestamps),
                row.driver,
            ]);
        }
        output::line(format!("{table}\n\n{abilities}\n\n{chosen}"))?;
        tell!("binding: the largest buffer that a kernel sees; workgroup: the memory that its threads share");
        tell!(
            "→ marks what `--adapter {}` selects; an index, a part of a name or a back end selects another",
            self.adapter
        );
        Ok(ExitCode::SUCCESS)
    }
}
