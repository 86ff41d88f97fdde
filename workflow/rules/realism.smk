rule calibrate_dataset:
    """Measure the noise of synthetic images as if they were real."""
    input:
        pairs="results/datasets/{dataset}/{mode}/train.zarr",
        code=code("calibrate_dataset"),
    output:
        patches="results/realism/{dataset}/{mode}.csv",
    log:
        "logs/calibrate_dataset/{dataset}/{mode}.log",
    benchmark:
        "logs/benchmarks/calibrate_dataset/{dataset}/{mode}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("4GB"),
        runtime=growing("1h"),
    params:
        settings=lookup("calibration", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/calibrate_dataset.py"


rule draw_contact_sheet:
    """Mix real and synthetic patches of a mode on one sheet, for a blind test."""
    input:
        pairs="results/datasets/sfin/{mode}/train.zarr",
        real="results/calibration/{mode}.csv",
        images=lambda wildcards: [str(path) for path in IMAGES[wildcards.mode].values()],
        code=code("draw_contact_sheet"),
    output:
        png=report(
            "results/realism/contact_sheet_{mode}.png",
            caption="../report/contact_sheet.rst",
            category="Datasets",
            labels={
                "dataset": "sfin",
                "mode": "{mode}",
                "split": "train",
                "shows": "real or synthetic?",
            },
        ),
        key="results/realism/contact_sheet_{mode}_key.csv",
    log:
        "logs/draw_contact_sheet/{mode}.log",
    benchmark:
        "logs/benchmarks/draw_contact_sheet/{mode}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("10m"),
    params:
        patch_size=lookup("calibration/patch_size", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/draw_contact_sheet.py"


rule contact_sheet:
    """The contact sheets of all modes: can you tell real from synthetic patches?"""
    input:
        collect(
            "results/realism/contact_sheet_{mode}.png",
            mode=config["modes"],
        ),
    localrule: True
