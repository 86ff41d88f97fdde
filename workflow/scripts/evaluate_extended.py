"""Score a method against both truths, with its background kept and removed."""

from sfin.evaluation import Origin, write_evaluation
from sfin.extended_evaluation import evaluate_extended
from sfin.filters import filter_settings
from sfin.logs import job_log
from sfin.rivals import ExtendedSettings

if __name__ == "__main__":
    given, made, params = snakemake.input, snakemake.output, snakemake.params
    with job_log(snakemake.log[0]):
        scores, timing = evaluate_extended(
            Origin(task="enhancement", **params.provenance, **snakemake.wildcards),
            given.test,
            *(file or None for file in (given.train, given.weights)),
            filter_settings(params.filters),
            ExtendedSettings(**params.settings),
        )
        write_evaluation(made.scores, scores)
        write_evaluation(made.timing, timing)
