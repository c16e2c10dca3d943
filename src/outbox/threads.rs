//! The threads of an outbox in this process, and what they are doing.

use std::thread::JoinHandle;

#[derive(Default)]
pub struct Threads {
    /// Counts changes of entries, for those who wait for one.
    pub changes: u64,
    /// Counts what may have made an entry due, for those who look for one.
    pub wakes: u64,
    /// How many there are.
    pub count: usize,
    /// Threads that could send, and do not.
    pub idle: usize,
    /// Attempts under way.
    pub sending: usize,
    /// The last thread has ended, and the file is closed.
    pub has_let_go: bool,
    /// To be joined at the close.
    pub handles: Vec<JoinHandle<()>>,
}
