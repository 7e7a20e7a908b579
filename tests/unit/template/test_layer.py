import importlib.util
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.template.cfn import ROOT, deployed

UNCHECKED_HASH = 0b01


@pytest.fixture(scope="module")
def layer() -> ModuleType:
    """The script that builds the layer, which is no module of a package."""
    spec = importlib.util.spec_from_file_location(
        "build_layer", ROOT / "layers/common/build_layer.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x = 1\n")


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_prune(layer: ModuleType, tmp_path: Path) -> None:
    """What no function needs goes; code, licences and the services that are called stay."""
    stay = {
        "botocore/data/endpoints.json",
        "botocore/data/dynamodb/2012-08-10/service-2.json.gz",
        "botocore/client.py",
        "wrapt-2.dist-info/METADATA",
        "wrapt-2.dist-info/licenses/LICENSE",
        "nightshift/deploy/secrets.py",
    }
    go = {
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "boto3/examples/s3.rst",
        "wrapt/__pycache__/a.cpython-311.pyc",
        "wrapt/tests/test_a.py",
        "wrapt/a.pyi",
        "wrapt-2.dist-info/RECORD",
        "bin/httpx",
    }
    put(tmp_path, *stay, *go)
    layer.prune(tmp_path)
    assert stay == left(tmp_path)


def test_clients_can_be_made_from_what_is_left(layer: ModuleType, tmp_path: Path) -> None:
    """Pruned botocore still makes a client for each service, and for no other."""
    for package in ("botocore", "aws_xray_sdk"):
        (home,) = importlib.import_module(package).__path__
        shutil.copytree(home, tmp_path / package)
    layer.prune(tmp_path)
    program = (
        "import botocore.session, botocore, sys\n"
        "from aws_xray_sdk.core import xray_recorder\n"
        "session = botocore.session.Session()\n"
        "for name in session.get_available_services():\n"
        "    session.create_client(name, region_name='us-east-1')\n"
        "print(*session.get_available_services(), botocore.__file__)\n"
    )
    environment = {"PYTHONPATH": str(tmp_path), "AWS_DEFAULT_REGION": "us-east-1"}
    said = subprocess.run(  # noqa: S603 - this interpreter, on our own words
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    *services, where = said.stdout.split()
    assert layer.SERVICES == set(services)
    assert where.startswith(str(tmp_path))


def test_copied_code_has_no_stale_byte_code(layer: ModuleType, tmp_path: Path) -> None:
    """Byte code of another Python is not carried over."""
    put(tmp_path / "from", "nightshift/a.py", "nightshift/__pycache__/a.cpython-311.pyc")
    layer.copy_code(tmp_path / "from", tmp_path / "to")
    assert {"nightshift/a.py"} == left(tmp_path / "to")


def test_byte_code_stays_valid(layer: ModuleType, tmp_path: Path) -> None:
    """Byte code is not bound to time stamps, which packing changes, and names the deployed path."""
    put(tmp_path, "nightshift/a.py")
    layer.compile_all(tmp_path)
    (code,) = tmp_path.rglob("*.pyc")
    (flags,) = struct.unpack("<I", code.read_bytes()[4:8])
    assert flags == UNCHECKED_HASH
    assert b"/opt/python/nightshift/a.py" in code.read_bytes()
    assert importlib.util.cache_from_source(str(tmp_path / "nightshift/a.py")) == str(code)


def test_code_that_does_not_compile_stops_the_build(layer: ModuleType, tmp_path: Path) -> None:
    """A layer that cannot be imported is not built."""
    put(tmp_path, "nightshift/a.py")
    (tmp_path / "nightshift/b.py").write_text("def (:\n")
    with pytest.raises(SystemExit, match="compile"):
        layer.compile_all(tmp_path)


def test_called_services_are_kept(layer: ModuleType) -> None:
    """Each service that the code makes a client of is described in the layer, wherever it does."""
    sources = [path.read_text() for path in (ROOT / "layers/common/python").rglob("*.py")]
    called = {name for text in sources for name in re.findall(r'_client\("([\w-]+)"', text)}
    assert {"bedrock-runtime", "sesv2", "dynamodb"} <= called
    assert called <= layer.SERVICES


def test_runtime_of_the_layer_is_that_of_the_functions(layer: ModuleType) -> None:
    """The layer is built for the version and the processor that the functions run on."""
    (one,) = deployed("prod").of_type("AWS::Serverless::LayerVersion").values()
    assert ["python" + ".".join(map(str, layer.RUNTIME))] == one["CompatibleRuntimes"]
    assert ["arm64"] == one["CompatibleArchitectures"]
    assert all(name.endswith("_aarch64") for name in layer.PLATFORMS)


def test_the_lock_is_there(layer: ModuleType) -> None:
    """The layer's packages are the locked ones, each with its hashes."""
    text = layer.LOCK.read_text()
    pins = re.findall(r"^[\w.-]+==\S+", text, re.MULTILINE)
    assert len(pins) <= text.count("--hash=sha256:")
