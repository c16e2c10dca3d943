//! The code of a result, LifePay's or a failure's, and whether LifePay may have the request.
//!
//! The discriminants are the numbers of the C interface and of the outbox's file. New ones may be
//! added; none gets a second meaning. `ffi` defines them as constants and asserts that they agree.

use std::ffi::CStr;

use serde::{Deserialize, Serialize};

/// LifePay's own codes, as its page lists them.
pub mod lifepay {
    pub(crate) const DATA_ERROR: i32 = 400;
    pub(crate) const SERVER_ERROR: i32 = 500;
    pub(crate) const FORMAT_ERROR: i32 = 6000;
    pub(crate) const LOGIN_UNKNOWN: i32 = 6009;
    pub(crate) const CREDENTIALS_UNKNOWN: i32 = 6010;
    pub(crate) const FISCALIZATION_FORBIDDEN: i32 = 6080;
    pub(crate) const ACCESS_DENIED: i32 = 6095;
}

/// The code of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "i32", into = "i32")]
pub enum Code {
    /// LifePay accepted the document: its code is 0.
    Accepted,
    /// LifePay rejected the request with this code, which is positive.
    Rejected(i32),
    /// The request is in an outbox and has no outcome yet.
    Pending,
    /// LifePay has not answered.
    Failed(Kind),
    /// A code that a later version of this library wrote to an outbox's file.
    Unknown(i32),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Kind {
    Argument = -2,
    Network = -3,
    Timeout = -4,
    Tls = -5,
    Http = -6,
    Reply = -7,
    Cancelled = -8,
    Outbox = -9,
    NotFound = -10,
    Internal = -11,
    Closed = -12,
    Expired = -13,
}

impl Kind {
    pub(crate) const ALL: [Kind; 12] = [
        Kind::Argument,
        Kind::Network,
        Kind::Timeout,
        Kind::Tls,
        Kind::Http,
        Kind::Reply,
        Kind::Cancelled,
        Kind::Outbox,
        Kind::NotFound,
        Kind::Internal,
        Kind::Closed,
        Kind::Expired,
    ];
}

impl Code {
    pub(crate) const PENDING: i32 = -1;

    pub const fn number(self) -> i32 {
        match self {
            Code::Accepted => 0,
            Code::Rejected(number) | Code::Unknown(number) => number,
            Code::Pending => Code::PENDING,
            Code::Failed(kind) => kind as i32,
        }
    }

    /// Returns the name of the constant in the C interface; "UNKNOWN" for a number without one.
    pub fn name(self) -> &'static CStr {
        match self {
            Code::Accepted => c"LP_OK",
            Code::Rejected(lifepay::DATA_ERROR) => c"LP_DATA_ERROR",
            Code::Rejected(lifepay::SERVER_ERROR) => c"LP_SERVER_ERROR",
            Code::Rejected(lifepay::FORMAT_ERROR) => c"LP_FORMAT_ERROR",
            Code::Rejected(lifepay::LOGIN_UNKNOWN) => c"LP_LOGIN_UNKNOWN",
            Code::Rejected(lifepay::CREDENTIALS_UNKNOWN) => c"LP_CREDENTIALS_UNKNOWN",
            Code::Rejected(lifepay::FISCALIZATION_FORBIDDEN) => c"LP_FISCALIZATION_FORBIDDEN",
            Code::Rejected(lifepay::ACCESS_DENIED) => c"LP_ACCESS_DENIED",
            Code::Rejected(_) | Code::Unknown(_) => c"UNKNOWN",
            Code::Pending => c"LP_PENDING",
            Code::Failed(kind) => match kind {
                Kind::Argument => c"LP_ERR_ARGUMENT",
                Kind::Network => c"LP_ERR_NETWORK",
                Kind::Timeout => c"LP_ERR_TIMEOUT",
                Kind::Tls => c"LP_ERR_TLS",
                Kind::Http => c"LP_ERR_HTTP",
                Kind::Reply => c"LP_ERR_REPLY",
                Kind::Cancelled => c"LP_ERR_CANCELLED",
                Kind::Outbox => c"LP_ERR_OUTBOX",
                Kind::NotFound => c"LP_ERR_NOT_FOUND",
                Kind::Internal => c"LP_ERR_INTERNAL",
                Kind::Closed => c"LP_ERR_CLOSED",
                Kind::Expired => c"LP_ERR_EXPIRED",
            },
        }
    }
}

impl From<i32> for Code {
    fn from(number: i32) -> Self {
        let is_it = |kind: &Kind| *kind as i32 == number;
        match number {
            0 => Code::Accepted,
            Code::PENDING => Code::Pending,
            1.. => Code::Rejected(number),
            _ => match Kind::ALL.into_iter().find(is_it) {
                Some(kind) => Code::Failed(kind),
                None => Code::Unknown(number),
            },
        }
    }
}

impl From<Code> for i32 {
    fn from(code: Code) -> Self {
        code.number()
    }
}

/// Whether LifePay may have the request, over all attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "i32", into = "i32")]
#[repr(i32)]
pub enum Outcome {
    /// The call says nothing about a request.
    None = 0,
    /// No byte of the request left this machine in any attempt.
    NotSent = 1,
    Unknown = 2,
    Answered = 3,
}

impl From<i32> for Outcome {
    fn from(number: i32) -> Self {
        match number {
            0 => Outcome::None,
            1 => Outcome::NotSent,
            3 => Outcome::Answered,
            // The number was written by a later version and may mean anything.
            _ => Outcome::Unknown,
        }
    }
}

impl From<Outcome> for i32 {
    fn from(outcome: Outcome) -> Self {
        outcome as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_its_number_again() {
        for number in (-20..=20).chain([400, 6095, i32::MIN, i32::MAX]) {
            assert_eq!(Code::from(number).number(), number);
        }
        assert_eq!(Code::from(-4), Code::Failed(Kind::Timeout));
        assert_eq!(Code::from(-99), Code::Unknown(-99));
    }
}
