//! .NET: the assembly of bindings/csharp, programs in C#, and the runtimes that run them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::tools;

pub fn folder() -> PathBuf {
    tools::root().join("bindings/csharp")
}

/// Returns LifePay.dll, compiled once for each test program. None if there is no compiler.
pub fn assembly() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        tools::have("mcs").then(|| {
            let out = fresh("assembly");
            tools::run(Command::new(folder().join("build.sh")).arg(&out));
            out.join("LifePay.dll")
        })
    });
    built.as_deref()
}

/// Returns an empty folder with this name.
pub fn fresh(name: &str) -> PathBuf {
    let folder = tools::scratch("dotnet").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Compiles a program into a separate folder, with the assembly beside it.
pub fn compile(source: &Path, name: &str) -> Option<PathBuf> {
    compile_with(source, name, &[])
}

pub fn compile_with(source: &Path, name: &str, references: &[&str]) -> Option<PathBuf> {
    let assembly = assembly()?;
    let out = fresh(name);
    std::fs::copy(assembly, out.join("LifePay.dll")).expect("a copy");
    let program = out.join("Program.exe");
    let mut compiler = Command::new("mcs");
    // Every compiler of the last ten years supports this version.
    compiler
        .args(["-langversion:7", "-warnaserror+", "-r:LifePay.dll"])
        .args(references.iter().map(|name| format!("-r:{name}")))
        .arg(format!("-lib:{}", out.display()))
        .arg(format!("-out:{}", program.display()));
    tools::run(compiler.arg(source));
    Some(program)
}

/// A runtime for programs.
#[derive(Clone, Copy)]
pub enum Runtime {
    Mono,
    /// .NET, as `dotnet` starts it.
    Core,
}

/// Returns the installed runtimes.
pub fn runtimes() -> Vec<Runtime> {
    let found = [
        (Runtime::Mono, tools::have("mono")),
        (Runtime::Core, tools::have_python_module("dotnetcore2")),
    ];
    let installed = found.into_iter().filter(|(_, is_installed)| *is_installed);
    installed.map(|(runtime, _)| runtime).collect()
}

impl Runtime {
    /// Returns the command that runs a program, which is killed if it hangs.
    pub fn command(self, program: &Path) -> Command {
        let mut command = Command::new("timeout");
        command
            .args(["--signal=KILL", "120"])
            .env_remove("LIFEPAY_LIBRARY")
            .env_remove("LIFEPAY_LOG")
            // Cargo sets it, and the library would be found through it.
            .env_remove("LD_LIBRARY_PATH")
            .env("LC_ALL", "C.UTF-8");
        match self {
            Runtime::Mono => command.arg("mono"),
            Runtime::Core => {
                let config = program.with_extension("runtimeconfig.json");
                std::fs::write(&config, CORE_CONFIG).expect("it can be written");
                command
                    .arg(dotnet())
                    .args(["exec", "--runtimeconfig"])
                    .arg(config)
            }
        };
        command.arg(program);
        command
    }
}

/// The configuration without ICU, which not every machine has.
const CORE_CONFIG: &str = r#"{"runtimeOptions": {
    "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"},
    "configProperties": {"System.Globalization.Invariant": true}
}}"#;

/// Returns the program in PyPI's dotnetcore2.
fn dotnet() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let find = "import dotnetcore2, os; print(os.path.dirname(dotnetcore2.__file__), end='')";
        let output = tools::run(Command::new("python3").args(["-c", find]));
        let folder = String::from_utf8(output.stdout).expect("UTF-8");
        let program = Path::new(&folder).join("bin/dotnet");
        tools::run(Command::new("chmod").arg("+x").arg(&program));
        program
    })
}
