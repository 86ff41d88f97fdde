rule fit_lattice:
    """Fit the crystal of a real image to the atoms that were detected in it."""
    input:
        image=real_image,
        atoms="results/atoms/{mode}/{image}.csv",
        structure=structure_of_image,
        others=SHIPPED_COLUMNS,
    output:
        table="results/lattices/{mode}/{image}.csv",
        picture=report(
            "results/lattices/{mode}/{image}.png",
            caption="../report/lattice.rst",
            category="Real images",
            labels={"mode": "{mode}", "image": "{image}", "shown": "lattice"},
        ),
    log:
        "logs/fit_lattice/{mode}/{image}.log",
    benchmark:
        "logs/benchmarks/fit_lattice/{mode}/{image}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("4GB"),
        runtime=growing("30m"),
    params:
        code=code_digest("fit_lattice"),
        pixel_size=lambda wildcards: known(wildcards).pixel_size,
        provenance=PROVENANCE,
    script:
        "../scripts/fit_lattice.py"


rule lattices:
    """Table of the lattices of all real images whose structure is named."""
    input:
        tables=LATTICES,
        code=code("lattices"),
    output:
        csv="results/tables/lattices.csv",
        markdown="results/tables/lattices.md",
        tex="results/tables/lattices.tex",
        html=report(
            "results/tables/lattices.html",
            caption="../report/lattices.rst",
            category="Tables",
            labels={"table": "lattices", "shows": "known crystals in real images"},
        ),
    log:
        "logs/lattices.log",
    benchmark:
        "logs/benchmarks/lattices.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/lattices.py"
