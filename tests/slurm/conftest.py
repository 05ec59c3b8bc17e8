"""A real Slurm of one node, started for these tests and stopped after them; where submitit is installed: ``tox -e slurm``."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
from doabench.benchmark.durable import born
from support.free_port import free_port

collect_ignore_glob = [] if find_spec("submitit") else ["test_*.py"]

COMES_UP_WITHIN_S = 60.0
DAEMONS = ("slurmd", "slurmctld", "munged")
CONFIGURATION = """
ClusterName=doabench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
# a job that was requeued waits until its credential is out of date
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
MpiDefault=none
ReturnToService=2
KillWait=3
SchedulerParameters=sched_interval=2
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory_mb} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture(scope="session", autouse=True)
def slurm() -> Iterator[None]:
    """Slurm, which all commands find by ``SLURM_CONF``."""
    missing = [name for name in (*DAEMONS, "sbatch", "srun") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no {' '.join(missing)} here: install Slurm, on Debian with `apt install slurm-wlm munge`")
    if os.geteuid() != 0:
        pytest.skip("Slurm's daemons are started as root here")
    with tempfile.TemporaryDirectory(prefix="slurm-") as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)  # short: there is a socket in it
        configured(folder)
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        try:
            started(folder)
            yield
            subprocess.run(["scancel", "--user=root", "--signal=KILL"], check=False)
        finally:
            for daemon in DAEMONS:
                stopped(folder / f"{daemon}.pid")


def stopped(file: Path) -> None:
    """End the daemon whose number is in a file."""
    with suppress(OSError, ValueError):
        number = int(file.read_text())
        os.kill(number, signal.SIGTERM)
        patience = time.monotonic() + 20
        while born(number) and time.monotonic() < patience:
            time.sleep(0.05)


def configured(folder: Path) -> None:
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    host, memory_mb = socket.gethostname().partition(".")[0], psutil.virtual_memory().total // 2**20
    text = CONFIGURATION.format(
        folder=folder, host=host, ports=(free_port(), free_port()), cores=os.cpu_count(), memory_mb=int(memory_mb * 0.9)
    )
    (folder / "slurm.conf").write_text(text)


def started(folder: Path) -> None:
    files = [f"--{kind}-file={folder}/munged.{kind}" for kind in ("pid", "log", "seed")]
    command = ["munged", "--force", f"--key-file={folder}/munge.key", f"--socket={folder}/munge.socket", *files]
    subprocess.run(command, check=True, capture_output=True)
    for daemon in ("slurmctld", "slurmd"):
        subprocess.run([daemon], check=True, capture_output=True)
    deadline, said = time.monotonic() + COMES_UP_WITHIN_S, ""
    while "idle" not in said:
        if time.monotonic() > deadline:
            logs = [f"{path.name}: {path.read_text()[-1500:]}" for path in folder.glob("slurm*.log")]
            pytest.fail("\n".join([f"Slurm does not come up: {said}", *logs]))
        time.sleep(0.2)
        said = subprocess.run(["sinfo", "--noheader"], capture_output=True, text=True, check=False).stdout
