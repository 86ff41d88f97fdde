"""Compare the noise of synthetic and of real images: Table 2."""

from pathlib import Path

from sfin import __version__
from sfin.calibrated_samples import read_samples
from sfin.logs import job_log
from sfin.realism import table2
from sfin.realism_tables import caption2, write_table2

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        samples = read_samples(snakemake.input.real, snakemake.input.datasets)
        table = table2(samples, snakemake.input.paper_values)
        text = caption2(samples, __version__, snakemake.params.lacking)
        write_table2(table, Path(snakemake.output.csv).with_suffix(""), text)
        print(table.to_string())
