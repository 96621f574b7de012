//! WGSL features that wgrad's own shaders avoid, because compilers have got them wrong or wgrad runs without them:
//! variables without an initial value, zeroed workgroup memory, `arrayLength`, `enable`. Read from their text alone.

use wgrad::op::directives::code;

/// The words of a text without comments, each with what follows it.
fn words(code: &str) -> impl Iterator<Item = (&str, &str)> {
    let of_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = code;
    std::iter::from_fn(move || {
        let start = rest.find(of_word)?;
        let end = rest[start..].find(|c: char| !of_word(c)).map_or(rest.len(), |n| start + n);
        let (word, behind) = (&rest[start..end], &rest[end..]);
        rest = behind;
        Some((word, behind))
    })
}

/// The text after the brackets at the beginning of `text`.
fn behind_brackets(text: &str) -> &str {
    let mut depth = 0;
    let close = text.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '[') - i32::from(*c == ']');
        depth == 0
    });
    close.map_or("", |(at, _)| &text[at + 1..])
}

/// Returns true if `text` begins with a plain assignment.
fn assigns(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('=') && !text.starts_with("==")
}

/// Returns true if the text after `var` declares a variable of a function.
fn local(statement: &str) -> bool {
    statement.starts_with(char::is_whitespace) || statement.starts_with("<function>")
}

/// The features that a shader must not use and uses, as messages.
pub fn leaning(text: &str) -> Vec<String> {
    let code = code(text);
    let mut found = Vec::new();
    for (word, behind) in words(&code) {
        let statement = behind.split_once(';').map_or(behind, |(statement, _)| statement);
        match word {
            "var" if statement.starts_with("<workgroup>") => {
                let name = statement["<workgroup>".len()..].split(':').next().unwrap_or_default().trim();
                let uses = words(&behind[statement.len()..]).find(|(word, _)| *word == name);
                if !uses.is_some_and(|(_, behind)| assigns(behind_brackets(behind))) {
                    found.push(format!(
                        "`{name}` in workgroup memory is used before anything is stored there"
                    ));
                }
            }
            "var" if local(statement) && !statement.contains('=') => {
                found.push(format!("`var{statement}` has no first value"));
            }
            "arrayLength" => {
                found.push("`arrayLength` counts more than the tensor where more is bound".into())
            }
            // naga supports f16 only with it.
            "enable" if statement.trim() != "f16" => {
                found.push(format!("`enable{statement}` is wgrad's to add"))
            }
            _ => {}
        }
    }
    found
}

#[test]
fn leaning_texts_are_noticed() {
    for (text, reported) in [
        ("fn f() { for (;;) { var row: array<vec4<f32>, 4>; } }", "has no first value"),
        ("fn f() { var a = 1; var<function> b : u32 ; }", "has no first value"),
        (
            "var<workgroup> a: array<f32, 4>; fn f() { a[b[0]] += 1.0; a[0] = 1.0; }",
            "`a` in workgroup memory",
        ),
        ("var<workgroup> a: array<f32, 4>; fn f() { let b = a[0]; }", "`a` in workgroup memory"),
        ("var<workgroup> a: array<f32, 4>; fn f() { if (a[0] == 0.0) { a[0] = 1.0; } }", "`a` in workgroup"),
        ("var<workgroup> a: array<f32, 4>;", "`a` in workgroup memory"),
        ("fn f() { if (i >= arrayLength(&y)) { return; } }", "arrayLength"),
        ("enable subgroups;", "enable"),
        ("/* */ enable f16, subgroups;", "enable"),
    ] {
        let all = leaning(text);
        assert!(all.len() == 1 && all[0].contains(reported), "{text}: {all:?}");
    }
    for text in [
        "fn f() { var a = 0u; var b: u32 = 1u; var c = array<f32, 4>(); for (var i = 0u; i < 2u; i++) {} }",
        "var<workgroup> a: array<f32, 4>; fn f() { a[b[i] + 1u] = 1.0; a[0] += 1.0; }",
        "// var a: u32; arrayLength, enable subgroups;\nenable f16;\n/* var b: u32; */",
        "@group(0) @binding(0) var<storage, read> x: array<f32>;",
    ] {
        assert_eq!(leaning(text), [""; 0], "{text}");
    }
}
