//! The library for Linux by processor, programs for it, and the commands that run them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::tools::{self, have, have_folder, root, run};
use crate::wine::can_build;

/// A processor that the library is built for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Processor {
    X86_64,
    Aarch64,
    I686,
}

/// The folder of aarch64's C library in Debian's libc6-arm64-cross.
const AARCH64_SYSTEM: &str = "/usr/aarch64-linux-gnu";

impl Processor {
    pub const ALL: [Processor; 3] = [Processor::X86_64, Processor::Aarch64, Processor::I686];

    /// Returns its name in folders, archives and wheels.
    pub fn name(self) -> &'static str {
        match self {
            Processor::X86_64 => "x86_64",
            Processor::Aarch64 => "aarch64",
            Processor::I686 => "i686",
        }
    }

    /// Returns the output folder of `packaging/linux/build.sh`. None if tools are missing.
    pub fn folder(self) -> Option<PathBuf> {
        static BUILT: OnceLock<bool> = OnceLock::new();
        let built = *BUILT.get_or_init(|| {
            let found = have("aarch64-linux-gnu-objcopy") & can_build();
            if found {
                run(&mut Command::new(root().join("packaging/linux/build.sh")));
            }
            found
        });
        built.then(|| root().join("target/linux").join(self.name()))
    }

    /// Returns the processors other than x86_64 whose programs can run here: i686's natively, with
    /// Debian's 32-bit C library, and aarch64's under qemu. Empty if the library cannot be built.
    pub fn others_that_run() -> Vec<Processor> {
        if Processor::X86_64.folder().is_none() {
            return Vec::new();
        }
        let loader = Path::new("/lib/ld-linux.so.2");
        let i686 = tools::skip_unless(loader.exists(), "Debian's package libc6-i386");
        let aarch64 = have("qemu-aarch64") & have_folder(AARCH64_SYSTEM);
        let found = [(Processor::I686, i686), (Processor::Aarch64, aarch64)];
        let found = found.into_iter().filter(|(_, runs)| *runs);
        found.map(|(processor, _)| processor).collect()
    }

    /// Returns zig's compiler for it and for glibc 2.17. `language` is "cc" or "c++".
    pub fn zig(self, language: &str) -> Command {
        let machine = match self {
            Processor::I686 => "x86",
            other => other.name(),
        };
        let mut zig = Command::new(root().join("target/packaging/zig/bin/python-zig"));
        zig.args([language, "-target", &format!("{machine}-linux-gnu.2.17")]);
        zig
    }

    /// Compiles `tests/c/NAME.c` with the project's warnings, linked with the shared library.
    pub fn compile(self, name: &str) -> PathBuf {
        let folder = self.folder().expect("the library is built");
        let program = tools::scratch(&format!("linux-{}", self.name())).join(name);
        // Renamed into place, because another test may be running the old program.
        let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "-");
        let new = program.with_extension(format!("{thread}new"));
        let mut zig = self.zig("cc");
        zig.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
            // This glibc's macros use C11.
            .args([
                "-Wno-c11-extensions",
                "-D_POSIX_C_SOURCE=200809L",
                "-pthread",
                "-I",
            ])
            .arg(root().join("include"))
            .arg(root().join(format!("tests/c/{name}.c")))
            .arg("-o")
            .arg(&new)
            .arg("-L")
            .arg(&folder)
            .args(["-llifepay", "-lm"])
            .arg(format!("-Wl,-rpath,{}", folder.display()));
        run(&mut zig);
        std::fs::rename(&new, &program).expect("the program can be renamed");
        program
    }

    /// Returns the command that runs a program for this processor.
    pub fn command(self, program: &Path) -> Command {
        let mut command = match self {
            Processor::Aarch64 => {
                let mut qemu = Command::new("qemu-aarch64");
                qemu.args(["-L", AARCH64_SYSTEM]).arg(program);
                qemu
            }
            _ => Command::new(program),
        };
        // Cargo sets this to folders with libraries for this machine.
        command.env_remove("LD_LIBRARY_PATH");
        command.env_remove("LIFEPAY_LOG");
        command
    }
}
