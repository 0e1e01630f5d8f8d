"""Blanks docstrings, which are a fifth of SymPy's memory and which no reward reads. Lines keep their numbers."""

import ast
from pathlib import Path

_OWNERS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def blank(directory: Path) -> int:
    """Blanks the docstrings of all modules in the directory. Returns how many bytes went."""
    saved = 0
    for path in sorted(directory.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        blanked = blanked_text(text)
        if blanked != text:
            path.write_text(blanked, encoding="utf-8")
            saved += len(text) - len(blanked)
    return saved


def blanked_text(text: str) -> str:
    """Returns the module's text with every docstring of more than a line or 40 characters replaced by an empty one."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return text
    lines = text.split("\n")
    for node in ast.walk(tree):
        if not isinstance(node, _OWNERS) or not node.body:
            continue
        first = node.body[0]
        if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)):
            continue
        start, end = first.value.lineno - 1, first.value.end_lineno - 1
        before, after = lines[start].encode()[: first.value.col_offset], lines[end].encode()[first.value.end_col_offset :]
        if end - start == 0 and len(first.value.value) <= 40:
            continue
        if before.strip() or (after.strip() and not after.strip().startswith(b"#")):
            continue  # something else stands on its lines
        lines[start] = before.decode() + '""'
        for line in range(start + 1, end + 1):
            lines[line] = ""
    blanked = "\n".join(lines)
    ast.parse(blanked)
    return blanked
