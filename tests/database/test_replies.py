"""What the accounts database lets Postfix and Dovecot reply: ASCII, in two languages."""

import pytest

from tests.contract.test_refusals import fault
from tests.database.databases import Database
from tests.database.world import WORLD, query

LOCK = "select mail.mailbox_lock('test1person', '{0}', '');"
CREDENTIAL = "update mail.credential set {0} where mailbox_id = 'test1person';"
STATE = "mail.state_reason('test1person')"


@pytest.mark.parametrize(
    ("world", "asked"),
    [
        ("", "mail.postfix_revoked('test.socu@' || mail.setting_text('mail_domain'))"),
        ("", "mail.sending_text('hour')"),
        ("", "mail.sending_text('day')"),
        ("", "mail.state_reason('test3closed')"),
        *((LOCK.format(reason), STATE) for reason in ("idle", "compromised", "forbidden_use", "default_password")),
        (CREDENTIAL.format("must_change = true, is_default = true"), STATE),
        (CREDENTIAL.format("changed_at = now() - interval '1 year'"), STATE),
        ("", "mail.second_factor_reason('on')"),
        ("", "mail.second_factor_reason('required')"),
        ("", "mail.second_key_reason('scope')"),
        ("", "mail.second_key_reason('gone')"),
        ("", "mail.collector_reason()"),
        ("", "mail.collector_put_off_reason()"),
    ],
)
def test_a_reply_is_ascii_and_in_two_languages(database: Database, world: str, asked: str) -> None:
    assert fault(query(database, f"select {asked}", world=WORLD + world)) == ""
