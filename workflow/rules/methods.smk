from sfin.shipped_weights import shipped_epochs


def weights(wildcards):
    """Give the weights of a trained method, none of a filter."""
    if wildcards.method not in config["networks"]:
        return []
    return f"results/models/{{task}}/{{dataset}}/{{mode}}/{wildcards.method}/weights.safetensors"


def enhancement_weights(wildcards):
    """Give the weights of a network that enhances images, none of a filter."""
    if wildcards.method not in TRAINED:
        return []
    return f"results/models/enhancement/sfin/{wildcards.mode}/{wildcards.method}/weights.safetensors"


def training_settings(wildcards):
    """Merge the settings of all trainings with those of one network.

    Only our own data follow the noise model that can be drawn anew.
    """
    own = config["networks"][wildcards.method].get("training", {})
    noise = {} if wildcards.dataset == "sfin" else {"fresh_noise": False}
    return config["training"] | own | noise


def epochs(methods, task="enhancement"):
    """Give the epochs that each network is trained for, or was before it shipped."""
    if config["weights"] == "shipped":
        return shipped_epochs(SHIPPED_WEIGHTS, task, OWN_DATA, methods)
    own = {name: config["networks"][name].get("training", {}) for name in methods}
    return {name: (config["training"] | own[name])["epochs"] for name in methods}


def gpus(wildcards):
    """Count the GPUs that a training asks for."""
    settings = training_settings(wildcards)
    return 0 if settings["device"] == "cpu" else settings["devices"]


def workers_for(wildcards, threads, resources):
    """Give the workers of dask that make a dataset, of this machine or of Slurm."""
    cluster = config["synthesis"]["cluster"] | {
        "partition": resources.get("slurm_partition"),
        "account": resources.get("slurm_account"),
    }
    scheduler = config["synthesis"]["scheduler"]
    return {"scheduler": scheduler, "workers": threads, "cluster": cluster}
