//! May this caller list, call, read or search this? One question answers for all four, so that a list can never show what a
//! call refuses (`gateway-rules.md` rule 11).
//!
//! The answer comes from an organisation's Cedar policies within guard rails that nobody can take away ([`GUARD_RAILS`]).
//! [`compile`] checks them against the [`SCHEMA`] and takes apart what can be remembered from what must be asked per call;
//! [`Compiled::view`] is one caller's view of them. Roles, groups and grants are data of the caller, never a policy each:
//! Cedar evaluates every policy that may apply.

mod arguments;
mod compile;
mod entities;
mod fault;
mod question;
mod reads;
mod setting;
mod slice;
mod view;

pub use arguments::{Arguments, UnreadableArguments};
pub use compile::{Compiled, Rule, compile, validate};
pub use fault::{Fault, Faults, Place};
pub use question::{
    Answer, Circumstances, Decision, InstallFacts, Resource, Subject, SubjectKind, ToolEffect,
};
pub use setting::{Grantees, Setting, Source, SourceBody};
pub use view::View;

/// What policies can speak about.
pub const SCHEMA: &str = include_str!("policy.cedarschema");
/// The policies that hold for every organisation and cannot be removed.
pub const GUARD_RAILS: &str = include_str!("guard_rails.cedar");
/// What an organisation begins with.
pub const DEFAULT: &str = include_str!("default.cedar");
/// Name of the policy that an organisation begins with.
pub const DEFAULT_NAME: &str = "everybody";
