"""Calibrate the noisy images of a dataset as if they were real."""

from sfin.calibrated_datasets import calibrate_pairs, summary, write_calibrated_dataset
from sfin.calibration_settings import CalibrationSettings
from sfin.datasets import load_pairs
from sfin.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]) as progress:
        table = calibrate_pairs(
            load_pairs(snakemake.input.pairs),
            snakemake.wildcards.mode,
            CalibrationSettings(**snakemake.params.settings),
            {"dataset": snakemake.wildcards.dataset, **snakemake.params.provenance},
            progress,
        )
        write_calibrated_dataset(snakemake.output.patches, table)
        print(summary(table))
