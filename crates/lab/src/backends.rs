//! Translation of every variant to the languages of all back ends by naga, as wgpu does it: SPIR-V for Vulkan, MSL for
//! Metal, HLSL for DX12, GLSL for OpenGL ES. wgrad's own texts are translated without checks, as they run; others with
//! checks. This needs no adapter, and does not cover what a driver makes of the translation.

use super::options;
use naga::{
    Module, ShaderStage,
    back::{PipelineConstants, glsl, hlsl, msl, pipeline_constants::process_overrides, spv},
    valid::{Capabilities, ModuleInfo, ValidationFlags, Validator},
};
use std::fmt;
use wgrad::{
    Error, Result,
    gpu::hlsl::rename_for_dxc,
    op::{Call, Need, Shader, Sizes, Variant},
};

/// The language of a back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum Language {
    /// Vulkan.
    #[serde(rename = "spirv")]
    Spirv,
    /// Vulkan 1.3 and later.
    #[serde(rename = "spirv-1.6")]
    Spirv16,
    /// Metal.
    #[serde(rename = "msl")]
    Msl,
    /// DX12, shader model 5.1.
    #[serde(rename = "hlsl")]
    Hlsl,
    /// DX12, shader model 6, which subgroups need.
    #[serde(rename = "hlsl6")]
    Hlsl6,
    /// OpenGL ES 3.1.
    #[serde(rename = "glsl")]
    Glsl,
}

impl Language {
    /// One language for each back end, the oldest that will do; two for DX12.
    pub const ALL: [Self; 5] = [Self::Spirv, Self::Msl, Self::Hlsl, Self::Hlsl6, Self::Glsl];
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spirv => "SPIR-V",
            Self::Spirv16 => "SPIR-V 1.6",
            Self::Msl => "MSL",
            Self::Hlsl => "HLSL",
            Self::Hlsl6 => "HLSL 6",
            Self::Glsl => "GLSL",
        })
    }
}

/// A module with its sizes filled in, ready for the back ends.
pub struct Resolved {
    /// naga's module.
    pub module: Module,
    /// Result of naga's validator.
    pub info: ModuleInfo,
    /// True if it uses subgroup operations, which need SPIR-V 1.3 or shader model 6.
    pub subgroups: bool,
    /// True if it computes in half precision.
    pub half: bool,
    /// True if wgpu's checks are included: bounds of indices and loops, and zeros in workgroup memory.
    pub checked: bool,
}

/// A translation: text, or the words of SPIR-V.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Translation {
    /// MSL, HLSL or GLSL.
    Text(String),
    /// SPIR-V.
    Words(Vec<u32>),
}

impl Translation {
    /// Returns its length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Words(words) => 4 * words.len(),
        }
    }

    /// Returns true if it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Fills in `sizes` for the overrides of a composed variant and validates it. Only WebGPU's core is allowed, unless the
/// variant needs a feature.
///
/// # Errors
/// [`Error::Shader`] with naga's message.
pub fn resolve(name: &str, variant: &Variant, shader: &Shader, sizes: &Sizes) -> Result<Resolved> {
    let fail = |message: String| Error::Shader { kernel: name.to_string(), message };
    let module = naga::front::wgsl::parse_str(&shader.text)
        .map_err(|e| fail(e.emit_to_string_with_path(&shader.text, name)))?;
    let extra = variant.needs().iter().any(|need| matches!(need, Need::Feature(..)));
    let capabilities = if extra { Capabilities::all() } else { Capabilities::default() };
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|e| fail(e.emit_to_string_with_path(&shader.text, name)))?;
    let mut constants = PipelineConstants::default();
    constants.extend(
        sizes.iter().filter(|(size, _)| shader.overrides.contains_key(*size)).map(|(k, v)| (k.clone(), *v)),
    );
    let (module, info) = process_overrides(&module, &info, None, &constants)
        .map_err(|e| fail(format!("at {sizes:?}: {e}")))?;
    Ok(Resolved {
        module: module.into_owned(),
        info: info.into_owned(),
        subgroups: has_subgroups(variant),
        half: variant.needs_feature(wgpu::Features::SHADER_F16),
        checked: !variant.is_own(),
    })
}

/// Returns true if a variant needs subgroup operations.
pub fn has_subgroups(variant: &Variant) -> bool {
    variant.needs_feature(wgpu::Features::SUBGROUP)
}

impl Resolved {
    /// Returns the feature that the variant needs and `language` lacks, if any.
    pub fn lacks(&self, language: Language) -> Option<&'static str> {
        match language {
            Language::Hlsl if self.subgroups => Some("subgroups; HLSL 6 has them"),
            Language::Glsl if self.half => Some("half-precision numbers"),
            _ => None,
        }
    }

    /// Translates the module to `language`; `None` if that language lacks a feature that the variant needs.
    ///
    /// # Errors
    /// [`Error::Shader`] with the writer's message.
    pub fn translate(&self, name: &str, language: Language) -> Result<Option<Translation>> {
        if self.lacks(language).is_some() {
            return Ok(None);
        }
        let Self { module, info, subgroups, checked, .. } = self;
        let fail = |e: &dyn fmt::Display| Error::Shader {
            kernel: name.to_string(),
            message: format!("it does not translate to {language}: {e}"),
        };
        let stage = ShaderStage::Compute;
        let entry = match module.entry_points.first() {
            Some(entry) => entry.name.clone(),
            None => return Err(fail(&"it has no entry point")),
        };
        let text = match language {
            Language::Spirv | Language::Spirv16 => {
                let vulkan = match language {
                    Language::Spirv => options::Vulkan::oldest(*subgroups),
                    _ => options::Vulkan::newest(),
                };
                let words = self.spirv(name, &vulkan, spv::BindingMap::default())?;
                return Ok(Some(Translation::Words(words)));
            }
            Language::Msl => {
                let options = options::msl(*checked, module, &entry);
                let pipeline =
                    msl::PipelineOptions { entry_point: Some((stage, entry)), ..Default::default() };
                let (text, translated) =
                    msl::write_string(module, info, &options, &pipeline).map_err(|e| fail(&e))?;
                for entry in translated.entry_point_names {
                    entry.map_err(|e| fail(&e))?;
                }
                text
            }
            Language::Hlsl | Language::Hlsl6 => {
                let shader_model = match language {
                    Language::Hlsl => hlsl::ShaderModel::V5_1,
                    _ => hlsl::ShaderModel::V6_0,
                };
                let options = options::hlsl(*checked, shader_model);
                let pipeline = hlsl::PipelineOptions { entry_point: Some((stage, entry)) };
                let mut text = String::new();
                // As [`wgrad::gpu::Context::kernel`] does on DX12.
                let mut module = module.clone();
                rename_for_dxc(&mut module);
                let translated = hlsl::Writer::new(&mut text, &options, &pipeline)
                    .write(&module, info, None)
                    .map_err(|e| fail(&e))?;
                for entry in translated.entry_point_names {
                    entry.map_err(|e| fail(&e))?;
                }
                text
            }
            Language::Glsl => {
                let (options, policies) = options::glsl(*checked);
                let pipeline =
                    glsl::PipelineOptions { shader_stage: stage, entry_point: entry, multiview: None };
                let mut text = String::new();
                glsl::Writer::new(&mut text, module, info, &options, &pipeline, policies)
                    .and_then(|mut writer| writer.write())
                    .map_err(|e| fail(&e))?;
                text
            }
        };
        Ok(Some(Translation::Text(text)))
    }
}

impl Resolved {
    /// The module as wgpu gives it to a device of Vulkan, with these numbers for its bindings.
    ///
    /// # Errors
    /// [`Error::Shader`] with the writer's message.
    pub(crate) fn spirv(
        &self,
        name: &str,
        vulkan: &options::Vulkan,
        bindings: spv::BindingMap,
    ) -> Result<Vec<u32>> {
        let fail = |e: &dyn fmt::Display| Error::Shader {
            kernel: name.to_string(),
            message: format!("it does not translate to {}: {e}", Language::Spirv),
        };
        let entry = self.module.entry_points.first().ok_or_else(|| fail(&"it has no entry point"))?;
        let pipeline =
            spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: entry.name.clone() };
        let options = options::spirv(self.checked, vulkan, bindings);
        spv::write_vec(&self.module, &self.info, &options, Some(&pipeline)).map_err(|e| fail(&e))
    }
}

/// Result of translating a variant to one language.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Translated {
    /// The operation.
    pub op: &'static str,
    /// The variant, or the path of the user's file.
    pub variant: String,
    /// The language.
    pub language: Language,
    /// `ok`, `wrong`, or `skipped` if the language lacks a feature that the variant needs.
    pub status: super::row::Status,
    /// naga's message if it does not translate, or the missing feature.
    pub reason: Option<String>,
    /// Length of the translation in bytes.
    pub bytes: Option<usize>,
}

/// Translates a variant to every language, at the sizes of `call` (or of the first case that it supports). wgpu's
/// checks are included if `checked` is set or the variant is not wgrad's own.
///
/// # Errors
/// [`Error::Shader`] if it does not compose.
pub fn translate(call: &Call, variant: &Variant, checked: bool) -> Result<Vec<Translated>> {
    use super::row::Status;
    let name = format!("{}/{}", call.op.name, variant.name());
    let call = fitting(call, variant)?;
    let shader = call.op.shader(variant, call.activation)?;
    let mut resolved = resolve(&name, variant, &shader, &call.sizes);
    if let Ok(resolved) = &mut resolved {
        resolved.checked |= checked;
    }
    let row = |language| {
        let translation = match &resolved {
            Ok(resolved) => resolved.translate(&name, language).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let (status, reason, bytes) = match translation {
            Ok(Some(translation)) => (Status::Ok, None, Some(translation.len())),
            Ok(None) => {
                let lacks = resolved.as_ref().ok().and_then(|r| r.lacks(language)).unwrap_or_default();
                (Status::Skipped, Some(format!("it has no {lacks}")), None)
            }
            Err(message) => (Status::Wrong, Some(message), None),
        };
        Translated { op: call.op.name, variant: variant.name().to_string(), language, status, reason, bytes }
    };
    Ok(Language::ALL.into_iter().map(row).collect())
}

/// Translates a variant to one language, at the sizes of `call` (or of the first case that it supports). wgpu's checks
/// are included if `checked` is set or the variant is not wgrad's own.
///
/// # Errors
/// [`Error::Shader`] if it does not translate, or the language lacks a feature that it needs.
pub fn emit(call: &Call, variant: &Variant, language: Language, checked: bool) -> Result<Translation> {
    let name = format!("{}/{}", call.op.name, variant.name());
    let call = fitting(call, variant)?;
    let shader = call.op.shader(variant, call.activation)?;
    let mut resolved = resolve(&name, variant, &shader, &call.sizes)?;
    resolved.checked |= checked;
    resolved.translate(&name, language)?.ok_or_else(|| {
        let lacks = resolved.lacks(language).unwrap_or_default();
        Error::Shader { kernel: name, message: format!("{language} has no {lacks}") }
    })
}

/// A variant in the language of a back end, for compilers of that language. `scripts/dx12.sh` and `scripts/spirv.sh`
/// run them.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Emitted {
    /// The operation.
    pub op: &'static str,
    /// The variant with its setting, or the path of the user's file.
    pub variant: String,
    /// The activation composed in.
    pub activation: &'static str,
    /// Its sizes, as [`wgrad::op::sizes::given`] reads them.
    pub sizes: String,
    /// The language.
    pub language: Language,
    /// WebGPU names of the features that it needs.
    pub features: Vec<&'static str>,
    /// MSL, HLSL or GLSL.
    pub text: Option<String>,
    /// The words of SPIR-V.
    pub words: Option<Vec<u32>>,
}

/// Translates a variant to one language, as [`emit`] does. `None` if the language lacks a feature that it needs, or its
/// constants violate an assertion.
///
/// # Errors
/// [`Error::Shader`] if it does not translate.
pub fn emitted(call: &Call, variant: &Variant, language: Language, checked: bool) -> Result<Option<Emitted>> {
    let name = format!("{}/{}", call.op.name, variant.name());
    let call = fitting(call, variant)?;
    let shader = match call.op.shader(variant, call.activation) {
        Err(Error::Asserted { .. }) => return Ok(None),
        other => other?,
    };
    let mut resolved = resolve(&name, variant, &shader, &call.sizes)?;
    resolved.checked |= checked;
    let (text, words) = match resolved.translate(&name, language)? {
        None => return Ok(None),
        Some(Translation::Text(text)) => (Some(text), None),
        Some(Translation::Words(words)) => (None, Some(words)),
    };
    Ok(Some(Emitted {
        op: call.op.name,
        variant: variant.name().to_string(),
        activation: call.activation.name,
        sizes: wgrad::op::sizes::words(&call),
        language,
        features: super::standard::features(variant),
        text,
        words,
    }))
}

/// Returns `call`, or the first case whose sizes `variant` supports on a device with all features.
fn fitting(call: &Call, variant: &Variant) -> Result<Call> {
    let takes = |call: &Call| variant.unmet(&call.sizes, wgpu::Features::all()).is_none();
    if takes(call) {
        return Ok(call.clone());
    }
    for case in call.op.cases_with(variant) {
        let case = wgrad::op::sizes::case(call.op, case)?.activated(call.activation);
        if takes(&case) {
            return Ok(case);
        }
    }
    Ok(call.clone())
}

#[cfg(test)]
mod tests {
    use super::{Language, Translation, emit};
    use wgrad::{
        kernels::{MATMUL, MATMUL_GRAD_INPUT},
        op::{Call, user_file},
    };

    /// The translation as text; for SPIR-V its words, as text would need a disassembler.
    fn text(variant: &wgrad::op::Variant, language: Language, checked: bool) -> String {
        let call = Call::new(&MATMUL, &[("M", 33), ("N", 32), ("K", 64)]);
        match emit(&call, variant, language, checked).unwrap_or_else(|e| panic!("{e}")) {
            Translation::Text(text) => text,
            Translation::Words(words) => words.iter().map(|word| format!("{word} ")).collect(),
        }
    }

    /// Texts that naga writes only with wgpu's checks: bounds of loops, bounds of indices, zeros in workgroup memory.
    const MARKS: [(Language, &[&str]); 4] = [
        (Language::Msl, &["loop_bound", "metal::min(unsigned(", "x_tile = {}"]),
        (Language::Hlsl, &["loop_bound", "min(uint(", "x_tile = ("]),
        (Language::Hlsl6, &["loop_bound", "min(uint(", "x_tile = ("]),
        (Language::Glsl, &["gl_LocalInvocationID == uvec3(0u)"]),
    ];

    #[test]
    fn hlsl_has_no_buffer_of_a_name_that_dxc_refuses() {
        let call = Call::new(&MATMUL_GRAD_INPUT, &[("M", 33), ("N", 32), ("K", 64)]);
        let naive = MATMUL_GRAD_INPUT.variant("naive").unwrap_or_else(|e| panic!("{e}"));
        for language in [Language::Hlsl, Language::Hlsl6] {
            let Ok(Translation::Text(text)) = emit(&call, naive, language, false) else { panic!("a text") };
            let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            assert!(!words.contains(&"dx") && words.contains(&"dx_buffer"), "{text}");
        }
    }

    #[test]
    fn own_texts_are_translated_as_they_run_and_others_with_checks() {
        let own = MATMUL.variant("tiled").unwrap_or_else(|e| panic!("{e}"));
        let mine = user_file::variant(&MATMUL, "mine.wgsl", own.source().to_string());
        let mine = mine.unwrap_or_else(|e| panic!("{e}"));
        for (language, marks) in MARKS {
            let unchecked = text(own, language, false);
            for mark in marks {
                assert!(!unchecked.contains(mark), "{language}: {mark} in what runs without checks");
                assert!(text(own, language, true).contains(mark), "{language}: no {mark} with --checked");
                assert!(
                    text(&mine, language, false).contains(mark),
                    "{language}: no {mark} in a user's file"
                );
            }
        }
        let spirv = |variant, checked| text(variant, Language::Spirv, checked);
        assert_ne!(spirv(own, false), spirv(own, true));
        assert_eq!(spirv(own, true), spirv(&mine, false));
        let msl = text(own, Language::Msl, false);
        assert!(msl.contains("[[buffer(0)]]") && !msl.contains("fake"), "the slots are those of wgpu: {msl}");
    }
}
