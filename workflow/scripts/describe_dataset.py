"""Write the card of a dataset."""

from sfin.dataset_card import write_card
from sfin.dataset_records import read_record
from sfin.logs import job_log

if __name__ == "__main__":
    output = snakemake.output
    with job_log(snakemake.log[0]):
        write_card(read_record(snakemake.input.pairs), output.markdown, output.html)
