//! What asking another machine has in common.

use std::time::Duration;

use egress::{Egress, Limits};
use http::StatusCode;

use crate::Error;

/// A key is small and somebody waits for it.
pub(crate) const LIMITS: Limits =
    Limits { timeout: Duration::from_secs(5), max_response_bytes: 256 * 1024 };

/// The operator names the address, not a tenant: it may lie in a private network.
pub(crate) fn operator_egress() -> Egress {
    Egress::new(egress::Config { allow_private_networks: true, ..egress::Config::default() })
}

/// A refusal for a stated reason; what the service answered for a wrong context is the vault's own word for it.
pub(crate) fn refusal(service: &'static str, status: StatusCode, kind: &str) -> Error {
    if kind == "InvalidCiphertextException" {
        return Error::Sealed;
    }
    Error::Refused { service, status: status.as_u16(), kind: kind.to_owned() }
}
