"""Measure which data train best, by known crystals in real images."""

from pathlib import Path

from sfin import __version__
from sfin.columns import read_columns
from sfin.logs import job_log
from sfin.table_formats import write_grid
from sfin.training_data_check import caption, check_all, training_data_grid

if __name__ == "__main__":
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0]):
        crystals = [read_columns(path) for path in given.structures]
        shown = zip(given.images, crystals, params.pixel_sizes, strict=True)
        table = check_all(list(shown), given.weights, "haadf")
        text = caption(table, params.provenance, __version__, params.lacking)
        base_path = Path(snakemake.output.csv).with_suffix("")
        write_grid(table, training_data_grid(table), base_path, text)
        print(table.T.to_string())
