"""A small province for tests that edit a registry: its own folder, judged by the project's rules."""

from pathlib import Path

ROOT = Path(__file__).parents[2]

# v4x8n1 runs the system (group_vars/hanam/registry.yml).
FILES = {
    "stttt.yml": """\
---
agency:
  id: v4x8n1
  name: Sở Thông tin và Truyền thông
  kind: department
  code: stttt
  suffix: tt
mailboxes:
  - id: b3h6x8
    kind: agency
    address: stttt
    history:
      - {event: issue, request: 2023-0001, done: 2023-06-28}
""",
    "snv.yml": """\
---
agency:
  id: k7q2m4
  name: Sở Nội vụ
  kind: department
  code: snv
  suffix: nv
mailboxes:
  - id: t5v9c2
    kind: agency
    address: snv
    clerks: [p3x8d1]
    history:
      - {event: issue, request: 2023-0002, done: 2023-06-28}
  - id: p3x8d1
    kind: person
    name: Nguyễn Văn Hùng
    address: nguyenvanhung
    history:
      - {event: issue, request: 2023-0002, done: 2023-06-28}
  - id: p4x8d1
    kind: person
    name: Trần Thị Bình
    address: tranthibinh
    history:
      - {event: issue, request: 2023-0002, done: 2023-06-28}
  - id: p5x8d1
    kind: person
    name: Lê Văn Cường
    address: levancuong
    history:
      - {event: issue, request: 2023-0002, done: 2023-06-28}
      - {event: revoke, request: 2024-0001, done: 2024-05-06}
""",
    "stc.yml": """\
---
agency:
  id: c4d5f6
  name: Sở Tài chính
  kind: department
  code: stc
  suffix: tc
mailboxes:
  - id: d4d5f6
    kind: agency
    address: stc
    history:
      - {event: issue, request: 2023-0003, done: 2023-06-28}
  - id: f4d5f6
    kind: person
    name: Phạm Thị Dung
    address: phamthidung
    history:
      - {event: issue, request: 2023-0003, done: 2023-06-28}
""",
    "ubndkb.yml": """\
---
agency:
  id: g4d5f6
  name: Ủy ban nhân dân huyện Kim Bảng
  kind: district
  code: kb
  suffix: kb
mailboxes:
  - id: h4d5f6
    kind: office
    name: Phòng Tư pháp
    address: ptp.kb
    history:
      - {event: issue, request: 2023-0001, done: 2023-06-28}
""",
    "requests/2023.yml": """\
---
2023-0001:
  document: 1/STTTT-VP
  dated: 2023-06-26
  received: 2023-06-26
  agency: v4x8n1
  asks: [issue]
  ground: quy chế
  result: done
  reply: {document: 70/STTTT-CNTT, date: 2023-06-28}
2023-0002:
  document: 1/SNV-VP
  dated: 2023-06-26
  received: 2023-06-26
  agency: k7q2m4
  asks: [issue]
  ground: quy chế
  result: done
  reply: {document: 71/STTTT-CNTT, date: 2023-06-28}
2023-0003:
  document: 1/STC-VP
  dated: 2023-06-26
  received: 2023-06-26
  agency: c4d5f6
  asks: [issue]
  ground: quy chế
  result: done
  reply: {document: 72/STTTT-CNTT, date: 2023-06-28}
""",
    "requests/2024.yml": """\
---
2024-0001:
  document: 5/SNV-VP
  dated: 2024-05-03
  received: 2024-05-03
  agency: k7q2m4
  asks: [revoke]
  ground: nghỉ hưu
  result: done
  reply: {document: 80/STTTT-CNTT, date: 2024-05-06}
2024-0002:
  document: 6/SNV-VP
  dated: 2024-06-03
  received: 2024-06-03
  agency: k7q2m4
  asks: [issue]
  ground: tuyển dụng
  result: pending
""",
}


def write(folder: Path) -> Path:
    """The registry in `folder`/mailboxes, beside the project's group_vars."""
    registry = folder / "mailboxes"
    (registry / "requests").mkdir(parents=True)
    for name, text in FILES.items():
        (registry / name).write_text(text, encoding="utf-8")
    (folder / "group_vars").symlink_to(ROOT / "group_vars")
    return registry


def octets(folder: Path) -> dict[str, bytes]:
    """Every file of the folder, hidden ones too, with what it holds."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
