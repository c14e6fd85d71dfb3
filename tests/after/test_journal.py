"""After all the mail tests: nothing failed, nothing of our own making complains, no secret was written down."""

from collections.abc import Iterator

import pytest

from tests import journal, people
from tests.lab import Lab

pytestmark = pytest.mark.neighbours


def test_no_unit_has_failed_and_no_job_fails_again(lab: Lab) -> None:
    """A job whose neighbour a test had stopped says so and does its work the next time, which may be in an hour."""
    for host in lab.hosts:
        lab.start_failed_jobs(host)
        assert lab.run(host, "systemctl --failed --plain --no-legend") == "", host


def test_journal_holds_no_warning_but_those_that_tests_provoke(lab: Lab, request: pytest.FixtureRequest) -> None:
    windows = journal.windows(request.config)
    unexpected = {host: journal.judge(list(journal.lines(lab, host)), windows) for host in lab.hosts}
    assert not any(unexpected.values()), "\n".join(f"{host}: {line}" for host in lab.hosts for line in unexpected[host])


def test_no_secret_stands_in_a_log_or_on_a_command_line(lab: Lab) -> None:
    vault = {name: value for name, value in lab.variables.items() if name.startswith("vault_")}
    # The name of an account is no secret, nor is what others encrypt to.
    secrets = set(_strings(vault)) - {vault["vault_restic_http"]["user"], vault["vault_lab_operator_public_key"]}
    secrets = {secret for secret in secrets if 12 <= len(secret) <= 80} | {sample.password for sample in lab.samples}
    secrets.add(people.PASSWORD)
    everything = (
        "journalctl --sync; journalctl --no-pager --output=cat; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ';"
        " find /var/log -type f -name '*.log' -exec cat {} +"
    )
    for host in lab.hosts:
        text = lab.run(host, everything)
        assert [secret[:4] + "..." for secret in secrets if secret in text] == [], host


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
