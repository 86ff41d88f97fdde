"""Fit the crystal of a real image to its atoms."""

from sfin.columns import read_columns
from sfin.figures.style import write_figure
from sfin.files import write_whole
from sfin.lattice_report import check_lattice, made_by
from sfin.logs import job_log
from sfin.shipped_columns import read_table

if __name__ == "__main__":
    given, made = snakemake.input, snakemake.output
    note = made_by(**snakemake.params.provenance)
    with job_log(snakemake.log[0]):
        named = given.image, given.atoms, read_columns(given.structure)
        known = snakemake.wildcards.mode, snakemake.params.pixel_size, note
        others = read_table(given.others).values()
        row, figure = check_lattice(*named, *known, others)
        write_whole(made.table, row.to_csv(index=False, lineterminator="\n"))
        write_figure(made.picture.removesuffix(".png"), figure, note, ["png"])
        print(row.T)
