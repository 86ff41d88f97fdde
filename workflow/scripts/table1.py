"""Collect the scores of all methods into Table 1."""

from pathlib import Path

from sfin import __version__
from sfin.logs import job_log
from sfin.parameters import distrust, read_distribution
from sfin.tables import caption, table1, write_table
from sfin.training_settings import budget

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = table1(snakemake.input.scores, snakemake.input.paper_values)
        text = caption(table, "Table 1", __version__, snakemake.params.lacking)
        text += budget(snakemake.params.epochs)
        for noise in map(read_distribution, snakemake.input.distributions):
            text += distrust(noise.mode, noise.warnings)
        write_table(table, Path(snakemake.output.csv).with_suffix(""), text)
        print(table.to_string())
