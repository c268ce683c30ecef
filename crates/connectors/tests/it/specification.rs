//! The specification and the checks name the same rules.

use connector_sdk::compliance::RULES;

#[test]
fn specification_states_every_rule_that_is_checked_and_no_other() {
    let text = include_str!("../../../../docs/connector-spec.md");
    let stated: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(rule, _)| rule))
        .collect();
    assert_eq!(stated, RULES, "docs/connector-spec.md and connector_sdk::compliance::RULES differ");
}
