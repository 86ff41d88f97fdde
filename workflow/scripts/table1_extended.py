"""Collect the scores of the best rivals and our networks into one table."""

from pathlib import Path

from sfin import __version__
from sfin.extended_table import caption, extended_table, processor_times, write_table
from sfin.logs import job_log
from sfin.parameters import distrust, read_distribution

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = extended_table(snakemake.input.scores)
        times = processor_times(snakemake.input.timings)
        text = caption(table, __version__, snakemake.params.left_out)
        for noise in map(read_distribution, snakemake.input.distributions):
            text += distrust(noise.mode, noise.warnings)
        write_table(table, times, Path(snakemake.output.csv).with_suffix(""), text)
        print(text)
