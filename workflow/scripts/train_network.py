"""Train a network on a dataset."""

from pathlib import Path

from sfin.dependencies import digest
from sfin.logs import job_log
from sfin.training import train_method
from sfin.training_settings import TrainingSettings

if __name__ == "__main__":
    wildcards, output = snakemake.wildcards, Path(snakemake.output.weights).parent
    with job_log(snakemake.log[0], "train " + wildcards.method) as progress:
        train_method(
            Path(snakemake.input.pairs),
            output,
            # Not an output: Snakemake would delete it when the job is killed.
            # Named by the code, so that edited code starts anew.
            output / f"checkpoint-{digest(snakemake.input.code)}.pt",
            wildcards.method,
            snakemake.params.network,
            TrainingSettings.from_mapping(snakemake.params.settings),
            wildcards.task,
            snakemake.params.provenance["seed"],
            {
                "scale": snakemake.params.provenance["scale"],
                "dataset": wildcards.dataset,
                "mode": wildcards.mode,
            },
            progress,
        )
