rule enhance_image:
    """Enhance a real image with the trained SFIN of its mode, and check the result."""
    input:
        image=real_image,
        weights="results/models/enhancement/sfin/{mode}/sfin/weights.safetensors",
    output:
        image="results/enhanced/{mode}/{image}.tif",
        signal="results/enhanced/{mode}/{image}.hspy",
        picture="results/enhanced/{mode}/{image}.png",
        comparison=report(
            "results/enhanced/{mode}/{image}.comparison.png",
            caption="../report/enhanced.rst",
            category="Real images",
            labels={"mode": "{mode}", "image": "{image}", "shown": "comparison"},
        ),
        uncertainty=report(
            "results/enhanced/{mode}/{image}.uncertainty.png",
            caption="../report/uncertainty.rst",
            category="Real images",
            labels={"mode": "{mode}", "image": "{image}", "shown": "uncertainty"},
        ),
        trust=report(
            "results/enhanced/{mode}/{image}.trust.png",
            caption="../report/trust.rst",
            category="Real images",
            labels={"mode": "{mode}", "image": "{image}", "shown": "trust"},
        ),
        numbers="results/enhanced/{mode}/{image}.trust.json",
        parts="results/enhanced/{mode}/{image}.parts.tif",
        residual="results/enhanced/{mode}/{image}.residual.csv",
        atoms="results/enhanced/{mode}/{image}.atoms.csv",
    log:
        "logs/enhance_image/{mode}/{image}.log",
    benchmark:
        "logs/benchmarks/enhance_image/{mode}/{image}.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("8GB"),
        runtime=growing("1h"),
    params:
        code=code_digest("enhance_image"),
        pixel_size=pixel_size,
        # For the captions of the report.
        provenance=PROVENANCE,
    script:
        "../scripts/enhance_image.py"


rule enhanced_images:
    """All real images, enhanced."""
    input:
        ENHANCED_IMAGES,
    localrule: True
