//! --tls, as seen by a client that verifies certificates.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use lifepay_sandbox::{Options, Sandbox, CREATE_SESSION};
use serde_json::json;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, ALL_VERSIONS,
};

use crate::wire::{ask, journal, shift, switch};

fn sandbox() -> Sandbox {
    Sandbox::start(Options {
        tls: true,
        ..Options::default()
    })
    .unwrap()
}

/// Sends a request over TLS. Returns the raw answer, or the error.
fn ask_over_tls(sandbox: &Sandbox, ca_pem: &str, name: &str) -> Result<String, String> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(ALL_VERSIONS)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap();
    socket.set_read_timeout(Some(crate::LONG)).unwrap();
    let mut stream = StreamOwned::new(client, socket);
    let body = shift(json!({"ext_id": "a"})).to_string();
    let request = format!(
        "POST {CREATE_SESSION} HTTP/1.1\r\nHost: till.test\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answer = String::new();
    stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.read_to_string(&mut answer))
        .map_err(|error| error.to_string())?;
    Ok(answer)
}

#[test]
fn a_client_that_trusts_the_certificate_is_served_by_name_and_by_address() {
    let sandbox = sandbox();
    assert!(sandbox.url().starts_with("https://127.0.0.1:"));
    let pem = sandbox.ca_pem().unwrap();
    for name in ["127.0.0.1", "localhost", "till.shop.test"] {
        let answer = ask_over_tls(&sandbox, &pem, name).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
    }
    assert_eq!(sandbox.documents()[0].requests, 3);
}

#[test]
fn a_client_that_trusts_another_authority_is_refused_and_shown() {
    let sandbox = sandbox();
    let other = self::sandbox().ca_pem().unwrap();
    let error = ask_over_tls(&sandbox, &other, "localhost").unwrap_err();
    assert!(error.contains("certificate"), "{error}");
    let event = shown_handshake(&sandbox, 0);
    assert_eq!(event["server_name"], "localhost");
    assert_eq!(event["certificate"], "valid");
    let error = event["error"].as_str().unwrap();
    assert!(error.contains("ca.pem этого запуска"), "{error}");
    assert!(sandbox.requests().is_empty());
}

/// Waits until a failed handshake is in the journal, and returns its event.
fn shown_handshake(sandbox: &Sandbox, position: usize) -> serde_json::Value {
    let started = std::time::Instant::now();
    loop {
        let event = journal(sandbox)["events"][position].clone();
        if event["kind"] == "handshake" {
            return event;
        }
        assert!(started.elapsed() < crate::LONG);
    }
}

#[test]
fn an_expired_and_a_wrong_name_certificate_are_shown_for_as_many_connections_as_asked() {
    let sandbox = sandbox();
    let pem = sandbox.ca_pem().unwrap();
    for (position, (certificate, named)) in
        [("expired", "expired"), ("wrong_name", "not valid for name")]
            .into_iter()
            .enumerate()
    {
        let order = json!({"certificate": certificate, "count": 1});
        let on = switch(&sandbox, "certificate", order);
        assert_eq!(on["certificate"]["certificate"], certificate);
        let error = ask_over_tls(&sandbox, &pem, "localhost").unwrap_err();
        assert!(error.contains(named), "{error}");
        let event = shown_handshake(&sandbox, position);
        assert_eq!(event["certificate"], certificate);
        let off = &journal(&sandbox)["switches"]["certificate"];
        assert_eq!(off, &json!({"certificate": "valid", "count": null}));
        ask_over_tls(&sandbox, &pem, "localhost").unwrap();
    }
    switch(&sandbox, "certificate", json!({"certificate": "expired"}));
    for _ in 0..2 {
        ask_over_tls(&sandbox, &pem, "localhost").unwrap_err();
    }
    assert_eq!(sandbox.requests().len(), 2);
}

#[test]
fn the_page_is_there_over_plain_http_and_the_rest_is_not() {
    let sandbox = sandbox();
    assert_eq!(
        sandbox.page_url(),
        format!("http://127.0.0.1:{}/", sandbox.port())
    );
    let reply = ask(&sandbox, &shift(json!({})));
    assert_eq!(reply.status, 400);
    assert!(
        reply.body.contains("начинается с https://"),
        "{}",
        reply.body
    );
    let shown = journal(&sandbox);
    assert_eq!(shown["tls"], true);
    assert_eq!(shown["requests"][0]["findings"][0]["field"], "path");
    assert!(sandbox.documents().is_empty());
}

#[test]
fn a_connection_can_be_reset_under_tls_too() {
    let sandbox = sandbox();
    switch(&sandbox, "answer", json!({"answer": "reset"}));
    let pem = sandbox.ca_pem().unwrap();
    let error = ask_over_tls(&sandbox, &pem, "localhost").unwrap_err();
    assert!(error.contains("reset"), "{error}");
}

#[test]
fn a_kept_authority_is_trusted_after_a_restart() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sandbox-kept");
    let _ = std::fs::remove_dir_all(&folder);
    let start = || {
        Sandbox::start(Options {
            tls: true,
            ca_dir: Some(folder.clone()),
            ..Options::default()
        })
    };
    let pem = start().unwrap().ca_pem().unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("ca.pem")).unwrap(), pem);
    #[cfg(unix)]
    {
        let key = std::fs::metadata(folder.join("ca.key")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&key.permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = start().unwrap();
    assert_eq!(again.ca_pem(), Some(pem.clone()));
    let answer = ask_over_tls(&again, &pem, "till.shop.test").unwrap();
    assert!(answer.contains("uuid"), "{answer}");

    // Another authority's key, a certificate file with nonsense, and a missing certificate.
    let other = folder.join("other");
    let options = Options {
        tls: true,
        ca_dir: Some(other.clone()),
        ..Options::default()
    };
    drop(Sandbox::start(options).unwrap());
    let refused = || start().unwrap_err().to_string();
    std::fs::copy(other.join("ca.key"), folder.join("ca.key")).unwrap();
    assert!(
        refused().contains("удалите ca.pem и ca.key"),
        "{}",
        refused()
    );
    std::fs::write(folder.join("ca.pem"), "nonsense").unwrap();
    assert!(
        refused().contains("удалите ca.pem и ca.key"),
        "{}",
        refused()
    );
    std::fs::remove_file(folder.join("ca.pem")).unwrap();
    assert!(
        refused().contains("удалите ca.pem и ca.key"),
        "{}",
        refused()
    );
    assert!(!folder.join("ca.pem").exists());
}
