"""Render a structure with abTEM and fit its atomic columns."""

from sfin.logs import job_log
from sfin.rendering import render_structure
from sfin.rendering_figure import plot_rendering
from sfin.user_structures import find_structure

if __name__ == "__main__":
    with job_log(snakemake.log[0]) as progress:
        source, name = snakemake.input.structure, snakemake.wildcards.structure
        columns = render_structure(
            find_structure(source, name, snakemake.params.entry),
            snakemake.params.settings,
            snakemake.params.seed,
            snakemake.output.columns,
            snakemake.threads,
            progress,
        )
        plot_rendering(columns, snakemake.output.figure)
