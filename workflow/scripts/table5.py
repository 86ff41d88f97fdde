"""Collect the scores of SFIN and of its ablations into Table 5."""

from pathlib import Path

from sfin.ablation import ablation_table, caption, write_ablation
from sfin.logs import job_log

if __name__ == "__main__":
    given = snakemake.input
    with job_log(snakemake.log[0]):
        table = ablation_table(given.scores, given.weights, given.paper_values)
        base_path = Path(snakemake.output.csv).with_suffix("")
        write_ablation(table, base_path, caption(table))
        print(table.to_string())
