//! The cryptography provider for TLS and random numbers.

use std::sync::Arc;

use once_cell::race::OnceBox;
use rustls::crypto::{ring, CryptoProvider};

/// Returns the provider, which exists once per process.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceBox<Arc<CryptoProvider>> = OnceBox::new();
    let make = || Box::new(Arc::new(ring::default_provider()));
    PROVIDER.get_or_init(make).clone()
}
