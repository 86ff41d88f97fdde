"""Show the first pairs of a dataset."""

from sfin.dataset_figure import plot_pairs
from sfin.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        plot_pairs(snakemake.input.pairs, snakemake.output.figure)
