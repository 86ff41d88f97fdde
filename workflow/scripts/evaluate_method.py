"""Score a method on the test images of a dataset."""

from pathlib import Path

from sfin.evaluation import Origin, evaluate_method, write_evaluation
from sfin.filters import filter_settings
from sfin.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        weights = snakemake.input.get("weights")
        scores = evaluate_method(
            Origin(**snakemake.params.provenance, **snakemake.wildcards),
            Path(snakemake.input.pairs),
            Path(weights) if weights else None,
            filter_settings(snakemake.params.filters),
        )
        write_evaluation(snakemake.output.scores, scores)
        print(scores[["psnr", "ssim"]].describe())
