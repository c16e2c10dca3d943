//! The library for Windows, programs for it, and wine, which runs them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::support::tools::{self, have, root, run};

/// A processor that the library is built for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Machine {
    X64,
    X86,
}

/// The environment variable that names the command for 32-bit programs, which
/// `packaging/windows/wine32.sh` makes. 64-bit programs need only wine.
pub const WINE32: &str = "LIFEPAY_WINE32";

impl Machine {
    /// Returns the name of its folder below target/windows.
    pub fn name(self) -> &'static str {
        match self {
            Machine::X64 => "x64",
            Machine::X86 => "x86",
        }
    }

    /// Returns the name of a MinGW tool for it.
    pub fn tool(self, name: &str) -> String {
        let machine = match self {
            Machine::X64 => "x86_64",
            Machine::X86 => "i686",
        };
        format!("{machine}-w64-mingw32-{name}")
    }

    /// Returns the output folder of `packaging/windows/build.sh`. None if tools are missing.
    pub fn folder(self) -> Option<PathBuf> {
        static BUILT: OnceLock<bool> = OnceLock::new();
        let built = *BUILT.get_or_init(|| {
            let tools = [Machine::X64, Machine::X86].map(|machine| have(&machine.tool("gcc")));
            let found = !tools.contains(&false) & can_build();
            if found {
                run(&mut Command::new(root().join("packaging/windows/build.sh")));
            }
            found
        });
        built.then(|| root().join("target/windows").join(self.name()))
    }

    /// Returns the machines whose programs can run here. Empty if the library cannot be built here.
    pub fn that_run() -> Vec<Machine> {
        if Machine::X64.folder().is_none() || !have("wine") {
            return Vec::new();
        }
        let has_wine32 = std::env::var_os(WINE32).is_some();
        if !has_wine32 {
            eprintln!("skipped: 32-bit programs, because {WINE32} is not set");
        }
        let x86 = has_wine32.then_some(Machine::X86);
        [Machine::X64].into_iter().chain(x86).collect()
    }

    /// Compiles a C program with the project's warnings, and copies the library beside it.
    pub fn compile(self, source: &Path, arguments: &[&str]) -> PathBuf {
        let from = self.folder().expect("the library is built");
        let stem = source.file_stem().expect("a file").to_string_lossy();
        let folder = tools::scratch(&format!("windows-{}-{stem}", self.name()));
        let program = folder.join(format!("{stem}.exe"));
        let mut compiler = Command::new(self.tool("gcc"));
        compiler
            .args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
            // Selects C99's printf instead of msvcrt's.
            .args(["-D__USE_MINGW_ANSI_STDIO=1", "-static-libgcc", "-I"])
            .arg(root().join("include"))
            .arg("-I")
            .arg(root().join("tests/c"))
            .arg(source)
            .arg("-o")
            .arg(&program)
            .args(arguments);
        run(&mut compiler);
        std::fs::copy(from.join("lifepay.dll"), folder.join("lifepay.dll")).expect("a copy");
        program
    }

    /// Compiles a program that is linked with the import library.
    pub fn compile_linked(self, source: &Path) -> PathBuf {
        let library = self.folder().expect("the library is built");
        let library = library.join("liblifepay.dll.a");
        self.compile(source, &[library.to_str().expect("UTF-8")])
    }

    /// Returns the command that runs a program for this machine.
    pub fn command(self, program: &Path) -> Command {
        let wine = match self {
            Machine::X64 => "wine".into(),
            Machine::X86 => std::env::var_os(WINE32).expect("LIFEPAY_WINE32 is set"),
        };
        let mut command = Command::new(wine);
        command.arg(program).stdin(Stdio::null());
        in_prefix(&mut command, self);
        command
    }

    /// Keeps wine's server running. Otherwise the first program would start it, and the server
    /// would inherit that program's stderr and report there what a killed program left behind.
    pub fn served(self) -> Served {
        let mut idle = self.command(Path::new("cmd"));
        idle.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut idle = idle.spawn().expect("wine starts");
        // The greeting shows that the server is running.
        let mut greeting = idle.stdout.take().expect("a pipe");
        greeting
            .read_exact(&mut [0])
            .expect("cmd prints a greeting");
        Served(idle)
    }
}

/// Whether this machine has everything that `packaging/tools.sh` would otherwise install or fail
/// without. Every missing part is named.
pub fn can_build() -> bool {
    let rust = have("/usr/bin/cargo") & tools::have_folder("/usr/src/rustc-1.96.0/library");
    // Downloaded only if tools are required.
    let zig = tools::are_required() || tools::have_folder("target/packaging/zig/bin");
    rust & zig & have("python3")
}

/// An idle program that runs until this value is dropped: it waits for the end of its input.
pub struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Selects a wine prefix for these tests, and sets it up at its first use.
fn in_prefix(command: &mut Command, machine: Machine) {
    static READY: [OnceLock<()>; 2] = [OnceLock::new(), OnceLock::new()];
    let prefix = root().join("target/windows").join(match machine {
        Machine::X64 => "wine64",
        Machine::X86 => "wine32",
    });
    let set = |command: &mut Command| {
        command
            .env("WINEPREFIX", &prefix)
            .env("WINEDEBUG", "-all")
            // Suppresses dialogs and offers to install components.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=")
            .env_remove("DISPLAY")
            .env_remove("LIFEPAY_LOG")
            // Otherwise they would be used instead of the store.
            .env_remove("SSL_CERT_FILE")
            .env_remove("SSL_CERT_DIR");
    };
    READY[machine as usize].get_or_init(|| {
        std::fs::create_dir_all(prefix.parent().expect("a folder")).expect("a folder");
        let mut first = match machine {
            Machine::X64 => Command::new("wine"),
            Machine::X86 => Command::new(std::env::var_os(WINE32).expect("LIFEPAY_WINE32 is set")),
        };
        // Without a display, a program's own console window is not shown but works.
        let drivers = r"HKCU\Software\Wine\Drivers";
        set(first.args(["reg", "add", drivers, "/v", "Graphics", "/d", "null", "/f"]));
        run(&mut first);
    });
    set(command);
}
