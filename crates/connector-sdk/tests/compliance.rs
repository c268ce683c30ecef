//! The compliance checks catch a connector that breaks their rules: one broken connector per way to misbehave.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use chrono::DateTime;
use connector_sdk::{
    CheckReport, Connector, ConnectorError, Context, Document, DocumentKey, Manifest, Next,
    OperatorPolicy, SyncPage, SyncSource, SyncStart, ToolOutput, ToolSet,
    compliance::{Fixture, RULES, check_behaviour, check_manifest},
};
use egress::Egress;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

/// How a connector misbehaves when it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// The same cursor for ever.
    Endless,
    /// Pages that no store would take.
    WildPages,
    /// Reads on although cancelled, and answers every call.
    Deaf,
    /// Counts its calls, and names documents by the count.
    Forgetful,
    /// Deletes on the second run what the first one brought.
    Restless,
    /// Reports a working install as broken.
    Gloomy,
}

/// Two pages of one document each, unless at fault.
struct Sample {
    manifest: Manifest,
    fault: Fault,
    calls: AtomicUsize,
}

impl Sample {
    fn new(fault: Fault) -> Self {
        let manifest = serde_json::from_value(good_manifest()).expect("a manifest");
        Self { manifest, fault, calls: AtomicUsize::new(0) }
    }
}

fn good_manifest() -> Value {
    json!({
        "id": "sample", "name": "Sample", "version": "1.0.0", "publisher": "Tests",
        "summary": "A sample.", "description": "A sample for the checks.", "categories": ["tests"],
        "config_schema": {"type": "object", "additionalProperties": false, "properties": {
            "host": {"type": "string", "title": "Host", "description": "A host.", "default": "x"}}},
        "credential_schema": {"type": "object", "additionalProperties": false, "properties": {
            "token": {"type": "string", "title": "Token", "description": "A token.", "format": "password"}}},
        "streams": [{"name": "things", "title": "Things", "description": "Things."}],
        "tools": [{"name": "look", "title": "Look", "description": "Looks.",
            "input_schema": {"type": "object", "additionalProperties": false, "properties": {}},
            "read_only": true, "destructive": false, "idempotent": true, "open_world": false}],
        "hosts": {"kind": "configured", "fields": ["host"]},
    })
}

fn document(id: &str) -> Document {
    Document {
        stream: "things".to_owned(),
        external_id: id.to_owned(),
        title: id.to_owned(),
        body: "words".to_owned(),
        mime_type: "text/plain".to_owned(),
        url: None,
        metadata: json!({}),
        source_updated_at: None,
    }
}

#[async_trait]
impl Connector for Sample {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn check(&self, _cx: &Context) -> Result<CheckReport, ConnectorError> {
        let mut report = CheckReport::new();
        match self.fault {
            Fault::Gloomy => report.fail("Server", "Nothing works."),
            _ => report.pass("Server", "It works."),
        }
        Ok(report)
    }

    fn sync(&self) -> Option<&dyn SyncSource> {
        Some(self)
    }

    fn tools(&self) -> Option<&dyn ToolSet> {
        Some(self)
    }

    fn remote(&self, _config: &Value) -> Option<Result<Url, ConnectorError>> {
        None
    }
}

#[async_trait]
impl SyncSource for Sample {
    async fn read_page(&self, cx: &Context, start: &SyncStart) -> Result<SyncPage, ConnectorError> {
        if self.fault != Fault::Deaf {
            cx.check_cancelled()?;
        }
        let finished = Next::Finished { state: Some(json!(1)), sweep: true };
        if start.cursor.is_none() {
            let upserts = vec![document("a")];
            return Ok(SyncPage { upserts, ..SyncPage::empty(Next::Continue(json!(1))) });
        }
        let mut page = SyncPage { upserts: vec![document("b")], ..SyncPage::empty(finished) };
        match self.fault {
            Fault::Endless => page.next = Next::Continue(json!(1)),
            Fault::WildPages => {
                let wild =
                    Document { title: "two\nlines".into(), metadata: json!(1), ..document("") };
                page.upserts = vec![Document { stream: "unknown".to_owned(), ..wild }];
            }
            Fault::Forgetful => {
                let calls = self.calls.fetch_add(1, Ordering::Relaxed);
                page.upserts = vec![document(&calls.to_string())];
            }
            Fault::Restless if start.state.is_some() => {
                page.deletes =
                    vec![DocumentKey { stream: "things".into(), external_id: "a".into() }];
            }
            _ => {}
        }
        Ok(page)
    }
}

#[async_trait]
impl ToolSet for Sample {
    async fn call(
        &self,
        cx: &Context,
        tool: &str,
        arguments: &Value,
    ) -> Result<ToolOutput, ConnectorError> {
        if self.fault != Fault::Deaf {
            self.manifest.check_arguments(tool, arguments)?;
            cx.check_cancelled()?;
        }
        Ok(ToolOutput::text("seen"))
    }
}

fn fixture() -> Fixture {
    let context = Context {
        config: json!({"host": "x"}),
        credential: None,
        egress: Egress::new(egress::Config::default()),
        operator: Arc::new(OperatorPolicy::default()),
        now: DateTime::UNIX_EPOCH,
        cancel: CancellationToken::new(),
    };
    Fixture { context, example_call: Some(("look".to_owned(), json!({}))) }
}

async fn broken_rules(connector: &dyn Connector) -> BTreeSet<&'static str> {
    let mut violations = check_manifest(connector);
    violations.extend(check_behaviour(connector, &fixture()).await);
    violations.into_iter().map(|violation| violation.rule).collect()
}

/// A manifest in which everything is wrong that can be.
fn bad_manifest() -> Manifest {
    let mut manifest = good_manifest();
    manifest["id"] = json!("Not An Id");
    manifest["version"] = json!("1");
    manifest["summary"] = json!("");
    manifest["categories"] = json!([]);
    manifest["hosts"] = json!({"kind": "configured", "fields": ["nothing"]});
    manifest["config_schema"] = json!({"type": "object", "required": ["gone"], "properties": {
        "secret": {"type": "string", "format": "password", "default": 1}}});
    manifest["streams"][0]["name"] = json!("Bad Name");
    manifest["tools"][0]["name"] = json!("Bad-Name");
    manifest["tools"][0]["destructive"] = json!(true);
    let mut manifest: Manifest = serde_json::from_value(manifest).expect("a manifest");
    // `null` reads back as absent.
    manifest.credential_schema = Some(Value::Null.into());
    manifest
}

#[tokio::test]
async fn connector_that_keeps_the_rules_passes() {
    assert_eq!(broken_rules(&Sample::new(Fault::None)).await, BTreeSet::new());
}

#[tokio::test]
async fn each_misbehaviour_is_named() {
    for (fault, rules) in [
        (Fault::Endless, &["sync.terminates"][..]),
        (Fault::WildPages, &["sync.pages"]),
        (Fault::Deaf, &["sync.cancels", "tools.unknown", "tools.arguments", "tools.cancels"]),
        (Fault::Restless, &["sync.settles"]),
        (Fault::Gloomy, &["check.reports"]),
    ] {
        let expected: BTreeSet<&str> = rules.iter().copied().collect();
        assert_eq!(broken_rules(&Sample::new(fault)).await, expected);
    }
}

#[tokio::test]
async fn every_rule_catches_a_connector_that_breaks_it() {
    let mut caught = BTreeSet::new();
    for fault in [
        Fault::Endless,
        Fault::WildPages,
        Fault::Deaf,
        Fault::Forgetful,
        Fault::Restless,
        Fault::Gloomy,
    ] {
        caught.extend(broken_rules(&Sample::new(fault)).await);
    }
    let bad = Sample { manifest: bad_manifest(), ..Sample::new(Fault::None) };
    caught.extend(check_manifest(&bad).into_iter().map(|violation| violation.rule));
    let mut idle = Sample::new(Fault::None);
    idle.manifest.streams.clear();
    caught.extend(check_manifest(&idle).into_iter().map(|violation| violation.rule));
    let missed: Vec<&&str> = RULES.iter().filter(|rule| !caught.contains(**rule)).collect();
    assert!(missed.is_empty(), "nothing breaks {missed:?}");
}
