"""The command line of the MCP Inspector against the running product, in both revisions."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import HERE, LEGACY, Facts

INSPECTOR = HERE / "inspector" / "node_modules"
NODE = INSPECTOR / "node" / "bin" / "node"
LAUNCHER = INSPECTOR / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
TIMEOUT_SECONDS = 90


@pytest.fixture(autouse=True)
def installed() -> None:
    for path in (NODE, LAUNCHER):
        if not path.is_file():
            pytest.fail(f"{path} is missing: run `npm ci` in {HERE / 'inspector'}, as `make test` does")


def run(facts: Facts, home: Path, revision: str, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    """One command of the Inspector."""
    era = "legacy" if revision == LEGACY else "modern"
    command = [str(NODE), str(LAUNCHER), "--cli", facts.mcp_url, "--transport", "http"]
    command += ["--header", f"Authorization: Bearer {key or facts.api_key}"]
    command += ["--protocol-era", era, "--stored-auth-only", *arguments]
    environment = {"HOME": str(home), "PATH": f"{NODE.parent}:/usr/bin:/bin", "CI": "true"}
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )


def result(finished: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return json.loads(finished.stdout)


def test_inspector_lists_tools(facts: Facts, documents: str, revision: str, tmp_path: Path) -> None:
    listed = result(run(facts, tmp_path, revision, "--method", "tools/list"))
    names = {tool["name"] for tool in listed["tools"]}
    assert {"search", "fetch", f"{documents}__list_files"} <= names


def test_inspector_finds_no_fault_in_the_schemas(facts: Facts, documents: str, revision: str, tmp_path: Path) -> None:
    finished = run(facts, tmp_path, revision, "--method", "tools/list", "--strict")
    assert finished.returncode == 0, finished.stderr


def test_inspector_calls_search(facts: Facts, documents: str, revision: str, tmp_path: Path) -> None:
    arguments = ["--method", "tools/call", "--tool-name", "search", "--tool-arg", "query=connector"]
    called = result(run(facts, tmp_path, revision, *arguments))
    assert not called.get("isError"), called
    assert called["structuredContent"]["results"], called


def test_inspector_lists_resources(facts: Facts, documents: str, revision: str, tmp_path: Path) -> None:
    listed = result(run(facts, tmp_path, revision, "--method", "resources/list"))
    assert any(resource["uri"].startswith(f"patchbay://{documents}/") for resource in listed["resources"])


def test_inspector_with_a_wrong_key_fails(facts: Facts, revision: str, tmp_path: Path) -> None:
    finished = run(facts, tmp_path, revision, "--method", "tools/list", key="pb_live_wrong")
    assert finished.returncode != 0
    assert '"tools"' not in finished.stdout
