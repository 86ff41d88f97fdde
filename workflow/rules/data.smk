from sfin.names import absent_data, absent_trainings
from sfin.shipped_weights import shipped_methods

# What this run makes data of, which methods it compares on them, and what it lacks.
OWN_DATA = [f"sfin/{mode}" for mode in config["modes"]]


def at_hand(methods, task="enhancement", data=OWN_DATA):
    """Leave out networks that do not ship, where only those that do are used."""
    if config["weights"] == "trained":
        return methods
    names = config["networks"]
    return shipped_methods(SHIPPED_WEIGHTS, task, data, methods, names)


METHODS = at_hand(config["methods"])
TRAINED = [method for method in METHODS if method in config["networks"]]
# The comparison dataset that is used, of HAADF alone: the user's download of it, or
# one made here by its recipe, which tables and captions call re-synthesised.
TEMIMAGENET = (
    "temimagenet_published" if config["temimagenet"]["download"] else "temimagenet"
)
COMPARED = [f"{TEMIMAGENET}/haadf"] if "haadf" in config["modes"] else []
# Its GAN too translates HAADF alone.
GAN_DATA = ["gan/haadf"] if "haadf" in config["modes"] and config["gan"]["use"] else []
# All of them, as the paper's tables order them, and those that networks are trained on
# for Table 1 and Figure 6.
DATA = [*GAN_DATA, *COMPARED, *OWN_DATA]
COMPARED_TRAININGS = config["comparison_trainings"] and config["weights"] == "trained"
TRAINED_ON = [*COMPARED, *OWN_DATA] if COMPARED_TRAININGS else OWN_DATA
# What tables and figures say they lack.
LACKING = absent_data(config["modes"], bool(GAN_DATA))
LACKING_TRAININGS = absent_trainings(config["modes"], COMPARED_TRAININGS)
LACKING_TRAININGS += [
    f"{method}, which does not ship"
    for method in config["methods"]
    if method not in METHODS
]
DATASET_PICTURES = collect(
    "results/datasets/sfin/{mode}/{split}.png",
    mode=config["modes"],
    split=["train", "test"],
)
