//! The threads of an outbox in this process, and what they are doing.

use std::thread::JoinHandle;

#[derive(Default)]
pub struct Threads {
    /// Counts changes of entries, for calls that wait for one.
    pub changes: u64,
    /// Counts events that may have made an entry due, for threads that wait for one.
    pub wakes: u64,
    /// The number of threads.
    pub count: usize,
    /// Sending threads without an attempt.
    pub idle: usize,
    /// Running attempts.
    pub sending: usize,
    /// The last thread has ended, and the file is closed.
    pub has_released: bool,
    /// Threads to join when the outbox is closed.
    pub handles: Vec<JoinHandle<()>>,
}
