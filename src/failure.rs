//! Failures: everything that can go wrong except LifePay's own codes. Their texts are in `messages`.

use std::time::Duration;

use thiserror::Error;

use crate::code::Kind;
use crate::fault::Fault;
use crate::secret::Secret;

/// The reason why an attempt or a call got no answer from LifePay.
///
/// `Display` is the technical detail.
#[derive(Debug, Clone, Error)]
pub enum Failure {
    #[error("invalid arguments")]
    Argument(Vec<Fault>),
    #[error("{detail}")]
    Network { cause: Network, detail: String },
    #[error("time limit: {} took longer than {} ms", stage.name(), limit.as_millis())]
    Timeout { stage: Stage, limit: Duration },
    #[error("{detail}")]
    Tls { cause: Tls, detail: String },
    #[error("HTTP status {status}")]
    Http { status: u16 },
    #[error("{detail}")]
    Reply { cause: Reply, detail: String },
    #[error("cancelled")]
    Cancelled,
    #[error("{detail}")]
    Outbox { cause: Outbox, detail: String },
    #[error("no such entry in the outbox")]
    NotFound,
    #[error("the outbox is closed")]
    Closed,
    #[error("expired")]
    Expired,
    #[error("the entry's state does not allow it: {0:?}")]
    Refused(Refusal),
    #[error("internal error: {0}")]
    Internal(String),
}

/// The stage of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Name resolution, connect, proxy and TLS.
    Connecting,
    /// The library sends the request and waits for the answer.
    Exchanging,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Connecting => "connecting",
            Stage::Exchanging => "the exchange",
        }
    }
}

/// The reason why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    NameNotFound,
    ServerRefused,
    /// The connection ended before the answer was complete.
    Broken,
    ProxyRefused,
    /// The proxy answered with status 407.
    ProxyCredentials,
    /// The proxy did not connect to the server.
    ProxyFailed,
    /// The proxy that the environment or Windows names cannot be used.
    ProxySetting,
    Other,
}

/// The reason why there is no trusted TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    Expired,
    NotValidYet,
    WrongName,
    UnknownIssuer,
    SelfSigned,
    /// The certificate was signed with another key than that of the root with this name.
    BadSignature,
    Revoked,
    /// The server presents a certificate authority's own certificate.
    AuthorityAsServer,
    Unverified,
    NoRoots,
    UnusableName,
    OldVersion,
    OtherProtocol,
    Interrupted,
    NothingInCommon,
}

/// The reason why the received data are not LifePay's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    TooLarge,
    CutOff,
    NotHttp,
    /// HTTP, but not LifePay's JSON.
    NotLifePays,
}

/// The reason why an outbox's file cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outbox {
    /// Another process is using the file at this moment.
    Busy,
    /// A read or write failed. A change may be on disk nevertheless.
    Io,
    Damaged,
    DiskFull,
    /// The file or its folder cannot be written to.
    ReadOnly,
    /// SQLite cannot open the file.
    CannotOpen,
    NoFolder,
    FolderReadOnly,
    /// The system cannot open the file.
    Unopenable,
    IsFolder,
    OnNetworkDisk,
    /// The disk does not support memory-mapped files, which the write-ahead log needs.
    UnfitDisk,
    ForeignFile,
    OfLaterVersion,
    /// The parent process of a forked child has the file open.
    OpenInParent,
    /// The parent forked in the middle of work that the child needs.
    ForkedMidway,
    /// The file was deleted or replaced while it was open.
    Gone,
    NoThread,
    Other,
}

/// The reason why an entry cannot be retried or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Accepted,
    Cancelled,
    Expired,
    Pending,
    OfAnotherBaseUrl,
    OfLaterVersion,
}

impl Failure {
    pub fn network(cause: Network, detail: impl ToString) -> Self {
        let detail = detail.to_string();
        Failure::Network { cause, detail }
    }

    pub fn tls(cause: Tls, detail: impl ToString) -> Self {
        let detail = detail.to_string();
        Failure::Tls { cause, detail }
    }

    pub fn reply(cause: Reply, detail: impl ToString) -> Self {
        let detail = detail.to_string();
        Failure::Reply { cause, detail }
    }

    pub fn outbox(cause: Outbox, detail: impl ToString) -> Self {
        let detail = detail.to_string();
        Failure::Outbox { cause, detail }
    }

    /// Masks the apikey in the detail, which may quote text from outside.
    pub fn mask(&mut self, apikey: &Secret) {
        match self {
            Failure::Network { detail, .. }
            | Failure::Tls { detail, .. }
            | Failure::Reply { detail, .. }
            | Failure::Outbox { detail, .. }
            | Failure::Internal(detail) => apikey.mask_in_place(detail),
            _ => {}
        }
    }

    /// Whether another process is using the outbox's file at this moment.
    pub fn is_busy(&self) -> bool {
        matches!(
            self,
            Failure::Outbox {
                cause: Outbox::Busy,
                ..
            }
        )
    }

    /// Whether the outbox's file is no longer the one at its path.
    pub fn is_gone(&self) -> bool {
        matches!(
            self,
            Failure::Outbox {
                cause: Outbox::Gone,
                ..
            }
        )
    }

    /// Whether a change to the outbox's file that failed in this way may still be on disk after a
    /// restart, because only its sync failed.
    pub fn may_be_on_disk(&self) -> bool {
        matches!(
            self,
            Failure::Outbox {
                cause: Outbox::Io,
                ..
            }
        )
    }

    pub fn kind(&self) -> Kind {
        match self {
            Failure::Argument(_) | Failure::Refused(_) => Kind::Argument,
            Failure::Network { .. } => Kind::Network,
            Failure::Timeout { .. } => Kind::Timeout,
            Failure::Tls { .. } => Kind::Tls,
            Failure::Http { .. } => Kind::Http,
            Failure::Reply { .. } => Kind::Reply,
            Failure::Cancelled => Kind::Cancelled,
            Failure::Outbox { .. } => Kind::Outbox,
            Failure::NotFound => Kind::NotFound,
            Failure::Closed => Kind::Closed,
            Failure::Expired => Kind::Expired,
            Failure::Internal(_) => Kind::Internal,
        }
    }

    /// Whether the unchanged request may succeed when it is sent again.
    pub fn is_repeatable(&self) -> bool {
        matches!(
            self.kind(),
            Kind::Network | Kind::Timeout | Kind::Tls | Kind::Http | Kind::Reply
        )
    }
}

/// A fault becomes a failure with one argument error.
impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::Argument(vec![fault])
    }
}

impl From<Vec<Fault>> for Failure {
    fn from(faults: Vec<Fault>) -> Self {
        Failure::Argument(faults)
    }
}
