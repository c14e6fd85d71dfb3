"""Settings that a role wrote for a program: a YAML file with exactly the fields of a dataclass."""

from dataclasses import Field, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol


class ConfigurationError(Exception):
    """The file cannot be used; the text says why, for the operator."""


class Dataclass(Protocol):
    """Any dataclass, for the type checker."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def content(path: Path) -> Any:
    """What stands in the file."""
    import yaml

    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: không đọc được: {error}") from error


def read[T: Dataclass](kind: type[T], path: Path) -> T:
    """The file as that dataclass, whose fields it must have and no other. Types are the template's affair."""
    values, names = content(path), {field.name for field in fields(kind)}
    if not isinstance(values, dict) or set(values) != names:
        raise ConfigurationError(f"{path}: cần đúng các khóa {', '.join(sorted(names))}")
    return kind(**values)
