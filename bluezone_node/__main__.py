"""``python -m bluezone_node …`` is ``bluezone-node …``."""

from bluezone_node.commands import main

if __name__ == "__main__":
    main()
