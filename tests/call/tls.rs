//! Whom the library trusts, and that it sends nothing to anyone else.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use lifepay::ffi as code;
use rustls::version::{TLS12, TLS13};
use rustls::{ProtocolVersion, ServerConnection, StreamOwned};
use serde_json::{json, Value};

use crate::support::constants::{
    ANSWERED, NOT_SENT, TRUST_BUNDLED, TRUST_DEFAULT, TRUST_SYSTEM, UNKNOWN,
};
use crate::support::tls_server::{pem_file, Authority, Identity, TlsServer};
use crate::support::tools::{self, scratch};
use crate::support::wait::until;
use crate::support::{child, read_request, Answer, Call, Server};

/// What certificates are made for unless the name matters.
const LOOPBACK: &[&str] = &["127.0.0.1", "localhost"];

/// A call that trusts what is in this PEM, too; `name` is the test's own.
fn with_roots<'a>(url: &str, name: &str, pem: impl AsRef<[u8]>) -> Call<'a> {
    Call::to(url).text(|c| &mut c.ca_file, &pem_file(name, pem))
}

#[track_caller]
fn accepted(answer: &Answer) {
    assert_eq!((answer.code, answer.outcome), (0, ANSWERED), "{answer:?}");
}

/// Not trusted, told why in these words, and nothing sent.
#[track_caller]
fn refused(answer: &Answer, words: &[&str]) {
    assert_eq!(
        (answer.code, answer.outcome, answer.attempts),
        (code::LP_ERR_TLS, NOT_SENT, 1),
        "{answer:?}"
    );
    for word in words {
        assert!(answer.message.contains(word), "no {word}: {answer:?}");
    }
    let detail = answer.detail.as_deref();
    assert!(detail.is_some_and(|text| !text.is_empty()), "{answer:?}");
}

/// The server was connected to once, and was told nothing.
#[track_caller]
fn told_nothing(server: &TlsServer) {
    assert_eq!(server.bytes_after(1), 0);
    assert_eq!(server.connections(), 1);
}

/// A server with a certificate that its authority has issued for `names` and these years.
fn server(names: &[&str], from: i32, to: i32) -> (TlsServer, Authority) {
    let authority = Authority::new();
    let server = TlsServer::start(authority.issue_valid(names, from, to));
    (server, authority)
}

#[test]
fn a_certificate_of_an_authority_in_ca_file_is_trusted() {
    let (server, authority) = server(LOOPBACK, 2020, 4000);
    let answer = with_roots(&server.url(), "trusted", authority.pem())
        .ext_id("trusted")
        .send();
    accepted(&answer);
    let requests = server.requests();
    assert!(
        requests[0].contains(r#""ext_id":"trusted""#),
        "{requests:?}"
    );
    accepted(&with_roots(&server.url_of("localhost"), "trusted-name", authority.pem()).send());
}

#[test]
fn tls_1_3_and_a_server_that_has_only_tls_1_2_are_spoken() {
    let authority = Authority::new();
    let cases = [
        (&TLS13, ProtocolVersion::TLSv1_3),
        (&TLS12, ProtocolVersion::TLSv1_2),
    ];
    for (offered, spoken) in cases {
        let server = TlsServer::speaking(authority.issue(LOOPBACK), &[offered]);
        accepted(&with_roots(&server.url(), "versions", authority.pem()).send());
        assert_eq!(server.versions(), [spoken]);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_connection_is_kept_over_tls() {
    // On its own: the settings of other tests would push its connection out.
    if child::again(module_path!(), "a_connection_is_kept_over_tls", &[]) {
        return;
    }
    for (version, name) in [(&TLS13, "kept-13"), (&TLS12, "kept-12")] {
        let authority = Authority::new();
        let server = TlsServer::speaking(authority.issue(LOOPBACK), &[version]);
        let file = pem_file(name, authority.pem());
        for _ in 0..3 {
            accepted(
                &Call::to(&server.url())
                    .text(|c| &mut c.ca_file, &file)
                    .send(),
            );
        }
        assert_eq!((server.connections(), server.handshakes()), (1, 1));
        assert_eq!(server.requests().len(), 3);
    }
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let (server, authority) = server(&["other.example"], 2020, 4000);
    let answer = with_roots(&server.url(), "name", authority.pem()).send();
    refused(&answer, &["другому серверу", "base_url"]);
    told_nothing(&server);
}

#[test]
fn a_certificate_for_a_name_is_none_for_the_address_behind_it() {
    let (server, authority) = server(&["localhost"], 2020, 4000);
    let answer = with_roots(&server.url(), "address", authority.pem()).send();
    refused(&answer, &["другому серверу"]);
    told_nothing(&server);
}

#[test]
fn an_expired_certificate_is_refused() {
    let (server, authority) = server(LOOPBACK, 2020, 2021);
    let answer = with_roots(&server.url(), "expired", authority.pem()).send();
    refused(&answer, &["истёк", "дату и время"]);
    told_nothing(&server);
}

#[test]
fn a_certificate_that_is_not_valid_yet_is_refused() {
    let (server, authority) = server(LOOPBACK, 3000, 4000);
    let answer = with_roots(&server.url(), "early", authority.pem()).send();
    refused(&answer, &["ещё не действует", "дату и время"]);
    told_nothing(&server);
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    let (server, _) = server(LOOPBACK, 2020, 4000);
    refused(
        &Call::to(&server.url()).send(),
        &["неизвестным центром", "ca_file"],
    );
    told_nothing(&server);
}

#[test]
fn another_authority_in_ca_file_is_not_enough() {
    let (server, _) = server(LOOPBACK, 2020, 4000);
    let answer = with_roots(&server.url(), "another", Authority::new().pem()).send();
    refused(&answer, &["неизвестным центром"]);
    told_nothing(&server);
}

/// An antivirus that is installed anew makes a new root of the same name.
#[test]
fn a_root_of_the_right_name_with_another_key_is_refused() {
    let authority = Authority::named("Antivirus Root");
    let server = TlsServer::start(authority.issue(LOOPBACK));
    let stale = Authority::named("Antivirus Root").pem();
    let answer = with_roots(&server.url(), "stale", stale).send();
    refused(&answer, &["ca_file"]);
    told_nothing(&server);
}

#[test]
fn a_certificate_that_has_signed_itself_is_refused() {
    let (identity, _) = Identity::self_signed(LOOPBACK, false);
    let server = TlsServer::start(identity);
    let answer = Call::to(&server.url()).send();
    refused(&answer, &["сам выдал себе", "ca_file"]);
    assert!(
        !answer.message.contains("неизвестным центром"),
        "{answer:?}"
    );
    told_nothing(&server);
}

#[test]
fn a_certificate_that_has_signed_itself_is_trusted_when_it_is_the_ca_file() {
    let (identity, pem) = Identity::self_signed(LOOPBACK, false);
    let server = TlsServer::start(identity);
    accepted(&with_roots(&server.url(), "itself", pem).send());
    assert_eq!(server.requests().len(), 1);
}

/// `openssl req -x509` makes such a certificate; rustls takes none of an authority for a server's.
#[test]
fn an_authoritys_certificate_used_by_a_server_is_refused_with_what_to_do() {
    let (identity, pem) = Identity::self_signed(LOOPBACK, true);
    let server = TlsServer::start(identity);
    let answer = with_roots(&server.url(), "ca-as-server", pem).send();
    refused(&answer, &["сертификат центра", "CA:FALSE"]);
    told_nothing(&server);
}

/// A server that reads what comes first and answers it with these bytes, in the clear.
fn in_the_clear(answer: &'static [u8]) -> Server {
    Server::start(move |mut stream: TcpStream, _| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer);
        let _ = stream.shutdown(Shutdown::Both);
    })
}

fn https(server: &Server) -> String {
    server.url().replace("http:", "https:")
}

#[test]
fn a_server_that_speaks_plain_http_on_the_port_is_told_nothing() {
    let server = in_the_clear(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    refused(&Call::to(&https(&server)).send(), &["не TLS-сервер"]);
}

#[test]
fn a_server_that_has_only_older_versions_of_tls_is_refused() {
    let older = ["устаревший TLS", "TLS 1.2", "обновите"];
    // A fatal alert, protocol_version, in the frame of TLS 1.1.
    let server = in_the_clear(b"\x15\x03\x02\x00\x02\x02\x46");
    refused(&Call::to(&https(&server)).send(), &older);
    // handshake_failure says no more than that.
    let server = in_the_clear(b"\x15\x03\x01\x00\x02\x02\x28");
    refused(&Call::to(&https(&server)).send(), &["не договорились"]);
    // A ServerHello of TLS 1.1 and 1.0, such as a server sends that looks at no version.
    for hello in [
        b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x020123456789abcdef0123456789abcdef\x00\x00\x2f\x00",
        b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x010123456789abcdef0123456789abcdef\x00\x00\x2f\x00",
    ] {
        let server = in_the_clear(hello);
        refused(&Call::to(&https(&server)).send(), &older);
    }
}

/// Real servers of the versions that are refused.
#[test]
fn openssl_with_older_versions_of_tls_is_refused() {
    if !tools::have("openssl") {
        return;
    }
    let folder = scratch("old-tls");
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let make = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1";
    let mut openssl = Command::new("openssl");
    openssl.args(make.split(' ')).arg("-keyout").arg(&key);
    tools::run(openssl.arg("-out").arg(&certificate));
    for version in ["-tls1", "-tls1_1"] {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut server = Command::new("openssl")
            .args(["s_server", "-accept", &port.to_string(), version])
            .args(["-cipher", "ALL:@SECLEVEL=0", "-key"])
            .arg(&key)
            .arg("-cert")
            .arg(&certificate)
            // At the end of its input it ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl can be run");
        until("openssl listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        let answer = Call::to(&format!("https://127.0.0.1:{port}")).send();
        let _ = server.kill();
        let _ = server.wait();
        refused(&answer, &["устаревший TLS"]);
    }
}

#[test]
fn a_server_that_closes_during_the_handshake_is_told_as_a_matter_of_tls() {
    let server = in_the_clear(b"");
    refused(&Call::to(&https(&server)).send(), &["прервал"]);
    assert_eq!(server.connections(), 1);
}

/// Many firewalls cut TLS to what they do not like with a reset.
#[test]
fn a_reset_during_the_handshake_is_told_like_a_close() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0]).unwrap();
        // Closing with something unread resets.
    });
    refused(&Call::to(&url).send(), &["прервал"]);
    server.join().unwrap();
}

#[test]
fn a_ca_file_adds_to_every_mode_of_trust() {
    let (server, authority) = server(LOOPBACK, 2020, 4000);
    let file = pem_file("modes", authority.pem());
    for trust in [TRUST_DEFAULT, TRUST_BUNDLED, TRUST_SYSTEM] {
        let call = Call::to(&server.url()).with(|c| c.trust = trust);
        accepted(&call.text(|c| &mut c.ca_file, &file).send());
        let call = Call::to(&server.url()).with(|c| c.trust = trust);
        refused(&call.send(), &["неизвестным центром"]);
    }
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn several_roots_comments_and_windows_line_ends_in_a_ca_file_are_taken() {
    let (server, authority) = server(LOOPBACK, 2020, 4000);
    let comment = "Корневой сертификат кассы\n";
    let pem = format!("{comment}{}{}", Authority::new().pem(), authority.pem());
    let windows = pem.replace("\r\n", "\n").replace('\n', "\r\n");
    accepted(&with_roots(&server.url(), "line-ends", windows).send());
}

/// Notepad writes one.
#[test]
fn a_byte_order_mark_before_the_pem_is_passed_over() {
    let (server, authority) = server(LOOPBACK, 2020, 4000);
    let marked = format!("\u{feff}{}", authority.pem());
    accepted(&with_roots(&server.url(), "byte-order-mark", marked).send());
}

#[test]
fn a_ca_file_that_cannot_be_used_is_an_argument_error_and_nothing_is_sent() {
    let (server, _) = server(LOOPBACK, 2020, 4000);
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let files = [
        scratch("pem")
            .join("no-such-file.pem")
            .display()
            .to_string(),
        scratch("pem").display().to_string(),
        pem_file("empty", ""),
        pem_file("no-pem", "это не PEM"),
        pem_file("binary", b"\x30\x82\x01\x00\xff\xfe"),
        pem_file("only-a-key", key),
        pem_file("broken", broken),
        pem_file("no-certificate-inside", empty),
    ];
    for file in files {
        let answer = Call::to(&server.url())
            .text(|c| &mut c.ca_file, &file)
            .send();
        assert_eq!(
            (answer.code, answer.outcome),
            (code::LP_ERR_ARGUMENT, NOT_SENT),
            "{file}: {answer:?}"
        );
        assert_eq!(answer.fields(), ["ca_file"], "{file}");
        assert!(answer.message.contains("ca_file"), "{file}: {answer:?}");
        assert_eq!(answer.retry_after_ms, 0);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_ca_file_that_is_replaced_is_read_anew() {
    let (before, after) = (Authority::new(), Authority::new());
    let of_before = TlsServer::start(before.issue(LOOPBACK));
    let of_after = TlsServer::start(after.issue(LOOPBACK));
    let call = |server: &TlsServer, pem: String| with_roots(&server.url(), "replaced", pem).send();
    accepted(&call(&of_before, before.pem()));
    until("it is noticed", || call(&of_after, after.pem()).code == 0);
    // Not over the connection of before, whose roots are no longer trusted.
    refused(&call(&of_before, after.pem()), &["неизвестным центром"]);
    assert_eq!(of_before.requests().len(), 1);
}

/// A stale look costs one refusal, not a second of them.
#[test]
fn a_ca_file_that_is_mended_after_a_refusal_counts_at_once() {
    let (wrong, right) = (Authority::new(), Authority::new());
    let server = TlsServer::start(right.issue(LOOPBACK));
    let call = |pem: String| with_roots(&server.url(), "mended-after", pem).send();
    refused(&call(wrong.pem()), &["неизвестным центром"]);
    accepted(&call(right.pem()));
}

/// As a symbolic link that is switched, `cp -p` and `mv`, and a tool that restores the time do.
#[test]
#[cfg(unix)]
fn a_ca_file_that_is_replaced_by_one_of_the_same_size_and_time_is_read_anew() {
    use std::fs::File;
    let folder = scratch("ca-file-of-the-same-time");
    let now = std::time::SystemTime::now();
    let write = |name: &str, pem: &str| {
        let path = folder.join(name);
        // Comments are ignored.
        std::fs::write(&path, format!("{pem:#<1000}\n")).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(now).unwrap();
        path
    };
    let link = |target: &str| {
        let _ = std::fs::remove_file(folder.join("link"));
        std::os::unix::fs::symlink(target, folder.join("link")).unwrap();
    };
    let (before, after) = (Authority::new(), Authority::new());
    let server = TlsServer::start(before.issue(LOOPBACK));
    let trusts = |name: &str| {
        let file = folder.join(name);
        let call = Call::to(&server.url()).text(|c| &mut c.ca_file, file.to_str().unwrap());
        call.send().code == 0
    };
    write("before", &before.pem());
    write("after", &after.pem());
    link("before");
    assert!(trusts("link"));
    link("after");
    until("the link leads elsewhere", || !trusts("link"));

    assert!(trusts("before"));
    std::fs::rename(folder.join("after"), folder.join("before")).unwrap();
    until("another file has its name", || !trusts("before"));
    write("before", &before.pem());
    until("it was written to", || trusts("before"));
}

/// Opens a shift, and prints how many attempts were made.
#[cfg(target_os = "linux")]
const REPEATS: &str = r#"
#include <stdio.h>
#include "lifepay.h"

int main(int argc, char **argv)
{
    uint32_t pause = 100;
    lp_config config;
    lp_result result;
    lp_config_init(&config, sizeof config);
    lp_result_init(&result, sizeof result);
    config.apikey = config.login = "1";
    config.proxy = "none";
    config.base_url = argv[argc - 2];
    config.ca_file = argv[argc - 1];
    config.retry_for_ms = 350;
    config.retry_delays_ms = &pause;
    config.retry_delay_count = 1;
    lp_open_shift(&config, &result);
    printf("%u\n", (unsigned)result.attempts);
    lp_result_free(&result);
    return 0;
}
"#;

#[test]
#[cfg(target_os = "linux")]
fn a_ca_file_is_looked_at_once_a_second_at_most() {
    if !tools::have("gcc") || !tools::have("strace") {
        return;
    }
    let program = tools::compile_c_source("ca_file_repeats", REPEATS);
    let ca_file = pem_file("looked-at", Authority::new().pem());
    let trace = tools::scratch("c").join("ca_file_repeats.trace");
    let mut strace = std::process::Command::new("strace");
    strace.args(["-f", "-e", "trace=%file", "-o"]).arg(&trace);
    strace.arg(program).args([&Server::nowhere(), &ca_file]);
    let attempts: usize = {
        let output = tools::run(&mut strace).stdout;
        String::from_utf8(output).unwrap().trim().parse().unwrap()
    };
    assert!(attempts > 1);
    let trace = std::fs::read_to_string(&trace).unwrap();
    let calls = trace.lines().filter(|line| line.contains("looked-at.pem"));
    let calls: Vec<&str> = calls.filter(|line| !line.contains("execve(")).collect();
    let opened = calls.iter().filter(|line| line.contains("open")).count();
    // All attempts were made within a second.
    assert_eq!((opened, calls.len()), (1, 2), "{calls:#?}");
}

#[test]
fn a_ca_file_that_was_useless_works_once_it_is_mended() {
    let (server, authority) = server(LOOPBACK, 2020, 4000);
    let answer = with_roots(&server.url(), "mended", "").send();
    assert_eq!(answer.fields(), ["ca_file"]);
    accepted(&with_roots(&server.url(), "mended", authority.pem()).send());
}

/// A call in a process whose system trusts the authorities in `file` and no others.
fn in_a_system(file: &str, server: &TlsServer, trust: i32, ca_file: Option<&str>) -> Value {
    let request = json!({
        "apikey": "1", "login": "2", "proxy": "none",
        "base_url": server.url(), "trust": trust, "ca_file": ca_file,
    });
    // rustls-native-certs takes this in place of the system's store.
    child::send(&[("SSL_CERT_FILE", file)], &request)
}

#[test]
fn the_systems_roots_are_trusted_in_the_modes_that_name_them() {
    let (server, authority) = server(LOOPBACK, 2020, 4000);
    let file = pem_file("system", authority.pem());
    for trust in [TRUST_DEFAULT, TRUST_SYSTEM] {
        let answer = in_a_system(&file, &server, trust, None);
        assert_eq!(answer["code"], 0, "{answer}");
    }
    assert_eq!(server.requests().len(), 2);
    let answer = in_a_system(&file, &server, TRUST_BUNDLED, None);
    assert_eq!(answer["code"], code::LP_ERR_TLS, "{answer}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn the_systems_roots_are_read_only_when_the_others_do_not_do() {
    let (server, authority) = server(LOOPBACK, 2020, 4000);
    let file = pem_file("read-late", authority.pem());
    let says_that_it_read = |name: &str, ca_file: Option<&str>| {
        let log = scratch("systems-roots").join(name);
        let _ = std::fs::remove_file(&log);
        let request = json!({
            "apikey": "1", "login": "2", "proxy": "none",
            "base_url": server.url(), "ca_file": ca_file,
        });
        let level_and_path = format!("debug,{}", log.display());
        let environment = [("SSL_CERT_FILE", &*file), ("LIFEPAY_LOG", &level_and_path)];
        let answer = child::send(&environment, &request);
        assert_eq!(answer["code"], 0, "{answer}");
        let log = std::fs::read_to_string(&log).unwrap();
        assert!(log.contains("code=0"), "{log}");
        log.contains("the system's certificates: 1 taken")
    };
    assert!(!says_that_it_read("not-read.log", Some(&file)));
    assert!(says_that_it_read("read.log", None));
}

#[test]
fn a_system_without_roots_is_told_as_such_and_a_ca_file_serves_in_its_place() {
    let (server, authority) = server(LOOPBACK, 2020, 4000);
    let empty = pem_file("no-roots", "");
    let answer = in_a_system(&empty, &server, TRUST_SYSTEM, None);
    assert_eq!(answer["code"], code::LP_ERR_TLS, "{answer}");
    assert_eq!(answer["outcome"], NOT_SENT);
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("ни одного корневого"), "{answer}");
    assert_eq!(server.connections(), 0);

    let file = pem_file("in-place-of-roots", authority.pem());
    let answer = in_a_system(&empty, &server, TRUST_SYSTEM, Some(&file));
    assert_eq!(answer["code"], 0, "{answer}");
    // Mozilla's are there all the same, only not this one.
    let answer = in_a_system(&empty, &server, TRUST_DEFAULT, None);
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("неизвестным центром"), "{answer}");
}

#[test]
fn tls_that_breaks_after_the_request_is_no_matter_of_trust() {
    let authority = Authority::new();
    let ca_file = pem_file("breaks-later", authority.pem());
    let config = authority.issue(LOOPBACK).config(rustls::ALL_VERSIONS);
    let server = Server::start(move |stream, _| {
        let mut raw = stream.try_clone().unwrap();
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut encrypted = StreamOwned::new(connection, stream);
        if read_request(&mut encrypted).is_some() {
            raw.write_all(b"<html>no TLS any more</html>").unwrap();
        }
    });
    let url = format!("https://{}", server.address());
    let answer = Call::to(&url).text(|c| &mut c.ca_file, &ca_file).send();
    let expected = (code::LP_ERR_NETWORK, UNKNOWN);
    assert_eq!((answer.code, answer.outcome), expected, "{answer:?}");
}

#[test]
fn the_systems_roots_are_read_anew_after_a_refusal() {
    let roots = pem_file("systems", "");
    if child::again(
        module_path!(),
        "the_systems_roots_are_read_anew_after_a_refusal",
        &[("SSL_CERT_FILE", &roots)],
    ) {
        return;
    }
    let authority = Authority::new();
    let server = TlsServer::start(authority.issue(LOOPBACK));
    let call = || Call::to(&server.url()).send();
    assert_eq!(call().code, code::LP_ERR_TLS);
    // The administrator installs the root while the till runs.
    std::fs::write(&roots, authority.pem()).unwrap();
    assert_eq!(call().code, 0);
}

#[test]
fn a_ca_file_that_is_mended_while_a_call_repeats_is_taken() {
    let authority = Authority::new();
    let server = TlsServer::start(authority.issue(LOOPBACK));
    let ca_file = pem_file("mended-while-repeating", Authority::new().pem());
    let answer = Call::to(&server.url())
        .text(|c| &mut c.ca_file, &ca_file)
        .repeat(10_000, &[100])
        .on_progress(|progress| {
            if progress.attempts == 2 {
                std::fs::write(&ca_file, authority.pem() + "\n").unwrap();
            }
            0
        })
        .send();
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(answer.attempts > 1);
}

#[test]
fn a_ca_file_is_checked_also_where_it_is_not_needed() {
    let call =
        Call::to(&Server::nowhere()).text(|c| &mut c.ca_file, &pem_file("not-needed", "none"));
    assert_eq!(call.send().fields(), ["ca_file"]);
}
