//! The sandbox, started as by a double click in Explorer: in its own console window.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::tools::{root, run};
use crate::wine::Machine;

/// The program that simulates the double click, and a folder with a fake browser: wine calls the
/// host's xdg-open, and the one in this folder writes the address to a file beside itself.
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
        let script = "#!/bin/sh\necho \"$1\" >\"$0.new\"\nmv \"$0.new\" \"$0.url\"\n";
        fs::write(&browser, script).expect("it can be written");
        fs::set_permissions(browser, fs::Permissions::from_mode(0o755)).expect("it can be run");
        Desktop {
            machine,
            program: program.clone(),
            folder,
        }
    }

    /// The file to which the fake browser writes the address that it was asked to open.
    fn url_file(&self) -> PathBuf {
        self.folder.join("xdg-open.url")
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

    fn double_click(&self, mode: &str, expected: &str, arguments: &[&str]) {
        let mut command = self.command(&self.program);
        command.args([mode, expected]).arg(self.sandbox());
        run(command.args(arguments));
    }
}

#[test]
fn a_double_click_opens_the_page() {
    for machine in Machine::that_run() {
        let desktop = Desktop::new(machine, "opens");
        let url_file = desktop.url_file();
        let port_file = desktop.folder.join("port");
        let port = ["--port", "0", "--port-file", port_file.to_str().unwrap()];
        desktop.double_click("serves", url_file.to_str().unwrap(), &port);
        let port = fs::read_to_string(port_file).expect("a port");
        let url = format!("http://127.0.0.1:{}/\n", port.trim());
        assert_eq!(fs::read_to_string(url_file).unwrap(), url, "{machine:?}");
    }
}

#[test]
fn after_an_error_a_double_click_keeps_the_window_until_enter() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    for machine in Machine::that_run() {
        let desktop = Desktop::new(machine, "keeps");
        desktop.double_click("fails", &format!(" {port} "), &["--port", &port]);
        assert!(!desktop.url_file().exists(), "{machine:?}");
    }
}

#[test]
fn an_error_ends_the_program_without_waiting_if_the_window_is_not_its_own() {
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
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(&format!("порт {port} занят")), "{stderr}");
        assert!(!stderr.contains("Enter"), "{stderr}");
    }
}
