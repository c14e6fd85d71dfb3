"""Who has which key of the second factor (record 0074)."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.render.conftest import ENVIRONMENTS

type Environments = Callable[[str], Any]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_database_is_given_the_key_of_what_is_said_and_never_that_of_the_secrets(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    (accounts,) = there.hosts("accounts")
    said = there.value("postgresql", "postgresql_factor_key", accounts)
    for host in there.hosts("webmail"):
        page = json.loads(there.render("change_page", "config.json.j2", host))
        webmail = there.render("roundcube", "config.inc.php.j2", host)
        secrets = page["secrets_key"]
        assert re.fullmatch(r"[0-9a-f]{64}", secrets)
        assert page["factor_key"] == said
        assert secrets != said
        assert f"'seal' => '{said}', 'secrets' => '{secrets}'" in webmail
        names = ("passwords", "settings", "login_key", "change_key", "held_key", "factor_key")
        handed = [there.value("postgresql", f"postgresql_{name}", accounts) for name in names]
        assert secrets not in json.dumps(handed, default=str)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_database_asks_nobody_for_a_second_factor_unless_told_so_and_knows_the_webmail(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    (accounts,) = there.hosts("accounts")
    settings = there.value("postgresql", "postgresql_settings", accounts)
    assert settings["password_second_factor"] == []
    assert "giám đốc" in settings["leader_posts"]
    # A session's word is heard from the webmail's own server, which is one of the system's own places.
    assert set(settings["webmail_networks"]) <= set(settings["guessing_own_networks"])
    for host in there.hosts("webmail"):
        assert f"{there.value('postgresql', 'host_ipv4', host)}/32" in settings["webmail_networks"]
