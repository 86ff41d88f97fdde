from sfin.optional_methods import installed, left_out

RIVALS = [method for method in config["extended"]["methods"] if installed(method)]
EXTENDED = [*RIVALS, *TRAINED]


def extended_weights(wildcards):
    """Give the weights of a network, none of a rival."""
    if wildcards.method in RIVALS:
        return []
    return f"results/models/enhancement/{{dataset}}/{{mode}}/{wildcards.method}/weights.safetensors"


def tuning_pairs(wildcards):
    """Give the pairs that a rival's settings are chosen on, none for a network."""
    return (
        "results/datasets/{dataset}/{mode}/train.zarr"
        if wildcards.method in RIVALS
        else []
    )


def tuning_settings(wildcards):
    """Give what there is to choose for a method."""
    settings = config["extended"]
    own = settings["candidates"].get(wildcards.method, {})
    return {
        "tuning_pairs": settings["tuning_pairs"],
        "candidates": {wildcards.method: own},
        "background_removal": settings["background_removal"],
    }
