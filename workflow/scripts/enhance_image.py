"""Enhance a real image."""

from sfin.enhancement import enhance_file, write_enhanced
from sfin.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        image, enhanced, note = enhance_file(
            snakemake.input.image,
            snakemake.input.weights,
            snakemake.wildcards.mode,
            snakemake.params.pixel_size,
        )
        write_enhanced(image, enhanced, note, *snakemake.output)
