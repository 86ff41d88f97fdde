rule calibrate_image:
    """Measure the noise of one real image."""
    input:
        image=real_image,
    output:
        calibration="results/calibration/{mode}/{image}.json",
    log:
        "logs/calibrate_image/{mode}/{image}.log",
    benchmark:
        "logs/benchmarks/calibrate_image/{mode}/{image}.tsv"
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("10m"),
    params:
        code=code_digest("calibrate_image"),
        settings=lookup("calibration", within=config),
        pixel_size=pixel_size,
    script:
        "../scripts/calibrate_image.py"


rule summarise_calibration:
    """Take the mean and variance of each noise parameter of a mode."""
    input:
        calibrations=calibrated_images,
        shipped=(
            "resources/calibration/{mode}.json"
            if config["images"]["without_raw"] == "shipped"
            else []
        ),
        code=code("summarise_calibration"),
    output:
        patches="results/calibration/{mode}.csv",
        distribution="results/calibration/{mode}.json",
    log:
        "logs/summarise_calibration/{mode}.log",
    benchmark:
        "logs/benchmarks/summarise_calibration/{mode}.tsv"
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    script:
        "../scripts/summarise_calibration.py"


rule plot_calibration:
    """Show how one real image was calibrated, and what was found."""
    input:
        image=real_image,
        calibration="results/calibration/{mode}/{image}.json",
    output:
        figure=report(
            "results/calibration/{mode}/{image}.png",
            caption="../report/calibration.rst",
            category="Calibration",
            labels={"mode": "{mode}", "image": "{image}"},
        ),
    log:
        "logs/plot_calibration/{mode}/{image}.log",
    benchmark:
        "logs/benchmarks/plot_calibration/{mode}/{image}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("2GB"),
        runtime=growing("10m"),
    params:
        code=code_digest("plot_calibration"),
    script:
        "../scripts/plot_calibration.py"


rule calibration:
    """The noise of all real images, and its mean and variance."""
    input:
        CALIBRATION_PICTURES,
        collect("results/calibration/{mode}.json", mode=config["modes"]),
    localrule: True
