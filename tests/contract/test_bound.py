"""A promise in seconds is marked `bound`: measured while other scenarios' tests run it would be the machine's speed."""

import ast

from tests.contract.test_roles import ROOT

HOST_TESTS = [
    path
    for folder in ("after", "mail", "roles", "system", "upgrade", "web")
    for path in (ROOT / "tests" / folder).glob("test_*.py")
]


def upper_bounds(function: ast.FunctionDef) -> list[int]:
    """Lines that promise: asserts that a time that the test took is less than something; uses of tests.lab's EFFECT."""

    def timed(node: ast.expr) -> bool:
        text = ast.unparse(node)
        return "monotonic()" in text or text in measured

    measured = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and "monotonic() -" in ast.unparse(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [
        node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.Assert)
        for each in ast.walk(node)
        if isinstance(each, ast.Compare) and isinstance(each.ops[0], ast.Lt | ast.LtE) and timed(each.left)
    ] + [node.lineno for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == "EFFECT"]


def test_what_asserts_seconds_runs_alone() -> None:
    found, promised = set(), 0
    for path in HOST_TESTS:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        of_all = any("mark.bound" in ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign))
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            if function.name.startswith("test_") and (lines := upper_bounds(function)):
                promised += 1
                if not of_all and not any("mark.bound" in ast.unparse(each) for each in function.decorator_list):
                    found |= {f"{path.relative_to(ROOT)}:{line}" for line in lines}
    assert promised > 8
    assert found == set()
