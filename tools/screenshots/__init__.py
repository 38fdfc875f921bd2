"""The pictures in README and docs/, made anew from the running sandbox by `make screenshots`.

They are files of docs/pictures/, each named after a shot of `scenes.py`.
"""
