//! The C interface from C: the header in every supported language standard, and each program of
//! `tests/c` linked with the shared and with the static library, alone and under valgrind.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::driver::{echo_server, run_program, silent};
use crate::support::tools::{self, Link};
use crate::support::Server;

/// A C program, and the number of requests that the server must receive from it.
struct Case {
    program: &'static str,
    requests: usize,
}

const CASES: &[Case] = &[
    Case {
        program: "calls",
        requests: 12,
    },
    Case {
        program: "ownership",
        requests: 29,
    },
    Case {
        program: "json",
        requests: 4,
    },
    Case {
        program: "struct_size",
        requests: 12,
    },
    Case {
        program: "nulls",
        requests: 0,
    },
    Case {
        program: "utf8",
        requests: 0,
    },
    Case {
        program: "words",
        requests: 0,
    },
];

/// Returns the compiled programs of all cases. Each is compiled only once for all tests.
fn programs(link: Link) -> &'static [PathBuf] {
    static SHARED: OnceLock<Vec<PathBuf>> = OnceLock::new();
    static STATIC: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let compiled = match link {
        Link::Shared => &SHARED,
        Link::Static => &STATIC,
    };
    compiled.get_or_init(|| {
        let compile = |case: &Case| tools::compile_c(case.program, link);
        CASES.iter().map(compile).collect()
    })
}

/// Runs every case against its own server.
fn each_case(link: Link, run: impl Fn(&Path, &Server)) {
    if !tools::have("gcc") {
        return;
    }
    for (case, program) in CASES.iter().zip(programs(link)) {
        let (server, received) = echo_server();
        run(program, &server);
        assert_eq!(received.count(), case.requests, "{}", case.program);
        for (_, ext_id) in received.requests() {
            assert_ne!(ext_id, "must-not-arrive", "{}", case.program);
        }
        if case.requests == 0 {
            assert_eq!(server.connections(), 0, "{}", case.program);
        }
    }
}

fn alone(program: &Path, server: &Server) {
    run_program(program, &[&server.url()]);
}

fn under_valgrind(program: &Path, server: &Server) {
    let mut valgrind = tools::valgrind();
    let output = valgrind.arg(program).arg(server.url()).output();
    silent(program, &output.expect("valgrind can be run"));
}

#[test]
fn c_programs_pass_with_the_shared_library() {
    each_case(Link::Shared, alone);
}

#[test]
fn c_programs_pass_with_the_static_library() {
    each_case(Link::Static, alone);
}

#[test]
fn c_programs_with_the_shared_library_make_no_memory_error_and_no_leak() {
    if tools::have("valgrind") {
        each_case(Link::Shared, under_valgrind);
    }
}

#[test]
fn c_programs_with_the_static_library_make_no_memory_error_and_no_leak() {
    if tools::have("valgrind") {
        each_case(Link::Static, under_valgrind);
    }
}

/// Compiles a program that includes the header twice and uses it. `flags` select the language.
fn header_compiles(compiler: &str, flags: &[&str]) {
    if !tools::have(compiler) {
        return;
    }
    let source = tools::root().join("tests/c/twice.c");
    let mut command = Command::new(compiler);
    command
        .args(flags)
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"])
        .arg("-I")
        .arg(tools::root().join("include"))
        .arg(source);
    tools::run(&mut command);
}

#[test]
fn the_header_is_c89_and_newer() {
    for compiler in ["gcc", "clang"] {
        for standard in ["-std=c89", "-std=c99", "-std=c11", "-std=c17"] {
            // The system's <stdint.h> may use `long long`.
            header_compiles(compiler, &[standard, "-Wno-long-long"]);
        }
    }
}

#[test]
fn the_header_is_cpp98_and_newer() {
    for compiler in ["g++", "clang++"] {
        for standard in ["-std=c++98", "-std=c++11", "-std=c++17", "-std=c++20"] {
            header_compiles(compiler, &[standard, "-x", "c++", "-Wno-long-long"]);
        }
    }
}

/// Compiles `file` with clang as MSVC would: with its macros, calling conventions and layout of
/// structs. The Windows SDK is not needed: clang provides the headers that C requires.
fn compiles_as_with_msvc(machine: &str, flags: &[&str], file: &Path) {
    let mut clang = Command::new("clang");
    clang
        .arg(format!("--target={machine}-pc-windows-msvc"))
        .args(["-ffreestanding", "-fsyntax-only"])
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(flags)
        .arg("-I")
        .arg(tools::root().join("include"))
        .arg(file);
    tools::run(&mut clang);
}

#[test]
fn the_header_compiles_in_msvcs_style() {
    if tools::have("clang") {
        for machine in ["x86_64", "i686"] {
            for file in ["twice.c", "layout.c"] {
                let file = tools::root().join("tests/c").join(file);
                for language in [["-x", "c"], ["-x", "c++"]] {
                    compiles_as_with_msvc(machine, &language, &file);
                }
            }
        }
    }
}

/// A program may be compiled with another default calling convention (MSVC's option /Gz).
#[test]
fn functions_and_callbacks_are_cdecl_on_windows_whatever_the_default() {
    const SOURCE: &str = "
        #include \"lifepay.h\"
        int32_t __cdecl lp_open_shift(const lp_config *config, lp_result *result);
        static void __cdecl on_log(int32_t level, const char *message, void *user_data)
        {
            (void)level; (void)message; (void)user_data;
        }
        lp_log_fn callback = on_log;
";
    if tools::have("clang") {
        let file = tools::scratch("c").join("convention.c");
        std::fs::write(&file, SOURCE).expect("the program can be written");
        // clang's equivalent of /Gz.
        compiles_as_with_msvc("i686", &["-mrtd"], &file);
    }
}
