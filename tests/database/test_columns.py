"""What the accounts database keeps is read by somebody: each column of each table."""

import ast
import re
from collections.abc import Iterator

from tests.database.databases import Database
from tests.render.conftest import ROOT

# Read by no statement, and kept all the same.
KEPT = {
    "audit.database_role": "what wrote a row, whatever it said of itself: for whoever doubts its actor",
}


def test_every_column_is_read_by_a_function_or_a_program(database: Database) -> None:
    """Read: it is named in a statement that names its table too, and not only as what a row is written with."""
    statements = [set(re.findall(r"\w+", _without_writing(text))) for text in [*_functions(database), *_programs()]]
    columns = database.run(
        "select table_name, column_name from information_schema.columns where table_schema = 'mail' order by 1, 2"
    )
    unread = {
        f"{table}.{column}"
        for table, column in (line.split("|") for line in columns.splitlines())
        if not any({table, column} <= words for words in statements)
    }
    assert unread == KEPT.keys()


def _functions(database: Database) -> Iterator[str]:
    """The body of each with the types of its arguments, a trigger's with the tables that it is called for."""
    found = database.run(
        "select encode(convert_to(concat_ws(' ', pg_get_function_arguments(p.oid), p.prosrc,"
        " string_agg(t.tgrelid::regclass::text, ' ')), 'UTF8'), 'hex')"
        " from pg_proc p left join pg_trigger t on t.tgfoid = p.oid"
        " where p.pronamespace = 'mail'::regnamespace group by p.oid"
    )
    for line in found.splitlines():
        yield re.sub(r"--.*", "", bytes.fromhex(line).decode())


def _programs() -> Iterator[str]:
    """Statements in Python, each text of a program as one, and in configuration of daemons."""
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    for path in (ROOT / "roles").rglob("*"):
        if path.suffix in (".j2", ".yml", ".py", ".lua"):
            yield path.read_text()


def _without_writing(text: str) -> str:
    """Without the columns that `insert` lists and those that `update` sets; what was to be inserted is no reading."""
    text = re.sub(r"(?i)\binsert\s+into\s+([\w.]+)(\s+as\s+\w+)?\s*\([^()]*\)", r" \1 ", text)
    text = re.sub(r"(?i)\bexcluded\.\w+", "", text)
    return re.sub(r"(?i)(\bset|,)\s+\w+\s*=(?!=)", r"\1 ", text)
