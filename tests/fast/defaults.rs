//! Defaults by kind of adapter, for made-up adapters: no device is asked.

use wgpu::{AdapterInfo, Backend, DeviceType};
use wgrad::{
    kernels::{ATTENTION_GRAD, CONV2D_FORWARD, CONV2D_GRAD_INPUT, MATMUL, MATMUL_GRAD_WEIGHT, OPERATIONS},
    op::{AdapterClass, AdapterKind, Call, On, Op, Rule, Traits},
};

fn info(name: &str, device_type: DeviceType, vendor: u32, backend: Backend) -> AdapterInfo {
    AdapterInfo {
        name: name.into(),
        vendor,
        device: 0,
        device_type,
        device_pci_bus_id: String::new(),
        driver: String::new(),
        driver_info: String::new(),
        backend,
        subgroup_min_size: 4,
        subgroup_max_size: 64,
        transient_saves_memory: None,
        limit_bucket: None,
    }
}

/// An adapter of each kind; lavapipe with `lanes`, of Mesa `version`.
fn lavapipe(lanes: u32, version: &str) -> AdapterInfo {
    let name = format!("llvmpipe (LLVM 19.1.7, {} bits)", 32 * lanes);
    let mut info = info(&name, DeviceType::Cpu, 0x10005, Backend::Vulkan);
    (info.driver, info.driver_info) = ("llvmpipe".into(), format!("Mesa {version} (LLVM 19.1.7)"));
    (info.subgroup_min_size, info.subgroup_max_size) = (lanes, lanes);
    info
}

fn card() -> AdapterInfo {
    info("AMD Radeon RX 7900 XTX (RADV NAVI31)", DeviceType::DiscreteGpu, 0x1002, Backend::Vulkan)
}

fn laptop() -> AdapterInfo {
    info("Intel(R) Iris(R) Xe Graphics (TGL GT2)", DeviceType::IntegratedGpu, 0x8086, Backend::Vulkan)
}

fn phone() -> AdapterInfo {
    info("Adreno (TM) 740", DeviceType::IntegratedGpu, 0x5143, Backend::Vulkan)
}

/// The default of `call` on an adapter with every feature and WebGPU's default limits, and the reason.
fn default(call: &Call, info: &AdapterInfo) -> (String, String) {
    let limits = wgpu::Limits::default();
    let class = AdapterClass::of(info);
    let obstacle = |variant: &_| call.obstacle_on(variant, class, wgpu::Features::all(), &limits);
    let default = call.default_of(&Traits::of(info), obstacle).expect("composes").expect("one can run");
    (default.0.name().to_string(), default.1)
}

fn name(call: &Call, info: &AdapterInfo) -> String {
    default(call, info).0
}

#[test]
fn what_needs_a_software_adapter_is_offered_to_no_gpu() {
    let sizes = [("ROWS", 2), ("HEADS", 2), ("T", 64), ("S", 64), ("KEY", 32), ("VALUE", 32)];
    let call = Call::new(&ATTENTION_GRAD, &sizes);
    let subgroup = call.op.variant("subgroup").expect("its name");
    let limits = wgpu::Limits::default();
    let on = |class| call.obstacle_on(subgroup, class, wgpu::Features::all(), &limits).expect("composes");
    assert_eq!(on(AdapterClass::Gpu).as_deref(), Some("needs a software adapter"));
    assert_eq!(on(AdapterClass::Cpu), None);
    assert_eq!(name(&call, &card()), "tiled");
    assert_eq!(name(&call, &lavapipe(8, "25.0.7")), "subgroup");
}

fn product(m: usize, n: usize, k: usize) -> Call {
    Call::new(&MATMUL, &[("M", m), ("N", n), ("K", k)])
}

/// The second convolution of `cnn`, or its gradient.
fn convolution(op: &'static Op) -> Call {
    let images = [
        ("N", 128),
        ("H", 13),
        ("W", 13),
        ("CI", 32),
        ("OH", 11),
        ("OW", 11),
        ("CO", 64),
        ("KH", 3),
        ("KW", 3),
    ];
    let places = [("SH", 1), ("SW", 1), ("PT", 0), ("PL", 0)];
    Call::new(op, &[&images[..], &places[..]].concat())
}

#[test]
fn kinds_follow_from_the_description_of_an_adapter() {
    use AdapterKind::{Discrete, Integrated, Mobile, Software};
    let of =
        |name: &str, device_type, vendor, backend| AdapterKind::of(&info(name, device_type, vendor, backend));
    let (gl, vulkan, metal, dx12) = (Backend::Gl, Backend::Vulkan, Backend::Metal, Backend::Dx12);
    let (discrete, integrated) = (DeviceType::DiscreteGpu, DeviceType::IntegratedGpu);
    let (other, software) = (DeviceType::Other, DeviceType::Cpu);
    for (name, device_type, vendor, backend, expected) in [
        ("llvmpipe (LLVM 15.0.6, 256 bits)", software, 0x10005, vulkan, Software),
        ("llvmpipe (LLVM 15.0.6, 256 bits)", other, 0, gl, Software),
        ("SwiftShader Device (Subzero)", software, 0x1ae0, vulkan, Software),
        ("Microsoft Basic Render Driver", software, 0x1414, dx12, Software),
        ("NVIDIA GeForce RTX 4070", discrete, 0x10de, vulkan, Discrete),
        ("AMD Radeon RX 7900 XTX", discrete, 0x1002, dx12, Discrete),
        ("Intel(R) Arc(tm) A770 Graphics (DG2)", discrete, 0x8086, vulkan, Discrete),
        ("AMD Radeon 890M (RADV GFX1150)", integrated, 0x1002, vulkan, Integrated),
        ("Apple M1", integrated, 0, metal, Integrated),
        ("Intel(R) UHD Graphics 620", integrated, 0x8086, dx12, Integrated),
        ("Virtio-GPU Venus", DeviceType::VirtualGpu, 0x1af4, vulkan, Integrated),
        ("a device", other, 0x1234, vulkan, Integrated),
        ("Adreno (TM) 740", integrated, 0x5143, vulkan, Mobile),
        ("Qualcomm(R) Adreno(TM) X1-85 GPU", integrated, 0x4d4f_4351, dx12, Mobile),
        ("Mali-G715", integrated, 0x13b5, vulkan, Mobile),
        ("Mali-G78", other, 0, gl, Mobile),
        ("PowerVR B-Series BXM-8-256", integrated, 0x1010, vulkan, Mobile),
        ("Samsung Xclipse 940", integrated, 0x144d, vulkan, Mobile),
        ("V3D 7.1.7", integrated, 0x14e4, vulkan, Mobile),
    ] {
        let (kind, reason) = of(name, device_type, vendor, backend);
        assert_eq!(kind, expected, "{name}: {reason}");
        assert!(!reason.is_empty(), "{name}");
        let class = if expected == Software { AdapterClass::Cpu } else { AdapterClass::Gpu };
        assert_eq!(kind.class(), class, "{name}");
    }
    let traits = Traits::of(&lavapipe(16, "26.2.6-1"));
    assert_eq!((traits.lanes, traits.mesa, traits.intel), (16, 26, false));
    assert!(Traits::of(&laptop()).intel);
    assert_eq!(Traits::of(&info("Apple M1", integrated, 0, metal)).mesa, 0);
}

#[test]
fn every_rule_can_be_read_and_names_what_there_is() {
    let mut conditions = 0;
    for op in OPERATIONS {
        for variant in op.variants() {
            for rule in variant.default_for {
                conditions += rule.when.len();
                assert_eq!(rule.faults(op), [""; 0], "{}/{}: {rule}", op.name, variant.name());
            }
        }
    }
    assert!(conditions > 10, "{conditions}");
    let faults = |when: &'static [&'static str]| Rule { on: &[On::Gpu], when }.faults(&MATMUL);
    assert!(faults(&["M * N / 32 <= 8", "groups >= 1", "lanes == 8", "mesa >= 26"]).is_empty());
    for wrong in ["M", "M > 8", ">= 8", "M >= N", "M >= -1", "Q >= 8", "M * Q >= 8", ""] {
        let wrong: &'static str = wrong;
        assert_eq!(faults(Box::leak(Box::new([wrong]))).len(), 1, "`{wrong}`");
        // Where it cannot be read, nothing becomes a default by it.
        let rule = Rule { on: &[On::Gpu], when: Box::leak(Box::new([wrong])) };
        assert_eq!(rule.reason(&Traits::of(&card()), &product(8, 8, 8), None), None, "`{wrong}`");
    }
}

#[test]
fn a_large_tile_is_the_default_where_its_workgroups_fill_the_gpu() {
    // 64 workgroups of `tiled_vec4` and 32 of `tiled_8x8`; 16 and 8; 8 and 4; 1.
    let [large, half, few, least] =
        [(512, 512), (256, 256), (128, 256), (64, 64)].map(|(m, n)| product(m, n, 512));
    for (info, expected) in [
        (card(), ["tiled_vec4", "tiled", "tiled", "split"]),
        (laptop(), ["tiled_8x8", "tiled_vec4", "tiled", "split"]),
        (phone(), ["tiled_vec4", "tiled_vec4", "tiled_vec4", "split"]),
    ] {
        let found = [&large, &half, &few, &least].map(|call| name(call, &info));
        assert_eq!(found, expected, "{}", info.name);
    }
    assert_eq!(name(&product(1024, 2048, 512), &card()), "tiled_8x8");
    let (_, reason) = default(&large, &card());
    assert_eq!(reason, "discrete if groups >= 48: 64");
    // Sizes that it does not take, and the last layer of a classifier: few rows and columns.
    assert_eq!(name(&product(512, 513, 512), &card()), "tiled");
    assert_eq!(
        default(&product(128, 10, 1600), &card()),
        ("split".into(), "gpu if M / 32 * N / 32 <= 8: 4, K >= 256: 1600".into())
    );
    assert_eq!(name(&product(128, 10, 128), &card()), "tiled", "K is short");
    let grad = |k: usize, m: usize| Call::new(&MATMUL_GRAD_WEIGHT, &[("M", m), ("N", 10), ("K", k)]);
    assert_eq!(name(&grad(128, 1024), &phone()), "split");
    assert_eq!(name(&grad(1600, 128), &phone()), "tiled");
    let conv = convolution(&CONV2D_FORWARD);
    assert!([card(), laptop(), phone()].iter().all(|info| name(&conv, info) == "tiled_vec4"));
}

#[test]
fn software_adapters_get_the_variants_that_suit_their_lanes() {
    let call = product(512, 512, 512);
    for (lanes, version, expected) in [
        (8, "25.0.7-2", "subgroup_wide"),
        (16, "25.0.7-2", "subgroup"),
        (4, "26.2.6-1", "subgroup"),
        (8, "26.2.6-1", "subgroup_wide"),
    ] {
        assert_eq!(name(&call, &lavapipe(lanes, version)), expected, "{lanes} lanes, Mesa {version}");
    }
    // A large tile leaves too few workgroups, or columns that are no multiple of it.
    assert_eq!(name(&product(128, 128, 784), &lavapipe(8, "25.0.7-2")), "subgroup");
    assert_eq!(name(&product(512, 96, 512), &lavapipe(8, "25.0.7-2")), "subgroup");
    // From Mesa 26 on, workgroups of eight are slow on 16 lanes.
    let wide = lavapipe(16, "26.2.6-1");
    assert_eq!(name(&call, &wide), "tiled_vec4");
    for (n, k, expected) in
        [(64, 784, "tiled_vec4"), (32, 1600, "tiled"), (10, 1600, "split"), (10, 128, "tiled")]
    {
        assert_eq!(name(&product(128, n, k), &wide), expected, "{n} columns, sums of {k}");
    }
    for op in [&CONV2D_FORWARD, &CONV2D_GRAD_INPUT] {
        assert_eq!(name(&convolution(op), &wide), "winograd");
    }
    assert_eq!(name(&convolution(&CONV2D_FORWARD), &lavapipe(8, "26.2.6-1")), "subgroup_wide");
    assert_eq!(name(&convolution(&CONV2D_GRAD_INPUT), &lavapipe(8, "26.2.6-1")), "subgroup");
    for op in OPERATIONS {
        for case in op.cases() {
            let call = wgrad::op::sizes::case(op, case).expect("sizes");
            let name = name(&call, &wide);
            assert!(!name.starts_with("subgroup"), "{}: {name} at {case}", op.name);
        }
    }
    // The tuner tries the settings of a variant where a rule of it can hold.
    let tiled = MATMUL.variant("tiled").expect("is listed");
    for (info, suits) in
        [(lavapipe(8, "25.0.7-2"), false), (lavapipe(8, "26.2.6-1"), false), (wide, true), (card(), true)]
    {
        assert_eq!(tiled.suits(&Traits::of(&info)), suits, "{info:?}");
    }
    let mut swiftshader = info("SwiftShader Device (Subzero)", DeviceType::Cpu, 0x1ae0, Backend::Vulkan);
    swiftshader.subgroup_max_size = 4;
    assert_eq!(name(&call, &swiftshader), "subgroup");
}
