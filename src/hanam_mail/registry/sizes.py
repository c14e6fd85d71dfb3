"""Sizes of mailboxes as the registry writes them: "4GB" is 4294967296 octets."""

QUOTA_PATTERN = r"[1-9]\d{0,5}(MB|GB|TB)"
QUOTA_HINT = "ghi số nguyên kèm MB, GB hoặc TB, ví dụ 4GB"
# GB is read as GiB (Đ8.1b, see regulation.yml).
_UNITS = {"TB": 1024**4, "GB": 1024**3, "MB": 1024**2}


def quota_bytes(text: str) -> int:
    """Octets of a quota that matches QUOTA_PATTERN."""
    return int(text[:-2]) * _UNITS[text[-2:]]


def quota_text(octets: int) -> str:
    """The registry's form of a number of octets, whole MiB, in the largest unit that divides it."""
    unit = next(unit for unit, size in _UNITS.items() if octets % size == 0)
    return f"{octets // _UNITS[unit]}{unit}"
