"""Writes the extension module's documentation into its stub: `python python/harness/stub_docs.py [--check]`.

The text is that of the Rust doc comments, which the built module carries as `__doc__`; signatures in the stub stay as
they are. With `--check` nothing is written, and a stub that is out of date is a failure.
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xacct_sign._native

STUB = Path(__file__).parents[1] / "xacct_sign" / "_native.pyi"
REGENERATE = "cargo xtask stubs"


def doc_of(owner: Any, name: str) -> str:
    """What the module says about a member of `owner`, without the signature that stands in front of it."""
    # A special method has the interpreter's own text. A static method is asked itself, not what wraps it.
    if name.startswith("__"):
        return ""
    member = getattr(owner, name) if isinstance(vars(owner)[name], staticmethod) else vars(owner)[name]
    doc = member.__doc__ or ""
    if doc.startswith(f"{name}("):
        doc = doc.partition("\n--\n")[2]
    return inspect.cleandoc(doc)


def literal(doc: str, indent: str) -> str:
    """A docstring, indented."""
    if '"""' in doc or doc.endswith('"'):
        raise ValueError(f"this cannot be written between three quotation marks: {doc}")
    lines = [(indent + line).rstrip() for line in doc.splitlines()]
    start = f'{indent}{"r" if chr(92) in doc else ""}"""'
    return start + "\n".join(lines)[len(indent) :] + (f'\n{indent}"""' if len(lines) > 1 else '"""')


def edits(tree: ast.Module, text: str) -> Iterator[tuple[int, int, str]]:
    """What to put in place of which part of the text."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def end_of_header(node: ast.ClassDef | ast.FunctionDef) -> int:
        first = node.body[0]
        return len(text[: starts[first.lineno - 1] + first.col_offset].rstrip())

    def documented(node: ast.ClassDef | ast.FunctionDef, owner: Any) -> Iterator[tuple[int, int, str]]:
        doc = doc_of(owner, node.name)
        indent = " " * (node.col_offset + 4)
        body = node.body
        if ast.get_docstring(node, clean=False) is not None:
            body = body[1:]
        if isinstance(node, ast.FunctionDef):
            # The docstring is all there is of a body.
            end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            yield end_of_header(node), end, f"\n{literal(doc, indent)}" if doc else " ..."
            return
        rest = body[0]
        line = min([rest.lineno, *(each.lineno for each in getattr(rest, "decorator_list", []))])
        yield end_of_header(node), starts[line - 1], f"\n{literal(doc, indent)}\n" if doc else "\n"
        for each in body:
            if isinstance(each, ast.FunctionDef):
                yield from documented(each, getattr(owner, node.name))

    for node in tree.body:
        # Protocols are only in the stub.
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name in vars(xacct_sign._native):
            yield from documented(node, xacct_sign._native)


def main() -> int:
    """Writes the stub, or compares it."""
    text = STUB.read_text()
    if not text.isascii():
        # The offsets that `ast` gives count bytes.
        raise ValueError(f"{STUB} holds other characters than ASCII")
    made = text
    for start, end, replacement in sorted(edits(ast.parse(text), text), reverse=True):
        made = made[:start] + replacement + made[end:]
    # Where blank lines belong is ruff's business.
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "--stdin-filename", str(STUB)]
    made = subprocess.run(command, input=made, stdout=subprocess.PIPE, check=True, text=True).stdout
    if made == text:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{STUB} is not what the Rust doc comments say: run `{REGENERATE}`", file=sys.stderr)
        return 1
    STUB.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
