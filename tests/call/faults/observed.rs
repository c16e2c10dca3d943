//! The result of a row, and its check.

use std::ffi::CStr;

use super::expected::{Takes, CONNECT_LIMIT, WHOLE_LIMIT};
use super::table::{Row, SENT};
use crate::support::constants::{NOT_SENT, UNKNOWN};
use crate::support::fault_server::RECOVERED;
use crate::support::{library, Answer};

/// How long after its limit a call may end, in milliseconds: other processes delay it.
pub const LATE: u64 = 700;
/// How long a call that does not wait may take, in milliseconds: less than the shortest limit.
pub const QUICK: u64 = 1400;
/// How much memory a fault may take, in KiB: the library reads answers of up to 1 MiB.
pub const MEMORY: u64 = 8 * 1024;
/// How much of an endless answer a server can send, in bytes: what the library reads, and a margin.
pub const READ_OF_A_FLOOD: u64 = 8 * 1024 * 1024;

/// The results of a row and of the call after it.
pub struct Observed {
    pub row: Row,
    pub answer: Answer,
    pub next: Answer,
    /// By how many KiB the fault raised the process's peak memory. None unless the row ran alone.
    pub memory: Option<u64>,
    /// How many bytes of the fault the server was able to send.
    pub written: u64,
}

impl Observed {
    fn limits(&self) -> (u64, u64) {
        let limit = |limit: u32| (u64::from(limit) - 50, u64::from(limit) + LATE);
        let (least, most) = match self.row.expected.takes {
            Takes::Quick => (0, QUICK),
            Takes::Connect => limit(CONNECT_LIMIT),
            Takes::Whole => limit(WHOLE_LIMIT),
            Takes::Late(least) => (least, u64::from(WHOLE_LIMIT)),
        };
        // Unoptimised code is slow at copying and checking megabytes, and at decrypting a mebibyte
        // in small pieces.
        let is_costly = self.row.phase == "send" || self.row.how == "chunks of 32 bytes, https";
        let computing = if is_costly { 1000 } else { 0 };
        (least, most + computing)
    }

    fn took(&self) -> u64 {
        u64::try_from(self.answer.took.as_millis()).unwrap()
    }

    pub fn line(&self) -> String {
        let answer = &self.answer;
        let limit = match self.row.expected.takes {
            Takes::Connect => format!("{CONNECT_LIMIT}"),
            Takes::Whole => format!("{WHOLE_LIMIT}"),
            Takes::Quick | Takes::Late(_) => "-".to_owned(),
        };
        let memory = match self.memory {
            Some(kib) => format!("{kib} KiB"),
            None => "-".to_owned(),
        };
        let outcome = match answer.outcome {
            NOT_SENT => "not sent",
            UNKNOWN => "unknown",
            _ => "answered",
        };
        format!(
            "{:<10} | {:<18} | {:<38} | {:>4} {:<14} | {:<8} | {:>4} | {:>8} | {:>6} | {:>5} | {:>9} | {}",
            self.row.phase,
            self.row.fault,
            self.row.how,
            answer.code,
            name(answer.code),
            outcome,
            answer.http_status,
            answer.retry_after_ms,
            answer.took.as_millis(),
            limit,
            memory,
            name(self.next.code),
        )
    }

    /// Returns whether the call took too long and everything else is right.
    pub fn is_only_late(&self) -> bool {
        const MISMATCH_AND_RESULTS: usize = 2;
        self.took() > self.limits().1 && self.wrong().len() == MISMATCH_AND_RESULTS
    }

    /// Returns a line for each mismatch, and then the results. Empty if there is no mismatch.
    pub fn wrong(&self) -> Vec<String> {
        let (answer, expected) = (&self.answer, &self.row.expected);
        let mut wrong = Vec::new();
        let mut want = |what: &str, holds: bool| {
            if !holds {
                wrong.push(format!("  wrong: {what}"));
            }
        };
        want("the code", answer.code == expected.code);
        want("the outcome", answer.outcome == expected.outcome);
        want(
            "the HTTP status",
            answer.http_status == expected.http_status,
        );
        want(
            "retry_after_ms",
            answer.retry_after_ms == expected.retry_after_ms,
        );
        want("attempts", answer.attempts == 1);
        let (least, most) = self.limits();
        want("the time", (least..=most).contains(&self.took()));
        if let Some(kib) = self.memory {
            // The request itself takes memory: the host's copy, the JSON, and what is being sent.
            let own = if self.row.phase == "send" {
                4 * SENT as u64 / 1024
            } else {
                0
            };
            want("memory", kib <= MEMORY + own);
        }
        want("how much was read", self.written <= READ_OF_A_FLOOD);
        want(
            "the next call",
            self.next.code == 0 && self.next.uuid.as_deref() == Some(RECOVERED),
        );
        let explained = answer.code == 0 || answer.detail.is_some();
        want("message or detail", explained && !answer.message.is_empty());
        if !wrong.is_empty() {
            wrong.push(format!("  {answer:?}\n  next {:?}", self.next));
        }
        wrong
    }
}

pub fn name(code: i32) -> String {
    // SAFETY: code_name returns a static string.
    let name = unsafe { CStr::from_ptr((library().code_name)(code)) };
    let name = name.to_str().expect("ASCII");
    name.trim_start_matches("LP_").to_owned()
}
