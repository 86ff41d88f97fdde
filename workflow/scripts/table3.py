"""Compare the distributions of noise parameters with those of real images: Table 3."""

from pathlib import Path

from sfin import __version__
from sfin.calibrated_samples import read_samples
from sfin.logs import job_log
from sfin.realism import table3
from sfin.realism_tables import caption3, write_table3

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        samples = read_samples(snakemake.input.real, snakemake.input.datasets)
        table = table3(samples, snakemake.input.paper_values)
        text = caption3(samples, table, __version__, snakemake.params.lacking)
        write_table3(table, Path(snakemake.output.csv).with_suffix(""), text)
        print(table.to_string())
