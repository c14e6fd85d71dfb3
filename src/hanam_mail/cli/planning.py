"""`hanam-mail plan`: what merging a change of the registry does."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hanam_mail.cli.base import command, json_option, load, print_json, registry_option, working
from hanam_mail.errors import InputError

if TYPE_CHECKING:
    from hanam_mail.review.merge_comment import Review


@command()
@click.option("--base", required=True, help="Bản git để so sánh, ví dụ origin/main. / Git revision to compare with.")
@click.option("--markdown", is_flag=True, help="In nhận xét cho yêu cầu hợp nhất. / Print the merge request's comment.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Ghi nhận xét ra tệp. / Write the comment to a file.",
)
@click.option(
    "--publish", is_flag=True, help="Đăng hoặc cập nhật nhận xét trên GitLab. / Post or update the comment on GitLab."
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="In từng mục bị xóa khỏi sổ, không gộp thành một dòng. / A line for each deleted entry.",
)
@registry_option
@json_option
def plan(
    base: str, markdown: bool, output: Path | None, publish: bool, everything: bool, path: Path, as_json: bool
) -> None:
    """Kế hoạch: sổ đăng ký này so với một bản trong git / The plan against a git revision.

    Mã thoát 1 khi sổ đăng ký có lỗi hoặc có điều không bao giờ áp dụng được (địa chỉ cấp cho người khác); nhận
    xét vẫn được in, khi đó nó liệt kê lỗi. Biến HANAM_MAIL_GITLAB_TOKEN cho --publish; không có thì chỉ in và
    ghi tệp.

    Exit code 1 when the registry has errors or can never be applied (an address given to another); the comment
    then lists them. --publish needs the variable HANAM_MAIL_GITLAB_TOKEN; without it the comment is only printed
    and written.
    """
    from hanam_mail.plan import wording
    from hanam_mail.review import merge_comment

    commenting = markdown or output is not None or publish
    try:
        found = _review(path, base, canonical=commenting)
    except InputError as error:
        if not commenting:
            raise
        _comment(merge_comment.refusal(error.problems, base), output, publish=publish, quiet=as_json)
        if as_json:
            raise
        sys.exit(1)
    if commenting:
        _comment(merge_comment.comment(found, base), output, publish=publish, quiet=as_json)
    if as_json:
        print_json(
            {
                "base": base,
                "requests": [request.id for request in found.requests],
                "plan": found.plan.as_dict(),
                "never": found.found.never,
                "stops": found.found.stops,
                "warnings": found.warnings,
            }
        )
    elif not commenting:
        for line in (
            *(f"Không bao giờ áp dụng được: {reason}" for reason in found.found.never),
            *(f"Không áp dụng được nếu chưa cho phép rõ ràng: {reason}" for reason in found.found.stops),
            *(f"Xin xem kỹ: {warning}" for warning in found.warnings),
            *wording.lines(found.plan, everything=everything),
        ):
            click.echo(line)
    if found.found.never:
        sys.exit(1)


def _review(path: Path, base: str, *, canonical: bool) -> "Review":
    """The comparison; with `canonical` a file that `check` would have written otherwise is an error as well."""
    from hanam_mail.registry import cache, loading
    from hanam_mail.registry.writing.canonical import problems
    from hanam_mail.review import deviations, merge_comment, revisions

    with loading.no_collector():  # both registries and all that is made of them stay to the end
        after = load(path)
        if canonical and (otherwise := problems(after, path)):
            raise InputError(otherwise)
        with working(f"Đang so với {base}"):
            before = revisions.revision(path, base, cache=cache.cache_folder(), became=after)
            found = revisions.assess(
                before, after, loading.today(), revisions.domain_beside(path), revisions.limit_beside(path)
            )
        names = {agency.id: agency.name for agency in after.agencies.values()}
        deviating = tuple(deviations.found(before, after))
        return merge_comment.Review(found, merge_comment.requests(before, after), names, deviating)


def _comment(text: str, output: Path | None, *, publish: bool, quiet: bool) -> None:
    from hanam_mail import atomic_file
    from hanam_mail.review import gitlab, merge_comment

    if not quiet:
        click.echo(text, nl=False)
    if output is not None:
        atomic_file.write(output, text.encode())
    if publish:
        target = gitlab.from_environment()
        if target is None:
            click.echo(f"Không có {gitlab.TOKEN}: chưa đăng nhận xét.", err=True)
        else:
            target.publish(text, merge_comment.MARK)
