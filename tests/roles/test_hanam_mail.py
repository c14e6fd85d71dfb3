"""The project's own program on the hosts that run it."""

from testinfra.host import Host

from tests.lab import Lab

PROGRAM = "/usr/lib/hanam-mail/hanam-mail.pyz"


def test_the_program_runs_wherever_it_is_needed_and_only_root_may_change_it(lab: Lab) -> None:
    for host in {lab.host(group) for group in ("accounts", "mailstore", "submission")}:
        lab.run(host, f"runuser -u nobody -- python3 -I {PROGRAM} --help")
        assert lab.look_at(host).file(PROGRAM).user == "root"
        assert lab.run(host, f"find {PROGRAM} -perm /022") == ""


def test_sealed_first_passwords_are_for_the_program_alone(accounts_host: Host) -> None:
    folder = accounts_host.file("/var/lib/hanam-mail")
    assert (folder.user, folder.mode & 0o022) == ("hanam-mail", 0)


def test_an_operators_command_explains_itself(accounts_host: Host) -> None:
    assert "lock" in accounts_host.check_output("hanam-mail-db --help")
