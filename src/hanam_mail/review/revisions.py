"""What leads from one registry to another: the same plan that applying makes, without a database.

`assess` compares two registries in memory, `revision` reads the one that a git revision holds, judged by the
regulation of that revision.
"""

import io
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from hanam_mail.errors import InputError, Problem
from hanam_mail.plan import accounts, compare
from hanam_mail.plan.model import Assessment, Limit
from hanam_mail.registry import loading
from hanam_mail.registry.folder import NO_LINK
from hanam_mail.registry.model import Registry
from hanam_mail.regulation import group_vars, provisions
from hanam_mail.review import histories

_JUDGES = ("regulation.yml", "registry.yml")
# What git says, and what the operator is told.
_GIT_FAULTS = {
    "not a git repository": "sổ đăng ký này không nằm trong kho git nào, nên không có bản nào để so sánh",
    "dubious ownership": (
        "kho git này thuộc người dùng khác nên git không đọc; chạy bằng người dùng ấy, hoặc cho phép bằng lệnh "
        "git config --global --add safe.directory THƯ-MỤC"
    ),
    "must be run in a work tree": "kho git này không có thư mục làm việc: chạy trong bản đã git clone",
}


def assess(before: Registry, after: Registry, today: date, domain: str, limit: Limit | None) -> Assessment:
    """The whole plan, what may never be (an address given to another), and what the operator must allow first."""
    want = accounts.wanted(loading.desired_state(after))
    same = _unchanged(before, after)
    others = replace(before, mailboxes={id_: box for id_, box in before.mailboxes.items() if id_ not in same})
    have = accounts.wanted(loading.desired_state(others), holders=want.addresses)
    return compare.assess(
        accounts.joined(want, same, have),
        want,
        today,
        domain=domain,
        limit=limit,
        rewritten=histories.rewritten(others, after, today),
    )


def _unchanged(before: Registry, after: Registry) -> frozenset[str]:
    """The ids of mailboxes of which both say the same, in their entries and in the requests these name."""
    if before.regulation != after.regulation:
        return frozenset()
    changed = {id_ for id_, request in before.requests.items() if after.requests.get(id_) != request}
    return frozenset(
        id_
        for id_, mailbox in before.mailboxes.items()
        if after.mailboxes.get(id_) == mailbox and not any(event.request in changed for event in mailbox.history)
    )


def revision(
    folder: Path,
    name: str,
    *,
    day: date | None = None,
    cache: Path | None = None,
    became: Registry | None = None,
) -> Registry:
    """The registry in `folder` as the git revision `name` has it, checked by that revision's regulation. What it
    `became`, if that was read already, saves reading what is the same again.

    Raises InputError when there is no such revision, or nothing of the registry in it.
    """
    root = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
    place = folder.resolve().relative_to(root.resolve())
    found = _git(folder, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}", missing=name)
    commit = found.decode().strip()
    if not _git(root, "ls-tree", "--name-only", commit, "--", str(place)):
        raise InputError([Problem(str(folder), 0, "", f"bản “{name}” không có sổ đăng ký này")])
    # In whichever folder that revision had its province.
    beside = _git(root, "ls-tree", "-r", "-z", "--name-only", commit, "--", str(place.parent / "group_vars"))
    judges = [file for file in beside.decode().split("\0") if Path(file).name in _JUDGES]
    archive = _git(root, "archive", "--format=tar", commit, "--", str(place), *judges)
    with tempfile.TemporaryDirectory(prefix="hanam-mail-") as scratch:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            links = [file.name for file in files.getmembers() if file.issym()]
            # Names with a leading dot are no part of a registry: an editor's lock is such a link.
            if refused := [link for link in links if not any(part.startswith(".") for part in Path(link).parts)]:
                raise InputError([Problem(f"{name}:{link}", 0, "", NO_LINK) for link in refused])
            same = _same(files, place, became.texts if became else {})
            others = [file for file in files.getmembers() if file.name not in same and file.name not in links]
            files.extractall(scratch, others, filter="data")
        try:
            judge = provisions.load(loading.regulation_beside(Path(scratch) / place), former=True)
            return loading.load(
                Path(scratch) / place,
                regulated_by=judge,
                day=day,
                cache=cache,
                former=True,
                former_of=became,
                same=same.values(),
            )
        except InputError as error:
            places = {Path(scratch) / place: place, folder: place, Path(scratch): Path()}
            raise InputError([_of_revision(each, places, name) for each in error.problems]) from error


def _same(files: tarfile.TarFile, place: Path, texts: Mapping[Path, tuple[str, object]]) -> dict[str, Path]:
    """The files of the registry at `place` that say what is at hand in `texts`: their names in the archive and, as
    there, in the registry. Nearly all of them, which need not be written to be read.
    """
    known = {(place / file).as_posix(): file for file in texts}
    found: dict[str, Path] = {}
    for member in files.getmembers():
        stream = files.extractfile(member) if member.isreg() and member.name in known else None
        if stream is not None and stream.read() == texts[known[member.name]][0].encode():
            found[member.name] = known[member.name]
    return found


def domain_beside(folder: Path) -> str:
    """The mail domain of the project that the registry in `folder` is part of, "" where none is set."""
    file = _beside(folder, "names.yml")
    if file is None:
        return ""
    return str(group_vars.read(file).get("mail_domain", ""))


def limit_beside(folder: Path) -> Limit | None:
    """How many revocations apply lets pass in one run, by the project that the registry in `folder` is part of; None
    where no project is. Raises InputError where it does not say."""
    file = _beside(folder, "mailboxes.yml")
    if file is None:
        return None
    values = group_vars.read(file)
    limits = {name: values.get(name) for name in ("mailboxes_removals_limit_percent", "mailboxes_removals_limit_count")}
    wrong = [name for name, value in limits.items() if not isinstance(value, int | float)]
    if wrong:
        raise InputError([Problem(str(file), 0, "", f"{name}: phải là một số") for name in wrong])
    return Limit(*limits.values())  # type: ignore[arg-type]


def _beside(folder: Path, name: str) -> Path | None:
    """That file of the province of the project that the registry in `folder` is part of; None where no project is."""
    project = folder.resolve().parent
    if not any(project.glob("group_vars/*/regulation.yml")):
        return None
    file = group_vars.province_folder(project) / name
    return file if file.exists() else None


def _git(folder: Path, *words: str, missing: str = "") -> bytes:
    # What git says is looked through for known faults: in its own language, whatever the operator's is.
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False, env=environment)
    except OSError as error:
        raise InputError([Problem("git", 0, "", "không chạy được chương trình git: máy này chưa cài git")]) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace")
        known = next((sentence for words_, sentence in _GIT_FAULTS.items() if words_ in said), "")
        reason = known or (f"không có bản “{missing}” trong git" if missing else "")
        raise InputError([Problem(str(folder), 0, "", reason or _unknown(said))])
    return done.stdout


def _unknown(said: str) -> str:
    """A sentence with the last of what git said, without its word for an error."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return f"git báo lỗi: {lines[-1].removeprefix('fatal: ')}" if lines else "git không chạy được"


def _of_revision(problem: Problem, places: Mapping[Path, Path], name: str) -> Problem:
    """The problem, files named as git does in it: revision:path. `places`: where each folder lies in the repository."""
    found = {f"{folder}/": f"{name}:{place}/" if place != Path() else f"{name}:" for folder, place in places.items()}
    # At the beginning of a word: a folder's own name may be the end of another path.
    pattern = re.compile(r"(?<![^\s(“])(?:" + "|".join(re.escape(folder) for folder in found) + ")")
    text = pattern.sub(lambda match: found[match[0]], problem.text)
    for folder, place in places.items():
        if Path(problem.file).is_relative_to(folder):
            return replace(problem, text=text, file=f"{name}:{place / Path(problem.file).relative_to(folder)}")
    return replace(problem, text=text)
