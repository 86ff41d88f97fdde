"""Summarise the noise of all images of a mode."""

from sfin.calibrated_images import patch_table, read_calibrated_image, summarise_images
from sfin.logs import job_log
from sfin.parameters import write_distribution

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        records = [read_calibrated_image(p) for p in snakemake.input.calibrations]
        distribution = summarise_images(snakemake.wildcards.mode, records)
        table = patch_table(records)
        table.to_csv(snakemake.output.patches, index=False)
        write_distribution(snakemake.output.distribution, distribution)
        print(table.to_string())
