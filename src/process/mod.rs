//! The host process: its threads, its forks, its panics.

pub mod gate;
pub mod lock;
pub mod panic;
pub mod thread;
