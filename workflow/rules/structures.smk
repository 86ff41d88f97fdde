rule render_structure:
    """Render the unit cell of a structure with abTEM; fit its atomic columns."""
    input:
        structure=f"{STRUCTURES}/{{structure}}.yaml",
        code=code("render_structure"),
    output:
        columns=directory("results/structures/{structure}.zarr"),
        figure=report(
            "results/structures/{structure}.png",
            caption="../report/structure.rst",
            category="Structures",
            labels={"structure": "{structure}", "shows": "rendered, fitted, residual"},
        ),
    log:
        "logs/render_structure/{structure}.log",
    benchmark:
        "logs/benchmarks/render_structure/{structure}.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem="2GB",
        runtime="30m",
    params:
        settings=lookup("rendering", within=config),
        seed=config["seed"],
        scale=config["scale"],
    script:
        "../scripts/render_structure.py"


rule structures:
    """All structures, rendered."""
    input:
        collect("results/structures/{structure}.zarr", structure=config["structures"]),
    localrule: True
