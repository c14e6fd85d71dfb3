"""What a password must be, and the one way by which its owner changes it (Đ8.2)."""

import pytest

from tests.database.databases import Database
from tests.database.world import PASSWORD, WORLD, query, quoted, refused

pytestmark = pytest.mark.dieu8
NEW = "Khac-han-9#Vu"


def setting(name: str, value: str) -> str:
    return f"update mail.setting set value = '{value}' where name = '{name}';"


def change(new: str, old: str = PASSWORD, name: str = "test.nguoi", address: str = "192.0.2.1") -> str:
    arguments = ", ".join(quoted(text) for text in (name, old, new, address))
    return f"select result, array_to_string(faults, ',') from mail.change_password({arguments})"


@pytest.mark.parametrize(
    ("password", "faults"),
    [
        ("Khac-han-9#", ""),
        ("Đường-về-9#", ""),
        ("Aa1!xyzw", ""),
        ("Aa1&xyzw", ""),
        ("Ấ á 1 @ xyz", ""),
        # The regulation's own example has no capital letter: its text governs.
        ("nguyendung@135", "uppercase"),
        ("", "min_length,uppercase,lowercase,digit,special"),
        ("Aa1!xyz", "min_length"),
        ("aa1!xyzw", "uppercase"),
        ("đường1!xyzw", "uppercase"),
        ("AA1!XYZW", "lowercase"),
        ("Aab!xyzw", "digit"),
        # Signs, but none of the seven.
        ("Aa1-xyzw", "special"),
        ("Aa1?xyzw", "special"),
        ("aaaaaaaaa", "uppercase,digit,special"),
        ("Aa1!" + "x" * 69, "max_octets"),
        ("Aa1!" + "ậ" * 23, "max_octets"),
        ("Aa1!xyz\tw", "control"),
        ("xTest.Nguoi1!", "account"),
        # An address that ended is his still.
        ("1Test.nguoi.hong!", "account"),
        # The same name without its dots, with others, or broken by signs.
        ("Testnguoi@1", "account"),
        ("1Test-Nguoi!", "account"),
        ("T.e.s.t.n.g.u.o.i#9", "account"),
        ("Tést Người @1", "account"),
        ("Matkhau@123", "common"),
        ("MẬTkhẩu@2024", "common"),
        ("P@ssw0rd1", "common"),
        ("1qaz@WSX", "common"),
        ("Hanam@2026", "common"),
        ("Abc@12345", "common"),
        ("Anh yêu em 3000!", "common"),
        (PASSWORD, "same"),
    ],
)
def test_each_missing_part_is_named(database: Database, password: str, faults: str) -> None:
    ask = f"select array_to_string(mail.password_faults('test1person', {quoted(password)}), ',')"
    assert query(database, ask) == faults


def test_faults_are_told_in_vietnamese_with_the_numbers_in_force(database: Database) -> None:
    ask = f"select unnest(texts) from mail.change_password('test.nguoi', '{PASSWORD}', 'ngan', '')"
    stricter = WORLD + setting("password_min_length", "12")
    assert query(database, ask, world=stricter).splitlines() == [
        "phải có ít nhất 12 ký tự",
        "phải có ít nhất 1 chữ in hoa",
        "phải có ít nhất 1 chữ số",
        "phải có ít nhất 1 ký tự đặc biệt trong các ký tự ! @ # % $ * &",
    ]


def test_a_shorter_length_than_the_regulations_has_no_effect(database: Database) -> None:
    ask = "select array_to_string(mail.password_faults('test1person', 'Aa1!xyz'), ',')"
    assert query(database, ask, world=WORLD + setting("password_min_length", "4")) == "min_length"


def test_the_name_is_refused_only_where_that_is_switched_on(database: Database) -> None:
    ask = "select array_to_string(mail.password_faults('test1person', '{}'), ',')"
    on = WORLD + setting("password_refuse_name", "true")
    assert query(database, ask.format("Khacthu@135")) == ""
    assert query(database, ask.format("Khacthu@1359"), world=on) == "name"
    assert query(database, ask.format("Xkhắc.Thử@135"), world=on) == "name"
    assert query(database, ask.format("Thử.Nguyễn@1359"), world=on) == ""


def test_the_last_passwords_are_not_taken_again(database: Database) -> None:
    used = "; ".join(change(f"Lan-thu-{n}#Xy", f"Lan-thu-{n - 1}#Xy" if n > 1 else PASSWORD) for n in range(1, 7))
    again = "; ".join(
        f"select array_to_string(mail.password_faults('test1person', {quoted(old)}), ',')"
        for old in ("Lan-thu-6#Xy", "Lan-thu-5#Xy", "Lan-thu-1#Xy", PASSWORD)
    )
    shown = query(database, f"{used}; {again}").splitlines()
    assert shown == ["changed|"] * 6 + ["same", "history", "history"]  # the eldest prints an empty line, stripped
    kept = "select count(*) from mail.password_history where mailbox_id = 'test1person'"
    assert query(database, f"{used}; {kept}").splitlines()[-1] == "5"


def test_the_operators_reset_is_held_to_the_same_policy(database: Database) -> None:
    complaint = refused(database, "select mail.password_set('test1person', 'Matkhau@123', true, false)")
    assert "không được là mật khẩu phổ biến" in complaint
    assert "common" in complaint
    refused(database, f"select mail.password_set('test1person', {quoted(PASSWORD)}, true, false)")


def test_the_owner_changes_his_password_and_the_old_one_opens_nothing(database: Database) -> None:
    ask = (
        f"{change(NEW)}; select must_change, is_default from mail.credential where mailbox_id = 'test1person';"
        f" select topic from mail.outbox where mailbox = 'test1person' order by seq desc limit 1; {change(NEW + 'x')}"
    )
    assert query(database, ask).splitlines() == ["changed|", "f|f", "mailbox.access", "wrong|"]


def test_a_default_and_an_expired_password_are_changed_by_their_owner_alone(database: Database) -> None:
    default = WORLD + f"select mail.password_set('test1person', {quoted(NEW)}, true, false);"
    ask = f"{change('Cua-toi-5%Rg', NEW)}; select mail.mailbox_state('test1person')"
    assert query(database, ask, world=default).splitlines() == ["changed|", "active"]
    expired = WORLD + "update mail.credential set changed_at = now() - interval '1 year';"
    ask = f"{change(NEW)}; select mail.mailbox_state('test1person')"
    assert query(database, ask, world=expired).splitlines() == ["changed|", "active"]


def test_a_change_does_not_start_the_clocks_of_a_given_password_anew(database: Database) -> None:
    given = WORLD + "update mail.credential set given_at = '2026-01-02' where mailbox_id = 'test1person';"
    ask = f"{change(NEW)}; select given_at::date from mail.credential where mailbox_id = 'test1person'"
    assert query(database, ask, world=given).splitlines() == ["changed|", "2026-01-02"]


@pytest.mark.dieu7
def test_a_locked_and_a_revoked_mailbox_are_told_to_the_right_password_only(database: Database) -> None:
    locked = WORLD + "select mail.mailbox_lock('test1person', 'idle', '');"
    ask = f"select result, cause, message from mail.change_password('test.nguoi', '{PASSWORD}', '{NEW}', '')"
    result, cause, message = query(database, ask, world=locked).split("|")
    assert (result, cause) == ("locked", "idle")
    assert message.startswith("Hộp thư đang tạm khóa: không phát sinh hoạt động")
    assert query(database, change(NEW, "sai"), world=locked) == "wrong|"
    assert query(database, change(NEW, name="test.socu")) == "revoked|"
    assert query(database, change(NEW, "sai", name="test.socu")) == "wrong|"


def test_an_unknown_login_is_like_a_wrong_password(database: Database) -> None:
    assert query(database, change(NEW, name="khong.co.ai")) == "wrong|"
    assert query(database, change(NEW, name="' or true --")) == "wrong|"
    assert query(database, change("p" * 10_000, name="n" * 10_000)) == "wrong|"


def test_sealed_passwords_reach_the_change_under_a_key_of_its_own(database: Database) -> None:
    # Keys that are known: with random ones, the padding that opens a seal is right by chance once in 256 times.
    keys = "".join(
        f"update mail.secret set value = decode(repeat('{octet}', 32), 'hex') where name = '{name}';"
        for name, octet in (("change_key", "11"), ("login_key", "22"))
    )
    world = WORLD + keys

    def seal(text: str, key: str = "change_key") -> str:
        iv = "decode('000102030405060708090a0b0c0d0e0f', 'hex')"
        return (
            f"encode({iv} || mail_crypto.encrypt_iv(convert_to({quoted(text)}, 'UTF8'), (select value from mail.secret"
            f" where name = '{key}'), {iv}, 'aes-cbc/pad:pkcs'), 'hex')"
        )

    ask = "select result from mail.change_password_sealed('test.nguoi', {}, {}, '192.0.2.1')"
    assert query(database, ask.format(seal(PASSWORD), seal("Đổi-rồi-7$x")), world=world) == "changed"
    refused(database, ask.format(seal(PASSWORD, "login_key"), seal(NEW)), world=world)


def test_the_rules_in_force_can_be_shown_while_somebody_types(database: Database) -> None:
    shown = query(database, "select rule, number from mail.password_rules()", world=WORLD).splitlines()
    assert shown[:5] == ["min_length|8", "uppercase|1", "lowercase|1", "digit|1", "special|1"]
    assert "name|1" not in shown
    assert query(
        database, "select description from mail.password_rules() where rule = 'special_characters'"
    ) == "!@#%$*&"  # fmt: skip


def test_the_change_belongs_to_its_role_alone(database: Database) -> None:
    shown = query(
        database,
        "select string_agg(r.rolname, ',' order by 1) from pg_roles r where r.rolcanlogin and not r.rolsuper"
        " and has_function_privilege(r.oid, 'mail.change_password_sealed(text,text,text,text)', 'execute')",
        world="",
    )
    assert shown == "mail_change"
