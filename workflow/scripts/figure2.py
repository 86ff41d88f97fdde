"""Draw Figure 2: what a filter of its spectrum does for a lattice."""

from pathlib import Path

from sfin.figures.figure2 import figure2
from sfin.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        base_path = Path(snakemake.output.png).with_suffix("")
        print(figure2(snakemake.input.dataset, base_path))
