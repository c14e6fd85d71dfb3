"""python -m tests.population --mailboxes 20000 --seed 1 --output DIR: write a registry of that size."""

import argparse
from pathlib import Path

from hanam_mail.regulation import provisions
from tests.population import province, write

REGULATION = Path(__file__).parents[2] / "group_vars/hanam/regulation.yml"


def main() -> None:
    """Write the registry and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m tests.population", description=__doc__)
    parser.add_argument(
        "--mailboxes", type=int, default=20_000, help="how many, those of agencies and offices among them"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same files")
    parser.add_argument("--output", type=Path, required=True, help="an empty folder, or one still to be made")
    arguments = parser.parse_args()
    registry = province(arguments.mailboxes, arguments.seed, provisions.load(REGULATION))
    write(registry, arguments.output)
    print(f"{len(registry.mailboxes)} mailboxes of {len(registry.agencies)} agencies in {arguments.output}")


if __name__ == "__main__":
    main()
