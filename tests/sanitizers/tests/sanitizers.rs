//! The C programs under AddressSanitizer and ThreadSanitizer: the library, the SQLite in it and the
//! programs are all built with them. A nightly toolchain is not needed: a stable one works if unstable
//! options are allowed.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

/// The parts of the library tests' support code that are needed here.
#[path = "../../support"]
#[allow(dead_code)]
mod support {
    pub mod call;
    pub mod driver;
    pub mod library;
    pub mod outbox;
    pub mod server;
    pub mod tools;
    pub mod wait;

    pub use server::{read_request, respond, Server};
}

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::driver::{echo_server, silent_server, slow_server};
use crate::support::outbox::fresh;
use crate::support::tools::{self, root, run, scratch};

const TARGET: &str = "x86_64-unknown-linux-gnu";

struct Sanitizer {
    name: &'static str,
    /// The end of its runtime's file name. The runtime comes with rustup's toolchains.
    runtime: &'static str,
    /// Whether the standard library is built too, by Debian's compiler, which comes with its source.
    with_std: bool,
    options: (&'static str, &'static str),
    library: OnceLock<Option<PathBuf>>,
}

static ADDRESS: Sanitizer = Sanitizer {
    name: "address",
    runtime: "_rt.asan.a",
    with_std: false,
    options: ("ASAN_OPTIONS", "detect_leaks=1:exitcode=99"),
    library: OnceLock::new(),
};

static THREAD: Sanitizer = Sanitizer {
    name: "thread",
    runtime: "_rt.tsan.a",
    // Otherwise it would not see how threads synchronize in the standard library.
    with_std: true,
    options: (
        "TSAN_OPTIONS",
        concat!(
            "halt_on_error=1:exitcode=99:suppressions=",
            env!("CARGO_MANIFEST_DIR"),
            "/thread.supp"
        ),
    ),
    library: OnceLock::new(),
};

/// Returns the folder of the sanitizers' runtimes.
fn runtimes() -> PathBuf {
    let mut rustc = Command::new(Path::new(env!("CARGO")).with_file_name("rustc"));
    let output = run(rustc.args(["--print", "target-libdir"]));
    PathBuf::from(String::from_utf8(output.stdout).expect("UTF-8").trim())
}

impl Sanitizer {
    /// Returns the folder of the library built with it. None if a tool is missing.
    fn library(&self) -> Option<&Path> {
        let build = || {
            let has_tools = tools::have("clang")
                && (!self.with_std || tools::have_folder("/usr/src/rustc-1.96.0/library"));
            has_tools.then(|| self.build())
        };
        self.library.get_or_init(build).as_deref()
    }

    fn build(&self) -> PathBuf {
        let target = root().join("target/sanitizers").join(self.name);
        let mut cargo = Command::new(if self.with_std {
            "/usr/bin/cargo"
        } else {
            env!("CARGO")
        });
        cargo
            .current_dir(root())
            .args(["rustc", "--locked", "--quiet", "-p", "lifepay", "--lib"])
            .args(["--crate-type", "cdylib", "--target", TARGET])
            .arg("--target-dir")
            .arg(&target)
            // Set by the cargo that runs this test, for another build.
            .env_remove("RUSTC")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", format!("-Zsanitizer={}", self.name))
            .env("CARGO_INCREMENTAL", "0")
            .env("CC", "clang")
            .env("CFLAGS", format!("-fsanitize={}", self.name));
        if self.with_std {
            cargo
                .env("RUSTC", "/usr/bin/rustc")
                .arg("-Zbuild-std=std,panic_unwind");
        }
        run(&mut cargo);
        let folder = target.join(TARGET).join("debug");
        let _ = std::os::unix::fs::symlink("liblifepay.so", folder.join("liblifepay.so.0"));
        folder
    }

    /// Compiles `tests/c/NAME.c` with it.
    fn compile(&self, name: &str, library: &Path) -> PathBuf {
        let program = scratch("sanitizers").join(format!("{name}-{}", self.name));
        let object = program.with_extension("o");
        let mut compiler = Command::new("clang");
        compiler
            .args(["-g", "-D_POSIX_C_SOURCE=200809L", "-pthread", "-c"])
            .arg(format!("-fsanitize={}", self.name))
            .arg("-I")
            .arg(root().join("include"))
            .arg(root().join("tests/c").join(format!("{name}.c")))
            .arg("-o")
            .arg(&object);
        run(&mut compiler);
        let mut linker = Command::new("clang");
        linker
            .arg("-o")
            .arg(&program)
            .arg(&object)
            // The runtime is in the program, and the library uses it there.
            .arg("-Wl,--whole-archive")
            .arg(self.runtime())
            .args(["-Wl,--no-whole-archive", "-rdynamic", "-pthread"])
            .arg(format!("-L{}", library.display()))
            .arg(format!("-Wl,-rpath,{}", library.display()))
            .args(["-llifepay", "-lm", "-ldl", "-lrt"]);
        run(&mut linker);
        program
    }

    fn runtime(&self) -> PathBuf {
        let folder = runtimes();
        let files = std::fs::read_dir(&folder).expect("a toolchain");
        files
            .map(|file| file.expect("a file").path())
            .find(|file| file.to_string_lossy().ends_with(self.runtime))
            .unwrap_or_else(|| panic!("no {} in {}", self.runtime, folder.display()))
    }

    fn command(&self, program: &Path) -> Command {
        let (variable, options) = self.options;
        let mut command = Command::new(program);
        command
            .env(variable, options)
            .env_remove("LIFEPAY_LOG")
            // Cargo sets this to the folder of a library that is not built with it.
            .env_remove("LD_LIBRARY_PATH");
        command
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        run(self.command(program).args(arguments))
    }

    /// Asserts that it reports `error` in the library's own code when `tests/c/NAME.c` runs.
    fn assert_finds(&self, error: &str, name: &str) {
        let Some(library) = self.library() else {
            return;
        };
        let program = self.compile(name, library);
        let output = self.command(&program).output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(99), "{stderr}");
        assert!(stderr.contains(error), "{stderr}");
        // Only code built with a sanitizer calls these. The C programs here do not.
        let copies = ["__asan_memcpy", "__tsan_memcpy"];
        let place = stderr
            .lines()
            .find(|line| line.trim_start().starts_with("#0 "));
        let place = place.expect("a place");
        assert!(copies.iter().any(|name| place.contains(name)), "{stderr}");
    }
}

/// Runs programs with calls of every kind, threads, callbacks and an outbox's life cycle.
fn programs_pass(sanitizer: &Sanitizer) {
    let Some(library) = sanitizer.library() else {
        return;
    };
    let build = |name| sanitizer.compile(name, library);
    for name in [
        "calls",
        "ownership",
        "json",
        "struct_size",
        "nulls",
        "utf8",
        "words",
    ] {
        let (server, _) = echo_server();
        sanitizer.run(&build(name), &[&server.url()]);
    }
    let threads = build("threads");
    let log = scratch("sanitizers").join(format!("{}.log", sanitizer.name));
    let log = log.to_str().expect("UTF-8");
    for mode in ["many", "ending"] {
        let (server, _) = echo_server();
        sanitizer.run(&threads, &[&server.url(), mode, log]);
    }
    let (server, _) = echo_server();
    let (slow, _) = slow_server(Duration::from_secs(1), Duration::ZERO);
    sanitizer.run(&build("callbacks"), &[&server.url(), &slow.url(), log]);

    let cycle = build("outbox_cycle");
    let silent = silent_server();
    for mode in ["cycle", "numbers", "return", "end"] {
        let folder = fresh(&format!("{}-{mode}", sanitizer.name));
        let folder = folder.parent().unwrap().to_str().expect("UTF-8");
        sanitizer.run(&cycle, &[mode, &server.url(), &silent.url(), folder]);
    }
}

#[test]
fn c_programs_pass_with_the_address_sanitizer() {
    programs_pass(&ADDRESS);
}

#[test]
fn c_programs_pass_with_the_thread_sanitizer() {
    programs_pass(&THREAD);
}

/// Shows that the setup works: AddressSanitizer finds a use of freed memory in the library.
#[test]
fn use_after_free_is_found() {
    ADDRESS.assert_finds("heap-use-after-free", "used_after_free");
}

/// The same for ThreadSanitizer and a data race in the library.
#[test]
fn a_data_race_is_found() {
    THREAD.assert_finds("data race", "data_race");
}
