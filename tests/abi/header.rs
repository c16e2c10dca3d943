//! The committed headers match the sources: lifepay.h is what cbindgen generates from them, and
//! lifepay.ffi.h is derived from it for FFI parsers.

use std::path::Path;

use crate::chapters::in_chapters;

/// If this environment variable is set, the committed files are rewritten instead of compared.
pub(crate) const BLESS: &str = "LIFEPAY_BLESS";

const FFI_HEAD: &str = "\
/*
 * lifepay.ffi.h: lifepay.h for the parsers of foreign function interfaces, such as PHP's FFI::cdef,
 * LuaJIT's ffi.cdef and Python's cffi, which take it as it is: without directives, the codes as an
 * enum. Made of lifepay.h, which says what everything means.
 */
";

fn generated() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_root_or_default(root);
    let bindings =
        cbindgen::generate_with_config(root, config).expect("cbindgen reads the sources");
    let mut generated = Vec::new();
    bindings.write(&mut generated);
    let generated = String::from_utf8(generated).expect("a header is text");
    in_chapters(
        &generated,
        "extern \"C\" {\n#endif\n",
        "\n#ifdef __cplusplus\n}",
    )
}

/// Returns a header's declarations without comments, directives and calling conventions.
fn for_ffi(header: &str) -> String {
    let mut numbers = Vec::new();
    let mut declarations = Vec::new();
    let mut in_cpp_block = false;
    let code = without_comments(header);
    for line in code.lines().map(str::trim_end) {
        if line.starts_with("#ifdef __cplusplus") {
            in_cpp_block = true;
        } else if line.starts_with("#endif") {
            in_cpp_block = false;
        } else if let Some(define) = line.strip_prefix("#define LP_") {
            let (name, number) = define.split_once(' ').unwrap_or((define, ""));
            let number = number
                .trim_matches(['(', ')', 'u'])
                .replace("0xFFFFFFFF", "4294967295");
            if number.parse::<i64>().is_ok() {
                numbers.push(format!("    LP_{name} = {number}"));
            }
        } else if !line.starts_with('#') && !in_cpp_block {
            declarations.push(line.replace("LP_API ", "").replace("LP_CALL ", ""));
        }
    }
    let mut text = format!("{FFI_HEAD}\nenum {{\n{}\n}};\n", numbers.join(",\n"));
    for line in declarations.iter().filter(|line| !line.is_empty()) {
        // A declaration begins in the first column; its closing brace may be there too.
        if !line.starts_with([' ', '}']) {
            text.push('\n');
        }
        text += line;
        text.push('\n');
    }
    text
}

fn without_comments(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        code += before;
        rest = comment.split_once("*/").expect("a comment ends").1;
    }
    code + rest
}

fn compare_or_bless(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("include")
        .join(name);
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&path, generated).expect("the header can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "include/{name} does not match the sources; rewrite it with {BLESS}=1 cargo test --test abi header"
    );
}

#[test]
fn the_committed_headers_are_the_generated_ones() {
    let header = generated();
    compare_or_bless("lifepay.h", &header);
    compare_or_bless("lifepay.ffi.h", &for_ffi(&header));
}
