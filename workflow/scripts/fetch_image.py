"""Fetch a public image."""

from sfin.logs import job_log
from sfin.sources import PublicImage, fetch

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        fetch(PublicImage(**snakemake.params.source), snakemake.output.image)
