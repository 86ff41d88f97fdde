"""Draw Figure 9: a real image by one network, trained on each dataset."""

from pathlib import Path

from sfin import __version__
from sfin.figures.figure9 import figure9
from sfin.logs import job_log

if __name__ == "__main__":
    given, params = snakemake.input, snakemake.params
    with job_log(snakemake.log[0]):
        base_path = Path(snakemake.output.png).with_suffix("")
        shown = params.choice, params.pixel_size, base_path, __version__
        print(figure9(given.image, given.weights, given.pairs, *shown, params.lacking))
