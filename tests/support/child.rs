//! Child processes, for settings that belong to a whole process, such as its environment.

use std::ffi::CString;
use std::process::{Child, Command};

use serde_json::Value;

use super::call::with_string;
use super::library;
use super::tools::run;

/// A process that is killed when dropped. Otherwise a test that fails would leave it running, and
/// whoever reads the output of the tests would wait for its end.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The environment variable with the child's request.
const REQUEST: &str = "LIFEPAY_TEST_REQUEST";
/// The beginning of the child's answer.
const ANSWER: &str = "answer: ";
/// Set in the child process that [`again`] starts.
const AGAIN: &str = "LIFEPAY_TEST_AGAIN";

/// Environment variables that could change the results of the tests.
const DISTURBING: [&str; 10] = [
    "ALL_PROXY",
    "all_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Sends `request` with `lp_open_shift_json` in a process with this environment, and returns its
/// answer. The test program needs a test called `child`, outside any module, that calls [`answer`].
pub fn send(environment: &[(&str, &str)], request: &Value) -> Value {
    let request = request.to_string();
    let mut environment = environment.to_vec();
    environment.push((REQUEST, &request));
    let printed = test("child", &environment);
    let line = printed.lines().find_map(|line| line.split_once(ANSWER));
    let (_, answer) = line.unwrap_or_else(|| panic!("no answer in {printed}"));
    serde_json::from_str(answer).expect("the answer is JSON")
}

/// The child's part of [`send`]. Does nothing if no parent has set a request.
pub fn answer() {
    let Ok(request) = std::env::var(REQUEST) else {
        return;
    };
    let request = CString::new(request).expect("no NUL");
    // SAFETY: the request is a string.
    let open = |answer| unsafe { (library().open_shift_json)(request.as_ptr(), answer) };
    println!("{ANSWER}{}", with_string(open).1);
}

/// Runs the test `name` in a process with this environment, and fails if it fails there. `module`
/// is the test's `module_path!()`. Returns false in that process.
pub fn again(module: &str, name: &str, environment: &[(&str, &str)]) -> bool {
    if std::env::var_os(AGAIN).is_some() {
        return false;
    }
    let mut environment = environment.to_vec();
    environment.push((AGAIN, "1"));
    let printed = test(&full_name(module, name), &environment);
    assert!(printed.contains("1 passed"), "no test {name}: {printed}");
    true
}

/// Returns a test's name for the test program: with its modules, without the program.
pub fn full_name(module: &str, name: &str) -> String {
    match module.split_once("::") {
        Some((_, modules)) => format!("{modules}::{name}"),
        None => name.to_owned(),
    }
}

fn test(name: &str, environment: &[(&str, &str)]) -> String {
    let program = std::env::current_exe().expect("a test has a path");
    let mut command = Command::new(program);
    for variable in DISTURBING {
        command.env_remove(variable);
    }
    command
        .args(["--exact", name, "--nocapture"])
        .envs(environment.iter().copied());
    String::from_utf8(run(&mut command).stdout).expect("UTF-8")
}
