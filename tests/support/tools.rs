//! Tools that a machine may lack. A test whose tool is missing names it and is skipped, unless
//! LIFEPAY_REQUIRE_TOOLS is set, as in CI.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Whether `tool` can be run. If it is required but missing, the test fails.
pub fn have(tool: &str) -> bool {
    let version = match tool {
        "fpc" => "-iV",
        "openssl" | "go" => "version",
        "luajit" => "-v",
        "xbuild" => "/version",
        _ => "--version",
    };
    let found = succeeds(Command::new(tool).arg(version));
    skip_unless(found, tool)
}

/// The same for a folder. A relative path is below the project's root.
pub fn have_folder(folder: &str) -> bool {
    skip_unless(root().join(folder).is_dir(), folder)
}

/// The same for a file of the system.
pub fn have_file(file: &str) -> bool {
    skip_unless(Path::new(file).exists(), file)
}

/// The same for a Python module.
pub fn have_python_module(module: &str) -> bool {
    let import = format!("import {module}");
    let found = succeeds(Command::new("python3").args(["-c", &import]));
    skip_unless(found, &format!("Python's module {module}"))
}

/// The same for an npm package that programs in `folder` find.
pub fn have_node_package(package: &str, folder: &Path) -> bool {
    let import = format!("import '{package}'");
    let mut node = Command::new("node");
    node.args(["--input-type=module", "--eval", &import]);
    let found = succeeds(node.current_dir(folder));
    skip_unless(found, &format!("npm's package {package}"))
}

/// Whether a command can be run and succeeds, without its output.
fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether a missing tool fails its test.
pub fn are_required() -> bool {
    std::env::var_os("LIFEPAY_REQUIRE_TOOLS").is_some_and(|set| set == "1")
}

/// Returns `found`. If the tool was not found, prints its name, or fails if it is required.
pub fn skip_unless(found: bool, tool: &str) -> bool {
    if !found {
        assert!(
            !are_required(),
            "{tool} is not on this machine, and LIFEPAY_REQUIRE_TOOLS is set"
        );
        eprintln!("skipped: {tool} is not on this machine");
    }
    found
}

/// Returns the project's root, which contains the lock file of all its packages.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = package.ancestors();
    let root = folders.find(|folder| folder.join("Cargo.lock").exists());
    root.expect("the package is in the project")
}

/// Returns the code blocks in one language of a README.
pub fn blocks(readme: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    readme
        .split(&begin)
        .skip(1)
        .map(|rest| rest.split_once("```").expect("its end").0.to_owned())
        .collect()
}

/// Returns the lines of include/symbols.txt: name and version.
pub fn symbols() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("include/symbols.txt")).expect("the list");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, version) = line.split_once(' ').expect("a name and a version");
            (name.to_owned(), version.to_owned())
        })
        .collect()
}

/// Returns the header's constants, in its order.
pub fn constants() -> Vec<(String, i64)> {
    let header = std::fs::read_to_string(root().join("include/lifepay.h")).expect("the header");
    let defines = header.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix("#define ")?.split_once(' ')?;
        let value = match value.trim_matches(['(', ')']) {
            "0xFFFFFFFFu" => i64::from(u32::MAX),
            value => value.parse().ok()?,
        };
        Some((name.to_owned(), value))
    });
    let constants: Vec<_> = defines.collect();
    assert!(constants.len() >= 44, "{constants:?}");
    constants
}

/// Returns the functions of include/symbols.txt that a language binding offers.
pub fn functions_for_layers() -> Vec<String> {
    let names = symbols().into_iter().map(|(name, _)| name);
    let names = names.filter(|name| name.starts_with("lp_") && !is_for_hosts_without_structs(name));
    let names: Vec<String> = names.collect();
    assert!(names.len() >= 13, "{names:?}");
    names
}

/// Whether a function belongs to the outbox with JSON instead of structs, which a binding offers as
/// classes.
pub fn is_for_hosts_without_structs(function: &str) -> bool {
    function.starts_with("lp_outbox_") && function.ends_with("_json")
}

/// Returns a folder for the files that a test builds. `name` must be unique among the tests.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    folder
}

/// Runs a command to its end, and fails the test with all its output if it does not succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// How a C program is linked.
#[derive(Clone, Copy)]
pub enum Link {
    Shared,
    Static,
}

/// Compiles `tests/c/NAME.c` with the project's flags, and returns the program.
pub fn compile_c(name: &str, link: Link) -> PathBuf {
    let (suffix, link) = linked(link);
    compile(&c_file(name), &format!("{name}-{suffix}"), link)
}

/// Compiles a C program from a string, linked with the shared library.
pub fn compile_c_source(name: &str, text: &str) -> PathBuf {
    let file = scratch("c").join(format!("{name}.c"));
    std::fs::write(&file, text).expect("the program can be written");
    compile(&file, name, linked(Link::Shared).1)
}

/// Compiles `tests/c/NAME.c` with the project's flags but without the library, which the program
/// loads at run time.
pub fn compile_c_without_library(name: &str) -> PathBuf {
    compile(&c_file(name), &format!("{name}-alone"), vec!["-ldl".into()])
}

fn c_file(name: &str) -> PathBuf {
    root().join("tests/c").join(format!("{name}.c"))
}

/// Returns the suffix of a program's name, and the compiler's arguments for this kind of linking.
fn linked(link: Link) -> (&'static str, Vec<String>) {
    let libraries = super::library::folder();
    match link {
        Link::Shared => {
            // The program looks for the library by its SONAME.
            let soname = libraries.join("liblifepay.so.0");
            let _ = std::os::unix::fs::symlink("liblifepay.so", &soname);
            let rpath = format!("-Wl,-rpath,{}", libraries.display());
            (
                "shared",
                vec![
                    format!("-L{}", libraries.display()),
                    "-llifepay".into(),
                    rpath,
                ],
            )
        }
        Link::Static => {
            let archive = libraries.join("liblifepay.a").display().to_string();
            let system = [
                "-lgcc_s",
                "-lutil",
                "-lrt",
                "-lpthread",
                "-lm",
                "-ldl",
                "-lc",
            ];
            let system = system.into_iter().map(str::to_owned);
            ("static", std::iter::once(archive).chain(system).collect())
        }
    }
}

fn compile(file: &Path, name: &str, link: Vec<String>) -> PathBuf {
    let program = scratch("c").join(name);
    // Renamed into place, because another test may be running the program it compiled before.
    let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "-");
    let new = program.with_extension(format!("{}{thread}new", std::process::id()));
    let mut compiler = Command::new("gcc");
    compiler
        .args([
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-g",
        ])
        .args(["-D_POSIX_C_SOURCE=200809L", "-pthread"])
        .arg("-I")
        .arg(root().join("include"))
        .arg(file)
        .arg("-o")
        .arg(&new)
        .args(link);
    run(&mut compiler);
    std::fs::rename(&new, &program).expect("the program can be renamed");
    program
}

/// Returns valgrind with the project's options: any error or leak is a failure.
pub fn valgrind() -> Command {
    let mut command = Command::new("valgrind");
    command.args([
        "--quiet",
        "--error-exitcode=1",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible",
    ]);
    command
}
