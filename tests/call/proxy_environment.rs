//! The proxy in the environment: when it is used, and how it changes.

use lifepay::ffi as code;
use serde_json::{json, Value};

use super::proxy::{accepted, lifepay, through, ELSEWHERE};
use crate::support::constants::{NOT_SENT, PHASE_FAILED};
use crate::support::proxy_server::{Manner, ProxyServer};
use crate::support::server::ACCEPTED;
use crate::support::wait::until;
use crate::support::{child, outbox, respond, Call, Outbox, Server};

/// Makes a call in a process with this environment.
fn with_environment(environment: &[(&str, &str)], request: Value) -> Value {
    let mut all = json!({"apikey": "1", "login": "2", "connect_timeout_ms": 1500});
    let fields = request.as_object().expect("an object").clone();
    all.as_object_mut().unwrap().extend(fields);
    child::send(environment, &all)
}

#[test]
fn the_environments_proxy_is_used_for_https() {
    let (server, ca_file) = lifepay("environment");
    let request = json!({"base_url": server.url_of(ELSEWHERE), "ca_file": ca_file});
    let names = [
        "HTTPS_PROXY",
        "ALL_PROXY",
        "HTTP_PROXY",
        "https_proxy",
        "all_proxy",
    ];
    for name in names {
        let proxy = ProxyServer::start(Manner::Tunnel);
        let url = proxy.url_for("user:p%40ss:word");
        let answer = with_environment(&[(name, &url)], request.clone());
        assert_eq!(answer["code"], 0, "{name}: {answer}");
        let heads = proxy.heads();
        assert!(heads[0].contains("Basic dXNlcjpwQHNzOndvcmQ="), "{heads:?}");
    }
    assert_eq!(server.requests().len(), names.len());
}

#[test]
fn the_calls_proxy_goes_before_the_environments() {
    let (server, ca_file) = lifepay("both");
    let (environment_proxy, call_proxy) = (
        ProxyServer::start(Manner::HangUp),
        ProxyServer::start(Manner::Tunnel),
    );
    let request = json!({
        "base_url": server.url_of(ELSEWHERE), "ca_file": ca_file, "proxy": call_proxy.url(),
    });
    let answer = with_environment(&[("ALL_PROXY", &environment_proxy.url())], request);
    assert_eq!(answer["code"], 0, "{answer}");
    assert_eq!(
        (environment_proxy.connections(), call_proxy.connections()),
        (0, 1)
    );
}

#[test]
fn none_ignores_the_environments_proxy() {
    let proxy = ProxyServer::start(Manner::Tunnel);
    let request = json!({"base_url": format!("https://{ELSEWHERE}"), "proxy": "none"});
    let answer = with_environment(&[("ALL_PROXY", &proxy.url())], request.clone());
    // Only the proxy can reach this host.
    assert_ne!(answer["code"], 0, "{answer}");
    assert_eq!(answer["outcome"], NOT_SENT, "{answer}");
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn no_proxy_is_honoured() {
    for list in [
        ELSEWHERE,
        ".test",
        "*",
        "localhost,lifepay.test",
        "localhost, lifepay.test",
    ] {
        let proxy = ProxyServer::start(Manner::Tunnel);
        let environment = [("HTTPS_PROXY", proxy.url()), ("NO_PROXY", list.into())];
        let environment = environment
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let request = json!({"base_url": format!("https://{ELSEWHERE}")});
        let answer = with_environment(&environment, request);
        assert_ne!(answer["code"], 0, "{answer}");
        assert_eq!(proxy.connections(), 0, "{list}");
    }
}

#[test]
fn the_environments_proxy_is_not_used_for_this_machine() {
    let proxy = ProxyServer::start(Manner::Tunnel);
    let environment = ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"].map(|name| (name, proxy.url()));
    let environment = environment
        .each_ref()
        .map(|(name, url)| (*name, url.as_str()));
    let clear = Server::always(respond("200 OK", ACCEPTED));
    let answer = with_environment(&environment, json!({"base_url": clear.url()}));
    assert_eq!(answer["code"], 0, "{answer}");
    let (server, ca_file) = lifepay("to-this-machine");
    let request = json!({"base_url": server.url(), "ca_file": ca_file});
    let answer = with_environment(&environment, request);
    assert_eq!(answer["code"], 0, "{answer}");
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn an_unsupported_proxy_of_the_environment_is_reported_with_its_variable() {
    let environment = [("ALL_PROXY", "socks5://127.0.0.1:1080")];
    let request = json!({"base_url": format!("https://{ELSEWHERE}")});
    let answer = with_environment(&environment, request);
    assert_eq!(answer["code"], code::LP_ERR_ARGUMENT, "{answer}");
    let error = &answer["errors"][0];
    assert_eq!(error["field"], "proxy");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("задан в системе"),
        "{answer}"
    );
}

/// A call whose proxy is set only in the environment or the system.
fn by_environment<'a>(base_url: &str, ca_file: &str) -> Call<'a> {
    through("", base_url).text(|c| &mut c.ca_file, ca_file)
}

const CHANGED: [(&str, &str); 1] = [("HTTPS_PROXY", "http://127.0.0.1:1")];

#[test]
fn a_proxy_change_in_the_environment_applies_to_the_next_attempt() {
    // In a separate process, because it changes its environment.
    let name = "a_proxy_change_in_the_environment_applies_to_the_next_attempt";
    if child::again(module_path!(), name, &CHANGED) {
        return;
    }
    let (server, ca_file) = lifepay("changing");
    let proxy = ProxyServer::start(Manner::Tunnel);
    let next = ["socks5://127.0.0.1:1", &proxy.url()];
    let mut codes = Vec::new();
    let answer = by_environment(&server.url_of(ELSEWHERE), &ca_file)
        .repeat(60_000, &[1200])
        .on_progress(|progress| {
            if progress.phase == PHASE_FAILED {
                let Some(next) = next.get(codes.len()) else {
                    return 1;
                };
                std::env::set_var("HTTPS_PROXY", next);
                codes.push(progress.code);
            }
            0
        })
        .send();
    assert_eq!((answer.code, answer.attempts), (0, 3), "{answer:?}");
    assert_eq!(codes, [code::LP_ERR_NETWORK; 2]);
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn a_proxy_change_in_the_environment_applies_to_an_open_outbox() {
    // In a separate process, because it changes its environment.
    let name = "a_proxy_change_in_the_environment_applies_to_an_open_outbox";
    if child::again(module_path!(), name, &CHANGED) {
        return;
    }
    let (server, ca_file) = lifepay("changing-outbox");
    let call = || by_environment(&server.url_of(ELSEWHERE), &ca_file).repeat(0, &[1200]);
    let outbox = Outbox::open(&outbox::fresh("changing-proxy"), call());
    assert_eq!(outbox.submit(call().ext_id("1")).0, 0);
    let failed = |part: &str| {
        let answer = outbox.wait("1", 0);
        answer.detail.is_some_and(|detail| detail.contains(part))
    };
    until("an attempt through a dead proxy", || failed("127.0.0.1:1:"));
    std::env::set_var("HTTPS_PROXY", "socks5://127.0.0.1:1");
    until("an attempt with an unusable setting", || failed("SOCKS5"));
    let proxy = ProxyServer::start(Manner::Tunnel);
    std::env::set_var("HTTPS_PROXY", proxy.url());
    accepted(&outbox.wait("1", 10_000));
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn a_changed_environment_does_not_override_a_given_proxy() {
    // In a separate process, because it changes its environment.
    let name = "a_changed_environment_does_not_override_a_given_proxy";
    if child::again(module_path!(), name, &CHANGED) {
        return;
    }
    let (server, ca_file) = lifepay("given");
    let (given_proxy, environment_proxy) = (
        ProxyServer::start(Manner::HangUp),
        ProxyServer::start(Manner::Tunnel),
    );
    let answer = through(&given_proxy.url(), &server.url_of(ELSEWHERE))
        .text(|c| &mut c.ca_file, &ca_file)
        .repeat(2000, &[1200])
        .on_progress(|_| {
            std::env::set_var("HTTPS_PROXY", environment_proxy.url());
            0
        })
        .send();
    assert_eq!((answer.code, answer.attempts), (code::LP_ERR_NETWORK, 2));
    assert_eq!(
        (given_proxy.connections(), environment_proxy.connections()),
        (2, 0)
    );
}
