"""The form of a report, by the schema of RFC 9990 (appendix A): what may stand where, how often, in which words."""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"
TEXT = r"[^\x00-\x08\x0b\x0c\x0e-\x1f]*"
POLICY, ALIGNED = "none|quarantine|reject", "pass|fail"
MANY = 10**9


@dataclass(frozen=True)
class Child:
    """How often an element stands in its parent, and what is in it: a pattern, or the name of another form."""

    least: int
    most: int
    content: str


# Form -> whether its children stand in this order, and they.
FORMS: dict[str, tuple[bool, dict[str, Child]]] = {
    "feedback": (
        True,
        {
            "version": Child(0, 1, r"1\.0"),
            "report_metadata": Child(1, 1, "@metadata"),
            "policy_published": Child(1, 1, "@policy"),
            "extension": Child(0, 1, TEXT),
            "record": Child(1, MANY, "@record"),
        },
    ),
    "metadata": (
        False,
        {
            "org_name": Child(1, 1, TEXT),
            "email": Child(1, 1, TEXT),
            "extra_contact_info": Child(0, 1, TEXT),
            "report_id": Child(1, 1, TEXT),
            "date_range": Child(1, 1, "@range"),
            "error": Child(0, 1, TEXT),
            "generator": Child(0, 1, TEXT),
        },
    ),
    "range": (False, {"begin": Child(1, 1, "[0-9]+"), "end": Child(1, 1, "[0-9]+")}),
    "policy": (
        False,
        {
            "domain": Child(1, 1, TEXT),
            "discovery_method": Child(0, 1, "psl|treewalk"),
            "p": Child(1, 1, POLICY),
            "sp": Child(0, 1, POLICY),
            "np": Child(0, 1, POLICY),
            "fo": Child(0, 1, TEXT),
            "adkim": Child(0, 1, "r|s"),
            "aspf": Child(0, 1, "r|s"),
            "testing": Child(0, 1, "n|y"),
        },
    ),
    "record": (
        True,
        {
            "row": Child(1, 1, "@row"),
            "identifiers": Child(1, 1, "@identifiers"),
            "auth_results": Child(1, 1, "@results"),
        },
    ),
    "row": (
        False,
        {
            "source_ip": Child(1, 1, "[0-9a-f.:]+"),
            "count": Child(1, 1, "[0-9]+"),
            "policy_evaluated": Child(1, 1, "@evaluated"),
        },
    ),
    "evaluated": (
        True,
        {
            "disposition": Child(1, 1, f"pass|{POLICY}"),
            "dkim": Child(1, 1, ALIGNED),
            "spf": Child(1, 1, ALIGNED),
            "reason": Child(0, MANY, "@reason"),
        },
    ),
    "reason": (
        False,
        {
            "type": Child(1, 1, "local_policy|mailing_list|other|policy_test_mode|trusted_forwarder"),
            "comment": Child(0, 1, TEXT),
        },
    ),
    "identifiers": (
        False,
        {"header_from": Child(1, 1, TEXT), "envelope_from": Child(0, 1, TEXT), "envelope_to": Child(0, 1, TEXT)},
    ),
    "results": (True, {"dkim": Child(0, MANY, "@dkim"), "spf": Child(0, 1, "@spf")}),
    "dkim": (
        False,
        {
            "domain": Child(1, 1, TEXT),
            "selector": Child(1, 1, TEXT),
            "result": Child(1, 1, "none|pass|fail|policy|neutral|temperror|permerror"),
            "human_result": Child(0, 1, TEXT),
        },
    ),
    "spf": (
        False,
        {
            "domain": Child(1, 1, TEXT),
            "scope": Child(0, 1, "mfrom"),
            "result": Child(1, 1, "none|pass|fail|softfail|policy|neutral|temperror|permerror"),
            "human_result": Child(0, 1, TEXT),
        },
    ),
}


def faults(octets: bytes) -> list[str]:
    """What is not as the schema has it; ParseError where it is no XML."""
    root = ElementTree.fromstring(octets)  # noqa: S314 - our own
    if root.tag != f"{{{NAMESPACE}}}feedback":
        return [f"the root is {root.tag}"]
    return _faults(root, "feedback", "feedback")


def _faults(element: ElementTree.Element, form: str, path: str) -> list[str]:
    in_order, children = FORMS[form]
    names = [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]
    found = [f"{path}: {name} has no place" for name in names if name not in children]
    known = [name for name in names if name in children]
    if in_order and known != sorted(known, key=list(children).index):
        found.append(f"{path}: order {known}")
    for name, child in children.items():
        if not child.least <= names.count(name) <= child.most:
            found.append(f"{path}: {name} {names.count(name)} times")
    for name, below in zip(names, element, strict=True):
        if name in children and (content := children[name].content).startswith("@"):
            found += _faults(below, content[1:], f"{path}/{name}")
        elif name in children and (len(below) or not re.fullmatch(content, below.text or "")):
            found.append(f"{path}/{name}: {below.text!r}")
    return found
