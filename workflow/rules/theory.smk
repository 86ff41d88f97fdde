JUDGED = [
    f"results/theory/{mode}/{image}.csv" for mode in KNOWN for image in KNOWN[mode]
]
THEORY = (
    [*JUDGED, "results/tables/table8.csv", "results/figures/figure7.png"]
    if JUDGED
    else []
)


rule judge_image:
    """Compare every method on a real image with what theory says of its crystal."""
    input:
        image=real_image,
        atoms="results/atoms/{mode}/{image}.csv",
        lattice="results/lattices/{mode}/{image}.csv",
        structure=structure_of_image,
        weights=weights_of_methods,
    output:
        table="results/theory/{mode}/{image}.csv",
        images="results/theory/{mode}/{image}.npz",
        picture=report(
            "results/theory/{mode}/{image}.png",
            caption="../report/theory.rst",
            category="Real images",
            labels={"mode": "{mode}", "image": "{image}", "shown": "theory"},
        ),
    log:
        "logs/judge_image/{mode}/{image}.log",
    benchmark:
        "logs/benchmarks/judge_image/{mode}/{image}.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("8GB"),
        runtime=growing("1h"),
    params:
        code=code_digest("judge_image"),
        methods=METHODS,
        filters=lookup("filters", within=config),
        pixel_size=lambda wildcards: known(wildcards).pixel_size,
        provenance=PROVENANCE,
    script:
        "../scripts/judge_image.py"


rule table8:
    """Table 8, ours: every method on real images, against theory."""
    input:
        tables=JUDGED,
        code=code("table8"),
    output:
        csv="results/tables/table8.csv",
        markdown="results/tables/table8.md",
        tex="results/tables/table8.tex",
        html=report(
            "results/tables/table8.html",
            caption="../report/table8.rst",
            category="Tables",
            labels={"table": "8", "shows": "real images against theory"},
        ),
    log:
        "logs/table8.log",
    benchmark:
        "logs/benchmarks/table8.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/table8.py"


rule figure7:
    """Figure 7: the first real image of each mode whose crystal fits, by all methods."""
    input:
        images=[path.replace(".csv", ".npz") for path in JUDGED],
        code=code("figure7"),
    output:
        png=report(
            "results/figures/figure7.png",
            caption="../report/theory.rst",
            category="Figures",
            labels={"figure": "7", "shows": "real images against theory"},
        ),
        pdf="results/figures/figure7.pdf",
    log:
        "logs/figure7.log",
    benchmark:
        "logs/benchmarks/figure7.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("10m"),
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/figure7.py"
