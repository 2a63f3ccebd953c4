"""Run the command line from a clone: ``python cli.py …`` is ``bluezone-node …``."""

from bluezone_node.commands import main

if __name__ == "__main__":
    main()
