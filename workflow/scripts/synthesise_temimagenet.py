"""Synthesise a dataset by TEMImageNet's recipe."""

from sfin.clusters import dask_workers
from sfin.logs import job_log
from sfin.shipped_columns import read_table
from sfin.temimagenet_synthesis import synthesise_temimagenet
from sfin.temimagenet_views import TemimagenetSettings

if __name__ == "__main__":
    params, pool = snakemake.params, dask_workers(**snakemake.params.workers)
    with job_log(snakemake.log[0]) as progress, pool as workers:
        synthesise_temimagenet(
            *(snakemake.output.pairs, snakemake.wildcards.split),
            read_table(snakemake.input.structures),
            *(params.number, params.size),
            TemimagenetSettings.from_dict(params.settings),
            *(params.provenance, progress),
            **workers,
        )
