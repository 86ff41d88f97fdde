from sfin.sidecars import image_to_compare

# What is compared where both the paper's other datasets are: in HAADF.
HAADF_DATA = [data for data in DATA if Path(data).name == "haadf"]
SHOWN, SHOWN_BECAUSE = (
    image_to_compare(IMAGES["haadf"], KNOWN["haadf"], "results/real_images")
    if HAADF_DATA
    else (None, None)
)
KNOWN_HAADF = KNOWN.get("haadf", {})


rule figure9:
    """Figure 9: a real image by AtomSegNet trained on each dataset; trains two more."""
    input:
        image=str(IMAGES["haadf"][SHOWN]) if HAADF_DATA else [],
        weights=collect(
            "results/models/enhancement/{data}/atomsegnet/weights.safetensors",
            data=HAADF_DATA,
        ),
        pairs=collect("results/datasets/{data}/train.zarr", data=HAADF_DATA),
        code=code("figure9"),
    output:
        png=report(
            "results/figures/figure9.png",
            caption="../report/figure9.rst",
            category="Figures",
            labels={"figure": "9", "shows": "a real image by training data"},
        ),
        pdf="results/figures/figure9.pdf",
    log:
        "logs/figure9.log",
    benchmark:
        "logs/benchmarks/figure9.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("8GB"),
        runtime=growing("30m"),
    params:
        choice=SHOWN_BECAUSE,
        pixel_size=getattr(
            KNOWN_HAADF.get(SHOWN) or PUBLIC_IMAGES.get(SHOWN),
            "pixel_size",
            None,
        ),
        lacking=LACKING,
        provenance=PROVENANCE,
    script:
        "../scripts/figure9.py"


rule training_data:
    """Which data train best, by known crystals in real images; trains two more."""
    input:
        images=[str(IMAGES["haadf"][name]) for name in KNOWN_HAADF],
        structures=[
            f"results/structures/{image.structure}.zarr"
            for image in KNOWN_HAADF.values()
        ],
        weights=collect(
            "results/models/enhancement/{data}/atomsegnet/weights.safetensors",
            data=HAADF_DATA,
        ),
        code=code("training_data"),
    output:
        csv="results/tables/training_data.csv",
        markdown="results/tables/training_data.md",
        tex="results/tables/training_data.tex",
        html=report(
            "results/tables/training_data.html",
            caption="../report/training_data.rst",
            category="Tables",
            labels={"table": "training data", "shows": "known crystals"},
        ),
    log:
        "logs/training_data.log",
    benchmark:
        "logs/benchmarks/training_data.tsv"
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("8GB"),
        runtime=growing("1h"),
    params:
        pixel_sizes=[image.pixel_size for image in KNOWN_HAADF.values()],
        lacking=LACKING,
        provenance=PROVENANCE,
    script:
        "../scripts/training_data.py"
