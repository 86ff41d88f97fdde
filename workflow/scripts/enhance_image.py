"""Enhance a real image, and tell how far it can be trusted."""

from sfin.enhancement import open_image, write_enhanced
from sfin.enhancement_check import check_enhancement, write_check
from sfin.logs import job_log

if __name__ == "__main__":
    given, made, mode = snakemake.input, snakemake.output, snakemake.wildcards.mode
    with job_log(snakemake.log[0]):
        opened = open_image(
            given.image, given.weights, mode, snakemake.params.pixel_size
        )
        check = check_enhancement(opened, mode)
        # Of the answers that the check has asked for, the one to the image itself.
        enhanced = opened.in_counts(check.uncertain.first)
        files = [made.image, made.signal], made.picture, made.comparison
        write_enhanced(opened.image, enhanced, opened.note, *files)
        write_check(check, made.uncertainty, made.residual, made.atoms)
