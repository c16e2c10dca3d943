//! The assembly of bindings/csharp: its tests, examples and README, on Mono and on .NET. Its
//! declarations match the header.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::Output;
use std::time::{Duration, Instant};

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;

use super::examples;
use crate::support::dotnet::{self, compile, compile_with, fresh, runtimes};
use crate::support::server::{read_request, recorder};
use crate::support::{library, tools, Server};

fn text(output: Output) -> String {
    String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8")
}

#[test]
fn the_assembly_passes_its_tests() {
    let Some(program) = compile(&dotnet::folder().join("tests/Tests.cs"), "tests") else {
        return;
    };
    for runtime in runtimes() {
        let sandbox = Sandbox::start(Options::default()).unwrap();
        let mut tests = runtime.command(&program);
        tests.arg(sandbox.url()).arg(fresh("files"));
        let printed = text(tools::run(tests.env("LIFEPAY_LIBRARY", library::path())));
        let last = printed.lines().last().unwrap_or_default();
        assert!(last.ends_with(" passed, 0 failed"), "{printed}");
        let requests = sandbox.requests();
        let sent = |ext_id: &str| {
            let mut found = requests
                .iter()
                .filter(|request| request.ext_id.as_deref() == Some(ext_id));
            found.next().and_then(|request| request.json.clone())
        };
        assert_eq!(sent("never-sent"), None);
        assert_eq!(sent("in-the-log"), None);
        let expected = json!({
            "apikey": "s3cr3t-apikey",
            "login": "79031234567",
            "cashier_name": "Иванова И. И. 🛒",
            "cashier_inn": "500100732259",
            "target_serial": "00106304012797",
            "ext_id": "every-field",
            "callback_url": "https://example.com/hook",
            "callback_data": {"till": 1},
        });
        let mut found = sent("every-field").expect("the request has arrived");
        // The library may send 0 or omit it.
        found.as_object_mut().expect("an object").remove("test");
        assert_eq!(found, expected);
        assert_eq!(
            sent("test-mode").expect("the request has arrived")["test"],
            1
        );
    }
}

/// Runs a check of an example with each runtime.
fn example(name: &str, check: impl Fn(&examples::ExitsWith)) {
    let source = dotnet::folder().join(format!("examples/{name}.cs"));
    let Some(program) = compile(&source, &format!("example-{name}")) else {
        return;
    };
    for runtime in runtimes() {
        check(&|status, arguments| {
            let mut command = runtime.command(&program);
            command
                .args(arguments)
                .env("LIFEPAY_LIBRARY", library::path())
                .env("LIFEPAY_APIKEY", "s3cr3t-apikey");
            let output = command.output().expect("it was compiled");
            assert_eq!(output.status.code(), Some(status), "{output:?}");
            text(output)
        });
    }
}

#[test]
fn the_example_opens_a_shift_and_prints_the_result() {
    example("OpenShift", examples::opens_a_shift);
}

#[test]
fn the_example_closes_a_shift_and_prints_the_result() {
    example("CloseShift", examples::closes_a_shift);
}

#[test]
fn the_outbox_example_loses_nothing_when_it_is_killed() {
    let source = dotnet::folder().join("examples/OutboxTill.cs");
    let Some(program) = compile(&source, "example-outbox") else {
        return;
    };
    for runtime in runtimes() {
        let file = fresh("outbox-till").join("shifts.db");
        examples::loses_nothing_when_it_is_killed(&file, || {
            let mut command = runtime.command(&program);
            command.env("LIFEPAY_LIBRARY", library::path());
            command
        });
    }
}

#[test]
fn the_readmes_programs_open_and_close_a_shift() {
    let readme = fs::read_to_string(dotnet::folder().join("README.md")).unwrap();
    let blocks = tools::blocks(&readme, "csharp");
    let [smallest, form, report, outbox, log] = &blocks[..] else {
        panic!("{} programs", blocks.len());
    };
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let source = |name: &str, program: &str| {
        let file = tools::scratch("dotnet").join(format!("{name}.cs"));
        let login = "Login = \"79031234567\"";
        let here = format!("{login}, BaseUrl = \"{}\"", sandbox.url());
        fs::write(&file, program.replace(login, &here)).unwrap();
        file
    };
    let Some(smallest) = compile(&source("smallest", smallest), "readme") else {
        return;
    };
    if tools::have_file("/usr/lib/mono/4.5/System.Windows.Forms.dll") {
        let windows = ["System.Windows.Forms", "System.Drawing"];
        compile_with(&source("form", form), "readme-form", &windows);
    }
    let fragments = format!(
        "using System; using System.Threading.Tasks; using LifePay;
         static class logger {{ public static void Log(string line) {{ Console.Error.WriteLine(line); }} }}
         static class Till {{
             static async Task Run() {{
                 {log} {report} Console.WriteLine(uuid); {outbox}
             }}
             static void Main() {{ Run().GetAwaiter().GetResult(); }}
         }}"
    );
    let fragments = compile(&source("fragments", &fragments), "readme-fragments").unwrap();
    for runtime in runtimes() {
        let run = |program| {
            let mut command = runtime.command(program);
            command.env("LIFEPAY_LIBRARY", library::path());
            text(tools::run(command.current_dir(fresh("readme-files"))))
        };
        let documents = || sandbox.documents();
        let expected = format!("принято: {}\n", {
            run(&smallest);
            &documents()[0].uuid
        });
        assert_eq!(run(&smallest), expected);
        let before = documents().len();
        let printed = run(&fragments);
        let made = documents();
        assert!(printed.contains(&made[before].uuid), "{printed}");
        let queued = made
            .iter()
            .find(|made| made.ext_id.as_deref() == Some("shift-1"));
        let accepted = format!("принято: {}\n", queued.expect("it was sent").uuid);
        assert!(printed.contains(&accepted), "{printed}");
        assert!(printed.contains("Info "), "{printed}");
    }
}

/// When a program ends, Mono waits for threads that are inside a library.
#[test]
fn a_program_may_end_during_any_operation() {
    let source = tools::root().join("tests/csharp/EndsInTheMiddle.cs");
    let Some(program) = compile(&source, "ends") else {
        return;
    };
    let (server, _) = recorder();
    let silent = Server::start(|mut stream, _| while read_request(&mut stream).is_some() {});
    for runtime in runtimes() {
        let ends_during = |operation: &str| {
            let mut command = runtime.command(&program);
            command
                .args([server.url(), silent.url()])
                .arg(fresh("ends-files").join("x.db"))
                .arg(operation)
                .env("LIFEPAY_LIBRARY", library::path());
            let began = Instant::now();
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(17), "{operation}: {output:?}");
            assert_eq!(text(output), "", "{operation}");
            assert!(began.elapsed() < Duration::from_secs(8), "{operation}");
        };
        for _ in 0..5 {
            ends_during("everything");
        }
        for operation in [
            "answer",
            "pause",
            "progress",
            "report",
            "handler",
            "stuck handler",
        ] {
            ends_during(operation);
        }
    }
}

/// Converts a name such as `retry_for_ms` or `TIMEOUT` to C#'s `RetryForMs` or `Timeout`.
fn pascal_case(name: &str) -> String {
    let words = name.split('_');
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..].to_lowercase();
    words.map(capital).collect()
}

fn ffi_header() -> String {
    fs::read_to_string(tools::root().join("include/lifepay.ffi.h")).unwrap()
}

fn sources() -> String {
    let files = fs::read_dir(dotnet::folder().join("src")).unwrap();
    let read = |file: fs::DirEntry| fs::read_to_string(file.path()).unwrap();
    files.map(|file| read(file.unwrap())).collect()
}

#[test]
fn every_struct_is_declared_as_in_the_header() {
    let (header, sources) = (ffi_header(), sources());
    let mut count = 0;
    for text in header.split("typedef struct ").skip(1) {
        let Some((name, rest)) = text.split_once(" {") else {
            continue;
        };
        let (body, _) = rest.split_once('}').unwrap();
        let fields = body.split(';').map(str::trim).filter(|f| !f.is_empty());
        let expected: Vec<String> = fields
            .map(|field| {
                let (c_type, name) = field.rsplit_once([' ', '*']).unwrap();
                let c_sharp = match c_type.trim() {
                    "int32_t" => "int",
                    "uint32_t" => "uint",
                    "int64_t" => "long",
                    "uint64_t" => "ulong",
                    _ => "IntPtr",
                };
                format!("public {c_sharp} {};", pascal_case(name))
            })
            .collect();
        let begin = format!("struct Native{}\n", pascal_case(&name["lp_".len()..]));
        let (_, body) = sources
            .split_once(&begin)
            .unwrap_or_else(|| panic!("{begin}"));
        let (body, _) = body.split_once('}').unwrap();
        let found: Vec<&str> = body
            .lines()
            .map(str::trim)
            .filter(|l| l.len() > 1)
            .collect();
        assert_eq!(found, expected, "{name}");
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn every_code_and_function_is_the_headers() {
    let (header, sources) = (ffi_header(), sources());
    let (_, codes) = header.split_once("enum {\n").unwrap();
    let (codes, _) = codes.split_once('}').unwrap();
    for line in codes.lines() {
        let (name, value) = line.trim().trim_end_matches(',').split_once(" = ").unwrap();
        let name = name.strip_prefix("LP_").unwrap();
        let own = ["OUTCOME_", "TRUST_", "PHASE_", "LOG_"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix));
        let expected = match own {
            Some(name) => format!(" {} = {value},", pascal_case(name)),
            None if name == "FOREVER" => "const uint Forever = 0xFFFFFFFF;".to_owned(),
            None if name.starts_with("VERSION_") => continue,
            None => match name.strip_prefix("ENTRY_") {
                Some(flag) => format!("{}Flag = {value}", pascal_case(flag)),
                None => {
                    let name = pascal_case(name.trim_start_matches("ERR_"));
                    format!("public const int {name} = {value};")
                }
            },
        };
        assert!(sources.contains(&expected), "{expected}");
    }
    for function in tools::functions_for_layers() {
        let is_needed = !function.ends_with("_json") && function != "lp_string_free";
        assert_eq!(
            sources.contains(&format!("(\"{function}\")")),
            is_needed,
            "{function}"
        );
    }
}

#[test]
fn compiling_is_reproducible() {
    let Some(first) = dotnet::assembly() else {
        return;
    };
    let again = fresh("again");
    tools::run(std::process::Command::new(dotnet::folder().join("build.sh")).arg(&again));
    for name in ["LifePay.dll", "LifePay.xml"] {
        let read = |folder: &std::path::Path| fs::read(folder.join(name)).unwrap();
        assert!(read(first.parent().unwrap()) == read(&again), "{name}");
    }
}
