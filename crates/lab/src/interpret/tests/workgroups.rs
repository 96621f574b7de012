//! Invocations together: barriers, workgroup memory, atomics, builtins.

use super::{Element, float, integer, interpret_within, output, words};
use crate::interpret::Limits;

#[test]
fn builtins_say_where_an_invocation_is() {
    let text = "
        struct In { @builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32 }
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        @compute @workgroup_size(2, 3)
        fn main(in: In, @builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
                @builtin(local_invocation_id) local: vec3<u32>) {
            let at = (in.group.x + in.group.y * groups.x) * 6u + in.index;
            y[at] = id.x + 10u * id.y + 100u * local.x + 1000u * local.y;
        }";
    let elements = output(text, [2, 2, 1], &[vec![0; 24]]);
    for (at, element) in elements.into_iter().enumerate() {
        let (group, index) = (at as u32 / 6, at as u32 % 6);
        let (x, y) = (index % 2, index / 2);
        let (gx, gy) = (group % 2 * 2 + x, group / 2 * 3 + y);
        assert_eq!(integer(element), gx + 10 * gy + 100 * x + 1000 * y, "{at}");
    }
}

#[test]
fn a_tree_of_sums_in_workgroup_memory() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<f32>;
        @group(0) @binding(1) var<storage, read> x: array<f32>;
        var<workgroup> part: array<f32, 16>;
        @compute @workgroup_size(16)
        fn main(@builtin(local_invocation_index) i: u32, @builtin(workgroup_id) group: vec3<u32>) {
            part[i] = x[group.x * 16u + i];
            for (var half = 8u; half > 0u; half /= 2u) {
                workgroupBarrier();
                if (i < half) { part[i] += part[i + half]; }
            }
            if (i == 0u) { y[group.x] = part[0]; }
        }";
    let x: Vec<f32> = (0..48).map(|n| (n as f32 * 0.37).sin()).collect();
    let elements = output(text, [3, 1, 1], &[vec![0; 3], words(&x)]);
    for (group, element) in elements.into_iter().enumerate() {
        let terms = &x[group * 16..][..16];
        let (value, allowed) = float(element);
        let sum: f64 = terms.iter().map(|v| f64::from(*v)).sum();
        let size: f64 = terms.iter().map(|v| f64::from(v.abs())).sum();
        assert!((value - sum).abs() < 1e-13, "{value} {sum}");
        assert!(allowed > 0.0 && allowed <= 2.01 * 16.0 * 2f64.powi(-24) * size, "{allowed}");
    }
}

#[test]
fn a_scan_and_a_transposed_tile() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        @group(0) @binding(1) var<storage, read> x: array<u32>;
        var<workgroup> both: array<array<u32, 8>, 2>;
        @compute @workgroup_size(8) fn main(@builtin(local_invocation_index) i: u32) {
            var now = 0u;
            both[0][i] = x[i];
            for (var apart = 1u; apart < 8u; apart *= 2u) {
                workgroupBarrier();
                var sum = both[now][i];
                if (i >= apart) { sum += both[now][i - apart]; }
                now = 1u - now;
                both[now][i] = sum;
            }
            y[i] = both[now][i];
        }";
    let x = [3, 1, 4, 1, 5, 9, 2, 6];
    let mut sum = 0;
    let wanted = x.map(|v| {
        sum += v;
        Element::Integer(sum)
    });
    assert_eq!(output(text, [1, 1, 1], &[vec![0; 8], x.to_vec()]), wanted);

    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<f32>;
        @group(0) @binding(1) var<storage, read> x: array<f32>;
        var<workgroup> tile: array<array<f32, 4>, 4>;
        @compute @workgroup_size(4, 4)
        fn main(@builtin(local_invocation_id) l: vec3<u32>, @builtin(workgroup_id) g: vec3<u32>) {
            tile[l.y][l.x] = x[(g.y * 4u + l.y) * 8u + g.x * 4u + l.x];
            workgroupBarrier();
            y[(g.x * 4u + l.y) * 8u + g.y * 4u + l.x] = tile[l.x][l.y];
        }";
    let x: Vec<f32> = (0..64).map(|n| n as f32).collect();
    let y = output(text, [2, 2, 1], &[vec![0; 64], words(&x)]);
    for (at, element) in y.into_iter().enumerate() {
        assert_eq!(float(element), ((at % 8 * 8 + at / 8) as f64, 0.0));
    }
}

#[test]
fn atomics_count_and_compare() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<atomic<u32>>;
        @group(0) @binding(1) var<storage, read> x: array<u32>;
        var<workgroup> part: array<atomic<u32>, 4>;
        var<workgroup> least: atomic<i32>;
        @compute @workgroup_size(8)
        fn main(@builtin(local_invocation_index) i: u32, @builtin(global_invocation_id) id: vec3<u32>) {
            atomicAdd(&part[x[id.x] % 4u], 1u);
            atomicMin(&least, -i32(x[id.x]));
            workgroupBarrier();
            if (i < 4u) { atomicAdd(&y[i], atomicLoad(&part[i])); }
            if (i == 0u) {
                atomicMax(&y[4], u32(-atomicLoad(&least)));
                atomicOr(&y[5], 1u << x[id.x]);
                atomicXor(&y[6], 3u);
                atomicSub(&y[7], 1u);
                atomicAnd(&y[8], 6u);
            }
        }";
    let x: Vec<u32> = (0..16).map(|n| n * n % 7).collect();
    let mut wanted = [0u32, 0, 0, 0, *x.iter().max().expect("some"), 1 << x[0] | 1 << x[8], 0, 98, 6];
    x.iter().for_each(|v| wanted[*v as usize % 4] += 1);
    let y = vec![0, 0, 0, 0, 0, 0, 0, 100, 7];
    let elements = output(text, [2, 1, 1], &[y, x]);
    assert_eq!(elements, wanted.map(Element::Integer));

    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<atomic<u32>>;
        @group(0) @binding(1) var<storage, read_write> z: array<u32>;
        @compute @workgroup_size(1) fn main() {
            let first = atomicCompareExchangeWeak(&y[0], 5u, 9u);
            let second = atomicCompareExchangeWeak(&y[0], 5u, 7u);
            z[0] = first.old_value + 10u * u32(first.exchanged);
            z[1] = second.old_value + 10u * u32(second.exchanged);
            z[2] = atomicExchange(&y[1], 4u);
            z[3] = atomicAdd(&y[1], 1u);
            atomicStore(&y[2], 8u);
            z[4] = atomicLoad(&y[2]);
        }";
    let outputs = super::interpret(text, [1, 1, 1], &[vec![5, 3, 0], vec![0; 5]]).expect("runs");
    assert_eq!(outputs[&(0, 0)], [9, 5, 8].map(Element::Integer));
    assert_eq!(outputs[&(0, 1)], [15, 9, 3, 4, 8].map(Element::Integer));
}

#[test]
fn workgroup_memory_is_zero_in_every_workgroup_and_uniform_loads_wait() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        var<workgroup> flag: u32;
        var<workgroup> seen: array<u32, 2>;
        @compute @workgroup_size(2)
        fn main(@builtin(local_invocation_index) i: u32, @builtin(global_invocation_id) id: vec3<u32>,
                @builtin(workgroup_id) group: vec3<u32>) {
            seen[i] += 1u;
            if (i == 1u) { flag = group.x + 5u; }
            let both = workgroupUniformLoad(&flag);
            y[id.x] = both * 10u + seen[i];
        }";
    assert_eq!(output(text, [2, 1, 1], &[vec![0; 4]]), [51, 51, 61, 61].map(Element::Integer));
}

#[test]
fn a_storage_barrier_orders_a_buffer_and_private_variables_are_an_invocations_own() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        var<private> mine: u32 = 7u;
        @compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) {
            mine += i;
            y[i] = mine;
            storageBarrier();
            let other = y[3u - i];
            storageBarrier();
            y[i] = other * 100u + mine;
        }";
    let wanted = [1007, 908, 809, 710].map(Element::Integer);
    assert_eq!(output(text, [1, 1, 1], &[vec![0; 4]]), wanted);
}

#[test]
fn a_barrier_within_a_function_is_one() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<u32>;
        var<workgroup> part: array<u32, 4>;
        fn shared_sum(i: u32, value: u32) -> u32 {
            part[i] = value;
            workgroupBarrier();
            let sum = part[0] + part[1] + part[2] + part[3];
            workgroupBarrier();
            return sum;
        }
        @compute @workgroup_size(4) fn main(@builtin(local_invocation_index) i: u32) {
            let first = shared_sum(i, i);
            y[i] = shared_sum(i, first + i);
        }";
    assert_eq!(output(text, [1, 1, 1], &[vec![0; 4]]), [30; 4].map(Element::Integer));
}

#[test]
fn a_product_of_64_cubed_takes_well_under_a_second_in_an_optimised_build() {
    let text = "
        @group(0) @binding(0) var<storage, read_write> y: array<f32>;
        @group(0) @binding(1) var<storage, read> x: array<f32>;
        @group(0) @binding(2) var<storage, read> w: array<f32>;
        @compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            var sum = 0.0;
            for (var k = 0u; k < 64u; k++) { sum += x[id.y * 64u + k] * w[k * 64u + id.x]; }
            y[id.y * 64u + id.x] = sum;
        }";
    let x: Vec<f32> = (0..4096).map(|n| (n as f32 * 0.7).sin()).collect();
    let w: Vec<f32> = (0..4096).map(|n| (n as f32 * 0.3).cos()).collect();
    let start = std::time::Instant::now();
    let limits = Limits { operations: 10_000_000, ..Limits::default() };
    let outputs =
        interpret_within(text, [8, 8, 1], &[vec![0; 4096], words(&x), words(&w)], &limits).expect("runs");
    let seconds = start.elapsed().as_secs_f64();
    for (at, element) in outputs[&(0, 0)].iter().enumerate() {
        let sum: f64 = (0..64).map(|k| f64::from(x[at / 64 * 64 + k]) * f64::from(w[k * 64 + at % 64])).sum();
        assert!((float(*element).0 - sum).abs() < 1e-12);
    }
    // With room for other work on the machine.
    assert!(seconds < 10.0, "{seconds} s");
}
