"""Draw an atom removed and one added, as each method shows them."""

from sfin.figures.inventions import draw_inventions
from sfin.logs import job_log

if __name__ == "__main__":
    base_path = snakemake.output.png.removesuffix(".png")
    with job_log(snakemake.log[0]):
        print(draw_inventions(snakemake.input.examples, base_path, **snakemake.params))
