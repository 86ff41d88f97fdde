"""Draw Figure 6: every method on a test image of each mode."""

from pathlib import Path

from sfin import __version__
from sfin.figures.figure6 import Source, figure6
from sfin.filters import filter_settings
from sfin.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        rows = zip(snakemake.input.pairs, snakemake.input.scores, strict=True)
        models = [Path(path) for path in snakemake.input.weights]
        sources = [
            Source(
                Path(pairs),
                Path(scores),
                # .../{mode}/{method}/weights.safetensors
                {p.parent.name: p for p in models if p.parts[-3] == mode},
            )
            for mode, (pairs, scores) in zip(snakemake.params.modes, rows, strict=True)
        ]
        print(
            figure6(
                sources,
                snakemake.params.methods,
                filter_settings(snakemake.params.filters),
                Path(snakemake.output.png).with_suffix(""),
                __version__,
            )
        )
