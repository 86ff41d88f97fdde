"""Draw Figure 3: the calibration of one real image."""

from pathlib import Path

from sfin import __version__
from sfin.figures.figure3 import figure3
from sfin.logs import job_log

if __name__ == "__main__":
    given = snakemake.input
    with job_log(snakemake.log[0]):
        base_path = Path(snakemake.output.png).with_suffix("")
        print(figure3(given.images, given.calibrations, base_path, __version__))
