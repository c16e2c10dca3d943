//! The boundary between C and Rust: a scan of the sources, and every export called with NULL.

use std::collections::BTreeSet;
use std::ffi::{c_long, c_void};
use std::path::{Path, PathBuf};
use std::ptr;

use lifepay::ffi::{lp_config, lp_result, LP_ERR_ARGUMENT, LP_ERR_CLOSED, LP_OK};

use crate::support::{library, tools, Call, Server};

/// The paths below `src` that may contain raw pointers and `unsafe`.
const C_BOUNDARY: [&str; 4] = ["ffi", "onec", "testing/config.rs", "testing/variants.rs"];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn is_c_boundary(&self) -> bool {
        let below = self.path.strip_prefix(tools::root().join("src")).unwrap();
        C_BOUNDARY.iter().any(|folder| below.starts_with(folder))
    }

    /// Returns the lines without comments, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate();
        numbered.map(|(index, line)| (index + 1, without_comment(line)))
    }
}

fn without_comment(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&tools::root().join("src"), &mut found);
    assert!(found.len() > 20, "the sources have been moved");
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push(Source { path, text });
        }
    }
}

/// Returns the names in include/symbols.txt.
fn symbols() -> BTreeSet<String> {
    tools::symbols().into_iter().map(|(name, _)| name).collect()
}

/// Returns the name and the first line of the body of each function marked `no_mangle`.
fn exports_of(source: &Source) -> Vec<(String, String)> {
    let mut exports = Vec::new();
    let lines: Vec<&str> = source.code().map(|(_, line)| line.trim()).collect();
    for (index, line) in lines.iter().enumerate() {
        if !(line.starts_with("#[") && line.contains("no_mangle")) {
            continue;
        }
        let head = lines[index..].iter().position(|line| line.contains("fn "));
        let head = index + head.expect("a function after no_mangle");
        let (_, name) = lines[head].split_once("fn ").unwrap();
        let name = name.split(['(', '<']).next().unwrap().to_owned();
        let open = lines[head..].iter().position(|line| line.ends_with('{'));
        let open = head + open.expect("a body");
        let is_code = |line: &&&str| !line.is_empty() && **line != "unsafe {";
        let body = lines[open + 1..].iter().find(is_code);
        exports.push((name, (*body.unwrap()).to_owned()));
    }
    exports
}

#[test]
fn every_export_runs_inside_the_guard() {
    let mut found = BTreeSet::new();
    for source in sources() {
        for (name, body) in exports_of(&source) {
            let guards = [
                "guard(",
                "guard_anywhere(",
                "guard_result(",
                "answered(",
                "done(",
                "call(",
            ];
            let body = body.trim_start_matches("unsafe { ");
            let guarded = guards.iter().any(|guard| body.starts_with(guard));
            assert!(guarded, "{}: {name}: {body}", source.path.display());
            assert!(
                source.is_c_boundary(),
                "{name} in {}",
                source.path.display()
            );
            found.insert(name);
        }
    }
    assert_eq!(found, symbols(), "the scan finds every export");
}

#[test]
fn raw_pointers_and_unsafe_stand_only_where_c_does() {
    for source in sources().iter().filter(|source| !source.is_c_boundary()) {
        for (number, line) in source.code() {
            let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let found = words.clone().any(|word| word == "unsafe")
                || line.contains("allow(unsafe_code")
                || ["*const ", "*mut "].iter().any(|raw| line.contains(raw));
            assert!(!found, "{}:{number}: {line}", source.path.display());
        }
    }
}

/// Returns whether the comment above the statement at line `index` is a SAFETY comment.
fn is_explained(lines: &[&str], index: usize) -> bool {
    let mut above = lines[..index]
        .iter()
        .rev()
        .map(|line| line.trim())
        .peekable();
    // The statement may begin several lines above.
    while above.next_if(|line| continues(line)).is_some() {}
    above
        .take_while(|line| line.starts_with("//"))
        .any(|line| line.contains("SAFETY:"))
}

fn continues(line: &str) -> bool {
    !line.starts_with("//") && !line.is_empty() && !line.ends_with([';', '{', '}'])
}

#[test]
fn every_unsafe_block_says_why_it_is_sound() {
    for source in sources() {
        let lines: Vec<&str> = source.text.lines().collect();
        for (number, line) in source.code() {
            if line.contains("unsafe {") || line.contains("unsafe impl") {
                let index = number - 1;
                let path = source.path.display();
                assert!(is_explained(&lines, index), "{path}:{number}: {line}");
            }
        }
    }
}

#[test]
fn the_scan_distinguishes_an_explained_block() {
    let explained = |text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        is_explained(&lines, lines.len() - 1)
    };
    assert!(explained("// SAFETY: it\n// holds.\nunsafe { f() };"));
    assert!(explained(
        "// SAFETY: it holds.\nlet a = b\n    .map(|c| unsafe { c() });"
    ));
    assert!(!explained("// SAFETY: of another.\ng();\nunsafe { f() };"));
    assert!(!explained("// A comment.\nunsafe { f() };"));
    assert!(!explained("fn f() {\n    unsafe { f() };"));
}

/// Calls the export with NULL or zero for every argument, and checks its return value.
fn call_with_nothing(name: &str) {
    let library = library();
    // SAFETY: every export must accept NULL, which this test verifies.
    unsafe {
        match name {
            "lp_code_name" => assert!(!(library.code_name)(0).is_null()),
            "lp_code_text" => assert!(!(library.code_text)(0).is_null()),
            "lp_config_init" => {
                assert_eq!((library.config_init)(ptr::null_mut(), 0), LP_ERR_ARGUMENT);
            }
            "lp_ext_id_new" => {
                assert_eq!((library.ext_id_new)(ptr::null_mut(), 0), LP_ERR_ARGUMENT);
            }
            "lp_log_to_file" => assert_eq!((library.log_to_file)(ptr::null(), 0, 0), LP_OK),
            "lp_open_shift" => {
                let code = (library.open_shift)(ptr::null(), ptr::null_mut());
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_open_shift_json" => {
                let code = (library.open_shift_json)(ptr::null(), ptr::null_mut());
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_send_json" => {
                let code = (library.send_json)(ptr::null(), ptr::null_mut());
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_send" => {
                let code = (library.send)(ptr::null(), ptr::null_mut());
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            name if !name.starts_with("lp_") => call_component_with_nothing(name),
            name if name.starts_with("lp_outbox_") => call_outbox_with_nothing(name),
            "lp_result_free" => (library.result_free)(ptr::null_mut()),
            "lp_result_init" => {
                assert_eq!((library.result_init)(ptr::null_mut(), 0), LP_ERR_ARGUMENT);
            }
            "lp_set_log" => assert_eq!((library.set_log)(None, ptr::null_mut(), 0), LP_OK),
            "lp_string_free" => (library.string_free)(ptr::null_mut()),
            "lp_version" => assert!(!(library.version)().is_null()),
            "lp_version_number" => assert_ne!((library.version_number)(), 0),
            other => panic!("{other} is exported but not called with NULL here"),
        }
    }
}

/// Does the same for the exports that 1C requires.
///
/// # Safety
///
/// The exports must not dereference NULL, which the test verifies.
unsafe fn call_component_with_nothing(name: &str) {
    // SAFETY: loading the library runs no code; the types match those in the sources.
    unsafe {
        let library = libloading::Library::new(library::path()).unwrap();
        match name {
            "DestroyObject" => {
                let destroy = library.get::<extern "C" fn(*mut *mut c_void) -> c_long>(name);
                assert_eq!(destroy.unwrap()(ptr::null_mut()), -1);
            }
            "GetAttachType" => {
                let attach_type = library.get::<extern "C" fn() -> c_long>(name);
                assert_eq!(attach_type.unwrap()(), 3);
            }
            "GetClassNames" => {
                let class_names = library.get::<extern "C" fn() -> *const u16>(name);
                assert!(!class_names.unwrap()().is_null());
            }
            "GetClassObject" => {
                type Create = extern "C" fn(*const u16, *mut *mut c_void) -> c_long;
                let create = library.get::<Create>(name);
                assert_eq!(create.unwrap()(ptr::null(), ptr::null_mut()), 0);
            }
            "SetPlatformCapabilities" => {
                let set = library.get::<extern "C" fn(c_long) -> c_long>(name);
                assert!(set.unwrap()(0) > 0);
            }
            other => panic!("{other} is exported but not called with NULL here"),
        }
    }
}

/// Does the same for the exports of the outbox.
///
/// # Safety
///
/// The exports must not dereference NULL, which the test verifies.
unsafe fn call_outbox_with_nothing(name: &str) {
    let library = library();
    let (outbox, result) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: every export must accept NULL, which this test verifies.
    unsafe {
        match name {
            "lp_outbox_cancel" => {
                let code = (library.outbox_cancel)(outbox, ptr::null(), result);
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_outbox_cancel_json" => {
                let code = (library.outbox_cancel_json)(outbox, ptr::null(), ptr::null_mut());
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_outbox_close" => assert_eq!((library.outbox_close)(outbox), LP_ERR_CLOSED),
            "lp_outbox_each" => {
                let code = (library.outbox_each)(outbox, None, ptr::null_mut());
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_outbox_forget" => {
                let code = (library.outbox_forget)(outbox, ptr::null());
                assert_eq!(code, LP_ERR_CLOSED);
            }
            "lp_outbox_list_json" => {
                let code = (library.outbox_list_json)(outbox, ptr::null_mut());
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_outbox_open" => {
                let code = (library.outbox_open)(ptr::null(), ptr::null(), ptr::null_mut(), result);
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_outbox_open_json" => {
                let (opened, answer) = (ptr::null_mut(), ptr::null_mut());
                let code = (library.outbox_open_json)(ptr::null(), ptr::null(), opened, answer);
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_outbox_pending" => {
                let code = (library.outbox_pending)(outbox, ptr::null_mut());
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_outbox_retry_now" => {
                let code = (library.outbox_retry_now)(outbox, ptr::null());
                assert_eq!(code, LP_ERR_CLOSED);
            }
            "lp_outbox_submit" => {
                let code = (library.outbox_submit)(outbox, ptr::null(), result);
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_outbox_submit_json" => {
                let code = (library.outbox_submit_json)(outbox, ptr::null(), ptr::null_mut());
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_outbox_wait" => {
                let code = (library.outbox_wait)(outbox, ptr::null(), 0, result);
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            "lp_outbox_wait_json" => {
                let code = (library.outbox_wait_json)(outbox, ptr::null(), 0, ptr::null_mut());
                assert_eq!(code, LP_ERR_ARGUMENT);
            }
            other => panic!("{other} is exported but not called with NULL here"),
        }
    }
}

#[test]
fn every_export_takes_null() {
    for name in symbols() {
        call_with_nothing(&name);
    }
}

#[test]
fn without_a_config_or_a_result_nothing_is_sent() {
    let server = Server::always(crate::support::respond(
        "200 OK",
        crate::support::server::ACCEPTED,
    ));
    let call = Call::to(&server.url());
    // SAFETY: every export must accept NULL; the other struct is initialised.
    unsafe {
        let mut result: lp_result = std::mem::zeroed();
        (library().result_init)(&mut result, size_of::<lp_result>() as u32);
        let config: *const lp_config = &call.config;
        assert_eq!(
            (library().open_shift)(config, ptr::null_mut()),
            LP_ERR_ARGUMENT
        );
        assert_eq!(
            (library().open_shift)(ptr::null(), &mut result),
            LP_ERR_ARGUMENT
        );
        assert_eq!(server.connections(), 0);
        // With both, the same call sends a request.
        assert_eq!((library().open_shift)(config, &mut result), LP_OK);
        assert_eq!(server.connections(), 1);
        (library().result_free)(&mut result);
    }
}
