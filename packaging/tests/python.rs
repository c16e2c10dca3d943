//! The wheels, installed by pip from a release.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lifepay_sandbox::{Options, Sandbox};

use crate::archive::{archives, files, VERSION};
use crate::support::child::Killed;
use crate::support::tools::{self, root, run, scratch};

/// Installs a package from the archives alone into an empty environment. Returns its folder `bin`.
fn environment(name: &str, wanted: &str) -> Option<PathBuf> {
    if !tools::have_python_module("ensurepip") {
        return None;
    }
    let archives = archives()?;
    let venv = scratch(name);
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&venv));
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--no-index", "--find-links"]).arg(archives);
    run(pip.arg(wanted));
    Some(venv.join("bin"))
}

/// Opens a shift at this address from Python, and returns its uuid.
fn opened_shift(bin: &Path, url: &str) -> String {
    let program = format!(
        "import lifepay\nprint(lifepay.open_shift(apikey='k', login='79031234567', base_url='{url}').uuid)"
    );
    let mut python = Command::new(bin.join("python"));
    let output = run(python.args(["-c", &program]).env_remove("LIFEPAY_LIBRARY"));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn a_python_program_takes_the_wheel() {
    let Some(bin) = environment("wheel-venv", "lifepay") else {
        return;
    };
    let sandbox = Sandbox::start(Options::default()).expect("a sandbox");
    let uuid = opened_shift(&bin, &sandbox.url());
    assert_eq!(uuid, sandbox.documents()[0].uuid);
    assert!(!bin.join("lifepay-sandbox").exists());
}

#[test]
fn the_extra_sandbox_brings_the_program() {
    let Some(bin) = environment("extra-venv", "lifepay[sandbox]") else {
        return;
    };
    let sandbox = bin.join("lifepay-sandbox");
    let output = run(Command::new(&sandbox).arg("--version"));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(stdout, format!("lifepay-sandbox {VERSION}\n"));

    let mut command = Command::new(&sandbox);
    command.args(["--port", "0"]).stdout(Stdio::piped());
    let mut sandbox = Killed(command.spawn().expect("it starts"));
    let mut lines = BufReader::new(sandbox.0.stdout.take().expect("a pipe")).lines();
    let first = lines.next().expect("a line").expect("UTF-8");
    let url = first.strip_prefix("listening on ").expect("its address");
    let uuid = opened_shift(&bin, url);
    assert!(uuid::Uuid::try_parse(&uuid).is_ok(), "{uuid}");
    let printed = lines
        .map(|line| line.expect("UTF-8"))
        .find(|line| line.contains("answered code 0"));
    assert!(printed.expect("its answer").contains(&uuid));
}

/// All wheels have the same version and the licences; a sandbox's wheel has its platform's program.
#[test]
fn the_wheels_say_what_belongs_together() {
    let Some(archives) = archives() else { return };
    let program = "
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
assert wheel.testzip() is None
for name in wheel.namelist():
    print(name, oct(wheel.getinfo(name).external_attr >> 16))
print(wheel.read([name for name in wheel.namelist() if name.endswith('/METADATA')][0]).decode())";
    let wheels = files(archives).into_keys();
    let wheels: Vec<String> = wheels.filter(|name| name.ends_with(".whl")).collect();
    assert_eq!(wheels.len(), 10, "{wheels:?}");
    for name in wheels {
        let mut python = Command::new("python3");
        let output = run(python.args(["-c", program]).arg(archives.join(&name)));
        let listing = String::from_utf8(output.stdout).expect("UTF-8");
        let is_sandbox = name.starts_with("lifepay_sandbox-");
        let script = if name.contains("win") { ".exe" } else { "" };
        let stem = name.split("-py3").next().unwrap_or_default();
        let licences = format!("{stem}.dist-info/licenses/THIRD-PARTY-LICENSES.txt 0o100644");
        let script = format!("{stem}.data/scripts/lifepay-sandbox{script} 0o100755");
        let requirement =
            format!("Requires-Dist: lifepay-sandbox == {VERSION} ; extra == \"sandbox\"");
        let version = format!("Version: {VERSION}");
        for (line, is_expected) in [
            (&*licences, true),
            ("License-File: THIRD-PARTY-LICENSES.txt", true),
            (&version, true),
            (&script, is_sandbox),
            ("Name: lifepay-sandbox", is_sandbox),
            ("Provides-Extra: sandbox", !is_sandbox),
            (&requirement, !is_sandbox),
        ] {
            // The build backend may add spaces to a requirement.
            let without_spaces = |line: &str| line.replace(' ', "");
            let is_listed = listing
                .lines()
                .any(|listed| without_spaces(listed) == without_spaces(line));
            assert_eq!(is_listed, is_expected, "{name}: {line}: {listing}");
        }
    }
}

#[test]
fn the_readmes_name_the_command_that_installs_the_sandbox() {
    // Double quotes, because cmd supports no others.
    let wanted = "\"lifepay[sandbox]\"";
    for readme in ["README.md", "README.ru.md", "bindings/python/README.md"] {
        let text = std::fs::read_to_string(root().join(readme)).expect("a README");
        let command = "pip install --no-index --find-links ";
        let mut commands = text.split(command).skip(1);
        assert!(
            commands.any(|rest| rest
                .split_once(' ')
                .is_some_and(|(_, rest)| rest.starts_with(wanted))),
            "{readme}"
        );
    }
}
