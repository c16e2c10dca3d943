//! The behaviour of the sandbox over a socket, as a library and as a program.

mod again;
mod command_line;
mod control;
mod documents;
mod faults;
mod journal;
mod library;
mod magic;
mod masking;
mod notify;
mod paths;
mod program;
mod published;
mod strict;
mod switches;
mod tls;
mod wire;

use std::time::Duration;

/// A time limit that is far longer than any operation in these tests takes.
const LONG: Duration = Duration::from_secs(20);
