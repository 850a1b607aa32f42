"""The build of heddle-worker: a wheel of its few files, by the standard library alone (PEP 517)."""
import base64
import hashlib
import os
import tomllib
import zipfile

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PACKAGE = "heddle_worker"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Writes the wheel, and gives its name."""
    with open(os.path.join(_ROOT, "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)["project"]
    stem = f"{_PACKAGE}-{project['version']}"
    about = f"{stem}.dist-info"
    files = {f"{_PACKAGE}/{name}": _read(_PACKAGE, name) for name in sorted(os.listdir(os.path.join(_ROOT, _PACKAGE))) if name.endswith(".py")}
    files[f"{about}/METADATA"] = (f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\nSummary: {project['description']}\n"
                                  f"License: {project['license']['text']}\nRequires-Python: {project['requires-python']}\n").encode()
    files[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: wheel_maker\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n" for name, data in files.items())
    files[f"{about}/RECORD"] = f"{record}{about}/RECORD,,\n".encode()
    wheel = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in files.items():
            out.writestr(zipfile.ZipInfo(name), data)  # without a time: the same files are the same wheel
    return wheel


def _read(*path):
    with open(os.path.join(_ROOT, *path), "rb") as file:
        return file.read()
