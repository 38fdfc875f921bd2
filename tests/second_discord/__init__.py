"""A second opinion on Discord: SimCord's backend, an independent model of it, carried over real sockets."""
