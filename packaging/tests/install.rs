//! The installed library: the files that cargo-c installs, and C programs that find the shared and the
//! static library through pkg-config and CMake.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::archive;
use crate::support::driver::{echo_server, run_program};
use crate::support::tools::{root, run, scratch};
use crate::support::{by_name, outbox, tools};

/// Returns the prefix of the installation. None if a tool is missing. If cargo-c is missing, the
/// script takes minutes to install it, so this is done only in CI, where tools are required.
fn prefix() -> Option<&'static Path> {
    static PREFIX: OnceLock<Option<PathBuf>> = OnceLock::new();
    let prefix = PREFIX.get_or_init(|| {
        // Checks all tools, so that every missing one is named.
        let found = ["pkg-config", "cmake", "gcc", "objdump", "nm"].map(tools::have);
        let cargo_c = tools::are_required() || tools::have("cargo-cinstall");
        (cargo_c && !found.contains(&false)).then(|| {
            let prefix = scratch("installed");
            std::fs::remove_dir_all(&prefix).expect("the folder exists");
            let mut install = Command::new(root().join("packaging/linux/install.sh"));
            // A separate target folder, because cargo's is locked while this test runs.
            install.env("CARGO_TARGET_DIR", scratch("install-build"));
            // Speed and size do not matter here, so it is built without optimisation.
            for (setting, value) in [("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "16")] {
                install.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
            }
            run(install.arg(&prefix));
            prefix
        })
    });
    prefix.as_deref()
}

/// Returns the output of pkg-config.
fn pkg_config(prefix: &Path, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    let output = run(command.args(arguments).arg("lifepay"));
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    stdout.split_whitespace().map(str::to_owned).collect()
}

/// Compiles the C example with these arguments.
fn compile(name: &str, arguments: &[String]) -> PathBuf {
    let program = scratch("install").join(name);
    let mut gcc = Command::new("gcc");
    gcc.arg(root().join("examples-c/open_shift.c"));
    run(gcc.arg("-o").arg(&program).args(arguments));
    program
}

/// Runs the example against a sandbox, with the library of the prefix.
fn opens_a_shift(program: &Path, prefix: &Path) {
    archive::opens_a_shift(Command::new(program).env("LD_LIBRARY_PATH", prefix.join("lib")));
}

/// Returns the shared libraries that a program needs.
fn needed(program: &Path) -> String {
    let output = run(Command::new("objdump").arg("-p").arg(program));
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = stdout.lines().filter(|line| line.contains("NEEDED"));
    lines.collect()
}

#[test]
fn the_library_is_installed_by_its_version() {
    let Some(prefix) = prefix() else { return };
    let version = env!("CARGO_PKG_VERSION");
    let library = prefix.join(format!("lib/liblifepay.so.{version}"));
    for name in ["lib/liblifepay.so", "lib/liblifepay.so.0"] {
        let link = std::fs::canonicalize(prefix.join(name)).expect(name);
        assert_eq!(link, library);
    }
    let output = run(Command::new("objdump").arg("-p").arg(&library));
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let soname = stdout.lines().find(|line| line.contains("SONAME"));
    assert!(soname.is_some_and(|line| line.ends_with(" liblifepay.so.0")));
    for name in ["lifepay.h", "lifepay.hpp", "lifepay.ffi.h"] {
        let installed = std::fs::read(prefix.join("include").join(name)).expect(name);
        assert_eq!(
            installed,
            std::fs::read(root().join("include").join(name)).unwrap()
        );
    }
    assert_eq!(pkg_config(prefix, &["--modversion"]), [version]);
}

#[test]
fn a_program_finds_the_shared_library_through_pkg_config() {
    let Some(prefix) = prefix() else { return };
    let program = compile("shared", &pkg_config(prefix, &["--cflags", "--libs"]));
    assert!(needed(&program).contains("liblifepay.so.0"));
    opens_a_shift(&program, prefix);
}

#[test]
fn a_program_takes_the_static_library_through_pkg_config() {
    let Some(prefix) = prefix() else { return };
    // pkg-config's arguments, but with the static library where both exist.
    let mut line = pkg_config(prefix, &["--static", "--cflags", "--libs"]);
    let place = line
        .iter()
        .position(|word| word == "-llifepay")
        .expect("-llifepay");
    line[place] = "-l:liblifepay.a".to_owned();
    let program = compile("static", &line);
    assert!(!needed(&program).contains("lifepay"));
    opens_a_shift(&program, prefix);
}

#[test]
fn programs_find_both_libraries_through_cmake() {
    let Some(prefix) = prefix() else { return };
    let build = scratch("install-cmake");
    let mut cmake = Command::new("cmake");
    cmake
        .arg("-S")
        .arg(root().join("packaging/tests/installed/cmake"))
        .arg("-B")
        .arg(&build);
    cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    cmake.arg(format!(
        "-DEXAMPLE={}",
        root().join("examples-c/open_shift.c").display()
    ));
    run(&mut cmake);
    run(Command::new("cmake").arg("--build").arg(&build));
    for (program, is_shared) in [("till_shared", true), ("till_static", false)] {
        let program = build.join(program);
        assert_eq!(needed(&program).contains("liblifepay.so.0"), is_shared);
        opens_a_shift(&program, prefix);
    }
}

#[test]
fn cmake_refuses_a_version_that_is_not_installed() {
    let Some(prefix) = prefix() else { return };
    let source = scratch("install-cmake-later");
    let wanted = "cmake_minimum_required(VERSION 3.13)\nproject(till C)\nfind_package(lifepay 99 REQUIRED)\n";
    std::fs::write(source.join("CMakeLists.txt"), wanted).unwrap();
    let mut cmake = Command::new("cmake");
    cmake
        .arg("-S")
        .arg(&source)
        .arg("-B")
        .arg(source.join("build"));
    cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    let output = cmake.output().expect("cmake can be run");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && stderr.contains("version: 0."),
        "{stderr}"
    );
}

#[test]
fn the_static_library_keeps_its_sqlite_to_itself() {
    let Some(prefix) = prefix() else { return };
    let archive = prefix.join("lib/liblifepay.a");
    let output = run(Command::new("nm")
        .args(["-g", "--defined-only"])
        .arg(&archive));
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let defined: Vec<&str> = stdout
        .lines()
        .filter(|line| line.split_whitespace().count() == 3)
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    let symbols = std::fs::read_to_string(root().join("include/symbols.txt")).unwrap();
    let public: Vec<&str> = symbols
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(' ').next())
        .collect();
    for symbol in &defined {
        assert!(public.contains(symbol), "{symbol} is visible");
    }
    assert_eq!(defined.len(), public.len());

    let program = scratch("install").join("own_sqlite");
    let mut gcc = Command::new("gcc");
    gcc.arg(root().join("packaging/tests/installed/own_sqlite.c"));
    gcc.arg("-I")
        .arg(root().join("tests/c"))
        .arg("-o")
        .arg(&program);
    gcc.args(pkg_config(prefix, &["--cflags"])).arg(archive);
    run(gcc.args(["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"]));
    let (server, received) = echo_server();
    let path = outbox::fresh("own-sqlite");
    run_program(&program, &[&server.url(), path.to_str().expect("UTF-8")]);
    assert_eq!(received.count(), 1);
}

#[test]
fn the_installed_library_is_found_by_its_name() {
    if let Some(prefix) = prefix() {
        by_name::find_it_in(&prefix.join("lib"), "installed");
    }
}
