// Sums of products in vec4s, each added to the sum one after the other.
// sum + a · b, a row of four by four rows of four.
fn add_products(sum: vec4<f32>, a: vec4<f32>, b: mat4x4<f32>) -> vec4<f32> {
    return sum + a.x * b[0] + a.y * b[1] + a.z * b[2] + a.w * b[3];
}
