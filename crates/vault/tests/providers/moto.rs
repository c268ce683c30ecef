//! moto, started for one test: an implementation of the AWS API by others.

use std::{path::Path, process::Command, time::Duration};

use serde_json::{Value, json};
use testkit::{http::Http, ports::free_port, process::Process};

pub(crate) struct Moto {
    port: u16,
    http: Http,
    _process: Process,
    _directory: tempfile::TempDir,
}

// === impl Moto ===

impl Moto {
    pub(crate) async fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/moto_server");
        let directory = tempfile::tempdir().expect("a directory");
        let port = free_port().expect("a port");
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        let log = directory.path().join("moto.log");
        let mut process = Process::start("moto", &mut command, &log)
            .expect("moto: run the tests by `make test`, which installs it");
        let http = Http::new();
        let url = format!("http://127.0.0.1:{port}/moto-api/data.json");
        let ready = async || http.get(&url, &[]).await.is_ok();
        process.wait_ready(Duration::from_mins(1), ready).await.expect("moto answers");
        Self { port, http, _process: process, _directory: directory }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A symmetric key; gives its id.
    pub(crate) async fn create_key(&self) -> String {
        let authorization = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/kms/aws4_request, SignedHeaders=host, Signature=0";
        let headers = [
            ("x-amz-target", "TrentService.CreateKey"),
            ("content-type", "application/x-amz-json-1.1"),
            ("authorization", authorization),
        ];
        let reply = self.http.post(&self.endpoint(), &headers, &json!({})).await.expect("a key");
        let answer: Value = serde_json::from_slice(&reply.body).expect("JSON");
        answer["KeyMetadata"]["KeyId"].as_str().expect("an id").to_owned()
    }
}
