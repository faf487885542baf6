"""Prints JSON about the environment this interpreter belongs to: versions, and files that pip installed but are gone.

With `--import` it imports what the worker imports as well (seconds instead of a fraction of one).
"""

import csv
import importlib
import json
import os
import pathlib
import sys
import sysconfig

site = pathlib.Path(sysconfig.get_paths()["purelib"])
missing: list[str] = []
versions: dict[str, str] = {}
for info in site.glob("*.dist-info"):
    name, _, version = info.name.removesuffix(".dist-info").partition("-")
    versions[name.lower().replace("_", "-")] = version
    try:
        record = (info / "RECORD").read_text(encoding="utf-8")
    except OSError:
        missing.append(f"{info.name}/RECORD")
        continue
    for row in csv.reader(record.splitlines()):
        if not row or row[0].endswith(".pyc"):
            continue
        try:
            size = os.stat(os.path.join(site, row[0])).st_size
        except OSError:
            missing.append(row[0])
            continue
        if len(row) > 2 and row[2] and int(row[2]) != size:
            missing.append(row[0])

broken_import = None
if "--import" in sys.argv:
    for module in ("torch", "numpy", "transformers", "diffusers", "safetensors", "sentencepiece", "grpc", "grpc_tools"):
        try:
            importlib.import_module(module)
        except BaseException as error:
            broken_import = f"import {module}: {type(error).__name__}: {error}"
            break

print(
    json.dumps(
        {
            "python": list(sys.version_info[:3]),
            "missing": missing[:5],
            "versions": versions,
            "broken_import": broken_import,
        }
    )
)
