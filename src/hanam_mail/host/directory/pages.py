"""The directory's pages (HTML 5), without scripts, with nothing from elsewhere. What comes from outside is escaped.

They load the site's style sheets, the last of which, directory.css, is their own.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import groupby

from hanam_mail import vietnamese
from hanam_mail.host.directory.entries import KINDS, DirectoryAgency, DirectoryEntry, given_name

SEARCH, AGENCIES = "tim", "co-quan"
"""Names below the directory's path: the search, the folder of agencies' files."""
BUSY, MISSING = "ban", "khong-co"
"""Pages that nginx shows in place of another: that cannot be shown now, that is none."""
TYPED_MOST = 100
# A list of more people has letters to leap to.
_LETTERS_FROM = 40
_TITLE = "Danh bạ thư điện tử công vụ"


@dataclass(frozen=True, slots=True)
class DirectorySite:
    """What every page says: the product, by what rule this is public, whom to ask (name, phone, email); the path of the
    directory, with a slash at both ends; paths of the style sheets in their order, and of the emblem.
    """

    product: str
    ground: str
    support: Mapping[str, str]
    path: str
    styles: Sequence[str]
    emblem: str

    @classmethod
    def read(cls, octets: bytes) -> "DirectorySite":
        """The configuration that the role writes (JSON). Raises ValueError or TypeError."""
        return cls(**json.loads(octets))


def moment(made: datetime) -> str:
    """14:05 ngày 30/11/2026."""
    return f"{made:%H:%M} ngày {vietnamese.day(made.date())}"


def index_page(site: DirectorySite, directory: Sequence[DirectoryAgency], made: datetime) -> str:
    """Search, and all agencies by kind."""
    number = sum(len(agency.entries) for agency in directory)
    parts = [
        f'<p class="why">{vietnamese.number(number)} địa chỉ của {vietnamese.number(len(directory))} cơ quan, đơn vị. '
        "Gõ tên người, chức vụ hoặc tên cơ quan, có dấu hay không dấu đều tìm được; hoặc chọn cơ quan bên dưới.</p>",
        _form(site, ""),
    ]
    known = list(KINDS)
    for heading, group in groupby(directory, key=lambda agency: KINDS.get(agency.kind, KINDS[known[-1]])):
        parts += [f"<h2>{escape(heading)}</h2>", '<ul class="agencies">']
        parts += [f'<li><a href="{_href(site, agency)}">{escape(agency.name)}</a></li>' for agency in group]
        parts.append("</ul>")
    return _page(site, _TITLE, parts, made)


def agency_page(site: DirectorySite, agency: DirectoryAgency, made: datetime) -> str:
    """An agency's mailboxes, and the same as files."""
    files = " • ".join(
        f'<a href="{escape(agency.code)}.{ending}">{text}</a>'
        for ending, text in (("csv", "bảng tính (CSV)"), ("vcf", "danh thiếp (vCard)"), ("json", "JSON"))
    )
    parts = [_back(site), f"<p>Tải về: {files}</p>"]
    if agency.own:
        parts += ["<h2>Cơ quan và các phòng, ban, đơn vị</h2>", *_table(agency.own, post=False)]
    if agency.people:
        parts += ["<h2>Cá nhân</h2>", *_people(agency.people)]
    return _page(site, agency.name, parts, made)


def found_page(
    site: DirectorySite,
    typed: str,
    found: Sequence[tuple[DirectoryAgency, DirectoryEntry]],
    number: int,
    made: datetime | None,
) -> str:
    """What a search found: the first ones of so many."""
    parts = [_back(site), _form(site, typed)]
    if not typed.strip():
        parts.append("<p>Hãy gõ tên người, chức vụ hoặc tên cơ quan cần tìm.</p>")
    elif not found:
        parts.append(
            f'<p role="status">Không tìm thấy “{escape(typed)}”. Hãy bớt từ hoặc gõ một phần tên, '
            "hoặc chọn cơ quan trong danh mục.</p>"
        )
    else:
        more = f"; dưới đây là {len(found)} địa chỉ đầu, hãy gõ thêm từ để thu hẹp" if number > len(found) else ""
        parts.append(f'<p role="status">Tìm thấy {vietnamese.number(number)} địa chỉ{more}.</p>')
        parts += ["<h2>Kết quả</h2>", *_results(site, found)]
    return _page(site, "Tìm địa chỉ thư điện tử công vụ", parts, made)


def busy_page(site: DirectorySite) -> str:
    """In place of a search that nobody answers, or where somebody asks too fast."""
    text = (
        "Máy chủ đang bận, hoặc từ địa chỉ mạng của bạn có quá nhiều yêu cầu trong thời gian ngắn. Hãy chờ một phút "
        "rồi thử lại. Khi chưa tìm được, danh bạ của từng cơ quan vẫn xem được."
    )
    return _page(site, "Chưa mở được trang này", [f"<p>{text}</p>", _back(site)], None)


def missing_page(site: DirectorySite) -> str:
    """In place of a page that is not there."""
    text = "Cơ quan có thể đã đổi tên hoặc sáp nhập. Hãy tìm trong danh bạ hoặc chọn trong danh mục cơ quan."
    return _page(site, "Không có trang này", [f"<p>{text}</p>", _form(site, ""), _back(site)], None)


def _back(site: DirectorySite) -> str:
    return f'<p><a href="{escape(site.path)}">← Danh mục cơ quan</a></p>'


def _href(site: DirectorySite, agency: DirectoryAgency) -> str:
    return escape(f"{site.path}{AGENCIES}/{agency.code}.html")


def _form(site: DirectorySite, typed: str) -> str:
    return (
        f'<form role="search" action="{escape(site.path)}{SEARCH}" method="get">'
        '<label for="q">Tìm trong danh bạ</label>'
        f'<input type="text" id="q" name="q" value="{escape(typed)}" maxlength="{TYPED_MOST}" autocomplete="off">'
        '<button type="submit">Tìm</button></form>'
    )


def _results(site: DirectorySite, found: Sequence[tuple[DirectoryAgency, DirectoryEntry]]) -> Iterator[str]:
    entries = [entry for _, entry in found]
    yield from _table(entries, [agency for agency, _ in found], site, post=_have_posts(entries))


def _people(people: Sequence[DirectoryEntry]) -> Iterator[str]:
    post = _have_posts(people)
    if len(people) < _LETTERS_FROM:
        yield from _table(people, post=post)
        return
    groups = [(letter, list(group)) for letter, group in groupby(people, key=_letter)]
    letters = " ".join(f'<a href="#{_anchor(letter)}">{escape(letter)}</a>' for letter, _ in groups)
    yield f'<nav class="letters" aria-label="Tên theo chữ cái đầu">{letters}</nav>'
    for letter, group in groups:
        yield f'<h3 id="{_anchor(letter)}">{escape(letter)}</h3>'
        yield from _table(group, post=post, under_letter=True)


def _letter(entry: DirectoryEntry) -> str:
    """The first letter of the given name, without its tone: Ấ stands under Â."""
    first = given_name(entry.name)[:1].upper()
    return _UNTONED.get(first, first) or "#"


_UNTONED = {
    toned: letter
    for letter, group in {
        "A": "ÀẢÃÁẠ", "Ă": "ẰẲẴẮẶ", "Â": "ẦẨẪẤẬ", "E": "ÈẺẼÉẸ", "Ê": "ỀỂỄẾỆ", "I": "ÌỈĨÍỊ", "O": "ÒỎÕÓỌ", "Ô": "ỒỔỖỐỘ",
        "Ơ": "ỜỞỠỚỢ", "U": "ÙỦŨÚỤ", "Ư": "ỪỬỮỨỰ", "Y": "ỲỶỸÝỴ",
    }.items()
    for toned in group
}  # fmt: skip


def _anchor(letter: str) -> str:
    return "-".join(["chu", *(f"{ord(char):x}" for char in letter)])


def _table(
    entries: Sequence[DirectoryEntry],
    of: Sequence[DirectoryAgency] = (),
    site: DirectorySite | None = None,
    *,
    post: bool,
    under_letter: bool = False,
) -> Iterator[str]:
    """Rows of name, post where it is asked for, address; and the agency of each, linked, where `of` has them."""
    columns = [("name", "Tên"), *([("post", "Chức vụ")] if post else []), ("address", "Địa chỉ")]
    columns += [("agency", "Cơ quan")] if of else []
    headings = "".join(f'<th scope="col" class="{name}">{text}</th>' for name, text in columns)
    yield f"<table{' class="letter"' if under_letter else ''}><thead><tr>{headings}</tr></thead><tbody>"
    for place, entry in enumerate(entries):
        address = escape(entry.address)
        cells = [f'<th scope="row">{escape(entry.name)}</th>']
        if post:
            cells.append(f"<td>{escape(entry.post)}</td>")
        # On a narrow page it is parted before the @.
        cells.append(f'<td><a href="mailto:{address}">{address.replace("@", "<wbr>@")}</a></td>')
        if of and site:
            cells.append(f'<td><a href="{_href(site, of[place])}">{escape(of[place].name)}</a></td>')
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table>"


def _have_posts(entries: Iterable[DirectoryEntry]) -> bool:
    return any(entry.post for entry in entries)


def _page(site: DirectorySite, title: str, parts: Iterable[str], made: datetime | None) -> str:
    styles = "\n".join(f'<link rel="stylesheet" href="{escape(style)}">' for style in site.styles)
    given = site.support
    asked = [f"Hỗ trợ: {given['name']}"] if given.get("name") else []
    asked += [f"Điện thoại: {given['phone']}"] if given.get("phone") else []
    support = " • ".join(map(escape, asked))
    if given.get("email"):
        email = escape(given["email"])
        support += f' • Email: <a href="mailto:{email}">{email}</a>'
    dated = f"<p>Danh bạ lập lúc {moment(made)}.</p>" if made else ""
    return f"""<!doctype html>
<html lang="vi" class="page reading directory">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} – {escape(site.product)}</title>
<link rel="icon" href="{escape(site.emblem)}">
{styles}
</head>
<body>
<a class="skip" href="#content">Đến nội dung chính</a>
<header>
<img src="{escape(site.emblem)}" alt="">
<p class="product">{escape(site.product)}</p>
</header>
<main id="content" tabindex="-1">
<h1>{escape(title)}</h1>
{"\n".join(parts)}
</main>
<footer>
{dated}
<p>Công khai theo {escape(site.ground)}: tên, chức vụ, địa chỉ thư điện tử.</p>
<p>{support}</p>
</footer>
</body>
</html>
"""
