"""Mix real and synthetic patches on one sheet, with a key."""

from pathlib import Path

from sfin import __version__
from sfin.dataset_records import read_record
from sfin.figures.contact_sheet import choose_tiles, contact_sheet, read_patches
from sfin.logs import job_log

if __name__ == "__main__":
    given, output, params = snakemake.input, snakemake.output, snakemake.params
    with job_log(snakemake.log[0]):
        record = read_record(given.pairs)
        images = {Path(path).stem: Path(path) for path in given.images}
        patches = read_patches(given.real)
        seed = params.provenance["seed"]
        tiles = choose_tiles(record, patches, images, params.patch_size, seed)
        base_path = Path(output.png).with_suffix("")
        print(contact_sheet(tiles, record, base_path, output.key, __version__))
