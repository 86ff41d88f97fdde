rule evaluate_extended:
    """Score a method against both truths, with its background kept and removed."""
    input:
        test="results/datasets/{dataset}/{mode}/test.zarr",
        train=tuning_pairs,
        weights=extended_weights,
        code=code("evaluate_extended"),
    output:
        scores="results/evaluation/extended/{dataset}/{mode}/{method}.csv",
        timing="results/evaluation/extended/{dataset}/{mode}/{method}.timing.csv",
    log:
        "logs/evaluate_extended/{dataset}/{mode}/{method}.log",
    benchmark:
        "logs/benchmarks/evaluate_extended/{dataset}/{mode}/{method}.tsv"
    wildcard_constraints:
        method="|".join(EXTENDED),
    conda:
        ENVIRONMENT
    # Times are those of one thread.
    threads: 1
    resources:
        mem=growing("4GB"),
        runtime=growing("2h"),
    params:
        filters=lookup("filters", within=config),
        settings=tuning_settings,
        provenance=PROVENANCE,
    script:
        "../scripts/evaluate_extended.py"


rule table1_extended:
    """Table 1 with the best rivals: both truths, and processor seconds."""
    input:
        scores=collect(
            "results/evaluation/extended/sfin/{mode}/{method}.csv",
            mode=config["modes"],
            method=EXTENDED,
        ),
        timings=collect(
            "results/evaluation/extended/sfin/{mode}/{method}.timing.csv",
            mode=config["modes"],
            method=EXTENDED,
        ),
        distributions=collect("results/calibration/{mode}.json", mode=config["modes"]),
        code=code("table1_extended"),
    output:
        csv="results/tables/table1_extended.csv",
        timing="results/tables/table1_extended.timing.csv",
        markdown="results/tables/table1_extended.md",
        tex="results/tables/table1_extended.tex",
        html=report(
            "results/tables/table1_extended.html",
            caption="../report/table1_extended.rst",
            category="Tables",
            labels={"table": "1, extended", "shows": "enhancement, best rivals"},
        ),
    log:
        "logs/table1_extended.log",
    benchmark:
        "logs/benchmarks/table1_extended.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        left_out=[
            left_out(method)
            for method in config["extended"]["methods"]
            if not installed(method)
        ],
        provenance=PROVENANCE,
    script:
        "../scripts/table1_extended.py"
