
/// m = m + (1 - beta) · (g - m); p = p - lr · (WEIGHT_DECAY · p + sign(m))
pub fn signum(i: &Inputs<'_>) -> Outputs {
    let gain = i.number("GAIN") - shift(i);
    let (mut parameter, mut means) = (Vec::new(), Vec::new());
    for ((p, m), g) in i.real("parameter").iter().zip(i.real("m")).zip(gradients(i)) {
        let m = towards(*m, gain, g);
        // f64's own signum of zero is positive.
        let sign = if m.value == 0.0 { 0.0 } else { m.value.signum() };
        // Within its rounding m may have either sign.
        let either = if m.value.abs() <= m.allowed() { 1.0 + sign.abs() } else { 0.0 };
        parameter.push(descend(i, *p, Sum::within(sign, either)));
        means.push(m);
    }
    vec![("parameter", Expected::Real(parameter)), ("m", Expected::Real(means))]
}
