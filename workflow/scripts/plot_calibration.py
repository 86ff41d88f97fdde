"""Show how one real image was calibrated, and what was found."""

from pathlib import Path

from sfin import __version__
from sfin.figures.diagnostic import write_diagnostic
from sfin.logs import job_log

if __name__ == "__main__":
    given = snakemake.input
    with job_log(snakemake.log[0]):
        base_path = Path(snakemake.output.figure).with_suffix("")
        print(write_diagnostic(given.image, given.calibration, base_path, __version__))
