"""A small world of accounts for statements in a transaction that is rolled back."""

import pytest

from tests.database.databases import Database, StatementError

PASSWORD = "Mat-khau-thu-1!"
# A person, an agency's mailbox he is the clerk of, a mailbox that had a password and was closed.
WORLD = f"""
    insert into mail.agency values ('test0agency', 'department', 'Sở Thử', 'test.so');
    insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state) values
        ('test1person', 'person', 'test0agency', 'Nguyễn Khắc Thử', 0, 2000000000, 'active'),
        ('test2agency', 'agency', 'test0agency', 'Sở Thử', 0, 10000000000, 'active'),
        ('test3closed', 'agency', 'test0agency', 'Sở Cũ', 0, 10000000000, 'active');
    insert into mail.mailbox_clerk values ('test2agency', 'test1person');
    insert into mail.address (local_part, mailbox_id, kind, valid_until) values
        ('test.nguoi', 'test1person', 'primary', null),
        ('test.nguoi.cu', 'test1person', 'alias', current_date),
        ('test.nguoi.hong', 'test1person', 'alias', current_date - 1),
        ('test.so', 'test2agency', 'primary', null),
        ('test.socu', 'test3closed', 'primary', null);
    select mail.password_set('test1person', '{PASSWORD}', false, false);
    select mail.password_set('test3closed', '{PASSWORD}', false, false);
    update mail.mailbox set state = 'revoked' where id = 'test3closed';
"""


def query(database: Database, statements: str, *, world: str = WORLD, role: str = "postgres") -> str:
    """Run statements after building the world, roll back, and return what they printed."""
    shown = database.run(f"begin; {world} select '--'; {statements}; rollback;", role)
    return shown.rpartition("--\n")[2].strip()


def refused(database: Database, statements: str, *, world: str = WORLD, role: str = "postgres") -> str:
    """The same for statements that must fail; returns the complaint."""
    with pytest.raises(StatementError) as complaint:
        query(database, statements, world=world, role=role)
    return str(complaint.value)


def quoted(text: str) -> str:
    """An SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def login(name: str, password: str = PASSWORD, protocol: str = "imap", address: str = "192.0.2.1") -> str:
    """The statement that Dovecot asks."""
    return f"select * from mail.dovecot_passdb({quoted(name)}, {quoted(password)}, '{protocol}', 993, '{address}')"
