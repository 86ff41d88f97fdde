"""Compare every method on a real image of a known crystal with theory."""

from pathlib import Path

from sfin.columns import read_columns
from sfin.filters import filter_settings
from sfin.logs import job_log
from sfin.theory_report import judge, write_judgement

if __name__ == "__main__":
    given, params = snakemake.input, snakemake.params
    weights = {Path(path).parent.name: Path(path) for path in given.weights}
    with job_log(snakemake.log[0]):
        judged = judge(
            *(given.image, given.atoms, given.lattice, read_columns(given.structure)),
            *(snakemake.wildcards.mode, params.pixel_size),
            *(params.methods, weights, filter_settings(params.filters)),
        )
        write_judgement(judged, *snakemake.output, **params.provenance)
        print(judged.table.T)
