"""One place says how long deleted mail is kept and where; mail store, webmail and the programs of backup agree."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from hanam_mail.host.mail_home import DELETED

pytestmark = [pytest.mark.dieu8, pytest.mark.dieu12]


@pytest.mark.parametrize("name", ["lab", "split"])
def test_store_and_webmail_agree_on_days_and_place(environment: Callable[[str], Any], name: str) -> None:
    there = environment(name).with_variables(undelete_days=7, undelete_prefix="#khac/")
    store, webmail = (there.hosts(group)[0] for group in ("mailstore", "webmail"))
    configuration = there.render("dovecot", "dovecot.conf.j2", store)
    unit = there.render("dovecot", "forget-deleted.service.j2", store)
    page = there.render("roundcube", "config.inc.php.j2", webmail)
    assert 'mailbox "#khac/*" savedbefore 7d\n' in unit
    assert "\nExecStart=/usr/local/sbin/hanam-ask-again /usr/bin/doveadm expunge " in unit
    assert "['hanam_deleted_prefix'] = '#khac/'" in page and "['hanam_deleted_days'] = 7;" in page
    assert '\nlazy_expunge_mailbox = "#khac/%{event:mailbox}"\n' in configuration
    assert '\n  prefix = "#khac/"\n' in configuration


def test_more_than_some_quotas_of_it_goes_every_hour(environment: Callable[[str], Any]) -> None:
    there = environment("lab").with_variables(undelete_quotas=5, undelete_prefix="#khac/")
    unit = there.render("dovecot", "bound-deleted.service.j2", "mail")
    least = there.value("dovecot", "dovecot_undelete_least", "mail")
    assert f' bound-deleted "#khac/" 5 {least}\n' in unit
    assert "\nExecStart=/usr/local/sbin/hanam-ask-again /usr/bin/python3 -I " in unit
    assert "\nOnCalendar=hourly\n" in there.render("dovecot", "bound-deleted.timer.j2", "mail")


def test_within_its_namespace_each_folder_is_its_own_place(environment: Callable[[str], Any]) -> None:
    """With none the plugin loses every second message that one command expunges."""
    text = environment("lab").render("dovecot", "dovecot.conf.j2", "mail")
    (namespace,) = re.findall(r"^namespace deleted \{\n(.*?)^\}", text, re.M | re.S)
    settings = dict(re.findall(r"^  (\w+) = ?(.*)$", namespace, re.M))
    assert settings["lazy_expunge_mailbox"] == "%{event:mailbox}"
    assert settings["mail_path"] == f"~/{DELETED}"
    assert (settings["list"], settings["hidden"], settings["quota_ignore"], settings["fts_autoindex"]) == (
        "no", "yes", "yes", "no",
    )  # fmt: skip


def test_a_host_that_only_signs_in_keeps_nothing(environment: Callable[[str], Any]) -> None:
    there = environment("split")
    (host, *_) = [each for each in there.hosts("submission") if each not in there.hosts("mailstore")]
    assert "lazy_expunge" not in there.render("dovecot", "dovecot.conf.j2", host)
