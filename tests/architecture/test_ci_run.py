"""What CI runs on a machine that has only what every new machine has."""

import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[2] / ".ci" / "run"

pytestmark = pytest.mark.unit


def command(folder: Path, name: str, lines: str) -> None:
    made = folder / name
    made.write_text(f"#!{shutil.which('bash')}\n{lines}\n")
    made.chmod(0o755)


def run(folder: Path) -> list[str]:
    """The commands that CI gives, on a path where nothing else is found."""
    log = folder / "log"
    command(folder, "apt-get", f'echo "apt-get $*" >> {log}')
    command(folder, "make", f'echo "make $* $REQUIRE_SERVICES" >> {log}')
    command(folder, "sudo", '"$@"')
    for name in ("dirname", "id", "env", "sleep"):
        if not (folder / name).exists():
            (folder / name).symlink_to(str(shutil.which(name)))
    bash = str(shutil.which("bash"))
    subprocess.run([bash, str(RUN)], env={"PATH": str(folder)}, check=True, timeout=30)
    return log.read_text().splitlines()


def test_a_machine_without_browser_reader_and_compiler_is_given_all(tmp_path: Path) -> None:
    update, install, check = run(tmp_path)
    assert update.startswith("apt-get update")
    assert install.startswith("apt-get install")
    assert install.endswith(" chromium tesseract-ocr golang-go golang-golang-x-mod-dev")
    assert check == "make check 1"


def test_a_machine_that_has_them_keeps_them(tmp_path: Path) -> None:
    command(tmp_path, "chromium", "exit 0")
    command(tmp_path, "go", "exit 0")
    assert run(tmp_path)[1].endswith(" tesseract-ocr golang-golang-x-mod-dev")
    (tmp_path / "log").unlink()
    command(tmp_path, "tesseract", "exit 0")
    command(tmp_path, "dpkg", '[ "$*" = "-s golang-golang-x-mod-dev" ]')
    assert run(tmp_path) == ["make check 1"]
