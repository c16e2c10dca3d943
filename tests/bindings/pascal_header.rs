//! `LifePay.pas` matches `lifepay.h`.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use crate::support::pascal::{compile, compiler, cross_compilers, fresh, unit_code, STRICT};
use crate::support::tools;

/// Returns the header without its comments and preprocessor lines.
fn header_code() -> String {
    let header = fs::read_to_string(tools::root().join("include/lifepay.h")).unwrap();
    let mut code = String::new();
    let mut rest = header.as_str();
    while let Some((before, comment)) = rest.split_once("/*") {
        code.push_str(before);
        rest = comment.split_once("*/").expect("its end").1;
    }
    code.push_str(rest);
    let lines = code.lines().filter(|line| !line.starts_with('#'));
    let text = lines.collect::<Vec<_>>().join(" ");
    let text = text.replace("LP_API ", "").replace("LP_CALL ", "");
    let text = text.replace("( ", "(");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Parses a field or parameter of C. Returns its type as the unit writes it, and its name.
fn pascal(declaration: &str) -> (String, String) {
    let declaration = declaration
        .replace("const ", "")
        .replace("struct ", "")
        .trim()
        .to_owned();
    let name = declaration.rsplit([' ', '*']).next().unwrap().to_owned();
    let c_type: String = declaration[..declaration.len() - name.len()]
        .chars()
        .filter(|c| *c != ' ')
        .collect();
    let known = match c_type.as_str() {
        "int32_t" => "Integer",
        "uint32_t" => "Cardinal",
        // Delphi 7 has no unsigned 64-bit type.
        "int64_t" | "uint64_t" => "Int64",
        "char*" => "PAnsiChar",
        "char**" => "PPlp_string",
        "void*" => "Pointer",
        "uint32_t*" => "PCardinal",
        "lp_outbox**" => "PPlp_outbox",
        other => match other.strip_suffix('*') {
            Some(pointed) => return (format!("P{pointed}"), name),
            None => other,
        },
    };
    (known.to_owned(), name)
}

/// Returns the name and the signature of each function in the header, as the unit writes them.
fn functions() -> Vec<(String, String)> {
    let code = header_code();
    let declarations = code.split(';').filter(|text| !text.contains("typedef"));
    let functions = declarations.filter_map(|text| {
        let (head, parameters) = text.split_once('(')?;
        let parameters = parameters.trim_end().strip_suffix(')')?;
        let name = head.rsplit([' ', '*']).next()?.to_owned();
        let result = pascal(head).0;
        let types: Vec<String> = match parameters {
            "void" => vec![],
            all => all.split(',').map(|one| pascal(one).0).collect(),
        };
        let mut signature = String::new();
        if !types.is_empty() {
            signature = format!("({})", types.join("; "));
        }
        if result != "void" {
            signature = format!("{signature}: {result}");
        }
        Some((name, signature))
    });
    functions.collect()
}

/// Returns the signature of the unit's declaration that begins after `start`.
fn signature(code: &str, start: &str) -> String {
    let (_, rest) = code
        .split_once(start)
        .unwrap_or_else(|| panic!("{start} is not in the unit"));
    let (declaration, _) = rest.split_once("; cdecl;").unwrap();
    let Some((_, rest)) = declaration.split_once('(') else {
        return declaration.to_owned();
    };
    let (parameters, result) = rest.split_once(')').unwrap();
    let types = parameters
        .split("; ")
        .map(|one| one.split_once(": ").unwrap().1);
    format!("({}){result}", types.collect::<Vec<_>>().join("; "))
}

/// Whether the unit calls a function, apart from its declarations and the code that loads it.
fn calls(code: &str, name: &str) -> bool {
    let (loading, rest) = code.split_once("procedure Clear(").unwrap();
    let (_, texts) = loading.split_once("function TooOld(").unwrap();
    [texts, rest].iter().any(|code| {
        let mut places = code.match_indices(name);
        places.any(|(place, _)| {
            let before = &code[..place];
            let after = &code[place + name.len()..];
            let is_whole = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let is_declared = before.ends_with("function ")
                || before.ends_with("procedure ")
                || before.ends_with("@@")
                || before.ends_with('\'');
            is_whole && !is_declared
        })
    })
}

#[test]
fn every_function_is_declared_as_in_the_header() {
    let code = unit_code();
    let listed = tools::functions_for_layers();
    let mut functions = functions();
    functions.retain(|(name, _)| !tools::is_for_hosts_without_structs(name));
    let mut names: Vec<&str> = functions.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, listed);
    for (name, expected) in &functions {
        let kind = ["procedure", "function"][usize::from(expected.contains("):"))];
        let kind = match name.as_str() {
            "lp_version" | "lp_version_number" => "function",
            _ => kind,
        };
        // The declaration for linking, and the one for loading.
        let linked = signature(&code, &format!(" {kind} {name}"));
        assert_eq!(&linked, expected, "{name}");
        let loaded = signature(&code, &format!(" {name}: {kind}"));
        assert_eq!(&loaded, expected, "{name}");
        let external = format!("{kind} {name}; external LIFEPAY_LIBRARY name '{name}';");
        assert!(code.contains(&external), "{external}");
        let found = format!("Find(@@{name}, '{name}');");
        assert!(code.contains(&found), "{found}");
        // The classes or the functions for Delphi strings must call it.
        assert!(
            calls(&code, name),
            "{name} cannot be called with Delphi strings"
        );
    }
}

/// Returns the header's structs: their names, and their fields' types and names as the unit writes
/// them.
fn structs() -> Vec<(String, Vec<(String, String)>)> {
    let code = header_code();
    let mut structs = vec![];
    for text in code.split("typedef struct ").skip(1) {
        let Some((name, rest)) = text.split_once(" {") else {
            continue;
        };
        let (body, _) = rest.split_once('}').unwrap();
        let fields = body.split(';').filter(|field| !field.trim().is_empty());
        structs.push((name.to_owned(), fields.map(pascal).collect()));
    }
    assert_eq!(structs.len(), 5);
    structs
}

#[test]
fn every_record_has_the_structs_fields() {
    let code = unit_code();
    for (name, fields) in structs() {
        let (_, body) = code.split_once(&format!(" {name} = record ")).unwrap();
        let (body, _) = body.split_once(" end;").unwrap();
        let expected: Vec<String> = fields
            .iter()
            .map(|(c_type, name)| format!("{name}: {c_type};"))
            .collect();
        assert_eq!(body, expected.join(" "), "{name}");
    }
}

#[test]
fn every_field_is_within_reach_of_the_classes() {
    let code = unit_code();
    // Internal to the library, or available in another form.
    let skipped = ["struct_size", "owner", "reserved"];
    for (name, fields) in structs() {
        let prefix = match name.as_str() {
            "lp_config" => "Config.",
            "lp_field_error" => "Error^.",
            _ => "Raw.",
        };
        let copied = match name.as_str() {
            "lp_config" => "procedure FillConfig(",
            "lp_progress" => "function ProgressOf(",
            "lp_entry" => "procedure CopyEntry(",
            _ => "procedure CopyResult(",
        };
        let (_, body) = code.split_once(copied).unwrap();
        let body = if name == "lp_config" {
            // The callback is set later, in the method that makes the call.
            body.split_once("function TLifePay.OpenShift").unwrap().0
        } else {
            body.split_once(" end; function ")
                .map_or(body, |(body, _)| body)
        };
        for (_, field) in fields {
            let used = body.contains(&format!("{prefix}{field}"));
            assert!(used || skipped.contains(&field.as_str()), "{name}.{field}");
        }
    }
}

#[test]
fn every_constant_has_the_headers_value() {
    if !tools::have("fpc") {
        return;
    }
    let constants = tools::constants();
    let mut source = String::from("program Constants;\nuses LifePay;\nbegin\n");
    let mut expected = String::new();
    for (name, value) in &constants {
        source.push_str(&format!("  WriteLn('{name} ', Int64({name}));\n"));
        expected.push_str(&format!("{name} {value}\n"));
    }
    source.push_str("end.\n");
    let file = fresh("constants-source").join("Constants.pas");
    fs::write(&file, source).unwrap();
    let program = compile(&file, "constants", "delphi", &[]);
    let output = tools::run(&mut Command::new(program));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);

    // The unit must not have a constant that the header lacks.
    let code = unit_code();
    for word in code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        assert!(
            !word.starts_with("LP_") || constants.iter().any(|(name, _)| name == word),
            "{word}"
        );
    }
}

/// Returns the operator for a field's address. For a procedural variable, @ gives the address of
/// the procedure.
fn address_of(field: &str) -> &'static str {
    ["@", "@@"][usize::from(field == "on_progress")]
}

#[test]
fn every_field_stands_where_c_has_it() {
    if !tools::have("fpc") || !tools::have("gcc") {
        return;
    }
    let mut source = String::from("program Layout;\nuses LifePay;\nvar\n");
    let structs = structs();
    for (name, _) in &structs {
        source.push_str(&format!("  V{name}: {name};\n"));
    }
    source.push_str("begin\n");
    // In the order in which layout.c prints them.
    for name in [
        "lp_config",
        "lp_result",
        "lp_progress",
        "lp_entry",
        "lp_field_error",
    ] {
        let (_, fields) = structs.iter().find(|(found, _)| found == name).unwrap();
        for (_, field) in fields {
            let at = address_of(field);
            source.push_str(&format!(
                "  WriteLn('{name}.{field} ', PtrUInt({at}V{name}.{field}) - PtrUInt(@V{name}), ' ', \
                 SizeOf(V{name}.{field}));\n"
            ));
        }
        source.push_str(&format!("  WriteLn('{name} ', SizeOf({name}));\n"));
    }
    source.push_str("end.\n");
    let file = fresh("layout-source").join("Layout.pas");
    fs::write(&file, source).unwrap();
    let ours = tools::run(&mut Command::new(compile(&file, "layout", "delphi", &[])));
    let theirs = tools::compile_c("layout", tools::Link::Shared);
    let theirs = tools::run(&mut Command::new(theirs));
    assert_eq!(
        String::from_utf8(ours.stdout).unwrap(),
        String::from_utf8(theirs.stdout).unwrap()
    );
}

/// Returns a program that compiles only if every field has the offset that it has in C. The fields
/// follow each other without gaps, which tests/c/layout.c asserts for all platforms. At the end
/// there is padding only if the largest field needs it.
fn layout_program(pointer: usize) -> String {
    let mut source = String::from("program Layout;\nuses LifePay;\ntype\n");
    for (name, fields) in structs() {
        let (mut offset, mut largest) = (0_usize, 1);
        for (c_type, field) in fields {
            // Free Pascal cannot compute this one's offset at compile time; its neighbours fix it.
            if field != "on_progress" {
                source.push_str(&format!(
                    "  {name}_{field} = array[1..Ord(PtrUInt(@P{name}(nil)^.{field}) = {offset})] \
                     of Byte;\n"
                ));
            }
            let size = match c_type.as_str() {
                "Integer" | "Cardinal" => 4,
                "Int64" => 8,
                _ => pointer,
            };
            offset += size;
            largest = largest.max(size);
        }
        let size = offset.next_multiple_of(largest);
        source.push_str(&format!(
            "  Size_{name} = array[1..Ord(SizeOf({name}) = {size})] of Byte;\n"
        ));
    }
    source + "begin\nend.\n"
}

#[test]
fn every_field_stands_where_c_has_it_on_windows() {
    let Some(cross) = cross_compilers() else {
        return;
    };
    for (target, pointer) in [("win32", 4), ("win64", 8)] {
        let out = fresh(&format!("{target}-layout"));
        let file = out.join("Layout.pas");
        let compile = |source: String| {
            fs::write(&file, source).unwrap();
            let mut strict = compiler(cross.join(format!("fpc-{target}")), "delphi", &out);
            strict.args(STRICT).arg(&file).output().unwrap()
        };
        let output = compile(layout_program(pointer));
        assert!(output.status.success(), "{output:?}");
        // The other platform's layout must not compile here.
        let output = compile(layout_program(12 - pointer));
        assert!(!output.status.success(), "{output:?}");
    }
}
