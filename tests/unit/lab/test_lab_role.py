"""`make role` takes a role that the lab's plays have, and says which there are."""

import pytest

from hanam_lab import role
from hanam_lab.errors import LabError


@pytest.mark.parametrize("name", ["postfix", "lab_dns", "hanam_mail"])
def test_roles_of_both_playbooks_are_played(name: str) -> None:
    assert name in role.played()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("postfx", r"no role postfx with .*; roles: .*, postfix, "),
        ("lab_openid", "role lab_openid is in no play of playbooks/lab.yml and playbooks/site.yml: none of its tasks"),
    ],
)
def test_a_role_of_which_no_task_would_run_is_refused_before_a_host_starts(name: str, told: str) -> None:
    with pytest.raises(LabError, match=told):
        role.run(name, "inventory/lab.yml")
