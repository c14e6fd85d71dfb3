"""`hanam-mail completion`: the script that makes a shell complete commands and options."""

import click

from hanam_mail.cli.base import command


@command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """In kịch bản tự hoàn thành lệnh cho SHELL / Print the completion script of a shell.

    bash: eval "$(hanam-mail completion bash)" trong ~/.bashrc. / In ~/.bashrc.
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    if script is None:
        raise click.ClickException(f"không có kịch bản cho {shell}")
    program = click.get_current_context().find_root().command
    click.echo(script(program, {}, "hanam-mail", "_HANAM_MAIL_COMPLETE").source())
