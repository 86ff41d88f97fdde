"""Draw Figure 6: every method on a test image of each mode."""

from pathlib import Path

from sfin import __version__
from sfin.figures.figure6 import figure6, gather_sources
from sfin.filters import filter_settings
from sfin.logs import job_log

if __name__ == "__main__":
    given = snakemake.input
    with job_log(snakemake.log[0]):
        sources = gather_sources(given.pairs, given.scores, given.weights)
        filters = filter_settings(snakemake.params.filters)
        base_path = Path(snakemake.output.png).with_suffix("")
        methods, lacking = snakemake.params.methods, snakemake.params.lacking
        print(figure6(sources, methods, filters, base_path, __version__, lacking))
