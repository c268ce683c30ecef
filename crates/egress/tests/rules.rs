//! The rules of the way out, against real servers on this machine.

use std::{io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use egress::{Config, Egress, Error, Limits};
use futures_util::StreamExt;
use http::Request;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Answers every connection with the same bytes, then waits for the other side to close.
async fn server(answer: &'static [u8]) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    #[expect(clippy::disallowed_methods, reason = "a server that lives as long as its test")]
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(answer).await;
            let _ = socket.read(&mut request).await;
        }
    });
    Ok(address)
}

fn open() -> Egress {
    Egress::new(Config { allow_private_networks: true, ..Config::default() })
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).expect("request")
}

#[tokio::test]
async fn reserved_addresses_are_refused_before_anything_is_sent() {
    let closed = Egress::new(Config::default());
    let urls = [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:1::]/",
        "http://100.64.0.1/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://localhost/",
        "http://localhost./",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
    ];
    for url in urls {
        let error = closed.send(get(url), &Limits::default()).await.expect_err(url);
        // A resolver that does not know a strange spelling is as good as a refusal: nothing was connected to.
        assert!(
            matches!(error, Error::Forbidden { .. } | Error::Resolve { .. }),
            "{url}: {error:?}"
        );
    }
}

#[tokio::test]
async fn dial_to_a_private_host_is_refused() {
    let closed = Egress::new(Config::default());
    let error = closed.resolve("localhost", 5432).await.expect_err("private");
    assert!(error.to_string().contains("allow_private_networks"), "{error}");
    assert!(open().resolve("localhost", 5432).await.is_ok());
}

#[tokio::test]
async fn user_information_and_other_schemes_are_refused() {
    for url in ["http://user:password@example.com/", "ftp://example.com/"] {
        let error = open().send(get(url), &Limits::default()).await.expect_err(url);
        assert!(matches!(error, Error::Url), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn redirect_is_given_back_and_not_followed() {
    let address = server(
        b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
    );
    let url = format!("http://{}/", address.await.expect("server"));
    let answer = open().send(get(&url), &Limits::default()).await.expect("answer");
    assert_eq!(answer.status(), 302);
}

#[tokio::test]
async fn answer_above_the_limit_is_cut_off() {
    let address = server(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n12345678901234567890");
    let url = format!("http://{}/", address.await.expect("server"));
    let limits = Limits { max_response_bytes: 10, ..Limits::default() };
    let error = open().send(get(&url), &limits).await.expect_err("too large");
    assert!(matches!(error, Error::TooLarge { limit: 10, .. }), "{error:?}");
    let mut body = open().stream(get(&url), &limits).await.expect("answer").into_body();
    assert!(matches!(body.next().await, Some(Err(Error::TooLarge { .. }))));
}

#[tokio::test]
async fn server_that_never_finishes_runs_into_the_deadline() {
    let address = server(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n123");
    let url = format!("http://{}/", address.await.expect("server"));
    let limits = Limits { timeout: Duration::from_millis(200), ..Limits::default() };
    let error = open().send(get(&url), &limits).await.expect_err("late");
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}
