"""Turn a download of TEMImageNet into a dataset."""

from sfin.clusters import dask_workers
from sfin.logs import job_log
from sfin.temimagenet_reader import DownloadSettings, read_temimagenet

if __name__ == "__main__":
    params, pool = snakemake.params, dask_workers(**snakemake.params.workers)
    with job_log(snakemake.log[0]) as progress, pool as workers:
        read_temimagenet(
            *(snakemake.input.download, snakemake.output.pairs),
            *(snakemake.wildcards.split, params.number, params.size),
            DownloadSettings(**params.settings),
            *(params.provenance, progress),
            **workers,
        )
