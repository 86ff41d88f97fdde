"""Train the GAN, or go on with a training that was interrupted."""

from pathlib import Path

from sfin.cyclegan_models import train_gan
from sfin.cyclegan_settings import GanSettings
from sfin.dependencies import digest
from sfin.logs import job_log

if __name__ == "__main__":
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0]) as progress:
        train_gan(
            *(given.pairs, given.patches, given.images),
            Path(snakemake.output.weights).parent,
            GanSettings.from_dict(params.settings),
            *(params.provenance, digest(given.code), progress),
        )
