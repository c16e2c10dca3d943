//! Trust: which servers the library accepts. It sends nothing to others.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use lifepay::ffi as code;
use rustls::version::{TLS12, TLS13};
use rustls::{ProtocolVersion, ServerConnection, StreamOwned};
use serde_json::{json, Value};

use crate::support::child::{self, Killed};
use crate::support::constants::{
    ANSWERED, NOT_SENT, TRUST_BUNDLED, TRUST_DEFAULT, TRUST_SYSTEM, UNKNOWN,
};
use crate::support::tls_server::{pem_file, Authority, Identity, TlsServer};
use crate::support::tools::{self, scratch};
use crate::support::wait::until;
use crate::support::{read_request, Answer, Call, Server};

/// The names in certificates, unless a test is about names.
pub(crate) const LOOPBACK: &[&str] = &["127.0.0.1", "localhost"];

/// A call that also trusts the certificates in `pem`. `name` must be unique to the test.
pub(crate) fn with_roots<'a>(url: &str, name: &str, pem: impl AsRef<[u8]>) -> Call<'a> {
    Call::to(url).text(|c| &mut c.ca_file, &pem_file(name, pem))
}

#[track_caller]
pub(crate) fn accepted(answer: &Answer) {
    assert_eq!((answer.code, answer.outcome), (0, ANSWERED), "{answer:?}");
}

/// Asserts that the server was not trusted, that the message contains these words, and that nothing
/// was sent.
#[track_caller]
pub(crate) fn refused(answer: &Answer, words: &[&str]) {
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

/// Asserts that the server got one connection and no data.
#[track_caller]
fn received_nothing(server: &TlsServer) {
    assert_eq!(server.bytes_after(1), 0);
    assert_eq!(server.connections(), 1);
}

/// A server whose certificate its authority has issued for `names`, valid between these years.
pub(crate) fn server(names: &[&str], from: i32, to: i32) -> (TlsServer, Authority) {
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
fn tls_1_3_and_tls_1_2_work() {
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
    // In a separate process: the settings of other tests would evict its connection.
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
    received_nothing(&server);
}

#[test]
fn a_certificate_for_a_name_is_not_valid_for_its_address() {
    let (server, authority) = server(&["localhost"], 2020, 4000);
    let answer = with_roots(&server.url(), "address", authority.pem()).send();
    refused(&answer, &["другому серверу"]);
    received_nothing(&server);
}

#[test]
fn an_expired_certificate_is_refused() {
    let (server, authority) = server(LOOPBACK, 2020, 2021);
    let answer = with_roots(&server.url(), "expired", authority.pem()).send();
    refused(&answer, &["истёк", "дату и время"]);
    received_nothing(&server);
}

#[test]
fn a_certificate_that_is_not_valid_yet_is_refused() {
    let (server, authority) = server(LOOPBACK, 3000, 4000);
    let answer = with_roots(&server.url(), "early", authority.pem()).send();
    refused(&answer, &["ещё не действует", "дату и время"]);
    received_nothing(&server);
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    let (server, _) = server(LOOPBACK, 2020, 4000);
    refused(
        &Call::to(&server.url()).send(),
        &["неизвестным центром", "ca_file"],
    );
    received_nothing(&server);
}

#[test]
fn another_authority_in_ca_file_is_not_enough() {
    let (server, _) = server(LOOPBACK, 2020, 4000);
    let answer = with_roots(&server.url(), "another", Authority::new().pem()).send();
    refused(&answer, &["неизвестным центром"]);
    received_nothing(&server);
}

/// A reinstalled antivirus generates a new root with the same name.
#[test]
fn a_root_of_the_right_name_with_another_key_is_refused() {
    let authority = Authority::named("Antivirus Root");
    let server = TlsServer::start(authority.issue(LOOPBACK));
    let stale = Authority::named("Antivirus Root").pem();
    let answer = with_roots(&server.url(), "stale", stale).send();
    refused(&answer, &["ca_file"]);
    received_nothing(&server);
}

#[test]
fn a_self_signed_certificate_is_refused() {
    let (identity, _) = Identity::self_signed(LOOPBACK, false);
    let server = TlsServer::start(identity);
    let answer = Call::to(&server.url()).send();
    refused(&answer, &["сам выдал себе", "ca_file"]);
    assert!(
        !answer.message.contains("неизвестным центром"),
        "{answer:?}"
    );
    received_nothing(&server);
}

#[test]
fn a_self_signed_certificate_in_ca_file_is_trusted() {
    let (identity, pem) = Identity::self_signed(LOOPBACK, false);
    let server = TlsServer::start(identity);
    accepted(&with_roots(&server.url(), "itself", pem).send());
    assert_eq!(server.requests().len(), 1);
}

/// `openssl req -x509` makes such a certificate. rustls does not accept an authority's certificate
/// as a server's.
#[test]
fn an_authoritys_certificate_used_by_a_server_is_refused_with_what_to_do() {
    let (identity, pem) = Identity::self_signed(LOOPBACK, true);
    let server = TlsServer::start(identity);
    let answer = with_roots(&server.url(), "ca-as-server", pem).send();
    refused(&answer, &["сертификат центра", "CA:FALSE"]);
    received_nothing(&server);
}

/// A server that reads the first bytes and answers them with `answer`, unencrypted.
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
fn a_server_that_speaks_plain_http_gets_no_request() {
    let server = in_the_clear(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    refused(&Call::to(&https(&server)).send(), &["не TLS-сервер"]);
}

#[test]
fn a_server_with_only_older_tls_versions_is_refused() {
    let older = ["устаревший TLS", "TLS 1.2", "обновите"];
    // A fatal alert, protocol_version, in a record of TLS 1.1.
    let server = in_the_clear(b"\x15\x03\x02\x00\x02\x02\x46");
    refused(&Call::to(&https(&server)).send(), &older);
    // The alert handshake_failure does not give the cause.
    let server = in_the_clear(b"\x15\x03\x01\x00\x02\x02\x28");
    refused(&Call::to(&https(&server)).send(), &["не договорились"]);
    // A ServerHello of TLS 1.1 and of 1.0, as from a server that ignores the client's versions.
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
        let mut server = Command::new("openssl");
        server
            .args(["s_server", "-accept", &port.to_string(), version])
            .args(["-cipher", "ALL:@SECLEVEL=0", "-key"])
            .arg(&key)
            .arg("-cert")
            .arg(&certificate)
            // The server exits at the end of its input.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let _server = Killed(server.spawn().expect("openssl can be run"));
        until("openssl listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        let answer = Call::to(&format!("https://127.0.0.1:{port}")).send();
        refused(&answer, &["устаревший TLS"]);
    }
}

#[test]
fn a_server_that_closes_during_the_handshake_is_a_tls_error() {
    let server = in_the_clear(b"");
    refused(&Call::to(&https(&server)).send(), &["прервал"]);
    assert_eq!(server.connections(), 1);
}

/// Many firewalls block TLS connections with a reset.
#[test]
fn a_reset_during_the_handshake_is_reported_like_a_close() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0]).unwrap();
        // Closing a socket with unread data sends a reset.
    });
    refused(&Call::to(&url).send(), &["прервал"]);
    server.join().unwrap();
}

/// Makes a call in a process whose system trusts the authorities in `file` and no others.
fn in_a_system(file: &str, server: &TlsServer, trust: i32, ca_file: Option<&str>) -> Value {
    let request = json!({
        "apikey": "1", "login": "2", "proxy": "none",
        "base_url": server.url(), "trust": trust, "ca_file": ca_file,
    });
    // rustls-native-certs reads this file instead of the system's store.
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
fn the_systems_roots_are_read_only_if_the_others_do_not_verify() {
    let (server, authority) = server(LOOPBACK, 2020, 4000);
    let file = pem_file("read-late", authority.pem());
    let reads_system_roots = |name: &str, ca_file: Option<&str>| {
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
    assert!(!reads_system_roots("not-read.log", Some(&file)));
    assert!(reads_system_roots("read.log", None));
}

#[test]
fn a_system_without_roots_is_reported_and_a_ca_file_replaces_them() {
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
    // Mozilla's roots are still trusted, but this root is not one of them.
    let answer = in_a_system(&empty, &server, TRUST_DEFAULT, None);
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("неизвестным центром"), "{answer}");
}

#[test]
fn a_tls_failure_after_the_request_is_a_network_error() {
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
fn the_systems_roots_are_reloaded_after_a_refusal() {
    let roots = pem_file("systems", "");
    if child::again(
        module_path!(),
        "the_systems_roots_are_reloaded_after_a_refusal",
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
