"""What people search for is found with and without accents, in every folder, whatever becomes of the index (Đ3.4)."""

import imaplib
import uuid
from collections.abc import Iterator
from contextlib import suppress
from email.message import EmailMessage

import pytest

from tests import journal
from tests.lab import Lab, Sample, message, wait_for

pytestmark = [pytest.mark.dieu3]

TEXT = "Kính gửi Ủy ban nhân dân, đề nghị cho ý kiến về địa điểm đấu giá.\n"
OTHER = "Chương trình hội nghị tổng kết năm.\n"
HTML = f"<html><head><style>p {{color: red}}</style></head><body><p>{TEXT}</p></body></html>"

# "Công văn đến" as IMAP writes it (RFC 3501, 5.1.3).
FOLDER = '"C&APQ-ng v&AQM-n &AREevw-n"'
RENAMED = '"Kho/C&APQ-ng v&AQM-n"'


def letter(person: Sample, subject: str, text: str, coding: str = "base64") -> EmailMessage:
    mail = message("Nguyễn Văn Đức <nguoi.gui@client.example>", person.address, subject=subject)
    mail.set_content(text, cte=coding)
    return mail


def web_page(person: Sample, subject: str) -> EmailMessage:
    mail = letter(person, subject, "")
    mail.set_content(HTML, subtype="html", cte="quoted-printable")
    return mail


def put(client: imaplib.IMAP4, *letters: EmailMessage, folder: str = "INBOX") -> None:
    for mail in letters:
        assert client.append(folder, "", "", mail.as_bytes())[0] == "OK"


def found(client: imaplib.IMAP4, words: str, key: str = "BODY", folder: str = "INBOX") -> list[int]:
    """UIDs of the messages that the search finds."""
    assert client.select(folder, readonly=True)[0] == "OK"
    client.literal = words.encode()  # type: ignore[assignment]
    answer, numbers = client.uid("SEARCH", "CHARSET", "UTF-8", key)
    assert answer == "OK", numbers
    return [int(number) for number in numbers[0].split()]


def indexes(lab: Lab, person: Sample) -> str:
    """Where the index of search lies, each folder's."""
    home = lab.run("mailstore", f"doveadm user -f home {person.mailbox}").strip()
    return lab.run("mailstore", f"find {home} -type d -name fts-flatcurve").strip()


def lose_index(lab: Lab, person: Sample) -> None:
    assert indexes(lab, person)
    lab.run("mailstore", f"rm -r {' '.join(indexes(lab, person).split())}")
    assert not indexes(lab, person)


@pytest.fixture
def client(lab: Lab, person: Sample) -> Iterator[imaplib.IMAP4]:
    with lab.imap(person.address, person.password) as session:
        yield session


@pytest.mark.proof("Tìm thư không phân biệt dấu, hoa và thường / search whatever the accents and capitals")
def test_words_are_found_with_and_without_accents_in_capitals_and_in_small_letters(
    client: imaplib.IMAP4, person: Sample
) -> None:
    put(
        client,
        letter(person, "Công văn số 5", TEXT),
        letter(person, "cong van so 6", "de nghi cho y kien ve dia diem dau gia\n", "7bit"),
        letter(person, "Thông báo", OTHER),
    )
    for words in (
        "đề nghị",
        "de nghi",
        "ĐỀ NGHỊ",
        "Đề Nghị",
        "địa",
        "dia",
        "DIA",
        "đấu giá",
        "dau gia",
        "ý kiến",
        "y kien",
        "y",
    ):
        assert found(client, words) == [1, 2], words
    for words in ("công văn", "cong van", "CÔNG VĂN", "Công văn"):
        assert found(client, words, "SUBJECT") == [1, 2], words
        assert found(client, words, "TEXT") == [1, 2], words
    assert found(client, "số 5", "SUBJECT") == [1]
    assert found(client, "hoi nghi") == [3]
    assert found(client, "không có từ này") == []


def test_words_are_found_however_the_message_is_encoded(client: imaplib.IMAP4, person: Sample) -> None:
    put(
        client,
        letter(person, "a", TEXT, "base64"),
        letter(person, "b", TEXT, "quoted-printable"),
        letter(person, "c", TEXT, "8bit"),
        web_page(person, "d"),
        letter(person, "e", OTHER),
    )
    assert found(client, "uy ban nhan dan") == found(client, "Ủy ban nhân dân") == [1, 2, 3, 4]
    assert found(client, "color") == [], "how a page is drawn is no text"


def test_senders_are_found_by_name_in_any_case_and_by_address(client: imaplib.IMAP4, person: Sample) -> None:
    put(client, letter(person, "a", TEXT))
    for words in ("Nguyễn Văn Đức", "nguyễn văn đức", "ĐỨC", "nguoi.gui@client.example", "client.example"):
        assert found(client, words, "FROM") == [1], words
    assert found(client, "Trần", "FROM") == []


def test_folders_with_vietnamese_names_are_searched_and_keep_their_index_when_renamed(
    client: imaplib.IMAP4, person: Sample
) -> None:
    client.create(FOLDER)
    put(client, letter(person, "a", TEXT), letter(person, "b", OTHER), folder=FOLDER)
    assert found(client, "dau gia", folder=FOLDER) == [1]
    client.unselect()
    client.rename(FOLDER, RENAMED)
    assert found(client, "dau gia", folder=RENAMED) == [1]
    client.unselect()
    client.delete(RENAMED)
    client.create(RENAMED)
    assert found(client, "dau gia", folder=RENAMED) == [], "another folder of the same name"
    put(client, letter(person, "b", TEXT), folder=RENAMED)
    assert found(client, "dau gia", folder=RENAMED) == [1]


def test_what_is_moved_or_deleted_is_found_where_it_is(client: imaplib.IMAP4, person: Sample) -> None:
    put(client, *(letter(person, name, TEXT) for name in "abcd"))
    assert found(client, "dau gia") == [1, 2, 3, 4]
    client.select("INBOX")
    assert client.uid("MOVE", "2:3", "Archive")[0] == "OK"
    client.uid("STORE", "4", "+FLAGS", "\\Deleted")
    client.expunge()
    assert found(client, "dau gia") == [1]
    assert len(found(client, "dau gia", folder="Archive")) == 2


def test_a_search_that_comes_before_the_index_finds_everything(client: imaplib.IMAP4, person: Sample) -> None:
    for _ in range(3):
        put(client, *(letter(person, f"thư {number}", TEXT) for number in range(40)))
        number = len(found(client, "dau gia"))
        assert number % 40 == 0
        assert number > 0
    assert number == 120


def test_mail_that_is_delivered_is_indexed_without_a_search(lab: Lab, person: Sample) -> None:
    mail = letter(person, f"thu {uuid.uuid4().hex[:8]}", TEXT)
    send = f"sendmail('', ['{person.address}'], sys.stdin.buffer.read())"
    program = f"import smtplib,sys\nsmtplib.LMTP('/run/dovecot/lmtp').{send}"
    lab.run("mailstore", f'python3 -c "{program}" <<"MAIL"\n{mail.as_string()}\nMAIL')
    wait_for(
        lambda: "messages=1 " in lab.run("mailstore", f"doveadm fts flatcurve stats -u {person.mailbox} INBOX"),
        "the message in the index",
    )


def test_a_lost_index_comes_back_by_itself(lab: Lab, client: imaplib.IMAP4, person: Sample) -> None:
    put(client, letter(person, "a", TEXT), letter(person, "b", OTHER))
    assert found(client, "dau gia") == [1]
    lose_index(lab, person)
    assert found(client, "dau gia") == [1], "in an open session"
    lose_index(lab, person)
    with lab.imap(person.address, person.password) as another:
        assert found(another, "dau gia") == [1], "in a new one"
    assert indexes(lab, person)


@pytest.mark.provokes(journal.SEARCH_DAMAGED)
@pytest.mark.parametrize(
    "damage", ["truncate -s 100 $file", "dd if=/dev/zero of=$file bs=$(stat -c %s $file) count=1 conv=notrunc"]
)
def test_a_damaged_index_is_taken_away_and_comes_back(
    lab: Lab, client: imaplib.IMAP4, person: Sample, damage: str
) -> None:
    put(client, *(letter(person, f"thư {number}", TEXT + OTHER * number) for number in range(20)))
    before = found(client, "dau gia")
    assert len(before) == 20
    files = f"find {' '.join(indexes(lab, person).split())} -name postlist.glass"
    lab.run("mailstore", f"for file in $({files}); do {damage} 2>&1; done")
    with suppress(imaplib.IMAP4.abort), lab.imap(person.address, person.password) as another:
        assert found(another, "dau gia") != before, "or it was not damaged"
    lab.start_anew("mailstore", "hanam-mend-search.service")
    with lab.imap(person.address, person.password) as another:
        assert found(another, "dau gia") == before


def test_as_many_messages_are_found_as_without_an_index(lab: Lab, client: imaplib.IMAP4, person: Sample) -> None:
    """Of single words and of words side by side. What stands apart is found too (docs/decisions/0042-search.md)."""
    texts = ["Đề nghị báo cáo.", "đề xuất", "Nghị quyết của Đảng bộ", "Báo cáo nhanh", "", "đề nghị đề nghị"]
    put(client, *(letter(person, f"thư {number}", f"{text}\n") for number, text in enumerate(texts)))
    for words in ("đề nghị", "báo cáo", "đề", "đảng bộ", "quyết", "xuất"):
        plain = f"doveadm -o mail_plugins/fts=no -o mail_plugins/fts_flatcurve=no search -u {person.mailbox}"
        without = lab.run("mailstore", f"{plain} mailbox INBOX body '{words}'").splitlines()
        assert found(client, words) == [int(line.split()[1]) for line in without] != [], words


def test_who_indexes_is_not_root_and_asked_by_the_mail_user_only(
    lab: Lab, client: imaplib.IMAP4, person: Sample
) -> None:
    put(client, letter(person, "a", TEXT))
    assert found(client, "dau gia") == [1]
    indexer = lab.look_at("mailstore").file("/run/dovecot/indexer")
    assert (indexer.user, indexer.mode) == ("vmail", 0o600)
    owners = lab.run("mailstore", "ps -o user= -C indexer-worker", check=False).split()
    assert set(owners) <= {"vmail"}
