"""The page where receivers decide about held spam, with a database whose answers the test chooses (Đ10.6)."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from hanam_mail import spam_page
from hanam_mail.page_frame import Unavailable

pytestmark = pytest.mark.dieu10

SETTINGS = spam_page.SpamPageConfiguration(
    conninfo="",
    address="/thu-giu/",
    product="Thư điện tử công vụ",
    look="/giao-dien/",
    webmail="https://mail.hanam.gov.vn/",
    support={"name": "Trung tâm hỗ trợ", "phone": "0226", "email": ""},
)
LINK = "12-20261213-" + "ab" * 16
HELD = ("known", "Vay <vay@ngoai.example>", "Vay nhanh", "08:00 ngày 29/11/2026", "held", False)


class Database:
    """Answers with one row, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: tuple[Any, ...] = HELD
        self.asked: list[tuple[str, ...]] = []
        self.away: Unavailable | None = None

    def __call__(self, statement: str, values: list[str]) -> list[tuple[Any, ...]]:
        if self.away:
            raise self.away
        (function,) = re.findall(r"mail\.(\w+)\(", statement)
        self.asked.append((function, *values))
        return [self.answer]


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def client(database: Database) -> FlaskClient:
    return spam_page.create(SETTINGS, database).test_client()


def test_to_look_shows_the_message_and_a_button_and_decides_nothing(client: FlaskClient, database: Database) -> None:
    page = client.get("/thu-giu/", query_string={"ma": LINK})
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert "Vay nhanh" in text
    assert "Vay &lt;vay@ngoai.example&gt;" in text
    assert f'name="ma" value="{LINK}"' in text
    assert re.findall(r'<button name="viec" value="(\w+)"', text) == ["giao", "huy"]
    assert 'href="https://mail.hanam.gov.vn/"' in text
    client.head("/thu-giu/", query_string={"ma": LINK})
    # What programs that scan links may try besides.
    client.get("/thu-giu/", query_string={"ma": LINK, "viec": "giao"})
    assert {asked[0] for asked in database.asked} == {"held_link_show"}


@pytest.mark.parametrize(("button", "decision"), [("giao", "release"), ("huy", "drop")])
def test_a_button_decides(client: FlaskClient, database: Database, button: str, decision: str) -> None:
    database.answer = (*HELD[:4], "releasing" if decision == "release" else "dropped", False)
    page = client.post("/thu-giu/", data={"ma": LINK, "viec": button})
    assert database.asked == [("held_link_decide", LINK, decision)]
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert ("đang được giao" if decision == "release" else "đã bị hủy") in text
    assert "<form" not in text


@pytest.mark.parametrize(
    ("state", "refused", "words", "buttons"),
    [
        ("held", False, "Chỉ giao vào hộp thư nếu nhận ra", ["giao", "huy"]),
        ("held", True, "hệ thống từ chối thư này", ["huy"]),
        ("releasing", False, "đang được giao", []),
        ("releasing", True, "hệ thống từ chối thư này", []),
        ("sending", False, "đang được giao", []),
        ("released", False, "đã được giao", []),
        ("dropped", False, "đã bị hủy", []),
        ("doubt", False, "Chưa rõ", []),
    ],
)
def test_every_state_is_told_in_words(
    client: FlaskClient, database: Database, state: str, refused: bool, words: str, buttons: list[str]
) -> None:
    database.answer = (*HELD[:4], state, refused)
    text = client.get("/thu-giu/", query_string={"ma": LINK}).get_data(as_text=True)
    assert words in text
    assert re.findall(r'name="viec" value="(\w+)"', text) == buttons
    assert ("<form" in text) == bool(buttons)


@pytest.mark.parametrize(("result", "status"), [("wrong", 404), ("expired", 410), ("throttled", 429)])
def test_what_the_database_does_not_know_is_told_and_shows_nothing(
    client: FlaskClient, database: Database, result: str, status: int
) -> None:
    database.answer = (result, None, None, None, None, None)
    page = client.post("/thu-giu/", data={"ma": LINK, "viec": "giao"})
    assert page.status_code == status
    assert "<form" not in page.get_data(as_text=True)


@pytest.mark.parametrize(
    "link",
    ["", "1", LINK + "0", LINK.upper(), LINK + "\n", "\0", "x" * 3000, "'; drop table x", LINK.replace("1", "١")],
)
def test_what_can_be_no_link_is_no_question_for_the_database(
    client: FlaskClient, database: Database, link: str
) -> None:
    assert client.get("/thu-giu/", query_string={"ma": link}).status_code == 404
    assert client.post("/thu-giu/", data={"ma": link, "viec": "giao"}).status_code == 404
    assert database.asked == []


@pytest.mark.parametrize("form", [{"ma": LINK}, {"ma": LINK, "viec": "burn"}, {"ma": LINK, "viec": ""}])
def test_an_unknown_button_does_nothing(client: FlaskClient, database: Database, form: dict[str, str]) -> None:
    assert client.post("/thu-giu/", data=form).status_code == 400
    assert database.asked == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_no_other_site_presses_the_button(client: FlaskClient, database: Database, site: str) -> None:
    form = {"ma": LINK, "viec": "giao"}
    assert client.post("/thu-giu/", data=form, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert database.asked == []
    assert client.post("/thu-giu/", data=form, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_there_is_no_other_way(client: FlaskClient, database: Database, method: str) -> None:
    assert getattr(client, method)("/thu-giu/", data={"ma": LINK, "viec": "giao"}).status_code == 405
    assert database.asked == []


def test_a_body_that_is_too_large_is_not_read(client: FlaskClient, database: Database) -> None:
    assert client.post("/thu-giu/", data={"ma": LINK, "viec": "giao", "x": "y" * 10_000}).status_code == 413
    assert database.asked == []


def test_what_a_stranger_wrote_is_text_of_bounded_length(client: FlaskClient, database: Database) -> None:
    database.answer = (
        "known",
        '"><script>alert(1)</script>',
        "http://xau.example/" + "x" * 5000,
        "08:00",
        "held",
        False,
    )
    text = client.get("/thu-giu/", query_string={"ma": LINK}).get_data(as_text=True)
    assert "<script" not in text
    assert 'href="http://xau' not in text
    assert len(text) < 4000


def test_a_fault_is_told_in_the_same_frame_and_look(client: FlaskClient) -> None:
    form = {"ma": LINK, "viec": "giao"}
    for page, words in (
        (client.get("/thu-giu/", query_string={"ma": "1"}), "Liên kết không đúng"),
        (client.post("/thu-giu/", data={"ma": LINK}), "Yêu cầu không hợp lệ"),
        (client.post("/thu-giu/", data=form, headers={"Sec-Fetch-Site": "cross-site"}), "Không được phép"),
        (client.get("/thu-giu/khac"), "Không có trang này"),
        (client.put("/thu-giu/"), "Yêu cầu không hợp lệ"),
    ):
        text = page.get_data(as_text=True)
        assert f"<h1>{words}</h1>" in text
        assert set(re.findall(r'(?:src|href)="([^"#]+)"', text)) == {
            "/giao-dien/look.css", "/giao-dien/emblem.svg", SETTINGS.webmail,
        }  # fmt: skip
        assert SETTINGS.support["phone"] in text
        assert page.headers["Cache-Control"] == "no-store"


def test_nothing_of_it_is_kept_on_the_way(client: FlaskClient) -> None:
    assert client.get("/thu-giu/", query_string={"ma": LINK}).headers["Cache-Control"] == "no-store"


def test_while_the_database_is_away_the_message_stays(client: FlaskClient, database: Database) -> None:
    database.away = Unavailable("OperationalError", asked=False)
    page = client.get("/thu-giu/", query_string={"ma": LINK})
    assert (page.status_code, "thư vẫn được giữ nguyên" in page.get_data(as_text=True)) == (503, True)
    form = {"ma": LINK, "viec": "huy"}
    assert "thư vẫn được giữ nguyên" in client.post("/thu-giu/", data=form).get_data(as_text=True)
    # Its answer alone may be lost.
    database.away = Unavailable("AdminShutdown", asked=True)
    page = client.post("/thu-giu/", data=form)
    assert (page.status_code, "Chưa rõ quyết định đã được ghi nhận" in page.get_data(as_text=True)) == (503, True)


def test_the_configuration_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "spam-page.json"
    fields = ("conninfo", "address", "product", "look", "webmail", "support")
    file.write_text(json.dumps({name: getattr(SETTINGS, name) for name in fields}))
    assert spam_page.SpamPageConfiguration.read(file) == SETTINGS
