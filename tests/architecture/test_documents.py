"""What we write about the project is true of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import flowalpr
from flowalpr.errors import FlowError
from flowalpr.flow.load import load_flow
from flowalpr.plugins import Catalogue, load_plugins

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = sorted({*DOCUMENTS, *ROOT.glob("*.md"), *ROOT.glob("contrib/*/*.md"), *ROOT.glob("plugins/*/*.md")})
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)#]*)(#[^)]*)?\)")


def blocks(language: str) -> list[object]:
    return [
        pytest.param(match[2], id=f"{path.stem}-{path.read_text()[: match.start()].count(chr(10)) + 1}")
        for path in DOCUMENTS
        for match in BLOCK.finditer(path.read_text(encoding="utf-8"))
        if match[1] == language
    ]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_plugins()


@pytest.mark.parametrize("code", blocks("python"))
def test_python_in_the_documents_runs(code: str) -> None:
    exec(compile(code, "document", "exec"), {"__name__": "document"})


@pytest.mark.parametrize("text", [each for each in blocks("yaml") if "\nnodes:" in each.values[0]])  # type: ignore[attr-defined]  # pytest's own class
def test_flows_in_the_documents_check(text: str, tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "flow.yaml").write_text(text)
    load_flow(tmp_path / "flow.yaml", catalogue, settings={"url": "0"} if "\nparameters:" in text else {})


def test_the_error_in_the_readme_is_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue: Catalogue
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = next(match[2] for match in BLOCK.finditer(readme) if match[1] == "yaml")
    (tmp_path / "gate.yaml").write_text(text.replace("uses: ocr, from: follow", "uses: ocr, from: gate"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FlowError) as error:
        load_flow(Path("gate.yaml"), catalogue)
    assert f"```\n{error.value}\n```" in readme, str(error.value)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for target, _ in LINK.findall(path.read_text(encoding="utf-8")):
        assert not target or (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_name_of_the_public_api_is_documented() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    assert [name for name in flowalpr.__all__ if not re.search(rf"\b{name}\b", text)] == []
    assert [name for name in flowalpr.__all__ if not (getattr(flowalpr, name).__doc__ or name.isupper())] == []


def test_every_node_in_the_box_has_its_line(catalogue: Catalogue) -> None:
    text = (ROOT / "plugins" / "builtin" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))
    assert named == {offer.name for offer in catalogue if offer.plugin == "builtin"}


def test_the_tree_in_the_architecture_is_the_tree() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tree = text.split("## 2. Folders")[1].split("## 3.")[0]
    there = {path.name for path in (ROOT / "flowalpr").rglob("*.py")}
    assert set(re.findall(r"\w+\.py\b", tree)) <= there
    flat = [path for folder in (".", "vision", "flow", "engine") for path in (ROOT / "flowalpr" / folder).glob("*.py")]
    missing = {path.name for path in flat} - {"__init__.py", "__main__.py"} - set(re.findall(r"\w+\.py\b", tree))
    assert not missing, f"the tree in ARCHITECTURE.md does not name {sorted(missing)}"
