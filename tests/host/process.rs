//! The host process: the state that a call must leave unchanged, and the events that must not
//! disturb a call. Each test is a C program of `tests/c` or a .NET program of `tests/csharp`.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::dotnet;
use crate::support::driver::{
    echo_server, resetting_server, run_program, silent_server, slow_server,
};
use crate::support::library;
use crate::support::outbox::InMemory;
use crate::support::tools::{self, Link};

/// Compiles `tests/c/NAME.c`, once for all tests that run it. Without a compiler the test returns.
macro_rules! program {
    ($name:literal, $link:expr) => {{
        static COMPILED: OnceLock<Option<PathBuf>> = OnceLock::new();
        let compile = || tools::have("gcc").then(|| tools::compile_c($name, $link));
        match COMPILED.get_or_init(compile) {
            Some(program) => program,
            None => return,
        }
    }};
}

/// Returns the path of a file for a log or an outbox, which does not exist yet.
fn new_file(name: &str) -> PathBuf {
    let file = tools::scratch("host").join(name);
    let _ = std::fs::remove_file(&file);
    file
}

/// Creates an empty folder for outboxes.
fn empty_folder(name: &str) -> String {
    let folder = tools::scratch(name);
    std::fs::remove_dir_all(&folder).expect("an old folder can be removed");
    std::fs::create_dir(&folder).expect("a new folder");
    folder.into_os_string().into_string().expect("UTF-8")
}

#[cfg(target_arch = "x86_64")]
fn run_with_traps(traps: &str) {
    // The program needs libm for feenableexcept. Only the link with the static library adds -lm.
    let program = program!("traps", Link::Static);
    let (server, received) = echo_server();
    let silent = silent_server();
    let log = new_file(traps);
    let log_path = log.to_str().expect("a path in UTF-8");
    run_program(program, &[&server.url(), &silent.url(), log_path, traps]);
    assert_eq!(received.count(), 3);
    let written = std::fs::read_to_string(&log).expect("the log was written");
    assert!(written.contains("1.8e308"), "{written}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn floating_point_traps_of_the_host_do_not_fire_and_stay_on() {
    run_with_traps("usual");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_trap_on_inexact_results_does_not_fire() {
    run_with_traps("inexact");
}

#[test]
fn a_call_raises_no_signal_and_no_signal_disturbs_it() {
    let program = program!("signals", Link::Shared);
    let (server, _) = echo_server();
    let (slow, _) = slow_server(Duration::ZERO, Duration::from_millis(5));
    let outbox = new_file("signals.db");
    let outbox = outbox.to_str().expect("a path in UTF-8");
    run_program(
        program,
        &[&server.url(), &resetting_server(), &slow.url(), outbox],
    );
}

#[test]
fn a_dotnet_program_catches_faults_and_collects_garbage_while_the_library_calls_it() {
    let source = tools::root().join("tests/csharp/LibraryThreads.cs");
    let Some(program) = dotnet::compile(&source, "library-threads") else {
        return;
    };
    for runtime in dotnet::runtimes() {
        let (server, received) = echo_server();
        // A garbage collection that waited for a thread of the library would never end.
        let mut command = runtime.command(&program);
        command
            .arg(server.url())
            .arg(new_file("csharp.db"))
            .env("LD_LIBRARY_PATH", library::folder());
        tools::run(&mut command);
        assert_eq!(received.count(), 20);
    }
}

#[test]
fn threads_of_the_library_block_what_the_host_handles_and_never_pile_up() {
    let program = program!("lookups", Link::Shared);
    let (server, received) = echo_server();
    run_program(program, &[&server.url()]);
    assert_eq!(received.count(), 2);
}

#[test]
fn each_of_many_threads_gets_its_own_answers() {
    let program = program!("threads", Link::Shared);
    let (server, received) = echo_server();
    run_program(program, &[&server.url(), "many", ""]);
    assert_eq!(received.count(), 64 * 10 * 2 + 1);
}

#[test]
fn a_thread_may_call_while_it_ends() {
    let program = program!("threads", Link::Shared);
    let log = new_file("ending-thread");
    for log in ["", log.to_str().expect("a path in UTF-8")] {
        let (server, received) = echo_server();
        run_program(program, &[&server.url(), "ending", log]);
        assert_eq!(received.count(), 2);
    }
}

#[test]
fn callbacks_may_call_what_the_header_says() {
    let program = program!("callbacks", Link::Shared);
    let (server, _) = echo_server();
    let (slow, _) = slow_server(Duration::from_secs(1), Duration::ZERO);
    let log = new_file("callbacks");
    let log = log.to_str().expect("a path in UTF-8");
    run_program(program, &[&server.url(), &slow.url(), log]);
}

#[test]
fn a_forked_child_makes_connections_of_its_own() {
    let program = program!("fork", Link::Shared);
    let (server, received) = echo_server();
    run_program(program, &[&server.url(), "own-connections", "", ""]);
    let requests = received.requests();
    let requests: Vec<_> = requests.iter().map(|(c, e)| (*c, e.as_str())).collect();
    let expected = [(0, "parent"), (1, "child"), (1, "child"), (0, "parent")];
    assert_eq!(requests, expected);
}

#[test]
fn a_call_in_whose_on_progress_a_child_is_forked_stays_the_parents() {
    let program = program!("fork", Link::Shared);
    let (server, _) = echo_server();
    let (slow, received) = slow_server(Duration::from_secs(1), Duration::ZERO);
    run_program(program, &[&server.url(), "on-progress", &slow.url(), ""]);
    assert_eq!(received.count(), 1);
}

#[test]
fn a_forked_child_may_read_and_free_what_it_inherits() {
    let program = program!("fork", Link::Shared);
    let (server, _) = echo_server();
    run_program(program, &[&server.url(), "inherited", "", ""]);
}

#[test]
fn each_of_many_generations_makes_its_own_connections() {
    let program = program!("fork", Link::Shared);
    let (server, received) = echo_server();
    run_program(program, &[&server.url(), "generations", "", ""]);
    // The parent and 20 generations of children. All but the last call before and after their child
    // runs.
    assert_eq!(received.count(), 41);
    assert_eq!(server.connections(), 21);
}

#[test]
fn a_forked_child_does_not_hang_on_a_lock_of_its_parents_threads() {
    let program = program!("fork", Link::Shared);
    let (server, _) = echo_server();
    let tls = resetting_server().replace("http:", "https:");
    let log = new_file("busy-threads");
    let log = log.to_str().expect("a path in UTF-8");
    run_program(program, &[&server.url(), "busy-threads", &tls, log]);
}

#[test]
fn a_child_opens_an_outbox_whatever_its_parents_threads_do() {
    let program = program!("fork", Link::Shared);
    let (server, _) = echo_server();
    // On a busy disk, an outbox that was just closed may still be in use after five seconds.
    let folder = InMemory::new("fork-outboxes");
    let path = folder.path().to_str().expect("a path in UTF-8");
    run_program(program, &[&server.url(), "outboxes", path, ""]);
}

/// Stops the first calls of a process at each allocation and forks the process there.
fn a_child_may_be_forked_at_any_moment_of(work: &str) {
    let program = program!("fork_in_call", Link::Shared);
    let (server, _) = echo_server();
    let folder = empty_folder(&format!("fork-in-{work}"));
    run_program(program, &[&server.url(), work, &folder]);
}

#[test]
fn a_child_may_be_forked_at_any_moment_of_its_parents_first_request() {
    a_child_may_be_forked_at_any_moment_of("request");
}

#[test]
fn a_child_may_be_forked_while_its_parent_opens_an_outbox_and_closes_it() {
    a_child_may_be_forked_at_any_moment_of("outbox");
}

#[test]
fn loading_runs_no_code_and_unloading_is_harmless() {
    if !tools::have("gcc") {
        return;
    }
    let program = tools::compile_c_without_library("reload");
    let (server, received) = echo_server();
    let library = library::path();
    let library = library.to_str().expect("a path in UTF-8");
    run_program(&program, &[&server.url(), library]);
    assert_eq!(received.count(), 222);
}

/// Ends a host process as `way` says, with and without a log.
fn ends(way: &str) {
    let log = new_file(way);
    ends_with_log(way, "");
    ends_with_log(way, log.to_str().expect("a path in UTF-8"));
}

fn ends_with_log(way: &str, log: &str) {
    for link in [Link::Shared, Link::Static] {
        let program = match link {
            Link::Shared => program!("exit", Link::Shared),
            Link::Static => program!("exit", Link::Static),
        };
        let (server, _) = echo_server();
        let silent = silent_server();
        run_program(program, &[&server.url(), &silent.url(), way, log]);
    }
}

#[test]
fn a_host_may_end_right_after_a_call() {
    ends("exit-after-a-call");
    ends("return-after-a-call");
}

#[test]
fn a_host_may_end_in_the_middle_of_a_call() {
    ends("exit-during-a-call-of-another-thread");
    ends("return-during-a-call-of-another-thread");
    ends("exit-of-another-thread-during-a-call");
}

#[test]
fn a_result_may_be_freed_while_the_host_ends() {
    ends("free-at-exit");
}

#[test]
fn a_call_may_be_made_while_the_host_ends() {
    ends_with_log("call-at-exit", "");
}

#[test]
fn a_call_may_be_logged_while_the_host_ends() {
    let log = new_file("call-at-exit");
    ends_with_log("call-at-exit", log.to_str().expect("a path in UTF-8"));
    let written = std::fs::read_to_string(&log).expect("the log was written");
    assert!(written.contains("ext_id=at-exit"), "{written}");
}
