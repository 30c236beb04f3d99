"""What is in packaging/: man pages that name all there is, rules and dashboards that name metrics there are, units, images."""
import json
import os
import re
import shutil
import subprocess

import pytest
from agent import BINARY, SOURCE, line, wait_until
from test_admin import get, started

PACKAGING = SOURCE / "packaging"
MAN = (PACKAGING / "man/raingauge.1.scd").read_text()
MAN_YAML = (PACKAGING / "man/raingauge.yaml.5.scd").read_text()


def run(*args, **options):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=120, **options)


def sources(*globs):
    return "\n".join(path.read_text() for g in globs for path in sorted(SOURCE.glob(g)))


def metric_names():
    """As the code names them, without raingauge_."""
    code = sources("agent/admin/prometheus.c")
    names = set(re.findall(r'(?:head|plain)\(out, "([a-z_0-9]+)"', code))
    table = re.search(r"input_series\[\] = \{(.*?)\n\};", code, re.S).group(1)
    return names | set(re.findall(r'\{"([a-z_0-9]+)",', table))


def test_every_metric_is_documented():
    assert len(metric_names()) > 25
    assert [name for name in sorted(metric_names()) if f"*{name}*" not in MAN] == []
    known = metric_names()
    documented = set(re.findall(r"^\*([a-z_0-9]+)\* \((?:counter|gauge|histogram)\)$", MAN, re.M))
    assert {name for name in documented if not name.startswith("process_")} <= known


def test_every_flag_and_command_is_documented():
    code = sources("agent/cli/cmd_*.c", "agent/cli/options.h")
    flags = set(re.findall(r'\{\s*"(--[a-z-]+)"', code))
    assert len(flags) > 12
    assert [flag for flag in sorted(flags) if f"*{flag}*" not in MAN] == []
    commands = set(re.findall(r"^  ([a-z]+)  ", run(BINARY, "--help").stdout, re.M))
    assert len(commands) > 8
    assert [c for c in sorted(commands) if f"*raingauge {c}*" not in MAN and f"[*{c}*]" not in MAN] == []


def test_every_key_and_filter_is_documented():
    tables = "".join(re.findall(r"static const struct setting \w+_rows\[\] = \{(.*?)\};", sources("conf/*.c"), re.S))
    tables += "".join(re.findall(r"#define DESTINATION_ROWS(.*?)\n\n", sources("conf/*.c"), re.S))
    keys = set(re.findall(r'[A-Z_]+\("([a-z_]+)"', tables)) | set(re.findall(r'\.key = "([a-z_]+)"', tables))
    assert {"max_age", "paths", "write_key_file", "sentiment"} <= keys
    assert [key for key in sorted(keys) if f"*{key}*" not in MAN_YAML] == []
    filters = set(re.findall(r'^    \{"([a-z_0-9]+)",', sources("parsers/expr/filter_table.c"), re.M))
    assert len(filters) > 35
    assert [f for f in sorted(filters) if f"*{f}*" not in MAN_YAML] == []


def test_every_member_of_the_status_is_documented(agent, server):
    agent.log("a.jsonl", line(1))
    started(agent)
    server.wait_for(lambda: server.events())
    wait_until(lambda: json.loads(get(agent, "/status")[1])["files"])
    status = json.loads(get(agent, "/status")[1])
    names = set(status)
    for part in ("inputs", "files", "rules", "destinations"):
        names |= set(status[part][0])
    for part in ("config", "lines", "delivery", "checkpoint", "history"):
        names |= set(status[part])
    assert [name for name in sorted(names) if f"*{name}*" not in MAN] == []
    assert agent.stop() == 0


@pytest.mark.skipif(not shutil.which("scdoc"), reason="no scdoc")
def test_man_pages_are_made(tmp_path):
    for page in ("raingauge.1", "raingauge.yaml.5"):
        done = run("scdoc", input=(PACKAGING / f"man/{page}.scd").read_text())
        assert done.returncode == 0, done.stderr
        (tmp_path / page).write_text(done.stdout)
        if shutil.which("man"):
            shown = run("man", "--warnings", "-l", tmp_path / page, env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
            assert shown.returncode == 0 and shown.stderr == "", shown.stderr


def used_metrics(text):
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\braingauge_([a-z_0-9]+)", text)}


def test_alerts_and_dashboard_name_metrics_there_are():
    alerts = (PACKAGING / "prometheus/alerts.yaml").read_text()
    dashboard = json.loads((PACKAGING / "grafana/raingauge.json").read_text())
    expressions = "\n".join(t["expr"] for p in dashboard["panels"] for t in p["targets"])
    assert used_metrics(expressions) and used_metrics(expressions) <= metric_names()
    assert used_metrics(alerts) and used_metrics(alerts) <= metric_names()
    assert len({p["id"] for p in dashboard["panels"]}) == len(dashboard["panels"])
    import importlib.util
    spec = importlib.util.spec_from_file_location("make_dashboard", PACKAGING / "grafana/make_dashboard.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.dashboard() == dashboard, "run make_dashboard.py"


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool")
def test_promtool_takes_alerts_and_dashboard(tmp_path):
    done = run("promtool", "check", "rules", PACKAGING / "prometheus/alerts.yaml")
    assert done.returncode == 0, done.stderr
    dashboard = json.loads((PACKAGING / "grafana/raingauge.json").read_text())
    rules = [{"record": f"a:b{i}", "expr": t["expr"].replace("$__rate_interval", "5m")}
             for i, t in enumerate(t for p in dashboard["panels"] for t in p["targets"])]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = run("promtool", "check", "rules", tmp_path / "rules.json")
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("config", ["raingauge.yaml", "kubernetes/sidecar/raingauge.yaml", "kubernetes/daemonset/raingauge.yaml"])
def test_shipped_configurations_are_valid(config):
    done = run(BINARY, "check", "-c", PACKAGING / config, env={**os.environ, "RAINDROP_WRITE_KEY": "k"})
    assert done.returncode == 0 and "error:" not in done.stderr, done.stderr


@pytest.mark.skipif(not shutil.which("kubectl"), reason="no kubectl")
@pytest.mark.parametrize("base", ["sidecar", "daemonset"])
def test_kustomize_renders(base):
    yaml = pytest.importorskip("yaml")
    done = run("kubectl", "kustomize", PACKAGING / "kubernetes" / base)
    assert done.returncode == 0, done.stderr
    objects = list(yaml.safe_load_all(done.stdout))
    kinds = {o["kind"]: o for o in objects}
    assert {"ConfigMap", "Secret"} <= set(kinds)
    pod = kinds.get("Deployment", kinds.get("DaemonSet"))["spec"]["template"]["spec"]
    ours = next(c for c in pod.get("initContainers", []) + pod["containers"] if c["name"] == "raingauge")
    assert "readinessProbe" not in ours and ours["securityContext"]["readOnlyRootFilesystem"] is True
    assert "status" in ours["livenessProbe"]["exec"]["command"] and "--live" in ours["livenessProbe"]["exec"]["command"]
    if base == "sidecar":
        assert ours["restartPolicy"] == "Always" and ours["securityContext"]["runAsNonRoot"] is True
    names = {v["name"] for v in pod["volumes"]}
    assert {m["name"] for m in ours["volumeMounts"]} <= names
    refs = {v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v}
    assert refs == {kinds["ConfigMap"]["metadata"]["name"]}, "the generated name is used"


def test_the_package_goes_where_the_unit_looks(tmp_path):
    """As the README says to make it: below /usr, where the unit starts it."""
    done = run("cmake", "-S", SOURCE, "-B", tmp_path, "-DRAINGAUGE_SYSTEM=ON")
    assert done.returncode == 0, done.stderr
    assert 'set(CPACK_INSTALL_PREFIX "/usr")' in (tmp_path / "CPackConfig.cmake").read_text()
    assert "ExecStart=/usr/bin/raingauge " in (PACKAGING / "systemd/raingauge.service").read_text()


@pytest.mark.skipif(not os.environ.get("RAINGAUGE_TRY_PACKAGE"), reason="RAINGAUGE_TRY_PACKAGE is no Debian package to install here")
def test_install_upgrade_purge():
    """On a machine that may be changed: installed it has its user, its pages and a configuration that `check` accepts;
    an upgrade keeps state and what was edited; purged it leaves nothing."""
    package = os.environ["RAINGAUGE_TRY_PACKAGE"]
    assert run("dpkg", "-i", package).returncode == 0
    try:
        assert run("id", "raingauge").returncode == 0
        assert run("stat", "-c", "%U %a", "/var/lib/raingauge").stdout == "raingauge 700\n"
        assert run("stat", "-c", "%U %G %a", "/etc/default/raingauge").stdout == "root raingauge 640\n"
        assert run("/usr/bin/raingauge", "check").returncode == 0
        with open("/etc/raingauge/raingauge.yaml", "a") as f:
            f.write("# edited\n")
        with open("/var/lib/raingauge/checkpoint", "w") as f:
            f.write("kept")
        assert run("dpkg", "-i", "--force-confold", package).returncode == 0
        assert open("/etc/raingauge/raingauge.yaml").read().endswith("# edited\n")
        assert open("/var/lib/raingauge/checkpoint").read() == "kept"
        assert run("dpkg", "-r", "raingauge").returncode == 0
        assert os.path.exists("/var/lib/raingauge/checkpoint") and os.path.exists("/etc/raingauge/raingauge.yaml")
    finally:
        assert run("dpkg", "-P", "raingauge").returncode == 0
    assert not os.path.exists("/var/lib/raingauge") and not os.path.exists("/etc/raingauge")
    assert not os.path.exists("/etc/default/raingauge") and run("id", "raingauge").returncode != 0


@pytest.mark.skipif(not shutil.which("umoci") or os.getuid() != 0, reason="no umoci, or not root")
def test_image(tmp_path):
    """The image runs as its own user from a root that holds nothing but what it needs."""
    probe = run("ldd", BINARY).stdout
    if "asan" in probe:
        pytest.skip("a program with sanitizers")
    done = run(PACKAGING / "image/build", BINARY, tmp_path / "image")
    assert done.returncode == 0, done.stderr
    tag = done.stdout.split()[-1]
    assert run("umoci", "unpack", "--image", tag, tmp_path / "b").returncode == 0
    config = json.loads((tmp_path / "b/config.json").read_text())["process"]
    assert config["user"]["uid"] == 65532 and config["args"] == ["/usr/bin/raingauge", "run"]
    os.chmod(tmp_path, 0o755)
    done = run("chroot", "--userspec=65532:65532", tmp_path / "b/rootfs", "/usr/bin/raingauge", "--version")
    assert done.returncode == 0 and done.stdout.startswith("raingauge "), done.stderr
    assert not (tmp_path / "b/rootfs/bin/sh").exists()
