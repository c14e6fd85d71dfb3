"""Emergency lock of a mailbox (Đ7.2b, c) in seconds, on all nodes, without a playbook.

    HANAM_INVENTORY=inventory/production.yml pyinfra -y deploys/inventory.py deploys/lock.py \\
        --data address=nguyenvana@hanam.gov.vn --data reason=compromised --data note="gửi thư rác hàng loạt"

It needs a shell and psql on the accounts host and nothing else: no Python there, no Ansible but its inventory here.
The database tells the agents of all nodes, which cut what is open. `document=...` names the paper where there is one;
the reasons are those of regulation_lock_reasons. The lock shows in the next plan until the registry has its event;
a mistake is lifted by `hanam-mail-db correct --of-person`. The inventory (deploys/inventory.py) gives only the accounts
host.
"""

import getpass
import shlex

from pyinfra.context import host
from pyinfra.operations import server

_given = {name: str(host.data.get(name) or "") for name in ("address", "reason", "note", "document")}
_given["actor"] = str(host.data.get("actor") or getpass.getuser())
if not _given["address"] or not _given["reason"] or not (_given["note"] or _given["document"]):
    raise SystemExit("cần --data address=... --data reason=... và --data note=... hoặc --data document=...")

# psql quotes what it is given as a variable. An address without a mailbox is refused.
_statements = r"""
select set_config('hanam.actor', :'actor', false), set_config('hanam.document', :'document', false) \g /dev/null
select case mail.mailbox_lock(mail.resolve(:'address'), :'reason', :'note')
    when true then 'đã tạm khóa ' else 'đã bị khóa từ trước: ' end || :'address';
"""
_psql = shlex.split(
    "runuser -u hanam-mail -- psql -qtAX -v ON_ERROR_STOP=1 -v SHOW_CONTEXT=never -U mail_apply -d mail"
)
_words = [word for name, value in _given.items() for word in ("-v", f"{name}={value}")]

server.shell(
    name=f"Tạm khóa {_given['address']} ({_given['reason']})",
    commands=[f"cd / && printf %s {shlex.quote(_statements)} | {shlex.join(_psql + _words)}"],
    _sudo=True,
)
