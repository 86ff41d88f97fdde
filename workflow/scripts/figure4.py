"""Draw Figure 4: the arrangements of atoms in the synthetic data."""

from pathlib import Path

from sfin import __version__
from sfin.figures.figure4 import figure4
from sfin.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        base_path = Path(snakemake.output.png).with_suffix("")
        print(figure4(snakemake.input.datasets, base_path, __version__))
