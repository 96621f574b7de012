//! `wgrad lab --stats`: what this adapter's driver makes of each variant. It makes pipelines and runs none.

use super::{Lab, print, sweep};
use crate::{fields::spelled, invoked, output};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::Path, process::ExitCode};
use wgrad::{
    Error,
    kernels::OPERATIONS,
    op::{Call, Op, Variant},
};
use wgrad_lab::{
    row::{Row, Status},
    stats::{Compiler, Statistics},
};
use wgrad_report::lab as report;

impl Lab {
    pub(super) async fn statistics(&self, ops: &[&'static Op]) -> Result<ExitCode> {
        let ops = if ops.is_empty() { OPERATIONS } else { ops };
        // What does not compose is told before any driver is asked.
        let mut work: Vec<(Call, Vec<Variant>)> = Vec::new();
        for op in ops {
            if ops.len() == 1 || !self.sweep || sweep::offers(op) {
                work.push((self.call(op)?, self.variants(op)?));
            }
        }
        self.make_folder()?;
        let mut compilers = Vec::new();
        for adapter in &self.adapter {
            compilers.push(Compiler::open(adapter, self.checked).await?);
        }
        if let Some(variables) = compilers.iter().find_map(Compiler::unset) {
            return talkative(variables);
        }
        tell!(
            "only makes pipelines and asks the driver: nothing runs, nothing is proven, and there are no times"
        );
        let mut all: Vec<Statistics> = Vec::new();
        for (n, compiler) in compilers.iter().enumerate() {
            tell!("adapter: {}", compiler.describe());
            for (call, variants) in &work {
                for variant in variants {
                    let mut row = compiler.statistics(call, variant)?;
                    if let Some(folder) = &self.isa {
                        let place = (compilers.len() > 1).then_some(n);
                        row.isa = keep(folder, &row, place)?;
                    }
                    match (self.json, self.csv) {
                        (true, _) => output::json(&row)?,
                        (_, true) => print::csv(std::slice::from_ref(&row), all.is_empty())?,
                        _ => {}
                    }
                    all.push(row);
                }
            }
        }
        if !self.json && !self.csv {
            for (n, (call, _)) in work.iter().enumerate() {
                let rows: Vec<&Statistics> = all.iter().filter(|row| row.op == call.op.name).collect();
                let gap = if n > 0 { "\n" } else { "" };
                output::line(format!("{gap}{}", print::statistics(call, &rows, compilers.len() > 1)))?;
            }
        }
        if self.isa.is_some() && all.iter().any(|row| row.status == Status::Ok && row.code.is_none()) {
            tell!("some have no file: the driver does not tell their machine code");
        }
        self.page.write(|about| Ok(report::compiled(about, &all)))?;
        let wrong = all.iter().any(|row| row.status == Status::Wrong);
        Ok(if wrong { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }

    /// Refuses options that belong to proofs and times.
    pub(super) fn proves_nothing(&self) -> Result<()> {
        let given = [
            ("--cases", self.cases.is_some()),
            ("--timeout", self.timeout.is_some()),
            ("--save, --baseline or --junit", self.history.is_given()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((option, _)) => bail!(
                "--stats only makes pipelines, got {option} as well; add --seconds 1 to prove and to time too"
            ),
            None => Ok(()),
        }
    }

    /// For `--stats` beside times: the compiler of each adapter, or `None` after the reason why it does not answer.
    pub(super) async fn compilers(&self) -> Result<Vec<Option<Compiler>>> {
        let mut compilers = Vec::new();
        for adapter in &self.adapter {
            compilers.push(match self.stats.then_some(Compiler::open(adapter, self.checked)) {
                None => None,
                Some(opened) => match opened.await {
                    Ok(compiler) => Some(compiler),
                    Err(error @ Error::Unreported { .. }) => {
                        tell!("times alone: {}", spelled(&error.to_string()));
                        None
                    }
                    Err(error) => return Err(error.into()),
                },
            });
        }
        self.make_folder()?;
        Ok(compilers)
    }

    fn make_folder(&self) -> Result<()> {
        let Some(folder) = &self.isa else { return Ok(()) };
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))
    }

    /// Puts the instructions of their hottest loops into the timed rows of a call on adapter `n`, and writes the machine
    /// code if `--isa` asks for it.
    pub(super) fn count(
        &self,
        compiler: &Compiler,
        n: usize,
        (call, variants): (&Call, &[Variant]),
        rows: &mut [Row],
    ) -> Result<()> {
        for row in rows {
            let Some(variant) = variants.iter().find(|variant| variant.name() == row.variant) else {
                continue;
            };
            let found = compiler.statistics(call, variant)?;
            (row.per_fma, row.of_fma_peak) = (found.per_fma, found.of_fma_peak);
            if let Some(folder) = &self.isa {
                keep(folder, &found, (self.adapter.len() > 1).then_some(n))?;
            }
        }
        Ok(())
    }
}

/// Writes the machine code of `row` into `folder`, if there is any, and returns the path.
fn keep(folder: &Path, row: &Statistics, place: Option<usize>) -> Result<Option<String>> {
    let Some(code) = &row.code else { return Ok(None) };
    let named = |c: char| if c.is_ascii_alphanumeric() || ".-=".contains(c) { c } else { '_' };
    let variant: String = row.variant.chars().map(named).collect();
    let place = place.map(|place| format!(".{place}")).unwrap_or_default();
    let path = folder.join(format!("{}.{variant}{place}.txt", row.op));
    fs::write(&path, code).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Some(path.display().to_string()))
}

/// The same command once more, with what makes the driver tell its machine code: it reads that when it is loaded.
pub(super) fn talkative(variables: &[(&str, &str)]) -> Result<ExitCode> {
    let mut again = invoked::again()?;
    again.args(invoked::arguments()).envs(variables.iter().copied());
    let status = again.status().context("cannot start this program again")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::from(2), ExitCode::from))
}
