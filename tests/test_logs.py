import os
import subprocess
import sys

from sfin.logs import Progress


def run(tmp_path, body):
    script = tmp_path / "script.py"
    script.write_text(
        "from sfin.logs import job_log\nfrom sfin.errors import InputError\n"
        f"with job_log({str(tmp_path / 'log')!r}) as progress:\n    {body}\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False
    )
    return done, (tmp_path / "log").read_text()


def test_what_is_printed_goes_to_the_log(tmp_path):
    body = "import os; print('python'); os.system('echo child; echo error >&2')"
    done, log = run(tmp_path, body)
    assert done.returncode == 0
    assert (done.stdout, done.stderr) == ("", "")
    assert {"python", "child", "error"} <= set(log.split())


def test_users_mistake_is_one_sentence(tmp_path):
    done, log = run(tmp_path, "raise InputError('a.tif is empty: record it again.')")
    assert done.returncode == 1
    assert log == "Error: a.tif is empty: record it again.\n"


def test_our_mistake_is_a_traceback(tmp_path):
    done, log = run(tmp_path, "raise RuntimeError('bug')")
    assert done.returncode == 1
    assert "Traceback" in log


def test_progress_writes_its_last_line(tmp_path, capsys):
    progress = Progress("train", None)
    for done in range(1, 101):
        progress(done, 100, f"loss {done}")
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["train: 100/100 (0 s) loss 100"]


def test_bar_is_drawn_on_a_terminal_and_lines_go_to_the_log(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from sfin.logs import job_log\n"
        f"with job_log({str(tmp_path / 'log')!r}, 'train') as progress:\n"
        "    for done in range(1, 6):\n"
        "        progress(done, 5)\n"
    )
    ours, theirs = os.openpty()
    subprocess.run([sys.executable, script], stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "train:" in shown
    assert "5/5" in shown
    assert (tmp_path / "log").read_text() == "train: 5/5 (0 s)\n"
