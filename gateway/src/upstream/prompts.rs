//! Built-in prompts that know what this organisation has: they name its real tools and sources.

use std::fmt::Write as _;

use domain::route::RouteInstall;
use serde_json::{Map, Value, json};

use super::{
    Upstream, synced,
    tools::{Offer, usable},
};
use crate::{
    call::{Identified, Routed},
    error::Refusal,
    layer::permit::{may_read, may_use_some},
    mcp::json::Members,
};

const ANSWER: &str = "answer_from_sources";
const SUMMARISE: &str = "summarise_source";
/// Tools of one source that a prompt names.
const MAX_NAMED: usize = 20;

/// The prompts as they are listed.
pub(super) fn list(identified: &Identified<Routed>) -> Value {
    let aliases: Vec<&str> = sources(identified).map(|install| install.alias.as_str()).collect();
    let mut prompts = json!([
        {
            "name": ANSWER,
            "title": "Answer from our sources",
            "description": "Answers a question from what this organisation has connected, and cites it.",
            "arguments": [
                {"name": "question", "description": "What you want to know.", "required": true}
            ]
        },
        {
            "name": SUMMARISE,
            "title": "Summarise a source",
            "description": "Says what a connected source holds and what can be done with it.",
            "arguments": [{
                "name": "install",
                "description": format!("Which source: {}.", aliases.join(", ")),
                "required": true
            }]
        }
    ]);
    if let Some(prompts) = prompts.as_array_mut() {
        let may = |name: &str| identified.caller.permits.prompt(name);
        prompts.retain(|prompt| prompt["name"].as_str().is_some_and(may));
    }
    json!({"prompts": prompts})
}

// === impl Upstream ===

impl Upstream {
    pub(super) async fn prompt(&self, identified: &Identified<Routed>) -> Result<Value, Refusal> {
        let params = identified.call.call.params();
        let name = params.and_then(|params| params.name.as_deref());
        let name =
            name.ok_or(Refusal::InvalidParams { message: "`name` of the prompt is missing" })?;
        let arguments = params.map_or(b"{}".as_slice(), |params| params.arguments());
        let arguments = Members::parse(arguments)
            .map_err(|_| Refusal::InvalidParams { message: "`arguments` must be an object" })?;
        let argument = |name: &str| {
            arguments.text(name).and_then(Result::ok).filter(|text| !text.trim().is_empty())
        };
        match name {
            ANSWER => {
                let question = argument("question").ok_or(Refusal::InvalidParams {
                    message: "the argument `question` is missing",
                })?;
                let offers = self.offers(identified).await;
                Ok(message(&answer_text(identified, &offers, &question)))
            }
            SUMMARISE => {
                let alias = argument("install").ok_or(Refusal::InvalidParams {
                    message: "the argument `install` is missing",
                })?;
                let install = sources(identified).find(|install| install.alias == alias);
                let install = install.ok_or(Refusal::InvalidParams {
                    message: "the argument `install` names no connected source",
                })?;
                let offers = self.offers(identified).await;
                Ok(message(&summary_text(identified, &offers, install)))
            }
            other => Err(Refusal::UnknownPrompt { name: other.to_owned() }),
        }
    }
}

/// What the caller may use in one way or the other.
fn sources(identified: &Identified<Routed>) -> impl Iterator<Item = &RouteInstall> {
    identified.routes.snapshot.installs.iter().filter(|install| {
        may_read(&identified.caller, install) || may_use_some(&identified.caller, install)
    })
}

fn answer_text(identified: &Identified<Routed>, offers: &[Offer], question: &str) -> String {
    let mut text = format!(
        "Answer the question at the end from the sources of {} and from nothing else.\n\n",
        identified.routes.snapshot.tenant.name
    );
    let searchable: Vec<String> = sources(identified)
        .filter(|install| may_read(&identified.caller, install))
        .map(|install| format!("{} (`{}`)", install.display_name, install.alias))
        .collect();
    if !searchable.is_empty() {
        push(
            &mut text,
            &format!(
                "1. Call `{}` with words of the question; try other words when little is found. It covers: {}.\n\
             2. Call `{}` with the `id` of each match that may matter, and read the whole document.\n",
                synced::SEARCH,
                searchable.join(", "),
                synced::FETCH
            ),
        );
    }
    let live = live_tools(identified, offers, None);
    if !live.is_empty() {
        push(
            &mut text,
            &format!("For what is not synced or may have changed, use the live tools:\n{live}"),
        );
    }
    push(
        &mut text,
        &format!(
            "\nCite title and URL of every document that you rely on. Say so when the sources do not answer the question.\n\n\
         Question: {question}"
        ),
    );
    text
}

fn summary_text(
    identified: &Identified<Routed>,
    offers: &[Offer],
    install: &RouteInstall,
) -> String {
    let mut text = format!(
        "Summarise the source {} (`{}`, connector `{}`) of {} for somebody who has never seen it.\n\n",
        install.display_name,
        install.alias,
        install.connector,
        identified.routes.snapshot.tenant.name
    );
    if may_read(&identified.caller, install) {
        push(
            &mut text,
            &format!(
                "Its documents are synced: their addresses start with `patchbay://{}/` in the list of resources. \
             Read some of them, or use `{}` and `{}`.\n",
                install.alias,
                synced::SEARCH,
                synced::FETCH
            ),
        );
    }
    let live = live_tools(identified, offers, Some(install));
    if !live.is_empty() {
        push(&mut text, &format!("It has these live tools:\n{live}"));
    }
    push(
        &mut text,
        "\nSay what it holds, how current it is, what can be done with its tools, and three questions that it can answer.",
    );
    text
}

/// One line per install with the names of its tools.
fn live_tools(
    identified: &Identified<Routed>,
    offers: &[Offer],
    only: Option<&RouteInstall>,
) -> String {
    let mut text = String::new();
    for offer in offers {
        let Some(install) = identified.install(offer.install) else { continue };
        if only.is_some_and(|only| only.id != install.id) {
            continue;
        }
        let names: Vec<String> = usable(identified, offer)
            .take(MAX_NAMED)
            .map(|tool| format!("`{}`", tool.name))
            .collect();
        if !names.is_empty() {
            push(&mut text, &format!("- {}: {}\n", install.display_name, names.join(", ")));
        }
    }
    text
}

fn push(text: &mut String, more: &str) {
    text.write_str(more).expect("writing to a String cannot fail");
}

fn message(text: &str) -> Value {
    let mut value = Map::new();
    value.insert(
        "messages".to_owned(),
        json!([{"role": "user", "content": {"type": "text", "text": text}}]),
    );
    Value::Object(value)
}
