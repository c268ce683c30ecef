//! TLS in front of the real PostgreSQL, with a certificate for one name by an authority of its own.

use std::{io, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// A running front; stops when dropped.
pub(crate) struct TlsFront {
    pub(crate) port: u16,
    /// Of the authority, in PEM.
    pub(crate) ca: String,
    _stop: DropGuard,
}

impl TlsFront {
    /// Starts it before the server at `host:port`, as `name`.
    pub(crate) async fn start(name: &str, host: &str, port: u16) -> Self {
        let (config, ca) = certificate(name);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own_port = listener.local_addr().expect("an address").port();
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        let (stopped, spawner) = (stop.clone(), tracker.clone());
        let server = (host.to_owned(), port);
        tracker.spawn(async move {
            loop {
                let stream = tokio::select! {
                    () = stopped.cancelled() => return,
                    accepted = listener.accept() => accepted.expect("a connection").0,
                };
                let (acceptor, server) = (acceptor.clone(), server.clone());
                // A client that does not like the certificate hangs up: that is what the tests are about.
                spawner.spawn(async move { carry(stream, acceptor, server).await.ok() });
            }
        });
        Self { port: own_port, ca, _stop: stop.drop_guard() }
    }
}

/// Answers PostgreSQL's request for TLS, then carries the bytes to the server.
async fn carry(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    server: (String, u16),
) -> io::Result<()> {
    let mut request = [0; 8];
    stream.read_exact(&mut request).await?;
    stream.write_all(b"S").await?;
    let mut encrypted = acceptor.accept(stream).await?;
    let mut plain = TcpStream::connect(server).await?;
    copy_bidirectional(&mut encrypted, &mut plain).await?;
    Ok(())
}

fn certificate(name: &str) -> (ServerConfig, String) {
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("a key");
    let ca = authority.self_signed(&authority_key).expect("a certificate");
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .expect("a certificate with its key");
    (config, ca.pem())
}
