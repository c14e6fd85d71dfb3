"""What people are told of mail that was not delivered: Postfix's own templates, in Vietnamese and English."""

import re
from collections.abc import Callable
from email.header import decode_header, make_header
from typing import Any

import pytest

from tests.render.conftest import ENVIRONMENTS

# bounce(5): what a template may say of the time that is left, and of the system itself.
PARAMETERS = {"$mydomain", "$delay_warning_time_hours", "$maximal_queue_lifetime_days"}
SUBJECTS = {"failure": "Thư không gửi được", "delay": "Thư gửi chậm", "success": "Thư đã gửi tới"}


def templates(text: str) -> dict[str, tuple[dict[str, str], str]]:
    """By kind: the fields of its head, and its text."""
    found: dict[str, tuple[dict[str, str], str]] = {}
    for kind, whole in re.findall(r"^(\w+)_template = <<EOF\n(.*?)^EOF$", text, re.MULTILINE | re.DOTALL):
        head, _, body = whole.partition("\n\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        found[kind] = fields, body
    return found


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_notices_are_vietnamese_and_english_in_the_form_that_postfix_takes(
    environment: Callable[[str], Any], topology: str
) -> None:
    here = environment(topology)
    for host in {*here.hosts("mx"), *here.hosts("submission")}:
        found = templates(here.render("postfix", "bounce.cf.j2", host))
        assert set(found) == set(SUBJECTS)
        for kind, (fields, body) in found.items():
            # One line of ASCII each, or Postfix falls back to its own English text.
            assert fields["Charset"] == "utf-8"
            assert all(value.isascii() and len(value) < 200 for value in fields.values())
            vietnamese, _, english = str(make_header(decode_header(fields["Subject"]))).partition(" / ")
            assert vietnamese == SUBJECTS[kind]
            assert english.isascii()
            assert english
            assert "hư của ông (bà)" in body
            assert re.search("^Your message ", body, re.MULTILINE)
            assert set(re.findall(r"\$[\w$]*", body)) <= PARAMETERS
            assert max(map(len, body.splitlines())) <= 100
            # Whom to ask (Đ10.8).
            assert here.value("postfix", "support_email", host) in body
            assert body.endswith("\n")
            assert "\n\n\n" not in body
