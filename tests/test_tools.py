"""What checks wheels and the site's links finds what is wrong with them."""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest

from tests.places import ROOT


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


plugin_tests = load("requirements/plugin_tests.py")
check = load("docs/site/check.py")

FILES = ("__init__.py", "py.typed", "templates/a.tmpl", "model/spiece.model")
FACTS = ("METADATA", "entry_points.txt")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "spotfw_small"
    for name in (*FILES, "__pycache__/a.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


def wheel(package: Path, files: Iterable[str], facts: Iterable[str] = FACTS) -> Path:
    path = package.parent / "spotfw_small-0.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in files:
            archive.writestr(f"spotfw_small/{name}", "")
        for name in facts:
            archive.writestr(f"spotfw_small-0.1.dist-info/{name}", "")
    return path


def test_a_whole_wheel(package: Path) -> None:
    plugin_tests.check_wheel(wheel(package, FILES), package)


@pytest.mark.parametrize("missing", FILES)
def test_a_wheel_that_lacks_a_file(package: Path, missing: str) -> None:
    part = wheel(package, [name for name in FILES if name != missing])
    with pytest.raises(plugin_tests.Failed, match=f"lacks .'spotfw_small/{missing}'"):
        plugin_tests.check_wheel(part, package)


def test_a_wheel_that_holds_too_much_or_names_no_entry_point(package: Path) -> None:
    more = wheel(package, [*FILES, "tests/test_a.py"])
    with pytest.raises(plugin_tests.Failed, match=r"holds .'spotfw_small/tests/test_a\.py'"):
        plugin_tests.check_wheel(more, package)
    with pytest.raises(plugin_tests.Failed, match=r"lacks .'entry_points\.txt'"):
        plugin_tests.check_wheel(wheel(package, FILES, ["METADATA"]), package)


REPORT = """<testsuites><testsuite tests="3" errors="0" failures="1" skipped="1">
<testcase name="a"/><testcase name="b"><failure/></testcase>
<testcase name="c"><skipped message="could not import 'mlflow'">where</skipped></testcase>
</testsuite></testsuites>"""


def test_what_a_report_of_tests_says(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert plugin_tests._counts(report) == {"passed": 1, "failed": 1, "skipped": 1}
    (reason,) = plugin_tests._skips(report)
    assert not plugin_tests._MAY_SKIP.search(reason)
    assert plugin_tests._MAY_SKIP.search("needs the data folder ../shared beside the repository")


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("b.html", ""),
        ("#here", ""),
        ("b.html#there", ""),
        ("folder/", ""),
        ("folder/index.html", ""),
        ("https://example.org/a?b#c", ""),
        ("mailto:a@example.org", ""),
        ("c.html", "leads to no file"),
        ("empty/", "leads to no file"),
        ("#there", "leads to no such place on its page"),
        ("b.html#here", "leads to no such place on its page"),
        ("https://nowhere", "is no address of the web"),
        ("htp://example.org", "is no address of the web"),
        ("http://[", "is no address"),
    ],
)
def test_links_of_a_site(tmp_path: Path, link: str, fault: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder" / "index.html").write_text("")
    (tmp_path / "a.html").write_text(f'<p id="here"><a href="{link}">x</a>')
    (tmp_path / "b.html").write_text('<p id="there">')
    expected = [f"a.html: the link {link!r} {fault}"] if fault else []
    assert list(check.faults(tmp_path)) == expected
    assert list(check.faults(tmp_path, skip=("a.html",))) == []


def test_a_missing_picture_is_a_link_too(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<img src="none.png"><a name="old"></a><a href="#old">x</a>')
    assert list(check.faults(tmp_path)) == ["a.html: the link 'none.png' leads to no file"]
