"""PyTorch computes with the cores that this process may use, and waits without burning them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nodegraph.system.threads import SPINS, configure_threads, count_cores


def machine(root: Path, siblings: dict[int, str], **files: str) -> Path:
    """A machine's files: of every CPU the threads of its core, and others by their path."""
    told = {f"sys/devices/system/cpu/cpu{n}/topology/thread_siblings_list": s
            for n, s in siblings.items()}  # fmt: skip
    for name, text in {**told, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


PAIRS = {0: "0,4", 1: "1,5", 2: "2,6", 3: "3,7", 4: "0,4", 5: "1,5", 6: "2,6", 7: "3,7"}


def test_two_threads_of_a_core_are_one_core(tmp_path: Path) -> None:
    assert count_cores(machine(tmp_path, PAIRS), range(8)) == 4


def test_only_cores_that_the_process_may_use_count(tmp_path: Path) -> None:
    assert count_cores(machine(tmp_path, PAIRS), {0, 4, 5}) == 2


def test_without_knowing_cores_every_cpu_is_one(tmp_path: Path) -> None:
    assert count_cores(tmp_path, range(3)) == 3


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/cpu.max": "250000 100000"}, 2),
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/cpu.max": "150000 100000"}, 1),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "50000 100000"}, 1),
        ({"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/cpu.max": "max 100000"}, 4),
        (
            {
                "proc/self/cgroup": "9:pids:/\n4:cpu,cpuacct:/docker/ab",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            4,
        ),
    ],
    ids=["v2", "a group above", "less than one", "no limit", "v1", "no limit in v1"],
)
def test_a_groups_share_of_time_limits_them(
    tmp_path: Path, files: dict[str, str], expected: int
) -> None:
    assert count_cores(machine(tmp_path, PAIRS, **files), range(8)) == expected


def test_what_nobody_said_is_said() -> None:
    environment: dict[str, str] = {}

    configure_threads(environment)

    assert environment == {"OMP_NUM_THREADS": str(count_cores()), "GOMP_SPINCOUNT": SPINS}


@pytest.mark.parametrize(
    ("said", "then"),
    [
        ({"OMP_NUM_THREADS": "7"}, {"OMP_NUM_THREADS": "7", "GOMP_SPINCOUNT": SPINS}),
        ({"GOMP_SPINCOUNT": "5"}, {"OMP_NUM_THREADS": str(count_cores()), "GOMP_SPINCOUNT": "5"}),
        (
            {"OMP_WAIT_POLICY": "active"},
            {"OMP_NUM_THREADS": str(count_cores()), "OMP_WAIT_POLICY": "active"},
        ),
    ],
    ids=["threads", "spins", "policy"],
)
def test_what_the_user_said_stays(said: dict[str, str], then: dict[str, str]) -> None:
    configure_threads(said)

    assert said == then


@pytest.mark.slow
def test_the_command_line_says_it_before_pytorch_listens() -> None:
    program = (
        "import os, sys; sys.argv = ['nodegraph', 'workflows'];"
        "import nodegraph.cli as cli; cli.leave = lambda end: None; cli.main();"
        "import torch; print(torch.get_num_threads(), os.environ['GOMP_SPINCOUNT'])"
    )
    unsaid = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))}

    said = subprocess.run(
        [sys.executable, "-c", program], env=unsaid, capture_output=True, text=True, check=True
    ).stdout

    assert said.split()[-2:] == [str(count_cores()), SPINS]
