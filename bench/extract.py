"""What the text of a document costs: `python -m bench.extract`, on this machine, without a lab.

Documents of two sizes of each kind (the handbook's Vietnamese) are read as the service reads them, each in a process of
its own; those of catdoc and poppler where these are installed. `cpu` is what such a process and its children took; the
memory is the largest of them. Written to build/bench/extract.json and, as a table, to standard output.
"""

import argparse
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests import documents

from bench.measuring import OUTPUT, REPOSITORY
from hanam_mail.regulation.legacy_tables import TCVN3_LETTERS

TEXTS = "docs/handbook/*.vi.md"
SIZES = {"10 KB": 10_000, "1 MB": 1_000_000}
"""Of the text, before it is packed."""
# Reads the file of its argument so many times; seconds of processors each, and the most memory in KiB.
_READ = """
import os, resource, sys
from pathlib import Path
from hanam_mail.host.extract import converter
from hanam_mail.host.extract.request import Memory
from hanam_mail.host.extract.work import Limits
body, times = Memory(), int(sys.argv[2])
body.write(Path(sys.argv[1]).read_bytes())
for _ in range(times):
    outcome = converter.convert(body.number, Limits())
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print((used.ru_utime + used.ru_stime) / times, used.ru_maxrss, outcome.end, len(outcome.text))
"""


def lines(size: int) -> list[str]:
    """So many octets of text, a paragraph each line."""
    known = [
        line
        for path in sorted(REPOSITORY.glob(TEXTS))
        for line in path.read_text(encoding="utf-8").splitlines()
        if len(line) > 40
    ]
    found, left = list[str](), size
    for number, line in enumerate(itertools.cycle(known)):
        found.append(f"{number} {line}")
        left -= len(found[-1].encode()) + 1
        if left < 0:
            return found
    raise AssertionError


def typed(line: str) -> str:
    """Without the signs that TCVN3 has not."""
    known = set(TCVN3_LETTERS.values())
    return "".join(char for char in line if char.isascii() or char in known or char.lower() in known)


KINDS: dict[str, tuple[str | None, Callable[[list[str]], bytes]]] = {
    "text": (None, lambda text: "\n".join(text).encode()),
    "TCVN3": (None, lambda text: documents.tcvn3("\n".join(map(typed, text)))),
    "DOCX": (None, lambda text: documents.docx(*text)),
    "XLSX": (None, lambda text: documents.xlsx(*text)),
    "PPTX": (None, lambda text: documents.pptx(*("\n".join(text[at : at + 40]) for at in range(0, len(text), 40)))),
    "ODT": (None, lambda text: documents.odt(*text)),
    "RTF": (None, lambda text: documents.rtf("\n".join(text))),
    "HTML": (None, lambda text: documents.html("\n".join(text))),
    "DOCX in a zip": (None, lambda text: documents.packed({"a.docx": documents.docx(*text)})),
    # A page of eighty lines, again and again.
    "PDF": ("pdftotext", lambda text: documents.pdf(*text[:80], pages=-(-len(text) // 80))),
    "XLS": ("xls2csv", lambda text: documents.xls(*text[:30])),
}


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.extract", description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="readings of each document")
    options = parser.parse_args()
    found = []
    print("| kind | text | file | ms of a processor | memory |\n| --- | --- | ---: | ---: | ---: |")
    for kind, (program, make) in KINDS.items():
        if program and not shutil.which(program):
            print(f"{kind}: {program} is not installed", file=sys.stderr)
            continue
        for size, octets in SIZES.items():
            data = make(lines(octets))
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "document"
                path.write_bytes(data)
                line = [sys.executable, "-c", _READ, str(path), str(options.times)]
                done = subprocess.run(line, capture_output=True, text=True, check=True)
            seconds, memory, end, text = done.stdout.split()
            found.append({"kind": kind, "size": size, "octets": len(data), "cpu": float(seconds), "kib": int(memory)})
            print(f"| {kind} ({end}) | {int(text) / 1e3:,.0f} KB | {len(data) / 1e3:,.0f} KB "
                  f"| {float(seconds) * 1000:.1f} | {int(memory) // 1024} MiB |")  # fmt: skip
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "extract.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
