//! Checks of the rules in `docs/connector-spec.md`.
