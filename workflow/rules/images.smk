rule fetch_image:
    """Fetch a public image and check its sum."""
    input:
        code=code("fetch_image"),
    output:
        image="results/real_images/{mode}/{image}.{suffix}",
    log:
        "logs/fetch_image/{mode}/{image}.{suffix}.log",
    benchmark:
        "logs/benchmarks/fetch_image/{mode}/{image}.{suffix}.tsv"
    priority: FIRST
    retries: 2
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("15m"),
    params:
        source=public_image,
    script:
        "../scripts/fetch_image.py"
