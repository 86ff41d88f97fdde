"""Count the atoms that a method invents and loses."""

from sfin.evaluation import write_evaluation
from sfin.invention_report import TrialFiles, try_method
from sfin.inventions import write_examples
from sfin.logs import job_log

if __name__ == "__main__":
    given, names = snakemake.input, snakemake.wildcards
    paths = (given.structures, given.columns, given.distribution, given.pairs)
    files = TrialFiles(*paths, given.weights or None)
    with job_log(snakemake.log[0]):
        table, examples = try_method(
            names.method, names.mode, files, **snakemake.params
        )
        write_evaluation(snakemake.output.counts, table)
        write_examples(snakemake.output.examples, examples)
        print(table.to_string())
