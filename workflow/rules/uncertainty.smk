rule check_enhancement:
    """Show how sure an enhanced image is, and what it leaves of its input."""
    input:
        image=real_image,
        weights="results/models/enhancement/sfin/{mode}/sfin/weights.safetensors",
        code=code("check_enhancement"),
    output:
        picture=report(
            "results/enhanced/{mode}/{image}.uncertainty.png",
            caption="../report/uncertainty.rst",
            category="Real images",
            labels={"mode": "{mode}", "image": "{image}", "shown": "uncertainty"},
        ),
        statistics="results/enhanced/{mode}/{image}.residual.csv",
        atoms="results/enhanced/{mode}/{image}.atoms.csv",
    log:
        "logs/check_enhancement/{mode}/{image}.log",
    benchmark:
        "logs/benchmarks/check_enhancement/{mode}/{image}.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("8GB"),
        runtime=growing("1h"),
    params:
        pixel_size=pixel_size,
        provenance=PROVENANCE,
    script:
        "../scripts/check_enhancement.py"
