"""Put the comparisons of finders of atoms into one table."""

from pathlib import Path

import pandas as pd

from sfin.finder_table import write_finder_table
from sfin.finder_trials import caption
from sfin.logs import job_log

if __name__ == "__main__":
    given, settings = snakemake.input, snakemake.params
    with job_log(snakemake.log[0]):
        tables = (
            [pd.read_csv(p) for p in files] for files in (given.scores, given.timings)
        )
        base_path = Path(snakemake.output.csv).with_suffix("")
        text = caption(settings.finders, settings.detection, **settings.provenance)
        write_finder_table(*tables, base_path, text)
