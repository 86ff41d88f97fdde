"""Draw Figure 5: the architecture of SFIN, from the network itself."""

from pathlib import Path

from sfin.figures.figure5 import figure5
from sfin.logs import job_log

if __name__ == "__main__":
    given = snakemake.params
    with job_log(snakemake.log[0]):
        base_path = Path(snakemake.output.png).with_suffix("")
        print(figure5(given.network, given.size, given.provenance["scale"], base_path))
