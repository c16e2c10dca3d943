//! The library for Linux on processors other than x86_64. Programs for i686 run natively, those for
//! aarch64 under qemu.
#![cfg(target_os = "linux")]

use std::process::Child;
use std::time::Duration;

use lifepay_sandbox::{Options, Sandbox};

use crate::archive::{linux, makes_a_document, opens_a_shift_at};
use crate::linux::Processor;
use crate::support::driver::{echo_server, silent, silent_server};
use crate::support::onec;
use crate::support::outbox::fresh;
use crate::support::till::{kill_again_and_again, Kills};
use crate::support::tls_server::{pem_file, Authority, TlsServer};
use crate::support::tools::{run, scratch};

/// Returns the output of `layout.c` on a processor: struct or field, offset in the struct, size.
fn layout(processor: Processor) -> Vec<(String, Option<usize>, usize)> {
    let output = run(&mut processor.command(&processor.compile("layout")));
    let printed = String::from_utf8(output.stdout).expect("ASCII");
    let number = |word: &str| word.parse().expect("a number");
    let lines = printed.lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            [field, offset, size] => (field.to_owned(), Some(number(offset)), number(size)),
            [name, size] => (name.to_owned(), None, number(size)),
            _ => panic!("{line}"),
        }
    });
    lines.collect()
}

/// The fields that are 64 bits wide on every processor.
const WIDE: [&str; 5] = [
    "lp_result.owner",
    "lp_entry.submitted_at",
    "lp_entry.next_attempt_at",
    "lp_entry.answered_at",
    "lp_entry.expires_at",
];

/// `src/ffi/layout.rs` asserts the same for the library: the same fields in the same order, without
/// gaps. `tests/abi` compares the names and sizes on x86_64.
#[test]
fn the_structs_have_in_c_the_layout_that_they_have_in_the_library() {
    for processor in Processor::others_that_run() {
        let is_narrow = processor == Processor::I686;
        let mut end = 0;
        let mut expected = layout(Processor::X86_64);
        for (name, offset, size) in &mut expected {
            let Some(offset) = offset else {
                *size = std::mem::take(&mut end);
                continue;
            };
            if is_narrow && *size == 8 && !WIDE.contains(&name.as_str()) {
                *size = 4;
            }
            *offset = end;
            end += *size;
        }
        assert_eq!(layout(processor), expected, "{processor:?}");
    }
}

/// Runs a program of `tests/c`, which must succeed and print nothing.
fn passes(processor: Processor, name: &str, arguments: &[&str]) {
    let program = processor.compile(name);
    let output = processor.command(&program).args(arguments).output();
    silent(&program, &output.expect("it can be run"));
}

#[test]
fn c_programs_pass() {
    for processor in Processor::others_that_run() {
        for (name, requests) in [
            ("calls", 12),
            ("ownership", 29),
            ("json", 4),
            ("struct_size", 12),
            ("nulls", 0),
            ("utf8", 0),
            ("words", 0),
        ] {
            let (server, received) = echo_server();
            passes(processor, name, &[&server.url()]);
            assert_eq!(received.count(), requests, "{name} for {processor:?}");
        }
        let (server, received) = echo_server();
        passes(processor, "threads", &[&server.url(), "many", ""]);
        assert_eq!(received.count(), 64 * 10 * 2 + 1, "{processor:?}");
    }
}

#[test]
fn an_outbox_goes_through_its_full_cycle() {
    for processor in Processor::others_that_run() {
        let folder = fresh(&format!("cycle-{}", processor.name()));
        let folder = folder.parent().expect("a folder").to_str().expect("UTF-8");
        let (accepting, _) = echo_server();
        let silent = silent_server();
        let passes_in = |mode: &str| {
            let arguments = [mode, &accepting.url(), &silent.url(), folder];
            passes(processor, "outbox_cycle", &arguments);
        };
        passes_in("cycle");
        // qemu itself fails when a forked child starts a thread.
        if processor != Processor::Aarch64 {
            passes_in("fork");
        }
    }
}

#[test]
fn a_forked_child_makes_connections_of_its_own() {
    for processor in Processor::others_that_run() {
        let (server, received) = echo_server();
        let arguments = [&server.url(), "own-connections", "", ""];
        passes(processor, "fork", &arguments);
        let connections = received.requests().into_iter().map(|(number, _)| number);
        let connections: Vec<usize> = connections.collect();
        assert_eq!(connections, [0, 1, 1, 0], "{processor:?}");
    }
}

/// Only x86 processors are certain to support the traps.
#[test]
fn floating_point_traps_of_a_32_bit_host_do_not_fire_and_stay_on() {
    let processors = Processor::others_that_run();
    let Some(i686) = processors.into_iter().find(|one| *one == Processor::I686) else {
        return;
    };
    let (server, silent) = (echo_server().0, silent_server());
    for traps in ["usual", "inexact"] {
        let log = scratch("linux-i686").join(traps);
        let _ = std::fs::remove_file(&log);
        let log = log.to_str().expect("UTF-8");
        passes(i686, "traps", &[&server.url(), &silent.url(), log, traps]);
    }
    let outbox = fresh("traps-i686");
    let outbox = outbox.to_str().expect("UTF-8");
    passes(i686, "outbox_traps", &[&server.url(), outbox]);
}

#[test]
fn an_outbox_killed_again_and_again_loses_nothing() {
    for processor in Processor::others_that_run() {
        let program = processor.compile("outbox_till");
        let (name, count, longest) = match processor {
            // qemu starts slowly, so its programs need longer lives.
            Processor::Aarch64 => ("killed-aarch64", 20, 1500),
            _ => ("killed-i686", 50, 100),
        };
        let kills = Kills {
            name,
            count,
            enough: |outcome| outcome.submitted > 0 && outcome.reported > 0,
            longest_life: Duration::from_millis(longest),
            kill: |till: &mut Child| drop(till.kill()),
        };
        let outcome = kill_again_and_again(|| processor.command(&program), &kills);
        assert!((kills.enough)(&outcome), "kills came too early");
    }
}

#[test]
fn the_component_for_1c_is_the_same() {
    for processor in Processor::others_that_run() {
        let name = format!("onec-host-{}", processor.name());
        let host = onec::compile(processor.zig("c++"), &name, &[]);
        let folder = onec::folder(processor.name());
        let library = processor
            .folder()
            .expect("it is built")
            .join("liblifepay.so");
        for case in onec::CASES {
            let sandbox = Sandbox::start(Options::default()).expect("the sandbox starts");
            let files = folder.join(case);
            std::fs::create_dir(&files).expect("a folder");
            let mut host = processor.command(&host);
            host.arg(&library).arg(case).arg(sandbox.url()).arg(files);
            silent(&library, &run(&mut host));
        }
    }
}

#[test]
fn the_examples_of_the_archive_run() {
    for processor in Processor::others_that_run() {
        let name = format!("examples-{}", processor.name());
        let Some(folder) = linux(processor, &name) else {
            return;
        };
        let outbox = fresh(&name);
        let receipt = folder.join("examples-c/receipt.json");
        let receipt = receipt.to_str().expect("UTF-8");
        for (example, stored_by, last) in [
            ("open_shift", None, &[][..]),
            ("open_shift_with_progress", Some("--store"), &[]),
            ("close_shift", None, &[]),
            ("outbox", Some("--file"), &["submit", "shift-1"]),
            ("receipt", Some("--file"), &[receipt, "order-1"]),
        ] {
            let mut program = processor.command(&folder.join("bin").join(example));
            if let Some(option) = stored_by {
                program.arg(option).arg(outbox.with_file_name(example));
            }
            makes_a_document(&mut program, last);
        }
    }
}

#[test]
fn a_program_with_the_static_library_opens_a_shift_at_the_sandbox_of_the_archive() {
    for processor in Processor::others_that_run() {
        let Some(folder) = linux(processor, &format!("static-{}", processor.name())) else {
            return;
        };
        let mut zig = processor.zig("cc");
        zig.args(["-D_POSIX_C_SOURCE=200809L", "examples-c/open_shift.c"])
            .args(["-o", "till", "-Iinclude", "lib/liblifepay.a"])
            .args(["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"]);
        run(zig.current_dir(&folder));

        let sandbox = processor.command(&folder.join("bin/lifepay-sandbox"));
        let till = processor.command(&folder.join("till"));
        opens_a_shift_at(sandbox, till, &folder.join("port"));
    }
}

/// The cryptography has its own code for each processor.
#[test]
fn https_takes_the_roots_of_a_file() {
    for processor in Processor::others_that_run() {
        let Some(folder) = linux(processor, &format!("https-{}", processor.name())) else {
            return;
        };
        let authority = Authority::new();
        let pem = pem_file(processor.name(), authority.pem());
        for version in rustls::ALL_VERSIONS {
            let server = TlsServer::speaking(authority.issue(&["127.0.0.1"]), &[version]);
            let mut program = processor.command(&folder.join("bin/open_shift"));
            program.args(["--base-url", &server.url(), "--login", "79031234567"]);
            program.env("LIFEPAY_APIKEY", "key");
            let refused = program.output().expect("it can be run");
            assert!(!refused.status.success(), "{refused:?}");
            run(program.args(["--ca-file", &pem]));
            assert_eq!(server.requests().len(), 1, "{processor:?} {version:?}");
        }
    }
}
