"""Every test in Python is known to ctest: a file that runs as a test stands in its folder's
CMakeLists.txt. (A test that nobody runs passes for ever.)"""
import pathlib
import re
import sys


def forgotten(folder):
    listed = (folder / "CMakeLists.txt").read_text(encoding="utf-8")
    in_loops = " ".join(re.findall(r"foreach\(name ([^)]*)\)", listed)).split()
    for path in sorted(folder.glob("*.py")):
        runs = re.search(r"__main__.:\n    (checks|unittest)\.main\(", path.read_text(encoding="utf-8"))
        if runs and path.stem not in in_loops and f"/{path.name}" not in listed:
            yield path


def main():
    tests = pathlib.Path(sys.argv[1]) / "tests"
    missing = [path for folder in sorted({path.parent for path in tests.rglob("CMakeLists.txt")})
               for path in forgotten(folder)]
    for path in missing:
        print(f"{path.relative_to(tests.parent)}: no test of this file is registered")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
