//! `LifePay.pas` from Free Pascal: in both of its string types, loaded and linked, run against the
//! sandbox, compared with the header that it stands on, and compiled for Windows.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lifepay_sandbox::{Options, Sandbox};
use support::{library, read_request, tools, Server};

/// What a string is: octets, as in Delphi 7, or UTF-16, as in Delphi 2009 and newer.
const MODES: [&str; 2] = ["delphi", "delphiunicode"];
/// Without a locale Free Pascal takes ASCII for the system's code page.
const LOCALES: [&str; 2] = ["C", "C.UTF-8"];
/// Warnings are errors.
const STRICT: [&str; 4] = ["-l-", "-v0", "-vew", "-Sew"];
/// Notes and hints too.
const STRICTEST: [&str; 4] = ["-l-", "-v0", "-vewnh", "-Sewnh"];
/// Free Pascal's own library has octets in either mode: that a string is converted is no mistake.
const CONVERSIONS: [&str; 2] = ["-vm4104", "-vm4105"];

fn unit_file() -> PathBuf {
    tools::root().join("bindings/delphi/LifePay.pas")
}

fn example(name: &str) -> PathBuf {
    tools::root().join(format!("bindings/delphi/examples/{name}.dpr"))
}

fn test_program(name: &str) -> PathBuf {
    tools::root().join(format!("tests/pascal/{name}.pas"))
}

/// A folder of this name, empty.
fn fresh(name: &str) -> PathBuf {
    let folder = tools::scratch("pascal").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn compiler(command: impl AsRef<std::ffi::OsStr>, mode: &str, out: &Path) -> Command {
    let mut compiler = Command::new(command);
    compiler
        .arg(format!("-M{mode}"))
        .arg(format!("-FE{}", out.display()));
    for folder in ["bindings/delphi", "tests/pascal"] {
        compiler.arg(format!("-Fu{}", tools::root().join(folder).display()));
    }
    compiler
}

/// Compiles a program into a folder of its own, with the library beside it.
fn compile(source: &Path, name: &str, mode: &str, flags: &[&str]) -> PathBuf {
    let out = fresh(name);
    let mut compiler = compiler("fpc", mode, &out);
    compiler.args(STRICT).args(flags);
    if mode == "delphiunicode" {
        compiler.args(CONVERSIONS);
    }
    tools::run(compiler.arg(source));
    std::os::unix::fs::symlink(library::path(), out.join("liblifepay.so.0")).expect("a link");
    out.join(source.file_stem().expect("a name"))
}

/// Flags that link a program with the library, in place of loading it.
fn linked() -> Vec<String> {
    let folder = library::folder();
    let _ = std::os::unix::fs::symlink("liblifepay.so", folder.join("liblifepay.so.0"));
    vec![
        "-dLIFEPAY_STATIC".into(),
        format!("-Fl{}", folder.display()),
        "-k-rpath".into(),
        format!("-k{}", folder.display()),
    ]
}

/// Runs the test program, which must say nothing and leave nothing on its heap, against a sandbox of
/// its own.
fn passes(runner: Option<Command>, program: &Path, mode: &str, locale: &str) {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let silent = Server::start(|mut stream, _| while read_request(&mut stream).is_some() {});
    let folder = program.parent().unwrap();
    let files = folder.join("files");
    let _ = fs::remove_dir_all(&files);
    fs::create_dir_all(&files).unwrap();
    let heap = folder.join("heap");
    let _ = fs::remove_file(&heap);
    let by_valgrind = runner.is_some();
    let mut command = match runner {
        Some(mut runner) => {
            runner.arg(program);
            runner
        }
        None => Command::new(program),
    };
    let output = tools::run(
        command
            .args([sandbox.url(), silent.url()])
            .arg(&files)
            .env("LC_ALL", locale)
            .env_remove("LIFEPAY_LOG")
            .env("HEAPTRC", format!("log={}", heap.display())),
    );
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
    if !by_valgrind {
        let heap = fs::read_to_string(heap).expect("the heap's report");
        assert!(heap.contains("\n0 unfreed memory blocks"), "{heap}");
    }
    everything_came(&sandbox, mode);
}

/// What the test program has sent.
fn everything_came(sandbox: &Sandbox, mode: &str) {
    let requests = sandbox.requests();
    let json = |ext_id: &str| {
        let request = requests
            .iter()
            .find(|request| request.ext_id.as_deref() == Some(ext_id))
            .unwrap_or_else(|| panic!("{ext_id} has not come"));
        let mut json = request.json.clone().expect("JSON");
        // Whether 0 is sent is the library's affair.
        json["test"] = 0.into();
        json
    };
    let expected = serde_json::json!({
        "test": 0,
        "apikey": "s3cr3t-apikey",
        "login": "79031234567",
        "cashier_name": "Ivanova",
        "cashier_inn": "500100732259",
        "target_serial": "00106304012797",
        "ext_id": "pascal-every-field",
        "callback_url": "https://example.com/callback",
        "callback_data": {"till": 1},
    });
    assert_eq!(json("pascal-every-field"), expected);
    assert_eq!(json("pascal-callback-data")["callback_data"], "till 1");
    let encodings: &[&str] = match mode {
        "delphi" => &["pascal-cp1251", "pascal-utf8"],
        _ => &["pascal-utf16"],
    };
    for ext_id in encodings {
        assert_eq!(json(ext_id)["cashier_name"], "Иванова", "{ext_id}");
    }
    let is_test = |json: &serde_json::Value| json["test"] == 1 || json["test"] == true;
    assert!(requests
        .iter()
        .any(|request| request.json.as_ref().is_some_and(is_test)));
}

#[test]
fn the_unit_compiles_without_a_warning_a_note_or_a_hint() {
    if !tools::have("fpc") {
        return;
    }
    for mode in MODES {
        for flags in [&[][..], &["-dLIFEPAY_STATIC"], &["-Criot", "-O3"]] {
            let mut compiler = compiler("fpc", mode, &fresh("unit"));
            tools::run(compiler.args(STRICTEST).args(flags).arg(unit_file()));
        }
    }
}

#[test]
fn programs_pass_with_strings_of_octets() {
    if tools::have("fpc") {
        let program = compile(&test_program("Tests"), "octets", "delphi", &["-gh", "-gl"]);
        LOCALES.map(|locale| passes(None, &program, "delphi", locale));
    }
}

#[test]
fn programs_pass_with_strings_of_utf16() {
    if tools::have("fpc") {
        let mode = "delphiunicode";
        let program = compile(&test_program("Tests"), "utf16", mode, &["-gh", "-gl"]);
        LOCALES.map(|locale| passes(None, &program, mode, locale));
    }
}

#[test]
fn programs_pass_with_the_checks_that_a_project_may_set() {
    if tools::have("fpc") {
        let flags = ["-gh", "-Criot", "-Sy", "-O3"];
        let program = compile(&test_program("Tests"), "checked", "delphi", &flags);
        passes(None, &program, "delphi", "C.UTF-8");
    }
}

#[test]
fn programs_pass_when_they_are_linked_with_the_library() {
    if tools::have("fpc") {
        let linked = linked();
        let mut flags: Vec<&str> = linked.iter().map(String::as_str).collect();
        flags.push("-gh");
        let program = compile(&test_program("Tests"), "linked", "delphi", &flags);
        fs::remove_file(program.with_file_name("liblifepay.so.0")).unwrap();
        passes(None, &program, "delphi", "C.UTF-8");
    }
}

#[test]
fn programs_make_no_memory_error() {
    if tools::have("fpc") && tools::have("valgrind") {
        // With the heap of C, which valgrind knows.
        let flags = ["-Facmem", "-gv"];
        let program = compile(&test_program("Tests"), "valgrind", "delphi", &flags);
        passes(Some(tools::valgrind()), &program, "delphi", "C.UTF-8");
    }
}

/// What Load prints about a file.
fn told(load: &Path, file: Option<&Path>) -> String {
    let mut command = Command::new(load);
    command.args(file).env("LC_ALL", "C.UTF-8");
    let output = tools::run(command.env_remove("LD_LIBRARY_PATH"));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.trim_end().to_owned()
}

#[test]
fn a_library_that_is_missing_or_wrong_is_a_clear_error() {
    if !tools::have("fpc") || !tools::have("gcc") {
        return;
    }
    for mode in MODES {
        let load = compile(
            &test_program("Load"),
            &format!("load-{mode}"),
            mode,
            &["-gl"],
        );
        let folder = load.parent().unwrap();
        assert_eq!(told(&load, None), env!("CARGO_PKG_VERSION"));
        fs::remove_file(folder.join("liblifepay.so.0")).unwrap();
        let missing = told(&load, None);
        assert!(
            missing.starts_with(&format!(
                "Библиотека liblifepay.so.0 не найдена. Положите 64-битную библиотеку рядом с \
                 программой, в папку {}/ (",
                folder.display()
            )),
            "{missing}"
        );
        assert_eq!(
            told(&load, Some(&library::path())),
            env!("CARGO_PKG_VERSION")
        );

        let none = folder.join("нет.so");
        let missing = told(&load, Some(&none));
        let expected = format!("Библиотека {} не найдена (", none.display());
        assert!(missing.starts_with(&expected), "{missing}");

        let other = folder.join("32-bit.so");
        fs::write(&other, [&b"\x7fELF\x01\x01\x01"[..], &[0; 100]].concat()).unwrap();
        let wrong = told(&load, Some(&other));
        let expected = format!(
            "Библиотека {} не загружается: она повреждена или другой разрядности. Этой программе \
             нужна 64-битная библиотека (",
            other.display()
        );
        assert!(wrong.starts_with(&expected), "{wrong}");

        let foreign = shared_object(folder, "foreign", "int lp_versions;");
        let expected = "не библиотека lifepay: в нем нет lp_version_number";
        assert_eq!(
            told(&load, Some(&foreign)),
            format!("Файл {} - {expected}", foreign.display())
        );

        let old = "unsigned lp_version_number(void) { return 99; }";
        let old = shared_object(folder, "old", old);
        let told = told(&load, Some(&old));
        let expected = format!(
            "Библиотека {} устарела: ее версия 0.0.99, а программе нужна 0.1.0 или новее (в ней нет \
             lp_config_init, lp_result_init, ",
            old.display()
        );
        assert!(told.starts_with(&expected), "{told}");
        assert!(!told.contains("lp_version_number"), "{told}");
    }
}

fn shared_object(folder: &Path, name: &str, source: &str) -> PathBuf {
    let file = folder.join(format!("{name}.c"));
    fs::write(&file, source).unwrap();
    let object = file.with_extension("so");
    let mut compiler = Command::new("gcc");
    compiler
        .args(["-shared", "-fPIC"])
        .arg(&file)
        .arg("-o")
        .arg(&object);
    tools::run(&mut compiler);
    object
}

fn open_shift(program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LIFEPAY_APIKEY", "s3cr3t-apikey")
        .env_remove("LIFEPAY_LOG")
        .env("LC_ALL", "C.UTF-8");
    command.output().expect("it was compiled")
}

#[test]
fn the_example_opens_a_shift_and_tells_what_came_of_it() {
    if !tools::have("fpc") {
        return;
    }
    for mode in MODES {
        let sandbox = Sandbox::start(Options::default()).unwrap();
        let url = sandbox.url();
        let program = compile(
            &example("OpenShift"),
            &format!("example-{mode}"),
            mode,
            &["-gl"],
        );
        let ends = |status: i32, arguments: &[&str]| {
            let output = open_shift(&program, arguments);
            assert_eq!(output.status.code(), Some(status), "{output:?}");
            let text = [output.stdout, output.stderr].concat();
            String::from_utf8(text).expect("UTF-8")
        };
        let common = ["--base-url", &url, "--ext-id", "shift-1", "--login"];
        let with = |more: &[&'static str]| [&common[..], more].concat();

        let name = ["79031234567", "--cashier-name", "Иванова"];
        let printed = ends(0, &with(&name));
        let document = &sandbox.documents()[0];
        assert!(printed.contains(&format!("uuid: {}\n", document.uuid)));
        assert!(printed.contains("ext_id: shift-1\n"), "{printed}");
        let sent = sandbox.requests()[0].json.clone().unwrap();
        assert_eq!(sent["cashier_name"], "Иванова");

        let printed = ends(0, &with(&["79031234567", "--test"]));
        assert!(printed.contains("uuid: (none: test mode)"), "{printed}");
        let printed = ends(1, &with(&["70000000400"]));
        assert!(printed.contains("LP_DATA_ERROR (400)"), "{printed}");
        assert!(printed.contains("field: "), "{printed}");
        ends(2, &with(&[""]));
        ends(2, &["--unknown", "1"]);
        ends(2, &["--timeout-ms", "-1"]);
        ends(2, &["--login"]);
        let nobody = ["--base-url", "http://127.0.0.1:1", "--login", "79031234567"];
        let printed = ends(3, &nobody);
        assert!(printed.contains("nothing was sent"), "{printed}");
        let lost = ["79031234567", "--target-serial", "00000000000504"];
        let printed = ends(4, &[&with(&lost)[..], &["--ext-id", "shift-2"]].concat());
        assert!(printed.contains("unknown"), "{printed}");
        let printed = ends(3, &["--library", "none.so", "--login", "79031234567"]);
        assert!(printed.contains("none.so не найдена"), "{printed}");
        assert!(ends(0, &["--help"]).contains("Usage"));
    }
}

#[test]
fn the_outbox_example_loses_nothing_when_it_is_killed() {
    if !tools::have("fpc") {
        return;
    }
    let program = compile(&example("OutboxTill"), "example-outbox", "delphi", &["-gl"]);
    // It takes the request and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let file = program.with_file_name("shifts.db");
    let till = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command
            .arg(&file)
            .args(["79031234567", "shift-1", &url])
            .args(arguments)
            .env("LIFEPAY_APIKEY", "s3cr3t-apikey")
            .env_remove("LIFEPAY_LOG")
            .env("LC_ALL", "C.UTF-8");
        command
    };
    let mut killed = till(&[]).stdout(Stdio::null()).spawn().unwrap();
    let (mut request, _) = silent.accept().unwrap();
    request.read_exact(&mut [0; 16]).unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    drop((request, silent));

    let options = Options {
        port,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).unwrap();
    let output = tools::run(&mut till(&["30"]));
    let printed = String::from_utf8(output.stdout).unwrap();
    let documents = sandbox.documents();
    assert_eq!(documents.len(), 1, "{printed}");
    assert!(printed.starts_with("entry: shift-1 of "), "{printed}");
    assert!(
        printed.contains(&format!("uuid: {}\n", documents[0].uuid)),
        "{printed}"
    );
    assert!(printed.ends_with("pending: 0\n"), "{printed}");

    let output = Command::new(&program).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let output = till(&[]).env("LIFEPAY_APIKEY", "").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn the_readmes_and_the_units_smallest_programs_open_a_shift() {
    if !tools::have("fpc") {
        return;
    }
    let readme = fs::read_to_string(tools::root().join("README.md")).unwrap();
    let (_, block) = readme.split_once("```pascal\n").expect("a block");
    let (program, _) = block.split_once("```").expect("its end");
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let source = fresh("readme-source").join("Till.dpr");
    let told = |program: &str| {
        fs::write(
            &source,
            program.replace("http://127.0.0.1:8080", &sandbox.url()),
        )
        .unwrap();
        let program = compile(&source, "readme", "delphi", &[]);
        let output = tools::run(Command::new(program).env("LC_ALL", "C.UTF-8"));
        String::from_utf8(output.stdout).unwrap()
    };
    let printed = told(program);
    let expected = format!("accepted: {}\n", sandbox.documents()[0].uuid);
    assert_eq!(printed, expected);

    let unit = fs::read_to_string(unit_file()).unwrap();
    let (_, example) = unit.split_once(" *\n *     Shift := ").unwrap();
    let (example, _) = example.split_once(" *\n").unwrap();
    let example = example.replace("\n *     ", "\n").replace(
        "      try\n",
        "      Shift.BaseUrl := 'http://127.0.0.1:8080';\n      try\n",
    );
    let example = example.replacen(
        "  try\n    WriteLn",
        "  Shift.BaseUrl := 'http://127.0.0.1:8080';\n  try\n    WriteLn",
        1,
    );
    let head = "program Till;\nuses cthreads, LifePay;\nvar Shift: TLifePay;\nbegin\nShift := ";
    assert_eq!(told(&format!("{head}{example}\nend.\n")), expected);
}

// ---------------------------------------------------------------------- the unit and the header

/// The unit without its comments, its white space squeezed.
fn unit_code() -> String {
    let unit = fs::read_to_string(unit_file()).unwrap();
    let (_, unit) = unit.split_once("*)").unwrap();
    let lines = unit
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The header without its comments and preprocessor lines.
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
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A field or a parameter of C: its type as the unit writes it, and its name.
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
        // Delphi 7 has no unsigned type of 64 bits.
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

/// Name, parameters' types and result of each function in the header, as the unit writes them.
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

/// The same of a declaration in the unit, which begins after `start`.
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

/// Whether what follows the declarations and the loading calls a function.
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
    let functions = functions();
    let listed = fs::read_to_string(tools::root().join("include/symbols.txt")).unwrap();
    let listed: Vec<&str> = listed
        .lines()
        .filter(|line| line.starts_with("lp_"))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let mut names: Vec<&str> = functions.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, listed);
    for (name, expected) in &functions {
        let kind = ["procedure", "function"][usize::from(expected.contains("):"))];
        let kind = match name.as_str() {
            "lp_version" | "lp_version_number" => "function",
            _ => kind,
        };
        // Linked, and loaded.
        let linked = signature(&code, &format!(" {kind} {name}"));
        assert_eq!(&linked, expected, "{name}");
        let loaded = signature(&code, &format!(" {name}: {kind}"));
        assert_eq!(&loaded, expected, "{name}");
        let external = format!("{kind} {name}; external LIFEPAY_LIBRARY name '{name}';");
        assert!(code.contains(&external), "{external}");
        let found = format!("Find(@@{name}, '{name}');");
        assert!(code.contains(&found), "{found}");
        // And the classes or functions for Delphi strings call it.
        assert!(
            calls(&code, name),
            "{name} is not within reach of Delphi strings"
        );
    }
}

/// The header's structs: their names, and their fields' types and names as the unit writes them.
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
    // The library's affair, or told in another way.
    let passed_over = ["struct_size", "owner", "reserved"];
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
            // Callbacks are set where they are called.
            body.split_once("function TLifePay.OpenShift").unwrap().0
        } else {
            body.split_once(" end; function ")
                .map_or(body, |(body, _)| body)
        };
        for (_, field) in fields {
            let used = body.contains(&format!("{prefix}{field}"));
            assert!(
                used || passed_over.contains(&field.as_str()),
                "{name}.{field}"
            );
        }
    }
}

/// The header's constants, their values as the header writes them.
fn constants() -> Vec<(String, i64)> {
    let header = fs::read_to_string(tools::root().join("include/lifepay.h")).unwrap();
    let defines = header.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix("#define ")?.split_once(' ')?;
        let value = match value {
            "0xFFFFFFFFu" => i64::from(u32::MAX),
            value => value.parse().ok()?,
        };
        Some((name.to_owned(), value))
    });
    defines.collect()
}

#[test]
fn every_constant_has_the_headers_value() {
    if !tools::have("fpc") {
        return;
    }
    let constants = constants();
    assert!(constants.len() >= 44, "{constants:?}");
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

    // And none that the header does not have.
    let code = unit_code();
    for word in code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        assert!(
            !word.starts_with("LP_") || constants.iter().any(|(name, _)| name == word),
            "{word}"
        );
    }
}

/// What gives a field's address: @ of a procedural variable is what it points to.
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

/// A program that compiles only if every field stands where C has it: one after the other, without
/// a gap, which tests/c/layout.c asserts for all platforms.
fn layout_that_asserts(pointer: usize) -> String {
    let mut source = String::from("program Layout;\nuses LifePay;\ntype\n");
    for (name, fields) in structs() {
        let mut offset = 0;
        for (c_type, field) in fields {
            // Free Pascal cannot tell this one's place at compile time; its neighbours enclose it.
            if field != "on_progress" {
                source.push_str(&format!(
                    "  {name}_{field} = array[1..Ord(PtrUInt(@P{name}(nil)^.{field}) = {offset})] \
                     of Byte;\n"
                ));
            }
            offset += match c_type.as_str() {
                "Integer" | "Cardinal" => 4,
                "Int64" => 8,
                _ => pointer,
            };
        }
        source.push_str(&format!(
            "  Size_{name} = array[1..Ord(SizeOf({name}) = {offset})] of Byte;\n"
        ));
    }
    source + "begin\nend.\n"
}

#[test]
fn unit_and_examples_compile_for_windows() {
    let version = Command::new("fpc").arg("-iV").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let sources = format!("/usr/share/fpcsrc/{}", version.unwrap_or_default());
    if !tools::have("fpc") || !tools::have_folder(&sources) {
        return;
    }
    let cross = tools::scratch("pascal-windows");
    let script = tools::root().join("packaging/windows/fpc-units.sh");
    tools::run(Command::new(script).arg(&cross));
    for (target, pointer) in [("win32", 4), ("win64", 8)] {
        let command = cross.join(format!("fpc-{target}"));
        for mode in MODES {
            for linking in ["-dLIFEPAY_STATIC", "-uLIFEPAY_STATIC"] {
                let out = fresh(&format!("{target}-{mode}"));
                let mut strictest = compiler(&command, mode, &out);
                strictest.args(STRICTEST).arg(linking).arg(unit_file());
                tools::run(&mut strictest);
                for name in ["OpenShift", "OutboxTill"] {
                    let mut strict = compiler(&command, mode, &out);
                    strict.args(STRICT).args(CONVERSIONS).arg(linking);
                    tools::run(strict.arg(example(name)));
                    let program = fs::read(out.join(format!("{name}.exe"))).unwrap();
                    assert!(program.starts_with(b"MZ"));
                }
            }
        }
        let out = fresh(&format!("{target}-layout"));
        let file = out.join("Layout.pas");
        fs::write(&file, layout_that_asserts(pointer)).unwrap();
        let mut strict = compiler(&command, "delphi", &out);
        tools::run(strict.args(STRICT).arg(&file));
        // That it can fail at all.
        fs::write(&file, layout_that_asserts(12 - pointer)).unwrap();
        let mut strict = compiler(&command, "delphi", &out);
        let output = strict.args(STRICT).arg(&file).output().unwrap();
        assert!(!output.status.success());
    }
}

#[test]
fn the_unit_is_one_that_delphi_7_reads() {
    let unit = fs::read(unit_file()).unwrap();
    // Delphi 7 takes it for CP1251, newer ones for UTF-8.
    assert!(unit.is_ascii());
    let code = format!(" {} ", unit_code().to_lowercase());
    // What came after Delphi 7.
    let newer = [
        " strict private",
        " strict protected",
        " helper for ",
        " generic ",
        " specialize ",
        "tarray<",
        "tlist<",
        " reference to ",
        "; inline",
        " nativeint",
        " uint64",
        " qword",
        " operator ",
        " record private",
        " sealed",
        " for var ",
        " begin var ",
        "exit(",
        "+=",
    ];
    for word in newer {
        let word_found = code.contains(word);
        assert!(!word_found, "{word}");
    }
    let loops = code.split(" for ").skip(1);
    for text in loops {
        let head = text.split(" do ").next().unwrap();
        assert!(head.contains(":="), "for {head}");
    }
}
