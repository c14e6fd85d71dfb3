"""hanam-mail-convert, with a program in doveadm's place: the order of its steps, and what a run that is killed leaves.

What Dovecot itself does with the list and the copies is seen on hosts (tests/upgrade/test_conversion.py).
"""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.host.forked import Forked

IDENTITY = "aa11bb"

# A place's mail is the file "messages" in its folder, a line each. Writes down each call, kills its caller where
# it is told to; a message comes in during the first pass.
DOVEADM = r"""#!/usr/bin/python3 -IS
# It is started hundreds of times: of the library, what the interpreter has loaded anyway.
import os, sys
here = os.environ["FAKE"] + "/"
def read(path):
    with open(path) as file:
        return file.read()
words = sys.argv[1:]
options = dict(words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "-o")
calls = here + "calls"
number = len(read(calls).splitlines()) if os.path.exists(calls) else 0
command = next(word for word in words if word in ("backup", "fetch", "status", "list", "user", "kick", "who"))
with open(calls, "a") as file:
    file.write(command + "\n")
listed = read(here + "store/former") if os.path.exists(here + "store/former") else ""
shut = any(line.startswith("aa11bb:") and "tempfail" in line for line in listed.splitlines())
if str(number) == os.environ.get("KILL"):
    os.kill(os.getppid(), 9)
    sys.exit(1)
if command == "user":
    if shut and not os.path.exists(here + "never-shut"):
        print("auth-master: userdb lookup: Auth USER lookup failed", file=sys.stderr)
        sys.exit(75)
elif command == "who":
    print('[{"username": "aa11bb", "service": "lmtp"}]' if os.path.exists(here + "used") else "[]")
elif command == "kick":
    sys.exit(68)
elif command == "backup":
    source = options["mail_path"] + "/messages"
    target = words[-1].partition(":")[2]
    if not os.path.isdir(target):
        os.mkdir(target)
    text = read(source)
    with open(target + "/messages", "w") as file:
        file.write("" if os.path.exists(here + "loses") else text)
    if not shut:
        with open(source, "a") as file:
            file.write(f"INBOX\tb\t{number + 100}\tcame-in\td\t1\t\n")
        sys.exit(2)
else:
    lines = read(options["mail_path"] + "/messages").splitlines()
    if command == "fetch":
        print("mailbox\tmailbox-guid\tuid\tguid\tdate.received\tsize.physical\tflags")
        print("\n".join(lines))
    elif command == "status":
        print("mailbox\tmessages\tuidnext\tuidvalidity\tguid")
        print(f"INBOX\t{len(lines)}\t9\t1\tb")
    elif words[-1] == "-s":
        print("Công văn đến")
"""

SYSTEMCTL = r"""#!/bin/sh
echo "systemctl $*" >> "$FAKE/systemctl"
[ "$1" != reload ] || [ "$(grep -c reload "$FAKE/systemctl")" != "${REFUSED_RELOAD:-0}" ]
"""

# The program itself, with this test's folders; `AFTER` kills it as it has written the list for the n-th time.
IMPORTS = """
import os, pathlib, signal, sys
from hanam_mail.host import convert, convert_mailbox, mail_format
from hanam_mail.host.backup import one_at_a_time
"""
PROGRAM = r"""
here = pathlib.Path(os.environ["FAKE"])
mail_format.FOLDER = here / "store"
mail_format.moment_passed = lambda since: None
convert.CONFIGURATION = here / "dovecot.conf"
convert.SETTINGS, one_at_a_time.LOCK = here / "store.json", here / "lock"
convert_mailbox.PAUSE, convert_mailbox.RESERVE, convert_mailbox.SHORT = 0.0, 0, 60.0
convert_mailbox.PATIENCE = float(os.environ.get("PATIENCE", "60"))
os.geteuid = lambda: 0
if os.environ.get("ROOM"):
    # Dovecot makes a mailbox's folders for whoever asks for room, by what it knew a second ago.
    settle = mail_format.settle
    def settle_and_ask(draft):
        settle(draft)
        (draft.home / ("Maildir" if draft.kind == "sdbox" else "sdbox")).mkdir()
    mail_format.settle = settle_and_ask
write, written = mail_format._change, []
def change(how):
    if os.environ.get("BEFORE") == str(len(written)):
        os.kill(os.getpid(), signal.SIGKILL)
    write(how)
    if os.environ.get("AFTER") == str(len(written)):
        os.kill(os.getpid(), signal.SIGKILL)
    written.append(1)
mail_format._change = change
sys.exit(convert.main())
"""

type Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    with Forked(IMPORTS, PROGRAM, tmp_path_factory.mktemp("program")) as forked:
        yield forked


@pytest.fixture
def run(tmp_path: Path, program: Forked) -> Run:
    for name, text in (("doveadm", DOVEADM), ("systemctl", SYSTEMCTL)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    (tmp_path / "store.json").write_text(json.dumps({"mail_root": str(tmp_path / "mail")}))

    def one(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        variables = os.environ | {"FAKE": str(tmp_path), "PATH": path} | environment
        (tmp_path / "calls").unlink(missing_ok=True)
        return program.run(*words, environment=variables, timeout=60)

    return one


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "mail" / IDENTITY[:2] / IDENTITY
    (path / "Maildir").mkdir(parents=True)
    (path / "Maildir" / "messages").write_text("INBOX\tb\t1\tg1\td\t1\t\\Seen $Khan\nINBOX\tb\t2\tg2\td\t1\t\\Recent\n")
    return path


def listed(tmp_path: Path) -> str:
    return (tmp_path / "store/former").read_text()


def test_the_first_time_homes_with_a_maildir_alone_are_listed_and_dovecot_stops(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "mail/cc/cc22dd/sdbox").mkdir(parents=True)
    (tmp_path / "mail/ee/ee33ff/sieve").mkdir(parents=True)
    (tmp_path / "mail/.replaced/aa11bb.2026/Maildir").mkdir(parents=True)
    assert run("--begin").returncode == 0
    assert [line.split(":")[0] for line in listed(tmp_path).splitlines()] == [IDENTITY]
    assert (tmp_path / "systemctl").read_text() == "systemctl stop dovecot.service\n"
    assert (tmp_path / "store/former.conf").is_symlink()
    # Under the configuration that says sdbox it asks nothing and stops nothing.
    (tmp_path / "dovecot.conf").write_text("x = y\nmail_driver = sdbox\n")
    (tmp_path / "mail/ee/ee33ff/Maildir").mkdir()
    assert run("--begin").stdout == ""
    assert (tmp_path / "systemctl").read_text() == "systemctl stop dovecot.service\n"


def test_what_an_operator_has_put_aside_is_no_mailbox(run: Run, home: Path, tmp_path: Path) -> None:
    (home.parent / f"{IDENTITY}.bak/Maildir").mkdir(parents=True)
    (home.parent / "zz99yy/Maildir").mkdir(parents=True)
    assert run("--begin").returncode == 0
    assert [line.split(":")[0] for line in listed(tmp_path).splitlines()] == [IDENTITY]


def test_after_a_former_release_who_got_a_maildir_there_is_listed_too(run: Run, home: Path, tmp_path: Path) -> None:
    run("--begin")
    (tmp_path / "dovecot.conf").write_text("mail_driver = maildir\n")
    (tmp_path / "mail/ee/ee33ff/Maildir").mkdir(parents=True)
    assert run("--begin").returncode == 0
    assert [line.split(":")[0] for line in listed(tmp_path).splitlines()] == [IDENTITY, "ee33ff"]


@pytest.mark.parametrize("word", ["--begin", "--all", "--back"])
def test_a_mailbox_with_both_is_left_to_a_person(run: Run, home: Path, tmp_path: Path, word: str) -> None:
    """A former release was in force between: one of them has mail that the other has not."""
    if word != "--begin":
        run("--begin")
    if word == "--back":
        assert run("--all").returncode == 0
        (home / "Maildir/new").mkdir(parents=True)
        (home / "Maildir/new/1.M1").touch()
    else:
        (home / "sdbox/mailboxes/INBOX/dbox-Mails").mkdir(parents=True)
        (home / "sdbox/mailboxes/INBOX/dbox-Mails/u.1").touch()
    done = run(*([word] if word != "--back" else [word, IDENTITY]))
    assert done.returncode == (1 if word == "--begin" else 8)
    assert "both Maildir and sdbox" in done.stderr and IDENTITY in done.stderr
    assert (home / "Maildir").is_dir() and (home / "sdbox").is_dir()
    if word == "--begin":
        assert not (tmp_path / "systemctl").exists()


def test_on_a_new_host_nothing_stops(run: Run, tmp_path: Path) -> None:
    assert run("--begin").returncode == 0
    assert not (tmp_path / "systemctl").exists()
    assert not (tmp_path / "store/former.conf").is_symlink()


def test_a_mailbox_is_shut_between_two_passes_and_open_at_the_end(run: Run, home: Path, tmp_path: Path) -> None:
    run("--begin")
    done = run("--all")
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text().split()
    assert calls == ["backup", "user", "kick", "who", "kick", "who", "backup", *["fetch", "status", "list"] * 2]
    # What came in during the first pass is there too.
    assert (home / "sdbox/messages").read_text() == (home / "Maildir.converted/messages").read_text()
    assert not (home / "Maildir").exists()
    assert "came-in" in (home / "sdbox/messages").read_text()
    assert listed(tmp_path) == ""
    # Nobody stands in the list: Dovecot asks it no more.
    assert not (tmp_path / "store/former.conf").is_symlink()
    assert "systemctl reload dovecot.service" in (tmp_path / "systemctl").read_text()


@pytest.mark.parametrize("number", ["1", "2"])
def test_a_dovecot_that_keeps_its_configuration_is_told_of_and_no_mailbox_is_left_shut(
    run: Run, home: Path, tmp_path: Path, number: str
) -> None:
    """As it begins to ask the list nothing is done yet; as it no longer does all is."""
    run("--begin")
    done = run("--all", REFUSED_RELOAD=number)
    assert done.returncode == 1
    assert "Dovecot does not reload its configuration" in done.stderr
    assert "Traceback" not in done.stderr
    assert (home / "sdbox").exists() == (number == "2")
    assert "tempfail" not in listed(tmp_path)


@pytest.mark.parametrize("word", ["loses", "used", "never-shut"])
def test_a_mailbox_stays_in_its_maildir_open_when_anything_is_wrong(
    run: Run, home: Path, tmp_path: Path, word: str
) -> None:
    """A copy that lacks mail, a session that does not end, a mailbox that Dovecot goes on giving out."""
    run("--begin")
    before = listed(tmp_path)
    (tmp_path / word).touch()
    done = run("--all", PATIENCE="60" if word == "loses" else "0.5")
    assert done.returncode == 8
    assert IDENTITY in done.stderr and "Lỗi" in done.stderr and "Error" in done.stderr
    assert listed(tmp_path) == before
    assert not (home / "sdbox").exists()
    (tmp_path / word).unlink()
    assert run("--all").returncode == 0
    assert (home / "sdbox").is_dir()


def whole(home: Path, tmp_path: Path, run: Run) -> None:
    """What is true of a mailbox after a run that was killed, and Dovecot's next start: not lost, and not stale."""
    assert run("--open").returncode == 0
    kind = "Maildir" if listed(tmp_path) else "sdbox"
    assert {path.name for path in home.iterdir()} & {"Maildir", "sdbox"} == {kind}
    assert "g1" in (home / kind / "messages").read_text()
    if kind == "Maildir":
        with (home / kind / "messages").open("a") as file:
            file.write("INBOX\tb\t999\tafter-the-kill\td\t1\t\n")
    done = run("--all")
    assert done.returncode == 0, done.stderr
    assert listed(tmp_path) == ""
    assert (home / "sdbox/messages").read_text() == (home / "Maildir.converted/messages").read_text()
    assert ("after-the-kill" in (home / "sdbox/messages").read_text()) == (kind == "Maildir")


# The first pass, shutting, the last look at sessions, the last pass, the first and the last of the comparison.
@pytest.mark.parametrize("call", [0, 1, 5, 6, 7, 12])
def test_killed_at_a_call_it_goes_on_where_it_was(run: Run, home: Path, tmp_path: Path, call: int) -> None:
    run("--begin")
    assert run("--all", KILL=str(call)).returncode == -signal.SIGKILL
    whole(home, tmp_path, run)


@pytest.mark.parametrize("when", ["BEFORE", "AFTER"])
@pytest.mark.parametrize("write", ["0", "1"])
def test_killed_as_it_writes_the_list_it_goes_on(run: Run, home: Path, tmp_path: Path, when: str, write: str) -> None:
    run("--begin")
    assert run("--all", **{when: write}).returncode == -signal.SIGKILL
    whole(home, tmp_path, run)


def test_folders_that_a_question_for_room_has_made_are_no_mail(run: Run, home: Path, tmp_path: Path) -> None:
    run("--begin")
    # Killed when only the list is missing.
    assert run("--all", ROOM="yes", BEFORE="1").returncode == -signal.SIGKILL
    assert run("--open").returncode == 0
    assert "g1" in (home / "Maildir/messages").read_text()
    assert run("--all", ROOM="yes").returncode == 0
    assert listed(tmp_path) == ""
    assert sorted(path.name for path in home.iterdir()) == ["Maildir.converted", "sdbox"]
    (home / "Maildir").mkdir()
    assert run("--back", IDENTITY, ROOM="yes").returncode == 0
    assert [path.name for path in home.iterdir()] == ["Maildir"]
    assert "g1" in (home / "Maildir/messages").read_text()


def test_what_a_killed_run_left_shut_is_opened_alone_too(run: Run, home: Path, tmp_path: Path) -> None:
    run("--begin")
    before = listed(tmp_path)
    run("--all", KILL="6")
    assert "tempfail" in listed(tmp_path)
    assert "1 are shut" in run("--status").stdout
    assert run("--open").returncode == 0
    assert listed(tmp_path) == before


def test_back_takes_what_has_come_since_and_a_later_conversion_begins_anew(
    run: Run, home: Path, tmp_path: Path
) -> None:
    run("--begin")
    before = listed(tmp_path)
    assert run("--all").returncode == 0
    with (home / "sdbox/messages").open("a") as file:
        file.write("INBOX\tb\t7\tnew\td\t1\t\n")
    assert run("--back", IDENTITY).returncode == 0
    assert listed(tmp_path) == before
    assert (tmp_path / "store/former.conf").is_symlink()
    assert "new" in (home / "Maildir/messages").read_text()
    # Nothing half-made and nothing stale stays.
    assert [path.name for path in home.iterdir()] == ["Maildir"]
    assert run(IDENTITY).returncode == 0
    assert "new" in (home / "sdbox/messages").read_text()


def test_all_go_back_by_one_command(run: Run, home: Path, tmp_path: Path) -> None:
    """Those that were converted, and those that were made since; who lies in a Maildir stays there."""
    run("--begin")
    before = listed(tmp_path)
    assert run("--all").returncode == 0
    assert run("--back-all", IDENTITY).returncode == 2
    done = run("--back-all", "--jobs", "2")
    assert (done.returncode, listed(tmp_path)) == (0, before)
    assert [path.name for path in home.iterdir()] == ["Maildir"]
    again = run("--back-all")
    assert (again.returncode, again.stdout) == (0, "")


# One more before: the mailbox's id is asked for.
@pytest.mark.parametrize("call", [1, 2, 7, 13])
def test_killed_on_the_way_back_nothing_is_lost(run: Run, home: Path, tmp_path: Path, call: int) -> None:
    run("--begin")
    assert run("--all").returncode == 0
    with (home / "sdbox/messages").open("a") as file:
        file.write("INBOX\tb\t7\tnew\td\t1\t\n")
    assert run("--back", IDENTITY, KILL=str(call)).returncode == -signal.SIGKILL
    assert run("--open").returncode == 0
    assert listed(tmp_path) == ""
    assert "new" in (home / "sdbox/messages").read_text()
    assert run("--back", IDENTITY).returncode == 0
    assert "new" in (home / "Maildir/messages").read_text()


def test_an_old_maildir_goes_only_when_its_mailbox_lives_in_sdbox(run: Run, home: Path, tmp_path: Path) -> None:
    run("--begin")
    refused = run("--drop", IDENTITY, "--yes")
    assert refused.returncode == 8
    assert "lies in its Maildir" in refused.stderr
    assert run("--drop", "--yes").returncode == 0
    assert (home / "Maildir").is_dir()
    assert run("--all").returncode == 0
    # Nobody says yes.
    assert run("--drop").returncode == 7
    assert (home / "Maildir.converted").is_dir()
    # What a former release has made since is nobody's old copy.
    (home / "Maildir").mkdir()
    assert run("--drop", "--yes").returncode == 0
    assert not (home / "Maildir.converted").exists()
    assert (home / "Maildir").is_dir()
    assert (home / "sdbox/messages").exists()


def test_a_listed_mailbox_without_mail_leaves_the_list(run: Run, home: Path, tmp_path: Path) -> None:
    """Its data was purged since."""
    run("--begin")
    (home / "Maildir/messages").unlink()
    (home / "Maildir").rmdir()
    assert run("--all").returncode == 0
    assert listed(tmp_path) == ""


def test_nothing_begins_beside_a_restore(run: Run, home: Path, tmp_path: Path) -> None:
    run("--begin")
    words = ["flock", "--no-fork", str(tmp_path / "lock"), "sh", "-c", "echo held; exec sleep 60"]
    holder = subprocess.Popen(words, stdout=subprocess.PIPE)
    try:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        done = run("--all")
        assert done.returncode == 6
        assert "a restore is running" in done.stderr
    finally:
        holder.kill()
        holder.wait()
