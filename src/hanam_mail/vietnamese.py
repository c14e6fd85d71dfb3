"""The one way in which numbers, days, sizes and states are written for Vietnamese readers."""

from datetime import date

STATES = {"active": "đang hoạt động", "locked": "tạm khóa", "revoked": "đã thu hồi"}


def number(value: int) -> str:
    """20.000."""
    return f"{value:,}".replace(",", ".")


def day(value: str | date) -> str:
    """A date, or its ISO form, as dd/mm/yyyy."""
    return (date.fromisoformat(value) if isinstance(value, str) else value).strftime("%d/%m/%Y")


def size(octets: int) -> str:
    """4 GB, 512 MB, 1,25 GB: GB and MB as the regulation writes them, read as powers of 1,024 (Đ8.1b)."""
    for unit, name in ((2**30, "GB"), (2**20, "MB")):
        if octets >= unit:
            return f"{octets / unit:.2f}".rstrip("0").rstrip(".").replace(".", ",") + f" {name}"
    return f"{number(octets)} byte"
