# SPDX-License-Identifier: MIT
"""A cluster of this one machine: munged, slurmctld and slurmd of one's own, in a scratch folder."""

import getpass
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
CONFIGURATION = """
ClusterName=icfs-test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SlurmdTimeout=60
ReturnToService=2
KillWait=1
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes={host} MaxTime=1 State=UP
"""


def which(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def missing():
    """Of the programs that a cluster needs."""
    return [program for program in PROGRAMS if not which(program)]


def cgroup_plugin():
    """One by which slurmd starts also where no cgroups are mounted, or none that it may use. Nothing here needs any, but
    what it finds by itself must work. `disabled` came with Slurm 24.05; before that, the plugin of version 1 asks for
    nothing until it is to confine a job."""
    told = subprocess.run([which("slurmd"), "-V"], capture_output=True, text=True).stdout  # "slurm-wlm 22.05.8"
    return "disabled" if [int(number) for number in re.findall(r"\d+", told)[:2]] >= [24, 5] else "cgroup/v1"


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    def __init__(self):
        # Sockets have short paths, and munged trusts no folder that others may write to.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="icfs-slurm-"))
        self.folder.chmod(0o755)
        for name in ("state", "spool", "munge"):
            (self.folder / name).mkdir(mode=0o755)
        self.configuration = self.folder / "slurm.conf"
        self.configuration.write_text(CONFIGURATION.format(folder=self.folder, host=socket.gethostname().split(".")[0],
                                                           user=getpass.getuser(), ports=free_ports(2)))
        (self.folder / "cgroup.conf").write_text(f"CgroupPlugin={cgroup_plugin()}\n")
        self.environment = os.environ | {"SLURM_CONF": str(self.configuration)}
        self.daemons = {}
        try:
            self.start_all()
        except BaseException:
            self.stop()
            raise

    def start(self, name, *arguments):
        with open(self.folder / f"{name}.err", "ab") as errors:
            self.daemons[name] = subprocess.Popen([which(name), *arguments], env=self.environment,
                                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)

    def start_slurmd(self):
        self.start("slurmd", "-D", "-f", str(self.configuration))

    def start_all(self):
        munge = self.folder / "munge"
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o600)
        self.start("munged", "--foreground", "--force", f"--key-file={munge}/key", f"--socket={munge}/socket",
                   f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed")
        self.wait(lambda: (munge / "socket").exists(), "munged")
        self.start("slurmctld", "-D", "-c", "-f", str(self.configuration))
        self.start_slurmd()
        self.wait(lambda: b"idle" in self.run("sinfo", "-h", "-p", "main", "-o", "%T").stdout, "an idle node")

    def wait(self, condition, what, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                logs = "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-1500:]}"
                                 for path in sorted(self.folder.glob("*.[el]*")))
                raise TimeoutError(f"no {what} after {seconds} s\n{logs}")
            time.sleep(0.05)

    def run(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, timeout=60)

    def set_node(self, state):
        """As an administrator does: DOWN loses what runs on it, RESUME has it back, where it is not by itself."""
        host = self.run("sinfo", "-h", "-N", "-p", "main", "-o", "%N").stdout.decode().split()[0]
        self.run("scontrol", "update", f"NodeName={host}", f"State={state}", "Reason=test")

    def kill_slurmd(self):
        self.daemons["slurmd"].kill()
        self.daemons.pop("slurmd").wait()

    def jobs(self):
        """State of each task that Slurm knows, also of those that ended."""
        text = self.run("squeue", "--me", "-h", "--array", "--states=all", "-o", "%F_%K %T").stdout.decode()
        return dict(line.split(" ", 1) for line in text.splitlines())

    def cancel_all(self):
        self.run("scancel", "--me")
        self.wait(lambda: not {"RUNNING", "PENDING", "COMPLETING"} & set(self.jobs().values()), "empty queue")

    def stop(self):
        if "slurmctld" in self.daemons:
            self.run("scancel", "--me")
        for name in ("slurmd", "slurmctld", "munged"):
            daemon = self.daemons.pop(name, None)
            if daemon:
                daemon.send_signal(signal.SIGTERM)
                try:
                    daemon.wait(20)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
