//! Whether a certificate that is not trusted was issued by its owner, which webpki does not tell
//! apart from one of an unknown issuer.

use std::sync::Arc;

use rustls::{CertificateError, Error, OtherError};
use thiserror::Error;

/// A certificate that nobody but its owner vouches for.
#[derive(Debug, Error)]
#[error("self-signed certificate")]
pub struct SelfSigned;

/// Why `certificate` was refused, told more exactly.
pub fn refused(why: Error, certificate: &[u8]) -> Error {
    match why {
        Error::InvalidCertificate(CertificateError::UnknownIssuer)
            if issued_itself(certificate) == Some(true) =>
        {
            let reason = OtherError(Arc::new(SelfSigned));
            Error::InvalidCertificate(CertificateError::Other(reason))
        }
        why => why,
    }
}

/// Whether issuer and subject are the same; nothing if it is no certificate.
///
/// RFC 5280: Certificate is a SEQUENCE of TBSCertificate first, and that one of version [0],
/// serialNumber, signature, issuer, validity, subject.
fn issued_itself(certificate: &[u8]) -> Option<bool> {
    const VERSION: u8 = 0xa0;
    let (_, whole, _) = element(certificate)?;
    let (_, mut fields, _) = element(whole)?;
    if *fields.first()? == VERSION {
        fields = element(fields)?.2;
    }
    let mut next = || {
        let (_, content, rest) = element(fields)?;
        fields = rest;
        Some(content)
    };
    let (_serial, _signature, issuer, _validity, subject) =
        (next()?, next()?, next()?, next()?, next()?);
    Some(issuer == subject)
}

/// The first element of DER: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // How many bytes the length has; no certificate needs more than four.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let add = |length, byte: &u8| length << 8 | usize::from(*byte);
            (bytes.iter().fold(0, add), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_none() {
        for nonsense in [
            &b""[..],
            b"\x30",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x80\x00",
            b"\x30\x02\x30\x00",
        ] {
            assert_eq!(issued_itself(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn the_names_of_both_are_compared() {
        // serial 1, an algorithm, issuer "a", validity, subject "a" or "b".
        let certificate = |subject: u8| {
            let fields = [
                0xa0, 3, 2, 1, 2, 2, 1, 1, 0x30, 0, 0x30, 1, b'a', 0x30, 0, 0x30, 1, subject,
            ];
            let mut der = vec![0x30, 0x81, 20, 0x30, 18];
            der.extend(fields);
            der
        };
        assert_eq!(issued_itself(&certificate(b'a')), Some(true));
        assert_eq!(issued_itself(&certificate(b'b')), Some(false));
    }
}
