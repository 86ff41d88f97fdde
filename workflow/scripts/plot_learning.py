"""Draw how the networks of one task, dataset and mode were trained."""

from pathlib import Path

from sfin.figures.learning import plot_learning
from sfin.logs import job_log

if __name__ == "__main__":
    origin = {**snakemake.params.provenance, **snakemake.wildcards}
    with job_log(snakemake.log[0]):
        base_path = Path(snakemake.output.png).with_suffix("")
        print(plot_learning(snakemake.input.histories, origin, base_path))
