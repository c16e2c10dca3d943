//! Name resolution: it is limited in time, cached, and never blocks other calls.
//!
//! tests/c/slow_getaddrinfo.c replaces the system's lookup, in a separate process for each test.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use lifepay::ffi as code;

use crate::support::constants::{ANSWERED, NOT_SENT, PHASE_CONNECT, PHASE_FAILED};
use crate::support::outbox::compile_preload;
use crate::support::server::ACCEPTED;
use crate::support::wait::until;
use crate::support::{child, respond, tools, Answer, Call, Server};

/// The environment variable that names the folder of the replaced lookup.
const FOLDER: &str = "LIFEPAY_TEST_NAMES";
/// The host name in base URLs: the only one that plain http allows. Its addresses come only from
/// the replaced lookup.
const NAME: &str = "localhost";

/// Sets the answers of the replaced lookup in this process, and reads what it has recorded.
struct Names {
    folder: PathBuf,
}

impl Names {
    /// Runs `test` in a child process. Returns Some in the child, and None in the parent after the
    /// child has passed or if there is no compiler.
    fn of(test: &str) -> Option<Names> {
        if let Some(folder) = std::env::var_os(FOLDER) {
            let folder = folder.into();
            return Some(Names { folder });
        }
        let shim = shim()?;
        let folder = tools::scratch("names").join(test);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).expect("a folder for the test");
        let text = |path: &PathBuf| path.to_str().expect("UTF-8").to_owned();
        let environment = [("LD_PRELOAD", text(shim)), (FOLDER, text(&folder))];
        let environment = environment
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        assert!(child::again(module_path!(), test, &environment));
        None
    }

    /// Sets the answer of lookups from now on.
    fn set_answer(&self, answer: &str) {
        self.write("answer", answer);
    }

    /// Sets by how many seconds the clock is ahead.
    fn advance(&self, seconds: u32) {
        self.write("clock", &seconds.to_string());
    }

    fn write(&self, name: &str, content: &str) {
        // Written under another name first, so that no lookup reads half of it.
        let partial = self.folder.join("half");
        std::fs::write(&partial, content).unwrap();
        std::fs::rename(partial, self.folder.join(name)).unwrap();
    }

    /// Returns the names that were looked up.
    fn looked_up(&self) -> Vec<String> {
        self.lines("calls")
    }

    /// Returns how many threads the library has started.
    fn threads(&self) -> usize {
        let library = |line: &&String| line.contains("liblifepay");
        self.lines("threads").iter().filter(library).count()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// Returns the replaced lookup, compiled once. None if there is no compiler.
fn shim() -> Option<&'static PathBuf> {
    static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let compile = || tools::have("gcc").then(|| compile_preload("slow_getaddrinfo"));
    SHIM.get_or_init(compile).as_ref()
}

/// Returns how many threads of this process are looking up a name.
fn lookup_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let comm = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.ok()?.path().join("comm")).ok()
    };
    tasks
        .filter_map(comm)
        .filter(|comm| comm.trim() == "lifepay-resolve")
        .count()
}

/// Starts LifePay on this machine, and returns it and its base URL with a host name.
fn lifepay() -> (Server, String) {
    let server = Server::always(respond("200 OK", ACCEPTED));
    let url = format!("http://{NAME}:{}", server.address().port());
    (server, url)
}

#[track_caller]
fn accepted(answer: &Answer) {
    assert_eq!((answer.code, answer.outcome), (0, ANSWERED), "{answer:?}");
}

#[track_caller]
fn not_sent(answer: &Answer, code: i32) {
    assert_eq!(
        (answer.code, answer.outcome, answer.attempts),
        (code, NOT_SENT, 1),
        "{answer:?}"
    );
}

#[test]
fn a_name_that_does_not_exist_is_bounded_by_the_connect_limit() {
    // This is the system's own lookup, whose failure depends on the machine.
    let answer = Call::to("https://x.invalid").limits(1500, 20_000).send();
    let codes = [code::LP_ERR_NETWORK, code::LP_ERR_TIMEOUT];
    assert!(codes.contains(&answer.code), "{answer:?}");
    assert_eq!(answer.outcome, NOT_SENT, "{answer:?}");
    assert!(answer.took < Duration::from_millis(1900), "{answer:?}");
}

#[test]
fn an_unknown_host_name_fails_at_once() {
    let Some(names) = Names::of("an_unknown_host_name_fails_at_once") else {
        return;
    };
    names.set_answer("fail");
    let answer = Call::to("https://lifepay.test").limits(3000, 20_000).send();
    not_sent(&answer, code::LP_ERR_NETWORK);
    assert!(answer.message.contains("DNS"), "{answer:?}");
    assert!(
        answer.detail.as_deref().unwrap().contains("lifepay.test"),
        "{answer:?}"
    );
    assert!(answer.took < Duration::from_secs(1), "{answer:?}");
    assert_eq!(names.looked_up(), ["lifepay.test"]);
    // A failure is not cached.
    let (_server, url) = lifepay();
    names.set_answer("127.0.0.1");
    accepted(&Call::to(&url).send());
}

#[test]
fn a_dns_lookup_that_hangs_is_bounded_by_the_limits() {
    let Some(names) = Names::of("a_dns_lookup_that_hangs_is_bounded_by_the_limits") else {
        return;
    };
    names.set_answer("hang");
    for (connect, whole) in [(600, 20_000), (20_000, 600)] {
        let answer = Call::to("https://lifepay.test")
            .limits(connect, whole)
            .send();
        not_sent(&answer, code::LP_ERR_TIMEOUT);
        let took = answer.took.as_millis();
        assert!((550..1000).contains(&took), "{answer:?}");
    }
}

#[test]
fn a_call_is_cancelled_while_a_dns_lookup_hangs() {
    let Some(names) = Names::of("a_call_is_cancelled_while_a_dns_lookup_hangs") else {
        return;
    };
    names.set_answer("hang");
    let (mut phases, mut stopped) = (Vec::new(), None);
    let answer = Call::to("https://lifepay.test")
        .on_progress(|progress| {
            phases.push(progress.phase);
            let enough = phases.len() == 3;
            if enough {
                stopped = Some(Instant::now());
            }
            i32::from(enough)
        })
        .send();
    not_sent(&answer, code::LP_ERR_CANCELLED);
    assert!(stopped.unwrap().elapsed() < Duration::from_secs(1));
    assert_eq!(phases, [PHASE_CONNECT; 3]);
}

#[test]
fn on_progress_is_called_while_a_dns_lookup_hangs() {
    let Some(names) = Names::of("on_progress_is_called_while_a_dns_lookup_hangs") else {
        return;
    };
    names.set_answer("hang");
    let mut phases = Vec::new();
    let answer = Call::to("https://lifepay.test")
        .limits(2000, 20_000)
        .on_progress(|progress| {
            phases.push(progress.phase);
            0
        })
        .send();
    not_sent(&answer, code::LP_ERR_TIMEOUT);
    assert_eq!(phases.pop(), Some(PHASE_FAILED));
    assert!((7..=13).contains(&phases.len()), "{phases:?}");
    assert!(phases.iter().all(|phase| *phase == PHASE_CONNECT));
}

#[test]
fn calls_share_one_thread_while_a_dns_lookup_hangs() {
    let Some(names) = Names::of("calls_share_one_thread_while_a_dns_lookup_hangs") else {
        return;
    };
    names.set_answer("hang");
    let (_server, url) = lifepay();
    for _ in 0..3 {
        let answer = Call::to(&url).limits(200, 20_000).send();
        not_sent(&answer, code::LP_ERR_TIMEOUT);
    }
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let answer = Call::to(&url).limits(200, 20_000).send();
                not_sent(&answer, code::LP_ERR_TIMEOUT);
            });
        }
    });
    assert_eq!((names.threads(), lookup_threads()), (1, 1));
    assert_eq!(names.looked_up(), [NAME]);
    // A waiting call uses the result of the lookup that an earlier call started.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| Call::to(&url).limits(20_000, 20_000).send());
        names.set_answer("127.0.0.1");
        accepted(&waiting.join().unwrap());
    });
    assert_eq!(names.looked_up(), [NAME]);
    until("the thread has ended", || lookup_threads() == 0);
}

#[test]
fn another_name_does_not_wait_for_a_dns_lookup_that_hangs() {
    let Some(names) = Names::of("another_name_does_not_wait_for_a_dns_lookup_that_hangs") else {
        return;
    };
    names.write("answer-lifepay.test", "hang");
    names.set_answer("127.0.0.1");
    let (_server, url) = lifepay();
    let hanging = Call::to("https://lifepay.test").limits(200, 20_000).send();
    not_sent(&hanging, code::LP_ERR_TIMEOUT);
    let answer = Call::to(&url).limits(1000, 20_000).send();
    accepted(&answer);
    until("only the first lookup hangs", || lookup_threads() == 1);
    assert_eq!(names.looked_up(), ["lifepay.test", NAME]);
}

#[test]
fn addresses_are_remembered_for_a_minute() {
    let Some(names) = Names::of("addresses_are_remembered_for_a_minute") else {
        return;
    };
    names.set_answer("127.0.0.1");
    let (server, url) = lifepay();
    for seconds in [0, 30, 59] {
        names.advance(seconds);
        accepted(&Call::to(&url).send());
    }
    assert_eq!((names.looked_up().len(), names.threads()), (1, 1));
    names.advance(61);
    accepted(&Call::to(&url).send());
    assert_eq!(names.looked_up(), [NAME, NAME]);
    // The connections show that the clock was ahead: they are not kept for that long.
    assert!(server.connections() > 1);
}

#[test]
fn a_new_address_is_used_after_a_minute() {
    let Some(names) = Names::of("a_new_address_is_used_after_a_minute") else {
        return;
    };
    names.set_answer("127.0.0.1");
    let (_server, url) = lifepay();
    accepted(&Call::to(&url).send());
    names.advance(61);
    // Nothing listens there.
    names.set_answer("127.0.0.2");
    let answer = Call::to(&url).send();
    not_sent(&answer, code::LP_ERR_NETWORK);
    assert!(
        answer.detail.as_deref().unwrap().contains("127.0.0.2"),
        "{answer:?}"
    );
}

#[test]
fn the_last_known_addresses_are_used_while_dns_lookups_fail() {
    let Some(names) = Names::of("the_last_known_addresses_are_used_while_dns_lookups_fail") else {
        return;
    };
    names.set_answer("127.0.0.1");
    let (server, url) = lifepay();
    accepted(&Call::to(&url).send());
    names.set_answer("fail");
    for (round, minutes) in [2, 60].into_iter().enumerate() {
        names.advance(minutes * 60);
        let answer = Call::to(&url).send();
        accepted(&answer);
        assert!(answer.took < Duration::from_secs(1), "{answer:?}");
        assert_eq!(names.looked_up().len(), round + 2);
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn the_last_known_addresses_are_used_while_a_dns_lookup_hangs() {
    let Some(names) = Names::of("the_last_known_addresses_are_used_while_a_dns_lookup_hangs")
    else {
        return;
    };
    names.set_answer("127.0.0.1");
    let (_server, url) = lifepay();
    accepted(&Call::to(&url).send());
    names.set_answer("hang");
    names.advance(120);
    let answer = Call::to(&url).limits(10_000, 20_000).send();
    accepted(&answer);
    assert!(answer.took < Duration::from_secs(5), "{answer:?}");
    assert_eq!(names.looked_up().len(), 2);
    // The same with a shorter connect limit.
    let answer = Call::to(&url).limits(2000, 20_000).send();
    accepted(&answer);
}

#[test]
fn an_ip_address_is_not_looked_up_and_starts_no_thread() {
    let Some(names) = Names::of("an_ip_address_is_not_looked_up_and_starts_no_thread") else {
        return;
    };
    names.set_answer("fail");
    let (server, url) = lifepay();
    accepted(&Call::to(&server.url()).send());
    let nowhere = Call::to("http://[::1]:1").send();
    not_sent(&nowhere, code::LP_ERR_NETWORK);
    assert!(
        nowhere.detail.as_deref().unwrap().contains("[::1]:1"),
        "{nowhere:?}"
    );
    assert_eq!((names.looked_up().len(), names.threads()), (0, 0));
    // A name is looked up and starts a thread: the counters work.
    names.set_answer("127.0.0.1");
    accepted(&Call::to(&url).send());
    assert_eq!((names.looked_up().len(), names.threads()), (1, 1));
}

#[test]
fn plain_http_goes_to_no_other_machine_whatever_the_name_resolves_to() {
    let test = "plain_http_goes_to_no_other_machine_whatever_the_name_resolves_to";
    let Some(names) = Names::of(test) else {
        return;
    };
    let (server, url) = lifepay();
    for (round, addresses) in ["192.0.2.1", "127.0.0.1 192.0.2.1"].into_iter().enumerate() {
        names.advance(120 * round as u32);
        names.set_answer(addresses);
        let answer = Call::to(&url).send();
        not_sent(&answer, code::LP_ERR_ARGUMENT);
        assert_eq!(answer.fields(), ["base_url"]);
        assert!(answer.message.contains("192.0.2.1"), "{answer:?}");
        assert_eq!(names.looked_up().len(), round + 1);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_next_address_is_tried_when_one_refuses() {
    let Some(names) = Names::of("the_next_address_is_tried_when_one_refuses") else {
        return;
    };
    let (server, url) = lifepay();
    names.set_answer("127.0.0.2 ::1 127.0.0.1");
    accepted(&Call::to(&url).send());
    assert_eq!(server.connections(), 1);
}

#[test]
fn one_dead_address_does_not_use_up_the_time() {
    let Some(names) = Names::of("one_dead_address_does_not_use_up_the_time") else {
        return;
    };
    let (server, url) = lifepay();
    // The listen queue is full, so the system drops connection requests.
    let dead = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 2], server.address().port()));
    dead.bind(&address.into()).unwrap();
    dead.listen(0).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        waiting.push(stream);
        assert!(waiting.len() < 100, "the listen queue does not fill up");
    }
    names.set_answer("127.0.0.2 127.0.0.1");
    let answer = Call::to(&url).limits(1000, 20_000).send();
    accepted(&answer);
    assert!(
        answer.took >= Duration::from_millis(300),
        "the dead address was tried first"
    );
}

#[test]
fn more_addresses_than_anyone_needs_do_no_harm() {
    let Some(names) = Names::of("more_addresses_than_anyone_needs_do_no_harm") else {
        return;
    };
    let (_server, url) = lifepay();
    let all: Vec<String> = (1..=20).map(|last| format!("127.0.0.{last}")).collect();
    names.set_answer(&all.join(" "));
    accepted(&Call::to(&url).send());
}
