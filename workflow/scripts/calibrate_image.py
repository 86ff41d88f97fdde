"""Calibrate the noise of one real image."""

from sfin.calibrated_images import calibrate_file, write_calibrated_image
from sfin.calibration_settings import CalibrationSettings
from sfin.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        record = calibrate_file(
            snakemake.input.image,
            snakemake.wildcards.image,
            snakemake.wildcards.mode,
            CalibrationSettings(**snakemake.params.settings),
            snakemake.params.pixel_size,
        )
        write_calibrated_image(snakemake.output.calibration, record)
        print(*record.warnings, f"{len(record.patches)} patches", sep="\n")
