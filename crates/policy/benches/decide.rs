//! What a decision costs with 10, 100 and 1000 policies: asked anew, remembered, with arguments, and for a list of 200 tools.
//!
//! `cargo bench -p policy`; the figures are in `docs/policies.md`.

use std::{hint::black_box, sync::Arc};

use chrono::{DateTime, Utc};
use criterion::{Criterion, criterion_group, criterion_main};
use domain::{Classification, GroupId, InstallId, InstallStatus, Role, TenantId};
use policy::{
    Circumstances, Compiled, InstallFacts, Resource, Source, SourceBody, Subject, SubjectKind,
    ToolEffect, compile,
};
use uuid::Uuid;

const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(1));
const TOOLS: usize = 200;
const INSTALLS: usize = 10;

fn install_id(number: usize) -> InstallId {
    InstallId::from_uuid(Uuid::from_u128(100 + number as u128))
}

/// Half of them are about one install and one group, as simple settings make them; half have conditions and may concern everything.
fn sources(count: usize) -> Vec<Source> {
    let mut sources = Compiled::default_sources();
    sources.extend((0..count).map(|number| {
        let group = GroupId::from_uuid(Uuid::from_u128(10_000 + number as u128));
        let install = install_id(number % INSTALLS);
        let text = if number % 2 == 0 {
            format!("permit (principal in Group::\"{group}\", action == Action::\"tool.call\", resource in Install::\"{install}\");")
        } else {
            format!("forbid (principal, action == Action::\"tool.call\", resource) when {{ resource.alias == \"none{number}\" && principal.clearance < {} }};", number % 4)
        };
        Source { name: format!("p{number}"), title: String::new(), body: SourceBody::Cedar(text) }
    }));
    sources
}

fn with_arguments(count: usize) -> Arc<Compiled> {
    let mut sources = sources(count);
    let text = "forbid (principal, action == Action::\"tool.call\", resource) when { context.arguments.hasTag(\"path\") && context.arguments.getTag(\"path\") like \"/etc/*\" };";
    sources.push(Source {
        name: "arguments".to_owned(),
        title: String::new(),
        body: SourceBody::Cedar(text.to_owned()),
    });
    compile(1, &sources).expect("policies")
}

fn subject() -> Subject {
    Subject {
        tenant: TENANT,
        id: "user:one".to_owned(),
        kind: SubjectKind::User,
        role: Role::Member,
        groups: vec![GroupId::from_uuid(Uuid::from_u128(10_000))],
        clearance: Classification::Internal,
        permissions: Role::Member.permissions(),
        installs: None,
    }
}

fn tool(number: usize, name: &str) -> Resource<'_> {
    let effects = [ToolEffect::ReadOnly, ToolEffect::Writes, ToolEffect::Destructive];
    Resource::Tool {
        install: InstallFacts {
            tenant: TENANT,
            id: install_id(number % INSTALLS),
            alias: "docs",
            connector: "files",
            status: InstallStatus::Active,
            classification: Classification::Internal,
        },
        name,
        effect: effects[number % 3],
    }
}

fn now() -> Circumstances {
    Circumstances::at(DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time"))
}

fn decisions(criterion: &mut Criterion) {
    let subject = subject();
    let names: Vec<String> = (0..TOOLS).map(|number| format!("tool_{number}")).collect();
    for count in [10, 100, 1000] {
        let mut sources = sources(count);
        // Guard rails and the default count too.
        sources.truncate(count.min(990));
        let policies = compile(1, &sources).expect("policies");
        criterion.bench_function(&format!("compile/{count}"), |bench| {
            bench.iter(|| compile(1, black_box(&sources)).expect("policies"));
        });
        criterion.bench_function(&format!("decide/remembered/{count}"), |bench| {
            bench.iter(|| policies.view(&subject, now()).decide(&tool(1, "tool_1"), b"{}"));
        });
        criterion.bench_function(&format!("decide/anew/{count}"), |bench| {
            bench.iter_batched(
                || {
                    let policies = compile(1, &sources).expect("policies");
                    policies.view(&subject, now()).lists(&tool(0, "tool_0"));
                    policies
                },
                |policies| policies.view(&subject, now()).decide(&tool(1, "tool_1"), b"{}"),
                criterion::BatchSize::LargeInput,
            );
        });
        let reading = with_arguments(count.min(980));
        criterion.bench_function(&format!("decide/arguments/{count}"), |bench| {
            let view = reading.view(&subject, now());
            bench.iter(|| view.decide(&tool(1, "tool_1"), br#"{"path":"/srv/a","depth":3}"#));
        });
        let list = |policies: &Arc<Compiled>| {
            let view = policies.view(&subject, now());
            names
                .iter()
                .enumerate()
                .filter(|(number, name)| view.lists(&tool(*number, name)))
                .count()
        };
        criterion.bench_function(&format!("list-200/remembered/{count}"), |bench| {
            bench.iter(|| list(&policies));
        });
        criterion.bench_function(&format!("list-200/anew/{count}"), |bench| {
            bench.iter_batched(
                || compile(1, &sources).expect("policies"),
                |policies| list(&policies),
                criterion::BatchSize::LargeInput,
            );
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(std::time::Duration::from_millis(500)).measurement_time(std::time::Duration::from_secs(2));
    targets = decisions
}
criterion_main!(benches);
