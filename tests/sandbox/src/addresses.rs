//! Addresses at which a till can reach the sandbox.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Returns the addresses at which a till reaches a sandbox that listens on `listen`: first from
/// this machine, then from others. If it listens on all addresses, these are the addresses of all
/// interfaces.
pub(crate) fn reachable(listen: SocketAddr) -> Vec<SocketAddr> {
    let at = |ip| SocketAddr::new(ip, listen.port());
    let loopback: IpAddr = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => return vec![at(ip)],
    };
    // If the interfaces cannot be listed, tills on this machine can still connect.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut others: Vec<_> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    others.retain(|ip| match ip {
        // On Windows, a socket that listens on IPv6 accepts no IPv4 connections.
        IpAddr::V4(ip) => !ip.is_loopback() && (listen.is_ipv4() || !cfg!(windows)),
        // A link-local address is useless without the name of its interface.
        IpAddr::V6(ip) => !ip.is_loopback() && listen.is_ipv6() && !ip.is_unicast_link_local(),
    });
    others.sort();
    others.dedup();
    [loopback].into_iter().chain(others).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_itself_and_all_addresses_begin_with_loopback() {
        let one = "192.0.2.7:80".parse().unwrap();
        assert_eq!(reachable(one), [one]);
        for (all, first) in [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80")] {
            let addresses = reachable(all.parse().unwrap());
            assert_eq!(addresses[0], first.parse().unwrap());
            assert!(addresses
                .iter()
                .all(|address| !address.ip().is_unspecified()));
        }
    }
}
