//! The result as the host sees it.

use lifepay::ffi as code;

use crate::support::constants::{ANSWERED, NOT_SENT, UNKNOWN};

/// Milliseconds. A byte a second comes within both.
pub const CONNECT_LIMIT: u32 = 1500;
pub const WHOLE_LIMIT: u32 = 2500;
/// What LifePay's timetable asks for before the second attempt, milliseconds.
pub const PAUSE: u32 = 60_000;

/// When an answer has to come.
#[derive(Clone, Copy)]
pub enum Takes {
    Quick,
    /// As long as the connect limit.
    Connect,
    /// As long as the limit of the whole.
    Whole,
    /// At least these milliseconds, and no limit ends it.
    Late(u64),
}

/// What the host is told.
pub struct Told {
    pub code: i32,
    pub outcome: i32,
    pub http_status: i32,
    pub retry_after_ms: u32,
    pub takes: Takes,
}

pub fn told(code: i32, outcome: i32) -> Told {
    let repeatable = code < 0;
    Told {
        code,
        outcome,
        http_status: if code < 0 { 0 } else { 200 },
        retry_after_ms: if repeatable { PAUSE } else { 0 },
        takes: Takes::Quick,
    }
}

impl Told {
    pub fn status(self, http_status: i32) -> Told {
        Told {
            http_status,
            ..self
        }
    }

    pub fn pause(self, retry_after_ms: u32) -> Told {
        Told {
            retry_after_ms,
            ..self
        }
    }

    pub fn takes(self, takes: Takes) -> Told {
        Told { takes, ..self }
    }
}

pub fn network(outcome: i32) -> Told {
    told(code::LP_ERR_NETWORK, outcome)
}

pub fn timeout(takes: Takes) -> Told {
    let outcome = match takes {
        Takes::Connect => NOT_SENT,
        _ => UNKNOWN,
    };
    told(code::LP_ERR_TIMEOUT, outcome).takes(takes)
}

pub fn tls() -> Told {
    told(code::LP_ERR_TLS, NOT_SENT)
}

pub fn reply() -> Told {
    told(code::LP_ERR_REPLY, UNKNOWN)
}

pub fn http(status: i32) -> Told {
    told(code::LP_ERR_HTTP, UNKNOWN).status(status)
}

pub fn accepted() -> Told {
    told(code::LP_OK, ANSWERED)
}
