//! The sandbox as its users see it: over a socket, as a library, as a program.

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

/// Far more than anything here takes; nothing waits for it to pass.
const LONG: Duration = Duration::from_secs(20);
