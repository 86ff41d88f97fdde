def only_if(origin):
    """Let a rule make structures if the config wants their columns from there."""
    wanted = config["columns"] == origin
    return "|".join([*DESCRIBED_STRUCTURES, *USER_STRUCTURES]) if wanted else "(?!)"


def structure_file(wildcards):
    """Find the file of a structure, the user's or ours."""
    user = USER_STRUCTURES.get(wildcards.structure)
    return user["file"] if user else f"{STRUCTURES}/{wildcards.structure}.yaml"


def user_structure(wildcards):
    """Give what the config says of a user's structure; nothing of ours."""
    return USER_STRUCTURES.get(wildcards.structure, {})
