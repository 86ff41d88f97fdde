from sfin.dependencies import imported_modules, source_files


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_imports_are_followed_and_nothing_else(tmp_path):
    script = write(
        tmp_path / "run.py",
        "import numpy\nfrom sfin.first import thing\nimport sfin_other\n",
    )
    first = write(tmp_path / "sfin/first.py", "def f():\n    import sfin.deep.second\n")
    second = write(tmp_path / "sfin/deep/second.py", "from sfin.deep import third\n")
    third = write(tmp_path / "sfin/deep/third.py", "from sfin.first import thing\n")
    write(tmp_path / "sfin/unused.py", "")
    assert source_files(script, tmp_path) == sorted([script, first, second, third])


def test_script_alone(tmp_path):
    script = write(tmp_path / "alone.py", "print()\n")
    assert source_files(script, tmp_path) == [script]


def test_modules_of_the_package_are_named():
    import sfin.synthesis

    found = imported_modules(sfin.synthesis.__file__)
    assert {"sfin.noise", "sfin.parameters", "sfin.labels"} <= found
    assert "sfin.calibration" not in found
