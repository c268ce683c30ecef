//! `/api/v1/audit/export` and `/api/v1/audit-keys`: the audit log for other programs, and what it is verified with.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::CONTENT_DISPOSITION},
    web::{Bytes, Data, Query},
};
use chrono::{DateTime, SecondsFormat, Utc};
use control::AuditFilter;
use domain::{AuditEvent, AuditOutcome, audit::ExportLine};
use futures_util::{StreamExt, TryStreamExt, future, stream};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    error::{Code, Refused, refused},
    http::{
        ctx::Credential,
        error::{Problem, problem, request_id},
        server::State,
    },
};

/// The first line of a CSV export.
const COLUMNS: [&str; 12] = [
    "seq",
    "id",
    "at",
    "actor",
    "action",
    "target",
    "outcome",
    "request_id",
    "detail",
    "tenant",
    "prev",
    "hash",
];

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// One JSON object on each line: checkpoints, then entries. Without a filter it can be verified by itself.
    Jsonl,
    /// Entries alone, for a spreadsheet. Cells that a spreadsheet would compute start with an apostrophe.
    Csv,
}

/// What is exported; what is left out is not looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    /// The form of the export.
    #[serde(default = "jsonl")]
    #[param(inline, default = "jsonl")]
    format: Format,
    /// An action (`install.create`) or the beginning of several up to a dot (`install`).
    action: Option<String>,
    /// Who did it: a global id.
    actor: Option<String>,
    /// What it was done to: a global id or a name.
    target: Option<String>,
    /// `succeeded`, `denied` or `failed`.
    outcome: Option<String>,
    /// Not before this time (RFC 3339).
    from: Option<DateTime<Utc>>,
    /// Before this time (RFC 3339).
    until: Option<DateTime<Utc>>,
    /// The request that it was part of.
    request_id: Option<String>,
}

/// A public key with which checkpoints were signed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditKey {
    /// Name of the key, as in `key` of a checkpoint: the beginning of its SHA-256.
    id: String,
    /// Ed25519 public key (RFC 8032): 64 hex digits.
    public_key: String,
    /// When it signed for the first time.
    first_used_at: DateTime<Utc>,
    /// Whether new checkpoints are signed with it.
    current: bool,
}

fn jsonl() -> Format {
    Format::Jsonl
}

/// The keys with which the checkpoints of the audit log were signed, the oldest first.
#[utoipa::path(get, path = "/api/v1/audit-keys", tag = "audit", responses(
    (status = 200, description = "The keys", body = [AuditKey]),
    (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn keys(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let id = request_id(&request);
    match read_keys(&request, &state, &id).await {
        Ok(keys) => HttpResponse::Ok().json(keys),
        Err(refused) => problem(refused, &id),
    }
}

async fn read_keys(
    request: &HttpRequest,
    state: &State,
    id: &str,
) -> Result<Vec<AuditKey>, Refused> {
    Credential::of(request, &state.site)?.authenticate(&state.control, id).await?;
    let keys = state.control.audit_keys().await.map_err(|error| refused(&error, id))?;
    let last = keys.len();
    let told = keys.into_iter().enumerate().map(|(place, it)| AuditKey {
        id: it.key.id(),
        public_key: it.key.to_hex(),
        first_used_at: it.first_used_at,
        current: place + 1 == last,
    });
    Ok(told.collect())
}

/// The audit log of the caller's organisation, in the order of its chain, as a stream. The export itself stands in the log.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "audit", params(ExportQuery), responses(
    (status = 200, description = "Entries, one on each line", content(
        (String = "application/jsonl"), (String = "text/csv"),
    )),
    (status = 400, description = "A filter that is not right", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The permission `audit.read` is needed", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn export(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let id = request_id(&request);
    match start(&request, &state, &id).await {
        Ok(response) => response,
        Err(refused) => problem(refused, &id),
    }
}

async fn start(request: &HttpRequest, state: &State, id: &str) -> Result<HttpResponse, Refused> {
    let caller = Credential::of(request, &state.site)?.authenticate(&state.control, id).await?;
    let query = Query::<ExportQuery>::from_query(request.query_string())
        .map_err(|error| invalid(error.to_string()))?
        .into_inner();
    let (format, filter) = (query.format, query.filter()?);
    let lines = state.control.export_audit(&caller, format.word(), filter).await;
    let lines = lines.map_err(|error| refused(&error, id))?;
    let logged = id.to_owned();
    let body = lines.map(move |page| {
        let page = page.map_err(|error| refused(&error, &logged))?;
        format.write(&page).map_err(|error| {
            tracing::error!(
                request.id = logged,
                error = &error as &dyn std::error::Error,
                "An audit export could not be written"
            );
            Refused::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, "the export broke off")
        })
    });
    let head = stream::once(future::ready(Ok(format.head())));
    // The status is long sent when something fails: the connection is cut, so that nobody takes a part for the whole.
    let body = head.chain(body).map_err(|refused| std::io::Error::other(refused.message));
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"audit.{}\"", format.word()),
        ))
        .streaming(body))
}

fn invalid(message: String) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, Code::Invalid, message)
}

// === impl ExportQuery ===

impl ExportQuery {
    fn filter(self) -> Result<AuditFilter, Refused> {
        let outcome = self.outcome.map(|word| {
            AuditOutcome::parse(&word)
                .ok_or_else(|| invalid("`outcome` is `succeeded`, `denied` or `failed`".to_owned()))
        });
        Ok(AuditFilter {
            action: self.action,
            actor: self.actor,
            target: self.target,
            outcome: outcome.transpose()?,
            from: self.from,
            until: self.until,
            request_id: self.request_id,
        })
    }
}

// === impl Format ===

impl Format {
    const fn word(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    fn head(self) -> Bytes {
        match self {
            Self::Jsonl => Bytes::new(),
            Self::Csv => (COLUMNS.join(",") + "\r\n").into(),
        }
    }

    fn write(self, lines: &[ExportLine]) -> Result<Bytes, std::io::Error> {
        match self {
            Self::Jsonl => {
                let mut text = Vec::new();
                for line in lines {
                    serde_json::to_writer(&mut text, line)?;
                    text.push(b'\n');
                }
                Ok(text.into())
            }
            Self::Csv => {
                let mut writer = csv::WriterBuilder::new()
                    .terminator(csv::Terminator::CRLF)
                    .from_writer(Vec::new());
                for line in lines {
                    if let ExportLine::Event(event) = line {
                        writer.write_record(row(event))?;
                    }
                }
                let text = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
                Ok(text.into())
            }
        }
    }
}

fn row(event: &AuditEvent) -> [String; 12] {
    [
        event.link.seq.to_string(),
        event.id.to_string(),
        event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        event.actor.clone(),
        event.action.clone(),
        event.target.clone().unwrap_or_default(),
        event.outcome.as_str().to_owned(),
        event.request_id.clone(),
        event.detail.to_string(),
        event.tenant.to_string(),
        event.link.prev.to_string(),
        event.link.hash.to_string(),
    ]
    .map(harmless)
}

/// A cell that a spreadsheet would take for a formula becomes text: names in the log are chosen by whoever is logged.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_that_would_be_computed_becomes_text() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(harmless(formula.to_owned()), format!("'{formula}"));
        }
        assert_eq!(harmless("install:1".to_owned()), "install:1");
    }
}
