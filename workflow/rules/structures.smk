rule render_structure:
    """Render the unit cell of a structure with abTEM; fit its atomic columns."""
    input:
        structure=structure_file,
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
    wildcard_constraints:
        structure=only_if("rendered"),
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("2GB"),
        runtime=growing("30m"),
    params:
        entry=user_structure,
        settings=lookup("rendering", within=config),
        seed=config["seed"],
        scale=config["scale"],
    script:
        "../scripts/render_structure.py"


rule unpack_columns:
    """Take the atomic columns of a structure from the table that ships."""
    input:
        table=SHIPPED_COLUMNS,
        code=code("unpack_columns"),
    output:
        columns=directory("results/structures/{structure}.zarr"),
        figure=report(
            "results/structures/{structure}.png",
            caption="../report/shipped_structure.rst",
            category="Structures",
            labels={"structure": "{structure}", "shows": "fitted, as shipped"},
        ),
    log:
        "logs/unpack_columns/{structure}.log",
    benchmark:
        "logs/benchmarks/unpack_columns/{structure}.tsv"
    wildcard_constraints:
        structure=only_if("shipped"),
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("10m"),
    params:
        scale=config["scale"],
    script:
        "../scripts/unpack_columns.py"


rule column_table:
    """The table of columns that ships, of all structures in resources/structures."""
    input:
        structures=collect(
            "results/structures/{structure}.zarr", structure=DESCRIBED_STRUCTURES
        ),
        code=code("column_table"),
    output:
        table="results/structures/columns.json",
    log:
        "logs/column_table.log",
    benchmark:
        "logs/benchmarks/column_table.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("10m"),
    script:
        "../scripts/column_table.py"


rule structures:
    """All structures, rendered."""
    input:
        collect("results/structures/{structure}.zarr", structure=config["structures"]),
    localrule: True
