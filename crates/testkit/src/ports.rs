//! Free loopback ports.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

/// Ports that were free a moment ago, each different.
///
/// All are held open until the last is found, so that one call never gives the same port twice.
pub fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let listeners = (0..N)
        .map(|_| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
        .collect::<io::Result<Vec<_>>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// One port that was free a moment ago.
pub fn free_port() -> io::Result<u16> {
    free_ports::<1>().map(|[port]| port)
}
