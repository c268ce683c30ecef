//! A TCP hop that can be cut.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Forwards connections to a server until they are cut; new ones are forwarded again.
pub(crate) struct Proxy {
    address: SocketAddr,
    cuts: watch::Sender<u64>,
}

// === impl Proxy ===

impl Proxy {
    pub(crate) async fn start(target: &str) -> Self {
        let target = authority(target);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (cuts, watched) = watch::channel(0);
        #[expect(clippy::disallowed_methods, reason = "lives as long as its test")]
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (target, mut watched) = (target.clone(), watched.clone());
                watched.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(target).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = watched.changed() => {}
                    }
                });
            }
        });
        Self { address, cuts }
    }

    /// Closes every connection that is open now.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|count| *count += 1);
    }

    /// The server's address with this hop in between.
    pub(crate) fn url(&self, target: &str) -> String {
        target.replace(&authority(target), &self.address.to_string())
    }
}

/// `host:port` of a URL.
fn authority(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or(rest);
    rest.rsplit('@').next().unwrap_or(rest).to_owned()
}
