"""Collect the scores of all real images against theory into a table."""

from pathlib import Path

from sfin.lattice_report import made_by, refused
from sfin.logs import job_log
from sfin.table_formats import write_grid
from sfin.theory_report import CAPTION, table8, table8_grid

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = table8(snakemake.input.tables)
        text = CAPTION + refused(table) + made_by(**snakemake.params.provenance)
        base_path = Path(snakemake.output.csv).with_suffix("")
        write_grid(table, table8_grid(table), base_path, text)
        print(table.to_string())
