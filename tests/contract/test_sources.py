"""One fact, one place: ports, shared paths and sizes stand in files of their own; the rest refers to them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hanam_mail.host import places
from tests.contract.test_roles import ROLES, ROOT

SHARED = ROOT / "group_vars/all"
WIRING = sorted((SHARED / "wiring").glob("*.yml"))
PORTS = yaml.safe_load((SHARED / "ports.yml").read_text(encoding="utf-8"))["ports"]


def settled(facts: dict[str, Any]) -> dict[str, str]:
    """The facts as hosts see them: one may name another of the same file."""

    def of(name: str) -> str:
        return re.sub(r"{{ (\w+) }}", lambda other: of(other[1]), str(facts[name]))

    return {name: of(name) for name in facts}


PATHS = settled(yaml.safe_load((SHARED / "paths.yml").read_text(encoding="utf-8")))
# The world fixes these: resolv.conf knows no other port of a name server.
FIXED = {53}


def scalars(value: Any) -> Iterator[Any]:
    """What stands in the leaves of a value."""
    if isinstance(value, dict):
        for each in value.values():
            yield from scalars(each)
    elif isinstance(value, list):
        for each in value:
            yield from scalars(each)
    else:
        yield value


def uncommented(path: Path) -> str:
    """The file without comments, which may name a port or a path."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line for line in lines if not re.match(r"\s*(#|//|;|--|/\*|\*)", line))


# No text and no address: pairs as a connection's (dbname=mail), schemes of URLs, Ansible's own names.
FORMS = r"\b\w+=\w*|https://|ansible\.builtin\.\w+"
# Words for people stand beside blanks, and so does what a key is derived of; names have none.
TEXT = r"[A-Za-z]{2,}[^\w\s]*\s|\s[^\w\s]*[A-Za-z]{2,}"
# A local part of an address, or a label of a name, that the domain follows.
ADDRESS = r"[A-Za-z][\w-]*(?:@|\.(?![a-z]))"


def literals(value: str) -> list[str]:
    """What a value says by itself: numbers, paths, addresses, words for people. 0 and 1 count.

    Names are no facts, they refer or choose: of groups, hosts' variables, units, users and roles of the database,
    sockets and queues within Postfix' own folder, folders of IMAP, commands and their options, values of a setting.
    """
    expressions = re.findall(r"{{.*?}}|{%.*?%}", value, re.DOTALL)
    around = re.sub(r"{{.*?}}|{%.*?%}", "{}", value, flags=re.DOTALL)
    quoted = [re.sub(FORMS, "", text) for text in re.findall(r"'([^']*)'", " ".join(expressions))]
    bare = re.sub(r"'[^']*'", "", " ".join(expressions))
    outer = re.sub(FORMS, "", around)
    found = re.findall(rf"\d+|[^\x00-\x7f]+|{TEXT}|{ADDRESS}", outer)
    found += [
        text for text in quoted if re.match(r"/[a-z]", text) or re.search(rf"[^\x00-\x7f]|{TEXT}|{ADDRESS}", text)
    ]
    found += [text for text in quoted if re.search(r"(?<![A-Za-z\d])\d", text)]
    return found + [number for number in re.findall(r"(?<![\w.])\d+(?![\w.])", bare) if number not in "01"]


# As each of them stood in the wiring, or might.
@pytest.mark.parametrize(
    "value",
    [
        "Ho tro / help: {{ support_email }}", "{{ limit }} MB in all", "{{ 'Chưa mở' if closed else '' }}",
        "{{ 'closed for now' if closed else '' }}", "{{ ('login ' ~ secret) | hash('sha256') }}",
        "noreply@{{ mail_domain }}", "{{ 'noreply@' ~ mail_domain }}", "mta-sts.{{ mail_domain }}",
        "{{ 'mta-sts.' ~ mail_domain }}", "{{ '127.0.0.1' if here else there }}", "{{ ['127.0.0.0/8'] + others }}",
        "{{ ['::1'] + others }}", "{{ all | product(['/32']) }}", "{{ 'inet:127.0.0.1:' ~ port_numbers.milter }}",
        "{{ '/run/clamav/clamd.ctl' if here else '' }}", "{{ seconds + 3 * more }}", "{{ name }}:993",
    ],
)  # fmt: skip
def test_a_literal_is_seen(value: str) -> None:
    assert literals(value) != []


@pytest.mark.parametrize("path", WIRING, ids=lambda path: path.stem)
def test_wiring_refers_to_facts_and_holds_none(path: Path) -> None:
    role = ROOT / "roles" / path.stem
    assert role.is_dir(), "a file of wiring is named after its role"
    for name, value in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        for scalar in scalars(value):
            assert isinstance(scalar, str), f"{name}: {scalar!r}"
            assert literals(scalar) == [], name
            assert re.search(r"{{", scalar), f"{name}: {scalar!r} is a fact"


def read() -> list[Path]:
    """What may use a port or a path: roles, playbooks and the group's variables, but for their sources."""
    roles = [role for role in ROLES if not role.name.startswith("lab_")]  # the world outside has paths of its own
    files = [path for role in roles for path in role.rglob("*") if path.is_file() and path.parent.name != "meta"]
    files += [*(ROOT / "playbooks").glob("*.yml"), *SHARED.rglob("*.yml")]
    return [path for path in files if path.suffix != ".py" and path not in (SHARED / "ports.yml", SHARED / "paths.yml")]


def test_ports_stand_in_the_table_of_ports_alone() -> None:
    numbers = "|".join(str(number) for number in sorted({row["port"] for row in PORTS} - FIXED))
    # As configurations write them: listen 443, port = 993, 127.0.0.1:25, [::]:80, -p 22.
    pattern = re.compile(
        rf"(?:\blisten(?:_port)?\b|[Pp]ort'?\b)\s*(?:=>|[=:])?\s*(?:\[::\]:)?['\"]?({numbers})\b"
        rf"|(?:[\]\w}}']):({numbers})\b(?![:.\d])"
    )
    found = {
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in read()
        for match in pattern.finditer(uncommented(path))
    }
    assert found == set()


def programs() -> list[Path]:
    """What may need a path and is given it: all code but the one module that has the list's paths for the commands."""
    folders = (ROOT / name for name in ("src", "plugins", "deploys"))
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in {".py", ".sql"}]
    assert len(files) > 300
    return [path for path in files if path != Path(places.__file__)]


def test_commands_look_where_the_list_of_paths_says() -> None:
    known = {name: value for name, value in vars(places).items() if name.isupper()}
    assert {name: str(value) for name, value in known.items()} == {name: PATHS[name.lower()] for name in known}


# A unit hides keys from its processes by their places, which it cannot be given as an input.
HIDDEN = re.compile(r"(?m)^(InaccessiblePaths|ReadWritePaths|ReadOnlyPaths|BindPaths|BindReadOnlyPaths)=.*$")
# What systemd makes for a unit is named without the folder that it lies in.
OF_UNITS = {"StateDirectory=": "/var/lib", "%S/": "/var/lib", "RuntimeDirectory=": "/run", "%t/": "/run"}


def places_in(path: Path) -> str:
    """The file's text with each place by its whole path, and without what it hides."""
    text = HIDDEN.sub("", uncommented(path))
    return re.sub(r"(?<!\w)(StateDirectory=|RuntimeDirectory=|%S/|%t/)(?=\w)", lambda at: f"{OF_UNITS[at[1]]}/", text)


def test_shared_paths_stand_in_the_list_of_paths_alone() -> None:
    paths = {value for value in PATHS.values() if value.startswith("/")}
    found = {
        f"{path.relative_to(ROOT)}: {each}"
        for path in [*read(), *programs()]
        if (text := places_in(path))
        for each in paths
        if each in text and re.search(rf"(?<![\w/.-]){re.escape(each)}(?![\w-])", text)
    }
    found |= {str(path.relative_to(ROOT)) for path in read() if PATHS["findings_name"] in uncommented(path)}
    assert found == set()


# Where sockets, our settings and data lie. What role nginx gives all sites to include stands in its specification.
OURS = re.compile(r"(?<![\w/.}-])/(?:run|etc/hanam-mail|var/lib|srv)/[\w.-][\w./-]*")
# The home of the system user hanam-mail, in which roles have folders of their own.
HOMES = {"/var/lib/hanam-mail"}


def writers() -> dict[str, set[str]]:
    """Who writes each path out: a role, a playbook, a file of the facts, the programs."""
    found: dict[str, set[str]] = {}
    for path in [*read(), *programs()]:
        top, name, *_ = path.relative_to(ROOT).parts
        writer = f"{top}/{name}" if top == "roles" else top if path.suffix in {".py", ".sql"} else path.name
        for place in OURS.findall(places_in(path)):
            found.setdefault(place.rstrip("./"), set()).add(writer)
    return found


def test_a_path_of_two_stands_in_the_list_of_paths() -> None:
    """Who writes a path that another writes already hears it here; so does who writes one below another's folder."""
    written = writers()
    shared = {}
    for path in set(written) - HOMES:
        who = {each for place in written if f"{place}/".startswith(f"{path}/") for each in written[place]}
        # A program looks where its own role puts its files.
        roles = {each for each in who if each.startswith("roles/")}
        if len(who) > 1 and (len(roles) > 1 or who - roles != {"src"}):
            shared[path] = sorted(who)
    assert shared == {}
