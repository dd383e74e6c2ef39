"""What `env` prints for a shell, read by that shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from emulator import Emulator, cli
from helpers import not_run

AWKWARD = "a'b\\c $d`e!\u2019f\"g;h"
"""What each shell reads in another way, unless it is quoted."""

SHELLS = {
    "fish": ("fish", ["fish", "--no-config", "-c"], "xacct-sign env {0} --shell fish | source; {1}"),
    "powershell": (
        "pwsh",
        ["pwsh", "-NoProfile", "-NonInteractive", "-Command"],
        "xacct-sign env {0} --shell powershell | Out-String | Invoke-Expression; {1}",
    ),
    "sh": ("sh", ["sh", "-c"], 'eval "$(xacct-sign env {0} --shell sh)"; {1}'),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_becomes_the_role_and_other_credentials_are_out_of_its_way(
    shell: str, emulator: Emulator, tmp_path: Path
) -> None:
    program, command, script = SHELLS[shell]
    if not shutil.which(program):
        not_run(shell)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "xacct-sign").symlink_to(cli())
    # The region is what a user says, and is printed as it is.
    environment = emulator.environment() | {
        "AWS_ENDPOINT_URL_STS": emulator.sts_url,
        "AWS_REGION": emulator.region,
        "AWS_DEFAULT_REGION": AWKWARD,
        "AWS_SECURITY_TOKEN": "old",
        "HOME": str(tmp_path),
        # What fish prints follows it.
        "LC_ALL": "C.UTF-8",
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "ROLE": emulator.role_arn(),
    }
    role = "$Env:ROLE" if shell == "powershell" else "$ROLE"
    script = script.format(f"--role {role}", "xacct-sign whoami; env")
    done = subprocess.run([*command, script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ":assumed-role/ApiAllowByIamRoleStag/xacct-sign\n" in done.stdout, done.stderr
    lines = done.stdout.splitlines()
    assert f"AWS_DEFAULT_REGION={AWKWARD}" in lines
    assert not [line for line in lines if line.startswith("AWS_SECURITY_TOKEN=")]
    (token,) = (line for line in lines if line.startswith("AWS_SESSION_TOKEN="))
    assert token.removeprefix("AWS_SESSION_TOKEN=") != emulator.environment()["AWS_SESSION_TOKEN"]


def test_fish_completes_commands_and_options(tmp_path: Path) -> None:
    if not shutil.which("fish"):
        not_run("fish")
    environment = {"HOME": str(tmp_path), "PATH": f"{cli().parent}{os.pathsep}{os.environ['PATH']}"}
    script = "xacct-sign completions fish | source; complete -C 'xacct-sign who'; complete -C 'xacct-sign call --ro'"
    done = subprocess.run(["fish", "--no-config", "-c", script], env=environment, capture_output=True, text=True)
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == ["who", "whoami", "--role"], done.stderr
