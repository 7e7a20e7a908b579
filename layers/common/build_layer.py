"""Build the layer: the code and its locked packages, pruned and compiled.

Run by `layers/common/Makefile` with the interpreter of the Lambda runtime: byte code of another
version would be ignored, and compiling at each cold start costs about half a second.
"""  # noqa: INP001 - a script beside its Makefile, no package

import compileall
import shutil
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

RUNTIME = (3, 13)
PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_28_aarch64", "manylinux_2_34_aarch64")
"""What runs on Amazon Linux 2023 (glibc 2.34) on arm64."""

SERVICES = frozenset(
    {
        "bedrock-runtime",
        "dynamodb",
        "events",
        "s3",
        "secretsmanager",
        "sesv2",
        "sqs",
        "ssm",
        "sts",
        "xray",
    }
)
"""The services that the code and the tracer call: botocore's words on all others are left out."""

UNUSED_FOLDERS = ("bin", "boto3/examples")
UNUSED_ANYWHERE = ("__pycache__", "tests")
UNUSED_FILES = ("*.pyi", "*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED")

HERE = Path(__file__).resolve().parent
LOCK = HERE.parent.parent / "requirements" / "runtime.txt"


def install(lock: Path, target: Path) -> None:
    """Install the packages of `lock`, whose hashes must match, for the runtime into `target`.

    Only wheels are taken: nothing of this machine gets in.

    Raises:
        subprocess.CalledProcessError: pip could not, and said why.
    """
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    version = ".".join(map(str, RUNTIME))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation", "cp", *platforms]
    command += ["--python-version", version, "--target", str(target), "--requirement", str(lock)]
    command += ["--root-user-action", "ignore"]
    subprocess.run(command, check=True)  # noqa: S603 - our own words and two paths


def copy_code(source: Path, target: Path) -> None:
    """Copy the packages under `source` into `target`, without byte code."""
    shutil.copytree(
        source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )


def prune(target: Path) -> None:
    """Remove from `target` what no function needs; licences and metadata stay."""
    data = target / "botocore" / "data"
    unused = [path for path in _folders(data) if path.name not in SERVICES]
    unused += [target / name for name in UNUSED_FOLDERS]
    unused += [path for name in UNUSED_ANYWHERE for path in target.rglob(name) if path.is_dir()]
    for folder in unused:
        shutil.rmtree(folder, ignore_errors=True)
    for pattern in UNUSED_FILES:
        for path in list(target.rglob(pattern)):
            path.unlink()


def compile_all(target: Path) -> None:
    """Write byte code that stays valid whatever time stamps packing gives the sources.

    Raises:
        SystemExit: a file does not compile.
    """
    mode = PycInvalidationMode.UNCHECKED_HASH
    inside = "/opt/python"
    if not compileall.compile_dir(
        target, quiet=1, force=True, invalidation_mode=mode, stripdir=target, prependdir=inside
    ):
        raise SystemExit("some files do not compile")


def build(artifacts: Path) -> None:
    """Build the whole layer into `artifacts`, as the folder `python` that Lambda looks for."""
    target = artifacts / "python"
    install(LOCK, target)
    copy_code(HERE / "python", target)
    prune(target)
    compile_all(target)


def _folders(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []


if __name__ == "__main__":
    if sys.version_info[:2] != RUNTIME:
        raise SystemExit("the layer is built with Python 3.13, the runtime of its functions")
    build(Path(sys.argv[1]))
