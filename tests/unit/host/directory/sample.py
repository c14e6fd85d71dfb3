"""A small province for the public directory."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

type Row = Sequence[str]

NOW = datetime(2026, 11, 30, 14, 5, 7, tzinfo=timezone(timedelta(hours=7)))
HEALTH = ("syt", "department", "Sở Y tế")
COMMUNE = ("que.kb", "commune", "Ủy ban nhân dân xã Quế")


def person(name: str, address: str, post: str = "", agency: Row = HEALTH) -> Row:
    return (*agency, "person", name, post, f"{address}@hanam.gov.vn")


ROWS: list[Row] = [
    person("Nguyễn Thị Thanh Hà", "nguyenthithanhha", "Trưởng phòng"),
    person("Đỗ Văn Ân", "dovanan"),
    person("Trần Ánh", "trananh", "Chuyên viên"),
    (*HEALTH, "office", "Phòng Tổ chức", "", "ptc.syt@hanam.gov.vn"),
    (*HEALTH, "agency", "Sở Y tế", "", "syt@hanam.gov.vn"),
    (*COMMUNE, "agency", "Ủy ban nhân dân xã Quế", "", "ubndque.kb@hanam.gov.vn"),
]
SITE = json.dumps(
    {
        "product": "Thư điện tử công vụ tỉnh Hà Nam",
        "ground": "Quy chế thử",
        "support": {"name": "Trung tâm hỗ trợ", "phone": "0226 3 000 000", "email": "hotro@hanam.gov.vn"},
        "path": "/danh-ba/",
        "styles": ["/giao-dien/look.css", "/danh-ba/tinh/directory.css"],
        "emblem": "/giao-dien/emblem.svg",
    }
).encode()
# What somebody could try to write into a page by way of a name or a post.
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"
