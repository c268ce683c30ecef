//! What the server and the network say, in the words of a connector.

use connector_sdk::{ConnectorError, ToolOutput};
use sqlx::postgres::PgDatabaseError;

use super::Config;

/// The classes of SQLSTATE that say something about the connection and not about the query.
fn is_about_connection(code: &str) -> bool {
    code.starts_with("08")
        || code.starts_with("28")
        || code.starts_with("53")
        || code.starts_with("58")
        || matches!(code, "57P01" | "57P02" | "57P03" | "57P05" | "XX000" | "25P03")
}

/// An error while connecting.
pub(super) fn connecting(error: sqlx::Error, config: &Config) -> ConnectorError {
    if let Some(code) = code(&error) {
        let Config { user, database, .. } = config;
        return match code.as_str() {
            "28P01" | "28000" => ConnectorError::auth(format!(
                "The database does not let user `{user}` in: check user and password."
            )),
            "3D000" => {
                ConnectorError::config("database", format!("There is no database `{database}`."))
            }
            "42501" => ConnectorError::auth(format!(
                "User `{user}` may not connect to database `{database}`."
            )),
            _ => ConnectorError::transient("the database refuses connections at the moment", error),
        };
    }
    if matches!(error, sqlx::Error::Tls(_)) || is_distrusted(&error) {
        let message = tls_message(&error, config);
        return ConnectorError::config("ssl_mode", message);
    }
    ConnectorError::transient(format!("no connection to {}:{}", config.host, config.port), error)
}

/// Whether the server's certificate was refused; sqlx passes that on as a failed read.
fn is_distrusted(error: &sqlx::Error) -> bool {
    let sqlx::Error::Io(error) = error else { return false };
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

fn tls_message(error: &sqlx::Error, config: &Config) -> String {
    let text = error.to_string();
    if text.contains("does not support TLS") {
        return "The server offers no encryption: choose `disable` only if the network is yours."
            .to_owned();
    }
    format!(
        "The server could not prove that it is {}: its certificate is for another name, or signed by an authority that is not \
         known here. Give the authority's certificate, or choose `require`.",
        config.host
    )
}

/// An error of the connector's own statements.
pub(super) fn reading(error: sqlx::Error) -> ConnectorError {
    match code(&error).as_deref() {
        Some("57014") => ConnectorError::transient("the database took too long to answer", error),
        Some("42501") => ConnectorError::permanent_from(
            format!("the user may not read this: {}", message(&error)),
            error,
        ),
        Some(code) if code.starts_with("28") => {
            ConnectorError::auth("the database does not accept the credential any more")
        }
        Some(code) if !is_about_connection(code) => {
            ConnectorError::permanent_from("the database refused to read", error)
        }
        _ => ConnectorError::transient("the connection to the database broke", error),
    }
}

/// An error of the caller's query: the model is to see what is wrong with its own SQL.
pub(super) fn of_query(error: sqlx::Error) -> Result<ToolOutput, ConnectorError> {
    match code(&error).as_deref() {
        Some("57014") => Ok(ToolOutput::error(
            "The query took too long and was stopped. Filter, aggregate or use LIMIT.",
        )),
        Some(code) if !is_about_connection(code) => {
            let mut text = format!("The database refused the query ({code}): {}", message(&error));
            if let Some(hint) = details(&error).and_then(PgDatabaseError::hint) {
                text.push_str("\nHint: ");
                text.push_str(hint);
            }
            Ok(ToolOutput::error(text))
        }
        _ => Err(reading(error)),
    }
}

fn details(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()
}

fn code(error: &sqlx::Error) -> Option<String> {
    details(error).map(|details| details.code().to_owned())
}

fn message(error: &sqlx::Error) -> String {
    details(error).map(|details| details.message().to_owned()).unwrap_or_default()
}
