rule synthesise_pairs:
    """Draw noisy and clean images from the calibrated noise."""
    input:
        distribution="results/calibration/{mode}.json",
        structures=collect(
            "results/structures/{structure}.zarr", structure=config["structures"]
        ),
        code=code("synthesise_pairs"),
    output:
        pairs=directory("results/datasets/sfin/{mode}/{split}.zarr"),
    log:
        "logs/synthesise_pairs/sfin/{mode}/{split}.log",
    benchmark:
        "logs/benchmarks/synthesise_pairs/sfin/{mode}/{split}.tsv"
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("4GB"),
        runtime=growing("1h"),
    params:
        number=lookup("synthesis/number/{split}", within=config),
        settings=lookup("synthesis/settings", within=config),
        workers=workers_for,
        provenance=PROVENANCE,
    script:
        "../scripts/synthesise_pairs.py"


rule plot_pairs:
    """Show pairs of a dataset beside each other."""
    input:
        pairs="results/datasets/{dataset}/{mode}/{split}.zarr",
        code=code("plot_pairs"),
    output:
        figure=report(
            "results/datasets/{dataset}/{mode}/{split}.png",
            caption="../report/pairs.rst",
            category="Datasets",
            labels={"dataset": "{dataset}", "mode": "{mode}", "split": "{split}"},
        ),
    log:
        "logs/plot_pairs/{dataset}/{mode}/{split}.log",
    benchmark:
        "logs/benchmarks/plot_pairs/{dataset}/{mode}/{split}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("10m"),
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/plot_pairs.py"


rule datasets:
    """All datasets: noisy and clean pairs, in Zarr stores, and pictures of them."""
    input:
        collect(
            "results/datasets/sfin/{mode}/{split}.{kind}",
            mode=config["modes"],
            split=["train", "test"],
            kind=["zarr", "png"],
        ),
    localrule: True
