//! Products with a kernel by an equation of Einstein's notation.

use super::{ActivationName, MaskRule, Place, Rules, activation};
use crate::{
    initializer::{Initializer, KernelInitializer},
    kernels::{MATMUL, MATMUL_GRAD_INPUT, MATMUL_GRAD_WEIGHT},
    op::Call,
    program::{Builder, ValueId},
};
use serde::{Deserialize, Deserializer, Serialize};

/// `EinsumDense(equation, output_shape, bias_axes)`: y = activation(x · kernel + bias), where the last axes of x, as many as
/// the equation says, are summed over and replaced by new ones: `"abc,cd->abd"`, `"abc,cde->abde"`, `"abcd,cde->abe"`,
/// `"...x,xy->...y"`. The kernel has the summed axes, then the new ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EinsumDense {
    /// The letters of the input's axes, of the kernel's and of the output's; the first one, or `...`, is the batch.
    pub equation: String,
    /// Lengths of the output's axes without the batch, and without those of `...`; -1 for one that is the input's.
    #[serde(deserialize_with = "one_or_several")]
    pub output_shape: Vec<i64>,
    /// Applied to each output.
    #[serde(default)]
    pub activation: ActivationName,
    /// The letters of the new axes if a bias is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_axes: Option<String>,
    /// Initial values of the kernel.
    #[serde(default)]
    pub kernel_initializer: KernelInitializer,
    /// A name for reports and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `64` is `[64]`.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a length, or a list of lengths with -1 for those of the input")]
    enum Lengths {
        One(i64),
        Several(Vec<i64>),
    }
    Ok(match Lengths::deserialize(deserializer)? {
        Lengths::One(length) => vec![length],
        Lengths::Several(lengths) => lengths,
    })
}

/// The letters of an equation.
#[derive(Debug, PartialEq)]
struct Letters<'e> {
    /// True if `...` stands for the batch and axes behind it.
    elided: bool,
    kept: &'e str,
    summed: &'e str,
    new: &'e str,
}

impl<'e> Letters<'e> {
    /// Reads an equation; `None` if it is no product over the last axes.
    fn of(equation: &'e str) -> Option<Self> {
        let (operands, output) = equation.split_once("->")?;
        let (input, kernel) = operands.split_once(',')?;
        let [input, kernel, output] = [input, kernel, output].map(str::trim);
        let (elided, input, output) = match (input.strip_prefix("..."), output.strip_prefix("...")) {
            (Some(input), Some(output)) => (true, input, output),
            (None, None) => (false, input, output),
            _ => return None,
        };
        let letters =
            [input, kernel, output].iter().all(|part| part.chars().all(|c| c.is_ascii_alphabetic()));
        let once = |part: &str| part.chars().enumerate().all(|(n, c)| part.find(c) == Some(n));
        if !letters || ![input, kernel, output].into_iter().all(once) {
            return None;
        }
        let count = kernel.chars().filter(|c| input.contains(*c)).count();
        let (summed, new) = kernel.split_at(count);
        let (kept, same) = (input.strip_suffix(summed)?, output.strip_suffix(new)?);
        let fits = kept == same && (elided || !kept.is_empty()) && !summed.is_empty() && !new.is_empty();
        (fits && !new.chars().any(|c| input.contains(c))).then_some(Self { elided, kept, summed, new })
    }
}

/// What an equation means for an input.
struct Extents {
    /// Lengths of the axes that stay, without the batch.
    kept: Vec<usize>,
    summed: Vec<usize>,
    new: Vec<usize>,
}

impl EinsumDense {
    /// Creates a linear layer without a bias. `output_shape` has the lengths of the output's axes without the batch, and
    /// without those of `...`; -1 for one that is the input's.
    pub fn new(equation: &str, output_shape: &[i64]) -> Self {
        Self {
            equation: equation.to_string(),
            output_shape: output_shape.to_vec(),
            activation: ActivationName::default(),
            bias_axes: None,
            kernel_initializer: KernelInitializer::default(),
            name: None,
        }
    }

    /// Creates a linear layer whose kernel has this shape.
    ///
    /// # Errors
    /// Says that the equation is no product over the last axes, or that the kernel has other axes.
    pub fn of_kernel(equation: &str, kernel: &[usize]) -> Result<Self, String> {
        let letters = Self::letters(equation)?;
        let count = letters.summed.len();
        if kernel.len() != count + letters.new.len() {
            return Err(format!("equation is {equation:?} for a kernel of shape {kernel:?}"));
        }
        let kept = letters.kept.len() - usize::from(!letters.elided);
        let new = kernel[count..].iter().map(|len| *len as i64);
        Ok(Self::new(equation, &std::iter::repeat_n(-1, kept).chain(new).collect::<Vec<_>>()))
    }

    /// The letters of the new axes, which `bias_axes` has; the empty word if the equation is none that is taken.
    pub fn new_axes(&self) -> &str {
        Letters::of(&self.equation).map_or("", |letters| letters.new)
    }

    fn letters(equation: &str) -> Result<Letters<'_>, String> {
        Letters::of(equation).ok_or_else(|| {
            format!(
                "equation is {equation:?}; it takes sums over the last axes of the input, with a kernel of the summed axes \
                 and then the new ones: \"ab,bc->ac\", \"abc,cd->abd\", \"abc,cde->abde\", \"abcd,cde->abe\" or \
                 \"...x,xy->...y\"; put Permute or Reshape before or behind it"
            )
        })
    }

    fn extents(&self, input: &[usize]) -> Result<Extents, String> {
        let letters = Self::letters(&self.equation)?;
        let (equation, sums) = (&self.equation, letters.summed.len());
        let named = letters.kept.len() - usize::from(!letters.elided);
        let most = if letters.elided { usize::MAX } else { named + sums };
        if !(named + sums..=most).contains(&input.len()) {
            return Err(format!("equation is {equation:?}, its input has shape {input:?} behind the batch"));
        }
        let (kept, summed) = input.split_at(input.len() - sums);
        let (lens, count) = (&self.output_shape, named + letters.new.len());
        let said = |what: &str| Err(format!("output_shape is {lens:?}, equation {equation:?}: {what}"));
        if lens.len() != count {
            return said(&format!("it has {count} axes behind the batch"));
        }
        let (same, new) = lens.split_at(named);
        let own = &kept[kept.len() - named..];
        if same.iter().zip(own).any(|(len, own)| *len != -1 && *len != *own as i64) {
            return said(&format!("the axes that stay are {own:?} long; write -1"));
        }
        let new: Option<Vec<usize>> =
            new.iter().map(|len| usize::try_from(*len).ok().filter(|len| *len > 0)).collect();
        let Some(new) = new else { return said("each new axis is at least 1 long") };
        if let Some(axes) = &self.bias_axes {
            let alike = |a: &str, b: &str| a.chars().all(|letter| b.contains(letter));
            if !alike(axes, letters.new) || !alike(letters.new, axes) {
                return Err(format!(
                    "bias_axes is {axes:?}; it takes a bias for all new axes, {:?}, or none",
                    letters.new
                ));
            }
        }
        Ok(Extents { kept: kept.to_vec(), summed: summed.to_vec(), new })
    }

    /// The sizes of the matrix product. A network that was not checked has none.
    fn sizes(&self, b: &Builder, place: &Place) -> [(&'static str, usize); 3] {
        let [m, n, k] = self.extents(&place.input).map_or([0; 3], |extents| {
            [&extents.kept, &extents.new, &extents.summed].map(|lens| lens.iter().product::<usize>())
        });
        [("M", b.batch() * m), ("N", n), ("K", k)]
    }
}

impl Rules for EinsumDense {
    fn slug(&self) -> &'static str {
        "einsum_dense"
    }

    fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn mask_rule(&self) -> MaskRule {
        MaskRule::Refuses("take Dense, which passes the mask on")
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let Extents { kept, new, .. } = self.extents(input)?;
        Ok([kept, new].concat())
    }

    fn parameters(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, Initializer)> {
        let Ok(Extents { summed, new, .. }) = self.extents(input) else { return Vec::new() };
        let fans = [&summed, &new].map(|lens| lens.iter().product());
        let kernel = self.kernel_initializer.of(fans, fans[1]);
        let mut all = vec![("kernel", [summed, new.clone()].concat(), kernel)];
        if self.bias_axes.is_some() {
            all.push(("bias", new, Initializer::Zeros));
        }
        all
    }

    fn forward(&self, b: &mut Builder, place: &mut Place) -> ValueId {
        let sizes = self.sizes(b, place);
        let y = b.batched(&place.name, &place.output);
        let w = b.parameter(place.parameters[0]);
        let bias = b.bias(place.parameters.get(1).copied(), sizes[1].1);
        let fused = self.activation.fusible(b.differentiates());
        let call = Call::new(&MATMUL, &sizes).activated(fused);
        b.call(&place.name, call, &[("y", y), ("x", place.x), ("w", w), ("b", bias)]);
        b.fuse(y, fused);
        activation::finish(b, self.activation, place, y)
    }

    fn backward(&self, b: &mut Builder, place: &Place, dy: ValueId, wanted: bool) -> Option<ValueId> {
        let sizes = self.sizes(b, place);
        let dy = activation::finish_grad(b, self.activation, place, dy);
        let dw = b.gradient(place.parameters[0]);
        let db = b.bias_gradient(place.parameters.get(1).copied(), sizes[1].1);
        let call = Call::new(&MATMUL_GRAD_WEIGHT, &sizes);
        b.call(&place.name, call, &[("dw", dw), ("db", db), ("x", place.x), ("dy", dy)]);
        wanted.then(|| {
            let w = b.parameter(place.parameters[0]);
            let dx = b.batched(&format!("d {} input", place.name), &place.input);
            let call = Call::new(&MATMUL_GRAD_INPUT, &sizes).activated(b.fused(place.x));
            b.call(&place.name, call, &[("dx", dx), ("dy", dy), ("w", w), ("x", place.x)]);
            dx
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{EinsumDense, Letters, Rules};

    #[test]
    fn equations_are_read_or_refused() {
        let read = |equation| Letters::of(equation).map(|l| (l.elided, l.kept, l.summed, l.new));
        assert_eq!(read("ab,bc->ac"), Some((false, "a", "b", "c")));
        assert_eq!(read("abc,cd->abd"), Some((false, "ab", "c", "d")));
        assert_eq!(read("abc,cde->abde"), Some((false, "ab", "c", "de")));
        assert_eq!(read("abcd,cde->abe"), Some((false, "ab", "cd", "e")));
        assert_eq!(read("...x, xy -> ...y"), Some((true, "", "x", "y")));
        assert_eq!(read("...bx,xy->...by"), Some((true, "b", "x", "y")));
        for other in [
            "abc,bd->acd",
            "abc,dc->abd",
            "abc,cd->adb",
            "abc,bcd->abd",
            "ab,ab->ab",
            "ab,c->abc",
            "ab,b->a",
            "b,bc->c",
            "...x,xy->y",
            "x...,xy->y...",
            "abc,cd",
            "a1,1c->ac",
            "aab,bc->aac",
            "abc,dce->abde",
            "",
            "->",
            ",->",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn shapes_follow_from_equation_and_output_shape() {
        let layer = |equation, lens: &[i64]| EinsumDense::new(equation, lens);
        let biased = |bias: &str, layer: EinsumDense| EinsumDense { bias_axes: Some(bias.into()), ..layer };
        assert_eq!(layer("ab,bc->ac", &[4]).output_shape(&[3]), Ok(vec![4]));
        assert_eq!(layer("abc,cde->abde", &[-1, 2, 4]).output_shape(&[5, 3]), Ok(vec![5, 2, 4]));
        assert_eq!(layer("abcd,cde->abe", &[5, 4]).output_shape(&[5, 3, 2]), Ok(vec![5, 4]));
        assert_eq!(layer("...x,xy->...y", &[4]).output_shape(&[6, 5, 3]), Ok(vec![6, 5, 4]));
        assert_eq!(layer("...x,xy->...y", &[4]).output_shape(&[3]), Ok(vec![4]));
        let parameters = biased("ed", layer("abc,cde->abde", &[-1, 2, 4])).parameters(&[5, 3]);
        let shapes: Vec<_> = parameters.into_iter().map(|(name, shape, _)| (name, shape)).collect();
        assert_eq!(shapes, [("kernel", vec![3, 2, 4]), ("bias", vec![2, 4])]);
        assert_eq!(
            EinsumDense::of_kernel("abc,cde->abde", &[3, 2, 4]),
            Ok(layer("abc,cde->abde", &[-1, 2, 4]))
        );
        for (layer, input, words) in [
            (layer("abc,bd->acd", &[-1, 4]), &[5, 3][..], "last axes"),
            (layer("abc,cd->abd", &[-1, 4]), &[3], "its input has shape [3]"),
            (layer("abc,cd->abd", &[4]), &[5, 3], "2 axes behind the batch"),
            (layer("abc,cd->abd", &[6, 4]), &[5, 3], "[5] long"),
            (layer("abc,cd->abd", &[-1, -1]), &[5, 3], "at least 1 long"),
            (biased("bd", layer("abc,cd->abd", &[-1, 4])), &[5, 3], "bias_axes is \"bd\""),
            (biased("e", layer("abc,cde->abde", &[-1, 2, 4])), &[5, 3], "all new axes, \"de\""),
        ] {
            let said = layer.output_shape(input).expect_err(words);
            assert!(said.contains(words), "{said}");
        }
    }
}
