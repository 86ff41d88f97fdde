def weights(wildcards):
    """Give the weights of a trained method, none of a filter."""
    if wildcards.method not in config["networks"]:
        return []
    return f"results/models/{{task}}/{{dataset}}/{{mode}}/{wildcards.method}/weights.safetensors"


def training_settings(wildcards):
    """Merge the settings of all trainings with those of one network."""
    own = config["networks"][wildcards.method].get("training", {})
    return config["training"] | own


def epochs(methods):
    """Give the epochs that each network is trained for."""
    own = {name: config["networks"][name].get("training", {}) for name in methods}
    return {name: (config["training"] | own[name])["epochs"] for name in methods}


def gpus(wildcards):
    """Count the GPUs that a training asks for."""
    settings = training_settings(wildcards)
    return 0 if settings["device"] == "cpu" else settings["devices"]
