"""Collect the lattices of real images into a table."""

from pathlib import Path

from sfin.lattice_report import CAPTION, lattices_grid, lattices_table, made_by, refused
from sfin.logs import job_log
from sfin.table_formats import write_grid

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = lattices_table(snakemake.input.tables)
        text = CAPTION + refused(table) + made_by(**snakemake.params.provenance)
        base_path = Path(snakemake.output.csv).with_suffix("")
        write_grid(table, lattices_grid(table), base_path, text)
        print(table.T.to_string())
