JUDGED_MOVIES = [
    f"results/movies/{mode}/{movie}.csv" for mode in MOVIES for movie in MOVIES[mode]
]
MOVIE_TABLE = [*JUDGED_MOVIES, "results/tables/movies.csv"] if JUDGED_MOVIES else []


rule judge_movie:
    """Compare every method on single frames with the mean of the other frames."""
    input:
        frames=frames_of,
        weights=weights_of_methods,
        code=code("judge_movie"),
    output:
        table="results/movies/{mode}/{movie}.csv",
    log:
        "logs/judge_movie/{mode}/{movie}.log",
    benchmark:
        "logs/benchmarks/judge_movie/{mode}/{movie}.tsv"
    wildcard_constraints:
        movie=r"\w[\w-]*",
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem=growing("8GB"),
        runtime=growing("1h"),
    params:
        methods=METHODS,
        filters=lookup("filters", within=config),
        pixel_size=pixel_size_of_movie,
    script:
        "../scripts/judge_movie.py"


rule movies:
    """Table of the movies: every method on single frames of one area."""
    input:
        tables=JUDGED_MOVIES,
        code=code("movies"),
    output:
        csv="results/tables/movies.csv",
        markdown="results/tables/movies.md",
        tex="results/tables/movies.tex",
        html=report(
            "results/tables/movies.html",
            caption="../report/movies.rst",
            category="Tables",
            labels={"table": "movies", "shows": "frames against their mean"},
        ),
    log:
        "logs/movies.log",
    benchmark:
        "logs/benchmarks/movies.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem=growing("1GB"),
        runtime=growing("5m"),
    params:
        provenance=PROVENANCE,
    script:
        "../scripts/movies.py"
