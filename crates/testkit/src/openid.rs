//! A certified OpenID provider (`oidc-provider` on Node.js) as a child process, and a browser that walks to it and back.

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::{Error, Http, Reply, process, process::Process};

/// How long it may take to answer for the first time, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How often it is started. Node.js has been seen to sit there without a word; the next one then comes up at once.
const STARTS: usize = 3;
/// More steps than any sign-in takes.
const MAX_STEPS: usize = 20;

/// The provider. It ends with the value.
#[derive(Debug)]
pub struct OpenId {
    process: Process,
    /// Issuer identifier.
    pub issuer: String,
    _directory: TempDir,
}

/// A browser: it keeps cookies for each host and port, follows redirects, and remembers how often it asked whom.
#[derive(Debug, Clone)]
pub struct Browser {
    http: Http,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Addresses that were asked, in order.
    pub asked: Vec<Url>,
}

// === impl OpenId ===

impl OpenId {
    /// Starts it on a port with one client, as `server.mjs` reads it. Each start has fresh keys, so that a restart is a rotation.
    pub async fn start(port: u16, client: Value, clock_offset: i64) -> Result<Self, Error> {
        let node = process::find_program("node", &[])
            .ok_or(Error::Missing { program: "node", hint: "Node.js 20 or newer" })?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/oidc-provider/server.mjs");
        let directory = TempDir::new()?;
        let settings = json!({ "port": port, "client": client, "clockOffset": clock_offset });
        let mut command = Command::new(node);
        command.arg(script).arg(settings.to_string());
        let log = directory.path().join("provider.log");
        let issuer = format!("http://127.0.0.1:{port}");
        let document = format!("{issuer}/.well-known/openid-configuration");
        let mut starts = 1;
        loop {
            let mut process = Process::start("oidc-provider", &mut command, &log)?;
            // A client of its own: a connection to the one before would be of no use.
            let http = Http::new();
            let ready = process
                .wait_ready(START_LIMIT, async || {
                    http.get(&document, &[]).await.is_ok_and(|reply| reply.status == 200)
                })
                .await;
            match ready {
                Ok(()) => return Ok(Self { process, issuer, _directory: directory }),
                Err(error) if starts == STARTS => return Err(error),
                Err(_) => process.kill(),
            }
            starts += 1;
        }
    }

    /// Ends it, and waits until it is gone.
    pub fn stop(mut self) {
        self.process.kill();
    }
}

// === impl Browser ===

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    pub fn new() -> Self {
        Self { http: Http::new(), cookies: BTreeMap::new(), asked: Vec::new() }
    }

    /// One step: no redirect is followed.
    pub async fn step(&mut self, method: Method, url: &Url, form: &str) -> Result<Reply, Error> {
        let place = place(url);
        let jar = self.cookies.entry(place).or_default();
        let cookies: Vec<String> =
            jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        let request = crate::http::build(method, url.as_str(), &headers, form.to_owned().into())?;
        let reply = self.http.send(request).await?;
        self.adopt(url.as_str(), &reply);
        self.asked.push(url.clone());
        Ok(reply)
    }

    /// Keeps the cookies of an answer that a site gave.
    pub fn adopt(&mut self, site: &str, reply: &Reply) {
        let Ok(url) = parse(site) else { return };
        let jar = self.cookies.entry(place(&url)).or_default();
        for header in reply.headers.get_all("set-cookie") {
            let pair = header.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            if value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Walks on until an answer is no redirect, or leads to an address that `stop` names. Gives the last answer and address.
    pub async fn walk(
        &mut self,
        start: &str,
        stop: impl Fn(&Url) -> bool,
    ) -> Result<(Option<Reply>, Url), Error> {
        let mut url = parse(start)?;
        for _ in 0..MAX_STEPS {
            if stop(&url) {
                return Ok((None, url));
            }
            let reply = self.step(Method::GET, &url, "").await?;
            if !reply.status.is_redirection() {
                return Ok((Some(reply), url));
            }
            url = url.join(reply.header("location")).map_err(|_| refused("no address to go to"))?;
        }
        Err(refused("a walk without end"))
    }

    /// Value of a cookie that a site has set.
    pub fn cookie(&self, site: &str, name: &str) -> Option<String> {
        let jar = self.cookies.get(&place(&parse(site).ok()?))?;
        jar.get(name).cloned()
    }

    /// Forgets the cookies of a site.
    pub fn forget(&mut self, site: &str) {
        if let Ok(url) = parse(site) {
            self.cookies.remove(&place(&url));
        }
    }
}

fn place(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0))
}

fn parse(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|_| refused("not an address"))
}

fn refused(message: &str) -> Error {
    Error::Refused { message: message.to_owned() }
}
