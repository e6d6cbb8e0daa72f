"""Second half of scripts/demo: start PostgreSQL, Orthanc and axnoded, send a study, show its
report."""
import argparse
import pathlib
import signal
import subprocess
import sys
import time

from stack import TREE, Failed, Stack, account, is_dicom, nothing_on_its_way, wait_for


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


def wait_until_settled(stack):
    """Until nothing is on its way; says what changed meanwhile."""
    shown = {}
    def settled():
        for uid, row in stack.studies().items():
            if shown.get(uid) != row["state"]:
                shown[uid] = row["state"]
                print(f"    {uid}  {row['state']}", file=sys.stderr, flush=True)
        return nothing_on_its_way(stack)
    wait_for("every study reaches its end", settled, 120)


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
    pages = {int(stack.rest(f"/instances/{instance}/content/0020-0013")): instance
             for instance, _ in stack.pacs_instances(uid, "OT")}
    for number, instance in sorted(pages.items()):
        path = stack.folder / f"page-{number}-{uid}.png"
        path.write_bytes(stack.rest(f"/instances/{instance}/preview"))
        path.chmod(0o600)
        print(f"\n  Page {number} (a Secondary Capture in the PACS): {path}")


def demo(stack, paths):
    say("Starting a private PostgreSQL cluster")
    stack.postgres()
    say(f"Starting Orthanc as the PACS (DICOM {stack.orthanc_port}, web {stack.orthanc_http})")
    stack.orthanc()
    say(f"Starting axnoded (DICOM {stack.axnoded_port})")
    stack.configure()
    stack.axnode("db", "migrate")
    stack.axnoded()
    own_files = bool(paths)
    if not own_files:
        say("Making a synthetic study")
        stack.axnode("phantom", "--out", stack.folder / "phantom", "--studies", "1", "--seed", "7")
        paths = [stack.folder / "phantom"]
    files = list(dicom_files(paths))
    dicom = [f for f in files if is_dicom(f)]
    say(f"Sending {len(dicom)} DICOM files to the PACS and to axnode by C-STORE")
    stack.send(dicom, to="pacs")
    started = time.monotonic()
    if own_files:
        rows = account(stack, dicom, lambda text: print(f"    {text}", file=sys.stderr, flush=True))
    else:
        rows = []
        if stack.send(dicom):
            raise Failed("axnode did not take the study; its log: " + stack.log("axnoded")[-1500:])
        say("Waiting for the report")
        wait_until_settled(stack)
    studies = stack.studies()
    say(f"Every study reached its end, {time.monotonic() - started:.1f} s after the first C-STORE")
    for uid, row in studies.items():
        show_report(stack, uid, row)
        found = stack.pacs_study(uid)
        if found:
            print(f"\n  In Orthanc's web page: http://127.0.0.1:{stack.orthanc_http}/app/"
                  f"explorer.html#study?uuid={found}")
    if own_files:
        print("\nWhat became of each file:")
        for row in rows:
            print(f"  {row['file']}: {row['outcome']}" + (f": {row['reason']}" if row["reason"]
                                                          else ""))
        for path in files:
            if path not in dicom:
                print(f"  {path.name}: no DICOM file")


def plugin_demo(stack, paths):
    """The same inside Orthanc alone."""
    say(f"Starting Orthanc with axnode's plugin (DICOM {stack.orthanc_port}, web "
        f"{stack.orthanc_http})")
    stack.configure() # for the command line
    stack.orthanc(plugin={"Settings": {
        "package": str(TREE / "packages" / "verification"),
        "onnxruntime": str(stack.build / "lib" / "libonnxruntime.so.1")}})
    if not paths:
        say("Making a synthetic study")
        stack.axnode("phantom", "--out", stack.folder / "phantom", "--studies", "1", "--seed", "7")
        paths = [stack.folder / "phantom"]
    dicom = [f for f in dicom_files(paths) if is_dicom(f)]
    say(f"Sending {len(dicom)} DICOM files to Orthanc by C-STORE")
    stack.send(dicom, to="pacs")
    say("Waiting until Orthanc calls the studies stable, and for their reports")
    for study in stack.rest("/studies"):
        path = f"/axnode/studies/{study}"
        state = wait_for("the study reaches its end", lambda path=path: (
            lambda s: s["state"] in ("done", "failed") and s)(stack.rest(path)), 120)
        uid = stack.rest(f"/studies/{study}")["MainDicomTags"]["StudyInstanceUID"]
        show_report(stack, uid, state)
        print(f"\n  In Orthanc's web page: http://127.0.0.1:{stack.orthanc_http}/app/"
              f"explorer.html#study?uuid={study}\n  State and result: "
              f"http://127.0.0.1:{stack.orthanc_http}{path}")


def wait_for_the_end(stack):
    if not sys.stdin.isatty():
        return
    print("\nPress Enter (or Ctrl-C) to end the demo and remove what it made.", flush=True)
    sys.stdin.readline()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--plugin", action="store_true")
    parser.add_argument("paths", nargs="*")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    with Stack(arguments.build) as stack:
        try:
            (plugin_demo if arguments.plugin else demo)(stack, arguments.paths)
            if arguments.keep:
                stack.keep = True
                left = [f"{name} (pid {process.pid})" for name, process in stack.processes.items()]
                left += ["PostgreSQL"] if stack.database else []
                print(f"\nLeft running: {', '.join(left)}; all below {stack.folder}\n"
                      f"  axnode's settings: {stack.config}")
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
