//! A server that answers like a `HashiCorp` Vault Transit engine, as its published API describes it: `encrypt`, `decrypt` and `rewrap`
//! of one key with versions and associated data, the token in `X-Vault-Token`, 400 for what does not open and 403 for a wrong token.
//! It is a double, because no package registry has the server itself.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub(crate) struct TransitDouble {
    engine: Arc<Engine>,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Engine {
    /// By version, from 1.
    keys: Mutex<Vec<[u8; 32]>>,
    decrypted: AtomicU32,
}

// === impl TransitDouble ===

impl TransitDouble {
    pub(crate) const TOKEN: &'static str = "s.right";

    #[expect(clippy::disallowed_methods, reason = "aborted when the double is dropped")]
    pub(crate) async fn start() -> Self {
        let engine = Arc::new(Engine::default());
        engine.rotate();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let answering = Arc::clone(&engine);
        let serving = tokio::task::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let engine = Arc::clone(&answering);
                tokio::task::spawn(async move { engine.answer(stream).await });
            }
        });
        Self { engine, address, serving }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn rotate(&self) {
        self.engine.rotate();
    }

    /// How often a plaintext was given out.
    pub(crate) fn decrypted(&self) -> u32 {
        self.engine.decrypted.load(Ordering::SeqCst)
    }

    pub(crate) async fn stop(self) {
        self.serving.abort();
        // Ended by the abort, which is an error of its own.
        let _ = self.serving.await;
    }
}

// === impl Engine ===

impl Engine {
    fn rotate(&self) {
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("randomness");
        self.keys.lock().expect("not poisoned").push(key);
    }

    /// One request, then the connection ends.
    async fn answer(&self, mut stream: TcpStream) {
        let (reader, mut writer) = stream.split();
        let mut reader = BufReader::new(reader);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).await.expect("a head") == 0 {
                return;
            }
        }
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        let length = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).await.expect("a body");
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let path = head.split(' ').nth(1).unwrap_or_default();
        let (status, answer) = if header("x-vault-token").as_deref() == Some(TransitDouble::TOKEN) {
            self.carry_out(path, &body)
        } else {
            ("403 Forbidden", json!({ "errors": ["permission denied"] }))
        };
        let answer = answer.to_string();
        let reply = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        writer.write_all(reply.as_bytes()).await.expect("an answer");
    }

    fn carry_out(&self, path: &str, body: &Value) -> (&'static str, Value) {
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        let associated = STANDARD.decode(text("associated_data")).unwrap_or_default();
        let refused = ("400 Bad Request", json!({ "errors": ["invalid ciphertext"] }));
        match path {
            "/v1/transit/encrypt/patchbay" => {
                let plaintext = STANDARD.decode(text("plaintext")).expect("base64");
                let ciphertext = self.encrypt(&plaintext, &associated);
                ("200 OK", json!({ "data": { "ciphertext": ciphertext } }))
            }
            "/v1/transit/decrypt/patchbay" => {
                let Some(opened) = self.decrypt(&text("ciphertext"), &associated) else {
                    return refused;
                };
                self.decrypted.fetch_add(1, Ordering::SeqCst);
                ("200 OK", json!({ "data": { "plaintext": STANDARD.encode(opened) } }))
            }
            "/v1/transit/rewrap/patchbay" => {
                let Some(opened) = self.decrypt(&text("ciphertext"), &associated) else {
                    return refused;
                };
                let ciphertext = self.encrypt(&opened, &associated);
                ("200 OK", json!({ "data": { "ciphertext": ciphertext } }))
            }
            _ => ("404 Not Found", json!({ "errors": [] })),
        }
    }

    fn encrypt(&self, plaintext: &[u8], associated: &[u8]) -> String {
        let keys = self.keys.lock().expect("not poisoned");
        let key = keys.last().expect("a version");
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).expect("randomness");
        let payload = Payload { msg: plaintext, aad: associated };
        let sealed = XChaCha20Poly1305::new(key.into())
            .encrypt(&XNonce::from(nonce), payload)
            .expect("sealed");
        format!("vault:v{}:{}", keys.len(), STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    fn decrypt(&self, text: &str, associated: &[u8]) -> Option<Vec<u8>> {
        let (version, sealed) = text.strip_prefix("vault:v")?.split_once(':')?;
        let version: usize = version.parse().ok()?;
        let keys = self.keys.lock().expect("not poisoned");
        let key = keys.get(version.checked_sub(1)?)?;
        let sealed = STANDARD.decode(sealed).ok()?;
        let (nonce, ciphertext) = sealed.split_at_checked(24)?;
        let nonce = XNonce::from(<[u8; 24]>::try_from(nonce).ok()?);
        let payload = Payload { msg: ciphertext, aad: associated };
        XChaCha20Poly1305::new(key.into()).decrypt(&nonce, payload).ok()
    }
}
