//! The result that a row must have.

use lifepay::ffi as code;

use crate::support::constants::{ANSWERED, NOT_SENT, UNKNOWN};

/// The limits, in milliseconds. At a byte a second, some bytes arrive within each of them.
pub const CONNECT_LIMIT: u32 = 1500;
pub const WHOLE_LIMIT: u32 = 2500;
/// The pause before the second attempt in LifePay's retry schedule, in milliseconds.
pub const PAUSE: u32 = 60_000;

/// How long the call must take.
#[derive(Clone, Copy)]
pub enum Takes {
    /// Less than any limit.
    Quick,
    /// As long as the connect limit.
    Connect,
    /// As long as the overall limit.
    Whole,
    /// At least this many milliseconds. No limit ends it.
    Late(u64),
}

/// The result that the host must get.
pub struct Expected {
    pub code: i32,
    pub outcome: i32,
    pub http_status: i32,
    pub retry_after_ms: u32,
    pub takes: Takes,
}

pub fn expected(code: i32, outcome: i32) -> Expected {
    let retryable = code < 0;
    Expected {
        code,
        outcome,
        http_status: if code < 0 { 0 } else { 200 },
        retry_after_ms: if retryable { PAUSE } else { 0 },
        takes: Takes::Quick,
    }
}

impl Expected {
    pub fn status(self, http_status: i32) -> Expected {
        Expected {
            http_status,
            ..self
        }
    }

    pub fn pause(self, retry_after_ms: u32) -> Expected {
        Expected {
            retry_after_ms,
            ..self
        }
    }

    pub fn takes(self, takes: Takes) -> Expected {
        Expected { takes, ..self }
    }
}

pub fn network(outcome: i32) -> Expected {
    expected(code::LP_ERR_NETWORK, outcome)
}

pub fn timeout(takes: Takes) -> Expected {
    let outcome = match takes {
        Takes::Connect => NOT_SENT,
        _ => UNKNOWN,
    };
    expected(code::LP_ERR_TIMEOUT, outcome).takes(takes)
}

pub fn tls() -> Expected {
    expected(code::LP_ERR_TLS, NOT_SENT)
}

pub fn reply() -> Expected {
    expected(code::LP_ERR_REPLY, UNKNOWN)
}

pub fn http(status: i32) -> Expected {
    expected(code::LP_ERR_HTTP, UNKNOWN).status(status)
}

pub fn accepted() -> Expected {
    expected(code::LP_OK, ANSWERED)
}
