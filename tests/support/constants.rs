//! Numbers of the header, with its names without `LP_`. `tests/abi/layout.rs` compares them with
//! the header.

// LP_OUTCOME_…
pub const NOT_SENT: i32 = 1;
pub const UNKNOWN: i32 = 2;
pub const ANSWERED: i32 = 3;

pub const PHASE_CONNECT: i32 = 1;
pub const PHASE_EXCHANGE: i32 = 2;
pub const PHASE_FAILED: i32 = 3;
pub const PHASE_PAUSE: i32 = 4;

pub const TRUST_DEFAULT: i32 = 0;
pub const TRUST_BUNDLED: i32 = 1;
pub const TRUST_SYSTEM: i32 = 2;

pub const ENTRY_PENDING: u32 = 1;
pub const ENTRY_SENDING: u32 = 2;
pub const ENTRY_FOREIGN: u32 = 4;

pub const LOG_TRACE: i32 = 5;

/// The number of milliseconds that means "no limit".
pub const FOREVER: u32 = 0xFFFF_FFFF;

/// An hour in milliseconds: a pause that does not end during a test.
pub const HOUR_MS: u32 = 3_600_000;
