//! Programs that load the library by its name alone, in C and in C#.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{dotnet, tools};

fn prints_the_version(command: &mut Command) {
    let output = tools::run(command);
    let version = format!("{}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), version);
}

/// Asserts that the programs find the library that is installed in `folder` if LD_LIBRARY_PATH
/// names the folder, and that .NET also finds a copy beside the program. `name` is the name of a
/// folder for the programs.
pub fn find_it_in(folder: &Path, name: &str) {
    if tools::have("gcc") {
        let program = tools::compile_c_without_library("by_name");
        prints_the_version(Command::new(program).env("LD_LIBRARY_PATH", folder));
    }
    let source = tools::root().join("tests/csharp/ByName.cs");
    let Some(program) = dotnet::compile(&source, &format!("by-name-{name}")) else {
        return;
    };
    for runtime in dotnet::runtimes() {
        prints_the_version(runtime.command(&program).env("LD_LIBRARY_PATH", folder));
    }
    let beside = program.with_file_name("liblifepay.so");
    fs::copy(folder.join("liblifepay.so"), beside).expect("a copy");
    for runtime in dotnet::runtimes() {
        prints_the_version(&mut runtime.command(&program));
    }
}
