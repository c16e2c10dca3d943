//! `ca_file`: the host's own roots, while files are written, replaced and corrected.

use lifepay::ffi as code;

use super::tls::{accepted, refused, server, with_roots, LOOPBACK};
use crate::support::constants::{NOT_SENT, TRUST_BUNDLED, TRUST_DEFAULT, TRUST_SYSTEM};
use crate::support::tls_server::{pem_file, Authority, TlsServer};
use crate::support::tools::{self, scratch};
use crate::support::wait::until;
use crate::support::{Call, Server};

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

/// Notepad writes a byte order mark.
#[test]
fn a_byte_order_mark_before_the_pem_is_skipped() {
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
fn a_replaced_ca_file_is_reloaded() {
    let (old, new) = (Authority::new(), Authority::new());
    let old_server = TlsServer::start(old.issue(LOOPBACK));
    let new_server = TlsServer::start(new.issue(LOOPBACK));
    let call = |server: &TlsServer, pem: String| with_roots(&server.url(), "replaced", pem).send();
    accepted(&call(&old_server, old.pem()));
    until("the new file is read", || {
        call(&new_server, new.pem()).code == 0
    });
    // The old connection is not reused, since its roots are no longer trusted.
    refused(&call(&old_server, new.pem()), &["неизвестным центром"]);
    assert_eq!(old_server.requests().len(), 1);
}

/// The file is checked at most once a second, but again after a refusal. A stale check thus costs
/// one refused call, not a second of refusals.
#[test]
fn a_ca_file_that_is_fixed_after_a_refusal_is_read_at_once() {
    let (wrong, right) = (Authority::new(), Authority::new());
    let server = TlsServer::start(right.issue(LOOPBACK));
    let call = |pem: String| with_roots(&server.url(), "fixed-after", pem).send();
    refused(&call(wrong.pem()), &["неизвестным центром"]);
    accepted(&call(right.pem()));
}

/// A switched symbolic link, `cp -p` and `mv`, and tools that restore the time replace it so.
#[test]
#[cfg(unix)]
fn a_ca_file_replaced_by_one_of_the_same_size_and_time_is_reloaded() {
    use std::fs::File;
    let folder = scratch("ca-file-of-the-same-time");
    let now = std::time::SystemTime::now();
    let write = |name: &str, pem: &str| {
        let path = folder.join(name);
        // Padded to the same size. Comments are ignored.
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
    until("the link's new target is read", || !trusts("link"));

    assert!(trusts("before"));
    std::fs::rename(folder.join("after"), folder.join("before")).unwrap();
    until("the renamed file is read", || !trusts("before"));
    write("before", &before.pem());
    until("the rewritten file is read", || trusts("before"));
}

/// Opens a shift, and prints the number of attempts.
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
fn a_ca_file_is_checked_once_a_second_at_most() {
    if !tools::have("gcc") || !tools::have("strace") {
        return;
    }
    let program = tools::compile_c_source("ca_file_repeats", REPEATS);
    let ca_file = pem_file("looked-at", Authority::new().pem());
    let trace = scratch("c").join("ca_file_repeats.trace");
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
fn an_unusable_ca_file_works_once_it_is_fixed() {
    let (server, authority) = server(LOOPBACK, 2020, 4000);
    let answer = with_roots(&server.url(), "fixed", "").send();
    assert_eq!(answer.fields(), ["ca_file"]);
    accepted(&with_roots(&server.url(), "fixed", authority.pem()).send());
}

#[test]
fn a_ca_file_that_is_fixed_during_the_retries_is_read() {
    let authority = Authority::new();
    let server = TlsServer::start(authority.issue(LOOPBACK));
    let ca_file = pem_file("fixed-while-retrying", Authority::new().pem());
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
