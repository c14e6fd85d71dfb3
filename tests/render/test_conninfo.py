"""Connection strings with a password in them: one to the database, whatever the password is."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

type Environments = Callable[[str], Any]


@pytest.mark.parametrize("secret", ["a b", "it's", "back\\slash", "' user=postgres \\"])
@pytest.mark.parametrize(
    ("role", "template", "key", "user"),
    [("radicale", "gate.json.j2", "conninfo", "mail_carddav"), ("agent", "agent.yml.j2", "dsn", "mail_agent")],
)
def test_a_password_is_one_to_the_database_whatever_is_in_it(
    environment: Environments, role: str, template: str, key: str, user: str, secret: str
) -> None:
    here = environment("split").with_variables(book_carddav=True, **{f"{role}_conninfo_secret": secret})
    (host,) = here.hosts("webmail")
    read = conninfo_to_dict(yaml.safe_load(here.render(role, template, host))[key])
    assert (read["password"], read["user"]) == (secret, user)
