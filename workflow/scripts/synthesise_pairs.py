"""Synthesise a dataset of one mode."""

import dask
from sfin.columns import read_columns
from sfin.logs import job_log
from sfin.parameters import read_distribution
from sfin.synthesis import SynthesisSettings, synthesise_dataset

if __name__ == "__main__":
    with job_log(snakemake.log[0]) as progress, dask.config.set(
        num_workers=snakemake.threads
    ):
        synthesise_dataset(
            snakemake.output.pairs,
            snakemake.params.number,
            snakemake.wildcards.split,
            [read_columns(path) for path in snakemake.input.structures],
            read_distribution(snakemake.input.distribution),
            SynthesisSettings.from_dict(snakemake.params.settings),
            snakemake.params.provenance,
            progress,
        )
