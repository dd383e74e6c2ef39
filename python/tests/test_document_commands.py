"""Every command in the README and docs/: each block for a shell is run here, or a test is named that runs it.

A block runs as it stands, in the order of its page. What stands for something else on this machine is in one table.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from emulator import REPOSITORY, Emulator, cli
from helpers import Answer, not_run, serve

PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix() for path in [REPOSITORY / "README.md", *REPOSITORY.glob("docs/*.md")]
)


def blocks(page: str) -> list[str]:
    return re.findall(r"^```(?:sh|console|bash|shell)\n(.*?)^```$", (REPOSITORY / page).read_text(), re.M | re.S)


ELSEWHERE = {
    ("README.md", 1): "python/tests/test_readme.py",
    ("README.md", 3): "python/tests/test_readme.py",
    ("README.md", 4): "python/tests/test_readme.py",
    ("docs/emulator.md", 1): "python/tests/test_emulator_command.py",
    ("docs/emulator.md", 2): "python/tests/test_emulator_command.py",
    ("docs/emulator.md", 3): "python/tests/test_emulator_command.py",
    ("docs/emulator.md", 5): "python/tests/test_pages.py",
    ("docs/identity.md", 1): "python/tests/test_emulator_command.py",
    **{("docs/identity.md", number): "python/tests/test_identity_page.py" for number in range(2, 5)},
    ("docs/testing.md", 1): "python/tests/test_pages.py",
    ("docs/troubleshooting.md", 1): "python/tests/test_doctor.py",
    ("docs/troubleshooting.md", 2): "python/tests/test_doctor_servers.py",
    ("docs/troubleshooting.md", 3): "python/tests/test_doctor.py",
    ("docs/who-called.md", 1): "python/tests/test_pages.py",
    ("docs/who-called.md", 2): "python/tests/test_pages.py",
    **{("docs/command-line.md", number): "crates/cli/tests/cli/shells.rs" for number in range(1, 10)},
    **{("docs/provider.md", number): "crates/cli/tests/cli/day.rs" for number in range(3, 9)},
}
"""Blocks of which another test takes care; a page's first is number 1."""

HERE = {
    ("README.md", 2),
    ("docs/cdk.md", 1),
    ("docs/emulator.md", 4),
    ("docs/javascript.md", 1),
    ("docs/javascript-server.md", 1),
    ("docs/live.md", 1),
    ("docs/live.md", 2),
    ("docs/python.md", 1),
    ("docs/provider.md", 1),
    ("docs/provider.md", 2),
    ("docs/provider.md", 9),
    ("docs/provider.md", 10),
    ("docs/provider.md", 11),
    ("docs/provider.md", 12),
    ("docs/provider.md", 13),
}

STAND_INS = """
# The targets are built already, by what runs these tests: that they are there is looked up.
make() { for target in "$@"; do grep -q "^$target:" "$REPOSITORY/Makefile" || return 1; done; }
# Nothing is fetched: what the packages themselves ask for is tested with them.
npm() { command npm "$@" --offline --legacy-peer-deps --no-audit --no-fund; }
pip() { "$PYTHON" -m pip --disable-pip-version-check --python "$VENV" "$@" --no-index; }
# What AWS has is what was rendered.
aws() {
  case "$1 $2" in
    "iam get-role") xacct-sign render json --stage stag | "$PYTHON" "$FOLDER/role.py" ;;
    "iam get-account-authorization-details") cat "$FOLDER/account.json" ;;
    "lambda get-policy" | "apigateway get-rest-api") xacct-sign policy resource --stage direct ;;
    "cloudformation create-change-set") jq -e . without-outputs.json >/dev/null && jq -e . import.json >/dev/null ;;
    "cloudformation describe-stacks") "$PYTHON" "$FOLDER/stacks.py" "$@" ;;
    "cloudformation delete-stack") [ "$3 $4" = "--stack-name xacct-live-RUN-http" ] ;;
    *) return 99 ;;
  esac
}
"""


def test_every_block_is_run_here_or_by_a_test_that_is_named() -> None:
    there = {(page, number) for page in PAGES for number in range(1, len(blocks(page)) + 1)}
    assert there == HERE | ELSEWHERE.keys()
    assert not HERE & ELSEWHERE.keys()
    for (page, _), test in ELSEWHERE.items():
        assert page.rpartition("/")[2] in (REPOSITORY / test).read_text(), f"{test} says nothing of {page}"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a block of a page in a folder with the README's manifest."""
    toml = re.findall(r"^```toml\n(.*?)^```$", (REPOSITORY / "README.md").read_text(), re.M | re.S)[0]
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "xacct.toml").write_text(toml)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "xacct-sign").symlink_to(cli())
    own = {
        "FOLDER": str(tmp_path),
        "HOME": str(tmp_path),
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHON": sys.executable,
        "REPOSITORY": str(REPOSITORY),
        "VENV": str(tmp_path / "venv"),
    }

    def ran(page: str, number: int, before: str = "", **names: str) -> subprocess.CompletedProcess[str]:
        script = blocks(page)[number - 1]
        for name, value in names.items():
            assert name in script
            script = script.replace(name, value)
        script = f"set -eu\n{STAND_INS}\n{before}\n{script}"
        return subprocess.run(["bash", "-c", script], cwd=tmp_path / "work", env=own, capture_output=True, text=True)

    return ran


@pytest.mark.parametrize("page", ["README.md", "docs/live.md"])
def test_the_targets_of_a_page_are_there(page: str, run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run(page, 2 if page == "README.md" else 1)
    assert done.returncode == 0, done.stderr


STACKS = """
import jmespath, sys
names = ["xacct-live-RUN-http", "another"]
stacks = {"Stacks": [{"StackName": name, "StackStatus": "CREATE_COMPLETE"} for name in names]}
for stack in jmespath.search(sys.argv[sys.argv.index("--query") + 1], stacks):
    print("\\t".join(stack))
"""


def test_what_a_live_run_left_is_listed_and_removed_by_hand(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "stacks.py").write_text(STACKS)
    left = tmp_path / "work" / "live" / "runs" / "RUN"
    left.mkdir(parents=True)
    done = run("docs/live.md", 2)
    assert (done.returncode, done.stdout) == (0, "xacct-live-RUN-http\tCREATE_COMPLETE\n"), done.stderr
    assert not left.exists()


@pytest.mark.parametrize(
    ("page", "name", "use"),
    [
        ("docs/javascript.md", "xacct-sign", 'typeof require("xacct-sign").createFetch'),
        ("docs/javascript-server.md", "xacct-sign-server", 'typeof require("xacct-sign-server").createVerifier'),
        ("docs/cdk.md", "xacct-sign-cdk", 'typeof require("xacct-sign-cdk/package.json")'),
    ],
)
def test_an_npm_package_is_installed_as_its_page_says(
    page: str, name: str, use: str, run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    packed = REPOSITORY / "dist" / "npm"
    assert list(packed.glob(f"{name}-[0-9]*.tgz")), "no package in dist/npm/: make npm"
    (tmp_path / "work" / "package.json").write_text('{"private": true}')
    done = run(page, 1, **{"../path/to": str(packed)})
    assert done.returncode == 0, done.stderr
    installed = json.loads((tmp_path / "work" / "node_modules" / name / "package.json").read_text())
    assert installed["name"] == name
    if name == "xacct-sign-cdk":
        # It is of use beside aws-cdk-lib alone, with which its own tests run it.
        return
    code = f"console.log({use})"
    said = subprocess.run(["node", "-e", code], cwd=tmp_path / "work", capture_output=True, text=True)
    assert said.stdout == "function\n", said.stderr


def test_the_wheel_is_installed_as_its_page_says(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    wheel = Path(os.environ.get("XACCT_SIGN_WHEEL") or next((REPOSITORY / "dist" / "wheel").glob("*.whl")))
    (tmp_path / "work" / "dist").mkdir()
    (tmp_path / "work" / "dist" / "wheel").symlink_to(wheel.parent)
    venv.create(tmp_path / "venv", with_pip=False)
    done = run("docs/python.md", 1)
    assert done.returncode == 0, done.stderr
    python = tmp_path / "venv" / "bin" / "python"
    said = subprocess.run([python, "-c", "import xacct_sign; print(xacct_sign.Session.__name__)"], capture_output=True)
    assert said.stdout == b"Session\n", said.stderr


ROLE = """
import json, sys
role = json.load(sys.stdin)["roles"][0]
described = {"RoleName": role["name"], "Path": role["path"], "Arn": role["arn"], "RoleId": "AROAEXAMPLE"}
print(json.dumps({"Role": described | {"AssumeRolePolicyDocument": role["trust_policy"]}}))
"""


def test_a_providers_commands_run(run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    (tmp_path / "role.py").write_text(ROLE)
    work = tmp_path / "work"
    rendered = [str(cli()), "render", "cloudformation", "--stage", "stag"]
    template = subprocess.run(rendered, cwd=work, capture_output=True, text=True, check=True).stdout
    (tmp_path / "account.json").write_text(template)
    readme = (work / "xacct.toml").read_text()

    # All of them, each with a manifest of its own: `init` writes one where none is.
    (work / "deployed.json").write_text(template)
    lines = blocks("docs/provider.md")[0].splitlines()
    assert [line.split()[1] for line in lines[:2]] == ["init", "init"]
    start = "rm xacct.toml xacct.lock.toml"
    for line in lines[:2]:
        done = run("docs/provider.md", 1, **{"\n".join(lines): f"{start}\n{line}"})
        assert done.returncode == 0, done.stderr
        assert (work / "xacct.toml").exists()
        (work / "xacct.lock.toml").touch()
    (work / "xacct.toml").write_text(readme)
    (work / "xacct.lock.toml").unlink()
    done = run("docs/provider.md", 1, **{"\n".join(lines[:2]): ":"})
    assert done.returncode == 0, done.stderr
    assert "ApiAllowByIamRoleStag: no difference in what the file says\n" in done.stdout
    assert json.loads((work / "xacct.schema.json").read_text())["title"] == "xacct.toml"

    # Roles that are deployed already, taken in.
    done = run("docs/provider.md", 10, before=start)
    assert done.returncode == 0, done.stderr
    assert "[callers.lambda-role-deve]" in (work / "xacct.toml").read_text()

    # What `diff` reads.
    direct = '[stages.direct]\napi_id = "a9b8c7d6e5"\napi_stage = "v1"\ntarget = "rest_api"\naccess = "direct"\n'
    readme = readme.replace("roles = { ", 'roles = { direct = "LambdaRoleDeve", ')
    (work / "xacct.toml").write_text(f"{readme}\n{direct}")
    for number, stage in ((12, "stag"), (13, "direct")):
        done = run("docs/provider.md", number)
        assert done.returncode == 0, done.stderr
        compared = [str(cli()), "diff", "--stage", stage, "--deployed", "deployed.json"]
        said = subprocess.run(compared, cwd=work, capture_output=True, text=True)
        assert said.returncode == 0, said.stdout + said.stderr


def test_what_a_server_and_its_callers_need_is_printed_as_the_page_says(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (server,) = re.findall(
        r"^```toml\n(\[identity\]\n.*?)^```$", (REPOSITORY / "docs" / "provider.md").read_text(), re.M | re.S
    )
    api = '[api]\naccount = "111111111111"\nregion = "ap-northeast-1"\n'
    (tmp_path / "work" / "xacct.toml").write_text(f"{api}{server}")
    done = run("docs/provider.md", 9)
    assert done.returncode == 0, done.stderr
    assert "sts:GetWebIdentityToken" in done.stdout
    assert json.loads((tmp_path / "work" / "callers.json").read_text())["target"] == "server"


def test_a_pull_request_says_whose_role_it_changes(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    work = tmp_path / "work"
    (work / "infra").mkdir()
    (work / "xacct.toml").rename(work / "infra" / "xacct.toml")
    render = "xacct-sign render json --stage stag --manifest infra/xacct.toml > stag.json"
    git = "git -c user.name=x -c user.email=x@example.com"
    base = f"git init -q -b main; {render}; git add infra; {git} commit -qm base; git remote add origin ."
    # The branch has a caller with routes, and so a role of its own, rendered as provider.md wants it.
    change = f"sed -i 's|^roles = .*|&\\nroutes = [\"PUT /hoge\"]|' infra/xacct.toml; {render}"
    change = f"git checkout -q -b change; {change}; {git} commit -qam change"
    done = run("docs/provider.md", 2, before=f"{base}; {change}")
    assert done.returncode == 0, done.stderr
    assert "title=role_arn_changed::" in done.stdout
    # What comes behind it in the job goes by the lock file of the change.
    status = ["git", "status", "--porcelain", "--untracked-files=no"]
    assert subprocess.check_output(status, cwd=work, text=True) == ""


def test_roles_that_are_deployed_are_taken_in_as_the_page_says(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    if not shutil.which("jq"):
        not_run("jq")
    work = tmp_path / "work"
    done = run("docs/provider.md", 11)
    assert done.returncode == 0, done.stderr
    assert "Outputs" in json.loads((work / "roles.json").read_text())
    assert "Outputs" not in json.loads((work / "without-outputs.json").read_text())
    assert json.loads((work / "import.json").read_text())[0]["ResourceType"] == "AWS::IAM::Role"


def test_a_function_behind_the_emulator_is_reached_as_the_page_says(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """The function is a server here that takes events as the runtime interface emulator does."""
    first, second = blocks("docs/emulator.md")[3].splitlines()
    assert (first, second[:2]) == ("$ docker run --rm -p 9000:8080 my-function", "$ ")
    answer = Answer(200, {"content-type": "application/json"}, b'{"statusCode": 201, "body": "from the function"}')
    with serve(lambda _: answer) as function:
        words = second[2:].replace("http://127.0.0.1:9000", function.url).split()
        assert words[:2] == ["xacct-sign", "emulator"]
        with Emulator(*words[2:]) as running, running.session() as api:
            told = api.get("/hoge")
        assert (told.status_code, told.text) == (201, "from the function")
        (event,) = function.requests
        assert json.loads(event.body)["rawPath"] == "/hoge"


def test_the_container_of_a_function_is_a_users_own() -> None:
    not_run("documents-docker")
