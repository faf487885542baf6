"""Generates the worker's gRPC code from protos/ into murnau_worker.rpc.gen, with type stubs.

protoc writes imports as if the protos' folder were on the path (`from murnau.worker.v1 import worker_pb2`); they are
rewritten to the package the code lies in.
"""

import pathlib
import re
import shutil
import sys

import grpc_tools
from grpc_tools import protoc

root = pathlib.Path(__file__).resolve().parents[2]
protos = root / "protos"
out = root / "python-worker/src/murnau_worker/rpc/gen"
package = "murnau_worker.rpc.gen"

files = sorted(str(path.relative_to(protos)) for path in protos.glob("murnau/**/*.proto"))
shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
status = protoc.main(
    ["protoc", f"-I{protos}", f"-I{well_known}", f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}", *files]
)
if status != 0:
    sys.exit(status)

own_import = re.compile(r"^(from|import) (murnau\.[\w.]+)", re.MULTILINE)
for path in [*out.rglob("*.py"), *out.rglob("*.pyi")]:
    path.write_text(own_import.sub(rf"\1 {package}.\2", path.read_text()))
for folder in [out, *(path for path in out.rglob("*") if path.is_dir())]:
    (folder / "__init__.py").touch()
print(f"{len(files)} protos → {out.relative_to(root)}")
