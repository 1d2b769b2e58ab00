"""NVIDIA's driver and the torch that is installed, whether they fit, and the command that brings the torch that does.

`look` finds out; `judge` says what that means, of any machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from packaging.requirements import Requirement

from hirope_ls.commands.doctor.finding import Finding, Section

_IN: Final = Section("GPU")
_WHEELS: Final = ((13, "cu130"), (12, "cu126"))  # the least driver's CUDA, and torch's index that it can run
_INDEX: Final = "https://download.pytorch.org/whl"
_SECONDS: Final = 20.0
_LITTLE: Final = 1.0  # GiB


@dataclass(frozen=True)
class Driver:
    """What nvidia-smi says. `cuda`: the newest CUDA that the driver runs; None where it fails, `said` says how."""

    cuda: tuple[int, int] | None
    version: str = ""
    said: str = ""


@dataclass(frozen=True)
class Gpu:
    """What torch says of its first device: memory in GiB, its kind (8.6), and the kinds that torch was built for."""

    name: str
    total: float
    free: float
    kind: str
    built_for: tuple[str, ...]


@dataclass(frozen=True)
class Sight:
    """All that there is to judge. torch_cuda: the CUDA that torch was built with, None for none."""

    driver: Driver | None
    torch: str
    torch_cuda: str | None
    gpus: tuple[Gpu, ...]
    why: str = ""  # torch's words, where it is built for CUDA and sees no device


def look() -> Sight:
    """Ask nvidia-smi and torch; slow, for torch has to be imported."""
    import torch

    gpus, why = list[Gpu](), ""
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
        gpus = [_gpu(index) for index in range(torch.cuda.device_count())]
    except (RuntimeError, AssertionError) as error:
        why = " ".join(str(error).split())[:200]
    return Sight(_driver(), str(torch.__version__), torch.version.cuda, tuple(gpus), why)


def judge(sight: Sight, device: str) -> Iterator[Finding]:
    """What that means for a model that is wished on this device."""
    facts = {"torch_cuda": sight.torch_cuda, "driver": sight.driver and (sight.driver.version or "fails")}
    if sight.gpus:
        for gpu in sight.gpus:
            yield _of_gpu(gpu, sight)
    elif sight.driver is None:
        if device.startswith("cuda"):
            yield _IN.problem("device", f"`{device}` is wished, and there is no NVIDIA GPU", 'device = "auto"', **facts)
        else:
            yield _IN.ok("device", "no NVIDIA GPU: the processor computes", **facts)
    else:
        say = _IN.problem if device.startswith("cuda") else _IN.warning
        told, remedy = _unseen(sight, sight.driver)
        yield say("device", told, remedy, **facts)


def _unseen(sight: Sight, driver: Driver) -> tuple[str, str]:
    """There is a driver, and torch sees no device."""
    if driver.cuda is None:
        return f"NVIDIA's driver does not answer ({driver.said or 'nvidia-smi fails'})", "sudo reboot"
    if sight.torch_cuda is None:
        return f"torch {sight.torch} cannot use the NVIDIA GPU that is there", install(driver.cuda)
    if int(sight.torch_cuda.split(".")[0]) > driver.cuda[0]:
        has = ".".join(map(str, driver.cuda))
        return f"torch needs CUDA {sight.torch_cuda}, NVIDIA's driver {driver.version} runs {has}", install(driver.cuda)
    return f"torch sees no GPU though the driver answers ({sight.why or 'no reason given'})", "nvidia-smi"


def install(cuda: tuple[int, int]) -> str:
    """The command for a torch that this driver can run."""
    wheel = next((name for least, name in _WHEELS if cuda[0] >= least), None)
    if wheel is None:
        return "sudo apt install nvidia-driver"
    return f"pip install --force-reinstall '{_torch()}' --index-url {_INDEX}/{wheel}"


def _torch() -> str:
    """What hirope-ls requires of torch."""
    try:
        wanted = [Requirement(text) for text in metadata.requires("hirope-ls") or []]
    except metadata.PackageNotFoundError:
        wanted = []
    return next((f"torch{each.specifier}" for each in wanted if each.name == "torch"), "torch")


def _of_gpu(gpu: Gpu, sight: Sight) -> Finding:
    told = f"{gpu.name}, {gpu.free:.1f} of {gpu.total:.1f} GiB free"
    facts = {"gpu": gpu.name, "memory_gib": gpu.total, "free_gib": gpu.free, "kind": gpu.kind}
    if not _built_for(gpu):
        older = sight.driver is not None and sight.driver.cuda is not None and "cu126" not in sight.torch
        remedy = install((12, 6)) if older else 'device = "cpu"'
        return _IN.warning("device", f"torch {sight.torch} is not built for a {gpu.name}", remedy, **facts)
    if gpu.free < _LITTLE:
        return _IN.warning("device", f"{told}: other programs hold the rest", "nvidia-smi", **facts)
    return _IN.ok("device", told, torch_cuda=sight.torch_cuda, **facts)


def _built_for(gpu: Gpu) -> bool:
    """Code for a kind runs on later ones of the same major number; PTX on all later ones."""
    major, minor = (int(part) for part in gpu.kind.split("."))
    for built in gpu.built_for:
        found = re.fullmatch(r"(sm|compute)_(\d+?)(\d)[af]?", built)
        if found and (int(found[2]), int(found[3])) <= (major, minor) and (found[1] != "sm" or int(found[2]) == major):
            return True
    return not gpu.built_for


def _gpu(index: int) -> Gpu:
    import torch

    free, total = torch.cuda.mem_get_info(index)
    major, minor = torch.cuda.get_device_capability(index)
    name, built = torch.cuda.get_device_name(index), tuple(torch.cuda.get_arch_list())
    return Gpu(name, round(total / 2**30, 1), round(free / 2**30, 1), f"{major}.{minor}", built)


def _driver() -> Driver | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        done = subprocess.run([program], capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
        return Driver(None, said=type(error).__name__)
    return told_driver(done.stdout)


def told_driver(said: str) -> Driver:
    """The driver by what nvidia-smi prints."""
    cuda = re.search(r"CUDA Version: (\d+)\.(\d+)", said)
    version = re.search(r"Driver Version: ([\d.]+)", said)
    if cuda is None:
        return Driver(None, said=" ".join(said.split())[:120])
    return Driver((int(cuda[1]), int(cuda[2])), version[1] if version else "")
