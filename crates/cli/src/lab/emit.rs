//! `wgrad lab OP --emit LANGUAGE`: prints one variant in the language of a back end, or its composed text; with
//! `--json`, those of many.

use super::{super::output, Lab};
use anyhow::{Result, bail};
use clap::ValueEnum;
use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};
use wgrad::{
    kernels::peaks::PEAKS,
    op::{
        Activation, Op, Variant,
        activations::{self, ACTIVATIONS, LINEAR},
        setting, user_file,
    },
};
use wgrad_lab::{
    backends::{self, Language, Translation},
    standard,
};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    /// The composed text, as a browser takes it
    Wgsl,
    /// Vulkan, in binary
    Spirv,
    /// Vulkan 1.3 and later, in binary
    #[value(name = "spirv-1.6")]
    Spirv16,
    /// Metal
    Msl,
    /// DX12, shader model 5.1, or 6 where the variant has subgroups
    Hlsl,
    /// OpenGL ES
    Glsl,
}

impl Emit {
    /// The language that `variant` is translated to; `None` for its composed text.
    fn of(self, variant: &Variant) -> Option<Language> {
        match self {
            Self::Wgsl => None,
            Self::Spirv => Some(Language::Spirv),
            Self::Spirv16 => Some(Language::Spirv16),
            Self::Msl => Some(Language::Msl),
            Self::Glsl => Some(Language::Glsl),
            Self::Hlsl if backends::has_subgroups(variant) => Some(Language::Hlsl6),
            Self::Hlsl => Some(Language::Hlsl),
        }
    }
}

impl Lab {
    pub(super) fn emit(&self, ops: &[&'static Op], language: Emit) -> Result<ExitCode> {
        match (self.json, language) {
            (true, Emit::Wgsl) => return self.emit_all(ops),
            (true, _) => return self.emit_translated(ops, language),
            _ => {}
        }
        let [op] = ops else { bail!("--emit prints one variant; name its operation instead of `all`") };
        let variant = match (self.variant.as_slice(), self.file.as_slice()) {
            ([name], []) => op.find(name)?,
            ([], [path]) => user_file::read(op, path)?,
            (variants, files) => {
                let variants = variants.iter().map(|name| format!("--variant {name}"));
                let files = files.iter().map(|path| format!("--file {}", path.display()));
                let given: Vec<String> = variants.chain(files).collect();
                let given = if given.is_empty() { "none".to_string() } else { given.join(" and ") };
                bail!(
                    "--emit prints one variant, got {given}; give one --variant, of {}, or one --file",
                    op.variant_names()
                )
            }
        };
        let call = self.call(op)?;
        let Some(language) = language.of(&variant) else {
            output::bytes(op.standard(&variant, call.activation)?.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        };
        match backends::emit(&call, &variant, language, self.checked)? {
            Translation::Text(text) => output::bytes(text.as_bytes())?,
            Translation::Words(_) if std::io::stdout().is_terminal() => {
                bail!(
                    "SPIR-V is binary; redirect it to a file: `> {}.spv`, which `spirv-dis` reads",
                    variant.name()
                )
            }
            Translation::Words(words) => {
                let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                output::bytes(&bytes)?;
            }
        }
        std::io::stdout().flush()?;
        Ok(ExitCode::SUCCESS)
    }

    /// Prints every setting of the named variants, or of all, with the named activation, or with every one.
    fn emit_all(&self, ops: &[&'static Op]) -> Result<ExitCode> {
        // The kernels that measure an adapter have no name on the command line; they are compiled like the rest.
        let peaks = if self.op.as_deref() == Some("all") { PEAKS } else { &[] };
        for op in ops.iter().chain(peaks).copied() {
            let activations: &[&'static Activation] = match &self.activation {
                Some(name) => &[activations::activation(name)?],
                None if op.activated() => ACTIVATIONS,
                None => &[&LINEAR],
            };
            for variant in self.settings(op)? {
                for activation in activations {
                    if let Some(module) = standard::module(op, &variant, activation)? {
                        output::json(&module)?;
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Prints every setting of the named variants, or of all, in the language of a back end.
    fn emit_translated(&self, ops: &[&'static Op], language: Emit) -> Result<ExitCode> {
        for op in ops.iter().copied() {
            let call = self.call(op)?;
            for variant in self.settings(op)? {
                let Some(language) = language.of(&variant) else { continue };
                if let Some(row) = backends::emitted(&call, &variant, language, self.checked)? {
                    output::json(&row)?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// All settings of the named variants, or of all.
    fn settings(&self, op: &'static Op) -> Result<Vec<Variant>> {
        let mut variants = Vec::new();
        for name in &self.variant {
            let (base, given) = setting::split(name);
            variants.extend(setting::all(op, &op.find(base)?, given)?);
        }
        for path in &self.file {
            variants.extend(setting::all(op, &user_file::read(op, path)?, "")?);
        }
        if self.variant.is_empty() && self.file.is_empty() {
            for variant in op.variants() {
                variants.extend(setting::all(op, variant, "")?);
            }
        }
        Ok(variants)
    }
}
