"""After all the mail tests: nothing failed, nothing of our own making complains, no secret was written down."""

import json
from collections.abc import Iterator

from tests.lab import Lab

# Lines that tests provoke on purpose, or that are none of our making. Each says why.
EXPECTED = (
    "pam_unix(",  # sessions of Ansible and of these tests
)


def lines(lab: Lab, host: str) -> Iterator[dict[str, str]]:
    output = lab.run(host, "journalctl --no-pager --output=json --priority=warning --boot")
    for line in output.splitlines():
        yield json.loads(line)


def test_no_unit_has_failed(lab: Lab) -> None:
    for host in lab.hosts:
        assert lab.run(host, "systemctl --failed --plain --no-legend") == ""


def test_no_secret_stands_in_a_log_or_on_a_command_line(lab: Lab) -> None:
    secrets = set(_strings({name: value for name, value in lab.variables.items() if name.startswith("vault_")}))
    secrets = {secret for secret in secrets if 12 <= len(secret) <= 80} | {sample.password for sample in lab.samples}
    for host in lab.hosts:
        text = lab.run(host, "journalctl --no-pager --output=cat; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; "
                             "find /var/log -type f -name '*.log' -exec cat {} +")  # fmt: skip
        found = [secret[:4] + "..." for secret in secrets if secret in text]
        assert found == [], f"{host}: {len(found)} secrets"


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
