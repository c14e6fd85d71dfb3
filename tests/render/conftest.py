"""Every template rendered offline, with Ansible's own templating, the real group_vars and the roles' defaults.

Secrets are made for the occasion, facts are those of an empty Debian 13.
"""

import os
from collections.abc import Callable
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
os.environ["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")

from ansible._internal._templating import _jinja_bits  # noqa: E402 - reads ANSIBLE_CONFIG when imported
from ansible.inventory.manager import InventoryManager  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.plugins.loader import init_plugin_loader  # noqa: E402
from ansible.template import Templar, trust_as_template  # noqa: E402
from ansible.vars.hostvars import HostVars  # noqa: E402
from ansible.vars.manager import VariableManager  # noqa: E402

from hanam_mail.controller import vault_file  # noqa: E402

FACTS = {
    "ansible_facts": {"distribution": "Debian", "distribution_release": "trixie"},
    "ansible_check_mode": False,
}

# All that a template's compiled form depends on besides its text.
_SETTINGS = (
    "block_start_string", "block_end_string", "variable_start_string", "variable_end_string", "comment_start_string",
    "comment_end_string", "line_statement_prefix", "line_comment_prefix", "trim_blocks", "lstrip_blocks",
    "newline_sequence", "keep_trailing_newline",
)  # fmt: skip
_compile = _jinja_bits.AnsibleEnvironment.compile
_compiled: dict[tuple[object, ...], Any] = {}


def _compile_once(self: Any, source: Any, *more: Any, **named: Any) -> Any:
    """Most texts are met by many hosts, roles and topologies; Ansible compiles a text anew for each of them."""
    if more or named or not isinstance(source, str):
        return _compile(self, source, *more, **named)
    context = _jinja_bits._TemplateCompileContext.current(optional=True)
    escapes = context is not None and context.escape_backslashes
    key = (type(self), str(source), escapes, *(getattr(self, setting) for setting in _SETTINGS))
    if key not in _compiled:
        _compiled[key] = _compile(self, source)
    return _compiled[key]


_jinja_bits.AnsibleEnvironment.compile = _compile_once

Render = Callable[..., str]


LABS = ("lab", "split")
ENVIRONMENTS = (*LABS, "staging", "production")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], "Environment"]:
    """A topology by the name of its inventory file: lab, split, staging, production."""
    folder = tmp_path_factory.getbasetemp() / "environments"
    folder.mkdir(exist_ok=True)
    return environments(folder)


@cache
def environments(folder: Path) -> Callable[[str], "Environment"]:
    """The same outside of a test; what has to lie in files is in `folder`, and who names it again gets the same."""

    @cache
    def vault(*names: str) -> dict[str, Any]:
        path = folder / f"vault-{names[0]}.yml"
        options = [f"--inventory={ROOT / 'inventory' / name}.yml" for name in names]
        if names != LABS:
            facts = yaml.safe_load((ROOT / f"group_vars/{names[0]}/main.yml").read_text())
            domain = facts.get("mail_domain", "hanam.gov.vn")
            options += ["--profile=production", f"--domain={domain}"]
        assert vault_file.main(["--output", str(path), f"--mailboxes={ROOT / 'mailboxes'}", *options]) == 0
        return dict(yaml.safe_load(path.read_text()))

    @cache
    def of(name: str) -> Environment:
        if name in LABS:
            return Environment(name, folder, vault(*LABS))
        # What every environment adds by itself: there is no default on purpose.
        return Environment(name, folder, vault(name) | {"mailboxes_operator_keys": ["age1" + "q" * 58]})

    return of


# One for all: what a file holds is kept, and every topology has the same group_vars and roles.
_LOADER = DataLoader()


class Variables(VariableManager):  # type: ignore[misc]
    """A host's variables, put together once: each role and each look at another host asks for them anew."""

    def __init__(self, extra_vars: dict[str, Any], **given: Any) -> None:
        super().__init__(**given)
        self._extra_vars = extra_vars  # as -e @vault.yml would
        self._known: dict[tuple[str, bool], dict[str, Any]] = {}

    def get_vars(self, *, host: Any, include_hostvars: bool = True, **_: Any) -> dict[str, Any]:
        key = (host.name, include_hostvars)
        if key not in self._known:
            self._known[key] = super().get_vars(host=host, include_hostvars=include_hostvars)
        return dict(self._known[key])


class Environment:
    """One inventory with what the lab driver or the data centre would add to it.

    What was templated once is kept: it is the same for every test, and none may change it.
    """

    def __init__(self, name: str, folder: Path, vault: dict[str, Any]) -> None:
        init_plugin_loader()
        sources = [str(ROOT / f"inventory/{name}.yml")]
        hosts = {
            host for body in yaml.safe_load(Path(sources[0]).read_text()).values() for host in body.get("hosts", {})
        }
        if name in LABS:
            addresses = {
                host: {"host_ipv4": f"10.27.0.{10 + number}", "host_ipv6": f"fd27::{10 + number}"}
                for number, host in enumerate(sorted(hosts))
            }
            shared = {"lab_name": name, "lab_network_ipv4": "10.27.0.0/24", "lab_network_ipv6": "fd27::/64"}
            extra = folder / f"{name}.yml"
            extra.write_text(yaml.safe_dump({"all": {"vars": shared, "hosts": addresses}}))
            sources.append(str(extra))
        loader = self.loader = _LOADER
        self.inventory = InventoryManager(loader=loader, sources=sources)
        self.variables = Variables(vault, loader=loader, inventory=self.inventory)
        self.known: dict[tuple[Any, ...], Any] = {}

    def hosts(self, pattern: str) -> list[str]:
        """Names of the hosts that a playbook's `hosts:` line means."""
        return [host.name for host in self.inventory.list_hosts(pattern)]

    def once[T](self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What `make` gave the first time that it was asked for under this key."""
        if key not in self.known:
            self.known[key] = make()
        return self.known[key]  # type: ignore[no-any-return]

    def templar(self, role: str, host: str) -> Templar:
        """Templating as a task of `role` on `host` sees it."""
        return self.once(("templar", role, host), lambda: self._templar(role, host))

    def _templar(self, role: str, host: str) -> Templar:
        variables = self.variables.get_vars(host=self.inventory.get_host(host), include_hostvars=True)
        values: dict[str, Any] = dict(variables)
        for part in ("defaults", "vars"):
            path = ROOT / "roles" / role / part / "main.yml"
            if path.exists():
                part_values = self.loader.load_from_file(str(path), trusted_as_template=True) or {}
                values = values | part_values if part == "vars" else part_values | values
        managed = {
            "ansible_managed": "Ansible managed",
            "role_path": str(ROOT / "roles" / role),
            "hostvars": HostVars(self.inventory, self.variables, self.loader),
        }
        return Templar(loader=self.loader, variables=values | FACTS | managed)

    def with_variables(self, **more: Any) -> "Environment":
        """The same environment with other facts."""
        other = copy(self)
        other.variables = Variables(self.variables._extra_vars | more, loader=self.loader, inventory=self.inventory)
        other.known = {}
        return other

    def items(self, role: str, template: str) -> list[dict[str, Any]]:
        """The rows of the role's lists that a loop gives this template; one empty row when it is in none."""
        rows = [row for row in _listed(role) if "loop" not in row and template in (row.get("src"), row.get("source"))]
        return rows or [{}]

    def render(self, role: str, template: str, host: str, item: dict[str, Any] | None = None) -> str:
        """The text of a role's template for a host, for one row of the loop that writes it."""
        row = item or self.items(role, template)[0]
        return self.once(("text", role, template, host, repr(row)), lambda: self._render(role, template, host, row))

    def _render(self, role: str, template: str, host: str, row: dict[str, Any]) -> str:
        trusted = {key: trust_as_template(value) if isinstance(value, str) else value for key, value in row.items()}
        templar = self.templar(role, host)
        path = ROOT / "roles" / role / "templates" / template
        # As plugins/action/role_files.py does it.
        of_row = templar.copy_with_new_env(
            available_variables=templar.available_variables | {"item": trusted},
            searchpath=[str(path.parent), str(ROOT / "templates")],
        )
        return str(of_row.template(trust_as_template(path.read_text()), escape_backslashes=False))

    def value(self, role: str, expression: str, host: str) -> Any:
        """What a Jinja expression is worth to a role on a host."""
        template = trust_as_template("{{ " + expression + " }}")
        return self.once(("value", role, host, expression), lambda: self.templar(role, host).template(template))


@cache
def _listed(role: str) -> list[dict[str, Any]]:
    """The rows of all lists of a role, as they are written."""
    lists = yaml.safe_load((ROOT / "roles" / role / "vars/main.yml").read_text()).values()
    return [row for value in lists if isinstance(value, list) for row in value if isinstance(row, dict)]
