"""What the parameters of a component mean, read where it is written: in the docstring of its science's `Settings`.

The source is parsed, never imported: the science may need torch, and a face has to load without it.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import docstring_parser

_ROOT = Path(__file__).resolve().parents[2]
_CHOICES = re.compile(r"^\{(.+)\}$")
_ELSEWHERE = re.compile(r"^(?:As in|See) `(components[\w.]+)\.([A-Z]\w+)`\.$")


def parameter_docs(function: Callable[..., Any]) -> dict[str, str]:
    """Return a sentence for each parameter of a face that the `Settings` which its body imports documents.

    Parameters
    ----------
    function : callable
        A face; see `components.common.component`.

    Returns
    -------
    dict of str to str
        By parameter; those that are not documented there are left out.
    """
    docs: dict[str, str] = {}
    for module, name, _ in _imported(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if name == "Settings":
            docs |= _class_docs(module, name)
    return {name: docs[name] for name in inspect.signature(function).parameters if name in docs}


def with_parameters(docstring: str, docs: Mapping[str, str]) -> str:
    """Add a section of parameters to a docstring, from which kfp takes what Kubeflow's pages say of them."""
    if not docs:
        return docstring
    section = ["Parameters", "----------"]
    for name, text in docs.items():
        section += [name, f"    {text}"]
    return "\n".join([inspect.cleandoc(docstring), "", *section])


@cache
def _class_docs(module: str, name: str) -> dict[str, str]:
    """Read the attributes that the docstrings of a class and of its bases document; follow its import."""
    tree = ast.parse(_ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8"))
    imported = {known: (source, original) for source, original, known in _imported(tree)}
    if name in imported:
        return _class_docs(*imported[name])
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    docs: dict[str, str] = {}
    for base in found.bases:
        if isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name):
            docs |= _class_docs(".".join(imported[base.value.id]), base.attr)
    for parameter in docstring_parser.parse(ast.get_docstring(found) or "").params:
        docs |= dict(_sentences(parameter))
    return docs


def _sentences(parameter: docstring_parser.DocstringParam) -> Iterator[tuple[str, str]]:
    """Yield name and text of what may be several parameters that are documented together."""
    text = " ".join((parameter.description or "").split())
    if elsewhere := _ELSEWHERE.match(text):
        docs = _class_docs(*elsewhere.groups())
        yield from ((key, docs[key]) for name in parameter.arg_name.split(",") if (key := name.strip()) in docs)
        return
    if found := _CHOICES.match(parameter.type_name or ""):
        text = f"One of {found.group(1)}. {text}"
    for name in parameter.arg_name.split(","):
        yield name.strip(), text


def _imported(tree: ast.AST) -> Iterator[tuple[str, str, str]]:
    """Yield module, name, and the name it is given, of each import of something of ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("components."):
            for alias in node.names:
                yield str(node.module), alias.name, alias.asname or alias.name
