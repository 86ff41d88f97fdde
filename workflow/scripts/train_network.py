"""Train a network on a dataset, or go on with a training that was interrupted."""

from pathlib import Path

from sfin.dependencies import digest
from sfin.logs import job_log
from sfin.models import train_method

if __name__ == "__main__":
    origin = {**snakemake.params.provenance, **snakemake.wildcards}
    with job_log(snakemake.log[0], f"train {origin['method']}") as progress:
        train_method(
            Path(snakemake.input.pairs),
            Path(snakemake.output.weights).parent,
            origin,
            snakemake.params.network,
            snakemake.params.settings,
            digest(snakemake.input.code),
            progress,
        )
