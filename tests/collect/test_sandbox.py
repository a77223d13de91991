"""What a server in a sandbox cannot do; each attempt succeeds outside, so the check can fail."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentsynth.worlds.cell import ResourceLimits
from agentsynth.worlds.sandbox import sandboxed
from tests.collect.closed import (
    Where,
    all_gone,
    attempt,
    cell_in,
    inside,
    needs_sandbox,
    run,
    running_with,
)

pytestmark = needs_sandbox

MIB = 1024**2
both = pytest.mark.parametrize("where", ["inside", "outside"])


def holds(where: Where, answer: str) -> bool:
    """Whether an attempt failed inside and succeeded outside."""
    return answer.startswith("no:") if where == "inside" else answer == "yes"


@pytest.fixture
def victim(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours with a secret in its environment, which we hold as well."""
    monkeypatch.setenv("PLANTED", "a-secret-of-ours")
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


# The network


@both
def test_a_listener_on_our_loopback_is_out_of_reach(where: Where, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        body = "socket.create_connection(('127.0.0.1', GIVEN['port']), 5).close()"
        assert holds(where, attempt(where, cell_in(tmp_path), body, port=port))


@both
def test_a_unix_socket_without_a_file_is_out_of_reach(where: Where, tmp_path: Path) -> None:
    name = f"agentsynth-{os.getpid()}-{where}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        body = "socket.socket(socket.AF_UNIX).connect('\\0' + GIVEN['name'])"
        assert holds(where, attempt(where, cell_in(tmp_path), body, name=name))


@both
def test_a_unix_socket_with_a_file_is_out_of_reach(where: Where, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        body = "socket.socket(socket.AF_UNIX).connect(GIVEN['path'])"
        assert holds(where, attempt(where, cell_in(tmp_path), body, path=str(path)))


@pytest.mark.parametrize("address", ["192.0.2.1", "1.1.1.1", "2001:db8::1"])
def test_no_address_outside_can_be_connected_to(address: str, tmp_path: Path) -> None:
    body = "socket.create_connection((GIVEN['address'], 80), 5)"
    answer = attempt("inside", cell_in(tmp_path), body, address=address)
    assert answer.startswith("no: OSError [Errno 101]"), answer  # ENETUNREACH


@both
def test_the_only_network_interface_is_a_loopback(where: Where, tmp_path: Path) -> None:
    if where == "outside" and [name for _, name in socket.if_nameindex()] == ["lo"]:
        pytest.skip("this machine has no other interface to be seen")
    body = "require({name for _, name in socket.if_nameindex()} - {'lo'})"
    assert holds(where, attempt(where, cell_in(tmp_path), body))


@both
def test_no_name_but_that_of_the_loopback_is_resolved(where: Where, tmp_path: Path) -> None:
    body = "require(socket.getaddrinfo(GIVEN['name'], 80))"
    assert attempt(where, cell_in(tmp_path), body, name="localhost") == "yes"
    if where == "inside":
        assert attempt(where, cell_in(tmp_path), body, name="example.org").startswith(
            "no: gaierror"
        )
    own = attempt(where, cell_in(tmp_path), body, name=socket.gethostname())
    if where == "outside" and own != "yes":
        pytest.skip(f"this machine does not know its own name: {own}")
    assert holds(where, own)


# Files


@both
@pytest.mark.parametrize("what", ["a_file", "home/.ssh/id_ed25519"])
def test_a_file_beside_the_scratch_folder_cannot_be_read(
    where: Where, what: str, tmp_path: Path
) -> None:
    secret = tmp_path / what
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text("secret", encoding="utf-8")
    body = "require(Path(GIVEN['path']).read_text() == 'secret')"
    assert holds(where, attempt(where, cell_in(tmp_path), body, path=str(secret)))


@both
@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/shadow", str(Path(__file__).resolve())])
def test_neither_the_systems_files_nor_the_checkout_can_be_read(
    where: Where, path: str, tmp_path: Path
) -> None:
    if where == "outside" and not os.access(path, os.R_OK):
        pytest.skip(f"{path} is closed to us too")
    kept = Path(path).read_bytes() if os.access(path, os.R_OK) else b""
    body = "require(Path(GIVEN['path']).read_bytes() == bytes.fromhex(GIVEN['kept']))"
    assert holds(where, attempt(where, cell_in(tmp_path), body, path=path, kept=kept.hex()))


@both
def test_a_link_out_of_the_scratch_folder_leads_nowhere(where: Where, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    cell = cell_in(tmp_path)
    (cell.scratch / "link").symlink_to(secret)
    assert holds(where, attempt(where, cell, "Path('link').read_text()"))


@both
def test_nothing_beside_the_scratch_folder_can_be_written(where: Where, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    (prefix / "lib").mkdir(parents=True)
    (prefix / "lib" / "code.py").write_text("", encoding="utf-8")
    if os.geteuid() == 0:  # not even where its own user may
        for path in (prefix, *prefix.rglob("*")):
            path.chmod(0o777)
    bodies = {
        "own prefix": "Path(GIVEN['folder'], 'prefix', 'lib', 'code.py').write_text('x')",
        "new in it": "Path(GIVEN['folder'], 'prefix', 'new').write_text('x')",
        "open it": "os.chmod(Path(GIVEN['folder'], 'prefix', 'lib'), 0o777)",
        "link out of it": "os.link(Path(GIVEN['folder'], 'prefix', 'lib', 'code.py'), 'mine')",
    }
    for what, body in bodies.items():
        answer = attempt(where, cell_in(tmp_path, prefix), body, folder=str(tmp_path))
        assert holds(where, answer), what
    beside = "Path(GIVEN['folder'], 'new').write_text('x')"  # a folder that is made up inside
    attempt(where, cell_in(tmp_path, prefix), beside, folder=str(tmp_path))
    assert (tmp_path / "new").exists() == (where == "outside")
    assert ((prefix / "lib" / "code.py").read_text(encoding="utf-8") == "") == (where == "inside")


@pytest.mark.parametrize("folder", ["/", "/usr", "/usr/bin", "/etc", "/dev", "/proc", sys.prefix])
def test_the_systems_folders_cannot_be_written(folder: str, tmp_path: Path) -> None:
    body = "Path(GIVEN['folder'], 'agentsynth-was-here').write_text('x')"
    assert attempt("inside", cell_in(tmp_path), body, folder=folder).startswith("no:")


@both
@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_nothing_stays_in_the_temporary_folders(where: Where, folder: str, tmp_path: Path) -> None:
    left = Path(folder) / f"agentsynth-{os.getpid()}-left-behind"
    body = "Path(GIVEN['left']).write_text('x')"
    assert attempt(where, cell_in(tmp_path), body, left=str(left)) == "yes"
    try:
        assert left.exists() == (where == "outside")
    finally:
        left.unlink(missing_ok=True)


# The environment and other processes


@both
def test_our_environment_is_not_seen(
    where: Where, tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    assert holds(where, attempt(where, cell_in(tmp_path), "os.environ['PLANTED']"))
    body = """
others = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]
readable = {p: Path(f"/proc/{p}/environ") for p in others if p != os.getpid()}
seen = b""
for path in readable.values():
    try:
        seen += path.read_bytes()
    except OSError:
        pass
require(b"a-secret-of-ours" in seen)
"""
    assert holds(where, attempt(where, cell_in(tmp_path), body))


def test_the_environment_is_what_the_cell_says(tmp_path: Path) -> None:
    cell = cell_in(tmp_path)
    shown = run("inside", cell, "/usr/bin/env").stdout.splitlines()
    home = str(cell.scratch)
    assert sorted(shown) == [f"HOME={home}", "PATH=/usr/local/bin:/usr/bin:/bin", f"PWD={home}"]


def test_no_open_file_of_ours_is_handed_on(tmp_path: Path) -> None:
    shown = run("inside", cell_in(tmp_path), "/usr/bin/ls", "/proc/self/fd").stdout.split()
    assert shown == ["0", "1", "2", "3"]  # the last is the listing's own


@both
def test_our_processes_are_neither_seen_nor_signalled(
    where: Where, tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    seen = "require(b'sleep' in Path(f\"/proc/{GIVEN['pid']}/cmdline\").read_bytes())"
    assert holds(where, attempt(where, cell_in(tmp_path), seen, pid=victim.pid))
    ended = "os.kill(GIVEN['pid'], signal.SIGTERM)"
    assert holds(where, attempt(where, cell_in(tmp_path), ended, pid=victim.pid))
    if where == "inside":
        everyone = "os.kill(-1, signal.SIGTERM)"
        run(where, cell_in(tmp_path), sys.executable, "-c", f"import os, signal; {everyone}")
        assert victim.poll() is None
    else:
        assert victim.wait(5) == -signal.SIGTERM


@both
def test_a_process_that_slips_away_does_not_outlive_its_sandbox(
    where: Where, tmp_path: Path
) -> None:
    token = f"slips-away-{os.getpid()}-{where}"
    body = """
if os.fork() == 0:
    os.setsid()
    for number in range(1, 65):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
    if os.fork() == 0:
        for fd in (0, 1, 2): os.close(fd)
        os.execvp("sleep", [GIVEN["token"], "50"])
    os._exit(0)
time.sleep(0.3)
"""
    try:
        assert attempt(where, cell_in(tmp_path), body, token=token) == "yes"
        assert all_gone(token, within_s=1.0) == (where == "inside")
    finally:
        for process in running_with(token):
            os.kill(process, signal.SIGKILL)


# Limits


@both
@pytest.mark.parametrize(
    ("limits", "body"),
    [
        pytest.param(
            ResourceLimits(file_bytes=MIB),
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); Path('big').write_bytes(b'x' * 2 * 1024**2)",
            id="file size",
        ),
        pytest.param(
            ResourceLimits(memory_bytes=256 * MIB), "bytearray(512 * 1024**2)", id="memory"
        ),
        pytest.param(
            ResourceLimits(address_bytes=256 * MIB),
            "import mmap; mmap.mmap(-1, 512 * 1024**2)",
            id="shared memory",
        ),
        pytest.param(
            ResourceLimits(open_files=40),
            "kept = [open('/dev/null') for _ in range(60)]",
            id="open files",
        ),
        pytest.param(
            ResourceLimits(tmp_bytes=MIB),
            "f = open('/tmp/agentsynth-fills-up', 'wb'); os.unlink(f.name); f.write(b'x' * 2 * 1024**2); f.flush()",
            id="temporary files",
        ),
    ],
)
def test_no_more_is_used_than_is_allowed(
    where: Where, limits: ResourceLimits, body: str, tmp_path: Path
) -> None:
    assert holds(where, attempt(where, cell_in(tmp_path, limits=limits), body))


FORKS = """
children = []
try:
    for _ in range(GIVEN["forks"]):
        child = os.fork()
        if child == 0:
            time.sleep(GIVEN["hold_s"]); os._exit(0)
        children.append(child)
finally:
    if GIVEN["hold_s"] > 5:
        for child in children: os.kill(child, signal.SIGKILL)
    for child in children: os.waitpid(child, 0)
"""


@both
def test_a_fork_bomb_is_bounded(where: Where, tmp_path: Path) -> None:
    cell = cell_in(tmp_path, limits=ResourceLimits(processes=20))
    answer = attempt(where, cell, FORKS, forks=40, hold_s=30)
    assert holds(where, answer)
    assert where == "outside" or "BlockingIOError" in answer


def test_the_processes_of_each_sandbox_are_counted_apart(tmp_path: Path) -> None:
    limits = ResourceLimits(processes=20)
    program = "import os, time\nfor _ in range(14):\n    if os.fork() == 0: time.sleep(30)\nprint('ok', flush=True); time.sleep(30)"
    token = f"counted-apart-{os.getpid()}"
    started: list[subprocess.Popen[str]] = []
    try:
        for number in range(3):
            (tmp_path / str(number)).mkdir()
            cell = cell_in(tmp_path / str(number), limits=limits)
            started.append(
                subprocess.Popen(
                    inside(cell, sys.executable, "-c", f"{program}  # {token}"),
                    stdout=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            )
        said = [process.stdout.readline() for process in started if process.stdout]
        assert said == ["ok\n"] * 3
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert all_gone(token)


@both
def test_processor_time_runs_out(where: Where, tmp_path: Path) -> None:
    cell = cell_in(tmp_path, limits=ResourceLimits(cpu_s=1))
    program = "import time\nwhile time.process_time() < 1.5: pass\nprint('done')"
    done = run(where, cell, sys.executable, "-c", program)
    if where == "inside":
        assert (done.stdout, done.returncode) == ("", 128 + signal.SIGKILL)
    else:
        assert (done.stdout, done.returncode) == ("done\n", 0)


# Privileges

MOUNTS = "system_call(libc.mount(b'none', GIVEN['on'].encode(), b'tmpfs', 0, None))"


@both
def test_nothing_can_be_mounted(where: Where, tmp_path: Path) -> None:
    cell = cell_in(tmp_path)
    if where == "inside":
        assert attempt(where, cell, MOUNTS, on=str(cell.scratch)).startswith("no:")
        return
    # Root in a namespace of its own may, so the attempt itself is sound and harms nobody.
    program = f"import ctypes; print(ctypes.CDLL(None).mount(b'none', {str(cell.scratch)!r}.encode(), b'tmpfs', 0, None))"
    done = run("outside", cell, "unshare", "-rm", sys.executable, "-c", program)
    assert done.stdout == "0\n", done.stderr


@both
def test_no_further_user_namespace_can_be_made(where: Where, tmp_path: Path) -> None:
    body = "system_call(libc.unshare(0x10000000))"  # CLONE_NEWUSER
    assert holds(where, attempt(where, cell_in(tmp_path), body))


def test_the_user_inside_is_nobody_without_a_way_up(tmp_path: Path) -> None:
    body = """
status = dict(line.split(":\\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
require(os.getresuid() == os.getresgid() == (65534,) * 3)
require(all(int(status[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")))
require(status["NoNewPrivs"] == "1")
"""
    assert attempt("inside", cell_in(tmp_path), body) == "yes"


@pytest.mark.parametrize(
    "body",
    [
        "os.setuid(0)",
        "os.setgroups([0])",
        "os.chroot('.')",
        "os.mknod('device', 0o20666, os.makedev(1, 1))",
        "system_call(libc.ptrace(16, 1, 0, 0))",
        "system_call(libc.ptrace(16, 2, 0, 0))",
        "Path('/proc/1/environ').read_bytes()",
        "Path('/proc/1/root/etc').iterdir().__next__()",
        "resource.setrlimit(resource.RLIMIT_NPROC, (10**6, 10**6))",
        "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
        "resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))",
        "Path('/proc/self/uid_map').write_text('0 0 1')",
        "Path('/proc/sys/kernel/hostname').write_text('x')",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    ],
)
def test_privileged_deeds_fail(body: str, tmp_path: Path) -> None:
    assert attempt("inside", cell_in(tmp_path), body).startswith("no:")


def test_a_program_that_changes_its_user_does_not(tmp_path: Path) -> None:
    body = """
import shutil
shutil.copy("/usr/bin/id", "mine")
os.chmod("mine", 0o6755)
"""
    cell = cell_in(tmp_path)
    assert attempt("inside", cell, body) == "yes"
    if os.geteuid() == 0:
        os.chown(cell.scratch / "mine", 0, 0)
        (cell.scratch / "mine").chmod(0o6755)
    command = sandboxed((str(cell.scratch / "mine"), "-u"), cell)  # without handing it over again
    assert (
        subprocess.run(command, capture_output=True, check=True, start_new_session=True).stdout
        == b"65534\n"
    )
