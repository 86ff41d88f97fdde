"""Compare every method on frames of one area with the mean of the others."""

from pathlib import Path

from sfin.files import write_whole
from sfin.filters import filter_settings
from sfin.logs import job_log
from sfin.movie_report import judge_movie

if __name__ == "__main__":
    given, names, params = snakemake.input, snakemake.wildcards, snakemake.params
    weights = {Path(path).parent.name: Path(path) for path in given.weights}
    with job_log(snakemake.log[0]):
        table = judge_movie(
            *(given.frames, names.movie, names.mode, params.pixel_size),
            *(params.methods, weights, filter_settings(params.filters)),
        )
        rows = table.to_csv(index=False, lineterminator="\n")
        write_whole(snakemake.output.table, rows)
        print(table.T)
