//! A TCP hop that can be cut, silenced and stranded.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// Forwards connections to a server.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepted: Arc<AtomicUsize>,
}

/// What befalls connections. One that is older than a cut or a stranding has the number of an earlier generation.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    cut_before: usize,
    stranded_before: usize,
    silent: bool,
}

// === impl Proxy ===

impl Proxy {
    pub(crate) async fn start(target: &str) -> Self {
        let target = authority(target);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (state, watched) = watch::channel(State::default());
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        #[expect(clippy::disallowed_methods, reason = "lives as long as its test")]
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::SeqCst);
                let (target, watched) = (target.clone(), watched.clone());
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(target).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    tokio::select! {
                        () = forward(from_client, to_server, number, watched.clone()) => {}
                        () = forward(from_server, to_client, number, watched) => {}
                    }
                });
            }
        });
        Self { address, state, accepted }
    }

    /// Closes every connection that is open now.
    pub(crate) fn cut(&self) {
        let accepted = self.accepted();
        self.state.send_modify(|state| state.cut_before = accepted);
    }

    /// Passes nothing on, in no connection, until told otherwise.
    pub(crate) fn silence(&self, silent: bool) {
        self.state.send_modify(|state| state.silent = silent);
    }

    /// Passes nothing on in the connections that are open now, for ever, and does not close them.
    pub(crate) fn strand(&self) {
        let accepted = self.accepted();
        self.state.send_modify(|state| state.stranded_before = accepted);
    }

    /// Connections that were made until now.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// The server's address with this hop in between.
    pub(crate) fn url(&self, target: &str) -> String {
        target.replace(&authority(target), &self.address.to_string())
    }
}

/// One direction of a connection, until it ends or is cut.
async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    number: usize,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let now = *state.borrow_and_update();
        if number < now.cut_before {
            return;
        }
        let held = now.silent || number < now.stranded_before;
        tokio::select! {
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            read = from.read(&mut buffer), if !held => match read {
                Ok(count) if count > 0 => {
                    if to.write_all(&buffer[..count]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}

/// `host:port` of a URL.
fn authority(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or(rest);
    rest.rsplit('@').next().unwrap_or(rest).to_owned()
}
