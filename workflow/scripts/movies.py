"""Collect the scores of all movies into a table."""

from pathlib import Path

from sfin.lattice_report import made_by
from sfin.logs import job_log
from sfin.movie_report import CAPTION, movies_grid, movies_table
from sfin.table_formats import write_grid

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = movies_table(snakemake.input.tables)
        text = CAPTION + made_by(**snakemake.params.provenance)
        base_path = Path(snakemake.output.csv).with_suffix("")
        write_grid(table, movies_grid(table), base_path, text)
        print(table.to_string())
