TRIED = collect(
    "results/inventions/{mode}/{method}", mode=config["modes"], method=METHODS
)


rule judge_inventions:
    """Count the atoms that a method invents and loses where the truth is known."""
    input:
        distribution="results/calibration/{mode}.json",
        structures=collect(
            "results/structures/{structure}.zarr", structure=config["structures"]
        ),
        columns=SHIPPED_COLUMNS,
        pairs="results/datasets/sfin/{mode}/test.zarr",
        weights=enhancement_weights,
        code=code("judge_inventions"),
    output:
        counts="results/inventions/{mode}/{method}.csv",
        examples="results/inventions/{mode}/{method}.npz",
    log:
        "logs/judge_inventions/{mode}/{method}.log",
    benchmark:
        "logs/benchmarks/judge_inventions/{mode}/{method}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("4GB"),
        runtime=growing("1h"),
    params:
        inventions=lookup("inventions", within=config),
        synthesis=lookup("synthesis/settings", within=config),
        filters=lookup("filters", within=config),
        match=lookup("detection/match", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/judge_inventions.py"


rule inventions_table:
    """How many atoms each method invents and loses, beside its PSNR."""
    input:
        counts=[f"{path}.csv" for path in TRIED],
        evaluations=collect(
            "results/evaluation/enhancement/sfin/{mode}/{method}.csv",
            mode=config["modes"],
            method=METHODS,
        ),
        code=code("inventions_table"),
    output:
        csv="results/tables/inventions.csv",
        markdown="results/tables/inventions.md",
        tex="results/tables/inventions.tex",
        html=report(
            "results/tables/inventions.html",
            caption="../report/inventions.rst",
            category="Tables",
            labels={"table": "inventions", "shows": "atoms invented and lost"},
        ),
    log:
        "logs/inventions_table.log",
    benchmark:
        "logs/benchmarks/inventions_table.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        inventions=lookup("inventions", within=config),
        match=lookup("detection/match", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/inventions_table.py"


rule inventions_figure:
    """An atom removed and one added, as each method shows them."""
    input:
        examples=[f"{path}.npz" for path in TRIED],
        code=code("inventions_figure"),
    output:
        png=report(
            "results/figures/inventions.png",
            caption="../report/inventions.rst",
            category="Figures",
            labels={"figure": "inventions", "shows": "an atom removed, one added"},
        ),
        pdf="results/figures/inventions.pdf",
    log:
        "logs/inventions_figure.log",
    benchmark:
        "logs/benchmarks/inventions_figure.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("10m"),
    params:
        inventions=lookup("inventions", within=config),
        match=lookup("detection/match", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/inventions_figure.py"


rule inventions:
    """Atoms that methods invent and lose: table and picture."""
    input:
        "results/tables/inventions.csv",
        "results/figures/inventions.png",
    localrule: True
