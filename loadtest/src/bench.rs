//! What is measured: the product on a data directory of its own, nginx as a bare reverse proxy, and one upstream
//! server behind both.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use testkit::{
    Http, Services, TestPlane,
    mcp::Mcp,
    plane::{PlaneConfig, Role, UpFacts},
    ports,
    services::Nginx,
};
use tokio::time::{Instant, sleep};

use crate::{
    error::Error,
    process::{children, pin},
    request::Template,
    upstream,
};

const ALIAS: &str = "load";
const READY_LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);
/// No call of a measurement may be refused for its number.
const UNLIMITED: &str = "1000000000";

const INSTALL: &str = "mutation($input: InstallConnectorInput!) { installConnector(input: $input) { install { id } userErrors { message } } }";
const CREATE_KEY: &str = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret userErrors { message } } }";

const NGINX: &str = include_str!("nginx.conf.template");

/// How large the set-up is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Organisations; more than one needs the distributed form.
    pub(crate) tenants: usize,
    /// API keys in each organisation; requests take them in turn.
    pub(crate) keys: usize,
}

/// Everything that is up during the measurement.
pub(crate) struct Bench {
    plane: TestPlane,
    nginx: Nginx,
    reference: Arc<[Template]>,
    endpoints: Vec<Endpoint>,
    // Removed with the bench, after the processes that use them.
    _directories: [tempfile::TempDir; 2],
}

/// One key to one organisation's endpoint.
struct Endpoint {
    url: String,
    key: String,
}

// === impl Bench ===

impl Bench {
    /// Starts everything, installs the upstream as a remote server, makes the keys, and binds the measured processes
    /// to a core of their own.
    pub(crate) async fn start(
        binary: &Path,
        nginx: &Path,
        size: Size,
        services: Option<&Services>,
    ) -> Result<Self, Error> {
        let upstream = upstream::start().await?;
        let url = format!("http://{upstream}/mcp");
        let config = PlaneConfig::new(binary)
            .setting("GATEWAY__REQUESTS_PER_SECOND", UNLIMITED)
            .setting("GATEWAY__BURST", UNLIMITED)
            .setting("SERVER__HTTP_THREADS", "1")
            .setting("TELEMETRY__LOG_FILTER", "warn");
        // A folder to read, for the call that the gateway answers itself and may keep.
        let documents = tempfile::tempdir()?;
        std::fs::write(documents.path().join("page.md"), "# A page\n\nText.\n")?;
        let plane = match services {
            None => config.embedded().await?,
            Some(services) => config.file_root(documents.path()).distributed(services).await?,
        };
        let mut organisations = vec![plane.facts.clone()];
        for number in 1..size.tenants {
            let (slug, owner) = (format!("load{number}"), format!("owner@load{number}.example"));
            let arguments = ["set-up", "--json", "--tenant", &slug, "--owner", &owner];
            let printed = plane.command(&arguments).await?;
            organisations.push(serde_json::from_str(&printed)?);
        }
        let mut endpoints = Vec::new();
        for facts in &organisations {
            endpoints.extend(fill(&plane.http, facts, &url, size.keys).await?);
        }
        let (nginx, directory) = start_nginx(nginx, &upstream.to_string()).await?;
        let port = directory.1;
        let params = json!({ "name": "echo", "arguments": { "text": "hello" } });
        let reference =
            Template::new(&format!("http://127.0.0.1:{port}/mcp"), None, "tools/call", params)?;
        let bench = Self {
            plane,
            nginx,
            reference: Arc::from([reference]),
            endpoints,
            _directories: [directory.0, documents],
        };
        bench.pin();
        Ok(bench)
    }

    /// The measured processes on one core, everything else on the other.
    fn pin(&self) {
        if crate::process::cores() < 2 {
            return;
        }
        for pid in self.gateway_pids().into_iter().chain(self.nginx_pids()) {
            pin(pid, 1);
        }
        pin(std::process::id(), 0);
    }

    /// The same request for each key.
    pub(crate) fn templates(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<Arc<[Template]>, Error> {
        self.endpoints
            .iter()
            .map(|endpoint| {
                Template::new(&endpoint.url, Some(&endpoint.key), method, params.clone())
            })
            .collect()
    }

    /// The call to the upstream through nginx.
    pub(crate) fn reference(&self) -> Arc<[Template]> {
        self.reference.clone()
    }

    pub(crate) fn gateway_pids(&self) -> Vec<u32> {
        self.plane.process_id(Role::Gateway).into_iter().collect()
    }

    pub(crate) fn nginx_pids(&self) -> Vec<u32> {
        children(self.nginx.id())
    }

    /// Ends everything in good order.
    pub(crate) async fn stop(self) -> Result<(), Error> {
        self.nginx.stop().await;
        Ok(self.plane.stop().await?)
    }
}

/// Name of the upstream's tool as the gateway shows it.
pub(crate) fn upstream_tool() -> String {
    format!("{ALIAS}__echo")
}

/// Installs the upstream and makes the keys of one organisation.
async fn fill(
    http: &Http,
    facts: &UpFacts,
    upstream: &str,
    keys: usize,
) -> Result<Vec<Endpoint>, Error> {
    let install = json!({
        "connector": "remote_mcp",
        "displayName": "Load",
        "alias": ALIAS,
        "config": { "url": upstream },
    });
    mutate(http, facts, INSTALL, "installConnector", install).await?;
    let mut endpoints = Vec::new();
    for number in 0..keys {
        let key = json!({ "name": format!("Load {number}"), "role": "MEMBER" });
        let made = mutate(http, facts, CREATE_KEY, "createApiKey", key).await?;
        let key = made["secret"].as_str().unwrap_or_default().to_owned();
        endpoints.push(Endpoint { url: facts.mcp_url.clone(), key });
    }
    if let Some(last) = endpoints.last() {
        wait_for_tool(&Mcp::new(http, &last.url, &last.key)).await?;
    }
    Ok(endpoints)
}

async fn mutate(
    http: &Http,
    facts: &UpFacts,
    query: &str,
    field: &str,
    input: Value,
) -> Result<Value, Error> {
    let mut data =
        http.graphql(&facts.graphql_url, &facts.api_key, query, json!({ "input": input })).await?;
    let payload = data[field].take();
    if payload["userErrors"].as_array().is_some_and(|errors| !errors.is_empty()) {
        return Err(testkit::Error::Refused { message: payload.to_string() }.into());
    }
    Ok(payload)
}

async fn wait_for_tool(mcp: &Mcp) -> Result<(), Error> {
    let start = Instant::now();
    while start.elapsed() < READY_LIMIT {
        // A key that the gateway has not heard of yet is refused at first.
        if let Ok(list) = mcp.modern("tools/list", json!({})).await
            && list["tools"].as_array().is_some_and(|tools| {
                tools.iter().any(|tool| tool["name"] == upstream_tool().as_str())
            })
        {
            return Ok(());
        }
        sleep(POLL).await;
    }
    Err(Error::Late { what: "the listing of the upstream's tool" })
}

async fn start_nginx(
    program: &Path,
    upstream: &str,
) -> Result<(Nginx, (tempfile::TempDir, u16)), Error> {
    let directory = tempfile::Builder::new().prefix("patchbay-loadtest-").tempdir()?;
    let port = ports::free_port()?;
    let config =
        testkit::services::render(NGINX, &[("PORT", &port.to_string()), ("UPSTREAM", upstream)])?;
    let nginx = Nginx::start(program, directory.path(), &config, port).await?;
    Ok((nginx, (directory, port)))
}
