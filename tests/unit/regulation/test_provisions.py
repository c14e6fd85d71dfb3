"""regulation.yml: the limits agree with each other, and a file that contradicts itself is refused."""

from pathlib import Path

import pytest

from hanam_mail.errors import InputError
from hanam_mail.regulation import provisions, rule_values

FILE = Path(__file__).parents[3] / "group_vars/hanam/regulation.yml"


@pytest.mark.dieu8
def test_twenty_mebibytes_of_attachments_fit_the_message_limit() -> None:
    rules = provisions.load(FILE)
    assert rule_values.wire_octets(rules.attachment_limit_bytes) == 28697916
    assert rules.message_limit_bytes <= rules.incoming_message_limit_bytes


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (
            ("regulation_message_limit_bytes: 31457280", "regulation_message_limit_bytes: 20971520"),
            "message_limit_bytes",
        ),
        (("limit_bytes: 41943040", "limit_bytes: 31457279"), "incoming_message_limit_bytes"),
        (("[80, 90, 95]", "[90, 80]"), "quota_warning_percent"),
        (("default_bytes: 2147483648", "default_bytes: 1"), "quota_personal_default_bytes"),
        (("default_bytes: 10737418240", "default_bytes: 1"), "quota_agency_default_bytes"),
    ],
)
def test_values_that_contradict_each_other_are_refused(tmp_path: Path, change: tuple[str, str], field: str) -> None:
    file = tmp_path / "regulation.yml"
    text = FILE.read_text(encoding="utf-8").replace(*change)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        provisions.load(file)
    (problem,) = refused.value.problems
    assert problem.field == f"regulation_{field}"
    assert text.splitlines()[problem.line - 1].startswith(problem.field)


@pytest.mark.parametrize("text", ["", "a: [", "regulation_naming: 3", "regulation_quota_personal_bytes: much"])
def test_a_file_that_is_not_the_regulation_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "regulation.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        provisions.load(file)
