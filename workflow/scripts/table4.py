"""Say which situations the datasets apply to: Table 4."""

from pathlib import Path

from sfin import __version__
from sfin.applicability import caption4, table4, write_table4
from sfin.dataset_records import read_record
from sfin.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        records = [read_record(path) for path in snakemake.input.datasets]
        table = table4(records, snakemake.input.paper_values)
        text = caption4(records, table, __version__, snakemake.params.lacking)
        write_table4(table, Path(snakemake.output.csv).with_suffix(""), text)
        print(table.to_string())
