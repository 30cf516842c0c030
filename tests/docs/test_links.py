"""What the pages point at is there: links and their anchors, commands and their options, settings, make targets."""

import re
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from holdfast.cli.commands import app
from holdfast.kernel.settings import Settings

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
) or sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WRITTEN = [page for page in PAGES if page.parent != ROOT / "docs" / "reference"]


def plain(text: str) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def blocks(text: str) -> str:
    """Return the code blocks of a page that hold commands."""
    return "\n".join(re.findall(r"^ *```(?:sh|console)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL))


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings have on a forge, and its own ones."""
    text = page.read_text()
    heads = re.findall(r"^#+ (.+)$", plain(text), re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", head.replace("`", "").lower()).replace(" ", "-") for head in heads}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


def identity(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def test_there_are_pages():
    assert len(PAGES) > 25


@pytest.mark.parametrize("page", PAGES, ids=identity)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", plain(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(file), target


@pytest.mark.parametrize("page", WRITTEN, ids=identity)
def test_commands_are_there(page: Path):
    text = page.read_text()
    typed = re.findall(r"^ *(?:\$ )?(?:\S*/)?(holdfast [a-z].*)", blocks(text), re.MULTILINE)
    said = re.findall(r"`(holdfast [a-z][^`]*)`", plain(text)) + typed
    for line in said:
        command, words = get_command(app), line.split("#")[0].split()[1:]
        while words and hasattr(command, "commands") and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        assert not hasattr(command, "commands") or not words, line
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, line


@pytest.mark.parametrize("page", WRITTEN, ids=identity)
def test_make_targets_are_there(page: Path):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in re.findall(r"^ *make ([a-z ]+?)(?:  .*)?$", blocks(page.read_text()), re.MULTILINE):
        assert set(line.split()) <= targets, line


@pytest.mark.parametrize("page", [page for page in WRITTEN if "docs/" in identity(page)], ids=identity)
def test_settings_are_there(page: Path):
    names = {name.upper() for name in Settings.model_fields}
    text = page.read_text()
    for name in re.findall(r"^([A-Z][A-Z_]+)=", blocks(text), re.MULTILINE):
        assert name in names, name
    for name in re.findall(r"`([A-Z][A-Z]+_[A-Z_]+)(?:=[^`]*)?`", plain(text)):
        errors = (ROOT / "docs" / "reference" / "errors.md").read_text()
        assert name in names or f"`{name}`" in errors, name


def test_the_budget_of_the_kernel_is_the_one_that_is_recorded():
    record = (ROOT / "docs" / "decisions" / "0004-size-of-the-kernel.md").read_text()
    modules, lines = re.search(r"KERNEL_LINES = (\d+), ([\d_]+)", (ROOT / "tools" / "lint.py").read_text()).groups()
    assert f"{modules} modules;" in record
    assert f"At most {int(lines):,} lines of code" in record


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", (folder / "README.md").read_text())
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))
    for name in listed:
        text = (folder / name).read_text()
        assert text.startswith(f"# {name[:4]}: ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "Alternatives"]
        assert len(text.split()) < 600, "a record is one page"
