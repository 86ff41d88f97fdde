"""Synthesise a dataset of one mode."""

from sfin.clusters import dask_workers
from sfin.columns import read_columns
from sfin.logs import job_log
from sfin.parameters import read_distribution
from sfin.synthesis import SynthesisSettings, synthesise_dataset

if __name__ == "__main__":
    pool = dask_workers(**snakemake.params.workers)
    with job_log(snakemake.log[0]) as progress, pool as workers:
        synthesise_dataset(
            *(snakemake.output.pairs, snakemake.wildcards.split),
            [read_columns(path) for path in snakemake.input.structures],
            read_distribution(snakemake.input.distribution),
            snakemake.params.number,
            SynthesisSettings.from_dict(snakemake.params.settings),
            *(snakemake.params.provenance, progress),
            **workers,
        )
