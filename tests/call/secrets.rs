//! The apikey and a proxy's password are never shown, neither unencoded nor encoded in JSON, HTML,
//! URLs, base64 or hex, for any answer, in a call and in an outbox.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_void, CStr, CString};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use base64::prelude::{Engine, BASE64_STANDARD};

use crate::support::call::with_string;
use crate::support::outbox::fresh;
use crate::support::server::ACCEPTED;
use crate::support::wait::until;
use crate::support::{child, library, read_request, respond, tools, Answer, Call, Outbox, Server};

/// Every encoding writes this key differently.
const KEY: &str = r#"s3cr3t/ap"ik&ey+Ключé=7f'3 <a\5>"#;
/// A key in the form that companies have. The text encodings leave it unchanged.
const PLAIN_KEY: &str = "7c9e6679742540de944be07fc1f90ae7";
const PASSWORD: &str = "pr0xy-pa55word";

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn ascii_json(text: &str, upper: bool) -> String {
    let unit = |unit: u16| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        _ if upper => format!("\\u{unit:04X}"),
        _ => format!("\\u{unit:04x}"),
    };
    json(text).encode_utf16().map(unit).collect()
}

fn percent(text: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn html(text: &str, apostrophe: &str) -> String {
    let text = text.replace('&', "&amp;").replace('"', "&quot;");
    text.replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', apostrophe)
}

/// Returns the encodings of a secret by name. No text may contain one of them.
fn spellings(secret: &str) -> BTreeMap<String, String> {
    let bytes = secret.as_bytes();
    let hex = |lower| {
        let byte = |byte: &u8| match lower {
            true => format!("{byte:02x}"),
            false => format!("{byte:02X}"),
        };
        bytes.iter().map(byte).collect::<String>()
    };
    let mut all: BTreeMap<String, String> = [
        ("itself", secret.to_owned()),
        ("reversed", secret.chars().rev().collect()),
        ("JSON", json(secret)),
        ("JSON in ASCII", ascii_json(secret, false)),
        ("JSON in ASCII, upper case", ascii_json(secret, true)),
        ("PHP's JSON", ascii_json(secret, false).replace('/', "\\/")),
        ("JSON in JSON", json(&json(secret))),
        ("a URL", percent(secret)),
        ("a URL in lower case", percent(secret).to_lowercase()),
        ("a form", percent(secret).replace("%20", "+")),
        ("HTML", html(secret, "&#39;")),
        ("HTML 5", html(secret, "&apos;")),
        ("HTML in hex", html(secret, "&#x27;")),
        ("hex", hex(true)),
        ("HEX", hex(false)),
        ("Debug", format!("{secret:?}").trim_matches('"').to_owned()),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .into();
    for skipped in 0..3 {
        let encoded = BASE64_STANDARD.encode(&bytes[skipped..]);
        all.insert(format!("base64 of its bytes from {skipped}"), encoded);
    }
    all
}

/// Asserts that `text` contains no encoding of the secret and no eight successive characters of it.
#[track_caller]
fn hides(secret: &str, text: &str, what: &str) {
    for (name, spelling) in spellings(secret) {
        // The first and last digits of base64 depend on the adjacent bytes.
        let middle = match name.starts_with("base64") {
            true => &spelling[2..spelling.len() - 6],
            false => spelling.as_str(),
        };
        assert!(
            !text.contains(middle),
            "{what} contains the secret as {name}: {text}"
        );
    }
    let letters: Vec<char> = secret.chars().collect();
    for part in letters.windows(8) {
        let part: String = part.iter().collect();
        assert!(!text.contains(&part), "{what} contains {part}: {text}");
    }
}

/// Returns answers in which LifePay, or a server in its place, may send parts of a request back.
fn echoes(key: &str) -> Vec<Vec<u8>> {
    let whole = format!(r#"{{"apikey":"{}","login":"7"}}"#, json(key));
    let quoted = json(key);
    let mut echoes = vec![
        respond("200 OK", ACCEPTED),
        respond(
            "200 OK",
            &format!(r#"{{"code":0,"message":"{quoted}","data":{{"uuid":"{quoted}"}}}}"#),
        ),
        respond(
            "200 OK",
            &format!(
                r#"{{"code":6010,"message":"нет {quoted}","data":{{"{quoted}":["{quoted}"]}}}}"#
            ),
        ),
        respond(
            "200 OK",
            &format!(r#"{{"code":400,"message":"","data":{{"a":{{"b":{whole}}}}}}}"#),
        ),
        // The detail explains why this is not LifePay's answer, and quotes it.
        respond("200 OK", &format!(r#"{{"code":"{quoted}{quoted}"}}"#)),
        respond("200 OK", &format!(r#"{{"code":"12345678901{quoted}"}}"#)),
        respond("200 OK", &format!(r#""{quoted}""#)),
        respond("200 OK", &format!("[{whole}]")),
        format!(
            "HTTP/1.1 302 Found\r\nLocation: /?key={0}\r\nX-Key: {0}\r\nContent-Length: 0\r\n\r\n",
            percent(key)
        )
        .into_bytes(),
        format!("HTTP/1.1 {0} {0}\r\n\r\n", percent(key)).into_bytes(),
        format!("{}\r\n\r\n", percent(key)).into_bytes(),
    ];
    for (name, spelling) in spellings(key) {
        // No server sends these encodings back; base64 follows below.
        let is_sent = !["reversed", "hex", "HEX"].contains(&name.as_str());
        if is_sent && !name.starts_with("base64") {
            echoes.push(respond(
                "502 Bad Gateway",
                &format!("<html>{spelling}</html>"),
            ));
        }
    }
    for cut in [
        BASE64_STANDARD.encode(whole.as_bytes()),
        BASE64_STANDARD.encode(format!(" {whole}").as_bytes()),
        BASE64_STANDARD.encode(format!("  {whole}").as_bytes()),
    ] {
        echoes.push(respond("500 X", &cut));
    }
    // Cut off within the key.
    for length in [quoted.len() / 3, quoted.len() - 1] {
        let length = (0..=length)
            .rev()
            .find(|end| quoted.is_char_boundary(*end))
            .unwrap();
        echoes.push(
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<p>{}",
                &quoted[..length]
            )
            .into_bytes(),
        );
    }
    echoes
}

/// Answers the request with the ext_id `echo-N` with the N-th of `echoes`, and closes.
fn echoing(echoes: Vec<Vec<u8>>) -> Server {
    Server::start(move |mut stream, _| {
        if let Some(request) = read_request(&mut stream) {
            let number = request.split("echo-").nth(1).and_then(|rest| {
                let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
                rest[..end].parse::<usize>().ok()
            });
            let _ = stream.write_all(&echoes[number.expect("an ext_id")]);
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    })
}

unsafe extern "C" fn collect(_: i32, message: *const c_char, lines: *mut c_void) {
    // SAFETY: the lines outlive the callback; the message is a string.
    let (lines, message) = unsafe { (&*lines.cast::<Mutex<String>>(), CStr::from_ptr(message)) };
    let mut lines = lines.lock().unwrap();
    lines.push_str(message.to_str().unwrap());
    lines.push('\n');
}

/// Returns what the callback and the file receive at the most verbose log level while `work` runs.
fn logged(name: &str, work: impl FnOnce()) -> [String; 2] {
    let lines = Mutex::new(String::new());
    let file = tools::scratch("secrets").join(name);
    let _ = std::fs::remove_file(&file);
    let path = CString::new(file.to_str().unwrap()).unwrap();
    // SAFETY: the lines live until the callback is removed; the path ends in NUL.
    unsafe {
        let user_data = std::ptr::from_ref(&lines).cast_mut().cast();
        assert_eq!((library().set_log)(Some(collect), user_data, 5), 0);
        assert_eq!((library().log_to_file)(path.as_ptr(), 5, 0), 0);
        work();
        (library().log_to_file)(std::ptr::null(), 0, 0);
        (library().set_log)(None, std::ptr::null_mut(), 0);
    }
    [
        lines.into_inner().unwrap(),
        std::fs::read_to_string(&file).unwrap(),
    ]
}

/// Returns all texts of an answer, as they are and in its Debug output.
fn texts(answer: &Answer) -> String {
    let errors = answer
        .errors
        .iter()
        .map(|(field, message)| format!("{field}\n{message}"));
    let mut texts: Vec<String> = errors.collect();
    texts.push(answer.message.clone());
    let others = [&answer.uuid, &answer.detail, &answer.reply, &answer.ext_id];
    texts.extend(others.into_iter().flatten().cloned());
    texts.push(format!("{answer:?}"));
    texts.join("\n")
}

fn with_key<'a>(url: &str, key: &str) -> Call<'a> {
    Call::to(url)
        .text(|c| &mut c.apikey, key)
        .limits(5000, 5000)
}

#[test]
fn a_call_shows_its_apikey_nowhere() {
    // In a separate process, because the log belongs to the whole process.
    if child::again(module_path!(), "a_call_shows_its_apikey_nowhere", &[]) {
        return;
    }
    for (name, key) in [("call", KEY), ("plain-call", PLAIN_KEY)] {
        let echoes = echoes(key);
        let count = echoes.len();
        let server = echoing(echoes);
        let mut codes = Vec::new();
        let logs = logged(name, || {
            for number in 0..count {
                let answer = with_key(&server.url(), key)
                    .ext_id(&format!("echo-{number}"))
                    .send();
                hides(key, &texts(&answer), &format!("the answer to {number}"));
                codes.push(answer.code);
            }
            let failed = [
                with_key(&Server::nowhere(), key).send(),
                with_key(&server.url().replace("http", "https"), key).send(),
                with_key("ftp://x", key)
                    .text(|c| &mut c.callback_data_json, "{")
                    .send(),
                with_key(&server.url(), key)
                    .document(&format!("/{PLAIN_KEY}"), r#"{"a":1}"#)
                    .send(),
                with_key(&server.url(), key)
                    .document("/x", &format!(r#"{{"{0}":1,"{0}":2}}"#, json(key)))
                    .send(),
                with_key(&format!("http://{PASSWORD}@127.0.0.1"), key).send(),
                with_key("https://127.0.0.1:1", key)
                    .text(
                        |c| &mut c.proxy,
                        &format!("http://u:{PASSWORD}@127.0.0.1:1"),
                    )
                    .send(),
            ];
            for answer in &failed {
                hides(key, &texts(answer), "a failure");
                hides(PASSWORD, &texts(answer), "a failure");
            }
        });
        // The answers include accepted, rejected and failed requests.
        for code in [0, 6010, -6, -7] {
            assert!(codes.contains(&code), "{codes:?}");
        }
        for (log, kind) in logs.iter().zip(["the callback", "the file"]) {
            assert!(
                log.contains("body {") && log.contains("reply <html>***"),
                "{log}"
            );
            hides(key, log, kind);
            hides(PASSWORD, log, kind);
        }
    }
}

/// Answers are cut after each byte of the apikey, even within a character: large ones, of which the
/// first 4,096 bytes are kept, and incomplete ones.
#[test]
fn no_part_of_the_apikey_is_left_at_the_end_of_a_cut_answer() {
    let key = "ключ-от-кассы-Ёж";
    let mut answers = Vec::new();
    for shown in 1..key.len() {
        let large = format!("{}{key}{}", "-".repeat(4096 - shown), "-".repeat(1 << 20));
        answers.push(respond("200 OK", &large));
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n---";
        answers.push([head.as_bytes(), &key.as_bytes()[..shown]].concat());
    }
    let count = answers.len();
    let server = echoing(answers);
    let logs = logged("cut", || {
        for number in 0..count {
            let call = with_key(&server.url(), key).ext_id(&format!("echo-{number}"));
            let answer = call.send();
            let reply = answer.reply.as_deref().unwrap();
            let rest = reply.trim_start_matches('-');
            assert!(["", "***"].contains(&rest), "{number}: {rest}");
            hides(key, &texts(&answer), "the answer");
        }
    });
    for log in logs {
        assert_eq!(log.matches(" reply --").count(), count);
        assert!(!log.contains("-к") && !log.contains('\u{fffd}'), "{log}");
    }
}

#[track_caller]
fn files_hide(key: &str, folder: &Path, stage: &str) -> Vec<String> {
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let bytes = std::fs::read(file.path()).unwrap();
        hides(
            key,
            &String::from_utf8_lossy(&bytes),
            &format!("{name}, {stage}"),
        );
        names.push(name);
    }
    names
}

#[test]
fn an_outbox_shows_its_apikey_nowhere() {
    // In a separate process, because the log belongs to the whole process.
    if child::again(module_path!(), "an_outbox_shows_its_apikey_nowhere", &[]) {
        return;
    }
    for (name, key) in [("outbox", KEY), ("plain-outbox", PLAIN_KEY)] {
        let echoes = echoes(key);
        let count = echoes.len();
        let server = echoing(echoes);
        let path = fresh(&format!("secrets-{name}"));
        let folder = path.parent().unwrap();
        let logs = logged(name, || {
            let call = || with_key(&server.url(), key).repeat(0, &[600_000]);
            let outbox = Outbox::open(&path, call());
            for number in 0..count {
                let call = call().ext_id(&format!("echo-{number}"));
                let call = match number % 2 {
                    0 => call,
                    _ => call.document("/cloud-print/create-receipt", r#"{"purchase":{}}"#),
                };
                assert_eq!(outbox.submit(call).0, 0);
            }
            for number in 0..count {
                let ext_id = format!("echo-{number}");
                let answered = || {
                    let answer = outbox.wait(&ext_id, 50);
                    answer.code != -1 || answer.retry_after_ms > 0
                };
                until("an attempt", answered);
                hides(key, &texts(&outbox.wait(&ext_id, 0)), &ext_id);
            }
            hides(key, &format!("{:?}", outbox.entries()), "the entries");
            let names = files_hide(key, folder, "open");
            assert!(names.iter().any(|name| name.ends_with("-wal")), "{names:?}");
            assert!(names.len() > 3, "no lock among {names:?}");
            let another = outbox.submit(call().text(|c| &mut c.apikey, "another").ext_id("x"));
            hides(key, &texts(&another.1), "an answer");
            outbox.close();
            files_hide(key, folder, "closed");
        });
        for (log, kind) in logs.iter().zip(["the callback", "the file"]) {
            assert!(log.contains("echo-0"), "{log}");
            hides(key, log, kind);
        }
    }
}

#[test]
fn the_json_form_shows_its_apikey_nowhere() {
    let echoes = echoes(KEY);
    let count = echoes.len();
    let server = echoing(echoes);
    for number in 0..count {
        let request = serde_json::json!({
            "apikey": KEY, "login": "7", "proxy": "none", "base_url": server.url(),
            "ext_id": format!("echo-{number}"),
        });
        let request = CString::new(request.to_string()).unwrap();
        // SAFETY: the request ends in NUL.
        let open = |answer| unsafe { (library().open_shift_json)(request.as_ptr(), answer) };
        let (_, text) = with_string(open);
        hides(KEY, &text, &format!("the answer to {number}"));
    }
}

#[test]
fn a_short_apikey_spoils_no_field_name_and_no_wording_of_ours() {
    for key in ["k", "http", "callback", "задано", "е"] {
        let call = with_key("ftp://x", key)
            .text(|c| &mut c.callback_data, "a")
            .text(|c| &mut c.callback_data_json, "{}")
            .text(|c| &mut c.proxy, "socks5://127.0.0.1:1");
        let answer = call.send();
        assert_eq!(
            answer.fields(),
            ["callback_data_json", "base_url", "proxy"],
            "{key}"
        );
        assert!(answer.message.contains("callback_data_json"), "{answer:?}");
        assert!(!texts(&answer).contains("***"), "{key}: {answer:?}");
    }
    // Field names from LifePay are masked, because they are not the library's own.
    let body = r#"{"code":400,"message":"нет","data":{"k.b":["k"]}}"#;
    let server = Server::always(respond("200 OK", body));
    let answer = with_key(&server.url(), "k").send();
    let masked = ("***.b".to_owned(), "***".to_owned());
    assert_eq!(answer.errors, [masked], "{answer:?}");
    assert!(answer.message.starts_with("нет. ***.b: ***."), "{answer:?}");
}

#[test]
fn an_unknown_name_in_json_is_masked_and_a_fields_is_not() {
    let request = c"{\"k3y\": 1, \"login\": 2, \"apikey\": \"k3y\", \"logn\": \"7\", \"k3y\": 2}";
    // SAFETY: the request ends in NUL.
    let open = |answer| unsafe { (library().open_shift_json)(request.as_ptr(), answer) };
    let (_, text) = with_string(open);
    assert!(!text.contains("k3y"), "{text}");
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    let errors = answer["errors"].as_array().unwrap();
    let fields: Vec<&str> = errors
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["***", "login", "logn", "***"], "{text}");
}
