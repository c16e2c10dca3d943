//! The cryptography that TLS and random numbers come from.

use std::sync::Arc;

use once_cell::race::OnceBox;
use rustls::crypto::{ring, CryptoProvider};

/// One for the process.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceBox<Arc<CryptoProvider>> = OnceBox::new();
    let make = || Box::new(Arc::new(ring::default_provider()));
    PROVIDER.get_or_init(make).clone()
}
