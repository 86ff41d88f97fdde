"""Collect the atoms that all methods invent and lose into a table."""

from pathlib import Path

from sfin.invention_table import write_invention_table
from sfin.logs import job_log

if __name__ == "__main__":
    given, base_path = snakemake.input, Path(snakemake.output.csv).with_suffix("")
    with job_log(snakemake.log[0]):
        table = write_invention_table(
            given.counts, given.evaluations, base_path, **snakemake.params
        )
        print(table.to_string())
