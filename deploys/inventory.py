"""The accounts host for pyinfra, out of Ansible's own inventory: HANAM_INVENTORY names its files, separated by ":".

Variables of groups are left out, so that no vault has to be opened.
"""

import json
import os
import re
import subprocess
import sys

_files = os.environ.get("HANAM_INVENTORY", "inventory/production.yml").split(":")
_list = subprocess.run(
    [sys.executable, "-m", "ansible", "inventory", "--list", *(word for file in _files for word in ("-i", file))],
    env=os.environ | {"ANSIBLE_VARS_ENABLED": "none"},
    capture_output=True,
    text=True,
    check=True,
)
_found = json.loads(_list.stdout)


def _connection(name: str) -> tuple[str, dict[str, object]]:
    given = _found["_meta"]["hostvars"].get(name, {})
    names = {"ansible_host": "ssh_hostname", "ansible_user": "ssh_user", "ansible_ssh_private_key_file": "ssh_key"}
    data: dict[str, object] = {ours: given[theirs] for theirs, ours in names.items() if theirs in given}
    known_hosts = re.search(r"UserKnownHostsFile=(\S+)", given.get("ansible_ssh_common_args", ""))
    if known_hosts:
        data["ssh_known_hosts_file"] = known_hosts[1]
    return name, {**data, "ssh_strict_host_key_checking": "yes"}


accounts = [_connection(name) for name in _found["accounts"]["hosts"][:1]]
