"""registry.yml of the province as typed values: what the operator sets, not the regulation."""

from pathlib import Path

from hanam_mail.errors import InputError, Problem
from hanam_mail.registry.model import Settings
from hanam_mail.regulation import group_vars

_PREFIX = "registry_"


def load(path: Path) -> Settings:
    """Read registry.yml; without the file nothing is set.

    Raises InputError when it is no YAML or a value has the wrong type.
    """
    if not path.exists():
        return Settings()
    values = group_vars.read(path)
    try:
        operator, months = values[_PREFIX + "operator"], values[_PREFIX + "alias_months"]
    except KeyError as error:
        raise InputError([Problem(str(path), 0, "", f"thiếu biến {error}")]) from error
    if not isinstance(operator, str | None):
        raise InputError([Problem(str(path), 0, _PREFIX + "operator", "phải là mã của một cơ quan trong sổ")])
    if months is not None and (type(months) is not int or months < 1):
        raise InputError([Problem(str(path), 0, _PREFIX + "alias_months", "phải là số tháng từ 1 trở lên")])
    return Settings(operator or "", months)
