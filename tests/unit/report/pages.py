#!/usr/bin/python3
"""The words of a PDF and where they stand: pages.py FILE PAGES 'text|…' 'text|…'

Checks the number of pages, texts that must and must not be there, that every word lies on its page
and that no two overlap, embedded fonts, and dates that come from no clock."""
import re
import subprocess
import sys
from xml.etree import ElementTree

# Points: letters of neighbouring lines may share that much of their boxes.
TOLERANCE = 1.2


def tool(*arguments):
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


def words_of(path):
    """[page width, height, [(x0, y0, x1, y1, word)]] for each page."""
    document = ElementTree.fromstring(tool("pdftotext", "-bbox", path, "-"))
    name = "{http://www.w3.org/1999/xhtml}"
    for page in document.iter(name + "page"):
        words = [(*(float(word.get(key)) for key in ("xMin", "yMin", "xMax", "yMax")), word.text)
                 for word in page.iter(name + "word")]
        yield float(page.get("width")), float(page.get("height")), words


def check_places(path):
    for width, height, words in words_of(path):
        assert words, "a page without words"
        for word in words:
            assert word[0] >= 0 and word[1] >= 0 and word[2] <= width and word[3] <= height, word
        for i, a in enumerate(words):
            for b in words[:i]:
                overlap_x = min(a[2], b[2]) - max(a[0], b[0])
                overlap_y = min(a[3], b[3]) - max(a[1], b[1])
                # a font's box is higher than its letters: a third of it may be shared
                shared = min(a[3] - a[1], b[3] - b[1]) / 3
                assert overlap_x < TOLERANCE or overlap_y < shared, f"{a} and {b} overlap"


def main():
    path, pages, there, absent = sys.argv[1:]
    raw = open(path, "rb").read()
    assert raw.startswith(b"%PDF-")
    info = tool("pdfinfo", "-isodates", path)
    assert re.search(rf"Pages: +{pages}\b", info), info
    assert re.search(r"CreationDate: +2026-01-02T03:04:05Z", info), info
    fonts = tool("pdffonts", path).splitlines()[2:]
    assert fonts and all(line.split()[-5] == "yes" for line in fonts), fonts
    text = " ".join(tool("pdftotext", "-layout", path, "-").split())
    plain = " ".join(tool("pdftotext", path, "-").split())  # reading order keeps wrapped texts whole
    for wanted in filter(None, there.split("|")):
        assert wanted in text or wanted in plain, f"'{wanted}' is missing in: {plain}"
    for unwanted in filter(None, absent.split("|")):
        assert unwanted not in text and unwanted not in plain, f"'{unwanted}' is there"
    check_places(path)


main()
