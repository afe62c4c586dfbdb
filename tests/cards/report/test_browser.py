"""The page in a browser: it plays, fetches nothing, fits the screen, and axe-core and html-validate find nothing.

Runs where there are node, Chromium and the packages of ``npm install playwright-core axe-core html-validate`` (CONTRIBUTING says
how); elsewhere it is skipped.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from duologue_cards.report.page import render_page
from tests.cards.report.test_page import PAGE

LOOK = Path(__file__).with_name("look.cjs")
BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
PACKAGES = ("playwright-core", "axe-core", "html-validate")


def is_there() -> bool:
    if BROWSER is None or shutil.which("node") is None:
        return False
    asked = "; ".join(f"require.resolve('{name}')" for name in PACKAGES)
    return subprocess.run(["node", "-e", asked], check=False, capture_output=True, timeout=60).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not is_there(), reason="needs node, Chromium and npm packages: see CONTRIBUTING")
@pytest.mark.parametrize("which", ["a small page", "a release", "one conversation"])
def test_a_browser_finds_nothing(which: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    if which == "a small page":
        page.write_text(render_page(PAGE), encoding="utf-8")
    elif which == "a release":
        run("demo", "--out", tmp_path / "out", "--include-audio")
        page = tmp_path / "out" / "report.html"
    else:
        audio = Path(__file__).parents[3] / "pipeline/duologue_pipeline/demo/audio/demo-garden.flac"
        run("annotate", audio, "--language", "en-US", "--report", page, "--out", tmp_path / "labels.json")
    done = subprocess.run(["node", LOOK, page, str(BROWSER)], check=True, capture_output=True, text=True, timeout=300)
    found = json.loads(done.stdout)
    assert found["faults"] == []
    assert found["told"]["sound"] is (which != "a small page")
    assert found["told"]["said"] > 0


def run(*arguments: str | Path) -> None:
    subprocess.run(["duologue", *map(str, arguments)], check=True, capture_output=True, timeout=300)
