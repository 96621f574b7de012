//! Limits on a shader text before it is compiled: a few kilobytes from an untrusted source must exhaust neither the
//! stack nor the memory.

use super::directives;

/// Maximum number of operators in an expression, and of `else`s in a text: compilers recurse once for each of them.
const LEVELS: usize = 500;

/// Maximum bytes of a thread's own variables. WGSL promises 8,192 for each address space (§2.4).
const OWN_BYTES: u64 = 65_536;

/// A message if something in `text` nests too deeply.
pub(super) fn nested(text: &str) -> Option<String> {
    let code = directives::code(text);
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    let branches = words.filter(|word| *word == "else").count();
    if branches > LEVELS {
        return Some(format!(
            "it has {branches} `else`, expected at most {LEVELS}; a `switch` takes more cases"
        ));
    }
    let (mut operators, mut line) = (0, 1);
    for c in code.chars() {
        match c {
            ';' | '{' | '}' | ',' => operators = 0,
            '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '!' | '~' | '<' | '>' => operators += 1,
            '\n' => line += 1,
            _ => {}
        }
        if operators > LEVELS {
            return Some(format!(
                "an expression up to line {line} has more than {LEVELS} operators; write it as several statements"
            ));
        }
    }
    None
}

/// A message if a thread's variables, its own and the module's `private` ones, exceed `OWN_BYTES`.
///
/// # Errors
/// naga's error for a type without a layout.
pub(super) fn beyond(module: &naga::Module) -> Result<Option<String>, naga::proc::LayoutError> {
    let mut layouter = naga::proc::Layouter::default();
    layouter.update(module.to_ctx())?;
    let bytes = |ty: naga::Handle<naga::Type>| u64::from(layouter[ty].size);
    let private =
        module.global_variables.iter().filter(|(_, global)| global.space == naga::AddressSpace::Private);
    let private: u64 = private.map(|(_, global)| bytes(global.ty)).sum();
    let functions = module.functions.iter().map(|(_, function)| function);
    let functions = functions.chain(module.entry_points.iter().map(|entry| &entry.function));
    let local: u64 = functions.flat_map(|f| f.local_variables.iter()).map(|(_, local)| bytes(local.ty)).sum();
    let all = private + local;
    Ok((all > OWN_BYTES).then(|| {
        format!(
            "its variables take {all} bytes per thread, expected at most {OWN_BYTES} (WGSL promises 8192); keep large \
             arrays in `var<workgroup>` or in buffers"
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::{beyond, nested};

    #[test]
    fn what_compilers_walk_by_recursion_is_bounded() {
        let chain = |n: usize| format!("fn f() -> f32 {{ return 1.0{}; }}", " + 1.0".repeat(n));
        assert_eq!(nested(&chain(500)), None);
        assert!(
            nested(&chain(501)).is_some_and(|words| words.contains("line 1") && words.contains("operators"))
        );
        let branches =
            |n: usize| format!("fn f() {{ if (a) {{}} {} }}", "else if (a) { b = 1; }\n".repeat(n));
        assert_eq!(nested(&branches(500)), None);
        assert!(nested(&branches(501)).is_some_and(|words| words.contains("501 `else`")));
        // Neither a table nor a comment is an expression.
        assert_eq!(nested(&format!("const t = array({});", "-1.0, ".repeat(2000))), None);
        assert_eq!(
            nested(&format!("// {}\n/* {} */ fn f() {{}}", "-".repeat(2000), "else ".repeat(2000))),
            None
        );
    }

    #[test]
    fn what_a_thread_has_of_its_own_is_bounded() {
        let takes = |text: &str| {
            let module = naga::front::wgsl::parse_str(text).expect("parses");
            beyond(&module).expect("has a layout").is_none()
        };
        let of = |private: u32, local: u32| {
            format!(
                "var<private> p: array<f32, {private}>; @compute @workgroup_size(1) fn main() {{ \
                 var v = array<f32, {local}>(); v[0] = p[0]; p[1] = v[0]; }}"
            )
        };
        assert!(takes(&of(8000, 8000)));
        assert!(!takes(&of(500_000_000, 2)) && !takes(&of(2, 50_000_000)) && !takes(&of(9000, 9000)));
        assert!(takes("var<workgroup> w: array<f32, 500000000>; @compute @workgroup_size(1) fn main() {}"));
    }
}
