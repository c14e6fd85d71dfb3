"""What an operator writes for the filter is used as it was meant, or refused with the place and the reason."""

from pathlib import Path

import pytest
import yaml

from hanam_mail.controller import filter_lists, spam_words
from hanam_mail.controller.filter_lists import FilterListError
from hanam_mail.controller.spam_words import SpamWordsError

ROOT = Path(__file__).parents[3]
OURS = "tinh.gov.vn"


@pytest.mark.parametrize(
    ("score", "right"), [(10, True), (0, True), (6, False), (15, False), (5, False), (20.5, False)]
)
def test_spam_is_held_between_junk_and_refusal_or_not_at_all(score: float, right: bool) -> None:
    if right:
        assert filter_lists.hold_score(score, 6, 15) == score
    else:
        with pytest.raises(FilterListError, match=r"rspamd_score_hold: .* is not between"):
            filter_lists.hold_score(score, 6, 15)


def test_domains_are_read_in_small_letters() -> None:
    assert filter_lists.sender_domains(["Vidu.VN", "a-b.example."], "allow", OURS) == ["vidu.vn", "a-b.example"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("an@vidu.vn", "is no domain"),
        ("*.vidu.vn", "is no domain"),
        ("vidu", "is no domain"),
        ("", "is no domain"),
        ("vidu..vn", "is no domain"),
        ("việt.vn", "is no domain"),
        (5, "is no domain"),
        (None, "is no domain"),
        (OURS, "our own domain"),
        (f"mail.{OURS}", "our own domain"),
        ("gov.vn", "our own domain, or above it"),
        ("khac.vn", "opposite meaning"),
        ("khac.vn.", "opposite meaning"),
        ("com.vn", "anybody registers names"),
        ("HaNam.vn", "anybody registers names"),
        ("hue.vn", "anybody registers names"),
        ("co.uk", "anybody registers names"),
        ("gmail.com", "to everybody"),
    ],
)
def test_a_faulty_domain_is_named(entry: object, reason: str) -> None:
    shown = entry if not isinstance(entry, str) or "no domain" in reason else entry.lower().removesuffix(".")
    with pytest.raises(FilterListError, match=f"^deny: {shown!r}.*{reason}".replace("*.", r"\*.")):
        filter_lists.sender_domains([entry], "deny", OURS, ["Khac.vn."], ["Gmail.com"])


PROVINCES = """
An Giang, Bà Rịa - Vũng Tàu, Bạc Liêu, Bắc Giang, Bắc Kạn, Bắc Ninh, Bến Tre, Bình Dương, Bình Định, Bình Phước,
Bình Thuận, Cà Mau, Cao Bằng, Cần Thơ, Đà Nẵng, Đắk Lắk, Đắk Nông, Điện Biên, Đồng Nai, Đồng Tháp, Gia Lai, Hà Giang,
Hà Nam, Hà Nội, Hà Tĩnh, Hải Dương, Hải Phòng, Hậu Giang, Hòa Bình, Hồ Chí Minh, Huế, Hưng Yên, Khánh Hòa, Kiên Giang,
Kon Tum, Lai Châu, Lạng Sơn, Lào Cai, Lâm Đồng, Long An, Nam Định, Nghệ An, Ninh Bình, Ninh Thuận, Phú Thọ, Phú Yên,
Quảng Bình, Quảng Nam, Quảng Ngãi, Quảng Ninh, Quảng Trị, Sóc Trăng, Sơn La, Tây Ninh, Thái Bình, Thái Nguyên,
Thanh Hóa, Thừa Thiên Huế, Tiền Giang, Trà Vinh, Tuyên Quang, Vĩnh Long, Vĩnh Phúc, Yên Bái
"""


def test_below_the_name_of_each_province_anybody_registers_names() -> None:
    """Those before 2025 and since."""
    names = [spam_words.folded(name).replace(" ", "") for name in PROVINCES.split(",")]
    assert len({*names}) == 64
    assert [name for name in names if not filter_lists.is_public(f"{name}.vn")] == []
    assert not filter_lists.is_public("vnpost.vn")
    assert not filter_lists.is_public("so.hue.vn")


def test_a_domain_stands_once() -> None:
    with pytest.raises(FilterListError, match="twice"):
        filter_lists.sender_domains(["a.vn", "A.vn"], "deny", OURS)
    with pytest.raises(FilterListError, match="a list"):
        filter_lists.sender_domains("a.vn", "deny", OURS)
    with pytest.raises(FilterListError, match="twice"):
        filter_lists.domains(["a.vn", "a.vn."], "free")


def test_domains_of_the_state_may_be_those_of_registries() -> None:
    assert filter_lists.domains(["gov.vn", "DCS.vn."], "state") == ["gov.vn", "dcs.vn"]
    assert filter_lists.domains_of_names({"bidv": ["BIDV.com.vn"]}, "known") == {"bidv": ["bidv.com.vn"]}


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ({"bidv": "bidv.com.vn"}, "known, bidv: a list"),
        ({"bidv": ["bidv"]}, "known, bidv: 'bidv' is no domain"),
        ({"ốm": ["a.vn"]}, "too short"),
        (["bidv"], "names and their domains"),
    ],
)
def test_a_faulty_name_that_everybody_knows_is_named(names: object, reason: str) -> None:
    with pytest.raises(FilterListError, match=reason):
        filter_lists.domains_of_names(names, "known")


def test_titles_are_a_list_of_words_that_do_not_stand_everywhere() -> None:
    assert filter_lists.names(["chủ tịch", "bí thư"], "titles") == ["chủ tịch", "bí thư"]
    for faulty in ("chủ tịch", ["ct"], [""], [5], [None]):
        with pytest.raises(FilterListError, match=r"^titles: "):
            filter_lists.names(faulty, "titles")


def test_endings_of_programs_have_no_dot_and_may_have_a_hyphen() -> None:
    assert filter_lists.endings(["EXE", "appref-ms", "7z"], "programs") == ["exe", "appref-ms", "7z"]
    for faulty in (".exe", "*.exe", "tar.gz", "", "exe ", "ẹxe", 7, None):
        with pytest.raises(FilterListError, match="is no ending"):
            filter_lists.endings([faulty], "programs")
    with pytest.raises(FilterListError, match="twice"):
        filter_lists.endings(["exe", "EXE"], "programs")
    with pytest.raises(FilterListError, match="a list"):
        filter_lists.endings("exe", "programs")


def test_agencies_and_leaders_come_from_the_registry(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        "---\nagency:\n  id: k7q2m4\n  name: Sở Nội vụ\nmailboxes:\n"
        "  - id: p3x8d1\n    kind: person\n    name: Lê Thị Hoa\n    post: Phó Giám đốc Sở\n    address: hoa\n"
        "  - id: p3x8d2\n    kind: person\n    name: Lê Văn An\n    post: Chuyên viên\n    address: an\n"
        "  - id: p3x8d3\n    kind: person\n    name: Lê Văn Ba\n    address: ba\n",
        encoding="utf-8",
    )
    assert filter_lists.agency_names(str(tmp_path)) == ["Sở Nội vụ"]
    assert filter_lists.leader_names(str(tmp_path), ["giám đốc", "phó giám đốc"]) == ["Lê Thị Hoa"]
    with pytest.raises(FilterListError, match="a list of names"):
        filter_lists.leader_names(str(tmp_path), "giám đốc")
    assert filter_lists.agency_names(str(tmp_path / "none")) == []
    (tmp_path / "b.yml").write_text("agency: [", encoding="utf-8")
    with pytest.raises(FilterListError, match=r"b\.yml"):
        filter_lists.agency_names(str(tmp_path))


def test_the_projects_own_registry_is_read() -> None:
    names = filter_lists.agency_names(str(ROOT / "mailboxes"))
    assert len(names) > 20
    assert all(names)


def test_the_projects_phrases_can_be_used() -> None:
    data = yaml.safe_load((ROOT / "group_vars/hanam/spam_words.yml").read_text(encoding="utf-8"))
    found = spam_words.phrases(data["spam_words"], data["spam_warning_words"])
    assert len(found) > 900
    assert ("loan", "vay tien nhanh", 3) in found
    assert all(text == spam_words.folded(text) for _, text, _ in found)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"loan": {"sure": ["vay tiền"]}}, "only certain, likely, hint"),
        ({"loan": {"hint": "vay tiền"}}, "a list of phrases"),
        ({"loan": {"hint": ["vay"]}}, None),
        ({"loan": {"hint": ["ok"]}}, "too short"),
        ({"loan": {"hint": [18]}}, "too short"),
        ({"loan": {"hint": ["vay tiền", "Vay tien!"]}}, "twice"),
        ({"Loan 1": {"hint": ["vay tiền"]}}, "no name of a kind"),
        (["vay"], "kinds and their phrases"),
    ],
)
def test_a_faulty_phrase_is_named(words: object, reason: str | None) -> None:
    if reason is None:
        assert spam_words.phrases(words, [])  # type: ignore[arg-type]
        return
    with pytest.raises(SpamWordsError, match=reason):
        spam_words.phrases(words, [])  # type: ignore[arg-type]


def test_letters_are_folded_as_they_look() -> None:
    table = spam_words.ascii_fold()
    for sign, letter in {"ệ": "e", "Đ": "d", "ơ": "o", "а": "a", "ο": "o", "\u200b": "", "\u0301": ""}.items():
        assert table[sign] == letter, sign
    assert spam_words.legacy_fold("tcvn3")["®"] == "d"
    vni = spam_words.legacy_fold("vni")
    assert "".join(vni.get(sign, sign) for sign in "göûi ñôn") == "gui don"
