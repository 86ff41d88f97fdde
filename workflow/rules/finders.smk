# Levels of noise at which finders of atoms are compared: the dataset's own, and factors
# on that of the paper's Table 2.
LEVELS = ["own", *config["finders"]["stress"]["noise_factors"]]


rule compare_finders:
    """Compare SFIN with classical finders of atoms at one level of noise."""
    input:
        train="results/datasets/sfin/{mode}/train.zarr",
        test="results/datasets/sfin/{mode}/test.zarr",
        structures=collect(
            "results/structures/{structure}.zarr", structure=config["structures"]
        ),
        weights="results/models/detection/sfin/{mode}/sfin/weights.safetensors",
        confidence="results/models/detection/sfin/{mode}/sfin/confidence.json",
        paper_values="resources/paper_values.csv",
        code=code("compare_finders"),
    output:
        scores="results/finders/sfin/{mode}/{level}.csv",
        timing="results/finders/sfin/{mode}/{level}.timing.csv",
    log:
        "logs/compare_finders/sfin/{mode}/{level}.log",
    benchmark:
        "logs/benchmarks/compare_finders/sfin/{mode}/{level}.tsv"
    wildcard_constraints:
        level="|".join(map(str, LEVELS)),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("4GB"),
        runtime=growing("2h"),
    params:
        finders=lookup("finders", within=config),
        detection=lookup("detection", within=config),
        synthesis=lookup("synthesis/settings", within=config),
        seed=config["seed"],
    script:
        "../scripts/compare_finders.py"


rule table6_extended:
    """Atoms found by SFIN and by classical finders, down to hard images."""
    input:
        scores=collect(
            "results/finders/sfin/{mode}/{level}.csv",
            mode=config["modes"],
            level=LEVELS,
        ),
        timings=collect(
            "results/finders/sfin/{mode}/{level}.timing.csv",
            mode=config["modes"],
            level=LEVELS,
        ),
        code=code("table6_extended"),
    output:
        csv="results/tables/table6_extended.csv",
        markdown="results/tables/table6_extended.md",
        tex="results/tables/table6_extended.tex",
        html=report(
            "results/tables/table6_extended.html",
            caption="../report/table6_extended.rst",
            category="Tables",
            labels={"table": "6, extended", "shows": "finders of atoms"},
        ),
    log:
        "logs/table6_extended.log",
    benchmark:
        "logs/benchmarks/table6_extended.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        finders=lookup("finders", within=config),
        detection=lookup("detection", within=config),
        provenance=PROVENANCE,
    script:
        "../scripts/table6_extended.py"
