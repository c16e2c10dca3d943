//! The 1C component in Windows, in the host of `tests/onec`.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use lifepay_sandbox::{Options, Sandbox};

use crate::support::onec::{compile, folder, CASES};
use crate::support::tools;
use crate::wine::Machine;

#[test]
fn in_windows_the_component_is_the_same() {
    for machine in Machine::that_run() {
        // Of this thread model the C++ library has threads.
        let compiler = machine.tool("g++-posix");
        if !tools::have(&compiler) {
            continue;
        }
        let name = format!("onec-host-{}.exe", machine.name());
        let host = compile(Command::new(&compiler), &name, &["-static"]);
        let folder = folder(&format!("windows-{}", machine.name()));
        let library = machine.folder().expect("it is built").join("lifepay.dll");
        let in_windows = |path: &Path| format!("Z:{}", path.display());
        for case in CASES {
            let sandbox = Sandbox::start(Options::default()).expect("the sandbox starts");
            let files = folder.join(case);
            std::fs::create_dir(&files).expect("a folder");
            let mut wine = machine.command(&host);
            wine.arg(in_windows(&library)).arg(case);
            let output = tools::run(wine.arg(sandbox.url()).arg(in_windows(&files)));
            assert!(output.stdout.is_empty(), "{case}: {output:?}");
        }
    }
}
