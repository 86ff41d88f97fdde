"""Collect the scores of all methods into Table 7."""

from pathlib import Path

from sfin import __version__
from sfin.logs import job_log
from sfin.parameters import distrust, read_distribution
from sfin.tables import caption, comparison_table, write_table
from sfin.training_settings import budget

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        given = snakemake.input
        table = comparison_table(given.scores, given.paper_values, "Table 7")
        text = caption(table, "Table 7", __version__)
        text += budget(snakemake.params.epochs)
        for noise in map(read_distribution, snakemake.input.distributions):
            text += distrust(noise.mode, noise.warnings)
        write_table(table, Path(snakemake.output.csv).with_suffix(""), text)
        print(table.to_string())
