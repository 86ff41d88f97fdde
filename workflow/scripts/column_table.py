"""Write the columns of all structures as the table that ships."""

from sfin.columns import read_columns
from sfin.logs import job_log
from sfin.shipped_columns import write_table

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        structures = [read_columns(path) for path in snakemake.input.structures]
        write_table(structures, snakemake.output.table)
