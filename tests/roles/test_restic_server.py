"""The backup's repository forgets nothing for its clients (Đ10.2)."""

import hashlib
import json

import pytest
from testinfra.host import Host

from tests.lab import Lab
from tests.roles.test_restic_client import ask, python

pytestmark = [
    pytest.mark.dieu10,
    # restic reads every lock of its repository, and dies of the one that a test lays there.
    pytest.mark.usefixtures("no_timed_backup"),
]

FILES = "/etc/hanam-mail/backup-repository"


@pytest.fixture(scope="module")
def backed_up(lab: Lab) -> None:
    """There is something to keep."""
    lab.run("mailstore", "hanam-mail-backup")


@pytest.mark.parametrize("name", ["password", "htpasswd"])
def test_only_root_reads_the_servers_secrets(backup_repository_host: Host, name: str) -> None:
    file = backup_repository_host.file(f"{FILES}/{name}")
    assert (file.user, file.mode) == ("root", 0o600)


@pytest.mark.neighbours
def test_no_client_can_delete_or_overwrite(lab: Lab, backed_up: None) -> None:
    for kind in ("data", "snapshots", "index", "keys"):
        status, body = ask(lab, "GET", f"~/{kind}/")
        assert status == 200
        name = json.loads(body)[0]["name"]
        assert ask(lab, "DELETE", f"~/{kind}/{name}")[0] == 403
        assert ask(lab, "POST", f"~/{kind}/{name}")[0] == 403
        assert ask(lab, "HEAD", f"~/{kind}/{name}")[0] == 200
    assert ask(lab, "POST", "~/config")[0] == 403


@pytest.mark.neighbours
def test_a_client_adds_no_key_and_no_repository(lab: Lab, backed_up: None) -> None:
    # The server takes a file only under the sum of what is in it.
    name = hashlib.sha256(b"x").hexdigest()
    # Where a backup has to add, it may.
    assert ask(lab, "POST", f"~/locks/{name}")[0] == 200
    assert ask(lab, "DELETE", f"~/locks/{name}")[0] == 200
    keys = ask(lab, "GET", "~/keys/")
    assert ask(lab, "POST", f"~/keys/{name}")[0] >= 400
    assert ask(lab, "GET", "~/keys/") == keys
    account = lab.variables["vault_restic_http"]["user"]
    assert ask(lab, "POST", f"/{account}/moi/?create=true")[0] >= 400
    assert ask(lab, "HEAD", f"/{account}/moi/config")[0] == 404
    assert "moi" not in lab.run("backup_repository", f"ls /srv/backup/{account}")


@pytest.mark.neighbours
def test_a_wrong_password_and_another_accounts_folder_are_refused(lab: Lab) -> None:
    assert ask(lab, "GET", "~/config", "sai-mat-khau")[0] == 401
    assert ask(lab, "GET", "/khac/mail/config")[0] == 401


def test_the_server_speaks_only_tls(lab: Lab) -> None:
    plain = (
        "import http.client, sys\n"
        f"c = http.client.HTTPConnection(sys.argv[1], {lab.port('backup')}, timeout=10); c.request('GET', '/')\n"
        "print(c.getresponse().status)"
    )
    assert python(lab, "mailstore", plain, lab.address("backup_repository")).strip() == "400"
