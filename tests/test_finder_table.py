import numpy as np
import pandas as pd

from sfin.finder_table import COLUMNS, finder_grid, write_finder_table


def scores(mode="haadf"):
    row = {name: 1.0 for name in COLUMNS if name != "cpu_seconds"}
    base = {"mode": mode, "noise": "Table 2", "factor": 2.5} | row
    return pd.DataFrame(
        [
            base | {"finder": "laplacian", "f1": 0.7, "rms_px": 0.8},
            base | {"finder": "sfin", "f1": 0.9, "rms_px": 0.6},
            base | {"finder": "blind", "f1": 0.0, "rms_px": np.nan},
        ]
    )


def times(table):
    return table[["finder", "mode", "noise", "factor"]].assign(cpu_seconds=0.25)


def test_best_finder_of_each_level_stands_out_and_nothing_found_is_a_dash():
    table = pd.concat([scores(), scores("bf")])
    grid = finder_grid(table.assign(cpu_seconds=0.25))
    assert len(grid.rows) == 6
    headings = [heading for _, names in grid.groups for heading in names]
    cells = dict(zip(headings, grid.rows[1][1], strict=True))
    assert grid.rows[1][0] == "HAADF, 2.5 × Table 2, sfin"
    assert cells["F1"].best
    assert cells["RMS (px)"].best
    assert cells["CPU s"].text == "0.25"
    other = dict(zip(headings, grid.rows[0][1], strict=True))
    assert not other["F1"].best
    blind = dict(zip(headings, grid.rows[2][1], strict=True))
    assert blind["RMS (px)"].text == "–"


def test_table_is_written_and_its_numbers_have_no_times(tmp_path):
    table = scores()
    write_finder_table([table], [times(table)], tmp_path / "finders", "Scale test.")
    back = pd.read_csv(tmp_path / "finders.csv")
    pd.testing.assert_frame_equal(back, table, check_dtype=False)
    text = (tmp_path / "finders.md").read_text()
    assert text.startswith("Scale test.")
    assert "**0.900**" in text
    assert "0.25" in text
