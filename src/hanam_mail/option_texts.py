"""What argparse says of a command line, in Vietnamese: headings of --help, what is wrong with the options.

It asks gettext for each of its texts. A zipapp holds no catalogue that gettext could open, so a module that asks is
given these texts instead. What click says stands in cli/click_texts.py.
"""

import os
from collections.abc import Mapping
from gettext import ngettext
from types import ModuleType

_ARGPARSE = {
    "usage: ": "cách dùng: ",
    "options": "tùy chọn",
    "positional arguments": "tham số",
    "subcommands": "lệnh",
    "show this help message and exit": "in hướng dẫn này",
    "%(prog)s: error: %(message)s\n": "%(prog)s: lỗi: %(message)s\n",
    "argument %(argument_name)s: %(message)s": "%(argument_name)s: %(message)s",
    "the following arguments are required: %s": "thiếu: %s",
    "one of the arguments %s is required": "cần một trong: %s",
    "unrecognized arguments: %s": "không có tùy chọn hoặc thừa tham số: %s",
    "expected one argument": "cần một giá trị",
    "expected at most one argument": "chỉ nhận một giá trị",
    "expected at least one argument": "cần ít nhất một giá trị",
    "expected %s argument": "cần %s giá trị",
    "expected %s arguments": "cần %s giá trị",
    "not allowed with argument %s": "không dùng cùng %s",
    "ambiguous option: %(option)s could match %(matches)s": "%(option)s chưa rõ là tùy chọn nào: %(matches)s",
    "ignored explicit argument %r": "không kèm giá trị (%r)",
    "invalid %(type)s value: %(value)r": "%(value)r không hợp lệ (%(type)s)",
    "invalid choice: %(value)r (choose from %(choices)s)": "%(value)r không có trong danh sách: %(choices)s",
    " (default: %(default)s)": " (mặc định: %(default)s)",
}


def vietnamese_locale(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the person works in Vietnamese: the first that is set of the four variables, as gettext reads them."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return value.startswith("vi")
    return False


def give_to_argparse() -> None:
    """Let argparse say its texts in Vietnamese from now on."""
    import argparse

    give(argparse, _ARGPARSE)


def give(module: ModuleType, texts: Mapping[str, str]) -> None:
    """Let a module that asks gettext (as `_` and `ngettext`) say these texts from now on."""

    def one(text: str) -> str:
        return texts.get(text, text)

    def of_number(singular: str, plural: str, number: int) -> str:
        return one(ngettext(singular, plural, number))

    vars(module).update(_=one, ngettext=of_number)
