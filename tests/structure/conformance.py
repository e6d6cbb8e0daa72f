"""docs/conformance-statement.md against the code: classes that are received and sent, transfer syntaxes,
private codes. `--write` puts the tables of transfer syntaxes and codes anew."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
path = root / "docs" / "conformance-statement.md"
statement = path.read_text(encoding="utf-8")
DCMTK = pathlib.Path("/usr/include/dcmtk/dcmdata/dcuid.h").read_text(encoding="utf-8")
COMMANDS = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}


def code(*names):
    return "\n".join((root / name).read_text(encoding="utf-8") for name in names)


def rows(title):
    """Cells of the table behind a line that holds `title`."""
    table, found = [], statement[statement.index(title):].splitlines()[1:]
    for line in found:
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip("|").split("|")])
        elif table:
            break
    return table[2:]


def uids(title, column=1):
    return {row[column] for row in rows(title)}


def syntaxes():
    """[(uid, name, whether it is decoded)] in the program's order: those that DCMTK knows, too."""
    found = re.findall(r'\{DICOM(?: "([\d.]+)")?, "([^"]+)",\s*(?:\.codec = )?DICOM_CODEC_(\w+)',
                       code("dicom/syntax.c"))
    known = re.findall(r'#define UID_\w+TransferSyntax\s+"([\d.]+)"', DCMTK)
    return [("1.2.840.10008.1.2" + tail, name, codec != "MISSING") for tail, name, codec in found
            if "1.2.840.10008.1.2" + tail in known]


def codes():
    found = re.findall(r'CODE\("([A-Z0-9]+)", "99AXNODE", ("[^"]+"|outcome)\)', code("report/codes.h"))
    return [(value, meaning.strip('"') if meaning != "outcome" else "the outcome that is estimated")
            for value, meaning in found]


def dcmtk_uid(name):
    return re.search(rf'#define\s+{name}\s+"([\d.]+)"', DCMTK)[1]


def received():
    text = code("dicom/shim/contexts.cc")
    classes = re.search(r"STORED_CLASSES\[\] = \{(.*?)\};", text, re.S)[1]
    served = re.findall(r"strcmp\(abstract_syntax, (UID_\w+)\)", text)
    return {dcmtk_uid(name) for name in re.findall(r"UID_\w+", classes) + served}


def sent():
    writers = code(*[str(p.relative_to(root)) for p in (root / "dicom").glob("*.h")])
    names = re.findall(r"UID_\w+SOPClass", code("dicom/shim/sender.cc"))
    return (set(re.findall(r'define \w+_SOP_CLASS_UID "([\d.]+)"', writers))
            | {dcmtk_uid(name) for name in names})


def written(text):
    """The statement with the two tables as the code has them."""
    def put(text, title, lines):
        head = text.index("|---", text.index(title))
        start = text.index("\n", head) + 1
        end = start
        while text[end:end + 1] == "|" or text[end:].startswith(("SYNTAXES", "CODES")):
            end = text.index("\n", end) + 1
        return text[:start] + "".join(line + "\n" for line in lines) + text[end:]
    text = put(text, "Table 4.2.1.3-2: transfer syntaxes", [
        f"| {name} | {uid} | {'yes' if uid in COMMANDS else ''} | {'yes' if decoded else 'no'} |"
        for uid, name, decoded in syntaxes()])
    return put(text, "### 9.3", [f"| {value} | {meaning} |" for value, meaning in codes()])


if "--write" in sys.argv:
    path.write_text(written(statement), encoding="utf-8")
    sys.exit(0)
wrong = []
for what, stated, true in (
        ("classes received", uids("Table 4.2.1.3-1"), received()),
        ("classes sent", uids("Table 4.2.2.3-1"), sent())):
    wrong += [f"{what}: {uid} stands in the statement alone" for uid in stated - true]
    wrong += [f"{what}: {uid} is missing in the statement" for uid in true - stated]
if len(syntaxes()) < 30 or len(codes()) < 20:
    wrong.append("the code is no longer read as it is written")
if written(statement) != statement:
    wrong.append("tables of transfer syntaxes or codes are old: conformance.py ROOT --write")
version = re.search(r"project\(axnode VERSION ([\d.]+)", code("CMakeLists.txt"))
if version and f"axnode {version[1]}." not in statement:
    wrong.append(f"the statement is not of version {version[1]}")
print("\n".join(wrong) or "the statement is true")
sys.exit(bool(wrong))
