"""Replays durability.c's journal. A file's data survives a loss of power when the file was synced
after its last write; a name (or its absence) survives when its folder was synced after the change.
What was not synced may survive or not: that is for the seed to say. Only POSIX is relied on: a
rename may be half durable, as both names, and a file removed without a sync stays removed."""
import hashlib
import os
import pathlib


class Model:
    """The store as the page cache has it, and as the disk is bound to have it."""

    def __init__(self, root):
        self.root = str(root)
        self.names, self.kept = {}, {}     # {folder: {name: inode, or 'folder'}}, now and durable
        self.dirty = set()                 # inodes written since their last sync
        self.promises, self.broken = [], []

    @staticmethod
    def split(path):
        return os.path.split(path)

    def set_name(self, path, what):
        folder, name = self.split(path)
        self.names.setdefault(folder, {})[name] = what

    def drop_name(self, path):
        folder, name = self.split(path)
        self.names.get(folder, {}).pop(name, None)

    def play(self, journal):
        for line in pathlib.Path(journal).read_text().splitlines():
            kind, *fields = line.split("\t")
            getattr(self, kind.replace("-", "_"))(*fields)

    def create(self, inode, path):
        self.set_name(path, inode)
        self.dirty.discard(inode)

    def write(self, inode):
        self.dirty.add(inode)

    def sync(self, inode):
        self.dirty.discard(inode)

    def folder_sync(self, path):
        path = path.rstrip("/")
        self.kept[path] = dict(self.names.get(path, {}))

    def rename(self, inode, old, new):
        self.drop_name(old)
        self.set_name(new, inode)

    def mkdir(self, path):
        self.set_name(path, "folder")

    def unlink(self, path):
        self.drop_name(path)

    def success(self, uid):
        self.promises.append(uid)
        if not self.durable(uid):
            self.broken.append(uid)

    def durable(self, uid):
        """Some file of the object, its name and its folders' names would all survive."""
        digits = hashlib.sha256(uid.encode()).hexdigest()
        for area in ("incoming", "stored"):
            above = f"{self.root}/{area}"
            if (self.kept.get(self.root, {}).get(area) != "folder"
                    or self.kept.get(above, {}).get(digits[:2]) != "folder"):
                continue
            for name, inode in self.kept.get(f"{above}/{digits[:2]}", {}).items():
                if name.startswith(digits) and inode not in self.dirty:
                    return True
        return False

    def lose(self, chance):
        """Take from the disk what this loss of power takes; returns what that was, in words."""
        lost = []
        held = {}                          # inode: a path that has it now
        for folder, names in self.names.items():
            for name, inode in names.items():
                held[inode] = f"{folder}/{name}"
        for inode in sorted(self.dirty & set(held)):
            if chance.random() < 0.7:
                os.truncate(held[inode], 0)
                lost.append(f"data of {held[inode]}")
        for folder in sorted(self.names, key=len, reverse=True):
            if not folder.startswith((f"{self.root}/incoming", f"{self.root}/stored",
                                      f"{self.root}/outgoing")):
                continue                   # work/ and open/ speak of live processes only
            now, kept = self.names[folder], self.kept.get(folder, {})
            if now == kept or chance.random() < 0.3:
                continue
            for name, inode in kept.items(): # removals and renames away are undone …
                path = f"{folder}/{name}"
                if name not in now and inode in held and not os.path.exists(path):
                    os.link(held[inode], path)
                    lost.append(f"removal of {path}")
        for folder in sorted(self.names, key=len, reverse=True):
            if not folder.startswith((f"{self.root}/incoming", f"{self.root}/stored",
                                      f"{self.root}/outgoing")):
                continue
            now, kept = self.names[folder], self.kept.get(folder, {})
            for name, inode in list(now.items()): # … then what came is
                path = f"{folder}/{name}"
                if name in kept or chance.random() < 0.3:
                    continue
                if inode == "folder":
                    for file in pathlib.Path(path).glob("*"):
                        file.unlink()
                    os.rmdir(path)
                else:
                    pathlib.Path(path).unlink(missing_ok=True)
                lost.append(f"name {path}")
        return lost
