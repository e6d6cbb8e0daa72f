"""Certificates for tests, made by the openssl tool for one run."""
import pathlib
import ssl

from stack import run


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder, name="authority"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.name = name
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
             self.file(name, "key"), "-out", self.file(name, "crt"), "-days", "30", "-subj",
             f"/CN={name}"])

    @property
    def certificate(self):
        return self.file(self.name, "crt")

    def file(self, name, kind):
        return self.folder / f"{name}.{kind}"

    def leaf(self, name, names="IP:127.0.0.1", days=30):
        """(certificate, key) that is made out to `names` (subject alternative names)."""
        self.file(name, "ext").write_text(f"subjectAltName={names}\n", encoding="ascii")
        run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", self.file(name, "key"),
             "-out", self.file(name, "csr"), "-subj", f"/CN={name}"])
        run(["openssl", "x509", "-req", "-in", self.file(name, "csr"), "-CA", self.certificate,
             "-CAkey", self.file(self.name, "key"), "-CAcreateserial", "-out",
             self.file(name, "crt"), "-days", str(days), "-extfile", self.file(name, "ext")])
        self.file(name, "key").chmod(0o600)
        return self.file(name, "crt"), self.file(name, "key")

    def settings(self, name, port):
        """The section `tls` of the settings."""
        return {"certificate": str(self.file(name, "crt")), "key": str(self.file(name, "key")),
                "ca": str(self.certificate), "port": port}

    def context(self, name, server):
        """For ssl.SSLContext.wrap_socket: shows this certificate, asks for one of the authority's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(self.file(name, "crt"), self.file(name, "key"))
        context.load_verify_locations(self.certificate)
        return context

    def options(self, name, trusted=None):
        """What dcmtk's programs take to show this certificate."""
        return ["+tls", self.file(name, "key"), self.file(name, "crt"), "+cf",
                trusted or self.certificate]
