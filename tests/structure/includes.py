"""Reads every #include of the C sources against the table 'Folders' of ARCHITECTURE.md."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])

# Folder names of ARCHITECTURE.md's table, with the folders each may use.
table = {}
for line in (root / "ARCHITECTURE.md").read_text().splitlines():
    row = re.match(r"\| `(\w+)` \|[^|]*\|([^|]*)\|", line)
    if row:
        words = row.group(2).split(";")[0].replace("what service may use", "service_row")
        table[row.group(1)] = set(re.findall(r"\w+", words))
if "service_row" in table.get("cli", ()):
    table["cli"] |= table["service"]
folders = [f for f in table if (root / f).is_dir() and f != "tests"]
if len(folders) < 11:
    sys.exit(f"ARCHITECTURE.md's table names only {folders}")

# A foreign library enters through one folder. cJSON is a vocabulary of base.
foreign = {
    "base": r"yaml\.h|openssl/|cjson/",
    "image": r"png\.h|tesseract/|omp\.h|cjson/",
    "model": r"dlfcn\.h|gsl/|zlib\.h|openssl/evp\.h|openssl/pem\.h|cjson/",
    "dicom": r"dcmtk/|openssl/|zlib\.h|openjpeg\.h|libav\w+/|libswscale/|cjson/",
    "db": r"libpq-fe\.h|cjson/",
    "report": r"cairo|cjson/",
    "pipeline": r"cjson/",
    "service": r"systemd/|dlfcn\.h|microhttpd\.h|cjson/",
    "cli": r"cjson/",
    "phantom": r"cjson/",
    "store": r"cjson/",
    "plugin": r"orthanc/|dlfcn\.h|cjson/",
}
known_foreign = r"orthanc/|yaml\.h|openssl/|cjson/|png\.h|gsl/|zlib\.h|dcmtk/|libpq|cairo|systemd/|dlfcn|microhttpd|tesseract/|omp\.h|openjpeg|libav|libswscale"

wrong = []
for folder in folders:
    for path in sorted((root / folder).rglob("*")):
        if path.suffix not in (".c", ".h", ".cc"):
            continue
        name = path.relative_to(root)
        if path.suffix == ".cc" and not str(name).startswith("dicom/shim/"):
            wrong.append(f"{name}: C++ lives in dicom/shim alone")
        if re.search(r"(^|_)(util|utils|common|helper|helpers|misc)$", path.stem):
            wrong.append(f"{name}: a name that tells nothing")
        for number, line in enumerate(path.read_text().splitlines(), 1):
            own = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            other = re.match(r"\s*#\s*include\s*<([^>]+)>", line)
            if own:
                used = own.group(1).split("/")[0]
                if not (root / own.group(1)).exists() and "build" not in own.group(1):
                    if "/" in own.group(1):
                        wrong.append(f"{name}:{number}: no file {own.group(1)}")
                elif used != folder and used not in table[folder]:
                    wrong.append(f"{name}:{number}: {folder} may not use {used}")
            elif other and re.match(known_foreign, other.group(1)):
                if not re.match(foreign[folder], other.group(1)):
                    wrong.append(f"{name}:{number}: {other.group(1)} does not enter here")
                elif re.match("dcmtk/|openssl/", other.group(1)) and folder == "dicom" and "/shim/" not in str(name):
                    wrong.append(f"{name}:{number}: DCMTK lives in dicom/shim alone")
print("\n".join(wrong) or "every include follows the table")
sys.exit(bool(wrong))
