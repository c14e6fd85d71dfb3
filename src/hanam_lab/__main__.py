"""Command line of the lab driver: python -m hanam_lab up|copy|earlier|keep|inside|down|status|ssh."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import click

from hanam_lab import converged, driver, earlier, image, slots, topology
from hanam_lab.errors import LabError
from hanam_lab.paths import REPOSITORY


def _say(text: str) -> None:
    click.echo(f"lab: {text}")


@click.group()
def main() -> None:
    """Throw-away systemd hosts for `make up` and molecule."""


@main.command()
@click.argument("name")
@click.option(
    "--inventory",
    type=click.Path(path_type=Path),
    required=True,
    help="Inventory whose group `lab` is started.",
)
@click.option("--host", "only", multiple=True, help="Start only this host (may be repeated).")
def up(name: str, inventory: Path, only: tuple[str, ...]) -> None:
    """Start the lab NAME."""
    specs = topology.read(inventory)
    unknown = set(only) - {spec.name for spec in specs}
    if unknown:
        raise LabError(f"{inventory}: no such host: {', '.join(sorted(unknown))}")
    driver.Lab(name).up([spec for spec in specs if not only or spec.name in only], _say)


@main.command()
@click.argument("original")
@click.argument("name")
def copy(original: str, name: str) -> None:
    """Start the lab NAME from what was kept of the running lab ORIGINAL, at the same addresses.

    Its secrets are in vault.yml of the lab's folder: the same tree may have been converged by another checkout. With
    HANAM_SLOTS it waits for a slot first (see `inside`), so that few hosts stand and wait for their tests.
    """
    # Before the wait, after which the original may be gone.
    kept = driver.Lab(original).kept()
    _wait_for_slot()
    driver.Lab(name).start(kept, _say)


@main.command("earlier")
@click.argument("commit")
@click.argument("name")
def earlier_release(commit: str, name: str) -> None:
    """Start the lab NAME as the release at COMMIT converges it, in a network of its own.

    Its secrets are in vault.yml of the lab's folder.
    """
    driver.Lab(name).start(earlier.kept(commit, _say), _say)


@main.command()
@click.argument("name")
def keep(name: str) -> None:
    """Keep the converged hosts of the lab NAME for others to start from."""
    converged.keep(driver.Lab(name).hosts(), _say)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def inside(name: str, command: tuple[str, ...]) -> None:
    """Run COMMAND where it reaches the hosts of the lab NAME; a copy is reached from its own network alone.

    With HANAM_SLOTS=N in the environment it waits until fewer than N such commands of this checkout run; of those that
    wait, the lowest HANAM_RANK goes first.
    """
    _wait_for_slot()
    line = [*driver.Lab(name).inside, *command]
    os.execvp(line[0], line)  # noqa: S606


def _wait_for_slot() -> None:
    if number := os.environ.get("HANAM_SLOTS"):
        slots.take(int(number), int(os.environ.get("HANAM_RANK", "0")))


@main.command()
@click.argument("name", nargs=-1, required=True)
def down(name: tuple[str, ...]) -> None:
    """Stop and remove the labs NAME; `all` means every lab that this checkout of the project started."""
    for lab in driver.names(REPOSITORY) if name == ("all",) else name:
        driver.Lab(lab).down(_say)
    if name == ("all",):
        image.remove_unfinished(_say)


@main.command()
def status() -> None:
    """List the labs of this machine."""
    for name in driver.names():
        for host in driver.Lab(name).hosts():
            state = "running" if host.nspawn_pid else "stopped"
            click.echo(f"{name}\t{host.spec.name}\t{host.network.ipv4(host.spec.number)}\t{state}")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(name: str, host: str, command: tuple[str, ...]) -> None:
    """Log in on HOST of the lab NAME, or run COMMAND there."""
    line = driver.Lab(name).ssh_command(host, *command)
    os.execvp(line[0], line)  # noqa: S606


def interrupted(number: int, frame: FrameType | None) -> None:
    """Handler of signals: what is being built or started is cleaned up on the way out."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    try:
        main(standalone_mode=True)
    except LabError as error:
        click.echo(f"lab: {error}", err=True)
        sys.exit(1)
