# TEMImageNet, which the paper compares with, in HAADF: made again by its recipe, or
# read from a download. The two have names of their own, so that nothing confuses them.


rule synthesise_temimagenet:
    """Draw pairs by TEMImageNet's recipe: a linear imaging model and shot noise."""
    input:
        structures=SHIPPED_COLUMNS,
        code=code("synthesise_temimagenet"),
    output:
        pairs=directory("results/datasets/temimagenet/haadf/{split}.zarr"),
    log:
        "logs/synthesise_temimagenet/{split}.log",
    benchmark:
        "logs/benchmarks/synthesise_temimagenet/{split}.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("4GB"),
        runtime=growing("1h"),
    params:
        number=lookup("synthesis/number/{split}", within=config),
        size=lookup("synthesis/settings/size", within=config),
        settings=lookup("temimagenet/settings", within=config),
        workers=workers_for,
        provenance=PROVENANCE,
    script:
        "../scripts/synthesise_temimagenet.py"


rule read_temimagenet:
    """Turn a download of TEMImageNet into pairs, split by groups of images."""
    input:
        download=config["temimagenet"]["download"] or [],
        code=code("read_temimagenet"),
    output:
        pairs=directory("results/datasets/temimagenet_published/haadf/{split}.zarr"),
    log:
        "logs/read_temimagenet/{split}.log",
    benchmark:
        "logs/benchmarks/read_temimagenet/{split}.tsv"
    wildcard_constraints:
        split="train|test|validation" if config["temimagenet"]["download"] else "(?!)",
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("4GB"),
        runtime=growing("1h"),
    params:
        number=lookup("synthesis/number/{split}", within=config),
        size=lookup("synthesis/settings/size", within=config),
        settings=lookup("temimagenet/groups", within=config),
        workers=workers_for,
        provenance=PROVENANCE,
    script:
        "../scripts/read_temimagenet.py"
