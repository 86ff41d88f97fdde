"""Translate the clean images of a dataset with the GAN."""

from pathlib import Path

from sfin.gan_synthesis import synthesise_gan
from sfin.logs import job_log

if __name__ == "__main__":
    given = snakemake.input
    with job_log(snakemake.log[0]) as progress:
        synthesise_gan(
            Path(snakemake.output.pairs),
            *(Path(given.source), Path(given.weights)),
            *(snakemake.params.provenance, progress),
        )
