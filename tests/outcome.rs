//! Whether LifePay may have the request: a test for each way to fail.

mod support;

use lifepay::code;
use support::{Answer, Call, Server};

const NOT_SENT: i32 = 1;

fn failed(answer: &Answer, code: i32, outcome: i32) {
    assert_eq!((answer.code, answer.outcome), (code, outcome), "{answer:?}");
    assert!(
        answer
            .message
            .chars()
            .any(|letter| ('а'..='я').contains(&letter)),
        "{answer:?}"
    );
}

#[test]
fn a_refused_connection_is_not_sent() {
    let answer = Call::to(&Server::nowhere()).send();
    failed(&answer, code::LP_ERR_NETWORK, NOT_SENT);
    assert_eq!(answer.retry_after_ms, 60_000);
}
