"""Whatever stands in a registry's files, the answer is a registry or a list of problems, never a traceback."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.unit.registry_world import FILES, ROOT, RULE_BOOK, TODAY, World

from hanam_mail.errors import InputError
from hanam_mail.registry import loading
from hanam_mail.registry.writing import canonical

SEEDS = [FILES["snv.yml"], FILES["requests/2024.yml"], (ROOT / "mailboxes/stttt.yml").read_text(encoding="utf-8")]
NAMES = ["snv.yml", "requests/2024.yml", "stttt.yml"]
FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# fmt: off
PIECES = [
    "&", "*", "&a", "*a", "!x", "!!binary", "{", "}", "[", "]", "#", "'", '"', "|", ">", "~", "null", "1e3", "0x1F",
    "0001-01-01", "9999-12-31", "2024-02-30", "2024-0001",
    "<<: *a\n", "!!python/object/apply:os.system [id]", "? [a]\n: b\n", "? {a: b}\n: c\n", "---\n", "...\n",
    "%YAML 1.1\n", "- ", ": ", "|\n", ">-\n", "id: v2b4n6\n", 'id: ""\n', "kind: ''\n", "agency:\n", "mailboxes: {}\n",
    "history: []\n", "\n", "\r", "\t", " ", "\x00", "\x85", "\u2028", "\ufeff", "\ud7ff",
]
# fmt: on


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A registry without a fault, two of whose files are written anew by each example."""
    world = World(tmp_path)
    world.load()
    return tmp_path / "mailboxes"


def answer(folder: Path, name: str, content: bytes) -> str:
    """Load, write canonically, load again; what happened."""
    before = {file: file.read_bytes() for file in folder.rglob("*.yml")}
    try:
        (folder / name).write_bytes(content)
        return _answer(folder)
    finally:
        for file in folder.rglob("*.yml"):
            if file not in before:
                file.unlink()
        for file, octets in before.items():
            if not file.exists() or file.read_bytes() != octets:
                file.write_bytes(octets)


def _answer(folder: Path) -> str:
    try:
        read = loading.load(folder, regulated_by=RULE_BOOK, day=TODAY)
    except InputError as error:
        assert error.problems
        assert all(problem.text and problem.file for problem in error.problems)
        return "refused"
    texts = canonical.texts(read, folder)
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8", newline="")
    again = loading.load(folder, regulated_by=RULE_BOOK, day=TODAY)
    assert loading.desired_state(again) == loading.desired_state(read)
    assert canonical.texts(again, folder) == texts
    assert canonical.problems(again, folder) == []
    return "read"


@st.composite
def mutated_text(draw: st.DrawFn) -> tuple[str, bytes]:
    """A real file with pieces of YAML put in, parts cut out, parts doubled, octets changed."""
    number = draw(st.integers(0, len(SEEDS) - 1))
    text = SEEDS[number]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 60)))
        what = draw(st.sampled_from(["put in", "cut out", "double", "replace"]))
        piece = draw(st.sampled_from(PIECES) | st.text(max_size=10))
        text = {
            "put in": text[:start] + piece + text[start:],
            "cut out": text[:start] + text[end:],
            "double": text[:end] + text[start:end] + text[end:],
            "replace": text[:start] + piece + text[end:],
        }[what]
    content = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.integers(0, 2))):
        if content:
            content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return NAMES[number], bytes(content)


@FUZZ
@given(mutated_text())
@example((NAMES[0], b""))
@example((NAMES[0], b"\xff\xfe"))
@example((NAMES[0], "\ufeff".encode() + SEEDS[0].encode()))
@example((NAMES[0], SEEDS[0].encode("utf-16")))
@example((NAMES[0], SEEDS[0].replace("\n", "\r\n").encode()))
@example((NAMES[0], SEEDS[0].replace("snv", "s\x00v").encode()))
@example((NAMES[1], b"2024-0001: &a [*a]\n"))
@example((NAMES[1], b"&a {2024-0001: *a}\n"))
@example((NAMES[0], b"agency: &a {id: *a}\nmailboxes: &b [*b]\n"))
@example((NAMES[0], SEEDS[0].encode() * 2))
@example((NAMES[0], SEEDS[0].replace("code: snv", f"code: {'s' * 70}").encode()))
@example((NAMES[0], SEEDS[0].replace("address: lean", f"address: {'l' * 70}").encode()))
@example((NAMES[0], SEEDS[0].replace("name: Lê An", f"name: {'Lê' * 70}").encode()))
def test_mutated_files_are_read_or_refused(folder: Path, file: tuple[str, bytes]) -> None:
    assert answer(folder, *file) in ("read", "refused")


@st.composite
def mutated_structure(draw: st.DrawFn) -> tuple[str, bytes]:
    """A real file as a tree, some node of which is something else, written by another YAML writer."""
    number = draw(st.integers(0, 1))
    tree = yaml.load(SEEDS[number], Loader=yaml.BaseLoader)  # noqa: S506
    scalars = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.dates()
        | st.text(max_size=12)
        | st.binary(max_size=6)
    )
    texts = st.sampled_from(
        ["v2b4n6", "2024-0001", "2024-02-01", "lean", "issue", "revoke", "person", "done", "m4k7q2"]
    )
    values = st.recursive(
        scalars | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | texts, inner, max_size=3),
        max_leaves=6,
    )
    for _ in range(draw(st.integers(1, 3))):
        node, path = tree, []
        while isinstance(node, dict | list) and node:
            key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
            path.append((node, key))
            node = node[key]
            if draw(st.booleans()) and draw(st.booleans()):
                break
        if path:
            parent, key = path[-1]
            parent[key] = draw(values)
    options: dict[str, Any] = {
        name: draw(st.booleans()) for name in ("allow_unicode", "default_flow_style", "sort_keys")
    }
    return NAMES[number], str(yaml.safe_dump(tree, **options)).encode()


@FUZZ
@given(mutated_structure())
def test_files_of_another_structure_are_read_or_refused(folder: Path, file: tuple[str, bytes]) -> None:
    assert answer(folder, *file) in ("read", "refused")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 50_000,
        "\n".join(" " * depth + "a:" for depth in range(3_000)),
        "agency: " + "[" * 900 + "]" * 900,
        "a: &a [x, x]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        "x" * 1_000_000,
        "'" + "x" * 1_000_000,
    ],
    ids=["lists", "tables", "items", "blocks", "just deep enough", "a billion laughs", "one word", "an open quote"],
)
def test_monstrous_files_are_refused_at_once(folder: Path, text: str) -> None:
    start = time.monotonic()
    assert answer(folder, "snv.yml", text.encode()) == "refused"
    assert time.monotonic() - start < 5


def test_a_file_too_large_to_be_one_is_not_even_read(folder: Path) -> None:
    with (folder / "snv.yml").open("wb") as file:
        file.truncate(64 * 1024**2)  # a hole
    with pytest.raises(InputError, match="tệp lớn quá"):
        loading.load(folder, regulated_by=RULE_BOOK, day=TODAY)


@pytest.mark.parametrize("name", ["snv.yml", "requests/2024.yml"])
@pytest.mark.parametrize("target", ["/nowhere", "sxd.yml"])
def test_a_link_is_no_file_wherever_it_leads(folder: Path, name: str, target: str) -> None:
    (folder / name).unlink()
    (folder / name).symlink_to(target)
    with pytest.raises(InputError, match="sổ đăng ký chỉ nhận tệp và thư mục thật"):
        loading.load(folder, regulated_by=RULE_BOOK, day=TODAY)


def test_a_folder_that_is_no_part_of_a_registry_is_named(folder: Path) -> None:
    (folder / "old").mkdir()
    shutil.copy(folder / "snv.yml", folder / "old")
    with pytest.raises(InputError, match="không có thư mục tên như vậy"):
        loading.load(folder, regulated_by=RULE_BOOK, day=TODAY)


def test_a_registry_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"không có tệp \.yml nào"):
        loading.load(tmp_path / "none", regulated_by=RULE_BOOK, day=TODAY)


def test_a_register_without_requests_is_refused(folder: Path) -> None:
    (folder / "requests/2025.yml").write_text("{}\n", encoding="utf-8")
    with pytest.raises(InputError, match="không có đề nghị nào"):
        loading.load(folder, regulated_by=RULE_BOOK, day=TODAY)


@pytest.mark.parametrize(("content", "words"), [(None, "không đọc được tệp"), (b"\xff", "UTF-8"), (b"a: [", "YAML")])
def test_a_regulation_that_cannot_be_read_is_told(folder: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        loading.regulation_beside(folder).write_bytes(content)
    with pytest.raises(InputError, match=words):
        loading.load(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff", "UTF-8"),
        (b"a: [", "YAML"),
        (b"registry_operator: x\n", "thiếu biến"),
        (b"registry_operator: 7\nregistry_alias_months: 12\n", "phải là mã"),
        (b'registry_operator: ""\nregistry_alias_months: true\n', "số tháng"),
        (b'registry_operator: ""\nregistry_alias_months: 0\n', "số tháng"),
    ],
)
def test_settings_that_cannot_be_read_are_told(folder: Path, content: bytes, words: str) -> None:
    loading.settings_beside(folder).write_bytes(content)
    with pytest.raises(InputError, match=words):
        loading.load(folder, regulated_by=RULE_BOOK)


def test_the_settings_of_the_project_name_the_agency_that_runs_the_system() -> None:
    read = loading.load(ROOT / "mailboxes")
    assert read.agencies[read.settings.operator].name == "Sở Thông tin và Truyền thông"
    assert read.settings.alias_months == 12
