#!/usr/bin/python3
"""Calliper marks of a folder of pictures, as the program finds them, for train_tumour.py.

    callipers.py --axnode BUILD/cli/axnode PICTURES > marks.csv
"""

import argparse
import json
import os
import subprocess


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures")
    parser.add_argument("--axnode", required=True)
    options = parser.parse_args()
    found = json.loads(subprocess.run([options.axnode, "screen", "--json", options.pictures],
                                      check=True, capture_output=True).stdout)
    print("id,x,y")
    for picture in found if isinstance(found, list) else [found]:
        name = os.path.splitext(os.path.basename(picture["file"]))[0]
        for mark in picture["callipers"]:
            print(f"{name},{mark['x']},{mark['y']}")


if __name__ == "__main__":
    main()
