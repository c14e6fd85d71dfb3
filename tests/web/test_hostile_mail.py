"""Hostile mail in a real browser: nothing of it runs, nothing calls home, nothing is mistaken for ours unsaid."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests import journal
from tests.lab import Lab
from tests.mail.http_doors import Browser
from tests.people import People
from tests.web import browser, hostile_mail, hostile_visit
from tests.web.hostile_visit import Seen
from tests.web.pages import Webmail

pytestmark = [pytest.mark.dieu4, pytest.mark.provokes(journal.HOSTILE_PAGES)]

EDITED = [
    "handlers", "links-script", "svg-script", "svg-animate", "mathml", "mutation-style", "mutation-noscript",
    "mutation-text", "mutation-comment", "attribute-breaks", "styles", "pictures", "headers", "plain",
]  # fmt: skip

# How the webmail may be told to bring a stylesheet itself, of what a message names: query and form.
# PHP reads a dot as "_" and the last of two; Roundcube drops tags and what is no letter.
BRING = "_task=utils&_action=modcss&_u={key}&_c=message-htmlpart1&_p=v1"
SPELLINGS: dict[str, tuple[str, dict[str, str | bytes] | None]] = {
    "as pages do": (BRING, None),
    "another order": ("_u={key}&_p=v1&_action=modcss&_task=utils", None),
    "escapes": ("%5ftask=%75tils&_%61ction=modcs%73&_u={key}", None),
    "dots": (".task=utils&.action=modcss&_u={key}", None),
    "twice": ("_task=mail&_action=show&_task=utils&_action=modcss&_u={key}", None),
    "tags": ("_task=utils&_action=<b>mod</b>css&_u={key}", None),
    "odd letters": ("_task=u/t/i/l/s&_action=mod:css&_u={key}", None),
    "framed": (BRING + "&_framed=1", None),
    "remote": (BRING + "&_remote=1", None),
    "a form": ("_u={key}", {"_task": "utils", "_action": "modcss"}),
    "a form over another query": ("_task=mail&_action=show&_u={key}", {"_task": "utils", "_action": "modcss"}),
    "half a form": ("_task=utils&_u={key}", {"_action": "modcss"}),
}


@dataclass
class Told:
    """What the browser and its log of the network tell."""

    seen: Seen
    before: set[str]
    """Of which messages a server was asked for something before that was allowed, and afterwards."""
    after: set[str]


@pytest.fixture(scope="module")
def told(lab: Lab, people: People, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """One browser that visits all of it, in every way in which people look at mail."""
    home = tmp_path_factory.mktemp("hostile")
    name, log = f"mail.{lab.variables['mail_domain']}", home / "network.json"
    browser.trust(home, lab.variables["vault_public_ca"])
    driver = browser.start(home, name, lab.address("webmail"), log)
    try:
        visit = hostile_visit.Visit(Webmail(driver, name), lab, people.take())
        visit.previews()
        visit.windows()
        visit.printing()
        visit.attachments()
        visit.replies(EDITED)
        visit.names()
        visit.allow()
        visit.follow()
    finally:
        driver.quit()
    asked = list(hostile_visit.asked(log))
    assert asked, "the log saw nothing of what was allowed"
    limit = visit.seen.allowed_at
    yield Told(visit.seen, {who for when, who in asked if when < limit}, {who for when, who in asked if when >= limit})


def test_no_message_runs_a_script_sends_a_form_or_covers_the_pages_own_controls(told: Told) -> None:
    assert told.seen.faults == {}
    assert min(told.seen.controls.values()) > 5


def test_nothing_is_asked_of_a_strangers_server_unless_the_person_allows_it(told: Told) -> None:
    assert told.before == set()
    assert {"pictures", "media"} <= told.seen.offered
    # What the log would have told.
    assert {"pictures", "media", "anh-xa-html"} <= told.after
    # Where a button of the mouse is pressed on a link, the browser may look its name up.
    assert told.after <= {*told.seen.offered, "anh-xa-html", hostile_visit.FOLLOWED}


def test_links_that_are_not_what_they_seem_are_told_with_where_they_lead(told: Told) -> None:
    expected = hostile_mail.warned()
    wrong = {
        name: told.seen.warned[name]
        for name, host in expected.items()
        if (f"Liên kết này dẫn tới {host}" not in told.seen.warned[name] if host else told.seen.warned[name])
    }
    assert wrong == {}
    assert f"hides-warnings.{hostile_mail.STRANGER}" in told.seen.warned["hides-warnings"]
    for said in (told.seen.warned[hostile_visit.PRINTED], told.seen.printed):
        assert "không bao giờ hỏi mật khẩu qua thư" in said
        assert f"Liên kết này dẫn tới {hostile_visit.PRINTED}.{hostile_mail.STRANGER}" in said


def test_whoever_follows_such_a_link_is_asked_before_a_window_opens(told: Told) -> None:
    # That no window was opened is among the faults above.
    assert set(told.seen.questions) == {"left", "middle"}
    for question in told.seen.questions.values():
        assert f"Liên kết này dẫn tới {hostile_visit.FOLLOWED}.{hostile_mail.STRANGER}" in question
        assert "Vẫn mở" in question


def test_an_attachment_that_is_opened_is_confined_or_plain_text(told: Told) -> None:
    policies = {name: headers["content-security-policy"] for name, headers in told.seen.headers.items()}
    loose = {
        name: policy
        for name, policy in policies.items()
        if ("sandbox" not in policy or "script-src 'none'" not in policy)
        and name != hostile_visit.ASKING
        and "pdf" not in told.seen.headers[name]["content-type"]
    }
    assert loose == {}
    # Its button for pictures runs, and no other script.
    policy = policies[hostile_visit.ASKING]
    assert "script-src 'unsafe-hashes' 'sha256-" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


def test_the_webmail_brings_no_stylesheet_of_a_strangers_server_however_it_is_asked(lab: Lab, people: People) -> None:
    person, visitor = people.take(), Browser(lab)
    head = "From: a@ngoai.example\r\nSubject: Mau\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    with lab.imap(person.address, person.password) as client:
        for number in range(len(SPELLINGS)):
            page = f"<link rel=stylesheet href=http://mau.{hostile_mail.STRANGER}/{number}.css><p>Kính gửi</p>"
            assert client.append("INBOX", "", "", (head + page).encode())[0] == "OK"
    visitor.log_in(person.address, person.password)
    answered = {}
    for number, (how, (query, form)) in enumerate(SPELLINGS.items(), 1):
        shown = visitor.ask(f"/?_task=mail&_mbox=INBOX&_uid={number}&_action=show&_safe=1").body
        assert "<p>Kính gửi</p>" in shown
        key, token = (
            re.findall(pattern, shown)[0]
            for pattern in (r"_action=modcss&(?:amp;)?_u=([\w.-]+)", r'"request_token":"(\w+)"')
        )
        fields = form and {"_token": token, **form}
        answered[how] = visitor.ask("/?" + query.format(key=key), fields).status
    assert answered == dict.fromkeys(SPELLINGS, 403)
