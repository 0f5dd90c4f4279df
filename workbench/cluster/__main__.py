"""`make cluster`: on the cluster that KUBECONFIG names, else on one that kind makes here. Prints what it measured.

Everything happens in a namespace of its own, which goes in the end. Not part of `make test`: it needs a cluster and two images in it.
"""

from __future__ import annotations

import argparse
import sys

from workbench.cluster import where
from workbench.cluster.jobs import Jobs
from workbench.cluster.life import Release, life
from workbench.cluster.tools import Failed, Tools


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workbench.cluster", description=__doc__)
    parser.add_argument(
        "--registry", default="", help="where the cluster finds the images; empty: made here, for kind"
    )
    parser.add_argument("--tag", default="check")
    parser.add_argument("--skip-where-impossible", action="store_true")
    options = parser.parse_args()
    rows: list[tuple[str, str, str]] = []
    try:
        with where.cluster(options.registry, options.tag) as config:
            for major in (4, 3):
                tools = Tools(config, major)
                with Jobs(tools, options.registry, options.tag) as jobs:
                    release = Release(tools, options.registry, options.tag)
                    rows += [(f"Helm {tools.version}", *row) for row in life(release, jobs)]
    except where.Nowhere as nowhere:
        print(nowhere)
        return 0 if options.skip_where_impossible else 1
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    finally:
        for row in rows:
            print(f"{row[0]:<12} {row[1]:<44} {row[2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
