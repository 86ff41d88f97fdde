"""Render a structure with abTEM and fit its atomic columns."""

from pathlib import Path

from sfin.logs import job_log
from sfin.rendering import render_structure
from sfin.rendering_figure import plot_rendering

if __name__ == "__main__":
    with job_log(snakemake.log[0]) as progress:
        columns = render_structure(
            Path(snakemake.input.structure),
            snakemake.params.settings,
            snakemake.params.seed,
            Path(snakemake.output.columns),
            snakemake.threads,
            progress,
        )
        plot_rendering(columns, Path(snakemake.output.figure))
