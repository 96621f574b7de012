// One thread an element of y; twelve chains in three vec4, as many as 16 registers of a processor leave room for.
// uses index
@compute @workgroup_size(64)
fn peak_fma(@builtin(local_invocation_id) lid: vec3<u32>, @builtin(workgroup_id) wid: vec3<u32>,
            @builtin(num_workgroups) groups: vec3<u32>) {
    let i = thread_x(wid, groups, lid);
    if (i >= COUNT) { return; }
    let add = vec4<f32>(x[i]);
    var a = vec4<f32>(0.0, 1.0, 2.0, 3.0);
    var b = vec4<f32>(4.0, 5.0, 6.0, 7.0);
    var c = vec4<f32>(8.0, 9.0, 10.0, 11.0);
    // Four at a time: llvmpipe unrolls that, and no longer sixteen, which more than halved the rate.
    for (var round = 0u; round < 4u * ROUNDS; round++) {
        for (var n = 0u; n < 4u; n++) {
            a = a * 0.7 + add;
            b = b * 0.7 + add;
            c = c * 0.7 + add;
        }
    }
    let sum = a + b + c;
    y[i] = sum.x + sum.y + sum.z + sum.w;
}
