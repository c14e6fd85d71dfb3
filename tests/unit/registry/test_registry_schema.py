"""The JSON Schemas that editors check the registry by while it is typed: they say what entries.py reads."""

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from tests.unit.registry_world import FILES, ROOT, RULE_BOOK

from hanam_mail.errors import Problem
from hanam_mail.host.database import schema
from hanam_mail.registry import entries, events, sizes
from hanam_mail.registry.fields import Fields, document
from hanam_mail.registry.model import AgencyKind, MailboxKind
from hanam_mail.registry.requests import RequestKind, Result

AGENCY = json.loads((ROOT / "schemas/agency.schema.json").read_text(encoding="utf-8"))
REQUESTS = json.loads((ROOT / "schemas/requests.schema.json").read_text(encoding="utf-8"))
MAILBOX = AGENCY["$defs"]["mailbox"]["properties"]


class _Loader(yaml.SafeLoader):
    """YAML as editors read it: dates are texts."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def faults(schema: dict[str, Any], text: str) -> list[str]:
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(yaml.load(text, Loader=_Loader))]  # noqa: S506


def asked_for(read: Callable[[Fields], object]) -> set[str]:
    """The names of the fields that a reader asks for."""
    fields = document("{}", "x.yml", problems := list[Problem]())
    assert fields is not None, problems
    read(fields)
    return fields.asked


@pytest.mark.parametrize("schema", [AGENCY, REQUESTS])
def test_the_schemas_are_schemas(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("file", sorted((ROOT / "mailboxes").rglob("*.yml")), ids=lambda file: str(file.name))
def test_the_registry_in_git_fits_its_schema(file: Path) -> None:
    schema = REQUESTS if file.parent.name == "requests" else AGENCY
    assert faults(schema, file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", FILES)
def test_the_registry_of_the_tests_fits_its_schema(name: str) -> None:
    assert faults(REQUESTS if name.startswith("requests") else AGENCY, FILES[name]) == []


def test_every_field_that_is_read_stands_in_the_schema_and_no_other() -> None:
    asked = asked_for(lambda fields: entries._agency(fields, RULE_BOOK))
    assert asked == set(AGENCY["$defs"]["agency"]["properties"])
    assert asked_for(lambda fields: entries._mailbox(fields, None, RULE_BOOK)) == set(MAILBOX)
    assert asked_for(entries._alias) == set(MAILBOX["aliases"]["items"]["properties"])
    request = REQUESTS["$defs"]["request"]["properties"]
    assert asked_for(lambda fields: entries._request(fields, "2024-0001")) == set(request)
    assert asked_for(entries._reply) == set(request["reply"]["properties"])


@pytest.mark.parametrize(
    ("readers", "schema"),
    [
        (events.MAILBOX_EVENTS, MAILBOX["history"]["items"]["oneOf"]),
        (events.AGENCY_EVENTS, AGENCY["$defs"]["agency"]["properties"]["history"]["items"]["oneOf"]),
    ],
)
def test_every_event_stands_in_the_schema_with_its_fields(
    readers: dict[str, Callable[..., object]], schema: list[dict[str, Any]]
) -> None:
    written = {each["properties"]["event"]["const"]: set(each["properties"]) for each in schema}

    def fields_of(name: str) -> set[str]:
        return asked_for(lambda fields: readers[name](fields, date.min, RULE_BOOK)) | {"event", "done"}

    assert written == {name: fields_of(name) for name in readers}


def test_what_may_be_chosen_is_what_the_schema_offers() -> None:
    request = REQUESTS["$defs"]["request"]["properties"]
    lock = next(each for each in MAILBOX["history"]["items"]["oneOf"] if "reason" in each["properties"])
    assert AGENCY["$defs"]["agency"]["properties"]["kind"]["enum"] == list(AgencyKind)
    assert MAILBOX["kind"]["enum"] == list(MailboxKind)
    assert request["asks"]["items"]["enum"] == list(RequestKind)
    assert request["result"]["enum"] == list(Result)
    assert lock["properties"]["reason"]["enum"] == list(RULE_BOOK.lock_reasons)


def test_the_patterns_are_those_of_the_reader() -> None:
    patterns = {name: entry.get("pattern") for name, entry in AGENCY["$defs"].items()}
    assert patterns["id"] == f"^{events.ID_PATTERN}$"
    assert patterns["code"] == f"^{events.CODE_PATTERN}$"
    assert patterns["requestId"] == f"^{events.REQUEST_ID_PATTERN}$"
    assert patterns["quota"] == f"^{sizes.QUOTA_PATTERN}$"
    assert list(REQUESTS["patternProperties"]) == [f"^{events.REQUEST_ID_PATTERN}$"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("id: v2b4n6", "id: V2"),
        ("kind: person", "kind: robot"),
        ("    name: Lê An\n", "    name: Lê An\n    colour: red\n"),
        ("event: issue", "event: made"),
        ("done: 2024-02-01", "done: 2024-02-31"),
        ("request: 2024-0001, ", ""),
        ("  suffix: nv\n", ""),
    ],
)
def test_a_slip_is_seen_in_the_editor(old: str, new: str) -> None:
    assert old in FILES["snv.yml"]
    assert faults(AGENCY, FILES["snv.yml"].replace(old, new))


def test_an_answered_request_needs_its_answer_in_the_editor_too() -> None:
    text = FILES["requests/2024.yml"]
    assert faults(REQUESTS, text.replace("  reply: {document: 1/STTTT-CNTT, date: 2024-01-18}\n", ""))
    assert faults(REQUESTS, text.replace("result: done", "result: pending"))


def test_editors_find_the_schemas() -> None:
    settings = json.loads((ROOT / ".vscode/settings.json").read_text(encoding="utf-8"))
    for name, patterns in settings["yaml.schemas"].items():
        assert (ROOT / name).is_file()
        assert all(list(ROOT.glob(pattern)) for pattern in patterns)


@pytest.mark.dieu11
def test_what_is_withheld_says_why_in_the_form_of_a_post() -> None:
    schema_of = json.loads((ROOT / "schemas/agency.schema.json").read_text(encoding="utf-8"))
    assert schema_of["$defs"]["withheld"]["pattern"] == MAILBOX["post"]["pattern"]


@pytest.mark.dieu11
def test_a_post_has_one_form_in_the_reader_the_schema_and_the_database() -> None:
    assert MAILBOX["post"]["pattern"].endswith(f"{entries._POST.pattern}$")
    for post in ("Kế toán", " Kế toán", "Kế toán ", "Kế  toán", " a  b "):
        assert bool(re.search(MAILBOX["post"]["pattern"], post)) == entries.sound_post(post), post
    migration = next(script.text for script in schema.scripts("migrations") if script.name == "0012_baseline.sql")
    form = migration.partition("post ~ '")[2].partition("'")[0]
    assert form.encode().decode("unicode_escape") == f"^{entries._POST.pattern}$"
    assert {post: entries.sound_post(post) for post in ("", "Kế toán - Thủ quỹ", "Kế  toán", "ă" * 201)} == {
        "": True,
        "Kế toán - Thủ quỹ": True,
        "Kế  toán": False,
        "ă" * 201: False,
    }


@pytest.mark.parametrize(
    ("phone", "sound"),
    [
        ("", True),
        ("0226 3850 123", True),
        ("(0226) 3.850.123", True),
        ("(0226)-3850123", True),
        ("0226 - 3850 123 máy lẻ 12", True),
        ("+84 (0)226 3850 123", True),
        ("(+84) 912-345-678", True),
        ("1900 1234", True),
        ("000 000 000 000 000 máy lẻ 123456", True),
        ("912345678", False),  # a spreadsheet's number, without its 0
        ("84 226 3850 123", False),
        ("02263", False),
        ("0226 3850 123 4567 89", False),
        ("0 - 2 - 2 - 6 - 3 - 8 - 5 - 0 - 1 - 2 - 3", False),  # too long
        ("0226  3850123", False),
        (" 02263850123", False),
        ("02263850123 ", False),
        ("0226 3850 123 / 0912 345 678", False),
        ("0226 3850 123 ext 12", False),
        ("0226 3850 123 máy lẻ", False),
        ("0226 3850 123 ma\u0301y le\u0309 12", False),
        ("\uff10226 3850 123", False),
        ("không có", False),
    ],
)
def test_a_telephone_has_one_form_in_the_reader_and_the_schema(phone: str, sound: bool) -> None:
    assert entries.sound_phone(phone) is sound
    form = MAILBOX["phone"]
    assert (len(phone) <= form["maxLength"] and bool(re.search(form["pattern"], phone))) is (sound and phone != "")


def test_the_database_has_that_form_of_a_telephone_too() -> None:
    migration = next(script.text for script in schema.scripts("migrations") if script.name == "0034_phone.sql")
    assert migration.partition("phone ~ '")[2].partition("'")[0] == f"^({entries._PHONE.pattern})$"
    assert MAILBOX["phone"]["pattern"] == f"^{entries._PHONE.pattern}$"
    assert f"length(phone) <= {MAILBOX['phone']['maxLength']}\n" in migration
