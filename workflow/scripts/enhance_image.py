"""Enhance a real image, and tell how far it can be trusted."""

from sfin.enhancement import open_image, write_enhanced
from sfin.enhancement_check import check_enhancement, write_check
from sfin.logs import job_log
from sfin.trust import assess_trust
from sfin.trust_report import write_trust

if __name__ == "__main__":
    given, made, mode = snakemake.input, snakemake.output, snakemake.wildcards.mode
    with job_log(snakemake.log[0]):
        source = given.image, given.weights, mode, snakemake.params.pixel_size
        opened = open_image(*source)
        check = check_enhancement(opened, mode)
        # Of the answers that the check has asked for, the one to the image itself.
        enhanced = opened.in_counts(check.uncertain.first)
        files = [made.image, made.signal], made.picture, made.comparison
        write_enhanced(opened.image, enhanced, opened.note, *files)
        write_check(check, made.uncertainty, made.residual, made.atoms)
        write_trust(assess_trust(check, mode), made.numbers, made.trust, made.parts)
