//! A TCP proxy between two parts of the product that counts bytes and can become slow, silent or cut.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Passes everything on.
    Fine,
    /// Holds every piece of data back for this long.
    Slow(Duration),
    /// Takes connections and data, passes nothing on: a half-open network.
    Silent,
    /// Ends all connections and every new one at once.
    Cut,
}

/// The proxy; it ends with all its connections when this is dropped.
#[derive(Debug)]
pub struct Chaos {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    counts: Arc<Counts>,
    cancel: CancellationToken,
}

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU64,
    to_server: AtomicU64,
    to_client: AtomicU64,
}

/// One direction of one connection.
struct Flow {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    weather: watch::Receiver<Weather>,
}

// === impl Chaos ===

impl Chaos {
    /// Listens on a free loopback port in front of `target`.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (weather, receiver) = watch::channel(Weather::Fine);
        let counts = Arc::new(Counts::default());
        let cancel = CancellationToken::new();
        let tracker = TaskTracker::new();
        let (task_counts, task_cancel, connections) =
            (counts.clone(), cancel.clone(), tracker.clone());
        tracker.spawn(async move {
            while let Some(Ok((client, _))) =
                task_cancel.run_until_cancelled(listener.accept()).await
            {
                let (counts, weather) = (task_counts.clone(), receiver.clone());
                let cancel = task_cancel.clone();
                connections.spawn(async move {
                    cancel.run_until_cancelled(join(client, target, weather, &counts)).await;
                });
            }
        });
        Ok(Self { address, weather, counts, cancel })
    }

    /// Where to connect instead of the target.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what the network does, for running connections too.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Connections taken so far.
    pub fn connections(&self) -> u64 {
        self.counts.connections.load(Ordering::Relaxed)
    }

    /// Bytes passed on so far: to the server, to the client.
    pub fn bytes(&self) -> (u64, u64) {
        (
            self.counts.to_server.load(Ordering::Relaxed),
            self.counts.to_client.load(Ordering::Relaxed),
        )
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

async fn join(
    client: TcpStream,
    target: SocketAddr,
    mut weather: watch::Receiver<Weather>,
    counts: &Counts,
) {
    counts.connections.fetch_add(1, Ordering::Relaxed);
    if *weather.borrow() == Weather::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(target).await else { return };
    for stream in [&client, &server] {
        // Best effort: a connection that is gone already shows itself below.
        let _ = stream.set_nodelay(true);
    }
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let up = Flow { from: client_read, to: server_write, weather: weather.clone() };
    let down = Flow { from: server_read, to: client_write, weather: weather.clone() };
    tokio::select! {
        // Dropping both halves closes both sides at once.
        _ = weather.wait_for(|weather| *weather == Weather::Cut) => {}
        _ = async { tokio::join!(up.run(&counts.to_server), down.run(&counts.to_client)) } => {}
    }
}

// === impl Flow ===

impl Flow {
    async fn run(mut self, count: &AtomicU64) -> io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let length = self.from.read(&mut buffer).await?;
            if length == 0 {
                return self.to.shutdown().await;
            }
            let weather = *self.weather.borrow();
            match weather {
                Weather::Slow(delay) => tokio::time::sleep(delay).await,
                Weather::Silent => {
                    // Held back until the weather changes, as a network does that lost its way.
                    if self.weather.wait_for(|now| *now != Weather::Silent).await.is_err() {
                        return Ok(());
                    }
                }
                Weather::Fine | Weather::Cut => {}
            }
            let data = buffer.get(..length).unwrap_or_default();
            self.to.write_all(data).await?;
            count.fetch_add(length as u64, Ordering::Relaxed);
        }
    }
}
