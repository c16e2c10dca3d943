//! The archives of a release: their contents and size, reproducible builds, old systems, and use
//! without Rust.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use lifepay_sandbox::{Options, Sandbox};

use crate::linux::Processor;
use crate::support::by_name;
use crate::support::child::Killed;
use crate::support::tools::{self, root, run, scratch};
use crate::support::wait;
use crate::wine::Machine;

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The largest size of a library, in bytes.
const LARGEST: u64 = 3_000_000;
/// The largest size of a sandbox, in bytes.
const LARGEST_SANDBOX: u64 = 4_000_000;

/// Makes the archives from the built files, once. None if tools are missing.
pub(crate) fn archives() -> Option<&'static Path> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        if !tools::have("mcs") {
            return None;
        }
        Machine::X64.folder()?;
        Processor::X86_64.folder()?;
        make();
        Some(root().join("target/archives"))
    });
    made.as_deref()
}

fn make() {
    let mut archive = Command::new("python3");
    run(archive.arg(root().join("packaging/archive")).arg("--ready"));
}

/// Returns the names and contents of the files in the archives' folder.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(path).expect("a file"))
    };
    entries.map(|entry| read(entry.unwrap().path())).collect()
}

/// Unpacks an archive into an empty folder, and returns the folder in it.
pub(crate) fn unpack(archive: &Path, name: &str) -> PathBuf {
    let folder = scratch(name);
    std::fs::remove_dir_all(&folder).expect("the folder exists");
    std::fs::create_dir(&folder).expect("a folder");
    let mut python = Command::new("python3");
    python.args([
        "-c",
        "import shutil, sys; shutil.unpack_archive(*sys.argv[1:])",
    ]);
    run(python.arg(archive).arg(&folder));
    let unpacked = folder.join(format!("lifepay-{VERSION}"));
    if unpacked.is_dir() {
        unpacked
    } else {
        folder
    }
}

/// Unpacks an archive for Linux into a folder for this test.
pub fn linux(processor: Processor, name: &str) -> Option<PathBuf> {
    let name_of_archive = format!("lifepay-{VERSION}-linux-{}.tar.gz", processor.name());
    Some(unpack(&archives()?.join(name_of_archive), name))
}

/// Unpacks all archives for Linux.
fn all_linux(name: &str) -> Vec<PathBuf> {
    let unpacked = |processor: Processor| linux(processor, &format!("{name}-{}", processor.name()));
    Processor::ALL.into_iter().filter_map(unpacked).collect()
}

pub(crate) fn windows(name: &str) -> Option<PathBuf> {
    let archive = archives()?.join(format!("lifepay-{VERSION}-windows.zip"));
    Some(unpack(&archive, name))
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).expect("a file").len()
}

/// Runs a program against a sandbox, and asserts that its output has the uuid.
pub(crate) fn opens_a_shift(command: &mut Command) {
    makes_a_document(command, &[]);
}

/// The same for any document. `arguments` follow the options.
pub(crate) fn makes_a_document(command: &mut Command, arguments: &[&str]) {
    let sandbox = Sandbox::start(Options::default()).expect("a sandbox");
    let printed = printed_at(&sandbox.url(), command, arguments);
    let uuid = format!("uuid: {}", sandbox.documents()[0].uuid);
    assert!(printed.lines().any(|line| line == uuid), "{printed}");
}

/// Starts a sandbox of the build, which writes its port to `port_file`, and checks that an example
/// opens a shift at it.
pub(crate) fn opens_a_shift_at(mut sandbox: Command, mut example: Command, port_file: &Path) {
    sandbox.args(["--port", "0", "--port-file"]).arg(port_file);
    let _sandbox = Killed(sandbox.stdout(Stdio::null()).spawn().expect("it starts"));
    wait::until("the sandbox reports its port", || port_file.exists());
    let port = std::fs::read_to_string(port_file).expect("a port");
    let url = format!("http://127.0.0.1:{}", port.trim());
    let printed = printed_at(&url, &mut example, &[]);
    assert!(printed.contains("uuid: "), "{example:?}: {printed}");
}

/// Runs a program against the sandbox at `url`, and returns its output.
fn printed_at(url: &str, program: &mut Command, arguments: &[&str]) -> String {
    program.args(["--base-url", url, "--login", "79031234567"]);
    let output = run(program.args(arguments).env("LIFEPAY_APIKEY", "key"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_libraries_and_the_sandboxes_are_small() {
    let Some(windows) = windows("small-windows") else {
        return;
    };
    let in_linux = ["lib/liblifepay.so", "bin/lifepay-sandbox"];
    let in_windows = ["lifepay.dll", "lifepay-sandbox.exe"];
    let linux = all_linux("small").into_iter();
    let linux = linux.map(|folder| in_linux.map(|name| folder.join(name)));
    let windows =
        ["x86", "x64"].map(|machine| in_windows.map(|name| windows.join(machine).join(name)));
    for [library, sandbox] in linux.chain(windows) {
        for (file, largest) in [(library, LARGEST), (sandbox, LARGEST_SANDBOX)] {
            println!("{}: {}", file.display(), size(&file));
            assert!(size(&file) < largest, "{}", file.display());
        }
    }
}

#[test]
fn the_sums_are_right_and_packing_is_reproducible() {
    if !tools::have("sha256sum") {
        return;
    }
    let Some(folder) = archives() else { return };
    let first = files(folder);
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            format!("LifePay.{VERSION}.nupkg"),
            "SHA256SUMS".to_owned(),
            format!("lifepay-{VERSION}-1c.zip"),
            format!("lifepay-{VERSION}-linux-aarch64.tar.gz"),
            format!("lifepay-{VERSION}-linux-i686.tar.gz"),
            format!("lifepay-{VERSION}-linux-x86_64.tar.gz"),
            format!("lifepay-{VERSION}-py3-none-manylinux2014_aarch64.whl"),
            format!("lifepay-{VERSION}-py3-none-manylinux2014_i686.whl"),
            format!("lifepay-{VERSION}-py3-none-manylinux2014_x86_64.whl"),
            format!("lifepay-{VERSION}-py3-none-win32.whl"),
            format!("lifepay-{VERSION}-py3-none-win_amd64.whl"),
            format!("lifepay-{VERSION}-windows.zip"),
            format!("lifepay_sandbox-{VERSION}-py3-none-manylinux2014_aarch64.whl"),
            format!("lifepay_sandbox-{VERSION}-py3-none-manylinux2014_i686.whl"),
            format!("lifepay_sandbox-{VERSION}-py3-none-manylinux2014_x86_64.whl"),
            format!("lifepay_sandbox-{VERSION}-py3-none-win32.whl"),
            format!("lifepay_sandbox-{VERSION}-py3-none-win_amd64.whl"),
        ]
    );
    run(Command::new("sha256sum")
        .args(["--check", "SHA256SUMS"])
        .current_dir(folder));
    // Packed into another folder, because other tests may be reading the first one.
    let again = scratch("archives-again");
    let mut archive = Command::new("python3");
    archive
        .arg(root().join("packaging/archive"))
        .arg("--ready")
        .arg(&again);
    run(&mut archive);
    for (name, content) in files(&again) {
        assert!(first[&name] == content, "{name} differs");
    }
}

#[test]
fn no_folder_of_the_builders_machine_is_in_the_programs() {
    let Some(windows) = windows("paths-windows") else {
        return;
    };
    let home = std::env::var("HOME").expect("a home");
    let windows = [
        "x86/lifepay.dll",
        "x64/lifepay.dll",
        "x64/lifepay-sandbox.exe",
        "x86/open_shift.exe",
    ]
    .map(|name| windows.join(name));
    let linux = all_linux("paths").into_iter().flat_map(|folder| {
        let names = [
            "lib/liblifepay.so",
            "lib/liblifepay.a",
            "bin/lifepay-sandbox",
            "bin/open_shift",
        ];
        names.map(|name| folder.join(name))
    });
    for file in linux.chain(windows) {
        let content = std::fs::read(&file).expect("a file");
        for folder in [&*root().to_string_lossy(), &format!("{home}/.cargo")] {
            let found = content
                .windows(folder.len())
                .any(|part| part == folder.as_bytes());
            assert!(!found, "{folder} is in {}", file.display());
        }
    }
}

/// Returns the dynamic symbols of a program or library for any processor: section ("UND": imported)
/// and name.
fn dynamic_symbols(file: &Path) -> Vec<(String, String)> {
    let mut readelf = Command::new("readelf");
    let output = run(readelf.args(["--wide", "--dyn-syms"]).arg(file));
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = stdout.lines().filter_map(|line| {
        // number: value size type binding visibility section name
        let words: Vec<&str> = line.split_whitespace().collect();
        Some((words.get(6)?.to_string(), words.get(7)?.to_string()))
    });
    lines.collect()
}

#[test]
fn the_linux_programs_run_on_glibc_2_17() {
    if !tools::have("readelf") {
        return;
    }
    for folder in all_linux("glibc") {
        for name in [
            "lib/liblifepay.so",
            "bin/lifepay-sandbox",
            "bin/open_shift",
            "bin/outbox",
        ] {
            let file = folder.join(name);
            let minors = dynamic_symbols(&file)
                .into_iter()
                .filter_map(|(_, symbol)| {
                    let (_, version) = symbol.split_once("@GLIBC_2.")?;
                    version.split('.').next()?.parse().ok()
                });
            let latest: u32 = minors.max().expect("symbols of glibc");
            assert!(latest <= 17, "{} needs glibc 2.{latest}", file.display());
        }
    }
}

#[test]
fn the_linux_libraries_export_the_interface_alone() {
    if !tools::have("readelf") {
        return;
    }
    let symbols = tools::symbols().into_iter();
    let wanted: BTreeSet<String> = symbols.map(|(name, _)| name).collect();
    for folder in all_linux("exports") {
        let symbols = dynamic_symbols(&folder.join("lib/liblifepay.so")).into_iter();
        let exported = symbols.filter(|(section, _)| section.parse::<u32>().is_ok());
        let exported: BTreeSet<String> = exported.map(|(_, name)| name).collect();
        assert_eq!(exported, wanted, "{}", folder.display());
    }
}

#[test]
fn a_c_program_is_built_against_the_linux_archive() {
    if ["gcc", "cmake"].map(tools::have).contains(&false) {
        return;
    }
    let Some(folder) = linux(Processor::X86_64, "c") else {
        return;
    };
    opens_a_shift(&mut Command::new(folder.join("bin/open_shift")));

    let program = folder.join("till");
    let mut gcc = Command::new("gcc");
    gcc.args([
        "examples-c/open_shift.c",
        "-o",
        "till",
        "-Iinclude",
        "-Llib",
        "-llifepay",
    ]);
    run(gcc.arg("-Wl,-rpath,$ORIGIN/lib").current_dir(&folder));
    opens_a_shift(&mut Command::new(&program));

    let build = folder.join("build");
    let mut cmake = Command::new("cmake");
    cmake
        .arg("-S")
        .arg(root().join("packaging/tests/installed/cmake"))
        .arg("-B")
        .arg(&build);
    cmake.arg(format!("-Dlifepay_DIR={}", folder.join("cmake").display()));
    cmake.arg(format!(
        "-DEXAMPLE={}",
        folder.join("examples-c/open_shift.c").display()
    ));
    run(&mut cmake);
    run(Command::new("cmake").arg("--build").arg(&build));
    opens_a_shift(&mut Command::new(build.join("till_shared")));
    opens_a_shift(&mut Command::new(build.join("till_static")));
}

#[test]
fn the_library_of_the_archive_is_found_by_its_name() {
    if let Some(folder) = linux(Processor::X86_64, "by-name") {
        by_name::find_it_in(&folder.join("lib"), "archive");
    }
}

#[test]
fn a_pascal_program_is_built_against_the_linux_archive() {
    if !tools::have("fpc") {
        return;
    }
    let Some(folder) = linux(Processor::X86_64, "pascal") else {
        return;
    };
    let mut fpc = Command::new("fpc");
    fpc.args([
        "-Mdelphi",
        "-Fubindings/delphi",
        "-FE.",
        "bindings/delphi/examples/OpenShift.dpr",
    ]);
    run(fpc.current_dir(&folder));
    let library = folder.join("lib/liblifepay.so.0");
    std::fs::copy(library, folder.join("liblifepay.so.0")).expect("a copy");
    opens_a_shift(&mut Command::new(folder.join("OpenShift")));
}

#[test]
fn the_programs_of_the_windows_archive_run() {
    let Some(folder) = windows("windows-programs") else {
        return;
    };
    for machine in Machine::that_run() {
        let folder = folder.join(machine.name());
        opens_a_shift(&mut machine.command(&folder.join("open_shift.exe")));

        // A user's C program, built with the import library and the header of the archive.
        let program = folder.join("till.exe");
        let mut gcc = Command::new(machine.tool("gcc"));
        gcc.arg("../examples-c/open_shift.c")
            .arg("-I../include")
            .arg("-o")
            .arg(&program);
        run(gcc
            .args(["liblifepay.dll.a", "-static-libgcc", "-lshell32"])
            .current_dir(&folder));
        opens_a_shift(&mut machine.command(&program));

        // The example for Windows opens a shift at the sandbox for Windows.
        let sandbox = machine.command(&folder.join("lifepay-sandbox.exe"));
        let example = machine.command(&folder.join("open_shift.exe"));
        opens_a_shift_at(sandbox, example, &folder.join("port"));
    }
}
