"""The plan between two git revisions, and the comment on a merge request that tells it."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from click.testing import Result

from hanam_mail.errors import InputError
from hanam_mail.plan.model import Limit
from hanam_mail.registry import loading
from hanam_mail.registry.model import Registry
from hanam_mail.review import gitlab, merge_comment, revisions

ROOT = Path(__file__).parents[3]
LIMIT = Limit(percent=5, count=50)

type Run = Callable[..., Result]
PAPER = ("--dated", "20/11/2026", "--ground", "quyết định", "--reply", "99/STTTT")


def git(project: Path, *words: str) -> None:
    identity = ("-c", "user.name=Văn thư", "-c", "user.email=vt@hanam.gov.vn", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(project), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def history(project: Path) -> Path:
    """The project as a git repository with one commit, `main`."""
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "mailboxes", "group_vars")
    git(project, "commit", "-q", "-m", "Sổ đăng ký")
    return project


def commit(project: Path) -> None:
    git(project, "add", "mailboxes")
    git(project, "commit", "-q", "-m", "Thay đổi")


def test_nothing_changed_is_no_plan(run: Run, history: Path) -> None:
    result = run("plan", "--base", "main")
    assert (result.exit_code, result.stdout) == (0, "Không có thay đổi.\n")


@pytest.mark.dieu6
def test_the_plan_tells_every_kind_of_change_and_its_document(run: Run, history: Path) -> None:
    run("add", "person", "Lê An", "--agency", "snv", "--document", "1/VP", *PAPER)
    run("revoke", "tranquangminh", "--document", "2/VP", *PAPER)
    run("lock", "nguyenthithanhha", "--reason", "compromised", "--document", "3/VP", *PAPER)
    run("merge-agency", "sxd", "sgtvt", "--document", "4/VP", *PAPER)
    commit(history)
    found = json.loads(run("plan", "--base", "HEAD~1", "--json").stdout)
    groups = {entry["group"]: entry["document"]["number"] for entry in found["plan"]["entries"]}
    assert groups.items() >= {"created": "1/VP", "revoked": "2/VP", "locked": "3/VP", "merged": "4/VP"}.items()
    # Whoever leaves is no clerk any more.
    assert groups.keys() - {"created", "revoked", "locked", "merged"} == {"changed"}
    assert len(found["requests"]) == 4
    text = run("plan", "--base", "HEAD~1").stdout
    assert "+ Lê An <lean@hanam.gov.vn>, cá nhân, Sở Nội vụ, 2 GB; văn bản 1/VP ngày 20/11/2026" in text


@pytest.mark.dieu8
def test_the_regulation_of_each_revision_judges_it(run: Run, history: Path) -> None:
    file = history / "group_vars/hanam/regulation.yml"
    text = file.read_text("utf-8")
    larger = text.replace("quota_personal_default_bytes: 2147483648", "quota_personal_default_bytes: 4294967296")
    file.write_text(larger, encoding="utf-8")
    entries = json.loads(run("plan", "--base", "main", "--json").stdout)["plan"]["entries"]
    assert {change["after"] for entry in entries for change in entry["changes"]} == {4294967296}
    assert {entry["kind"] for entry in entries} == {"person"}


def test_a_revision_that_is_not_there_is_one_sentence(run: Run, history: Path) -> None:
    result = run("plan", "--base", "nowhere")
    assert result.exit_code == 1
    assert "không có bản “nowhere” trong git" in result.stderr
    assert run("plan", "--base", "--upload-pack=x").exit_code == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("code: sxd", "code: snv"),  # another's
        ("request: 2023-0001", "request: 2023-9999"),  # no such request
        ("  code: sxd", "  cod: sxd"),
        ("agency:", "agency"),  # no YAML
    ],
)
def test_a_base_that_cannot_be_understood_is_named_as_the_revision(
    run: Run, history: Path, before: str, after: str
) -> None:
    result = from_a_base_with(run, history, before, after)
    assert result.exit_code == 1
    assert "HEAD:mailboxes/sxd.yml" in result.stderr
    assert "hanam-mail-" not in result.stderr  # the folder where the revision was read
    assert "sổ đăng ký ở bản HEAD có" in run("plan", "--base", "HEAD", "--markdown").stdout


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("code: sxd", "code: sxx"),  # not that of its mailbox's address
        ("done: 2023", "done: 2093"),
        ("event: issue, ", "event: issue, quota: 3GB, "),  # an agency has 10
        ("    address: sxd\n", "    address: sxd\n    clerks: [z9z9z9]\n"),  # no such person
    ],
)
def test_what_mends_a_base_that_breaks_a_rule_can_be_planned(run: Run, history: Path, before: str, after: str) -> None:
    result = from_a_base_with(run, history, before, after)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip()


def from_a_base_with(run: Run, history: Path, before: str, after: str) -> Result:
    """What a plan says that begins with a faulty file and mends it."""
    file = history / "mailboxes/sxd.yml"
    good = file.read_text("utf-8")
    assert before in good
    file.write_text(good.replace(before, after, 1), encoding="utf-8")
    assert run("check").exit_code == 1
    commit(history)
    file.write_text(good, encoding="utf-8")
    return run("plan", "--base", "HEAD")


@pytest.fixture
def collision(run: Run, history: Path) -> tuple[str, str]:
    """Two requests, each of them right, gave one address; git saw no conflict. The files of both."""
    run("add", "person", "Lê An", "--agency", "snv", "--document", "1/VP", *PAPER)
    run("add", "person", "Lê Ân", "--agency", "stp", "--document", "2/VP", *PAPER)
    file = history / "mailboxes/stp.yml"
    given = re.search(r"name: Lê Ân\n +address: (\S+)\n", file.read_text("utf-8"))
    assert given and given[1] != "lean"
    file.write_text(file.read_text("utf-8").replace(f"address: {given[1]}", "address: lean"), "utf-8")
    assert "“lean” đã có ở" in run("check").stderr
    commit(history)
    return "snv.yml", "stp.yml"


@pytest.mark.dieu5
@pytest.mark.parametrize("mended", [0, 1])
def test_what_mends_an_address_that_two_mailboxes_have_can_be_planned(
    run: Run, history: Path, collision: tuple[str, str], mended: int
) -> None:
    """Whichever of the two keeps it, and whichever file comes first: which one was applied the database knows."""
    file = history / "mailboxes" / collision[mended]
    suffix = ("nv", "tp")[mended]
    file.write_text(file.read_text("utf-8").replace("address: lean\n", f"address: lean.{suffix}\n"), "utf-8")
    result = run("plan", "--base", "HEAD", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["never"] == found["stops"] == []
    (entry,) = found["plan"]["entries"]
    assert entry["name"] == ("Lê An", "Lê Ân")[mended]
    assert {"field": "address", "before": "lean", "after": f"lean.{suffix}"} in entry["changes"]
    (warning,) = [text for text in found["warnings"] if "hai hộp thư" in text]
    assert warning.startswith(f"{entry['name']} <lean.{suffix}@hanam.gov.vn> không còn mang địa chỉ lean;")


@pytest.mark.dieu5
def test_an_address_that_two_had_is_not_a_third_ones(run: Run, history: Path, collision: tuple[str, str]) -> None:
    for name, suffix in zip(collision, ("nv", "tp"), strict=True):
        file = history / "mailboxes" / name
        file.write_text(file.read_text("utf-8").replace("address: lean\n", f"address: lean.{suffix}\n"), "utf-8")
    run("add", "person", "Lê Ẩn", "--agency", "sxd", "--address", "lean", "--document", "3/VP", *PAPER)
    result = run("plan", "--base", "HEAD")
    assert result.exit_code == 1
    assert "địa chỉ lean thuộc hộp thư" in result.stdout


def test_the_base_is_the_same_whether_it_shares_what_is_unchanged_or_not(run: Run, history: Path) -> None:
    run("quota", "tranquangminh", "3 GB", "--document", "2/VP", *PAPER)
    after = loading.load(history / "mailboxes")
    shared = revisions.revision(history / "mailboxes", "main", became=after)
    alone = revisions.revision(history / "mailboxes", "main")
    assert shared == alone
    assert [list(shared.agencies), list(shared.mailboxes), list(shared.requests), [*shared.texts]] == [
        list(alone.agencies),
        list(alone.mailboxes),
        list(alone.requests),
        [*alone.texts],
    ]
    same = [id_ for id_, box in shared.mailboxes.items() if box is after.mailboxes[id_]]
    assert len(after.mailboxes) / 2 < len(same) < len(after.mailboxes)


def test_a_file_that_only_the_base_had_is_judged_beside_those_that_are_the_same(run: Run, history: Path) -> None:
    stray = history / "mailboxes/ghi chú.txt"
    stray.write_text("nháp", "utf-8")
    commit(history)
    stray.unlink()
    result = run("plan", "--base", "HEAD")
    assert result.exit_code == 1
    assert "HEAD:mailboxes/ghi chú.txt: tên tệp của sổ đăng ký phải kết thúc bằng .yml" in result.stderr


def test_a_file_that_was_there_twice_is_named_where_the_base_had_it(run: Run, history: Path) -> None:
    copy = history / "mailboxes/zzz.yml"
    copy.write_text((history / "mailboxes/sxd.yml").read_text("utf-8"), "utf-8")
    commit(history)
    copy.unlink()
    result = run("plan", "--base", "HEAD")
    assert result.exit_code == 1
    assert "HEAD:mailboxes/zzz.yml:" in result.stderr
    assert {line.split(":")[0] for line in result.stderr.splitlines()[:-1]} == {"HEAD"}


@pytest.mark.parametrize("target", ["sxd.yml", "../sxd.yml", "/etc/hostname"])
@pytest.mark.parametrize("name", ["zzz.yml", "requests/zzz.yml"])
def test_a_link_that_the_base_had_is_named_with_the_rule_against_it(
    run: Run, history: Path, name: str, target: str
) -> None:
    """Beside the file that it leads to, to a place without such a file, out of the repository."""
    link = history / "mailboxes" / name
    link.symlink_to(target)
    rule = "là liên kết (symlink); sổ đăng ký chỉ nhận tệp và thư mục thật"
    assert f"mailboxes/{name}: {rule}" in run("check").stderr
    commit(history)
    link.unlink()
    result = run("plan", "--base", "HEAD")
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if "mailboxes/" in line] == [f"HEAD:mailboxes/{name}: {rule}"]


def test_a_link_of_an_editor_that_the_base_had_is_no_part_of_it(run: Run, history: Path) -> None:
    lock = history / "mailboxes/.#sxd.yml"
    lock.symlink_to("/home/an@may-an.1234:1732000000")
    commit(history)
    lock.unlink()
    assert run("plan", "--base", "HEAD").stdout == "Không có thay đổi.\n"


def test_a_corrected_number_of_a_request_is_planned_for_the_mailboxes_of_unchanged_files(
    run: Run, history: Path
) -> None:
    run("lock", "tranquangminh", "--reason", "compromised", "--document", "2/VP", *PAPER)
    commit(history)
    for file in (history / "mailboxes/requests").glob("*.yml"):
        file.write_text(file.read_text("utf-8").replace("2/VP", "2/QĐ"), "utf-8")
    (entry,) = json.loads(run("plan", "--base", "HEAD", "--json").stdout)["plan"]["entries"]
    (change,) = entry["changes"]
    assert [change[side]["number"] for side in ("before", "after")] == ["2/VP", "2/QĐ"]


def test_a_base_that_names_a_missing_request_in_an_unchanged_file_is_named_as_the_revision(
    run: Run, history: Path
) -> None:
    run("lock", "tranquangminh", "--reason", "compromised", "--document", "2/VP", *PAPER)
    file = max((history / "mailboxes/requests").glob("*.yml"))
    whole = file.read_text("utf-8")
    file.unlink()
    commit(history)
    file.write_text(whole, "utf-8")
    result = run("plan", "--base", "HEAD")
    assert result.exit_code == 1
    assert result.stderr.startswith("HEAD:mailboxes/")


def test_another_file_that_a_fault_of_the_base_names_is_named_as_the_revision(run: Run, history: Path) -> None:
    result = from_a_base_with(run, history, "code: sxd", "code: snv")
    assert "“snv” đã có ở HEAD:mailboxes/snv.yml:" in result.stderr, result.stderr


def test_a_registry_without_git_is_one_sentence(run: Run) -> None:
    result = run("plan", "--base", "main")
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr and result.stderr.endswith("1 lỗi.\n")
    assert "không nằm trong kho git nào" in result.stderr and "fatal" not in result.stderr


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("fatal: detected dubious ownership in repository at '/srv/so'", "kho git này thuộc người dùng khác"),
        ("fatal: this operation must be run in a work tree", "không có thư mục làm việc"),
        ("warning: x\nfatal: bad object HEAD", "git báo lỗi: bad object HEAD"),
        ("", "git không chạy được"),
    ],
)
def test_what_git_says_is_a_vietnamese_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    program = tmp_path / "bin/git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n[ \"$LC_ALL\" = C ] && cat >&2 <<'END'\n{said}\nEND\nexit 128\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    result = run("plan", "--base", "main")
    assert result.exit_code == 1
    assert told in result.stderr and "fatal" not in result.stderr


def test_a_machine_without_git_is_one_sentence(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("plan", "--base", "main")
    assert result.exit_code == 1
    assert result.stderr == "git: không chạy được chương trình git: máy này chưa cài git\n1 lỗi.\n"


@pytest.mark.dieu6
def test_a_pending_request_that_is_taken_out_is_told_by_every_form_of_the_plan(run: Run, history: Path) -> None:
    words = ("--agency", "snv", "--asks", "reset", "--dated", "1/9/2026", "--received", "2/9/2026", "--ground", "quên")
    assert run("request", "register", "12/SNV-VP", *words).exit_code == 0
    commit(history)
    (history / "mailboxes/requests/2026.yml").unlink()
    told = "Đề nghị 2026-0001 (12/SNV-VP ngày 01/09/2026 của Sở Nội vụ, nhận ngày 02/09/2026, đang chờ) bị xóa"
    assert f"Xin xem kỹ: {told}" in run("plan", "--base", "HEAD").stdout
    assert f"- {told}" in run("plan", "--base", "HEAD", "--markdown").stdout
    found = json.loads(run("plan", "--base", "HEAD", "--json").stdout)
    assert found["requests"] == ["2026-0001"] and found["warnings"][0].startswith(told)


@pytest.mark.dieu8
def test_a_quota_that_shrinks_is_to_be_looked_at(run: Run, history: Path) -> None:
    run("quota", "tranquangminh", "8GB", "--document", "1/VP", *PAPER)
    commit(history)
    run("quota", "tranquangminh", "4GB", "--shrink", "--document", "2/VP", *PAPER)
    comment = run("plan", "--base", "HEAD", "--markdown").stdout
    assert "**Xin xem kỹ:**" in comment
    assert "Giảm dung lượng từ 8 GB xuống 4 GB: Trần Quang Minh" in comment


def test_the_comment_has_a_table_for_each_kind_and_folds_long_ones(run: Run, history: Path) -> None:
    run("revoke", "tranquangminh", "--document", "2/VP", *PAPER)
    run("rename-agency", "kb", "--new-code", "txkb", "--document", "4/VP", *PAPER)
    comment = run("plan", "--base", "main", "--markdown").stdout
    assert comment.startswith(merge_comment.MARK)
    assert "#### Thu hồi (1)" in comment
    assert "| Trần Quang Minh &lt;tranquangminh@hanam.gov.vn&gt;" in comment
    assert "<details><summary><b>Thay đổi (" in comment and "</details>" in comment
    assert "1 hộp thư bị thu hồi: đóng vĩnh viễn" in comment
    assert "#### Sổ đề nghị (2)" in comment
    assert "So với `main`." in comment


def test_the_comment_lists_the_errors_of_a_registry_that_has_some(run: Run, history: Path) -> None:
    file = history / "mailboxes/sxd.yml"
    file.write_text(file.read_text("utf-8").replace("code: sxd", "code: sxx"), encoding="utf-8")
    result = run("plan", "--base", "main", "--output", "plan.md")
    assert result.exit_code == 1
    text = (history / "plan.md").read_text("utf-8")
    assert "lỗi, chưa thể hợp nhất:**" in text and "mailboxes/sxd.yml" in text


def test_the_comment_lists_what_is_not_in_canonical_form(run: Run, history: Path) -> None:
    file = history / "mailboxes/sxd.yml"
    file.write_text(file.read_text("utf-8").replace("code: sxd", "code: 'sxd'"), encoding="utf-8")
    assert "không ở dạng chuẩn" in run("plan", "--base", "main", "--markdown").stdout
    assert run("plan", "--base", "main").exit_code == 0


def test_names_cannot_break_out_of_the_table(run: Run, history: Path) -> None:
    run("lock", "tranquangminh", "--reason", "idle", "--document", "a|b <img src=x> [x](y)", *PAPER)
    comment = run("plan", "--base", "main", "--markdown").stdout
    assert "<img" not in comment and "[x](y)" not in comment
    assert all(line.count("|") - line.count("\\|") in (0, 4, 5, 6) for line in comment.splitlines())


def test_a_table_of_thousands_is_cut(run: Run, project: Path) -> None:
    from hanam_mail.cli.base import load

    before = load(project / "mailboxes")
    person = next(box for box in before.mailboxes.values() if box.address == "tranquangminh")
    many = {f"x{n}": replace(person, id=f"x{n}", address=f"nguoi{n}") for n in range(1000)}
    after = replace(before, mailboxes={**before.mailboxes, **many})
    found = revisions.assess(before, after, date(2026, 11, 25), "hanam.gov.vn", LIMIT)
    comment = merge_comment.comment(merge_comment.Review(found, (), {}), "main")
    assert "Cấp mới (1.000)" in comment
    assert "… và 700 dòng nữa." in comment
    assert len(comment) < 200_000


@pytest.mark.dieu5
def test_a_vanished_mailbox_stops_the_plan_and_is_told(project: Path) -> None:
    from hanam_mail.cli.base import load

    before = load(project / "mailboxes")
    rest: Registry = replace(before, mailboxes=dict(list(before.mailboxes.items())[1:]))
    found = revisions.assess(before, rest, date(2026, 11, 25), "hanam.gov.vn", LIMIT)
    assert "không được xóa mục" in found.stops[0] and not found.never
    assert found.plan.counts["revoked"] == 1  # type: ignore[index]


@pytest.mark.dieu6
def test_the_plan_stops_at_the_limit_that_apply_has(run: Run, history: Path) -> None:
    for number, login in enumerate(("tranquangminh", "nguyenthithanhha")):
        done = run("revoke", login, "--document", f"{number}/VP", *PAPER)
        assert done.exit_code == 0, done.output
    commit(history)
    file = history / "group_vars/hanam/mailboxes.yml"
    text = file.read_text("utf-8")

    def stops(percent: str, count: str) -> str:
        changed = text.replace("limit_percent: 5", f"limit_percent: {percent}")
        file.write_text(changed.replace("limit_count: 50", f"limit_count: {count}"), encoding="utf-8")
        result = run("plan", "--base", "HEAD~1", "--json")
        assert result.exit_code == 0, result.output
        return " ".join(json.loads(result.stdout)["stops"])

    assert "2 trong" in stops("100", "1") and "ngưỡng 1 hộp thư hoặc 100 %" in stops("100", "1")
    assert stops("100", "2") == ""
    file.write_text(text.replace("limit_count: 50", "limit_count: năm mươi"), encoding="utf-8")
    result = run("plan", "--base", "HEAD~1")
    assert result.exit_code == 1 and "mailboxes_removals_limit_count: phải là một số" in result.output


@pytest.mark.dieu5
def test_an_address_given_to_another_turns_the_pipeline_red_and_is_shown(run: Run, history: Path) -> None:
    file = history / "mailboxes/sldtbxh.yml"
    text = file.read_text("utf-8")
    identity = re.search(r"- id: (\w+)\n    kind: person\n", text)
    assert identity
    file.write_text(text.replace(identity[1], "z2z2z2"), encoding="utf-8")
    result = run("plan", "--base", "main", "--markdown")
    assert result.exit_code == 1
    assert "**Không bao giờ áp dụng được, phải sửa trước khi hợp nhất:**" in result.stdout
    assert "không được cấp cho" in result.stdout
    assert "Không có hộp thư hay cơ quan nào thay đổi" not in result.stdout
    assert "#### Cấp mới (1)" in result.stdout and "#### Thu hồi (1)" in result.stdout
    assert run("plan", "--base", "main", "--json").exit_code == 1


@pytest.mark.dieu8
def test_what_only_needs_a_flag_leaves_the_pipeline_green(run: Run, history: Path) -> None:
    file = history / "mailboxes/sldtbxh.yml"
    text = file.read_text("utf-8")
    start = text.index("  - id: ", text.index("kind: agency"))
    file.write_text(re.sub(r" +clerks: .*\n", "", text[:start]), encoding="utf-8")
    result = run("plan", "--base", "main", "--markdown")
    assert result.exit_code == 0, result.stdout
    assert "chưa cho phép rõ ràng" in result.stdout and "Không bao giờ" not in result.stdout


@pytest.mark.dieu5
def test_what_the_rule_would_have_proposed_otherwise_is_to_be_looked_at(run: Run, history: Path) -> None:
    run("add", "person", "Lê An", "--agency", "snv", "--document", "1/VP", *PAPER)
    run("add", "person", "Lê Ân", "--agency", "stp", "--document", "2/VP", *PAPER)
    run("add", "person", "Lê Ẩn", "--agency", "stp", "--detail", "Bình Lục", "--document", "3/VP", *PAPER)
    run("add", "office", "Văn phòng", "--agency", "stp", "--document", "4/VP", *PAPER)
    assert "Xin xem kỹ" not in run("plan", "--base", "main", "--markdown").stdout
    chosen = ("--address", "lebinh.phuly", "--document", "5/VP")
    shown = run("add", "person", "Lê Bình", "--agency", "snv", *chosen, *PAPER)
    assert "Điều 5 đề xuất lebinh" in shown.stdout, shown.stderr
    run("add", "person", "Lê Bính", "--agency", "snv", "--address", "lebinh.2", "--document", "6/VP", *PAPER)
    chosen = ("--address", "phongtc.stp", "--document", "7/VP")
    run("add", "office", "Phòng Tổ chức", "--agency", "stp", *chosen, *PAPER)
    agency = ("--kind", "department", "--code", "sdulich", "--sender", "snv", "--document", "8/VP")
    run("add", "agency", "Sở Du lịch", *agency, *PAPER)
    comment = run("plan", "--base", "main", "--markdown").stdout
    for told in (
        "lebinh.phuly của Lê Bình: Điều 5 đề xuất lebinh",
        "lebinh.2 của Lê Bính: Điều 5 đề xuất lebinh",
        "phongtc.stp của Phòng Tổ chức: Điều 5 đề xuất ptc.stp",
        "Mã sdulich của Sở Du lịch: Điều 5 đề xuất sdl",
    ):
        assert told in comment, comment
    assert comment.count("Điều 5 đề xuất") == 4


# --- GitLab ---


class GitLab(BaseHTTPRequestHandler):
    """As much of GitLab as comments need."""

    notes: list[dict[str, object]]
    asked: list[str]

    def do_GET(self) -> None:
        page = int(self.path.rpartition("=")[2])
        self.answer(self.notes[(page - 1) * 2 : page * 2])

    def do_POST(self) -> None:
        note = {"id": len(self.notes) + 1, "body": self.body()}
        self.notes.append(note)
        self.answer(note)

    def do_PUT(self) -> None:
        note = self.notes[int(self.path.rpartition("/")[2]) - 1]
        note["body"] = self.body()
        self.answer(note)

    def body(self) -> str:
        return str(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"])

    def answer(self, value: object) -> None:
        self.asked.append(f"{self.command} {self.path}")
        self.send_response(200 if self.headers["PRIVATE-TOKEN"] == "glpat-x" else 401)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[type[GitLab], dict[str, str]]]:
    handler = type("Handler", (GitLab,), {"notes": [], "asked": []})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=http.serve_forever)
    thread.start()
    yield (
        handler,
        {
            "CI_API_V4_URL": f"http://127.0.0.1:{http.server_port}/api/v4",
            "CI_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_IID": "12",
            gitlab.TOKEN: "glpat-x",
        },
    )
    http.shutdown()
    thread.join()
    http.server_close()


def test_the_comment_is_written_once_and_then_kept_up_to_date(server: tuple[type[GitLab], dict[str, str]]) -> None:
    handler, environment = server
    handler.notes.extend({"id": number, "body": "Đồng ý."} for number in (1, 2, 3))
    target = gitlab.from_environment(environment)
    assert target is not None
    assert target.publish("<!-- m -->\nmột", "<!-- m -->")
    assert not target.publish("<!-- m -->\nhai", "<!-- m -->")
    assert not target.publish("<!-- m -->\nhai", "<!-- m -->")
    assert [note["body"] for note in handler.notes][3:] == ["<!-- m -->\nhai"]
    assert [line.split()[0] for line in handler.asked].count("PUT") == 1
    assert handler.asked[0].startswith("GET /api/v4/projects/7/merge_requests/12/notes?")


def test_a_refused_token_is_one_sentence_without_it(server: tuple[type[GitLab], dict[str, str]]) -> None:
    environment = server[1] | {gitlab.TOKEN: "glpat-secret"}
    target = gitlab.from_environment(environment)
    assert target is not None
    with pytest.raises(InputError) as refused:
        target.publish("x", "<!-- m -->")
    assert "401" in str(refused.value)
    assert "secret" not in str(refused.value) + repr(target)


def test_without_a_token_the_text_is_only_printed(run: Run, history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(gitlab.TOKEN, raising=False)
    result = run("plan", "--base", "main", "--output", "plan.md", "--publish")
    assert result.exit_code == 0
    assert "chưa đăng nhận xét" in result.stderr
    assert (history / "plan.md").read_text("utf-8") == result.stdout


def test_the_pipeline_publishes_the_plan(
    run: Run,
    history: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: tuple[type[GitLab], dict[str, str]],
) -> None:
    for name, value in server[1].items():
        monkeypatch.setenv(name, value)
    result = run("plan", "--base", "main", "--publish")
    assert result.exit_code == 0, result.stderr
    assert [note["body"] for note in server[0].notes] == [result.stdout]
    assert "glpat" not in result.output + result.stderr


def test_a_token_outside_a_merge_request_is_said_to_lack_it() -> None:
    with pytest.raises(InputError) as refused:
        gitlab.from_environment({gitlab.TOKEN: "x", "CI_API_V4_URL": "https://git.example/api/v4"})
    assert "CI_PROJECT_ID, CI_MERGE_REQUEST_IID" in str(refused.value)


def test_the_pipeline_compares_publishes_and_checks() -> None:
    jobs = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text("utf-8"))
    plan = jobs["plan"]
    assert [line.split()[:2] for line in plan["script"]] == [
        ["make", "setup"],
        [".venv/bin/hanam-mail", "plan"],
        [".venv/bin/hanam-mail", "check"],
    ]
    assert "--publish" in plan["script"][1]
    assert plan["artifacts"]["when"] == "always"
    assert gitlab.TOKEN not in json.dumps(plan)


@pytest.mark.dieu5
def test_a_base_older_than_the_gate_of_names_can_be_planned_from(run: Run, history: Path) -> None:
    """Else the merge request that mends the names could never be planned."""
    mailboxes = history / "mailboxes"
    good = {name: (mailboxes / name).read_text("utf-8") for name in ("stttt.yml", "snv.yml")}
    office = """
  - id: {0}
    kind: office
    name: {1}
    address: {2}
    history:
      - {{event: issue, request: 2023-0002, done: 2024-02-01}}
"""
    bad = {
        "stttt.yml": good["stttt.yml"].replace("name: Nguyễn Thị Thanh Hà", "name: NGUYỄN THỊ THANH HÀ"),
        "snv.yml": good["snv.yml"].replace("name: Sở Nội vụ", "name: \u0405ở Nội vụ").rstrip("\n")
        + office.format("d2d2d2", "Phòng CNTT", "pcntt.snv").rstrip("\n")
        + office.format("d3d3d3", "Phòng Công nghệ thông tin", "congnghe.snv"),
    }
    for name, text in bad.items():
        (mailboxes / name).write_text(text, encoding="utf-8")
    commit(history)
    told = run("check").stderr
    assert "phải ghi là “Nguyễn Thị Thanh Hà”" in told and "là một đơn vị" in told
    for name, text in good.items():
        (mailboxes / name).write_text(text, encoding="utf-8")
    result = run("plan", "--base", "HEAD", "--json")
    assert result.exit_code == 0, result.output
    entries = json.loads(result.stdout)["plan"]["entries"]
    assert {entry["name"] for entry in entries} >= {"Nguyễn Thị Thanh Hà", "Sở Nội vụ"}
