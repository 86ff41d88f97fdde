"""Draw Figure 7: real images by every method, beside theory."""

from sfin.logs import job_log
from sfin.theory_report import draw_figure7

if __name__ == "__main__":
    base_path = snakemake.output.png.removesuffix(".png")
    with job_log(snakemake.log[0]):
        images, made = snakemake.input.images, snakemake.params.provenance
        print(draw_figure7(images, base_path, **made))
