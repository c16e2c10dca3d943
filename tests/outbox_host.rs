//! What an outbox does in the house of its host: C programs, valgrind, forks, ends, many threads.

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::outbox::fresh;
use support::tools::{self, Link};
use support::{library, read_request, Call, Outbox, Server};

#[path = "c/driver.rs"]
mod driver;

use driver::{echo_server, silent_server};

/// Runs the C program in one of its ways, by itself and, if asked for, under valgrind.
fn runs(way: &str, link: Link, under_valgrind: bool) -> Option<PathBuf> {
    if !tools::have("gcc") || (under_valgrind && !tools::have("valgrind")) {
        return None;
    }
    let program = tools::compile_c("outbox_cycle", link);
    let name = format!("host-{way}-{}-{under_valgrind}", program.display()).replace('/', "-");
    let folder = fresh(&name).parent().unwrap().to_owned();
    let (accepting, _) = echo_server();
    let silent = silent_server();
    let mut command = if under_valgrind {
        let mut command = tools::valgrind();
        command.arg(&program);
        command
    } else {
        Command::new(&program)
    };
    let output = tools::run(
        command
            .args([way, &accepting.url(), &silent.url()])
            .arg(&folder),
    );
    let printed = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&printed), "", "nothing is printed");
    Some(folder)
}

#[test]
fn a_full_cycle_and_garbage_do_no_harm() {
    for link in [Link::Shared, Link::Static] {
        runs("cycle", link, false);
    }
}

#[test]
fn a_full_cycle_makes_no_memory_error_and_no_leak() {
    for link in [Link::Shared, Link::Static] {
        runs("cycle", link, true);
    }
}

#[test]
fn a_forked_child_is_refused_and_its_parent_goes_on() {
    runs("fork", Link::Shared, false);
}

#[test]
fn a_process_may_end_with_an_open_outbox_and_loses_nothing() {
    for way in ["return", "thread"] {
        for link in [Link::Shared, Link::Static] {
            let Some(folder) = runs(way, link, false) else {
                return;
            };
            // Opened with another base_url: looked at, not sent.
            let call = Call::to(&Server::nowhere());
            let outbox = Outbox::open(&folder.join("exit.db"), call);
            let entry = outbox.entry("left").expect("the entry is there");
            assert_eq!(
                (entry.code, entry.outcome, entry.attempts),
                (-1, 2, 1),
                "{entry:?}"
            );
        }
    }
}

#[test]
fn loading_and_unloading_leave_nothing_behind() {
    if !tools::have("gcc") {
        return;
    }
    let program = tools::compile_c_without_library("outbox_reload");
    let (server, received) = echo_server();
    let file = fresh("host-reload");
    let mut command = Command::new(program);
    tools::run(command.arg(library::path()).arg(server.url()).arg(file));
    assert_eq!(received.count(), 100);
}

#[test]
fn each_of_many_threads_gets_its_own_answers() {
    let (server, received) = echo_server();
    let path = fresh("host-threads");
    let outbox = Outbox::open(&path, Call::to(&server.url()).with(|c| c.concurrency = 16));
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let (outbox, url) = (&outbox, server.url());
            scope.spawn(move || {
                for number in 0..20 {
                    let ext_id = format!("{thread}-{number}");
                    let (returned, _) = outbox.submit(Call::to(&url).ext_id(&ext_id));
                    assert_eq!(returned, 0);
                    let answer = outbox.wait(&ext_id, 30_000);
                    assert_eq!(answer.uuid.as_deref(), Some(ext_id.as_str()), "{answer:?}");
                }
            });
        }
    });
    assert_eq!(received.count(), 320);
}

#[test]
fn threads_of_an_outbox_block_all_signals() {
    let server = Server::start(|mut stream, _| {
        read_request(&mut stream);
        read_request(&mut stream);
    });
    let outbox = Outbox::open(&fresh("host-signals"), Call::to(&server.url()));
    outbox.submit(Call::to(&server.url()).ext_id("mine"));
    support::wait::until("the request is under way", || server.connections() == 1);
    let mut seen = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        // A thread of another test may end meanwhile.
        let Ok(name) = std::fs::read_to_string(task.join("comm")) else {
            continue;
        };
        if name.starts_with("lifepay-") {
            let status = std::fs::read_to_string(task.join("status")).unwrap_or_default();
            let Some(blocked) = status.lines().find_map(|line| line.strip_prefix("SigBlk:")) else {
                continue;
            };
            let blocked = u64::from_str_radix(blocked.trim(), 16).unwrap();
            // SIGKILL and SIGSTOP cannot be blocked, 32 and 33 are the C library's own.
            let may_be_open = (1 << 8) | (1 << 18) | (1 << 31) | (1 << 32);
            assert_eq!(blocked | may_be_open, u64::MAX, "{name}: {blocked:x}");
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
}
