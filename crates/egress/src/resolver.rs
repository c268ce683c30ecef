//! Name resolution that gives only addresses one may connect to: the connector dials exactly what was checked.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::{Error, address::is_public};

/// Resolves names and drops what the operator does not allow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolver {
    pub(crate) allow_private: bool,
}

// === impl Resolver ===

impl Resolver {
    /// Addresses of a host that may be connected to.
    ///
    /// # Errors
    /// [`Error::Resolve`] for an unknown name, [`Error::Forbidden`] when any of its addresses is out of bounds: a name that
    /// mixes public and private addresses is a trick, not a service.
    pub(crate) async fn resolve(self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let addresses: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
            Ok(literal) => vec![SocketAddr::new(literal, port)],
            Err(_) => tokio::net::lookup_host((bare, port))
                .await
                .map_err(|source| Error::Resolve { host: host.to_owned(), source })?
                .collect(),
        };
        let allowed = |address: &SocketAddr| self.allow_private || is_public(address.ip());
        if addresses.iter().all(allowed) && !addresses.is_empty() {
            Ok(addresses)
        } else {
            Err(Error::Forbidden { host: host.to_owned() })
        }
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = *self;
        Box::pin(async move { Ok(resolver.resolve(name.as_str(), 0).await?.into_iter()) })
    }
}
