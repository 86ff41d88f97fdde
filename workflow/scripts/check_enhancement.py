"""Check an enhanced image: uncertainty, residual, support of each atom."""

from sfin.enhancement_check import check_file, write_check
from sfin.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        check = check_file(
            snakemake.input.image,
            snakemake.input.weights,
            snakemake.wildcards.mode,
            snakemake.params.pixel_size,
        )
        write_check(check, *snakemake.output)
