//! Calls through a proxy: HTTP's CONNECT, its failures, and the source of the setting.

use std::ffi::{c_char, c_void, CStr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use lifepay::ffi as code;

use crate::support::constants::{ANSWERED, LOG_TRACE, NOT_SENT, PHASE_CONNECT};
use crate::support::proxy_server::{Manner, ProxyServer};
use crate::support::server::ACCEPTED;
use crate::support::tls_server::{pem_file, Authority, TlsServer};
use crate::support::{child, library, respond, Answer, Call, Server};

/// A host that only the proxy can reach.
pub(crate) const ELSEWHERE: &str = "lifepay.test";

/// A call through a proxy.
pub(crate) fn through<'a>(proxy: &str, base_url: &str) -> Call<'a> {
    Call::to(base_url).text(|c| &mut c.proxy, proxy)
}

/// Starts LifePay over TLS, and returns it and a PEM file with its root.
pub(crate) fn lifepay(name: &str) -> (TlsServer, String) {
    let authority = Authority::new();
    let server = TlsServer::start(authority.issue(&["127.0.0.1", ELSEWHERE]));
    (server, pem_file(name, authority.pem()))
}

#[track_caller]
pub(crate) fn accepted(answer: &Answer) {
    assert_eq!((answer.code, answer.outcome), (0, ANSWERED), "{answer:?}");
}

/// Asserts that the call failed before anything was sent, and that `detail` gives the reason.
#[track_caller]
pub(crate) fn not_sent(answer: &Answer, code: i32) {
    assert_eq!(
        (answer.code, answer.outcome, answer.attempts),
        (code, NOT_SENT, 1),
        "{answer:?}"
    );
    assert_eq!(answer.http_status, 0, "{answer:?}");
    let detail = answer.detail.as_deref();
    assert!(detail.is_some_and(|text| !text.is_empty()), "{answer:?}");
}

#[test]
fn a_request_over_tls_goes_through_the_proxy() {
    // In a separate process: the settings of other tests would evict its connection.
    if child::again(
        module_path!(),
        "a_request_over_tls_goes_through_the_proxy",
        &[],
    ) {
        return;
    }
    let (server, ca_file) = lifepay("proxy-tls");
    let proxy = ProxyServer::start(Manner::Tunnel);
    let url = server.url_of(ELSEWHERE);
    for _ in 0..2 {
        let call = through(&proxy.url(), &url).text(|c| &mut c.ca_file, &ca_file);
        accepted(&call.send());
    }
    // One CONNECT only: the connection through the proxy is kept.
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    let target = format!("{ELSEWHERE}:{}", server.address().port());
    assert!(
        heads[0].starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")),
        "{heads:?}"
    );
    assert!(!heads[0].contains("s3cr3t-apikey"), "{heads:?}");
    assert!(!heads[0].to_lowercase().contains("authorization"));
    assert_eq!((server.handshakes(), server.requests().len()), (1, 2));
}

#[test]
fn a_clear_request_to_this_machine_goes_through_a_proxy_on_it() {
    let server = Server::always(respond("200 OK", ACCEPTED));
    let proxy = ProxyServer::start(Manner::Tunnel);
    accepted(&through(&proxy.url(), &server.url()).send());
    assert_eq!((proxy.heads().len(), server.connections()), (1, 1));
}

#[test]
fn user_name_and_password_are_decoded() {
    let cases = [
        // user, p@ss:word
        ("user:p%40ss:word", "dXNlcjpwQHNzOndvcmQ="),
        // domain\user, 100% +
        ("domain%5Cuser:100%25%20%2B", "ZG9tYWluXHVzZXI6MTAwJSAr"),
        // касса, пароль
        (
            "%D0%BA%D0%B0%D1%81%D1%81%D0%B0:%D0%BF%D0%B0%D1%80%D0%BE%D0%BB%D1%8C",
            "0LrQsNGB0YHQsDrQv9Cw0YDQvtC70Yw=",
        ),
        // user, without a password
        ("user", "dXNlcjo="),
    ];
    let server = Server::always(respond("200 OK", ACCEPTED));
    for (credentials, expected) in cases {
        let proxy = ProxyServer::start(Manner::Tunnel);
        accepted(&through(&proxy.url_for(credentials), &server.url()).send());
        let heads = proxy.heads();
        let line = format!("\r\nProxy-Authorization: Basic {expected}\r\n");
        assert!(heads[0].contains(&line), "{credentials}: {heads:?}");
    }
}

#[test]
fn another_name_and_password_is_another_connection() {
    // In a separate process: the settings of other tests would evict its connection.
    if child::again(
        module_path!(),
        "another_name_and_password_is_another_connection",
        &[],
    ) {
        return;
    }
    let server = Server::always(respond("200 OK", ACCEPTED));
    let proxy = ProxyServer::start(Manner::Tunnel);
    for credentials in ["one:1", "two:2", "one:1"] {
        accepted(&through(&proxy.url_for(credentials), &server.url()).send());
    }
    assert_eq!(proxy.heads().len(), 2);
}

#[test]
fn a_proxy_over_tls() {
    // In a separate process: the settings of other tests would evict its connection.
    if child::again(module_path!(), "a_proxy_over_tls", &[]) {
        return;
    }
    let authority = Authority::new();
    let ca_file = pem_file("proxy-over-tls", authority.pem());
    let config = authority.issue(&["127.0.0.1"]).config(rustls::ALL_VERSIONS);
    let proxy = ProxyServer::over_tls(config);
    let server = TlsServer::start(authority.issue(&[ELSEWHERE]));
    for _ in 0..2 {
        let call = through(&proxy.url_for("a:b"), &server.url_of(ELSEWHERE));
        accepted(&call.text(|c| &mut c.ca_file, &ca_file).send());
    }
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1);
    assert!(heads[0].contains("Basic YTpi"), "{heads:?}");
    assert_eq!((server.handshakes(), server.requests().len()), (1, 2));
}

#[test]
fn an_untrusted_tls_proxy_does_not_get_the_password() {
    let (server, ca_file) = lifepay("proxy-untrusted");
    let config = Authority::new().issue(&["127.0.0.1"]);
    let proxy = ProxyServer::over_tls(config.config(rustls::ALL_VERSIONS));
    let call = through(&proxy.url_for("a:b"), &server.url());
    let answer = call.text(|c| &mut c.ca_file, &ca_file).send();
    not_sent(&answer, code::LP_ERR_TLS);
    assert_eq!(proxy.heads().len(), 0);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_proxy_that_demands_a_password_is_reported() {
    for answer in [
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 4\r\n\r\nnope",
        "HTTP/1.0 407 Unauthorized\r\n\r\n",
    ] {
        let proxy = ProxyServer::start(Manner::Answer(answer));
        let answer = through(&proxy.url(), &format!("https://{ELSEWHERE}")).send();
        not_sent(&answer, code::LP_ERR_NETWORK);
        assert!(answer.message.contains("имя и пароль"), "{answer:?}");
        assert!(answer.detail.unwrap().contains("407"));
        assert_eq!(proxy.heads().len(), 1);
    }
}

#[test]
fn a_refusal_by_the_proxy_is_reported() {
    for (status, answer) in [
        ("403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
        ("502", "HTTP/1.1 502 Bad Gateway\r\n\r\n<html>no</html>"),
        (
            "302",
            "HTTP/1.1 302 Found\r\nLocation: http://portal.test/\r\n\r\n",
        ),
    ] {
        let proxy = ProxyServer::start(Manner::Answer(answer));
        let answer = through(&proxy.url(), &format!("https://{ELSEWHERE}")).send();
        not_sent(&answer, code::LP_ERR_NETWORK);
        assert!(answer.message.contains("Прокси"), "{answer:?}");
        assert!(!answer.message.contains("пароль"), "{answer:?}");
        assert!(answer.detail.unwrap().contains(status));
        assert_eq!(proxy.connections(), 1);
    }
}

#[test]
fn a_server_in_place_of_a_proxy_gets_no_request() {
    let proxy = ProxyServer::start(Manner::Answer("SSH-2.0-OpenSSH_9.6\r\n\r\n"));
    let answer = through(&proxy.url(), &format!("https://{ELSEWHERE}")).send();
    assert_eq!(answer.outcome, NOT_SENT, "{answer:?}");
    let codes = [code::LP_ERR_REPLY, code::LP_ERR_NETWORK];
    assert!(codes.contains(&answer.code), "{answer:?}");
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn an_unreachable_proxy() {
    let (server, ca_file) = lifepay("proxy-nowhere");
    let call = through(&Server::nowhere(), &server.url());
    let answer = call.text(|c| &mut c.ca_file, &ca_file).send();
    not_sent(&answer, code::LP_ERR_NETWORK);
    // The call does not bypass the proxy.
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_proxy_may_say_more_than_that_it_has_connected() {
    let headers: String = (0..200).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let (server, ca_file) = lifepay("proxy-talkative");
    for answer in [
        format!("HTTP/1.1 200 Connection established\r\n{headers}\r\n"),
        format!(
            "HTTP/1.1 100 Continue\r\n{headers}\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200\r\n\r\n"
        ),
        "HTTP/1.0 200 OK\n\n".to_owned(),
        "HTTP/1.1 202 Accepted\r\nX:y\r\n\r\n".to_owned(),
    ] {
        let proxy = ProxyServer::start(Manner::TunnelAfter(answer.clone().leak()));
        let call = through(&proxy.url(), &server.url_of(ELSEWHERE));
        let got = call.text(|c| &mut c.ca_file, &ca_file).send();
        assert_eq!(
            (got.code, got.outcome),
            (0, ANSWERED),
            "{answer:.100}: {got:?}"
        );
    }
}

#[test]
fn an_endless_answer_of_a_proxy_is_cut_off() {
    let endless = "X: y\r\n".repeat(10_000);
    let proxy = ProxyServer::start(Manner::Answer(
        format!("HTTP/1.1 200 OK\r\n{endless}\r\n").leak(),
    ));
    let answer = through(&proxy.url(), &format!("https://{ELSEWHERE}")).send();
    not_sent(&answer, code::LP_ERR_NETWORK);
    assert!(answer.message.contains("Прокси"), "{answer:?}");
    assert!(answer.detail.unwrap().contains("16 KiB"));
}

#[test]
fn a_proxy_that_closes_the_connection() {
    let proxy = ProxyServer::start(Manner::HangUp);
    let answer = through(&proxy.url(), &format!("https://{ELSEWHERE}")).send();
    not_sent(&answer, code::LP_ERR_NETWORK);
    assert_eq!(proxy.heads().len(), 1);
    // Or after it has accepted the CONNECT.
    let agreed = "HTTP/1.1 200 Connection established\r\n\r\n";
    let proxy = ProxyServer::start(Manner::Answer(agreed));
    let answer = through(&proxy.url(), &format!("https://{ELSEWHERE}")).send();
    assert_eq!(answer.outcome, NOT_SENT, "{answer:?}");
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn a_proxy_that_says_nothing_is_bounded_by_the_connect_limit() {
    let proxy = ProxyServer::start(Manner::Silence);
    let call = through(&proxy.url(), &format!("https://{ELSEWHERE}")).limits(600, 20_000);
    let answer = call.send();
    not_sent(&answer, code::LP_ERR_TIMEOUT);
    let took = answer.took.as_millis();
    assert!((550..1000).contains(&took), "{answer:?}");
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn a_call_is_cancelled_while_a_proxy_says_nothing() {
    let proxy = ProxyServer::start(Manner::Silence);
    let mut phases = Vec::new();
    let mut stopped = None;
    let answer = through(&proxy.url(), &format!("https://{ELSEWHERE}"))
        .on_progress(|progress| {
            phases.push(progress.phase);
            let enough = phases.len() == 2;
            if enough {
                stopped = Some(Instant::now());
            }
            i32::from(enough)
        })
        .send();
    not_sent(&answer, code::LP_ERR_CANCELLED);
    let since = stopped.expect("on_progress stopped the call").elapsed();
    assert!(since < Duration::from_secs(1), "{since:?}");
    assert_eq!(phases, [PHASE_CONNECT, PHASE_CONNECT]);
}

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

unsafe extern "C" fn keep(_: i32, message: *const c_char, _: *mut c_void) {
    // SAFETY: the library passes a string.
    let line = unsafe { CStr::from_ptr(message) };
    LINES.lock().unwrap().push(line.to_string_lossy().into());
}

#[test]
fn the_proxys_password_is_in_no_message_and_no_log_line() {
    // In a separate process, because the log belongs to the whole process.
    if child::again(
        module_path!(),
        "the_proxys_password_is_in_no_message_and_no_log_line",
        &[],
    ) {
        return;
    }
    // The password, and "till:t0ps3cret" in base64.
    let secrets = ["t0ps3cret", "dGlsbDp0MHBzM2NyZXQ="];
    // SAFETY: the callback lives as long as the process.
    let set = unsafe { (library().set_log)(Some(keep), std::ptr::null_mut(), LOG_TRACE) };
    assert_eq!(set, 0);
    let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    let manners = [Manner::Tunnel, Manner::HangUp, Manner::Answer(refusal)];
    let servers = manners.map(ProxyServer::start);
    let mut proxies: Vec<String> = servers
        .iter()
        .map(|proxy| proxy.url_for("till:t0ps3cret"))
        .collect();
    proxies.push(Server::nowhere().replace("//", "//till:t0ps3cret@"));
    proxies.push("http://till:t0ps3cret@127.0.0.1:99999".into());
    proxies.push("socks5://till:t0ps3cret@127.0.0.1:1080".into());
    proxies.push("t0ps3cret://".into());
    let server = Server::always(respond("200 OK", ACCEPTED));
    for proxy in &proxies {
        let answer = format!("{:?}", through(proxy, &server.url()).ext_id("hush").send());
        for secret in secrets {
            assert!(!answer.contains(secret), "{answer}");
        }
    }
    for (proxy, manner) in servers.iter().zip(["tunnel", "hang up", "407"]) {
        assert!(proxy.heads()[0].contains(secrets[1]), "{manner}");
    }
    let lines = LINES.lock().unwrap();
    assert!(lines.iter().any(|line| line.contains("ext_id=hush")));
    for line in lines.iter() {
        for secret in secrets {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

#[test]
fn a_proxy_setting_that_cannot_be_used_is_an_argument_error() {
    let server = Server::always(respond("200 OK", ACCEPTED));
    let useless = [
        "socks://127.0.0.1:1080",
        "socks4://127.0.0.1:1080",
        "socks5://127.0.0.1:1080",
        "socks5h://127.0.0.1:1080",
        "ftp://127.0.0.1:21",
        "http://",
        "http://:3128",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://127.0.0.1 :3128",
        "http://user:%FF@127.0.0.1:3128",
        "http://[::1:3128",
        "://127.0.0.1",
        "/etc/proxy",
        "NONE OF THEM",
        // The apikey would be sent unencrypted.
        "http://192.0.2.1:3128",
        "https://proxy.test:3128",
    ];
    // Collected, so that the failure of one does not hide the others.
    let mut not_refused = Vec::new();
    for proxy in useless {
        let answer = through(proxy, &server.url()).send();
        let refused =
            (answer.code, answer.outcome, answer.attempts) == (code::LP_ERR_ARGUMENT, NOT_SENT, 0);
        if !refused || answer.fields() != ["proxy"] {
            not_refused.push((proxy, answer.code));
        }
    }
    assert_eq!(not_refused, []);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_clear_request_does_not_go_through_a_foreign_proxy_however_its_scheme_is_written() {
    for url in ["http://127.0.0.1:1", "HTTP://127.0.0.1:1"] {
        let call = Call::to(url).text(|c| &mut c.proxy, "http://192.0.2.2:3128");
        assert_eq!(call.send().fields(), ["proxy"], "{url}");
    }
}
