//! The archives of a release: what is in them, that they are small, the same twice, run on old systems,
//! and serve a programmer who has no Rust.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use lifepay_sandbox::{Options, Sandbox};

use crate::support::tools::{self, root, run, scratch};
use crate::wine::{can_build, Machine};

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// No library is larger, in bytes.
const LARGEST: u64 = 3_000_000;

/// Makes the archives of what is built, once. None: the tools are missing.
pub(crate) fn archives() -> Option<&'static Path> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        // What packaging/archive builds wheels with comes with zig.
        let compiles = [can_build(), tools::have("mcs")];
        if compiles.contains(&false) {
            return None;
        }
        Machine::X64.folder()?;
        run(&mut Command::new(root().join("packaging/linux/build.sh")));
        make();
        Some(root().join("target/archives"))
    });
    made.as_deref()
}

fn make() {
    let mut archive = Command::new("python3");
    run(archive.arg(root().join("packaging/archive")).arg("--ready"));
}

/// Name → content of the files of the archives' folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(path).expect("a file"))
    };
    entries.map(|entry| read(entry.unwrap().path())).collect()
}

/// Unpacks an archive into an empty folder, and returns the one in it.
pub(crate) fn unpack(archive: &Path, name: &str) -> PathBuf {
    let folder = scratch(name);
    std::fs::remove_dir_all(&folder).expect("it is there");
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

fn linux(name: &str) -> Option<PathBuf> {
    let archive = archives()?.join(format!("lifepay-{VERSION}-linux-x86_64.tar.gz"));
    Some(unpack(&archive, name))
}

fn windows(name: &str) -> Option<PathBuf> {
    let archive = archives()?.join(format!("lifepay-{VERSION}-windows.zip"));
    Some(unpack(&archive, name))
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).expect("a file").len()
}

/// Runs a program against a sandbox; its output has the uuid.
pub(crate) fn opens_a_shift(command: &mut Command) {
    let sandbox = Sandbox::start(Options::default()).expect("a sandbox");
    command.args(["--base-url", &sandbox.url(), "--login", "79031234567"]);
    let output = run(command.env("LIFEPAY_APIKEY", "key"));
    let said = String::from_utf8_lossy(&output.stdout);
    let uuid = format!("uuid: {}", sandbox.documents()[0].uuid);
    assert!(said.contains(&uuid), "{said}");
}

#[test]
fn the_libraries_are_small() {
    let (Some(linux), Some(windows)) = (linux("small-linux"), windows("small-windows")) else {
        return;
    };
    for library in [
        linux.join("lib/liblifepay.so"),
        windows.join("x86/lifepay.dll"),
        windows.join("x64/lifepay.dll"),
    ] {
        println!("{}: {}", library.display(), size(&library));
        assert!(size(&library) < LARGEST, "{}", library.display());
    }
}

#[test]
fn the_sums_are_right_and_what_is_packed_twice_is_the_same() {
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
            format!("lifepay-{VERSION}-linux-x86_64.tar.gz"),
            format!("lifepay-{VERSION}-py3-none-manylinux2014_x86_64.whl"),
            format!("lifepay-{VERSION}-py3-none-win32.whl"),
            format!("lifepay-{VERSION}-py3-none-win_amd64.whl"),
            format!("lifepay-{VERSION}-windows.zip"),
        ]
    );
    run(Command::new("sha256sum")
        .args(["--check", "SHA256SUMS"])
        .current_dir(folder));
    // Into the same folder, which other tests may be reading: the bytes are the same, or this fails.
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
    let (Some(linux), Some(windows)) = (linux("paths-linux"), windows("paths-windows")) else {
        return;
    };
    let home = std::env::var("HOME").expect("a home");
    for file in [
        linux.join("lib/liblifepay.so"),
        linux.join("bin/lifepay-sandbox"),
        linux.join("bin/open_shift"),
        windows.join("x86/lifepay.dll"),
        windows.join("x64/lifepay.dll"),
        windows.join("x64/lifepay-sandbox.exe"),
        windows.join("x86/open_shift.exe"),
    ] {
        let content = std::fs::read(&file).expect("a file");
        for folder in [&*root().to_string_lossy(), &format!("{home}/.cargo")] {
            let found = content
                .windows(folder.len())
                .any(|part| part == folder.as_bytes());
            assert!(!found, "{folder} is in {}", file.display());
        }
    }
}

#[test]
fn the_linux_programs_run_on_glibc_2_17() {
    if !tools::have("objdump") {
        return;
    }
    let Some(folder) = linux("glibc") else { return };
    for name in [
        "lib/liblifepay.so",
        "bin/lifepay-sandbox",
        "bin/open_shift",
        "bin/outbox",
    ] {
        let output = run(Command::new("objdump").arg("-T").arg(folder.join(name)));
        let said = String::from_utf8_lossy(&output.stdout);
        let minors = said.split("GLIBC_2.").skip(1).filter_map(|rest| {
            rest.split(|c: char| !c.is_ascii_digit())
                .next()?
                .parse()
                .ok()
        });
        let latest: u32 = minors.max().expect("symbols of glibc");
        assert!(latest <= 17, "{name} needs glibc 2.{latest}");
    }
}

#[test]
fn a_c_program_is_built_against_the_linux_archive() {
    if ["gcc", "cmake"].map(tools::have).contains(&false) {
        return;
    }
    let Some(folder) = linux("c") else { return };
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
fn a_pascal_program_is_built_against_the_linux_archive() {
    if !tools::have("fpc") {
        return;
    }
    let Some(folder) = linux("pascal") else {
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
fn a_python_program_takes_the_wheel() {
    if !tools::have_python_module("ensurepip") {
        return;
    }
    let Some(archives) = archives() else { return };
    let venv = scratch("wheel-venv");
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&venv));
    let name = format!("lifepay-{VERSION}-py3-none-manylinux2014_x86_64.whl");
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args([
        "install",
        "--quiet",
        "--no-index",
        "--disable-pip-version-check",
    ]);
    run(pip.arg(archives.join(name)));
    let sandbox = Sandbox::start(Options::default()).expect("a sandbox");
    let program = format!(
        "import lifepay\nprint(lifepay.open_shift(apikey='k', login='79031234567', base_url='{}').uuid)",
        sandbox.url()
    );
    let mut python = Command::new(venv.join("bin/python"));
    let output = run(python.args(["-c", &program]).env_remove("LIFEPAY_LIBRARY"));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim(), sandbox.documents()[0].uuid);
}

#[test]
fn the_programs_of_the_windows_archive_run() {
    let Some(folder) = windows("windows-programs") else {
        return;
    };
    for machine in Machine::that_run() {
        let folder = folder.join(machine.name());
        opens_a_shift(&mut machine.command(&folder.join("open_shift.exe")));

        // A C program of one's own, built with the import library and the header of the archive.
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

        // The sandbox for Windows, which the example for Windows opens a shift at.
        let port_file = folder.join("port");
        let mut sandbox = machine.command(&folder.join("lifepay-sandbox.exe"));
        sandbox.args(["--port", "0", "--port-file"]).arg(&port_file);
        let mut sandbox = sandbox
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        crate::support::wait::until("the sandbox tells its port", || port_file.exists());
        let port = std::fs::read_to_string(&port_file).expect("a port");
        let mut example = machine.command(&folder.join("open_shift.exe"));
        let url = format!("http://127.0.0.1:{}", port.trim());
        example.args(["--base-url", &url, "--login", "79031234567"]);
        let output = example.env("LIFEPAY_APIKEY", "key").output();
        let _ = sandbox.kill();
        let _ = sandbox.wait();
        let output = output.expect("wine can be run");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("uuid: "),
            "{output:?}"
        );
    }
}

#[test]
fn the_component_for_1c_is_in_its_archive_for_all_platforms() {
    let Some(archives) = archives() else { return };
    let folder = unpack(&archives.join(format!("lifepay-{VERSION}-1c.zip")), "1c");
    let names: Vec<String> = files(&folder).into_keys().collect();
    assert_eq!(names.len(), 5, "{names:?}");
    let manifest = std::fs::read_to_string(folder.join("MANIFEST.XML")).expect("a manifest");
    for platform in [
        r#"os="Windows" path"#,
        r#"os="Linux" path"#,
        r#"arch="i386""#,
        r#"arch="x86_64""#,
    ] {
        assert!(manifest.contains(platform), "{platform}: {manifest}");
    }
    for name in names {
        let is_library = !name.to_uppercase().ends_with(".XML");
        assert!(
            !is_library || (manifest.contains(&name) && name.contains(&VERSION.replace('.', "_"))),
            "{name}"
        );
    }
}
