"""Imitate the noise of each real image, calibrate the imitation, and compare."""

from sfin.calibrated_images import read_calibrated_image
from sfin.columns import read_columns
from sfin.logs import job_log
from sfin.remeasurement import remeasure
from sfin.synthesis import SynthesisSettings

if __name__ == "__main__":
    params = snakemake.params
    with job_log(snakemake.log[0]) as progress:
        records = [read_calibrated_image(p) for p in snakemake.input.calibrations]
        structures = [read_columns(path) for path in snakemake.input.structures]
        settings = SynthesisSettings.from_dict(params.settings)
        rows = remeasure(
            records, structures, settings, params.number, params.seed, progress
        )
        rows.to_csv(snakemake.output.images, index=False)
