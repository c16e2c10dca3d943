//! The result of a row, and its check.

use std::ffi::CStr;

use super::table::{Row, SENT};
use super::told::{Takes, CONNECT_LIMIT, WHOLE_LIMIT};
use crate::support::constants::{NOT_SENT, UNKNOWN};
use crate::support::fault_server::MENDED;
use crate::support::{library, Answer};

/// How much later than its limit a call may end, milliseconds: the machine does other things too.
pub const LATE: u64 = 700;
/// What a call without waiting may take, milliseconds: less than the shortest limit.
pub const QUICK: u64 = 1400;
/// How much memory a fault may cost, KiB: the largest answer that is read is 1 MiB.
pub const MEMORY: u64 = 8 * 1024;
/// What the library reads of an answer and a little more, bytes.
pub const READ_OF_A_FLOOD: u64 = 8 * 1024 * 1024;

/// What came of a row.
pub struct Came {
    pub row: Row,
    pub answer: Answer,
    pub next: Answer,
    /// KiB by which the fault has raised the process's peak, if it was alone.
    pub memory: Option<u64>,
    /// Bytes that the server got rid of.
    pub written: u64,
}

impl Came {
    fn limits(&self) -> (u64, u64) {
        let limit = |limit: u32| (u64::from(limit) - 50, u64::from(limit) + LATE);
        let (least, most) = match self.row.told.takes {
            Takes::Quick => (0, QUICK),
            Takes::Connect => limit(CONNECT_LIMIT),
            Takes::Whole => limit(WHOLE_LIMIT),
            Takes::Late(least) => (least, u64::from(WHOLE_LIMIT)),
        };
        // Unoptimised code takes its time to copy and check megabytes, and to decrypt a mebibyte in
        // pieces.
        let is_costly = self.row.phase == "send" || self.row.how == "chunks of 32 bytes, https";
        let computing = if is_costly { 1000 } else { 0 };
        (least, most + computing)
    }

    pub fn line(&self) -> String {
        let answer = &self.answer;
        let limit = match self.row.told.takes {
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

    /// Whether it took too long, and all else is right.
    pub fn is_only_late(&self) -> bool {
        let wrong = self.wrong();
        wrong.len() == 2 && wrong[0] == WRONG_TIME
    }

    pub fn wrong(&self) -> Vec<String> {
        let (answer, told) = (&self.answer, &self.row.told);
        let mut wrong = Vec::new();
        let mut want = |what: &str, holds: bool| {
            if !holds {
                wrong.push(format!("  wrong: {what}"));
            }
        };
        want("the code", answer.code == told.code);
        want("the outcome", answer.outcome == told.outcome);
        want("the HTTP status", answer.http_status == told.http_status);
        want(
            "retry_after_ms",
            answer.retry_after_ms == told.retry_after_ms,
        );
        want("attempts", answer.attempts == 1);
        let (least, most) = self.limits();
        let took = u64::try_from(answer.took.as_millis()).unwrap();
        want("the time", (least..=most).contains(&took));
        if let Some(kib) = self.memory {
            // The request's own, as the host's, as JSON, and on its way.
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
            self.next.code == 0 && self.next.uuid.as_deref() == Some(MENDED),
        );
        let explained = answer.code == 0 || answer.detail.is_some();
        want("message or detail", explained && !answer.message.is_empty());
        if !wrong.is_empty() {
            wrong.push(format!("  {answer:?}\n  next {:?}", self.next));
        }
        wrong
    }
}

/// What `wrong` says of a call that took too long.
const WRONG_TIME: &str = "  wrong: the time";

pub fn name(code: i32) -> String {
    // SAFETY: a static string of the library's.
    let name = unsafe { CStr::from_ptr((library().code_name)(code)) };
    let name = name.to_str().expect("ASCII");
    name.trim_start_matches("LP_").to_owned()
}
