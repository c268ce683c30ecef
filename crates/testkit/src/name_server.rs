//! A name server for TXT records: real DNS messages over UDP (RFC 1035), on a free loopback port.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{net::UdpSocket, task::JoinHandle};

/// Largest question that is read.
const MAX_MESSAGE: usize = 512;
/// Length of a message's head (section 4.1.1).
const HEAD: usize = 12;

/// The name server. It ends with the value.
#[derive(Debug)]
pub struct NameServer {
    /// Where it answers.
    pub address: SocketAddr,
    records: Arc<Mutex<BTreeMap<String, String>>>,
    task: JoinHandle<()>,
}

// === impl NameServer ===

impl NameServer {
    #[expect(clippy::disallowed_methods, reason = "aborted when the name server is dropped")]
    pub async fn start() -> std::io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let records = Arc::new(Mutex::new(BTreeMap::new()));
        let known = Arc::clone(&records);
        let task = tokio::task::spawn(async move {
            let mut buffer = [0; MAX_MESSAGE];
            while let Ok((size, from)) = socket.recv_from(&mut buffer).await {
                let Some(reply) = answer(&buffer[..size], &known) else { continue };
                // Whoever asked may be gone.
                let _ = socket.send_to(&reply, from).await;
            }
        });
        Ok(Self { address, records, task })
    }

    /// Sets the text of a name, or takes it away.
    pub fn set(&self, name: &str, text: Option<&str>) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        match text {
            Some(text) => records.insert(name.to_lowercase(), text.to_owned()),
            None => records.remove(&name.to_lowercase()),
        };
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one question: the text of a name, or that there is no such name.
fn answer(message: &[u8], records: &Mutex<BTreeMap<String, String>>) -> Option<Vec<u8>> {
    let (name, end) = question(message)?;
    let text = records.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
    let mut reply = message.get(..2)?.to_vec();
    // An authoritative answer; without a record the code 3, "no such name".
    let code = if text.is_some() { 0 } else { 3 };
    reply.extend([0x84, code, 0, 1, 0, u8::from(text.is_some()), 0, 0, 0, 0]);
    reply.extend(message.get(HEAD..end)?);
    if let Some(text) = text {
        // The name by a pointer to the question, type TXT, class IN, a life of 0 seconds.
        reply.extend([0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 0]);
        let parts: Vec<&[u8]> = text.as_bytes().chunks(255).collect();
        let length = u16::try_from(text.len() + parts.len()).ok()?;
        reply.extend(length.to_be_bytes());
        for part in parts {
            reply.push(u8::try_from(part.len()).ok()?);
            reply.extend(part);
        }
    }
    Some(reply)
}

/// The name that is asked about, in lower case, and where the question ends.
fn question(message: &[u8]) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut at = HEAD;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at + 4));
        }
        let label = std::str::from_utf8(message.get(at..at + length)?).ok()?;
        labels.push(label.to_lowercase());
        at += length;
    }
}
