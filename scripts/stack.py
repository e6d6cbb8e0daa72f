"""A private PostgreSQL cluster, Orthanc as the PACS, and axnoded, all on a Unix socket or free
loopback ports under one scratch folder: what the demo and the integration tests share."""
import atexit
import glob
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ULTRASOUND = ["1.2.840.10008.5.1.4.1.1." + tail for tail in ("6.1", "3.1", "6", "3")]
ENCODINGS = ["1.2.840.10008.1.2" + tail for tail in (
    "", ".1", ".2", ".5", ".4.50", ".4.51", ".4.57", ".4.70", ".4.80", ".4.81", ".4.90", ".4.91",
    ".4.100", ".4.101", ".4.102", ".4.103", ".4.107")]

ORTHANC_POSTGRES = "/usr/share/orthanc/plugins/libOrthancPostgreSQLIndex.so"

TREE = pathlib.Path(__file__).resolve().parent.parent


class Failed(Exception):
    """What was tried, and why it did not work, in words for a person."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, timeout_s=60.0, every_s=0.1):
    """Poll until `condition()` is true; returns its value."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {timeout_s:g} s")
        time.sleep(every_s)


def run(arguments, **options):
    """Run to the end; a failure carries the command's own words."""
    options.setdefault("timeout", 600)
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True,
                          errors="replace", check=False, **options)
    if done.returncode != 0:
        raise Failed(f"{pathlib.Path(str(arguments[0])).name} ended with {done.returncode}: "
                     f"{(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


class Stack:
    """Use as a context manager: everything started is ended by its process id."""

    def __init__(self, build, scratch=None, keep=False):
        self.build = pathlib.Path(build)
        self.folder = pathlib.Path(scratch or tempfile.mkdtemp(prefix="axnode-", dir="/tmp"))
        self.folder.chmod(0o700)
        self.keep = keep
        self.processes = {}
        self.axnoded_port = free_port()
        self.orthanc_port = free_port()
        self.orthanc_http = free_port()
        self.tls_port, self.tls_options = None, [] # how storescu reaches axnoded by TLS
        self.config = self.folder / "axnode.yaml"
        self.database = None
        atexit.register(lambda: None if self.keep else self.close())

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if not self.keep:
            self.close()

    def close(self):
        for name in ("axnoded", "orthanc"):
            self.stop(name)
        if self.database:
            subprocess.run([self.postgres_tool("pg_ctl"), "-D", self.folder / "postgres", "stop",
                            "-m", "immediate"], capture_output=True, check=False)
            self.database = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, arguments, environment=None):
        log = open(self.folder / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen(
            [str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, **(environment or {})}, start_new_session=True)
        log.close()

    def stop(self, name, how=signal.SIGTERM, timeout_s=30):
        process = self.processes.pop(name, None)
        if not process:
            return None
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def alive(self, name):
        process = self.processes[name]
        if process.poll() is not None:
            raise Failed(f"{name} ended with {process.returncode}: {self.log(name)[-1500:]}")
        return True

    # PostgreSQL

    @staticmethod
    def postgres_tool(name):
        found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
        if not found:
            raise Failed(f"PostgreSQL's {name} is not installed")
        return found[-1]

    def postgres(self):
        data, socket_folder = self.folder / "postgres", self.folder / "socket"
        socket_folder.mkdir(mode=0o700)
        run([self.postgres_tool("initdb"), "-D", data, "-U", "axnode", "--auth=trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-sync"])
        with open(data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{socket_folder}'\n"
                           "fsync = on\nmax_connections = 50\n")
        self.database_start()
        self.database = f"host={socket_folder} user=axnode dbname=axnode"
        run([self.postgres_tool("createdb"), "-h", socket_folder, "-U", "axnode", "axnode"])

    def database_start(self):
        run([self.postgres_tool("pg_ctl"), "-D", self.folder / "postgres", "-w", "-l",
             self.folder / "postgres.log", "start"])

    def database_stop(self):
        run([self.postgres_tool("pg_ctl"), "-D", self.folder / "postgres", "-w", "-m", "fast",
             "stop"])

    def sql(self, query):
        """Rows as lists of text."""
        text = run([self.postgres_tool("psql"), "-X", "-A", "-t", "-F", "\x1f", "-d",
                    self.database, "-c", query])
        return [line.split("\x1f") for line in text.splitlines() if line]

    # Orthanc

    def orthanc(self, route_everything_back=False, plugin=None, postgres=False, **more):
        """`plugin`: the section Axnode, to run with axnode's plugin of the build. `postgres`: keep
        the index in our PostgreSQL. `more`: Orthanc's own settings."""
        plugins = [p for p in glob.glob("/usr/share/orthanc/plugins/*.so")
                   if "DicomWeb" in p or "OrthancWebViewer" in p]
        settings = {
            "Name": "axnode's test PACS", "StorageDirectory": str(self.folder / "orthanc"),
            "IndexDirectory": str(self.folder / "orthanc"), "HttpPort": self.orthanc_http,
            "DicomPort": self.orthanc_port, "DicomAet": "PACS", "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False, "Plugins": plugins, "StableAge": 1,
            "DicomAlwaysAllowStore": False, "DicomCheckModalityHost": True,
            "DicomModalities": {
                name: [aet, "127.0.0.1", self.axnoded_port]
                for name, aet in (("axnode", "AXNODE"), ("modality", "MODALITY"))},
            "WebViewer": {"CachePath": str(self.folder / "orthanc-viewer")},
            "OverwriteInstances": False, "LogLevel": "default", **more,
        }
        if plugin is not None:
            plugins.append(str(self.build / "plugin" / "libOrthancAxnode.so"))
            settings["Axnode"] = plugin
        if postgres:
            plugins.append(ORTHANC_POSTGRES)
            settings["PostgreSQL"] = {
                "EnableIndex": True, "EnableStorage": False, "Database": "orthanc", "Password": "",
                "Host": str(self.folder / "socket"), "Port": 5432, "Username": "axnode"}
        (self.folder / "orthanc").mkdir(exist_ok=True)
        if route_everything_back:
            script = self.folder / "route.lua"
            script.write_text("function OnStoredInstance(id, tags, metadata)\n"
                              "  SendToModality(id, 'axnode')\nend\n", encoding="utf-8")
            settings["LuaScripts"] = [str(script)]
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        self.orthanc_start()

    def orthanc_start(self):
        """With the settings of before."""
        self.start("orthanc", [shutil.which("Orthanc", path="/usr/sbin:/usr/bin") or "Orthanc",
                               self.folder / "orthanc.json"])
        wait_for("Orthanc answers", lambda: self.alive("orthanc") and self.rest("/system", None), 60)

    def rest(self, path, missing=KeyError):
        """GET of Orthanc's REST interface: JSON, or bytes. Unreachable or unknown: `missing`."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.orthanc_http}{path}",
                                        timeout=30) as answer:
                body = answer.read()
                kind = answer.headers.get_content_type()
        except (urllib.error.URLError, OSError):
            if missing is KeyError:
                raise
            return missing
        return json.loads(body) if kind == "application/json" else body

    def rest_post(self, path, body=b""):
        """POST of Orthanc's REST interface; `body` as bytes, or to be JSON."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.orthanc_http}{path}", body)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def pacs_find(self, level, query):
        return self.rest_post("/tools/find", {"Level": level, "Expand": True, "Query": query})

    def pacs_instances(self, study_uid, modality):
        """[(Orthanc's id, SOP Instance UID)] of one modality in a study of the PACS."""
        found = []
        for series in self.pacs_find("Series", {"StudyInstanceUID": study_uid,
                                                "Modality": modality}):
            for instance in series["Instances"]:
                tags = self.rest(f"/instances/{instance}")["MainDicomTags"]
                found.append((instance, tags["SOPInstanceUID"]))
        return sorted(found)

    def pacs_study(self, study_uid):
        """Orthanc's id of a study, or None."""
        found = self.pacs_find("Study", {"StudyInstanceUID": study_uid})
        return found[0]["ID"] if found else None

    # axnode

    def tool(self, name):
        for folder in ("cli", "service", "bin", "."):
            path = self.build / folder / name
            if path.exists():
                return path
        raise Failed(f"{name} is not built in {self.build}")

    def axnode(self, *arguments):
        return run([self.tool("axnode"), *arguments], env={**os.environ,
                                                           "AXNODE_CONFIG": str(self.config)})

    def configure(self, quiet_period_s=1, **more):
        settings = {
            "store": str(self.folder / "store"), "database": self.database,
            "receiver": {"ae_title": "AXNODE", "address": "127.0.0.1", "port": self.axnoded_port},
            "study": {"quiet_period_s": quiet_period_s},
            "package": str(TREE / "packages" / "verification"),
            "packages": {"allow_unsigned": True},
            "onnxruntime": str(self.build / "lib" / "libonnxruntime.so.1"),
            "destinations": [{"name": "pacs", "ae_title": "PACS", "address": "127.0.0.1",
                              "port": self.orthanc_port}],
        }
        for key, value in more.items():
            if isinstance(value, dict):
                settings.setdefault(key, {}).update(value)
            else:
                settings[key] = value
        # JSON is YAML.
        self.config.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        self.config.chmod(0o600)

    def axnoded(self):
        self.start("axnoded", [self.tool("axnoded"), "--config", self.config])

        def listening():
            self.alive("axnoded")
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.axnoded_port)) == 0
        wait_for("axnoded listens", listening, 60)

    def all(self, **settings):
        self.postgres()
        self.orthanc()
        self.configure(**settings)
        self.axnode("db", "migrate")
        self.axnoded()

    def storescu_profile(self):
        """dcmtk's storescu offers what its configuration lists: every ultrasound class in every
        encoding, so that files go out as they are."""
        path = self.folder / "storescu.cfg"
        if not path.exists():
            lines = ["[[TransferSyntaxes]]"]
            for number, uid in enumerate(ENCODINGS):
                lines += [f"[Encoding{number}]", f"TransferSyntax1 = {uid}"]
            lines += ["[[PresentationContexts]]", "[Ultrasound]"]
            pairs = [(uid, e) for uid in ULTRASOUND for e in range(len(ENCODINGS))]
            lines += [f"PresentationContext{n + 1} = {uid}\\Encoding{e}"
                      for n, (uid, e) in enumerate(pairs)]
            lines += ["[[Profiles]]", "[Ultrasound]", "PresentationContexts = Ultrasound", ""]
            path.write_text("\n".join(lines), encoding="utf-8")
        return path

    def send(self, files, to="axnode", calling="MODALITY"):
        """C-STORE with dcmtk's storescu. Returns the files that were not taken."""
        port, called = ((self.tls_port or self.axnoded_port, "AXNODE") if to == "axnode"
                        else (self.orthanc_port, "PACS"))
        options = self.tls_options if to == "axnode" else []
        files = [str(f) for f in files]
        refused = []
        for at in range(0, len(files), 100):
            some = files[at:at + 100]
            try:
                run(["storescu", "-xf", self.storescu_profile(), "Ultrasound", "-aet", calling,
                     "-aec", called, *options, "127.0.0.1", port, *some])
            except Failed:
                if len(some) == 1:
                    refused += some
                else: # storescu stops at the first failure: find out which it is
                    for file in some:
                        refused += self.send([file], to, calling)
        return refused

    def studies(self):
        """{study UID: row of v_study} as the service knows them."""
        rows = self.sql("SELECT study_uid, state, generation, coalesce(reason, '') FROM v_study")
        return {row[0]: {"state": row[1], "generation": int(row[2]), "reason": row[3]}
                for row in rows}


SETTLED = ("done", "failed", "not_applicable")


def is_dicom(path):
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        file.seek(128)
        return file.read(4) == b"DICM"


def nothing_on_its_way(stack):
    """True when every received object is indexed and every study reached an end."""
    stack.alive("axnoded")
    if any((stack.folder / "store" / "incoming").glob("??/*.dcm")):
        return False
    rows = stack.studies()
    return bool(rows) and all(row["state"] in SETTLED for row in rows.values())


def account(stack, files, progress=lambda text: None, timeout_s=600):
    """Send each file on an association of its own, wait until nothing is on its way, and say of
    each what became of it: [{file, outcome, study, reason}]."""
    rows = []
    for number, path in enumerate(files):
        calling = f"FILE{number:05d}"
        refused = stack.send([path], calling=calling)
        rows.append({"file": path.name, "calling": calling, "refused": bool(refused)})
        progress(f"{path.name}: {'refused' if refused else 'taken'}")
    if all(row["refused"] for row in rows):
        raise Failed("axnode took none of the files; its log: " + stack.log("axnoded")[-1500:])
    wait_for("every study reaches its end", lambda: nothing_on_its_way(stack), timeout_s)
    objects = {row[0]: row[1:] for row in stack.sql(
        "SELECT i.calling_ae, i.role, s.study_uid, s.state, coalesce(s.reason, '') FROM instance i "
        "JOIN study s ON s.id = i.study")}
    results = {row[0]: row[1:] for row in stack.sql(
        "SELECT study_uid, outcome, coalesce(reason, '') FROM v_result ORDER BY generation")}
    log = stack.log("axnoded")
    for row in rows:
        calling = row.pop("calling")
        row.update(study="", outcome="identical", reason="the same object was received before")
        if row.pop("refused"):
            row.update(outcome="refused", reason=refusal(log, calling))
        elif calling in objects:
            role, study, state, reason = objects[calling]
            outcome, why = results.get(study, ("", ""))
            row.update(study=study, outcome=state, reason=why or reason)
            if role == "variant":
                row.update(outcome="kept aside", reason="an object of this SOP Instance UID with "
                           "other content was received before")
            elif role != "input":
                row.update(outcome=role, reason="")
            elif state == "done":
                row.update(outcome=f"report, {outcome}")
    return rows


def refusal(log, calling):
    """Why the association of this calling AE title brought no object, in the log's words."""
    associations = {line.split("assoc=")[1].split()[0] for line in log.splitlines()
                    if "assoc=" in line and f'"{calling}"' in line}
    for line in log.splitlines():
        if "object refused" in line and any(f"assoc={a}" in line for a in associations):
            return line.split('err="')[1].split('"')[0] if 'err="' in line else line
    return "the sending tool, dcmtk's storescu, cannot read it"
