"""Second half of scripts/demo: start PostgreSQL, Orthanc and axnoded, send a study, show its
report."""
import argparse
import pathlib
import signal
import subprocess
import sys
import time

from stack import Failed, Stack, wait_for

SETTLED = ("done", "failed", "not_applicable")


def say(text):
    print(f"\033[1m==> {text}\033[0m" if sys.stderr.isatty() else f"==> {text}", file=sys.stderr,
          flush=True)


def dicom_files(paths):
    """Every file at or below the paths: what is no DICOM is told by whoever reads it."""
    for path in map(pathlib.Path, paths):
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file())
        else:
            yield path


def is_dicom(path):
    with open(path, "rb") as file:
        file.seek(128)
        return file.read(4) == b"DICM"


def wait_until_settled(stack, studies):
    """Until nothing is on its way; says what changed meanwhile."""
    shown = {}
    def settled():
        stack.alive("axnoded")
        now = stack.studies()
        for uid, row in now.items():
            if shown.get(uid) != row["state"]:
                shown[uid] = row["state"]
                print(f"    {uid}  {row['state']}", file=sys.stderr, flush=True)
        return len(now) >= studies and all(row["state"] in SETTLED for row in now.values()) and now
    return wait_for("every study reaches its end", settled, 60 + 30 * studies)


def show_report(stack, uid, row):
    print(f"\nStudy {uid}: {row['state']}"
          + (f" ({row['reason']})" if row["reason"] else ""))
    found = [i for i, _ in stack.pacs_instances(uid, "SR")]
    if not found:
        print("  no report in the PACS")
        return
    for number, instance in enumerate(found):
        path = stack.folder / f"report-{uid}-{number}.dcm"
        path.write_bytes(stack.rest(f"/instances/{instance}/file"))
        path.chmod(0o600)
        print(f"  Report in the PACS, read back from there (instance {instance}):\n")
        text = stack.axnode("report", path)
        print("\n".join("    " + line for line in text.splitlines()), flush=True)
    for instance, _ in stack.pacs_instances(uid, "OT"):
        path = stack.folder / f"overlay-{uid}.png"
        path.write_bytes(stack.rest(f"/instances/{instance}/preview"))
        path.chmod(0o600)
        print(f"\n  Overlay picture (the Secondary Capture in the PACS): {path}")


def demo(stack, paths):
    say("Starting a private PostgreSQL cluster")
    stack.postgres()
    say(f"Starting Orthanc as the PACS (DICOM {stack.orthanc_port}, web {stack.orthanc_http})")
    stack.orthanc()
    say(f"Starting axnoded (DICOM {stack.axnoded_port})")
    stack.configure()
    stack.axnode("db", "migrate")
    stack.axnoded()
    if not paths:
        say("Making a synthetic study")
        stack.axnode("phantom", "--out", stack.folder / "phantom", "--studies", "1", "--seed", "7")
        paths = [stack.folder / "phantom"]
    files = list(dicom_files(paths))
    dicom = [f for f in files if is_dicom(f)]
    say(f"Sending {len(dicom)} DICOM files to the PACS and to axnode by C-STORE")
    stack.send(dicom, to="pacs")
    refused = stack.send(dicom)
    started = time.monotonic()
    for path in refused:
        print(f"    {pathlib.Path(path).name}: refused by axnode", file=sys.stderr)
    if len(refused) == len(dicom):
        raise Failed("axnode took none of the files; its log: " + stack.log("axnoded")[-1500:])
    say("Waiting for the report")
    studies = wait_until_settled(stack, 1)
    say(f"Every study reached its end {time.monotonic() - started:.1f} s after it was sent")
    for uid, row in studies.items():
        show_report(stack, uid, row)
        found = stack.pacs_study(uid)
        if found:
            print(f"\n  In Orthanc's web page: http://127.0.0.1:{stack.orthanc_http}/app/"
                  f"explorer.html#study?uuid={found}")
    print(f"\n{len(files)} files: {len(dicom) - len(refused)} taken, {len(refused)} refused, "
          f"{len(files) - len(dicom)} not DICOM; {len(studies)} studies.")


def wait_for_the_end(stack):
    if not sys.stdin.isatty():
        return
    print("\nPress Enter (or Ctrl-C) to end the demo and remove what it made.", flush=True)
    sys.stdin.readline()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("paths", nargs="*")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    with Stack(arguments.build) as stack:
        try:
            demo(stack, arguments.paths)
            if arguments.keep:
                stack.keep = True
                print(f"\nLeft running: axnoded (pid {stack.processes['axnoded'].pid}), Orthanc "
                      f"(pid {stack.processes['orthanc'].pid}), PostgreSQL; all below "
                      f"{stack.folder}\n  axnode's settings: {stack.config}")
            else:
                wait_for_the_end(stack)
        except KeyboardInterrupt:
            print("\nended by Ctrl-C", file=sys.stderr)
            return 130
        except (Failed, subprocess.TimeoutExpired, OSError) as reason:
            print(f"\nfailed: {reason}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
