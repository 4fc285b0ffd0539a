"""The doctor finds what is wrong and says how to fix it."""

from __future__ import annotations

import json
import os
from importlib import metadata

import attrs
import pytest

from spotfw.cli import devices
from spotfw.cli import doctor as ward
from spotfw.plugins import Plugins
from spotfw.plugins.builtin.backends import MeshBackend
from spotfw.testing import NumpyBackend


@pytest.mark.mesh
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


@pytest.mark.mesh
def test_people_get_a_line_each_and_what_to_do(spotfw_cli, monkeypatch):
    monkeypatch.setattr(ward, "check_cores", lambda: ward.Check("cores", "bad", "0", "Buy one"))
    ran = spotfw_cli("doctor", "--quick")
    assert ran.status == 1
    assert "bad   cores                   0\n" in ran.out
    assert "-> Buy one" in ran.out
    assert "1 to fix" in ran.out


@pytest.mark.mesh
def test_what_was_seen_stands_in_one_column(spotfw_cli):
    lines = spotfw_cli("doctor", "--quick").out.splitlines()
    rows = [line for line in lines if line[:4].strip() in ("ok", "warn", "bad")]
    assert any(line[6:].startswith("write: temporary files") for line in rows)
    assert {line[28:30] for line in rows} == {"  "}
    assert not any(line[30].isspace() for line in rows)


@pytest.mark.slow
@pytest.mark.mesh
def test_tensorflow_starts_in_a_process_of_its_own(spotfw_cli):
    report = json.loads(spotfw_cli("doctor", "--json").out)
    (check,) = [c for c in report["checks"] if c["name"] == "tensorflow"]
    assert check["status"] in ("ok", "warn")
    assert "CPU:0" in check["found"]


def library(program):
    return attrs.evolve(devices.LIBRARIES[0], package="json", program=program)


def answer(accelerator):
    words = {"version": "9.9", "devices": ["CPU:0"], "accelerator": accelerator}
    return f"print({json.dumps(words)!r})"


def asked(program, **options):
    asks = library(program)
    return devices.read(asks, devices.start(asks), **options)


def test_a_library_that_does_not_start_is_bad():
    seen = asked("import no_such_tensorflow")
    assert seen.status == "bad" and "no_such_tensorflow" in seen.text and seen.mend


def test_a_library_that_hangs_is_bad():
    seen = asked("import time; time.sleep(600)", timeout=0.1)
    assert seen.status == "bad" and "did not start" in seen.text


def test_a_library_that_is_not_installed_is_not_asked():
    assert devices.start(attrs.evolve(library(""), package="no_such_package")) is None


def test_a_gpu_that_a_library_does_not_see_is_reported_with_what_to_install(tmp_path, monkeypatch):
    gpu = tmp_path / "nvidia0"
    monkeypatch.setattr(devices, "NVIDIA", str(gpu))
    seen = asked(answer(False))
    assert (seen.status, seen.mend) == ("ok", "") and "no GPU on this machine" in seen.text
    gpu.write_text("")
    seen = asked(answer(False))
    assert seen.status == "warn" and "tensorflow[and-cuda]" in seen.mend
    assert asked(answer(True)).status == "ok"


def test_engines_and_what_they_lack_are_named(spotfw_plugins, monkeypatch):
    monkeypatch.setattr(MeshBackend, "missing", lambda self: "tensorflow")
    check = ward.check_engines(spotfw_plugins)
    assert check.status == "bad" and "mesh lacks tensorflow" in check.found
    spotfw_plugins.register(NumpyBackend(), "numpy")
    check = ward.check_engines(spotfw_plugins)
    assert (check.status, check.found) == ("ok", "numpy; mesh lacks tensorflow")


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ((3, 9, 1), "bad"),
        ((3, 10, 0), "ok"),
        ((3, 11, 9), "ok"),
        ((3, 13), "warn"),
        ((3, 14), "bad"),
    ],
)
def test_python_must_have_an_engine(version, status):
    assert ward.check_python(version).status == status


def test_packages_out_of_range_or_absent_are_named():
    def installed(name):
        if name == "gone":
            raise metadata.PackageNotFoundError(name)
        return {"click": "8.1", "rich": "12.0"}[name]

    lines = ["click>=8", "rich>=13", "gone", 'tomli>=2; python_version < "3"', 'x; extra == "test"']
    checks = {c.name: c for c in ward.check_packages(installed, lines)}
    assert set(checks) == {"rich", "gone", "packages"}
    assert checks["rich"].status == checks["gone"].status == "bad"
    assert 'pip install "rich>=13"' in checks["rich"].mend
    assert checks["packages"].found == "click 8.1"


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


def test_a_plugin_that_failed_is_reported_with_the_way_out():
    plugins = Plugins(entry_points=False)
    plugins.register(object(), "odd", distribution="spotfw-odd", version="1")
    (check,) = [c for c in ward.check_plugins(plugins) if c.name == "plugin spotfw-odd"]
    assert check.status == "warn"
    assert "-p no:odd" in check.mend


def test_without_the_playground_the_way_to_it_is_reported():
    check = ward.check_playground(Plugins(entry_points=False))
    assert check.status == "warn"
    assert "spotfw-playground" in check.mend
