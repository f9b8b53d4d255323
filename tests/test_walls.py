"""The walls of the design, so that nobody has to remember them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.catalogue import EXERCISES

ROOT = Path(__file__).resolve().parent.parent
COMPONENTS, PIPELINES, TESTS = ROOT / "components", ROOT / "pipelines", ROOT / "tests"
LONGEST_FILE = 350
LONGEST_FACE_BODY = 6

SOURCES = sorted([*COMPONENTS.rglob("*.py"), *PIPELINES.rglob("*.py")])
FACES = sorted(p for p in COMPONENTS.rglob("component.py") if p.parent.name != "common")


def imports(path: Path) -> Iterator[str]:
    """Names of all modules that a file imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield f"{node.module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offenders(files: list[Path], forbidden: str, allowed: str = r"(?!)") -> list[str]:
    """Imports among the files that match `forbidden` and not `allowed`."""
    pattern, exception = re.compile(forbidden), re.compile(allowed)
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in imports(path)
        if pattern.match(name) and not exception.match(name)
    ]


def below(*folders: str) -> list[Path]:
    """Python files below folders of the project."""
    return [path for path in SOURCES if any(path.is_relative_to(ROOT / folder) for folder in folders)]


def test_init_files_are_empty() -> None:
    full = [*ROOT.glob("components/**/__init__.py"), *ROOT.glob("pipelines/**/__init__.py")]
    assert [path for path in full if path.read_bytes()] == []
    packages = {path.parent for path in SOURCES}
    assert packages == {path.parent for path in full}, "a package without __init__.py is not installed"


def test_only_faces_import_kfp() -> None:
    others = [path for path in below("components") if path.name != "component.py"]
    assert offenders(others, r"kfp\b") == []


def test_pipelines_import_faces_and_never_science() -> None:
    faces = r"components\.common\b|components\.\w+\.\w+\.component\b"
    assert offenders(below("pipelines"), r"components\.", faces) == []


def test_components_never_import_pipelines() -> None:
    assert offenders(below("components"), r"pipelines\b") == []


def test_physics_knows_no_archive_and_no_model() -> None:
    assert offenders(below("components/physics"), r"components\.", r"components\.(physics|common)\b") == []
    assert offenders(below("components/physics"), r"torch\b|httpx\b|boto3\b") == []


def test_common_knows_no_astronomy() -> None:
    assert offenders(below("components/common"), r"components\.", r"components\.common\b") == []
    assert offenders(below("components/common"), r"astropy\b") == []


def test_merge_knows_neither_archive_nor_astronomy() -> None:
    """Whatever an ingest writes can be merged."""
    assert offenders(below("components/merge"), r"components\.", r"components\.(common|merge)\b") == []
    assert offenders(below("components/merge"), r"components\.common\.(archive|download)\b") == []


def test_ingest_knows_no_model_and_train_no_archive() -> None:
    assert offenders(below("components/ingest"), r"torch\b|components\.(train|evaluate|predict)\b") == []
    archive = r"httpx\b|astropy\b|components\.(ingest|evaluate|predict)\b|components\.common\.(archive|download)\b"
    assert offenders(below("components/train"), archive) == []


def test_torch_is_imported_where_training_is_alone() -> None:
    """Elsewhere its import would cost every stage and command seconds."""
    training = {COMPONENTS / "common" / "training.py", COMPONENTS / "common" / "minibatches.py"}
    others = [p for p in SOURCES if not p.is_relative_to(COMPONENTS / "train") and p not in training]
    assert offenders(others, r"torch\b", r"torch\.version\b") == []


def test_nothing_is_pickled() -> None:
    assert offenders(SOURCES, r"(pickle|cloudpickle|joblib|shelve|dill)\b") == []
    calls = [
        path.relative_to(ROOT)
        for path in SOURCES
        if re.search(r"\btorch\.load\(|allow_pickle=True", path.read_text())
    ]
    assert calls == []


def test_no_error_is_swallowed_wholesale() -> None:
    caught = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    ]
    assert caught == []


def test_files_are_short() -> None:
    counts = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in [*SOURCES, *TESTS.rglob("*.py")]
    }
    assert {str(path.relative_to(ROOT)): n for path, n in counts.items() if n > LONGEST_FILE} == {}


@pytest.mark.parametrize("path", FACES, ids=lambda path: path.parent.name)
def test_a_face_is_a_signature_a_docstring_imports_and_a_call(path: Path) -> None:
    functions = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    assert len(functions) == 1, f"{path}: a face is one function"
    docstring, *body = functions[0].body
    assert ast.get_docstring(functions[0]), docstring
    kinds = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign)
    assert all(isinstance(statement, kinds) for statement in body), f"{path}: logic belongs beside the face"
    assert len(body) <= LONGEST_FACE_BODY


@pytest.mark.parametrize(
    "path", [*FACES, *(ROOT / f"{e.module.replace('.', '/')}.py" for e in EXERCISES)], ids=lambda p: str(p.stem)
)
def test_what_a_cluster_stores_is_ascii(path: Path) -> None:
    assert path.read_text(encoding="utf-8").isascii(), "a cluster's MySQL may refuse other characters"


def test_readme_lists_the_exercises_of_the_catalogue() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert rows == [exercise.slug for exercise in EXERCISES]


def test_lock_names_what_the_project_requires() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = {re.split(r"[<>=!~ \[]", line)[0] for group in groups for line in group}
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), "the lock pins exact versions"
    locked = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    assert {name.lower().replace("_", "-") for name in wanted} <= locked
