"""A new mailbox has its folders before anybody comes: two who open one at once would lock each other out."""

import shlex
from pathlib import Path

import pytest

from tests.lab import Lab
from tests.people import People

_FIRST_VISIT = Path(__file__).with_name("first_visit.py")
MAILBOXES = 40


@pytest.mark.neighbours
def test_a_new_mailbox_has_its_folders_before_its_first_message_and_session_come(lab: Lab, people: People) -> None:
    folders = sorted(["INBOX", *lab.variables["mail_folders"]])
    new = [people.take().mailbox for _ in range(MAILBOXES)]
    homes = [f"{lab.variables['mail_root']}/{mailbox[:2]}/{mailbox}/sdbox" for mailbox in new]
    for home in homes:
        made = lab.run("mailstore", f"ls {home}/mailboxes; echo; tail -n +3 {home}/subscriptions").split("\n\n")
        assert [sorted(part.split()) for part in made] == [folders, folders], home
        # Without them a session that searches while the first message is being indexed dies.
        places = lab.run("mailstore", f"cd {home}/mailboxes && stat -c '%U %a %n' */dbox-Mails/fts-flatcurve")
        assert sorted(places.splitlines()) == [f"vmail 700 {folder}/dbox-Mails/fts-flatcurve" for folder in folders]
    program = shlex.quote(_FIRST_VISIT.read_text())
    answer = lab.run("mailstore", f"python3 -c {program} {' '.join(new)}")
    assert answer.splitlines() == [f"{mailbox} ['250'] ['OK']" for mailbox in new]
