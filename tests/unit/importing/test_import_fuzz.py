"""Damaged and hostile lists: whatever the octets, there is a plan or a refusal in Vietnamese, never a traceback, and
a refused list leaves the registry as it was.
"""

import io
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.data import registries
from tests.data.spreadsheets import csv, repack, xlsx
from tests.unit.registry_world import RULE_BOOK

from hanam_mail.cli.importing import import_
from hanam_mail.importing import encoding, lists, reading
from hanam_mail.importing.container import RefusedFile
from hanam_mail.registry.loading import today

pytestmark = pytest.mark.dieu11

ROWS = [
    ["Danh sách cấp mới"],
    ["STT", "Họ và tên", "Ngày sinh", "Quê quán", "Nội dung đề nghị", "Dung lượng"],
    [1, "Đỗ Thị Hòa", "05/01/1980", "xã Tiên Sơn", "Cấp mới", "4GB"],
    [2, "Trần Văn Bách", 1979, "Hà Nam", "cấp mới", None],
    ["Tổng số: 2"],
]
XLSX = xlsx(ROWS, merged=["A1:F1"], hidden=[9])
PARTS = [part for part in zipfile.ZipFile(io.BytesIO(XLSX)).namelist() if part.endswith((".xml", ".rels"))]
PACKED = [repack(XLSX, lambda _, data: data, method=method) for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2)]
CSVS = [csv(ROWS, encoding=name) for name in ("utf-8", "utf-16", "cp1258", "tcvn3", "vni")]
PAPER = [
    "--agency", "snv", "--document", "12/SNV-VP", "--dated", "01/06/2026", "--received", "02/06/2026", "--ground", "x",
    "--reply", "9/STTTT", "--done", "03/06/2026",
]  # fmt: skip

# A mutation: where (as a share of the length), how many octets go, what comes instead.
MUTATIONS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 12), st.binary(max_size=12)), min_size=1, max_size=4
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=40)
CELLS = st.one_of(
    TEXTS,
    st.sampled_from(["STT", "Họ và tên", "Đề nghị", "Cấp mới", "Thu hồi", "1", "II", "Tổng số: 3", "Phòng X"]),
    st.integers(-10, 10**6).map(str),
)  # fmt: skip


def mutated(content: bytes, mutations: list[tuple[float, int, bytes]]) -> bytes:
    for share, length, instead in mutations:
        at = int(share * len(content))
        content = content[:at] + instead + content[at + length :]
    return content


def read(content: bytes, name: str) -> None:
    """Sheets and entries, or a refusal; anything else is a fault."""
    try:
        sheets, converted = encoding.convert(reading.parse(content, name))
    except RefusedFile as error:
        assert str(error)
        return
    for legacy in converted:
        assert legacy.problem().text
    found = lists.read(sheets, today(), RULE_BOOK.naming)
    assert found.entries or found.problems


@given(MUTATIONS)
@settings(max_examples=150, deadline=None)
def test_a_damaged_archive_never_ends_in_a_traceback(mutations: list[tuple[float, int, bytes]]) -> None:
    read(mutated(XLSX, mutations), "ds.xlsx")


@given(st.sampled_from(PACKED), MUTATIONS)
@example(PACKED[0], [(0.9, 4, b"\xff\xff\xff\xff")])
@settings(max_examples=60, deadline=None)
def test_a_part_compressed_in_another_way_never_ends_in_a_traceback(
    content: bytes, mutations: list[tuple[float, int, bytes]]
) -> None:
    read(mutated(content, mutations), "ds.xlsx")
    with pytest.raises(RefusedFile, match="nén theo cách lạ"):
        reading.parse(content, "ds.xlsx")


@given(st.sampled_from(['"', "\r", "\r\r", "'", " ", "a", "Đ", "\t", "\u2028", ""]), st.sampled_from(["\n", "\r\n"]))
@settings(deadline=None)
def test_any_sign_that_a_csv_file_names_as_its_delimiter_is_taken_or_refused(sign: str, end: str) -> None:
    for rest in (CSVS[0], b"", b'"a', "Họ và tên;Đề nghị\nLê An;Cấp mới".encode()):
        read(f"sep={sign}{end}".encode() + rest, "ds.csv")


@given(st.sampled_from(PARTS), MUTATIONS)
@settings(max_examples=200, deadline=None)
def test_a_damaged_part_of_an_archive_never_ends_in_a_traceback(
    part: str, mutations: list[tuple[float, int, bytes]]
) -> None:
    read(repack(XLSX, lambda name, data: mutated(data, mutations) if name == part else data), "ds.xlsx")


@given(st.sampled_from(CSVS), MUTATIONS)
@settings(max_examples=300, deadline=None)
def test_a_damaged_csv_file_never_ends_in_a_traceback(
    content: bytes, mutations: list[tuple[float, int, bytes]]
) -> None:
    read(mutated(content, mutations), "ds.csv")


@given(st.lists(st.lists(CELLS, min_size=1, max_size=7), min_size=1, max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_cells_are_a_list_or_refused(rows: list[list[str]]) -> None:
    heading = ["STT", "Họ và tên", "Đề nghị", "Ngày sinh", "Quê quán", "Dung lượng", "Ghi chú"]
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in (heading, *rows)]
    read("\n".join(",".join(row) for row in quoted).encode(), "ds.csv")


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_octets_are_a_list_or_refused(content: bytes) -> None:
    read(content, "ds.csv")
    read(b"PK\x03\x04" + content, "ds.xlsx")


@given(st.sampled_from([XLSX, *CSVS]), MUTATIONS, st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_refused_list_leaves_the_registry_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, mutations: list[tuple[float, int, bytes]], convert: bool
) -> None:
    folder = registries.write(tmp_path_factory.mktemp("fuzz"))
    file = folder.parent / "ds"
    file.write_bytes(mutated(content, mutations))
    before = registries.octets(folder)
    options = ["--convert-legacy"] if convert else []
    result = CliRunner().invoke(import_, [str(file), "--registry", str(folder), *PAPER, *options])
    assert result.exit_code in (0, 1), result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    after = registries.octets(folder)
    assert (after == before) == (result.exit_code == 1)
    assert not list(Path(folder).glob(".*"))
