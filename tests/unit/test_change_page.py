"""The page where a password is changed, with a database whose answers the test chooses."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask.testing import FlaskClient

from hanam_mail import change_page
from hanam_mail.change_page import sealing
from hanam_mail.page_frame import Unavailable

KEY = bytes(range(32))
SETTINGS = change_page.ChangePageConfiguration(
    conninfo="",
    key=KEY,
    factor_key=KEY,
    secrets_key="5e" * 32,
    product="Thư điện tử công vụ",
    look="/giao-dien/",
    webmail="https://mail.hanam.gov.vn/",
    support={"name": "Trung tâm hỗ trợ", "phone": "0226", "email": ""},
    lock_reasons={"idle": "Không phát sinh hoạt động"},
)
RULES = [("min_length", 8, "phải có ít nhất 8 ký tự"), ("special_characters", None, "!@#%$*&")]
FORM = {"dang-nhap": "ha@hanam.gov.vn", "cu": "Cũ@12345", "moi": "Mới@12345", "nhac-lai": "Mới@12345"}
JSON = {"Accept": "application/json"}


class Database:
    """Answers with one row, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: tuple[Any, ...] = ("changed", None, "Đã đổi mật khẩu.", [], [])
        self.asked: list[list[str]] = []
        self.away: Unavailable | None = None

    def __call__(self, statement: str, values: list[str]) -> list[tuple[Any, ...]]:
        if self.away:
            raise self.away
        if "password_rules" in statement:
            return list(RULES)
        self.asked.append(values)
        return [self.answer]


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def client(database: Database) -> FlaskClient:
    return change_page.create(SETTINGS, database).test_client()


def unsealed(text: str) -> str:
    octets = bytes.fromhex(text)
    cipher = Cipher(algorithms.AES(KEY), modes.CBC(octets[:16])).decryptor()
    pad = padding.PKCS7(128).unpadder()
    plain = pad.update(cipher.update(octets[16:]) + cipher.finalize()) + pad.finalize()
    return plain.decode()


def test_passwords_leave_sealed_and_the_browsers_address_goes_along(client: FlaskClient, database: Database) -> None:
    response = client.post("/mat-khau/", data=FORM, headers={"X-Real-IP": "192.0.2.7"})
    assert response.status_code == 200
    login, old, new, address = database.asked[0]
    assert (login, unsealed(old), unsealed(new), address) == ("ha@hanam.gov.vn", FORM["cu"], FORM["moi"], "192.0.2.7")


def test_the_same_password_is_never_sealed_the_same_way_twice() -> None:
    assert sealing.seal(KEY, "x") != sealing.seal(KEY, "x")


@pytest.mark.dieu8
def test_dieu8_2b_a_refusal_names_each_missing_part(client: FlaskClient, database: Database) -> None:
    texts = ["phải có ít nhất 1 chữ in hoa", "phải có ít nhất 1 chữ số"]
    database.answer = ("rejected", None, "Mật khẩu mới chưa đạt yêu cầu.", ["uppercase", "digit"], texts)
    page = client.post("/mat-khau/", data=FORM).get_data(as_text=True)
    assert all(f"Mật khẩu mới {text}" in page for text in texts)
    answer = client.post("/mat-khau/", data=FORM, headers=JSON)
    assert (answer.status_code, answer.get_json()["texts"]) == (422, texts)


@pytest.mark.parametrize(
    ("result", "status"), [("wrong", 403), ("locked", 403), ("revoked", 403), ("throttled", 429), ("rejected", 422)]
)
def test_what_the_database_refuses_is_no_success(
    client: FlaskClient, database: Database, result: str, status: int
) -> None:
    database.answer = (result, "idle", "Không được.", [], [])
    response = client.post("/mat-khau/", data=FORM)
    assert response.status_code == status
    page = response.get_data(as_text=True)
    assert "Không được." in page
    assert 'id="changed"' not in page


def test_no_page_repeats_a_password(client: FlaskClient, database: Database) -> None:
    database.answer = ("wrong", None, "Sai.", [], [])
    page = client.post("/mat-khau/", data=FORM).get_data(as_text=True)
    assert FORM["cu"] not in page
    assert FORM["moi"] not in page


def test_two_different_new_passwords_never_reach_the_database(client: FlaskClient, database: Database) -> None:
    response = client.post("/mat-khau/", data={**FORM, "nhac-lai": "khác"})
    assert response.status_code == 422
    assert "không giống nhau" in response.get_data(as_text=True)
    assert database.asked == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_another_sites_form_is_refused(client: FlaskClient, database: Database, site: str) -> None:
    """A neighbour below the same domain is another site too: what an agency's web server shows is not ours."""
    assert client.post("/mat-khau/", data=FORM, headers={"Sec-Fetch-Site": site}).status_code == 403
    assert database.asked == []
    assert client.post("/mat-khau/", data=FORM, headers={"Sec-Fetch-Site": "same-origin"}).status_code != 403


def test_a_database_that_is_away_is_told_and_nothing_of_the_password(client: FlaskClient, database: Database) -> None:
    database.away = Unavailable("OperationalError", asked=False)
    response = client.post("/mat-khau/", data=FORM)
    assert response.status_code == 503
    assert "Mật khẩu hiện tại vẫn giữ nguyên" in response.get_data(as_text=True)


def test_whose_answer_is_lost_is_not_told_that_nothing_changed(client: FlaskClient, database: Database) -> None:
    database.away = Unavailable("AdminShutdown", asked=True)
    response = client.post("/mat-khau/", data=FORM)
    assert (response.status_code, "Chưa rõ mật khẩu đã đổi" in response.get_data(as_text=True)) == (503, True)


@pytest.mark.parametrize(
    ("reason", "words"), [("default", "chỉ dùng một lần"), ("expired", "đã hết hạn"), ("", "Đổi mật khẩu")]
)
def test_the_form_says_why_and_lists_the_rules(client: FlaskClient, reason: str, words: str) -> None:
    page = client.get("/mat-khau/", query_string={"ly-do": reason, "dang-nhap": '"><script>'}).get_data(as_text=True)
    assert words in page
    assert "phải có ít nhất 8 ký tự" in page
    assert '<script>"' not in page
    assert "tạm khóa" not in page  # an expired password is no lock (Đ7.2)


@pytest.mark.dieu7
def test_dieu7_a_locked_person_is_told_the_reason_and_what_to_do(client: FlaskClient) -> None:
    page = client.get("/mat-khau/tam-khoa?ly-do=idle").get_data(as_text=True)
    assert "không phát sinh hoạt động" in page
    assert "văn bản đề nghị khôi phục" in page
    assert "<i>" not in client.get("/mat-khau/tam-khoa?ly-do=<i>").get_data(as_text=True)


def test_pages_are_not_kept_by_browsers(client: FlaskClient) -> None:
    assert client.get("/mat-khau/").headers["Cache-Control"] == "no-store"


def test_the_configuration_is_what_the_role_writes(tmp_path: Path) -> None:
    data = {
        "conninfo": "dbname=mail",
        "key": KEY.hex(),
        "factor_key": KEY.hex(),
        "secrets_key": KEY.hex(),
        "product": "x",
        "look": "/x/",
        "webmail": "https://x/",
        "support": {},
        "lock_reasons": {},
    }
    file = tmp_path / "page.json"
    file.write_text(json.dumps(data))
    assert change_page.ChangePageConfiguration.read(file).key == KEY


def test_a_nul_in_the_name_makes_no_other_name_of_it(client: FlaskClient, database: Database) -> None:
    """PostgreSQL takes none."""
    client.post("/mat-khau/", data=FORM | {"dang-nhap": "h\0a@hanam.gov.vn"})
    assert database.asked[0][0] == "h\N{REPLACEMENT CHARACTER}a@hanam.gov.vn"


@pytest.mark.parametrize(("path", "status"), [("/mat-khau/khong-co", 404), ("/mat-khau/tam-khoa", 405), ("/", 404)])
def test_what_no_page_is_for_is_told_in_vietnamese_under_the_same_look(
    client: FlaskClient, path: str, status: int
) -> None:
    answer = client.open(path, method="DELETE" if status == 405 else "GET")
    page = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert 'href="/giao-dien/look.css"' in page
    assert "Trung tâm hỗ trợ" in page
    assert "Not Found" not in page
    assert "Allowed" not in page


def test_a_fault_of_the_page_itself_is_told_without_its_inside(client: FlaskClient, database: Database) -> None:
    database.answer = ("no such answer",)
    answer = client.post("/mat-khau/", data=FORM)
    page = answer.get_data(as_text=True)
    assert (answer.status_code, "Hệ thống có lỗi" in page) == (500, True)
    assert FORM["moi"] not in page
