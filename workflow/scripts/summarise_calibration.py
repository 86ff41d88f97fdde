"""Summarise the noise of all images of a mode."""

from sfin.calibrated_images import read_calibrated_image, read_shipped
from sfin.calibration_summary import patch_table, summarise_images
from sfin.logs import job_log
from sfin.parameters import write_distribution

if __name__ == "__main__":
    given, made = snakemake.input, snakemake.output
    with job_log(snakemake.log[0]):
        records = [read_calibrated_image(path) for path in given.calibrations]
        shipped = read_shipped(given.shipped) if given.shipped else []
        table = patch_table(records, shipped)
        table.to_csv(made.patches, index=False)
        noise = summarise_images(snakemake.wildcards.mode, records, shipped)
        write_distribution(made.distribution, noise)
        print(table.to_string(), *noise.warnings, sep="\n")
