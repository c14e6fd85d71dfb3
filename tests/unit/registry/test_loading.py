"""The registry's check: what is right passes, what is wrong is named by file, line, field and clause."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from hanam_mail.errors import InputError, Problem
from hanam_mail.registry import loading
from hanam_mail.registry.model import Registry, State
from hanam_mail.regulation import provisions

ROOT = Path(__file__).parents[3]
RULE_BOOK = provisions.load(ROOT / "group_vars/hanam/regulation.yml")
TODAY = date(2026, 11, 25)
GIB = 1024**3

# The form of the architecture's example.
STTTT = """\
agency: {id: k7q2m4, name: Sở Thông tin và Truyền thông, kind: department, code: stttt, suffix: tt}
mailboxes:
  - id: t5v9c2
    kind: agency
    address: stttt
    clerks: [p3x8d1]
    history: [{event: issue, request: 2023-0004, done: 2023-06-27}]
  - id: p3x8d1
    kind: person
    name: Nguyễn Thị Thanh Hà
    address: nguyenthithanhha
    history:
      - {event: issue, request: 2023-0004, done: 2023-06-27}
      - {event: quota, request: 2024-0031, done: 2024-05-06, quota: 4GB}
"""
PERSON = """\
  - id: v2b4n6
    kind: person
    name: Lê An
    address: lean
    history:
"""
Y2023 = """\
2023-0004:
  document: 12/STTTT-VP
  dated: 2023-06-23
  received: 2023-06-26
  agency: k7q2m4
  asks: [issue]
  ground: "45/QĐ-STTTT tuyển dụng"
  result: done
  reply: {document: 77/STTTT-CNTT, date: 2023-06-27}
"""
Y2024 = """\
2024-0031: {document: 9/STTTT-VP, dated: 2024-05-02, received: 2024-05-03, agency: k7q2m4,
            asks: [change, restore, revoke], ground: nhu cầu,
            result: done, reply: {document: 80/STTTT-CNTT, date: 2024-05-06}}
2024-0032: {document: 10/STTTT-VP, dated: 2024-05-02, received: 2024-05-03, agency: k7q2m4, asks: [issue],
            ground: nghỉ hưu, result: pending}
"""
ISSUE = "      - {event: issue, request: 2023-0004, done: 2023-06-27}\n"

type Load = Callable[..., Registry]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write the example with some files changed or added, and load it as of TODAY."""

    def load_with(files: dict[str, str] | None = None) -> Registry:
        content = {
            "stttt.yml": STTTT,
            "requests/2023.yml": Y2023,
            "requests/2024.yml": Y2024,
            **(files or {}),
        }
        (tmp_path / "requests").mkdir()
        for name, text in content.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return loading.load(tmp_path, regulated_by=RULE_BOOK, day=TODAY)

    return load_with


def refusal(load: Load, files: dict[str, str]) -> list[Problem]:
    with pytest.raises(InputError) as refused:
        load(files)
    return list(refused.value.problems)


def only(load: Load, files: dict[str, str]) -> Problem:
    problems = refusal(load, files)
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


def person(*events: str) -> dict[str, str]:
    """The example with one more person of that history."""
    return {"stttt.yml": STTTT + PERSON + "".join(f"      - {{{event}}}\n" for event in events)}


def test_the_architecture_example_is_read(load: Load) -> None:
    read = load()
    assert list(read.mailboxes) == ["t5v9c2", "p3x8d1"]
    assert read.agencies["k7q2m4"].suffix == "tt"
    assert read.mailboxes["t5v9c2"].name == "Sở Thông tin và Truyền thông"
    assert read.requests["2023-0004"].reply is not None


def test_desired_state_is_what_the_documents_amount_to(load: Load) -> None:
    document = loading.desired_state(load())
    assert document["agencies"] == [
        {
            "id": "k7q2m4",
            "kind": "department",
            "name": "Sở Thông tin và Truyền thông",
            "code": "stttt",
            "suffix": "tt",
            "document_system": False,
            "withheld": "",
            "last": None,
        }
    ]
    by_id = {mailbox["id"]: mailbox for mailbox in document["mailboxes"]}
    assert by_id["p3x8d1"] == {
        "id": "p3x8d1",
        "kind": "person",
        "agency": "k7q2m4",
        "name": "Nguyễn Thị Thanh Hà",
        "post": "",
        "phone": "",
        "withheld": "",
        "address": "nguyenthithanhha",
        "aliases": [],
        "quota_bytes": 4 * GIB,
        "shrink": False,
        "absences": [],
        "state": "active",
        "shard": 0,
        "clerks": [],
        "document": (
            issued := {
                "event": "issue",
                "done": "2023-06-27",
                "reason": None,
                "request": "2023-0004",
                "number": "12/STTTT-VP",
                "dated": "2023-06-23",
            }
        ),
        "last": (
            enlarged := {
                "event": "quota",
                "done": "2024-05-06",
                "reason": None,
                "request": "2024-0031",
                "number": "9/STTTT-VP",
                "dated": "2024-05-02",
            }
        ),
        "events": [issued, enlarged],
    }
    assert by_id["t5v9c2"]["quota_bytes"] == 10 * GIB
    assert by_id["t5v9c2"]["clerks"] == ["p3x8d1"]


@pytest.mark.dieu7
@pytest.mark.parametrize(
    ("events", "state"),
    [
        (["event: lock, done: 2024-01-02, reason: forbidden_use"], State.LOCKED),
        (
            [
                "event: lock, done: 2024-01-02, reason: compromised",
                "event: restore, request: 2024-0031, done: 2024-05-06, verified: Lê Bình",
            ],
            State.ACTIVE,
        ),
        (["event: restore, request: 2024-0031, done: 2024-05-06, verified: Lê Bình"], State.ACTIVE),
        (["event: revoke, request: 2024-0031, done: 2024-05-06"], State.REVOKED),
    ],
)
def test_state_follows_from_the_history(load: Load, events: list[str], state: State) -> None:
    read = load(person("event: issue, request: 2023-0004, done: 2023-06-27", *events))
    document = loading.desired_state(read)
    assert next(box for box in document["mailboxes"] if box["id"] == "v2b4n6")["state"] == state


@pytest.mark.dieu8
def test_raising_the_default_raises_everybody_below_it(load: Load) -> None:
    read = load()
    raised = replace(read, regulation=replace(RULE_BOOK, quota_personal_default_bytes=5 * GIB))
    document = loading.desired_state(raised)
    assert next(box for box in document["mailboxes"] if box["id"] == "p3x8d1")["quota_bytes"] == 5 * GIB


@pytest.mark.dieu8
def test_dieu8_1b_quota_below_the_regulation_is_refused(load: Load) -> None:
    problem = only(load, {"stttt.yml": STTTT.replace("quota: 4GB", "quota: 1GB")})
    assert (problem.line, problem.field, problem.clause) == (14, "quota", "Đ8.1b")
    assert str(problem).startswith(problem.file + ":14: trường quota: dung lượng nhỏ hơn")


@pytest.mark.dieu8
def test_quota_shrinks_only_when_the_entry_says_so(load: Load) -> None:
    smaller = "      - {event: quota, request: 2024-0031, done: 2024-06-06, quota: 3GB}\n"
    assert only(load, {"stttt.yml": STTTT + smaller}).clause == "Đ8.1a"


@pytest.mark.dieu8
def test_quota_shrinks_when_the_entry_says_so(load: Load) -> None:
    smaller = "      - {event: quota, request: 2024-0031, done: 2024-06-06, quota: 3GB, shrink: true}\n"
    document = loading.desired_state(load({"stttt.yml": STTTT + smaller}))
    assert next(box for box in document["mailboxes"] if box["id"] == "p3x8d1")["quota_bytes"] == 3 * GIB


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (["event: promote, done: 2024-01-02"], "không có sự kiện “promote”"),
        (
            ["event: quota, request: 2024-0031, done: 2024-05-06, quota: 4GB"],
            "phải bắt đầu bằng sự kiện issue",
        ),
        (["event: issue, request: 2023-0004, done: 2023-06-27"] * 2, "chỉ được cấp mới một lần"),
        (
            [
                "event: issue, request: 2023-0004, done: 2023-06-27",
                "event: revoke, request: 2024-0031, done: 2024-05-06",
                "event: restore, request: 2024-0031, done: 2024-05-07, verified: Lê Bình",
            ],
            "sau khi thu hồi",
        ),
        (
            [
                "event: issue, request: 2023-0004, done: 2023-06-27",
                "event: lock, done: 2024-01-02, reason: idle",
                "event: lock, done: 2024-01-03, reason: idle",
            ],
            "đang bị tạm khóa",
        ),
        (
            [
                "event: issue, request: 2023-0004, done: 2023-06-27",
                "event: lock, done: 2023-06-26, reason: idle",
            ],
            "trước sự kiện liền trên",
        ),
        (
            [
                "event: issue, request: 2023-0004, done: 2023-06-27",
                "event: lock, done: 2026-11-26, reason: idle",
            ],
            "tương lai",
        ),
        (
            [
                "event: issue, request: 2023-0004, done: 2023-06-27",
                "event: lock, done: 2024-01-02, reason: bored",
            ],
            "không có lý do “bored”",
        ),
        (["event: issue, request: 2023-0099, done: 2023-06-27"], "sổ đề nghị không có số 2023-0099"),
        (["event: issue, request: 2024-0032, done: 2024-06-27"], "chưa phải done"),
        (["event: issue, request: 2023-0004, done: 2023-06-25"], "trước ngày nhận đề nghị"),
        (["event: issue, request: 2023-0004, done: 27/06/2023"], "YYYY-MM-DD"),
        (["event: issue, request: 2023-0004, done: 2023-06-27, color: red"], "không có trường nào"),
        (["event: issue, done: 2023-06-27"], "thiếu"),
    ],
)
def test_an_impossible_history_is_refused(load: Load, events: list[str], words: str) -> None:
    assert words in only(load, person(*events)).text


@pytest.mark.dieu5
@pytest.mark.parametrize(
    ("entry", "field", "words"),
    [
        ("id: p3x8d1, kind: person, name: Lê An, address: lean", "id", "đã có ở"),
        ("id: K7, kind: person, name: Lê An, address: lean", "id", "mã gồm ba cặp"),
        ("id: v2b4n6, kind: robot, name: Lê An, address: lean", "kind", "không có giá trị “robot”"),
        ("id: v2b4n6, kind: person, name: Lê An, address: leanh", "address", "phải là “lean”"),
        ("id: v2b4n6, kind: person, name: Иван, address: ivan", "name", "không phải chữ Việt"),
        ("id: v2b4n6, kind: person, name: Lê An, address: lê.an", "address", "chữ thường không dấu"),
        ("id: v2b4n6, kind: guest, name: Hội Nhà báo, address: postmaster", "address", "dành riêng"),
        ("id: v2b4n6, kind: agency, address: tttt", "address", "phải là “stttt”"),
        ("id: v2b4n6, kind: office, name: Phòng Bưu chính, address: pbc.snv", "address", ".stttt"),
        (
            "id: v2b4n6, kind: person, name: Lê An, address: lean, clerks: [p3x8d1]",
            "clerks",
            "không dùng chung",
        ),
        (
            "id: v2b4n6, kind: office, name: Phòng A, address: pa.stttt, clerks: [b1b1b1]",
            "clerks",
            "không có hộp",
        ),
        ("id: v2b4n6, kind: office, name: Phòng A, address: pa.stttt, clerks: [t5v9c2]", "clerks", "cá nhân"),
        ("id: v2b4n6, kind: office, address: pa.stttt", "name", "thiếu"),
    ],
)
def test_a_wrong_entry_is_named_by_its_field(load: Load, entry: str, field: str, words: str) -> None:
    event = "{event: issue, request: 2023-0004, done: 2023-06-27}"
    problems = refusal(load, {"stttt.yml": f"{STTTT}  - {{{entry}, history: [{event}]}}\n"})
    assert any(words in problem.text and (problem.line, problem.field) == (15, field) for problem in problems)


@pytest.mark.dieu5
def test_an_address_is_taken_whatever_its_case_and_in_every_file(load: Load) -> None:
    snv = """\
agency: {id: m4k7q2, name: Sở Nội vụ, kind: department, code: snv, suffix: nv}
mailboxes:
  - id: v2b4n6
    kind: person
    name: Nguyễn Thị Thanh Hà
    address: NguyenThiThanhHa
    history: [{event: issue, request: 2023-0004, done: 2023-06-27}]
"""
    texts = [problem.text for problem in refusal(load, {"snv.yml": snv})]
    assert any("địa chỉ “nguyenthithanhha” đã có ở" in text and "snv.yml:6" in text for text in texts)


@pytest.mark.dieu5
def test_an_agency_code_taken_twice_is_refused(load: Load) -> None:
    other = STTTT.replace("k7q2m4", "m4k7q2").split("mailboxes:")[0]
    other += f"mailboxes:\n{PERSON}{ISSUE}"
    problems = refusal(load, {"other.yml": other})
    assert any(problem.field == "code" and problem.clause == "Đ5.1" for problem in problems)


@pytest.mark.dieu5
def test_a_commune_needs_its_district(load: Load) -> None:
    commune = "agency: {id: m4k7q2, name: Xã A, kind: commune, code: a.zz, suffix: zz}\nmailboxes:\n"
    problem = only(load, {"ubnda.zz.yml": commune + PERSON + ISSUE})
    assert (problem.field, problem.clause) == ("code", "Đ5.1c")


@pytest.mark.dieu6
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("dated: 2023-06-23", "dated: 2023-06-29"), "sau ngày nhận"),
        (("received: 2023-06-26", "received: 2022-06-26"), "nhận trong năm 2023"),
        (("result: done", "result: maybe"), "không có giá trị “maybe”"),
        (("date: 2023-06-27", "date: 2023-06-25"), "trước ngày nhận"),
        (("  reply: {document: 77/STTTT-CNTT, date: 2023-06-27}\n", ""), "thiếu"),
        (("2023-0004", "2023-4"), "YYYY-NNNN"),
    ],
)
def test_a_wrong_request_is_refused(load: Load, change: tuple[str, str], words: str) -> None:
    problems = refusal(load, {"requests/2023.yml": Y2023.replace(*change)})
    assert any(words in problem.text and problem.file.endswith("requests/2023.yml") for problem in problems)


def test_all_faults_of_all_files_are_reported_at_once(load: Load) -> None:
    problems = refusal(
        load,
        {
            "stttt.yml": STTTT.replace("2024-05-06", "soon").replace("suffix: tt", "suffix: ttt"),
            "requests/2023.yml": Y2023.replace("result: done", "result: maybe"),
            "broken.yml": "agency: [",
            "twice.yml": STTTT + "mailboxes: []\n",
        },
    )
    assert len({problem.file for problem in problems}) == 4
    assert {"done", "suffix", "result", "mailboxes", ""} <= {problem.field for problem in problems}


def test_no_file_of_the_registry_is_passed_over(load: Load, tmp_path: Path) -> None:
    (tmp_path / "snv.yaml").write_text(STTTT, encoding="utf-8")
    (tmp_path / "tcvn.yml").write_bytes("agency: {name: Sở}".encode("cp1258", "replace") + b"\xff")
    problems = refusal(load, {})
    assert {Path(problem.file).name for problem in problems} == {"snv.yaml", "tcvn.yml"}


def test_what_yaml_would_take_for_something_else_is_read_as_text(load: Load) -> None:
    text = STTTT.replace("name: Nguyễn Thị Thanh Hà", "name: No\n    exact_name: true").replace(
        "nguyenthithanhha", "no"
    )
    assert load({"stttt.yml": text}).mailboxes["p3x8d1"].address == "no"
