//! The library for Windows: its imports, exports and version, and programs that use it, compiled by
//! MinGW and run by wine.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lifepay_sandbox::{Options, Sandbox};

use crate::support::driver::{echo_server, silent_server};
use crate::support::pascal;
use crate::support::till::{kill_again_and_again, Kills};
use crate::support::tls_server::{pem_file, Authority, TlsServer};
use crate::support::tools::{root, run, scratch};
use crate::wine::Machine;

const MACHINES: [Machine; 2] = [Machine::X64, Machine::X86];

/// Returns the machines and the folders of their libraries. Empty if they cannot be built.
fn libraries() -> impl Iterator<Item = (Machine, std::path::PathBuf)> {
    let built = |machine: Machine| Some((machine, machine.folder()?));
    MACHINES.into_iter().filter_map(built)
}

fn lines_of(path: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(path)).expect(path);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// Returns objdump's listing of a file's headers.
fn headers(machine: Machine, file: &Path) -> String {
    let output = run(Command::new(machine.tool("objdump")).arg("-p").arg(file));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Returns the functions that a DLL or program imports, as "dll function".
fn imports(machine: Machine, file: &Path) -> BTreeSet<String> {
    let mut library = String::new();
    let mut found = BTreeSet::new();
    let headers = headers(machine, file);
    let (tables, _) = headers
        .split_once("\nThe Export Tables")
        .unwrap_or((&headers, ""));
    for line in tables.lines() {
        if let Some((_, name)) = line.split_once("DLL Name: ") {
            library = name.trim().to_ascii_lowercase();
        }
        // The line's format: "  address  hint  name"
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [address, hint, name] = words[..] {
            let is_hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !library.is_empty() && is_hex(address) && hint.parse::<u32>().is_ok() {
                found.insert(format!("{library} {name}"));
            }
        }
    }
    assert!(found.len() > 50, "objdump's format has changed: {found:?}");
    found
}

#[test]
fn nothing_is_imported_that_windows_7_lacks() {
    let known = lines_of("packaging/windows/windows-7.txt");
    for (machine, folder) in libraries() {
        for file in ["lifepay.dll", "lifepay-sandbox.exe"] {
            let imports = imports(machine, &folder.join(file));
            let unknown: Vec<_> = imports.difference(&known).collect();
            assert!(
                unknown.is_empty(),
                "{file} for {machine:?} imports functions that packaging/windows/windows-7.txt \
                 does not list; check whether Windows 7 has them: {unknown:#?}"
            );
        }
    }
}

#[test]
fn the_exports_are_the_interface_with_undecorated_names() {
    let symbols = lines_of("include/symbols.txt");
    let wanted: BTreeSet<_> = symbols
        .iter()
        .map(|line| line.split(' ').next().unwrap_or_default())
        .collect();
    for (machine, folder) in libraries() {
        let headers = headers(machine, &folder.join("lifepay.dll"));
        let (_, table) = headers.split_once("[Ordinal/Name Pointer] Table").unwrap();
        let exported: BTreeSet<_> = table
            .lines()
            .filter(|line| line.trim_start().starts_with('['))
            .filter_map(|line| line.split_whitespace().last())
            .collect();
        assert_eq!(exported, wanted, "{machine:?}");

        let prefix = if machine == Machine::X86 { "_" } else { "" };
        for library in ["lifepay.lib", "liblifepay.dll.a"] {
            let output = run(Command::new(machine.tool("nm")).arg(folder.join(library)));
            let stdout = String::from_utf8_lossy(&output.stdout);
            for name in &wanted {
                let symbol = format!(" T {prefix}{name}\n");
                assert!(
                    stdout.contains(&symbol),
                    "{library} for {machine:?}: {name}"
                );
            }
        }
    }
}

#[test]
fn the_library_says_its_name_and_version() {
    for machine in Machine::that_run() {
        let source = root().join("packaging/tests/windows/version.c");
        let library = machine.folder().unwrap().join("liblifepay.dll.a");
        let program = machine.compile(&source, &[library.to_str().unwrap(), "-lversion"]);
        let folder = program.parent().unwrap();
        run(machine.command(&program).current_dir(folder));
    }
}

#[test]
fn c_programs_pass_with_the_import_library() {
    for machine in Machine::that_run() {
        for (name, requests) in [
            ("calls", 12),
            ("ownership", 29),
            ("json", 4),
            ("nulls", 0),
            ("utf8", 0),
            ("words", 0),
        ] {
            let program = machine.compile_linked(&root().join(format!("tests/c/{name}.c")));
            let (server, received) = echo_server();
            let output = run(machine.command(&program).arg(server.url()));
            assert!(
                output.stdout.is_empty(),
                "{name} for {machine:?}: {output:?}"
            );
            assert_eq!(received.count(), requests, "{name} for {machine:?}");
        }
    }
}

#[test]
fn a_host_may_load_the_library_and_free_it_with_an_outbox_open() {
    for machine in Machine::that_run() {
        let program = machine.compile(&root().join("packaging/tests/windows/load.c"), &[]);
        let (server, received) = echo_server();
        let outbox = program.with_file_name(format!("{}.db", std::process::id()));
        let mut command = machine.command(&program);
        run(command
            .arg(server.url())
            .arg(&outbox)
            .current_dir(program.parent().unwrap()));
        assert_eq!(received.count(), 2);
    }
}

/// Runs the program unload, whose plugin closes its outbox in DllMain. `mode` is its last argument.
fn closes_in_dll_main(mode: &str) {
    // All modes use the same files, which another test must not recompile meanwhile.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for machine in Machine::that_run() {
        let library = machine.folder().unwrap().join("liblifepay.dll.a");
        let library = library.to_str().unwrap();
        let plugin = root().join("packaging/tests/windows/plugin.c");
        let plugin = machine.compile(&plugin, &["-shared", library]);
        let program = machine.compile(&root().join("packaging/tests/windows/unload.c"), &[library]);
        let folder = program.parent().unwrap();
        std::fs::copy(&plugin, folder.join("plugin.dll")).expect("a copy");
        let outbox = format!("{mode}-{}.db", std::process::id());
        let silent = silent_server();
        let url = silent.url();
        let mut command = machine.command(&program);
        let command = command.args([&url, &outbox, mode]).current_dir(folder);
        let output = command.output().expect("wine runs");
        // A thread that wine stops at exit may hold a lock that the process needs to exit. wine's
        // server kills the process a second later; by then the program has reported success.
        let ended = output.status.success() || output.status.signal() == Some(libc::SIGKILL);
        let passed = output.stdout.starts_with(b"passed");
        assert!(ended && passed, "{mode} for {machine:?}: {output:?}");
    }
}

#[test]
fn a_dll_that_is_unloaded_may_close_its_outbox() {
    for mode in ["at-once", "while-sending"] {
        closes_in_dll_main(mode);
    }
}

#[test]
fn a_dll_may_close_its_outbox_while_the_process_ends() {
    closes_in_dll_main("at-exit");
}

#[test]
fn the_log_file_is_rotated() {
    for machine in Machine::that_run() {
        let program = machine.compile_linked(&root().join("packaging/tests/windows/log.c"));
        let folder = program.with_file_name("logs");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut command = machine.command(&program);
        run(command.arg("logs").current_dir(program.parent().unwrap()));
    }
}

#[test]
fn an_outbox_on_a_share_of_the_network_is_refused() {
    for machine in Machine::that_run() {
        let program = machine.compile_linked(&root().join("packaging/tests/windows/network.c"));
        run(&mut machine.command(&program));
    }
}

#[test]
fn https_takes_the_roots_of_a_file_and_of_windows_store() {
    for machine in Machine::that_run() {
        let authority = Authority::new();
        let server = TlsServer::start(authority.issue(&["127.0.0.1"]));
        let pem = pem_file(&format!("wine-{machine:?}"), authority.pem());
        let der = scratch("pem").join(format!("wine-{machine:?}.der"));
        std::fs::write(&der, authority.der()).unwrap();
        let program = machine.compile(
            &root().join("packaging/tests/windows/https.c"),
            &[
                machine
                    .folder()
                    .unwrap()
                    .join("liblifepay.dll.a")
                    .to_str()
                    .unwrap(),
                "-lcrypt32",
            ],
        );
        let url = server.url();
        for arguments in [
            vec![url.as_str(), &pem],
            vec![der.to_str().unwrap()],
            vec![&url, "in store"],
        ] {
            run(machine.command(&program).args(arguments));
        }
    }
}

#[test]
fn an_outbox_killed_again_and_again_under_windows_loses_nothing() {
    for machine in Machine::that_run() {
        let program = machine.compile_linked(&root().join("tests/c/outbox_till.c"));
        let kills = Kills {
            name: match machine {
                Machine::X64 => "killed-x64",
                Machine::X86 => "killed-x86",
            },
            count: 20,
            enough: |outcome| outcome.submitted > 0 && outcome.reported > 0,
            longest_life: Duration::from_millis(1500),
            kill: |till: &mut Child| drop(till.kill()),
        };
        let _served = machine.served();
        let outcome = kill_again_and_again(|| machine.command(&program), &kills);
        assert!((kills.enough)(&outcome), "kills came too early");
    }
}

#[test]
fn pascal_programs_open_shifts_and_use_the_outbox() {
    let machines = Machine::that_run();
    if machines.is_empty() {
        return;
    }
    let Some(cross) = pascal::cross_compilers() else {
        return;
    };
    for machine in machines {
        let compiler = cross.join(match machine {
            Machine::X64 => "fpc-win64",
            Machine::X86 => "fpc-win32",
        });
        let out = pascal::fresh(&format!("wine-{}", machine.name()));
        let library = machine.folder().unwrap().join("lifepay.dll");
        std::fs::copy(library, out.join("lifepay.dll")).expect("a copy");
        let sandbox = Sandbox::start(Options::default()).expect("a sandbox");
        let url = sandbox.url();
        let login = "79031234567";
        for (name, arguments) in [
            ("OpenShift", ["--base-url", &url, "--login", login]),
            ("OutboxTill", ["shifts.db", login, "shift-1", &url]),
        ] {
            run(pascal::compiler(&compiler, "delphi", &out).arg(pascal::example(name)));
            let mut program = machine.command(&out.join(format!("{name}.exe")));
            program.current_dir(&out).env("LIFEPAY_APIKEY", "key");
            let output = run(program.args(arguments));
            let stdout = String::from_utf8_lossy(&output.stdout);
            let documents = sandbox.documents();
            let uuid = &documents.last().expect("a document").uuid;
            assert!(stdout.contains(uuid.as_str()), "{stdout}");
        }
        assert_eq!(sandbox.documents().len(), 2);
    }
}
