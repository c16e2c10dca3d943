//! The sandbox started as by a double click in Explorer: in its own console window.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::tools::{root, run};
use crate::wine::Machine;

/// The program that simulates the double click, and a folder with the browser: wine calls the host's
/// xdg-open, which writes the address to the file beside it.
struct Desktop {
    machine: Machine,
    program: PathBuf,
    folder: PathBuf,
}

impl Desktop {
    fn new(machine: Machine, name: &str) -> Desktop {
        // Compiled only once, because another test may be running it.
        static COMPILED: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
        let source = root().join("packaging/tests/windows/double_click.c");
        let program = COMPILED[machine as usize].get_or_init(|| machine.compile(&source, &[]));
        let folder = program.with_file_name(format!("{name}-desktop"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("a folder");
        let browser = folder.join("xdg-open");
        let script = "#!/bin/sh\necho \"$1\" >\"$0.new\"\nmv \"$0.new\" \"$0.told\"\n";
        fs::write(&browser, script).expect("it can be written");
        fs::set_permissions(browser, fs::Permissions::from_mode(0o755)).expect("it can be run");
        Desktop {
            machine,
            program: program.clone(),
            folder,
        }
    }

    fn told(&self) -> PathBuf {
        self.folder.join("xdg-open.told")
    }

    fn sandbox(&self) -> PathBuf {
        self.machine.folder().unwrap().join("lifepay-sandbox.exe")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = self.machine.command(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.folder.display()));
        command
    }

    fn double_click(&self, way: &str, what: &str, arguments: &[&str]) {
        let mut command = self.command(&self.program);
        command.args([way, what]).arg(self.sandbox());
        run(command.args(arguments));
    }
}

#[test]
fn a_double_click_opens_the_page() {
    for machine in Machine::that_run() {
        let desktop = Desktop::new(machine, "opens");
        let told = desktop.told();
        let port_file = desktop.folder.join("port");
        let port = ["--port", "0", "--port-file", port_file.to_str().unwrap()];
        desktop.double_click("serves", told.to_str().unwrap(), &port);
        let port = fs::read_to_string(port_file).expect("a port");
        let url = format!("http://127.0.0.1:{}/\n", port.trim());
        assert_eq!(fs::read_to_string(told).unwrap(), url, "{machine:?}");
    }
}

#[test]
fn after_an_error_a_double_click_keeps_the_window_until_enter() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    for machine in Machine::that_run() {
        let desktop = Desktop::new(machine, "keeps");
        desktop.double_click("fails", &format!(" {port} "), &["--port", &port]);
        assert!(!desktop.told().exists(), "{machine:?}");
    }
}

#[test]
fn without_a_window_of_its_own_the_program_ends_at_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    for machine in Machine::that_run() {
        let desktop = Desktop::new(machine, "ends");
        let mut command = desktop.command(&desktop.sandbox());
        let output = command
            .args(["--port", &port])
            .output()
            .expect("wine can be run");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&format!("порт {port} занят")), "{said}");
        assert!(!said.contains("Enter"), "{said}");
    }
}
