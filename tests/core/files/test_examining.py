"""What `holdfast doctor` finds of storage, antivirus, extraction and reading: each fault, and what is sound."""

import os
from dataclasses import replace
from datetime import timedelta

import pytest
from buckets import bucket_of, settings_for
from clamd import clamd_running
from uploads import kept

from holdfast.core.files.public import examine_antivirus, examine_extraction, examine_reading, examine_storage
from holdfast.core.files.service import examining, processes
from holdfast.core.files.service.cabinet import SLOT, cabinet_of
from holdfast.core.files.service.scanning import Scanner
from holdfast.kernel.storage.local import LocalStorage
from holdfast.kernel.storage.s3 import open_s3

pytestmark = [pytest.mark.service, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def fitted(home, monkeypatch, **parts) -> None:
    monkeypatch.setitem(home.works.state, SLOT, replace(cabinet_of(home.works), **parts))


async def test_a_folder_that_works_and_leaves_nothing(home, org):
    found = await examine_storage(home.works)
    assert (found.faults, "GB free" in found.note) == ((), True)
    assert kept(org) == {}


async def test_a_folder_that_cannot_be_written(home, monkeypatch, tmp_path):
    (tmp_path / "files").write_text("no folder")
    fitted(home, monkeypatch, storage=LocalStorage(tmp_path / "files"))
    [fault] = (await examine_storage(home.works)).faults
    assert fault.startswith("STORAGE=local: ")
    assert str(tmp_path / "files") in fault


async def test_a_disk_that_does_not_sync(home, monkeypatch, tmp_path):
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    fitted(home, monkeypatch, storage=LocalStorage(tmp_path / "files"))
    monkeypatch.setattr(os, "fsync", broken)
    [fault] = (await examine_storage(home.works)).faults
    assert "Input/output error" in fault
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


async def test_a_disk_that_is_nearly_full(home, monkeypatch):
    monkeypatch.setattr(examining, "LEAST_FREE", 2**60)
    [fault] = (await examine_storage(home.works)).faults
    assert "MB left" in fault


async def test_a_bucket_by_a_round_trip(home, monkeypatch, moto):
    storage = bucket_of(moto)
    fitted(home, monkeypatch, storage=storage)
    assert (await examine_storage(home.works)).faults == ()
    assert [each async for each in storage.find("")] == []
    fitted(home, monkeypatch, storage=open_s3(settings_for(moto, "no-such-bucket")))
    [fault] = (await examine_storage(home.works)).faults
    assert fault.startswith("S3_BUCKET: ")
    assert "no-such-bucket" in fault


async def test_the_antivirus_and_the_age_of_its_signatures(home, monkeypatch):
    assert (await examine_antivirus(home.works)).note == "not used"
    async with clamd_running() as clamd:
        fitted(home, monkeypatch, scanner=Scanner(None, "127.0.0.1", clamd.port, 0.3))
        [old] = (await examine_antivirus(home.works)).faults
        assert "days old" in old
        fresh = home.works.clock() - timedelta(days=6)
        clamd.version = f"ClamAV 1.4.1/27500/{fresh:%a %b %d %H:%M:%S %Y}".encode()
        found = await examine_antivirus(home.works)
        assert (found.faults, found.note) == ((), f"ClamAV 1.4.1, signatures of {fresh:%Y-%m-%d}")
        for version, said in ((b"ClamAV 1.4.1", "has no signatures"), (b"ClamAV 1/2/yesterday", "cannot be read")):
            clamd.version = version
            [fault] = (await examine_antivirus(home.works)).faults
            assert said in fault
        clamd.mood = "silent"
        [fault] = (await examine_antivirus(home.works)).faults
        assert "does not answer" in fault
    fitted(home, monkeypatch, scanner=Scanner(None, "127.0.0.1", 9, 0.3))
    [fault] = (await examine_antivirus(home.works)).faults
    assert fault == "CLAMD: the antivirus does not answer."


async def test_the_walls_around_extraction(monkeypatch, tmp_path):
    assert (await examine_extraction()).faults == ()
    package = tmp_path / "open"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "walls.py").write_text(
        "from holdfast.core.files.service.extract import walls\nwalls.confine = lambda: None\nwalls.main()\n"
    )
    monkeypatch.setattr(processes, "_MODULE", "open")
    monkeypatch.setattr(processes, "_ROOT", f"{processes._ROOT}:{tmp_path}")
    [fault] = (await examine_extraction()).faults
    assert "can open files, open sockets, take more memory" in fault
    (package / "walls.py").write_text("raise SystemExit(3)")
    assert (await examine_extraction()).faults == ("The program that reads files ended with 3.",)


async def test_reading_of_pictures(home, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    absent = await examine_reading(home.works)
    assert (absent.faults, "not installed" in absent.note) == ((), True)
    # What answers as Tesseract does, so that this is tested without it, too.
    program = tmp_path / "tesseract"
    program.write_text('#!/bin/sh\necho "List of available languages (2):"\necho eng\necho osd\n')
    program.chmod(0o700)
    assert (await examine_reading(home.works)).note == "tesseract, eng"
    settings = home.settings.model_copy(update={"ocr_languages": "eng+deu"})
    monkeypatch.setattr(home.works, "settings", settings)
    assert (await examine_reading(home.works)).faults == ("OCR_LANGUAGES: tesseract does not have deu.",)
    settings = home.settings.model_copy(update={"ocr_languages": ""})
    monkeypatch.setattr(home.works, "settings", settings)
    assert (await examine_reading(home.works)).note == "not used"
