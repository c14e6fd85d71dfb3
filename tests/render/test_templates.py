"""Every template of every role renders on every host that the site playbook gives the role to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.render.conftest import ENVIRONMENTS
from tests.render.role_rows import plays

ROOT = Path(__file__).resolve().parents[2]


CASES = sorted(
    {(role, str(path.relative_to(ROOT / "roles" / role / "templates")), hosts)
     for hosts, role in plays("lab_openid")
     for path in (ROOT / "roles" / role / "templates").rglob("*.j2")}
)  # fmt: skip


@pytest.mark.parametrize("topology", ENVIRONMENTS)
@pytest.mark.parametrize(("role", "template", "hosts"), CASES)
def test_template_renders(
    environment: Callable[[str], Any], topology: str, role: str, template: str, hosts: str
) -> None:
    here = environment(topology)
    for host in here.hosts(hosts):
        for item in here.items(role, template):
            assert here.render(role, template, host, item).strip()
