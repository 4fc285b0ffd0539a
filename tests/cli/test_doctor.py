"""The doctor finds what is wrong and says how to fix it."""

from __future__ import annotations

import json
import os
from importlib import metadata

import pytest

from spotfw.cli import doctor as ward
from spotfw.plugins import Plugins


def test_a_sound_machine_has_nothing_bad(spotfw_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = spotfw_cli("doctor", "--quick", "--json")
    report = json.loads(ran.out)
    assert [c for c in report["checks"] if c["status"] == "bad"] == []
    assert report["ok"] is True
    assert ran.status == 0
    assert {"python", "packages", "cores", "memory", "disk", "plugins", "playground"} <= {
        c["name"] for c in report["checks"]
    }


def test_people_get_a_line_each_and_what_to_do(spotfw_cli, monkeypatch):
    monkeypatch.setattr(ward, "check_cores", lambda: ward.Check("cores", "bad", "0", "Buy one"))
    ran = spotfw_cli("doctor", "--quick")
    assert ran.status == 1
    assert "bad   cores                 0\n" in ran.out
    assert "-> Buy one" in ran.out
    assert "1 to fix" in ran.out


@pytest.mark.slow
def test_tensorflow_starts_in_a_process_of_its_own(spotfw_cli):
    report = json.loads(spotfw_cli("doctor", "--json").out)
    (found,) = [c for c in report["checks"] if c["name"] == "tensorflow"]
    assert found["status"] == "ok"
    assert "CPU:0" in found["found"]


def test_a_tensorflow_that_does_not_start_is_bad(monkeypatch):
    monkeypatch.setattr(ward, "_DEVICES", "import no_such_tensorflow")
    check = ward._read_devices(ward._start_devices())
    assert check.status == "bad"
    assert "no_such_tensorflow" in check.found


def test_a_tensorflow_that_hangs_is_bad(monkeypatch):
    monkeypatch.setattr(ward, "_DEVICES", "import time; time.sleep(60)")
    check = ward._read_devices(ward._start_devices(), timeout=0.1)
    assert check.status == "bad"
    assert "did not start" in check.found


@pytest.mark.parametrize(
    ("version", "status"),
    [((3, 9, 1), "bad"), ((3, 10, 0), "ok"), ((3, 11, 9), "ok"), ((3, 12), "bad")],
)
def test_python_must_have_tensorflow_215(version, status):
    assert ward.check_python(version).status == status


def test_packages_out_of_range_or_absent_are_named():
    def installed(name):
        if name == "gone":
            raise metadata.PackageNotFoundError(name)
        return {"click": "8.1", "rich": "12.0"}[name]

    lines = ["click>=8", "rich>=13", "gone", 'tomli>=2; python_version < "3"', 'x; extra == "test"']
    found = {c.name: c for c in ward.check_packages(installed, lines)}
    assert set(found) == {"rich", "gone", "packages"}
    assert found["rich"].status == found["gone"].status == "bad"
    assert 'pip install "rich>=13"' in found["rich"].mend
    assert found["packages"].found == "click 8.1"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_bad(tmp_path):
    tmp_path.chmod(0o500)
    assert ward.check_writable("here", tmp_path).status == "bad"


def test_a_place_that_is_a_file_is_bad(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    assert ward.check_writable("cache", file).status == "bad"


def test_a_folder_that_can_be_made_is_fine_and_left_unmade(tmp_path):
    assert ward.check_writable("cache", tmp_path / "new" / "er").status == "ok"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kib", "status"), [(500_000, "bad"), (2_000_000, "warn"), (9_000_000, "ok")]
)
def test_memory_is_judged_by_what_is_available(tmp_path, kib, status):
    file = tmp_path / "meminfo"
    file.write_text(f"MemTotal: 99 kB\nMemAvailable:   {kib} kB\n")
    assert ward.check_memory(file).status == status


def test_a_plugin_that_failed_is_told_with_the_way_out():
    plugins = Plugins(entry_points=False)
    plugins.register(object(), "odd", distribution="spotfw-odd", version="1")
    (check,) = [c for c in ward.check_plugins(plugins) if c.name == "plugin spotfw-odd"]
    assert check.status == "warn"
    assert "-p no:odd" in check.mend


def test_without_the_playground_the_way_to_it_is_told():
    check = ward.check_playground(Plugins(entry_points=False))
    assert check.status == "warn"
    assert "spotfw-playground" in check.mend
