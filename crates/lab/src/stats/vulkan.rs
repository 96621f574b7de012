//! Pipelines as wgpu makes them on Vulkan, and what the driver says of them. wgpu has no word for the question, so these are
//! calls of Vulkan itself, on a device that wgpu's own code opens. Nothing is dispatched.
#![expect(unsafe_code, reason = "Vulkan is an interface of C; each block says why it is sound")]

use super::{Executable, Recipe, Statistic};
use crate::options;
use ash::{ext, khr, vk};
use serde_json::{Value, json};
use std::ffi::{CStr, CString};
use wgpu::hal;

/// Drivers, by the numbers that Khronos gave them, that print machine code and tell it in no other way.
const PRINTS: [i32; 1] = [26];

/// A device of which questions can be asked.
pub struct Device {
    // Before the adapter, whose instance it needs.
    open: hal::OpenDevice<hal::api::Vulkan>,
    questions: khr::pipeline_executable_properties::Device,
    spirv: options::Vulkan,
    /// As wgpu does where subgroups are on.
    varying: bool,
    prints: bool,
    _adapter: wgpu::Adapter,
}

impl Device {
    /// Opens `adapter` as wgpu does, and with the question.
    ///
    /// # Errors
    /// Why it is not answered, where there is more to say than that it is not.
    pub fn open(
        adapter: &wgpu::Adapter,
        features: wgpu::Features,
        limits: &wgpu::Limits,
    ) -> Result<Self, Option<String>> {
        // SAFETY: the guard is dropped before the adapter, and nothing is destroyed through it.
        let guard = unsafe { adapter.as_hal::<hal::api::Vulkan>() };
        let Some(inner) = guard else { return Err(None) };
        let instance = inner.shared_instance().raw_instance().clone();
        let physical = inner.raw_physical_device();
        // SAFETY: the physical device belongs to this instance, and `inner` keeps both.
        let properties = unsafe { instance.get_physical_device_properties(physical) };
        // SAFETY: as above.
        let extensions = unsafe { instance.enumerate_device_extension_properties(physical) };
        let extensions = extensions.map_err(|e| Some(format!("it does not list its extensions: {e}")))?;
        let has = |name: &CStr| extensions.iter().any(|e| e.extension_name_as_c_str() == Ok(name));
        // The calls below are of version 1.1.
        if !has(khr::pipeline_executable_properties::NAME) || properties.api_version < vk::API_VERSION_1_1 {
            return Err(None);
        }

        let newest = properties.api_version >= vk::API_VERSION_1_3;
        let mut question = vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default();
        let mut robustness = vk::PhysicalDeviceRobustness2FeaturesEXT::default();
        let mut zeroes = vk::PhysicalDeviceZeroInitializeWorkgroupMemoryFeatures::default();
        let mut able = vk::PhysicalDeviceFeatures2::default().push_next(&mut question);
        if has(ext::robustness2::NAME) {
            able = able.push_next(&mut robustness);
        }
        if newest || has(khr::zero_initialize_workgroup_memory::NAME) {
            able = able.push_next(&mut zeroes);
        }
        // SAFETY: the physical device is alive, and each structure in the chain belongs to a version or extension that it has.
        unsafe { instance.get_physical_device_features2(physical, &mut able) };
        if question.pipeline_executable_info != vk::TRUE {
            return Err(Some("it has VK_KHR_pipeline_executable_properties, switched off".into()));
        }
        let spirv = options::Vulkan {
            version: match properties.api_version {
                version if version >= vk::API_VERSION_1_3 => (1, 6),
                version if version >= vk::API_VERSION_1_2 => (1, 5),
                _ => (1, 3),
            },
            robust: robustness.robust_buffer_access2 == vk::TRUE,
            zeroes: zeroes.shader_zero_initialize_workgroup_memory == vk::TRUE,
            names: properties.vendor_id != hal::auxil::db::qualcomm::VENDOR,
        };

        let mut driver = vk::PhysicalDeviceDriverProperties::default();
        if properties.api_version >= vk::API_VERSION_1_2 || has(khr::driver_properties::NAME) {
            let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut driver);
            // SAFETY: as for the features.
            unsafe { instance.get_physical_device_properties2(physical, &mut all) };
        }

        let mut wanted = vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default()
            .pipeline_executable_info(true);
        let wanted = &mut wanted;
        let ask: Box<hal::vulkan::CreateDeviceCallback<'_>> = Box::new(move |arguments| {
            arguments.extensions.push(khr::pipeline_executable_properties::NAME);
            *arguments.create_info = arguments.create_info.push_next(wanted);
        });
        // SAFETY: features and limits are the adapter's own, and the callback adds an extension and a feature that it has.
        let open = || unsafe {
            inner.open_with_callback(features, limits, &wgpu::MemoryHints::MemoryUsage, Some(ask))
        };
        // Some print the kernels of their own.
        let prints = PRINTS.contains(&driver.driver_id.as_raw());
        let open = if prints { overheard(open).0 } else { open() };
        let open = open.map_err(|e| Some(format!("the driver refused to open it: {e}")))?;
        let questions = khr::pipeline_executable_properties::Device::new(&instance, open.device.raw_device());
        Ok(Self {
            open,
            questions,
            spirv,
            varying: features.contains(wgpu::Features::SUBGROUP),
            prints,
            _adapter: adapter.clone(),
        })
    }

    /// How wgpu writes SPIR-V for it.
    pub fn spirv(&self) -> &options::Vulkan {
        &self.spirv
    }

    /// Makes a pipeline and asks what is in it.
    ///
    /// # Errors
    /// The driver's words.
    pub fn make(&self, recipe: &Recipe<'_>) -> Result<Vec<Executable>, String> {
        let entry =
            CString::new(recipe.entry).map_err(|e| format!("its entry point has no name for C: {e}"))?;
        let mut made = Made::new(self.open.device.raw_device());
        made.layouts(recipe)?;
        // SAFETY: naga wrote these words for this device; the device is alive.
        let module = unsafe {
            made.device.create_shader_module(&vk::ShaderModuleCreateInfo::default().code(recipe.words), None)
        };
        made.module = module.map_err(|e| refused("vkCreateShaderModule", e))?;
        let mut stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(made.module)
            .name(&entry);
        if self.varying {
            stage = stage.flags(vk::PipelineShaderStageCreateFlags::ALLOW_VARYING_SUBGROUP_SIZE);
        }
        let info = vk::ComputePipelineCreateInfo::default()
            .flags(
                vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
                    | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR,
            )
            .layout(made.layout)
            .stage(stage);
        // SAFETY: module, layout and name live until the pipeline is destroyed.
        let create =
            || unsafe { made.device.create_compute_pipelines(vk::PipelineCache::null(), &[info], None) };
        let (pipelines, printed) = if self.prints { overheard(create) } else { (create(), None) };
        made.pipeline = match pipelines {
            Ok(pipelines) => pipelines.first().copied().unwrap_or_default(),
            Err((_, e)) => return Err(refused("vkCreateComputePipelines", e)),
        };
        let mut executables = self.executables(made.pipeline)?;
        if let (Some(printed), Some(last)) = (printed, executables.last_mut()) {
            last.code = last.code.take().or(Some(printed).filter(|text| !text.trim().is_empty()));
        }
        Ok(executables)
    }

    fn executables(&self, pipeline: vk::Pipeline) -> Result<Vec<Executable>, String> {
        let info = vk::PipelineInfoKHR::default().pipeline(pipeline);
        // SAFETY: the pipeline is alive, and so is the device with this extension.
        let all = unsafe { self.questions.get_pipeline_executable_properties(&info) };
        let all = all.map_err(|e| refused("vkGetPipelineExecutablePropertiesKHR", e))?;
        let one = |(index, properties): (u32, vk::PipelineExecutablePropertiesKHR<'_>)| {
            let info = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline).executable_index(index);
            // SAFETY: the pipeline is alive, was made to be asked this, and has an executable of this number.
            let statistics = unsafe { self.questions.get_pipeline_executable_statistics(&info) };
            let statistics = statistics.map_err(|e| refused("vkGetPipelineExecutableStatisticsKHR", e))?;
            Ok(Executable {
                name: words(properties.name_as_c_str().ok()),
                subgroup: properties.subgroup_size,
                statistics: statistics.iter().map(statistic).collect(),
                code: self.code(&info)?,
            })
        };
        (0..).zip(all).map(one).collect()
    }

    /// The machine code, where the driver tells it as text.
    fn code(&self, info: &vk::PipelineExecutableInfoKHR<'_>) -> Result<Option<String>, String> {
        let call = "vkGetPipelineExecutableInternalRepresentationsKHR";
        // SAFETY: as for the statistics; without room for texts it tells their lengths.
        let texts = unsafe { self.questions.get_pipeline_executable_internal_representations(info) };
        let mut texts = texts.map_err(|e| refused(call, e))?;
        let mut room: Vec<Vec<u8>> = texts.iter().map(|text| vec![0; text.data_size]).collect();
        for (text, room) in texts.iter_mut().zip(&mut room) {
            text.p_data = room.as_mut_ptr().cast();
        }
        let mut count = texts.len() as u32;
        let ask = self.questions.fp().get_pipeline_executable_internal_representations_khr;
        // SAFETY: each of the `count` structures points to as many bytes as it says, which live until the end of this function.
        let answer = unsafe { ask(self.questions.device(), info, &mut count, texts.as_mut_ptr()) };
        if answer != vk::Result::SUCCESS {
            return Err(refused(call, answer));
        }
        let is_code = |text: &vk::PipelineExecutableInternalRepresentationKHR<'_>| {
            text.is_text == vk::TRUE && words(text.name_as_c_str().ok()).to_lowercase().contains("assembly")
        };
        let mut code = texts.iter().zip(&room).filter(|(text, _)| is_code(text)).map(|(_, bytes)| {
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        });
        Ok(code.rfind(|text| !text.trim().is_empty()))
    }
}

/// `work`, and what the driver printed meanwhile.
#[cfg(not(windows))]
fn overheard<T>(work: impl FnOnce() -> T) -> (T, Option<String>) {
    unsafe extern "C" {
        fn fflush(stream: *mut std::ffi::c_void) -> std::ffi::c_int;
    }
    // SAFETY: null is allowed, and means all streams: drivers print through those of C, which keep what they are given.
    let flush = || unsafe { fflush(std::ptr::null_mut()) };
    let Some(mut heard) = super::overheard::Overheard::start() else { return (work(), None) };
    flush();
    let ready = heard.forget();
    let done = work();
    flush();
    let text = ready.and_then(|()| heard.text());
    (done, text)
}

#[cfg(windows)]
fn overheard<T>(work: impl FnOnce() -> T) -> (T, Option<String>) {
    (work(), None)
}

fn refused(call: &str, error: vk::Result) -> String {
    format!("the driver refuses: {call}: {error} ({})", error.as_raw())
}

fn words(name: Option<&CStr>) -> String {
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn statistic(statistic: &vk::PipelineExecutableStatisticKHR<'_>) -> Statistic {
    use vk::PipelineExecutableStatisticFormatKHR as Format;
    let value = statistic.value;
    // SAFETY: the format says which member of the union the driver wrote; each is a number of whatever bits.
    let value = unsafe {
        match statistic.format {
            Format::BOOL32 => json!(value.b32 != 0),
            Format::INT64 => json!(value.i64),
            Format::UINT64 => json!(value.u64),
            Format::FLOAT64 => json!(value.f64),
            _ => Value::Null,
        }
    };
    Statistic { name: words(statistic.name_as_c_str().ok()), value }
}

/// What was made for a pipeline, destroyed with it.
struct Made<'a> {
    device: &'a ash::Device,
    sets: Vec<vk::DescriptorSetLayout>,
    layout: vk::PipelineLayout,
    module: vk::ShaderModule,
    pipeline: vk::Pipeline,
}

impl<'a> Made<'a> {
    fn new(device: &'a ash::Device) -> Self {
        Self {
            device,
            sets: Vec::new(),
            layout: vk::PipelineLayout::null(),
            module: vk::ShaderModule::null(),
            pipeline: vk::Pipeline::null(),
        }
    }

    /// As wgpu lays out wgrad's groups: storage buffers, the step of the feed, and its chunk.
    fn layouts(&mut self, recipe: &Recipe<'_>) -> Result<(), String> {
        use vk::DescriptorType as Type;
        let own = vec![Type::STORAGE_BUFFER; recipe.buffers as usize];
        let [step, chunk] = recipe.feed;
        let step = step.then(|| vec![Type::UNIFORM_BUFFER_DYNAMIC]);
        let chunk = chunk.then(|| vec![Type::STORAGE_BUFFER; 2]);
        for group in [Some(own), step, chunk].into_iter().flatten() {
            let binding = |(place, kind)| {
                vk::DescriptorSetLayoutBinding::default()
                    .binding(place)
                    .descriptor_type(kind)
                    .descriptor_count(1)
                    .stage_flags(vk::ShaderStageFlags::COMPUTE)
            };
            let bindings: Vec<_> = (0..).zip(group).map(binding).collect();
            let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
            // SAFETY: the device is alive, and the bindings live until the call returns.
            let set = unsafe { self.device.create_descriptor_set_layout(&info, None) };
            self.sets.push(set.map_err(|e| refused("vkCreateDescriptorSetLayout", e))?);
        }
        let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&self.sets);
        // SAFETY: the device and the layouts of sets are alive.
        let layout = unsafe { self.device.create_pipeline_layout(&info, None) };
        self.layout = layout.map_err(|e| refused("vkCreatePipelineLayout", e))?;
        Ok(())
    }
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        // SAFETY: these were made by this device, nothing else holds them, nothing was ever submitted, and nulls are ignored.
        unsafe {
            self.device.destroy_pipeline(self.pipeline, None);
            self.device.destroy_shader_module(self.module, None);
            self.device.destroy_pipeline_layout(self.layout, None);
            for set in &self.sets {
                self.device.destroy_descriptor_set_layout(*set, None);
            }
        }
    }
}
