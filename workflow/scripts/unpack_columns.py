"""Take the columns of a structure from the table that ships; no abTEM is needed."""

from sfin.logs import job_log
from sfin.rendering_figure import plot_rendering
from sfin.shipped_columns import unpack_columns

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table, name = snakemake.input.table, snakemake.wildcards.structure
        columns = unpack_columns(table, name, snakemake.output.columns)
        plot_rendering(columns, snakemake.output.figure)
