"""A local Discord on 127.0.0.1: REST, gateway and CDN as an unmodified bot uses them, and the people in front of it.

`server.LocalDiscord` is the door. It needs no account and no network, keeps Discord's rules (refusals, limits, expiry),
and lets a test or a page act as a person through `person.Person`.
"""
